//! A group of source transactions that is being applied together, and why there is no next one.

use crate::plan::drift::Told;
use crate::source::log::Stop;

/// What is known of a group that is being applied.
#[derive(Default)]
pub struct Group {
    pub rows: u64,
    pub bytes: u64,
    /// The unit whose changes are being applied.
    pub failing: Option<usize>,
    /// What the transaction under way has met before its end.
    pub ended: Option<Ended>,
    /// What statements have said of a unit's table.
    pub told: Vec<(usize, Told)>,
}

/// Why a log is not read on.
pub enum Ended {
    /// Something has changed: begin again.
    Again,
    /// The source is another one by now, or is reached otherwise.
    Elsewhere,
    /// The reader goes no further.
    Stopped(Box<Stop>),
}
