//! What a worker does next. A claim is a session lock, so that the death of its holder frees it;
//! what the claimed thing needs is then read from the catalog anew.

use super::throttle;
use crate::catalog::chunk::{self, Chunk};
use crate::catalog::run::{self, Run};
use crate::catalog::step::{self, Step};
use crate::catalog::stream;
use crate::catalog::unit::{self, Unit};
use crate::catalog::unit_stream::{self, Following};
use crate::error::Result;
use crate::model::state::{Phase, RunStatus, UnitStatus};
use crate::pg::lock::{self, Claim, Held};
use crate::pg::worker;

/// A claimed piece of work.
#[derive(Debug)]
pub enum Task {
    /// List the units of the run.
    Expand(Run, Held),
    /// Plan a unit and prepare its target.
    Prepare(Box<Unit>, Held),
    /// Cut the next chunk of a unit.
    Split(Box<Unit>, Held),
    /// Copy a chunk.
    Copy(Box<Unit>, Box<Chunk>, Held),
    /// Bring a unit's rows, whose chunks are copied, into its target.
    Finish(Box<Unit>, Held),
    /// Make an index or a foreign key.
    Step(Box<Unit>, Box<Step>, Held),
    /// Take a unit to its next phase, or complete it.
    Settle(Box<Unit>, Held),
    /// Write a unit's rejects again.
    Redrive(Box<Unit>, Held),
    /// Follow the log, for units in step with the stream or for those that catch up.
    Follow(Run, Following, Held),
}

/// What the look for a task came to.
#[derive(Debug)]
pub enum Claimed {
    Task(Task),
    /// Others are at what is left; there may be more later.
    Nothing,
    /// The run has more workers than it may.
    Superfluous,
    /// The run needs no worker.
    RunEnded,
}

/// Looks for a piece of work of the run. In a transaction of its own.
pub fn next(run_id: i64) -> Result<Claimed> {
    let Some(run) = run::get(run_id)? else {
        return Ok(Claimed::RunEnded);
    };
    match run.status()? {
        RunStatus::Scheduled | RunStatus::Initializing | RunStatus::Running => {}
        _ => return Ok(Claimed::RunEnded),
    }
    if !run.expanded {
        return expand(run);
    }
    if run.stream_granted != Some(false)
        && let Some(task) = follow(&run, Following::Streaming)?
    {
        return Ok(Claimed::Task(task));
    }
    if throttle::superfluous(&run)? {
        return Ok(Claimed::Superfluous);
    }
    if let Some(task) = follow(&run, Following::CatchingUp)? {
        return Ok(Claimed::Task(task));
    }
    for chunk_id in chunk::open_of_run(run_id)? {
        if let Some(task) = copy(chunk_id)? {
            return Ok(Claimed::Task(task));
        }
    }
    for step_id in step::open_of_run(run_id)? {
        if let Some(task) = make(step_id)? {
            return Ok(Claimed::Task(task));
        }
    }
    for unit_id in unit::needing_a_step(run_id)? {
        if let Some(task) = care_for(unit_id)? {
            return Ok(Claimed::Task(task));
        }
    }
    Ok(Claimed::Nothing)
}

fn expand(run: Run) -> Result<Claimed> {
    if run.retry_pending {
        return Ok(Claimed::Nothing);
    }
    let Some(held) = lock::try_exclusive(Claim::Expand, run.run_id) else {
        return Ok(Claimed::Nothing);
    };
    // Another worker may have done it between the look and the lock.
    match run::get(run.run_id)? {
        Some(run) if !run.expanded => Ok(Claimed::Task(Task::Expand(run, held))),
        _ => Ok(Claimed::Nothing),
    }
}

fn follow(run: &Run, how: Following) -> Result<Option<Task>> {
    let claim = match how {
        Following::Streaming => Claim::Stream,
        Following::CatchingUp => Claim::CatchUp,
    };
    let waits = || match how {
        Following::Streaming => {
            Ok(stream::get(run.job_id)?.is_none_or(|stream| stream.retry_pending))
        }
        Following::CatchingUp => Ok(false),
    };
    if !unit_stream::any_following(run.run_id, how)? || waits()? {
        return Ok(None);
    }
    let Some(held) = lock::try_exclusive(claim, run.run_id) else {
        return Ok(None);
    };
    // Another worker may have done it between the look and the lock.
    let still = unit_stream::any_following(run.run_id, how)? && !waits()?;
    Ok(still.then(|| Task::Follow(run.clone(), how, held)))
}

fn copy(chunk_id: i64) -> Result<Option<Task>> {
    let Some(held) = lock::try_exclusive(Claim::Chunk, chunk_id) else {
        return Ok(None);
    };
    let Some(chunk) = chunk::claim(chunk_id, worker::pid())? else {
        return Ok(None);
    };
    Ok(unit::get(chunk.unit_id)?.map(|unit| Task::Copy(Box::new(unit), Box::new(chunk), held)))
}

fn make(step_id: i64) -> Result<Option<Task>> {
    let Some(held) = lock::try_exclusive(Claim::Step, step_id) else {
        return Ok(None);
    };
    let Some(step) = step::claim(step_id, worker::pid())? else {
        return Ok(None);
    };
    Ok(unit::get(step.unit_id)?.map(|unit| Task::Step(Box::new(unit), Box::new(step), held)))
}

fn care_for(unit_id: i64) -> Result<Option<Task>> {
    let Some(held) = lock::try_exclusive(Claim::Unit, unit_id) else {
        return Ok(None);
    };
    let Some(unit) = unit::get(unit_id)? else {
        return Ok(None);
    };
    let unit = Box::new(unit);
    Ok(match unit.status()? {
        UnitStatus::Pending => Some(Task::Prepare(unit, held)),
        UnitStatus::Running if unit.redrive => Some(Task::Redrive(unit, held)),
        UnitStatus::Running => match unit.phase() {
            Some(Phase::Rows) if !unit.planned => Some(Task::Split(unit, held)),
            Some(Phase::Rows) if unit.open_chunks == 0 => Some(Task::Finish(unit, held)),
            Some(Phase::Indexes | Phase::ForeignKeys) if unit.open_steps == 0 => {
                Some(Task::Settle(unit, held))
            }
            _ => None,
        },
        _ => None,
    })
}
