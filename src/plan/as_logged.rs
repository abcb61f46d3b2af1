//! A table as it was when the log's rows were written. The source's catalog shows it as it is now,
//! and a stream that lags may find it altered once more since then: what the log describes is taken
//! from the catalog where it still is so, else from the plan where it was so already.

use super::drift::Told;
use super::shape::{is_hidden, places_by_name, source_columns};
use super::table::TablePlan;
use crate::error::{Error, Kind, Result};
use crate::model::logged::{LoggedColumn, LoggedTable};
use crate::model::table::{SourceColumn, SourceTable, SourceType};

/// The table to plan, and what of the log cannot be in a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct AsLogged {
    pub table: SourceTable,
    /// Columns that came and went again: nothing tells their types, and nothing needs them.
    gone: Vec<(usize, String)>,
}

impl AsLogged {
    /// Lets a plan of the table know the columns that it does not copy.
    pub fn complete(&self, mut plan: TablePlan) -> TablePlan {
        for (at, name) in &self.gone {
            let column = SourceColumn::new(
                name.clone(),
                SourceType::Unmapped {
                    name: "unknown".to_string(),
                },
            );
            let at = (*at).min(plan.source_columns.len());
            plan.source_columns.insert(at, column);
        }
        plan
    }
}

/// `old`: the unit's plan; `now`: what the source's catalog shows; `told`: what the log's statements
/// have said between the two shapes.
pub fn as_logged(
    old: &TablePlan,
    now: &SourceTable,
    logged: &LoggedTable,
    told: &Told,
    fits: impl Fn(&LoggedColumn, &SourceColumn) -> bool,
) -> Result<AsLogged> {
    if places_by_name(logged).is_none() {
        let same = now.columns.len() == logged.columns.len()
            && (logged.columns.iter().zip(&now.columns))
                .all(|(logged, column)| fits(logged, column));
        return match same {
            true => Ok(AsLogged {
                table: now.clone(),
                gone: Vec::new(),
            }),
            false => Err(unknown(now, &[])),
        };
    }
    let before = source_columns(old);
    let mut columns = Vec::with_capacity(logged.columns.len());
    let mut gone = Vec::new();
    let mut lost = Vec::new();
    for (at, logged) in logged.columns.iter().enumerate() {
        let Some(name) = logged.name.as_ref().filter(|name| !is_hidden(name)) else {
            continue;
        };
        let current = now.columns.iter().find(|column| column.name == *name);
        let original = told.original(name);
        let planned = original.and_then(|name| before.iter().find(|column| column.name == name));
        let described = [current, planned.copied()];
        match described
            .into_iter()
            .flatten()
            .find(|column| fits(logged, column))
        {
            Some(column) => columns.push(SourceColumn {
                name: name.clone(),
                ..column.clone()
            }),
            None if current.is_none() && planned.is_none() => gone.push((at, name.clone())),
            None => lost.push(name.clone()),
        }
    }
    if !lost.is_empty() {
        return Err(unknown(now, &lost));
    }
    let has = |name: &String| columns.iter().any(|column| column.name == *name);
    let keys = now.keys.iter().filter(|key| key.columns.iter().all(has));
    let table = SourceTable {
        keys: keys.cloned().collect(),
        columns,
        ..now.clone()
    };
    Ok(AsLogged { table, gone })
}

fn unknown(now: &SourceTable, columns: &[String]) -> Error {
    let detail = match columns {
        [] => "The log has no names of columns (binlog_row_metadata), and by their places its columns are not those of the source's catalog.".to_string(),
        _ => format!(
            "Its columns in the log are of types that neither the plan nor the source's catalog has: {}.",
            columns.join(", ")
        ),
    };
    Error::new(
        Kind::TargetMismatch,
        format!(
            "source table \"{}\" has changed its shape more than once since the rows in the log were written",
            now.name
        ),
    )
    .with_detail(detail.replace(char::is_control, " "))
    .with_hint("Copy it anew: SELECT sync_resync('<job>', '<unit>'); and let the source log names, SET GLOBAL binlog_row_metadata = 'FULL';, so that a stream that lags can tell them.")
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Planning, column, orders};
    use super::super::shape::shape;
    use super::super::statement::{Dialect, Statement, classify};
    use super::*;

    /// The kind of a logged column is the place of its type here.
    fn fits(logged: &LoggedColumn, column: &SourceColumn) -> bool {
        logged.kind
            == match &column.source_type {
                SourceType::Int { .. } => 1,
                SourceType::BigInt { .. } => 2,
                SourceType::VarChar { .. } => 3,
                _ => 4,
            }
    }

    fn logged(columns: &[(&str, u8)]) -> LoggedTable {
        LoggedTable {
            columns: columns
                .iter()
                .map(|(name, kind)| LoggedColumn {
                    kind: *kind,
                    name: Some(name.to_string()),
                    ..LoggedColumn::default()
                })
                .collect(),
            ..LoggedTable::default()
        }
    }

    fn told(parts: &str) -> Told {
        let mut told = Told::default();
        let sql = format!("alter table orders {parts}");
        if let Statement::AlterTable(altered) = classify(&sql, "d", Dialect::default()) {
            told.hear(&altered);
        }
        told
    }

    fn int(name: &str) -> SourceColumn {
        column(name, SourceType::Int { unsigned: false }, "int(11)")
    }

    fn names(table: &SourceTable) -> Vec<&str> {
        table.columns.iter().map(|c| c.name.as_str()).collect()
    }

    #[test]
    fn columns_are_those_of_the_log() {
        let old = Planning::default().plan(&orders(), &[true, true]).unwrap();
        let mut now = orders();
        // Since the rows were written: id was widened, code dropped, later added.
        now.columns[0].source_type = SourceType::BigInt { unsigned: false };
        now.columns.remove(1);
        now.columns.push(int("added"));
        now.columns.push(int("later"));
        let map = logged(&[
            ("id", 1),
            ("code", 3),
            ("order", 2),
            ("came and went", 1),
            ("note", 4),
            ("added", 1),
            ("DB_ROW_HASH_1", 2),
        ]);
        let found = as_logged(&old, &now, &map, &Told::default(), fits).unwrap();
        assert_eq!(
            names(&found.table),
            ["id", "code", "order", "note", "added"]
        );
        assert_eq!(
            found.table.columns[0].source_type,
            SourceType::Int { unsigned: false }
        );
        let plan = Planning::default()
            .plan(&found.table, &[true, true])
            .unwrap();
        assert!(shape(&plan, &map, fits).is_err());
        let plan = found.complete(plan);
        assert_eq!(shape(&plan, &map, fits), Ok(vec![0, 1, 2, 4, 5]));
        assert_eq!(plan.source_columns[3].name, "came and went");
    }

    #[test]
    fn a_name_between_is_followed() {
        let old = Planning::default().plan(&orders(), &[true, true]).unwrap();
        let mut now = orders();
        now.columns[3].name = "second".into();
        let map = logged(&[("id", 1), ("code", 3), ("order", 2), ("first", 4)]);
        let found = as_logged(&old, &now, &map, &told("rename column note to first"), fits);
        assert_eq!(names(&found.unwrap().table)[3], "first");
    }

    #[test]
    fn a_type_that_nobody_knows_is_an_error() {
        let old = Planning::default().plan(&orders(), &[true, true]).unwrap();
        let map = logged(&[("id", 3), ("code", 3), ("order", 2), ("note", 4)]);
        let error = as_logged(&old, &orders(), &map, &Told::default(), fits).unwrap_err();
        assert!(error.detail.unwrap().ends_with("has: id."));
        let mut bare = logged(&[("", 1), ("", 3), ("", 2), ("", 4)]);
        for column in &mut bare.columns {
            column.name = None;
        }
        let same = as_logged(&old, &orders(), &bare, &Told::default(), fits).unwrap();
        assert_eq!(same.table, orders());
        bare.columns.pop();
        assert!(as_logged(&old, &orders(), &bare, &Told::default(), fits).is_err());
    }
}
