//! What becomes of a task that failed: retried when time heals it, parked when a person has to.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::claim::Task;
use super::followed::first_of;
use crate::catalog::job::Job;
use crate::catalog::run::{self, Run};
use crate::catalog::unit::{self, Unit};
use crate::catalog::unit_stream::{self, Following};
use crate::catalog::{chunk, stream, unit_state};
use crate::error::{Error, Kind, Result, Retry};
use crate::model::options::{JobOptions, OnError};
use crate::model::reject::Reject;
use crate::model::state::{RunStatus, UnitStatus};
use crate::pg::{report, transaction, worker};
use crate::plan::identifier::literal;
use crate::plan::retry;

pub const QUERY_CANCELED: &str = "57014";
/// A stream asks a source that is gone at least so often.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// Records the error of a task in the catalog and gives back what was claimed.
pub fn record(job: &Job, task: &Task, error: &Error) -> Result<()> {
    let error = name_job(
        error,
        &job.job,
        unit_of(task).map(|unit| unit.unit.as_str()),
    );
    let options = job.options()?;
    transaction::run(|| {
        if let Task::Expand(run) = task {
            if stopped(&error) {
                return Ok(());
            }
            let delay = delay(&error, run.attempts, &options);
            report::log(&line(job, run.run_id, None, &error, delay));
            return run::fail(run, &error, delay);
        }
        if let Task::Follow(run, how) = task {
            return follow(job, run, *how, &error);
        }
        let Some(claimed) = unit_of(task) else {
            return Ok(());
        };
        // The unit as it is now: it may have been paused, cancelled or begun anew, which is no failure, or
        // taken up by another run.
        let unit = unit::get(claimed.unit_id)?
            .filter(|unit| unit.run_id == claimed.run_id && unit.copies == claimed.copies);
        let under_way = match &unit {
            Some(unit) => matches!(unit.status()?, UnitStatus::Pending | UnitStatus::Running),
            None => false,
        };
        // First the unit, then the chunk: the order in which everybody locks them.
        let failed = unit.filter(|_| under_way && !stopped(&error));
        let delay = match &failed {
            Some(unit) => delay(&error, unit.attempts, &options),
            None => None,
        };
        if let Some(unit) = &failed {
            report::log(&line(job, unit.run_id, Some(unit), &error, delay));
            unit_state::fail(unit, &error, delay)?;
        }
        if let Task::Copy(_, chunk) = task {
            chunk::release(chunk.chunk_id, worker::pid())?;
        }
        match failed {
            Some(unit) if delay.is_none() && options.on_error == OnError::Pause => pause(&unit),
            _ => Ok(()),
        }
    })
}

/// A log that could not be followed: the source is asked again for ever while time may heal it. What a
/// person has to fix stops the units.
fn follow(job: &Job, run: &Run, how: Following, error: &Error) -> Result<()> {
    if stopped(error) {
        return Ok(());
    }
    let options = job.options()?;
    let units = unit_stream::following(run.run_id, how)?;
    let Some(stream) = stream::get(job.job_id)? else {
        return Ok(());
    };
    if error.retry() == Retry::Definite {
        let units = match how {
            Following::Streaming => units,
            // Others are further on, and may be all right.
            Following::CatchingUp => first_of(units).map_or(Vec::new(), |(_, units)| units),
        };
        for unit in &units {
            log_unit(job, unit, error);
            unit_state::fail(unit, error, None)?;
        }
        return match options.on_error {
            OnError::Pause => units.first().map_or(Ok(()), pause),
            OnError::Skip => Ok(()),
        };
    }
    let attempts = match how {
        Following::Streaming => stream.attempts,
        Following::CatchingUp => units.iter().map(|unit| unit.attempts).max().unwrap_or(0),
    };
    let longest = options.retry_max.min(LONGEST_SILENCE);
    let initial = options.retry_initial.min(longest);
    let delay = retry::delay(attempts.saturating_add(1), initial, longest, random());
    report::log(&line(job, run.run_id, None, error, Some(delay)));
    match how {
        Following::Streaming => stream::fail(&stream, error, delay),
        Following::CatchingUp => unit_stream::postpone(run.run_id, error, delay),
    }
}

/// The run as a whole has failed, with a line of the log.
pub fn give_up(job: &Job, run: &Run, error: &Error) -> Result<()> {
    report::log(&line(job, run.run_id, None, error, None));
    run::fail(run, error, None)
}

/// The log of an error that stops a unit.
pub fn log_unit(job: &Job, unit: &Unit, error: &Error) {
    report::log(&line(job, unit.run_id, Some(unit), error, None));
}

/// Was the task asked to stop, rather than failing?
fn stopped(error: &Error) -> bool {
    error.kind == Kind::Cancelled || error.sqlstate() == QUERY_CANCELED
}

fn unit_of(task: &Task) -> Option<&Unit> {
    match task {
        Task::Expand(..) | Task::Follow(..) => None,
        Task::Prepare(unit)
        | Task::Split(unit)
        | Task::Copy(unit, _)
        | Task::Step(unit, _)
        | Task::Settle(unit)
        | Task::Redrive(unit)
        | Task::Finish(unit) => Some(unit),
    }
}

pub fn pause(unit: &Unit) -> Result<()> {
    if let Some(run) = run::lock(unit.run_id)? {
        unit_state::stop(&run, None, UnitStatus::Paused)?;
        let why = format!("unit \"{}\" failed and on_error is pause", unit.unit);
        run::set_status(&run, RunStatus::Paused, Some(&why))?;
    }
    Ok(())
}

/// When to try again; `None` for an error that a person has to fix.
fn delay(error: &Error, attempts: u32, options: &JobOptions) -> Option<Duration> {
    let attempt = attempts.saturating_add(1);
    let again = error.retry() == Retry::Transient && attempt < options.max_attempts;
    again.then(|| retry::delay(attempt, options.retry_initial, options.retry_max, random()))
}

/// A number from 0 to 1, different in each process and at each call.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1u64 << 53) as f64
}

/// Hints are written where only the table is known, or not even that; here both are.
pub fn name_job(error: &Error, job: &str, unit: Option<&str>) -> Error {
    let mut error = error.clone();
    error.hint = error.hint.map(|hint| named(&hint, job, unit));
    error
}

pub fn name_rejects(rejects: &mut [Reject], job: &str, unit: &str) {
    for reject in rejects {
        reject.hint = reject
            .hint
            .as_deref()
            .map(|hint| named(hint, job, Some(unit)));
    }
}

fn named(hint: &str, job: &str, unit: Option<&str>) -> String {
    let hint = hint.replace("'<job>'", &literal(job));
    match unit {
        Some(unit) => hint.replace("'<unit>'", &literal(unit)),
        None => hint,
    }
}

fn line(
    job: &Job,
    run_id: i64,
    unit: Option<&Unit>,
    error: &Error,
    delay: Option<Duration>,
) -> String {
    let what = match unit {
        Some(unit) => format!("job \"{}\", run {run_id}, unit \"{}\"", job.job, unit.unit),
        None => format!("job \"{}\", run {run_id}", job.job),
    };
    let then = match delay {
        Some(delay) => format!("next attempt in {:.1} s", delay.as_secs_f64()),
        None => "failed".to_owned(),
    };
    // PostgreSQL's details quote values of the row; the log is not for those.
    let message = match error.kind {
        Kind::Postgres => error.message.clone(),
        _ => error.full_message(),
    };
    format!("{what}: {message} (SQLSTATE {}), {then}", error.sqlstate())
}
