//! What is kept no longer is not lost in silence, and what is to be kept is.

use crate::support::fixture::{Databases, LONG, shared};
use crate::support::postgres::{Postgres, Settings};
use crate::support::said::refused;
use crate::support::wait::wait_until;

/// What is old is looked for while something runs: at once, and then each minute.
fn keep_busy(test: &mut Databases) {
    test.table("big", 200_000);
    test.job_of("busy", "big", r#"{"max_rows_per_second": 1000}"#);
    test.start("busy");
}

fn rest(test: &mut Databases) {
    test.pg.rows("SELECT sync_cancel('busy')");
    test.assert_gone();
}

#[test]
fn rejects_that_are_removed_are_told() {
    let mut test = Databases::shared("retention");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, at date)",
        "SET SESSION sql_mode = ''",
        "INSERT INTO t VALUES (1, '2024-01-01'), (2, '0000-00-00'), (3, '0000-00-00')",
    ]);
    test.job("j", r#"{"max_rejects": 10}"#);
    test.run("j");
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_rejects"), 2);
    test.pg
        .rows("UPDATE tributary.reject SET at = at - interval '100 days'");
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"retention\": \"50 d\"}')");
    keep_busy(&mut test);
    wait_until("the old rejects go", LONG, || {
        test.pg.number("SELECT count(*) FROM sync_rejects") == 0
    });
    let told =
        "SELECT unit || ': ' || message FROM sync_events WHERE job = 'j' AND status = 'pruned'";
    assert_eq!(test.pg.text(told), "t: 2 rejects were removed by retention");
    rest(&mut test);
}

/// Its checkpoints without a name are twelve, and there is one with a name: all so old.
fn checkpoints(test: &mut Databases, job: &str, age: &str) {
    let id = test.pg.number(&format!(
        "SELECT job_id FROM tributary.job WHERE job = '{job}'"
    ));
    test.pg.rows(&format!(
        "DELETE FROM tributary.checkpoint WHERE job_id = {id}; \
         SELECT sync_savepoint('{job}', 'kept'); \
         INSERT INTO tributary.checkpoint (job_id, run_id, rows_done) \
         SELECT {id}, (SELECT max(run_id) FROM tributary.run WHERE job_id = {id}), n FROM generate_series(1, 12) n; \
         UPDATE tributary.checkpoint SET at = at - interval '{age}' WHERE job_id = {id}"
    ));
}

/// What the checkpoints without a name had counted, oldest first.
fn unnamed(test: &mut Databases, job: &str) -> String {
    test.pg.text(&format!(
        "SELECT string_agg(rows_done::text, ' ' ORDER BY checkpoint_id) FROM sync_checkpoints WHERE job = '{job}' AND savepoint IS NULL"
    ))
}

#[test]
fn as_many_checkpoints_stay_as_the_job_says() {
    let mut test = Databases::shared("retention_checkpoints");
    test.table("t", 10);
    refused(
        &mut test.pg,
        &[
            (
                r#"SELECT sync_create_job('j', 'src', options => '{"checkpoints_kept": 0}')"#,
                "22023",
                "invalid value for option \"checkpoints_kept\"",
            ),
            (
                r#"SELECT sync_create_job('j', 'src', options => '{"checkpoint_retention": "1 s"}')"#,
                "22023",
                "invalid value for option \"checkpoint_retention\"",
            ),
        ],
    );
    let few = r#"{"checkpoints_kept": 3, "checkpoint_retention": "1 h"}"#;
    let young = r#"{"checkpoints_kept": 3, "checkpoint_retention": "3 h"}"#;
    // Jobs are looked at one after the other. Those that say nothing keep ten, and all of a week.
    let jobs = [
        ("few", few, "2 h"),
        ("young", young, "2 h"),
        ("plain_young", "{}", "6 days"),
        ("plain", "{}", "8 days"),
    ];
    for (job, options, _) in jobs {
        test.job_of(job, "t", options);
        test.run(job);
    }
    test.assert_gone();
    for (job, _, age) in jobs {
        checkpoints(&mut test, job, age);
    }
    let events = "SELECT count(*) FROM sync_events WHERE job = 'few'";
    let before = test.pg.number(events);
    test.pg
        .rows("UPDATE tributary.event SET at = at - interval '2 h'");
    keep_busy(&mut test);
    wait_until("all but three go", LONG, || {
        unnamed(&mut test, "few") == "10 11 12"
    });
    wait_until("all but ten go", LONG, || {
        unnamed(&mut test, "plain") == "3 4 5 6 7 8 9 10 11 12"
    });
    for job in ["young", "plain_young"] {
        assert_eq!(
            unnamed(&mut test, job),
            "1 2 3 4 5 6 7 8 9 10 11 12",
            "{job}"
        );
    }
    let named = "SELECT count(*) FROM sync_checkpoints WHERE savepoint = 'kept'";
    assert_eq!(test.pg.number(named), 4);
    // It is an option of checkpoints, and of nothing else.
    assert_eq!(test.pg.number(events), before);
    rest(&mut test);
}

#[test]
fn the_setting_counts_for_jobs_that_say_nothing_else() {
    let postgres = Postgres::start(Settings::for_tests().with("tributary.retention=1h"));
    let mut test = Databases::new("retention_setting", &shared().mariadb, &postgres);
    test.table("t", 10);
    for (job, options) in [("patient", r#"{"retention": "1 d"}"#), ("plain", "{}")] {
        test.job_of(job, "t", options);
        for _ in 0..3 {
            test.run(job);
        }
    }
    test.assert_gone();
    for job in ["plain", "patient"] {
        checkpoints(&mut test, job, "2 h");
    }
    let kept = |test: &mut Databases, job: &str| {
        ["runs", "samples", "events", "checkpoints"].map(|view| {
            test.pg.number(&format!(
                "SELECT count(*) FROM sync_{view} WHERE job = '{job}'"
            ))
        })
    };
    let before = kept(&mut test, "patient");
    assert_eq!(before[0], 3);
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    for old in [
        "run SET finished_at = finished_at",
        "sample SET at = at",
        "event SET at = at",
    ] {
        test.pg
            .rows(&format!("UPDATE tributary.{old} - interval '2 h'"));
    }
    keep_busy(&mut test);
    // The latest run stays, as do ten checkpoints and the one with a name.
    wait_until("what is old goes", LONG, || {
        kept(&mut test, "plain") == [1, 0, 0, 11]
    });
    assert_eq!(kept(&mut test, "patient"), before);
    let latest = "SELECT r.run_id = j.run_id FROM sync_runs r JOIN sync_jobs j USING (job) WHERE job = 'plain'";
    assert_eq!(test.pg.text(latest), "t");
    rest(&mut test);
}
