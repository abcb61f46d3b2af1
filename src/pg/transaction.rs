//! Transactions of a background worker: either all of `work` commits or nothing.

use std::ffi::{c_int, c_uint};
use std::time::Duration;

use pgrx::pg_sys;

use super::report;
use crate::error::{Error, Kind, Result};

/// `TimeoutId` of utils/timeout.h, the same from PostgreSQL 14 to 18.
const STATEMENT_TIMEOUT: c_uint = 3;

// What pgrx does not bind of utils/timeout.h.
unsafe extern "C-unwind" {
    fn enable_timeout_after(id: c_uint, delay_ms: c_int);
    fn disable_timeout(id: c_uint, keep_indicator: bool);
    fn get_timeout_indicator(id: c_uint, reset_indicator: bool) -> bool;
}

/// Runs `work` in a transaction of its own. Commits when it returns `Ok`; rolls back when it
/// returns `Err`, panics or raises an ERROR. Only for processes that own their transactions.
pub fn run<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let outcome = report::catch(|| {
        // SAFETY: the process is a background worker between transactions; an ERROR raised by any
        // of these calls is caught by `report::catch`.
        unsafe {
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        let value = work()?;
        // SAFETY: the snapshot pushed above is the active one; `work` leaves none behind.
        unsafe {
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
        }
        Ok(value)
    });
    // SAFETY: as above; AbortCurrentTransaction is what the server's own loops call after an
    // ERROR, whatever state the transaction is in.
    unsafe {
        if outcome.is_err() {
            pg_sys::AbortCurrentTransaction();
        }
        pg_sys::pgstat_report_stat(false);
    }
    outcome
}

/// Work that is cancelled when it takes longer than that. The server's own statement_timeout counts
/// only what a client has sent. The work catches its ERRORs itself, as a transaction or a
/// subtransaction does.
pub fn within<T>(limit: Duration, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let milliseconds = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the timeout was registered when the process connected; its handler asks this process to
    // cancel what it does, as pg_cancel_backend would.
    unsafe { enable_timeout_after(STATEMENT_TIMEOUT, milliseconds) };
    let outcome = work();
    // SAFETY: as above; one that has fired is not there to be disabled. If the work was done before it
    // was cancelled, what follows is not to be.
    unsafe {
        disable_timeout(STATEMENT_TIMEOUT, true);
        if get_timeout_indicator(STATEMENT_TIMEOUT, true) && outcome.is_ok() {
            pg_sys::QueryCancelPending = 0;
        }
    }
    outcome
}

/// Runs `work` in a subtransaction: an error undoes what it did and nothing else.
pub fn attempt<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: inside a transaction; memory context and resource owner are put back after either
    // end, as the server's own languages do it. What `work` leaves in memory goes with a context of its
    // own; what it returns is Rust's.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        let own = pg_sys::AllocSetContextCreateInternal(
            context,
            c"tributary attempt".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        );
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(own);
        let outcome = report::catch(|| {
            let value = work()?;
            pg_sys::ReleaseCurrentSubTransaction();
            Ok(value)
        });
        if outcome.is_err() {
            pg_sys::MemoryContextSwitchTo(context);
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::MemoryContextDelete(own);
        pg_sys::CurrentResourceOwner = owner;
        outcome
    }
}

/// Runs `work` in a subtransaction that is undone whatever comes of it: what it sets for itself would
/// outlive one that commits.
pub fn peek<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut found = None;
    let undone = attempt(|| {
        found = Some(work()?);
        Err(Error::new(Kind::Cancelled, "what was looked at is undone"))
    });
    match found {
        Some(value) => Ok(value),
        None => undone,
    }
}

/// This transaction's commit need not wait for the disk: what it lost in a crash of the server, it
/// lost together with its cursor.
pub fn commit_without_waiting() {
    super::guc::set_local(c"synchronous_commit", c"off");
}

/// Makes what the transaction has done so far visible to what follows in it, and takes a fresh
/// snapshot.
pub fn advance() {
    // SAFETY: inside a transaction with an active snapshot pushed by `run`.
    unsafe {
        pg_sys::CommandCounterIncrement();
        pg_sys::PopActiveSnapshot();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    }
}
