//! `tributary.event`: changes of state, with their reasons.

use super::execute;
use crate::error::{Error, Result};

/// Kept of each job: the newest events and runs.
const EVENTS_KEPT: i64 = 10_000;
const RUNS_KEPT: i64 = 1_000;

/// What a change of state belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub job_id: i64,
    pub run_id: i64,
    /// `None`: the run as a whole.
    pub unit: Option<&'a str>,
}

pub fn record(subject: Subject<'_>, status: &str, message: Option<&str>) -> Result<()> {
    insert(subject, status, None, message)
}

pub fn record_error(subject: Subject<'_>, status: &str, error: &Error) -> Result<()> {
    insert(
        subject,
        status,
        Some(error.sqlstate()),
        Some(&error.message),
    )
}

fn insert(
    subject: Subject<'_>,
    status: &str,
    sqlstate: Option<&str>,
    message: Option<&str>,
) -> Result<()> {
    execute(
        "INSERT INTO tributary.event (job_id, run_id, unit, status, sqlstate, message) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            subject.job_id.into(),
            subject.run_id.into(),
            subject.unit.into(),
            status.into(),
            sqlstate.into(),
            message.into(),
        ],
    )?;
    Ok(())
}

/// Forgets the oldest history of a job.
pub fn prune(job_id: i64) -> Result<()> {
    execute(
        "DELETE FROM tributary.event WHERE job_id = $1 AND event_id <= ( \
           SELECT event_id FROM tributary.event WHERE job_id = $1 \
           ORDER BY event_id DESC OFFSET $2 LIMIT 1)",
        &[job_id.into(), EVENTS_KEPT.into()],
    )?;
    execute(
        "DELETE FROM tributary.run r WHERE job_id = $1 AND run_id <= ( \
           SELECT run_id FROM tributary.run WHERE job_id = $1 \
           ORDER BY run_id DESC OFFSET $2 LIMIT 1) \
         AND NOT EXISTS (SELECT FROM tributary.unit u WHERE u.run_id = r.run_id)",
        &[job_id.into(), RUNS_KEPT.into()],
    )?;
    Ok(())
}
