//! A table has changed its shape at the source: what becomes of its target?
//!
//! The old plan says what the target's rows are, the new one what the source's will be. The target
//! follows where its rows are sure to be the source's afterwards, and the statements for that run in
//! the transaction of the first row of the new shape. What it cannot follow pauses the unit with
//! every difference told; nothing is half applied.

mod added;
mod beside;
#[cfg(test)]
mod golden;
mod ignored;
mod kept;
mod pairs;
#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod tests;
mod told;
mod widen;
mod work;

pub use told::Told;

use super::identifier::quote;
use super::table::{ColumnPlan, TablePlan};
use crate::error::{Error, Kind};
use crate::model::policy::OnDdl;
use crate::model::table::{SourceColumn, SourceTable};
use added::addition;
use pairs::{Pairs, pairs};
use work::Work;

/// A table as it is at the source now.
#[derive(Debug, Clone, Copy)]
pub struct NewShape<'a> {
    /// What the plan was made of.
    pub table: &'a SourceTable,
    /// As `plan_table` made it, not fitted to a target.
    pub plan: &'a TablePlan,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Drift {
    /// The target needs nothing. The plan is the one to go on with.
    Same(Box<TablePlan>),
    Apply(Box<Applied>),
    /// The unit waits for a person.
    Pause(Error),
    Resync {
        why: String,
    },
    /// The target stays as it is; the plan has the columns that both have.
    Ignore(Box<TablePlan>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Each in a transaction of its own, before the others. Once more does no harm.
    pub before: Vec<String>,
    /// In the transaction of the first row of the new shape.
    pub statements: Vec<String>,
    /// The plan to go on with, to be fitted to the target once more.
    pub plan: TablePlan,
    /// What has changed, in words.
    pub changes: Vec<String>,
    /// What is not as at the source from now on.
    pub warnings: Vec<String>,
}

/// `old`: the unit's plan, fitted to its target. `told`: what the log's statements have said since.
pub fn drift(old: &TablePlan, new: NewShape<'_>, told: &Told, policy: OnDdl) -> Drift {
    let pairs = pairs(old, new.plan, told);
    let mut work = Work::default();
    added_columns(new, told, &pairs, &mut work);
    dropped_columns(old, &pairs, &mut work);
    for pair in &pairs.both {
        kept::keep(old, new.plan, *pair, &mut work);
    }
    let key = beside::key(old, new.plan, new.table, told, &mut work);
    beside::constraints(old, new.plan, told, &mut work);
    for line in work
        .lines
        .iter_mut()
        .chain(&mut work.refused)
        .chain(&mut work.warnings)
    {
        // Names come from the source, and a message is read in somebody's terminal.
        *line = line.replace(char::is_control, " ");
    }
    if work.is_empty() {
        let plan = TablePlan {
            key,
            left: old.left.clone(),
            ..carried(new.plan, &pairs, &work)
        };
        return Drift::Same(Box::new(plan));
    }
    match policy {
        OnDdl::Resync => Drift::Resync {
            why: work.lines.join("; "),
        },
        OnDdl::Pause => Drift::Pause(paused(old, &work.lines, policy)),
        OnDdl::Ignore => ignored::ignored(old, new.plan, &pairs, key, told),
        OnDdl::Apply if !work.refused.is_empty() => {
            Drift::Pause(paused(old, &work.refused, policy))
        }
        OnDdl::Apply => Drift::Apply(Box::new(Applied {
            statements: work.statements(old),
            plan: TablePlan {
                key,
                left: old.left.clone(),
                ..carried(new.plan, &pairs, &work)
            },
            before: work.before,
            changes: work.lines,
            warnings: work.warnings,
        })),
    }
}

fn added_columns(new: NewShape<'_>, told: &Told, pairs: &Pairs<'_>, work: &mut Work) {
    for column in &pairs.unknown {
        work.refuse(format!(
            "column {}: copied from now on, and what the rows that are there have in it is not known",
            quote(&column.target_name)
        ));
    }
    for column in &pairs.added {
        let source = new.table.columns.iter();
        let mut source = source.filter(|source| source.name == column.source.name);
        let source: &SourceColumn = source.next().unwrap_or(&column.source);
        let line = format!(
            "column {}: new, {}",
            quote(&column.target_name),
            column.source.type_name
        );
        let told = told.added(&column.source.name);
        // Without the statement a column that goes and one that comes may be one with a new name.
        if told.is_none() && !pairs.dropped.is_empty() {
            work.refuse(format!(
                "{line}: whether it is another column's new name is not known"
            ));
            continue;
        }
        match addition(new.plan, column, source, told) {
            Err(reason) => work.refuse(format!("{line}: {reason}")),
            Ok(addition) => {
                work.lines.push(line);
                work.prepare.extend(needed(new.plan, &column.type_name));
                match addition.single {
                    true => work.single.push(addition.action),
                    false => work.actions.push(addition.action),
                }
                work.single.extend(addition.then);
                work.warnings.extend(addition.warning);
            }
        }
    }
}

/// The statements that make a type or a collation of ours.
fn needed(plan: &TablePlan, type_name: &str) -> Vec<String> {
    let collation = type_name.split_once(" COLLATE ").map(|(_, name)| name);
    let made = |sql: &&String| {
        sql.contains(&format!("CREATE TYPE {type_name} AS "))
            || collation.is_some_and(|name| sql.contains(&format!("CREATE COLLATION {name} ")))
    };
    plan.prepare.iter().filter(made).cloned().collect()
}

fn dropped_columns(old: &TablePlan, pairs: &Pairs<'_>, work: &mut Work) {
    let computed = |name: &str| {
        let mut generated = old.generated.iter();
        generated.any(|generated| generated.column.source.name == name)
    };
    let (first, then): (Vec<&ColumnPlan>, Vec<&ColumnPlan>) = pairs
        .dropped
        .iter()
        .copied()
        .partition(|column| computed(&column.source.name));
    for column in first.into_iter().chain(then) {
        let line = format!("column {}: gone", quote(&column.target_name));
        let name = &column.source.name;
        let in_key = old
            .key
            .as_ref()
            .is_some_and(|key| key.columns.contains(name));
        match in_key {
            true => work.refuse(format!("{line}: it is part of the key")),
            false => {
                work.lines.push(line);
                work.drops.push(column.target_name.clone());
            }
        }
    }
}

/// The new plan with the target's own types where the target was not altered.
fn carried(new: &TablePlan, pairs: &Pairs<'_>, work: &Work) -> TablePlan {
    let mut plan = new.clone();
    let computed = |name: &str| {
        pairs
            .computed
            .iter()
            .any(|column| column.source.name == name)
    };
    plan.columns.retain(|column| !computed(&column.source.name));
    plan.generated
        .retain(|generated| !computed(&generated.column.source.name));
    let generated = plan.generated.iter_mut();
    let columns = generated.map(|generated| &mut generated.column);
    for column in plan.columns.iter_mut().chain(columns) {
        let name = quote(&column.target_name);
        let altered = format!("ALTER COLUMN {name} TYPE ");
        let mut both = pairs.both.iter();
        if let Some(pair) = both.find(|pair| pair.new.source.name == column.source.name)
            && !work
                .actions
                .iter()
                .any(|action| action.starts_with(&altered))
        {
            column.target = pair.old.target;
            column.actual = pair.old.actual;
            column.type_name = pair.old.type_name.clone();
            column.cast = pair.old.cast;
        }
    }
    plan.warnings.extend(work.warnings.iter().cloned());
    plan
}

fn paused(old: &TablePlan, lines: &[String], policy: OnDdl) -> Error {
    let set = |word: &str| {
        format!(
            "SELECT sync_alter_unit('<job>', '<unit>', '{{\"on_ddl\": \"{word}\"}}'); SELECT sync_retry('<job>', '<unit>');"
        )
    };
    let anew = "Copy it anew: SELECT sync_resync('<job>', '<unit>');";
    let hint = match policy {
        OnDdl::Pause => format!("Let the target follow: {} {anew}", set("apply")),
        OnDdl::Apply => format!(
            "{anew} Or go on with the columns that both have: {}",
            set("ignore")
        ),
        OnDdl::Ignore | OnDdl::Resync => anew.to_string(),
    };
    Error::new(
        Kind::TargetMismatch,
        format!(
            "source table \"{}\" has changed its shape",
            old.source_table
        ),
    )
    .with_detail(lines.join("\n"))
    .with_hint(hint)
}
