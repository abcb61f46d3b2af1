//! `tributary.run`: one execution of a job.

use std::time::Duration;

use serde::Deserialize;

use super::event::{self, Subject};
use super::{execute, query, query_first};
use crate::error::{Error, Kind, Result};
use crate::model::state::{RunStatus, Trigger};
use crate::pg::role;
use crate::plan::share::Crew;

#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    pub run_id: i64,
    pub job_id: i64,
    /// Of the definition that it began with, or was taken up again with.
    pub version: i64,
    status: String,
    /// The units of the run have been listed.
    pub expanded: bool,
    pub attempts: u32,
    /// A retry of the listing is set for a time still to come.
    pub retry_pending: bool,
    pub error: Option<String>,
    pub hint: Option<String>,
    pub waiting_for: Option<String>,
    /// Workers it may have at present.
    pub workers_granted: Option<i64>,
    /// Whether it may follow its log at present.
    pub stream_granted: Option<bool>,
    /// The current transaction has changed it and has not committed.
    pub uncommitted: bool,
}

impl Run {
    pub fn status(&self) -> Result<RunStatus> {
        RunStatus::parse(&self.status).ok_or_else(|| {
            Error::new(
                Kind::Internal,
                format!("run {} has unknown status \"{}\"", self.run_id, self.status),
            )
        })
    }

    fn subject(&self) -> Subject<'static> {
        Subject {
            job_id: self.job_id,
            run_id: self.run_id,
            unit: None,
        }
    }
}

const COLUMNS: &str = "SELECT run_id, job_id, version, status, expanded, attempts, error, hint, waiting_for, workers_granted, stream_granted, \
    coalesce(next_retry_at > clock_timestamp(), false) AS retry_pending, \
    coalesce(xmin = pg_catalog.pg_current_xact_id_if_assigned()::xid, false) AS uncommitted FROM tributary.run";

pub fn get(run_id: i64) -> Result<Option<Run>> {
    query_first(&format!("{COLUMNS} WHERE run_id = $1"), &[run_id.into()])
}

/// Locks the run until the transaction ends, and reads it anew. Whoever changes the state of a run or
/// of its units by hand does this first, so that the supervisor does not end the run meanwhile.
pub fn lock(run_id: i64) -> Result<Option<Run>> {
    execute(
        "SELECT 1 FROM tributary.run WHERE run_id = $1 FOR NO KEY UPDATE",
        &[run_id.into()],
    )?;
    get(run_id)
}

/// Locks the run if it is running and nobody else has it locked.
pub fn try_lock_running(run_id: i64) -> Result<bool> {
    let locked = execute(
        "SELECT 1 FROM tributary.run WHERE run_id = $1 AND status = 'running' \
         FOR NO KEY UPDATE SKIP LOCKED",
        &[run_id.into()],
    )?;
    Ok(locked > 0)
}

/// The latest run of a job.
pub fn latest(job_id: i64) -> Result<Option<Run>> {
    query_first(
        &format!("{COLUMNS} WHERE job_id = $1 ORDER BY run_id DESC LIMIT 1"),
        &[job_id.into()],
    )
}

/// Runs that a supervisor has to care for.
pub fn active() -> Result<Vec<Run>> {
    query(
        &format!(
            "{COLUMNS} WHERE status IN ('scheduled', 'initializing', 'running', 'paused') ORDER BY run_id"
        ),
        &[],
    )
}

/// A new run, or `None` where one is under way.
pub fn schedule(job_id: i64, trigger: Trigger) -> Result<Option<i64>> {
    #[derive(Deserialize)]
    struct Row {
        run_id: i64,
    }
    let row: Option<Row> = query_first(
        "INSERT INTO tributary.run (job_id, version, trigger, started_by) \
         SELECT job_id, version, $2, $3::name FROM tributary.job WHERE job_id = $1 \
         ON CONFLICT (job_id) WHERE status IN ('scheduled', 'initializing', 'running', 'paused') \
         DO NOTHING RETURNING run_id",
        &[
            job_id.into(),
            trigger.as_str().into(),
            (&role::name(role::current())).into(),
        ],
    )?;
    if let Some(row) = &row {
        let subject = Subject {
            job_id,
            run_id: row.run_id,
            unit: None,
        };
        event::record(
            subject,
            RunStatus::Scheduled.as_str(),
            Some(trigger.as_str()),
        )?;
    }
    Ok(row.map(|row| row.run_id))
}

/// Another run is to follow the one under way.
pub fn queue_next(run: &Run, trigger: Trigger) -> Result<()> {
    execute(
        "UPDATE tributary.run SET next_trigger = coalesce(next_trigger, $2) WHERE run_id = $1",
        &[run.run_id.into(), trigger.as_str().into()],
    )?;
    Ok(())
}

/// A run that is to follow one that has ended.
#[derive(Debug, Deserialize)]
pub struct Queued {
    pub job_id: i64,
    next_trigger: String,
}

impl Queued {
    pub fn trigger(&self) -> Trigger {
        // The catalog's CHECK knows no other.
        Trigger::parse(&self.next_trigger).unwrap_or(Trigger::Manual)
    }
}

/// Ended runs that another one is to follow.
pub fn queued() -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Row {
        run_id: i64,
    }
    let rows: Vec<Row> = query(
        "SELECT run_id FROM tributary.run WHERE next_trigger IS NOT NULL \
           AND status IN ('completed', 'failed', 'cancelled') ORDER BY run_id",
        &[],
    )?;
    Ok(rows.into_iter().map(|row| row.run_id).collect())
}

/// Takes what is to follow an ended run; None behind one that was cancelled: that takes its successor along.
pub fn take_queued(run_id: i64) -> Result<Option<Queued>> {
    let taken: Option<Queued> = query_first(
        "UPDATE tributary.run r SET next_trigger = NULL FROM tributary.run o \
         WHERE r.run_id = $1 AND o.run_id = r.run_id AND r.next_trigger IS NOT NULL \
           AND r.status IN ('completed', 'failed', 'cancelled') \
         RETURNING r.job_id, CASE WHEN r.status <> 'cancelled' THEN o.next_trigger ELSE '' END AS next_trigger",
        &[run_id.into()],
    )?;
    Ok(taken.filter(|queued| !queued.next_trigger.is_empty()))
}

/// Idle time that may be made up for.
pub const PACE_SAVED: Duration = Duration::from_millis(300);

/// Those that are held to its pace.
pub fn crew(run_id: i64) -> Result<Crew> {
    let crew = query_first(include_str!("../../sql/queries/crew.sql"), &[run_id.into()])?;
    Ok(crew.unwrap_or_default())
}

/// Moves the run's clock on by `seconds`; how long it is until then. A moment of idleness is saved up: what is
/// lost by waking late.
pub fn pace(run_id: i64, seconds: f64) -> Result<f64> {
    #[derive(Deserialize)]
    struct Row {
        wait: f64,
    }
    let row: Option<Row> = query_first(
        "UPDATE tributary.run SET paced_until = \
           greatest(paced_until, clock_timestamp() - make_interval(secs => $3)) + make_interval(secs => $2) \
         WHERE run_id = $1 \
         RETURNING greatest(0, extract(epoch FROM paced_until - clock_timestamp()))::float8 AS wait",
        &[
            run_id.into(),
            seconds.into(),
            PACE_SAVED.as_secs_f64().into(),
        ],
    )?;
    Ok(row.map_or(0.0, |row| row.wait))
}

/// The rate is another one.
pub fn reset_pace(run_id: i64) -> Result<()> {
    execute(
        "UPDATE tributary.run SET paced_until = clock_timestamp() WHERE run_id = $1",
        &[run_id.into()],
    )?;
    Ok(())
}

/// How many workers the run may have.
pub fn grant(run: &Run, workers: i64, stream: bool) -> Result<()> {
    if run.workers_granted == Some(workers) && run.stream_granted == Some(stream) {
        return Ok(());
    }
    execute(
        "UPDATE tributary.run SET workers_granted = $2::int, stream_granted = $3 WHERE run_id = $1",
        &[run.run_id.into(), workers.into(), stream.into()],
    )?;
    Ok(())
}

/// Moves the run to `status` unless it is there already or has ended; whether it moved.
pub fn set_status(run: &Run, status: RunStatus, message: Option<&str>) -> Result<bool> {
    let moved = execute(
        "UPDATE tributary.run SET status = $2, waiting_for = NULL, \
           finished_at = CASE WHEN $2 IN ('completed', 'failed', 'cancelled') THEN clock_timestamp() END \
         WHERE run_id = $1 AND status <> $2 AND status NOT IN ('completed', 'failed', 'cancelled') \
         RETURNING 1",
        &[run.run_id.into(), status.as_str().into()],
    )? > 0;
    if moved && status.ended() {
        sum_up(run)?;
    }
    if moved {
        event::record(run.subject(), status.as_str(), message)?;
    }
    Ok(moved)
}

/// A worker begins to list the units. False where the run is not waiting for that any more.
pub fn begin_expanding(run: &Run) -> Result<bool> {
    let moved = execute(
        "UPDATE tributary.run SET status = 'initializing', waiting_for = NULL, \
           started_at = coalesce(started_at, clock_timestamp()) \
         WHERE run_id = $1 AND status IN ('scheduled', 'initializing') AND NOT expanded",
        &[run.run_id.into()],
    )? > 0;
    if moved && run.status()? == RunStatus::Scheduled {
        event::record(run.subject(), RunStatus::Initializing.as_str(), None)?;
    }
    Ok(moved)
}

/// First in the transaction that lists the units. False where the run was stopped meanwhile.
pub fn set_expanded(run: &Run) -> Result<bool> {
    let moved = execute(
        "UPDATE tributary.run SET expanded = true, status = 'running', attempts = 0, \
           sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL \
         WHERE run_id = $1 AND status = 'initializing'",
        &[run.run_id.into()],
    )? > 0;
    if moved {
        event::record(run.subject(), RunStatus::Running.as_str(), None)?;
    }
    Ok(moved)
}

/// An attempt of the run as a whole failed: retried after `delay`, or the run has failed.
pub fn fail(run: &Run, error: &Error, delay: Option<Duration>) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.run SET attempts = attempts + 1, sqlstate = $2, error = $3, hint = $4, \
           status = CASE WHEN $5::float8 IS NULL THEN 'failed' ELSE status END, \
           finished_at = CASE WHEN $5::float8 IS NULL THEN clock_timestamp() END, \
           next_retry_at = clock_timestamp() + make_interval(secs => $5) \
         WHERE run_id = $1 AND status IN ('scheduled', 'initializing', 'running')",
        &[
            run.run_id.into(),
            error.sqlstate().into(),
            (&error.full_message()).into(),
            error.hint.as_deref().into(),
            delay.map(|delay| delay.as_secs_f64()).into(),
        ],
    )?;
    if changed == 0 {
        return Ok(());
    }
    if delay.is_none() {
        sum_up(run)?;
    }
    event::record_error(run.subject(), RunStatus::Failed.as_str(), error)
}

/// Keeps what the run has written: its units will be those of the next one.
fn sum_up(run: &Run) -> Result<()> {
    execute(
        "UPDATE tributary.run SET (rows_done, rows_rejected, bytes_done) = (SELECT \
           coalesce(sum(c.rows_done), 0)::bigint \
             + coalesce((SELECT s.rows FROM tributary.stream s WHERE s.run_id = run.run_id), 0), \
           coalesce(sum(c.rows_rejected), 0)::bigint, coalesce(sum(c.bytes_done), 0)::bigint \
           FROM tributary.unit u JOIN tributary.chunk c USING (unit_id) WHERE u.run_id = run.run_id) \
         WHERE run_id = $1",
        &[run.run_id.into()],
    )?;
    Ok(())
}

/// What the run waits for; `None` clears it. Writes only on a change; runs that take turns wait again and
/// again, which is told once an hour.
pub fn set_waiting_for(run: &Run, what: Option<&str>) -> Result<()> {
    if run.waiting_for.as_deref() == what {
        return Ok(());
    }
    execute(
        "UPDATE tributary.run SET waiting_for = $2 WHERE run_id = $1",
        &[run.run_id.into(), what.into()],
    )?;
    match what {
        Some(what) if !event::was_told(run.subject(), "waiting", what)? => {
            event::record(run.subject(), "waiting", Some(what))
        }
        _ => Ok(()),
    }
}

/// A run that is paused or has ended goes on. One that had ended runs the present definition.
pub fn reopen(run: &Run, status: RunStatus) -> Result<()> {
    execute(
        "UPDATE tributary.run SET status = $2, attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, \
           next_retry_at = NULL, finished_at = NULL, waiting_for = NULL, \
           rows_done = NULL, rows_rejected = NULL, bytes_done = NULL, \
           version = CASE WHEN finished_at IS NULL THEN version \
                          ELSE (SELECT j.version FROM tributary.job j WHERE j.job_id = run.job_id) END, \
           attempt = attempt + CASE WHEN finished_at IS NULL THEN 0 ELSE 1 END WHERE run_id = $1",
        &[run.run_id.into(), status.as_str().into()],
    )?;
    event::record(run.subject(), status.as_str(), None)
}

/// Pieces of work of the run that a worker could be doing, those being done included.
pub fn open_work(run_id: i64) -> Result<i64> {
    #[derive(Deserialize)]
    struct Row {
        pieces: i64,
    }
    let row: Option<Row> = query_first(
        include_str!("../../sql/queries/open_work.sql"),
        &[run_id.into()],
    )?;
    let steps = super::step::open_of_run(run_id)?.len();
    let steps = i64::try_from(steps).unwrap_or(i64::MAX);
    Ok(row.map_or(0, |row| row.pieces).saturating_add(steps))
}

/// Counts of the units of a run by what they still need.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Tally {
    pub units: i64,
    /// Not ended: pending, running, following the log, paused, or failed with a retry to come.
    pub open: i64,
    /// Failed for good.
    pub failed: i64,
}

pub fn tally(run_id: i64) -> Result<Tally> {
    let row: Option<Tally> = query_first(
        "SELECT count(*) AS units, \
           count(*) FILTER (WHERE status IN ('pending', 'running', 'catching_up', 'streaming', 'paused') \
                              OR status = 'failed' AND next_retry_at IS NOT NULL) AS open, \
           count(*) FILTER (WHERE status = 'failed' AND next_retry_at IS NULL) AS failed \
         FROM tributary.unit WHERE run_id = $1",
        &[run_id.into()],
    )?;
    row.ok_or_else(|| Error::new(Kind::Internal, "a count returned no row"))
}
