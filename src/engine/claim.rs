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

/// A piece of work.
#[derive(Debug)]
pub enum Task {
    /// List the units of the run.
    Expand(Run),
    /// Plan a unit and prepare its target.
    Prepare(Box<Unit>),
    /// Cut the next chunk of a unit.
    Split(Box<Unit>),
    /// Copy a chunk.
    Copy(Box<Unit>, Box<Chunk>),
    /// Bring a unit's rows, whose chunks are copied, into its target.
    Finish(Box<Unit>),
    /// Make an index or a foreign key.
    Step(Box<Unit>, Box<Step>),
    /// Take a unit to its next phase, or complete it.
    Settle(Box<Unit>),
    /// Write a unit's rejects again.
    Redrive(Box<Unit>),
    /// Follow the log, for units in step with the stream or for those that catch up.
    Follow(Run, Following),
}

/// What the look for a task came to.
#[derive(Debug)]
pub enum Claimed {
    /// It is this worker's until the claim is dropped.
    Task(Task, Held),
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
        && let Some((task, held)) = follow(&run, Following::Streaming)?
    {
        return Ok(Claimed::Task(task, held));
    }
    if throttle::superfluous(&run)? {
        return Ok(Claimed::Superfluous);
    }
    if let Some((task, held)) = follow(&run, Following::CatchingUp)? {
        return Ok(Claimed::Task(task, held));
    }
    for chunk_id in chunk::open_of_run(run_id)? {
        if let Some((task, held)) = copy(chunk_id)? {
            return Ok(Claimed::Task(task, held));
        }
    }
    for step_id in step::open_of_run(run_id)? {
        if let Some((task, held)) = make(step_id)? {
            return Ok(Claimed::Task(task, held));
        }
    }
    for unit_id in unit::needing_a_step(run_id)? {
        if let Some((task, held)) = care_for(unit_id)? {
            return Ok(Claimed::Task(task, held));
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
        Some(run) if !run.expanded => Ok(Claimed::Task(Task::Expand(run), held)),
        _ => Ok(Claimed::Nothing),
    }
}

fn follow(run: &Run, how: Following) -> Result<Option<(Task, Held)>> {
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
    Ok(still.then(|| (Task::Follow(run.clone(), how), held)))
}

fn copy(chunk_id: i64) -> Result<Option<(Task, Held)>> {
    let Some(held) = lock::try_exclusive(Claim::Chunk, chunk_id) else {
        return Ok(None);
    };
    let Some(chunk) = chunk::claim(chunk_id, worker::pid())? else {
        return Ok(None);
    };
    let unit = unit::get(chunk.unit_id)?;
    Ok(unit.map(|unit| (Task::Copy(Box::new(unit), Box::new(chunk)), held)))
}

fn make(step_id: i64) -> Result<Option<(Task, Held)>> {
    let Some(held) = lock::try_exclusive(Claim::Step, step_id) else {
        return Ok(None);
    };
    let Some(step) = step::claim(step_id, worker::pid())? else {
        return Ok(None);
    };
    let unit = unit::get(step.unit_id)?;
    Ok(unit.map(|unit| (Task::Step(Box::new(unit), Box::new(step)), held)))
}

fn care_for(unit_id: i64) -> Result<Option<(Task, Held)>> {
    let Some(held) = lock::try_exclusive(Claim::Unit, unit_id) else {
        return Ok(None);
    };
    let Some(unit) = unit::get(unit_id)? else {
        return Ok(None);
    };
    let unit = Box::new(unit);
    let task = match unit.status()? {
        UnitStatus::Pending => Task::Prepare(unit),
        UnitStatus::Running if unit.redrive => Task::Redrive(unit),
        UnitStatus::Running => match unit.phase() {
            Some(Phase::Rows) if !unit.planned => Task::Split(unit),
            Some(Phase::Rows) if unit.open_chunks == 0 => Task::Finish(unit),
            Some(Phase::Indexes | Phase::ForeignKeys) if unit.open_steps == 0 => Task::Settle(unit),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some((task, held)))
}
