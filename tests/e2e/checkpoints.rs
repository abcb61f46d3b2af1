//! Checkpoints are taken by themselves and by name; going back to one reads again from there, and in the
//! end the target is the source.

use crate::support::fixture::{Databases, LONG, insert_rows};
use crate::support::postgres::{Postgres, Settings};
use crate::support::stream_fixture::logging_source;
use crate::support::wait::wait_until;

#[test]
fn a_stream_goes_back_and_comes_to_the_same() {
    let mut test = Databases::logged("rewind_stream");
    test.table("t", 500);
    test.my.run(&[
        "CREATE TABLE loose (n int, name varchar(20))",
        "INSERT INTO loose VALUES (1, 'a'), (1, 'a')",
        "CREATE TABLE coded (id int PRIMARY KEY, code int UNIQUE)",
        "INSERT INTO coded VALUES (1, 1), (2, 2)",
    ]);
    test.stream("j");
    test.my.run(&["DELETE FROM t WHERE id <= 50"]);
    test.catch_up("j");
    test.pg.rows("SELECT sync_savepoint('j', 'before')");
    test.my.run(&[
        &insert_rows("t", 1000, 1400),
        "UPDATE t SET id = id + 5000 WHERE id BETWEEN 100 AND 200",
        "DELETE FROM t WHERE id > 1300 AND id < 1350",
        "UPDATE t SET label = 'changed' WHERE id % 3 = 0",
        "UPDATE coded SET code = 3 WHERE id = 1",
        "UPDATE coded SET code = 1 WHERE id = 2",
        "INSERT INTO loose VALUES (2, 'b'), (1, 'a')",
        "DELETE FROM loose WHERE name = 'a' LIMIT 1",
    ]);
    test.catch_up("j");
    // Rows that were spoilt here come back with the log.
    test.pg
        .rows("DELETE FROM j.t WHERE id BETWEEN 1000 AND 1100");
    assert_eq!(test.pg.number("SELECT sync_rewind('j', 'before')"), 3);
    let notices = test.pg.take_notices();
    assert!(
        notices.iter().any(|notice| notice
            .message
            .contains("unit \"loose\" of job \"j\" is copied anew: it has no key")),
        "{notices:?}"
    );
    test.wait_streaming("j");
    test.assert_followed("j");
    // By the number of a checkpoint, one unit, and by a cursor.
    let id = test
        .pg
        .number("SELECT max(checkpoint_id) FROM sync_checkpoints WHERE savepoint = 'before'");
    assert_eq!(
        test.pg.number(&format!(
            "SELECT sync_rewind('j', checkpoint => {id}, unit => 't')"
        )),
        1
    );
    test.my.run(&["UPDATE t SET amount = 7 WHERE id < 300"]);
    test.wait_streaming("j");
    test.assert_followed("j");
    let cursor = test
        .pg
        .text("SELECT position FROM sync_checkpoints WHERE savepoint = 'before'");
    test.pg.rows(&format!(
        "SELECT sync_rewind('j', unit => 't', cursor => '{cursor}')"
    ));
    test.wait_streaming("j");
    test.assert_followed("j");
    for (call, sqlstate) in [
        ("sync_rewind('j', 'none')", "42704"),
        ("sync_rewind('j')", "22023"),
        ("sync_rewind('j', 'before', 1)", "22023"),
        ("sync_rewind('j', 'before', unit => 'none')", "42704"),
        (
            "sync_rewind('j', unit => 't', cursor => '{\"id\": 1}')",
            "22023",
        ),
        ("sync_rewind('j', cursor => '{}')", "22004"),
        ("sync_savepoint('j', 'before')", "42710"),
        ("sync_savepoint('j', '')", "22023"),
        ("sync_drop_savepoint('j', 'none')", "42704"),
    ] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, sqlstate, "{call}: {error:?}");
    }
    // Ahead of where the unit stands rows would be left out.
    test.pg.rows("SELECT sync_savepoint('j', 'late')");
    test.pg
        .rows("SELECT sync_rewind('j', 'before', unit => 't')");
    test.wait_streaming("j");
    test.pg.rows("SELECT sync_drop_savepoint('j', 'before')");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_position_that_the_source_has_purged_is_told_before_anything_changes() {
    let mariadb = logging_source(&[]);
    let postgres = Postgres::start(Settings::for_tests());
    let mut test = Databases::new("rewind_purged", &mariadb, &postgres);
    test.table("t", 100);
    test.stream("j");
    test.pg.rows("SELECT sync_savepoint('j', 's')");
    test.my.run(&[
        "FLUSH BINARY LOGS",
        &insert_rows("t", 200, 300),
        "FLUSH BINARY LOGS",
    ]);
    test.catch_up("j");
    let (file, _) = crate::support::stream_fixture::source_end(&mut test.my);
    wait_until("the source may purge", LONG, || {
        test.my.run(&[&format!("PURGE BINARY LOGS TO '{file}'")]);
        let first = test.my.rows("SHOW BINARY LOGS").remove(0).remove(0);
        first.as_deref() == Some(file.as_str())
    });
    let error = test.pg.error("SELECT sync_rewind('j', 's')");
    assert_eq!(error.sqlstate, "55000", "{error:?}");
    assert_eq!(test.unit_status("j", "t"), "streaming");
    test.assert_followed("j");
    test.pg.rows("SELECT sync_reset('j')");
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_table_of_another_shape_is_copied_anew() {
    let mut test = Databases::logged("rewind_shape");
    test.table("t", 100);
    test.stream("j");
    test.pg.rows("SELECT sync_savepoint('j', 's')");
    test.my.run(&[
        "ALTER TABLE t ADD extra int",
        "UPDATE t SET extra = id WHERE id < 50",
    ]);
    test.assert_followed("j");
    test.pg.take_notices();
    test.pg.rows("SELECT sync_rewind('j', 's')");
    let notices = test.pg.take_notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.message.contains("another shape")),
        "{notices:?}"
    );
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_full_copy_goes_back_to_its_start() {
    let mut test = Databases::shared("rewind_full");
    test.table("t", 3000);
    test.table("u", 100);
    test.job("j", r#"{"chunk_rows": 500, "batch_rows": 100}"#);
    test.run("j");
    test.pg.rows("SELECT sync_savepoint('j', 's')");
    test.my.run(&[
        "UPDATE t SET label = 'changed' WHERE id % 7 = 0",
        "DELETE FROM t WHERE id < 20",
        &insert_rows("t", 5000, 5100),
    ]);
    assert_eq!(
        test.pg.number("SELECT sync_rewind('j', 's', unit => 't')"),
        1
    );
    test.finish("j");
    test.assert_equal("j");
    test.my.run(&["UPDATE u SET amount = 1"]);
    assert_eq!(test.pg.number("SELECT sync_reset('j')"), 2);
    test.finish("j");
    test.assert_equal("j");
    // In the middle of a copy.
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"max_rows_per_second\": 1000}')");
    test.start("j");
    wait_until("rows arrive", LONG, || {
        test.pg
            .number("SELECT coalesce(max(rows_done), 0) FROM sync_units WHERE unit = 't' AND status = 'running'")
            > 300
    });
    test.pg.rows("SELECT sync_reset('j', 't')");
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"max_rows_per_second\": null}')");
    test.finish("j");
    test.assert_equal("j");
    // The end of a run is a sample.
    let samples = "SELECT string_agg(DISTINCT unit, ',' ORDER BY unit) FROM sync_samples";
    assert_eq!(test.pg.text(samples), "t,u");
    let run = "SELECT trigger || ' ' || attempt FROM sync_runs ORDER BY run_id LIMIT 1";
    assert_eq!(test.pg.text(run), "retry 3");
}

#[test]
fn checkpoints_and_samples_are_taken_and_the_old_ones_go() {
    let mut test = Databases::logged("checkpoints");
    test.table("t", 20_000);
    test.stream_job("j", r#"{"checkpoint_interval": "1 s", "checkpoint_rows": 1000, "batch_rows": 500, "max_rows_per_second": 4000}"#);
    test.start("j");
    test.wait_streaming("j");
    wait_until("three and more", LONG, || {
        test.pg.number("SELECT count(*) FROM sync_checkpoints") >= 3
    });
    let first = test.pg.rows("SELECT units -> 't' ->> 'status', rows_done::text FROM sync_checkpoints ORDER BY 1 LIMIT 1").remove(0);
    assert!(first[0].is_some(), "{first:?}");
    test.my.run(&["UPDATE t SET amount = 3 WHERE id < 2000"]);
    test.catch_up("j");
    wait_until("samples of the stream", LONG, || {
        test.pg.text("SELECT string_agg(DISTINCT '<' || unit || '>', '' ORDER BY '<' || unit || '>') FROM sync_samples") == "<>"
    });
    // What is old goes; a savepoint and the last ten stay.
    test.pg.rows("SELECT sync_savepoint('j', 'kept')");
    for table in ["checkpoint", "event", "sample"] {
        test.pg.rows(&format!(
            "UPDATE tributary.{table} SET at = at - interval '100 days'"
        ));
    }
    let events = test.pg.number("SELECT count(*) FROM sync_events");
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"retention\": \"1 h\"}')");
    wait_until("the old ones go", LONG, || {
        test.pg
            .number("SELECT count(*) FROM sync_events WHERE at < now() - interval '50 days'")
            == 0
    });
    assert!(events > 0);
    wait_until("no more than ten old ones stay", LONG, || {
        test.pg.number("SELECT count(*) FROM sync_checkpoints WHERE at < now() - interval '50 days' AND savepoint IS NULL") <= 10
    });
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM sync_checkpoints WHERE savepoint = 'kept'"),
        1
    );
    test.end_stream("j");
}
