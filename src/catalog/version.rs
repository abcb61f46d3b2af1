//! `tributary.job_version`: each definition that a job has had. Whoever changes a job records a
//! version in the same transaction; rows are never changed.

use serde::Deserialize;
use serde_json::Value;

use super::{execute, query_first, to_json};
use crate::error::{Error, Kind, Result};
use crate::model::definition::Definition;
use crate::pg::role;

/// The definition as the tables have it now.
pub fn present(job_id: i64) -> Result<Definition> {
    let found: Option<Definition> = query_first(
        include_str!("../../sql/queries/definition.sql"),
        &[job_id.into()],
    )?;
    found.ok_or_else(|| Error::new(Kind::ObjectMissing, "the job does not exist any more"))
}

/// A version of a job's definition; the job's present one where none is named. None of a job that was restored
/// from a dump of an older version of the extension.
pub fn find(job_id: i64, version: Option<i64>) -> Result<Option<Value>> {
    #[derive(Deserialize)]
    struct Row {
        definition: Value,
    }
    let found: Option<Row> = query_first(
        "SELECT v.definition FROM tributary.job_version v JOIN tributary.job j USING (job_id) \
         WHERE v.job_id = $1 AND v.version = coalesce($2, j.version)",
        &[job_id.into(), version.into()],
    )?;
    Ok(found.map(|row| row.definition))
}

/// The same, or the error that there is none.
pub fn get(job_id: i64, job: &str, version: Option<i64>) -> Result<Value> {
    find(job_id, version)?.ok_or_else(|| {
        Error::new(
            Kind::ObjectMissing,
            format!(
                "job \"{job}\" has no version {}",
                version.map_or("yet".to_owned(), |version| version.to_string())
            ),
        )
        .with_hint(format!(
            "SELECT version, change FROM sync_job_versions WHERE job = {};",
            crate::plan::identifier::literal(job)
        ))
    })
}

/// Before the first change of a job that has no version: as it was is one too.
pub fn record_first(job_id: i64) -> Result<()> {
    match find(job_id, None)? {
        Some(_) => Ok(()),
        None => record(job_id, "pg_restore").map(drop),
    }
}

/// Keeps the definition as it is now, if it is another than before; the number of the present one.
/// `change` says what was called. The job's row is locked.
pub fn record(job_id: i64, change: &str) -> Result<i64> {
    #[derive(Deserialize)]
    struct Row {
        version: i64,
        definition: Option<Value>,
    }
    let before: Option<Row> = query_first(
        "SELECT coalesce(max(v.version), 0) AS version, \
           (pg_catalog.array_agg(v.definition ORDER BY v.version DESC))[1] AS definition \
         FROM tributary.job_version v WHERE v.job_id = $1",
        &[job_id.into()],
    )?;
    let (version, definition) = before.map_or((0, None), |row| (row.version, row.definition));
    let now = to_json(&present(job_id)?)?;
    if definition.is_some_and(|before| serde_json::from_str::<Value>(&now).ok() == Some(before)) {
        return Ok(version);
    }
    let version = version + 1;
    execute(
        "INSERT INTO tributary.job_version (job_id, version, definition, change, changed_by) \
         VALUES ($1, $2::int, $3::jsonb, $4, $5::name)",
        &[
            job_id.into(),
            version.into(),
            (&now).into(),
            change.into(),
            (&role::name(role::current())).into(),
        ],
    )?;
    execute(
        "UPDATE tributary.job SET version = $2::int, altered_at = clock_timestamp() WHERE job_id = $1",
        &[job_id.into(), version.into()],
    )?;
    Ok(version)
}
