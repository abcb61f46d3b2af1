//! From the events of a log to net changes of whole transactions. Pure: events in, segments out.
//!
//! ```text
//! MariaDB   Gtid              [Annotate] TableMap Rows…  Xid | Query COMMIT
//!           Gtid standalone   Query (DDL)
//! MySQL     Gtid  Query BEGIN TableMap Rows…  Xid | Query COMMIT
//!           Gtid  Query (DDL)
//! ```
//! The position moves at the end of a transaction, and between two of them, never within one.

mod maps;
mod statements;

use std::collections::HashMap;

use super::binlog::{
    AlterPart, Event, FIRST_OFFSET, FormatDescription, Heartbeat, RawEvent, Rotate, Rows,
    table_of_parts,
};
use super::hindrance::{unfinished, unsupported_xa};
use super::images::read_rows;
use super::position_check::same_file;
use crate::codec::NetChanges;
use crate::codec::image::Charset;
use crate::error::{Error, Kind, Result};
use crate::model::gtid::Gtid;
use crate::model::position::Position;
use crate::plan::drift::Told;
use crate::plan::table::TablePlan;
use crate::source::log::{GroupEnd, Obstacle, Segment, Stop, StopReason};
use maps::Mapped;

/// A table whose changes are wanted.
#[derive(Debug)]
pub struct FollowedTable {
    pub plan: TablePlan,
    pub net: NetChanges,
    /// Changes up to here are known already.
    pub after: Option<Position>,
    /// What statements have said of the table since its plan was made.
    pub told: Told,
    /// Statements that drop, rename or empty the table are passed over.
    pub ignores_ddl: bool,
}

/// What an event has led to.
#[derive(Debug)]
pub enum Step {
    /// In the middle of something.
    Within,
    /// The segment is large enough, in the middle of a transaction.
    Full,
    /// A transaction has ended, or the position has moved without one.
    Boundary,
    /// A unit can go no further.
    Stop(Box<Stop>),
    /// The file has ended within a transaction. It never took place if the log goes on at `next`, the
    /// beginning of a file that a start of the source has begun; if not, a unit can go no further.
    Unfinished {
        next: Box<Position>,
        stop: Box<Stop>,
    },
}

/// A segment is handed on in the middle of a transaction when it holds this much.
const SEGMENT_BYTES: usize = 16 << 20;

/// What has to be known of a source to read its log.
pub struct LogDialect {
    /// For messages.
    pub address: String,
    /// The source does not tell upper from lower case in names of tables.
    pub fold_names: bool,
    /// How text of each character set of the tables becomes UTF-8.
    pub charsets: HashMap<String, Charset>,
    /// The character set of each collation, by the collation's number.
    pub collations: HashMap<u16, String>,
}

pub struct Assembler {
    position: Position,
    source: LogDialect,
    units: Vec<Unit>,
    maps: HashMap<u64, Mapped>,
    map_bytes: usize,
    /// A GTID event has come, anonymous or not, and what it begins has not ended.
    in_group: bool,
    gtid: Option<Gtid>,
    alter: Option<AlterPart>,
    in_transaction: bool,
    transactions: u64,
    last_event_at: Option<f64>,
    /// The position has moved since the last segment with an end.
    moved: bool,
}

struct Unit {
    table: FollowedTable,
    /// The changes of the transaction under way are known already.
    known: bool,
    /// Rows came in the transaction under way.
    touched: bool,
    /// A statement has said something that was not handed on yet.
    heard: bool,
}

impl Assembler {
    pub fn new(from: Position, source: LogDialect, tables: Vec<FollowedTable>) -> Self {
        let units = tables.into_iter().map(|table| Unit {
            table,
            known: false,
            touched: false,
            heard: false,
        });
        Assembler {
            position: from,
            source,
            units: units.collect(),
            maps: HashMap::new(),
            map_bytes: 0,
            in_group: false,
            gtid: None,
            alter: None,
            in_transaction: false,
            transactions: 0,
            last_event_at: None,
            moved: false,
        }
    }

    /// The end of the last transaction.
    pub fn position(&self) -> &Position {
        &self.position
    }

    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Is there anything to hand on: rows, or a position that has moved?
    pub fn has_news(&self) -> bool {
        self.moved || self.has_rows()
    }

    /// Are there rows to hand on?
    pub fn has_rows(&self) -> bool {
        self.units.iter().any(|unit| !unit.table.net.is_empty())
    }

    pub fn bytes(&self) -> usize {
        self.units.iter().map(|unit| unit.table.net.bytes()).sum()
    }

    /// Changes of rows that have come together.
    pub fn changes(&self) -> u64 {
        self.units.iter().map(|unit| unit.table.net.changes()).sum()
    }

    /// What has come together since the last call. Outside of a transaction it has an end.
    pub fn take_segment(&mut self) -> Segment {
        let changes = self
            .units
            .iter_mut()
            .enumerate()
            .filter(|(_, unit)| !unit.table.net.is_empty())
            .map(|(index, unit)| (index, unit.table.net.take()))
            .collect();
        let end = (!self.in_transaction).then(|| {
            self.moved = false;
            GroupEnd {
                position: self.position.clone(),
                transactions: std::mem::take(&mut self.transactions),
                last_event_at: self.last_event_at,
            }
        });
        let heard = self
            .units
            .iter_mut()
            .enumerate()
            .filter(|(_, unit)| unit.heard);
        let told = heard
            .map(|(index, unit)| {
                unit.heard = false;
                (index, unit.table.told.clone())
            })
            .collect();
        Segment { changes, told, end }
    }

    pub fn event(&mut self, raw: &RawEvent) -> Result<Step> {
        let event = match (Event::parse(raw), table_of_parts(raw)) {
            (Err(error), Some(table)) => return self.refused_rows(raw, table, error),
            (event, _) => event?,
        };
        match event {
            Event::TableMap(map) => self.map(raw, map),
            Event::Rows(rows) => self.rows(raw, &rows),
            Event::MariaDbGtid(event) => {
                self.in_group = true;
                self.gtid = Some(Gtid::MariaDb(event.gtid));
                self.alter = event.alter;
                self.last_event_at = Some(f64::from(raw.header.timestamp));
                if !event.standalone {
                    self.begin();
                }
                Ok(Step::Within)
            }
            Event::Gtid(event) => {
                self.in_group = true;
                self.gtid = event.gtid.map(Gtid::MySql);
                let microseconds = event.committed_at.map(|at| at as f64 / 1e6);
                self.last_event_at = microseconds.or_else(|| Some(f64::from(raw.header.timestamp)));
                Ok(Step::Within)
            }
            Event::Xid(_) => self.end(raw),
            Event::Query(query) | Event::LoadQuery(query) => self.query(raw, &query),
            Event::XaPrepare(half) => match self.touched() {
                Some(unit) if !half.one_phase => Ok(self.stop(unit, unsupported_xa())),
                _ => self.end(raw),
            },
            Event::Rotate(rotate) => self.rotate(rotate),
            Event::FormatDescription(format) => {
                self.forget_maps();
                if !self.is_between()
                    && !raw.header.is_artificial()
                    && raw.header.log_pos > 0
                    && let Some(step) = self.file_begins(raw, &format)
                {
                    return Ok(step);
                }
                let created = raw.header.timestamp;
                if created > 0 && *raw.file == *self.position.file {
                    same_file(&self.source.address, &self.position, created)?;
                    // A position that does not know its file is at home in another one of its name:
                    // what is learned is committed, also where nothing else comes for long.
                    self.moved |= self.is_between() && self.position.file_created.is_none();
                    self.position.file_created = Some(created);
                }
                self.pass(raw)
            }
            Event::Heartbeat(beat) => self.heartbeat(raw, beat),
            Event::Stop | Event::PreviousGtids(_) | Event::MariaDbGtidList(_) | Event::Nothing => {
                self.pass(raw)
            }
            Event::TransactionPayload(_) | Event::Annotation(_) => Ok(Step::Within),
        }
    }

    fn begin(&mut self) {
        self.in_transaction = true;
        self.forget_many_maps();
        for unit in &mut self.units {
            unit.touched = false;
            unit.known = match &unit.table.after {
                Some(after) => self.position.reached(after) != Some(true),
                None => false,
            };
            if !unit.known {
                unit.table.after = None;
            }
        }
    }

    /// The transaction under way, or a statement that is one by itself, ends with this event.
    fn end(&mut self, raw: &RawEvent) -> Result<Step> {
        self.in_transaction = false;
        self.in_group = false;
        self.alter = None;
        self.move_to(&raw.file, raw.end);
        if let (Some(gtid), Some(gtids)) = (self.gtid.take(), &mut self.position.gtids)
            && !gtids.add(&gtid)
        {
            return Err(raw.unreadable());
        }
        self.transactions += 1;
        self.moved = true;
        Ok(Step::Boundary)
    }

    /// An event between transactions moves the position.
    fn pass(&mut self, raw: &RawEvent) -> Result<Step> {
        if self.is_between() && !raw.header.is_artificial() && raw.header.log_pos > 0 {
            self.pass_to(&raw.file, raw.end);
            return Ok(Step::Boundary);
        }
        Ok(Step::Within)
    }

    /// Without the end of a transaction. A dump by GTID begins at the head of a file and passes over
    /// what we have: until a transaction ends, file and offset are not those of our GTIDs.
    fn pass_to(&mut self, file: &str, offset: u64) {
        if !self.position.file.is_empty() {
            self.move_to(file, offset);
        }
    }

    /// A file has ended within a transaction, and another one begins.
    fn file_begins(&mut self, raw: &RawEvent, head: &FormatDescription) -> Option<Step> {
        if let Some(unit) = self.touched() {
            let stop = self.stop(unit, unfinished());
            return Some(match stop {
                Step::Stop(stop) if head.at_start => Step::Unfinished {
                    next: Box::new(self.begin_of(&raw.file, Some(raw.header.timestamp))),
                    stop,
                },
                stop => stop,
            });
        }
        self.in_transaction = false;
        self.in_group = false;
        self.gtid = None;
        self.alter = None;
        self.pass_to(&raw.file, FIRST_OFFSET);
        None
    }

    /// The first place in a file, with all that has been applied before it.
    pub fn begin_of(&self, file: &str, created: Option<u32>) -> Position {
        Position {
            file: file.to_owned(),
            offset: FIRST_OFFSET,
            file_created: created,
            ..self.position.clone()
        }
    }

    /// Is the log between two transactions?
    fn is_between(&self) -> bool {
        !self.in_transaction && !self.in_group
    }

    /// Never backwards: a dump by GTID begins with the head of a file.
    fn move_to(&mut self, file: &str, offset: u64) {
        let there = Position {
            file: file.to_owned(),
            offset,
            gtids: None,
            file_created: None,
            server: self.position.server.clone(),
        };
        let (ours, theirs) = (self.position.file_number(), there.file_number());
        let forward = match theirs.cmp(&ours) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => offset > self.position.offset,
            std::cmp::Ordering::Less => false,
        };
        if forward {
            if self.position.file != there.file {
                self.position.file_created = None;
                self.position.file = there.file;
            }
            self.position.offset = offset;
            self.moved = true;
        }
    }

    fn rotate(&mut self, rotate: Rotate) -> Result<Step> {
        self.forget_maps();
        match self.is_between() {
            true => {
                self.pass_to(&rotate.file, rotate.offset);
                Ok(Step::Boundary)
            }
            false => Ok(Step::Within),
        }
    }

    fn heartbeat(&mut self, raw: &RawEvent, beat: Heartbeat) -> Result<Step> {
        if !self.is_between() {
            return Ok(Step::Within);
        }
        let offset = beat.offset.unwrap_or(u64::from(raw.header.log_pos));
        self.pass_to(&beat.file, offset);
        Ok(Step::Boundary)
    }

    fn rows(&mut self, raw: &RawEvent, rows: &Rows<'_>) -> Result<Step> {
        if rows.no_table() {
            return Ok(Step::Within);
        }
        let decoders = match self.maps.get_mut(&rows.table_id) {
            Some(Mapped::Ours(_, decoders)) => decoders,
            Some(Mapped::Known | Mapped::Other(_)) => return Ok(Step::Within),
            None => return Err(raw.unreadable()),
        };
        let index = decoders.index;
        let Some(unit) = self.units.get_mut(index) else {
            return Err(lost());
        };
        if unit.known {
            return Ok(Step::Within);
        }
        unit.touched = true;
        if let Err(error) = read_rows(decoders, rows, &mut unit.table.net) {
            let error = match error.detail {
                None => error.with_detail(raw.place()),
                Some(_) => error,
            };
            return Ok(self.stop(index, error));
        }
        match self.bytes() >= SEGMENT_BYTES {
            true => Ok(Step::Full),
            false => Ok(Step::Within),
        }
    }

    fn unit(&self, index: usize) -> Result<&Unit> {
        self.units.get(index).ok_or_else(lost)
    }

    /// A unit that has rows in the transaction under way.
    fn touched(&self) -> Option<usize> {
        match self.in_transaction {
            true => self.units.iter().position(|unit| unit.touched),
            false => None,
        }
    }

    fn stop(&self, unit: usize, error: Error) -> Step {
        self.stop_at(unit, Obstacle::Refused(error))
    }

    /// A unit goes no further. Others that cannot either come to the same point again without it.
    fn stop_at(&self, unit: usize, obstacle: Obstacle) -> Step {
        Step::Stop(Box::new(Stop {
            boundary: self.position.clone(),
            why: StopReason::Obstacle { unit, obstacle },
        }))
    }

    /// The transaction under way never took place: the log goes on at `next`.
    pub fn broken_off(&self, next: Position) -> Stop {
        Stop {
            boundary: self.position.clone(),
            why: StopReason::BrokenOff { next },
        }
    }
}

fn lost() -> Error {
    Error::new(Kind::Internal, "a table of the log has lost its unit")
}
