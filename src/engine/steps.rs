//! Making an index or a foreign key, each in a transaction of its own. What is there already, under
//! that name and on that table, counts as made.

use crate::catalog::job::Job;
use crate::catalog::step::{self, Step};
use crate::catalog::unit::{self, Unit};
use crate::error::{Error, Kind, Result};
use crate::pg::{relation, report, spi, transaction, worker};
use crate::plan::foreign_key::foreign_key_sql;
use crate::plan::identifier::literal;
use crate::plan::table::TablePlan;
use crate::sink::target;

pub fn make(job: &Job, unit: &Unit, step: &Step) -> Result<()> {
    let plan = unit.plan()?;
    let options = job.options()?;
    let wanted = match step.is_index() {
        true => options.indexes,
        false => options.foreign_keys,
    };
    transaction::run(|| {
        if wanted && !is_there(plan, step)? {
            let sql = match step.is_index() {
                true => index_sql(plan, step)?,
                false => constraint_sql(unit, plan, step)?,
            };
            report::catch(|| spi::execute(&sql, &[])).map_err(|error| explained(error, step))?;
        }
        match step::set_completed(step.step_id, worker::pid())? {
            true => Ok(()),
            false => Err(unit::taken_away(&unit.unit)),
        }
    })
}

fn is_there(plan: &TablePlan, step: &Step) -> Result<bool> {
    let table = target::get(plan)?.relation;
    match step.is_index() {
        true => relation::has_index(&table, &step.name),
        false => relation::has_constraint(&table, &step.name),
    }
}

fn index_sql(plan: &TablePlan, step: &Step) -> Result<String> {
    match plan.indexes.get(step.number) {
        Some(index) => Ok(index.sql.clone()),
        None => Err(out_of_plan(step)),
    }
}

fn constraint_sql(unit: &Unit, plan: &TablePlan, step: &Step) -> Result<String> {
    let key = plan
        .foreign_keys
        .get(step.number)
        .ok_or_else(|| out_of_plan(step))?;
    let referenced = step.referenced_unit.as_deref().unwrap_or_default();
    let parent = unit::find(unit.job_id, referenced)?;
    match parent {
        Some(parent) if parent.loaded && parent.plan.is_some() => {
            let parent = parent.plan()?;
            // As they are by now: a user may have made what a source without them calls for.
            let unique = relation::unique_columns(&target::get(parent)?.relation)?;
            foreign_key_sql(key, plan, parent, &unique)
        }
        _ => Err(Error::new(
            Kind::InvalidState,
            format!(
                "foreign key \"{}\" refers to table \"{referenced}\", which is not complete",
                step.name
            ),
        )
        .with_hint(format!(
            "SELECT sync_retry('<job>', {}); and then SELECT sync_retry('<job>', {});",
            literal(referenced),
            literal(&unit.unit)
        ))),
    }
}

fn out_of_plan(step: &Step) -> Error {
    Error::new(
        Kind::Internal,
        format!("the plan has no {} number {}", step.name, step.number),
    )
}

/// The rows stay; what stands in the way is said.
fn explained(error: Error, step: &Step) -> Error {
    if error.kind != Kind::Postgres || error.hint.is_some() {
        return error;
    }
    let hint = match (step.is_index(), error.sqlstate()) {
        (true, "23505") => {
            "fix the rows, or leave the index out: SELECT sync_alter_job('<job>', '{\"indexes\": false}'); then SELECT sync_retry('<job>', '<unit>');"
        }
        (false, "23503") => {
            "fix the rows (rejected rows of the referenced table: SELECT * FROM sync_rejects), or leave foreign keys out: SELECT sync_alter_job('<job>', '{\"foreign_keys\": false}'); then SELECT sync_retry('<job>', '<unit>');"
        }
        _ => "fix the cause, then SELECT sync_retry('<job>', '<unit>');",
    };
    error.with_hint(hint)
}
