//! Net changes of a unit into its target, inside the caller's transaction.

use super::target::Fitted;
use crate::error::{Error, Kind, Result};
use crate::model::change::UnitChanges;
use crate::model::reject::Reject;
use crate::plan::apply::{ApplyKey, ApplySql, apply_key, apply_sql};

/// What may be taken for granted of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// It is as the source was before the changes.
    Streaming,
    /// It may hold rows from after the changes.
    CatchingUp,
}

/// What became of the changes.
#[derive(Debug, Default)]
pub struct Applied {
    /// Rows written.
    pub written: u64,
    /// Rows deleted of those that had to go.
    pub deleted: u64,
    /// Kept out by a trigger of the target.
    pub filtered: u64,
    /// Those of the codec and those that PostgreSQL refused; none of their keys is in the target.
    pub rejects: Vec<Reject>,
}

/// Applies the changes of one unit, one after the other. It lives as long as the unit's plan holds; what it has
/// made in a transaction that rolled back is made again.
pub struct Applier {
    fitted: Fitted,
    key: Option<ApplyKey>,
    sql: ApplySql,
}

impl Applier {
    /// Inside a transaction.
    pub fn new(unit_id: i64, fitted: Fitted) -> Result<Self> {
        let key = apply_key(&fitted.plan, fitted.merge_key.as_deref());
        let sql = apply_sql(&fitted.plan, key.as_ref(), unit_id);
        Ok(Applier { fitted, key, sql })
    }

    /// By what the changes of the unit have to be gathered.
    pub fn key(&self) -> crate::codec::RowKey {
        crate::plan::apply::row_key(&self.fitted.plan, self.key.as_ref())
    }

    /// Applies the changes; they commit with the caller's transaction.
    pub fn apply(&mut self, changes: UnitChanges, care: Care) -> Result<Applied> {
        let _ = (&self.sql, changes, care);
        Err(Error::new(Kind::Internal, "not yet"))
    }
}
