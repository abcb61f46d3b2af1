//! `tributary.schedule`: which entry of pg_cron starts a job.

use serde::Deserialize;

use super::{execute, query_first};
use crate::error::Result;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobSchedule {
    pub job_id: i64,
    pub schedule: String,
    /// The entry's number in `cron.job`.
    pub cron_job_id: i64,
    /// Role that the entry belongs to.
    pub created_by: String,
}

const COLUMNS: &str = "SELECT job_id, schedule, cron_job_id, created_by::text AS created_by \
                       FROM tributary.schedule";

pub fn get(job_id: i64) -> Result<Option<JobSchedule>> {
    query_first(&format!("{COLUMNS} WHERE job_id = $1"), &[job_id.into()])
}

/// Makes or replaces the job's schedule.
pub fn set(schedule: &JobSchedule) -> Result<()> {
    execute(
        "INSERT INTO tributary.schedule (job_id, schedule, cron_job_id, created_by) VALUES ($1, $2, $3, $4::name) \
         ON CONFLICT (job_id) DO UPDATE SET schedule = excluded.schedule, cron_job_id = excluded.cron_job_id, \
           created_by = excluded.created_by, created_at = excluded.created_at",
        &[
            schedule.job_id.into(),
            (&schedule.schedule).into(),
            schedule.cron_job_id.into(),
            (&schedule.created_by).into(),
        ],
    )?;
    Ok(())
}

/// Whether there was one.
pub fn delete(job_id: i64) -> Result<bool> {
    let deleted = execute(
        "DELETE FROM tributary.schedule WHERE job_id = $1",
        &[job_id.into()],
    )?;
    Ok(deleted > 0)
}
