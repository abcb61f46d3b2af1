//! Units whose rejects are written again.

use serde::Deserialize;

use super::run::Run;
use super::unit::{Unit, taken_away};
use super::{execute, query, stream, to_json};
use crate::error::Result;
use crate::model::position::Position;

/// Units whose rejects are to be written again, those whose chunks are all copied; their names.
/// One that follows the log leaves the stream for that, and comes back as after a copy.
pub fn mark_for_redrive(run: &Run, unit: Option<&str>) -> Result<Vec<String>> {
    stream::fence(run.job_id)?;
    #[derive(Deserialize)]
    struct Row {
        unit: String,
    }
    let rows: Vec<Row> = query(
        "UPDATE tributary.unit u SET redrive = true, status = 'running', finished_at = NULL, \
           position = CASE WHEN phase = 'stream' THEN coalesce(position, \
             (SELECT s.position FROM tributary.stream s WHERE s.job_id = u.job_id)) ELSE position END, \
           phase = CASE WHEN phase = 'stream' THEN 'catch_up' ELSE coalesce(phase, 'indexes') END, \
           attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL, updated_at = clock_timestamp() \
         WHERE u.run_id = $1 AND ($2::text IS NULL OR u.unit = $2) \
           AND u.status IN ('completed', 'failed', 'running', 'catching_up', 'streaming') AND u.plan IS NOT NULL AND u.planned \
           AND NOT EXISTS (SELECT FROM tributary.chunk c WHERE c.unit_id = u.unit_id AND c.status <> 'completed') \
           AND EXISTS (SELECT FROM tributary.reject r JOIN tributary.chunk c USING (chunk_id) WHERE c.unit_id = u.unit_id) \
         RETURNING u.unit",
        &[run.run_id.into(), unit.into()],
    )?;
    Ok(rows.into_iter().map(|row| row.unit).collect())
}

/// Takes part in a transaction that redrives: false where the unit is not under way any more.
pub fn lock_redriving(unit: &Unit) -> Result<bool> {
    let changed = execute(
        "UPDATE tributary.unit SET updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'running' AND redrive",
        &[unit.unit_id.into(), unit.run_id.into()],
    )?;
    Ok(changed == 1)
}

/// `log_end`: where the log, if the unit follows it, ended after the last row was read.
pub fn set_redriven(unit: &Unit, log_end: Option<&Position>) -> Result<()> {
    let log_end = log_end.map(to_json).transpose()?;
    let changed = execute(
        "UPDATE tributary.unit SET redrive = false, updated_at = clock_timestamp(), \
           catch_up_to = coalesce($3::jsonb, catch_up_to), \
           status = CASE WHEN $3::jsonb IS NULL THEN status ELSE 'catching_up' END \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'running' AND redrive",
        &[
            unit.unit_id.into(),
            unit.run_id.into(),
            log_end.as_deref().into(),
        ],
    )?;
    match changed {
        0 => Err(taken_away(&unit.unit)),
        _ => Ok(()),
    }
}
