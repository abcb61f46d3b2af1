//! What the reader of a log hands to the main thread: net changes of whole source transactions, and
//! why it can go no further.

use crate::error::{Error, Result};
use crate::model::change::UnitChanges;
use crate::model::logged::LoggedTable;
use crate::model::position::Position;
use crate::plan::drift::Told;

/// Changes of one or more units since the segment before. Segments are applied in order; those up to
/// one with an `end` commit together: a source transaction is not split.
#[derive(Debug, Default)]
pub struct Segment {
    /// By the unit's place in the request.
    pub changes: Vec<(usize, UnitChanges)>,
    /// What statements since a unit's plan was made have said of its table, where that has changed.
    pub told: Vec<(usize, Told)>,
    /// The segment ends at the end of a source transaction.
    pub end: Option<GroupEnd>,
}

/// Closes a group of whole source transactions.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupEnd {
    /// Everything up to here has been handed on.
    pub position: Position,
    /// Transactions of the group, those that change nothing of ours included.
    pub transactions: u64,
    /// Time at the source of the last of them, in seconds since 1970.
    pub last_event_at: Option<f64>,
}

/// Why a unit cannot be followed beyond a point of the log.
#[derive(Debug)]
pub enum Obstacle {
    /// Its rows have another shape from here on.
    Shape {
        logged: LoggedTable,
        told: Told,
        /// In words.
        difference: String,
    },
    /// What comes cannot be applied.
    Refused(Error),
    /// The table is another one or has other rows, by a statement: `on_ddl` decides.
    Redefined(Error),
}

/// The end of a transaction, beyond which the log is not read as it is.
#[derive(Debug)]
pub struct Stop {
    /// The last transaction that is handed on ends here.
    pub boundary: Position,
    pub why: StopReason,
}

#[derive(Debug)]
pub enum StopReason {
    /// A unit, by its place in the request, cannot be followed further.
    Obstacle { unit: usize, obstacle: Obstacle },
    /// The source died while it wrote a transaction, which its next start has rolled back: what its
    /// file holds of that transaction never took place.
    BrokenOff {
        /// The first place in the file of the next start, where the log goes on.
        next: Position,
    },
}

/// Where the reader of a log puts what it has read. Calls may block (backpressure) and fail with
/// `Kind::Cancelled` when nobody reads any more.
pub trait StreamSink {
    fn segment(&mut self, segment: Segment, bytes: usize) -> Result<()>;
    /// The source is alive; where its log ends, where that was asked.
    fn heard(&mut self, source: Option<Position>) -> Result<()>;
    /// The reader has come to `until`.
    fn reached(&mut self) -> Result<()>;
    /// The reader goes no further.
    fn stop(&mut self, stop: Stop) -> Result<()>;
    /// Does the main thread wait for something to apply?
    fn is_hungry(&self) -> bool;
}
