//! Options of a unit: what it does otherwise than its job.

use serde_json::Value;

use super::option_value::Given;
use super::options::{EXISTING_ROWS, ExistingRows};
use super::policy::OnDdl;
use super::state::Priority;
use super::value_options::ValueOptions;
use crate::error::Result;

/// What a unit does otherwise than its job; None: as the job, or as the source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnitOptions {
    /// The target table's name, when it is not the source's.
    pub target: Option<String>,
    /// The columns to copy, in the order of a table to be created.
    pub columns: Option<Vec<String>>,
    /// A WHERE condition in the source's SQL.
    pub filter: Option<String>,
    /// The columns of the key to walk by.
    pub key: Option<Vec<String>>,
    pub priority: Option<Priority>,
    pub existing_rows: Option<ExistingRows>,
    pub on_ddl: Option<OnDdl>,
    /// Casts are by column here.
    pub values: ValueOptions,
}

impl UnitOptions {
    pub const NAMES: [&str; 13] = [
        "target",
        "columns",
        "filter",
        "key",
        "priority",
        "existing_rows",
        "on_ddl",
        "casts",
        "zero_date",
        "nul_byte",
        "invalid_text",
        "out_of_range",
        "max_rejects",
    ];

    pub fn parse(options: &Value) -> Result<Self> {
        let given = Given::new(options, &Self::NAMES)?;
        let priorities = [Priority::High, Priority::Medium, Priority::Low]
            .map(|priority| (priority.as_str(), priority));
        Ok(UnitOptions {
            target: given.option("target").map(|o| o.name()).transpose()?,
            columns: given.option("columns").map(|o| o.columns()).transpose()?,
            filter: given.option("filter").map(|o| o.text()).transpose()?,
            key: given.option("key").map(|o| o.columns()).transpose()?,
            priority: given
                .option("priority")
                .map(|o| o.word(&priorities))
                .transpose()?,
            existing_rows: given
                .option("existing_rows")
                .map(|o| o.word(&EXISTING_ROWS))
                .transpose()?,
            on_ddl: given
                .option("on_ddl")
                .map(|o| o.word(&OnDdl::WORDS))
                .transpose()?,
            values: ValueOptions::read(&given)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use serde_json::json;

    #[test]
    fn every_option_is_read() {
        assert_eq!(
            UnitOptions::parse(&json!({})).unwrap(),
            UnitOptions::default()
        );
        let unit = UnitOptions::parse(&json!({
            "target": "Bestellungen", "columns": ["id", "note"], "filter": "id > 7",
            "key": ["id"], "priority": "high", "existing_rows": "replace",
            "on_ddl": "resync"
        }))
        .unwrap();
        assert_eq!(
            unit,
            UnitOptions {
                target: Some("Bestellungen".into()),
                columns: Some(vec!["id".into(), "note".into()]),
                filter: Some("id > 7".into()),
                key: Some(vec!["id".into()]),
                priority: Some(Priority::High),
                existing_rows: Some(ExistingRows::Replace),
                on_ddl: Some(OnDdl::Resync),
                values: ValueOptions::default(),
            }
        );
    }

    #[test]
    fn an_unknown_option_lists_the_allowed_ones() {
        let error = UnitOptions::parse(&json!({"workers": 3})).unwrap_err();
        let hint = error.hint.unwrap();
        assert!(UnitOptions::NAMES.iter().all(|name| hint.contains(name)));
    }

    #[test]
    fn unit_names_are_checked() {
        for bad in [
            json!({"target": ""}),
            json!({"target": "x".repeat(64)}),
            json!({"target": 3}),
            json!({"columns": []}),
            json!({"columns": "id"}),
            json!({"columns": ["id", "id"]}),
            json!({"columns": ["id", 1]}),
            json!({"key": [""]}),
            json!({"filter": " "}),
            json!({"filter": "a\u{0}"}),
            json!({"priority": "urgent"}),
            json!({"on_ddl": "skip"}),
        ] {
            let error = UnitOptions::parse(&bad).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidParameter, "{bad}");
            assert!(error.hint.is_some());
        }
    }
}
