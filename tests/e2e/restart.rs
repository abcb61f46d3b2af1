//! A run goes on after a restart of PostgreSQL: by itself with preload, by `sync_start` without.

use crate::support::fixture::{Databases, LONG, SUPERVISOR, WORKER, insert_rows};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings, Shutdown};
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::wait::{seconds, wait_for, wait_until};

const OPTIONS: &str =
    r#"{"workers": 2, "chunk_rows": 4000, "batch_rows": 500, "retry_initial": "100 ms"}"#;

fn interrupted(settings: Settings, mode: Option<Shutdown>, goes_on: impl FnOnce(&mut Databases)) {
    let mariadb = MariaDb::start();
    let proxy = TcpProxy::to(mariadb.port);
    let mut postgres = Postgres::start(settings);
    let mut test = Databases::through(proxy.port, "restarted", &mariadb, &postgres);
    test.table("t", 20_000);
    proxy.reset(Fault::HoldAt(1_000_000));
    test.job("j", OPTIONS);
    test.start("j");
    wait_until("half of the rows are on their way", LONG, || {
        proxy.holding()
    });
    match mode {
        Some(mode) => postgres.restart(mode),
        None => {
            postgres.kill9();
            postgres.launch();
        }
    }
    proxy.set(Fault::None);
    test.pg = postgres.connect_when_up("restarted");
    assert_ne!(test.status("j"), "completed");
    goes_on(&mut test);
    test.finish("j");
    test.assert_equal("j");
    // And the next run is an ordinary one.
    test.my.run(&[&insert_rows("t", 20_001, 20_010)]);
    test.run("j");
    test.assert_equal("j");
}

fn by_itself(_: &mut Databases) {}

fn by_sync_start(test: &mut Databases) {
    // Nobody works on it, and it says so by standing still.
    let somebody = wait_for(seconds(3), || {
        let workers = test.worker_pids(WORKER).len() + test.worker_pids(SUPERVISOR).len();
        (workers > 0).then_some(workers)
    });
    assert_eq!(somebody, None, "workers without preload and without a call");
    test.start("j");
}

#[test]
fn with_preload_a_run_goes_on_after_a_restart() {
    interrupted(Settings::for_tests(), Some(Shutdown::Fast), by_itself);
}

#[test]
fn with_preload_a_run_goes_on_after_an_immediate_shutdown() {
    interrupted(Settings::for_tests(), Some(Shutdown::Immediate), by_itself);
}

#[test]
fn a_smart_shutdown_is_not_held_up_by_a_run() {
    let mariadb = MariaDb::start();
    let proxy = TcpProxy::to(mariadb.port);
    let mut postgres = Postgres::start(Settings::for_tests());
    let mut test = Databases::through(proxy.port, "smart", &mariadb, &postgres);
    test.table("t", 20_000);
    proxy.reset(Fault::HoldAt(500_000));
    test.job("j", OPTIONS);
    test.start("j");
    wait_until("the run is under way", LONG, || proxy.holding());
    let Databases { pg, .. } = test;
    drop(pg);
    postgres.stop(Shutdown::Smart);
}

#[test]
fn without_preload_sync_start_goes_on_after_a_restart() {
    interrupted(
        Settings::for_tests().without_preload(),
        Some(Shutdown::Fast),
        by_sync_start,
    );
}

#[test]
fn without_preload_sync_start_goes_on_after_a_crash() {
    interrupted(Settings::for_tests().without_preload(), None, by_sync_start);
}

#[test]
fn a_standby_starts_no_worker() {
    let mariadb = MariaDb::start();
    let proxy = TcpProxy::to(mariadb.port);
    let primary = Postgres::start(Settings::for_tests());
    let mut test = Databases::through(proxy.port, "with_standby", &mariadb, &primary);
    test.table("t", 20_000);
    proxy.reset(Fault::HoldAt(500_000));
    test.job("j", OPTIONS);
    test.start("j");
    wait_until("the run is under way", LONG, || proxy.holding());
    let standby = Postgres::standby_of(&primary, Settings::for_tests());
    let mut pg = standby.connect_when_up("with_standby");
    assert_eq!(pg.text("SELECT pg_is_in_recovery()"), "t");
    wait_until("the run is seen on the standby", LONG, || {
        pg.text("SELECT status FROM sync_jobs WHERE job = 'j'") == "running"
    });
    let worker = wait_for(seconds(3), || {
        Some(
            pg.number("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'tributary%'"),
        )
        .filter(|count| *count > 0)
    });
    assert_eq!(worker, None, "a worker on a standby");
    let error = pg.error("SELECT sync_start('j')");
    assert_eq!(error.sqlstate, "25006", "{error:?}");
    proxy.set(Fault::None);
    test.finish("j");
    test.assert_equal("j");
}
