//! What becomes of one source table: its target, its columns with their types, the key it is
//! walked by. Everything a person has to settle first is an error that names the statement.

use serde::{Deserialize, Serialize};

use super::identifier::{check_name, literal};
use super::key::choose_key;
use super::near::near;
use crate::codec;
use crate::error::{Error, Kind, Result};
use crate::model::pg_type::PgType;
use crate::model::table::{SourceColumn, SourceTable};
use crate::model::unit_options::UnitOptions;

/// PostgreSQL's limit of columns in a table.
const MAX_COLUMNS: usize = 1600;

/// Columns every PostgreSQL table has already.
const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"];

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct TablePlan {
    pub source_schema: String,
    pub source_table: String,
    pub target_schema: String,
    pub target_table: String,
    pub columns: Vec<ColumnPlan>,
    pub key: Option<KeyPlan>,
    /// The source's primary key where all its columns are copied, be it a key to walk by or not.
    pub primary_key: Option<Vec<String>>,
    /// A condition in the source's SQL.
    pub filter: Option<String>,
    pub rows_estimated: Option<u64>,
    pub bytes_estimated: Option<u64>,
    pub warnings: Vec<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ColumnPlan {
    pub source: SourceColumn,
    pub target_name: String,
    pub target: PgType,
}

/// The key a unit is walked by; its columns have the same names at both sides.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct KeyPlan {
    /// The index at the source.
    pub index: String,
    pub columns: Vec<String>,
    pub primary: bool,
}

/// `usable` tells which of the table's keys the source can walk, in the order of `table.keys`.
pub fn plan_table(
    table: &SourceTable,
    usable: &[bool],
    target_schema: &str,
    options: &UnitOptions,
) -> Result<TablePlan> {
    check_name("target schema", target_schema)?;
    let target_table = options.target.as_ref().unwrap_or(&table.name);
    check_name("target table", target_table).map_err(|error| {
        error.with_hint(format!(
            "Give the target a name of its own: {}.",
            alter_unit(table, &serde_json::json!({"target": "short_name"}))
        ))
    })?;
    let chosen = choose_columns(table, options.columns.as_deref())?;
    let columns = plan_columns(table, &chosen)?;
    let mut warnings = Vec::new();
    let key = choose_key(
        table,
        usable,
        &chosen,
        options.key.as_deref(),
        &mut warnings,
    )?;
    Ok(TablePlan {
        source_schema: table.schema.clone(),
        source_table: table.name.clone(),
        target_schema: target_schema.to_string(),
        target_table: target_table.clone(),
        primary_key: table
            .keys
            .iter()
            .find(|key| key.primary)
            .map(|key| key.columns.clone())
            .filter(|key| {
                key.iter()
                    .all(|name| chosen.iter().any(|column| &column.name == name))
            }),
        columns,
        key,
        filter: options.filter.clone(),
        rows_estimated: table.rows_estimated,
        bytes_estimated: table.bytes_estimated,
        warnings,
    })
}

impl TablePlan {
    /// How the unit's first copy is cut, in words for `sync_plan`.
    pub fn chunking(&self, chunk_rows: u64) -> String {
        let Some(key) = &self.key else {
            return "one transaction (no key)".to_string();
        };
        match self.rows_estimated {
            Some(rows) if rows <= chunk_rows => "one chunk".to_string(),
            _ => format!(
                "chunks of {chunk_rows} rows by ({})",
                key.columns.join(", ")
            ),
        }
    }
}

/// The statement that changes an option of the unit; only the user knows the job's name.
pub(super) fn alter_unit(table: &SourceTable, options: &serde_json::Value) -> String {
    format!(
        "SELECT sync_alter_unit('<job>', {}, {})",
        literal(&table.name),
        literal(&options.to_string())
    )
}

fn choose_columns<'a>(
    table: &'a SourceTable,
    wanted: Option<&[String]>,
) -> Result<Vec<&'a SourceColumn>> {
    if table.columns.is_empty() {
        return Err(Error::new(
            Kind::SourceObjectMissing,
            format!("source table \"{}\" shows no column", table.name),
        )
        .with_hint("Columns are shown to a user with a privilege on them: GRANT SELECT on the table at the source."));
    }
    let Some(wanted) = wanted else {
        return Ok(table.columns.iter().collect());
    };
    let find = |name: &String| table.columns.iter().find(|column| column.name == *name);
    let unknown: Vec<&String> = wanted.iter().filter(|name| find(name).is_none()).collect();
    if !unknown.is_empty() {
        return Err(unknown_columns(table, &unknown));
    }
    Ok(wanted.iter().filter_map(find).collect())
}

fn unknown_columns(table: &SourceTable, unknown: &[&String]) -> Error {
    let named: Vec<String> = unknown.iter().map(|name| format!("\"{name}\"")).collect();
    let existing: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let meant: Vec<String> = unknown
        .iter()
        .filter_map(|name| near(name, existing.iter().copied()).first().copied())
        .map(|name| format!("\"{name}\""))
        .collect();
    let hint = if meant.is_empty() {
        format!(
            "Take all columns: {}.",
            alter_unit(table, &serde_json::json!({"columns": null}))
        )
    } else {
        format!("Perhaps you meant {}.", meant.join(", "))
    };
    Error::new(
        Kind::SourceObjectMissing,
        format!(
            "source table \"{}\" has no column {}",
            table.name,
            named.join(", ")
        ),
    )
    .with_detail(format!("Its columns are: {}.", existing.join(", ")))
    .with_hint(hint)
}

/// Gives each column its type. All columns that cannot be copied are told at once, with the
/// statement that leaves them out.
fn plan_columns(table: &SourceTable, chosen: &[&SourceColumn]) -> Result<Vec<ColumnPlan>> {
    let mut columns = Vec::with_capacity(chosen.len());
    let mut refused: Vec<(&str, Error)> = Vec::new();
    for column in chosen {
        match plan_column(column) {
            Ok(planned) => columns.push(planned),
            Err(error) => refused.push((&column.name, error)),
        }
    }
    let Some((_, first)) = refused.first() else {
        if columns.len() > MAX_COLUMNS {
            return Err(Error::new(
                Kind::InvalidParameter,
                format!("table \"{}\" has {} columns", table.name, columns.len()),
            )
            .with_detail(format!("A PostgreSQL table has at most {MAX_COLUMNS}."))
            .with_hint(format!(
                "Choose fewer: {}.",
                alter_unit(table, &serde_json::json!({"columns": ["..."]}))
            )));
        }
        return Ok(columns);
    };
    let error = match refused.as_slice() {
        [(_, only)] => only.clone(),
        several => {
            let lines: Vec<&str> = several.iter().map(|(_, e)| e.message.as_str()).collect();
            Error::new(
                first.kind,
                format!(
                    "{} columns of source table \"{}\" cannot be copied",
                    several.len(),
                    table.name
                ),
            )
            .with_detail(lines.join("\n"))
        }
    };
    let rest: Vec<&str> = columns.iter().map(|c| c.target_name.as_str()).collect();
    if rest.is_empty() {
        return Err(error.with_hint("Exclude the table from the job's units."));
    }
    Err(error.with_hint(format!(
        "Leave out what cannot be copied: {}.",
        alter_unit(table, &serde_json::json!({"columns": rest}))
    )))
}

fn plan_column(column: &SourceColumn) -> Result<ColumnPlan> {
    check_name("column", &column.name)?;
    if SYSTEM_COLUMNS.contains(&column.name.as_str()) {
        return Err(Error::new(
            Kind::InvalidParameter,
            format!(
                "column name \"{}\" conflicts with a system column of PostgreSQL",
                column.name
            ),
        ));
    }
    Ok(ColumnPlan {
        source: column.clone(),
        target_name: column.name.clone(),
        target: codec::default_type(column)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{column, orders};
    use super::*;
    use crate::model::pg_type::oid;
    use crate::model::table::SourceType;

    fn options(value: serde_json::Value) -> UnitOptions {
        UnitOptions::parse(&value).unwrap()
    }

    fn plan(options_value: serde_json::Value) -> Result<TablePlan> {
        plan_table(&orders(), &[true, true], "shop", &options(options_value))
    }

    fn names(plan: &TablePlan) -> Vec<&str> {
        plan.columns
            .iter()
            .map(|c| c.target_name.as_str())
            .collect()
    }

    #[test]
    fn a_table_is_copied_whole_by_its_primary_key() {
        let plan = plan(serde_json::json!({})).unwrap();
        assert_eq!(
            (plan.target_schema.as_str(), plan.target_table.as_str()),
            ("shop", "orders")
        );
        assert_eq!(names(&plan), ["id", "code", "order", "note"]);
        assert_eq!(plan.columns[0].target, PgType::plain(oid::INT4));
        let key = plan.key.unwrap();
        assert_eq!((key.index.as_str(), key.primary), ("PRIMARY", true));
        assert!(plan.warnings.is_empty());
    }

    #[test]
    fn options_choose_target_columns_in_order_and_filter() {
        let plan = plan(serde_json::json!({
            "target": "bestellungen", "columns": ["note", "id"], "filter": "id > 3"
        }))
        .unwrap();
        assert_eq!(plan.target_table, "bestellungen");
        assert_eq!(names(&plan), ["note", "id"]);
        assert_eq!(plan.filter.as_deref(), Some("id > 3"));
    }

    #[test]
    fn an_unknown_column_lists_the_columns() {
        let error = plan(serde_json::json!({"columns": ["id", "Note"]})).unwrap_err();
        assert_eq!(error.kind, Kind::SourceObjectMissing);
        assert_eq!(
            error.message,
            "source table \"orders\" has no column \"Note\""
        );
        assert!(error.detail.unwrap().contains("id, code, order, note"));
        assert_eq!(error.hint.unwrap(), "Perhaps you meant \"note\".");
    }

    #[test]
    fn a_name_too_long_is_refused_with_the_statement_that_mends_it() {
        let mut table = orders();
        table.name = "o".repeat(64);
        let error = plan_table(&table, &[true, true], "shop", &UnitOptions::default()).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidParameter);
        assert!(error.hint.unwrap().contains("{\"target\":\"short_name\"}"));
    }

    #[test]
    fn all_columns_that_cannot_be_copied_are_told_at_once() {
        let mut table = orders();
        let unmapped = SourceType::Unmapped {
            name: "point".into(),
        };
        table.columns.push(column("place", unmapped, "point"));
        let error = plan_table(&table, &[true, true], "shop", &UnitOptions::default()).unwrap_err();
        assert_eq!(error.kind, Kind::TypeRefused);
        assert!(error.message.contains("place"), "{error}");
        table
            .columns
            .push(column("xmin", SourceType::Float, "float"));
        let error = plan_table(&table, &[true, true], "shop", &UnitOptions::default()).unwrap_err();
        let detail = error.detail.unwrap();
        assert!(
            detail.contains("place") && detail.contains("xmin"),
            "{detail}"
        );
        assert_eq!(
            error.hint.unwrap(),
            "Leave out what cannot be copied: SELECT sync_alter_unit('<job>', 'orders', \
             '{\"columns\":[\"id\",\"code\",\"order\",\"note\"]}')."
        );
    }

    #[test]
    fn a_table_without_visible_columns_is_an_error() {
        let mut table = orders();
        table.columns.clear();
        assert!(plan_table(&table, &[], "shop", &UnitOptions::default()).is_err());
    }

    #[test]
    fn chunking_says_how_the_copy_is_cut() {
        let mut plan = plan(serde_json::json!({})).unwrap();
        assert_eq!(plan.chunking(250_000), "chunks of 250000 rows by (id)");
        plan.rows_estimated = Some(250_000);
        assert_eq!(plan.chunking(250_000), "one chunk");
        plan.rows_estimated = None;
        assert_eq!(plan.chunking(100), "chunks of 100 rows by (id)");
        plan.key = None;
        assert_eq!(plan.chunking(100), "one transaction (no key)");
    }

    #[test]
    fn a_plan_survives_json() {
        let plan = plan(serde_json::json!({})).unwrap();
        let json = serde_json::to_value(&plan).unwrap();
        assert_eq!(serde_json::from_value::<TablePlan>(json).unwrap(), plan);
    }
}
