//! Where rows arrive: creating and checking target tables, copying, merging. On the main thread,
//! in the caller's transaction, as the job's owner.

pub mod apply;
pub mod copy;
pub mod halves;
mod refused;
pub mod stage;
mod staged;
pub mod swap;
pub mod target;
