//! `pg_tributary` pulls tables of other systems into PostgreSQL, from inside PostgreSQL.
//!
//! Layers, each importing only from those before it: `error` and `model` (plain data), `codec` and
//! `plan` (pure decisions), `source` (the other system; on a thread that cannot name PostgreSQL) and
//! `pg` (the one door to PostgreSQL), `catalog` and `sink` (what is written where), `engine` (the
//! processes), `api` (SQL functions). ARCHITECTURE.md has the map.

use pgrx::prelude::*;

pub mod api;
pub mod catalog;
pub mod codec;
pub mod engine;
pub mod error;
pub mod model;
pub mod pg;
pub mod plan;
pub mod report;
pub mod sink;
pub mod source;

pgrx::pg_module_magic!(name, version);

extension_sql_file!("../sql/schema.sql", name = "schema");
extension_sql_file!("../sql/job.sql", name = "job", requires = ["schema"]);
extension_sql_file!("../sql/run.sql", name = "run", requires = ["job"]);
extension_sql_file!("../sql/unit.sql", name = "unit", requires = ["run"]);
extension_sql_file!("../sql/chunk.sql", name = "chunk", requires = ["unit"]);
extension_sql_file!("../sql/reject.sql", name = "reject", requires = ["chunk"]);
extension_sql_file!("../sql/step.sql", name = "step", requires = ["reject"]);
extension_sql_file!("../sql/stream.sql", name = "stream", requires = ["step"]);
extension_sql_file!("../sql/event.sql", name = "event", requires = ["stream"]);
extension_sql_file!("../sql/state.sql", name = "state", requires = ["event"]);
extension_sql_file!(
    "../sql/checkpoint.sql",
    name = "checkpoint",
    requires = ["state"]
);
extension_sql_file!(
    "../sql/sample.sql",
    name = "sample",
    requires = ["checkpoint"]
);
extension_sql_file!("../sql/views.sql", name = "views", requires = ["sample"]);
extension_sql_file!(
    "../sql/monitoring.sql",
    name = "monitoring",
    requires = ["views"]
);
extension_sql_file!(
    "../sql/schedules.sql",
    name = "schedules",
    requires = ["views", sync_schedule, sync_unschedule, sync_next_run]
);
extension_sql_file!("../sql/functions.sql", name = "functions", finalize);

#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    pg::guc::define();
    pg::entry::define(pg::entry::Mains {
        launcher: engine::launcher::main,
        supervisor: engine::supervisor::main,
        worker: engine::worker::main,
    });
    if pg::worker::loading_shared_libraries() {
        engine::processes::register_launcher();
    }
}

/// Tests that run inside a server, each in a transaction that is rolled back: `make test` builds the
/// library with them and calls them as SQL functions.
#[cfg(all(feature = "pg_test", not(test)))]
#[path = "../pg_test/mod.rs"]
mod pg_test_suite;
