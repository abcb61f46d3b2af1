//! How a unit's net changes come into its target: the statements.
//!
//! The rows arrive by COPY: keys that have to go in one table of the session, rows as they have to be
//! in another. A DELETE by key and an INSERT … ON CONFLICT bring them into the target. Deletes come first:
//! a key that changed is a delete and an insert, and may free a value for another row.
//!
//! Keys are compared with the operators of the target's own index, as the merge of a reload cannot:
//! with any other operator an index of citext would not be used.

use super::identifier::{qualified, quote, quoted_list};
use super::key::same_columns;
use super::table::{ColumnPlan, TablePlan};
use crate::codec::{RowKey, stored_select, stored_type};
use crate::error::Result;

/// What names of tables of the session begin with.
pub const SESSION_TABLES: [&str; 2] = ["tributary_k_", "tributary_r_"];

const EQUAL: &str = "OPERATOR(pg_catalog.=)";

/// What tells the rows of a target from one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyKey {
    /// The target's names, in the order in which the changes have their keys.
    pub columns: Vec<String>,
    /// The target has a unique index over just these columns.
    pub unique: bool,
    /// The operator of each column by which two keys are equal, with its schema.
    pub operators: Vec<String>,
}

impl ApplyKey {
    /// Takes the operators of the index over just its columns: any other would not use the index.
    pub fn take_operators<'a>(
        &mut self,
        indexes: impl Iterator<Item = (&'a Vec<String>, &'a Vec<String>)>,
    ) {
        for (columns, operators) in indexes {
            if same_columns(columns, &self.columns) {
                let operator = |name| {
                    let at = columns.iter().position(|column| column == name)?;
                    operators.get(at).cloned()
                };
                let found: Option<Vec<String>> = self.columns.iter().map(operator).collect();
                self.operators = found.unwrap_or_else(|| self.operators.clone());
                return;
            }
        }
    }
}

/// The statements for one unit. They name the tables of the session by `pg_temp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplySql {
    /// The table of keys to delete; of whole rows where the unit has no key.
    pub keys: SessionTable,
    /// The table of rows to write; None where they go into the target as they come.
    pub rows: Option<SessionTable>,
    /// Deletes the rows with the keys of `keys`.
    pub delete: String,
    /// Writes the rows of `rows`.
    pub upsert: Option<String>,
    /// The same for rows that are there for the most part.
    pub update: Option<UpdateSql>,
    pub truncate: String,
    /// The same for who may not truncate the target, or where a foreign key refers to it.
    pub delete_all: String,
}

/// An UPDATE takes a lock, a version of the row and an entry of the log less than an ON CONFLICT does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateSql {
    /// Of the rows that are there.
    pub present: String,
    /// Writes those that were not.
    pub missing: String,
}

/// A table of the session, its columns those of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTable {
    pub name: String,
    /// The target's names.
    pub columns: Vec<String>,
    pub create: String,
}

/// By what the rows of a unit are told from one another: `unique` is the key that the target is unique by
/// (`plan::target::merge_key`). None: by all their values.
pub fn apply_key(plan: &TablePlan, unique: Option<&[String]>) -> Option<ApplyKey> {
    let planned = plan
        .key
        .as_ref()
        .map(|key| plan.target_columns(&key.columns));
    let columns = unique.map(<[String]>::to_vec).or(planned)?;
    Some(ApplyKey {
        operators: vec![EQUAL.to_string(); columns.len()],
        columns,
        unique: unique.is_some(),
    })
}

/// Where the key columns are among the plan's: for `NetChanges`.
pub fn row_key(plan: &TablePlan, key: Option<&ApplyKey>) -> RowKey {
    let position = |is_it: &dyn Fn(&ColumnPlan) -> bool| plan.columns.iter().position(is_it);
    let walked = plan.key.iter().flat_map(|key| &key.columns);
    RowKey {
        identity: key
            .iter()
            .flat_map(|key| &key.columns)
            .filter_map(|name| position(&|column| column.target_name == *name))
            .collect(),
        walked: walked
            .filter_map(|name| position(&|column| column.source.name == *name))
            .collect(),
    }
}

/// The statements of unit `unit_id`, whose rows are told apart by `key`.
pub fn apply_sql(plan: &TablePlan, key: Option<&ApplyKey>, unit_id: i64) -> ApplySql {
    let target = qualified(&plan.target_schema, &plan.target_table);
    let all: Vec<String> = plan
        .columns
        .iter()
        .map(|column| column.target_name.clone())
        .collect();
    let keys = SessionTable::new(
        &format!("tributary_k_{unit_id}"),
        &target,
        match key {
            Some(key) => &key.columns,
            None => &all,
        },
    );
    let rows = key.filter(|key| key.unique).map(|key| {
        (
            key,
            SessionTable::new(&format!("tributary_r_{unit_id}"), &target, &all),
        )
    });
    ApplySql {
        delete: match key {
            Some(key) => delete_by_key(&target, &keys, key),
            None => delete_by_image(&target, &keys),
        },
        upsert: rows
            .as_ref()
            .map(|(key, rows)| upsert(&target, rows, key, "")),
        update: rows.as_ref().and_then(|(key, rows)| {
            Some(UpdateSql {
                present: update(&target, rows, key)?,
                missing: upsert(&target, rows, key, &not_in(&target, key)),
            })
        }),
        keys,
        rows: rows.map(|(_, rows)| rows),
        truncate: format!("TRUNCATE {target}"),
        delete_all: format!("DELETE FROM {target}"),
    }
}

impl SessionTable {
    fn new(name: &str, target: &str, columns: &[String]) -> Self {
        SessionTable {
            name: name.to_string(),
            columns: columns.to_vec(),
            // Types, their modifiers and collations are the target's, and nothing else is.
            create: format!(
                "CREATE TEMPORARY TABLE {} AS SELECT {} FROM {target} WITH NO DATA",
                qualified("pg_temp", name),
                quoted_list(columns)
            ),
        }
    }

    fn qualified(&self) -> String {
        qualified("pg_temp", &self.name)
    }
}

fn delete_by_key(target: &str, keys: &SessionTable, key: &ApplyKey) -> String {
    format!(
        "DELETE FROM {target} AS target USING {} AS gone\nWHERE {}",
        keys.qualified(),
        same_key(key, "gone")
    )
}

/// That a row of the target has the key of one of `other`.
fn same_key(key: &ApplyKey, other: &str) -> String {
    let same: Vec<String> = key
        .columns
        .iter()
        .zip(&key.operators)
        .map(|(name, operator)| (quote(name), operator))
        .map(|(name, operator)| format!("target.{name} {operator} {other}.{name}"))
        .collect();
    same.join(" AND ")
}

/// None where a row has nothing but its key.
fn update(target: &str, rows: &SessionTable, key: &ApplyKey) -> Option<String> {
    let sets: Vec<String> = rows
        .columns
        .iter()
        .filter(|name| !key.columns.contains(name))
        .map(|name| quote(name))
        .map(|name| format!("{name} = row.{name}"))
        .collect();
    (!sets.is_empty()).then(|| {
        format!(
            "UPDATE {target} AS target SET {}\nFROM {} AS row\nWHERE {}",
            sets.join(", "),
            rows.qualified(),
            same_key(key, "row")
        )
    })
}

fn not_in(target: &str, key: &ApplyKey) -> String {
    format!(
        "\nWHERE NOT EXISTS (SELECT FROM {target} AS target WHERE {})",
        same_key(key, "row")
    )
}

/// Of rows that are alike as many go as were deleted, whichever they are. They are alike when they are
/// written alike: not every type has an `=`, and one that has it may find 1.0 and 1.00 equal.
fn delete_by_image(target: &str, rows: &SessionTable) -> String {
    let image = |table: &str| {
        let columns: Vec<String> = rows
            .columns
            .iter()
            .map(|name| format!("{table}.{}", quote(name)))
            .collect();
        format!(
            "(ROW({})::pg_catalog.text COLLATE pg_catalog.\"C\")",
            columns.join(", ")
        )
    };
    format!(
        "DELETE FROM {target} AS target USING (\n    \
         SELECT row.tableoid AS part, row.ctid AS place, gone.times,\n        \
         pg_catalog.row_number() OVER (PARTITION BY gone.image) AS number\n    \
         FROM {target} AS row JOIN (\n        \
         SELECT {} AS image, pg_catalog.count(*) AS times FROM {} AS gone GROUP BY 1) AS gone\n        \
         ON {} OPERATOR(pg_catalog.=) gone.image) AS found\n\
         WHERE target.ctid OPERATOR(pg_catalog.=) found.place \
         AND target.tableoid OPERATOR(pg_catalog.=) found.part AND found.number OPERATOR(pg_catalog.<=) found.times",
        image("gone"),
        rows.qualified(),
        image("row"),
    )
}

/// `only`: a condition on `row`.
fn upsert(target: &str, rows: &SessionTable, key: &ApplyKey, only: &str) -> String {
    let sets: Vec<String> = rows
        .columns
        .iter()
        .filter(|name| !key.columns.contains(name))
        .map(|name| quote(name))
        .map(|name| format!("{name} = EXCLUDED.{name}"))
        .collect();
    let action = match sets.is_empty() {
        true => "NOTHING".to_string(),
        false => format!("UPDATE SET {}", sets.join(", ")),
    };
    let columns = quoted_list(&rows.columns);
    // OVERRIDING lets an identity key of the target take the source's values.
    format!(
        "INSERT INTO {target} ({columns})\nOVERRIDING SYSTEM VALUE\nSELECT {columns} FROM {} AS row{only}\n\
         ON CONFLICT ({}) DO {action}",
        rows.qualified(),
        quoted_list(&key.columns)
    )
}

/// The statements that show rows which the target refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedSql {
    pub name: String,
    /// A table of the session that takes every row of the unit.
    pub create: String,
    /// One array of text for each of its rows, in the order in which they came.
    pub select: String,
    pub drop: String,
}

pub fn refused_sql(plan: &TablePlan) -> Result<RefusedSql> {
    let name = "tributary_refused".to_string();
    let table = qualified("pg_temp", &name);
    let mut columns = Vec::with_capacity(plan.columns.len());
    let mut values = Vec::with_capacity(plan.columns.len());
    for (number, column) in plan.columns.iter().enumerate() {
        columns.push(format!("c{number} {}", stored_type(column.target)?));
        values.push(stored_select(column.target, &format!("c{number}")));
    }
    Ok(RefusedSql {
        create: format!("CREATE TEMPORARY TABLE {table} ({})", columns.join(", ")),
        select: format!(
            "SELECT ARRAY[{}]::pg_catalog.text[] AS values FROM {table} ORDER BY ctid",
            values.join(", ")
        ),
        drop: format!("DROP TABLE {table}"),
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Planning, orders, planned};
    use super::*;

    fn key(columns: &[&str], unique: bool) -> ApplyKey {
        ApplyKey {
            columns: columns.iter().map(|name| name.to_string()).collect(),
            unique,
            operators: vec![EQUAL.to_string(); columns.len()],
        }
    }

    #[test]
    fn rows_are_told_by_what_the_target_is_unique_by() {
        let plan = planned(&orders(), &[false, true]);
        let unique = ["id".to_string()];
        assert_eq!(apply_key(&plan, Some(&unique)), Some(key(&["id"], true)));
        let planned_key = key(&["code", "order"], false);
        assert_eq!(apply_key(&plan, None), Some(planned_key));
        let mut keyless = plan.clone();
        keyless.key = None;
        assert_eq!(apply_key(&keyless, None), None);
        // The source is asked by its own key, whatever the target's is.
        let both = row_key(&plan, Some(&key(&["id"], true)));
        assert_eq!((both.identity, both.walked), (vec![0], vec![1, 2]));
        assert_eq!(row_key(&keyless, None), RowKey::default());
    }

    #[test]
    fn keys_are_compared_by_the_operators_of_the_index() {
        let mut found = key(&["code", "order"], true);
        let names = |names: [&str; 2]| names.map(str::to_string).to_vec();
        let others = (names(["id", "code"]), names(["x", "y"]));
        let own = (names(["order", "code"]), names([EQUAL, "OPERATOR(ext.=)"]));
        let indexes = [others, own];
        found.take_operators(
            indexes
                .iter()
                .map(|(columns, operators)| (columns, operators)),
        );
        assert_eq!(found.operators, ["OPERATOR(ext.=)", EQUAL]);
        let plan = Planning {
            schema: "Shop",
            ..Planning::default()
        }
        .plan(&orders(), &[false, true])
        .unwrap();
        let sql = apply_sql(&plan, Some(&found), 7);
        assert_eq!(
            sql.delete,
            "DELETE FROM \"Shop\".orders AS target USING pg_temp.tributary_k_7 AS gone\n\
             WHERE target.code OPERATOR(ext.=) gone.code \
             AND target.\"order\" OPERATOR(pg_catalog.=) gone.\"order\""
        );
        assert_eq!(
            sql.keys.create,
            "CREATE TEMPORARY TABLE pg_temp.tributary_k_7 AS \
             SELECT code, \"order\" FROM \"Shop\".orders WITH NO DATA"
        );
        assert_eq!(
            sql.upsert.unwrap(),
            "INSERT INTO \"Shop\".orders (id, code, \"order\", note)\n\
             OVERRIDING SYSTEM VALUE\n\
             SELECT id, code, \"order\", note FROM pg_temp.tributary_r_7 AS row\n\
             ON CONFLICT (code, \"order\") DO UPDATE SET id = EXCLUDED.id, note = EXCLUDED.note"
        );
        assert_eq!(sql.rows.unwrap().name, "tributary_r_7");
        assert_eq!(sql.truncate, "TRUNCATE \"Shop\".orders");
        assert_eq!(sql.delete_all, "DELETE FROM \"Shop\".orders");
    }

    #[test]
    fn what_on_conflict_cannot_tell_is_not_upserted() {
        let plan = planned(&orders(), &[true, true]);
        let sql = apply_sql(&plan, Some(&key(&["id"], false)), 7);
        assert_eq!((sql.rows, sql.upsert), (None, None));
        let only = Planning::unit(serde_json::json!({"columns": ["id"]}));
        let plan = only.plan(&orders(), &[true, true]).unwrap();
        let sql = apply_sql(&plan, Some(&key(&["id"], true)), 7);
        assert!(sql.upsert.unwrap().ends_with("ON CONFLICT (id) DO NOTHING"));
    }

    #[test]
    fn without_a_key_rows_are_told_by_their_text() {
        let mut plan = planned(&orders(), &[true, true]);
        plan.key = None;
        let sql = apply_sql(&plan, None, 7);
        assert_eq!((sql.rows, sql.upsert), (None, None));
        assert_eq!(sql.keys.columns, ["id", "code", "order", "note"]);
        let image = |table| {
            format!(
                "(ROW({table}.id, {table}.code, {table}.\"order\", {table}.note)::pg_catalog.text \
                 COLLATE pg_catalog.\"C\")"
            )
        };
        assert_eq!(
            sql.delete,
            format!(
                "DELETE FROM shop.orders AS target USING (\n    \
                 SELECT row.tableoid AS part, row.ctid AS place, gone.times,\n        \
                 pg_catalog.row_number() OVER (PARTITION BY gone.image) AS number\n    \
                 FROM shop.orders AS row JOIN (\n        \
                 SELECT {} AS image, pg_catalog.count(*) AS times \
                 FROM pg_temp.tributary_k_7 AS gone GROUP BY 1) AS gone\n        \
                 ON {} OPERATOR(pg_catalog.=) gone.image) AS found\n\
                 WHERE target.ctid OPERATOR(pg_catalog.=) found.place \
                 AND target.tableoid OPERATOR(pg_catalog.=) found.part \
                 AND found.number OPERATOR(pg_catalog.<=) found.times",
                image("gone"),
                image("row")
            )
        );
    }

    #[test]
    fn a_refused_row_is_shown_by_the_plainest_types() {
        let sql = refused_sql(&planned(&orders(), &[true, true])).unwrap();
        assert_eq!(
            sql.create,
            "CREATE TEMPORARY TABLE pg_temp.tributary_refused \
             (c0 integer, c1 text, c2 bigint, c3 text)"
        );
        assert_eq!(
            sql.select,
            "SELECT ARRAY[c0::pg_catalog.text, c1::pg_catalog.text, c2::pg_catalog.text, \
             c3::pg_catalog.text]::pg_catalog.text[] AS values \
             FROM pg_temp.tributary_refused ORDER BY ctid"
        );
    }
}
