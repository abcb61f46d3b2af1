//! The one door to PostgreSQL. Only this layer names `pg_sys` and holds `unsafe`; everything above
//! works with the safe functions here. All of it runs on the backend's main thread; the exception
//! is [`thread`], which makes threads that no signal reaches.
#![allow(unsafe_code)]
// AclMode is 32 bits wide up to PostgreSQL 15 and 64 since.
#![allow(clippy::useless_conversion)]

pub mod allocator;
pub mod catalog_owner;
pub mod copy;
pub mod cron;
pub mod entry;
pub mod guc;
pub mod latch;
pub mod lock;
pub mod point_plan;
pub mod relation;
pub mod report;
pub mod role;
pub mod server;
pub mod session_table;
pub mod spi;
mod statements;
pub mod thread;
pub mod transaction;
pub mod worker;
