//! `sync_check` of a stream names each thing that its source lacks, and the statement that it names
//! mends it.

use crate::support::fixture::{Databases, shared};
use crate::support::mariadb::{MariaDb, mysql_root};
use crate::support::stream_fixture::logging_source;

struct Check {
    name: String,
    ok: bool,
    detail: String,
    fix: String,
}

fn checks(test: &mut Databases, job: &str) -> Vec<Check> {
    let rows = test.pg.rows(&format!(
        "SELECT name, ok, detail, coalesce(fix, '') FROM sync_check('{job}')"
    ));
    rows.into_iter()
        .map(|row| {
            let [name, ok, detail, fix] =
                [0, 1, 2, 3].map(|place| row[place].clone().unwrap_or_default());
            Check {
                ok: ok == "t",
                name,
                detail,
                fix,
            }
        })
        .collect()
}

fn failed(test: &mut Databases, job: &str) -> Vec<Check> {
    let mut all = checks(test, job);
    all.retain(|check| !check.ok);
    all
}

fn told(checks: &[Check]) -> String {
    checks
        .iter()
        .map(|check| format!("{}: {} -> {}\n", check.name, check.detail, check.fix))
        .collect()
}

/// Does one of the checks speak of this setting or privilege?
#[track_caller]
fn assert_named(checks: &[Check], word: &str) {
    let named = |check: &Check| {
        check.name.contains(word) || check.detail.contains(word) || check.fix.contains(word)
    };
    assert!(
        checks.iter().any(named),
        "{word} is not named:\n{}",
        told(checks)
    );
}

/// The statements of a fix, for the source.
fn statements(fix: &str) -> Vec<String> {
    let text = fix.strip_prefix("At the source:").unwrap_or(fix);
    // A remark may stand behind the last one.
    let end = text.rfind(';').unwrap_or(0);
    text[..end]
        .split(';')
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

/// Two jobs over a table, one of each mode.
fn jobs(name: &str, source: &MariaDb) -> Databases {
    let mut test = Databases::new(name, source, &shared().postgres);
    test.table("t", 10);
    test.stream_job("j", "{}");
    test.job("plain", "{}");
    test
}

#[test]
fn a_source_that_is_well_passes_each_check() {
    let mut test = Databases::logged("check_well");
    test.table("t", 10);
    test.stream_job("j", "{}");
    let all = checks(&mut test, "j");
    assert!(all.iter().all(|check| check.ok), "{}", told(&all));
    assert!(
        all.iter().all(|check| check.fix.is_empty()),
        "nothing is to be mended: {}",
        told(&all)
    );
    for word in [
        "log_bin",
        "binlog_format",
        "binlog_row_image",
        "binlog_row_metadata",
        "REPLICATION SLAVE",
        "retention",
    ] {
        assert_named(&all, word);
    }
    // A copy needs nothing of that.
    test.job("plain", "{}");
    let names = told(&checks(&mut test, "plain"));
    assert!(!names.contains("binlog"), "{names}");
}

#[test]
fn each_setting_that_lacks_is_mended_by_the_statement_that_is_named() {
    let metadata = match mysql_root() {
        Some(_) => "--binlog-row-metadata=MINIMAL",
        None => "--binlog-row-metadata=NO_LOG",
    };
    let mut settings = vec![
        "--binlog-format=MIXED",
        "--binlog-row-image=MINIMAL",
        metadata,
    ];
    if mysql_root().is_some() {
        settings.push("--binlog-row-value-options=PARTIAL_JSON");
    }
    let source = logging_source(&settings);
    let mut test = jobs("check_settings", &source);
    let lacking = failed(&mut test, "j");
    for word in ["binlog_format", "binlog_row_image", "binlog_row_metadata"] {
        assert_named(&lacking, word);
    }
    if mysql_root().is_some() {
        assert_named(&lacking, "binlog_row_value_options");
    }
    for check in &lacking {
        let statements = statements(&check.fix);
        assert!(!statements.is_empty(), "{}: no statement", check.name);
        for statement in statements {
            test.my.run(&[&statement]);
        }
        // By this one, and not by all of them together.
        let left = failed(&mut test, "j");
        assert!(
            left.iter().all(|left| left.name != check.name),
            "{} is not mended by {}",
            check.name,
            check.fix
        );
    }
    assert!(failed(&mut test, "j").is_empty());
    assert!(failed(&mut test, "plain").is_empty());
    // The writers' sessions that were open have the settings of before.
    test.my = source.connect(Some("check_settings"));
    test.start("j");
    test.wait_streaming("j");
    test.my.run(&["UPDATE t SET amount = amount + 1"]);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn each_privilege_that_lacks_is_mended_by_the_statement_that_is_named() {
    let source = logging_source(&[]);
    let mut test = jobs("check_grants", &source);
    let revoke = "REVOKE REPLICATION SLAVE, REPLICATION CLIENT ON *.* FROM reader@'%'";
    test.my.run(&[revoke]);
    let lacking = failed(&mut test, "j");
    assert_named(&lacking, "REPLICATION SLAVE");
    assert!(failed(&mut test, "plain").is_empty(), "a copy needs no log");
    // One at a time.
    test.my
        .run(&["GRANT REPLICATION SLAVE ON *.* TO reader@'%'"]);
    assert!(!failed(&mut test, "j").is_empty());
    test.my
        .run(&[revoke, "GRANT REPLICATION CLIENT ON *.* TO reader@'%'"]);
    assert_named(&failed(&mut test, "j"), "REPLICATION SLAVE");
    test.my.run(&[revoke]);
    // Whoever starts it anyway is told the same.
    test.start("j");
    let stopped = test.wait_stopped("j", "t");
    assert_eq!(stopped.sqlstate, "28000", "{stopped:?}");
    assert!(stopped.hint.contains("REPLICATION SLAVE"), "{stopped:?}");
    for check in lacking {
        for statement in statements(&check.fix) {
            test.my.run(&[&statement]);
        }
    }
    let left = failed(&mut test, "j");
    assert!(left.is_empty(), "{}", told(&left));
    test.pg.rows("SELECT sync_retry('j')");
    test.wait_streaming("j");
    test.my.run(&["UPDATE t SET amount = amount + 1"]);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_source_without_a_log_is_told_how_to_begin_one() {
    let mut source = logging_source(&["--skip-log-bin"]);
    let mut test = jobs("check_log", &source);
    let lacking = failed(&mut test, "j");
    assert_named(&lacking, "log_bin");
    assert!(
        lacking.iter().all(|check| !check.fix.is_empty()),
        "{}",
        told(&lacking)
    );
    assert!(failed(&mut test, "plain").is_empty());
    test.start("j");
    let stopped = test.wait_stopped("j", "t");
    assert!(
        stopped.hint.contains("log_bin") || stopped.hint.contains("log-bin"),
        "{stopped:?}"
    );
    source.stop();
    source.also("--log-bin=mysql-bin");
    source.launch();
    test.my = source.connect(Some("check_log"));
    let left = failed(&mut test, "j");
    assert!(left.is_empty(), "{}", told(&left));
    test.pg.rows("SELECT sync_retry('j')");
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_log_that_is_soon_gone_is_named() {
    // Shorter than any copy and any pause.
    let source = logging_source(&["--binlog-expire-logs-seconds=60"]);
    let mut test = jobs("check_retention", &source);
    let lacking = failed(&mut test, "j");
    assert_named(&lacking, "expire");
    for check in &lacking {
        for statement in statements(&check.fix) {
            test.my.run(&[&statement]);
        }
    }
    let left = failed(&mut test, "j");
    assert!(left.is_empty(), "{}", told(&left));
}

#[test]
fn what_the_log_does_not_tell_is_named() {
    let mut test = Databases::logged("check_cascades");
    test.my.run(&[
        "CREATE TABLE parents (id int PRIMARY KEY)",
        "CREATE TABLE children (id int PRIMARY KEY, parent int, CONSTRAINT to_parents FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE)",
        "CREATE TABLE friends (id int PRIMARY KEY, parent int, CONSTRAINT of_parents FOREIGN KEY (parent) REFERENCES parents (id))",
    ]);
    test.stream_job("j", "{}");
    let all = told(&checks(&mut test, "j"));
    // MySQL logs what a cascade does, from 9.6 on.
    let silent = mysql_root().is_none();
    assert_eq!(all.contains("children"), silent, "the cascade:\n{all}");
    assert!(
        !all.contains("of_parents"),
        "a key that changes nothing is named:\n{all}"
    );
}
