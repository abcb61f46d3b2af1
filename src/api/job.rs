//! Defining jobs.

use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::Value;

use super::{given, names, own_job};
use crate::catalog::job::{self, Job, NewJob};
use crate::catalog::{dependency, run, stream, unit, version};
use crate::engine::processes::wake_supervisor_at_commit;
use crate::engine::throttle;
use crate::error::{Error, Kind, Result};
use crate::model::options::{JobOptions, merge_options};
use crate::model::state::{JobMode, Priority};
use crate::model::unit_options::UnitOptions;
use crate::pg::{report, role, server, worker};
use crate::plan::identifier::literal;
use crate::plan::units::validate_patterns;
use crate::sink::{stage, swap};

#[pg_extern]
fn sync_create_job(
    job: Option<&str>,
    source: Option<&str>,
    units: default!(Option<Vec<Option<String>>>, "'{*}'"),
    target_schema: default!(Option<&str>, "NULL"),
    mode: default!(Option<&str>, "'full'"),
    options: default!(Option<JsonB>, "'{}'"),
) -> Result<i64, ErrorReport> {
    let (job, source, mode) = (
        given("job", job)?,
        given("source", source)?,
        given("mode", mode)?,
    );
    let (units, options) = (names("units", units)?, given("options", options)?);
    let new = NewJob {
        job,
        owner: role::current(),
        source,
        units: &units,
        target_schema: target_schema.unwrap_or(job),
        mode: parse_mode(mode)?,
        options: &options.0,
    };
    let job_id = create(&new)?;
    version::record(job_id, "sync_create_job")?;
    Ok(job_id)
}

fn parse_mode(mode: &str) -> Result<JobMode> {
    JobMode::parse(mode).ok_or_else(|| {
        Error::new(
            Kind::InvalidParameter,
            format!("mode \"{mode}\" is not known"),
        )
        .with_hint("allowed modes: full, stream")
    })
}

pub(super) fn check(new: &NewJob<'_>) -> Result<()> {
    if new.job.is_empty() {
        return Err(Error::new(Kind::InvalidParameter, "a job needs a name"));
    }
    crate::model::name::check_name("target schema", new.target_schema)?;
    validate_patterns(new.units)?;
    worker::require_utf8_database()?;
    role::require_login(new.owner)?;
    server::options_for(new.source, new.owner)?;
    throttle::check(&JobOptions::parse(new.options)?.run.pace, new.owner)
}

pub(super) fn create(new: &NewJob<'_>) -> Result<i64> {
    check(new)?;
    let job_id = job::insert(new)?.ok_or_else(|| {
        let name = literal(new.job);
        Error::new(Kind::ObjectExists, format!("job \"{}\" already exists", new.job)).with_hint(
            format!("SELECT sync_alter_job({name}, '…'); changes it, SELECT sync_drop_job({name}); removes it"),
        )
    })?;
    Ok(job_id)
}

#[pg_extern]
fn sync_alter_job(job: Option<&str>, options: Option<JsonB>) -> Result<(), ErrorReport> {
    let found = job::lock(own_job(given("job", job)?)?.job_id)?;
    let options = given("options", options)?;
    version::record_first(found.job_id)?;
    set_options(&found, &merge_options(&found.options, &options.0))?;
    version::record(found.job_id, "sync_alter_job")?;
    Ok(())
}

/// The job's options as a whole.
pub(super) fn set_options(job: &Job, options: &Value) -> Result<()> {
    let parsed = JobOptions::parse(options)?;
    throttle::check(&parsed.run.pace, job.owner())?;
    job::set_options(job.job_id, options)?;
    // The stream worker restarts with the new options.
    stream::fence(job.job_id)?;
    if parsed.values.casts != job.options()?.values.casts {
        unit::forget_plan(job.job_id, None)?;
    }
    wake_supervisor_at_commit();
    Ok(())
}

#[pg_extern]
fn sync_alter_unit(
    job: Option<&str>,
    unit: Option<&str>,
    options: Option<JsonB>,
) -> Result<(), ErrorReport> {
    let found = job::lock(own_job(given("job", job)?)?.job_id)?;
    let (unit, options) = (given("unit", unit)?, given("options", options)?);
    version::record_first(found.job_id)?;
    let current = job::unit_setting(found.job_id, unit)?;
    set_unit_options(&found, unit, &merge_options(&current, &options.0))?;
    version::record(found.job_id, "sync_alter_unit")?;
    Ok(())
}

/// The options of one unit as a whole.
pub(super) fn set_unit_options(job: &Job, unit: &str, options: &Value) -> Result<()> {
    let current = job::unit_setting(job.job_id, unit)?;
    let parsed = UnitOptions::parse(options)?;
    job::set_unit_setting(job.job_id, unit, options)?;
    stream::fence(job.job_id)?;
    unit::set_priority(
        job.job_id,
        unit,
        parsed.priority.unwrap_or(Priority::Medium),
    )?;
    if plans_otherwise(&UnitOptions::parse(&current)?, &parsed) {
        unit::forget_plan(job.job_id, Some(unit))?;
    }
    Ok(())
}

/// Do the options lead to another plan?
fn plans_otherwise(before: &UnitOptions, after: &UnitOptions) -> bool {
    let planned = |options: &UnitOptions| {
        (
            options.target.clone(),
            options.columns.clone(),
            options.filter.clone(),
            options.key.clone(),
            options.values.casts.clone(),
        )
    };
    planned(before) != planned(after)
}

#[pg_extern]
fn sync_drop_job(job: Option<&str>) -> Result<(), ErrorReport> {
    Ok(drop_job(given("job", job)?)?)
}

fn drop_job(name: &str) -> Result<()> {
    let job = own_job(name)?;
    if let Some(run) = run::latest(job.job_id)? {
        if !run.status()?.ended() {
            return Err(Error::new(
                Kind::InvalidState,
                format!("job \"{name}\" has a run under way"),
            )
            .with_hint(format!("SELECT sync_cancel({});", literal(name))));
        }
        for unit_id in unit::ids_of_job(job.job_id)? {
            swap::drop_if_exists(unit_id, job.owner())?;
        }
        for stage in unit::stages(job.job_id)? {
            stage::drop_if_exists(&stage.target_schema, &stage.stage)?;
        }
    }
    super::schedule::drop_schedule(&job)?;
    let dependents = dependency::lock_dependents(job.job_id)?;
    for dependent in &dependents {
        version::record_first(dependent.job_id)?;
    }
    job::delete(job.job_id)?;
    for dependent in dependents {
        version::record(dependent.job_id, "sync_drop_job")?;
        report::notice(&format!(
            "job \"{}\" does not depend on job \"{name}\" any more",
            dependent.job
        ));
    }
    report::notice(&format!("dropped job \"{name}\"; the tables it made stay"));
    Ok(())
}
