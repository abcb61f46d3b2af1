//! The launcher: exists only where the library is in shared_preload_libraries, and makes runs
//! survive a restart of the server. It starts a supervisor in each database in turn; one that
//! finds nothing to do leaves at once.

use std::time::{Duration, Instant};

use super::processes;
use crate::error::Result;
use crate::pg::worker;
use crate::pg::{guc, latch};

/// A supervisor that has not left by then has work; the next database's turn.
const PROBE: Duration = Duration::from_secs(2);

pub fn main() {
    worker::begin();
    worker::connect_to_no_database();
    loop {
        worker::reload_configuration_if_asked();
        if let Err(error) = look() {
            worker::log_error(processes::LAUNCHER, &error);
        }
        wait(guc::launcher_naptime());
    }
}

fn look() -> Result<()> {
    for database in worker::connectable_databases()? {
        let Some(handle) = processes::start_supervisor(database) else {
            return Err(worker::no_slot());
        };
        let since = Instant::now();
        while !handle.stopped() && since.elapsed() < PROBE {
            latch::wait(None, PROBE);
        }
    }
    Ok(())
}

/// Waits out the time, whatever wakes the latch meanwhile.
fn wait(time: Duration) {
    let since = Instant::now();
    while let Some(rest) = time.checked_sub(since.elapsed()) {
        if rest.is_zero() {
            return;
        }
        latch::wait(None, rest);
        worker::reload_configuration_if_asked();
    }
}
