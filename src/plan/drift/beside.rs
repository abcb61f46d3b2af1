//! What stands beside the columns: the key that rows are found by, and what a row has to satisfy.
//! What does not hold at the source any more must not hold rows up here; what is new there is told
//! and not made, since rows do not depend on it.

use super::super::check::CheckPlan;
use super::super::foreign_key::ForeignKeyPlan;
use super::super::identifier::{literal, qualified, quote};
use super::super::index::IndexPlan;
use super::super::key::same_columns;
use super::super::table::{KeyPlan, TablePlan};
use super::kept::do_block;
use super::told::Told;
use super::work::Work;
use crate::model::table::{SourceKey, SourceTable};

/// The key of the new plan: the old one where it still is a key, whatever else has become one.
pub(super) fn key(
    old: &TablePlan,
    new: &TablePlan,
    table: &SourceTable,
    told: &Told,
    work: &mut Work,
) -> Option<KeyPlan> {
    let same = |key: &SourceKey| {
        let before = old.key.as_ref();
        before.is_some_and(|before| told.originals(&key.columns) == before.columns)
    };
    let wanted = |key: &&SourceKey| {
        let chosen = new.key.as_ref();
        chosen.is_some_and(|chosen| chosen.columns == key.columns) && same(key)
    };
    let found = table
        .keys
        .iter()
        .find(wanted)
        .or_else(|| table.keys.iter().find(|key| same(key)));
    match (&old.key, found) {
        (Some(old), Some(found)) => Some(KeyPlan {
            index: found.name.clone(),
            columns: found.columns.clone(),
            primary: found.primary,
            constraint: old.constraint.clone(),
        }),
        (None, _) if new.key.is_none() => None,
        (before, _) => {
            let told = |key: &Option<KeyPlan>| match key {
                Some(key) => format!("({})", key.columns.join(", ")),
                None => "none".to_string(),
            };
            work.refuse(format!(
                "key by which rows are told apart: it was {}, and is {}",
                told(before),
                told(&new.key)
            ));
            new.key.clone()
        }
    }
}

/// Checks, indexes and foreign keys.
pub(super) fn constraints(old: &TablePlan, new: &TablePlan, told: &Told, work: &mut Work) {
    checks(old, new, work);
    foreign_keys(old, new, told, work);
    indexes(old, new, told, work);
}

fn checks(old: &TablePlan, new: &TablePlan, work: &mut Work) {
    let table = qualified(&old.target_schema, &old.target_table);
    for check in &old.checks {
        let name = quote(&check.name);
        match new.checks.iter().find(|now| now.name == check.name) {
            Some(now) if now.condition == check.condition => {}
            Some(now) => {
                work.lines.push(format!("check {name}: another condition"));
                work.last.push(replace_check(&table, now));
            }
            None => {
                work.lines.push(format!("check {name}: gone"));
                work.loosen.push(drop_constraint(&table, &check.name));
            }
        }
    }
    for check in &new.checks {
        if !old.checks.iter().any(|before| before.name == check.name) {
            work.warnings
                .push(is_new("check", &check.name, &check.condition));
        }
    }
}

fn is_new(what: &str, name: &str, sql: &str) -> String {
    let name = quote(name);
    format!("{what} {name} is new at the source and not made here: {sql}")
}

fn drop_constraint(table: &str, name: &str) -> String {
    format!(
        "ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {}",
        quote(name)
    )
}

/// Only where it is there: the target may be a table of the user's own. The rows that are there
/// satisfy the source's check; they are not read for it.
fn replace_check(table: &str, check: &CheckPlan) -> String {
    let name = quote(&check.name);
    do_block(&format!(
        "BEGIN\n    IF EXISTS (SELECT FROM pg_catalog.pg_constraint AS c\n        \
         WHERE c.conrelid = {}::pg_catalog.regclass AND c.contype = 'c' AND c.conname = {}) THEN\n        \
         ALTER TABLE {table} DROP CONSTRAINT {name};\n        \
         ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({}) NOT VALID;\n    \
         END IF;\nEND",
        literal(table),
        literal(&check.name),
        check.condition
    ))
}

fn foreign_keys(old: &TablePlan, new: &TablePlan, told: &Told, work: &mut Work) {
    let table = qualified(&old.target_schema, &old.target_table);
    let same = |before: &ForeignKeyPlan, now: &ForeignKeyPlan| {
        before.name == now.name
            && before.columns == told.originals(&now.columns)
            && before.referenced_table == now.referenced_table
            && before.referenced_schema == now.referenced_schema
    };
    for key in &old.foreign_keys {
        if !new.foreign_keys.iter().any(|now| same(key, now)) {
            work.lines
                .push(format!("foreign key {}: gone", quote(&key.name)));
            work.loosen.push(drop_constraint(&table, &key.name));
        }
    }
    for key in &new.foreign_keys {
        if !old.foreign_keys.iter().any(|before| same(before, key)) {
            let to = format!("to {}", key.referenced_table);
            work.warnings.push(is_new("foreign key", &key.name, &to));
        }
    }
}

fn indexes(old: &TablePlan, new: &TablePlan, told: &Told, work: &mut Work) {
    let same = |before: &IndexPlan, now: &IndexPlan| {
        before.source_name == now.source_name
            && before.unique == now.unique
            && match before.key.is_empty() {
                true => before.sql == now.sql,
                false => same_columns(&told.originals(&now.key), &before.key),
            }
    };
    let named = |before: &IndexPlan, now: &IndexPlan| before.source_name == now.source_name;
    for index in old.indexes.iter().filter(|index| index.unique) {
        if !new.indexes.iter().any(|now| same(index, now)) {
            work.lines
                .push(format!("unique index {}: gone", quote(&index.source_name)));
            work.loosen.push(format!(
                "DROP INDEX IF EXISTS {}",
                qualified(&old.target_schema, &index.name)
            ));
        }
    }
    for index in &new.indexes {
        let known = match index.unique {
            true => old.indexes.iter().any(|before| same(before, index)),
            false => old.indexes.iter().any(|before| named(before, index)),
        };
        if !known {
            work.warnings
                .push(is_new("index", &index.source_name, &index.sql));
        }
    }
}
