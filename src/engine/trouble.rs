//! What becomes of errors that the supervisor meets: they are logged and it goes on, as long as there is a
//! catalog.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::processes;
use crate::catalog::job::Job;
use crate::catalog::run::Run;
use crate::error::{Error, Kind, Result};
use crate::pg::{guc, role, transaction, worker};

/// The same error of the same run is logged so often.
const AGAIN: Duration = Duration::from_secs(60);
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
    if error.sqlstate() != LOCK_NOT_AVAILABLE && is_news(what, &error.message) {
        worker::log_error(what, &error);
    }
    Ok(())
}

/// What lasts is met at each look: it is said once a minute.
fn is_news(what: &str, message: &str) -> bool {
    thread_local! {
        static SAID: RefCell<HashMap<String, (String, Instant)>> = RefCell::default();
    }
    SAID.with_borrow_mut(|said| {
        said.retain(|_, (_, at)| at.elapsed() < AGAIN);
        let news = said.get(what).is_none_or(|(before, _)| before != message);
        if news {
            said.insert(what.to_owned(), (message.to_owned(), Instant::now()));
        }
        news
    })
}

/// A transaction that gives up rather than wait for a lock: whoever holds one row does not hold up all jobs.
pub fn patient<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    transaction::run(|| {
        guc::set_local(c"lock_timeout", c"200ms");
        work()
    })
}

pub fn no_owner(job: &Job) -> Error {
    Error::new(
        Kind::ObjectMissing,
        format!("the owner of job \"{}\" does not exist any more", job.job),
    )
    .with_hint("drop the job and create it as another role")
}

pub fn cannot_begin(job: &Job) -> Error {
    let owner = role::name(job.owner());
    Error::new(
        Kind::PrivilegeMissing,
        format!("workers end before they begin: role \"{owner}\" cannot connect to this database"),
    )
    .with_hint("the server log says why; fix it and call sync_retry")
}
