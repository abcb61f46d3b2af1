//! Waiting for a run to end.

use std::time::{Duration, Instant};

use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{given, own_job};
use crate::catalog::job::Job;
use crate::catalog::run::{self, Run};
use crate::engine::processes;
use crate::error::{Error, Kind, Result};
use crate::model::state::RunStatus;
use crate::pg::latch;
use crate::plan::identifier::literal;

/// How often the catalog is looked at; nothing tells a waiting backend of another's commit.
const LOOK: Duration = Duration::from_millis(100);
/// A supervisor that vanished is replaced after as many looks.
const LOOKS_PER_REVIVAL: u32 = 5;

#[pg_extern]
fn sync_wait(
    job: Option<&str>,
    timeout: default!(Option<Interval>, "NULL"),
) -> Result<String, ErrorReport> {
    let timeout = timeout.as_ref().map(as_duration);
    Ok(wait(&own_job(given("job", job)?)?, timeout)?
        .as_str()
        .to_owned())
}

/// The ERROR of a run that did not complete, for `CALL sync_run`.
#[pg_extern]
fn sync_require_completed(run_id: i64) -> Result<(), ErrorReport> {
    Ok(require_completed(run_id)?)
}

pub(super) fn as_duration(interval: &Interval) -> Duration {
    const DAY: i64 = 86_400_000_000;
    let days = i64::from(interval.months())
        .saturating_mul(30)
        .saturating_add(i64::from(interval.days()));
    let total = days.saturating_mul(DAY).saturating_add(interval.micros());
    Duration::from_micros(u64::try_from(total).unwrap_or(0))
}

/// Whoever waits has to see what others commit.
pub(super) fn require_fresh_snapshots() -> Result<()> {
    match crate::pg::worker::sees_commits_of_others() {
        true => Ok(()),
        false => Err(Error::new(
            Kind::InvalidState,
            "a transaction with isolation level repeatable read or serializable never sees what it waits for",
        )
        .with_hint("wait in a READ COMMITTED transaction")),
    }
}

fn wait(job: &Job, timeout: Option<Duration>) -> Result<RunStatus> {
    require_fresh_snapshots()?;
    let since = Instant::now();
    for look in 1u32.. {
        let Some(run) = run::latest(job.job_id)? else {
            return Err(Error::new(
                Kind::InvalidState,
                format!("job \"{}\" has no run to wait for", job.job),
            )
            .with_hint(format!("SELECT sync_start({});", literal(&job.job))));
        };
        let status = run.status()?;
        if run.uncommitted && !status.ended() {
            return Err(Error::new(
                Kind::InvalidState,
                "the run was started or changed in this transaction and begins when it commits",
            )
            .with_hint("COMMIT; before sync_wait, or use CALL sync_run"));
        }
        let rest = timeout.map(|timeout| timeout.saturating_sub(since.elapsed()));
        if status.ended() || rest == Some(Duration::ZERO) {
            return Ok(status);
        }
        if look % LOOKS_PER_REVIVAL == 0 && status != RunStatus::Paused {
            processes::revive_supervisor()?;
        }
        latch::wait(None, rest.map_or(LOOK, |rest| rest.min(LOOK)));
    }
    Err(Error::new(Kind::Internal, "waited too often"))
}

fn require_completed(run_id: i64) -> Result<()> {
    let missing = || Error::new(Kind::ObjectMissing, format!("run {run_id} does not exist"));
    let run = run::get(run_id)?.ok_or_else(missing)?;
    let job = crate::catalog::job::get_by_id(run.job_id)?;
    // Strangers do not learn what there is.
    crate::pg::role::require_privileges_of(job.owner(), &job.job).map_err(|_| missing())?;
    match run.status()? {
        RunStatus::Completed => Ok(()),
        status => Err(failed(&job.job, &run, status)),
    }
}

fn failed(job: &str, run: &Run, status: RunStatus) -> Error {
    let error = Error::new(
        Kind::InvalidState,
        format!(
            "run {} of job \"{job}\" has {}",
            run.run_id,
            match status {
                RunStatus::Failed => "failed",
                RunStatus::Cancelled => "been cancelled",
                _ => "not ended",
            }
        ),
    );
    let error = match &run.error {
        Some(detail) => error.with_detail(detail.clone()),
        None => error,
    };
    match &run.hint {
        Some(hint) => error.with_hint(hint.clone()),
        None => error,
    }
}
