//! What becomes of errors that the supervisor meets: they are logged and it goes on, as long as there is a
//! catalog.

use super::processes;
use crate::catalog::run::Run;
use crate::error::{Error, Result};
use crate::pg::{guc, transaction, worker};

/// What a lock_timeout ends with.
const LOCK_NOT_AVAILABLE: &str = "55P03";

pub fn catalog_exists() -> bool {
    transaction::run(|| Ok(processes::extension_exists())).unwrap_or(false)
}

/// What one run could not be helped with.
pub fn told(run: &Run, error: Error) -> Result<()> {
    noted(&format!("run {}", run.run_id), error)
}

/// What belongs to no run.
pub fn missed(error: Error) -> Result<()> {
    noted(processes::SUPERVISOR, error)
}

/// A lock that somebody holds is not worth a line; without a catalog there is nothing to go on with.
fn noted(what: &str, error: Error) -> Result<()> {
    if !catalog_exists() {
        return Err(error);
    }
    if error.sqlstate() != LOCK_NOT_AVAILABLE {
        worker::log_error(what, &error);
    }
    Ok(())
}

/// A transaction that gives up rather than wait for a lock: whoever holds one row does not hold up all jobs.
pub fn patient<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    transaction::run(|| {
        guc::set_local(c"lock_timeout", c"200ms");
        work()
    })
}
