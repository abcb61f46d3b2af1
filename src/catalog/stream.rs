//! `tributary.stream`: the log that a job follows, and how far it is applied.
//!
//! The worker that follows it updates the row in the transaction of the rows it has applied, and only
//! where `generation` is the one it began with. Whoever has a unit join or leave raises the generation
//! first, which waits for a commit under way; what was read before is then thrown away and read
//! again. Locks are taken in the order run, stream, unit.

use std::time::Duration;

use serde::Deserialize;

use super::event::{self, Subject};
use super::{execute, query_first, to_json};
use crate::error::{Error, Result};
use crate::model::batch::Waits;
use crate::model::position::Position;

#[derive(Debug, Clone, Deserialize)]
pub struct Stream {
    pub job_id: i64,
    pub run_id: i64,
    /// Everything up to here is applied; None before the first unit has joined.
    pub position: Option<Position>,
    pub generation: i64,
    pub attempts: u32,
    /// The time of the next attempt is still to come.
    pub retry_pending: bool,
}

const COLUMNS: &str = "SELECT job_id, run_id, position, generation, attempts, \
    coalesce(next_retry_at > clock_timestamp(), false) AS retry_pending FROM tributary.stream";

pub fn get(job_id: i64) -> Result<Option<Stream>> {
    query_first(&format!("{COLUMNS} WHERE job_id = $1"), &[job_id.into()])
}

/// Locks the stream, raises its generation, and reads it. None for a job that follows no log.
pub fn fence(job_id: i64) -> Result<Option<Stream>> {
    execute(
        "UPDATE tributary.stream SET generation = generation + 1, updated_at = clock_timestamp() WHERE job_id = $1",
        &[job_id.into()],
    )?;
    get(job_id)
}

/// A run begins: nothing is followed until units join.
pub fn begin(job_id: i64, run_id: i64) -> Result<()> {
    execute(
        "INSERT INTO tributary.stream AS s (job_id, run_id) VALUES ($1, $2) \
         ON CONFLICT (job_id) DO UPDATE SET run_id = excluded.run_id, position = NULL, \
           generation = s.generation + 1, source_position = NULL, transactions = 0, rows = 0, \
           transactions_per_second = NULL, rows_per_second = NULL, last_event_at = NULL, heartbeat_at = NULL, in_step_at = NULL, \
           applied_at = NULL, waiting_for = NULL, attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, \
           next_retry_at = NULL, updated_at = clock_timestamp()",
        &[job_id.into(), run_id.into()],
    )?;
    Ok(())
}

/// Why the log is applied slowly; None where it is not.
pub fn set_waiting_for(job_id: i64, why: Option<&str>) -> Result<()> {
    execute(
        "UPDATE tributary.stream SET waiting_for = $2 WHERE job_id = $1",
        &[job_id.into(), why.into()],
    )?;
    Ok(())
}

/// This process follows the log from now on.
pub fn take_up(job_id: i64, pid: i64) -> Result<()> {
    execute(
        "UPDATE tributary.stream SET worker_pid = $2::int, waiting_for = NULL WHERE job_id = $1",
        &[job_id.into(), pid.into()],
    )?;
    Ok(())
}

/// The first unit joins, or all others have left: the stream begins at its position.
pub fn set_position(job_id: i64, position: &Position) -> Result<()> {
    execute(
        "UPDATE tributary.stream SET position = $2::jsonb WHERE job_id = $1",
        &[job_id.into(), (&to_json(position)?).into()],
    )?;
    Ok(())
}

/// What a commit has brought.
#[derive(Debug)]
pub struct Progress<'a> {
    pub position: &'a Position,
    pub transactions: u64,
    pub rows: u64,
    /// Seconds since 1970 by the source's clock.
    pub last_event_at: Option<f64>,
    pub waits: Waits,
}

/// Counts what the transaction has applied. False where the generation has changed: then it must not
/// commit.
pub fn advance(job_id: i64, generation: i64, progress: &Progress<'_>) -> Result<bool> {
    let bigint = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let changed = execute(
        "UPDATE tributary.stream SET position = $3::jsonb, transactions = transactions + $4, rows = rows + $5, \
           last_event_at = coalesce(to_timestamp($6), last_event_at), applied_at = clock_timestamp(), \
           heartbeat_at = clock_timestamp(), \
           source_wait = source_wait + $7, target_wait = target_wait + $8, buffer_fill = $9, \
           attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL, \
           updated_at = clock_timestamp() \
         WHERE job_id = $1 AND generation = $2",
        &[
            job_id.into(),
            generation.into(),
            (&to_json(progress.position)?).into(),
            bigint(progress.transactions).into(),
            bigint(progress.rows).into(),
            progress.last_event_at.into(),
            progress.waits.source.into(),
            progress.waits.target.into(),
            progress.waits.fill.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// The source was heard: the end of its log, and our rates of late. False where the generation has
/// changed.
pub fn hear(
    job_id: i64,
    generation: i64,
    source: Option<&Position>,
    rates: Option<(f64, f64)>,
) -> Result<bool> {
    let source = source.map(to_json).transpose()?;
    // A source that takes us on and fails at the same place again is not fixed.
    let fixed = match rates {
        Some(_) => {
            ", attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL, \
             waiting_for = CASE WHEN next_retry_at IS NULL THEN waiting_for END"
        }
        None => "",
    };
    let changed = execute(
        &format!(
            "UPDATE tributary.stream SET source_position = coalesce($3::jsonb, source_position), \
           heartbeat_at = clock_timestamp(), \
           in_step_at = CASE WHEN position -> 'server' = $3::jsonb -> 'server' AND position -> 'file' = $3::jsonb -> 'file' \
             AND position -> 'offset' = $3::jsonb -> 'offset' THEN clock_timestamp() ELSE in_step_at END, \
           transactions_per_second = $4, rows_per_second = $5{fixed} \
         WHERE job_id = $1 AND generation = $2"
        ),
        &[
            job_id.into(),
            generation.into(),
            source.as_deref().into(),
            rates.map(|(transactions, _)| transactions).into(),
            rates.map(|(_, rows)| rows).into(),
        ],
    )?;
    Ok(changed == 1)
}

/// An attempt failed that time heals: the next one comes after `delay`.
pub fn fail(stream: &Stream, error: &Error, delay: Duration) -> Result<()> {
    execute(
        "UPDATE tributary.stream SET attempts = attempts + 1, sqlstate = $2, error = $3, hint = $4, \
           next_retry_at = clock_timestamp() + make_interval(secs => $5), \
           transactions_per_second = NULL, rows_per_second = NULL, \
           waiting_for = 'the next attempt', updated_at = clock_timestamp() \
         WHERE job_id = $1",
        &[
            stream.job_id.into(),
            error.sqlstate().into(),
            (&error.full_message()).into(),
            error.hint.as_deref().into(),
            delay.as_secs_f64().into(),
        ],
    )?;
    let subject = Subject {
        job_id: stream.job_id,
        run_id: stream.run_id,
        unit: None,
    };
    event::record_error(subject, "waiting", error)
}
