//! What becomes of errors that the supervisor meets: they are logged and it goes on, as long as there is a
//! catalog.

use super::processes;
use crate::catalog::run::Run;
use crate::error::{Error, Result};
use crate::pg::{transaction, worker};

/// What a lock_timeout ends with.
const LOCK_NOT_AVAILABLE: &str = "55P03";

pub fn catalog_exists() -> bool {
    transaction::run(|| Ok(processes::extension_exists())).unwrap_or(false)
}

/// What one run could not be helped with is logged; without a catalog there is nothing to go on with.
pub fn told(run: &Run, error: Error) -> Result<()> {
    if !catalog_exists() {
        return Err(error);
    }
    if error.sqlstate() != LOCK_NOT_AVAILABLE {
        worker::log_error(&format!("run {}", run.run_id), &error);
    }
    Ok(())
}

/// As [`told`], for what belongs to no run; a lock that somebody holds is not worth a line.
pub fn missed(error: Error) -> Result<()> {
    if !catalog_exists() {
        return Err(error);
    }
    if error.sqlstate() != LOCK_NOT_AVAILABLE {
        worker::log_error(processes::SUPERVISOR, &error);
    }
    Ok(())
}
