//! What holds a job up while it runs: a query here, status variables of the source. Each says so, and holds up nobody
//! else.

use crate::support::fixture::{Databases, LONG, WORKER, insert_rows, shared};
use crate::support::wait::wait_until;

fn rows_done(test: &mut Databases) -> i64 {
    test.pg
        .number("SELECT coalesce(sum(rows_done), 0) FROM sync_units")
}

#[test]
fn queries_and_the_source_throttle() {
    let mut test = Databases::shared("throttled");
    test.table("t", 30_000);
    test.pg
        .rows("CREATE TABLE busy (n int); INSERT INTO busy VALUES (1)");
    test.job(
        "j",
        r#"{"workers": 1, "batch_rows": 1000, "throttle_query": "EXISTS (SELECT FROM public.busy)"}"#,
    );
    test.start("j");
    test.wait_slowed("throttle_query");
    assert_eq!(rows_done(&mut test), 0);
    test.pg.rows("DROP TABLE busy");
    test.wait_slowed("throttle_query, which fails: relation \"public.busy\" does not exist");
    test.alter(
        "j",
        r#"{"throttle_query": null, "source_throttle": {"Threads_connected": 0}}"#,
    );
    test.wait_slowed("source_throttle: Threads_connected");
    assert_eq!(rows_done(&mut test), 0);
    // A pause is obeyed while it waits.
    test.pg.rows("SELECT sync_pause('j')");
    wait_until("the workers end", LONG, || {
        test.worker_pids(WORKER).is_empty()
    });
    test.pg.rows("SELECT sync_resume('j')");
    test.wait_slowed("source_throttle: Threads_connected");
    test.alter(
        "j",
        r#"{"source_throttle": {"Threads_connected": 100000, "No_such_variable": 0}}"#,
    );
    test.finish("j");
    test.assert_equal("j");
    let error = test
        .pg
        .error("SELECT sync_alter_job('j', '{\"throttle_query\": \"nonsense(\"}')");
    assert_eq!(error.sqlstate, "42601", "{error:?}");
    let error = test
        .pg
        .error("SELECT sync_alter_job('j', '{\"throttle_query\": \"now()\"}')");
    assert_eq!(error.sqlstate, "42846", "not a boolean: {error:?}");
}

#[test]
fn a_throttle_query_has_the_owners_rights_and_ten_seconds() {
    let mut test = Databases::shared("throttle_rights");
    test.table("t", 100);
    test.pg.rows(
        "CREATE ROLE throttle_evil LOGIN; GRANT USAGE ON FOREIGN SERVER src TO throttle_evil; \
         GRANT CREATE ON DATABASE throttle_rights TO throttle_evil; \
         CREATE USER MAPPING FOR throttle_evil SERVER src OPTIONS (username 'reader', password 'secret')",
    );
    let mut evil = shared()
        .postgres
        .connect_as("throttle_evil", "throttle_rights");
    // What a domain checks is run as soon as a literal of it is read.
    evil.rows(
        "CREATE SCHEMA evil; \
         CREATE FUNCTION evil.climb(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN \
           IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN ALTER ROLE throttle_evil SUPERUSER; END IF; RETURN true; END $$; \
         CREATE DOMAIN evil.rung AS int CHECK (evil.climb(value)); \
         GRANT USAGE ON SCHEMA evil TO PUBLIC",
    );
    evil.rows(
        r#"SELECT sync_create_job('j', source => 'src', options => '{"throttle_query": "''{1}''::evil.rung[] IS NULL"}')"#,
    );
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"workers\": 1}')");
    test.pg.rows("SELECT sync_rollback_job('j', 1)");
    let rolsuper = "SELECT rolsuper FROM pg_roles WHERE rolname = 'throttle_evil'";
    assert_eq!(test.pg.text(rolsuper), "f");
    evil.rows("SELECT sync_start('j')");
    test.finish("j");
    assert_eq!(test.pg.text(rolsuper), "f");
    // A document is about jobs of one's own.
    let error = test
        .pg
        .error(r#"SELECT sync_import_job('{"job": "j", "source": "src"}')"#);
    assert_eq!(error.sqlstate, "42501", "{error:?}");
    // One that does not come to an end holds nothing for long, and says so.
    test.alter("j", r#"{"throttle_query": "pg_sleep(1000) IS NULL"}"#);
    test.start("j");
    test.wait_slowed("throttle_query, which fails: canceling statement due to statement timeout");
    test.alter("j", r#"{"throttle_query": null}"#);
    test.finish("j");
}

#[test]
fn who_holds_a_job_up_holds_up_no_other() {
    let mut test = Databases::shared("patient");
    test.table("t", 10);
    for job in ["a", "b", "other"] {
        test.job(job, "{}");
    }
    test.pg.rows("SELECT sync_depends('b', '{a}')");
    let mut slow = shared().postgres.connect("patient");
    slow.rows("BEGIN");
    slow.rows("SELECT sync_start('b')");
    test.run("a");
    // The supervisor would start b, and does not wait for it.
    test.run("other");
    slow.rows("ROLLBACK");
    wait_until("b is started after all", LONG, || {
        test.status("b") != "idle"
    });
    test.finish("b");
}

#[test]
fn a_check_names_what_the_source_cannot_be_asked_for() {
    let mut test = Databases::shared("throttle_check");
    test.table("t", 1);
    test.job(
        "j",
        r#"{"source_throttle": {"Threads_running": 1000, "No_such_variable": 1}}"#,
    );
    let failed = "SELECT concat_ws(' ', name, detail, fix) FROM sync_check('j') WHERE NOT ok";
    let rows = test.pg.rows(failed);
    assert_eq!(rows.len(), 1, "{rows:?}");
    let said = rows[0][0].clone().unwrap_or_default();
    assert!(said.contains("No_such_variable"), "{said}");
    assert!(!said.contains("Threads_running"), "{said}");
    test.alter("j", r#"{"source_throttle": {"Threads_running": 1000}}"#);
    assert!(test.pg.rows(failed).is_empty());
}

/// The lines of a job's panel.
fn panel(test: &mut Databases) -> Vec<String> {
    let rows = test.pg.rows("SELECT progress FROM sync_progress('j')");
    rows.into_iter()
        .map(|row| row[0].clone().unwrap_or_default())
        .collect()
}

/// Unit `t` reads the log once more, and says why that is slow.
fn catches_up_slowly(test: &mut Databases, why: &str) {
    assert_eq!(
        test.pg.number("SELECT sync_rewind('j', 's', unit => 't')"),
        1
    );
    let slowed = format!(
        "SELECT count(*) FROM sync_units WHERE unit = 't' AND status = 'catching_up' AND waiting_for = '{why}'"
    );
    wait_until(&format!("the unit waits for {why}"), LONG, || {
        test.pg.number(&slowed) == 1
    });
}

#[test]
fn a_unit_that_catches_up_says_why_it_is_slowed() {
    let mut test = Databases::logged("throttle_catch_up");
    for table in ["t", "u"] {
        test.table(table, 100);
    }
    test.stream("j");
    test.pg.rows("SELECT sync_savepoint('j', 's')");
    for batch in 0..40u64 {
        let first = 1000 + batch * 50;
        test.my.run(&[&insert_rows("t", first, first + 49)]);
    }
    test.catch_up("j");
    test.alter("j", r#"{"throttle_query": "true"}"#);
    catches_up_slowly(&mut test, "throttle_query");
    let lines = panel(&mut test);
    let line = |start: &str| {
        let found = lines.iter().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("{start} is missing: {lines:#?}"))
    };
    // The stream's lag is that of the units in step with it.
    assert!(line("j  running").contains("  lag "), "{lines:#?}");
    assert!(line("  u [").contains(" lag "), "{lines:#?}");
    assert!(line("  t [").contains("catching_up"), "{lines:#?}");
    assert!(!line("  t [").contains("lag"), "{lines:#?}");
    line("    waits for: throttle_query");
    test.alter("j", r#"{"throttle_query": null}"#);
    test.wait_streaming("j");
    test.alter("j", r#"{"max_rows_per_second": 100}"#);
    catches_up_slowly(&mut test, "max_rows_per_second");
    test.alter("j", r#"{"max_rows_per_second": null}"#);
    test.wait_streaming("j");
    let left = "SELECT count(waiting_for) FROM sync_units";
    assert_eq!(test.pg.number(left), 0, "nothing slows them any more");
    test.assert_followed("j");
    test.end_stream("j");
}
