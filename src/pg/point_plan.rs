//! Statements that are planned once for a session and go through an index row by row.
//!
//! They join a table of the session, of which the planner knows next to nothing, with one that may
//! grow from nothing to billions of rows while the plan is kept. So the plan is made as for a large
//! table, with no other kind of join to choose; and without JIT, which costs more than most of these
//! statements take.

use std::ffi::CString;

use pgrx::pg_sys;

use super::guc;
use crate::error::{Error, Kind, Result};

/// A statement without parameters that writes.
#[derive(Debug)]
pub struct PointPlan {
    plan: pg_sys::SPIPlanPtr,
}

impl PointPlan {
    pub fn new(sql: &str) -> Result<Self> {
        let text = CString::new(sql)
            .map_err(|_| Error::new(Kind::InvalidParameter, "a statement contains a NUL byte"))?;
        connected(|| {
            // SAFETY: connected to SPI; an ERROR unwinds to the caller's `catch`. A plan that is kept lives
            // in memory of the session.
            let plan = unsafe {
                let plan = pg_sys::SPI_prepare(text.as_ptr(), 0, std::ptr::null_mut());
                if plan.is_null() || pg_sys::SPI_keepplan(plan) != 0 {
                    return Err(refused());
                }
                plan
            };
            Ok(PointPlan { plan })
        })
    }

    /// Runs the statement; the number of rows it processed.
    pub fn execute(&self) -> Result<u64> {
        connected(|| {
            self.plan_by_index();
            // SAFETY: connected to SPI; the plan is kept until `self` is dropped and takes no parameters.
            unsafe {
                let done = pg_sys::SPI_execute_plan(
                    self.plan,
                    std::ptr::null_mut(),
                    std::ptr::null(),
                    false,
                    0,
                );
                if done < 0 {
                    return Err(refused());
                }
                Ok(pg_sys::SPI_processed)
            }
        })
    }

    /// Makes the plan where there is none that holds. The settings are for that only: triggers that the
    /// statement fires plan as ever.
    fn plan_by_index(&self) {
        let settings = [
            c"enable_hashjoin",
            c"enable_mergejoin",
            c"enable_seqscan",
            c"enable_material",
            c"jit",
        ];
        guc::with_settings(&settings.map(|name| (name, c"off")), || {
            // SAFETY: connected to SPI; the reference to the plan is given back at once, or by the abort
            // after an ERROR.
            unsafe {
                let plan = pg_sys::SPI_plan_get_cached_plan(self.plan);
                if !plan.is_null() {
                    pg_sys::ReleaseCachedPlan(plan, pg_sys::CurrentResourceOwner);
                }
            }
        });
    }
}

impl Drop for PointPlan {
    fn drop(&mut self) {
        // SAFETY: the plan was kept and is not used again.
        unsafe { pg_sys::SPI_freeplan(self.plan) };
    }
}

/// Runs `work` connected to SPI. An `Err` leaves the connection to the abort, which has to follow.
fn connected<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: inside a transaction.
    unsafe { pg_sys::SPI_connect() };
    let value = work()?;
    // SAFETY: closes what was opened above.
    unsafe { pg_sys::SPI_finish() };
    Ok(value)
}

fn refused() -> Error {
    Error::new(Kind::Internal, "a statement could not be prepared or run")
}
