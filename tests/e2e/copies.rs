//! Tables arrive whole, whatever their key is, and a second run makes them equal again.

use crate::support::fixture::{Databases, insert_rows, numbers, shared};
use crate::support::wait::{seconds, wait_until};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Small pieces, so that a few thousand rows are many chunks and batches.
const SMALL: &str = r#"{"chunk_rows": 700, "batch_rows": 250, "workers": 3}"#;

#[test]
fn copies_tables_of_every_key_kind() {
    let mut test = Databases::shared("every_key_kind");
    // The name of a table, its definition, its rows out of n from 1 to 3000.
    let tables = [
        (
            "signed_key",
            "id int PRIMARY KEY, v varchar(40)",
            "n - 1500, CONCAT('v', n)",
        ),
        (
            "unsigned_key",
            "id bigint unsigned PRIMARY KEY, v int",
            "18446744073709551615 - n * 7, n",
        ),
        (
            "sparse_key",
            "id bigint PRIMARY KEY, v int",
            "n * n * n * 1000003, n",
        ),
        (
            "composite_key",
            "a int, b varchar(10), v int, PRIMARY KEY (a, b)",
            "n % 20, CONCAT('b', n), n",
        ),
        (
            "three_columns",
            "a date, b smallint, c int, PRIMARY KEY (c, a, b)",
            "'2020-01-01' + INTERVAL n DAY, n % 9, n % 100",
        ),
        (
            "text_key",
            "k varchar(30) PRIMARY KEY, v int",
            "CONCAT(ELT(1 + n % 5, 'a', 'B', 'é', '😀', '_'), n), n",
        ),
        (
            "binary_collation",
            "k varchar(30) COLLATE utf8mb4_bin PRIMARY KEY, v int",
            "CONCAT(ELT(1 + n % 4, 'a', 'A', 'é', 'Z'), n), n",
        ),
        (
            "latin1_key",
            "k varchar(30) CHARACTER SET latin1 PRIMARY KEY, v int",
            "CONCAT(ELT(1 + n % 4, 'a', 'ü', 'é', 'Z'), n), n",
        ),
        (
            "quoted_key",
            "k varchar(30) PRIMARY KEY, v int",
            r#"CONCAT(ELT(1 + n % 4, '\'', '\\', '"', '%'), n), n"#,
        ),
        (
            "binary_key",
            "k binary(16) PRIMARY KEY, v int",
            "UNHEX(LEFT(SHA2(n, 256), 32)), n",
        ),
        (
            "varbinary_key",
            "k varbinary(40) PRIMARY KEY, v int",
            "CONCAT(CHAR(n % 256), CHAR(0), n), n",
        ),
        (
            "date_key",
            "k date PRIMARY KEY, v int",
            "'1900-01-01' + INTERVAL n DAY, n",
        ),
        (
            "datetime_key",
            "k datetime(6) PRIMARY KEY, v int",
            "'2020-01-01' + INTERVAL n * 13 MICROSECOND, n",
        ),
        (
            "timestamp_key",
            "k timestamp(3) PRIMARY KEY, v int",
            "'2020-01-01' + INTERVAL n SECOND, n",
        ),
        (
            "time_key",
            "k time PRIMARY KEY, v int",
            "SEC_TO_TIME(n * 100 - 150000), n",
        ),
        (
            "decimal_key",
            "k decimal(20,6) PRIMARY KEY, v int",
            "(n - 1500) / 7, n",
        ),
        (
            "enum_key",
            "k enum('z', 'y', 'x'), n int, PRIMARY KEY (k, n)",
            "ELT(1 + n % 3, 'x', 'y', 'z'), n",
        ),
        (
            "unique_key",
            "k int NOT NULL, v int, UNIQUE (k)",
            "n * 3, n",
        ),
        (
            "nullable_unique",
            "k int, v int, UNIQUE (k)",
            "NULLIF(n % 10, 0) * n, n",
        ),
        (
            "no_key",
            "a int, b varchar(20)",
            "n % 100, CONCAT('b', n % 7)",
        ),
        ("empty_table", "id int PRIMARY KEY, v text", ""),
        ("empty_without_key", "v text", ""),
        ("one_row", "id int PRIMARY KEY, v text", "n, 'one'"),
    ];
    for (name, columns, row) in tables {
        test.my.run(&[&format!("CREATE TABLE {name} ({columns})")]);
        if !row.is_empty() {
            let last = if name == "one_row" { 1 } else { 3000 };
            let rows = format!(
                "INSERT IGNORE INTO {name} SELECT {row} FROM ({}) numbers",
                numbers(1, last)
            );
            test.my.run(&[&rows]);
        }
    }
    test.job("all", SMALL);
    test.run("all");
    test.assert_equal("all");
    assert_eq!(
        test.pg.number("SELECT count(*) FROM sync_units"),
        tables.len() as i64
    );
    let keyless = "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class c \
                   WHERE relkind = 'r' AND relnamespace = '\"all\"'::regnamespace \
                   AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'p' AND conrelid = c.oid)";
    let expected: BTreeSet<&str> = tables
        .iter()
        .filter(|table| !table.1.contains("PRIMARY KEY"))
        .map(|table| table.0)
        .collect();
    let expected: Vec<&str> = expected.into_iter().collect();
    assert_eq!(
        test.pg.text(keyless),
        expected.join(","),
        "tables without a primary key"
    );
    assert!(
        test.pg
            .number("SELECT count(*) FROM sync_chunks WHERE unit = 'signed_key'")
            > 2
    );
}

#[test]
fn copies_tables_with_awkward_names() {
    let mut test = Databases::shared("awkward_names");
    test.my.run(&[
        "CREATE TABLE `Order Items` (`select` int PRIMARY KEY, `a\"b` varchar(20), `ünï` int)",
        "INSERT INTO `Order Items` VALUES (1, 'x', 2), (2, NULL, 3)",
        "CREATE TABLE `user` (`group` varchar(10) PRIMARY KEY, `order` int)",
        "INSERT INTO `user` VALUES ('a', 1)",
    ]);
    test.job("Odd Job", "{}");
    test.run("Odd Job");
    let rows = test
        .pg
        .rows("SELECT \"select\", \"a\"\"b\", \"ünï\" FROM \"Odd Job\".\"Order Items\" ORDER BY 1");
    let text = |value: &str| Some(value.to_owned());
    assert_eq!(
        rows,
        [
            [text("1"), text("x"), text("2")],
            [text("2"), None, text("3")]
        ]
    );
    assert_eq!(
        test.pg.text("SELECT \"group\" FROM \"Odd Job\".\"user\""),
        "a"
    );
}

#[test]
fn globs_choose_units_at_each_start() {
    let mut test = Databases::shared("globs");
    for name in ["log_a", "log_b", "log_tmp", "other"] {
        test.table(name, 10);
    }
    test.job_of("j", "log_*,!*_tmp", "{}");
    test.run("j");
    let units = "SELECT string_agg(unit, ',' ORDER BY unit) FROM sync_units WHERE job = 'j'";
    assert_eq!(test.pg.text(units), "log_a,log_b");
    test.table("log_new", 10);
    test.run("j");
    assert_eq!(test.pg.text(units), "log_a,log_b,log_new");
    test.assert_equal("j");
}

#[test]
fn units_have_settings_of_their_own() {
    let mut test = Databases::shared("unit_settings");
    test.table("t", 1000);
    test.table("u", 10);
    test.job("j", SMALL);
    test.pg.rows(
        r#"SELECT sync_alter_unit('j', 't', '{"target": "renamed", "columns": ["id", "label"], "filter": "id % 2 = 0", "priority": "high"}')"#,
    );
    test.run("j");
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM j.renamed WHERE id % 2 = 0"),
        500
    );
    assert_eq!(test.pg.number("SELECT count(*) FROM j.renamed"), 500);
    let columns = "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'j.renamed'::regclass AND attnum > 0";
    assert_eq!(test.pg.text(columns), "id,label");
    assert_eq!(
        test.pg
            .text("SELECT priority FROM sync_units WHERE unit = 't'"),
        "high"
    );
}

#[test]
fn a_reload_shows_changes_and_never_an_empty_table() {
    let mut test = Databases::shared("reload");
    test.table("keyed", 20_000);
    test.my
        .run(&["CREATE TABLE unkeyed (a int, b varchar(20))"]);
    test.my.run(&[&format!(
        "INSERT INTO unkeyed SELECT n, 'b' FROM ({}) numbers",
        numbers(1, 5000)
    )]);
    test.job("j", SMALL);
    test.run("j");
    test.assert_equal("j");

    test.my.run(&[
        "UPDATE keyed SET label = NULL WHERE id % 3 = 0",
        "DELETE FROM keyed WHERE id BETWEEN 100 AND 199",
        &insert_rows("keyed", 20_001, 20_300),
        "UPDATE unkeyed SET b = '' WHERE a < 10",
        "INSERT INTO unkeyed VALUES (0, 'new')",
    ]);
    let over = AtomicBool::new(false);
    let looks = thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut pg = shared().postgres.connect("reload");
            let mut looks = 0;
            while !over.load(Ordering::Relaxed) {
                let counts = pg.rows(
                    "SELECT (SELECT count(*) FROM j.keyed), (SELECT count(*) FROM j.unkeyed)",
                );
                let count = |index: usize| {
                    counts[0][index]
                        .as_ref()
                        .and_then(|text| text.parse::<u64>().ok())
                };
                assert!(
                    matches!(count(0), Some(20_000 | 20_200)),
                    "keyed shows {:?} rows",
                    count(0)
                );
                assert!(
                    matches!(count(1), Some(5000 | 5001)),
                    "unkeyed shows {:?} rows",
                    count(1)
                );
                looks += 1;
            }
            looks
        });
        let run = thread::Builder::new()
            .spawn_scoped(scope, || test.run("j"))
            .expect("a thread");
        let result = run.join();
        over.store(true, Ordering::Relaxed);
        let looks = watcher.join().expect("readers always see whole tables");
        result.expect("the reload");
        looks
    });
    assert!(looks > 3, "only {looks} looks");
    test.assert_equal("j");
}

#[test]
fn sync_run_waits_and_reports() {
    let mut test = Databases::shared("sync_run");
    test.table("t", 5000);
    test.job("j", SMALL);
    test.pg.rows("CALL sync_run('j')");
    assert_eq!(test.status("j"), "completed");
    test.assert_equal("j");
    // A run that fails is an error of the statement.
    test.pg.rows("DROP TABLE j.t; CREATE TABLE j.t (id text)");
    let error = test.pg.error("CALL sync_run('j')");
    assert!(error.hint.contains("sync_units"), "{error:?}");
    wait_until("the run is failed", seconds(10), || {
        test.status("j") == "failed"
    });
}

#[test]
fn check_and_plan_say_what_will_happen() {
    let mut test = Databases::shared("check_and_plan");
    test.table("t", 500);
    test.my.run(&[
        "CREATE TABLE nokey (a int)",
        "CREATE TABLE p (g geometry NOT NULL)",
    ]);
    test.job("j", "{}");
    let failed = test.pg.rows(
        "SELECT name, detail, fix FROM sync_check('j') WHERE NOT ok AND name NOT LIKE '%unit%'",
    );
    assert!(failed.is_empty(), "{failed:?}");
    assert!(
        !test
            .pg
            .rows("SELECT name, ok, detail, fix FROM sync_check('j')")
            .is_empty()
    );
    let plan = test
        .pg
        .rows("SELECT unit FROM sync_plan('j') ORDER BY unit");
    assert_eq!(plan.len(), 3, "{plan:?}");
    let ddl = test
        .pg
        .text("SELECT to_jsonb(p)::text FROM sync_plan('j') p WHERE unit = 't'");
    assert!(ddl.contains("CREATE TABLE"), "{ddl}");
    let warning = test
        .pg
        .text("SELECT to_jsonb(p)::text FROM sync_plan('j') p WHERE unit = 'nokey'");
    assert!(warning.contains("key"), "{warning}");
    assert_eq!(
        test.pg.text("SELECT to_regnamespace('j')"),
        "",
        "the plan has changed something"
    );
}
