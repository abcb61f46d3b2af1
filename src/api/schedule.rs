//! Schedules: pg_cron starts the jobs, this keeps its entries and says when they are due.

use std::time::UNIX_EPOCH;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{given, own_job};
use crate::catalog::job::{self, Job};
use crate::catalog::schedule::{self, JobSchedule};
use crate::error::{Error, Kind, Result};
use crate::pg::catalog_owner::schema_of;
use crate::pg::cron::{self, Entry, Removal};
use crate::pg::{report, role};
use crate::plan::cron::{Schedule, utc};
use crate::plan::identifier::{literal, qualified};

/// PostgreSQL counts from 2000, the rest of the world from 1970.
const EPOCH: i64 = 946_684_800;
const MICROSECONDS: i64 = 1_000_000;

#[pg_extern]
fn sync_schedule(job: Option<&str>, schedule: Option<&str>) -> Result<i64, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    Ok(set(&job, given("schedule", schedule)?)?)
}

#[pg_extern]
fn sync_unschedule(job: Option<&str>) -> Result<bool, ErrorReport> {
    Ok(unset(&own_job(given("job", job)?)?)?)
}

#[pg_extern(immutable, parallel_safe)]
fn sync_next_run(
    schedule: &str,
    after: default!(TimestampWithTimeZone, "now()"),
) -> Result<Option<TimestampWithTimeZone>, ErrorReport> {
    let after = after.into_inner().div_euclid(MICROSECONDS) + EPOCH;
    let next = Schedule::parse(schedule)?.next_after(after);
    Ok(next.and_then(timestamp))
}

/// `None` where PostgreSQL's time has ended before.
fn timestamp(time: i64) -> Option<TimestampWithTimeZone> {
    let microseconds = (time - EPOCH).checked_mul(MICROSECONDS)?;
    TimestampWithTimeZone::try_from(microseconds).ok()
}

fn set(job: &Job, text: &str) -> Result<i64> {
    let due = Schedule::parse(text)?;
    // Two at once would leave an entry that nobody knows of.
    let job = job::lock(job.job_id)?;
    remove(&job)?;
    let cron_job_id = cron::schedule(&Entry {
        name: &cron::entry_name(&job.job, job.job_id),
        schedule: due.for_pg_cron(),
        command: &command(&job, ", 'cron'")?,
        // There the trigger is seen from who calls: no schedule of this database stands behind it.
        command_elsewhere: &command(&job, "")?,
    })?;
    schedule::set(&JobSchedule {
        job_id: job.job_id,
        schedule: text.trim().to_owned(),
        cron_job_id,
        created_by: role::name(role::current()),
    })?;
    tell(&job, &due);
    Ok(cron_job_id)
}

/// Starts and does not wait, so that pg_cron, which runs an entry once at a time, comes to the next
/// time while a run is still under way.
fn command(job: &Job, trigger: &str) -> Result<String> {
    let schema = schema_of("pg_tributary")?.ok_or_else(|| {
        Error::new(
            Kind::ObjectMissing,
            "extension \"pg_tributary\" is not installed in this database",
        )
    })?;
    let start = qualified(&schema, "sync_start");
    Ok(format!("SELECT {start}({}{trigger})", literal(&job.job)))
}

fn tell(job: &Job, due: &Schedule) {
    let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
    let next = due.next_after(i64::try_from(now).unwrap_or(0));
    let next = next.map_or("never".into(), utc);
    report::notice(&format!("pg_cron starts job \"{}\"; next: {next}", job.job));
    if job.streams() {
        report::notice("the job is a stream: while it runs, a start only looks for new tables");
    }
    if !job.enabled {
        report::notice(&format!(
            "the job is disabled: it is not started before SELECT sync_enable_job({});",
            literal(&job.job)
        ));
    }
}

fn unset(job: &Job) -> Result<bool> {
    let job = job::lock(job.job_id)?;
    let removal = remove(&job)?;
    match removal {
        None => report::notice(&format!("job \"{}\" has no schedule", job.job)),
        Some(Removal::Gone) => report::notice("pg_cron's entry was gone already"),
        Some(Removal::Removed | Removal::Refused) => {}
    }
    Ok(removal.is_some())
}

/// Removes the job's entry and its schedule; `None` where it has none.
fn remove(job: &Job) -> Result<Option<Removal>> {
    let Some(entry) = schedule::get(job.job_id)? else {
        return Ok(None);
    };
    let name = cron::entry_name(&job.job, job.job_id);
    let removal = cron::unschedule(entry.cron_job_id, &name, &entry.created_by)?;
    if removal == Removal::Refused {
        return Err(Error::new(
            Kind::PrivilegeMissing,
            format!(
                "the schedule of job \"{}\" belongs to role \"{}\"",
                job.job, entry.created_by
            ),
        )
        .with_hint(format!(
            "as that role or a superuser: SELECT sync_unschedule({});",
            literal(&job.job)
        )));
    }
    schedule::delete(job.job_id)?;
    Ok(Some(removal))
}

/// The job goes, and its entry with it. Another role's entry does not keep it.
pub(super) fn drop_schedule(job: &Job) -> Result<()> {
    let Some(entry) = schedule::get(job.job_id)? else {
        return Ok(());
    };
    let name = cron::entry_name(&job.job, job.job_id);
    if cron::unschedule(entry.cron_job_id, &name, &entry.created_by)? == Removal::Refused {
        report::warning(
            &format!(
                "entry {} of pg_cron, which starts job \"{}\", stays: it belongs to role \"{}\"",
                entry.cron_job_id, job.job, entry.created_by
            ),
            &format!(
                "as that role or a superuser: SELECT cron.unschedule({});",
                entry.cron_job_id
            ),
        );
    }
    schedule::delete(job.job_id)?;
    Ok(())
}
