//! From the events of a log to net changes of whole transactions. Pure: events in, segments out.
//!
//! ```text
//! MariaDB   Gtid            [Annotate] TableMap Rows…  Xid | Query COMMIT
//!           Gtid standalone Query (DDL)
//! MySQL     Gtid            Query BEGIN  TableMap Rows…  Xid | Query COMMIT
//!           Gtid            Query (DDL)
//! ```
//! The position moves at the end of a transaction, never within one.

use std::collections::HashMap;

use super::hindrance::obstacle;
use super::binlog::{Event, Query, RawEvent, Rows, RowsKind, TableMap};
use crate::codec::NetChanges;
use crate::codec::image::{ImageDecoder, Wanted, fits};
use crate::error::{Error, Kind, Result};
use crate::model::gtid::Gtid;
use crate::model::logged::LoggedTable;
use crate::model::position::Position;
use crate::model::stream::{GroupEnd, Obstacle, Segment, Stop};
use crate::plan::drift::place_columns;
use crate::plan::statement::{Concern, Dialect, Statement, classify};
use crate::plan::table::TablePlan;

/// A table whose changes are wanted.
#[derive(Debug)]
pub struct FollowedTable {
    pub plan: TablePlan,
    pub net: NetChanges,
    /// Changes up to here are known already.
    pub after: Option<Position>,
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
}

/// A segment is handed on in the middle of a transaction when it holds this much.
const SEGMENT_BYTES: usize = 16 << 20;

pub struct Assembler {
    position: Position,
    database: String,
    tables: Vec<FollowedTable>,
    /// Of each table: are the changes of the transaction under way known already?
    known: Vec<bool>,
    renames: Vec<Vec<(String, String)>>,
    maps: HashMap<u64, Mapped>,
    gtid: Option<Gtid>,
    in_transaction: bool,
    /// Of each table: did rows come in the transaction under way?
    touched: Vec<bool>,
    transactions: u64,
    last_event_at: Option<f64>,
    /// The position has moved since the last segment with an end.
    moved: bool,
}

/// A table map that was read.
struct Mapped {
    raw: Vec<u8>,
    /// None: not one of ours.
    table: Option<Box<Decoders>>,
}

struct Decoders {
    index: usize,
    /// An update has two images, which are read at the same time.
    before: ImageDecoder,
    after: ImageDecoder,
}

impl Assembler {
    pub fn new(from: Position, database: String, tables: Vec<FollowedTable>) -> Self {
        Assembler {
            known: vec![false; tables.len()],
            touched: vec![false; tables.len()],
            renames: vec![Vec::new(); tables.len()],
            position: from,
            database,
            tables,
            maps: HashMap::new(),
            gtid: None,
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
        self.moved || self.tables.iter().any(|table| !table.net.is_empty())
    }

    /// Are there rows to hand on?
    pub fn has_rows(&self) -> bool {
        self.tables.iter().any(|table| !table.net.is_empty())
    }

    pub fn bytes(&self) -> usize {
        self.tables.iter().map(|table| table.net.bytes()).sum()
    }

    /// What has come together since the last call. Outside of a transaction it has an end.
    pub fn take_segment(&mut self) -> Segment {
        let changes = self
            .tables
            .iter_mut()
            .enumerate()
            .filter(|(_, table)| !table.net.is_empty())
            .map(|(index, table)| (index, table.net.take()))
            .collect();
        let end = (!self.in_transaction).then(|| {
            self.moved = false;
            GroupEnd {
                position: self.position.clone(),
                transactions: std::mem::take(&mut self.transactions),
                last_event_at: self.last_event_at,
            }
        });
        Segment { changes, end }
    }

    pub fn event(&mut self, raw: &RawEvent) -> Result<Step> {
        let event = raw.parse()?;
        match event {
            Event::TableMap(map) => return self.map(raw, &map),
            Event::Rows(rows) => return self.rows(&rows),
            Event::Gtid(gtid) => {
                self.gtid = gtid.gtid;
                if let Some(at) = gtid.committed_at {
                    self.last_event_at = Some(at);
                } else {
                    self.last_event_at = Some(f64::from(raw.header.timestamp));
                }
                if gtid.begins_transaction {
                    self.begin();
                }
            }
            Event::Xid => return Ok(self.end(raw)),
            Event::Query(query) => return self.query(raw, &query),
            Event::Rotate { file, offset } => {
                self.maps.clear();
                if !self.in_transaction && (self.position.file != file || raw.header.log_pos > 0) {
                    self.position.file = file;
                    self.position.offset = offset;
                    self.moved = true;
                }
            }
            Event::FormatDescription(_) => {
                self.maps.clear();
                self.pass(raw);
            }
            Event::Heartbeat { file, offset } => {
                if !self.in_transaction && (&file, offset) != (&self.position.file, self.position.offset) {
                    self.position.file = file;
                    self.position.offset = offset;
                    self.moved = true;
                }
                return Ok(Step::Boundary);
            }
            Event::XaPrepare if self.touched_any() => {
                return Ok(self.refuse_touched(unsupported_xa()));
            }
            Event::XaPrepare => return Ok(self.end(raw)),
            Event::Skipped => self.pass(raw),
        }
        Ok(Step::Within)
    }

    fn begin(&mut self) {
        self.in_transaction = true;
        self.touched.fill(false);
        for (known, table) in self.known.iter_mut().zip(&mut self.tables) {
            *known = match &table.after {
                Some(after) => self.position.reached(after) != Some(true),
                None => false,
            };
            if !*known {
                table.after = None;
            }
        }
    }

    /// The transaction under way, or a statement that is one by itself, ends with this event.
    fn end(&mut self, raw: &RawEvent) -> Step {
        self.in_transaction = false;
        self.move_to(raw.header.log_pos);
        if let (Some(gtid), Some(gtids)) = (self.gtid.take(), &mut self.position.gtids) {
            gtids.add(&gtid);
        }
        self.transactions += 1;
        self.moved = true;
        Step::Boundary
    }

    /// An event between transactions moves the position.
    fn pass(&mut self, raw: &RawEvent) {
        if !self.in_transaction && self.gtid.is_none() && raw.header.log_pos > 0 {
            self.move_to(raw.header.log_pos);
            self.moved = true;
        }
    }

    /// The log has 32 bits for an offset; a file may grow beyond.
    fn move_to(&mut self, log_pos: u32) {
        if log_pos == 0 {
            return;
        }
        let low = self.position.offset & 0xffff_ffff;
        let high = self.position.offset - low;
        let wrapped = u64::from(log_pos) < low;
        self.position.offset = high + u64::from(log_pos) + if wrapped { 1 << 32 } else { 0 };
    }

    fn map(&mut self, raw: &RawEvent, map: &TableMap) -> Result<Step> {
        if let Some(mapped) = self.maps.get(&map.table_id)
            && mapped.raw == raw.data
        {
            return Ok(Step::Within);
        }
        let logged = map.table()?;
        let index = self.index_of(&logged.schema, &logged.name);
        let table = match index {
            None => None,
            Some(index) => match self.decoders(index, &logged)? {
                Ok(decoders) => Some(Box::new(decoders)),
                // Known changes need not be read.
                Err(_) if self.known.get(index) == Some(&true) => None,
                Err(difference) => {
                    let renames = self.renames.get(index).cloned().unwrap_or_default();
                    return Ok(self.stop(
                        index,
                        Obstacle::Shape {
                            logged,
                            renames,
                            difference,
                        },
                    ));
                }
            },
        };
        let raw = raw.data.clone();
        self.maps.insert(map.table_id, Mapped { raw, table });
        Ok(Step::Within)
    }

    /// The decoders of a table's rows, or how the log's table differs from the plan's.
    fn decoders(&self, index: usize, logged: &LoggedTable) -> Result<Result<Decoders, String>> {
        let Some(table) = self.tables.get(index) else {
            return Err(out_of_step());
        };
        let places = match place_columns(&table.plan, logged, fits) {
            Ok(places) => places,
            Err(shape) => return Ok(Err(shape.to_string())),
        };
        let wanted: Vec<Wanted<'_>> = table
            .plan
            .columns
            .iter()
            .zip(places)
            .map(|(column, index)| Wanted {
                index,
                column: &column.source,
            })
            .collect();
        let decoder = ImageDecoder::new(&logged.columns, &wanted)?;
        Ok(Ok(Decoders {
            index,
            before: decoder.clone(),
            after: decoder,
        }))
    }

    fn rows(&mut self, rows: &Rows<'_>) -> Result<Step> {
        let Some(mapped) = self.maps.get_mut(&rows.table_id) else {
            return Err(Error::new(
                Kind::ProtocolViolation,
                format!("the log has rows of table {} without its map", rows.table_id),
            ));
        };
        let Some(decoders) = &mut mapped.table else {
            return Ok(Step::Within);
        };
        let index = decoders.index;
        let Some(table) = self.tables.get_mut(index) else {
            return Err(out_of_step());
        };
        if self.known.get(index) == Some(&true) {
            return Ok(Step::Within);
        }
        if let Some(touched) = self.touched.get_mut(index) {
            *touched = true;
        }
        if let Err(error) = read_rows(decoders, rows, &mut table.net) {
            return Ok(self.stop(index, Obstacle::Refused(error)));
        }
        match self.bytes() >= SEGMENT_BYTES {
            true => Ok(Step::Full),
            false => Ok(Step::Within),
        }
    }

    fn query(&mut self, raw: &RawEvent, query: &Query<'_>) -> Result<Step> {
        let database = query.database();
        let text = query.text();
        match classify(&text, &database) {
            Statement::Begin => self.begin(),
            Statement::Commit => return Ok(self.end(raw)),
            Statement::Rollback if self.in_transaction && self.touched_any() => {
                return Ok(self.refuse_touched(rolled_back()));
            }
            Statement::Rollback => return Ok(self.end(raw)),
            statement => return self.statement(raw, &statement),
        }
        Ok(Step::Within)
    }

    /// A statement that neither begins nor ends a transaction of rows.
    fn statement(&mut self, raw: &RawEvent, statement: &Statement) -> Result<Step> {
        match statement {
            Statement::XaStart(_) => self.begin(),
            Statement::Savepoint(_) | Statement::Release(_) | Statement::XaEnd(_) => {}
            Statement::RollbackTo(_) if self.touched_any() => {
                return Ok(self.refuse_touched(rolled_back()));
            }
            Statement::RollbackTo(_) => {}
            _ => {
                for index in 0..self.tables.len() {
                    if let Some(obstacle) = self.obstacle(index, statement) {
                        return Ok(self.stop(index, obstacle));
                    }
                }
                self.take_effect(statement);
                if !self.in_transaction {
                    return Ok(self.end(raw));
                }
            }
        }
        Ok(Step::Within)
    }

    /// Does the statement stand in a unit's way?
    fn obstacle(&self, index: usize, statement: &Statement) -> Option<Obstacle> {
        let table = self.tables.get(index)?;
        if self.is_known(index) {
            return None;
        }
        let plan = &table.plan;
        let concern = statement.concern(&plan.source_schema, &plan.source_table);
        obstacle(table, concern, statement)
    }

    /// What a statement does that stands in nobody's way.
    fn take_effect(&mut self, statement: &Statement) {
        for index in 0..self.tables.len() {
            let known = self.is_known(index);
            let (Some(table), Some(renames)) =
                (self.tables.get_mut(index), self.renames.get_mut(index))
            else {
                continue;
            };
            let (schema, name) = (&table.plan.source_schema, &table.plan.source_table);
            if known || statement.concern(schema, name) != Concern::Yes {
                continue;
            }
            match statement {
                Statement::Truncate(_) => table.net.truncate(),
                Statement::Dml(dml) if dml.empties => table.net.truncate(),
                Statement::AlterTable(altered) => renames.extend(
                    altered
                        .renamed_columns()
                        .into_iter()
                        .map(|(from, to)| (from.to_owned(), to.to_owned())),
                ),
                _ => {}
            }
        }
    }

    fn is_known(&self, index: usize) -> bool {
        let Some(after) = self.tables.get(index).and_then(|table| table.after.as_ref()) else {
            return false;
        };
        match self.in_transaction {
            true => self.known.get(index) == Some(&true),
            false => self.position.reached(after) != Some(true),
        }
    }

    fn index_of(&self, schema: &str, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| {
            table.plan.source_schema == schema && table.plan.source_table == name
        })
    }

    fn touched_any(&self) -> bool {
        self.touched.iter().any(|touched| *touched)
    }

    /// A unit that has rows in the transaction under way goes no further; the others come to the same
    /// point again without it.
    fn refuse_touched(&self, error: Error) -> Step {
        let index = self.touched.iter().position(|touched| *touched);
        self.stop(index.unwrap_or(0), Obstacle::Refused(error))
    }

    fn stop(&self, unit: usize, obstacle: Obstacle) -> Step {
        Step::Stop(Box::new(Stop {
            unit,
            boundary: self.position.clone(),
            obstacle,
        }))
    }
}

/// Reads the images of a rows event.
fn read_rows(decoders: &mut Decoders, rows: &Rows<'_>, net: &mut NetChanges) -> Result<()> {
    let mut rest = rows.images;
    while !rest.is_empty() {
        match rows.kind {
            RowsKind::Write => {
                let image = take_image(&mut decoders.after, rows.present, &mut rest)?;
                net.insert(decoders.after.cells(image))?;
            }
            RowsKind::Delete => {
                let image = take_image(&mut decoders.before, rows.present, &mut rest)?;
                net.delete(decoders.before.cells(image))?;
            }
            RowsKind::Update => {
                let before = take_image(&mut decoders.before, rows.present, &mut rest)?;
                let after = take_image(&mut decoders.after, rows.present_after, &mut rest)?;
                net.update(decoders.before.cells(before), decoders.after.cells(after))?;
            }
        }
    }
    Ok(())
}

/// The next image, taken off the rest.
fn take_image<'a>(
    decoder: &mut ImageDecoder,
    present: &[u8],
    rest: &mut &'a [u8],
) -> Result<&'a [u8]> {
    let length = decoder.read(present, rest)?;
    match rest.split_at_checked(length) {
        Some((image, after)) if length > 0 => {
            *rest = after;
            Ok(image)
        }
        _ => Err(Error::new(
            Kind::ProtocolViolation,
            "a row image of the log has no end",
        )),
    }
}

fn out_of_step() -> Error {
    Error::new(Kind::Internal, "a table of the log has lost its unit")
}

fn rolled_back() -> Error {
    Error::new(
        Kind::LogUnsupported,
        "a transaction of the log undoes rows of this table that stand in it",
    )
    .with_detail(
        "The source logs that where tables that roll back and tables that do not were changed together.",
    )
    .with_hint("SELECT sync_resync('<job>', '<unit>');")
}

fn unsupported_xa() -> Error {
    Error::new(
        Kind::LogUnsupported,
        "an XA transaction has changed this table, and whether it commits is not known yet",
    )
    .with_hint("when it has ended: SELECT sync_resync('<job>', '<unit>');")
}
