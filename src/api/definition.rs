//! Definitions of jobs as documents: out, in, back to an earlier one; and what belongs to a
//! definition beside its options.

use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::{Map, Value};

use super::{given, names, own_job};
use crate::catalog::job::{self, Job, NewJob};
use crate::catalog::{dependency, run, version};
use crate::engine::processes::wake_supervisor_at_commit;
use crate::error::{Error, Kind, Result};
use crate::model::definition::{Definition, Difference, differences};
use crate::pg::{report, role};
use crate::plan::identifier::literal;

const SCHEMA: &str = include_str!("../../docs/job.schema.json");

/// The definition without its secrets, for `sync_import_job`.
#[pg_extern(stable)]
fn sync_export_job(job: Option<&str>) -> Result<JsonB, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    Ok(JsonB(version::present(job.job_id)?.export(&job.job)))
}

/// Makes the job, or defines it anew; the number of its version.
#[pg_extern]
fn sync_import_job(definition: Option<JsonB>) -> Result<i64, ErrorReport> {
    let document = given("definition", definition)?;
    let (name, definition) = Definition::import(&document.0)?;
    let job = match job::find(&name)? {
        Some(_) => require_own(own_job(&name)?)?,
        None => create(&name, &definition)?,
    };
    Ok(redefine(&job, &definition, "sync_import_job")?)
}

/// The JSON Schema of a definition.
#[pg_extern(immutable, parallel_safe)]
fn sync_job_schema() -> Result<JsonB, ErrorReport> {
    let schema = serde_json::from_str(SCHEMA);
    Ok(JsonB(schema.map_err(|error| {
        Error::new(Kind::Internal, error.to_string())
    })?))
}

#[pg_extern(stable)]
fn sync_diff_job(
    job: Option<&str>,
    version_before: Option<i64>,
    version_after: default!(Option<i64>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(path, String),
            name!(before, Option<JsonB>),
            name!(after, Option<JsonB>),
        ),
    >,
    ErrorReport,
> {
    let job = own_job(given("job", job)?)?;
    let found = diff(
        &job,
        given("version_before", version_before)?,
        version_after,
    )?;
    Ok(TableIterator::new(found.into_iter().map(|found| {
        (found.path, found.before.map(JsonB), found.after.map(JsonB))
    })))
}

#[pg_extern]
fn sync_rollback_job(job: Option<&str>, version: Option<i64>) -> Result<i64, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    let version = given("version", version)?;
    let definition = version::get(job.job_id, &job.job, Some(version))?;
    let definition: Definition = serde_json::from_value(definition)
        .map_err(|error| Error::new(Kind::Internal, format!("version {version}: {error}")))?;
    let change = format!("sync_rollback_job to version {version}");
    Ok(redefine(&job, &definition, &change)?)
}

#[pg_extern]
fn sync_depends(
    job: Option<&str>,
    depends_on: Option<Vec<Option<String>>>,
) -> Result<(), ErrorReport> {
    let job = job::lock(own_job(given("job", job)?)?.job_id)?;
    version::record_first(job.job_id)?;
    set_dependencies(&job, &names("depends_on", depends_on)?)?;
    version::record(job.job_id, "sync_depends")?;
    Ok(())
}

#[pg_extern]
fn sync_enable_job(job: Option<&str>) -> Result<(), ErrorReport> {
    Ok(enable(&own_job(given("job", job)?)?)?)
}

#[pg_extern]
fn sync_disable_job(job: Option<&str>) -> Result<(), ErrorReport> {
    Ok(disable(&own_job(given("job", job)?)?)?)
}

/// A document defines jobs of the role that imports it: one of that name may be somebody else's.
fn require_own(job: Job) -> Result<Job> {
    if job.owner() == role::current() {
        return Ok(job);
    }
    let owner = role::name(job.owner());
    Err(Error::new(
        Kind::PrivilegeMissing,
        format!("job \"{}\" belongs to role \"{owner}\"", job.job),
    )
    .with_hint(format!(
        "SET ROLE {}; to define it anew",
        crate::plan::identifier::quote(&owner)
    )))
}

fn enable(job: &Job) -> Result<()> {
    if !job::set_enabled(job.job_id, true)? {
        report::notice(&format!("job \"{}\" is enabled already", job.job));
    }
    // Those it depends on may have completed meanwhile.
    wake_supervisor_at_commit();
    Ok(())
}

fn disable(job: &Job) -> Result<()> {
    if !job::set_enabled(job.job_id, false)? {
        report::notice(&format!("job \"{}\" is disabled already", job.job));
    } else if let Some(run) = run::latest(job.job_id)?
        && !run.status()?.ended()
    {
        report::notice(&format!(
            "run {} goes on; SELECT sync_cancel({}); ends it",
            run.run_id,
            literal(&job.job)
        ));
    }
    Ok(())
}

fn diff(job: &Job, before: i64, after: Option<i64>) -> Result<Vec<Difference>> {
    let before = version::get(job.job_id, &job.job, Some(before))?;
    let after = version::get(job.job_id, &job.job, after)?;
    Ok(differences(&before, &after))
}

fn create(name: &str, definition: &Definition) -> Result<Job> {
    let options = Value::Object(definition.options.clone());
    super::job::create(&NewJob {
        job: name,
        owner: role::current(),
        source: &definition.source,
        units: &definition.units,
        target_schema: &definition.target_schema,
        mode: definition.mode()?,
        options: &options,
    })?;
    job::get(name)
}

/// All of a definition at once. While a run is under way the source, the schema and the mode stay.
fn redefine(job: &Job, definition: &Definition, change: &str) -> Result<i64> {
    definition.check()?;
    let job = job::lock(job.job_id)?;
    if run::latest(job.job_id)?.is_some() {
        version::record_first(job.job_id)?;
    }
    let options = Value::Object(definition.options.clone());
    let new = NewJob {
        job: &job.job,
        owner: job.owner(),
        source: &definition.source,
        units: &definition.units,
        target_schema: &definition.target_schema,
        mode: definition.mode()?,
        options: &options,
    };
    super::job::check(&new)?;
    let moves = new.source != job.source
        || new.target_schema != job.target_schema
        || new.mode != job.mode();
    // Locked against being taken up meanwhile.
    let run = match run::latest(job.job_id)? {
        Some(run) => run::lock(run.run_id)?,
        None => None,
    };
    if let Some(run) = run
        && moves
        && !run.status()?.ended()
    {
        return Err(Error::new(
            Kind::InvalidState,
            format!("job \"{}\" has a run under way", job.job),
        )
        .with_detail("Its source, target schema and mode cannot change meanwhile.")
        .with_hint(format!("SELECT sync_cancel({});", literal(&job.job))));
    }
    let before = version::present(job.job_id)?;
    job::redefine(job.job_id, &new)?;
    super::job::set_options(&job, &options)?;
    let nothing = Map::new();
    for unit in before
        .unit_options
        .keys()
        .chain(definition.unit_options.keys())
    {
        let options = definition.unit_options.get(unit).unwrap_or(&nothing);
        super::job::set_unit_options(&job, unit, &Value::Object(options.clone()))?;
    }
    set_dependencies(&job, &definition.depends_on)?;
    version::record(job.job_id, change)
}

fn set_dependencies(job: &Job, names: &[String]) -> Result<()> {
    let mut on = Vec::new();
    for name in names {
        let other = own_job(name)?;
        if other.streams() {
            return Err(Error::new(
                Kind::InvalidParameter,
                format!("job \"{name}\" has mode stream and never completes"),
            )
            .with_hint("a job can depend on jobs of mode full"));
        }
        on.push(other.job_id);
    }
    dependency::set(job.job_id, &job.job, &on)
}
