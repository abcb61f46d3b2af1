//! How units of `tributary.unit` change their state after they were prepared: failures and retries,
//! pause, cancel, and beginning anew. Preparing and completing are in [`super::unit`].

use std::time::Duration;

use serde::Deserialize;

use super::event::{self, Subject};
use super::run::Run;
use super::unit::Unit;
use super::{execute, query, stream, to_json};
use crate::error::{Error, Result};
use crate::model::state::{Phase, UnitStatus};

/// What a unit that stops takes along: one in step with the stream has the stream's position from now
/// on. Whoever uses this has fenced the stream before, so that it commits nothing more for the unit.
macro_rules! parked {
    () => {
        "position = CASE WHEN phase = 'stream' THEN coalesce(position, \
           (SELECT s.position FROM tributary.stream s WHERE s.job_id = unit.job_id)) ELSE position END, \
         phase = CASE WHEN phase = 'stream' THEN 'catch_up' ELSE phase END"
    };
}

/// The status of a unit that goes on where it stood.
macro_rules! going_on {
    () => {
        "CASE WHEN plan IS NULL THEN 'pending' WHEN phase = 'catch_up' AND NOT redrive THEN 'catching_up' ELSE 'running' END"
    };
}

/// An attempt failed: tried again after `delay`, or not without a person.
pub fn fail(unit: &Unit, error: &Error, delay: Option<Duration>) -> Result<()> {
    if unit.phase() == Some(Phase::Stream) {
        stream::fence(unit.job_id)?;
    }
    let changed = execute(
        concat!(
            "UPDATE tributary.unit SET status = 'failed', attempts = attempts + 1, sqlstate = $2, \
               error = $3, hint = $4, next_retry_at = clock_timestamp() + make_interval(secs => $5), \
               finished_at = CASE WHEN $5::float8 IS NULL THEN clock_timestamp() END, \
               updated_at = clock_timestamp(), ",
            parked!(),
            " WHERE unit_id = $1 AND run_id = $6 \
               AND status IN ('pending', 'running', 'catching_up', 'streaming')"
        ),
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
        concat!(
            "UPDATE tributary.unit SET status = ",
            going_on!(),
            ", next_retry_at = NULL, updated_at = clock_timestamp() \
             WHERE run_id = $1 AND status = 'failed' AND next_retry_at <= clock_timestamp() \
             RETURNING job_id, unit, status"
        ),
        &[run_id.into()],
    )?;
    rows.iter()
        .try_for_each(|row| row.record(run_id, Some("retry")))
}

/// Stops the units of a run, or one of them: takes their chunks from the workers. The run is locked.
pub fn stop(run: &Run, unit: Option<&str>, status: UnitStatus) -> Result<Vec<String>> {
    let run_id = run.run_id;
    stream::fence(run.job_id)?;
    #[derive(Deserialize)]
    struct Row {
        unit_id: i64,
        unit: String,
        job_id: i64,
    }
    let rows: Vec<Row> = query(
        concat!(
            "UPDATE tributary.unit SET status = $3, next_retry_at = NULL, updated_at = clock_timestamp(), \
               finished_at = CASE WHEN $3 = 'cancelled' THEN clock_timestamp() END, ",
            parked!(),
            " WHERE run_id = $1 AND ($2::text IS NULL OR unit = $2) AND status <> $3 \
               AND (status IN ('pending', 'running', 'catching_up', 'streaming', 'paused') \
                    OR status = 'failed' AND (next_retry_at IS NOT NULL OR $3 = 'cancelled')) \
             RETURNING unit_id, unit, job_id"
        ),
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
        concat!(
            "UPDATE tributary.unit SET status = ",
            going_on!(),
            ", attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL, \
               finished_at = NULL, updated_at = clock_timestamp() \
             WHERE run_id = $1 AND ($2::text IS NULL OR unit = $2) AND $3::jsonb ? status \
             RETURNING job_id, unit, status"
        ),
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
        "UPDATE tributary.unit SET plan = NULL, phase = NULL, redrive = false, method = NULL, load_oid = NULL, frontier = NULL, waiting_for = NULL, \
           copies = copies + 1, planned = false, position = NULL, catch_up_to = NULL, updated_at = clock_timestamp(), \
           status = CASE status WHEN 'running' THEN 'pending' ELSE status END \
         WHERE unit_id = $1",
        &[unit.unit_id.into()],
    )?;
    // After the unit: the order in which everybody locks them.
    super::chunk::forget(unit.unit_id)
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
