//! Keeps a worker to the pace of its job, and has it see between two batches what was altered.
//!
//! The rate is the job's, over all its workers. They share a clock in the run's row: whoever has
//! written a batch moves it on by the time that batch may take, and waits until it is reached. At
//! most 300 ms of idle time are credited, to make up for late wake-ups. A copy whose batches all
//! commit together has a clock of its own, which runs at its share of the rate: the run's would be
//! locked until the end.

use std::time::{Duration, Instant};

use super::processes;
use super::reader::Reader;
use super::session;
use crate::catalog::job::{self, Job};
use crate::catalog::run::{self, Run};
use crate::catalog::{chunk, stream, unit_stream};
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchLimit, SharedLimit};
use crate::model::options::JobOptions;
use crate::model::run_options::Pace;
use crate::pg::allocator;
use crate::pg::lock::Claim;
use crate::pg::{guc, latch, spi, transaction, worker};
use crate::plan::share::Crew;

/// How often the job's options are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often what may hold a job up is asked.
const ASK: Duration = Duration::from_secs(1);
/// A throttle_query that takes longer fails, and so holds the job up.
const LONGEST_QUERY: Duration = Duration::from_secs(10);
/// The part of a second's rows that makes a batch where the rate is limited.
const PARTS: u64 = 8;
/// Batches that were read ahead under an earlier limit are larger; they cost no more than this.
const LARGEST_DEBT: Duration = Duration::from_secs(1);

/// What is slowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slowed {
    Chunk(i64),
    Stream,
    /// Units that catch up with the stream.
    CatchUp,
}

impl Slowed {
    /// Is the worker one that others of the run, or other runs, wait for?
    fn leaves(self, run_id: i64) -> Result<bool> {
        match (run::get(run_id)?, self) {
            (Some(run), Slowed::Stream) => Ok(run.stream_granted == Some(false)),
            (Some(run), _) => superfluous(&run),
            (None, _) => Ok(false),
        }
    }
}

/// What a worker's pace is kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// The one in the run's row.
    Run,
    /// One of its own, inside of a transaction.
    Own(Option<Instant>),
}

pub struct Throttle {
    job_id: i64,
    run_id: i64,
    slowed: Slowed,
    version: i64,
    options: JobOptions,
    /// Batches that are being read end here.
    pub limit: SharedLimit,
    looked_at: Instant,
    asked_at: Option<Instant>,
    held_up: Option<String>,
    /// What the catalog says that it waits for.
    told: Option<String>,
    probe: Option<Reader>,
    clock: Clock,
    crew: Crew,
    /// Others wait for the worker's place.
    leaves: bool,
}

/// Is the query of a pace one that PostgreSQL understands, with the rights of the job's owner? Whoever
/// calls may have more.
pub fn check(pace: &Pace, owner: u32) -> Result<()> {
    match &pace.throttle_query {
        Some(expression) => spi::require_valid(&query(expression), owner),
        None => Ok(()),
    }
}

fn query(expression: &str) -> String {
    // On a line of its own, in case it ends with a comment.
    format!("SELECT ({expression}\n)::pg_catalog.bool AS held_up")
}

impl Throttle {
    pub fn new(job: &Job, run_id: i64, slowed: Slowed) -> Result<Self> {
        let options = job.options()?;
        let throttle = Throttle {
            job_id: job.job_id,
            run_id,
            slowed,
            version: job.version,
            limit: SharedLimit::new(batch_limit(&options)),
            crew: transaction::run(|| {
                if slowed == Slowed::CatchUp {
                    // What a worker that died has said.
                    unit_stream::set_waiting_for(run_id, None)?;
                }
                crew(&options.run.pace, run_id)
            })?,
            options,
            looked_at: Instant::now(),
            asked_at: None,
            held_up: None,
            told: None,
            probe: None,
            clock: Clock::Run,
            leaves: false,
        };
        Ok(throttle)
    }

    /// What follows happens in one transaction: says before it what can be said only then.
    pub fn enter(&mut self) -> Result<()> {
        self.tell(self.rate())?;
        self.clock = Clock::Own(None);
        Ok(())
    }

    /// That transaction is over.
    pub fn leave(&mut self) -> Result<()> {
        self.clock = Clock::Run;
        self.tell(None)
    }

    /// In a transaction of its own, or in the one that is open.
    fn within<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        match self.clock {
            Clock::Run => transaction::run(work),
            Clock::Own(_) => {
                transaction::advance();
                work()
            }
        }
    }

    /// After a batch, and once before the first one: waits as long as the job's pace has it wait.
    pub fn pay(&mut self, rows: u64, bytes: u64) -> Result<()> {
        self.look()?;
        self.give_way()?;
        let mut due = self.charge(rows, bytes)?;
        let mut waited = false;
        loop {
            let held_up = self.ask()?;
            let rest = due.map(|due: Instant| due.saturating_duration_since(Instant::now()));
            let wait = match (&held_up, rest) {
                (Some(_), _) => LOOK,
                (None, Some(rest)) if !rest.is_zero() => rest.min(LOOK),
                _ => break,
            };
            waited |= rest.is_some();
            self.tell(held_up.or_else(|| self.rate()))?;
            latch::sleep(wait);
            worker::reload_configuration_if_asked();
            let before = self.version;
            self.look()?;
            self.give_way()?;
            if self.version != before {
                due = None;
            }
        }
        match waited {
            true => Ok(()),
            // Without a limit, or at a source that does not come up to it.
            false => self.tell(None),
        }
    }

    /// Nothing is there to be slowed.
    pub fn rest(&mut self) -> Result<()> {
        self.look()?;
        self.tell(None)
    }

    /// An error where others wait for the worker's place.
    pub fn give_way(&mut self) -> Result<()> {
        // A transaction that has begun is not thrown away.
        if !self.leaves || self.clock != Clock::Run {
            return Ok(());
        }
        self.tell(None)?;
        Err(Error::new(
            Kind::Cancelled,
            "the run is to have fewer workers",
        ))
    }

    /// Sees now and then what was altered.
    fn look(&mut self) -> Result<()> {
        if self.looked_at.elapsed() < LOOK {
            return Ok(());
        }
        self.looked_at = Instant::now();
        let (job, leaves, crew) = self.within(|| {
            Ok((
                job::get_by_id(self.job_id)?,
                self.slowed.leaves(self.run_id)?,
                crew(&self.options.run.pace, self.run_id)?,
            ))
        })?;
        self.crew = crew;
        self.leaves = leaves;
        if job.version != self.version {
            self.options = job.options()?;
            self.version = job.version;
            self.asked_at = None;
            self.limit.set(batch_limit(&self.options));
            // What the clock was moved on by under another rate is forgotten.
            match &mut self.clock {
                Clock::Run => transaction::run(|| run::reset_pace(self.run_id))?,
                Clock::Own(at) => *at = None,
            }
        }
        Ok(())
    }

    /// Moves the clock on; when it is reached. Without rows that may still be to come for what was
    /// written before.
    pub fn charge(&mut self, rows: u64, bytes: u64) -> Result<Option<Instant>> {
        let pace = &self.options.run.pace;
        let cost = |amount: u64, rate: Option<u64>| {
            rate.map_or(0.0, |rate| amount as f64 / rate.max(1) as f64)
        };
        let mut seconds = cost(rows, pace.rows_per_second).max(cost(bytes, pace.bytes_per_second));
        if pace.rows_per_second.is_none() && pace.bytes_per_second.is_none() {
            return Ok(None);
        }
        let limit = batch_limit(&self.options);
        // Source transactions are whole, however large.
        if matches!(self.slowed, Slowed::Chunk(_)) && rows > limit.rows {
            seconds = seconds.min(LARGEST_DEBT.as_secs_f64());
        }
        let now = Instant::now();
        if let Clock::Own(at) = &mut self.clock {
            let from = (*at).max(now.checked_sub(run::PACE_SAVED)).unwrap_or(now);
            let seconds = Duration::try_from_secs_f64(seconds * self.crew.own_slowdown());
            *at = from.checked_add(seconds.unwrap_or_default());
            return Ok(*at);
        }
        let seconds = seconds * self.crew.common_slowdown();
        let wait = transaction::run(|| {
            transaction::commit_without_waiting();
            run::pace(self.run_id, seconds)
        })?;
        let wait = Duration::try_from_secs_f64(wait).unwrap_or_default();
        Ok(now.checked_add(wait))
    }

    /// What holds the job up, as of a second ago at most.
    fn ask(&mut self) -> Result<Option<String>> {
        let pace = &self.options.run.pace;
        if pace.throttle_query.is_none() && pace.source_throttle.is_empty() {
            self.probe = None;
            self.held_up = None;
            return Ok(None);
        }
        if self.asked_at.is_none_or(|asked| asked.elapsed() >= ASK) {
            self.held_up = match self.query_holds_up() {
                Some(why) => Some(why),
                None => self.source_holds_up()?,
            };
            self.asked_at = Some(Instant::now());
        }
        Ok(self.held_up.clone())
    }

    fn query_holds_up(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Row {
            held_up: Option<bool>,
        }
        let expression = self.options.run.pace.throttle_query.as_ref()?;
        let ask = || {
            guc::set_local(c"transaction_read_only", c"on");
            spi::query_first::<Row>(&query(expression), &[])
        };
        let outcome = transaction::within(LONGEST_QUERY, || match self.clock {
            Clock::Run => transaction::run(ask),
            Clock::Own(_) => {
                spi::forget_statistics();
                transaction::peek(ask)
            }
        });
        match outcome {
            Ok(row) => (row?.held_up == Some(true)).then(|| "throttle_query".to_owned()),
            // Whether the job may go on is not known: it waits, and says so.
            Err(error) => Some(format!("throttle_query, which fails: {error}")),
        }
    }

    /// A source that cannot be asked does not hold up: the batch tells what ails it.
    fn source_holds_up(&mut self) -> Result<Option<String>> {
        let limits = &self.options.run.pace.source_throttle;
        if limits.is_empty() {
            return Ok(None);
        }
        if self.probe.is_none() {
            let endpoint = self.within(|| session::endpoint(&job::get_by_id(self.job_id)?))?;
            self.probe = Some(Reader::start(endpoint)?);
        }
        let Some(probe) = &self.probe else {
            return Ok(None);
        };
        let names = limits.iter().map(|(name, _)| name.clone()).collect();
        let found = match probe.status(names) {
            Ok(found) => found,
            Err(error) if allocator::has_stopped_a_thread() => return Err(error),
            Err(_) => {
                self.probe = None;
                return Ok(None);
            }
        };
        Ok(limits.iter().find_map(|(name, limit)| {
            let (_, value) = found
                .iter()
                .find(|(found, _)| found.eq_ignore_ascii_case(name))?;
            (value > limit)
                .then(|| format!("source_throttle: {name} is {value}, its limit is {limit}"))
        }))
    }

    fn rate(&self) -> Option<String> {
        let pace = &self.options.run.pace;
        match (pace.rows_per_second, pace.bytes_per_second) {
            (Some(_), Some(_)) => Some("max_rows_per_second, max_bytes_per_second".to_owned()),
            (Some(_), None) => Some("max_rows_per_second".to_owned()),
            (None, Some(_)) => Some("max_bytes_per_second".to_owned()),
            (None, None) => None,
        }
    }

    /// Writes only on a change, and not where nobody would see it.
    fn tell(&mut self, why: Option<String>) -> Result<()> {
        if self.told == why || self.clock != Clock::Run {
            return Ok(());
        }
        transaction::run(|| match self.slowed {
            Slowed::Chunk(chunk_id) => chunk::set_waiting_for(chunk_id, why.as_deref()),
            Slowed::Stream => stream::set_waiting_for(self.job_id, why.as_deref()),
            Slowed::CatchUp => unit_stream::set_waiting_for(self.run_id, why.as_deref()),
        })?;
        self.told = why;
        Ok(())
    }
}

/// Who shares the rate, where there is one.
fn crew(pace: &Pace, run_id: i64) -> Result<Crew> {
    match pace.rows_per_second.is_some() || pace.bytes_per_second.is_some() {
        true => run::crew(run_id),
        false => Ok(Crew::default()),
    }
}

/// With a limit, batches are small enough that the rate is even.
fn batch_limit(options: &JobOptions) -> BatchLimit {
    let part = |rate: Option<u64>| rate.map_or(u64::MAX, |rate| (rate / PARTS).max(1));
    BatchLimit {
        rows: options
            .batch_rows
            .min(part(options.run.pace.rows_per_second)),
        bytes: options
            .batch_bytes
            .min(part(options.run.pace.bytes_per_second)),
    }
}

/// Does the run have more workers than it may, this one being of those that leave? One that streams
/// is not counted.
pub fn superfluous(run: &Run) -> Result<bool> {
    let Some(granted) = run.workers_granted else {
        return Ok(false);
    };
    let holders = processes::holders()?;
    let follows = |pid: i64| {
        holders
            .iter()
            .any(|holder| holder.pid == pid && holder.holds(Claim::Stream))
    };
    let before = holders
        .iter()
        .filter(|holder| holder.holds(Claim::Worker) && holder.id == run.run_id)
        .filter(|holder| holder.pid < worker::pid() && !follows(holder.pid))
        .count();
    Ok(i64::try_from(before).is_ok_and(|before| before >= granted))
}
