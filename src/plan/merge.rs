//! How a reload comes to show: all rows are copied into a staging table beside the target, which is
//! then merged by key in one transaction, so that no reader ever sees an empty or half-loaded table.
//!
//! Rows that are equal to the byte are not touched: no dead row, no trigger, no WAL. They are
//! sorted out before the INSERT, since ON CONFLICT locks (and so writes) every row it meets. The
//! statements run with `search_path = pg_catalog, pg_temp`; operators name their schema all the
//! same. `*=` compares records by their stored bytes, so that a type needs no `=` of its own, and
//! a value that is equal but written otherwise (1.0 and 1.00) is replaced too.

use super::identifier::{qualified, quote, quoted_list};
use super::key::same_columns;
use super::table::{ColumnPlan, TablePlan};
use crate::model::pg_type::oid;

pub fn stage_name(unit_id: i64) -> String {
    format!("tributary_stage_{unit_id}")
}

/// The staging table: a logged table in the target's schema that refuses the rows which the target
/// would refuse: with its types, NOT NULL, CHECK constraints and generated columns.
pub fn create_stage_sql(plan: &TablePlan, stage: &str) -> String {
    format!(
        "CREATE TABLE {} (LIKE {} INCLUDING CONSTRAINTS INCLUDING GENERATED)",
        qualified(&plan.target_schema, stage),
        target(plan)
    )
}

/// What makes a staging table just made from the target that of the plan. `columns` are those it has
/// and that do not compute themselves, `unique` the column sets that the target is unique by.
pub fn shape_stage_sql(
    plan: &TablePlan,
    stage: &str,
    columns: &[String],
    unique: &[Vec<String>],
) -> Vec<String> {
    let stage = qualified(&plan.target_schema, stage);
    let copied: Vec<&String> = plan.columns.iter().map(|c| &c.target_name).collect();
    let mut actions: Vec<String> = columns
        .iter()
        .filter(|name| !copied.contains(name))
        .map(|name| format!("DROP COLUMN {} CASCADE", quote(name)))
        .collect();
    let key = plan
        .key
        .as_ref()
        .map(|key| plan.target_columns(&key.columns));
    if let Some(key) = &key {
        actions.push(format!("ADD PRIMARY KEY ({})", quoted_list(key)));
    }
    for set in unique {
        let is_key = key.as_ref().is_some_and(|key| same_columns(key, set));
        if !is_key && set.iter().all(|name| copied.contains(&name)) {
            actions.push(format!("ADD UNIQUE ({})", quoted_list(set)));
        }
    }
    actions
        .iter()
        .map(|action| format!("ALTER TABLE {stage} {action}"))
        .collect()
}

/// Makes the target equal to the staging table; to be run in one transaction. `key`
/// has the target's names.
pub fn merge_sql(plan: &TablePlan, key: &[String], stage: &str) -> Vec<String> {
    let target = target(plan);
    let stage = qualified(&plan.target_schema, stage);
    let names: Vec<String> = plan.columns.iter().map(|c| quote(&c.target_name)).collect();
    // A key of text may be equal and yet written otherwise, by a nondeterministic collation.
    let values: Vec<&String> = plan
        .columns
        .iter()
        .filter(|column| !key.contains(&column.target_name) || is_text(column))
        .map(|column| &column.target_name)
        .collect();
    let same_key: Vec<String> = key
        .iter()
        .map(|name| quote(name))
        .map(|name| format!("target.{name} OPERATOR(pg_catalog.=) stage.{name}"))
        .collect();
    let same_key = same_key.join(" AND ");
    let delete = format!(
        "DELETE FROM {target} AS target\n\
         WHERE NOT EXISTS (SELECT FROM {stage} AS stage WHERE {same_key})"
    );
    // A record of its own type, or two row constructors would be compared column by column.
    let record = |table: &str| {
        let columns: Vec<String> = values
            .iter()
            .map(|name| format!("{table}.{}", quote(name)))
            .collect();
        format!("ROW({})::pg_catalog.record", columns.join(", "))
    };
    let (same_row, action) = if values.is_empty() {
        (same_key, "NOTHING".to_string())
    } else {
        let sets: Vec<String> = values
            .iter()
            .map(|name| quote(name))
            .map(|name| format!("{name} = EXCLUDED.{name}"))
            .collect();
        (
            format!(
                "{same_key}\n    AND {} OPERATOR(pg_catalog.*=) {}",
                record("target"),
                record("stage")
            ),
            format!("UPDATE SET {}", sets.join(", ")),
        )
    };
    let staged: Vec<String> = names.iter().map(|name| format!("stage.{name}")).collect();
    // OVERRIDING lets an identity key of the target take the source's values.
    let insert = format!(
        "INSERT INTO {target} ({})\n\
         OVERRIDING SYSTEM VALUE\n\
         SELECT {} FROM {stage} AS stage\n\
         WHERE NOT EXISTS (\n    SELECT FROM {target} AS target\n    WHERE {same_row})\n\
         ON CONFLICT ({}) DO {action}",
        names.join(", "),
        staged.join(", "),
        quoted_list(key)
    );
    vec![delete, insert]
}

/// How many rows of the staging table a trigger has kept out of the target, after the merge.
pub fn kept_out_sql(plan: &TablePlan, key: &[String], stage: &str) -> String {
    let same_key: Vec<String> = key
        .iter()
        .map(|name| quote(name))
        .map(|name| format!("target.{name} OPERATOR(pg_catalog.=) stage.{name}"))
        .collect();
    format!(
        "SELECT pg_catalog.count(*) AS rows FROM {} AS stage\n\
         WHERE NOT EXISTS (SELECT FROM {} AS target WHERE {})",
        qualified(&plan.target_schema, stage),
        target(plan),
        same_key.join(" AND ")
    )
}

fn is_text(column: &ColumnPlan) -> bool {
    matches!(column.target.oid, oid::TEXT | oid::VARCHAR | oid::BPCHAR)
}

fn target(plan: &TablePlan) -> String {
    qualified(&plan.target_schema, &plan.target_table)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Planning, orders};
    use super::*;
    use crate::model::unit_options::UnitOptions;

    fn plan(usable: &[bool], columns: Option<&[&str]>) -> TablePlan {
        let options = UnitOptions {
            columns: columns.map(|names| names.iter().map(|name| name.to_string()).collect()),
            ..UnitOptions::default()
        };
        Planning {
            schema: "Shop",
            unit: options,
            ..Planning::default()
        }
        .plan(&orders(), usable)
        .unwrap()
    }

    #[test]
    fn the_stage_refuses_what_the_target_refuses() {
        assert_eq!(stage_name(7), "tributary_stage_7");
        let plan = plan(&[false, true], None);
        assert_eq!(
            create_stage_sql(&plan, "s"),
            "CREATE TABLE \"Shop\".s (LIKE \"Shop\".orders INCLUDING CONSTRAINTS INCLUDING GENERATED)"
        );
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let columns: Vec<String> = names(&["id", "code", "order", "note", "Extra"]);
        let unique = [
            names(&["order", "code"]),
            names(&["note"]),
            names(&["id", "Extra"]),
        ];
        assert_eq!(
            shape_stage_sql(&plan, "s", &columns, &unique),
            [
                "ALTER TABLE \"Shop\".s DROP COLUMN \"Extra\" CASCADE",
                "ALTER TABLE \"Shop\".s ADD PRIMARY KEY (code, \"order\")",
                "ALTER TABLE \"Shop\".s ADD UNIQUE (note)",
            ]
        );
    }

    #[test]
    fn a_merge_deletes_writes_what_differs_and_drops_the_stage() {
        let plan = plan(&[false, true], None);
        let key = plan.key.clone().unwrap().columns;
        assert_eq!(
            merge_sql(&plan, &key, "stage_1"),
            [
                "DELETE FROM \"Shop\".orders AS target\n\
                 WHERE NOT EXISTS (SELECT FROM \"Shop\".stage_1 AS stage WHERE \
                 target.code OPERATOR(pg_catalog.=) stage.code AND \
                 target.\"order\" OPERATOR(pg_catalog.=) stage.\"order\")",
                "INSERT INTO \"Shop\".orders (id, code, \"order\", note)\n\
                 OVERRIDING SYSTEM VALUE\n\
                 SELECT stage.id, stage.code, stage.\"order\", stage.note FROM \"Shop\".stage_1 AS stage\n\
                 WHERE NOT EXISTS (\n    SELECT FROM \"Shop\".orders AS target\n    WHERE \
                 target.code OPERATOR(pg_catalog.=) stage.code AND \
                 target.\"order\" OPERATOR(pg_catalog.=) stage.\"order\"\n    \
                 AND ROW(target.id, target.code, target.note)::pg_catalog.record \
                 OPERATOR(pg_catalog.*=) ROW(stage.id, stage.code, stage.note)::pg_catalog.record)\n\
                 ON CONFLICT (code, \"order\") DO UPDATE SET \
                 id = EXCLUDED.id, code = EXCLUDED.code, note = EXCLUDED.note",
            ]
        );
    }

    #[test]
    fn a_table_of_key_columns_only_is_never_updated() {
        let plan = plan(&[true, true], Some(&["id"]));
        let [_, insert] = merge_sql(&plan, &["id".to_string()], "stage_1")
            .try_into()
            .unwrap();
        assert!(insert.ends_with("ON CONFLICT (id) DO NOTHING"), "{insert}");
        assert!(!insert.contains("ROW"));
    }
}
