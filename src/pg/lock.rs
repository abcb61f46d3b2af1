//! Session advisory locks that say "this process is alive and holds that". They use a fourth lock
//! tag field of our own, so that no advisory lock of a user can collide with one, and they vanish
//! with the process. `pg_locks` shows them as `advisory` with our `objsubid`.

use pgrx::pg_sys;

/// What a lock stands for. The number is `objsubid` in `pg_locks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Claim {
    /// The database's supervisor; id 0.
    Supervisor = 0x5401,
    /// Held in share mode by each worker of a run; id is the run.
    Worker = 0x5402,
    /// Listing the units of a run; id is the run.
    Expand = 0x5403,
    /// Preparing, cutting or finishing a unit; id is the unit.
    Unit = 0x5404,
    /// Copying a chunk; id is the chunk.
    Chunk = 0x5405,
    /// Making an index or a foreign key; id is the step.
    Step = 0x5406,
    /// Following the log for the units in step; id is the run.
    Stream = 0x5407,
    /// Following the log for units that are not in step yet; id is the run.
    CatchUp = 0x5408,
}

impl Claim {
    pub const fn objsubid(self) -> i64 {
        self as u16 as i64
    }
}

fn tag(claim: Claim, id: i64) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        // SAFETY: a plain global that is set once the process is connected to its database.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: (id as u64 >> 32) as u32,
        locktag_field3: id as u32,
        locktag_field4: claim as u16,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

fn acquire(claim: Claim, id: i64, mode: pg_sys::LOCKMODE) -> bool {
    let tag = tag(claim, id);
    // SAFETY: the tag outlives the call; a session lock with dontWait never blocks.
    let result = unsafe { pg_sys::LockAcquire(&raw const tag, mode, true, true) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

/// A held claim; given back when dropped, or by the end of the process.
#[derive(Debug)]
pub struct Held {
    tag: pg_sys::LOCKTAG,
    mode: pg_sys::LOCKMODE,
}

/// Takes the claim if nobody else holds it; never waits. Inside a transaction.
pub fn try_exclusive(claim: Claim, id: i64) -> Option<Held> {
    hold(claim, id, pg_sys::ExclusiveLock as pg_sys::LOCKMODE)
}

/// Joins the other holders of the claim.
pub fn try_shared(claim: Claim, id: i64) -> Option<Held> {
    hold(claim, id, pg_sys::ShareLock as pg_sys::LOCKMODE)
}

fn hold(claim: Claim, id: i64, mode: pg_sys::LOCKMODE) -> Option<Held> {
    acquire(claim, id, mode).then(|| Held {
        tag: tag(claim, id),
        mode,
    })
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: releases the session lock that `hold` took; no transaction is needed.
        unsafe { pg_sys::LockRelease(&raw const self.tag, self.mode, true) };
    }
}
