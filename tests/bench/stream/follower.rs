//! What follows a source's log: begins, is at a position, ends; and which beats it shows.

use super::source::Source;
use super::watch::Watch;

/// A row of the heartbeat table and how old it was when it was first seen.
pub struct Beat {
    pub number: u64,
    pub seconds: f64,
}

pub trait Follower {
    fn name(&self) -> &str;

    /// Follows from where it stood.
    fn start(&mut self) -> Result<(), String>;

    /// Returns when all up to the log's end is applied; `position` is that end.
    fn reach(&mut self, position: &str) -> Result<(), String>;

    /// Holds nothing of the machine any more but its memory.
    fn stop(&mut self) -> Result<(), String>;

    /// Beats past a number, as they can be read now.
    fn beats(&mut self, past: u64) -> Result<Vec<Beat>, String>;

    /// Each table as the source has it; else the first that is not.
    fn compare(&mut self, source: &mut Source) -> Result<(), String>;

    /// All its processes.
    fn processes(&self) -> Vec<u32>;

    /// Looks at the memory of its processes from now on, where these work for nothing else.
    fn watch(&self) -> Option<Watch> {
        None
    }
}

/// The beats in rows of a number and an age in seconds.
pub fn beats(rows: &[Vec<Option<String>>]) -> Vec<Beat> {
    let beat = |row: &Vec<Option<String>>| {
        Some(Beat {
            number: row.first()?.as_ref()?.parse().ok()?,
            seconds: row.get(1)?.as_ref()?.parse().ok()?,
        })
    };
    rows.iter().filter_map(beat).collect()
}
