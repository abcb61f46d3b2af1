//! Definitions that are none, that are not the caller's to make, or that do not fit the run there is: each is
//! refused as docs/errors.md says, and nothing of it is kept.

use crate::support::canonical::pg_literal;
use crate::support::fixture::{Databases, LONG, shared};
use crate::support::postgres_client::PostgresClient;
use crate::support::said::refused;
use crate::support::stream_fixture::SOON;
use crate::support::wait::wait_until;

/// A definition of job `j`, as a call; `changed` takes the place of keys or comes along with them.
fn import(changed: &[(&str, &str)]) -> String {
    let mut document = serde_json::json!({"job": "j", "source": "src", "target_schema": "j"});
    for (key, value) in changed {
        document[*key] = serde_json::from_str(value).expect("JSON");
    }
    let document = pg_literal(&document.to_string());
    format!("SELECT sync_import_job({document})")
}

/// What the job is defined as.
fn definition(test: &mut Databases) -> String {
    test.pg
        .text("SELECT sync_export_job(job)::text || version || (SELECT count(*) FROM sync_job_versions) FROM sync_jobs WHERE job = 'j'")
}

#[test]
fn a_run_keeps_its_source_its_schema_and_its_mode() {
    let mut test = Databases::shared("misuse_redefined");
    test.table("t", 10);
    test.text_source();
    test.job("j", "{}");
    assert_eq!(
        test.pg.number(&import(&[("target_schema", r#""other""#)])),
        2
    );
    assert_eq!(test.pg.number(&import(&[])), 3);
    // A paused run is under way, and does nothing meanwhile.
    test.pg
        .rows("BEGIN; SELECT sync_start('j'), sync_pause('j'); COMMIT");
    let before = definition(&mut test);
    for statement in [
        import(&[("source", r#""txt""#)]),
        import(&[("target_schema", r#""other""#)]),
        import(&[("mode", r#""stream""#)]),
        // Not in part either.
        import(&[
            ("mode", r#""stream""#),
            ("options", r#"{"workers": 3}"#),
            ("units", r#"["t"]"#),
        ]),
        "SELECT sync_rollback_job('j', 2)".to_owned(),
    ] {
        let error = test.pg.error(&statement);
        assert_eq!(error.sqlstate, "55000", "{statement}: {error:?}");
        assert_eq!(error.message, "job \"j\" has a run under way");
        assert!(!error.detail.is_empty(), "{error:?}");
        assert_eq!(error.hint, "SELECT sync_cancel('j');");
        assert_eq!(definition(&mut test), before, "{statement}");
    }
    // The rest of a definition may change.
    let changes: [(&str, &str); 3] = [
        ("options", r#"{"workers": 3}"#),
        ("units", r#"["t"]"#),
        ("unit_options", r#"{"t": {"priority": "high"}}"#),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        assert_eq!(test.pg.number(&import(&[change])), 4 + place as i64);
    }
    assert_eq!(test.pg.number("SELECT sync_rollback_job('j', 1)"), 7);
    refused(
        &mut test.pg,
        &[(
            "SELECT sync_drop_job('j')",
            "55000",
            "job \"j\" has a run under way",
        )],
    );
    assert_eq!(test.status("j"), "paused");
    test.pg.rows("SELECT sync_cancel('j')");
    assert_eq!(test.pg.number("SELECT sync_rollback_job('j', 2)"), 8);
    test.run("j");
    assert_eq!(test.pg.number("SELECT count(*) FROM other.t"), 10);
}

/// Each way to take up the latest run again is refused, and changes nothing of it.
#[track_caller]
fn not_taken_up(test: &mut Databases, run: &str, calls: &[&str]) {
    let state = "SELECT string_agg(to_jsonb(u)::text, ' ' ORDER BY unit_id) || \
                 (SELECT to_jsonb(r)::text FROM tributary.run r ORDER BY run_id DESC LIMIT 1) FROM tributary.unit u";
    let before = test.pg.text(state);
    for call in calls {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "55000", "{call}: {error:?}");
        assert_eq!(
            error.message,
            format!("job \"j\" was defined anew since run {run}"),
            "{call}"
        );
        assert_eq!(error.hint, "SELECT sync_start('j');", "{call}");
        assert_eq!(test.pg.text(state), before, "{call}");
    }
}

const TAKEN_UP: [&str; 7] = [
    "sync_retry('j')",
    "sync_retry('j', 't')",
    "sync_redrive('j')",
    "sync_reset('j')",
    "sync_reset('j', 't')",
    "sync_rewind('j', 's')",
    "sync_rewind('j', 's', unit => 't')",
];

fn run_id(test: &mut Databases) -> String {
    test.pg.text("SELECT run_id FROM sync_jobs WHERE job = 'j'")
}

#[test]
fn a_run_of_another_definition_is_not_taken_up_again() {
    let mut test = Databases::logged("misuse_anew");
    test.table("t", 20);
    test.text_source();
    test.job("j", "{}");
    for (key, value) in [
        ("source", r#""txt""#),
        ("mode", r#""stream""#),
        ("target_schema", r#""other""#),
    ] {
        test.pg.rows(&import(&[]));
        test.run("j");
        test.pg.rows("SELECT sync_savepoint('j', 's')");
        let run = run_id(&mut test);
        test.pg.rows(&import(&[(key, value)]));
        not_taken_up(&mut test, &run, &TAKEN_UP);
        if key == "mode" {
            not_taken_up(
                &mut test,
                &run,
                &["sync_resync('j')", "sync_resync('j', 't')"],
            );
        }
        // With its own definition it is the same run again.
        test.pg.rows(&import(&[]));
        assert_eq!(test.pg.number("SELECT sync_reset('j')"), 1);
        test.finish("j");
        assert_eq!(run_id(&mut test), run);
        test.pg.rows(&import(&[(key, value)]));
        test.start("j");
        assert_ne!(run_id(&mut test), run);
        match key {
            "mode" => {
                test.wait_streaming("j");
                test.assert_followed("j");
                test.end_stream("j");
            }
            _ => {
                test.finish("j");
                test.assert_equal("j");
            }
        }
        test.pg.rows("SELECT sync_drop_savepoint('j', 's')");
    }
}

#[test]
fn a_failed_stream_of_another_definition_is_not_taken_up_again() {
    let mut test = Databases::logged("misuse_anew_stream");
    test.table("t", 20);
    test.text_source();
    test.stream("j");
    test.pg
        .rows("SELECT sync_savepoint('j', 's'); ALTER TABLE j.t RENAME COLUMN label TO other");
    test.my.run(&["UPDATE t SET amount = 1"]);
    assert_eq!(test.end("j"), "failed");
    let run = run_id(&mut test);
    let of_streams: [(&str, &str); 2] = [("mode", r#""stream""#), ("options", SOON)];
    for (key, value) in [("source", r#""txt""#), ("target_schema", r#""other""#)] {
        test.pg
            .rows(&import(&[of_streams[0], of_streams[1], (key, value)]));
        not_taken_up(&mut test, &run, &TAKEN_UP);
        not_taken_up(
            &mut test,
            &run,
            &["sync_resync('j')", "sync_resync('j', 't')"],
        );
    }
    // A copy that follows no log has no use for its positions.
    test.pg.rows(&import(&[]));
    not_taken_up(&mut test, &run, &TAKEN_UP);
    refused(
        &mut test.pg,
        &[("SELECT sync_resync('j')", "55000", "follows no log")],
    );
    test.pg.rows(&import(&[
        of_streams[0],
        of_streams[1],
        ("target_schema", r#""other""#),
    ]));
    test.start("j");
    // Until then the views show the units as the run before has left them.
    wait_until("the new run has listed its tables", LONG, || {
        test.pg.text("SELECT units_total FROM sync_jobs") == "1"
    });
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn tables_of_a_schema_that_a_job_had_before_are_a_strangers() {
    let mut test = Databases::shared("misuse_returned");
    test.table("t", 20);
    test.job("j", "{}");
    test.run("j");
    test.pg.rows(&import(&[("target_schema", r#""other""#)]));
    test.run("j");
    // Since then anybody may have written there.
    test.pg.rows("SELECT sync_rollback_job('j', 1)");
    test.start("j");
    assert_eq!(test.end("j"), "failed");
    let [error, hint] = test.failure("j", "t");
    assert!(error.contains("no run of this job has written"), "{error}");
    assert!(hint.contains("existing_rows"), "{hint}");
    test.pg
        .rows(r#"SELECT sync_alter_unit('j', 't', '{"existing_rows": "replace"}')"#);
    test.run("j");
    test.assert_equal("j");
}

fn role(test: &mut Databases, name: &str, rights: &str) -> PostgresClient {
    test.pg.rows(&format!("CREATE ROLE {name} LOGIN; {rights}"));
    shared().postgres.connect_as(name, &test.name)
}

#[test]
fn what_is_no_definition_makes_no_job() {
    let mut test = Databases::shared("misuse_documents");
    test.job("base", "{}");
    test.stream_job("stream", "{}");
    let long = format!(r#""{}""#, "x".repeat(64));
    for (document, sqlstate) in [
        ("NULL", "22004"),
        ("'null'", "22023"),
        ("'[]'", "22023"),
        ("'{}'", "22023"),
        (r#"'{"job": "k"}'"#, "22023"),
        (r#"'{"source": "src"}'"#, "22023"),
        (r#"'{"job": "", "source": "src"}'"#, "22023"),
        (r#"'{"job": 1, "source": "src"}'"#, "22023"),
    ] {
        let error = test
            .pg
            .error(&format!("SELECT sync_import_job({document})"));
        assert_eq!(error.sqlstate, sqlstate, "{document}: {error:?}");
    }
    let k = ("job", r#""k""#);
    for (key, value, sqlstate, part) in [
        ("optoins", "{}", "22023", "no definition"),
        ("units", r#""*""#, "22023", "no definition"),
        ("units", "[]", "22023", "the list of units is empty"),
        ("units", "[null]", "22023", "no definition"),
        ("units", r#"["!a"]"#, "22023", "only excludes"),
        ("mode", r#""fast""#, "22023", "mode \"fast\" is not known"),
        (
            "target_schema",
            r#""""#,
            "22023",
            "target schema name is empty",
        ),
        ("target_schema", long.as_str(), "22023", "is too long"),
        ("source", r#""nowhere""#, "42704", "source \"nowhere\""),
        (
            "options",
            r#"{"workers": 0}"#,
            "22023",
            "option \"workers\"",
        ),
        (
            "options",
            r#"{"throttle_query": "1 +"}"#,
            "42601",
            "syntax error",
        ),
        (
            "options",
            r#"{"throttle_query": "EXISTS (SELECT FROM no.such)"}"#,
            "42P01",
            "no.such",
        ),
        (
            "options",
            r#"{"throttle_query": "now()"}"#,
            "42846",
            "boolean",
        ),
        (
            "unit_options",
            r#"{"t": {"priority": "highest"}}"#,
            "22023",
            "option \"priority\"",
        ),
        ("depends_on", r#"["none"]"#, "42704", "job \"none\""),
        ("depends_on", r#"["base", "k"]"#, "22023", "wait for itself"),
        ("depends_on", r#"["stream"]"#, "22023", "never completes"),
    ] {
        let statement = import(&[k, (key, value)]);
        refused(&mut test.pg, &[(&statement, sqlstate, part)]);
    }
    let document = import(&[k]);
    let mut stranger = role(&mut test, "misuse_documents_stranger", "");
    let mut unmapped = role(
        &mut test,
        "misuse_documents_unmapped",
        "GRANT USAGE ON FOREIGN SERVER src TO misuse_documents_unmapped",
    );
    for call in [
        document.as_str(),
        "SELECT sync_create_job('k', source => 'src')",
    ] {
        let denied = "permission denied for foreign server src";
        refused(&mut stranger, &[(call, "42501", denied)]);
        let unknown = "user mapping not found";
        refused(&mut unmapped, &[(call, "42704", unknown)]);
    }
    let jobs = "SELECT string_agg(job, ',' ORDER BY job) FROM sync_jobs";
    assert_eq!(test.pg.text(jobs), "base,stream");
}

#[test]
fn what_no_job_can_have_is_refused_by_sync_create_job() {
    let mut test = Databases::shared("misuse_created");
    test.pg.rows(
        "CREATE FOREIGN DATA WRAPPER misuse; CREATE SERVER elsewhere FOREIGN DATA WRAPPER misuse",
    );
    let long = format!(
        "SELECT sync_create_job('k', source => 'src', target_schema => '{}')",
        "ä".repeat(32)
    );
    refused(
        &mut test.pg,
        &[
            (
                "SELECT sync_create_job('k', source => 'src', mode => 'fast')",
                "22023",
                "mode \"fast\" is not known",
            ),
            (
                "SELECT sync_create_job('', source => 'src')",
                "22023",
                "a job needs a name",
            ),
            (
                "SELECT sync_create_job('k', source => 'src', target_schema => '')",
                "22023",
                "target schema name is empty",
            ),
            (&long, "22023", "is too long"),
            (
                "SELECT sync_create_job('k', source => 'src', units => '{}')",
                "22023",
                "the list of units is empty",
            ),
            (
                "SELECT sync_create_job('k', source => 'src', units => '{!a}')",
                "22023",
                "only excludes",
            ),
            (
                "SELECT sync_create_job('k', source => 'elsewhere')",
                "22023",
                "server \"elsewhere\" is not a source",
            ),
            (
                "SELECT sync_create_job('k', source => 'nowhere')",
                "42704",
                "source \"nowhere\" does not exist",
            ),
            // Arguments that must not be NULL.
            (
                "SELECT sync_create_job('k', source => 'src', units => '{a,NULL}')",
                "22004",
                "units",
            ),
            (
                "SELECT sync_create_job('k', source => 'src', units => NULL)",
                "22004",
                "units",
            ),
            ("SELECT sync_create_job(NULL, 'src')", "22004", "job"),
            ("SELECT sync_create_job('k', NULL)", "22004", "source"),
            (
                "SELECT sync_create_job('k', 'src', mode => NULL)",
                "22004",
                "mode",
            ),
            (
                "SELECT sync_create_job('k', 'src', options => NULL)",
                "22004",
                "options",
            ),
        ],
    );
    // The name of a job is its only one in the database, whosever the job is.
    let mut owner = role(
        &mut test,
        "misuse_created_owner",
        "GRANT USAGE ON FOREIGN SERVER src TO misuse_created_owner; \
         CREATE USER MAPPING FOR PUBLIC SERVER src OPTIONS (username 'reader', password 'secret')",
    );
    owner.rows("SELECT sync_create_job('theirs', source => 'src')");
    let error = test
        .pg
        .error("SELECT sync_create_job('theirs', source => 'src')");
    assert_eq!(error.sqlstate, "42710", "{error:?}");
    let jobs = "SELECT string_agg(job || ' ' || owner, ',') FROM sync_jobs";
    assert_eq!(test.pg.text(jobs), "theirs misuse_created_owner");
    let mut ascii = {
        test.pg.rows(
            "CREATE DATABASE misuse_ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
        );
        shared().postgres.connect("misuse_ascii")
    };
    ascii.rows(
        "CREATE EXTENSION pg_tributary; CREATE SERVER src FOREIGN DATA WRAPPER tributary OPTIONS (url 'mysql://h/d'); \
         CREATE USER MAPPING FOR CURRENT_USER SERVER src",
    );
    for call in [
        "SELECT sync_create_source('s', 'mysql://h/d')",
        "SELECT sync_create_job('j', source => 'src')",
        "SELECT sync_import_job('{\"job\": \"j\", \"source\": \"src\"}')",
    ] {
        refused(&mut ascii, &[(call, "55000", "UTF8")]);
    }
}
