//! `tributary.dependency`: which jobs a job waits for.

use serde::Deserialize;

use super::{execute, query, query_first};
use crate::error::{Error, Kind, Result};

#[derive(Deserialize)]
struct Row {
    job_id: i64,
}

/// The job waits for these, and no others, from now on. One that it has waited for stays as it is.
pub fn set(job_id: i64, job: &str, on: &[i64]) -> Result<()> {
    let ids = super::to_json(&on)?;
    execute(
        "DELETE FROM tributary.dependency WHERE job_id = $1 \
           AND NOT $2::jsonb @> pg_catalog.to_jsonb(on_job_id)",
        &[job_id.into(), (&ids).into()],
    )?;
    for on_job_id in on {
        // Two sessions may not close a circle together.
        execute(
            "SELECT 1 FROM tributary.job WHERE job_id = $1 FOR NO KEY UPDATE",
            &[(*on_job_id).into()],
        )?;
        if reaches(*on_job_id, job_id)? {
            return Err(Error::new(
                Kind::InvalidParameter,
                format!("job \"{job}\" would wait for itself"),
            )
            .with_hint("SELECT job, depends_on FROM sync_jobs;"));
        }
        execute(
            "INSERT INTO tributary.dependency (job_id, on_job_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[job_id.into(), (*on_job_id).into()],
        )?;
    }
    Ok(())
}

/// Does `from` wait for `to`, by however many others?
fn reaches(from: i64, to: i64) -> Result<bool> {
    let found: Option<Row> = query_first(
        "SELECT w.job_id FROM ( \
           WITH RECURSIVE waits AS ( \
             SELECT $1::bigint AS job_id \
             UNION SELECT d.on_job_id FROM waits JOIN tributary.dependency d USING (job_id)) \
           SELECT job_id FROM waits) w WHERE w.job_id = $2",
        &[from.into(), to.into()],
    )?;
    Ok(found.is_some())
}

/// A job that waits for another one.
#[derive(Debug, Deserialize)]
pub struct Dependent {
    pub job_id: i64,
    pub job: String,
}

/// Those that wait for the job, locked: their definitions are about to change.
pub fn lock_dependents(on_job_id: i64) -> Result<Vec<Dependent>> {
    execute(
        "SELECT 1 FROM tributary.dependency d JOIN tributary.job j USING (job_id) \
         WHERE d.on_job_id = $1 ORDER BY j.job_id FOR NO KEY UPDATE OF j",
        &[on_job_id.into()],
    )?;
    query(
        "SELECT j.job_id, j.job FROM tributary.dependency d JOIN tributary.job j USING (job_id) \
         WHERE d.on_job_id = $1 ORDER BY j.job_id",
        &[on_job_id.into()],
    )
}

/// Jobs that are to be started because those they wait for have completed.
pub fn due() -> Result<Vec<i64>> {
    let rows: Vec<Row> = query(include_str!("../../sql/queries/due_dependents.sql"), &[])?;
    Ok(rows.into_iter().map(|row| row.job_id).collect())
}
