//! A table is changed at the source while everybody writes: the copy follows, or it stops before the
//! first row of the new shape. No row is ever read by the shape of another.

mod cases;
mod trial;

use crate::support::fixture::{Databases, shared};
use crate::support::mariadb::mysql_root;
use crate::support::stream_fixture::logging_source;
use trial::Trial;

/// All cases with one `on_ddl`; then the units that have stopped are copied anew.
#[track_caller]
fn try_all(test: Databases, on_ddl: &'static str) {
    let mut trial = Trial::run(test, on_ddl);
    let faults = trial.faults();
    assert!(faults.is_empty(), "on_ddl {on_ddl}:\n{}", faults.join("\n"));
    // What was ignored is not to be had by anything but a copy.
    if on_ddl == "ignore" {
        trial
            .test
            .pg
            .rows("SELECT sync_alter_job('j', '{\"on_ddl\": \"apply\"}')");
        trial.restore_all();
    } else {
        trial.restore_parked();
    }
    trial.test.assert_followed("j");
    trial.test.end_stream("j");
}

#[test]
fn what_is_known_is_applied_and_the_rest_stops_a_unit() {
    try_all(Databases::logged("ddl_apply"), "apply");
}

#[test]
fn a_unit_stops_at_any_change_that_is_to_be_seen_to() {
    try_all(Databases::logged("ddl_pause"), "pause");
}

#[test]
fn what_is_ignored_harms_nothing_else() {
    try_all(Databases::logged("ddl_ignore"), "ignore");
}

#[test]
fn a_changed_table_is_copied_anew() {
    try_all(Databases::logged("ddl_resync"), "resync");
}

#[test]
fn a_log_that_names_no_columns_shifts_none() {
    let least = match mysql_root() {
        Some(_) => "--binlog-row-metadata=MINIMAL",
        None => "--binlog-row-metadata=NO_LOG",
    };
    let source = logging_source(&[least]);
    let test = Databases::new("ddl_unnamed", &source, &shared().postgres);
    try_all(test, "unnamed");
}
