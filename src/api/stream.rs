//! Following a source: waiting for a position, and copying units anew.

use std::time::{Duration, Instant};

use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::wait::{as_duration, require_fresh_snapshots};
use super::{given, own_job};
use crate::catalog::job::Job;
use crate::catalog::run::{self, Run};
use crate::catalog::unit;
use crate::catalog::unit_stream::{self, Pending};
use crate::catalog::{stream, unit_state};
use crate::engine::processes::{self, wake_supervisor_at_commit};
use crate::engine::reader::Log;
use crate::engine::session;
use crate::error::{Error, Kind, Result};
use crate::model::position::{Position, WaitTarget};
use crate::model::state::{RunStatus, UnitStatus};
use crate::pg::{latch, report};
use crate::plan::identifier::literal;

/// How often the catalog is looked at.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS_PER_REVIVAL: u32 = 25;

/// True when the position is applied, false when the time is over.
#[pg_extern]
fn sync_wait_for(
    job: Option<&str>,
    position: default!(Option<&str>, "'now'"),
    timeout: default!(Option<Interval>, "NULL"),
) -> Result<bool, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    require_stream(&job)?;
    let timeout = timeout.as_ref().map(as_duration);
    Ok(wait_for(&job, given("position", position)?, timeout)?)
}

#[pg_extern]
fn sync_resync(
    job: Option<&str>,
    unit: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    require_stream(&job)?;
    Ok(resync(&job, unit)?)
}

fn require_stream(job: &Job) -> Result<()> {
    match job.streams() {
        true => Ok(()),
        false => Err(Error::new(
            Kind::InvalidState,
            format!("job \"{}\" has mode full and follows no log", job.job),
        )
        .with_hint(format!(
            "SELECT sync_start({}); copies its tables anew",
            literal(&job.job)
        ))),
    }
}

enum Awaited {
    Position(Position),
    Target(WaitTarget),
}

impl Awaited {
    fn reached_by(&self, position: &Position) -> Option<bool> {
        match self {
            Awaited::Position(awaited) => position.reached(awaited),
            Awaited::Target(target) => position.reached_target(target),
        }
    }
}

fn wait_for(job: &Job, position: &str, timeout: Option<Duration>) -> Result<bool> {
    require_fresh_snapshots()?;
    let awaited = match WaitTarget::parse(position)? {
        WaitTarget::Now => Awaited::Position(session::open(job)?.position(Log::End)?),
        target => Awaited::Target(target),
    };
    let since = Instant::now();
    for look in 1u32.. {
        let run = under_way(job)?;
        if look == 1 && run.uncommitted {
            return Err(Error::new(
                Kind::InvalidState,
                "the run was started or changed in this transaction and begins when it commits",
            )
            .with_hint("COMMIT; before sync_wait_for"));
        }
        if has_come(job, &run, &awaited)? {
            return Ok(true);
        }
        let rest = timeout.map(|timeout| timeout.saturating_sub(since.elapsed()));
        if rest == Some(Duration::ZERO) {
            return Ok(false);
        }
        if look % LOOKS_PER_REVIVAL == 0 && run.status()? != RunStatus::Paused {
            processes::revive_supervisor()?;
        }
        latch::wait(None, rest.map_or(LOOK, |rest| rest.min(LOOK)));
    }
    Err(Error::new(Kind::Internal, "waited too often"))
}

fn under_way(job: &Job) -> Result<Run> {
    let hint = format!("SELECT sync_start({});", literal(&job.job));
    let Some(run) = run::latest(job.job_id)? else {
        let error = Error::new(
            Kind::InvalidState,
            format!("job \"{}\" has no run yet", job.job),
        );
        return Err(error.with_hint(hint));
    };
    let status = run.status()?;
    if !status.ended() {
        return Ok(run);
    }
    let error = Error::new(
        Kind::InvalidState,
        format!(
            "run {} of job \"{}\" is {}",
            run.run_id,
            job.job,
            status.as_str()
        ),
    )
    .with_hint(run.hint.clone().unwrap_or(hint));
    Err(match &run.error {
        Some(detail) => error.with_detail(detail.clone()),
        None => error,
    })
}

/// Is it applied, for every unit?
fn has_come(job: &Job, run: &Run, awaited: &Awaited) -> Result<bool> {
    if !run.expanded {
        return Ok(false);
    }
    match unit_stream::pending(run.run_id)? {
        Pending::Paused { unit } => Err(Error::new(
            Kind::InvalidState,
            format!("unit \"{unit}\" of job \"{}\" is paused", job.job),
        )
        .with_hint(match run.status()? {
            RunStatus::Paused => format!("SELECT sync_resume({});", literal(&job.job)),
            _ => format!(
                "SELECT sync_resume({}, {});",
                literal(&job.job),
                literal(&unit)
            ),
        })),
        Pending::Failed { unit, error } => Err(Error::new(
            Kind::InvalidState,
            format!("unit \"{unit}\" of job \"{}\" has failed", job.job),
        )
        .with_detail(error)
        .with_hint(format!(
            "SELECT hint FROM sync_units WHERE job = {} AND unit = {};",
            literal(&job.job),
            literal(&unit)
        ))),
        Pending::Some => Ok(false),
        Pending::None => {
            let stream = stream::get(job.job_id)?;
            let Some(position) = stream.and_then(|stream| stream.position) else {
                return Ok(false);
            };
            awaited.reached_by(&position).ok_or_else(|| {
                Error::new(
                    Kind::InvalidParameter,
                    "the position cannot be compared with that of the stream",
                )
                .with_detail(format!(
                    "The stream stands at {}.",
                    serde_json::to_string(&position).unwrap_or_default()
                ))
            })
        }
    }
}

pub(super) fn resync(job: &Job, name: Option<&str>) -> Result<i64> {
    let run = super::control::locked(job)?;
    super::control::require_unit(job, &run, name)?;
    super::control::require_same_source(job, &run)?;
    if run.status()? == RunStatus::Cancelled {
        return Err(Error::new(
            Kind::InvalidState,
            format!("run {} of job \"{}\" is cancelled", run.run_id, job.job),
        )
        .with_hint(format!(
            "SELECT sync_start({}); copies all its tables anew",
            literal(&job.job)
        )));
    }
    let mut count = 0;
    stream::fence(job.job_id)?;
    for unit in unit::of_run(run.run_id)? {
        // What was cancelled stays so, unless it is named.
        let meant = match name {
            Some(name) => name == unit.unit,
            None => unit.status()? != UnitStatus::Cancelled,
        };
        if meant {
            unit_stream::begin_anew(&unit)?;
            count += 1;
        }
    }
    match run.status()? {
        RunStatus::Paused => {
            unit_state::stop(&run, name, UnitStatus::Paused)?;
            report::notice("the job is paused; its units are copied when it goes on");
        }
        RunStatus::Failed | RunStatus::Completed => {
            run::reopen(&run, super::control::status_of_open(&run))?;
        }
        _ => {}
    }
    wake_supervisor_at_commit();
    Ok(count)
}
