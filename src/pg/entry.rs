//! The functions that the postmaster calls by name in a background worker, and what each leads to:
//! told once when the library is loaded, since this layer cannot name those above it.

use std::sync::OnceLock;

use pgrx::{pg_guard, pg_sys};

/// The main functions of the processes.
#[derive(Debug, Clone, Copy)]
pub struct Mains {
    pub launcher: fn(),
    pub supervisor: fn(),
    pub worker: fn(),
}

static MAINS: OnceLock<Mains> = OnceLock::new();

/// Called from `_PG_init`; a second load of the library finds the same.
pub fn define(mains: Mains) {
    MAINS.get_or_init(|| mains);
}

fn run(main: impl FnOnce(&Mains) -> fn()) {
    if let Some(mains) = MAINS.get() {
        main(mains)();
    }
}

/// SAFETY of the three names: exported once, and found nowhere else in the server.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn tributary_launcher_main(_argument: pg_sys::Datum) {
    run(|mains| mains.launcher);
}

#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn tributary_supervisor_main(_argument: pg_sys::Datum) {
    run(|mains| mains.supervisor);
}

#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn tributary_worker_main(_argument: pg_sys::Datum) {
    run(|mains| mains.worker);
}
