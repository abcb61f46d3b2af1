//! `on_ddl` = ignore: the target stays as it is and takes the columns that both have. A value that
//! the target cannot take is a reject.

use super::super::identifier::quote;
use super::super::table::{ColumnPlan, KeyPlan, TablePlan};
use super::pairs::{Pair, Pairs};
use super::told::Told;
use super::{Drift, paused};
use crate::codec::{ColumnEncoder, ColumnRules};
use crate::model::policy::{OnDdl, Policies};

pub(super) fn ignored(
    old: &TablePlan,
    new: &TablePlan,
    pairs: &Pairs<'_>,
    key: Option<KeyPlan>,
    told: &Told,
) -> Drift {
    let mut refused = Vec::new();
    for column in new.all_columns() {
        let name = &column.source.name;
        let another = told.original(name) != Some(name.as_str())
            && old.all_columns().any(|old| old.source.name == *name);
        if another {
            refused.push(format!(
                "column {}: another one has this name now",
                quote(&column.target_name)
            ));
        }
    }
    let mut plan = TablePlan {
        columns: Vec::new(),
        generated: Vec::new(),
        key: old.key.is_some().then_some(key).flatten(),
        ..new.clone()
    };
    for pair in &pairs.both {
        let name = &pair.old.source.name;
        let mut computed = old.generated.iter();
        if let Some(generated) = computed.find(|generated| generated.column.source.name == *name) {
            plan.generated.push(generated.clone());
            continue;
        }
        match taken(pair) {
            Some(column) => plan.columns.push(column),
            None => refused.push(format!(
                "column {}: {} in the target takes no value of type {}",
                quote(&pair.old.target_name),
                pair.old.type_name,
                pair.new.source.type_name
            )),
        }
    }
    let kept = |name: &String| {
        plan.columns
            .iter()
            .any(|column| column.source.name == *name)
    };
    let lost = match (&old.key, &plan.key) {
        (None, _) => false,
        (Some(before), Some(now)) => {
            told.originals(&now.columns) != before.columns || !now.columns.iter().all(kept)
        }
        (Some(_), None) => true,
    };
    if lost {
        refused.push("the key by which rows are told apart is another one".to_string());
    }
    if plan
        .primary_key
        .as_ref()
        .is_some_and(|key| !key.iter().all(kept))
    {
        plan.primary_key = None;
    }
    plan.left = left(old, &plan);
    match refused.is_empty() {
        true => Drift::Ignore(Box::new(plan)),
        false => Drift::Pause(paused(old, &refused, OnDdl::Ignore)),
    }
}

/// What the target has of the job's columns beside those of the plan.
fn left(old: &TablePlan, plan: &TablePlan) -> Vec<String> {
    let made = old.all_columns().map(|column| &column.target_name);
    let mut left: Vec<String> = made.chain(&old.left).cloned().collect();
    left.retain(|name| !plan.all_columns().any(|column| column.target_name == *name));
    left
}

/// The source's column as it is now, with the target's as it was.
fn taken(pair: &Pair<'_>) -> Option<ColumnPlan> {
    let takes = |cast| {
        let rules = ColumnRules {
            policies: Policies::default(),
            cast,
        };
        ColumnEncoder::new(&pair.new.source, pair.old.target, rules).is_ok()
    };
    let cast = match takes(pair.old.cast) {
        true => pair.old.cast,
        false if takes(true) => true,
        false => return None,
    };
    Some(ColumnPlan {
        source: pair.new.source.clone(),
        cast,
        ..pair.old.clone()
    })
}
