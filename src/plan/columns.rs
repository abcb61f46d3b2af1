//! Which columns are copied, under which names, as which types. All that cannot be copied is told
//! at once, with the statement that leaves it out.

use super::column_type::{Typed, column_type};
use super::context::PlanContext;
use super::expression::Scope;
use super::identifier::quote;
use super::names::column_names;
use super::near::near;
use super::table::{ColumnPlan, alter_unit};
use crate::error::{Error, Kind, Result};
use crate::model::cast::Casts;
use crate::model::pg_type::PgType;
use crate::model::table::{SourceColumn, SourceTable};

/// PostgreSQL's limit of columns in a table.
const MAX_COLUMNS: usize = 1600;

/// A source column with its place in the target.
#[derive(Debug, Clone)]
pub(super) struct Column<'a> {
    pub source: &'a SourceColumn,
    pub name: String,
    pub typed: Typed,
}

/// A table whose columns have their places, for what is planned over them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draft<'a> {
    pub table: &'a SourceTable,
    pub columns: &'a [Column<'a>],
    pub scope: &'a Scope<'a>,
    pub context: &'a PlanContext<'a>,
}

impl<'a> Draft<'a> {
    pub(super) fn column(&self, name: &str) -> Option<&'a Column<'a>> {
        self.columns
            .iter()
            .find(|column| column.source.name == name)
    }
}

/// The columns that the unit wants, in its order.
pub(super) fn choose_columns<'a>(
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

/// Gives each column its name and type.
pub(super) fn place_columns<'a>(
    table: &SourceTable,
    chosen: &[&'a SourceColumn],
    casts: &Casts,
    context: &PlanContext<'_>,
) -> Result<Vec<Column<'a>>> {
    let spelled: Vec<&str> = chosen.iter().map(|column| column.name.as_str()).collect();
    let mut columns: Vec<Column> = Vec::with_capacity(chosen.len());
    let mut refused: Vec<Error> = Vec::new();
    for (source, name) in chosen.iter().zip(column_names(&spelled, context.job.names)) {
        match column_type(source, &name, casts, context) {
            Ok(typed) => columns.push(Column {
                source,
                name,
                typed,
            }),
            Err(error) => refused.push(error),
        }
    }
    if !refused.is_empty() {
        return Err(refusal(table, &columns, &refused));
    }
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
    Ok(columns)
}

fn refusal(table: &SourceTable, columns: &[Column<'_>], refused: &[Error]) -> Error {
    let error = match refused {
        [only] => only.clone(),
        several => {
            let mut lines: Vec<&str> = several.iter().map(|e| e.message.as_str()).collect();
            lines.dedup();
            let kind = several.first().map_or(Kind::TypeRefused, |e| e.kind);
            Error::new(
                kind,
                format!(
                    "{} columns of source table \"{}\" cannot be copied",
                    several.len(),
                    table.name
                ),
            )
            .with_detail(lines.join("\n"))
        }
    };
    // A rule or a missing extension is fixed where it is; a type can only be left out.
    let fixed = refused.iter().find(|e| e.kind != Kind::TypeRefused);
    if let Some(hint) = fixed.and_then(|e| e.hint.as_ref()) {
        return error.with_hint(hint.clone());
    }
    let rest: Vec<&str> = columns.iter().map(|c| c.source.name.as_str()).collect();
    if rest.is_empty() {
        return error.with_hint("Exclude the table from the job's units.");
    }
    error.with_hint(format!(
        "Leave out what cannot be copied: {}.",
        alter_unit(table, &serde_json::json!({"columns": rest}))
    ))
}

/// The names that are not the source's.
pub(super) fn name_warnings(
    table: &SourceTable,
    columns: &[Column<'_>],
    context: &PlanContext<'_>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if context.unit.target.is_none() && context.target_table != table.name {
        warnings.push(format!(
            "the table is named {} here",
            quote(context.target_table)
        ));
    }
    let renamed: Vec<String> = columns
        .iter()
        .filter(|column| column.name != column.source.name)
        .map(|column| format!("{} is {}", quote(&column.source.name), quote(&column.name)))
        .collect();
    if !renamed.is_empty() {
        warnings.push(format!("columns are renamed: {}", renamed.join(", ")));
    }
    warnings
}

impl ColumnPlan {
    /// The type that the target's column has, by its own number.
    pub fn stored(&self) -> PgType {
        self.actual.unwrap_or(self.target)
    }
}
