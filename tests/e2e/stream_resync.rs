//! A table of a stream is copied anew: beside the live one, which readers see until the new one takes
//! its place with all that was granted on it, or into it where an exchange would lose something.

use crate::support::fixture::{Databases, LONG, shared};
use crate::support::wait::wait_until;

fn followed(name: &str) -> Databases {
    let mut test = Databases::logged(name);
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, code varchar(20) UNIQUE, n int, KEY n (n)) COMMENT = 'goods'",
        "INSERT INTO t (code, n) VALUES ('a', 1), ('b', 2), ('c', 3)",
        "CREATE TABLE beside (id int PRIMARY KEY, n int)",
        "INSERT INTO beside VALUES (1, 1)",
    ]);
    test.stream("j");
    test
}

fn oid(test: &mut Databases) -> String {
    test.pg.text("SELECT 'j.t'::regclass::oid")
}

/// Names of constraints, indexes and sequences of the table.
fn parts(test: &mut Databases) -> String {
    test.pg.text(
        "SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c \
         WHERE c.relnamespace = 'j'::regnamespace AND c.relname <> 'beside' AND c.relname <> 'beside_pkey'",
    )
}

fn resync_events(test: &mut Databases) -> String {
    test.pg.text(
        "SELECT coalesce(string_agg(message, '; ' ORDER BY event_id), '') FROM sync_events \
         WHERE job = 'j' AND unit = 't' AND status = 'altered'",
    )
}

#[test]
fn a_new_table_takes_the_place_with_what_was_granted() {
    let mut test = followed("resync_grants");
    let before = (oid(&mut test), parts(&mut test));
    test.pg.rows("GRANT SELECT ON j.t TO public");
    test.pg
        .rows("GRANT INSERT ON j.t TO pg_monitor WITH GRANT OPTION");
    test.my
        .run(&["ALTER TABLE t MODIFY n varchar(20), ADD COLUMN more int DEFAULT 7"]);
    test.resync_unit("t");
    test.my
        .run(&["INSERT INTO t (code, n, more) VALUES ('d', 'four', 4)"]);
    test.assert_followed("j");
    assert_ne!(oid(&mut test), before.0);
    assert_eq!(parts(&mut test), before.1);
    let granted = test.pg.text(
        "SELECT string_agg(grantee::regrole || ' ' || privilege_type || ' ' || is_grantable, ', ' ORDER BY grantee) \
         FROM pg_class, aclexplode(relacl) WHERE oid = 'j.t'::regclass AND grantee <> relowner",
    );
    assert_eq!(granted, "- SELECT false, pg_monitor INSERT true");
    assert_eq!(
        test.pg
            .text("SELECT obj_description('j.t'::regclass, 'pg_class')"),
        "goods"
    );
    assert_eq!(
        test.pg
            .text("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tributary_resync%'"),
        "0"
    );
    // The identity goes on behind the last value.
    assert_eq!(
        test.pg
            .text("SELECT nextval(pg_get_serial_sequence('j.t', 'id')) > 3"),
        "t"
    );
    // Another time, from there.
    test.resync_unit("t");
    test.my.run(&["DELETE FROM t WHERE id = 1"]);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn what_an_exchange_would_lose_is_kept() {
    let mut test = followed("resync_kept");
    let before = oid(&mut test);
    for (made, named) in [
        ("CREATE VIEW j.v AS SELECT code FROM j.t", "view j.v"),
        ("CREATE INDEX mine ON j.t (lower(code))", "index j.mine"),
        (
            "CREATE POLICY p ON j.t USING (true)",
            "policy p on table j.t",
        ),
    ] {
        test.pg.rows(made);
        test.resync_unit("t");
        test.my.run(&["UPDATE t SET n = n + 1"]);
        test.assert_followed("j");
        assert_eq!(oid(&mut test), before, "{made}");
        let events = resync_events(&mut test);
        assert!(events.contains(named), "{named}: {events}");
    }
    assert_eq!(test.pg.text("SELECT count(*) FROM j.v"), "3");
    test.end_stream("j");
}

#[test]
fn who_reads_the_live_table_holds_up_nobody_else() {
    let mut test = followed("resync_reader");
    let before = oid(&mut test);
    let mut reader = shared().postgres.connect(&test.name);
    reader.rows("BEGIN");
    reader.rows("SELECT * FROM j.t");
    test.pg.rows("SELECT sync_resync('j')");
    test.my.run(&[
        "INSERT INTO beside VALUES (2, 2)",
        "INSERT INTO t (code, n) VALUES ('d', 4)",
    ]);
    let pg = &mut test.pg;
    wait_until("the other table streams", LONG, || {
        pg.text("SELECT status FROM sync_units WHERE job = 'j' AND unit = 'beside'") == "streaming"
    });
    test.wait_same("beside");
    let pg = &mut test.pg;
    wait_until("the unit says what it waits for", LONG, || {
        pg.text("SELECT status || ' ' || coalesce(error, '') FROM sync_units WHERE job = 'j' AND unit = 't'")
            .contains("catching_up canceling statement due to lock timeout")
    });
    // The reader sees the rows as they were.
    assert_eq!(reader.text("SELECT count(*) FROM j.t"), "3");
    reader.rows("COMMIT");
    test.assert_followed("j");
    assert_ne!(oid(&mut test), before);
    test.end_stream("j");
}
