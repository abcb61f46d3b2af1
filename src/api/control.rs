//! Starting and stopping: a row is changed, the supervisor does the rest once it is committed.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{given, own_job};
use crate::catalog::job::Job;
use crate::catalog::run::{self, Run};
use crate::catalog::schedule;
use crate::catalog::unit::{self, Unit};
use crate::catalog::unit_state;
use crate::catalog::version;
use crate::engine::processes::wake_supervisor_at_commit;
use crate::engine::{expand, session};
use crate::error::{Error, Kind, Result};
use crate::model::run_options::Overlap;
use crate::model::state::{LoadMethod, Phase, RunStatus, Trigger, UnitStatus};
use crate::pg::{relation, report, worker};
use crate::plan::identifier::literal;

#[pg_extern]
fn sync_start(
    job: Option<&str>,
    trigger: default!(Option<&str>, "NULL"),
) -> Result<Option<i64>, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    if trigger == Some(Trigger::Cron.as_str()) && schedule::get(job.job_id)?.is_none() {
        report::warning(
            &format!(
                "job \"{}\" has no schedule here and is not started",
                job.job
            ),
            "entries of pg_cron come along with a dump; SELECT sync_schedule(…) makes one of this database's own",
        );
        return Ok(None);
    }
    Ok(start(&job, parse_trigger(trigger)?)?)
}

/// What is not said is seen from who calls.
fn parse_trigger(trigger: Option<&str>) -> Result<Trigger> {
    let Some(trigger) = trigger else {
        return Ok(match worker::of_pg_cron() {
            true => Trigger::Cron,
            false => Trigger::Manual,
        });
    };
    Trigger::parse(trigger)
        .filter(|trigger| *trigger != Trigger::Retry)
        .ok_or_else(|| {
            Error::new(
                Kind::InvalidParameter,
                format!("trigger \"{trigger}\" is not known"),
            )
            .with_hint("Allowed: manual, cron, dependency, event.")
        })
}

#[pg_extern]
fn sync_pause(job: Option<&str>, unit: default!(Option<&str>, "NULL")) -> Result<i64, ErrorReport> {
    Ok(stop(
        given("job", job)?,
        unit,
        RunStatus::Paused,
        UnitStatus::Paused,
    )?)
}

#[pg_extern]
fn sync_cancel(
    job: Option<&str>,
    unit: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    Ok(stop(
        given("job", job)?,
        unit,
        RunStatus::Cancelled,
        UnitStatus::Cancelled,
    )?)
}

#[pg_extern]
fn sync_resume(
    job: Option<&str>,
    unit: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    Ok(resume(given("job", job)?, unit)?)
}

#[pg_extern]
fn sync_retry(job: Option<&str>, unit: default!(Option<&str>, "NULL")) -> Result<i64, ErrorReport> {
    Ok(retry(given("job", job)?, unit)?)
}

fn start(job: &Job, trigger: Trigger) -> Result<Option<i64>> {
    if !job.enabled {
        let disabled = format!("job \"{}\" is disabled", job.job);
        // What starts it by itself is not to fail again and again.
        if trigger != Trigger::Manual {
            report::notice(&disabled);
            return Ok(None);
        }
        return Err(Error::new(Kind::InvalidState, disabled)
            .with_hint(format!("SELECT sync_enable_job({});", literal(&job.job))));
    }
    let run_id = match run::schedule(job.job_id, trigger)? {
        Some(run_id) => run_id,
        None => {
            let run = latest(job)?;
            let status = run.status()?;
            report::notice(&format!(
                "job \"{}\" has run {} under way ({})",
                job.job,
                run.run_id,
                status.as_str()
            ));
            if job.options()?.run.overlap == Overlap::Queue && !job.streams() {
                run::queue_next(&run, trigger)?;
                report::notice("another run follows it");
            }
            if job.streams() && run.expanded && status == RunStatus::Running {
                add_new_tables(job, &run);
            }
            run.run_id
        }
    };
    wake_supervisor_at_commit();
    Ok(Some(run_id))
}

/// The run of a stream does not end: tables that have come since it began join it.
fn add_new_tables(job: &Job, run: &Run) {
    let added = session::open(job).and_then(|reader| expand::add(job, run, &reader));
    match added {
        Ok(added) if added.is_empty() => {}
        Ok(added) => report::notice(&format!("new tables of the job: {}", added.join(", "))),
        Err(error) => report::notice(&format!(
            "whether there are new tables is not known: {}",
            error.full_message()
        )),
    }
}

pub(super) fn latest(job: &Job) -> Result<Run> {
    run::latest(job.job_id)?.ok_or_else(|| {
        Error::new(
            Kind::InvalidState,
            format!("job \"{}\" has no run yet", job.job),
        )
        .with_hint(format!("SELECT sync_start({});", literal(&job.job)))
    })
}

/// The latest run, locked against being ended meanwhile.
pub(super) fn locked(job: &Job) -> Result<Run> {
    let run = latest(job)?;
    run::lock(run.run_id)?.ok_or_else(|| {
        Error::new(
            Kind::ObjectMissing,
            format!("run {} does not exist", run.run_id),
        )
    })
}

/// The latest run, which must not have ended.
fn active(job: &Job) -> Result<Run> {
    let run = locked(job)?;
    let status = run.status()?;
    if !status.ended() {
        return Ok(run);
    }
    Err(Error::new(
        Kind::InvalidState,
        format!(
            "job \"{}\" has no run under way: run {} is {}",
            job.job,
            run.run_id,
            status.as_str()
        ),
    )
    .with_hint(format!("SELECT sync_start({});", literal(&job.job))))
}

/// An ended run is taken up again only for the source, the mode and the schema that it has begun with: its
/// cursors mean nothing elsewhere.
pub(super) fn require_same_source(job: &Job, run: &Run) -> Result<()> {
    if !run.status()?.ended() {
        return Ok(());
    }
    let Some(begun) = version::find(job.job_id, Some(run.version))? else {
        return Ok(());
    };
    let now = version::present(job.job_id)?;
    let begun = ["source", "mode", "target_schema"].map(|part| begun.get(part).cloned());
    if begun == [&now.source, &now.mode, &now.target_schema].map(|part| Some(part.clone().into())) {
        return Ok(());
    }
    Err(Error::new(
        Kind::InvalidState,
        format!(
            "job \"{}\" was defined anew since run {}",
            job.job, run.run_id
        ),
    )
    .with_detail("Its source, its mode or its target schema is another one.")
    .with_hint(format!("SELECT sync_start({});", literal(&job.job))))
}

/// The error for a unit that the run does not have.
pub(super) fn require_unit(job: &Job, run: &Run, name: Option<&str>) -> Result<()> {
    let Some(name) = name else { return Ok(()) };
    match unit::find(job.job_id, name)? {
        Some(unit) if unit.run_id == run.run_id => Ok(()),
        _ => {
            let run = format!("run {} of job \"{}\"", run.run_id, job.job);
            Err(no_unit(job, &run, name))
        }
    }
}

pub(super) fn no_unit(job: &Job, whose: &str, name: &str) -> Error {
    Error::new(
        Kind::ObjectMissing,
        format!("{whose} has no unit \"{name}\""),
    )
    .with_hint(format!(
        "SELECT unit, status FROM sync_units WHERE job = {};",
        literal(&job.job)
    ))
}

fn count(units: &[String]) -> i64 {
    i64::try_from(units.len()).unwrap_or(i64::MAX)
}

fn stop(
    job: &str,
    unit: Option<&str>,
    run_status: RunStatus,
    unit_status: UnitStatus,
) -> Result<i64> {
    let job = own_job(job)?;
    let run = active(&job)?;
    require_unit(&job, &run, unit)?;
    let run_stopped = unit.is_none() && run::set_status(&run, run_status, None)?;
    let stopped = unit_state::stop(&run, unit, unit_status)?;
    if stopped.is_empty() && !run_stopped {
        report::notice(&format!(
            "nothing to do: all is {} or ended",
            unit_status.as_str()
        ));
    }
    wake_supervisor_at_commit();
    Ok(count(&stopped))
}

fn resume(job: &str, unit: Option<&str>) -> Result<i64> {
    let job = own_job(job)?;
    let run = active(&job)?;
    require_unit(&job, &run, unit)?;
    let resumed = unit_state::restart(run.run_id, unit, &[UnitStatus::Paused])?;
    if run.status()? == RunStatus::Paused {
        run::reopen(&run, status_of_open(&run))?;
    } else if resumed.is_empty() {
        report::notice("nothing to do: nothing is paused");
    }
    wake_supervisor_at_commit();
    Ok(count(&resumed))
}

pub(super) fn status_of_open(run: &Run) -> RunStatus {
    match run.expanded {
        true => RunStatus::Running,
        false => RunStatus::Scheduled,
    }
}

/// Failed units go on where they stood; cancelled ones only by name.
fn retry(job: &str, name: Option<&str>) -> Result<i64> {
    let job = own_job(job)?;
    let run = locked(&job)?;
    require_same_source(&job, &run)?;
    require_unit(&job, &run, name)?;
    let from: &[UnitStatus] = match name {
        Some(_) => &[UnitStatus::Failed, UnitStatus::Cancelled],
        None => &[UnitStatus::Failed],
    };
    for unit in unit::of_run(run.run_id)? {
        let named = name.is_none_or(|name| name == unit.unit);
        if named && from.contains(&unit.status()?) && begins_anew(&unit)? {
            unit_state::forget_progress(&unit)?;
        }
    }
    let retried = unit_state::restart(run.run_id, name, from)?;
    let stranded =
        run.status()? == RunStatus::Failed && (!run.expanded || run::tally(run.run_id)?.open > 0);
    if retried.is_empty() && !stranded && !run.retry_pending {
        report::notice("nothing to do: nothing has failed");
        return Ok(0);
    }
    if run.status()? != RunStatus::Paused {
        run::reopen(&run, status_of_open(&run))?;
    }
    wake_supervisor_at_commit();
    Ok(count(&retried))
}

/// Is there nothing to go on from: no row was committed, the source's table is another than the one
/// that was planned for, or the rows are gone?
fn begins_anew(unit: &Unit) -> Result<bool> {
    let redefined = Error::new(Kind::SourceObjectMissing, "");
    let copied = unit.phase() == Some(Phase::CatchUp);
    Ok(unit.rows_done == 0 && !copied
        || unit.sqlstate.as_deref() == Some(redefined.sqlstate())
        || rows_are_gone(unit)?)
}

/// Was the table that the unit's rows went into dropped, or replaced by another one?
fn rows_are_gone(unit: &Unit) -> Result<bool> {
    let (Some(load_oid), Some(plan)) = (unit.load_oid, &unit.plan) else {
        return Ok(false);
    };
    let table = match &unit.stage {
        Some(stage) if unit.method()? == LoadMethod::Merge => stage,
        _ => &plan.target_table,
    };
    let found = relation::find(&plan.target_schema, table)?;
    Ok(found.is_none_or(|relation| relation.oid != load_oid))
}
