//! What a part of the source's log comes to for one table.

use super::policy::Adjustment;
use super::reject::Reject;

/// The net change of one unit: to be applied in the order truncation, deletes, upserts. All tuples
/// are in the binary format of COPY, without its header and trailer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnitChanges {
    /// The table was emptied before anything else here.
    pub truncated: bool,
    /// Rows that have to be absent: a tuple of the key columns each, in the order of the key; for a
    /// unit without a key a tuple of all columns for each row that went.
    pub deletes: Vec<u8>,
    pub delete_count: u64,
    /// Rows as they have to be: a tuple of all columns each.
    pub upserts: Vec<u8>,
    pub upsert_count: u64,
    /// Every key was first met in an insert, so that a target which is as the source was before has
    /// none of these rows, those of `deletes` included.
    pub fresh: bool,
    /// Rows that the codec refused. The deletes hold their keys.
    pub rejects: Vec<Reject>,
    /// Values that a policy altered.
    pub adjustments: Vec<Adjustment>,
    pub rows: LoggedRows,
}

impl UnitChanges {
    /// What has to be written.
    pub fn bytes(&self) -> u64 {
        (self.deletes.len() + self.upserts.len()) as u64
    }
}

/// Row changes as the log has them, before they became a net change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoggedRows {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
}

impl LoggedRows {
    pub fn all(self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}
