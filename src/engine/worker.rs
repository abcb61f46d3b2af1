//! A worker: claims one piece of work of its run after the other, as the job's owner, until
//! nothing is left that others are not at.
//!
//! It holds the run's `Worker` claim all the time, so that the supervisor can count and reach it.
//! An error of a task is recorded and the worker goes on; an error outside of one ends it, and the
//! supervisor starts another.

use std::time::Duration;

use super::claim::{self, Claimed, Task};
use super::queue::Buffer;
use super::reader::{Log, Reader};
use super::{
    copy, expand, failure, finish, follow, prepare, processes, redrive, session, split, steps,
};
use crate::catalog::job::{self, Job};
use crate::catalog::run;
use crate::catalog::unit_stream::Following;
use crate::error::{Kind, Result};
use crate::model::run_options::Overflow;
use crate::pg::allocator;
use crate::pg::lock::{self, Claim};
use crate::pg::worker::{self, Assignment};
use crate::pg::{guc, latch, report, transaction};

/// A look for work every so often while others cut chunks or finish theirs, then the worker leaves.
const IDLE_LOOK: Duration = Duration::from_millis(100);
const IDLE_LOOKS: u32 = 20;
/// How long a worker that an error ends stays, so that its successor does not come at once.
const PENANCE: Duration = Duration::from_secs(1);

pub fn main() {
    let assignment = worker::begin();
    // Role 0 would be the bootstrap superuser.
    if assignment.role == 0 {
        return;
    }
    if let Err(error) = worker::connect(assignment).and_then(|()| work(assignment)) {
        worker::log_error(processes::WORKER, &error);
        // What stops one worker at once would stop the next as soon.
        let _ = report::catch(|| Ok(latch::wait(None, PENANCE)));
    }
}

fn work(assignment: Assignment) -> Result<()> {
    let run_id = assignment.run;
    let Some(_alive) = transaction::run(|| Ok(lock::try_shared(Claim::Worker, run_id)))? else {
        return Ok(());
    };
    let mut reader = None;
    let mut idle_looks = 0;
    let mut worked = false;
    loop {
        worker::reload_configuration_if_asked();
        worker::discard_cancel_request();
        let found = match transaction::run(|| look(run_id)) {
            // A cancel request that came late: what it was meant for is let go of.
            Err(error) if error.sqlstate() == failure::QUERY_CANCELED => continue,
            found => found?,
        };
        match found {
            (None, _) | (_, Claimed::RunEnded) => return Ok(()),
            // The extension was created anew: this is another run of that number.
            (Some(job), _) if job.owner() != assignment.role => return Ok(()),
            (Some(_), Claimed::Nothing) => {
                idle_looks += 1;
                if idle_looks > IDLE_LOOKS {
                    return Ok(());
                }
                // No session is kept at the source for nothing.
                reader = None;
                worker::report_activity(None);
                // A late cancel request ends the wait and no more.
                let _ = report::catch(|| Ok(latch::wait(None, IDLE_LOOK)));
            }
            (Some(_), Claimed::Superfluous) => {
                if !worked {
                    // One that leaves at once would look as if it could not begin.
                    let _ = report::catch(|| Ok(latch::wait(None, PENANCE)));
                }
                // The supervisor that has started it is told when it has ended.
                return Ok(());
            }
            // What is held is held until its outcome is recorded.
            (Some(job), Claimed::Task(task, _held)) => {
                idle_looks = 0;
                worked = true;
                worker::report_activity(Some(&describe(&job, &task)));
                // A cancel request may come between two transactions of the task.
                let outcome = report::catch(|| perform(&job, &task, &mut reader));
                if matches!(task, Task::Follow(..)) {
                    // What the worker does next it does as anybody, however this has ended.
                    transaction::run(|| {
                        guc::as_origin();
                        Ok(())
                    })?;
                }
                match outcome {
                    // It may have been the last unit of the run.
                    Ok(()) if matches!(task, Task::Settle(..)) => {
                        transaction::run(processes::wake_running_supervisor)?;
                    }
                    Ok(()) => {}
                    Err(error) => {
                        // What the reader was asked last has no taker any more.
                        reader = None;
                        failure::record(&job, &task, &error)?;
                    }
                }
                // A thread that was stopped keeps its memory and its connection.
                if allocator::has_stopped_a_thread() {
                    return Ok(());
                }
            }
        }
    }
}

fn look(run_id: i64) -> Result<(Option<Job>, Claimed)> {
    // The supervisor revives workers; they revive it.
    processes::revive_supervisor()?;
    Ok((find_job(run_id)?, claim::next(run_id)?))
}

fn perform(job: &Job, task: &Task, reader: &mut Option<Reader>) -> Result<()> {
    let known = reader.is_some();
    match attempt(job, task, reader) {
        // A session keeps the privileges it began with; retry on a new connection in case the grant
        // came later.
        Err(error) if known && error.kind == Kind::AccessDenied => {
            *reader = None;
            attempt(job, task, reader)
        }
        outcome => outcome,
    }
}

fn attempt(job: &Job, task: &Task, reader: &mut Option<Reader>) -> Result<()> {
    match task {
        Task::Expand(run) => expand::expand(job, run, connect(job, task, reader)?),
        Task::Prepare(unit) => prepare::prepare(job, unit, connect(job, task, reader)?),
        Task::Split(unit) => split::split(job, unit, connect(job, task, reader)?),
        Task::Copy(unit, chunk) => copy::copy(job, unit, chunk, connect(job, task, reader)?),
        Task::Redrive(unit) => redrive::redrive(job, unit, connect(job, task, reader)?),
        Task::Follow(run, how) => {
            follow::follow(job, run.run_id, *how, connect(job, task, reader)?)
        }
        // All rows have been read: what the copy saw too early stands before this end of the log.
        Task::Finish(unit) if job.streams() => {
            let end = connect(job, task, reader)?.position(Log::End)?;
            finish::finish(job, unit, Some(end))
        }
        Task::Finish(unit) => finish::finish(job, unit, None),
        Task::Settle(unit) => finish::settle(job, unit),
        Task::Step(unit, step) => steps::make(job, unit, step),
    }
}

/// A reader for the task: the one there is, if that would do.
fn connect<'a>(job: &Job, task: &Task, reader: &'a mut Option<Reader>) -> Result<&'a mut Reader> {
    // Rights and credentials are looked at anew for each task: they may have been taken away.
    let endpoint = transaction::run(|| session::endpoint(job))?;
    let buffer = Buffer {
        capacity: (guc::memory_limit() / guc::max_workers() as usize).clamp(1 << 20, 8 << 20),
        overflow: match task {
            Task::Copy(..) => job.options()?.run.overflow,
            // Nobody else waits for these, and a log is no place to fail for a pause of PostgreSQL.
            _ => Overflow::Block,
        },
    };
    let fits = |reader: &Reader| reader.reads(&endpoint) && reader.buffers(buffer);
    let found = match reader.take().filter(fits) {
        Some(found) => found,
        None => Reader::with_buffer(endpoint, buffer)?,
    };
    Ok(reader.insert(found))
}

fn find_job(run_id: i64) -> Result<Option<Job>> {
    match run::get(run_id)? {
        Some(run) => job::get_by_id(run.job_id).map(Some),
        None => Ok(None),
    }
}

/// What `pg_stat_activity.query` shows.
fn describe(job: &Job, task: &Task) -> String {
    match task {
        Task::Expand(..) => format!("job {}: listing tables", job.job),
        Task::Prepare(unit) => format!("job {}: preparing {}", job.job, unit.unit),
        Task::Split(unit) => format!("job {}: cutting {}", job.job, unit.unit),
        Task::Copy(unit, chunk) => {
            format!(
                "job {}: copying {}, chunk {}",
                job.job, unit.unit, chunk.number
            )
        }
        Task::Finish(unit) | Task::Settle(unit) => {
            format!("job {}: finishing {}", job.job, unit.unit)
        }
        Task::Step(unit, step) => {
            format!("job {}: making {} of {}", job.job, step.name, unit.unit)
        }
        Task::Redrive(unit) => format!("job {}: redriving {}", job.job, unit.unit),
        Task::Follow(_, Following::Streaming) => format!("job {}: streaming", job.job),
        Task::Follow(_, Following::CatchingUp) => format!("job {}: catching up", job.job),
    }
}
