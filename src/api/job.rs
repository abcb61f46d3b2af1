//! Defining jobs.

use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{given, own_job};
use crate::catalog::job::{self, NewJob};
use crate::catalog::{run, stream, unit};
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
    units: default!(Option<Vec<String>>, "'{*}'"),
    target_schema: default!(Option<&str>, "NULL"),
    mode: default!(Option<&str>, "'full'"),
    options: default!(Option<JsonB>, "'{}'"),
) -> Result<i64, ErrorReport> {
    let (job, source, mode) = (
        given("job", job)?,
        given("source", source)?,
        given("mode", mode)?,
    );
    let (units, options) = (given("units", units)?, given("options", options)?);
    let new = NewJob {
        job,
        owner: role::current(),
        source,
        units: &units,
        target_schema: target_schema.unwrap_or(job),
        mode: parse_mode(mode)?,
        options: &options.0,
    };
    Ok(create(&new)?)
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

fn create(new: &NewJob<'_>) -> Result<i64> {
    if new.job.is_empty() {
        return Err(Error::new(Kind::InvalidParameter, "a job needs a name"));
    }
    crate::model::name::check_name("target schema", new.target_schema)?;
    validate_patterns(new.units)?;
    JobOptions::parse(new.options)?;
    worker::require_utf8_database()?;
    role::require_login(new.owner)?;
    server::options_for(new.source, new.owner)?;
    job::insert(new)?.ok_or_else(|| {
        let name = literal(new.job);
        Error::new(Kind::ObjectExists, format!("job \"{}\" already exists", new.job)).with_hint(
            format!("SELECT sync_alter_job({name}, '…'); changes it, SELECT sync_drop_job({name}); removes it"),
        )
    })
}

#[pg_extern]
fn sync_alter_job(job: &str, options: JsonB) -> Result<(), ErrorReport> {
    let found = own_job(job)?;
    let merged = merge_options(&found.options, &options.0);
    let parsed = JobOptions::parse(&merged)?;
    job::set_options(found.job_id, &merged)?;
    // What follows the log begins again with them.
    stream::fence(found.job_id)?;
    if parsed.values.casts != found.options()?.values.casts {
        unit::forget_plan(found.job_id, None)?;
    }
    Ok(())
}

#[pg_extern]
fn sync_alter_unit(job: &str, unit: &str, options: JsonB) -> Result<(), ErrorReport> {
    let found = own_job(job)?;
    let current = job::unit_setting(found.job_id, unit)?;
    let merged = merge_options(&current, &options.0);
    let parsed = UnitOptions::parse(&merged)?;
    job::set_unit_setting(found.job_id, unit, &merged)?;
    stream::fence(found.job_id)?;
    unit::set_priority(
        found.job_id,
        unit,
        parsed.priority.unwrap_or(Priority::Medium),
    )?;
    if plans_otherwise(&UnitOptions::parse(&current)?, &parsed) {
        unit::forget_plan(found.job_id, Some(unit))?;
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
fn sync_drop_job(job: &str) -> Result<(), ErrorReport> {
    Ok(drop_job(job)?)
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
    job::delete(job.job_id)?;
    report::notice(&format!("dropped job \"{name}\"; the tables it made stay"));
    Ok(())
}
