//! What starts a job: others that complete, rows of a table, a start behind the run under way; and what
//! keeps it from being started.

use crate::support::fixture::{Databases, LONG, shared};
use crate::support::wait::{seconds, wait_until};

fn runs(test: &mut Databases, job: &str) -> String {
    test.pg.text(&format!(
        "SELECT string_agg(trigger || ' ' || status, ', ' ORDER BY run_id) FROM sync_runs WHERE job = '{job}'"
    ))
}

fn wait_runs(test: &mut Databases, job: &str, wanted: &str) {
    wait_until(&format!("{job} has run: {wanted}"), LONG, || {
        runs(test, job) == wanted
    });
}

#[test]
fn a_job_starts_when_all_it_depends_on_have_completed() {
    let mut test = Databases::shared("depends");
    test.table("t", 100);
    for job in ["a", "b", "c", "d"] {
        test.job_of(job, "t", "{}");
    }
    test.run("a");
    test.pg.rows("SELECT sync_depends('c', '{a,b}')");
    test.pg.rows("SELECT sync_depends('d', '{c}')");
    assert_eq!(
        test.pg
            .text("SELECT depends_on FROM sync_jobs WHERE job = 'c'"),
        "{a,b}"
    );
    // What had completed before does not count.
    test.run("b");
    assert_eq!(runs(&mut test, "c"), "");
    test.run("a");
    wait_runs(&mut test, "c", "dependency completed");
    wait_runs(&mut test, "d", "dependency completed");
    // Both again.
    test.run("b");
    test.run("b");
    assert_eq!(runs(&mut test, "c"), "dependency completed");
    test.run("a");
    wait_runs(&mut test, "c", "dependency completed, dependency completed");
    wait_runs(&mut test, "d", "dependency completed, dependency completed");
    // A job that has failed has not completed.
    test.my.run(&["RENAME TABLE t TO away"]);
    test.start("a");
    assert_eq!(test.end("a"), "failed");
    test.my.run(&["RENAME TABLE away TO t"]);
    test.run("b");
    assert_eq!(
        runs(&mut test, "c"),
        "dependency completed, dependency completed"
    );
    test.pg.rows("SELECT sync_depends('d', '{}')");
    test.pg.rows("SELECT sync_disable_job('c')");
    test.run("a");
    assert_eq!(
        runs(&mut test, "c"),
        "dependency completed, dependency completed"
    );
    test.pg.rows("SELECT sync_enable_job('c')");
    wait_runs(&mut test, "c", &["dependency completed"; 3].join(", "));
    assert_eq!(runs(&mut test, "d"), ["dependency completed"; 2].join(", "));
}

#[test]
fn circles_and_streams_are_refused() {
    let mut test = Databases::shared("circles");
    test.table("t", 1);
    for job in ["a", "b", "c"] {
        test.job(job, "{}");
    }
    test.stream_job("s", "{}");
    test.pg
        .rows("SELECT sync_depends('b', '{a}'); SELECT sync_depends('c', '{b}')");
    for (call, sqlstate, message) in [
        (
            "sync_depends('a', '{c}')",
            "22023",
            "job \"a\" would wait for itself",
        ),
        (
            "sync_depends('a', '{a}')",
            "22023",
            "job \"a\" would wait for itself",
        ),
        (
            "sync_depends('a', '{none}')",
            "42704",
            "job \"none\" does not exist",
        ),
        (
            "sync_depends('a', '{s}')",
            "22023",
            "job \"s\" has mode stream and never completes",
        ),
    ] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.message, message, "{error:?}");
        assert_eq!(error.sqlstate, sqlstate, "{error:?}");
        assert!(!error.hint.is_empty());
    }
    // A job that others wait for can go.
    test.pg.rows("SELECT sync_drop_job('b')");
    assert_eq!(
        test.pg
            .text("SELECT depends_on FROM sync_jobs WHERE job = 'c'"),
        "{}"
    );
}

#[test]
fn a_start_during_a_run_is_skipped_or_queued() {
    let mut test = Databases::shared("overlap");
    test.table("t", 4000);
    let slow = r#"{"max_rows_per_second": 2000, "workers": 1"#;
    test.job("skips", &format!("{slow}}}"));
    test.job("queues", &format!(r#"{slow}, "overlap": "queue"}}"#));
    for job in ["skips", "queues"] {
        for _ in 0..3 {
            test.start(job);
        }
    }
    assert_eq!(
        test.pg
            .text("SELECT next_trigger FROM sync_runs WHERE job = 'queues'"),
        "manual"
    );
    let notices = test.pg.take_notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.message == "another run follows it"),
        "{notices:?}"
    );
    wait_runs(&mut test, "queues", "manual completed, manual completed");
    wait_runs(&mut test, "skips", "manual completed");
    // Whoever cancels a run does not want the one behind it.
    test.start("queues");
    test.start("queues");
    test.pg.rows("SELECT sync_cancel('queues')");
    wait_until("nothing follows", LONG, || {
        test.pg
            .text("SELECT count(*) FILTER (WHERE next_trigger IS NOT NULL) FROM sync_runs")
            == "0"
    });
    assert_eq!(
        runs(&mut test, "queues"),
        "manual completed, manual completed, manual cancelled"
    );
}

#[test]
fn sync_run_waits_for_the_run_that_it_has_queued() {
    let mut test = Databases::shared("overlap_call");
    test.table("large", 100_000);
    test.table("small", 10);
    test.job_of(
        "j",
        "large,small",
        r#"{"workers": 1, "max_rows_per_second": 1000, "overlap": "queue", "max_attempts": 1}"#,
    );
    test.alter_unit("j", "small", r#"{"priority": "high"}"#);
    let first = test.pg.number("SELECT sync_start('j')");
    wait_until("the small table is copied", LONG, || {
        test.unit_status("j", "small") == "completed"
    });
    // The run under way has no use for it any more, the next one has.
    test.my.run(&["RENAME TABLE small TO away"]);
    let mut waiting = shared().postgres.connect(&test.name);
    let error = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| waiting.error("CALL sync_run('j')"));
        wait_until("another run follows", LONG, || {
            test.pg.number("SELECT count(next_trigger) FROM sync_runs") == 1
        });
        test.alter("j", r#"{"max_rows_per_second": null}"#);
        waiter.join().expect("the waiter")
    });
    assert_eq!(runs(&mut test, "j"), "manual completed, manual failed");
    let second = test.pg.number("SELECT max(run_id) FROM sync_runs");
    assert!(second > first, "run {second} after {first}");
    assert_eq!(error.sqlstate, "55000", "{error:?}");
    assert_eq!(
        error.message,
        format!("run {second} of job \"j\" has failed")
    );
    assert!(error.detail.contains("\"small\""), "{error:?}");
}

/// What `CALL sync_run` says of a run that was queued behind one under way, and whose job then has this done to it.
fn queued_and_then(name: &str, what: &str, message: &str) {
    let mut test = Databases::shared(name);
    test.table("large", 30_000);
    test.job(
        "j",
        r#"{"workers": 1, "max_rows_per_second": 1000, "overlap": "queue"}"#,
    );
    test.start("j");
    let mut waiting = shared().postgres.connect(&test.name);
    let error = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| waiting.error("CALL sync_run('j')"));
        wait_until("another run follows", LONG, || {
            test.pg.number("SELECT count(next_trigger) FROM sync_runs") == 1
        });
        test.pg.rows(what);
        waiter.join().expect("the waiter")
    });
    assert_eq!(error.sqlstate, "55000", "{error:?}");
    assert!(error.message.ends_with(message), "{error:?}");
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_runs"), 1);
}

#[test]
fn sync_run_tells_of_a_queued_run_that_does_not_come() {
    queued_and_then(
        "overlap_cancel",
        "SELECT sync_cancel('j')",
        "of job \"j\" has been cancelled",
    );
    queued_and_then(
        "overlap_disable",
        "SELECT sync_disable_job('j'); SELECT sync_alter_job('j', '{\"max_rows_per_second\": null}')",
        "of job \"j\" was not started",
    );
}

#[test]
fn a_disabled_job_is_not_started() {
    let mut test = Databases::shared("disabled");
    test.table("t", 10);
    test.job("j", "{}");
    test.pg.rows("SELECT sync_disable_job('j')");
    assert_eq!(test.status("j"), "disabled");
    let error = test.pg.error("SELECT sync_start('j')");
    assert_eq!(error.sqlstate, "55000");
    assert_eq!(error.hint, "SELECT sync_enable_job('j');");
    // What starts it by itself goes by.
    assert_eq!(test.pg.text("SELECT sync_start('j', 'event')"), "");
    test.pg.rows("SELECT sync_enable_job('j')");
    test.run("j");
    let error = test.pg.error("SELECT sync_start('j', 'never')");
    assert_eq!(error.sqlstate, "22023");
}

#[test]
fn rows_of_a_table_start_a_job() {
    let mut test = Databases::shared("event_start");
    test.table("t", 10);
    test.job("j", "{}");
    test.pg.rows(
        "CREATE TABLE arrived (id int); \
         CREATE TRIGGER starts AFTER INSERT ON arrived FOR EACH STATEMENT EXECUTE FUNCTION sync_start_trigger('j')",
    );
    test.pg.rows("BEGIN");
    test.pg.rows("INSERT INTO arrived VALUES (1)");
    test.pg.rows("ROLLBACK");
    assert_eq!(runs(&mut test, "j"), "");
    test.pg.rows("INSERT INTO arrived VALUES (1), (2)");
    wait_runs(&mut test, "j", "event completed");
    test.pg.rows(
        "CREATE TABLE other (id int); \
         CREATE TRIGGER none AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION sync_start_trigger()",
    );
    let error = test.pg.error("INSERT INTO other VALUES (1)");
    assert_eq!(error.sqlstate, "22023", "{error:?}");
}

#[test]
fn a_retried_run_says_so() {
    let mut test = Databases::shared("attempts");
    test.table("t", 10);
    test.table("u", 10);
    test.job("j", "{}");
    test.pg
        .rows("SELECT sync_alter_unit('j', 'u', '{\"columns\": [\"none\"]}')");
    test.start("j");
    assert_eq!(test.end("j"), "failed");
    test.pg
        .rows("SELECT sync_alter_unit('j', 'u', '{\"columns\": null}')");
    test.pg.rows("SELECT sync_retry('j')");
    test.finish("j");
    let run = "SELECT trigger || ' ' || attempt || ' ' || rows_done || ' ' || (duration > '0') FROM sync_runs";
    assert_eq!(test.pg.text(run), "retry 2 20 true");
}

#[test]
fn changes_are_told_to_those_who_listen() {
    let mut test = Databases::shared("listen");
    test.table("t", 6000);
    let name = "a \"name\" with 'quotes' and \\";
    test.pg.rows("LISTEN sync_events");
    test.job(name, r#"{"max_rows_per_second": 1500, "workers": 1}"#);
    let quoted = name.replace('\'', "''");
    test.pg.rows(&format!("SELECT sync_start('{quoted}')"));
    let mut told = Vec::new();
    wait_until("the end is told", seconds(60), || {
        told.extend(test.pg.take_notifications());
        told.iter()
            .any(|payload| payload.contains("\"completed\"") && payload.contains("\"unit\":null"))
    });
    let parsed: Vec<serde_json::Value> = told
        .iter()
        .map(|payload| serde_json::from_str(payload).expect("JSON"))
        .collect();
    assert!(told.iter().all(|payload| payload.len() < 8000));
    assert!(parsed.iter().all(|event| event["job"] == name));
    let states: Vec<&str> = parsed
        .iter()
        .filter(|event| event["kind"] == "state" && event["unit"].is_null())
        .filter_map(|event| event["status"].as_str())
        .collect();
    assert_eq!(
        states,
        ["scheduled", "initializing", "running", "completed"]
    );
    assert!(
        parsed
            .iter()
            .any(|event| event["kind"] == "progress" && event["rows_done"].as_i64() > Some(0)),
        "{told:?}"
    );
}

#[test]
fn a_name_that_takes_much_room_is_told_too() {
    let mut test = Databases::shared("listen_control");
    test.table("t", 10);
    test.pg.rows("LISTEN sync_events");
    // In JSON each of these characters takes six bytes.
    let name = "\u{1}".repeat(300);
    test.pg.rows(
        "SELECT sync_create_job(repeat(chr(1), 300), source => 'src', target_schema => 'j', units => '{t}')",
    );
    test.pg.rows("SELECT sync_start(job) FROM sync_jobs");
    let mut told = Vec::new();
    wait_until("the end is told", LONG, || {
        for payload in test.pg.take_notifications() {
            assert!(payload.len() < 8000, "{} bytes", payload.len());
            let event: serde_json::Value = serde_json::from_str(&payload).expect("JSON");
            assert_eq!(event["job"], name);
            told.push((event["unit"].clone(), event["status"].clone()));
        }
        told.iter()
            .any(|(unit, status)| unit.is_null() && status == "completed")
    });
    let unit = told.iter().find(|(_, status)| *status == "completed");
    assert!(unit.is_some_and(|(unit, _)| unit == "t"), "{told:?}");
}

#[test]
fn the_log_has_a_line_for_each_change_and_none_for_a_batch() {
    let mut test = Databases::shared("logged_changes");
    test.table("t", 2000);
    let name = "logged_changes_job";
    test.job(name, r#"{"batch_rows": 10, "workers": 1}"#);
    test.run(name);
    let log = std::fs::read_to_string(shared().postgres.log_path()).expect("the log");
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(name) && line.contains(" LOG:  "))
        .collect();
    let run = test.pg.text("SELECT run_id FROM sync_jobs");
    let all = format!("job \"{name}\", run {run}");
    for wanted in [
        format!("{all}: scheduled (manual)"),
        format!("{all}: running"),
        format!("{all}, unit \"t\": running (direct)"),
        format!("{all}, unit \"t\": completed"),
        format!("{all}: completed"),
    ] {
        let found = lines.iter().filter(|line| line.ends_with(&wanted)).count();
        assert_eq!(found, 1, "{wanted}\n{lines:#?}");
    }
    let events = test.pg.number("SELECT count(*) FROM sync_events");
    assert_eq!(lines.len() as i64, events, "{lines:#?}");
}
