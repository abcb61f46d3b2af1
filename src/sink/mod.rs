//! Where rows arrive: creating and checking target tables, copying, merging. On the main thread,
//! in the caller's transaction, as the job's owner.

pub mod apply;
pub mod copy;
pub mod stage;
pub mod target;
