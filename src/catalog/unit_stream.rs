//! Units on their way to the stream of their job: catching up, joining it, and leaving it.
//!
//! ```text
//! rows ──> catching_up ──> indexes ──> catching_up ──> streaming
//!              └──────────────────────────^   no index is to be made
//! ```

use std::time::Duration;

use serde::Deserialize;

use super::event;
use super::unit::{self, Unit, taken_away};
use super::{execute, query_first, to_json};
use crate::error::{Error, Kind, Result};
use crate::model::policy::Adjustment;
use crate::model::position::Position;
use crate::model::reject::Reject;
use crate::model::state::UnitStatus;
use crate::plan::drift::Told;
use crate::plan::table::TablePlan;

/// Which units follow the log apart from the stream, or in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Following {
    CatchingUp,
    Streaming,
}

impl Following {
    const fn status(self) -> &'static str {
        match self {
            Following::CatchingUp => UnitStatus::CatchingUp.as_str(),
            Following::Streaming => UnitStatus::Streaming.as_str(),
        }
    }
}

/// Units of a run that follow the log so; those whose next attempt is still to come left out.
pub fn following(run_id: i64, how: Following) -> Result<Vec<Unit>> {
    unit::matching(
        "u.run_id = $1 AND u.status = $2 \
           AND (u.next_retry_at IS NULL OR u.next_retry_at <= clock_timestamp()) ORDER BY u.unit_id",
        &[run_id.into(), how.status().into()],
    )
}

/// Why the units of a run that catch up do so slowly; None where they do not.
pub fn set_waiting_for(run_id: i64, why: Option<&str>) -> Result<()> {
    execute(
        "UPDATE tributary.unit SET waiting_for = $2 \
         WHERE run_id = $1 AND status = 'catching_up' AND waiting_for IS DISTINCT FROM $2",
        &[run_id.into(), why.into()],
    )?;
    Ok(())
}

/// Are there any?
pub fn any_following(run_id: i64, how: Following) -> Result<bool> {
    let found: Option<serde_json::Value> = query_first(
        "SELECT unit_id FROM tributary.unit WHERE run_id = $1 AND status = $2 \
           AND (next_retry_at IS NULL OR next_retry_at <= clock_timestamp()) LIMIT 1",
        &[run_id.into(), how.status().into()],
    )?;
    Ok(found.is_some())
}

/// A unit that catches up, and how often it was copied: one that was copied anew meanwhile is another.
pub type Copied = (i64, i64);

/// The log is applied to units that catch up as far as this. False where one of them was stopped: then
/// the transaction must not commit.
pub fn advance(units: &[Copied], position: &Position) -> Result<bool> {
    let changed = execute(
        "UPDATE tributary.unit SET position = $2::jsonb, attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, \
           next_retry_at = NULL, updated_at = clock_timestamp() \
         WHERE pg_catalog.jsonb_build_array(unit_id, copies) IN (SELECT pg_catalog.jsonb_array_elements($1::jsonb)) \
           AND status = 'catching_up'",
        &[(&to_json(&units)?).into(), (&to_json(position)?).into()],
    )?;
    Ok(changed == units.len() as u64)
}

/// Do all of them still catch up?
pub fn all_catching_up(units: &[Copied]) -> Result<bool> {
    #[derive(Deserialize)]
    struct Row {
        units: u64,
    }
    let row: Option<Row> = query_first(
        "SELECT count(*) AS units FROM tributary.unit \
         WHERE pg_catalog.jsonb_build_array(unit_id, copies) IN (SELECT pg_catalog.jsonb_array_elements($1::jsonb)) \
           AND status = 'catching_up'",
        &[(&to_json(&units)?).into()],
    )?;
    Ok(row.is_some_and(|row| row.units == units.len() as u64))
}

/// The source could not be followed: units that catch up try again after `delay`.
pub fn postpone(run_id: i64, error: &Error, delay: Duration) -> Result<()> {
    execute(
        "UPDATE tributary.unit SET attempts = attempts + 1, sqlstate = $2, error = $3, hint = $4, \
           next_retry_at = clock_timestamp() + make_interval(secs => $5), updated_at = clock_timestamp() \
         WHERE run_id = $1 AND status = 'catching_up'",
        &[
            run_id.into(),
            error.sqlstate().into(),
            (&error.full_message()).into(),
            error.hint.as_deref().into(),
            delay.as_secs_f64().into(),
        ],
    )?;
    Ok(())
}

/// The indexes of a unit are there: the log is applied again.
pub fn end_indexes(unit: &Unit) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET status = 'catching_up', phase = 'catch_up', updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'running' AND phase = 'indexes'",
        &[unit.unit_id.into(), unit.run_id.into()],
    )?;
    held(changed, unit)?;
    event::record(unit.subject(), UnitStatus::CatchingUp.as_str(), None)
}

/// The rows of a unit are as they were at the source: its indexes can be made. False where none is to be.
pub fn begin_indexes(unit: &Unit) -> Result<bool> {
    let changed = execute(
        "UPDATE tributary.unit u SET status = 'running', phase = 'indexes', catch_up_to = NULL, \
           updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND copies = $3 AND status = 'catching_up' \
           AND EXISTS (SELECT FROM tributary.step s \
                       WHERE s.unit_id = u.unit_id AND s.kind = 'index' AND s.status <> 'completed')",
        &[unit.unit_id.into(), unit.run_id.into(), unit.copies.into()],
    )?;
    Ok(changed == 1)
}

/// The unit is in step with the stream, or ahead of it at `position` until the stream has come there.
pub fn join(unit: &Unit, position: Option<&Position>) -> Result<()> {
    let position = position.map(to_json).transpose()?;
    let changed = execute(
        "UPDATE tributary.unit SET status = 'streaming', phase = 'stream', position = $3::jsonb, catch_up_to = NULL, before = NULL, waiting_for = NULL, \
           attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL, \
           updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND copies = $4 AND status = 'catching_up'",
        &[
            unit.unit_id.into(),
            unit.run_id.into(),
            position.as_deref().into(),
            unit.copies.into(),
        ],
    )?;
    held(changed, unit)?;
    event::record(unit.subject(), UnitStatus::Streaming.as_str(), None)
}

/// The stream has come to where the unit was ahead of it.
pub fn set_in_step(unit: &Unit) -> Result<()> {
    execute(
        "UPDATE tributary.unit SET position = NULL \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'streaming'",
        &[unit.unit_id.into(), unit.run_id.into()],
    )?;
    Ok(())
}

/// The source's table has another shape: rows are of this plan from now on.
pub fn set_plan(unit: &Unit, plan: &TablePlan) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET plan = $3::jsonb, told = NULL, updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND copies = $4 AND status IN ('catching_up', 'streaming')",
        &[
            unit.unit_id.into(),
            unit.run_id.into(),
            (&to_json(plan)?).into(),
            unit.copies.into(),
        ],
    )?;
    held(changed, unit)
}

/// Keeps what statements have said of the unit's table, with the position behind them.
pub fn set_told(unit: &Unit, told: &Told) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET told = $3::jsonb \
         WHERE unit_id = $1 AND run_id = $2 AND copies = $4 AND status IN ('catching_up', 'streaming')",
        &[
            unit.unit_id.into(),
            unit.run_id.into(),
            (&to_json(told)?).into(),
            unit.copies.into(),
        ],
    )?;
    held(changed, unit)
}

/// Records what was done to the unit's target.
pub fn note(unit: &Unit, what: &str) -> Result<()> {
    event::record(unit.subject(), "altered", Some(what))
}

/// The exact position of a copy that no replay could heal, from the copy's own snapshot.
pub fn set_copied_at(unit: &Unit, position: &Position) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET position = $3::jsonb \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'running' AND phase = 'rows'",
        &[
            unit.unit_id.into(),
            unit.run_id.into(),
            (&to_json(position)?).into(),
        ],
    )?;
    held(changed, unit)
}

/// Where rejects of the log are kept and counted: a chunk of its own beside those of the copy.
pub fn add_rejects(unit: &Unit, rejects: &[Reject], adjustments: &[Adjustment]) -> Result<()> {
    if rejects.is_empty() && adjustments.is_empty() {
        return Ok(());
    }
    #[derive(Deserialize)]
    struct Row {
        chunk_id: i64,
    }
    let row: Option<Row> = query_first(
        "INSERT INTO tributary.chunk AS c (unit_id, number, status, rows_read, rows_rejected, started_at, finished_at) \
         VALUES ($1, 0, 'completed', $2, $2, clock_timestamp(), clock_timestamp()) \
         ON CONFLICT (unit_id, number) DO UPDATE SET rows_read = c.rows_read + excluded.rows_read, \
           rows_rejected = c.rows_rejected + excluded.rows_rejected, updated_at = clock_timestamp() \
         RETURNING chunk_id",
        &[
            unit.unit_id.into(),
            i64::try_from(rejects.len()).unwrap_or(i64::MAX).into(),
        ],
    )?;
    let row = row.ok_or_else(|| Error::new(Kind::Internal, "a chunk returned no row"))?;
    super::reject::insert(row.chunk_id, rejects)?;
    super::chunk::add_adjustments(row.chunk_id, adjustments)
}

/// The unit reads the log again from `position`, and is as the source was at `until`. False where it does not
/// follow the log. The stream was fenced; who is applying the log to the unit does not commit any more.
pub fn rewind(unit: &Unit, position: &Position, until: &Position) -> Result<bool> {
    let changed = execute(
        "UPDATE tributary.unit SET status = CASE status WHEN 'paused' THEN status ELSE 'catching_up' END, phase = 'catch_up', \
           position = $3::jsonb, catch_up_to = $4::jsonb, copies = copies + 1, attempts = 0, sqlstate = NULL, \
           error = NULL, hint = NULL, next_retry_at = NULL, finished_at = NULL, updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND phase IN ('catch_up', 'stream') \
           AND status IN ('catching_up', 'streaming', 'failed', 'paused') AND method <> 'swap' AND NOT redrive",
        &[
            unit.unit_id.into(),
            unit.run_id.into(),
            (&to_json(position)?).into(),
            (&to_json(until)?).into(),
        ],
    )?;
    if changed == 1 {
        event::record(
            unit.subject(),
            UnitStatus::CatchingUp.as_str(),
            Some("rewound"),
        )?;
    }
    Ok(changed == 1)
}

/// Locks the units of a run until the transaction ends: they stand where they stand.
pub fn lock(run_id: i64) -> Result<()> {
    execute(
        "SELECT 1 FROM tributary.unit WHERE run_id = $1 ORDER BY unit_id FOR NO KEY UPDATE",
        &[run_id.into()],
    )?;
    Ok(())
}

/// The unit has all it needs, and waits for somebody: why, as of now.
pub fn set_waiting(unit: &Unit, error: &Error) -> Result<()> {
    execute(
        "UPDATE tributary.unit SET sqlstate = $3, error = $4, hint = $5 \
         WHERE unit_id = $1 AND copies = $2 AND status = 'catching_up'",
        &[
            unit.unit_id.into(),
            unit.copies.into(),
            error.sqlstate().into(),
            (&error.full_message()).into(),
            error.hint.as_deref().into(),
        ],
    )?;
    Ok(())
}

/// Which unit, if any, still keeps a position from counting as applied everywhere.
#[derive(Debug)]
pub enum Pending {
    /// All units are in step with the stream.
    None,
    Some,
    /// This one will not be without a person: it is paused, or has failed.
    Paused {
        unit: String,
    },
    Failed {
        unit: String,
        error: String,
    },
}

/// Cancelled units count no more.
pub fn pending(run_id: i64) -> Result<Pending> {
    #[derive(Deserialize)]
    struct Row {
        unit: String,
        error: Option<String>,
        paused: bool,
        lost: bool,
    }
    let row: Option<Row> = query_first(
        "SELECT unit, error, status = 'paused' AS paused, \
           status IN ('failed', 'paused') AND next_retry_at IS NULL AS lost FROM tributary.unit \
         WHERE run_id = $1 AND status <> 'cancelled' AND (status <> 'streaming' OR position IS NOT NULL) \
         ORDER BY lost DESC, unit_id LIMIT 1",
        &[run_id.into()],
    )?;
    Ok(match row {
        None => Pending::None,
        Some(row) if row.lost && row.paused => Pending::Paused { unit: row.unit },
        Some(row) if row.lost => Pending::Failed {
            unit: row.unit,
            error: row.error.unwrap_or_default(),
        },
        Some(_) => Pending::Some,
    })
}

/// A unit is copied anew, from the start: beside its rows, which stay until they are replaced. Its row first:
/// whoever prepares it at the same time has done so before or does it afterwards.
pub fn begin_anew(unit: &Unit) -> Result<()> {
    anew(unit, None)
}

/// The same for a unit as its follower knows it, with the reason.
pub fn leave_for_copy(unit: &Unit, why: &str) -> Result<()> {
    anew(unit, Some(unit.copies))?;
    note(unit, why)
}

/// The same for one whose new table cannot take the place of the live one: into that.
pub fn leave_for_merge(unit: &Unit, why: &str) -> Result<()> {
    leave_for_copy(unit, why)?;
    execute(
        "UPDATE tributary.unit SET before = NULL WHERE unit_id = $1",
        &[unit.unit_id.into()],
    )?;
    Ok(())
}

/// `copies`: only if that copy of it still follows the log.
fn anew(unit: &Unit, copies: Option<i64>) -> Result<()> {
    super::stream::fence(unit.job_id)?;
    let changed = execute(
        "UPDATE tributary.unit SET status = 'pending', before = coalesce(before, plan), plan = NULL, phase = NULL, \
           redrive = false, method = NULL, load_oid = NULL, frontier = NULL, planned = false, position = NULL, copies = copies + 1, \
           catch_up_to = NULL, attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL, \
           started_at = NULL, finished_at = NULL, updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 \
           AND ($3::bigint IS NULL OR copies = $3 AND status IN ('catching_up', 'streaming'))",
        &[unit.unit_id.into(), unit.run_id.into(), copies.into()],
    )?;
    held(changed, unit)?;
    super::chunk::forget(unit.unit_id)?;
    event::record(unit.subject(), UnitStatus::Pending.as_str(), Some("resync"))
}

/// The table that was copied beside the live one has taken its place, with this plan.
pub fn set_swapped(unit: &Unit, plan: &TablePlan) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET method = 'direct', plan = $3::jsonb, before = NULL, created_oid = load_oid, \
           updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND copies = $4 AND status = 'catching_up' AND method = 'swap'",
        &[
            unit.unit_id.into(),
            unit.run_id.into(),
            (&to_json(plan)?).into(),
            unit.copies.into(),
        ],
    )?;
    held(changed, unit)?;
    note(unit, "the new table has taken the place of the live one")
}

fn held(changed: u64, unit: &Unit) -> Result<()> {
    match changed {
        0 => Err(taken_away(&unit.unit)),
        _ => Ok(()),
    }
}
