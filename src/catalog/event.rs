//! `tributary.event`: changes of state, with their reasons.

use serde::Deserialize;
use serde_json::{Value, json};

use super::query_first;
use crate::error::{Error, Result};
use crate::pg::report;

/// Where changes are told to those who LISTEN.
const CHANNEL: &str = "sync_events";

/// What a change of state belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub job_id: i64,
    pub run_id: i64,
    /// `None`: the run as a whole.
    pub unit: Option<&'a str>,
}

impl Subject<'_> {
    /// For the log.
    fn named(&self, job: &str) -> String {
        match self.unit {
            Some(unit) => format!("job \"{job}\", run {}, unit \"{unit}\"", self.run_id),
            None => format!("job \"{job}\", run {}", self.run_id),
        }
    }
}

/// Rows of a run so far.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Progress {
    pub rows_done: i64,
    pub percent: Option<f64>,
}

pub fn record(subject: Subject<'_>, status: &str, message: Option<&str>) -> Result<()> {
    let job = insert(subject, status, None, message)?;
    if let Some(job) = job {
        let why = message.map_or(String::new(), |message| format!(" ({message})"));
        report::log(&format!("{}: {status}{why}", subject.named(&job)));
    }
    Ok(())
}

/// Is there an event of these words within the last hour? It is looked for among the newest of the job.
pub fn was_told(subject: Subject<'_>, status: &str, message: &str) -> Result<bool> {
    let told: Option<Value> = query_first(
        "SELECT 1 AS told FROM (SELECT * FROM tributary.event WHERE job_id = $1 ORDER BY event_id DESC LIMIT 100) e \
         WHERE run_id = $2 AND unit IS NOT DISTINCT FROM $3 AND status = $4 AND message = $5 \
           AND at > clock_timestamp() - interval '1 hour' LIMIT 1",
        &[
            subject.job_id.into(),
            subject.run_id.into(),
            subject.unit.into(),
            status.into(),
            message.into(),
        ],
    )?;
    Ok(told.is_some())
}

/// Whoever meets the error logs it, with what becomes of it.
pub fn record_error(subject: Subject<'_>, status: &str, error: &Error) -> Result<()> {
    insert(
        subject,
        status,
        Some(error.sqlstate()),
        Some(&error.message),
    )
    .map(drop)
}

/// The job's name.
fn insert(
    subject: Subject<'_>,
    status: &str,
    sqlstate: Option<&str>,
    message: Option<&str>,
) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Row {
        event_id: i64,
        at: String,
        job: String,
    }
    let row: Option<Row> = query_first(
        "INSERT INTO tributary.event (job_id, run_id, unit, status, sqlstate, message) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         RETURNING event_id, at, (SELECT j.job FROM tributary.job j WHERE j.job_id = event.job_id) AS job",
        &[
            subject.job_id.into(),
            subject.run_id.into(),
            subject.unit.into(),
            status.into(),
            sqlstate.into(),
            message.into(),
        ],
    )?;
    let Some(row) = row else { return Ok(None) };
    notify(&json!({
        "kind": "state", "event_id": row.event_id, "at": row.at, "job": short(&row.job),
        "run_id": subject.run_id, "unit": subject.unit.map(short), "status": status, "sqlstate": sqlstate,
    }))?;
    Ok(Some(row.job))
}

/// How far a run has come, for those who listen.
pub fn notify_progress(job: &str, run_id: i64, progress: &Progress) -> Result<()> {
    notify(&json!({
        "kind": "progress", "job": short(job), "run_id": run_id,
        "rows_done": progress.rows_done, "percent": progress.percent,
    }))
}

/// Everybody who may connect may listen: names and numbers, and no message that could quote a row.
fn notify(payload: &Value) -> Result<()> {
    query_first::<Value>(
        "SELECT pg_catalog.pg_notify($1, $2)",
        &[CHANNEL.into(), (&payload.to_string()).into()],
    )
    .map(drop)
}

/// A payload has room for 8000 bytes, and a control character takes six.
fn short(name: &str) -> String {
    name.chars().take(300).collect()
}
