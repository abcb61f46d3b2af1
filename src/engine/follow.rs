//! Following the source's log: for the units in step with their job's stream, for ever; or for those
//! that catch up, until they can join it.
//!
//! ```text
//! begin     read positions and plans, ask the reader thread for the log from there on
//!   v
//! apply     segment after segment, up to the end of a group of source transactions: rows, position and
//!   |       counters commit together, where the generation is still the one of the beginning
//!   |  a unit joined, left or was stopped: roll back and begin again
//!   |  a unit meets an obstacle: apply exactly what comes before it, deal with it, begin again
//!   |  a unit cannot be applied: it parks with the position it has come to, begin again without it
//!   v
//! settle    (catching up) all units are as the source was: their indexes are made, or they join
//! ```
//! Nothing is in memory that a successor would miss: whoever begins again reads the log from the
//! committed position.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::followed::{Followed, Place, Settings};
use super::group::{Ended, Group};
use super::obstacle;
use super::rates::Rates;
use super::reader::{Item, Reader};
use super::session;
use super::settle;
use super::throttle::{Slowed, Throttle};
use crate::catalog::event::{self, Subject};
use crate::catalog::job::{self, Job};
use crate::catalog::stream::{self, Progress};
use crate::catalog::unit_stream::{self, Copied, Following};
use crate::error::{Error, Kind, Result, Retry};
use crate::model::batch::BatchLimit;
use crate::model::position::Position;
use crate::pg::{allocator, guc, latch, transaction, worker};
use crate::sink::apply::Applier;
use crate::source::log::{GroupEnd, Segment, StopReason};
use crate::source::mysql::FollowRequest;

/// Bytes of a group at most, but for a transaction that is larger.
const GROUP_BYTES: u64 = 4 << 20;

/// How long a stream waits where its source has died.
const AFTER_DEATH: Duration = Duration::from_secs(1);

/// Follows until nothing is left to follow, or an error.
pub fn follow(job: &Job, run_id: i64, how: Following, reader: &mut Reader) -> Result<()> {
    let mut until = None;
    let mut exchange_at = Instant::now();
    let mut before = Vec::new();
    transaction::run(Applier::drop_all)?;
    loop {
        // Options may have been altered: that has raised the generation, and so led here.
        let job = &transaction::run(|| job::get_by_id(job.job_id))?;
        let Some(mut log) = begin(job, run_id, how, &mut before)? else {
            return Ok(());
        };
        log.exchange_at = exchange_at;
        let ended = match log.settle()? {
            true => Ended::Again,
            false => {
                log.until = until.take();
                log.run(reader)?
            }
        };
        // What was asked for is read no further.
        *reader = reader.renewed()?;
        exchange_at = log.exchange_at;
        match ended {
            Ended::Again => {}
            // With the credentials and the address of now.
            Ended::Elsewhere => return Ok(()),
            // The transactions before that first, and nothing of what follows.
            Ended::Stopped(stop) if !log.has_reached(&stop.boundary) => until = Some(stop.boundary),
            Ended::Stopped(stop) => match stop.why {
                StopReason::Obstacle { unit, obstacle } => {
                    obstacle::meet(job, &mut log, unit, obstacle, reader)?;
                }
                StopReason::BrokenOff { next } => {
                    log.go_on_at(next, reader)?;
                    // A source that tells it again and again is not asked as often.
                    latch::sleep(AFTER_DEATH);
                }
            },
        }
        if allocator::has_stopped_a_thread() {
            return Ok(());
        }
        before = log.units;
    }
}

/// A log that is being followed.
pub struct Log<'a> {
    job: &'a Job,
    pub run_id: i64,
    pub how: Following,
    pub place: Place,
    began_at: Position,
    pub units: Vec<Followed>,
    /// Read up to here, and then tell.
    until: Option<Position>,
    exchange_at: Instant,
    rates: Rates,
    throttle: Throttle,
}

fn begin<'a>(
    job: &'a Job,
    run_id: i64,
    how: Following,
    before: &mut Vec<Followed>,
) -> Result<Option<Log<'a>>> {
    let Some((place, found)) = transaction::run(|| Place::find(job, run_id, how))? else {
        return Ok(None);
    };
    let mut said = transaction::run(|| job::unit_settings(job.job_id))?;
    let mut before: HashMap<Copied, Followed> = before
        .drain(..)
        .map(|followed| (followed.copied(), followed))
        .collect();
    let mut units = Vec::with_capacity(found.len());
    for unit in found {
        let settings = Settings {
            job: job.options.clone(),
            unit: said
                .remove(&unit.unit)
                .unwrap_or_else(|| Value::Object(Map::new())),
        };
        let mut change = None;
        if let Some(mut followed) = before.remove(&(unit.unit_id, unit.copies)) {
            change = followed.change.take();
            if change.is_none()
                && let Some(followed) = followed.again(unit.clone(), &settings)
            {
                units.push(followed);
                continue;
            }
        }
        // One unit whose target is gone or altered does not hold up the others.
        match transaction::run(|| Followed::begin(unit.clone(), settings, change)) {
            Ok(followed) => units.push(followed),
            Err(error) if error.retry() == Retry::Transient => return Err(error),
            Err(error) => settle::park(job, &unit, &error)?,
        }
    }
    if units.is_empty() {
        return Ok(None);
    }
    Ok(Some(Log {
        job,
        run_id,
        how,
        began_at: place.position.clone(),
        place,
        units,
        until: None,
        exchange_at: Instant::now(),
        rates: Rates::default(),
        throttle: Throttle::new(
            job,
            run_id,
            match how {
                Following::Streaming => Slowed::Stream,
                Following::CatchingUp => Slowed::CatchUp,
            },
        )?,
    }))
}

impl Log<'_> {
    fn settle(&mut self) -> Result<bool> {
        let mut exchange_at = self.exchange_at;
        let settled = settle::settle(self.job, self, &mut exchange_at);
        self.exchange_at = exchange_at;
        settled
    }

    fn run(&mut self, reader: &Reader) -> Result<Ended> {
        transaction::run(|| {
            // The source's own triggers and foreign keys have done their work.
            guc::as_replica();
            match self.how {
                Following::Streaming => stream::take_up(self.job.job_id, worker::pid()),
                Following::CatchingUp => Ok(()),
            }
        })?;
        let tables = self
            .units
            .iter_mut()
            .map(Followed::table)
            .collect::<Result<_>>()?;
        reader.start_following(FollowRequest {
            from: self.place.position.clone(),
            until: self.until.clone(),
            server_id: obstacle::server_id(self.job, self.how)?,
            group: self.group(),
            tables,
        })?;
        loop {
            let ended = match reader.next_item()? {
                Item::Segment(first) => self.apply(first, reader)?,
                Item::Heard(source) => self.hear(source, reader)?,
                Item::Reached => Some(Ended::Again),
                Item::Stop(stop) => Some(Ended::Stopped(stop)),
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    /// How much of the log is applied together, where it cannot be had sooner.
    fn group(&self) -> BatchLimit {
        let limit = self.throttle.limit.get();
        BatchLimit {
            bytes: limit.bytes.min(GROUP_BYTES),
            ..limit
        }
    }

    /// Applies a group of whole source transactions in one transaction of ours.
    fn apply(&mut self, first: Segment, reader: &Reader) -> Result<Option<Ended>> {
        let mut group = Group::default();
        for unit in &mut self.units {
            unit.begin_group();
        }
        let outcome = transaction::run(|| {
            transaction::commit_without_waiting();
            let end = self.apply_segments(first, reader, &mut group)?;
            // Stream before units before chunks: the order in which everybody locks them.
            self.advance(&end, group.rows, reader)?;
            self.keep(&mut group)?;
            Ok(end)
        });
        match outcome {
            Ok(end) => {
                self.place.position = end.position;
                self.rates.count(end.transactions, group.rows);
                for unit in &mut self.units {
                    unit.end_group();
                    unit.come_to(&self.place.position);
                }
                self.throttle.pay(group.rows, group.bytes)?;
                Ok(self.settle()?.then_some(Ended::Again))
            }
            Err(error) => match (group.ended, group.failing) {
                (Some(ended), _) => Ok(Some(ended)),
                // A unit was stopped or has joined: what was read is not what is to be applied now.
                _ if error.kind == Kind::Cancelled => Ok(Some(Ended::Again)),
                (None, Some(unit)) if parks(&error) => {
                    let unit = self.units.get(unit).map(|followed| followed.unit.clone());
                    if let Some(unit) = unit {
                        settle::park(self.job, &unit, &error)?;
                    }
                    Ok(Some(Ended::Again))
                }
                _ => Err(error),
            },
        }
    }

    fn apply_segments(
        &mut self,
        first: Segment,
        reader: &Reader,
        group: &mut Group,
    ) -> Result<GroupEnd> {
        let mut segment = first;
        loop {
            for (index, changes) in segment.changes {
                let Some(unit) = self.units.get_mut(index) else {
                    return Err(Error::new(
                        Kind::Internal,
                        "the reader thread told of a table that it was not asked for",
                    ));
                };
                group.failing = Some(index);
                group.bytes += changes.bytes();
                group.rows += unit.apply(changes, self.how)?;
                group.failing = None;
            }
            group.told.extend(segment.told);
            if let Some(end) = segment.end {
                return Ok(end);
            }
            segment = match reader.next_item()? {
                Item::Segment(next) => next,
                Item::Stop(stop) => {
                    group.ended = Some(Ended::Stopped(stop));
                    return Err(again());
                }
                Item::Heard(_) => Segment::default(),
                Item::Reached => return Err(again()),
            };
        }
    }

    /// What statements have said, and what could not be applied.
    fn keep(&mut self, group: &mut Group) -> Result<()> {
        for (index, unit) in self.units.iter_mut().enumerate() {
            group.failing = Some(index);
            let told = group.told.iter().rfind(|(told, _)| *told == index);
            unit.keep(self.job, told.map(|(_, told)| told))?;
        }
        group.failing = None;
        Ok(())
    }

    /// The position moves with the rows.
    fn advance(&self, end: &GroupEnd, rows: u64, reader: &Reader) -> Result<()> {
        match self.how {
            Following::Streaming => {
                let progress = Progress {
                    position: &end.position,
                    transactions: end.transactions,
                    rows,
                    last_event_at: end.last_event_at,
                    waits: reader.take_waits(),
                };
                if !stream::advance(self.job.job_id, self.place.generation, &progress)? {
                    return Err(again());
                }
                for unit in &self.units {
                    if unit.arrives_at(&end.position) {
                        unit_stream::set_in_step(&unit.unit)?;
                    }
                }
                Ok(())
            }
            Following::CatchingUp => {
                let units: Vec<Copied> = self
                    .units
                    .iter()
                    .filter(|unit| !unit.is_ahead_of(&end.position))
                    .map(Followed::copied)
                    .collect();
                match unit_stream::advance(&units, &end.position)? {
                    true => Ok(()),
                    false => Err(again()),
                }
            }
        }
    }

    fn has_reached(&self, boundary: &Position) -> bool {
        self.place.position.reached(boundary) == Some(true)
    }

    /// Passes over what the source has broken off: `next` is behind it.
    fn go_on_at(&self, next: Position, reader: &Reader) -> Result<()> {
        let why = format!(
            "the source died while it wrote its log, which goes on with {}",
            next.file
        );
        let end = GroupEnd {
            position: next,
            transactions: 0,
            last_event_at: None,
        };
        let outcome = transaction::run(|| {
            self.advance(&end, 0, reader)?;
            let subject = Subject {
                job_id: self.job.job_id,
                run_id: self.run_id,
                unit: None,
            };
            event::record(subject, "running", Some(&why))
        });
        match outcome {
            // The units have changed: whoever begins again comes here again.
            Err(error) if error.kind == Kind::Cancelled => Ok(()),
            outcome => outcome,
        }
    }

    fn hear(&mut self, source: Option<Position>, reader: &Reader) -> Result<Option<Ended>> {
        self.throttle.rest()?;
        // A turn is of use: a long source transaction is not begun again and again.
        let reached = |end: &Position| self.place.position.reached(end) == Some(true);
        if self.place.position != self.began_at || source.as_ref().is_some_and(reached) {
            self.throttle.give_way()?;
        }
        // Rights and credentials may have been taken away, the source may have moved.
        let endpoint = transaction::run(|| session::endpoint(self.job))?;
        if !reader.reads(&endpoint) {
            return Ok(Some(Ended::Elsewhere));
        }
        let units = &mut self.units;
        let rates = &mut self.rates;
        let same = transaction::run(|| {
            units.iter_mut().try_for_each(Followed::drop_old)?;
            match self.how {
                Following::Streaming => stream::hear(
                    self.job.job_id,
                    self.place.generation,
                    source.as_ref(),
                    rates.take(),
                ),
                Following::CatchingUp => {
                    let units: Vec<Copied> = units.iter().map(Followed::copied).collect();
                    unit_stream::all_catching_up(&units)
                }
            }
        })?;
        // Somebody may have let go of a table that is to be exchanged.
        let again = !same || self.settle()?;
        Ok(again.then_some(Ended::Again))
    }
}

/// Does an error of a unit's changes stop that unit, and no other?
fn parks(error: &Error) -> bool {
    error.retry() == Retry::Definite
}

fn again() -> Error {
    Error::new(
        Kind::Cancelled,
        "the units that follow the log have changed",
    )
}
