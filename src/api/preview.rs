//! Looking before starting: `sync_check` and `sync_plan`.

use pgrx::iter::TableIterator;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::own_job;
use crate::catalog::job::{self, Job};
use crate::engine::reader::Reader;
use crate::engine::{expand, failure, prepare, session};
use crate::error::{Error, Kind, Result};
use crate::pg::role;
use crate::plan::context::PlanContext;
use crate::plan::foreign_key::{ForeignKeyPlan, foreign_key_sql};
use crate::plan::identifier::{literal, quote};
use crate::plan::table::TablePlan;
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
    let detail = error.full_message();
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
    if job.streams() {
        match reader.preflight_stream() {
            Ok(checks) => rows.extend(checks.into_iter().map(row)),
            Err(error) => rows.push(failed("source log", &error)),
        }
    }
    rows.extend(check_throttle(job, &reader));
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

/// Is each variable of `source_throttle` one that the source has? One that it has not slows nothing.
fn check_throttle(job: &Job, reader: &Reader) -> Option<CheckRow> {
    const NAME: &str = "source_throttle";
    let limits = job.options().ok()?.run.pace.source_throttle;
    if limits.is_empty() {
        return None;
    }
    let names: Vec<String> = limits.into_iter().map(|(name, _)| name).collect();
    let found = match reader.status(names.clone()) {
        Ok(found) => found,
        Err(error) => return Some(failed(NAME, &error)),
    };
    let is_known = |name: &String| {
        found
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let unknown: Vec<&str> = names
        .iter()
        .filter(|name| !is_known(name))
        .map(String::as_str)
        .collect();
    Some(match unknown.is_empty() {
        true => passed(NAME, format!("the source has {}", names.join(", "))),
        false => (
            NAME.to_owned(),
            false,
            format!(
                "expected status variables with numbers; the source has no {}",
                unknown.join(", ")
            ),
            Some(format!(
                "SELECT sync_alter_job({}, '{{\"source_throttle\": …}}');",
                literal(&job.job)
            )),
        ),
    })
}

fn plan(job: &Job) -> Result<Vec<PlanRow>> {
    let reader = session::open(job)?;
    let tables = reader.tables()?;
    let units = select_units(&job.units, &tables)?;
    let targets = expand::target_names(job, &units)?;
    let names: Vec<String> = targets.iter().map(|(_, target)| target.clone()).collect();
    let mut planned = Vec::new();
    for (unit, target) in targets {
        match plan_unit(job, (&unit, &target), &names, &reader) {
            Err(error) if error.kind == Kind::Cancelled => return Err(error),
            outcome => planned.push((unit, outcome)),
        }
    }
    planned
        .iter()
        .map(|(unit, outcome)| match outcome {
            Ok(found) => row_of(job, unit, found, &planned),
            // One table that cannot be copied does not hide the plans of the others.
            Err(error) => {
                let error = failure::name_job(error, &job.job, Some(unit));
                let mut warnings = vec![error.full_message()];
                warnings.extend(error.hint);
                Ok((unit.clone(), None, None, None, None, None, None, warnings))
            }
        })
        .collect()
}

/// The plan of a unit, and whether its target is there.
struct Found {
    plan: TablePlan,
    exists: bool,
}

fn plan_unit(
    job: &Job,
    (unit, target): (&str, &str),
    target_tables: &[String],
    reader: &Reader,
) -> Result<Found> {
    let options = job::unit_options(job.job_id, unit)?;
    let context = PlanContext {
        target_schema: &job.target_schema,
        target_table: target,
        target_tables,
        job: &job.options()?,
        unit: &options,
        installed: &prepare::installed()?,
    };
    let plan = prepare::plan(job, &reader.table(unit)?, &context)?;
    Ok(match target::find(&plan)? {
        Some(fitted) => Found {
            plan: fitted.plan,
            exists: true,
        },
        None => Found {
            plan,
            exists: false,
        },
    })
}

fn row_of(
    job: &Job,
    unit: &str,
    found: &Found,
    all: &[(String, Result<Found>)],
) -> Result<PlanRow> {
    let plan = &found.plan;
    let options = job.options()?;
    let bigint = |value: Option<u64>| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    let mut warnings = plan.warnings.clone();
    let ddl = match found.exists {
        true => None,
        false => {
            let mut statements = plan.create_sql()?;
            statements.extend(plan.sequence_sql());
            if options.indexes {
                statements.extend(plan.indexes.iter().map(|index| index.sql.clone()));
            }
            if options.foreign_keys {
                for key in &plan.foreign_keys {
                    match constraint(key, plan, all) {
                        Ok(sql) => statements.push(sql),
                        Err(error) => warnings.push(error.full_message()),
                    }
                }
            }
            Some(format!("{};", statements.join(";\n")))
        }
    };
    Ok((
        unit.to_owned(),
        Some(target::name(plan)),
        plan.key.as_ref().map(|key| key.columns.join(", ")),
        Some(plan.chunking(options.chunk_rows)),
        bigint(plan.rows_estimated),
        bigint(plan.bytes_estimated),
        ddl,
        warnings,
    ))
}

fn constraint(
    key: &ForeignKeyPlan,
    plan: &TablePlan,
    all: &[(String, Result<Found>)],
) -> Result<String> {
    let parent = all
        .iter()
        .find(|(unit, _)| *unit == key.referenced_table)
        .and_then(|(_, found)| found.as_ref().ok());
    match parent {
        Some(parent) => foreign_key_sql(key, plan, &parent.plan, &parent.plan.unique_keys()),
        None => Err(Error::new(
            Kind::ObjectMissing,
            format!(
                "foreign key {} is left out: table {} is not among the units that can be copied",
                quote(&key.name),
                quote(&key.referenced_table)
            ),
        )),
    }
}
