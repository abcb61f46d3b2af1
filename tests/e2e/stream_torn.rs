//! A source that died while it wrote a transaction into its log: the transaction never took place, and the
//! stream goes on with what its next start has written. (MySQL cuts such an end off its file.)

use crate::support::canonical::is_mysql;
use crate::support::fixture::{Databases, LONG, insert_rows, shared};
use crate::support::mariadb::MariaDb;
use crate::support::stream_fixture::{logging_source, source_end};
use crate::support::wait::wait_until;
use crc32fast::hash;
use std::fs;

const HEADER: usize = 19;
const CHECKSUM: usize = 4;
/// Where an event has its kind, its length, and its end in the file.
const KIND: usize = 4;
const SIZE: usize = 9;
const LOG_POS: usize = 13;
/// A transaction's last event, which says that it is committed.
const XID: u8 = 16;

/// MariaDB's and MySQL's.
fn is_rows(kind: u8) -> bool {
    matches!(kind, 23..=25 | 30..=32)
}

/// How far the server came with the transaction.
#[derive(Clone, Copy, Debug)]
enum End {
    /// All events are whole, and the last one is missing.
    BeforeCommit,
    /// Half of the event that commits.
    WithinCommit,
    /// Half of the rows.
    WithinRows,
    /// Half of its first event.
    WithinBegin,
}

fn number(event: &[u8], at: usize) -> usize {
    let bytes = event[at..at + 4].try_into().expect("four bytes");
    u32::from_le_bytes(bytes) as usize
}

/// The events of a log file from an offset on.
fn events(log: &[u8], from: usize) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    let mut at = from;
    while at < log.len() {
        let end = at + number(&log[at..], SIZE);
        events.push(log[at..end].to_vec());
        at = end;
    }
    events
}

/// The beginning of a transaction as the dying server has written it at the end of its file: one like the
/// last one there, which began at `from`, with the next number.
fn torn(log: &[u8], from: usize, end: End) -> Vec<u8> {
    let mut written = Vec::new();
    for (place, mut event) in events(log, from).into_iter().enumerate() {
        if place == 0 {
            // The number of MariaDB's GTID. MySQL has something else there, and cuts all of it off.
            event[HEADER] = event[HEADER].wrapping_add(1);
        }
        let log_pos = log.len() + written.len() + event.len();
        event[LOG_POS..LOG_POS + 4].copy_from_slice(&(log_pos as u32).to_le_bytes());
        let covered = event.len() - CHECKSUM;
        let checksum = hash(&event[..covered]).to_le_bytes();
        event[covered..].copy_from_slice(&checksum);
        let half = event.len() / 2;
        let cut = match end {
            End::WithinBegin => Some(half),
            End::WithinRows if is_rows(event[KIND]) => Some(half),
            End::BeforeCommit if event[KIND] == XID => Some(0),
            End::WithinCommit if event[KIND] == XID => Some(half),
            _ => None,
        };
        written.extend_from_slice(&event[..cut.unwrap_or(event.len())]);
        if cut.is_some() {
            return written;
        }
    }
    panic!("the last transaction of the log has no rows or no end");
}

/// Writes a transaction, kills the server, and adds the beginning of one more to its log; starts it again.
fn die_while_writing(source: &mut MariaDb, test: &mut Databases, id: u64, end: End) {
    let (_, before) = source_end(&mut test.my);
    test.my.run(&[&insert_rows("t", id, id)]);
    let (file, _) = source_end(&mut test.my);
    source.kill9();
    let path = source.data().join(&file);
    let mut log = fs::read(&path).expect("the log file");
    let beginning = torn(&log, before as usize, end);
    log.extend_from_slice(&beginning);
    fs::write(&path, log).expect("the log file");
    source.launch();
    test.my = source.connect(Some(&test.name));
}

#[test]
fn a_stream_goes_on_behind_a_transaction_that_its_source_died_in() {
    let mut source = logging_source(&["--innodb-flush-log-at-trx-commit=2"]);
    let mut test = Databases::new("torn", &source, &shared().postgres);
    test.table("t", 50);
    test.table("beside", 50);
    test.stream("j");
    let ends = [
        End::BeforeCommit,
        End::WithinCommit,
        End::WithinRows,
        End::WithinBegin,
    ];
    let mut id = 1000;
    for (times, end) in (1..).zip(ends) {
        println!("stream_torn: {end:?}");
        test.assert_followed("j");
        die_while_writing(&mut source, &mut test, id, end);
        test.my.run(&[
            &insert_rows("t", id + 1, id + 3),
            "UPDATE beside SET amount = amount + 1",
        ]);
        id += 10;
        test.assert_followed("j");
        // What happened is told. A transaction of which there are no rows takes no place at all.
        if !is_mysql(&mut test.my) {
            let told = "SELECT count(*) FROM sync_events WHERE job = 'j' AND message LIKE 'the source died while it wrote%'";
            wait_until("it is told", LONG, || {
                test.pg.rows(told)[0][0].as_deref() == Some(&times.to_string())
            });
        }
    }
}

#[test]
fn rows_of_whole_transactions_before_it_are_applied() {
    let mut source = logging_source(&["--innodb-flush-log-at-trx-commit=2"]);
    let mut test = Databases::new("torn_backlog", &source, &shared().postgres);
    test.table("t", 50);
    test.stream("j");
    for (place, end) in [End::BeforeCommit, End::WithinCommit]
        .into_iter()
        .enumerate()
    {
        let id = 1000 + place as u64 * 100;
        test.pg.rows("SELECT sync_pause('j')");
        wait_until("the job is paused", LONG, || test.status("j") == "paused");
        // They come in one group with what the source has begun.
        for row in 0..20 {
            test.my.run(&[
                &insert_rows("t", id + row, id + row),
                &format!("UPDATE t SET amount = amount + 1 WHERE id = {row}"),
            ]);
        }
        die_while_writing(&mut source, &mut test, id + 50, end);
        test.my.run(&[&insert_rows("t", id + 60, id + 60)]);
        test.pg.rows("SELECT sync_resume('j')");
        test.assert_followed("j");
    }
}

/// Only a start of the source that has found the file so proves that nothing is lost.
#[test]
fn a_file_that_was_damaged_later_is_for_a_person() {
    let mut source = logging_source(&["--innodb-flush-log-at-trx-commit=2"]);
    if is_mysql(&mut source.connect(None)) {
        return;
    }
    let mut test = Databases::new("torn_later", &source, &shared().postgres);
    test.table("t", 50);
    test.stream("j");
    for restarted in [false, true] {
        println!("stream_torn: restarted {restarted}");
        test.assert_followed("j");
        test.pg.rows("SELECT sync_pause('j')");
        wait_until("the job is paused", LONG, || test.status("j") == "paused");
        let (file, before) = source_end(&mut test.my);
        let id = 1000 + u64::from(restarted) * 100;
        test.my.run(&[&insert_rows("t", id, id)]);
        match restarted {
            false => test.my.run(&["FLUSH BINARY LOGS"]),
            true => {
                source.stop();
                source.launch();
                test.my = source.connect(Some(&test.name));
            }
        }
        test.my.run(&[&insert_rows("t", id + 1, id + 1)]);
        let path = source.data().join(&file);
        let log = fs::read(&path).expect("the log file");
        fs::write(&path, &log[..before as usize + 60]).expect("the log file");
        test.pg.rows("SELECT sync_resume('j')");
        let told = "SELECT error, hint, attempts > 3 FROM sync_streams WHERE job = 'j'";
        wait_until("the stream tells it", LONG, || {
            let row = test.pg.rows(told).remove(0);
            let has = |place: usize, part| {
                let cell: Option<&str> = row[place].as_deref();
                cell.is_some_and(|text| text.contains(part))
            };
            has(0, "ends in the midst of an event")
                && has(1, "SELECT sync_resync('j')")
                && has(2, "t")
        });
        test.pg.rows("SELECT sync_resync('j')");
        test.wait_streaming("j");
    }
    test.assert_followed("j");
}
