//! Background workers: registering them, and what each does first.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};

use pgrx::{pg_guard, pg_sys};

use super::{guc, report, transaction};
use crate::error::{Error, Kind, Result};

const LIBRARY: &CStr = c"pg_tributary";

/// What a background worker is told at its start; travels in `bgw_extra`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Assignment {
    pub database: u32,
    pub role: u32,
    pub run: i64,
}

impl Assignment {
    fn encode(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.database.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.role.to_ne_bytes());
        bytes[8..].copy_from_slice(&self.run.to_ne_bytes());
        bytes
    }

    fn decode(bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, run @ ..] = bytes;
        Assignment {
            database: u32::from_ne_bytes([a, b, c, d]),
            role: u32::from_ne_bytes([e, f, g, h]),
            run: i64::from_ne_bytes(run),
        }
    }
}

/// What happens when the process ends with an exit code other than 0, or the server crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    Never,
    AfterSeconds(u16),
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Title of the process, as in `ps`.
    pub name: String,
    /// `backend_type` in `pg_stat_activity`.
    pub backend_type: &'static str,
    /// The exported entry function.
    pub function: &'static str,
    pub restart: Restart,
    pub assignment: Assignment,
}

fn put(field: &mut [c_char], text: &str) {
    let room = field.len().saturating_sub(1);
    let mut end = room.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for (slot, byte) in field.iter_mut().zip(text.as_bytes().iter().take(end)) {
        *slot = *byte as c_char;
    }
}

impl Registration {
    fn build(&self) -> pg_sys::BackgroundWorker {
        let mut worker = pg_sys::BackgroundWorker::default();
        put(&mut worker.bgw_name, &self.name);
        put(&mut worker.bgw_type, self.backend_type);
        put(&mut worker.bgw_library_name, &LIBRARY.to_string_lossy());
        put(&mut worker.bgw_function_name, self.function);
        worker.bgw_flags =
            (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION) as c_int;
        worker.bgw_start_time = pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished;
        worker.bgw_restart_time = match self.restart {
            Restart::Never => pg_sys::BGW_NEVER_RESTART,
            Restart::AfterSeconds(seconds) => c_int::from(seconds),
        };
        for (slot, byte) in worker.bgw_extra.iter_mut().zip(self.assignment.encode()) {
            *slot = byte as c_char;
        }
        worker
    }
}

/// A worker started by this process, while it has not been forgotten.
#[derive(Debug)]
pub struct Handle(*mut pg_sys::BackgroundWorkerHandle);

impl Handle {
    /// Has the process ended (or never begun, where the postmaster could not start it)?
    pub fn stopped(&self) -> bool {
        let mut pid = 0;
        // SAFETY: the handle came from RegisterDynamicBackgroundWorker and is freed only by drop.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(self.0, &raw mut pid) };
        status == pg_sys::BgwHandleStatus::BGWH_STOPPED
            || status == pg_sys::BgwHandleStatus::BGWH_POSTMASTER_DIED
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle was palloc'ed in TopMemoryContext by `start` and is not used again.
        unsafe { pg_sys::pfree(self.0.cast()) };
    }
}

/// Starts a worker now; `None` where no slot of `max_worker_processes` is free. Takes effect at
/// once, whatever becomes of the transaction; the caller's latch is set when the worker ends.
pub fn start(registration: &Registration) -> Option<Handle> {
    let mut worker = registration.build();
    let mut handle = std::ptr::null_mut();
    // SAFETY: the handle must outlive the transaction, so it is made in TopMemoryContext.
    unsafe {
        worker.bgw_notify_pid = pg_sys::MyProcPid;
        let previous = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let started = pg_sys::RegisterDynamicBackgroundWorker(&raw mut worker, &raw mut handle);
        pg_sys::MemoryContextSwitchTo(previous);
        started.then(|| Handle(handle))
    }
}

/// Registers a worker that the postmaster itself starts; only while shared libraries are loaded.
pub fn register_static(registration: &Registration) {
    let mut worker = registration.build();
    // SAFETY: called from _PG_init under shared_preload_libraries.
    unsafe { pg_sys::RegisterBackgroundWorker(&raw mut worker) };
}

pub fn loading_shared_libraries() -> bool {
    // SAFETY: reads a global.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

// The server's signal handlers by address, since a handler must not go through pgrx's error guard, and
// a check that pgrx does not bind.
unsafe extern "C-unwind" {
    #[link_name = "die"]
    fn handle_terminate(signal: c_int);
    #[link_name = "SignalHandlerForConfigReload"]
    fn handle_reload(signal: c_int);
    #[link_name = "PostmasterIsAliveInternal"]
    fn postmaster_is_alive() -> bool;
}

thread_local! {
    static AT_COMMIT: Cell<Option<fn()>> = const { Cell::new(None) };
    static CALLBACK: Cell<bool> = const { Cell::new(false) };
    static CONNECTED: Cell<bool> = const { Cell::new(false) };
}

/// Calls `action` once when the current transaction has committed, and not when it rolls back.
pub fn at_commit(action: fn()) {
    if !CALLBACK.replace(true) {
        // SAFETY: registered once for the life of the backend.
        unsafe { pg_sys::RegisterXactCallback(Some(transaction_ended), std::ptr::null_mut()) };
    }
    AT_COMMIT.set(Some(action));
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ended(
    event: pg_sys::XactEvent::Type,
    _argument: *mut std::ffi::c_void,
) {
    match event {
        pg_sys::XactEvent::XACT_EVENT_COMMIT => {
            if let Some(action) = AT_COMMIT.take() {
                action();
            }
        }
        pg_sys::XactEvent::XACT_EVENT_ABORT => AT_COMMIT.set(None),
        // Nobody would be woken by COMMIT PREPARED, in whatever session that is.
        pg_sys::XactEvent::XACT_EVENT_PRE_PREPARE if AT_COMMIT.take().is_some() => {
            report::raise(&Error::new(
                Kind::InvalidState,
                "cannot PREPARE a transaction that has started or stopped a run",
            ))
        }
        _ => {}
    }
}

/// First thing in an entry function: the assignment, and signal handlers that interrupt any wait.
/// SIGTERM is FATAL at the next interrupt check, as in any backend.
pub fn begin() -> Assignment {
    // SAFETY: handlers are the server's own; signals are blocked until BackgroundWorkerUnblockSignals,
    // and MyBgworkerEntry is set by the postmaster before the entry function runs.
    unsafe {
        pg_sys::on_proc_exit(Some(stay_away_if_not_connected), pg_sys::Datum::from(0));
        pg_sys::pqsignal(libc::SIGTERM, Some(handle_terminate));
        pg_sys::pqsignal(libc::SIGHUP, Some(handle_reload));
        pg_sys::BackgroundWorkerUnblockSignals();
        let extra = (*pg_sys::MyBgworkerEntry).bgw_extra;
        Assignment::decode(std::array::from_fn(|i| {
            extra.get(i).copied().unwrap_or_default() as u8
        }))
    }
}

/// Runs last of the exit callbacks. A process that could not even connect (its database is gone, or
/// takes nobody) leaves with 0 instead of FATAL's 1: the postmaster does not start it again.
unsafe extern "C-unwind" fn stay_away_if_not_connected(code: c_int, _argument: pg_sys::Datum) {
    if code == 1 && !CONNECTED.get() {
        // SAFETY: proc_exit may be called again from an exit callback; the callbacks already run
        // are not run twice.
        unsafe { pg_sys::proc_exit(0) };
    }
}

/// Ends the process so that the postmaster starts it again, where it was registered so.
pub fn exit_to_be_restarted() -> ! {
    // SAFETY: no transaction is open; exit callbacks release what the process holds.
    unsafe { pg_sys::proc_exit(1) }
}

/// A cancel request that came when nothing was under way is for nobody.
pub fn discard_cancel_request() {
    // SAFETY: the flag is this process's own, set by its signal handler.
    unsafe { pg_sys::QueryCancelPending = 0 };
}

/// Ends the process where the postmaster is gone; waits do that by themselves.
pub fn exit_if_postmaster_died() {
    // SAFETY: reads a pipe; without a postmaster there is nobody to tell anything.
    unsafe {
        if !postmaster_is_alive() {
            pg_sys::proc_exit(1);
        }
    }
}

/// Puts `instead` where the server log and `pg_stat_activity` would show a statement with a secret.
pub fn hide_statement(instead: &'static CStr) {
    // SAFETY: the server only reads the string, which lives for ever; it sets its own pointer again
    // with the next statement.
    unsafe {
        pg_sys::debug_query_string = instead.as_ptr();
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, instead.as_ptr());
    }
}

/// Connects the process to the database as the role; the bootstrap superuser for role 0. A role
/// or database that is not there ends the process.
pub fn connect(assignment: Assignment) -> Result<()> {
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    let flags = pg_sys::BGWORKER_BYPASS_ROLELOGINCHECK;
    #[cfg(not(any(feature = "pg17", feature = "pg18")))]
    let flags = 0;
    // SAFETY: once, before any other use of the database.
    unsafe {
        pg_sys::BackgroundWorkerInitializeConnectionByOid(
            pg_sys::Oid::from(assignment.database),
            pg_sys::Oid::from(assignment.role),
            flags,
        );
    }
    // Whatever ALTER ROLE or ALTER DATABASE says: fixed statements find fixed objects. What COPY is
    // fed is UTF-8. Some settings can only be changed in a transaction.
    transaction::run(|| {
        for (name, value) in [
            (c"search_path", c"pg_catalog, pg_temp"),
            (c"client_encoding", c"UTF8"),
            (c"default_transaction_read_only", c"off"),
            (c"default_transaction_isolation", c"read committed"),
            (c"default_transaction_deferrable", c"off"),
            (c"statement_timeout", c"0"),
            (c"idle_in_transaction_session_timeout", c"0"),
            (c"lock_timeout", c"0"),
        ] {
            guc::set_session(name, value);
        }
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        guc::set_session(c"transaction_timeout", c"0");
        Ok(())
    })?;
    CONNECTED.set(true);
    Ok(())
}

/// Connects to the shared catalogs only.
pub fn connect_to_no_database() {
    // SAFETY: once, before any other use of a catalog.
    unsafe {
        pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0);
    }
    CONNECTED.set(true);
}

/// `datconnlimit` of a database whose DROP was interrupted.
const INVALID: i32 = -2;

/// OIDs of the databases that allow connections; for a process without a database.
pub fn connectable_databases() -> Result<Vec<u32>> {
    transaction::run(|| {
        let mut found = Vec::new();
        // SAFETY: a sequential scan of the shared catalog pg_database inside a transaction.
        unsafe {
            let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
            let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, lock);
            let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
            loop {
                let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
                if tuple.is_null() {
                    break;
                }
                let form = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
                if (*form).datallowconn && !(*form).datistemplate && (*form).datconnlimit != INVALID
                {
                    found.push((*form).oid.to_u32());
                }
            }
            pg_sys::table_endscan(scan);
            pg_sys::table_close(relation, lock);
        }
        Ok(found)
    })
}

/// What `pg_stat_activity` shows of this process; `None` when it waits for work.
pub fn report_activity(text: Option<&str>) {
    let text = text.and_then(|text| std::ffi::CString::new(text).ok());
    // SAFETY: the string is copied by the call.
    unsafe {
        match &text {
            Some(text) => {
                pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, text.as_ptr())
            }
            None => {
                pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_IDLE, std::ptr::null())
            }
        }
    }
}

/// Reads the configuration files again where the postmaster asked for it.
pub fn reload_configuration_if_asked() {
    // SAFETY: the flag is set by the handler installed in `begin`; main thread, no transaction.
    unsafe {
        if pg_sys::ConfigReloadPending != 0 {
            pg_sys::ConfigReloadPending = 0;
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

/// Sets the latch of another process of this server.
pub fn wake(pid: i64) {
    if let Ok(pid) = libc::pid_t::try_from(pid) {
        // SAFETY: SIGUSR1 is what the server's processes wake each other with; the pid was read
        // from the lock table just now, and one that ended meanwhile is not there to be hit.
        unsafe { libc::kill(pid, libc::SIGUSR1) };
    }
}

pub fn database() -> u32 {
    // SAFETY: a global set at connection.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// Is this session one of pg_cron's? It connects as a client, or starts a background worker.
pub fn of_pg_cron() -> bool {
    // SAFETY: NULL, or a NUL-terminated string that lives as long as the setting.
    let client = unsafe { super::role::text(pg_sys::application_name) };
    // SAFETY: NULL in a client's session; its name is an array that ends with NUL.
    let worker = unsafe {
        pg_sys::MyBgworkerEntry
            .as_ref()
            .and_then(|entry| super::role::text(entry.bgw_name.as_ptr()))
    };
    client.is_some_and(|name| name == "pg_cron")
        || worker.is_some_and(|name| name.starts_with("pg_cron"))
}

pub fn pid() -> i64 {
    // SAFETY: a global set at process start.
    i64::from(unsafe { pg_sys::MyProcPid })
}

/// Text travels as UTF-8 everywhere in this extension.
pub fn require_utf8_database() -> Result<()> {
    // SAFETY: reads a global of the connected process.
    if unsafe { pg_sys::GetDatabaseEncoding() } == pg_sys::pg_enc::PG_UTF8 as i32 {
        return Ok(());
    }
    Err(Error::new(
        Kind::InvalidState,
        "the encoding of this database is not UTF8",
    )
    .with_hint("CREATE DATABASE name ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0;"))
}

/// In a transaction with one snapshot for all its statements, others' commits are never seen.
pub fn sees_commits_of_others() -> bool {
    // SAFETY: reads a global of the running transaction.
    unsafe { pg_sys::XactIsoLevel < pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// No slot was free: the error that says so.
pub fn no_slot() -> Error {
    Error::new(
        Kind::InsufficientResources,
        "no background worker slot is free",
    )
    .with_hint("raise max_worker_processes, which needs a restart of the server")
}

/// Logs an error that a background process handled.
pub fn log_error(what: &str, error: &Error) {
    report::log(&format!("{what}: {error} (SQLSTATE {})", error.sqlstate()));
}
