//! `sync_wait_for` returns true when what it waits for is applied and not before, false when its time is
//! over, and says why it can never come.

use crate::support::canonical::is_mysql;
use crate::support::fixture::{Databases, LONG, insert_rows, shared};
use crate::support::postgres_client::PostgresClient;
use crate::support::proxy::Fault;
use crate::support::stream_fixture::{SOON, logging_source, source_end, source_gtids};
use crate::support::wait::{seconds, wait_until};
use std::time::Instant;

/// A position in the log whose transactions no server has.
fn future_gtid(mysql: bool, gtids: &str) -> String {
    match mysql {
        true => {
            let server = gtids.split(':').next().expect("a server");
            format!("{server}:1000000000")
        }
        false => "0-1-1000000000".to_owned(),
    }
}

fn wait_for(pg: &mut PostgresClient, position: &str, timeout: &str) -> bool {
    let sql = format!("SELECT sync_wait_for('j', '{position}', '{timeout}')");
    match pg.text(&sql).as_str() {
        "t" => true,
        "f" => false,
        other => panic!("{other:?} of {sql}"),
    }
}

#[test]
fn each_kind_of_position_is_waited_for() {
    let mariadb = logging_source(&[]);
    let mut test = Databases::new("wait_kinds", &mariadb, &shared().postgres);
    let mysql = is_mysql(&mut test.my);
    test.table("t", 100);
    test.table("u", 100);
    test.stream("j");
    for round in 0..30_u64 {
        let first = 1000 * (round + 1);
        test.my.run(&[
            &insert_rows("t", first, first + 400),
            "UPDATE u SET amount = amount + 1",
        ]);
        let position = match round % 3 {
            0 => "now".to_owned(),
            1 => source_gtids(&mut test.my),
            _ => {
                let (file, offset) = source_end(&mut test.my);
                format!("{file}:{offset}")
            }
        };
        assert!(wait_for(&mut test.pg, &position, "60 s"), "{position}");
        let seen = test
            .pg
            .number(&format!("SELECT count(*) FROM j.t WHERE id >= {first}"));
        assert_eq!(seen, 401, "after the wait for {position}");
    }
    // What is applied already is there at once, with no time at all.
    let gtids = source_gtids(&mut test.my);
    let (file, offset) = source_end(&mut test.my);
    for position in [
        gtids.clone(),
        format!("{file}:{offset}"),
        format!("{file}:4"),
    ] {
        assert!(wait_for(&mut test.pg, &position, "0 s"), "{position}");
    }
    if !mysql {
        let first = gtids.replace(&gtids[gtids.rfind('-').expect("a sequence") + 1..], "1");
        assert!(wait_for(&mut test.pg, &first, "0 s"), "{first}");
    }
    let number: u64 = file
        .rsplit('.')
        .next()
        .expect("a number")
        .parse()
        .expect("digits");
    let later = format!("mysql-bin.{:06}:4", number + 1);
    for position in [
        future_gtid(mysql, &gtids),
        format!("{file}:{}", offset + 1),
        later,
    ] {
        let begin = Instant::now();
        assert!(!wait_for(&mut test.pg, &position, "300 ms"), "{position}");
        let took = begin.elapsed();
        assert!(
            took.as_millis() >= 300 && took < seconds(5),
            "{position}: {took:?}"
        );
    }
    // A file that comes while somebody waits for it.
    let mut waiting = shared().postgres.connect("wait_kinds");
    std::thread::scope(|scope| {
        let later = format!("mysql-bin.{:06}:4", number + 1);
        let waiter = scope.spawn(move || wait_for(&mut waiting, &later, "60 s"));
        test.my
            .run(&["FLUSH BINARY LOGS", "UPDATE u SET amount = 0"]);
        assert!(waiter.join().expect("the waiter"), "the next file");
    });
    test.end_stream("j");
}

#[test]
fn a_wait_ends_when_the_rows_are_there_and_not_before() {
    let mut test = Databases::logged("wait_locked");
    test.table("t", 100);
    test.table("u", 100);
    test.stream("j");
    let mut holder = shared().postgres.connect("wait_locked");
    holder.rows("BEGIN; LOCK TABLE j.t IN SHARE MODE");
    test.my.run(&["INSERT INTO t (id) VALUES (101)"]);
    assert!(!wait_for(&mut test.pg, "now", "500 ms"));
    assert_eq!(test.pg.number("SELECT count(*) FROM j.t"), 100);
    holder.rows("COMMIT");
    assert!(wait_for(&mut test.pg, "now", "60 s"));
    assert_eq!(test.pg.number("SELECT count(*) FROM j.t"), 101);
    test.end_stream("j");
}

#[test]
fn a_wait_is_for_the_units_that_are_still_copied_too() {
    let (proxy, mut test) = Databases::logged_behind_proxy("wait_copied");
    test.table("t", 20_000);
    proxy.reset(Fault::HoldAt(600_000));
    test.stream_job("j", SOON);
    test.start("j");
    wait_until("the copy is under way", LONG, || proxy.holding());
    let (file, offset) = source_end(&mut test.my);
    let here = format!("{file}:{offset}");
    assert!(
        !wait_for(&mut test.pg, &here, "200 ms"),
        "before the rows are there"
    );
    proxy.set(Fault::None);
    assert!(wait_for(&mut test.pg, &here, "60 s"));
    assert_eq!(test.unit_status("j", "t"), "streaming");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_wait_can_be_interrupted() {
    let mut test = Databases::logged("wait_interrupted");
    test.table("t", 10);
    test.stream("j");
    let (file, offset) = source_end(&mut test.my);
    let never = format!(
        "SELECT sync_wait_for('j', '{file}:{}')",
        offset + 1_000_000_000
    );
    let error = test
        .pg
        .error(&format!("SET statement_timeout = '200 ms'; {never}"));
    assert_eq!(error.sqlstate, "57014", "{error:?}");
    test.end_stream("j");
}

#[test]
fn a_wait_in_vain_says_why() {
    let mut test = Databases::logged("wait_errors");
    let mysql = is_mysql(&mut test.my);
    test.table("t", 10);
    test.table("u", 10);
    test.stream_job("j", SOON);
    test.job("full", "{}");
    let error = test.pg.error("SELECT sync_wait_for('j')");
    assert!(
        error.message.contains("no run") && error.hint.contains("sync_start('j')"),
        "{error:?}"
    );
    let error = test.pg.error("SELECT sync_wait_for('full')");
    assert!(error.message.contains("follows no log"), "{error:?}");
    let error = test.pg.error("SELECT sync_wait_for('nobody')");
    assert!(error.message.contains("nobody"), "{error:?}");
    for call in ["sync_wait_for(NULL)", "sync_wait_for('j', NULL)"] {
        test.pg.error(&format!("SELECT {call}"));
    }
    let error = test
        .pg
        .error("BEGIN; SELECT sync_start('j'); SELECT sync_wait_for('j')");
    assert!(error.hint.contains("COMMIT"), "{error:?}");
    test.pg.rows("ROLLBACK");
    test.start("j");
    test.wait_streaming("j");
    let error = test
        .pg
        .error("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT sync_wait_for('j')");
    assert!(error.hint.contains("READ COMMITTED"), "{error:?}");
    test.pg.rows("ROLLBACK");
    for position in ["", "later", "0-1", "mysql-bin.x:4", "mysql-bin.000001"] {
        let error = test
            .pg
            .error(&format!("SELECT sync_wait_for('j', '{position}')"));
        assert!(error.hint.contains("0-1-4711"), "{position}: {error:?}");
    }
    // Those of another kind of server, and of a file that is none of its log.
    let foreign = match mysql {
        true => "0-1-5",
        false => "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5",
    };
    for position in [foreign, "other-bin.000001:4"] {
        let error = test
            .pg
            .error(&format!("SELECT sync_wait_for('j', '{position}', '10 s')"));
        assert!(error.message.contains("compared"), "{position}: {error:?}");
    }
    // A unit that needs a person; the wait does not last until its time is over.
    test.pg.rows("ALTER TABLE j.t RENAME COLUMN label TO other");
    test.my.run(&["UPDATE t SET amount = 1"]);
    wait_until("the unit fails", LONG, || {
        test.unit_status("j", "t") == "failed"
    });
    let error = test.pg.error("SELECT sync_wait_for('j', 'now', '60 s')");
    assert!(
        error.message.contains("\"t\"") && error.hint.contains("sync_units"),
        "{error:?}"
    );
    test.pg
        .rows("ALTER TABLE j.t RENAME COLUMN other TO label; SELECT sync_retry('j', 't')");
    test.wait_streaming("j");
    test.assert_followed("j");
    // Somebody ends the run while another waits.
    let (file, offset) = source_end(&mut test.my);
    let mut waiting = shared().postgres.connect("wait_errors");
    let pid = waiting.pid;
    let error = std::thread::scope(|scope| {
        let never = format!(
            "SELECT sync_wait_for('j', '{file}:{}', '60 s')",
            offset + 1_000_000_000
        );
        let waiter = scope.spawn(move || waiting.error(&never));
        let pg = &mut test.pg;
        wait_until("somebody waits", LONG, || {
            pg.number(&format!(
                "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state = 'active'"
            )) == 1
        });
        pg.rows("SELECT sync_cancel('j')");
        waiter.join().expect("the waiter")
    });
    assert!(error.message.contains("cancelled"), "{error:?}");
    test.assert_gone();
}
