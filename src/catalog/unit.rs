//! `tributary.unit`: a table of a job, its plan, its state and its retry clock.

use serde::Deserialize;

use super::event::{self, Subject};
use super::{execute, query, query_first, to_json};
use crate::error::{Error, Kind, Result};
use crate::model::key::Key;
use crate::model::position::Position;
use crate::model::state::{LoadMethod, Phase, Priority, UnitStatus};
use crate::plan::drift::Told;
use crate::plan::table::TablePlan;

#[derive(Debug, Clone, Deserialize)]
pub struct Unit {
    pub unit_id: i64,
    pub job_id: i64,
    pub run_id: i64,
    pub unit: String,
    status: String,
    phase: Option<String>,
    /// Its rejects are to be written again.
    pub redrive: bool,
    /// The table that a run of the job created.
    pub created_oid: Option<i64>,
    method: Option<String>,
    pub target_schema: String,
    pub target_table: String,
    /// The staging table of a merge, in the target's schema.
    pub stage: Option<String>,
    /// OID of the table that rows are copied into.
    pub load_oid: Option<i64>,
    pub plan: Option<TablePlan>,
    /// Of the live table, while the unit is copied anew.
    pub before: Option<TablePlan>,
    /// Last key that chunks have been cut up to.
    pub frontier: Option<Key>,
    /// How often it was prepared.
    pub copies: i64,
    /// All chunks have been cut.
    pub planned: bool,
    /// The log is applied to it up to here; None in step with the stream.
    pub position: Option<Position>,
    /// End of the log after its last row was copied.
    pub catch_up_to: Option<Position>,
    /// What the log's statements have said of the table since the plan was made.
    pub told: Option<Told>,
    /// A load was completed once.
    pub loaded: bool,
    /// Rows of the target may be ours.
    pub touched: bool,
    pub attempts: u32,
    /// SQLSTATE of the last error.
    pub sqlstate: Option<String>,
    /// Rows committed in this run.
    pub rows_done: i64,
    /// Chunks that are not completed.
    pub open_chunks: i64,
    /// Steps of the phase that are not completed.
    pub open_steps: i64,
    /// Chunks in all.
    pub chunks: i64,
}

impl Unit {
    pub fn status(&self) -> Result<UnitStatus> {
        UnitStatus::parse(&self.status).ok_or_else(|| self.corrupt("status"))
    }

    /// None before the unit is prepared and after it is completed.
    pub fn phase(&self) -> Option<Phase> {
        self.phase.as_deref().and_then(Phase::parse)
    }

    pub fn method(&self) -> Result<LoadMethod> {
        self.method
            .as_deref()
            .and_then(LoadMethod::parse)
            .ok_or_else(|| self.corrupt("method"))
    }

    pub fn plan(&self) -> Result<&TablePlan> {
        self.plan.as_ref().ok_or_else(|| self.corrupt("plan"))
    }

    fn corrupt(&self, what: &str) -> Error {
        Error::new(
            Kind::Internal,
            format!("unit \"{}\" has no valid {what}", self.unit),
        )
    }

    pub fn subject(&self) -> Subject<'_> {
        Subject {
            job_id: self.job_id,
            run_id: self.run_id,
            unit: Some(&self.unit),
        }
    }
}

const COLUMNS: &str = "SELECT u.unit_id, u.job_id, u.run_id, u.unit, u.status, u.phase, u.redrive, u.created_oid::bigint AS created_oid, u.method, \
    u.target_schema::text AS target_schema, u.target_table, u.stage, \
    u.load_oid::bigint AS load_oid, u.plan, u.before, u.frontier, u.position, u.catch_up_to, u.told, u.copies, u.planned, u.loaded_at IS NOT NULL AS loaded, \
    u.touched, u.attempts, u.sqlstate, c.rows_done, c.open_chunks, c.chunks, \
    (SELECT count(*) FROM tributary.step s WHERE s.unit_id = u.unit_id AND s.status <> 'completed' \
       AND s.kind = CASE u.phase WHEN 'indexes' THEN 'index' ELSE 'foreign_key' END) AS open_steps \
    FROM tributary.unit u CROSS JOIN LATERAL ( \
      SELECT coalesce(sum(c.rows_done), 0)::bigint AS rows_done, count(*) AS chunks, count(*) FILTER (WHERE c.status <> 'completed') AS open_chunks \
      FROM tributary.chunk c WHERE c.unit_id = u.unit_id) c";

const BY_PRIORITY: &str = "CASE u.priority WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, \
                           u.bytes_estimated DESC NULLS LAST, u.unit_id";

pub fn get(unit_id: i64) -> Result<Option<Unit>> {
    query_first(
        &format!("{COLUMNS} WHERE u.unit_id = $1"),
        &[unit_id.into()],
    )
}

/// Those that a condition holds for.
pub(super) fn matching(condition: &str, args: &[crate::pg::spi::Arg<'_>]) -> Result<Vec<Unit>> {
    query(&format!("{COLUMNS} WHERE {condition}"), args)
}

pub fn find(job_id: i64, unit: &str) -> Result<Option<Unit>> {
    query_first(
        &format!("{COLUMNS} WHERE u.job_id = $1 AND u.unit = $2"),
        &[job_id.into(), unit.into()],
    )
}

/// Units of a run, biggest of the highest priority first.
pub fn of_run(run_id: i64) -> Result<Vec<Unit>> {
    query(
        &format!("{COLUMNS} WHERE u.run_id = $1 ORDER BY {BY_PRIORITY}"),
        &[run_id.into()],
    )
}

/// All units that the job has had.
pub fn ids_of_job(job_id: i64) -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Row {
        unit_id: i64,
    }
    let rows: Vec<Row> = query(
        "SELECT unit_id FROM tributary.unit WHERE job_id = $1",
        &[job_id.into()],
    )?;
    Ok(rows.into_iter().map(|row| row.unit_id).collect())
}

/// The target tables of a run's units.
pub fn target_tables(run_id: i64) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Row {
        target_table: String,
    }
    let rows: Vec<Row> = query(
        "SELECT target_table FROM tributary.unit WHERE run_id = $1",
        &[run_id.into()],
    )?;
    Ok(rows.into_iter().map(|row| row.target_table).collect())
}

/// Units of a run that need preparing, cutting or finishing.
pub fn needing_a_step(run_id: i64) -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Row {
        unit_id: i64,
    }
    let rows: Vec<Row> = query(
        include_str!("../../sql/queries/needing_a_step.sql"),
        &[run_id.into()],
    )?;
    Ok(rows.into_iter().map(|row| row.unit_id).collect())
}

/// A unit as a run lists it.
#[derive(Debug)]
pub struct Listed<'a> {
    pub unit: &'a str,
    pub target_schema: &'a str,
    pub target_table: &'a str,
    pub priority: &'a str,
    pub rows_estimated: Option<u64>,
    pub bytes_estimated: Option<u64>,
}

fn bigint(value: Option<u64>) -> Option<i64> {
    value.map(|value| i64::try_from(value).unwrap_or(i64::MAX))
}

/// Takes the unit into the run, from the start; what is known of its target stays.
pub fn enlist(job_id: i64, run_id: i64, listed: &Listed<'_>) -> Result<()> {
    execute(
        include_str!("../../sql/queries/unit_enlist.sql"),
        &[
            job_id.into(),
            run_id.into(),
            listed.unit.into(),
            listed.target_schema.into(),
            listed.target_table.into(),
            listed.priority.into(),
            bigint(listed.rows_estimated).into(),
            bigint(listed.bytes_estimated).into(),
        ],
    )?;
    match find(job_id, listed.unit)? {
        Some(unit) => super::chunk::forget(unit.unit_id),
        None => Ok(()),
    }
}

/// Units of earlier runs that the run did not list: no longer part of the job.
pub fn retire_others(job_id: i64, run_id: i64) -> Result<()> {
    execute(
        "UPDATE tributary.unit SET status = 'cancelled', error = 'the job does not list this table any more', \
           hint = NULL, next_retry_at = NULL, updated_at = clock_timestamp() \
         WHERE job_id = $1 AND run_id <> $2 AND status <> 'cancelled'",
        &[job_id.into(), run_id.into()],
    )?;
    Ok(())
}

/// What preparing a unit decided.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub plan: &'a TablePlan,
    /// Where the rows are to be in the end.
    pub target_schema: &'a str,
    pub method: LoadMethod,
    pub stage: Option<&'a str>,
    pub load_oid: i64,
    /// The target, where a run of the job created it.
    pub created_oid: Option<i64>,
    /// One chunk holds all rows.
    pub one_chunk: bool,
    /// Where the log stood before the first row was read; None where it is not followed.
    pub position: Option<&'a Position>,
}

/// First in the transaction that prepares a unit: it is still this run's to prepare, and no batch of
/// an earlier attempt commits any more.
pub fn begin_preparing(unit: &Unit) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'pending'",
        &[unit.unit_id.into(), unit.run_id.into()],
    )?;
    if changed == 0 {
        return Err(taken_away(&unit.unit));
    }
    super::chunk::forget(unit.unit_id)?;
    Ok(())
}

/// `pending` → `running`, with a plan and, for a unit of one chunk, that chunk.
pub fn set_prepared(unit: &Unit, prepared: &Prepared<'_>) -> Result<()> {
    let position = prepared.position.map(to_json).transpose()?;
    let changed = execute(
        "UPDATE tributary.unit SET status = 'running', phase = 'rows', copies = copies + 1, plan = $2::jsonb, method = $3, stage = $4, \
           created_oid = $12::oid, \
           load_oid = $5::oid, planned = $6, frontier = NULL, position = $13::jsonb, catch_up_to = NULL, told = NULL, touched = true, \
           loaded_at = CASE WHEN (target_schema, target_table) = ($7::name, $8) THEN loaded_at END, \
           target_schema = $7::name, target_table = $8, \
           rows_estimated = coalesce($9, rows_estimated), bytes_estimated = coalesce($10, bytes_estimated), \
           started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND status = 'pending' AND run_id = $11",
        &[
            unit.unit_id.into(),
            (&to_json(prepared.plan)?).into(),
            prepared.method.as_str().into(),
            prepared.stage.into(),
            prepared.load_oid.into(),
            prepared.one_chunk.into(),
            prepared.target_schema.into(),
            (&prepared.plan.target_table).into(),
            bigint(prepared.plan.rows_estimated).into(),
            bigint(prepared.plan.bytes_estimated).into(),
            unit.run_id.into(),
            prepared.created_oid.into(),
            position.as_deref().into(),
        ],
    )?;
    if changed == 0 {
        return Err(taken_away(&unit.unit));
    }
    if prepared.one_chunk {
        super::chunk::insert(unit.unit_id, 1, None, None)?;
    }
    event::record(
        unit.subject(),
        UnitStatus::Running.as_str(),
        Some(prepared.method.as_str()),
    )
}

/// The unit's chunks reach up to `frontier`; `None` with `planned`: to the end.
pub fn set_frontier(unit: &Unit, frontier: Option<&Key>, planned: bool) -> Result<()> {
    let frontier = frontier.map(to_json).transpose()?;
    let changed = execute(
        "UPDATE tributary.unit SET frontier = coalesce($2::jsonb, frontier), planned = $3 \
         WHERE unit_id = $1 AND run_id = $4 AND status = 'running' AND NOT planned",
        &[
            unit.unit_id.into(),
            frontier.as_deref().into(),
            planned.into(),
            unit.run_id.into(),
        ],
    )?;
    match changed {
        0 => Err(taken_away(&unit.unit)),
        _ => Ok(()),
    }
}

/// All rows are in the target, whose OID this is; its staging table is gone. Where the log is followed
/// it stood at `log_end` after the last row was read.
pub fn set_loaded(unit: &Unit, target_oid: i64, log_end: Option<&Position>) -> Result<()> {
    let log_end = log_end.map(to_json).transpose()?;
    let changed = execute(
        "UPDATE tributary.unit SET phase = CASE WHEN $4::jsonb IS NULL THEN 'indexes' ELSE 'catch_up' END, \
           status = CASE WHEN $4::jsonb IS NULL THEN status ELSE 'catching_up' END, \
           catch_up_to = $4::jsonb, loaded_at = clock_timestamp(), \
           updated_at = clock_timestamp(), stage = NULL, load_oid = $3::oid, \
           attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'running' AND phase = 'rows'",
        &[
            unit.unit_id.into(),
            unit.run_id.into(),
            target_oid.into(),
            log_end.as_deref().into(),
        ],
    )?;
    match changed {
        0 => Err(taken_away(&unit.unit)),
        _ if log_end.is_some() => {
            event::record(unit.subject(), UnitStatus::CatchingUp.as_str(), None)
        }
        _ => Ok(()),
    }
}

/// The merge was refused for one of its rows: the unit is loaded anew, by replacing.
pub fn begin_replacing(unit: &Unit, target_oid: i64, why: &str) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET method = 'replace', stage = NULL, load_oid = $3::oid, planned = true, \
           frontier = NULL, updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'running' AND phase = 'rows'",
        &[unit.unit_id.into(), unit.run_id.into(), target_oid.into()],
    )?;
    if changed == 0 {
        return Err(taken_away(&unit.unit));
    }
    super::chunk::forget(unit.unit_id)?;
    super::chunk::insert(unit.unit_id, 1, None, None)?;
    event::record(unit.subject(), UnitStatus::Running.as_str(), Some(why))
}

/// All indexes are there.
pub fn set_indexed(unit: &Unit) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET phase = 'foreign_keys', updated_at = clock_timestamp() \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'running' AND phase = 'indexes'",
        &[unit.unit_id.into(), unit.run_id.into()],
    )?;
    match changed {
        0 => Err(taken_away(&unit.unit)),
        _ => Ok(()),
    }
}

pub fn set_completed(unit: &Unit) -> Result<()> {
    let changed = execute(
        "UPDATE tributary.unit SET status = 'completed', phase = NULL, \
           finished_at = clock_timestamp(), updated_at = clock_timestamp(), \
           attempts = 0, sqlstate = NULL, error = NULL, hint = NULL, next_retry_at = NULL \
         WHERE unit_id = $1 AND run_id = $2 AND status = 'running' AND NOT redrive \
           AND NOT EXISTS (SELECT FROM tributary.step s WHERE s.unit_id = unit.unit_id AND s.status <> 'completed')",
        &[unit.unit_id.into(), unit.run_id.into()],
    )?;
    if changed == 0 {
        return Err(taken_away(&unit.unit));
    }
    event::record(unit.subject(), UnitStatus::Completed.as_str(), None)
}

/// Somebody paused, cancelled or failed the unit while a worker was at it: the worker lets go.
pub fn taken_away(unit: &str) -> Error {
    Error::new(
        Kind::Cancelled,
        format!("unit \"{unit}\" was stopped while a worker was at it"),
    )
}

/// The priority of a unit counts from now on.
pub fn set_priority(job_id: i64, unit: &str, priority: Priority) -> Result<()> {
    execute(
        "UPDATE tributary.unit SET priority = $3 WHERE job_id = $1 AND unit = $2",
        &[job_id.into(), unit.into(), priority.as_str().into()],
    )?;
    Ok(())
}

/// A unit that stands still, or each, is planned anew when it goes on, and copied from the start.
pub fn forget_plan(job_id: i64, unit: Option<&str>) -> Result<()> {
    execute(
        "UPDATE tributary.unit SET plan = NULL, phase = NULL, redrive = false, position = NULL, catch_up_to = NULL \
         WHERE job_id = $1 AND ($2::text IS NULL OR unit = $2) \
         AND status IN ('failed', 'paused', 'cancelled')",
        &[job_id.into(), unit.into()],
    )?;
    Ok(())
}

/// A staging table that a unit may have left.
#[derive(Debug, Clone, Deserialize)]
pub struct Stage {
    pub target_schema: String,
    pub stage: String,
}

pub fn stages(job_id: i64) -> Result<Vec<Stage>> {
    query(
        "SELECT target_schema::text AS target_schema, stage FROM tributary.unit \
         WHERE job_id = $1 AND stage IS NOT NULL",
        &[job_id.into()],
    )
}
