//! Pause, resume, cancel, retry and wait do what they say, promptly, also in the middle of a COPY and
//! while the source does not answer.

use crate::support::fixture::{Databases, LONG, WORKER, shared};
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::wait::wait_until;
use std::time::{Duration, Instant};

/// What is promised. These tests run one by one.
const PROMPT: Duration = Duration::from_secs(1);

/// Batches without end: whoever stops one stops a COPY.
const ONE_BATCH: &str =
    r#"{"workers": 2, "batch_rows": 10000000, "batch_bytes": "1GB", "retry_initial": "100 ms"}"#;

const SMALL: &str =
    r#"{"workers": 2, "chunk_rows": 1000, "batch_rows": 200, "retry_initial": "100 ms"}"#;

/// A run that stands in the middle of its table, because its source is silent.
fn stuck(name: &str, options: &str) -> (TcpProxy, Databases) {
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut test = Databases::through(proxy.port, name, &shared().mariadb, &shared().postgres);
    test.table("t", 30_000);
    proxy.reset(Fault::HoldAt(1_500_000));
    test.job("j", options);
    test.start("j");
    wait_until("the source has gone silent", LONG, || proxy.holding());
    if options == ONE_BATCH {
        // A small batch may just have ended when the source fell silent.
        let pg = &mut test.pg;
        let copies =
            "SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()";
        wait_until("the run is in a COPY", LONG, || pg.number(copies) > 0);
    }
    (proxy, test)
}

fn promptly(what: &str, since: Instant, condition: impl FnMut() -> bool) {
    wait_until(what, LONG, condition);
    let took = since.elapsed();
    assert!(took < PROMPT, "{what}: took {took:?}");
}

#[test]
fn a_pause_stops_a_copy_at_once_and_resume_goes_on() {
    for (name, options) in [("pause_batch", ONE_BATCH), ("pause_small", SMALL)] {
        let (proxy, mut test) = stuck(name, options);
        let begin = Instant::now();
        test.pg.rows("SELECT sync_pause('j')");
        promptly("the workers end", begin, || {
            test.worker_pids(WORKER).is_empty()
        });
        assert_eq!(test.status("j"), "paused");
        assert_eq!(test.unit_status("j", "t"), "paused");
        let rows = test.pg.number("SELECT rows_done FROM sync_units");
        assert_eq!(
            rows,
            test.pg.number("SELECT count(*) FROM j.t"),
            "rows and counters differ in a pause"
        );
        proxy.set(Fault::None);
        test.pg.rows("SELECT sync_resume('j')");
        test.finish("j");
        test.assert_equal("j");
    }
}

#[test]
fn a_running_copy_is_paused_in_its_middle() {
    let mut test = Databases::shared("pause_running");
    test.table("t", 300_000);
    test.job("j", ONE_BATCH);
    test.start("j");
    let pg = &mut test.pg;
    wait_until("rows flow", LONG, || {
        pg.number("SELECT coalesce(max(tuples_processed), 0) FROM pg_stat_progress_copy WHERE datname = current_database()") > 0
    });
    let begin = Instant::now();
    test.pg.rows("SELECT sync_pause('j')");
    promptly("the workers end", begin, || {
        test.worker_pids(WORKER).is_empty()
    });
    assert_eq!(
        test.status("j"),
        "paused",
        "the table is too small for this test"
    );
    test.pg.rows("SELECT sync_resume('j')");
    test.finish("j");
    test.assert_equal("j");
}

#[test]
fn a_cancel_stops_a_copy_at_once_and_a_start_begins_anew() {
    let (proxy, mut test) = stuck("cancel", SMALL);
    let begin = Instant::now();
    test.pg.rows("SELECT sync_cancel('j')");
    promptly("the workers end", begin, || {
        test.worker_pids(WORKER).is_empty()
    });
    assert_eq!(test.status("j"), "cancelled");
    assert_eq!(test.unit_status("j", "t"), "cancelled");
    proxy.set(Fault::None);
    test.run("j");
    test.assert_equal("j");
}

#[test]
fn a_unit_is_paused_and_cancelled_by_itself() {
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut test = Databases::through(
        proxy.port,
        "one_unit",
        &shared().mariadb,
        &shared().postgres,
    );
    test.table("first", 20_000);
    test.table("second", 3000);
    test.table("third", 3000);
    test.job(
        "j",
        r#"{"workers": 1, "chunk_rows": 1000, "batch_rows": 200, "retry_initial": "100 ms"}"#,
    );
    test.pg
        .rows(r#"SELECT sync_alter_unit('j', 'first', '{"priority": "high"}')"#);
    proxy.reset(Fault::HoldAt(500_000));
    test.start("j");
    wait_until("the source has gone silent", LONG, || proxy.holding());
    let begin = Instant::now();
    test.pg
        .rows("SELECT sync_pause('j', 'first'), sync_cancel('j', 'third')");
    let pg = &mut test.pg;
    promptly("the unit's COPY ends", begin, || {
        pg.number("SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()")
            == 0
    });
    assert_eq!(test.unit_status("j", "first"), "paused");
    assert_eq!(test.unit_status("j", "third"), "cancelled");
    proxy.set(Fault::None);
    wait_until("the other unit ends", LONG, || {
        test.unit_status("j", "second") == "completed"
    });
    assert_eq!(test.unit_status("j", "first"), "paused");
    test.pg.rows("SELECT sync_resume('j', 'first')");
    wait_until("the paused unit ends", LONG, || {
        test.unit_status("j", "first") == "completed"
    });
    for table in ["first", "second"] {
        let from = format!("one_unit.{table}");
        crate::support::compare::assert_equal(
            &mut test.my,
            &from,
            &mut test.pg,
            &format!("j.{table}"),
        );
    }
}

#[test]
fn a_retry_does_not_wait_for_its_time() {
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut test = Databases::through(
        proxy.port,
        "retry_now",
        &shared().mariadb,
        &shared().postgres,
    );
    test.table("t", 10_000);
    // One worker: another could meet the cut while it connects, and fail the unit after the retry.
    test.job("j", r#"{"workers": 1, "chunk_rows": 1000, "batch_rows": 200, "retry_initial": "1 hour", "retry_max": "1 hour"}"#);
    proxy.reset(Fault::CutAt(300_000));
    test.start("j");
    wait_until("the unit waits for its retry", LONG, || {
        test.pg.number(
            "SELECT count(*) FROM sync_units WHERE next_retry_at > now() + interval '10 minutes'",
        ) == 1
    });
    assert_eq!(test.unit_status("j", "t"), "failed");
    assert_eq!(test.status("j"), "running");
    let begin = Instant::now();
    test.pg.rows("SELECT sync_retry('j', 't')");
    promptly("the unit goes on", begin, || {
        matches!(test.unit_status("j", "t").as_str(), "running" | "completed")
    });
    test.finish("j");
    test.assert_equal("j");
}

#[test]
fn a_second_start_returns_the_run_with_a_notice() {
    let (proxy, mut test) = stuck("second_start", SMALL);
    let run = test.pg.text("SELECT run_id FROM sync_jobs WHERE job = 'j'");
    test.pg.take_notices();
    assert_eq!(test.pg.text("SELECT sync_start('j')"), run);
    let notices = test.pg.take_notices();
    assert!(
        notices.iter().any(|notice| notice.severity == "NOTICE"),
        "{notices:?}"
    );
    proxy.set(Fault::None);
    test.finish("j");
    test.assert_equal("j");
    test.start("j");
    assert_ne!(
        test.pg.text("SELECT run_id FROM sync_jobs WHERE job = 'j'"),
        run
    );
    test.finish("j");
}

#[test]
fn a_start_that_is_rolled_back_starts_nothing() {
    let mut test = Databases::shared("rolled_back");
    test.table("t", 10);
    test.job("j", "{}");
    test.pg.rows("BEGIN; SELECT sync_start('j'); ROLLBACK");
    assert_eq!(test.status("j"), "idle");
    test.pg
        .rows("BEGIN; SAVEPOINT a; SELECT sync_start('j'); ROLLBACK TO a; COMMIT");
    assert_eq!(test.status("j"), "idle");
    assert!(test.pg.rows("SELECT * FROM sync_runs").is_empty());
}

#[test]
fn sync_wait_waits_as_long_as_it_is_told() {
    let (proxy, mut test) = stuck("wait", SMALL);
    let begin = Instant::now();
    // In time or not, it says how it ended: by its result or by an error.
    let early = test.pg.query("SELECT sync_wait('j', '300 ms')");
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert!(begin.elapsed() < Duration::from_secs(10));
    proxy.set(Fault::None);
    let end = test.pg.query("SELECT sync_wait('j', '2 min')");
    assert_eq!(test.status("j"), "completed");
    let end = end.expect("a run that completes in time");
    match early {
        Ok(rows) => assert_ne!(rows, end, "a timeout looks like an end"),
        Err(error) => assert!(!error.sqlstate.is_empty()),
    }
}

#[test]
fn options_are_checked_and_the_error_lists_them() {
    let mut test = Databases::shared("options");
    test.table("t", 10);
    let create = |options: &str| {
        format!("SELECT sync_create_job('j', source => 'src', options => '{options}')")
    };
    let error = test.pg.error(&create(r#"{"worker": 2}"#));
    assert_eq!(error.sqlstate, "22023", "{error:?}");
    assert!(format!("{error:?}").contains("chunk_rows"), "{error:?}");
    for wrong in [
        r#"{"workers": 0}"#,
        r#"{"workers": "many"}"#,
        r#"{"batch_rows": -1}"#,
        r#"{"on_error": "ignore"}"#,
        "[]",
        "7",
    ] {
        let error = test.pg.error(&create(wrong));
        assert_eq!(error.sqlstate, "22023", "{wrong}: {error:?}");
        assert!(
            !error.hint.is_empty() || !error.detail.is_empty(),
            "{wrong}: {error:?}"
        );
    }
    test.pg.rows(&create(r#"{"workers": 2}"#));
    let error = test
        .pg
        .error("SELECT sync_alter_unit('j', 't', '{\"colums\": []}')");
    assert_eq!(error.sqlstate, "22023", "{error:?}");
    assert!(format!("{error:?}").contains("columns"), "{error:?}");
    let error = test.pg.error(&create("{}"));
    assert_eq!(error.sqlstate, "42710", "{error:?}");
    let error = test.pg.error("SELECT sync_start('nobody')");
    assert_eq!(error.sqlstate, "42704", "{error:?}");
    let error = test
        .pg
        .error("SELECT sync_create_job('k', source => 'nowhere')");
    assert_eq!(error.sqlstate, "42704", "{error:?}");
}
