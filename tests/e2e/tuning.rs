//! What is altered counts while the job runs: rates, sizes of batches, numbers of workers, priorities; and the
//! server's own limits are shared. These tests run one by one: they measure.

use crate::support::fixture::{Databases, LONG, WORKER, insert_rows, numbers, report};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings};
use crate::support::wait::{seconds, wait_for, wait_until};
use std::time::Instant;

const SMALL: &str = r#"{"workers": 2, "chunk_rows": 20000, "max_rows_per_second": 2000}"#;

const ROWS: &str = "SELECT coalesce(sum(rows_done), 0) FROM sync_units";

fn rows_done(test: &mut Databases) -> i64 {
    test.pg.number(ROWS)
}

/// What a counter grows by in a second is this, up to a tenth; never more than that. A machine that is
/// busy otherwise may fall short of it now and then.
fn holds(test: &mut Databases, counter: &str, expected: f64) {
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (begin, before) = (Instant::now(), test.pg.number(counter));
        wait_for(seconds(5), || None::<()>);
        let grown = (test.pg.number(counter) - before) as f64;
        let rate = grown / begin.elapsed().as_secs_f64();
        assert!(rate < expected * 1.1, "{rate} a second of {expected}");
        seen.push(rate);
        if rate > expected * 0.9 {
            return;
        }
    }
    panic!(
        "{seen:?} a second of {expected}: {}",
        report(&mut test.pg, "j")
    );
}

/// Alters the job and looks for the new rate of rows: a second that has it, up to the part of a batch, is over three
/// seconds later, and so has begun within two. Else the rates of all the seconds.
fn shows_at_once(test: &mut Databases, options: &str, expected: f64) -> Result<(), Vec<f64>> {
    test.alter("j", options);
    let begin = Instant::now();
    let mut looks: Vec<(f64, i64)> = Vec::new();
    let mut rates = Vec::new();
    let shown = wait_for(seconds(3), || {
        let now = begin.elapsed().as_secs_f64();
        if looks.last().is_some_and(|(at, _)| now - at < 0.1) {
            return None;
        }
        let rows = rows_done(test);
        looks.push((now, rows));
        let (at, before) = looks.iter().rev().find(|(at, _)| now - at >= 1.0)?;
        let rate = (rows - before) as f64 / (now - at);
        rates.push(rate);
        (expected * 0.85..expected * 1.15)
            .contains(&rate)
            .then_some(())
    });
    shown.ok_or(rates)
}

#[test]
fn a_rate_holds_and_another_counts_at_once() {
    let mut test = Databases::shared("pace");
    test.table("t", 400_000);
    test.job("j", SMALL);
    test.start("j");
    wait_until("rows arrive", LONG, || rows_done(&mut test) > 2000);
    holds(&mut test, ROWS, 2000.0);
    test.wait_slowed("max_rows_per_second");
    // A machine that is busy otherwise may need another try.
    let faster = r#"{"max_rows_per_second": 8000}"#;
    let mut missed = Vec::new();
    while let Err(rates) = shows_at_once(&mut test, faster, 8000.0) {
        missed.push(rates);
        assert!(missed.len() < 3, "not within 2 s: {missed:?}");
        test.alter("j", r#"{"max_rows_per_second": 2000}"#);
        wait_for(seconds(2), || None::<()>);
        holds(&mut test, ROWS, 2000.0);
    }
    holds(&mut test, ROWS, 8000.0);
    test.alter(
        "j",
        r#"{"max_rows_per_second": null, "max_bytes_per_second": "200kB"}"#,
    );
    wait_for(seconds(2), || None::<()>);
    test.wait_slowed("max_bytes_per_second");
    holds(
        &mut test,
        "SELECT sum(bytes_done) FROM sync_units",
        204_800.0,
    );
    test.alter("j", r#"{"max_bytes_per_second": null}"#);
    test.finish("j");
    test.assert_equal("j");
    assert_eq!(test.pg.text("SELECT waiting_for FROM sync_units"), "");
}

#[test]
fn a_stream_is_slowed_too() {
    let mut test = Databases::logged("pace_stream");
    test.table("t", 10);
    test.stream("j");
    test.alter("j", r#"{"max_rows_per_second": 500}"#);
    let begin = Instant::now();
    for batch in 0..100u64 {
        let first = 100 + batch * 50;
        test.my.run(&[&insert_rows("t", first, first + 49)]);
    }
    wait_until("the stream says why it waits", LONG, || {
        test.stream_column("j", "waiting_for") == "max_rows_per_second"
    });
    test.catch_up("j");
    let took = begin.elapsed().as_secs_f64();
    // All but the last rows, whose time is not waited for, and what may be saved up.
    assert!(took > 9.0, "5000 rows at 500 per second took {took} s");
    test.alter(
        "j",
        r#"{"max_rows_per_second": null, "throttle_query": "true"}"#,
    );
    wait_until("the query holds it up", LONG, || {
        test.my
            .run(&["UPDATE t SET amount = amount + 1 WHERE id = 1"]);
        test.stream_column("j", "waiting_for") == "throttle_query"
    });
    test.alter("j", r#"{"throttle_query": null}"#);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_copy_in_one_transaction_keeps_to_its_part_of_the_rate() {
    let mut test = Databases::shared("pace_at_once");
    test.table("t", 100_000);
    test.my.run(&[
        "CREATE TABLE keyless (n int)",
        &format!(
            "INSERT INTO keyless SELECT n FROM ({}) numbers",
            numbers(1, 8000)
        ),
    ]);
    test.job(
        "j",
        r#"{"workers": 2, "chunk_rows": 1000000, "max_rows_per_second": 2000}"#,
    );
    test.start("j");
    let rows = "SELECT coalesce(sum(rows_done), 0) FROM sync_units WHERE unit = 't'";
    wait_until("both are copied", LONG, || {
        test.pg.number(rows) > 0
            && test.unit_status("j", "keyless") == "running"
            && test
                .pg
                .number("SELECT count(*) FROM sync_units WHERE waiting_for = 'max_rows_per_second'")
                == 2
    });
    // One half of the rate each.
    holds(&mut test, rows, 1000.0);
    wait_until("the one without a key is there", LONG, || {
        test.unit_status("j", "keyless") == "completed"
    });
    let took = test
        .pg
        .text("SELECT extract(epoch FROM finished_at - started_at)::float8 FROM sync_units WHERE unit = 'keyless'")
        .parse::<f64>()
        .expect("seconds");
    // Until the other one has begun it has all of the rate.
    assert!((6.0..10.0).contains(&took), "8000 rows took {took} s");
    holds(&mut test, rows, 2000.0);
    // A rate counts within the transaction too, as does the end of it.
    test.my.run(&["INSERT INTO keyless SELECT n FROM keyless"]);
    test.alter("j", r#"{"max_rows_per_second": null}"#);
    test.finish("j");
    test.alter("j", r#"{"max_rows_per_second": 100}"#);
    test.start("j");
    wait_until("it is copied anew", LONG, || {
        test.unit_status("j", "keyless") == "running"
    });
    test.alter(
        "j",
        r#"{"max_rows_per_second": null, "throttle_query": "now() IS NULL"}"#,
    );
    test.finish("j");
    test.assert_equal("j");
}

#[test]
fn another_size_counts_for_the_batches_of_a_chunk_under_way() {
    let mut test = Databases::shared("batches");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, body varchar(2000))",
        &format!(
            "INSERT INTO t SELECT n, REPEAT('x', 1000) FROM ({}) numbers",
            numbers(1, 30_000)
        ),
    ]);
    // Each batch is one COPY: the target keeps how many rows it has brought. That takes a while, and the rows are
    // more than what is read ahead.
    test.pg.rows(
        "CREATE TABLE public.batch (rows bigint); \
         CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           INSERT INTO public.batch SELECT count(*) FROM come; PERFORM pg_sleep(0.05); RETURN NULL; END $$; \
         CREATE SCHEMA j; CREATE TABLE j.t (id int PRIMARY KEY, body varchar(2000)); \
         CREATE TRIGGER note AFTER INSERT ON j.t REFERENCING NEW TABLE AS come \
           FOR EACH STATEMENT EXECUTE FUNCTION public.note()",
    );
    test.job(
        "j",
        r#"{"workers": 1, "chunk_rows": 1000000, "batch_rows": 250}"#,
    );
    test.start("j");
    wait_until("some batches are there", LONG, || {
        test.pg.number("SELECT count(*) FROM batch") >= 5
    });
    let largest = "SELECT max(rows) FROM batch";
    assert_eq!(test.pg.number(largest), 250);
    test.alter("j", r#"{"batch_rows": 1000}"#);
    test.finish("j");
    assert_eq!(test.pg.number(largest), 1000);
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_chunks"), 1);
    assert_eq!(test.pg.number("SELECT sum(rows) FROM batch"), 30_000);
    test.assert_equal("j");
}

#[test]
fn priorities_say_who_comes_first_and_count_at_once() {
    let mut test = Databases::shared("priorities");
    for (table, rows) in [("big", 4000), ("middle", 1500), ("small", 100)] {
        test.table(table, rows);
        test.my.run(&[&format!("ANALYZE TABLE {table}")]);
    }
    let by = |test: &mut Databases, time: &str| {
        test.pg.text(&format!(
            "SELECT string_agg(unit, ' ' ORDER BY {time}) FROM sync_units"
        ))
    };
    test.job("j", r#"{"workers": 1, "chunk_rows": 500}"#);
    test.run("j");
    // Among equals the biggest.
    assert_eq!(by(&mut test, "started_at"), "big middle small");
    test.alter_unit("j", "small", r#"{"priority": "high"}"#);
    test.alter_unit("j", "big", r#"{"priority": "low"}"#);
    test.run("j");
    assert_eq!(by(&mut test, "started_at"), "small middle big");
    // The other way round while the first is at its rows: it waits for the others after its chunk.
    for unit in ["small", "big"] {
        test.alter_unit("j", unit, r#"{"priority": null}"#);
    }
    test.alter("j", r#"{"max_rows_per_second": 1000}"#);
    test.start("j");
    wait_until("the first is at its rows", LONG, || {
        test.pg.number(
            "SELECT count(*) FROM sync_units WHERE unit = 'big' AND status = 'running' AND rows_done > 0",
        ) == 1
    });
    let pending =
        "SELECT string_agg(unit, ' ' ORDER BY unit) FROM sync_units WHERE status = 'pending'";
    assert_eq!(test.pg.text(pending), "middle small");
    test.alter_unit("j", "small", r#"{"priority": "high"}"#);
    test.alter_unit("j", "big", r#"{"priority": "low"}"#);
    test.finish("j");
    assert_eq!(by(&mut test, "started_at"), "big small middle");
    assert_eq!(by(&mut test, "finished_at"), "small middle big");
    test.assert_equal("j");
}

#[test]
fn a_definition_that_breaks_under_way_fails_the_run() {
    let mut test = Databases::shared("broken_definition");
    test.table("t", 50_000);
    test.job("j", SMALL);
    test.start("j");
    wait_until("rows arrive", LONG, || rows_done(&mut test) > 0);
    test.pg
        .rows(r#"UPDATE tributary.job SET options = options || '{"workers": "many"}'"#);
    assert_eq!(test.end("j"), "failed");
    let error = test.pg.text("SELECT error FROM sync_jobs WHERE job = 'j'");
    assert!(error.contains("workers"), "{error}");
}

#[test]
fn workers_come_and_go_with_the_option() {
    let mut test = Databases::shared("fewer_workers");
    test.table("t", 200_000);
    test.job(
        "j",
        r#"{"workers": 4, "chunk_rows": 2000, "max_rows_per_second": 10000}"#,
    );
    test.start("j");
    wait_until("four are at work", LONG, || {
        test.worker_pids(WORKER).len() == 4
    });
    test.alter("j", r#"{"workers": 1}"#);
    let begin = Instant::now();
    wait_until("one is left", LONG, || test.worker_pids(WORKER).len() == 1);
    assert!(begin.elapsed() < seconds(3), "{:?}", begin.elapsed());
    test.alter("j", r#"{"workers": 3, "max_rows_per_second": null}"#);
    wait_until("three are at work", LONG, || {
        test.worker_pids(WORKER).len() == 3 || crate::support::fixture::ended(&test.status("j"))
    });
    test.finish("j");
    test.assert_equal("j");
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM sync_events WHERE status = 'failed'"),
        0
    );
}

#[test]
fn jobs_share_the_workers() {
    let mariadb = MariaDb::start();
    let settings = Settings::for_tests()
        .with("tributary.max_workers=4")
        .with("tributary.max_workers_per_job=3");
    let postgres = Postgres::start(settings);
    let mut test = Databases::new("fair", &mariadb, &postgres);
    test.table("t", 100_000);
    let options = r#"{"workers": 8, "chunk_rows": 1000, "max_rows_per_second": 5000}"#;
    test.job("early", options);
    test.start("early");
    wait_until("as many as one job may have", LONG, || {
        test.worker_pids(WORKER).len() == 3
    });
    test.job("late", options);
    test.start("late");
    let granted = "SELECT string_agg(n::text, ',' ORDER BY job) FROM (SELECT j.job, count(a.pid) AS n FROM sync_jobs j \
        JOIN pg_stat_activity a ON a.backend_type = 'tributary worker' AND a.query LIKE 'job ' || j.job || ':%' GROUP BY 1) w";
    wait_until("each has its half", LONG, || test.pg.text(granted) == "2,2");
    test.pg
        .rows("SELECT sync_cancel('early'), sync_cancel('late')");
    test.assert_gone();
}

#[test]
fn the_time_to_go_is_steady() {
    let mut test = Databases::shared("steady");
    test.table("t", 60_000);
    test.my.run(&["ANALYZE TABLE t"]);
    test.job(
        "j",
        r#"{"workers": 2, "chunk_rows": 5000, "max_rows_per_second": 3000}"#,
    );
    test.start("j");
    wait_until("it is at work", LONG, || rows_done(&mut test) > 6000);
    // When it will have ended, as seen at each look, from the beginning.
    let sql =
        "SELECT extract(epoch FROM clock_timestamp() - started_at + eta)::float8 FROM sync_units";
    let mut before: Option<f64> = None;
    for _ in 0..10 {
        wait_for(seconds(1), || None::<()>);
        let Ok(now) = test.pg.text(sql).parse::<f64>() else {
            break;
        };
        if let Some(before) = before {
            let jump = (now / before - 1.0).abs();
            assert!(jump < 0.2, "from {before} to {now} seconds in all");
        }
        before = Some(now);
    }
    assert!(before.is_some());
    let panel = test.pg.rows("SELECT * FROM sync_progress('j')");
    assert!(panel.len() >= 2, "{panel:?}");
    test.alter("j", r#"{"max_rows_per_second": null}"#);
    test.finish("j");
}

#[test]
fn a_pause_is_no_part_of_a_runs_time() {
    let mut test = Databases::shared("paused_time");
    test.table("t", 12_000);
    test.my.run(&["ANALYZE TABLE t"]);
    test.job("j", r#"{"workers": 1, "max_rows_per_second": 3000}"#);
    let seconds_of = |test: &mut Databases, time: &str| -> f64 {
        let sql = format!("SELECT coalesce(extract(epoch FROM {time}), 0)::float8");
        test.pg.text(&sql).parse().expect("seconds")
    };
    let duration = "(SELECT duration FROM sync_runs)";
    let begin = Instant::now();
    test.start("j");
    wait_until("rows arrive", LONG, || rows_done(&mut test) > 3000);
    test.pg.rows("SELECT sync_pause('j')");
    let pause = Instant::now();
    let before = seconds_of(&mut test, duration);
    wait_for(seconds(5), || None::<()>);
    let meanwhile = seconds_of(&mut test, duration);
    assert!(
        (meanwhile - before).abs() < 0.1,
        "{before} s and then {meanwhile} s"
    );
    let stood = pause.elapsed().as_secs_f64();
    test.pg.rows("SELECT sync_resume('j')");
    wait_until("it has gone on", LONG, || rows_done(&mut test) > 7000);
    let eta = seconds_of(&mut test, "(SELECT eta FROM sync_units)");
    let fair = 5000.0 / test.pg.number("SELECT rows_per_second FROM sync_units") as f64;
    assert!(eta < 2.0 * fair, "{eta} s to go, not {fair} s");
    test.finish("j");
    let rest = begin.elapsed().as_secs_f64() - stood;
    let took = seconds_of(&mut test, duration);
    assert!(took < rest + 0.1, "{took} s, of {rest} s without the pause");
    assert!(took > 2.5, "12000 rows at 3000 a second took {took} s");
    let rate = test.pg.number("SELECT rows_per_second FROM sync_units") as f64;
    let with_pause = 12_000.0 / begin.elapsed().as_secs_f64();
    assert!(
        rate > 1.2 * with_pause,
        "{rate} rows a second, {with_pause} with the pause"
    );
    assert!(rate > 0.9 * 12_000.0 / (rest + 0.1), "{rate} rows a second");
    test.assert_equal("j");
}
