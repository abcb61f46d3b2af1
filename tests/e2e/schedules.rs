//! pg_cron starts jobs: by schedules of ours, and by CALL sync_run in entries of the user's own.

use crate::support::canonical::pg_literal;
use crate::support::fixture::{Databases, LONG, insert_rows, shared};
use crate::support::mariadb;
use crate::support::postgres::{Postgres, Settings, Shutdown};
use crate::support::postgres_client::PostgresClient;
use crate::support::wait::{seconds, wait_until};
use std::sync::OnceLock;
use std::time::Duration;

/// The one that pg_cron works in, with a table `t` at the source.
const DATABASE: &str = "schedules";

/// pg_cron looks at the clock once a minute.
const NEXT_MINUTE: Duration = seconds(130);

const EACH_MINUTE: &str = "* * * * *";
/// Long after each test.
const NEVER_MIND: &str = "0 0 29 2 *";

/// A server with pg_cron, which connects to it as a client does.
fn server() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(|| {
        let settings = Settings::for_tests()
            .with("shared_preload_libraries=pg_tributary,pg_cron")
            .with("max_worker_processes=30")
            .with(&format!("cron.database_name={DATABASE}"));
        let mut postgres = Postgres::start(settings);
        // Its default is localhost, where this server does not listen.
        let host = format!("cron.host={}", postgres.socket_directory().display());
        postgres.settings = postgres.settings.clone().with(&host);
        postgres.restart(Shutdown::Fast);
        let mut test = Databases::new(DATABASE, &shared().mariadb, &postgres);
        test.my.run(&[
            "CREATE TABLE t (id int PRIMARY KEY, label varchar(200), amount decimal(12,2), at datetime(3))",
            &insert_rows("t", 1, 10),
        ]);
        test.pg.rows("CREATE EXTENSION pg_cron");
        postgres
    })
}

fn superuser() -> PostgresClient {
    server().connect(DATABASE)
}

/// A role that may have jobs.
fn role(name: &str) -> PostgresClient {
    superuser().rows(&format!(
        "CREATE ROLE {name} LOGIN; GRANT USAGE ON FOREIGN SERVER src TO {name}; GRANT CREATE ON DATABASE {DATABASE} TO {name}; \
         CREATE USER MAPPING FOR {name} SERVER src OPTIONS (username 'reader', password 'secret')"
    ));
    server().connect_as(name, DATABASE)
}

fn create(pg: &mut PostgresClient, job: &str, source: &str) {
    let job = pg_literal(job);
    pg.rows(&format!(
        "SELECT sync_create_job({job}, source => '{source}', units => '{{t}}')"
    ));
}

fn schedule(pg: &mut PostgresClient, job: &str, schedule: &str) -> i64 {
    let job = pg_literal(job);
    pg.number(&format!("SELECT sync_schedule({job}, '{schedule}')"))
}

/// Notices and warnings since the last call.
fn told(pg: &mut PostgresClient) -> String {
    let notices = pg.take_notices().into_iter();
    let lines: Vec<String> = notices
        .map(|notice| format!("{}: {} {}", notice.severity, notice.message, notice.hint))
        .collect();
    lines.join("\n")
}

/// Entries of pg_cron that start this job, by their commands.
fn entries(job: &str) -> i64 {
    let command = pg_literal(&format!("SELECT public.sync_start('{job}', 'cron')"));
    superuser().number(&format!(
        "SELECT count(*) FROM cron.job WHERE command = {command}"
    ))
}

#[test]
fn pg_cron_starts_jobs_and_shows_how_they_end() {
    let mut pg = superuser();
    let mut plain = role("cron_plain");
    pg.rows("GRANT USAGE ON SCHEMA cron TO cron_plain");
    let wrong = mariadb::url(shared().mariadb.port, DATABASE).replace("secret", "wrong");
    pg.rows(&format!("SELECT sync_create_source('locked', '{wrong}')"));
    for (job, source) in [
        ("tick", "src"),
        ("tick_locked", "locked"),
        ("called", "src"),
        ("called_locked", "locked"),
    ] {
        create(&mut pg, job, source);
    }
    create(&mut plain, "tick_plain", "src");
    pg.take_notices();
    let number = schedule(&mut pg, "tick", EACH_MINUTE);
    let notices = told(&mut pg);
    assert!(
        notices.contains("pg_cron starts job \"tick\"; next: 2"),
        "{notices}"
    );
    schedule(&mut pg, "tick_locked", EACH_MINUTE);
    schedule(&mut plain, "tick_plain", EACH_MINUTE);
    for job in ["called", "called_locked"] {
        pg.rows(&format!(
            "SELECT cron.schedule('nightly {job}', '{EACH_MINUTE}', $$CALL sync_run('{job}')$$)"
        ));
    }
    let entry = pg
        .rows(&format!(
            "SELECT jobname, command, username, database FROM cron.job WHERE jobid = {number}"
        ))
        .remove(0);
    let cells: Vec<&str> = entry.iter().flatten().map(String::as_str).collect();
    let command = "SELECT public.sync_start('tick', 'cron')";
    assert_eq!(cells, ["tributary: tick", command, "postgres", DATABASE]);

    wait_until("all have run once", NEXT_MINUTE, || {
        let ours = pg.number(
            "SELECT count(*) FROM sync_schedules WHERE job LIKE 'tick%' AND last_status IN ('completed', 'failed')",
        );
        let theirs = pg.number(
            "SELECT count(DISTINCT jobname) FROM cron.job_run_details JOIN cron.job USING (jobid) \
             WHERE jobname LIKE 'nightly %' AND status IN ('succeeded', 'failed')",
        );
        (ours, theirs) == (3, 2)
    });

    let seen = "SELECT last_status, coalesce(last_error LIKE '%refused the user name or password%', false), created_by, active, schedule, \
         last_run_at > now() - interval '5 min' AND last_run_at <= clock_timestamp(), \
         next_run_at > now() AND next_run_at <= clock_timestamp() + interval '1 min' \
         AND next_run_at = date_trunc('minute', next_run_at) FROM sync_schedules WHERE job";
    for (job, status, refused, role) in [
        ("tick", "completed", "f", "postgres"),
        ("tick_locked", "failed", "t", "postgres"),
        ("tick_plain", "completed", "f", "cron_plain"),
    ] {
        // The next minute may just have begun another run.
        let expected = [status, refused, role, "t", EACH_MINUTE, "t", "t"];
        wait_until(
            &format!("sync_schedules is right of {job}"),
            seconds(60),
            || {
                let row = pg.rows(&format!("{seen} = '{job}'")).remove(0);
                row.iter().flatten().map(String::as_str).eq(expected)
            },
        );
    }
    assert_eq!(plain.number("SELECT count(*) FROM sync_schedules"), 1);
    for job in ["tick", "tick_locked", "called", "called_locked"] {
        let others = format!(
            "SELECT count(*) FROM sync_runs WHERE job = '{job}' AND (trigger <> 'cron' OR started_by <> 'postgres')"
        );
        assert_eq!(pg.number(&others), 0, "{job}");
    }
    let starters =
        "SELECT string_agg(DISTINCT started_by::text, ',') FROM sync_runs WHERE job = 'tick_plain'";
    assert_eq!(plain.text(starters), "cron_plain");
    for job in ["tick", "called", "tick_plain"] {
        assert_eq!(pg.number(&format!("SELECT count(*) FROM {job}.t")), 10);
    }

    let detail = |pg: &mut PostgresClient, job: &str, column: &str| {
        pg.text(&format!(
            "SELECT {column} FROM cron.job_run_details WHERE command = $$CALL sync_run('{job}')$$ \
             AND status IN ('succeeded', 'failed') ORDER BY runid LIMIT 1"
        ))
    };
    assert_eq!(detail(&mut pg, "called", "status"), "succeeded");
    assert_eq!(detail(&mut pg, "called_locked", "status"), "failed");
    let message = detail(&mut pg, "called_locked", "return_message");
    assert!(
        message.contains("of job \"called_locked\" has failed"),
        "{message}"
    );
    assert!(message.contains("DETAIL:"), "{message}");

    for job in ["called", "called_locked"] {
        pg.rows(&format!("SELECT cron.unschedule('nightly {job}')"));
    }
    assert_eq!(pg.text("SELECT sync_unschedule('tick')"), "t");
    assert_eq!(pg.text("SELECT sync_unschedule('tick_locked')"), "t");
    assert_eq!(plain.text("SELECT sync_unschedule('tick_plain')"), "t");
    for job in ["tick", "tick_locked", "tick_plain"] {
        assert_eq!(entries(job), 0, "{job}");
    }
}

#[test]
fn without_pg_cron_the_error_says_how_to_get_it() {
    let mut test = Databases::shared("schedules_none");
    test.job("j", "{}");
    let error = test.pg.error("SELECT sync_schedule('j', '0 3 * * *')");
    assert_eq!(error.sqlstate, "42704", "{error:?}");
    assert_eq!(
        error.message,
        "extension \"pg_cron\" is not installed in this database"
    );
    for part in [
        "shared_preload_libraries",
        "cron.database_name = 'schedules_none'",
        "CREATE EXTENSION pg_cron;",
        "GRANT USAGE ON SCHEMA cron TO postgres;",
    ] {
        assert!(error.hint.contains(part), "{part}: {error:?}");
    }
    assert_eq!(test.pg.text("SELECT sync_unschedule('j')"), "f");
    test.pg.rows("SELECT sync_drop_job('j')");
}

#[test]
fn in_another_database_than_pg_crons_the_hint_is_the_statement() {
    let mut other = Databases::new("schedules_other", &shared().mariadb, server());
    other.job("elsewhere", "{}");
    let error = other
        .pg
        .error("SELECT sync_schedule('elsewhere', '@yearly')");
    assert_eq!(error.sqlstate, "42704", "{error:?}");
    let (_, statement) = error
        .hint
        .split_once("superuser: ")
        .expect("a statement in the hint");
    let mut pg = superuser();
    let number = pg.number(statement);
    let entry = format!("SELECT database || ' ' || schedule FROM cron.job WHERE jobid = {number}");
    assert_eq!(pg.text(&entry), "schedules_other 0 0 1 1 *");
    pg.rows(&format!("SELECT cron.unschedule({number})"));
}

#[test]
fn a_schedule_is_replaced_ended_and_dropped_with_its_job() {
    let mut pg = superuser();
    create(&mut pg, "kept", "src");
    schedule(&mut pg, "kept", NEVER_MIND);
    schedule(&mut pg, "kept", "@weekly");
    assert_eq!(entries("kept"), 1);
    let shown = "SELECT s.schedule || ' as ' || c.schedule FROM sync_schedules s \
                 JOIN cron.job c ON c.jobid = s.cron_job_id WHERE s.job = 'kept'";
    assert_eq!(pg.text(shown), "@weekly as 0 0 * * 0");

    assert_eq!(pg.text("SELECT sync_unschedule('kept')"), "t");
    assert_eq!(entries("kept"), 0);
    pg.take_notices();
    assert_eq!(pg.text("SELECT sync_unschedule('kept')"), "f");
    assert!(told(&mut pg).contains("job \"kept\" has no schedule"));

    // Somebody has removed the entry by hand.
    let number = schedule(&mut pg, "kept", NEVER_MIND);
    pg.rows(&format!("SELECT cron.unschedule({number})"));
    assert_eq!(pg.text("SELECT sync_unschedule('kept')"), "t");
    assert!(told(&mut pg).contains("was gone already"));
    let number = schedule(&mut pg, "kept", NEVER_MIND);
    pg.rows(&format!("SELECT cron.unschedule({number})"));
    schedule(&mut pg, "kept", NEVER_MIND);
    assert_eq!(entries("kept"), 1);

    // Nothing is left of what was rolled back.
    pg.rows("BEGIN; SELECT sync_unschedule('kept'); ROLLBACK");
    assert_eq!(entries("kept"), 1);
    pg.rows("SELECT sync_drop_job('kept')");
    assert_eq!(entries("kept"), 0);
    let left = pg.number("SELECT count(*) FROM sync_schedules WHERE job = 'kept'");
    assert_eq!(left, 0);
}

#[test]
fn a_disabled_job_has_no_next_run() {
    let mut pg = superuser();
    create(&mut pg, "idle", "src");
    schedule(&mut pg, "idle", NEVER_MIND);
    let next = "SELECT active || ' ' || coalesce(to_char(next_run_at, 'MM-DD'), 'none') FROM sync_schedules WHERE job = 'idle'";
    assert_eq!(pg.text(next), "true 02-29");
    pg.rows("SELECT sync_disable_job('idle')");
    assert_eq!(pg.text(next), "false none");
    pg.take_notices();
    schedule(&mut pg, "idle", NEVER_MIND);
    assert!(told(&mut pg).contains("the job is disabled"));
    pg.rows("SELECT sync_drop_job('idle')");
}

#[test]
fn names_that_pg_cron_would_cut_or_quote_are_told_apart() {
    let mut pg = superuser();
    let long = "x".repeat(55);
    let jobs = [format!("{long}1"), format!("{long}2"), "it's".to_owned()];
    for job in &jobs {
        create(&mut pg, job, "src");
        schedule(&mut pg, job, NEVER_MIND);
    }
    for job in &jobs {
        assert_eq!(entries(&job.replace('\'', "''")), 1, "{job}");
    }
    for job in &jobs {
        pg.rows(&format!("SELECT sync_drop_job({})", pg_literal(job)));
        assert_eq!(entries(&job.replace('\'', "''")), 0, "{job}");
    }
}

#[test]
fn a_run_that_is_tried_again_is_still_the_last_of_its_schedule() {
    let mut pg = superuser();
    create(&mut pg, "again", "src");
    pg.rows(r#"SELECT sync_alter_unit('again', 't', '{"columns": ["none"]}')"#);
    schedule(&mut pg, "again", NEVER_MIND);
    // As its entry does.
    pg.rows("SELECT sync_start('again', 'cron')");
    let status = "SELECT last_status FROM sync_schedules WHERE job = 'again'";
    wait_until("the run fails", LONG, || pg.text(status) == "failed");
    let at = "SELECT last_run_at FROM sync_schedules WHERE job = 'again'";
    let first = pg.text(at);
    assert!(!first.is_empty());
    pg.rows(r#"SELECT sync_alter_unit('again', 't', '{"columns": null}')"#);
    pg.rows("SELECT sync_retry('again')");
    wait_until("the run completes", LONG, || pg.text(status) == "completed");
    assert_eq!(pg.text(at), first);
    let runs =
        "SELECT string_agg(trigger || ' ' || attempt, ', ') FROM sync_runs WHERE job = 'again'";
    assert_eq!(pg.text(runs), "retry 2");
    pg.rows("SELECT sync_drop_job('again')");
}

#[test]
fn a_schedule_wants_the_jobs_rights_and_those_of_pg_cron() {
    let mut pg = superuser();
    let mut owner = role("cron_owner");
    let mut member = role("cron_member");
    let mut stranger = role("cron_stranger");
    pg.rows(
        "GRANT cron_owner TO cron_member; GRANT USAGE ON SCHEMA cron TO cron_member, cron_stranger",
    );
    create(&mut owner, "owned", "src");
    for call in [
        "sync_schedule('owned', '@daily')",
        "sync_unschedule('owned')",
    ] {
        let error = stranger.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "42501", "{call}: {error:?}");
    }

    let error = owner.error("SELECT sync_schedule('owned', '@daily')");
    assert_eq!(error.sqlstate, "42501", "{error:?}");
    assert_eq!(error.hint, "GRANT USAGE ON SCHEMA cron TO cron_owner;");
    pg.rows(&error.hint);
    schedule(&mut owner, "owned", NEVER_MIND);
    assert_eq!(stranger.number("SELECT count(*) FROM sync_schedules"), 0);
    assert_eq!(member.number("SELECT count(*) FROM sync_schedules"), 1);

    // A second entry beside the owner's would start the job twice.
    for call in [
        "sync_schedule('owned', '@daily')",
        "sync_unschedule('owned')",
    ] {
        let error = member.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "42501", "{call}: {error:?}");
        assert!(
            error.message.contains("belongs to role \"cron_owner\""),
            "{error:?}"
        );
    }
    assert_eq!(entries("owned"), 1);
    schedule(&mut pg, "owned", NEVER_MIND);
    assert_eq!(entries("owned"), 1);
    let by = "SELECT created_by FROM sync_schedules WHERE job = 'owned'";
    assert_eq!(pg.text(by), "postgres");

    // The entry of another does not keep a job that its owner drops.
    owner.take_notices();
    owner.rows("SELECT sync_drop_job('owned')");
    let warning = told(&mut owner);
    assert!(
        warning.contains("WARNING: ") && warning.contains("SELECT cron.unschedule("),
        "{warning}"
    );
    assert_eq!(entries("owned"), 1);
    pg.rows("SELECT cron.unschedule('tributary: owned')");
}

#[test]
fn what_is_no_schedule_is_refused_before_pg_cron_sees_it() {
    let mut pg = superuser();
    create(&mut pg, "misused", "src");
    for (text, part) in [
        ("'every day'", "it has 2 fields, not 5"),
        ("'0 24 * * *'", "hour: \"24\" is not one of 0 to 23"),
        ("'0 0 0 3 * *'", "it has 6 fields, not 5"),
        ("'0 0 30 2 *'", "no such day ever comes"),
        ("'@reboot'", "runs go on by themselves"),
        ("''", "it has 0 fields, not 5"),
    ] {
        let error = pg.error(&format!("SELECT sync_schedule('misused', {text})"));
        assert_eq!(error.sqlstate, "22023", "{text}: {error:?}");
        assert!(error.message.starts_with("invalid schedule: "), "{error:?}");
        assert!(error.detail.contains(part), "{error:?}");
        assert!(error.hint.contains("'0 3 * * *'"), "{error:?}");
    }
    let error = pg.error("SELECT sync_schedule('misused', NULL)");
    assert_eq!(error.sqlstate, "22004", "{error:?}");
    let error = pg.error("SELECT sync_schedule('nobody', '@daily')");
    assert_eq!(error.sqlstate, "42704", "{error:?}");
    assert_eq!(entries("misused"), 0);
    // pg_cron of Debian 12 is older than its schedules in seconds.
    if let Err(error) = pg.query("SELECT sync_schedule('misused', '30 seconds')") {
        assert_eq!(error.sqlstate, "22023", "{error:?}");
        assert!(error.hint.contains("1.5"), "{error:?}");
    }
    pg.rows("SELECT sync_drop_job('misused')");
    for (call, expected) in [
        ("'0 0 29 2 *', '2026-01-01'", "2028-02-29 00:00:00+00"),
        (
            "'* * * * *', '2026-01-01 00:00:30.5+00'",
            "2026-01-01 00:01:00+00",
        ),
        ("'@daily', 'infinity'", ""),
        ("'@daily', '-infinity'", ""),
        ("'@daily', '294276-12-31 23:59'", ""),
        ("NULL", ""),
    ] {
        assert_eq!(pg.text(&format!("SELECT sync_next_run({call})")), expected);
    }
}
