//! Who waits for whom: the gauges of copies and of streams, and what becomes of a full buffer.

use crate::support::fixture::{Databases, LONG, shared};
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::wait::{seconds, wait_for, wait_until};

#[test]
fn a_full_buffer_is_an_error_where_that_is_wanted() {
    let mut test = Databases::shared("overflow");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, body longtext)",
        "INSERT INTO t SELECT n, REPEAT('x', 200000) FROM (SELECT 1 n UNION SELECT 2) s",
    ]);
    for id in 3..200 {
        test.my.run(&[&format!(
            "INSERT INTO t SELECT {id}, body FROM t WHERE id = 1"
        )]);
    }
    test.pg
        .rows("CREATE SCHEMA j; CREATE TABLE j.t (id int PRIMARY KEY, body text)");
    test.pg.rows("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$");
    test.pg
        .rows("CREATE TRIGGER slow BEFORE INSERT ON j.t FOR EACH ROW EXECUTE FUNCTION slow()");
    test.job(
        "j",
        r#"{"overflow": "error", "max_attempts": 1, "existing_rows": "replace"}"#,
    );
    test.start("j");
    assert_eq!(test.end("j"), "failed");
    let [error, hint] = test.failure("j", "t");
    assert!(
        error.starts_with("the buffer between the source and PostgreSQL is full"),
        "{error}"
    );
    assert_eq!(
        hint,
        "SELECT sync_alter_job('j', '{\"overflow\": \"block\"}'); has the source wait"
    );
    test.alter("j", r#"{"overflow": "block"}"#);
    test.pg.rows("SELECT sync_retry('j')");
    test.finish("j");
    test.assert_equal("j");
    let waits = "SELECT target_wait > '1 s' AND buffer_percent IS NULL FROM sync_units";
    assert_eq!(
        test.pg.text(waits),
        "t",
        "the source has waited for PostgreSQL"
    );
}

#[test]
fn a_copy_tells_who_waits_for_whom() {
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut test = Databases::through(proxy.port, "gauges", &shared().mariadb, &shared().postgres);
    test.table("slow_here", 150_000);
    test.table("slow_there", 20_000);
    // The source is the faster one, and has filled the buffer.
    test.job_of(
        "j",
        "slow_here",
        r#"{"workers": 1, "chunk_rows": 1000000, "max_rows_per_second": 4000}"#,
    );
    test.start("j");
    let full = "SELECT count(*) FROM sync_units WHERE job = 'j' AND buffer_percent > 50 AND target_wait > '0'";
    wait_until("the buffer is full", LONG, || test.pg.number(full) == 1);
    let metrics = "SELECT count(*) FROM sync_metrics WHERE labels ->> 'job' = 'j' AND \
         (name = 'tributary_unit_buffer_ratio' AND value > 0.5 OR name = 'tributary_unit_target_wait_seconds_total' AND value > 0)";
    assert_eq!(test.pg.number(metrics), 2);
    test.pg.rows("SELECT sync_cancel('j')");
    test.assert_gone();
    // The source says nothing for five seconds.
    test.job_of("k", "slow_there", r#"{"workers": 1, "batch_rows": 500}"#);
    proxy.reset(Fault::HoldAt(1_000_000));
    test.start("k");
    wait_until("the source has gone silent", LONG, || proxy.holding());
    wait_for(seconds(5), || None::<()>);
    proxy.set(Fault::None);
    test.finish("k");
    let waited = "SELECT source_wait > '1 s' FROM sync_units WHERE job = 'k'";
    assert_eq!(test.pg.text(waited), "t");
    test.assert_equal("k");
}

/// A column of `sync_streams` in seconds.
fn stream_seconds(test: &mut Databases, column: &str) -> f64 {
    let text = test.stream_column("j", &format!("extract(epoch FROM {column})::float8"));
    text.parse().expect("seconds")
}

#[test]
fn a_stream_tells_who_waits_for_whom() {
    let mut test = Databases::logged("gauges_stream");
    test.my
        .run(&["CREATE TABLE t (id int PRIMARY KEY, body longtext)"]);
    test.stream("j");
    test.my.run(&["INSERT INTO t VALUES (1, 'first')"]);
    test.catch_up("j");
    // Nothing is written for two seconds.
    let before = stream_seconds(&mut test, "source_wait");
    wait_for(seconds(2), || None::<()>);
    test.my.run(&["INSERT INTO t VALUES (2, 'second')"]);
    test.catch_up("j");
    let after = stream_seconds(&mut test, "source_wait");
    assert!(after - before > 1.0, "{before} s, then {after} s");
    // The target is locked, and the source writes more than what is read ahead.
    let before = stream_seconds(&mut test, "target_wait");
    let mut holder = shared().postgres.connect("gauges_stream");
    holder.rows("BEGIN; LOCK TABLE j.t IN SHARE MODE");
    for first in (100..400).step_by(10) {
        let numbers = crate::support::fixture::numbers(first, first + 9);
        test.my.run(&[&format!(
            "INSERT INTO t SELECT n, REPEAT('x', 100000) FROM ({numbers}) numbers"
        )]);
    }
    wait_for(seconds(3), || None::<()>);
    holder.rows("COMMIT");
    test.catch_up("j");
    let after = stream_seconds(&mut test, "target_wait");
    assert!(after - before > 1.0, "{before} s, then {after} s");
    test.assert_followed("j");
    test.end_stream("j");
}
