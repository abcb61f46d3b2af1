//! Calls for a job that is not there or is somebody else's, without a run, after its end, for a table that
//! it does not have: each is refused as docs/errors.md says, and changes nothing.

use crate::support::fixture::{Databases, LONG, shared};
use crate::support::said::{refused, told};
use crate::support::wait::wait_until;

/// A call of each function that takes a job, which stands for $.
const CALLS: [&str; 34] = [
    "SELECT sync_alter_job($, '{}')",
    "SELECT sync_alter_unit($, 't', '{}')",
    "SELECT sync_cancel($)",
    "SELECT * FROM sync_check($)",
    "SELECT sync_clear_rejects($)",
    "SELECT sync_clear_rejects($, 't')",
    "SELECT sync_depends($, '{}')",
    "SELECT * FROM sync_diff_job($, 1)",
    "SELECT sync_disable_job($)",
    "SELECT sync_drop_job($)",
    "SELECT sync_drop_savepoint($, 's')",
    "SELECT sync_enable_job($)",
    "SELECT sync_export_job($)",
    "SELECT sync_pause($)",
    "SELECT * FROM sync_plan($)",
    "SELECT sync_progress($)",
    "SELECT sync_redrive($)",
    "SELECT sync_report($)",
    "SELECT sync_reset($)",
    "SELECT sync_resume($)",
    "SELECT sync_resync($)",
    "SELECT sync_retry($)",
    "SELECT sync_rewind($, 's')",
    "SELECT sync_rollback_job($, 1)",
    "CALL sync_run($)",
    "SELECT sync_savepoint($, 's')",
    "SELECT sync_schedule($, '@daily')",
    "SELECT sync_start($)",
    "SELECT sync_start($, 'event')",
    "SELECT sync_start($, 'cron')",
    "SELECT sync_unschedule($)",
    "SELECT sync_wait($)",
    "SELECT sync_wait_for($)",
    "SELECT sync_wait_for($, '0-1-1', '1 s')",
];

/// They look before a job is made: NULL is no job to them, or all jobs.
const TAKE_NULL: [&str; 4] = ["sync_check", "sync_plan", "sync_progress", "sync_report"];

#[test]
fn every_function_of_a_job_refuses_one_that_is_not_there_or_not_the_callers() {
    let mut test = Databases::shared("misuse_jobs");
    test.table("t", 10);
    test.job("j", "{}");
    let mut stranger = {
        // It lacks nothing but the rights of the owner.
        test.pg.rows(
            "CREATE ROLE misuse_stranger LOGIN; GRANT USAGE ON FOREIGN SERVER src TO misuse_stranger; \
             CREATE USER MAPPING FOR misuse_stranger SERVER src OPTIONS (username 'reader', password 'secret'); \
             GRANT CREATE ON DATABASE misuse_jobs TO misuse_stranger",
        );
        shared()
            .postgres
            .connect_as("misuse_stranger", "misuse_jobs")
    };
    // No function is left out.
    let functions = test.pg.rows(
        "SELECT DISTINCT p.proname FROM pg_proc p \
         JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' \
         JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_tributary' \
         WHERE p.proargnames[1] = 'job' AND p.proname <> 'sync_create_job'",
    );
    for function in functions.iter().filter_map(|row| row[0].as_deref()) {
        let called = CALLS
            .iter()
            .any(|call| call.contains(&format!(" {function}($")));
        assert!(called, "{function} is not called");
    }
    assert!(functions.len() > 25, "{functions:?}");

    let before = test.pg.text("SELECT to_jsonb(j) FROM tributary.job j");
    for call in CALLS {
        let named = |job: &str| call.replace('$', job);
        refused(
            &mut test.pg,
            &[(&named("'nobody'"), "42704", "job \"nobody\" does not exist")],
        );
        let (sqlstate, message) = match call.contains("sync_progress") {
            // It reads the views, where a stranger's job is none.
            true => ("42704", "job \"j\" does not exist"),
            false => ("42501", "must be owner of job \"j\""),
        };
        refused(&mut stranger, &[(&named("'j'"), sqlstate, message)]);
        let null = named("NULL");
        match TAKE_NULL.iter().any(|function| call.contains(function)) {
            true => {
                let rows = test.pg.rows(&null).len();
                let of_all = call.contains("sync_progress") || call.contains("sync_report");
                assert!(rows == 0 || of_all, "{null}");
            }
            false => refused(&mut test.pg, &[(&null, "22004", "job must not be null")]),
        }
    }
    refused(
        &mut stranger,
        &[
            (
                "SELECT sync_create_job('j', source => 'src')",
                "42710",
                "job \"j\" already exists",
            ),
            (
                "SELECT sync_import_job('{\"job\": \"j\", \"source\": \"src\"}')",
                "42501",
                "must be owner of job \"j\"",
            ),
        ],
    );
    assert_eq!(
        test.pg.text("SELECT to_jsonb(j) FROM tributary.job j"),
        before
    );
    assert_eq!(test.pg.number("SELECT count(*) FROM tributary.run"), 0);
}

#[test]
fn without_a_run_under_way_there_is_nothing_to_control() {
    let mut test = Databases::shared("misuse_ended");
    test.table("t", 10);
    test.job("j", "{}");
    for call in [
        "sync_pause('j')",
        "sync_pause('j', 't')",
        "sync_resume('j')",
        "sync_cancel('j')",
        "sync_retry('j')",
        "sync_retry('j', 't')",
        "sync_redrive('j')",
        "sync_reset('j')",
        "sync_reset('j', 't')",
        "sync_wait('j')",
        "sync_wait('j', '0 s')",
        "sync_savepoint('j', 's')",
    ] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "55000", "{call}: {error:?}");
        assert!(
            error.message.starts_with("job \"j\" has no run "),
            "{error:?}"
        );
        assert_eq!(error.hint, "SELECT sync_start('j');", "{call}");
    }
    let of_streams = [
        ("SELECT sync_resync('j')", "55000", "follows no log"),
        ("SELECT sync_resync('j', 't')", "55000", "follows no log"),
        ("SELECT sync_wait_for('j')", "55000", "follows no log"),
        (
            "SELECT sync_rewind('j', unit => 't', cursor => '{\"server\": \"mariadb/1\", \"file\": \"a.000001\", \"offset\": 4}')",
            "55000",
            "follows no log",
        ),
    ];
    refused(&mut test.pg, &of_streams);
    // No run has left a place to go back to.
    refused(
        &mut test.pg,
        &[
            ("SELECT sync_rewind('j', 's')", "42704", "no savepoint"),
            (
                "SELECT sync_rewind('j', checkpoint => 1)",
                "42704",
                "no such checkpoint",
            ),
        ],
    );

    test.run("j");
    let run = test.pg.text("SELECT run_id FROM sync_jobs");
    let units = "SELECT to_jsonb(u) FROM tributary.unit u";
    let before = test.pg.text(units);
    for call in [
        "sync_pause('j')",
        "sync_resume('j')",
        "sync_cancel('j')",
        "sync_pause('j', 't')",
        "sync_resume('j', 't')",
        "sync_cancel('j', 't')",
        "sync_pause('j', 'none')",
    ] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "55000", "{call}: {error:?}");
        assert_eq!(
            error.message,
            format!("job \"j\" has no run under way: run {run} is completed")
        );
        assert_eq!(error.hint, "SELECT sync_start('j');", "{call}");
    }
    refused(&mut test.pg, &of_streams);
    for call in [
        "sync_retry('j')",
        "sync_retry('j', 't')",
        "sync_redrive('j')",
    ] {
        test.pg.take_notices();
        assert_eq!(test.pg.number(&format!("SELECT {call}")), 0, "{call}");
        told(&mut test.pg, "NOTICE", "nothing to do");
    }
    for call in [
        "sync_retry('j', 'none')",
        "sync_redrive('j', 'none')",
        "sync_reset('j', 'none')",
    ] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "42704", "{call}: {error:?}");
        assert_eq!(
            error.message,
            format!("run {run} of job \"j\" has no unit \"none\"")
        );
        assert!(error.hint.contains("FROM sync_units"), "{error:?}");
    }
    let error = test.pg.error("SELECT sync_clear_rejects('j', 'none')");
    assert_eq!(error.sqlstate, "42704", "{error:?}");
    assert_eq!(error.message, "job \"j\" has no unit \"none\"");
    assert!(error.hint.contains("FROM sync_units"), "{error:?}");
    assert_eq!(test.pg.text("SELECT sync_wait('j')"), "completed");
    assert_eq!(test.pg.text(units), before);
    assert_eq!(test.status("j"), "completed");
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_runs"), 1);
}

#[test]
fn a_savepoint_that_was_dropped_is_gone_and_its_name_is_free() {
    let mut test = Databases::shared("misuse_savepoints");
    test.table("t", 10);
    test.job("j", "{}");
    // Its tables are not listed yet.
    test.pg
        .rows("BEGIN; SELECT sync_start('j'), sync_pause('j'); COMMIT");
    refused(
        &mut test.pg,
        &[("SELECT sync_savepoint('j', 's')", "55000", "no units yet")],
    );
    test.pg.rows("SELECT sync_resume('j')");
    test.finish("j");
    let named = "SELECT count(*) FROM sync_checkpoints WHERE savepoint = 's'";
    let first = test.pg.number("SELECT sync_savepoint('j', 's')");
    assert_eq!(test.pg.number(named), 1);
    refused(
        &mut test.pg,
        &[
            (
                "SELECT sync_savepoint('j', 's')",
                "42710",
                "savepoint \"s\" already",
            ),
            ("SELECT sync_savepoint('j', '')", "22023", "needs a name"),
            ("SELECT sync_savepoint('j', NULL)", "22004", "savepoint"),
            (
                "SELECT sync_drop_savepoint('j', NULL)",
                "22004",
                "savepoint",
            ),
            (
                "SELECT sync_rewind('j', 's', unit => 'none')",
                "42704",
                "no unit \"none\"",
            ),
        ],
    );
    test.pg.rows("SELECT sync_drop_savepoint('j', 's')");
    assert_eq!(test.pg.number(named), 0);
    let by_number = format!("SELECT sync_rewind('j', checkpoint => {first})");
    refused(
        &mut test.pg,
        &[
            (
                "SELECT sync_drop_savepoint('j', 's')",
                "42704",
                "no savepoint \"s\"",
            ),
            (
                "SELECT sync_rewind('j', 's')",
                "42704",
                "no savepoint \"s\"",
            ),
            (&by_number, "42704", "no such checkpoint"),
        ],
    );
    assert_eq!(test.status("j"), "completed");
    let second = test.pg.number("SELECT sync_savepoint('j', 's')");
    assert!(second > first, "{second} after {first}");
    assert_eq!(test.pg.number("SELECT sync_rewind('j', 's')"), 1);
    test.finish("j");
    test.assert_equal("j");
}

#[test]
fn a_run_that_waits_is_controlled_by_those_calls_that_fit() {
    let mut test = Databases::shared("misuse_control");
    test.table("t", 10);
    // It waits until it is told otherwise.
    test.job("j", r#"{"throttle_query": "true"}"#);
    test.start("j");
    wait_until("the unit is listed", LONG, || {
        !test.unit_status("j", "t").is_empty()
    });
    for call in ["pause", "resume", "cancel", "retry", "redrive", "reset"] {
        let error = test.pg.error(&format!("SELECT sync_{call}('j', 'none')"));
        assert_eq!(error.sqlstate, "42704", "sync_{call}: {error:?}");
        assert!(error.message.contains("no unit \"none\""), "{error:?}");
    }
    assert_eq!(test.status("j"), "running");
    for (call, count, part) in [
        ("sync_resume('j')", "0", "nothing to do: nothing is paused"),
        (
            "sync_resume('j', 't')",
            "0",
            "nothing to do: nothing is paused",
        ),
        ("sync_retry('j')", "0", "nothing to do: nothing has failed"),
        ("sync_redrive('j')", "0", "nothing to do: no unit"),
        // A run under way goes on; what starts a disabled job by itself goes by.
        ("sync_disable_job('j')", "", "goes on"),
        ("sync_disable_job('j')", "", "job \"j\" is disabled already"),
        ("sync_start('j', 'event')", "", "job \"j\" is disabled"),
        ("sync_start('j', 'dependency')", "", "job \"j\" is disabled"),
    ] {
        test.pg.take_notices();
        assert_eq!(test.pg.text(&format!("SELECT {call}")), count, "{call}");
        told(&mut test.pg, "NOTICE", part);
    }
    refused(
        &mut test.pg,
        &[("SELECT sync_start('j')", "55000", "job \"j\" is disabled")],
    );
    test.pg.take_notices();
    test.pg.rows("SELECT sync_enable_job('j')");
    assert!(test.pg.take_notices().is_empty());
    test.pg.rows("SELECT sync_enable_job('j')");
    told(&mut test.pg, "NOTICE", "job \"j\" is enabled already");

    assert_eq!(test.pg.text("SELECT sync_pause('j')"), "1");
    assert!(test.pg.take_notices().is_empty());
    for call in ["sync_pause('j')", "sync_pause('j', 't')"] {
        assert_eq!(test.pg.text(&format!("SELECT {call}")), "0", "{call}");
        told(
            &mut test.pg,
            "NOTICE",
            "nothing to do: all is paused or ended",
        );
    }
    assert_eq!(test.pg.text("SELECT sync_resume('j')"), "1");
    test.pg.rows("SELECT sync_savepoint('j', 's')");
    assert_eq!(test.pg.text("SELECT sync_cancel('j')"), "1");
    assert_eq!(test.status("j"), "cancelled");
    for call in [
        "sync_reset('j')",
        "sync_reset('j', 't')",
        "sync_rewind('j', 's')",
        "sync_rewind('j', 's', unit => 't')",
    ] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "55000", "{call}: {error:?}");
        assert!(error.message.ends_with("is cancelled"), "{error:?}");
        assert!(
            error.hint.starts_with("SELECT sync_start('j');"),
            "{error:?}"
        );
    }
    assert_eq!(test.unit_status("j", "t"), "cancelled");
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_runs"), 1);
}

#[test]
fn a_start_by_a_trigger_that_is_not_there_makes_no_run() {
    let mut test = Databases::shared("misuse_triggers");
    test.table("t", 10);
    test.job("j", "{}");
    // As an entry of pg_cron that came along with a dump.
    assert_eq!(test.pg.text("SELECT sync_start('j', 'cron')"), "");
    told(&mut test.pg, "WARNING", "has no schedule here");
    for trigger in ["retry", "never", "Manual", ""] {
        let error = test
            .pg
            .error(&format!("SELECT sync_start('j', '{trigger}')"));
        assert_eq!(error.sqlstate, "22023", "{trigger}: {error:?}");
        assert!(error.hint.contains("manual, cron"), "{error:?}");
    }
    for schedule in ["", "every day", "0 24 * * *", "0 0 30 2 *", "@reboot"] {
        let error = test
            .pg
            .error(&format!("SELECT sync_next_run('{schedule}')"));
        assert_eq!(error.sqlstate, "22023", "{schedule}: {error:?}");
        assert!(error.message.starts_with("invalid schedule: "), "{error:?}");
    }
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_runs"), 0);
}
