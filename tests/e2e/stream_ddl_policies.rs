//! When a change of a table takes effect, and who decides that: with the first row of the new shape, by
//! the unit's policy before the job's, whatever else was changed meanwhile.

use crate::support::fixture::{Databases, LONG, numbers, shared};
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::stream_fixture::logging_source;
use crate::support::wait::wait_until;

fn make(test: &mut Databases) {
    for unit in ["t", "beside"] {
        test.my.run(&[
            &format!("CREATE TABLE {unit} (id int PRIMARY KEY, a varchar(20), c varchar(20) DEFAULT 'c', b varchar(20))"),
            &format!("INSERT INTO {unit} (id, a, b) SELECT n, CONCAT('a ', n), CONCAT('b ', n) FROM ({}) numbers", numbers(1, 50)),
        ]);
    }
}

fn followed(name: &str, options: &str) -> Databases {
    let mut test = Databases::logged(name);
    make(&mut test);
    test.stream_job("j", options);
    test.start("j");
    test.wait_streaming("j");
    test
}

/// Names of the target's columns.
fn columns(test: &mut Databases, unit: &str) -> String {
    test.pg.text(&format!(
        "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'j.{unit}'::regclass AND attnum > 0 AND NOT attisdropped"
    ))
}

#[test]
fn a_change_comes_with_the_first_row_of_the_new_shape() {
    let mut test = followed("policies_first_row", "{}");
    test.my
        .run(&["ALTER TABLE t ADD COLUMN x varchar(20) DEFAULT 'x' FIRST, DROP COLUMN c"]);
    test.assert_same("beside", "j.beside");
    test.catch_up("j");
    assert_eq!(columns(&mut test, "t"), "a b c id", "nothing yet");
    // Readers see the columns and the row at once, or neither.
    test.my.run(&[
        "BEGIN",
        "UPDATE beside SET a = 'with it'",
        "INSERT INTO t (id, a, x, b) VALUES (1001, 'a 1', 'x 1', 'b 1')",
        "UPDATE t SET x = 'x 2' WHERE id = 2",
        "COMMIT",
    ]);
    let mut reader = shared().postgres.connect(&test.name);
    let state = "SELECT concat_ws(' ', \
         (SELECT count(*) FROM pg_attribute WHERE attrelid = 'j.t'::regclass AND attname = 'x'), \
         (SELECT count(*) FROM j.t WHERE id = 1001), \
         (SELECT count(*) > 0 FROM j.beside WHERE a = 'with it'))";
    let mut seen = Vec::new();
    wait_until("the row is here", LONG, || {
        let now = reader.text(state);
        let done = now == "1 1 t";
        seen.push(now);
        done
    });
    seen.dedup();
    let other: Vec<&String> = seen
        .iter()
        .filter(|state| !["0 0 f", "1 1 t"].contains(&state.as_str()))
        .collect();
    assert!(other.is_empty(), "{other:?}");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn what_a_person_decides_after_a_pause_is_done() {
    let mut test = followed("policies_decided", r#"{"on_ddl": "pause"}"#);
    test.my.run(&[
        "ALTER TABLE t ADD COLUMN x varchar(20) DEFAULT 'x' FIRST",
        "INSERT INTO t (id, a, x, b) VALUES (1001, 'a 1', 'x 1', 'b 1')",
        "UPDATE beside SET a = 'on'",
    ]);
    test.assert_stops("t", "42804", "sync_resync('j', 't')");
    test.wait_same("beside");
    // Again and again, and nothing is passed over.
    for _ in 0..2 {
        let before = test.fingerprints(&["t"]);
        test.pg.rows("SELECT sync_retry('j', 't')");
        test.assert_stops("t", "42804", "sync_resync('j', 't')");
        assert_eq!(test.fingerprints(&["t"]), before);
        assert_eq!(columns(&mut test, "t"), "a b c id");
    }
    test.my.run(&[
        "UPDATE t SET x = 'x 5' WHERE id = 5",
        "DELETE FROM t WHERE id = 6",
    ]);
    test.pg.rows(
        r#"SELECT sync_alter_unit('j', 't', '{"on_ddl": "apply"}'); SELECT sync_retry('j', 't')"#,
    );
    test.wait_streaming("j");
    test.assert_followed("j");
    // The unit's own policy comes first, and only for that unit.
    test.my.run(&[
        "ALTER TABLE t DROP COLUMN c",
        "UPDATE t SET a = 'dropped' WHERE id = 1",
        "ALTER TABLE beside DROP COLUMN c",
        "UPDATE beside SET a = 'dropped' WHERE id = 1",
    ]);
    test.assert_stops("beside", "42804", "sync_resync('j', 'beside')");
    test.wait_same("t");
    test.resync_unit("beside");
    test.end_stream("j");
}

#[test]
fn changes_that_pile_up_while_nobody_reads_are_taken_one_after_the_other() {
    for (round, metadata) in ["FULL", "MINIMAL"].iter().enumerate() {
        let argument = format!("--binlog-row-metadata={metadata}");
        let source = logging_source(&[&argument]);
        let mut test = Databases::new(
            &format!("policies_piled_{round}"),
            &source,
            &shared().postgres,
        );
        make(&mut test);
        test.stream("j");
        test.pause();
        test.my.run(&[
            "INSERT INTO t (id, a, c, b) VALUES (101, 'a 101', 'c 101', 'b 101')",
            "ALTER TABLE t ADD COLUMN x varchar(20) DEFAULT 'x' AFTER id",
            "INSERT INTO t (id, x, a, c, b) VALUES (102, 'x 102', 'a 102', 'c 102', 'b 102')",
            "ALTER TABLE t DROP COLUMN x",
            "INSERT INTO t (id, a, c, b) VALUES (103, 'a 103', 'c 103', 'b 103')",
            // Of the same type and at the same place as the one that is gone.
            "ALTER TABLE t DROP COLUMN c, ADD COLUMN d varchar(20) DEFAULT 'd' AFTER a",
            "INSERT INTO t (id, a, d, b) VALUES (104, 'a 104', 'd 104', 'b 104')",
            "ALTER TABLE t MODIFY COLUMN b varchar(20) AFTER id",
            "UPDATE t SET d = 'd 5', a = 'a 55' WHERE id = 5",
            "ALTER TABLE t RENAME COLUMN d TO c",
            "UPDATE t SET c = 'c 6' WHERE id = 6",
            "DELETE FROM t WHERE id = 7",
            "UPDATE beside SET a = 'on'",
        ]);
        test.resume();
        test.wait_same("beside");
        // Each value is in the column it was written to, at every moment.
        let wrong = "SELECT count(*) FROM j.t WHERE a NOT LIKE 'a %' OR b NOT LIKE 'b %'";
        let mut looks = 0;
        wait_until("the unit has come through, or has stopped", LONG, || {
            assert_eq!(test.pg.number(wrong), 0, "{metadata}: shifted columns");
            looks += 1;
            let status = test.unit_status("j", "t");
            let here = test.pg.number("SELECT count(*) FROM j.t WHERE id = 7") == 0;
            status == "failed" || status == "streaming" && here
        });
        if test.unit_status("j", "t") == "failed" {
            println!("{metadata}: {:?}", test.wait_stopped("j", "t"));
            test.assert_stops("t", "42804", "sync_resync('j', 't')");
            test.resync_unit("t");
        }
        test.assert_followed("j");
        test.end_stream("j");
    }
}

#[test]
fn a_table_that_is_changed_while_it_is_copied_is_copied_right_or_not_at_all() {
    let name = "policies_copied";
    let source = logging_source(&[]);
    let proxy = TcpProxy::to(source.port);
    let mut test = Databases::through(proxy.port, name, &source, &shared().postgres);
    for (round, ddl) in [
        "ALTER TABLE t ADD COLUMN x varchar(20) DEFAULT 'x' FIRST",
        "ALTER TABLE t DROP COLUMN c",
        "ALTER TABLE t MODIFY COLUMN b varchar(20) AFTER id",
        "ALTER TABLE t CHANGE COLUMN c b varchar(20), CHANGE COLUMN b c varchar(20)",
        "TRUNCATE TABLE t",
        "RENAME TABLE t TO t_before, beside TO t, t_before TO beside",
    ]
    .into_iter()
    .enumerate()
    {
        test.my.run(&["DROP TABLE IF EXISTS t, beside"]);
        make(&mut test);
        let many = numbers(101, 20_000);
        test.my.run(&[&format!(
            "INSERT INTO t (id, a, b) SELECT n, CONCAT('a ', n), CONCAT('b ', n) FROM ({many}) numbers"
        )]);
        test.stream_job("j", r#"{"chunk_rows": 2000, "workers": 2, "retry_initial": "50 ms", "retry_max": "500 ms"}"#);
        // In the middle of its rows.
        proxy.reset(Fault::HoldAt(250_000));
        test.start("j");
        wait_until("rows are on their way", LONG, || proxy.holding());
        test.my.run(&[
            "UPDATE t SET a = 'a of before' WHERE id % 100 = 0",
            ddl,
            "UPDATE t SET a = 'a of after' WHERE id % 100 = 1",
            "DELETE FROM t WHERE id % 100 = 2",
            "UPDATE beside SET a = 'a of beside' WHERE id = 3",
        ]);
        proxy.set(Fault::None);
        println!("{name}: {round}: {ddl}");
        let [units, failed] = [
            "SELECT count(*) = 2 AND bool_and(status = 'streaming' OR status = 'failed' AND next_retry_at IS NULL) FROM sync_units WHERE job = 'j'",
            "SELECT count(*) FROM sync_units WHERE job = 'j' AND status = 'failed'",
        ];
        let pg = &mut test.pg;
        wait_until("the units have come through, or have stopped", LONG, || {
            pg.text(units) == "t"
        });
        if test.pg.number(failed) > 0 {
            let without = "SELECT count(*) FROM sync_units WHERE job = 'j' AND status = 'failed' AND coalesce(hint, '') = ''";
            assert_eq!(test.pg.number(without), 0, "{ddl}: an error without a hint");
            test.pg.rows("SELECT sync_resync('j', unit) FROM sync_units WHERE job = 'j' AND status = 'failed'");
            test.wait_streaming("j");
        }
        test.assert_followed("j");
        test.end_stream("j");
        test.pg
            .rows("SELECT sync_drop_job('j'); DROP SCHEMA j CASCADE");
    }
}

#[test]
fn tables_that_exchange_their_names_are_not_mixed_up() {
    let mut test = followed("policies_exchanged", "{}");
    test.my.run(&[
        "UPDATE t SET a = 'of t'",
        "UPDATE beside SET a = 'of beside'",
        "RENAME TABLE t TO x, beside TO t, x TO beside",
        "UPDATE t SET b = 'b of t' WHERE id = 1",
        "DELETE FROM beside WHERE id = 2",
    ]);
    for unit in ["t", "beside"] {
        test.assert_stops(unit, "0A000", &format!("sync_resync('j', '{unit}')"));
    }
    let mixed = test.pg.number(
        "SELECT (SELECT count(*) FROM j.t WHERE a <> 'of t') + (SELECT count(*) FROM j.beside WHERE a <> 'of beside')",
    );
    assert_eq!(mixed, 0);
    test.resync();
    test.end_stream("j");
}

#[test]
fn a_database_that_is_dropped_stops_its_units() {
    let source = logging_source(&[]);
    let mut test = Databases::new("policies_dropped", &source, &shared().postgres);
    make(&mut test);
    test.stream("j");
    let before = test.fingerprints(&["t", "beside"]);
    test.my.run(&[
        "CREATE DATABASE kept",
        "DROP DATABASE kept",
        "DROP DATABASE policies_dropped",
        "CREATE DATABASE policies_dropped",
        "USE policies_dropped",
    ]);
    // By the statement in the log, or because nobody can connect to it.
    for unit in ["t", "beside"] {
        let stopped = test.wait_stopped("j", unit);
        let sqlstate = stopped.sqlstate.as_str();
        assert!(["0A000", "HV00R"].contains(&sqlstate), "{stopped:?}");
    }
    assert_eq!(test.fingerprints(&["t", "beside"]), before);
    make(&mut test);
    test.my.run(&[&insert_few("t")]);
    test.resync();
    test.end_stream("j");
}

fn insert_few(table: &str) -> String {
    format!("INSERT INTO {table} (id, a, b) VALUES (901, 'a', 'b'), (902, 'a', 'b')")
}
