//! Waiting on the main thread. Every wait ends for an interrupt: a cancel or terminate request
//! raises its ERROR or FATAL from here, and the death of the postmaster ends the process.

use std::os::fd::RawFd;
use std::time::Duration;

use pgrx::pg_sys;

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wakeup {
    Readable,
    Latch,
    Timeout,
}

/// Waits for the latch, and for `fd` to become readable where one is given.
pub fn wait(fd: Option<RawFd>, timeout: Duration) -> Wakeup {
    wait_as(pg_sys::PG_WAIT_EXTENSION, fd, timeout)
}

/// Waits because somebody has asked for it, which pg_stat_activity shows as pg_sleep.
pub fn sleep(timeout: Duration) {
    wait_as(pg_sys::WaitEventTimeout::WAIT_EVENT_PG_SLEEP, None, timeout);
}

fn wait_as(event: u32, fd: Option<RawFd>, timeout: Duration) -> Wakeup {
    let mut events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    if fd.is_some() {
        events |= pg_sys::WL_SOCKET_READABLE;
    }
    let milliseconds = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
    // SAFETY: MyLatch is the process's own latch; the descriptor is open for the whole wait.
    let fired = unsafe {
        pg_sys::WaitLatchOrSocket(
            pg_sys::MyLatch,
            events as i32,
            fd.unwrap_or(-1),
            milliseconds,
            event,
        )
    } as u32;
    if fired & pg_sys::WL_LATCH_SET != 0 {
        // SAFETY: resets this process's own latch.
        unsafe { pg_sys::ResetLatch(pg_sys::MyLatch) };
        check_for_interrupts();
    }
    if fired & pg_sys::WL_SOCKET_READABLE != 0 {
        Wakeup::Readable
    } else if fired & pg_sys::WL_LATCH_SET != 0 {
        Wakeup::Latch
    } else {
        Wakeup::Timeout
    }
}

/// Raises a pending cancel or terminate request.
pub fn check_for_interrupts() {
    pgrx::check_for_interrupts!();
}
