//! What is altered counts while the job runs: rates, throttles, numbers of workers; and the server's own
//! limits are shared.

use crate::support::fixture::{Databases, LONG, WORKER, report, shared};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings};
use crate::support::wait::{seconds, wait_for, wait_until};
use std::time::Instant;

const SMALL: &str = r#"{"workers": 2, "chunk_rows": 20000, "max_rows_per_second": 2000}"#;

fn rows_done(test: &mut Databases) -> i64 {
    test.pg
        .number("SELECT coalesce(sum(rows_done), 0) FROM sync_units")
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

fn alter(test: &mut Databases, options: &str) {
    test.pg
        .rows(&format!("SELECT sync_alter_job('j', '{options}')"));
}

fn waits_for(test: &mut Databases, what: &str) {
    let sql = format!(
        "SELECT count(*) FROM sync_units WHERE waiting_for = $${what}$$ OR waiting_for LIKE $${what} is %$$"
    );
    wait_until(&format!("the unit waits for {what}"), LONG, || {
        test.pg.number(&sql) > 0
    });
}

#[test]
fn a_rate_holds_and_another_counts_at_once() {
    let mut test = Databases::shared("pace");
    test.table("t", 400_000);
    test.job("j", SMALL);
    test.start("j");
    wait_until("rows arrive", LONG, || rows_done(&mut test) > 2000);
    let rows = "SELECT coalesce(sum(rows_done), 0) FROM sync_units";
    holds(&mut test, rows, 2000.0);
    waits_for(&mut test, "max_rows_per_second");
    alter(&mut test, r#"{"max_rows_per_second": 8000}"#);
    wait_for(seconds(2), || None::<()>);
    holds(&mut test, rows, 8000.0);
    alter(
        &mut test,
        r#"{"max_rows_per_second": null, "max_bytes_per_second": "200kB"}"#,
    );
    wait_for(seconds(2), || None::<()>);
    waits_for(&mut test, "max_bytes_per_second");
    holds(
        &mut test,
        "SELECT sum(bytes_done) FROM sync_units",
        204_800.0,
    );
    alter(&mut test, r#"{"max_bytes_per_second": null}"#);
    test.finish("j");
    test.assert_equal("j");
    assert_eq!(test.pg.text("SELECT waiting_for FROM sync_units"), "");
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
    waits_for(&mut test, "throttle_query");
    assert_eq!(rows_done(&mut test), 0);
    test.pg.rows("DROP TABLE busy");
    waits_for(
        &mut test,
        "throttle_query, which fails: relation \"public.busy\" does not exist",
    );
    alter(
        &mut test,
        r#"{"throttle_query": null, "source_throttle": {"Threads_connected": 0}}"#,
    );
    waits_for(&mut test, "source_throttle: Threads_connected");
    assert_eq!(rows_done(&mut test), 0);
    // A pause is obeyed while it waits.
    test.pg.rows("SELECT sync_pause('j')");
    wait_until("the workers end", LONG, || {
        test.worker_pids(WORKER).is_empty()
    });
    test.pg.rows("SELECT sync_resume('j')");
    waits_for(&mut test, "source_throttle: Threads_connected");
    alter(
        &mut test,
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
fn a_stream_is_slowed_too() {
    let mut test = Databases::logged("pace_stream");
    test.table("t", 10);
    test.stream("j");
    alter(&mut test, r#"{"max_rows_per_second": 500}"#);
    let begin = Instant::now();
    for batch in 0..100u64 {
        let first = 100 + batch * 50;
        test.my.run(&[&crate::support::fixture::insert_rows(
            "t",
            first,
            first + 49,
        )]);
    }
    wait_until("the stream says why it waits", LONG, || {
        test.stream_column("j", "waiting_for") == "max_rows_per_second"
    });
    test.catch_up("j");
    let took = begin.elapsed().as_secs_f64();
    assert!(took > 7.0, "5000 rows at 500 per second took {took} s");
    alter(
        &mut test,
        r#"{"max_rows_per_second": null, "throttle_query": "true"}"#,
    );
    wait_until("the query holds it up", LONG, || {
        test.my
            .run(&["UPDATE t SET amount = amount + 1 WHERE id = 1"]);
        test.stream_column("j", "waiting_for") == "throttle_query"
    });
    alter(&mut test, r#"{"throttle_query": null}"#);
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
            crate::support::fixture::numbers(1, 8000)
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
    alter(&mut test, r#"{"max_rows_per_second": null}"#);
    test.finish("j");
    alter(&mut test, r#"{"max_rows_per_second": 100}"#);
    test.start("j");
    wait_until("it is copied anew", LONG, || {
        test.unit_status("j", "keyless") == "running"
    });
    alter(
        &mut test,
        r#"{"max_rows_per_second": null, "throttle_query": "now() IS NULL"}"#,
    );
    test.finish("j");
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
    alter(&mut test, r#"{"workers": 1}"#);
    let begin = Instant::now();
    wait_until("one is left", LONG, || test.worker_pids(WORKER).len() == 1);
    assert!(begin.elapsed() < seconds(3), "{:?}", begin.elapsed());
    alter(&mut test, r#"{"workers": 3, "max_rows_per_second": null}"#);
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
fn a_full_buffer_is_an_error_where_that_is_wanted() {
    let mut test = Databases::shared("overflow");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, body longtext)",
        "INSERT INTO t SELECT n, REPEAT('x', 200000) FROM (SELECT 1 n UNION SELECT 2) s",
    ]);
    for id in 3..200 {
        test.my.run(&[&format!(
            "INSERT INTO t SELECT {id}, body FROM t WHERE id = 1"
        )]);
    }
    test.pg
        .rows("CREATE SCHEMA j; CREATE TABLE j.t (id int PRIMARY KEY, body text)");
    test.pg.rows("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$");
    test.pg
        .rows("CREATE TRIGGER slow BEFORE INSERT ON j.t FOR EACH ROW EXECUTE FUNCTION slow()");
    test.job(
        "j",
        r#"{"overflow": "error", "max_attempts": 1, "existing_rows": "replace"}"#,
    );
    test.start("j");
    assert_eq!(test.end("j"), "failed");
    let [error, hint] = test.failure("j", "t");
    assert!(
        error.starts_with("the buffer between the source and PostgreSQL is full"),
        "{error}"
    );
    assert_eq!(
        hint,
        "SELECT sync_alter_job('j', '{\"overflow\": \"block\"}'); has the source wait"
    );
    alter(&mut test, r#"{"overflow": "block"}"#);
    test.pg.rows("SELECT sync_retry('j')");
    test.finish("j");
    test.assert_equal("j");
    let waits = "SELECT target_wait > '1 s' AND buffer_percent IS NULL FROM sync_units";
    assert_eq!(
        test.pg.text(waits),
        "t",
        "the source has waited for PostgreSQL"
    );
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
    alter(&mut test, r#"{"throttle_query": "pg_sleep(1000) IS NULL"}"#);
    test.start("j");
    waits_for(
        &mut test,
        "throttle_query, which fails: canceling statement due to statement timeout",
    );
    alter(&mut test, r#"{"throttle_query": null}"#);
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
    alter(&mut test, r#"{"max_rows_per_second": null}"#);
    test.finish("j");
}
