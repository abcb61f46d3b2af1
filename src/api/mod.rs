//! The SQL functions. Each checks whose job it is, reads or writes the catalog, and at most wakes
//! the supervisor when the transaction commits; the work is done elsewhere. Their comments and
//! privileges are in `sql/functions.sql`.

// pgrx wants its own, large, error report to keep SQLSTATE and HINT; it is made once per call.
#![allow(clippy::result_large_err)]
// A set-returning function names its columns in its own signature, whatever their number.
#![allow(clippy::type_complexity)]

mod checkpoint;
mod control;
mod definition;
mod job;
mod preview;
mod rejects;
mod report;
mod schedule;
mod source;
mod stream;
mod wait;

use crate::catalog::job::Job;
use crate::error::{Error, Kind, Result};
use crate::pg::role;

/// An argument that has to be there, of a function that is called with NULLs.
fn given<T>(what: &str, argument: Option<T>) -> Result<T> {
    argument.ok_or_else(|| {
        Error::new(Kind::InvalidParameter, format!("{what} must not be null"))
            .with_sqlstate(*b"22004")
    })
}

/// The texts of an array, none of which may be NULL.
fn names(what: &str, array: Option<Vec<Option<String>>>) -> Result<Vec<String>> {
    let array = given(what, array)?.into_iter();
    array.map(|name| given(what, name)).collect()
}

/// The job, if the current role may act for its owner.
fn own_job(name: &str) -> Result<Job> {
    let job = crate::catalog::job::get(name)?;
    role::require_privileges_of(job.owner(), &job.job)?;
    Ok(job)
}
