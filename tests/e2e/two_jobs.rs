//! Jobs do not touch each other, and many tables go through few workers and few slots.

use crate::support::fixture::{Databases, LONG, WORKER, ended, report, status};
use crate::support::mariadb::{self, MariaDb};
use crate::support::postgres::{Postgres, Settings};
use crate::support::wait::{seconds, wait_until};

#[test]
fn two_jobs_with_tables_of_the_same_name_keep_apart() {
    let mut test = Databases::shared("two_jobs");
    test.table("orders", 9000);
    test.table("items", 4000);
    let mut other = Databases::shared("two_jobs_other");
    other.table("orders", 7000);
    other.table("items", 5000);
    other.my.run(&["UPDATE orders SET label = 'other'"]);
    let url = mariadb::url(
        crate::support::fixture::shared().mariadb.port,
        "two_jobs_other",
    );
    test.pg
        .rows(&format!("SELECT sync_create_source('src2', '{url}')"));
    let options = r#"{"chunk_rows": 800, "batch_rows": 200, "workers": 2}"#;
    test.job("a", options);
    test.pg.rows(&format!(
        "SELECT sync_create_job('b', source => 'src2', options => '{options}')"
    ));
    test.pg.rows("SELECT sync_start('a'), sync_start('b')");
    test.finish("a");
    test.finish("b");
    test.assert_equal("a");
    for table in ["orders", "items"] {
        let from = format!("two_jobs_other.{table}");
        crate::support::compare::assert_equal(
            &mut other.my,
            &from,
            &mut test.pg,
            &format!("b.{table}"),
        );
    }
    let counts = "SELECT string_agg(rows_done::text, ',' ORDER BY job, unit) FROM sync_units";
    assert_eq!(test.pg.text(counts), "4000,9000,5000,7000");
}

#[test]
fn two_hundred_tables_finish_with_four_workers() {
    let mut test = Databases::shared("many_tables");
    for number in 0..200 {
        test.my.run(&[
            &format!("CREATE TABLE t{number} (id int PRIMARY KEY, v varchar(20))"),
            &format!(
                "INSERT INTO t{number} VALUES (1, 'a'), ({}, 'b')",
                number + 2
            ),
        ]);
    }
    test.job("j", r#"{"workers": 4}"#);
    test.start("j");
    let mut most = 0;
    wait_until("the run ends", LONG, || {
        most = most.max(test.worker_pids(WORKER).len());
        ended(&test.status("j"))
    });
    assert!(most <= 4, "{most} workers");
    test.finish("j");
    test.assert_equal("j");
}

#[test]
fn too_few_slots_are_waited_for() {
    let mariadb = MariaDb::start();
    // The launcher, logical replication's launcher, a supervisor: one slot is left for workers.
    let postgres = Postgres::start(Settings::for_tests().with("max_worker_processes=4"));
    let mut first = Databases::new("slots_one", &mariadb, &postgres);
    let mut second = Databases::new("slots_two", &mariadb, &postgres);
    for test in [&mut first, &mut second] {
        test.table("a", 20_000);
        test.table("b", 5000);
        test.job(
            "j",
            r#"{"workers": 4, "chunk_rows": 2000, "batch_rows": 500}"#,
        );
        test.start("j");
    }
    for test in [&mut first, &mut second] {
        // The launcher may have to look once more, which it does every minute.
        wait_until("the run ends", seconds(180), || ended(&test.status("j")));
        test.finish("j");
        test.assert_equal("j");
    }
}

#[test]
fn a_run_without_any_slot_says_that_it_waits() {
    let mariadb = MariaDb::start();
    // The launcher, logical replication's launcher and a supervisor take all there are.
    let mut postgres = Postgres::start(Settings::for_tests().with("max_worker_processes=3"));
    let mut test = Databases::new("no_slot", &mariadb, &postgres);
    test.table("t", 100);
    test.job("j", "{}");
    test.start("j");
    let pg = &mut test.pg;
    wait_until("the run says what it waits for", LONG, || {
        pg.text("SELECT waiting_for FROM sync_jobs WHERE job = 'j'")
            .contains("max_worker_processes")
    });
    assert!(!ended(&status(pg, "j")), "{}", report(pg, "j"));
    // The remedy of the message: more slots, which take a restart.
    postgres
        .settings
        .extra
        .push("max_worker_processes=8".into());
    postgres.restart(crate::support::postgres::Shutdown::Fast);
    test.pg = postgres.connect_when_up("no_slot");
    test.finish("j");
    test.assert_equal("j");
    assert_eq!(
        test.pg
            .text("SELECT waiting_for FROM sync_jobs WHERE job = 'j'"),
        ""
    );
}
