//! `tributary.checkpoint`: all cursors of a job at one moment, to go back to.

use serde::Deserialize;

use super::unit::Unit;
use super::{execute, query, query_first};
use crate::error::{Error, Kind, Result};
use crate::model::position::Position;
use crate::pg::role;

/// Removed at once.
const AT_ONCE: i64 = 1_000;

#[derive(Debug, Deserialize)]
pub struct Checkpoint {
    pub checkpoint_id: i64,
    pub position: Option<Position>,
}

/// A unit as it stood.
#[derive(Debug, Deserialize)]
pub struct CheckpointUnit {
    pub unit: String,
    /// A position, where it followed the log.
    pub position: Option<Position>,
    /// Its table has had the shape that it has now.
    pub same_plan: bool,
}

/// Keeps the cursors as they are; the checkpoint's number. The stream is read before its units: where it
/// moves in between, its position is the earlier one, from which more is read again than needed.
pub fn take(job_id: i64, run_id: i64, savepoint: Option<&str>) -> Result<i64> {
    #[derive(Deserialize)]
    struct Row {
        checkpoint_id: i64,
    }
    let row: Option<Row> = query_first(
        "INSERT INTO tributary.checkpoint (job_id, run_id, savepoint, position, rows_done, created_by) \
         SELECT $1, $2, $3, s.position, coalesce(c.rows_done, 0) + coalesce(s.rows, 0), $4::name \
         FROM (SELECT sum(c.rows_done)::bigint AS rows_done FROM tributary.unit u JOIN tributary.chunk c USING (unit_id) \
               WHERE u.run_id = $2) c \
         LEFT JOIN tributary.stream s ON s.job_id = $1 AND s.run_id = $2 \
         RETURNING checkpoint_id",
        &[
            job_id.into(),
            run_id.into(),
            savepoint.into(),
            (&role::name(role::current())).into(),
        ],
    )?;
    let row = row.ok_or_else(|| Error::new(Kind::Internal, "a checkpoint returned no row"))?;
    execute(
        include_str!("../../sql/queries/checkpoint_units.sql"),
        &[row.checkpoint_id.into(), run_id.into()],
    )?;
    Ok(row.checkpoint_id)
}

/// Is it time for the next one: so many seconds, or so many rows since the last?
pub fn is_due(job_id: i64, run_id: i64, seconds: f64, rows: Option<i64>) -> Result<bool> {
    #[derive(Deserialize)]
    struct Row {
        due: bool,
    }
    let row: Option<Row> = query_first(
        "SELECT coalesce(l.at < clock_timestamp() - make_interval(secs => $3), true) \
             OR CASE WHEN $4::bigint IS NOT NULL THEN (SELECT coalesce(sum(c.rows_done), 0) FROM tributary.unit u \
                  JOIN tributary.chunk c USING (unit_id) WHERE u.run_id = $2) \
                + coalesce((SELECT s.rows FROM tributary.stream s WHERE s.run_id = $2), 0) - l.rows_done >= $4 \
                ELSE false END AS due \
         FROM (SELECT) one \
         LEFT JOIN LATERAL (SELECT at, rows_done FROM tributary.checkpoint \
               WHERE job_id = $1 AND run_id = $2 ORDER BY checkpoint_id DESC LIMIT 1) l ON true",
        &[job_id.into(), run_id.into(), seconds.into(), rows.into()],
    )?;
    Ok(row.is_some_and(|row| row.due))
}

pub fn find(
    job_id: i64,
    savepoint: Option<&str>,
    checkpoint_id: Option<i64>,
) -> Result<Option<Checkpoint>> {
    query_first(
        "SELECT checkpoint_id, position FROM tributary.checkpoint \
         WHERE job_id = $1 AND ($2::text IS NULL OR savepoint = $2) AND ($3::bigint IS NULL OR checkpoint_id = $3) \
         ORDER BY checkpoint_id DESC LIMIT 1",
        &[job_id.into(), savepoint.into(), checkpoint_id.into()],
    )
}

pub fn units(checkpoint_id: i64, run_id: i64) -> Result<Vec<CheckpointUnit>> {
    query(
        "SELECT c.unit, CASE WHEN c.cursor ? 'server' THEN c.cursor END AS position, \
           coalesce(c.plan_hash = pg_catalog.md5(u.plan::text), false) AS same_plan \
         FROM tributary.checkpoint_unit c \
         JOIN tributary.unit u ON u.unit = c.unit AND u.run_id = $2 \
         WHERE c.checkpoint_id = $1 ORDER BY u.unit_id",
        &[checkpoint_id.into(), run_id.into()],
    )
}

/// Where a unit stood at a checkpoint.
#[derive(Debug, Deserialize)]
pub struct UnitThen {
    pub position: Position,
    /// Its table has had the shape that it has now.
    pub same_plan: bool,
}

/// Where a unit of a stream stood at the checkpoints of its run.
pub fn of_unit(unit: &Unit) -> Result<Vec<UnitThen>> {
    query(
        "SELECT DISTINCT c.cursor AS position, coalesce(c.plan_hash = pg_catalog.md5(u.plan::text), false) AS same_plan \
         FROM tributary.checkpoint_unit c \
         JOIN tributary.checkpoint p USING (checkpoint_id) \
         JOIN tributary.unit u ON u.unit_id = $1 AND u.unit = c.unit AND u.job_id = p.job_id AND u.run_id = p.run_id \
         WHERE c.cursor ? 'server'",
        &[unit.unit_id.into()],
    )
}

/// Whether there was one.
pub fn drop_savepoint(job_id: i64, savepoint: &str) -> Result<bool> {
    let dropped = execute(
        "DELETE FROM tributary.checkpoint WHERE job_id = $1 AND savepoint = $2",
        &[job_id.into(), savepoint.into()],
    )?;
    Ok(dropped > 0)
}

/// Forgets what nobody has given a name and what is older than `seconds`, but for the latest ones.
pub fn prune(job_id: i64, seconds: f64, kept: u64) -> Result<u64> {
    let kept = i64::try_from(kept).unwrap_or(i64::MAX);
    execute(
        "DELETE FROM tributary.checkpoint WHERE checkpoint_id IN ( \
           SELECT checkpoint_id FROM tributary.checkpoint \
           WHERE job_id = $1 AND savepoint IS NULL AND at < clock_timestamp() - make_interval(secs => $2) \
             AND checkpoint_id NOT IN (SELECT checkpoint_id FROM tributary.checkpoint \
               WHERE job_id = $1 AND savepoint IS NULL ORDER BY checkpoint_id DESC LIMIT $3) \
           LIMIT $4)",
        &[job_id.into(), seconds.into(), kept.into(), AT_ONCE.into()],
    )
}
