//! The extension's own settings, and setting those of the server for a while.

use std::ffi::CStr;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, pg_sys};

static MAX_WORKERS: GucSetting<i32> = GucSetting::<i32>::new(4);
static MAX_WORKERS_PER_JOB: GucSetting<i32> = GucSetting::<i32>::new(64);
static MEMORY_LIMIT: GucSetting<i32> = GucSetting::<i32>::new(64);
static RETENTION: GucSetting<i32> = GucSetting::<i32>::new(30 * 24 * 60);
static LAUNCHER_NAPTIME: GucSetting<i32> = GucSetting::<i32>::new(60);

/// Defines `tributary.*`; called once when the library is loaded.
pub fn define() {
    GucRegistry::define_int_guc(
        c"tributary.max_workers",
        c"Largest number of workers that copy at the same time in one database.",
        c"They are taken from max_worker_processes.",
        &MAX_WORKERS,
        1,
        256,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"tributary.max_workers_per_job",
        c"Largest number of workers that copy for one job at the same time.",
        c"The job's option workers may ask for fewer.",
        &MAX_WORKERS_PER_JOB,
        1,
        256,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"tributary.memory_limit",
        c"Memory for rows on their way from the source, over all workers of a database.",
        c"Each worker has its part, 8MB at most. A row, an event or a transaction may need more by itself.",
        &MEMORY_LIMIT,
        1,
        1_048_576,
        GucContext::Sighup,
        GucFlags::UNIT_MB,
    );
    GucRegistry::define_int_guc(
        c"tributary.retention",
        c"How long ended runs, events, checkpoints, samples and rejects are kept.",
        c"A job's option retention says otherwise for that job.",
        &RETENTION,
        1,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_MIN,
    );
    GucRegistry::define_int_guc(
        c"tributary.launcher_naptime",
        c"Time between two looks of the launcher for databases with unfinished runs.",
        c"The launcher exists only with shared_preload_libraries.",
        &LAUNCHER_NAPTIME,
        1,
        86_400,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    // SAFETY: the prefix is a static NUL-terminated string.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"tributary".as_ptr()) };
}

pub fn max_workers() -> u32 {
    u32::try_from(MAX_WORKERS.get()).unwrap_or(1)
}

pub fn max_workers_per_job() -> u32 {
    u32::try_from(MAX_WORKERS_PER_JOB.get()).unwrap_or(1)
}

/// Bytes.
pub fn memory_limit() -> usize {
    usize::try_from(MEMORY_LIMIT.get()).unwrap_or(1) << 20
}

pub fn retention() -> std::time::Duration {
    std::time::Duration::from_secs(60 * u64::try_from(RETENTION.get()).unwrap_or(1))
}

pub fn launcher_naptime() -> std::time::Duration {
    std::time::Duration::from_secs(u64::try_from(LAUNCHER_NAPTIME.get()).unwrap_or(60))
}

fn set(name: &CStr, value: &CStr, action: pg_sys::GucAction::Type) {
    // SAFETY: NUL-terminated strings; runs as PGC_S_SESSION with the caller's identity. An invalid
    // value raises an ERROR.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            action,
            true,
            0,
            false,
        );
    }
}

/// `SET name = value`.
pub fn set_session(name: &CStr, value: &CStr) {
    set(name, value, pg_sys::GucAction::GUC_ACTION_SET);
}

/// `SET LOCAL name = value`.
pub fn set_local(name: &CStr, value: &CStr) {
    set(name, value, pg_sys::GucAction::GUC_ACTION_LOCAL);
}

/// `SET session_replication_role = replica`, where the role may: triggers and foreign keys of the
/// tables it writes are then quiet, but for triggers that are enabled for replicas. Whether it is
/// so now. It lasts until the session ends or the transaction rolls back. Each change of the setting throws
/// away the session's plans, so it is not set and reset for each transaction.
pub fn as_replica() -> bool {
    // SAFETY: NUL-terminated strings. A refusal is reported at a level below ERROR.
    let set = unsafe {
        let context = match pg_sys::superuser() {
            true => pg_sys::GucContext::PGC_SUSET,
            false => pg_sys::GucContext::PGC_USERSET,
        };
        pg_sys::set_config_option(
            c"session_replication_role".as_ptr(),
            c"replica".as_ptr(),
            context,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SET,
            true,
            pg_sys::DEBUG1 as i32,
            false,
        )
    };
    set > 0
}

/// Takes back what [`as_replica`] has set.
pub fn as_origin() {
    // SAFETY: as above; a value that the role may not set was not set either.
    unsafe {
        pg_sys::set_config_option(
            c"session_replication_role".as_ptr(),
            std::ptr::null(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SET,
            true,
            pg_sys::DEBUG1 as i32,
            false,
        );
    }
}

/// Runs `work` with settings of its own; an ERROR gives them back by the abort that follows it.
pub fn with_settings<T>(settings: &[(&CStr, &CStr)], work: impl FnOnce() -> T) -> T {
    // SAFETY: opens a nest level that is closed below, or by the abort.
    let nest = unsafe { pg_sys::NewGUCNestLevel() };
    for (name, value) in settings {
        set_save(name, value);
    }
    let value = work();
    // SAFETY: closes the level opened above.
    unsafe { pg_sys::AtEOXact_GUC(false, nest) };
    value
}

/// Until the current GUC nest level ends.
pub(super) fn set_save(name: &CStr, value: &CStr) {
    set(name, value, pg_sys::GucAction::GUC_ACTION_SAVE);
}
