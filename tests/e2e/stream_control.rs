//! A stream, or one table of it, is paused, resumed, cancelled and begun anew while the source is
//! written to, leaves no session there, and says where it stands.

use crate::support::canonical::is_mysql;
use crate::support::fixture::{Databases, LONG, WORKER, insert_rows, shared};
use crate::support::stream_fixture::{SOON, logging_source, source_end, source_gtids};
use crate::support::wait::{wait_for, wait_until};

fn write(test: &mut Databases, round: u64) {
    let first = 1000 * (round + 1);
    for table in ["t", "u", "v"] {
        test.my.run(&[
            &insert_rows(table, first, first + 300),
            &format!("UPDATE {table} SET amount = amount + {round} WHERE id % 3 = 0"),
            &format!("DELETE FROM {table} WHERE id % 7 = {}", round % 7),
        ]);
    }
}

fn three(test: &mut Databases) {
    for table in ["t", "u", "v"] {
        test.table(table, 500);
    }
    test.stream("j");
}

/// What a reader of the target can tell apart.
fn content(test: &mut Databases, table: &str) -> String {
    test.pg.text(&format!(
        "SELECT count(*) || ' ' || coalesce(sum(hashtext(t::text)), 0) FROM j.{table} t"
    ))
}

#[test]
fn a_paused_job_leaves_the_source_and_goes_on_where_it_was() {
    let mariadb = logging_source(&[]);
    let mut test = Databases::new("control_pause", &mariadb, &shared().postgres);
    three(&mut test);
    for round in 0..4 {
        write(&mut test, 10 * round);
        test.pg.rows("SELECT sync_pause('j')");
        test.assert_gone();
        if round == 3 {
            no_session_at_all(&mut test);
        }
        assert_eq!(test.status("j"), "paused");
        assert_eq!(test.stream_column("j", "status"), "paused");
        let before = ["t", "u", "v"].map(|table| content(&mut test, table));
        write(&mut test, 10 * round + 1);
        for table in ["t", "u", "v"] {
            assert_eq!(test.unit_status("j", table), "paused");
        }
        let after = ["t", "u", "v"].map(|table| content(&mut test, table));
        assert_eq!(before, after, "a paused job writes");
        test.pg.rows("SELECT sync_resume('j')");
        write(&mut test, 10 * round + 2);
        test.wait_streaming("j");
        test.assert_followed("j");
    }
    test.end_stream("j");
    no_session_at_all(&mut test);
}

#[track_caller]
fn no_session_at_all(test: &mut Databases) {
    let my = &mut test.my;
    wait_until("no session is left at the source", LONG, || {
        my.text("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'reader' OR command LIKE 'Binlog Dump%'")
            == "0"
    });
}

#[test]
fn one_unit_is_paused_while_the_others_stream() {
    let mut test = Databases::logged("control_unit");
    three(&mut test);
    for round in 0..3 {
        write(&mut test, 10 * round);
        test.assert_followed("j");
        test.pg.rows("SELECT sync_pause('j', 't')");
        assert_eq!(test.unit_status("j", "t"), "paused");
        let kept = test
            .pg
            .text("SELECT cursor ->> 'offset' FROM sync_units WHERE unit = 't'");
        assert!(!kept.is_empty(), "a paused unit keeps its position");
        let before = content(&mut test, "t");
        write(&mut test, 10 * round + 1);
        let end = source_end(&mut test.my);
        others_come_to(&mut test, &end);
        test.assert_same("u", "j.u");
        test.assert_same("v", "j.v");
        assert_eq!(
            content(&mut test, "t"),
            before,
            "a paused unit is written to"
        );
        assert_eq!(
            test.pg
                .text("SELECT cursor ->> 'offset' FROM sync_units WHERE unit = 't'"),
            kept
        );
        test.pg.rows("SELECT sync_resume('j', 't')");
        write(&mut test, 10 * round + 2);
        test.wait_streaming("j");
        test.assert_followed("j");
    }
    test.end_stream("j");
}

/// While one unit is out, a wait says so; the position of the others is the stream's.
#[track_caller]
fn others_come_to(test: &mut Databases, end: &(String, u64)) {
    let (file, offset) = end;
    let pg = &mut test.pg;
    wait_until("the others come to the end of the log", LONG, || {
        pg.text(&format!(
            "SELECT (file, \"offset\") >= ('{file}', {offset}) FROM sync_streams WHERE job = 'j'"
        )) == "t"
    });
}

#[test]
fn no_session_is_left_at_the_source_however_a_job_ends() {
    let mut test = Databases::logged("control_left");
    three(&mut test);
    test.pg.rows("SELECT sync_pause('j')");
    test.assert_left();
    test.pg.rows("SELECT sync_resume('j')");
    test.wait_streaming("j");
    write(&mut test, 1);
    test.assert_followed("j");
    test.end_stream("j");
    test.assert_left();
}

#[test]
fn one_unit_is_cancelled_and_the_others_stream_on() {
    let mut test = Databases::logged("control_cancel_unit");
    three(&mut test);
    test.pg.rows("SELECT sync_cancel('j', 't')");
    let before = content(&mut test, "t");
    write(&mut test, 1);
    test.assert_followed("j");
    assert_eq!(test.unit_status("j", "t"), "cancelled");
    assert_eq!(content(&mut test, "t"), before);
    assert_eq!(test.stream_column("j", "units"), "2");
    test.end_stream("j");
}

#[test]
fn a_cancelled_job_is_begun_anew() {
    let mut test = Databases::logged("control_cancel");
    three(&mut test);
    for round in 0..2 {
        write(&mut test, 10 * round);
        test.end_stream("j");
        write(&mut test, 10 * round + 1);
        for table in ["t", "u", "v"] {
            assert_eq!(test.unit_status("j", table), "cancelled");
        }
        test.start("j");
        write(&mut test, 10 * round + 2);
        test.wait_streaming("j");
        test.assert_followed("j");
    }
    test.end_stream("j");
}

#[test]
fn a_running_stream_is_started_and_dropped_with_care() {
    let mut test = Databases::logged("control_twice");
    three(&mut test);
    // Starting what runs does nothing, and says so.
    test.pg.take_notices();
    test.start("j");
    assert!(
        !test.pg.take_notices().is_empty(),
        "a second start says nothing"
    );
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM sync_runs WHERE job = 'j'"),
        1
    );
    write(&mut test, 1);
    test.assert_followed("j");
    let error = test.pg.error("SELECT sync_drop_job('j')");
    assert!(error.hint.contains("sync_cancel"), "{error:?}");
    test.end_stream("j");
    test.pg.rows("SELECT sync_drop_job('j')");
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_streams"), 0);
    // The rows are the user's.
    assert!(test.pg.number("SELECT count(*) FROM j.t") > 0);
}

#[test]
fn two_jobs_follow_one_source_by_themselves() {
    let mut test = Databases::logged("control_two");
    three(&mut test);
    test.stream_job_of("k", "t,u", SOON);
    test.start("k");
    write(&mut test, 1);
    test.wait_streaming("k");
    test.pg.rows("SELECT sync_pause('j')");
    write(&mut test, 2);
    test.assert_followed("k");
    test.pg.rows("SELECT sync_resume('j')");
    test.wait_streaming("j");
    write(&mut test, 3);
    test.assert_followed("j");
    test.assert_followed("k");
    test.pg.rows("SELECT sync_cancel('k')");
    write(&mut test, 4);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_stream_says_where_it_stands() {
    let mariadb = logging_source(&[]);
    let mut test = Databases::new("control_columns", &mariadb, &shared().postgres);
    let mysql = is_mysql(&mut test.my);
    three(&mut test);
    assert_eq!(
        test.pg
            .number("SELECT units_streaming FROM sync_jobs WHERE job = 'j'"),
        3
    );
    test.catch_up("j");
    let mut last = (String::new(), 0);
    let mut transactions = 0;
    for round in 1..5 {
        test.my.run(&[
            "BEGIN",
            "UPDATE t SET amount = amount + 1 WHERE id <= 10",
            "DELETE FROM u WHERE id = (SELECT MIN(id) FROM t) + 0 AND id < 0",
        ]);
        test.my.run(&[
            &format!("INSERT INTO v (id) VALUES ({})", 9000 + round),
            "COMMIT",
        ]);
        test.catch_up("j");
        let (file, offset) = source_end(&mut test.my);
        assert_eq!(test.stream_column("j", "file"), file);
        assert_eq!(test.stream_column("j", "\"offset\""), offset.to_string());
        assert_eq!(
            test.stream_column("j", "gtid").replace('\n', ""),
            source_gtids(&mut test.my)
        );
        assert!(last < (file.clone(), offset), "the position does not grow");
        last = (file, offset);
        let now: i64 = test
            .stream_column("j", "transactions")
            .parse()
            .expect("a count");
        assert!(now > transactions, "the transactions are not counted");
        transactions = now;
    }
    // Nothing is written: the stream comes to rest, with no lag, and hears of its source now and then.
    let pg = &mut test.pg;
    wait_until(
        "the stream is told where the source's log ends",
        LONG,
        || {
            pg.text("SELECT (source_file, source_offset) = (file, \"offset\") FROM sync_streams")
                == "t"
        },
    );
    let idle = test.pg.rows(
        "SELECT status, units, lag_seconds, lag_bytes, source_gtid = gtid, waiting_for, attempts, error, hint, next_retry_at, \
         last_event_at > now() - interval '5 min' AND last_event_at < now() + interval '5 s', applied_at <= clock_timestamp() FROM sync_streams",
    );
    let cells: Vec<&str> = idle[0]
        .iter()
        .map(|cell| cell.as_deref().unwrap_or("-"))
        .collect();
    assert_eq!(
        cells,
        [
            "streaming",
            "3",
            "0.0",
            "0",
            "t",
            "-",
            "0",
            "-",
            "-",
            "-",
            "t",
            "t"
        ]
    );
    assert!(test.stream_column("j", "server").starts_with(if mysql {
        "mysql/1/"
    } else {
        "mariadb/1"
    }));
    let pid: u32 =
        wait_for(LONG, || test.stream_column("j", "worker_pid").parse().ok()).expect("a worker");
    assert!(test.worker_pids(WORKER).contains(&pid));
    let rows: i64 = test.stream_column("j", "rows").parse().expect("a count");
    assert!(rows >= 44, "{rows} rows are counted");
    let heard = test.stream_column("j", "heartbeat_at");
    let pg = &mut test.pg;
    wait_until("a source that is idle is heard", LONG, || {
        pg.text(&format!(
            "SELECT heartbeat_at > '{heard}' FROM sync_streams"
        )) == "t"
    });
    let still = test.pg.text(
        "SELECT lag_seconds = 0 AND lag_bytes = 0 AND status = 'streaming' FROM sync_streams",
    );
    assert_eq!(still, "t");
    // Behind: the lag is told as it grows.
    let mut holder = shared().postgres.connect("control_columns");
    holder.rows("BEGIN; LOCK TABLE j.t IN SHARE MODE");
    test.my.run(&["UPDATE t SET amount = amount - 1"]);
    let pg = &mut test.pg;
    wait_until("the lag is told, and what for", LONG, || {
        pg.text("SELECT lag_seconds > 0 AND waiting_for LIKE '%lock%' FROM sync_streams") == "t"
    });
    holder.rows("COMMIT");
    let pg = &mut test.pg;
    wait_until("the lag is gone", LONG, || {
        pg.text("SELECT lag_seconds = 0 AND lag_bytes = 0 FROM sync_streams") == "t"
    });
    test.end_stream("j");
}

#[test]
fn a_source_without_traffic_of_ours_keeps_the_position_fresh() {
    let mut test = Databases::logged("control_others");
    three(&mut test);
    test.my.run(&[
        "CREATE DATABASE control_elsewhere",
        "CREATE TABLE control_elsewhere.x (id int PRIMARY KEY)",
    ]);
    test.my.run(&[
        "INSERT INTO control_elsewhere.x VALUES (1), (2), (3)",
        "FLUSH BINARY LOGS",
        "DELETE FROM control_elsewhere.x",
    ]);
    let end = source_end(&mut test.my);
    others_come_to(&mut test, &end);
    test.catch_up("j");
    assert_eq!(test.stream_column("j", "rows"), "0");
    test.end_stream("j");
}
