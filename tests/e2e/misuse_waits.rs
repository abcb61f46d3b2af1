//! Waiting for a run: what the calls return, and what they refuse to wait for.

use crate::support::fixture::{Databases, LONG, shared};
use crate::support::said::refused;
use crate::support::wait::wait_until;

/// A run of such a job waits until it is told otherwise.
const HELD: &str = r#"{"throttle_query": "true"}"#;

#[test]
fn a_wait_returns_the_status_that_the_run_has() {
    let mut test = Databases::shared("misuse_wait");
    test.table("t", 10);
    test.job("j", HELD);
    refused(
        &mut test.pg,
        &[(
            "BEGIN; SELECT sync_start('j'); SELECT sync_wait('j', '1 s')",
            "55000",
            "begins when it commits",
        )],
    );
    test.pg.rows("ROLLBACK");
    test.start("j");
    wait_until("the run is under way", LONG, || {
        test.status("j") == "running"
    });
    for timeout in ["100 ms", "0 s", "-1 s"] {
        let wait = format!("SELECT sync_wait('j', '{timeout}')");
        assert_eq!(test.pg.text(&wait), "running", "{timeout}");
    }
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let wait = format!("BEGIN ISOLATION LEVEL {level}; SELECT sync_wait('j', '1 s')");
        let error = test.pg.error(&wait);
        assert_eq!(error.sqlstate, "55000", "{level}: {error:?}");
        assert!(error.hint.contains("READ COMMITTED"), "{error:?}");
        test.pg.rows("ROLLBACK");
    }
    // Changed in this transaction.
    refused(
        &mut test.pg,
        &[(
            "BEGIN; SELECT sync_pause('j'); SELECT sync_wait('j', '1 s')",
            "55000",
            "begins when it commits",
        )],
    );
    test.pg.rows("ROLLBACK");
    test.pg.rows("SELECT sync_pause('j')");
    assert_eq!(test.pg.text("SELECT sync_wait('j', '50 ms')"), "paused");
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"throttle_query\": null}'), sync_resume('j')");
    assert_eq!(test.pg.text("SELECT sync_wait('j', '2 min')"), "completed");
    // It has ended: there is nothing to wait for any more.
    assert_eq!(test.pg.text("SELECT sync_wait('j')"), "completed");
    assert_eq!(test.pg.text("SELECT sync_wait('j', NULL)"), "completed");
    test.assert_equal("j");
}

#[test]
fn sync_run_is_an_error_unless_the_run_completes() {
    let mut test = Databases::shared("misuse_run");
    test.table("t", 10);
    test.job_of("failing", "missing", "{}");
    test.job("held", HELD);
    // It commits, which is not for it to do in a transaction of somebody else.
    for statement in [
        "BEGIN; CALL sync_run('held')",
        "DO $$ BEGIN PERFORM 1; CALL sync_run('held'); EXCEPTION WHEN no_data_found THEN NULL; END $$",
    ] {
        refused(&mut test.pg, &[(statement, "2D000", "transaction")]);
        test.pg.rows("ROLLBACK");
    }
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_runs"), 0);
    assert!(
        test.worker_pids(crate::support::fixture::SUPERVISOR)
            .is_empty()
    );

    let error = test.pg.error("CALL sync_run('failing')");
    let run = test
        .pg
        .text("SELECT run_id FROM sync_jobs WHERE job = 'failing'");
    assert_eq!(error.sqlstate, "55000", "{error:?}");
    assert_eq!(
        error.message,
        format!("run {run} of job \"failing\" has failed")
    );
    assert!(error.detail.contains("\"missing\""), "{error:?}");
    assert!(!error.hint.is_empty(), "{error:?}");

    // Somebody cancels the run, which the other has committed and waits for.
    let mut waiting = shared().postgres.connect(&test.name);
    let error = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| waiting.error("CALL sync_run('held')"));
        wait_until("the run is there", LONG, || test.status("held") != "idle");
        test.pg.rows("SELECT sync_cancel('held')");
        waiter.join().expect("the waiter")
    });
    assert_eq!(error.sqlstate, "55000", "{error:?}");
    assert!(
        error
            .message
            .ends_with("of job \"held\" has been cancelled"),
        "{error:?}"
    );
    assert!(
        !waiting
            .take_notices()
            .iter()
            .any(|notice| notice.severity == "WARNING")
    );
    test.pg.rows("SELECT sync_disable_job('held')");
    refused(
        &mut test.pg,
        &[("CALL sync_run('held')", "55000", "job \"held\" is disabled")],
    );
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM sync_runs WHERE job = 'held'"),
        1
    );
}
