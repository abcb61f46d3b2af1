//! What the log holds is up to the source and to each session there: another format, images with holes,
//! compression, checksums. Rows arrive as they are, or the unit stops and says what is to be set.

use crate::support::canonical::is_mysql;
use crate::support::fixture::{Databases, insert_rows, shared};
use crate::support::stream_fixture::logging_source;

/// `t` is written to in a way of its own; `beside` goes on, whatever becomes of `t`.
fn followed(name: &str) -> Databases {
    let mut test = Databases::logged(name);
    begin(&mut test);
    test
}

fn begin(test: &mut Databases) {
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, label varchar(200), body mediumtext, amount decimal(12,2))",
        "INSERT INTO t VALUES (1, 'one', REPEAT('1', 500), 1), (2, 'two', REPEAT('2', 500), 2), (3, NULL, NULL, NULL)",
        "CREATE TABLE outside (id int PRIMARY KEY, n int)",
        "INSERT INTO outside VALUES (1, 1), (2, 2)",
    ]);
    test.table("beside", 10);
    test.stream_job_of(
        "j",
        "t,beside",
        r#"{"retry_initial": "50 ms", "retry_max": "500 ms"}"#,
    );
    test.start("j");
    test.wait_streaming("j");
}

/// The unit stops and the other goes on; then the session is mended, and the unit copied anew.
#[track_caller]
fn assert_refused(test: &mut Databases, sqlstate: &str, hint: &str, mend: &[&str]) {
    let id = test.my.text("SELECT COALESCE(MAX(id), 0) + 1 FROM beside");
    let id = id.parse().expect("a number");
    test.assert_stops("t", sqlstate, hint);
    test.my.run(mend);
    test.my.run(&[&insert_rows("beside", id, id + 5)]);
    test.wait_same("beside");
    // Nothing is different on the second look, and nothing is passed over.
    let before = test.fingerprints(&["t"]);
    test.pg.rows("SELECT sync_retry('j', 't')");
    test.assert_stops("t", sqlstate, hint);
    assert_eq!(test.fingerprints(&["t"]), before);
    test.my.run(&["UPDATE t SET label = CONCAT(label, '.')"]);
    test.resync_unit("t");
}

const ROW: &str = "SET SESSION binlog_format = 'ROW'";
const STATEMENT: &str = "SET SESSION binlog_format = 'STATEMENT'";

#[test]
fn a_statement_in_the_log_stops_the_unit_whose_rows_it_changes() {
    let mut test = followed("formats_statement");
    let hint = "SET GLOBAL binlog_format = 'ROW'";
    let everything: [&[&str]; 5] = [
        &["UPDATE t SET amount = amount + 1 WHERE id < 3"],
        &["INSERT INTO t VALUES (10, 'ten', NULL, 10) ON DUPLICATE KEY UPDATE amount = 10"],
        &["DELETE FROM t WHERE id = 10"],
        &["UPDATE outside JOIN t USING (id) SET t.label = 'joined', outside.n = 7"],
        &[
            "BEGIN",
            "UPDATE outside SET n = n + 1",
            "REPLACE INTO t (id, label) VALUES (3, 'three')",
            "COMMIT",
        ],
    ];
    for statements in everything {
        test.my.run(&[STATEMENT]);
        test.my.run(statements);
        assert_refused(&mut test, "0A000", hint, &[ROW]);
    }
    // By the name of its database, from another one.
    let name = test.name.clone();
    test.my.run(&[
        &format!("CREATE DATABASE IF NOT EXISTS {name}_other"),
        &format!("USE {name}_other"),
        STATEMENT,
        &format!("UPDATE {name}.t SET amount = 99 WHERE id = 1"),
        &format!("USE {name}"),
    ]);
    assert_refused(&mut test, "0A000", hint, &[ROW]);
    test.end_stream("j");
}

#[test]
fn a_statement_about_other_tables_stops_nobody() {
    let mut test = followed("formats_elsewhere");
    let name = test.name.clone();
    test.my.run(&[
        STATEMENT,
        "UPDATE outside SET n = n + 1",
        "INSERT INTO outside SELECT id + 100, 5 FROM t",
        &format!("CREATE DATABASE {name}_other"),
        &format!("CREATE TABLE {name}_other.t (id int PRIMARY KEY, n int)"),
        &format!("INSERT INTO {name}_other.t VALUES (1, 1)"),
        &format!("USE {name}_other"),
        "UPDATE t SET n = 5",
        &format!("USE {name}"),
        ROW,
        "UPDATE t SET amount = 7",
    ]);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn images_with_holes_stop_a_unit() {
    let mut test = followed("formats_images");
    let full = "SET SESSION binlog_row_image = 'FULL'";
    let hint = "SET GLOBAL binlog_row_image";
    for change in [
        "UPDATE t SET amount = amount + 1",
        "DELETE FROM t WHERE id = 2",
    ] {
        test.my
            .run(&["SET SESSION binlog_row_image = 'MINIMAL'", change]);
        assert_refused(&mut test, "55000", hint, &[full]);
    }
    test.my.run(&[
        "SET SESSION binlog_row_image = 'NOBLOB'",
        "UPDATE t SET amount = amount + 1",
    ]);
    assert_refused(&mut test, "55000", hint, &[full]);
    // Where there is nothing to leave out, nothing is missed.
    test.my.run(&[
        "SET SESSION binlog_row_image = 'NOBLOB'",
        "UPDATE beside SET amount = amount + 1",
        "INSERT INTO beside SELECT id + 100, label, amount, at FROM beside",
        "DELETE FROM beside WHERE id = 1",
        full,
    ]);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn compression_and_checksums_may_change_at_any_time() {
    let source = logging_source(&[]);
    let mut test = Databases::new("formats_compressed", &source, &shared().postgres);
    begin(&mut test);
    let name = test.name.clone();
    let compressed: [&[&str]; 2] = match is_mysql(&mut test.my) {
        true => [
            &[
                "SET GLOBAL binlog_transaction_compression = ON",
                "SET SESSION binlog_transaction_compression = ON",
            ],
            &[
                "SET GLOBAL binlog_transaction_compression = OFF",
                "SET SESSION binlog_transaction_compression = OFF",
            ],
        ],
        false => [
            &[
                "SET GLOBAL log_bin_compress_min_len = 10",
                "SET GLOBAL log_bin_compress = ON",
            ],
            &["SET GLOBAL log_bin_compress = OFF"],
        ],
    };
    let mut first = 1000;
    for round in 0..3 {
        for switch in [
            compressed[0],
            &["SET GLOBAL binlog_checksum = NONE"],
            compressed[1],
            &["SET GLOBAL binlog_checksum = CRC32"],
        ] {
            test.my.run(switch);
            // Of a new session, of this one, and of one transaction that is large.
            let mut client = source.connect(Some(&name));
            client.run(&[&insert_rows("beside", first + 1, first + 10)]);
            test.my.run(&[
                "UPDATE t SET body = CONCAT(COALESCE(body, ''), REPEAT('x', 1000)), amount = amount + 1",
                &format!("INSERT INTO t VALUES ({first}, REPEAT('é', 200), REPEAT('a', 60000), 1.25)"),
                "BEGIN",
                &insert_rows("beside", first + 11, first + 3000),
                "UPDATE beside SET label = REVERSE(label) WHERE id % 3 = 0",
                "UPDATE t SET label = NULL WHERE id = 1",
                "DELETE FROM beside WHERE id % 5 = 0",
                "COMMIT",
                "CREATE TABLE IF NOT EXISTS some_table_with_a_long_definition (id int PRIMARY KEY, label varchar(100) DEFAULT 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')",
            ]);
            first += 4000;
            if round == 1 {
                test.assert_followed("j");
            }
        }
    }
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_large_compressed_transaction_arrives() {
    let extra = match crate::support::mariadb::mysql_root() {
        Some(_) => "--binlog-transaction-compression=ON",
        None => "--log-bin-compress=ON",
    };
    let source = logging_source(&[extra]);
    let mut test = Databases::new("formats_large", &source, &shared().postgres);
    begin(&mut test);
    test.my.run(&[
        "BEGIN",
        &insert_rows("beside", 1001, 200_000),
        "UPDATE beside SET amount = -amount WHERE id % 2 = 0",
        "INSERT INTO t SELECT id, label, REPEAT(label, 300), amount FROM beside WHERE id BETWEEN 2001 AND 4000",
        "DELETE FROM beside WHERE id % 7 = 0",
        "COMMIT",
    ]);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_log_that_names_no_columns_is_read_by_the_schema() {
    let extra = match crate::support::mariadb::mysql_root() {
        Some(_) => "--binlog-row-metadata=MINIMAL",
        None => "--binlog-row-metadata=NO_LOG",
    };
    let source = logging_source(&[extra]);
    let mut test = Databases::new("formats_unnamed", &source, &shared().postgres);
    test.my.run(&[
        "CREATE TABLE kinds (id int unsigned PRIMARY KEY, tiny tinyint unsigned, big bigint unsigned, signed mediumint, e enum('x','y','é'), s set('p','q','r'), \
         c char(10) CHARACTER SET latin1, v varchar(300), b varbinary(20), at timestamp(3) NULL, j json, f bit(10))",
        "INSERT INTO kinds VALUES (1, 200, 18446744073709551615, -5, 'é', 'p,r', 'ÿ', 'é', x'00ff', '2024-05-06 07:08:09.123', '{\"a\": 1}', 5)",
    ]);
    test.stream("j");
    test.my.run(&[
        "INSERT INTO kinds VALUES (4294967295, 255, 9223372036854775808, -8388608, 'x', 'q,r', 'é', REPEAT('é', 300), x'', '2024-05-06 07:08:09.999', '[]', 1023)",
        "INSERT INTO kinds (id) VALUES (2147483648)",
        "UPDATE kinds SET tiny = 128, big = big - 1, e = 'y', s = 'p,q,r', c = 'à' WHERE id = 1",
        "DELETE FROM kinds WHERE id = 2147483648",
    ]);
    test.assert_followed("j");
    test.end_stream("j");
}
