//! Rows that are not plain arrive by the log too: those that exchange unique values, whose keys differ
//! in their case, that are many or large, that were loaded from a file, with columns nobody wrote.

use crate::support::canonical::is_mysql;
use crate::support::compare::checksums;
use crate::support::fixture::shared;
use crate::support::fixture::{Databases, LONG, insert_rows};
use crate::support::stream_fixture::logging_source;
use crate::support::wait::{wait_for, wait_until};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn rows_exchange_unique_values_in_a_transaction() {
    let mut test = Databases::logged("rows_exchange");
    test.my.run(&[
        "CREATE TABLE seats (id int PRIMARY KEY, seat int NOT NULL UNIQUE, holder varchar(20) NULL UNIQUE, a int, b int, UNIQUE KEY (a, b))",
        "INSERT INTO seats VALUES (1, 1, 'one', 1, 1), (2, 2, 'two', 1, 2), (3, 3, 'three', NULL, 1), (4, 4, NULL, NULL, 1), (5, 5, NULL, 2, NULL)",
        // No key but unique ones, of which one has NULL.
        "CREATE TABLE codes (code int NOT NULL UNIQUE, other int UNIQUE, note varchar(10))",
        "INSERT INTO codes VALUES (1, 10, 'a'), (2, 20, 'b'), (3, NULL, 'c')",
    ]);
    test.stream("j");
    for transaction in [
        &[
            "UPDATE seats SET seat = 0 WHERE id = 1",
            "UPDATE seats SET seat = 1 WHERE id = 2",
            "UPDATE seats SET seat = 2 WHERE id = 1",
        ] as &[&str],
        // A ring of three, by text and by a pair.
        &[
            "UPDATE seats SET holder = NULL, a = NULL WHERE id = 1",
            "UPDATE seats SET holder = 'one', a = 1, b = 1 WHERE id = 2",
            "UPDATE seats SET holder = 'two', a = 1, b = 2 WHERE id = 3",
            "UPDATE seats SET holder = 'three', a = 2, b = 2 WHERE id = 1",
        ],
        // Every row moves up by one.
        &["UPDATE seats SET seat = seat + 1 ORDER BY seat DESC"],
        // The value of a row that goes is taken by one that comes, and by one that stays.
        &[
            "DELETE FROM seats WHERE id = 1",
            "INSERT INTO seats SELECT 6, MAX(seat) + 1, 'three', 2, 2 FROM seats",
        ],
        &[
            "DELETE FROM seats WHERE id = 6",
            "UPDATE seats SET holder = 'three' WHERE id = 4",
        ],
        // A key changes, and the values of the row go to another.
        &[
            "UPDATE seats SET id = 70, holder = NULL WHERE id = 2",
            "INSERT INTO seats VALUES (2, 99, 'one', NULL, NULL)",
        ],
        &[
            "UPDATE seats SET id = 71, seat = 101 WHERE id = 70",
            "UPDATE seats SET id = 70 WHERE id = 3",
            "UPDATE seats SET id = 3 WHERE id = 71",
        ],
        // One row in the place of two.
        &["REPLACE INTO seats SELECT 2, seat, 'two', NULL, NULL FROM seats WHERE id = 70"],
        &[
            "UPDATE codes SET code = 0 WHERE code = 1",
            "UPDATE codes SET code = 1 WHERE code = 2",
            "UPDATE codes SET code = 2 WHERE code = 0",
        ],
        &[
            "UPDATE codes SET other = NULL WHERE code = 1",
            "UPDATE codes SET other = 20 WHERE code = 3",
            "UPDATE codes SET other = 30 WHERE code = 1",
        ],
        &["REPLACE INTO codes VALUES (3, 30, 'd')"],
    ] {
        test.my.run(&["BEGIN"]);
        test.my.run(transaction);
        test.my.run(&["COMMIT"]);
        test.assert_followed("j");
    }
    // The same once more, all at once: many transactions that are applied together.
    for round in 0..40 {
        test.my.run(&[
            "BEGIN",
            "UPDATE seats SET seat = seat + 1000 ORDER BY seat DESC",
            "UPDATE seats SET seat = seat - 999 ORDER BY seat",
            &format!("UPDATE seats SET a = {round}, b = NULL WHERE id = 2"),
            "COMMIT",
        ]);
    }
    test.assert_followed("j");
    let indexes = test.pg.number(
        "SELECT count(*) FROM pg_index WHERE indrelid IN ('j.seats'::regclass, 'j.codes'::regclass) AND indisunique AND indisvalid",
    );
    assert_eq!(indexes, 6, "the unique indexes are there, and stay");
    test.end_stream("j");
}

#[test]
fn keys_that_differ_in_case_or_spaces_arrive() {
    let mut test = Databases::logged("rows_case");
    test.my.run(&[
        "CREATE TABLE words (word varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n int)",
        "INSERT INTO words VALUES ('abc', 1), ('Été', 2), ('x ', 3)",
    ]);
    test.stream("j");
    for changes in [
        &["UPDATE words SET word = 'ABC' WHERE n = 1"] as &[&str],
        &["REPLACE INTO words VALUES ('aBc', 4), ('ETE', 5)"],
        &["INSERT INTO words VALUES ('Abc', 6) ON DUPLICATE KEY UPDATE n = 7"],
        &[
            "BEGIN",
            "DELETE FROM words WHERE word = 'abc'",
            "INSERT INTO words VALUES ('ABC', 8)",
            "COMMIT",
        ],
        &["UPDATE words SET word = 'x' WHERE n = 3"],
        &["UPDATE words SET word = UPPER(word), n = n + 1"],
        &[
            "BEGIN",
            "UPDATE words SET word = 'tmp' WHERE word = 'x'",
            "INSERT INTO words VALUES ('x  ', 9)",
            "DELETE FROM words WHERE word = 'tmp'",
            "COMMIT",
        ],
        &["DELETE FROM words WHERE word = 'aBC'"],
    ] {
        test.my.run(changes);
        test.assert_followed("j");
    }
    test.end_stream("j");
}

#[test]
fn a_transaction_larger_than_memory_arrives_whole() {
    const ROWS: i64 = 300_000;
    let mariadb = logging_source(&[]);
    let mut test = Databases::new("rows_many", &mariadb, &shared().postgres);
    test.table("t", 10);
    test.table("beside", 10);
    test.stream("j");
    // It may just have begun.
    let worker: u32 =
        wait_for(LONG, || test.stream_column("j", "worker_pid").parse().ok()).expect("a worker");
    let insert = insert_rows("t", 11, ROWS as u64);
    let statements: [(&str, &[i64]); 4] = [
        (&insert, &[10, ROWS]),
        (
            "UPDATE t SET label = CONCAT(label, ' again'), amount = amount + 1",
            &[ROWS],
        ),
        ("UPDATE t SET id = id + 1000000", &[ROWS]),
        ("DELETE FROM t WHERE id % 3 > 0", &[ROWS, ROWS / 3]),
    ];
    let mut reader = shared().postgres.connect("rows_many");
    let mut most = 0;
    for (statement, counts) in statements {
        test.my.run(&[
            "BEGIN",
            statement,
            "UPDATE beside SET amount = amount + 1",
            "COMMIT",
        ]);
        // What a reader sees meanwhile is all of it or nothing.
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut memory = 0;
                while !over.load(Ordering::Relaxed) {
                    let seen = reader.number("SELECT count(*) FROM j.t");
                    assert!(
                        counts.contains(&seen),
                        "{seen} rows are seen within: {statement}"
                    );
                    memory = memory.max(private_kb(worker));
                }
                memory
            });
            let done =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test.catch_up("j")));
            over.store(true, Ordering::Relaxed);
            most = most.max(watch.join().expect("the watch"));
            done.expect("the stream");
        });
        let [source, target] =
            checksums(&mut test.my, "rows_many.t", &mut test.pg, "j.t").expect("sums");
        assert_eq!(source, target, "{statement}");
    }
    test.assert_same("beside", "j.beside");
    assert_eq!(
        test.stream_column("j", "worker_pid"),
        worker.to_string(),
        "one worker all the time"
    );
    println!("the worker held {most} kB");
    assert!(most < 200 * 1024, "the worker held {most} kB");
    test.end_stream("j");
}

/// Anonymous resident memory of a process.
fn private_kb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

#[test]
fn rows_loaded_from_a_file_or_another_table_arrive() {
    let mut test = Databases::logged("rows_loaded");
    test.table("t", 3000);
    test.table("copy", 10);
    test.stream("j");
    // Files are in the database's directory at the source.
    test.my.run(&[
        "SELECT * INTO OUTFILE 'all.txt' FROM t",
        "LOAD DATA INFILE 'all.txt' REPLACE INTO TABLE copy",
    ]);
    test.assert_followed("j");
    test.my.run(&[
        "DELETE FROM copy WHERE id % 2 = 0",
        "LOAD DATA INFILE 'all.txt' IGNORE INTO TABLE copy (id, @label, amount, at) SET label = CONCAT('again ', @label)",
        "CREATE TABLE scratch AS SELECT id + 10000 AS id, label, amount, at FROM t",
        "INSERT INTO copy SELECT * FROM scratch",
        "DROP TABLE scratch",
        "INSERT INTO t SELECT c.* FROM copy c LEFT JOIN t USING (id) WHERE t.id IS NULL",
        "UPDATE t JOIN copy USING (id) SET t.label = 'both', copy.label = 'both' WHERE id % 5 = 0",
        "DELETE t, copy FROM t JOIN copy USING (id) WHERE id % 7 = 0",
    ]);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn large_rows_arrive() {
    let mut test = Databases::logged("rows_large");
    test.my.run(&[
        "CREATE TABLE files (id int PRIMARY KEY, name varchar(100), body longblob, text longtext)",
        "INSERT INTO files VALUES (1, 'before', REPEAT(x'00ff', 9000000), NULL)",
    ]);
    test.stream("j");
    // An event of more than 16 MiB is several packets; this one is exactly at the edge, and about it.
    for (id, length) in (2..).zip([16_777_150, 16_777_215, 16_777_216, 20_000_000, 33_554_430]) {
        test.my.run(&[&format!(
            "INSERT INTO files VALUES ({id}, 'large', REPEAT('x', {length}), 'é')"
        )]);
    }
    test.my.run(&[
        "UPDATE files SET name = 'renamed' WHERE id < 3",
        "UPDATE files SET body = CONCAT('y', body), text = REPEAT('é', 1000000) WHERE id = 4",
        "DELETE FROM files WHERE id = 5",
    ]);
    test.catch_up("j");
    let of_source = "SELECT CONCAT_WS(' ', id, name, LENGTH(body), SHA2(body, 256), SHA2(text, 256)) FROM files ORDER BY id";
    let of_target = "SELECT concat_ws(' ', id, name, length(body), encode(sha256(body), 'hex'), encode(sha256(convert_to(text, 'UTF8')), 'hex')) FROM j.files ORDER BY id";
    assert_eq!(test.my.rows(of_source), test.pg.rows(of_target));
    test.end_stream("j");
}

#[test]
fn columns_that_nobody_writes_arrive() {
    let mut test = Databases::logged("rows_generated");
    let mysql = is_mysql(&mut test.my);
    let (hidden, key) = match mysql {
        true => (
            "c int DEFAULT 5 INVISIBLE",
            ", KEY f ((a * 2)), KEY g ((CONCAT(b, 'x')))",
        ),
        false => ("c int INVISIBLE DEFAULT 5", ""),
    };
    test.my.run(&[
        &format!(
            "CREATE TABLE made (a int, v int GENERATED ALWAYS AS (a + 1) VIRTUAL, b varchar(20), \
             s varchar(40) GENERATED ALWAYS AS (CONCAT(b, a)) STORED, id int NOT NULL AUTO_INCREMENT PRIMARY KEY, {hidden}, \
             at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), KEY (v), KEY (s){key})"
        ),
        "INSERT INTO made (a, b) VALUES (1, 'one'), (2, 'two'), (NULL, NULL)",
    ]);
    if mysql {
        test.my.run(&[
            // A column of the key is a made one.
            "CREATE TABLE made_key (a int NOT NULL, k int GENERATED ALWAYS AS (a * 10) STORED NOT NULL PRIMARY KEY, note varchar(9))",
            "INSERT INTO made_key (a, note) VALUES (1, 'one'), (2, 'two')",
            "SET SESSION sql_generate_invisible_primary_key = ON",
            "CREATE TABLE keyed_unseen (a int, b varchar(10))",
            "SET SESSION sql_generate_invisible_primary_key = OFF",
            "INSERT INTO keyed_unseen VALUES (1, 'x'), (1, 'x')",
        ]);
    }
    test.stream("j");
    test.my.run(&[
        "INSERT INTO made (a, b) VALUES (10, 'ten'), (NULL, 'none')",
        "INSERT INTO made (a, b, c) VALUES (11, 'eleven', 12)",
        "UPDATE made SET a = a + 1",
        "UPDATE made SET b = 'new', c = NULL WHERE id = 2",
        "DELETE FROM made WHERE id = 1",
    ]);
    if mysql {
        test.my.run(&[
            "INSERT INTO made_key (a, note) VALUES (3, 'three')",
            "UPDATE made_key SET a = 30 WHERE a = 3",
            "UPDATE made_key SET note = 'uno' WHERE a = 1",
            "DELETE FROM made_key WHERE a = 2",
            "INSERT INTO keyed_unseen VALUES (1, 'x'), (2, NULL)",
            "UPDATE keyed_unseen SET a = 3 LIMIT 1",
            "DELETE FROM keyed_unseen WHERE a = 1 LIMIT 1",
        ]);
    }
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn autocommits_by_the_thousand_arrive_in_their_order() {
    let mut test = Databases::logged("rows_single");
    test.my
        .run(&["CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, UNIQUE KEY (n))"]);
    test.stream("j");
    for round in 0..1000 {
        let id = round % 7;
        test.my.run(&[
            &format!("REPLACE INTO t VALUES ({id}, {round})"),
            &format!("UPDATE t SET n = -n - 1 WHERE id = {}", (round * 3) % 7),
        ]);
    }
    test.assert_followed("j");
    let applied: i64 = test
        .stream_column("j", "transactions")
        .parse()
        .expect("a count");
    assert!(applied >= 1000, "{applied} transactions are counted");
    let pg = &mut test.pg;
    wait_until("the rates are told", LONG, || {
        pg.number("SELECT count(*) FROM sync_streams WHERE rows > 0 AND lag_bytes = 0") == 1
    });
    test.end_stream("j");
}
