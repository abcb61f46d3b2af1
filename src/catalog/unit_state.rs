//! How units of `tributary.unit` change their state after they were prepared: failures and retries,
//! pause, cancel, and beginning anew. Preparing and completing are in [`super::unit`].

use std::time::Duration;

use serde::Deserialize;

use super::event::{self, Subject};
use super::unit::Unit;
use super::{execute, query, to_json};
use crate::error::{Error, Result};
use crate::model::state::UnitStatus;

/// An attempt failed: tried again after `delay`, or not without a person.
pub fn fail(unit: &Unit, error: &Error, delay: Option<Duration>) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET status = 'failed', attempts = attempts + 1, sqlstate = $2, \
           error = $3, hint = $4, next_retry_at = clock_timestamp() + make_interval(secs => $5), \
           finished_at = CASE WHEN $5::float8 IS NULL THEN clock_timestamp() END, \
           updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $6 AND status IN ('pending', 'running')",
        &[
            unit.unit_id.into(),
            error.sqlstate().into(),
            (&error.full_message()).into(),
            error.hint.as_deref().into(),
            delay.map(|delay| delay.as_secs_f64()).into(),
            unit.run_id.into(),
        ],
    )?;
    match changed {
        0 => Ok(()),
        _ => event::record_error(unit.subject(), UnitStatus::Failed.as_str(), error),
    }
}

/// Progress was made: the attempts that failed before do not count any more.
pub fn clear_attempts(unit_id: i64) -> Result<()> {
    execute(
        "UPDATE tributary.unit SET attempts = 0, sqlstate = NULL, error = NULL, hint = NULL \
         WHERE unit_id = $1 AND attempts > 0 AND status = 'running'",
        &[unit_id.into()],
    )?;
    Ok(())
}

/// Failed units whose time has come go on where they stood.
pub fn resume_due(run_id: i64) -> Result<()> {
    let rows: Vec<Moved> = query(
        "UPDATE tributary.unit SET status = CASE WHEN plan IS NULL THEN 'pending' ELSE 'running' END, \
           next_retry_at = NULL, updated_at = clock_timestamp() \
         WHERE run_id = $1 AND status = 'failed' AND next_retry_at <= clock_timestamp() \
         RETURNING job_id, unit, status",
        &[run_id.into()],
    )?;
    rows.iter()
        .try_for_each(|row| row.record(run_id, Some("retry")))
}

/// Stops the units of a run, or one of them: takes their chunks from the workers.
pub fn stop(run_id: i64, unit: Option<&str>, status: UnitStatus) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Row {
        unit_id: i64,
        unit: String,
        job_id: i64,
    }
    // data-modifying WITH queries may only stand at the top level, which `query` provides
    let rows: Vec<Row> = query(
        "UPDATE tributary.unit SET status = $3, next_retry_at = NULL, updated_at = clock_timestamp(), \
           finished_at = CASE WHEN $3 = 'cancelled' THEN clock_timestamp() END \
         WHERE run_id = $1 AND ($2::text IS NULL OR unit = $2) AND status <> $3 \
           AND (status IN ('pending', 'running', 'paused') OR status = 'failed' AND \
                (next_retry_at IS NOT NULL OR $3 = 'cancelled')) \
         RETURNING unit_id, unit, job_id",
        &[run_id.into(), unit.into(), status.as_str().into()],
    )?;
    for row in &rows {
        execute(
            "UPDATE tributary.chunk SET status = 'pending' WHERE unit_id = $1 AND status = 'running'",
            &[row.unit_id.into()],
        )?;
        let subject = Subject {
            job_id: row.job_id,
            run_id,
            unit: Some(&row.unit),
        };
        event::record(subject, status.as_str(), None)?;
    }
    Ok(rows.into_iter().map(|row| row.unit).collect())
}

/// Paused units, or failed and cancelled ones, go on where they stood.
pub fn restart(run_id: i64, unit: Option<&str>, from: &[UnitStatus]) -> Result<Vec<String>> {
    let from = to_json(
        &from
            .iter()
            .map(|status| status.as_str())
            .collect::<Vec<_>>(),
    )?;
    let rows: Vec<Moved> = query(
        "UPDATE tributary.unit SET status = CASE WHEN plan IS NULL THEN 'pending' ELSE 'running' END, \
           attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL, \
           finished_at = NULL, updated_at = clock_timestamp() \
         WHERE run_id = $1 AND ($2::text IS NULL OR unit = $2) AND $3::jsonb ? status \
         RETURNING job_id, unit, status",
        &[run_id.into(), unit.into(), (&from).into()],
    )?;
    for row in &rows {
        row.record(run_id, None)?;
    }
    Ok(rows.into_iter().map(|row| row.unit).collect())
}

/// A unit that was moved to another state.
#[derive(Debug, Deserialize)]
struct Moved {
    job_id: i64,
    unit: String,
    status: String,
}

impl Moved {
    fn record(&self, run_id: i64, why: Option<&str>) -> Result<()> {
        let subject = Subject {
            job_id: self.job_id,
            run_id,
            unit: Some(&self.unit),
        };
        event::record(subject, &self.status, why)
    }
}

/// The table that rows went into is gone or another one: the unit begins anew.
pub fn forget_progress(unit: &Unit) -> Result<()> {
    execute(
        "DELETE FROM tributary.chunk WHERE unit_id = $1",
        &[unit.unit_id.into()],
    )?;
    execute(
        "UPDATE tributary.unit SET plan = NULL, phase = NULL, redrive = false, method = NULL, load_oid = NULL, frontier = NULL, \
           planned = false, updated_at = clock_timestamp(), \
           status = CASE status WHEN 'running' THEN 'pending' ELSE status END \
         WHERE unit_id = $1",
        &[unit.unit_id.into()],
    )?;
    Ok(())
}

/// A claim that a worker has to give up.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct StoppedClaim {
    pub what: Stopped,
    pub id: i64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stopped {
    Unit,
    Chunk,
    Step,
}

/// What workers may hold of units that were paused or cancelled.
pub fn stopped_claims(run_id: i64) -> Result<Vec<StoppedClaim>> {
    query(
        "SELECT 'unit' AS what, u.unit_id AS id FROM tributary.unit u \
         WHERE u.run_id = $1 AND u.status IN ('paused', 'cancelled') \
         UNION ALL SELECT 'chunk', c.chunk_id FROM tributary.chunk c JOIN tributary.unit u USING (unit_id) \
         WHERE u.run_id = $1 AND u.status IN ('paused', 'cancelled') AND c.status <> 'completed' \
         UNION ALL SELECT 'step', s.step_id FROM tributary.step s JOIN tributary.unit u USING (unit_id) \
         WHERE u.run_id = $1 AND u.status IN ('paused', 'cancelled') AND s.status <> 'completed'",
        &[run_id.into()],
    )
}
