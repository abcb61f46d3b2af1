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
                       units, target_schema::text AS target_schema, mode, options FROM tributary.job";

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
