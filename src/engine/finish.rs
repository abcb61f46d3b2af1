//! The end of a unit's rows, and of the unit: all rows are accounted for, its staging table, if it has
//! one, becomes the target's content, the sequence moves past the last value; then come the steps.

use super::foreign_keys;
use super::rejects::{self, Ended};
use crate::catalog::job::{self, Job};
use crate::catalog::unit::{self, Unit};
use crate::catalog::{chunk, step, unit_stream};
use crate::error::{Error, Kind, Result};
use crate::model::position::Position;
use crate::model::state::{LoadMethod, Phase};
use crate::pg::{relation, spi, transaction};
use crate::plan::identifier::qualified;
use crate::plan::table::TablePlan;
use crate::sink::halves::refuses_a_row;
use crate::sink::{stage, target};

/// `log_end`: where the source's log, if it is followed, ended after the last row was read.
pub fn finish(job: &Job, unit: &Unit, log_end: Option<Position>) -> Result<()> {
    let most = transaction::run(|| {
        let values = job::unit_options(job.job_id, &unit.unit)?.values;
        Ok(job.options()?.values.max_rejects(&values))
    })?;
    transaction::run(|| {
        rejects::require_balance(unit)?;
        rejects::require_few(unit, most, Ended::Yes)
    })?;
    let staged = match unit.method()? {
        LoadMethod::Merge => unit.stage.as_deref(),
        LoadMethod::Direct | LoadMethod::Replace | LoadMethod::Swap => None,
    };
    if staged.is_some() {
        foreign_keys::drop_of(unit)?;
    }
    let plan = unit.plan()?;
    let mut outcome = transaction::run(|| load(unit, staged, Unique::Kept, log_end.as_ref()));
    let Some(stage) = staged else {
        return outcome;
    };
    // Rows that exchange values of a unique index pass through a state that is not unique.
    if matches!(&outcome, Err(error) if error.sqlstate() == UNIQUE_VIOLATION) {
        outcome = transaction::run(|| load(unit, staged, Unique::MadeAgain, log_end.as_ref()));
    }
    match outcome {
        // A trigger, or an index that the staging table has not: the copy finds the rows one by one.
        Err(error) if refuses_a_row(&error) => {
            transaction::run(|| replace_instead(unit, plan, stage, &error))
        }
        outcome => outcome,
    }
}

/// Has the unit loaded by replacing its rows, unless that would delete rows of other tables with them.
fn replace_instead(unit: &Unit, plan: &TablePlan, stage: &str, error: &Error) -> Result<()> {
    let target = target::get(plan)?.relation;
    if relation::is_referenced(&target)? {
        return Err(error.clone());
    }
    stage::drop_if_exists(&plan.target_schema, stage)?;
    let why = format!("replace: the merge was refused: {}", error.message);
    unit::begin_replacing(unit, target.oid, &why)
}

const UNIQUE_VIOLATION: &str = "23505";

/// What becomes of our unique indexes in a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unique {
    Kept,
    /// Dropped before, made again as steps.
    MadeAgain,
}

fn load(
    unit: &Unit,
    staged: Option<&str>,
    unique: Unique,
    log_end: Option<&Position>,
) -> Result<()> {
    let plan = unit.plan()?;
    let target = target::get(plan)?.relation;
    let ours = unit.created_oid == Some(target.oid) || unit.method()? == LoadMethod::Swap;
    if unique == Unique::MadeAgain && ours {
        for index in plan.indexes.iter().filter(|index| index.unique) {
            spi::execute(
                &format!(
                    "DROP INDEX IF EXISTS {}",
                    qualified(&plan.target_schema, &index.name)
                ),
                &[],
            )?;
        }
    }
    if let Some(stage) = staged {
        merge(unit, plan, stage)?;
    }
    if ours {
        if let Some(sql) = plan.sequence_sql() {
            spi::execute(&sql, &[])?;
        }
        step::write(unit.unit_id, unit.run_id, plan)?;
    } else {
        step::forget(unit.unit_id)?;
    }
    unit::set_loaded(unit, target.oid, log_end)
}

fn merge(unit: &Unit, plan: &TablePlan, stage: &str) -> Result<()> {
    let fitted = target::get(plan)?;
    let key = fitted.merge_key.ok_or_else(|| {
        Error::new(
            Kind::TargetMismatch,
            format!(
                "target table {} has lost its unique key",
                target::name(&fitted.plan)
            ),
        )
        .with_hint("create the key again, then call sync_retry")
    })?;
    // Under its lock the name leads to the table that the rows went into, or the unit fails.
    relation::lock_own_table(&stage::get(&fitted.plan, stage)?)?;
    if Some(stage::get(&fitted.plan, stage)?.oid) != unit.load_oid {
        return Err(stage::replaced(&fitted.plan, stage));
    }
    let rows = stage::rows(&fitted.plan, stage)?;
    let written = chunk::totals(unit.unit_id)?.written;
    if rows != written {
        return Err(Error::new(
            Kind::Internal,
            format!("the staging table has {rows} rows, {written} were written"),
        )
        .with_hint("SELECT sync_retry('<job>', '<unit>'); copies the table from the start"));
    }
    stage::merge(&fitted.plan, &key, stage)?;
    if fitted.relation.filters {
        let filtered = stage::rows_kept_out(&fitted.plan, &key, stage)?;
        chunk::count_filtered(unit.unit_id, filtered)?;
    }
    stage::drop_if_exists(&plan.target_schema, stage)
}

/// Takes a unit whose steps of this phase are done to the next one, or completes it.
pub fn settle(job: &Job, unit: &Unit) -> Result<()> {
    transaction::run(|| match unit.phase() {
        Some(Phase::Indexes) if job.streams() => unit_stream::end_indexes(unit),
        Some(Phase::Indexes) => unit::set_indexed(unit),
        _ => unit::set_completed(unit),
    })
}
