//! Looking before starting: `sync_check` and `sync_plan`.

use pgrx::iter::TableIterator;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::own_job;
use crate::catalog::job::{self, Job};
use crate::engine::reader::Reader;
use crate::engine::{expand, failure, prepare, session};
use crate::error::{Error, Result};
use crate::pg::role;
use crate::plan::table::PlanContext;
use crate::plan::units::select_units;
use crate::sink::target;
use crate::source::mysql::Check;

type CheckRow = (String, bool, String, Option<String>);
type PlanRow = (
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Vec<String>,
);

#[pg_extern]
fn sync_check(
    job: &str,
) -> Result<
    TableIterator<
        'static,
        (
            name!(name, String),
            name!(ok, bool),
            name!(detail, String),
            name!(fix, Option<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(check(&own_job(job)?)?))
}

#[pg_extern]
fn sync_plan(
    job: &str,
) -> Result<
    TableIterator<
        'static,
        (
            name!(unit, String),
            name!(target, Option<String>),
            name!(key, Option<String>),
            name!(chunking, Option<String>),
            name!(rows_estimated, Option<i64>),
            name!(bytes_estimated, Option<i64>),
            name!(ddl, Option<String>),
            name!(warnings, Vec<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(plan(&own_job(job)?)?))
}

fn row(check: Check) -> CheckRow {
    (check.name, check.ok, check.detail, check.fix)
}

fn passed(name: &str, detail: String) -> CheckRow {
    (name.to_owned(), true, detail, None)
}

fn failed(name: &str, error: &Error) -> CheckRow {
    let detail = crate::catalog::run::full_message(error);
    (name.to_owned(), false, detail, error.hint.clone())
}

fn check(job: &Job) -> Result<Vec<CheckRow>> {
    let mut rows = Vec::new();
    match role::require_login(job.owner()) {
        Ok(()) => rows.push(passed(
            "owner",
            format!("role \"{}\" may log in", role::name(job.owner())),
        )),
        Err(error) => rows.push(failed("owner", &error)),
    }
    let reader = match session::open(job) {
        Ok(reader) => reader,
        Err(error) => {
            rows.push(failed("source", &error));
            return Ok(rows);
        }
    };
    match reader.preflight() {
        Ok(checks) => rows.extend(checks.into_iter().map(row)),
        Err(error) => {
            rows.push(failed("connection", &error));
            return Ok(rows);
        }
    }
    match reader
        .tables()
        .and_then(|tables| select_units(&job.units, &tables))
    {
        Ok(units) => rows.push((
            "units".to_owned(),
            !units.is_empty(),
            format!("{} tables match", units.len()),
            None,
        )),
        Err(error) => rows.push(failed("units", &error)),
    }
    Ok(rows)
}

fn plan(job: &Job) -> Result<Vec<PlanRow>> {
    let reader = session::open(job)?;
    let tables = reader.tables()?;
    let units = select_units(&job.units, &tables)?;
    expand::target_names(job, &units)?
        .into_iter()
        .map(
            |(unit, target)| match plan_unit(job, &unit, &target, &reader) {
                Ok(row) => Ok(row),
                Err(error) if error.kind == crate::error::Kind::Cancelled => Err(error),
                // One table that cannot be copied does not hide the plans of the others.
                Err(error) => {
                    let error = failure::name_job(&error, &job.job, Some(&unit));
                    let mut warnings = vec![crate::catalog::run::full_message(&error)];
                    warnings.extend(error.hint);
                    Ok((unit, None, None, None, None, None, None, warnings))
                }
            },
        )
        .collect()
}

fn plan_unit(job: &Job, unit: &str, target: &str, reader: &Reader) -> Result<PlanRow> {
    let options = job::unit_options(job.job_id, unit)?;
    let job_options = job.options()?;
    let context = PlanContext {
        target_schema: &job.target_schema,
        target_table: target,
        job: &job_options,
        unit: &options,
        installed: &prepare::installed()?,
    };
    let plan = prepare::plan(unit, &context, reader)?;
    let bigint = |value: Option<u64>| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    let (ddl, fitted) = match target::find(&plan)? {
        Some(fitted) => (None, fitted.plan),
        None => (Some(plan.ddl()?), plan),
    };
    Ok((
        unit.to_owned(),
        Some(target::name(&fitted)),
        fitted.key.as_ref().map(|key| key.columns.join(", ")),
        Some(fitted.chunking(job_options.chunk_rows)),
        bigint(fitted.rows_estimated),
        bigint(fitted.bytes_estimated),
        ddl,
        fitted.warnings,
    ))
}
