//! A table that is followed has, after each kind of change, the rows of its source: whatever its key
//! is, and where it has none with each row as often as there.

use crate::support::canonical::is_mysql;
use crate::support::fixture::{Databases, numbers};

/// Name, key and what follows the columns. The same is done to all of them.
const TABLES: [(&str, &str, &str); 7] = [
    ("by_id", ", PRIMARY KEY (id)", ""),
    ("by_unique", ", UNIQUE KEY (id)", ""),
    ("by_two", ", PRIMARY KEY (label, id)", ""),
    (
        "indexed",
        ", PRIMARY KEY (id), KEY (label), KEY (amount, at)",
        "",
    ),
    (
        "in_parts",
        ", PRIMARY KEY (id)",
        "PARTITION BY HASH (id) PARTITIONS 4",
    ),
    ("other_engine", ", PRIMARY KEY (id)", "ENGINE=MyISAM"),
    ("no_key", "", ""),
];

fn rows(first: u64, last: u64) -> String {
    format!(
        "SELECT n, CONCAT('row ', n), n / 7, '2024-01-01' + INTERVAL n SECOND FROM ({}) numbers",
        numbers(first, last)
    )
}

fn tables(test: &mut Databases) {
    let mysql = is_mysql(&mut test.my);
    for (name, key, tail) in TABLES {
        // With GTIDs a MySQL takes such a table into no transaction of several statements.
        let tail = if mysql && tail.starts_with("ENGINE") {
            ""
        } else {
            tail
        };
        test.my.run(&[
            &format!(
                "CREATE TABLE {name} (id int NOT NULL, label varchar(60) NOT NULL, amount decimal(12,2), at datetime(3){key}) {tail}"
            ),
            &format!("INSERT INTO {name} {}", rows(1, 400)),
        ]);
    }
}

/// Does the statements to each table, with `{t}` for its name, and compares.
#[track_caller]
fn step(test: &mut Databases, statements: &[&str]) {
    for (name, _, _) in TABLES {
        for statement in statements {
            test.my.run(&[&statement.replace("{t}", name)]);
        }
    }
    test.assert_followed("j");
}

fn followed(name: &str) -> Databases {
    let mut test = Databases::logged(name);
    tables(&mut test);
    test.stream("j");
    test
}

#[test]
fn inserts_updates_and_deletes_arrive() {
    let mut test = followed("changes_plain");
    test.assert_followed("j");
    let many = format!("INSERT INTO {{t}} {}", rows(401, 1500));
    step(
        &mut test,
        &[
            "INSERT INTO {t} VALUES (5001, 'one', 1.5, NULL)",
            "INSERT INTO {t} VALUES (5002, 'two', NULL, '2024-02-29 01:02:03.004'), (5003, '', -0.01, '0001-01-01')",
            &many,
        ],
    );
    step(
        &mut test,
        &[
            "UPDATE {t} SET amount = amount + 1 WHERE id % 3 = 0",
            "UPDATE {t} SET label = CONCAT(label, ' é') WHERE id % 5 = 0",
            "UPDATE {t} SET amount = NULL, at = NULL WHERE id % 11 = 0",
            "UPDATE {t} SET amount = 7 WHERE amount IS NULL AND id % 2 = 0",
            // Changes nothing.
            "UPDATE {t} SET id = id",
            "UPDATE {t} SET amount = amount * 2",
        ],
    );
    step(
        &mut test,
        &[
            "DELETE FROM {t} WHERE id % 7 = 0",
            "DELETE FROM {t} WHERE id > 1400 LIMIT 1",
        ],
    );
    step(&mut test, &["DELETE FROM {t}"]);
    let again = format!("INSERT INTO {{t}} {}", rows(1, 100));
    step(&mut test, &[&again]);
    test.end_stream("j");
}

#[test]
fn changes_of_keys_arrive() {
    let mut test = followed("changes_keys");
    step(
        &mut test,
        &[
            "UPDATE {t} SET id = id + 100000 WHERE id % 2 = 0",
            "UPDATE {t} SET id = -id, amount = 1 WHERE id BETWEEN 1 AND 50",
        ],
    );
    // Each row takes the key that the next one had.
    step(&mut test, &["UPDATE {t} SET id = id + 1 ORDER BY id DESC"]);
    step(&mut test, &["UPDATE {t} SET id = id - 1 ORDER BY id"]);
    step(
        &mut test,
        &[
            "INSERT INTO {t} VALUES (900001, 'a', 1, NULL), (900002, 'b', 2, NULL)",
            "BEGIN",
            "UPDATE {t} SET id = 0 WHERE id = 900001",
            "UPDATE {t} SET id = 900001 WHERE id = 900002",
            "UPDATE {t} SET id = 900002 WHERE id = 0",
            "COMMIT",
        ],
    );
    // There and back; away and another row into its place.
    step(
        &mut test,
        &[
            "BEGIN",
            "UPDATE {t} SET id = 0 WHERE id = 900001",
            "UPDATE {t} SET id = 900001, amount = 5 WHERE id = 0",
            "UPDATE {t} SET id = 900003 WHERE id = 900002",
            "INSERT INTO {t} VALUES (900002, 'new', 3, NULL)",
            "DELETE FROM {t} WHERE id = 900003",
            "COMMIT",
        ],
    );
    test.end_stream("j");
}

#[test]
fn replace_and_on_duplicate_key_arrive() {
    let mut test = followed("changes_replace");
    step(
        &mut test,
        &[
            "REPLACE INTO {t} VALUES (1, 'row 1', 10, NULL), (2, 'other', 10, NULL), (9001, 'new', 10, NULL)",
            "REPLACE INTO {t} SELECT id, label, -1, at FROM {t} WHERE id % 9 = 0",
        ],
    );
    step(
        &mut test,
        &[
            "INSERT INTO {t} VALUES (5, 'row 5', 1, NULL), (9002, 'new', 1, NULL) ON DUPLICATE KEY UPDATE amount = amount + 10",
            "INSERT INTO {t} VALUES (6, 'row 6', 1, NULL) ON DUPLICATE KEY UPDATE id = id + 700000, label = 'moved'",
            "INSERT IGNORE INTO {t} VALUES (7, 'row 7', 1, NULL), (9003, 'new', 1, NULL)",
        ],
    );
    step(
        &mut test,
        &["INSERT INTO {t} SELECT id + 20000, label, amount, at FROM {t}"],
    );
    test.end_stream("j");
}

#[test]
fn the_net_of_a_transaction_arrives() {
    let mut test = followed("changes_net");
    step(
        &mut test,
        &[
            "BEGIN",
            "INSERT INTO {t} VALUES (8001, 'born', 1, NULL), (8002, 'dies', 1, NULL)",
            "UPDATE {t} SET label = 'grown' WHERE id = 8001",
            "DELETE FROM {t} WHERE id = 8002",
            "DELETE FROM {t} WHERE id = 10",
            "INSERT INTO {t} VALUES (10, 'row 10', 99, NULL)",
            "UPDATE {t} SET amount = 98 WHERE id = 10",
            "DELETE FROM {t} WHERE id = 11",
            "INSERT INTO {t} VALUES (11, 'other', 1, NULL)",
            "DELETE FROM {t} WHERE id = 11",
            "COMMIT",
        ],
    );
    let again = format!("INSERT INTO {{t}} {}", rows(200, 600));
    step(&mut test, &["BEGIN", "DELETE FROM {t}", &again, "COMMIT"]);
    step(
        &mut test,
        &[
            "BEGIN",
            "DELETE FROM {t}",
            &again,
            "DELETE FROM {t}",
            "COMMIT",
        ],
    );
    test.end_stream("j");
}

#[test]
fn what_is_rolled_back_does_not_arrive() {
    let mut test = followed("changes_rolled_back");
    step(
        &mut test,
        &[
            "BEGIN",
            "INSERT INTO {t} VALUES (8001, 'no', 1, NULL)",
            "UPDATE {t} SET amount = 0",
            "ROLLBACK",
            "BEGIN",
            "INSERT INTO {t} VALUES (8002, 'yes', 1, NULL)",
            "SAVEPOINT a",
            "UPDATE {t} SET amount = 0 WHERE id < 100",
            "SAVEPOINT b",
            "DELETE FROM {t} WHERE id < 200",
            "ROLLBACK TO SAVEPOINT b",
            "INSERT INTO {t} VALUES (8003, 'no', 1, NULL)",
            "ROLLBACK TO SAVEPOINT a",
            "INSERT INTO {t} VALUES (8004, 'yes', 1, NULL)",
            "RELEASE SAVEPOINT a",
            "COMMIT",
            "SET autocommit = 0",
            "UPDATE {t} SET amount = 3 WHERE id = 12",
            "ROLLBACK",
            "UPDATE {t} SET amount = 4 WHERE id = 12",
            "COMMIT",
            "SET autocommit = 1",
        ],
    );
    test.end_stream("j");
}

#[test]
fn truncate_empties_a_table_in_its_place() {
    let mut test = followed("changes_truncate");
    step(&mut test, &["TRUNCATE TABLE {t}"]);
    for (name, _, _) in TABLES {
        assert_eq!(test.pg.number(&format!("SELECT count(*) FROM j.{name}")), 0);
    }
    let some = format!("INSERT INTO {{t}} {}", rows(1, 30));
    step(
        &mut test,
        &[
            &some,
            "UPDATE {t} SET amount = 3",
            "TRUNCATE {t}",
            &some,
            "TRUNCATE TABLE {t}",
            "INSERT INTO {t} VALUES (1, 'after', 1, NULL)",
        ],
    );
    // While one is empty already, and of another table in between.
    step(&mut test, &["TRUNCATE TABLE {t}", "TRUNCATE TABLE {t}"]);
    test.end_stream("j");
}

#[test]
fn a_table_without_a_key_keeps_its_duplicates() {
    let mut test = Databases::logged("changes_duplicates");
    test.my.run(&[
        "CREATE TABLE loose (a int, b varchar(20), c float, d json, e binary(3))",
        "INSERT INTO loose VALUES (1, 'x', 0.1, '{\"k\": 1}', 'ab'), (1, 'x', 0.1, '{\"k\": 1}', 'ab'), \
         (1, 'x', 0.1, '{\"k\": 1}', 'ab'), (NULL, NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL), \
         (2, 'x ', -0.0, '[]', ''), (2, 'X', 0, '[]', '')",
    ]);
    test.stream("j");
    for changes in [
        &["INSERT INTO loose SELECT * FROM loose"] as &[&str],
        &["DELETE FROM loose WHERE a = 1 LIMIT 2"],
        &["DELETE FROM loose WHERE a IS NULL LIMIT 1"],
        &["UPDATE loose SET b = 'y' WHERE a = 1 LIMIT 1"],
        &["UPDATE loose SET a = 3, d = NULL WHERE a IS NULL LIMIT 1"],
        &[
            "INSERT INTO loose SELECT * FROM loose",
            "INSERT INTO loose SELECT * FROM loose",
        ],
        // One that is there several times goes and comes in one transaction.
        &[
            "BEGIN",
            "DELETE FROM loose WHERE a = 2 LIMIT 3",
            "INSERT INTO loose VALUES (2, 'x ', 0, '[]', ''), (2, 'X', 0, '[]', '')",
            "UPDATE loose SET b = 'z' WHERE a = 2 LIMIT 2",
            "UPDATE loose SET b = 'x ' WHERE b = 'z' LIMIT 1",
            "COMMIT",
        ],
        &["UPDATE loose SET c = c + 1 WHERE a = 1"],
        &["DELETE FROM loose WHERE a = 1 OR a IS NULL"],
        &["DELETE FROM loose"],
    ] {
        test.my.run(changes);
        test.assert_followed("j");
    }
    assert_eq!(test.pg.number("SELECT count(*) FROM j.loose"), 0);
    test.end_stream("j");
}
