//! The report: one page about a job, or about all that the current role may see.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::own_job;
use crate::error::{Error, Kind, Result};
use crate::pg::catalog_owner::with_own_path;
use crate::pg::spi;
use crate::report;
use crate::report::data::Data;

#[pg_extern]
fn sync_report(job: default!(Option<&str>, "NULL")) -> Result<String, ErrorReport> {
    Ok(page(job)?)
}

/// The query runs as the caller, over the views: they decide what is seen.
fn page(job: Option<&str>) -> Result<String> {
    if let Some(job) = job {
        own_job(job)?;
    }
    // Nothing that stands in another schema of the caller's path is run.
    let data: Option<Data> = with_own_path(|| {
        spi::query_first(include_str!("../../sql/queries/report.sql"), &[job.into()])
    })?;
    let missing = || Error::new(Kind::Internal, "the report's query returned no row");
    Ok(report::page(&data.ok_or_else(missing)?))
}
