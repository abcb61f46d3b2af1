//! Does a table map of the log still describe the table that a plan was made for? It says where
//! each of the plan's columns stands in a row, or what is different; no row is read by a plan that
//! it does not fit.
//!
//! Without column names (`binlog_row_metadata` is not FULL) columns are told by their place: two
//! columns of one type that change places, or one that is renamed, look the same in the log. Then
//! only the statement in the log tells it.

use std::collections::HashMap;

use super::table::TablePlan;
use crate::model::logged::{LoggedColumn, LoggedTable};
use crate::model::table::SourceColumn;

/// How the logged table differs from the plan's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reshaped {
    /// Logged columns that the plan does not know.
    pub extra: Vec<String>,
    /// Columns of the plan that are not logged.
    pub missing: Vec<String>,
    /// Columns that are logged with another type.
    pub changed: Vec<String>,
    /// How many columns the log and the plan have, where the log has no names and they differ.
    pub counts: Option<(usize, usize)>,
}

impl Reshaped {
    /// For a message, in one line.
    pub fn in_words(&self) -> String {
        let mut parts = Vec::new();
        if let Some((logged, planned)) = self.counts {
            parts.push(format!("{logged} columns in the log, {planned} expected"));
        }
        for (names, what) in [
            (&self.extra, "new"),
            (&self.missing, "missing"),
            (&self.changed, "of another type"),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what}: {}", names.join(", ")));
            }
        }
        parts.join("; ").replace(char::is_control, " ")
    }

    fn found(self) -> Result<(), Reshaped> {
        match self == Reshaped::default() {
            true => Ok(()),
            false => Err(self),
        }
    }
}

/// For each of the plan's copied columns its place in a logged row. `fits` judges whether the log's
/// type is that of the source column.
pub fn shape(
    plan: &TablePlan,
    logged: &LoggedTable,
    fits: impl Fn(&LoggedColumn, &SourceColumn) -> bool,
) -> Result<Vec<usize>, Reshaped> {
    match places_by_name(logged) {
        Some(places) => by_name(plan, logged, &places, fits),
        None => by_place(plan, logged, fits),
    }
}

/// The places of the logged columns, if all have names.
pub(super) fn places_by_name(logged: &LoggedTable) -> Option<HashMap<&str, usize>> {
    let names = logged.columns.iter().enumerate();
    let places: HashMap<&str, usize> = names
        .map(|(at, column)| Some((column.name.as_deref()?, at)))
        .collect::<Option<_>>()?;
    // A name that stands there twice names nothing.
    (places.len() == logged.columns.len()).then_some(places)
}

/// A column that MariaDB has made for a unique key over a long text. Its catalog does not show it.
pub(super) fn is_hidden(name: &str) -> bool {
    name.strip_prefix("DB_ROW_HASH_")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn by_name(
    plan: &TablePlan,
    logged: &LoggedTable,
    places: &HashMap<&str, usize>,
    fits: impl Fn(&LoggedColumn, &SourceColumn) -> bool,
) -> Result<Vec<usize>, Reshaped> {
    let mut reshaped = Reshaped::default();
    let known: HashMap<&str, &SourceColumn> = source_columns(plan)
        .into_iter()
        .map(|column| (column.name.as_str(), column))
        .collect();
    for column in &logged.columns {
        if let Some(name) = &column.name
            && !known.contains_key(name.as_str())
            && !is_hidden(name)
        {
            reshaped.extra.push(name.clone());
        }
    }
    let mut found = Vec::with_capacity(plan.columns.len());
    for column in &plan.columns {
        let place = places.get(column.source.name.as_str()).copied();
        match place.and_then(|at| Some((at, logged.columns.get(at)?))) {
            None => reshaped.missing.push(column.source.name.clone()),
            Some((_, logged)) if !fits(logged, &column.source) => {
                reshaped.changed.push(column.source.name.clone());
            }
            Some((at, _)) => found.push(at),
        }
    }
    reshaped.found().map(|()| found)
}

fn by_place(
    plan: &TablePlan,
    logged: &LoggedTable,
    fits: impl Fn(&LoggedColumn, &SourceColumn) -> bool,
) -> Result<Vec<usize>, Reshaped> {
    let known = source_columns(plan);
    let mut reshaped = Reshaped::default();
    if known.len() != logged.columns.len() {
        reshaped.counts = Some((logged.columns.len(), known.len()));
        return Err(reshaped);
    }
    for (logged, column) in logged.columns.iter().zip(&known) {
        let renamed = logged
            .name
            .as_ref()
            .is_some_and(|name| *name != column.name);
        if renamed || !fits(logged, column) {
            reshaped.changed.push(column.name.clone());
        }
    }
    let mut found = Vec::with_capacity(plan.columns.len());
    for column in &plan.columns {
        match known
            .iter()
            .position(|known| known.name == column.source.name)
        {
            Some(at) => found.push(at),
            None => reshaped.missing.push(column.source.name.clone()),
        }
    }
    reshaped.found().map(|()| found)
}

/// Every column of the source as the plan knows it, in the source's order.
pub(super) fn source_columns(plan: &TablePlan) -> Vec<&SourceColumn> {
    match plan.source_columns.is_empty() {
        false => plan.source_columns.iter().collect(),
        true => plan.all_columns().map(|column| &column.source).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Planning, orders};
    use super::*;
    use crate::model::table::{Generation, SourceType};

    /// The kind of a logged column is the place of its type here.
    fn fits(logged: &LoggedColumn, column: &SourceColumn) -> bool {
        logged.kind == kind(&column.source_type)
    }

    fn kind(source_type: &SourceType) -> u8 {
        match source_type {
            SourceType::Int { .. } => 1,
            SourceType::BigInt { .. } => 2,
            SourceType::VarChar { .. } => 3,
            _ => 4,
        }
    }

    fn logged(columns: &[(&str, u8)], named: bool) -> LoggedTable {
        LoggedTable {
            schema: "shopdb".into(),
            name: "orders".into(),
            columns: columns
                .iter()
                .map(|(name, kind)| LoggedColumn {
                    kind: *kind,
                    name: named.then(|| name.to_string()),
                    ..LoggedColumn::default()
                })
                .collect(),
        }
    }

    const ORDERS: [(&str, u8); 4] = [("id", 1), ("code", 3), ("order", 2), ("note", 4)];

    fn plan(unit: serde_json::Value) -> TablePlan {
        Planning::unit(unit).plan(&orders(), &[true, true]).unwrap()
    }

    #[test]
    fn each_column_has_its_place() {
        let all = plan(serde_json::json!({}));
        let some = plan(serde_json::json!({"columns": ["note", "id"]}));
        assert_eq!(some.source_columns.len(), 4);
        for named in [true, false] {
            let table = logged(&ORDERS, named);
            assert_eq!(shape(&all, &table, fits), Ok(vec![0, 1, 2, 3]));
            assert_eq!(shape(&some, &table, fits), Ok(vec![3, 0]));
        }
    }

    #[test]
    fn the_order_matters_only_without_names() {
        let plan = plan(serde_json::json!({}));
        let moved = [("note", 4), ("id", 1), ("code", 3), ("order", 2)];
        assert_eq!(
            shape(&plan, &logged(&moved, true), fits),
            Ok(vec![1, 2, 3, 0])
        );
        let reshaped = shape(&plan, &logged(&moved, false), fits).unwrap_err();
        assert_eq!(
            reshaped.in_words(),
            "of another type: id, code, order, note"
        );
    }

    #[test]
    fn what_differs_is_told() {
        let all = plan(serde_json::json!({}));
        let changed = [("id", 2), ("code", 3), ("new\n", 1), ("note", 4)];
        assert_eq!(
            shape(&all, &logged(&changed, true), fits)
                .unwrap_err()
                .in_words(),
            "new: new ; missing: order; of another type: id"
        );
        let more = [ORDERS.as_slice(), &[("x", 1)]].concat();
        for (named, told) in [
            (true, "new: x"),
            (false, "5 columns in the log, 4 expected"),
        ] {
            let reshaped = shape(&all, &logged(&more, named), fits).unwrap_err();
            assert_eq!(reshaped.in_words(), told);
        }
        // What is not copied may go.
        let some = plan(serde_json::json!({"columns": ["note", "id"]}));
        let fewer = [("id", 1), ("note", 4)];
        assert_eq!(shape(&some, &logged(&fewer, true), fits), Ok(vec![1, 0]));
        assert!(shape(&some, &logged(&fewer, false), fits).is_err());
        let twice = [ORDERS.as_slice(), &[("id", 1)]].concat();
        assert!(shape(&all, &logged(&twice, true), fits).is_err());
    }

    #[test]
    fn generated_and_hidden_columns_have_places() {
        let mut table = orders();
        let mut next = SourceColumn {
            generation: Some(Generation {
                expression: "`id` + 1".into(),
                stored: false,
            }),
            ..table.columns[2].clone()
        };
        next.name = "next".into();
        table.columns.insert(1, next);
        let plan = Planning::default().plan(&table, &[true, true]).unwrap();
        assert_eq!(plan.generated.len(), 1);
        let mut columns = ORDERS.to_vec();
        columns.insert(1, ("next", 2));
        assert_eq!(
            shape(&plan, &logged(&columns, false), fits),
            Ok(vec![0, 2, 3, 4])
        );
        columns.push(("DB_ROW_HASH_1", 2));
        assert_eq!(
            shape(&plan, &logged(&columns, true), fits),
            Ok(vec![0, 2, 3, 4])
        );
        columns.push(("DB_ROW_HASH_x", 2));
        assert!(shape(&plan, &logged(&columns, true), fits).is_err());
    }

    #[test]
    fn an_older_plan_is_read_by_its_own_columns() {
        let mut plan = plan(serde_json::json!({}));
        plan.source_columns.clear();
        let json = serde_json::to_value(&plan).unwrap();
        let plan: TablePlan = serde_json::from_value(json).unwrap();
        assert_eq!(
            shape(&plan, &logged(&ORDERS, true), fits),
            Ok(vec![0, 1, 2, 3])
        );
    }
}
