//! The SQL functions. Each checks whose job it is, reads or writes the catalog, and at most wakes
//! the supervisor when the transaction commits; the work is done elsewhere. Their comments and
//! privileges are in `sql/functions.sql`.

// pgrx wants its own, large, error report to keep SQLSTATE and HINT; it is made once per call.
#![allow(clippy::result_large_err)]
// A set-returning function names its columns in its own signature, whatever their number.
#![allow(clippy::type_complexity)]

mod control;
mod job;
mod preview;
mod rejects;
mod source;
mod wait;

use crate::catalog::job::Job;
use crate::error::Result;
use crate::pg::role;

/// The job, if the current role may act for its owner.
fn own_job(name: &str) -> Result<Job> {
    let job = crate::catalog::job::get(name)?;
    role::require_privileges_of(job.owner(), &job.job)?;
    Ok(job)
}
