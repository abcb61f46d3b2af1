//! `tributary.step`: indexes and foreign keys that are made after a unit's rows.

use serde::Deserialize;

use super::{execute, query, query_first};
use crate::error::Result;
use crate::plan::table::TablePlan;

#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    pub step_id: i64,
    pub unit_id: i64,
    kind: String,
    /// Position in the unit's plan, from 0.
    pub number: usize,
    pub name: String,
    /// The source table that a foreign key refers to.
    pub referenced_unit: Option<String>,
}

impl Step {
    pub fn is_index(&self) -> bool {
        self.kind == "index"
    }
}

/// The unit's table is not one that a run of the job created.
pub fn forget(unit_id: i64) -> Result<()> {
    execute(
        "DELETE FROM tributary.step WHERE unit_id = $1",
        &[unit_id.into()],
    )?;
    Ok(())
}

/// Writes down what the plan has to be done after the rows. Foreign keys to tables that are no units
/// of the run are left out.
pub fn write(unit_id: i64, run_id: i64, plan: &TablePlan) -> Result<()> {
    forget(unit_id)?;
    for (number, index) in plan.indexes.iter().enumerate() {
        execute(
            "INSERT INTO tributary.step (unit_id, kind, number, name) VALUES ($1, 'index', $2::int, $3)",
            &[unit_id.into(), number_of(number), (&index.name).into()],
        )?;
    }
    for (number, key) in plan.foreign_keys.iter().enumerate() {
        execute(
            "INSERT INTO tributary.step (unit_id, kind, number, name, referenced_unit) \
             SELECT $1, 'foreign_key', $2::int, $3, r.unit \
             FROM tributary.unit u JOIN tributary.unit r ON r.job_id = u.job_id \
             WHERE u.unit_id = $1 AND r.run_id = $4 AND r.unit = $5 AND $6 = $7",
            &[
                unit_id.into(),
                number_of(number),
                (&key.name).into(),
                run_id.into(),
                (&key.referenced_table).into(),
                (&key.referenced_schema).into(),
                (&plan.source_schema).into(),
            ],
        )?;
    }
    Ok(())
}

fn number_of(number: usize) -> crate::pg::spi::Arg<'static> {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// Steps of a run whose turn it is: an index when its unit's rows are there, a foreign key when both
/// tables have their rows and indexes, or the referenced one will not get them by itself.
pub fn open_of_run(run_id: i64) -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Row {
        step_id: i64,
    }
    let rows: Vec<Row> = query(
        include_str!("../../sql/queries/open_steps.sql"),
        &[run_id.into()],
    )?;
    Ok(rows.into_iter().map(|row| row.step_id).collect())
}

/// Marks the step as this process's, whose lock on it is held; `None` where it is not open.
pub fn claim(step_id: i64, pid: i64) -> Result<Option<Step>> {
    query_first(
        "UPDATE tributary.step s SET worker_pid = $2::int, started_at = clock_timestamp() \
         FROM tributary.unit u \
         WHERE s.step_id = $1 AND s.status = 'pending' AND u.unit_id = s.unit_id AND u.status = 'running' \
         RETURNING s.step_id, s.unit_id, s.kind, s.number, s.name, s.referenced_unit",
        &[step_id.into(), pid.into()],
    )
}

/// In the transaction that made the index or foreign key. False where the step was taken from this
/// process: then it must not commit.
pub fn set_completed(step_id: i64, pid: i64) -> Result<bool> {
    let changed = execute(
        "UPDATE tributary.step SET status = 'completed', finished_at = clock_timestamp() \
         WHERE step_id = $1 AND worker_pid = $2 AND status = 'pending' \
           AND EXISTS (SELECT FROM tributary.unit u \
                       WHERE u.unit_id = step.unit_id AND u.status IN ('running', 'failed'))",
        &[step_id.into(), pid.into()],
    )?;
    Ok(changed == 1)
}

/// A foreign key of the job that stands in the way of replacing a table's rows.
#[derive(Debug, Clone, Deserialize)]
pub struct ForeignKey {
    pub step_id: i64,
    pub name: String,
    pub target_schema: String,
    pub target_table: String,
    /// The table that a run of the job created.
    pub created_oid: Option<i64>,
    /// The latest run has that table.
    pub listed: bool,
}

/// The foreign keys from and to a unit that runs of the job have made.
pub fn foreign_keys_of(unit_id: i64) -> Result<Vec<ForeignKey>> {
    query(
        "SELECT s.step_id, s.name, c.target_schema::text AS target_schema, c.target_table, \
           c.created_oid::bigint AS created_oid, u.run_id = c.run_id AS listed \
         FROM tributary.step s JOIN tributary.unit c USING (unit_id) \
         JOIN tributary.unit u ON u.unit_id = $1 AND u.job_id = c.job_id \
         WHERE s.kind = 'foreign_key' AND s.status = 'completed' \
           AND (c.unit_id = u.unit_id OR s.referenced_unit = u.unit)",
        &[unit_id.into()],
    )
}

/// The foreign key was dropped and is to be made again; a unit that was complete goes on for that.
pub fn reopen(step_id: i64) -> Result<()> {
    execute(
        "UPDATE tributary.step SET status = 'pending', finished_at = NULL WHERE step_id = $1",
        &[step_id.into()],
    )?;
    execute(
        "UPDATE tributary.unit u SET status = 'running', phase = 'foreign_keys', finished_at = NULL, \
           updated_at = clock_timestamp() \
         FROM tributary.step s \
         WHERE s.step_id = $1 AND u.unit_id = s.unit_id AND u.status = 'completed'",
        &[step_id.into()],
    )?;
    Ok(())
}
