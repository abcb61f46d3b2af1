//! Each change of a definition is a version that can be looked at, compared and gone back to; definitions
//! go out and in as documents, and with a dump.

use crate::support::fixture::{Databases, shared};
use crate::support::said::{refused, told};
use std::process::Command;

fn versions(test: &mut Databases) -> String {
    test.pg.text(
        "SELECT string_agg(version || ' ' || change, ', ' ORDER BY version) FROM sync_job_versions WHERE job = 'j'",
    )
}

#[test]
fn each_change_is_a_version_and_runs_name_theirs() {
    let mut test = Databases::shared("versions");
    test.table("t", 10);
    test.job("j", r#"{"workers": 2}"#);
    test.run("j");
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"workers\": 3}')");
    // Nothing changes: no version.
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"workers\": 3}')");
    test.pg
        .rows("SELECT sync_alter_unit('j', 't', '{\"priority\": \"high\"}')");
    test.run("j");
    assert_eq!(
        versions(&mut test),
        "1 sync_create_job, 2 sync_alter_job, 3 sync_alter_unit"
    );
    let runs = "SELECT string_agg(version || ' ' || trigger || ' ' || started_by || ' ' || rows_done, ', ' ORDER BY run_id) FROM sync_runs";
    assert_eq!(
        test.pg.text(runs),
        "1 manual postgres 10, 3 manual postgres 10"
    );
    let diff = |test: &mut Databases, call: &str| {
        let rows = test.pg.rows(&format!("SELECT * FROM {call}"));
        let cells = |row: Vec<Option<String>>| -> Vec<String> {
            row.into_iter()
                .map(|cell| cell.unwrap_or("-".into()))
                .collect()
        };
        rows.into_iter()
            .map(|row| cells(row).join(" "))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        diff(&mut test, "sync_diff_job('j', 1)"),
        ["options.workers 2 3", "unit_options.t.priority - \"high\""]
    );
    assert_eq!(
        diff(&mut test, "sync_diff_job('j', 2, 1)"),
        ["options.workers 3 2"]
    );
    assert_eq!(test.pg.number("SELECT sync_rollback_job('j', 1)"), 4);
    assert_eq!(
        diff(&mut test, "sync_diff_job('j', 1)"),
        Vec::<String>::new()
    );
    assert_eq!(
        test.pg
            .text("SELECT options::text || ' ' || version FROM sync_jobs"),
        r#"{"workers": 2} 4"#
    );
    assert_eq!(test.pg.text("SELECT priority FROM sync_units"), "medium");
    let change = "SELECT change FROM sync_job_versions WHERE present";
    assert_eq!(test.pg.text(change), "sync_rollback_job to version 1");
    for (misuse, sqlstate) in [
        ("SELECT sync_rollback_job('j', 9)", "42704"),
        ("SELECT * FROM sync_diff_job('j', 9)", "42704"),
        ("SELECT * FROM sync_diff_job('none', 1)", "42704"),
        ("SELECT * FROM sync_diff_job('j', NULL)", "22004"),
    ] {
        let error = test.pg.error(misuse);
        assert_eq!(error.sqlstate, sqlstate, "{misuse}: {error:?}");
    }
}

#[test]
fn definitions_go_out_and_in() {
    let mut test = Databases::shared("job_documents");
    test.table("t", 10);
    test.table("u", 5);
    test.job_of("first", "u", "{}");
    test.job_of("j", "t", r#"{"workers": 1, "throttle_query": "false"}"#);
    test.pg
        .rows("SELECT sync_alter_unit('j', 't', '{\"target\": \"renamed\"}')");
    test.pg.rows("SELECT sync_depends('j', '{first}')");
    let document = test.pg.text("SELECT sync_export_job('j')");
    assert!(!document.contains("secret"), "{document}");
    assert_eq!(
        document,
        r#"{"job": "j", "mode": "full", "units": ["t"], "source": "src", "options": {"workers": 1, "throttle_query": "false"}, "depends_on": ["first"], "unit_options": {"t": {"target": "renamed"}}, "target_schema": "j"}"#
    );
    test.pg.rows("SELECT sync_drop_job('j')");
    assert_eq!(
        test.pg
            .number(&format!("SELECT sync_import_job('{document}')")),
        1
    );
    assert_eq!(test.pg.text("SELECT sync_export_job('j')"), document);
    test.run("j");
    assert_eq!(test.pg.number("SELECT count(*) FROM j.renamed"), 10);
    // Defined anew.
    let changed = document.replace("\"workers\": 1", "\"workers\": 2");
    let version = test
        .pg
        .number(&format!("SELECT sync_import_job('{changed}')"));
    assert_eq!(
        test.pg
            .number(&format!("SELECT sync_import_job('{changed}')")),
        version
    );
    for (wrong, message) in [
        ("{}", "the document is no definition of a job"),
        (
            r#"{"job": "k", "source": "src", "optoins": {}}"#,
            "the document is no definition of a job",
        ),
        (
            r#"{"job": "k", "source": "src", "options": {"workers": 0}}"#,
            "invalid value for option \"workers\": 0",
        ),
        (
            r#"{"job": "k", "source": "nowhere"}"#,
            "source \"nowhere\" does not exist",
        ),
        (
            r#"{"job": "k", "source": "src", "depends_on": ["none"]}"#,
            "job \"none\" does not exist",
        ),
        (
            r#"{"job": "k", "source": "src", "options": {"throttle_query": "1 +"}}"#,
            "syntax error at or near \")\"",
        ),
    ] {
        let error = test.pg.error(&format!("SELECT sync_import_job('{wrong}')"));
        assert_eq!(error.message, message, "{error:?}");
    }
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM sync_jobs WHERE job = 'k'"),
        0
    );
    let schema = test.pg.text("SELECT sync_job_schema() ->> 'title'");
    assert_eq!(schema, "pg_tributary job");
}

#[test]
fn a_version_is_changed_by_nobody() {
    let mut test = Databases::shared("version_immutable");
    test.job("j", "{}");
    let all = "SELECT string_agg(v::text, ' ' ORDER BY version) FROM tributary.job_version v";
    let before = test.pg.text(all);
    for change in [
        "SET definition = '{}'",
        "SET change = 'nothing'",
        "SET version = version + 1",
        "SET changed_by = 'somebody', changed_at = now()",
    ] {
        for role in ["origin", "replica"] {
            test.pg
                .rows(&format!("SET session_replication_role = {role}"));
            let update = format!("UPDATE tributary.job_version {change}");
            refused(&mut test.pg, &[(&update, "55000", "version")]);
        }
    }
    assert_eq!(test.pg.text(all), before);
    test.pg.rows("RESET session_replication_role");
    test.alter("j", r#"{"workers": 3}"#);
    test.pg.rows("SELECT sync_drop_job('j')");
}

#[test]
fn a_job_that_is_dropped_leaves_the_definitions_of_those_that_waited_for_it() {
    let mut test = Databases::shared("version_dropped");
    for job in ["first", "j", "k"] {
        test.job(job, "{}");
    }
    test.pg
        .rows("SELECT sync_depends('j', '{first}'), sync_depends('k', '{first,j}')");
    test.pg.take_notices();
    test.pg.rows("SELECT sync_drop_job('first')");
    let notices: Vec<String> = test
        .pg
        .take_notices()
        .into_iter()
        .map(|notice| {
            assert_eq!(notice.severity, "NOTICE", "{notice:?}");
            notice.message
        })
        .collect();
    for job in ["\"j\"", "\"k\""] {
        assert!(
            notices.iter().any(|notice| notice.contains(job)),
            "{notices:?}"
        );
    }
    assert_eq!(
        versions(&mut test),
        "1 sync_create_job, 2 sync_depends, 3 sync_drop_job"
    );
    let definitions = "SELECT string_agg(job || version || (definition ->> 'depends_on'), ' ' ORDER BY job, version) \
                       FROM sync_job_versions WHERE version > 1";
    assert_eq!(
        test.pg.text(definitions),
        r#"j2["first"] j3[] k2["first", "j"] k3["j"]"#
    );
    let present =
        "SELECT string_agg(job || version || depends_on::text, ' ' ORDER BY job) FROM sync_jobs";
    assert_eq!(test.pg.text(present), "j3{} k3{j}");
    // What is said before a version is only what it was.
    refused(
        &mut test.pg,
        &[(
            "SELECT sync_rollback_job('j', 2)",
            "42704",
            "job \"first\" does not exist",
        )],
    );
    // Nobody waits for this one.
    test.pg.rows("SELECT sync_drop_job('k')");
    told(&mut test.pg, "NOTICE", "dropped job \"k\"");
    assert_eq!(
        test.pg
            .number("SELECT max(version) FROM sync_job_versions WHERE job = 'j'"),
        3
    );
}

#[test]
fn a_run_that_is_taken_up_again_names_the_version_that_it_goes_on_with() {
    let mut test = Databases::shared("version_retried");
    test.table("t", 10);
    test.job("j", "{}");
    test.alter_unit("j", "t", r#"{"columns": ["none"]}"#);
    test.start("j");
    assert_eq!(test.end("j"), "failed");
    let run = "SELECT string_agg(version || ' ' || trigger || ' ' || attempt, ', ') FROM sync_runs";
    assert_eq!(test.pg.text(run), "2 manual 1");
    test.alter_unit("j", "t", r#"{"columns": null}"#);
    assert_eq!(test.pg.text(run), "2 manual 1");
    test.pg.rows("SELECT sync_retry('j')");
    test.finish("j");
    assert_eq!(test.pg.text(run), "3 retry 2");
    test.assert_equal("j");
}

#[test]
fn another_role_changes_nothing() {
    let mut test = Databases::shared("version_rights");
    test.table("t", 10);
    test.job("j", "{}");
    test.pg.rows("CREATE ROLE version_rights_role LOGIN");
    let mut pg = shared()
        .postgres
        .connect_as("version_rights_role", &test.name);
    for call in [
        "SELECT sync_export_job('j')",
        "SELECT * FROM sync_diff_job('j', 1)",
        "SELECT sync_rollback_job('j', 1)",
        "SELECT sync_depends('j', '{}')",
        "SELECT sync_enable_job('j')",
        "SELECT sync_disable_job('j')",
        "SELECT sync_savepoint('j', 's')",
        "SELECT sync_drop_savepoint('j', 's')",
        "SELECT sync_rewind('j', 's')",
        "SELECT sync_reset('j')",
        "SELECT sync_start('j', 'event')",
        "SELECT sync_import_job('{\"job\": \"j\", \"source\": \"src\"}')",
    ] {
        let error = pg.error(call);
        assert_eq!(error.sqlstate, "42501", "{call}: {error:?}");
    }
    for view in [
        "sync_job_versions",
        "sync_checkpoints",
        "sync_samples",
        "sync_schedules",
    ] {
        assert_eq!(pg.number(&format!("SELECT count(*) FROM {view}")), 0);
    }
    let error = pg.error("UPDATE tributary.job_version SET version = 2");
    assert_eq!(error.sqlstate, "42501", "{error:?}");
}

#[test]
fn a_restored_dump_knows_its_jobs_and_starts_none() {
    let mut test = Databases::shared("dumped");
    test.table("t", 10);
    test.job("first", "{}");
    test.job("j", r#"{"workers": 1}"#);
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"workers\": 2}')");
    test.pg.rows("SELECT sync_depends('j', '{first}')");
    test.alter_unit("j", "t", r#"{"priority": "high", "target": "renamed"}"#);
    test.run("first");
    test.finish("j");
    test.pg
        .rows("SELECT sync_savepoint('j', 's'), sync_disable_job('first')");
    let postgres = &shared().postgres;
    let program = |name: &str| {
        let mut command = Command::new(postgres.program(name));
        command
            .arg("-h")
            .arg(postgres.socket_directory())
            .args(["-U", "postgres"]);
        command
    };
    let dump = program("pg_dump")
        .arg(&test.name)
        .output()
        .expect("pg_dump");
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let file = std::env::temp_dir().join(format!("tributary-dump-{}.sql", std::process::id()));
    std::fs::write(&file, &dump.stdout).expect("the dump");
    postgres
        .connect("postgres")
        .rows("CREATE DATABASE dumped_clone");
    let restore = program("psql")
        .args(["-v", "ON_ERROR_STOP=1", "-q", "-d", "dumped_clone", "-f"])
        .arg(&file)
        .output()
        .expect("psql");
    std::fs::remove_file(&file).expect("the dump is there");
    assert!(
        restore.status.success(),
        "{}",
        String::from_utf8_lossy(&restore.stderr)
    );
    let mut clone = postgres.connect("dumped_clone");
    let jobs = "SELECT string_agg(job || ' ' || status || ' ' || version || ' ' || depends_on::text, ', ' ORDER BY job) FROM sync_jobs";
    assert_eq!(clone.text(jobs), "first disabled 1 {}, j idle 4 {first}");
    refused(
        &mut clone,
        &[(
            "SELECT sync_start('first')",
            "55000",
            "job \"first\" is disabled",
        )],
    );
    let units = "SELECT sync_export_job('j') -> 'unit_options'";
    assert_eq!(
        clone.text(units),
        r#"{"t": {"target": "renamed", "priority": "high"}}"#
    );
    assert_eq!(clone.text(units), test.pg.text(units));
    for (table, rows) in [
        ("sync_job_versions", 5),
        ("sync_runs", 0),
        ("sync_units", 0),
        ("sync_checkpoints", 0),
    ] {
        assert_eq!(
            clone.number(&format!("SELECT count(*) FROM {table}")),
            rows,
            "{table}"
        );
    }
    // It goes on counting.
    assert_eq!(clone.number("SELECT sync_rollback_job('j', 1)"), 5);
    let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'tributary%' AND datname = 'dumped_clone'";
    crate::support::wait::wait_until("nothing is at work", crate::support::fixture::LONG, || {
        clone.number(workers) == 0
    });
}
