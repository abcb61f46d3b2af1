//! Integration tests: real servers, real workers. One file per claim; each test is named after what
//! holds. `tests/support` has the servers and the independent comparison.

#[path = "../support/mod.rs"]
mod support;

mod casts;
mod checkpoints;
mod copies;
mod crash_rejects;
mod crash_worker;
mod foreign_objects;
mod harness;
mod lifecycle;
mod monitoring;
mod policies;
mod rejects;
mod removal;
mod report;
mod restart;
mod rights;
mod schedules;
mod schema_options;
mod schemas;
mod soak;
mod source_faults;
mod starting;
mod stream_cascades;
mod stream_changes;
mod stream_check;
mod stream_control;
mod stream_ddl;
mod stream_ddl_policies;
mod stream_failover;
mod stream_formats;
mod stream_hostile;
mod stream_invariant;
mod stream_options;
mod stream_parked;
mod stream_position;
mod stream_resync;
mod stream_rows;
mod stream_torn;
mod stream_types;
mod stream_unusual;
mod stream_wait;
mod superuser;
mod tuning;
mod two_jobs;
mod types_matrix;
mod types_random;
mod units_alone;
mod upgrade;
mod values;
mod versions;
