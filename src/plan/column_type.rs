//! The type of a target column: the user's rule, else the one that holds every value, in the form
//! that the job wants enums and case-insensitive text in.

use super::cast::rule;
use super::collation::icu;
use super::context::PlanContext;
use super::identifier::{literal, qualified, quote};
use super::names;
use super::reuse::{OWN_ROLE, create_or_reuse};
use crate::codec::{self, ColumnEncoder, ColumnRules};
use crate::error::{Error, Kind, Result};
use crate::model::cast::{Cast, Casts};
use crate::model::name::MAX_NAME_BYTES;
use crate::model::options::{CaseInsensitive, Enums};
use crate::model::pg_type::{PgType, oid};
use crate::model::table::{SourceColumn, SourceType};

/// A type, and what it takes to have it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Typed {
    /// What the codec writes.
    pub target: PgType,
    /// What DDL writes.
    pub type_name: String,
    /// A rule of the user chose it.
    pub cast: bool,
    /// Creates the type or the collation.
    pub prepare: Option<String>,
    pub warning: Option<String>,
}

impl Typed {
    fn named(oid: u32, type_name: &str) -> Typed {
        Typed {
            target: PgType::plain(oid),
            type_name: type_name.to_string(),
            cast: false,
            prepare: None,
            warning: None,
        }
    }

    fn built_in(target: PgType) -> Result<Typed> {
        Ok(Typed {
            target,
            ..Typed::named(target.oid, &codec::type_name(target)?)
        })
    }
}

pub(super) fn column_type(
    column: &SourceColumn,
    target_name: &str,
    casts: &Casts,
    context: &PlanContext<'_>,
) -> Result<Typed> {
    match rule(casts, column) {
        Some(cast) => chosen(column, target_name, cast, context),
        None => default(column, target_name, context),
    }
}

/// The rules by which the codec judges and writes a unit's column.
pub(super) fn rules(cast: bool, context: &PlanContext<'_>) -> ColumnRules {
    ColumnRules {
        policies: context.job.values.policies(&context.unit.values),
        cast,
    }
}

/// The type that a rule names, where the codec has a way from the source's to it.
fn chosen(
    column: &SourceColumn,
    target_name: &str,
    cast: &Cast,
    context: &PlanContext<'_>,
) -> Result<Typed> {
    let told = format!("cast rule \"{}\": \"{}\"", cast.from, cast.to);
    let wanted = cast.to.trim().to_ascii_lowercase();
    let typed = match wanted.as_str() {
        "citext" => citext(context)?,
        "geometry" => Typed::named(oid::GEOMETRY, geometry(context)?),
        "enum" => {
            let SourceType::Enum { labels } = &column.source_type else {
                return Err(refused(column, &told).with_detail("Only an enum has labels."));
            };
            enum_type(labels, target_name, context)
        }
        _ => codec::parse_type(&cast.to)
            .and_then(Typed::built_in)
            .map_err(|mut error| {
                error.message = format!("{told}: {}", error.message);
                error
            })?,
    };
    match ColumnEncoder::new(column, typed.target, rules(true, context)) {
        Ok(_) => Ok(Typed {
            cast: true,
            ..typed
        }),
        Err(_) => Err(refused(column, &told)),
    }
}

fn refused(column: &SourceColumn, told: &str) -> Error {
    Error::new(
        Kind::InvalidParameter,
        format!(
            "{told} does not suit column \"{}\" of type {}",
            column.name, column.type_name
        ),
    )
    .with_hint("Take the rule back or choose another type: SELECT sync_alter_unit('<job>', '<unit>', '{\"casts\": {…}}'); or sync_alter_job.")
}

fn default(column: &SourceColumn, target_name: &str, context: &PlanContext<'_>) -> Result<Typed> {
    match &column.source_type {
        SourceType::Geometry { srid } => {
            if let Some(geometry) = &context.installed.geometry {
                let name = match srid {
                    Some(srid @ 1..) => format!("{geometry}(Geometry,{srid})"),
                    _ => geometry.clone(),
                };
                return Ok(Typed::named(oid::GEOMETRY, &name));
            }
        }
        SourceType::Enum { labels } if context.job.enums == Enums::Type => {
            return Ok(enum_type(labels, target_name, context));
        }
        SourceType::Char { .. } | SourceType::VarChar { .. } | SourceType::Text => {
            if let Some(collation) = icu(column, context.target_schema) {
                match context.job.case_insensitive {
                    CaseInsensitive::Exact => {}
                    CaseInsensitive::Citext => return citext(context),
                    CaseInsensitive::Icu => {
                        let typed = Typed::built_in(codec::default_type(column)?)?;
                        return Ok(Typed {
                            type_name: format!("{} COLLATE {}", typed.type_name, collation.name),
                            prepare: Some(collation.create_sql),
                            ..typed
                        });
                    }
                }
            }
        }
        _ => {}
    }
    Typed::built_in(codec::default_type(column)?)
}

fn citext(context: &PlanContext<'_>) -> Result<Typed> {
    match &context.installed.citext {
        Some(name) => Ok(Typed::named(oid::TEXT, name)),
        None => Err(Error::new(
            Kind::ObjectMissing,
            "the extension citext is not installed in this database",
        )
        .with_hint("CREATE EXTENSION citext;")),
    }
}

fn geometry<'a>(context: &'a PlanContext<'_>) -> Result<&'a str> {
    context.installed.geometry.as_deref().ok_or_else(|| {
        Error::new(
            Kind::ObjectMissing,
            "the extension postgis is not installed in this database",
        )
        .with_hint("CREATE EXTENSION postgis;")
    })
}

/// An enum type of the column's own, named after table and column; text where PostgreSQL could not
/// hold a label.
fn enum_type(labels: &[String], target_name: &str, context: &PlanContext<'_>) -> Typed {
    let held = |label: &String| label.len() <= MAX_NAME_BYTES && !label.contains('\0');
    let short = labels.iter().all(held);
    if labels.is_empty() || !short || !told_in_full(labels) {
        let reason = match short {
            false => format!("a label of an enum type has at most {MAX_NAME_BYTES} bytes and no NUL"),
            true => "the source's catalog shows characters of four bytes as ?, and one of the labels has a ?".to_string(),
        };
        return Typed {
            warning: Some(format!(
                "column {} becomes text: {reason}",
                quote(target_name)
            )),
            ..Typed::named(oid::TEXT, "text")
        };
    }
    // Always with the table's name in front: columns x and t_x of a table t are two.
    let name = format!("{}_{target_name}", context.target_table);
    let name = names::owned(context.target_table, &name, context.target_tables);
    let name = qualified(context.target_schema, &name);
    Typed {
        prepare: Some(create_enum(&name, labels)),
        ..Typed::named(oid::TEXT, &name)
    }
}

/// Are the labels sure to be what they are at the source? The catalogs of both servers are in
/// characters of up to three bytes: a longer one in a label is a question mark there, and nothing
/// tells which it is.
pub(super) fn told_in_full(labels: &[String]) -> bool {
    !labels.iter().any(|label| label.contains('?'))
}

/// Labels are compared in the catalog: a cast to text could be another role's function.
fn create_enum(name: &str, labels: &[String]) -> String {
    let labels: Vec<String> = labels.iter().map(|label| literal(label)).collect();
    let labels = labels.join(", ");
    create_or_reuse(
        &format!("CREATE TYPE {name} AS ENUM ({labels})"),
        &format!(
            "SELECT FROM pg_catalog.pg_type AS t\n        \
             WHERE t.oid = {}::pg_catalog.regtype AND t.typtype = 'e' AND t.typowner = {OWN_ROLE}\n        \
             AND ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum AS e \
             WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) = ARRAY[{labels}]",
            literal(name)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Planning, orders};
    use crate::error::Kind;
    use crate::model::table::{SourceTable, SourceType};

    fn with_enum(name: &str, labels: &[&str]) -> SourceTable {
        let mut table = orders();
        let column = table.columns.last_mut().unwrap();
        column.name = name.to_string();
        column.source_type = SourceType::Enum {
            labels: labels.iter().map(|label| label.to_string()).collect(),
        };
        table
    }

    #[test]
    fn an_enum_type_is_named_after_table_and_column() {
        let job = Planning::job(serde_json::json!({"enums": "type"}));
        for (name, expected) in [
            ("status", "shop.orders_status"),
            ("orders_status", "shop.orders_orders_status"),
        ] {
            let plan = job.plan(&with_enum(name, &["a"]), &[true, true]).unwrap();
            assert_eq!(plan.columns[3].type_name, expected);
            assert!(plan.prepare[0].contains(&format!("CREATE TYPE {expected} AS ENUM ('a')")));
            assert!(plan.checks.is_empty());
        }
        for label in ["a\0", &"ä".repeat(32)] {
            let plan = job.plan(&with_enum("e", &[label]), &[true, true]).unwrap();
            assert_eq!(plan.columns[3].type_name, "text");
            assert!(plan.warnings.iter().any(|w| w.contains("becomes text")));
            assert!(
                plan.create_sql()
                    .unwrap()
                    .iter()
                    .all(|sql| !sql.contains('\0'))
            );
        }
    }

    #[test]
    fn a_rule_that_does_not_suit_names_itself_and_the_column() {
        for (to, told) in [
            ("bit(3)", "cast rule \"note\": \"bit(3)\""),
            ("enum", "cast rule \"note\": \"enum\""),
            ("nonsense", "cast rule \"note\": \"nonsense\""),
        ] {
            let unit = Planning::unit(serde_json::json!({"casts": {"note": to}}));
            let error = unit.plan(&orders(), &[true, true]).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidParameter);
            assert!(error.message.starts_with(told), "{error}");
            assert!(error.hint.is_some());
        }
        let unit = Planning::unit(serde_json::json!({"casts": {"note": "geometry"}}));
        let error = unit.plan(&orders(), &[true, true]).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("CREATE EXTENSION postgis;"));
    }
}
