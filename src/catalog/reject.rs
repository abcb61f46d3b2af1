//! `tributary.reject`: source rows that could not be written.

use serde::Deserialize;

use super::{execute, query, to_json};
use crate::error::Result;
use crate::model::key::Key;
use crate::model::reject::Reject;

pub fn insert(chunk_id: i64, rejects: &[Reject]) -> Result<()> {
    for reject in rejects {
        let key = reject.key.as_ref().map(to_json).transpose()?;
        execute(
            "INSERT INTO tributary.reject (chunk_id, key, row, column_name, sqlstate, message, hint) \
             VALUES ($1, $2::jsonb, $3::jsonb, $4, $5, $6, $7)",
            &[
                chunk_id.into(),
                key.as_deref().into(),
                (&to_json(&reject.row)?).into(),
                reject.column.as_deref().into(),
                (&reject.sqlstate).into(),
                (&reject.message).into(),
                reject.hint.as_deref().into(),
            ],
        )?;
    }
    Ok(())
}

/// Forgets what an attempt that was rolled back has left of a chunk's rejects.
pub fn forget(chunk_id: i64) -> Result<()> {
    execute(
        "DELETE FROM tributary.reject WHERE chunk_id = $1",
        &[chunk_id.into()],
    )?;
    Ok(())
}

/// A reject that is to be written again.
#[derive(Debug, Clone, Deserialize)]
pub struct Kept {
    pub reject_id: i64,
    pub chunk_id: i64,
    pub key: Option<Key>,
    pub row: serde_json::Value,
}

/// The next rejects of a unit, oldest first.
pub fn after(unit_id: i64, reject_id: i64, most: i64) -> Result<Vec<Kept>> {
    query(
        "SELECT r.reject_id, r.chunk_id, r.key, r.row FROM tributary.reject r JOIN tributary.chunk c USING (chunk_id) \
         WHERE c.unit_id = $1 AND r.reject_id > $2 ORDER BY r.reject_id LIMIT $3",
        &[unit_id.into(), reject_id.into(), most.into()],
    )
}

/// How many rejects a unit has.
pub fn count(unit_id: i64) -> Result<u64> {
    #[derive(Deserialize)]
    struct Row {
        rejects: u64,
    }
    let rows: Vec<Row> = query(
        "SELECT count(*) AS rejects FROM tributary.reject r JOIN tributary.chunk c USING (chunk_id) \
         WHERE c.unit_id = $1",
        &[unit_id.into()],
    )?;
    Ok(rows.first().map_or(0, |row| row.rejects))
}

/// Locks the reject; false where it was cleared meanwhile.
pub fn hold(kept: &Kept) -> Result<bool> {
    let held = execute(
        "UPDATE tributary.reject SET at = at WHERE reject_id = $1",
        &[kept.reject_id.into()],
    )?;
    Ok(held == 1)
}

/// What a row that was rejected has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Written,
    Filtered,
    /// The source has it no more.
    Gone,
}

/// Takes a reject out and counts its row as what it has become.
pub fn settle(kept: &Kept, outcome: Outcome) -> Result<bool> {
    let removed = execute(
        "DELETE FROM tributary.reject WHERE reject_id = $1",
        &[kept.reject_id.into()],
    )?;
    if removed == 1 {
        let (written, filtered, gone) = match outcome {
            Outcome::Written => (1, 0, 0),
            Outcome::Filtered => (0, 1, 0),
            Outcome::Gone => (0, 0, 1),
        };
        execute(
            "UPDATE tributary.chunk SET rows_rejected = rows_rejected - 1, rows_done = rows_done + $2, \
               rows_filtered = rows_filtered + $3, rows_read = rows_read - $4, updated_at = clock_timestamp() \
             WHERE chunk_id = $1",
            &[
                kept.chunk_id.into(),
                i64::from(written).into(),
                i64::from(filtered).into(),
                i64::from(gone).into(),
            ],
        )?;
    }
    Ok(removed == 1)
}

/// Keeps the reason of the latest attempt.
pub fn renew(kept: &Kept, reject: &Reject) -> Result<()> {
    let key = reject.key.as_ref().map(to_json).transpose()?;
    execute(
        "UPDATE tributary.reject SET row = $2::jsonb, column_name = $3, sqlstate = $4, message = $5, \
           hint = $6, key = coalesce($7::jsonb, key), at = clock_timestamp() WHERE reject_id = $1",
        &[
            kept.reject_id.into(),
            (&to_json(&reject.row)?).into(),
            reject.column.as_deref().into(),
            (&reject.sqlstate).into(),
            (&reject.message).into(),
            reject.hint.as_deref().into(),
            key.as_deref().into(),
        ],
    )?;
    Ok(())
}

/// Forgets the rejects of a job, or of one unit; their number. The rows stay counted as rejected.
pub fn clear(job_id: i64, unit: Option<&str>) -> Result<u64> {
    execute(
        "DELETE FROM tributary.reject r USING tributary.chunk c, tributary.unit u \
         WHERE c.chunk_id = r.chunk_id AND u.unit_id = c.unit_id AND u.job_id = $1 \
           AND ($2::text IS NULL OR u.unit = $2)",
        &[job_id.into(), unit.into()],
    )
}
