//! Rows that could not be written: having them written again, and forgetting them.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::control::{locked, no_unit, require_same_source, require_unit};
use super::{given, own_job};
use crate::catalog::run;
use crate::catalog::{reject, unit, unit_redrive};
use crate::engine::processes::wake_supervisor_at_commit;
use crate::error::Result;
use crate::model::state::RunStatus;
use crate::pg::report;
use crate::plan::identifier::literal;

#[pg_extern]
fn sync_redrive(
    job: Option<&str>,
    unit: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    Ok(redrive(given("job", job)?, unit)?)
}

#[pg_extern]
fn sync_clear_rejects(
    job: Option<&str>,
    unit: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    // Rejects of a unit that is not of the latest run can be forgotten too.
    if let Some(name) = unit
        && unit::find(job.job_id, name)?.is_none()
    {
        return Err(no_unit(&job, &format!("job \"{}\"", job.job), name).into());
    }
    let cleared = reject::clear(job.job_id, unit)?;
    Ok(i64::try_from(cleared).unwrap_or(i64::MAX))
}

fn redrive(name: &str, unit: Option<&str>) -> Result<i64> {
    let job = own_job(name)?;
    let run = locked(&job)?;
    require_unit(&job, &run, unit)?;
    require_same_source(&job, &run)?;
    let marked = unit_redrive::mark_for_redrive(&run, unit)?;
    let mut rejects = 0;
    for name in &marked {
        if let Some(unit) = unit::find(job.job_id, name)? {
            rejects += reject::count(unit.unit_id)?;
        }
    }
    if marked.is_empty() {
        report::notice(&format!(
            "nothing to do: no unit whose rows have all been read has rejects (SELECT * FROM sync_rejects WHERE job = {})",
            literal(name)
        ));
        return Ok(0);
    }
    if run.status()?.ended() {
        run::reopen(&run, RunStatus::Running)?;
    }
    wake_supervisor_at_commit();
    Ok(i64::try_from(rejects).unwrap_or(i64::MAX))
}
