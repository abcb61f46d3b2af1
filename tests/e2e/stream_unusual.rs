//! Transactions that few applications make, and that a replica must not take for others: in two phases,
//! with tables that do not roll back, with parts of JSON documents.

use crate::support::canonical::is_mysql;
use crate::support::fixture::{Databases, insert_rows};

fn followed(name: &str) -> Databases {
    let mut test = Databases::logged(name);
    test.my
        .run(&["CREATE TABLE outside (id int PRIMARY KEY, n int)"]);
    for unit in ["t", "beside"] {
        test.table(unit, 10);
    }
    test.stream_job_of(
        "j",
        "t,beside",
        r#"{"retry_initial": "50 ms", "retry_max": "500 ms"}"#,
    );
    test.start("j");
    test.wait_streaming("j");
    test
}

#[test]
fn a_transaction_in_two_phases_stops_the_units_it_changes() {
    let mut test = followed("unusual_xa");
    for (round, end) in ["XA COMMIT 'x'", "XA ROLLBACK 'x'"].iter().enumerate() {
        let first = 1001 + round as u64 * 10;
        test.my.run(&[
            "XA START 'x'",
            &insert_rows("t", first, first + 4),
            "UPDATE t SET amount = 0 WHERE id = 1",
            "XA END 'x'",
            "XA PREPARE 'x'",
        ]);
        test.assert_stops("t", "0A000", "sync_resync('j', 't')");
        // A session with a prepared transaction does nothing else.
        let other = test.another_client();
        let mut preparing = std::mem::replace(&mut test.my, other);
        test.my.run(&[&insert_rows("beside", first, first)]);
        test.wait_same("beside");
        preparing.run(&[end]);
        test.resync_unit("t");
    }
    // In one phase it is a transaction like any other.
    test.my.run(&[
        "XA START 'y'",
        &insert_rows("t", 2001, 2005),
        "XA END 'y'",
        "XA COMMIT 'y' ONE PHASE",
        "XA START 'z'",
        "UPDATE t SET amount = 5",
        "XA END 'z'",
        "XA ROLLBACK 'z'",
    ]);
    test.assert_followed("j");
    // One that is none of ours stops nobody, and nothing is lost in between.
    test.my.run(&[
        "XA START 'o'",
        "INSERT INTO outside VALUES (1, 1)",
        "XA END 'o'",
        "XA PREPARE 'o'",
    ]);
    let other = test.another_client();
    let mut preparing = std::mem::replace(&mut test.my, other);
    test.my.run(&[
        &insert_rows("t", 3001, 3003),
        "UPDATE beside SET amount = 3",
    ]);
    test.assert_followed("j");
    preparing.run(&["XA COMMIT 'o'"]);
    test.my.run(&["UPDATE t SET amount = 4"]);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn rows_that_are_rolled_back_in_the_log_do_not_arrive() {
    let mut test = followed("unusual_engines");
    if is_mysql(&mut test.my) {
        // With GTIDs it refuses to change both kinds of tables in one transaction.
        let refused = test
            .my
            .query("CREATE TABLE fixed (id int PRIMARY KEY) ENGINE=MyISAM");
        assert!(refused.is_ok(), "{refused:?}");
        test.my.run(&["BEGIN", "UPDATE t SET amount = 0"]);
        assert!(test.my.query("INSERT INTO fixed VALUES (1)").is_err());
        test.my
            .run(&["ROLLBACK", "UPDATE t SET amount = 1 WHERE id = 1"]);
        test.assert_followed("j");
        test.end_stream("j");
        return;
    }
    test.my
        .run(&["CREATE TABLE fixed (id int PRIMARY KEY) ENGINE=MyISAM"]);
    let transactions: [&[&str]; 3] = [
        &[
            "BEGIN",
            "UPDATE t SET amount = 0",
            "INSERT INTO fixed VALUES (1)",
            "ROLLBACK",
        ],
        &[
            "BEGIN",
            "UPDATE t SET amount = 1 WHERE id = 1",
            "SAVEPOINT s",
            "UPDATE t SET amount = 2",
            "INSERT INTO fixed VALUES (2)",
            "ROLLBACK TO s",
            "COMMIT",
        ],
        // Both in one statement.
        &[
            "CREATE TRIGGER t_fixed AFTER UPDATE ON t FOR EACH ROW REPLACE INTO fixed VALUES (NEW.id)",
            "BEGIN",
            "UPDATE t SET amount = 9",
            "ROLLBACK",
            "DROP TRIGGER t_fixed",
        ],
    ];
    for statements in transactions {
        test.my.run(statements);
        test.my.run(&["UPDATE beside SET amount = amount + 1"]);
        test.wait_same("beside");
        // Right rows, or the unit has stopped and says so.
        if test.unit_status("j", "t") == "failed" {
            test.assert_stops("t", "0A000", "sync_resync('j', 't')");
            test.resync_unit("t");
        }
        test.assert_followed("j");
    }
    test.end_stream("j");
}

#[test]
fn documents_that_change_in_part_arrive_or_are_refused() {
    let mut test = Databases::logged("unusual_json");
    let mysql = is_mysql(&mut test.my);
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, doc json, other json)",
        "INSERT INTO t VALUES (1, '{\"a\": 1, \"b\": [1, 2, 3], \"c\": {\"d\": \"long enough to be worth a part\"}}', '[]'), \
         (2, '[\"x\", null, true, 1.5, -0, 18446744073709551615, 1e300]', NULL), (3, NULL, 'null')",
        "CREATE TABLE beside (id int PRIMARY KEY, doc json)",
        "INSERT INTO beside VALUES (1, '{}')",
    ]);
    test.stream("j");
    let changes = [
        "UPDATE t SET doc = JSON_SET(doc, '$.a', 22)",
        "UPDATE t SET doc = JSON_REPLACE(doc, '$.b[1]', 'two', '$.c.d', 'shorter') WHERE id = 1",
        "UPDATE t SET doc = JSON_REMOVE(doc, '$.b[0]'), other = JSON_ARRAY(id, 'é', JSON_OBJECT('k', id)) WHERE id < 3",
        "INSERT INTO t VALUES (4, JSON_OBJECT('key', REPEAT('v', 70000), 'n', 1), '\"text\"')",
        "UPDATE t SET doc = JSON_SET(doc, '$.n', 2) WHERE id = 4",
        "DELETE FROM t WHERE id = 2",
    ];
    test.my.run(&changes);
    test.assert_followed("j");
    if mysql {
        let whole = "SET SESSION binlog_row_value_options = ''";
        test.my.run(&[
            "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'",
            changes[0],
            changes[4],
            whole,
        ]);
        test.assert_stops("t", "0A000", "binlog_row_value_options = ''");
        test.my.run(&["UPDATE beside SET doc = '{\"k\": 1}'"]);
        test.wait_same("beside");
        test.resync_unit("t");
        test.my.run(&changes[..2]);
        test.assert_followed("j");
    }
    test.end_stream("j");
}
