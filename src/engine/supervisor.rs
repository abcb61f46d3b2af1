//! The supervisor of a database: one process that looks at the catalog and sees to it that what is
//! written there happens. It reads states, starts and stops workers, sets due retries going and
//! ends runs; it holds no state that a successor would miss, and runs no text of a user.
//!
//! It exists while a run is under way. Before it leaves it gives its claim back and looks once
//! more, so that a run scheduled at that moment is seen by it or by the next one.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::due::start_due;
use super::failure;
use super::processes::{self, Holder};
use super::trouble::{cannot_begin, catalog_exists, missed, no_owner, patient, told};
use super::upkeep::Upkeep;
use crate::catalog::job::{self, Job};
use crate::catalog::run::{self, Run};
use crate::catalog::unit_state::Stopped;
use crate::catalog::unit_stream::{self, Following};
use crate::catalog::{history, stream, unit_state};
use crate::error::{Error, Kind, Result};
use crate::model::state::RunStatus;
use crate::pg::lock::{self, Claim, Held};
use crate::pg::worker::{self, Handle};
use crate::pg::{guc, latch, report, role, transaction};
use crate::plan::share::{Demand, share};

/// Longest time between two looks; wake-ups make most of them earlier.
const LOOK: Duration = Duration::from_millis(500);
/// How long a run keeps places that others wait for.
const TURN: Duration = Duration::from_secs(10);
/// A worker that ends sooner than this, unseen, is taken not to have begun.
const SHORT_LIFE: Duration = Duration::from_secs(1);
/// So many in a row fail the run.
const SHORT_LIVES: u32 = 10;

pub fn main() {
    let assignment = worker::begin();
    if let Err(error) = worker::connect(assignment) {
        worker::log_error(processes::SUPERVISOR, &error);
        return;
    }
    loop {
        match claim_database() {
            Ok(Some(held)) => match Supervisor::default().supervise() {
                Ok(Outcome::Leave) => worker::exit_to_be_restarted(),
                Ok(Outcome::Idle) => {
                    drop(held);
                    if !work_left() {
                        return;
                    }
                }
                Err(error) => {
                    drop(held);
                    if !catalog_exists() {
                        end_workers();
                        return;
                    }
                    worker::log_error(processes::SUPERVISOR, &error);
                    wait();
                }
            },
            Ok(None) => return,
            Err(error) => {
                worker::log_error(processes::SUPERVISOR, &error);
                if !catalog_exists() {
                    return;
                }
                wait();
            }
        }
    }
}

/// The claim on this database, or `None` where there is nothing to do here or another supervisor
/// does it; that one is woken.
fn claim_database() -> Result<Option<Held>> {
    transaction::run(|| {
        if !processes::extension_exists() {
            return Ok(None);
        }
        if let Some(held) = lock::try_exclusive(Claim::Supervisor, 0) {
            return Ok(Some(held));
        }
        processes::wake_running_supervisor()?;
        Ok(None)
    })
}

fn work_left() -> bool {
    transaction::run(|| Ok(processes::extension_exists() && needs_supervisor(&run::active()?)?))
        .unwrap_or(true)
}

/// Without the extension no worker has anything to do, and a new one's runs are not theirs.
fn end_workers() {
    let ended = transaction::run(|| {
        for holder in processes::holders()? {
            if holder.holds(Claim::Worker) {
                processes::terminate(holder.pid)?;
            }
        }
        Ok(())
    });
    if let Err(error) = ended {
        worker::log_error(processes::SUPERVISOR, &error);
    }
}

/// Paused runs need no process.
fn needs_supervisor(runs: &[Run]) -> Result<bool> {
    for run in runs {
        if run.status()? != RunStatus::Paused {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Until the latch is set, or the time for a look has come. A stray cancel request ends the wait
/// and no more.
fn wait() {
    let _ = report::catch(|| Ok(latch::wait(None, LOOK)));
}

enum Outcome {
    /// Nothing to do.
    Idle,
    /// The database is about to be dropped: do not stand in the way. The process that the
    /// postmaster starts in its place waits for the outcome.
    Leave,
}

/// A worker that this supervisor started.
struct Started {
    run_id: i64,
    handle: Handle,
    at: Instant,
}

#[derive(Default)]
struct Supervisor {
    started: Vec<Started>,
    /// Workers of a run in a row that ended before anybody saw them work.
    short_lives: HashMap<i64, u32>,
    /// Workers that held up somebody at the last look.
    stalled: Vec<i64>,
    upkeep: Upkeep,
}

/// A run and the workers it could use.
struct Wanting<'a> {
    run: &'a Run,
    job: Job,
    demand: Demand,
    /// Copiers that it may have at most.
    most: usize,
}

impl Supervisor {
    fn supervise(&mut self) -> Result<Outcome> {
        loop {
            worker::reload_configuration_if_asked();
            worker::report_activity(Some("looking after runs"));
            if transaction::run(processes::database_is_being_dropped)? {
                end_workers();
                return Ok(Outcome::Leave);
            }
            let (runs, holders) = transaction::run(|| self.look())?;
            let mut wanting = Vec::with_capacity(runs.len());
            for run in &runs {
                // One transaction each: a run that somebody has locked, or whose definition is
                // broken, does not hold up the others.
                match patient(|| look_after(run, &holders)) {
                    Ok(found) => wanting.extend(found),
                    Err(error) => told(run, error)?,
                }
            }
            let demands: Vec<Demand> = wanting.iter().map(|wanting| wanting.demand).collect();
            let grants = share(guc::max_workers() as usize, &demands, turn());
            for (wanting, grant) in wanting.iter().zip(grants) {
                let started = patient(|| self.start_workers(wanting, grant, &holders));
                started.or_else(|error| told(wanting.run, error))?;
            }
            // Nothing of these is urgent: what cannot be done now is done at a later look.
            let waits = start_due().or_else(|error| missed(error).map(|()| true))?;
            self.upkeep.look_after(&runs).or_else(missed)?;
            let idle = holders.iter().all(|holder| !holder.holds(Claim::Worker))
                && self.started.is_empty()
                && !waits
                && !transaction::run(|| needs_supervisor(&run::active()?))?;
            if idle {
                return Ok(Outcome::Idle);
            }
            worker::report_activity(None);
            wait();
        }
    }

    /// One look at everything; the runs under way, and who holds what.
    fn look(&mut self) -> Result<(Vec<Run>, Vec<Holder>)> {
        let runs = run::active()?;
        let holders = processes::holders()?;
        self.forget_ended(&holders);
        for holder in holders.iter().filter(|holder| holder.holds(Claim::Worker)) {
            if !working(&runs, holder.id)? {
                processes::terminate(holder.pid)?;
            }
        }
        self.interrupt_stalled()?;
        Ok((runs, holders))
    }

    /// A batch whose source has gone silent gives way to somebody who waits for its table; it is read
    /// again from the cursor, and waits for the source without a lock.
    fn interrupt_stalled(&mut self) -> Result<()> {
        let stalled = processes::stalled_blockers()?;
        for pid in &stalled {
            if self.stalled.contains(pid) {
                processes::cancel(*pid)?;
            }
        }
        self.stalled = stalled;
        Ok(())
    }

    fn forget_ended(&mut self, holders: &[Holder]) {
        for holder in holders.iter().filter(|holder| holder.holds(Claim::Worker)) {
            self.short_lives.remove(&holder.id);
        }
        let short_lives = &mut self.short_lives;
        self.started.retain(|started| {
            let stopped = started.handle.stopped();
            if stopped && started.at.elapsed() < SHORT_LIFE {
                *short_lives.entry(started.run_id).or_default() += 1;
            }
            !stopped
        });
    }

    fn start_workers(
        &mut self,
        wanting: &Wanting<'_>,
        grant: Demand,
        holders: &[Holder],
    ) -> Result<()> {
        let Wanting {
            run, job, demand, ..
        } = wanting;
        let lives = self.short_lives.get(&run.run_id).copied().unwrap_or(0);
        if lives >= SHORT_LIVES {
            self.short_lives.remove(&run.run_id);
            return failure::give_up(job, run, &cannot_begin(job));
        }
        // Where all could be had, only the job's own limit counts: how much is open at a look says nothing
        // about the next moment.
        let granted = match grant == *demand {
            true => wanting.most.max(grant.copiers),
            false => grant.copiers,
        };
        let stream = grant.followers == demand.followers;
        run::grant(run, i64::try_from(granted).unwrap_or(0), stream)?;
        let held = count(holders, |holder| holder.id == run.run_id);
        let started = self
            .started
            .iter()
            .filter(|s| s.run_id == run.run_id)
            .count();
        let mut alive = held.max(started);
        let mut all = count(holders, |_| true).max(self.started.len());
        let most = guc::max_workers() as usize;
        let mut waiting_for = None;
        // Others may still be at work in the places of this run.
        while alive < demand.all() {
            if alive >= grant.all() || all >= most {
                // One that follows the log does nothing else.
                waiting_for = (grant.followers < demand.followers || alive <= grant.followers)
                    .then(|| format!("a worker: all {most} of tributary.max_workers are busy"));
                break;
            }
            let Some(handle) = processes::start_worker(job, run.run_id) else {
                waiting_for = Some(format!(
                    "a background worker slot: {alive} of {} workers run, max_worker_processes leaves no more",
                    demand.all()
                ));
                break;
            };
            self.started.push(Started {
                run_id: run.run_id,
                handle,
                at: Instant::now(),
            });
            alive += 1;
            all += 1;
        }
        run::set_waiting_for(run, waiting_for.as_deref())
    }
}

/// Whose turn it is where runs wait for each other; the same for a successor.
fn turn() -> usize {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.unwrap_or_default().as_secs();
    usize::try_from(seconds / TURN.as_secs()).unwrap_or_default()
}

/// Sets due retries going and ends the run if it is done; else the workers it could use.
fn look_after<'a>(run: &'a Run, holders: &[Holder]) -> Result<Option<Wanting<'a>>> {
    if run.status()? == RunStatus::Paused {
        return Ok(None);
    }
    let job = job::get_by_id(run.job_id)?;
    if !role::exists(job.owner()) {
        failure::give_up(&job, run, &no_owner(&job))?;
        return Ok(None);
    }
    let options = match job.options() {
        Ok(options) => options,
        Err(error) => {
            failure::give_up(&job, run, &error)?;
            return Ok(None);
        }
    };
    let mut demand = Demand {
        followers: 0,
        copiers: 1,
    };
    // One that catches up is not of those that `workers` counts.
    let mut catching_up = 0;
    let most = options.workers.min(guc::max_workers_per_job());
    if run.expanded {
        unit_state::resume_due(run.run_id)?;
        interrupt_stopped(run, holders)?;
        if end_if_done(&job, run)? {
            return Ok(None);
        }
        let follows = |how| unit_stream::any_following(run.run_id, how).map(usize::from);
        catching_up = follows(Following::CatchingUp)?;
        let copiers = run::open_work(run.run_id)?.min(i64::from(most));
        let asks_later = stream::get(run.job_id)?.is_some_and(|stream| stream.retry_pending);
        demand = Demand {
            followers: match asks_later {
                true => 0,
                false => follows(Following::Streaming)?,
            },
            copiers: usize::try_from(copiers).unwrap_or(0) + catching_up,
        };
    } else if run.retry_pending {
        demand.copiers = 0;
    }
    Ok(Some(Wanting {
        run,
        job,
        demand,
        most: usize::try_from(most).unwrap_or(1) + catching_up,
    }))
}

fn count(holders: &[Holder], which: impl Fn(&Holder) -> bool) -> usize {
    holders
        .iter()
        .filter(|holder| holder.holds(Claim::Worker) && which(holder))
        .count()
}

/// May workers be at the run?
fn working(runs: &[Run], run_id: i64) -> Result<bool> {
    match runs.iter().find(|run| run.run_id == run_id) {
        Some(run) => Ok(run.status()? != RunStatus::Paused),
        None => Ok(false),
    }
}

/// Workers that are at a unit that was paused or cancelled let go of it.
fn interrupt_stopped(run: &Run, holders: &[Holder]) -> Result<()> {
    for stopped in unit_state::stopped_claims(run.run_id)? {
        let claim = match stopped.what {
            Stopped::Unit => Claim::Unit,
            Stopped::Chunk => Claim::Chunk,
            Stopped::Step => Claim::Step,
        };
        for holder in holders {
            if holder.holds(claim) && holder.id == stopped.id {
                processes::cancel(holder.pid)?;
            }
        }
    }
    Ok(())
}

/// A run ends when none of its units can go on.
fn end_if_done(job: &Job, run: &Run) -> Result<bool> {
    // Somebody who is just changing the run by hand goes first.
    if run::tally(run.run_id)?.open > 0 || !run::try_lock_running(run.run_id)? {
        return Ok(false);
    }
    let tally = run::tally(run.run_id)?;
    if tally.open > 0 {
        return Ok(false);
    }
    if tally.units == 0 {
        let error = Error::new(Kind::Internal, "the run has lost its units");
        failure::give_up(job, run, &error)?;
    } else if tally.failed > 0 {
        let error = Error::new(
            Kind::InvalidState,
            format!("{} of {} units failed", tally.failed, tally.units),
        )
        .with_hint(
            "SELECT unit, error, hint FROM sync_units WHERE status = 'failed'; then sync_retry",
        );
        failure::give_up(job, run, &error)?;
    } else {
        run::set_status(run, RunStatus::Completed, None)?;
    }
    history::sample(Some(run.run_id))?;
    Ok(true)
}
