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

/// The plan of a new table beside the live one. None where the rows have to be merged into that: it is
/// not ours, or has what would be lost.
pub fn plan_beside(job: &Job, unit: &Unit, table: &SourceTable) -> Result<Option<TablePlan>> {
    let Some(before) = &unit.before else {
        return Ok(None);
    };
    let stays = transaction::run(|| {
        let live = relation::find(&before.target_schema, &before.target_table)?;
        let Some(live) = live.filter(|live| unit.created_oid == Some(live.oid)) else {
            return Ok(true);
        };
        if !swap::drop_if_exists(unit.unit_id, job.owner())? {
            return Ok(true);
        }
        let lost = swap::would_lose(live.oid, before)?;
        if !lost.is_empty() {
            let what = format!(
                "the new rows are merged into the live table, which would lose by an exchange: {}",
                lost.join(", ")
            );
            unit_stream::note(unit, &what)?;
        }
        Ok(!lost.is_empty())
    })?;
    if stays {
        return Ok(None);
    }
    let plan = prepare::plan_table_in(job, unit, table, &swap::schema(unit.unit_id))?;
    // Types and collations are shared by tables and stay where they are.
    let same_name = plan.target_table == before.target_table;
    Ok((plan.prepare.is_empty() && same_name).then_some(plan))
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
