//! A unit that is copied anew beside its live table: whether that can be, and the exchange.

use super::prepare;
use crate::catalog::job::Job;
use crate::catalog::unit::Unit;
use crate::catalog::unit_stream;
use crate::error::Result;
use crate::model::state::LoadMethod;
use crate::model::table::SourceTable;
use crate::pg::{relation, transaction};
use crate::plan::table::TablePlan;
use crate::sink::swap;

/// The plan of a new table beside the live one. None where the rows have to be merged into that, which is
/// noted with its reason.
pub fn plan_beside(job: &Job, unit: &Unit, table: &SourceTable) -> Result<Option<TablePlan>> {
    let Some(before) = &unit.before else {
        return Ok(None);
    };
    let live = transaction::run(|| relation::find(&before.target_schema, &before.target_table))?;
    // It is made like any that is missing.
    let Some(live) = live else {
        return Ok(None);
    };
    let mut reason = transaction::run(|| hindrance(job, unit, before, live.oid))?;
    if reason.is_none() {
        let plan = prepare::plan_table_in(job, unit, table, &swap::schema(unit.unit_id))?;
        reason = match () {
            // Types and collations are shared by tables and stay where they are.
            () if !plan.prepare.is_empty() => Some("has types of its own".to_owned()),
            () if plan.target_table != before.target_table => {
                Some("has another name now".to_owned())
            }
            () => return Ok(Some(plan)),
        };
    }
    transaction::run(|| {
        let reason = reason.as_deref().unwrap_or_default();
        let what = format!("the new rows are merged into the live table, which {reason}");
        unit_stream::note(unit, &what)
    })?;
    Ok(None)
}

/// Why the live table cannot be exchanged.
fn hindrance(job: &Job, unit: &Unit, before: &TablePlan, live: i64) -> Result<Option<String>> {
    if unit.created_oid != Some(live) {
        return Ok(Some("the job has not created".to_owned()));
    }
    if !swap::drop_if_exists(unit.unit_id, job.owner())? {
        let schema = swap::schema(unit.unit_id);
        return Ok(Some(format!(
            "stays because schema {schema} belongs to another role"
        )));
    }
    let lost = swap::would_lose(live, before)?;
    Ok((!lost.is_empty()).then(|| format!("would lose by an exchange: {}", lost.join(", "))))
}

/// Has the new table, if the unit has one and all is there, take the place of the live one; whether
/// it did.
pub fn exchange(unit: &Unit) -> Result<bool> {
    let (Some(plan), Some(before), Ok(LoadMethod::Swap)) =
        (&unit.plan, &unit.before, unit.method())
    else {
        return Ok(false);
    };
    transaction::run(|| {
        unit_stream::set_swapped(unit, &plan.moved_to(&before.target_schema))?;
        let live = unit.created_oid.unwrap_or_default();
        let new = unit.load_oid.unwrap_or_default();
        swap::take_place((plan, new), (before, live))
    })?;
    Ok(true)
}
