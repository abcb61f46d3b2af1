//! A job's definition as a whole, as versions keep it and `sync_export_job` writes it. It holds no
//! secrets: those are in the user mapping of its source.
//!
//! `docs/job.schema.json` describes it to others; a test holds both together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::options::JobOptions;
use super::state::JobMode;
use super::unit_options::UnitOptions;
use crate::error::{Error, Kind, Result};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Name of the foreign server.
    pub source: String,
    #[serde(default = "all")]
    pub units: Vec<String>,
    pub target_schema: String,
    #[serde(default = "full")]
    pub mode: String,
    #[serde(default)]
    pub options: Map<String, Value>,
    #[serde(default)]
    pub unit_options: BTreeMap<String, Map<String, Value>>,
    /// Names of jobs.
    #[serde(default)]
    pub depends_on: Vec<String>,
}

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

fn full() -> String {
    JobMode::Full.as_str().to_owned()
}

impl Definition {
    /// Of a JSON document whose key `job` has the name; checks all that can be checked without a
    /// database.
    pub fn import(document: &Value) -> Result<(String, Definition)> {
        let mut fields = document
            .as_object()
            .cloned()
            .ok_or_else(|| invalid("it is not an object"))?;
        fields.remove("$schema");
        let name = match fields.remove("job") {
            Some(Value::String(name)) if !name.is_empty() => name,
            _ => return Err(invalid("\"job\" has to be a name")),
        };
        // A job's schema is named after it unless something else is said.
        fields
            .entry("target_schema")
            .or_insert_with(|| Value::String(name.clone()));
        let definition: Definition = serde_json::from_value(Value::Object(fields))
            .map_err(|error| invalid(&error.to_string()))?;
        definition.check()?;
        Ok((name, definition))
    }

    /// The same the other way.
    pub fn export(&self, name: &str) -> Value {
        let mut fields = Map::new();
        fields.insert("job".into(), Value::String(name.to_owned()));
        if let Ok(Value::Object(rest)) = serde_json::to_value(self) {
            fields.extend(rest);
        }
        Value::Object(fields)
    }

    pub fn check(&self) -> Result<()> {
        self.mode()?;
        super::name::check_name("target schema", &self.target_schema)?;
        super::name::check_name("source", &self.source)?;
        JobOptions::parse(&Value::Object(self.options.clone()))?;
        for options in self.unit_options.values() {
            UnitOptions::parse(&Value::Object(options.clone()))?;
        }
        Ok(())
    }

    pub fn mode(&self) -> Result<JobMode> {
        JobMode::parse(&self.mode).ok_or_else(|| {
            Error::new(
                Kind::InvalidParameter,
                format!("mode \"{}\" is not known", self.mode),
            )
            .with_hint("Allowed: full, stream.")
        })
    }
}

fn invalid(why: &str) -> Error {
    Error::new(
        Kind::InvalidParameter,
        "the document is no definition of a job",
    )
    .with_detail(format!("{why}."))
    .with_hint("SELECT sync_job_schema(); describes one, sync_export_job writes one")
}

/// A difference between two definitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Keys joined by dots, a unit's name in the place of one: `options.workers`.
    pub path: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// What `after` says otherwise than `before`: objects are compared key by key, all else as a whole.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    let nothing = Map::new();
    let object = |value: Option<&'_ Value>| match value {
        Some(Value::Object(fields)) => Some(fields.clone()),
        None => Some(nothing.clone()),
        Some(_) => None,
    };
    match (object(before), object(after)) {
        (Some(left), Some(right)) if !(left.is_empty() && right.is_empty()) => {
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let path = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                compare(&path, left.get(key), right.get(key), found);
            }
        }
        _ => found.push(Difference {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_exported_can_be_imported() {
        let document = json!({
            "job": "shop", "source": "src", "units": ["a*", "!ab"], "target_schema": "s",
            "mode": "stream", "options": {"workers": 3}, "unit_options": {"a": {"priority": "high"}},
            "depends_on": ["other"]
        });
        let (name, definition) = Definition::import(&document).unwrap();
        assert_eq!(definition.export(&name), document);
    }

    #[test]
    fn little_is_needed() {
        let (name, definition) =
            Definition::import(&json!({"job": "shop", "source": "src"})).unwrap();
        assert_eq!((name.as_str(), definition.mode.as_str()), ("shop", "full"));
        assert_eq!(definition.target_schema, "shop");
        assert_eq!(definition.units, ["*"]);
    }

    #[test]
    fn what_is_no_definition_is_refused() {
        for document in [
            json!(null),
            json!([]),
            json!({}),
            json!({"job": "j"}),
            json!({"job": "", "source": "s"}),
            json!({"job": 1, "source": "s"}),
            json!({"job": "j", "source": "s", "unit": ["*"]}),
            json!({"job": "j", "source": "s", "units": "*"}),
            json!({"job": "j", "source": "s", "mode": "fast"}),
            json!({"job": "j", "source": "s", "options": {"wokers": 1}}),
            json!({"job": "j", "source": "s", "unit_options": {"t": {"priority": "highest"}}}),
            json!({"job": "j", "source": "s", "target_schema": ""}),
        ] {
            let error = Definition::import(&document).unwrap_err();
            assert!(error.hint.is_some() || error.detail.is_some(), "{document}");
        }
    }

    #[test]
    fn the_published_schema_knows_the_same_options() {
        let schema: Value =
            serde_json::from_str(include_str!("../../docs/job.schema.json")).unwrap();
        let names = |path: &str| -> Vec<String> {
            let found = schema.pointer(path).and_then(Value::as_object).unwrap();
            found.keys().cloned().collect()
        };
        let sorted = |names: &[&str]| -> Vec<String> {
            let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(
            names("/properties/options/properties"),
            sorted(&JobOptions::NAMES)
        );
        assert_eq!(
            names("/properties/unit_options/additionalProperties/properties"),
            sorted(&UnitOptions::NAMES)
        );
        let (_, definition) = Definition::import(&json!({"job": "j", "source": "s"})).unwrap();
        let Value::Object(mut fields) = definition.export("j") else {
            panic!("no object")
        };
        fields.insert("$schema".into(), Value::Null);
        let mut known = names("/properties");
        known.sort();
        let mut fields: Vec<String> = fields.keys().cloned().collect();
        fields.sort();
        assert_eq!(fields, known);
    }

    #[test]
    fn differences_are_named_by_path() {
        let before = json!({"source": "a", "units": ["*"], "options": {"workers": 2, "names": "keep"}, "unit_options": {}});
        let after = json!({"source": "a", "units": ["x"], "options": {"workers": 3}, "unit_options": {"t": {"filter": "id > 1"}}});
        let found: Vec<String> = differences(&before, &after)
            .into_iter()
            .map(|found| {
                format!(
                    "{} {} {}",
                    found.path,
                    found.before.unwrap_or(Value::Null),
                    found.after.unwrap_or(Value::Null)
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                r#"options.names "keep" null"#,
                "options.workers 2 3",
                r#"unit_options.t.filter null "id > 1""#,
                r#"units ["*"] ["x"]"#,
            ]
        );
        assert_eq!(differences(&before, &before), []);
    }
}
