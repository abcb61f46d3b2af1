//! `tributary.chunk`: a key range of a unit with its cursor.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{execute, query, query_first, to_json};
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, Waits};
use crate::model::key::{Key, KeyRange};
use crate::model::policy::Adjustment;
use crate::plan::chunk::remaining;

#[derive(Debug, Clone, Deserialize)]
pub struct Chunk {
    pub chunk_id: i64,
    pub unit_id: i64,
    pub number: i64,
    lower_key: Option<Key>,
    upper_key: Option<Key>,
    cursor: Option<Key>,
    /// Values altered so far: column, policy, number.
    pub adjustments: Adjusted,
}

/// Numbers of values that policies altered, by column and policy.
pub type Adjusted = BTreeMap<String, BTreeMap<String, u64>>;

impl Chunk {
    /// What is still to be read: from the cursor on.
    pub fn remaining(&self) -> KeyRange {
        let range = KeyRange {
            lower: self.lower_key.clone(),
            upper: self.upper_key.clone(),
        };
        remaining(&range, self.cursor.clone())
    }
}

pub fn insert(unit_id: i64, number: i64, lower: Option<&Key>, upper: Option<&Key>) -> Result<()> {
    let lower = lower.map(to_json).transpose()?;
    let upper = upper.map(to_json).transpose()?;
    execute(
        "INSERT INTO tributary.chunk (unit_id, number, lower_key, upper_key) \
         VALUES ($1, $2::int, $3::jsonb, $4::jsonb)",
        &[
            unit_id.into(),
            number.into(),
            lower.as_deref().into(),
            upper.as_deref().into(),
        ],
    )?;
    Ok(())
}

/// Chunks of a run that somebody could be copying, in the order they should be claimed.
pub fn open_of_run(run_id: i64) -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Row {
        chunk_id: i64,
    }
    let rows: Vec<Row> = query(
        "SELECT c.chunk_id FROM tributary.chunk c JOIN tributary.unit u USING (unit_id) \
         WHERE u.run_id = $1 AND u.status = 'running' AND c.status <> 'completed' \
         ORDER BY CASE u.priority WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, \
           u.bytes_estimated DESC NULLS LAST, u.unit_id, c.number LIMIT 128",
        &[run_id.into()],
    )?;
    Ok(rows.into_iter().map(|row| row.chunk_id).collect())
}

/// Marks the chunk as this process's, whose lock on it is held; `None` where it is not open.
pub fn claim(chunk_id: i64, pid: i64) -> Result<Option<Chunk>> {
    query_first(
        "UPDATE tributary.chunk c SET status = 'running', worker_pid = $2::int, waiting_for = NULL, \
           started_at = coalesce(c.started_at, clock_timestamp()), updated_at = clock_timestamp() \
         FROM tributary.unit u \
         WHERE c.chunk_id = $1 AND u.unit_id = c.unit_id AND u.status = 'running' AND c.status <> 'completed' \
         RETURNING c.chunk_id, c.unit_id, c.number, c.lower_key, c.upper_key, c.cursor, c.adjustments",
        &[chunk_id.into(), pid.into()],
    )
}

/// The chunk as it stands.
pub fn get(chunk_id: i64) -> Result<Option<Chunk>> {
    query_first(
        "SELECT chunk_id, unit_id, number, lower_key, upper_key, cursor, adjustments \
         FROM tributary.chunk WHERE chunk_id = $1",
        &[chunk_id.into()],
    )
}

impl Chunk {
    /// Its altered values with those of a batch.
    pub fn adjusted_by(&self, adjustments: &[Adjustment]) -> Adjusted {
        let mut adjusted = self.adjustments.clone();
        for adjustment in adjustments {
            *adjusted
                .entry(adjustment.column.clone())
                .or_default()
                .entry(adjustment.policy.as_str().to_owned())
                .or_default() += adjustment.values;
        }
        adjusted
    }
}

/// Adds values that were altered outside of a batch of the chunk.
pub fn add_adjustments(chunk_id: i64, adjustments: &[Adjustment]) -> Result<()> {
    let Some(chunk) = get(chunk_id)?.filter(|_| !adjustments.is_empty()) else {
        return Ok(());
    };
    execute(
        "UPDATE tributary.chunk SET adjustments = $2::jsonb WHERE chunk_id = $1",
        &[
            chunk_id.into(),
            (&to_json(&chunk.adjusted_by(adjustments))?).into(),
        ],
    )?;
    Ok(())
}

/// What became of a batch.
#[derive(Debug)]
pub struct Counted<'a> {
    pub end: &'a BatchEnd,
    pub written: u64,
    pub rejected: u64,
    /// Kept out by a trigger of the target.
    pub filtered: u64,
    /// All values of the chunk altered so far, this batch's included; None where it altered none.
    pub adjusted: Option<&'a Adjusted>,
    pub waits: Waits,
}

/// Rows of the unit that were counted as written were kept out of its target after all.
pub fn count_filtered(unit_id: i64, rows: u64) -> Result<()> {
    execute(
        "UPDATE tributary.chunk SET rows_done = rows_done - $2, rows_filtered = rows_filtered + $2 \
         WHERE chunk_id = (SELECT chunk_id FROM tributary.chunk WHERE unit_id = $1 \
                           ORDER BY rows_done DESC LIMIT 1)",
        &[
            unit_id.into(),
            i64::try_from(rows).unwrap_or(i64::MAX).into(),
        ],
    )?;
    Ok(())
}

/// Rows of a unit in its present load.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Totals {
    pub read: u64,
    pub written: u64,
    pub rejected: u64,
    pub filtered: u64,
}

pub fn totals(unit_id: i64) -> Result<Totals> {
    let totals: Option<Totals> = query_first(
        "SELECT coalesce(sum(rows_read), 0)::bigint AS read, coalesce(sum(rows_done), 0)::bigint AS written, \
           coalesce(sum(rows_rejected), 0)::bigint AS rejected, coalesce(sum(rows_filtered), 0)::bigint AS filtered \
         FROM tributary.chunk WHERE unit_id = $1",
        &[unit_id.into()],
    )?;
    totals.ok_or_else(|| Error::new(Kind::Internal, "a sum returned no row"))
}

/// Counts a batch, in its transaction. False where the chunk was taken from this process: then the
/// batch must not commit.
pub fn advance(chunk_id: i64, pid: i64, counted: &Counted<'_>) -> Result<bool> {
    let end = counted.end;
    let cursor = end.last_key.as_ref().map(to_json).transpose()?;
    let adjusted = counted.adjusted.map(to_json).transpose()?;
    let bigint = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let changed = execute(
        "UPDATE tributary.chunk SET cursor = coalesce($3::jsonb, cursor), \
           rows_done = rows_done + $4, bytes_done = bytes_done + $5, \
           rows_read = rows_read + $7, rows_rejected = rows_rejected + $8, \
           rows_filtered = rows_filtered + $9, adjustments = coalesce($10::jsonb, adjustments), \
           source_wait = source_wait + $11, target_wait = target_wait + $12, buffer_fill = $13, \
           status = CASE WHEN $6 THEN 'completed' ELSE status END, waiting_for = CASE WHEN NOT $6 THEN waiting_for END, \
           finished_at = CASE WHEN $6 THEN clock_timestamp() END, updated_at = clock_timestamp() \
         WHERE chunk_id = $1 AND worker_pid = $2 AND status = 'running' \
           AND EXISTS (SELECT FROM tributary.unit u \
                       WHERE u.unit_id = chunk.unit_id AND u.status IN ('running', 'failed'))",
        &[
            chunk_id.into(),
            pid.into(),
            cursor.as_deref().into(),
            bigint(counted.written).into(),
            bigint(end.bytes).into(),
            end.last.into(),
            bigint(end.read).into(),
            bigint(counted.rejected).into(),
            bigint(counted.filtered).into(),
            adjusted.as_deref().into(),
            counted.waits.source.into(),
            counted.waits.target.into(),
            counted.waits.fill.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Why its worker is slowed; None where it is not.
pub fn set_waiting_for(chunk_id: i64, why: Option<&str>) -> Result<()> {
    execute(
        "UPDATE tributary.chunk SET waiting_for = $2 WHERE chunk_id = $1",
        &[chunk_id.into(), why.into()],
    )?;
    Ok(())
}

/// Gives the chunk back for others to claim. False where it was taken from this process.
pub fn release(chunk_id: i64, pid: i64) -> Result<bool> {
    let changed = execute(
        "UPDATE tributary.chunk SET status = 'pending', waiting_for = NULL \
         WHERE chunk_id = $1 AND worker_pid = $2 AND status = 'running'",
        &[chunk_id.into(), pid.into()],
    )?;
    Ok(changed == 1)
}

/// What is known of a unit's chunks. Their rejects by name: in a session that applies the log as a
/// replica no foreign key removes them.
pub fn forget(unit_id: i64) -> Result<()> {
    execute(
        "DELETE FROM tributary.reject r USING tributary.chunk c WHERE c.chunk_id = r.chunk_id AND c.unit_id = $1",
        &[unit_id.into()],
    )?;
    execute(
        "DELETE FROM tributary.chunk WHERE unit_id = $1",
        &[unit_id.into()],
    )?;
    Ok(())
}
