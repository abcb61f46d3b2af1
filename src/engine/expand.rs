//! Listing the units of a run: the job's names and globs against the source's tables of now.

use std::collections::HashMap;

use super::reader::Reader;
use crate::catalog::job::{self, Job};
use crate::catalog::run::{self, Run};
use crate::catalog::stream;
use crate::catalog::unit::{self, Listed};
use crate::error::{Error, Kind, Result};
use crate::model::state::{Priority, RunStatus};
use crate::model::table::SourceTableName;
use crate::pg::transaction;
use crate::plan::names::table_names;
use crate::plan::units::select_units;
use crate::sink::target;

pub fn expand(job: &Job, run: &Run, reader: &Reader) -> Result<()> {
    if !transaction::run(|| run::begin_expanding(run))? {
        return Err(stopped(run));
    }
    let tables = reader.tables()?;
    let selected = select_units(&job.units, &tables)?;
    if selected.is_empty() {
        return Err(Error::new(
            Kind::SourceObjectMissing,
            format!(
                "no table of source \"{}\" matches the units of job \"{}\"",
                job.source, job.job
            ),
        )
        .with_detail(format!("Units: {}.", job.units.join(", ")))
        .with_hint(format!(
            "SELECT * FROM sync_check({}); shows what the source lets the user see",
            crate::plan::identifier::literal(&job.job)
        )));
    }
    transaction::run(|| {
        if !run::set_expanded(run)? {
            return Err(stopped(run));
        }
        if job.options()?.create_tables {
            target::create_schema_if_missing(&job.target_schema)?;
        }
        for (name, target_table) in &target_names(job, &selected)? {
            enlist(job, run, name, target_table, &tables)?;
        }
        if job.streams() {
            stream::begin(job.job_id, run.run_id)?;
        }
        unit::retire_others(job.job_id, run.run_id)
    })
}

/// Takes tables into a run under way that have come since they were listed; their names. Inside a transaction.
pub fn add(job: &Job, run: &Run, reader: &Reader) -> Result<Vec<String>> {
    let tables = reader.tables()?;
    let selected = select_units(&job.units, &tables)?;
    // It may have been stopped while the source was asked.
    match run::lock(run.run_id)? {
        Some(run) if run.status()? == RunStatus::Running => {}
        _ => return Ok(Vec::new()),
    }
    let listed = unit::of_run(run.run_id)?;
    let mut added = target_names(job, &selected)?;
    added.retain(|(name, _)| !listed.iter().any(|unit| unit.unit == *name));
    for (name, target_table) in &added {
        enlist(job, run, name, target_table, &tables)?;
    }
    Ok(added.into_iter().map(|(name, _)| name).collect())
}

fn enlist(
    job: &Job,
    run: &Run,
    name: &str,
    target_table: &str,
    tables: &[SourceTableName],
) -> Result<()> {
    let options = job::unit_options(job.job_id, name)?;
    let table = tables.iter().find(|table| table.name == name);
    unit::enlist(
        job.job_id,
        run.run_id,
        &Listed {
            unit: name,
            target_schema: &job.target_schema,
            target_table,
            priority: options.priority.unwrap_or(Priority::Medium).as_str(),
            rows_estimated: table.and_then(|table| table.rows_estimated),
            bytes_estimated: table.and_then(|table| table.bytes_estimated),
        },
    )
}

/// The units, each with the name of its target.
pub fn target_names(job: &Job, units: &[String]) -> Result<Vec<(String, String)>> {
    let mut chosen = HashMap::new();
    for unit in units {
        if let Some(target) = job::unit_options(job.job_id, unit)?.target {
            chosen.insert(unit.as_str(), target);
        }
    }
    Ok(table_names(units, job.options()?.names, |unit| {
        chosen.get(unit).cloned()
    }))
}

fn stopped(run: &Run) -> Error {
    Error::new(
        Kind::Cancelled,
        format!(
            "run {} was stopped while its tables were listed",
            run.run_id
        ),
    )
}
