//! A unit that cannot be written parks alone, at its own position, and catches up alone once that is
//! mended; a row that cannot be written is a reject, and stops nothing. A unit is copied anew beside
//! the rows that are there.

use crate::support::fixture::{self, Databases, LONG, insert_rows, shared};
use crate::support::stream_fixture::{SOON, source_end};
use crate::support::wait::wait_until;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

fn three(test: &mut Databases) {
    for table in ["t", "u", "v"] {
        test.table(table, 500);
    }
    test.stream("j");
}

fn write(test: &mut Databases, round: u64) {
    let first = 1000 * (round + 1);
    for table in ["t", "u", "v"] {
        test.my.run(&[
            "BEGIN",
            &insert_rows(table, first, first + 200),
            &format!("UPDATE {table} SET amount = amount + {round}, label = CONCAT('r{round} ', id) WHERE id % 3 = 0"),
            &format!("DELETE FROM {table} WHERE id % 7 = {}", round % 7),
            "COMMIT",
        ]);
    }
}

/// The unit fails with a hint and its position, and needs a person; the others stream on.
#[track_caller]
fn parks_alone(test: &mut Databases, unit: &str, words: &str) {
    wait_until("the unit parks", LONG, || {
        test.unit_status("j", unit) == "failed"
    });
    let [error, hint] = test.failure("j", unit);
    assert!(error.contains(words), "error of {unit}: {error}");
    assert!(!hint.is_empty(), "no hint with: {error}");
    let row = test.pg.rows(&format!(
        "SELECT next_retry_at IS NULL, cursor ->> 'file' IS NOT NULL FROM sync_units WHERE unit = '{unit}'"
    ));
    assert_eq!(
        row[0],
        [Some("t".into()), Some("t".into())],
        "{unit} waits for a person, with a position"
    );
    let (file, offset) = source_end(&mut test.my);
    let pg = &mut test.pg;
    wait_until("the others stream on", LONG, || {
        pg.text(&format!(
            "SELECT (file, \"offset\") >= ('{file}', {offset}) FROM sync_streams WHERE job = 'j'"
        )) == "t"
    });
    for other in ["t", "u", "v"].iter().filter(|other| **other != unit) {
        assert_eq!(
            test.unit_status("j", other),
            "streaming",
            "{}",
            fixture::report(&mut test.pg, "j")
        );
        test.assert_same(other, &format!("j.{other}"));
    }
    assert_eq!(test.status("j"), "running", "a parked unit ends no run");
}

#[test]
fn a_unit_whose_target_is_altered_parks_alone_and_catches_up_alone() {
    let mut test = Databases::logged("parked_altered");
    three(&mut test);
    write(&mut test, 1);
    test.assert_followed("j");
    test.pg.rows("ALTER TABLE j.t RENAME COLUMN label TO other");
    write(&mut test, 2);
    parks_alone(&mut test, "t", "label");
    let kept = test
        .pg
        .text("SELECT cursor::text FROM sync_units WHERE unit = 't'");
    write(&mut test, 3);
    parks_alone(&mut test, "t", "label");
    assert_eq!(
        test.pg
            .text("SELECT cursor::text FROM sync_units WHERE unit = 't'"),
        kept
    );
    // A retry without a cure parks it again, where it was.
    test.pg.rows("SELECT sync_retry('j', 't')");
    write(&mut test, 4);
    parks_alone(&mut test, "t", "label");
    assert_eq!(
        test.pg
            .text("SELECT cursor::text FROM sync_units WHERE unit = 't'"),
        kept
    );
    let copied = "SELECT sum(rows_done) FROM sync_units WHERE unit = 't'";
    let rows = test.pg.number(copied);
    test.pg
        .rows("ALTER TABLE j.t RENAME COLUMN other TO label; SELECT sync_retry('j', 't')");
    write(&mut test, 5);
    test.wait_streaming("j");
    test.assert_followed("j");
    assert_eq!(test.pg.number(copied), rows, "the unit was copied anew");
    let left = "SELECT count(*) FROM sync_units WHERE error IS NOT NULL OR hint IS NOT NULL OR attempts > 0";
    assert_eq!(
        test.pg.number(left),
        0,
        "{}",
        fixture::report(&mut test.pg, "j")
    );
    test.end_stream("j");
}

#[test]
fn a_unit_whose_target_is_dropped_parks_alone_and_is_copied_anew() {
    let mut test = Databases::logged("parked_dropped");
    three(&mut test);
    test.pg.rows("DROP TABLE j.t");
    write(&mut test, 1);
    parks_alone(&mut test, "t", "");
    write(&mut test, 2);
    test.pg.rows("SELECT sync_retry('j', 't')");
    write(&mut test, 3);
    test.wait_streaming("j");
    test.assert_followed("j");
    // A whole job may be retried: what streams is left as it is.
    test.pg.rows("DROP TABLE j.t, j.u");
    write(&mut test, 4);
    for unit in ["t", "u"] {
        wait_until("both park", LONG, || {
            test.unit_status("j", unit) == "failed"
        });
    }
    test.pg.rows("SELECT sync_retry('j')");
    write(&mut test, 5);
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_unit_whose_rights_are_taken_parks_alone() {
    let mut test = Databases::logged("parked_rights");
    for table in ["t", "u", "v"] {
        test.table(table, 100);
    }
    test.pg.rows(
        "CREATE ROLE parked_owner LOGIN; GRANT USAGE ON FOREIGN SERVER src TO parked_owner; \
         CREATE USER MAPPING FOR parked_owner SERVER src OPTIONS (username 'reader', password 'secret'); \
         CREATE SCHEMA j AUTHORIZATION parked_owner; SET ROLE parked_owner",
    );
    test.stream_job("j", SOON);
    test.pg.rows("RESET ROLE");
    test.start("j");
    test.wait_streaming("j");
    test.pg.rows(
        "REVOKE INSERT, DELETE, UPDATE ON j.t FROM parked_owner; ALTER TABLE j.t OWNER TO postgres",
    );
    write(&mut test, 1);
    parks_alone(&mut test, "t", "t");
    test.pg.rows("ALTER TABLE j.t OWNER TO parked_owner; GRANT ALL ON j.t TO parked_owner; SELECT sync_retry('j', 't')");
    write(&mut test, 2);
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_locked_target_is_waited_for_and_nothing_is_lost() {
    let mut test = Databases::logged("parked_locked");
    three(&mut test);
    let mut holder = shared().postgres.connect("parked_locked");
    holder.rows("BEGIN; LOCK TABLE j.t IN ACCESS EXCLUSIVE MODE");
    write(&mut test, 1);
    let pg = &mut test.pg;
    wait_until(
        "the stream waits for the lock, or parks the unit",
        LONG,
        || {
            pg.number(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'tributary worker' AND wait_event_type = 'Lock' \
             AND datname = current_database()",
        ) > 0
            || pg.number("SELECT count(*) FROM sync_units WHERE unit = 't' AND status = 'failed'") > 0
        },
    );
    write(&mut test, 2);
    holder.rows("COMMIT");
    test.pg.rows("SELECT sync_retry('j')");
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}

/// Rows with a check that the user has put on the target, and with dates that no calendar has.
fn people(test: &mut Databases) {
    test.my.run(&[
        "SET SESSION sql_mode = ''",
        "CREATE TABLE people (id int PRIMARY KEY, born date, age int, name varchar(20))",
        "INSERT INTO people VALUES (1, '1980-01-01', 1, 'a'), (2, '0000-00-00', 2, 'b'), (3, '1980-01-03', 3, 'c'), (4, '1980-01-04', 4, 'd')",
        "CREATE TABLE loose (born date, name varchar(20))",
        "INSERT INTO loose VALUES ('1980-01-01', 'a'), ('0000-00-00', 'b')",
    ]);
}

/// Ids that are there, and ids that are rejected.
fn there(test: &mut Databases) -> [String; 2] {
    test.catch_up("j");
    [
        "SELECT string_agg(id::text, ' ' ORDER BY id) FROM j.people",
        "SELECT string_agg(DISTINCT \"row\" ->> 'id', ' ') FROM sync_rejects WHERE unit = 'people'",
    ]
    .map(|sql| test.pg.text(sql))
}

#[test]
fn bad_rows_become_rejects_and_the_stream_goes_on() {
    let mut test = Databases::logged("parked_rejects");
    people(&mut test);
    test.stream("j");
    assert_eq!(there(&mut test), ["1 3 4", "2"]);
    // By the codec: a row that comes, one that was good, and in a transaction with others.
    test.my.run(&[
        "INSERT INTO people VALUES (5, '2024-02-30', 5, 'e'), (6, '1980-01-06', 6, 'f')",
        "BEGIN",
        "UPDATE people SET born = '0000-00-00' WHERE id = 3",
        "INSERT INTO people VALUES (7, '1980-01-07', 7, 'g')",
        "COMMIT",
    ]);
    let zero_is_invalid = there(&mut test);
    // The source itself makes a zero of the 30th of February in this mode.
    assert_eq!(zero_is_invalid, ["1 4 6 7", "2 3 5"]);
    let why = test.pg.rows("SELECT sqlstate, column_name, key::text, message <> '', hint <> '' FROM sync_rejects WHERE \"row\" ->> 'id' = '3'");
    let cells: Vec<&str> = why[0]
        .iter()
        .map(|cell| cell.as_deref().unwrap_or("-"))
        .collect();
    assert_eq!(
        [cells[0], cells[1], cells[3], cells[4]],
        ["22008", "born", "t", "t"]
    );
    assert!(cells[2].contains('3'), "{cells:?}");
    // By PostgreSQL: a check of the user's.
    test.pg.rows("ALTER TABLE j.people ADD CHECK (age < 100)");
    test.my.run(&[
        "INSERT INTO people VALUES (8, '1980-01-08', 800, 'h'), (9, '1980-01-09', 9, 'i')",
        "UPDATE people SET age = 400 WHERE id = 4",
    ]);
    assert_eq!(there(&mut test), ["1 6 7 9", "2 3 4 5 8"]);
    // Good again, or gone: what was rejected is no reject any more.
    test.my.run(&[
        "UPDATE people SET born = '1980-01-03' WHERE id = 3",
        "UPDATE people SET age = 40 WHERE id = 4",
        "DELETE FROM people WHERE id = 8",
    ]);
    let [rows, _] = there(&mut test);
    assert_eq!(rows, "1 3 4 6 7 9");
    for id in [3, 4] {
        let from = format!("SELECT id, name, age FROM people WHERE id = {id}");
        let copy = format!("SELECT id, name, age FROM j.people WHERE id = {id}");
        assert_eq!(test.my.rows(&from), test.pg.rows(&copy));
    }
    assert_eq!(test.unit_status("j", "people"), "streaming");
    assert_eq!(test.unit_status("j", "loose"), "streaming");
    // What is mended here is written again from the source.
    test.pg
        .rows("SELECT sync_alter_unit('j', 'people', '{\"zero_date\": \"null\"}')");
    test.pg.rows("SELECT sync_redrive('j', 'people')");
    wait_until("the rejects are written", LONG, || {
        test.pg
            .number("SELECT count(*) FROM sync_rejects WHERE unit = 'people'")
            == 0
    });
    test.wait_streaming("j");
    assert_eq!(there(&mut test), ["1 2 3 4 5 6 7 9", ""]);
    test.end_stream("j");
}

#[test]
fn a_bad_row_among_many_is_found_in_a_table_without_a_key_too() {
    let mut test = Databases::logged("parked_loose");
    people(&mut test);
    test.stream("j");
    test.my.run(&[
        "INSERT INTO loose SELECT '1990-01-01', name FROM people",
        "INSERT INTO loose VALUES ('0000-00-00', 'x'), ('1990-05-05', 'y'), ('1990-05-05', 'y')",
        "UPDATE loose SET name = 'z' WHERE name = 'y' LIMIT 1",
        // One that never came goes.
        "DELETE FROM loose WHERE name = 'b' AND born = 0",
        "UPDATE loose SET born = '0000-00-00' WHERE name = 'a' LIMIT 1",
    ]);
    test.catch_up("j");
    let sound = "SELECT CAST(born AS CHAR), name FROM loose WHERE born > 0 ORDER BY 1, 2";
    let copied = "SELECT born, name FROM j.loose ORDER BY 1, 2";
    assert_eq!(test.my.rows(sound), test.pg.rows(copied));
    assert!(
        test.pg
            .number("SELECT count(*) FROM sync_rejects WHERE unit = 'loose'")
            >= 2
    );
    assert_eq!(test.unit_status("j", "loose"), "streaming");
    test.end_stream("j");
}

#[test]
fn a_unit_is_copied_anew_under_writes_and_its_rows_stay_readable() {
    let mut test = Databases::logged("parked_resync");
    three(&mut test);
    // What a person did to the copy is mended by it.
    test.pg.rows("DELETE FROM j.t WHERE id <= 100; UPDATE j.t SET label = 'spoilt' WHERE id > 400; INSERT INTO j.u (id) VALUES (-1)");
    let over = AtomicBool::new(false);
    let written = AtomicU64::new(0);
    let mut writer = test.another_client();
    let mut reader = shared().postgres.connect("parked_resync");
    std::thread::scope(|scope| {
        let _end = SetAtEnd(&over);
        scope.spawn(|| {
            for id in 100_000.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                for table in ["t", "u", "v"] {
                    writer.run(&[
                        &format!("INSERT INTO {table} (id, amount) VALUES ({id}, 1)"),
                        &format!(
                            "UPDATE {table} SET amount = amount + 1 WHERE id % 50 = {}",
                            id % 50
                        ),
                    ]);
                }
                written.fetch_add(1, Ordering::Relaxed);
            }
        });
        let watch = scope.spawn(|| {
            let mut least = i64::MAX;
            while !over.load(Ordering::Relaxed) {
                least = least.min(reader.number("SELECT count(*) FROM j.t"));
            }
            least
        });
        for unit in ["'t'", "'t'", "NULL"] {
            let before = written.load(Ordering::Relaxed);
            wait_until("there are writes", LONG, || {
                written.load(Ordering::Relaxed) > before + 5
            });
            test.pg.rows(&format!("SELECT sync_resync('j', {unit})"));
            test.wait_streaming("j");
            test.catch_up("j");
            if unit == "'t'" {
                let own = test.pg.number("SELECT count(*) FROM j.u WHERE id = -1");
                assert_eq!(own, 1, "another unit was copied");
            }
        }
        over.store(true, Ordering::Relaxed);
        let least = watch.join().expect("the reader");
        assert!(
            least >= 400,
            "a reader saw {least} rows while the table was copied anew"
        );
    });
    test.assert_followed("j");
    // As a unit that is parked is begun anew.
    test.pg.rows("ALTER TABLE j.t RENAME COLUMN label TO other");
    write(&mut test, 1);
    parks_alone(&mut test, "t", "label");
    test.pg
        .rows("ALTER TABLE j.t RENAME COLUMN other TO label; SELECT sync_resync('j', 't')");
    write(&mut test, 2);
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}

/// Threads end also when a test fails.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_table_that_comes_later_is_found_by_the_next_start() {
    let mut test = Databases::logged("parked_later");
    three(&mut test);
    test.table("w", 50);
    write(&mut test, 1);
    test.assert_followed("j");
    assert_eq!(
        test.unit_status("j", "w"),
        "",
        "the run has listed its tables"
    );
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM sync_units WHERE job = 'j'"),
        3
    );
    // The others stream on.
    let copied =
        "SELECT count(*) FROM sync_events WHERE job = 'j' AND unit <> 'w' AND status = 'pending'";
    let before = test.pg.number(copied);
    test.start("j");
    write(&mut test, 2);
    test.wait_streaming("j");
    test.assert_followed("j");
    assert_eq!(test.unit_status("j", "w"), "streaming");
    assert_eq!(test.pg.number(copied), before);
    test.my.run(&["DELETE FROM w WHERE id < 10"]);
    test.assert_followed("j");
    // And by another run.
    test.end_stream("j");
    test.table("x", 10);
    test.start("j");
    test.wait_streaming("j");
    test.assert_followed("j");
    assert_eq!(test.unit_status("j", "x"), "streaming");
    test.end_stream("j");
}
