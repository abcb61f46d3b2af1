//! A position that the source does not hold any more is an error that says so, and a copy anew mends
//! it; never does a stream jump over what it cannot have.

use crate::support::canonical::is_mysql;
use crate::support::fixture::{Databases, LONG, insert_rows, shared};
use crate::support::mariadb::MariaDb;
use crate::support::stream_fixture::{logging_source, source_end};
use crate::support::wait::wait_until;

const UNITS: [&str; 2] = ["t", "beside"];

/// Two tables that are followed, from a source that the test may harm.
fn followed(name: &str, source: &MariaDb) -> Databases {
    let mut test = Databases::new(name, source, &shared().postgres);
    for unit in UNITS {
        test.table(unit, 50);
    }
    test.stream("j");
    test.my.run(&[&insert_rows("t", 1001, 1010)]);
    test.assert_followed("j");
    test
}

/// Transactions of one row each.
fn write(test: &mut Databases, first: u64, count: u64) {
    for id in first..first + count {
        for unit in UNITS {
            test.my.run(&[&insert_rows(unit, id, id)]);
        }
    }
}

/// The committed position says which file of its name it means, also where nothing was written since.
#[track_caller]
fn wait_for_the_file(test: &mut Databases) {
    let pg = &mut test.pg;
    wait_until("the position knows its file", LONG, || {
        pg.number("SELECT count(*) FROM sync_units WHERE job = 'j' AND cursor ? 'file_created'")
            == 2
    });
}

fn reset(test: &mut Databases) {
    let statement = match is_mysql(&mut test.my) {
        true => "RESET BINARY LOGS AND GTIDS",
        false => "RESET MASTER",
    };
    test.my.run(&[statement]);
}

fn purge_all_but_the_last(test: &mut Databases) {
    let (file, _) = source_end(&mut test.my);
    let my = &mut test.my;
    // A file that was sent to a reader stays until the source notices that the reader has gone.
    wait_until("the log is purged", LONG, || {
        my.run(&[&format!("PURGE BINARY LOGS TO '{file}'")]);
        my.rows("SHOW BINARY LOGS").len() == 1
    });
}

#[test]
fn a_purged_position_is_an_error() {
    let source = logging_source(&[]);
    let mut test = followed("position_purged", &source);
    test.pause();
    let before = test.fingerprints(&UNITS);
    for round in 0..3 {
        write(&mut test, 2001 + round * 10, 5);
        test.my.run(&["FLUSH BINARY LOGS"]);
    }
    purge_all_but_the_last(&mut test);
    test.resume();
    test.assert_lost(&UNITS, &before);
    // What was purged before our position is not missed.
    test.my.run(&["FLUSH BINARY LOGS"]);
    test.pause();
    purge_all_but_the_last(&mut test);
    write(&mut test, 3001, 5);
    test.resume();
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_unit_whose_position_is_purged_stops_alone() {
    let source = logging_source(&[]);
    let mut test = followed("position_unit", &source);
    test.pg.rows("SELECT sync_pause('j', 't')");
    let before = test.fingerprints(&["t"]);
    write(&mut test, 2001, 5);
    test.wait_same("beside");
    test.my.run(&["FLUSH BINARY LOGS"]);
    write(&mut test, 3001, 5);
    test.wait_same("beside");
    purge_all_but_the_last(&mut test);
    test.pg.rows("SELECT sync_resume('j', 't')");
    test.assert_stops("t", "55000", "SELECT sync_resync('j'");
    assert_eq!(test.fingerprints(&["t"]), before);
    write(&mut test, 4001, 5);
    test.wait_same("beside");
    test.resync_unit("t");
    test.end_stream("j");
}

#[test]
fn a_reset_log_is_an_error() {
    let source = logging_source(&[]);
    let mut test = followed("position_reset", &source);
    let before = test.fingerprints(&UNITS);
    // While it is read.
    test.next_second();
    reset(&mut test);
    write(&mut test, 2001, 3);
    test.assert_lost(&UNITS, &before);
    // While nobody reads, and the new log is shorter than the old one.
    write(&mut test, 3001, 40);
    test.pause();
    let before = test.fingerprints(&UNITS);
    test.next_second();
    reset(&mut test);
    write(&mut test, 4001, 1);
    test.resume();
    test.assert_lost(&UNITS, &before);
    // The same, and it is longer: the file, the offset and the numbers of our position are there, with
    // other transactions before them.
    wait_for_the_file(&mut test);
    test.pause();
    let before = test.fingerprints(&UNITS);
    test.next_second();
    reset(&mut test);
    write(&mut test, 5001, 100);
    test.resume();
    test.assert_lost(&UNITS, &before);
    test.end_stream("j");
}

#[test]
fn an_older_dump_is_an_error() {
    let mut source = logging_source(&[]);
    let mut test = followed("position_dump", &source);
    let name = test.name.clone();
    // What comes after the restart: nothing, less than was lost, more than that.
    for (round, count) in [(1, 0), (2, 3), (3, 60)] {
        let first = round * 1000 + 1000;
        test.pause();
        source.stop();
        source.keep_dump();
        source.launch();
        test.my = source.connect(Some(&name));
        test.resume();
        test.wait_streaming("j");
        write(&mut test, first, 20);
        test.pause();
        let before = test.fingerprints(&UNITS);
        test.next_second();
        source.stop();
        source.restore_dump();
        source.launch();
        test.my = source.connect(Some(&name));
        write(&mut test, first + 500, count);
        println!("round {round}: {count} rows since the restore");
        test.resume();
        test.assert_lost(&UNITS, &before);
    }
    test.end_stream("j");
}

#[test]
fn a_stranger_with_the_same_tables_is_an_error() {
    let source = logging_source(&[]);
    let mut test = followed("position_stranger", &source);
    // The same number as a server, and another one.
    for (round, argument) in ["--server-id=1", "--server-id=9"].into_iter().enumerate() {
        let other = logging_source(&[argument]);
        let name = test.name.clone();
        other
            .connect(None)
            .run(&[&format!("CREATE DATABASE {name}")]);
        let own = std::mem::replace(&mut test.my, other.connect(Some(&name)));
        for unit in UNITS {
            test.table(unit, 20);
        }
        write(&mut test, 7001, 100);
        let before = test.fingerprints(&UNITS);
        test.turn_to(&other.url(&name));
        for unit in UNITS {
            test.assert_stops(unit, "55000", "SELECT sync_resync('j'");
        }
        assert_eq!(test.fingerprints(&UNITS), before, "nothing was applied");
        // Back to the own one; a position that it holds is not lost by that.
        test.my = own;
        test.turn_to(&source.url(&name));
        write(&mut test, 2001 + round as u64 * 100, 3);
        test.pg.rows("SELECT sync_retry('j')");
        test.wait_streaming("j");
        test.assert_followed("j");
    }
    test.end_stream("j");
}

#[test]
fn a_source_without_a_log_is_an_error() {
    let mut source = logging_source(&[]);
    let mut test = followed("position_no_log", &source);
    let before = test.fingerprints(&UNITS);
    test.pause();
    source.stop();
    source.also("--skip-log-bin");
    source.launch();
    test.my = source.connect(Some("position_no_log"));
    write(&mut test, 2001, 3);
    test.resume();
    for unit in UNITS {
        test.assert_stops(unit, "55000", "sync_resync('j'");
    }
    assert_eq!(test.fingerprints(&UNITS), before, "nothing was applied");
    source.stop();
    source.also("--log-bin=mysql-bin");
    source.launch();
    test.my = source.connect(Some("position_no_log"));
    // What was written without a log has no way here but a copy.
    test.resync();
    test.end_stream("j");
}
