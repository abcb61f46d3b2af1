//! `tributary.job` and `tributary.unit_setting`: what users define.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::{execute, query, query_first};
use crate::error::{Error, Kind, Result};
use crate::model::options::JobOptions;
use crate::model::state::JobMode;
use crate::model::unit_options::UnitOptions;

#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    pub job_id: i64,
    pub job: String,
    /// OID of the role whose rights the workers have.
    pub owner: i64,
    pub source: String,
    pub units: Vec<String>,
    pub target_schema: String,
    mode: String,
    pub options: Value,
    /// May be started.
    pub enabled: bool,
    /// Number of the present definition.
    pub version: i64,
}

impl Job {
    pub fn mode(&self) -> JobMode {
        // The catalog's CHECK knows no other.
        JobMode::parse(&self.mode).unwrap_or(JobMode::Full)
    }

    /// Does it follow the source's log?
    pub fn streams(&self) -> bool {
        self.mode() == JobMode::Stream
    }

    pub fn options(&self) -> Result<JobOptions> {
        JobOptions::parse(&self.options)
    }

    pub fn owner(&self) -> u32 {
        u32::try_from(self.owner).unwrap_or(0)
    }
}

const COLUMNS: &str = "SELECT job_id, job, owner::oid::bigint AS owner, source::text AS source, \
                       units, target_schema::text AS target_schema, mode, options, enabled, version FROM tributary.job";

pub fn find(job: &str) -> Result<Option<Job>> {
    query_first(&format!("{COLUMNS} WHERE job = $1"), &[job.into()])
}

/// The job, or the error that it does not exist.
pub fn get(job: &str) -> Result<Job> {
    find(job)?.ok_or_else(|| {
        Error::new(Kind::ObjectMissing, format!("job \"{job}\" does not exist"))
            .with_hint("SELECT job FROM sync_jobs;")
    })
}

pub fn get_by_id(job_id: i64) -> Result<Job> {
    query_first(&format!("{COLUMNS} WHERE job_id = $1"), &[job_id.into()])?
        .ok_or_else(|| Error::new(Kind::ObjectMissing, "the job does not exist any more"))
}

/// Locks the job until the transaction ends, and reads it anew: whoever changes its definition does so
/// first.
pub fn lock(job_id: i64) -> Result<Job> {
    execute(
        "SELECT 1 FROM tributary.job WHERE job_id = $1 FOR NO KEY UPDATE",
        &[job_id.into()],
    )?;
    get_by_id(job_id)
}

/// All jobs of the database with their options; a broken definition has the defaults.
pub fn all() -> Result<Vec<(i64, JobOptions)>> {
    #[derive(Deserialize)]
    struct Row {
        job_id: i64,
        options: Value,
    }
    let rows: Vec<Row> = query(
        "SELECT job_id, options FROM tributary.job ORDER BY job_id",
        &[],
    )?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                row.job_id,
                JobOptions::parse(&row.options).unwrap_or_default(),
            )
        })
        .collect())
}

/// A job to be created; the caller has checked every part.
#[derive(Debug)]
pub struct NewJob<'a> {
    pub job: &'a str,
    pub owner: u32,
    pub source: &'a str,
    pub units: &'a [String],
    pub target_schema: &'a str,
    pub mode: JobMode,
    pub options: &'a Value,
}

/// `None` where a job of that name exists.
pub fn insert(new: &NewJob<'_>) -> Result<Option<i64>> {
    #[derive(Deserialize)]
    struct Row {
        job_id: i64,
    }
    let units = super::to_json(&new.units)?;
    let row: Option<Row> = query_first(
        "INSERT INTO tributary.job (job, owner, source, units, target_schema, mode, options) \
         SELECT $1, $2::oid::regrole, $3::name, \
                ARRAY(SELECT pg_catalog.jsonb_array_elements_text($4::jsonb)), $5::name, $7, $6::jsonb \
         ON CONFLICT (job) DO NOTHING RETURNING job_id",
        &[
            new.job.into(),
            i64::from(new.owner).into(),
            new.source.into(),
            (&units).into(),
            new.target_schema.into(),
            (&new.options.to_string()).into(),
            new.mode.as_str().into(),
        ],
    )?;
    Ok(row.map(|row| row.job_id))
}

pub fn set_options(job_id: i64, options: &Value) -> Result<()> {
    execute(
        "UPDATE tributary.job SET options = $2::jsonb, altered_at = now() WHERE job_id = $1",
        &[job_id.into(), (&options.to_string()).into()],
    )?;
    Ok(())
}

/// What is not an option of the job; its options and those of its units are set apart.
pub fn redefine(job_id: i64, new: &NewJob<'_>) -> Result<()> {
    execute(
        "UPDATE tributary.job SET source = $2::name, \
           units = ARRAY(SELECT pg_catalog.jsonb_array_elements_text($3::jsonb)), \
           target_schema = $4::name, mode = $5 WHERE job_id = $1",
        &[
            job_id.into(),
            new.source.into(),
            (&super::to_json(&new.units)?).into(),
            new.target_schema.into(),
            new.mode.as_str().into(),
        ],
    )?;
    set_options(job_id, new.options)
}

/// Whether it changed.
pub fn set_enabled(job_id: i64, enabled: bool) -> Result<bool> {
    let changed = execute(
        "UPDATE tributary.job SET enabled = $2 WHERE job_id = $1 AND enabled <> $2",
        &[job_id.into(), enabled.into()],
    )?;
    Ok(changed > 0)
}

pub fn delete(job_id: i64) -> Result<()> {
    execute(
        "DELETE FROM tributary.unit WHERE job_id = $1",
        &[job_id.into()],
    )?;
    execute(
        "DELETE FROM tributary.job WHERE job_id = $1",
        &[job_id.into()],
    )?;
    Ok(())
}

/// What `sync_alter_unit` said of the unit; an empty object where nothing.
pub fn unit_setting(job_id: i64, unit: &str) -> Result<Value> {
    #[derive(Deserialize)]
    struct Row {
        options: Value,
    }
    let row: Option<Row> = query_first(
        "SELECT options FROM tributary.unit_setting WHERE job_id = $1 AND unit = $2",
        &[job_id.into(), unit.into()],
    )?;
    Ok(row.map_or_else(|| Value::Object(serde_json::Map::new()), |row| row.options))
}

/// What was said of each of its units.
pub fn unit_settings(job_id: i64) -> Result<HashMap<String, Value>> {
    #[derive(Deserialize)]
    struct Row {
        unit: String,
        options: Value,
    }
    let rows: Vec<Row> = query(
        "SELECT unit, options FROM tributary.unit_setting WHERE job_id = $1",
        &[job_id.into()],
    )?;
    Ok(rows
        .into_iter()
        .map(|row| (row.unit, row.options))
        .collect())
}

pub fn unit_options(job_id: i64, unit: &str) -> Result<UnitOptions> {
    UnitOptions::parse(&unit_setting(job_id, unit)?)
}

pub fn set_unit_setting(job_id: i64, unit: &str, options: &Value) -> Result<()> {
    execute(
        "INSERT INTO tributary.unit_setting (job_id, unit, options) VALUES ($1, $2, $3::jsonb) \
         ON CONFLICT (job_id, unit) DO UPDATE SET options = excluded.options",
        &[job_id.into(), unit.into(), (&options.to_string()).into()],
    )?;
    Ok(())
}
