//! Nothing of the extension stands in the way of DROP and RENAME, and no worker is left behind.

use crate::support::fixture::{Databases, LONG, assert_no_workers, shared};
use crate::support::postgres_client::PostgresClient;
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::wait::wait_until;
use std::time::{Duration, Instant};

const OPTIONS: &str =
    r#"{"workers": 2, "chunk_rows": 1000, "batch_rows": 200, "retry_initial": "100 ms"}"#;

/// A statement that waits longer than this for us is blocked by us.
const BLOCKED: Duration = Duration::from_secs(15);

/// A run in the middle of a COPY, owned by `role`, whose source has gone silent. A worker that has
/// given way and asks it again ends with its read timeout, one to two times those 20 seconds.
fn running(name: &str) -> (TcpProxy, Databases, PostgresClient) {
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut test = Databases::through(proxy.port, name, &shared().mariadb, &shared().postgres);
    test.table("t", 20_000);
    test.pg.rows(&format!(
        "CREATE ROLE {name}_role LOGIN; GRANT USAGE ON FOREIGN SERVER src TO {name}_role; GRANT CREATE ON DATABASE {name} TO {name}_role; \
         CREATE USER MAPPING FOR {name}_role SERVER src OPTIONS (username 'reader', password 'secret'); \
         ALTER SERVER src OPTIONS (ADD read_timeout '20 s')"
    ));
    let mut owner = shared().postgres.connect_as(&format!("{name}_role"), name);
    owner.rows(&format!(
        "SELECT sync_create_job('j', source => 'src', options => '{OPTIONS}')"
    ));
    proxy.reset(Fault::HoldAt(800_000));
    owner.rows("SELECT sync_start('j')");
    wait_until("the run is under way", LONG, || proxy.holding());
    (proxy, test, owner)
}

#[track_caller]
fn unblocked(pg: &mut PostgresClient, sql: &str) {
    let begin = Instant::now();
    pg.rows(sql);
    assert!(
        begin.elapsed() < BLOCKED,
        "{sql} took {:?}",
        begin.elapsed()
    );
}

#[test]
fn drop_extension_ends_its_workers() {
    let (_proxy, mut test, _owner) = running("drop_extension");
    unblocked(&mut test.pg, "DROP EXTENSION pg_tributary CASCADE");
    assert_no_workers(&mut test.pg, "drop_extension");
    assert_eq!(test.pg.text("SELECT to_regnamespace('tributary')"), "");
    // What was copied is the user's, and the extension can come back.
    assert_ne!(test.pg.text("SELECT to_regclass('j.t')"), "");
    test.pg.rows("CREATE EXTENSION pg_tributary");
    assert!(test.pg.rows("SELECT * FROM sync_jobs").is_empty());
}

#[test]
fn drop_owned_and_drop_role_are_not_blocked() {
    let (_proxy, mut test, owner) = running("drop_owned");
    drop(owner);
    unblocked(&mut test.pg, "DROP OWNED BY drop_owned_role CASCADE");
    assert_no_workers(&mut test.pg, "drop_owned");
    unblocked(&mut test.pg, "DROP ROLE drop_owned_role");
    // The database's other work goes on.
    test.pg
        .rows("SELECT * FROM sync_jobs; SELECT * FROM sync_units");
}

#[test]
fn drop_database_is_not_blocked() {
    let (_proxy, test, owner) = running("drop_database");
    let Databases { pg, .. } = test;
    drop((pg, owner));
    let mut pg = shared().postgres.connect("postgres");
    unblocked(&mut pg, "DROP DATABASE drop_database WITH (FORCE)");
    assert_no_workers(&mut pg, "drop_database");
}

#[test]
fn an_idle_database_is_dropped_and_renamed_as_any_other() {
    for (name, sql) in [
        ("idle_dropped", "DROP DATABASE idle_dropped"),
        (
            "idle_renamed",
            "ALTER DATABASE idle_renamed RENAME TO idle_renamed_away",
        ),
    ] {
        let mut test = Databases::shared(name);
        test.table("t", 100);
        test.job("j", OPTIONS);
        test.run("j");
        let Databases { pg, .. } = test;
        drop(pg);
        let mut pg = shared().postgres.connect("postgres");
        assert_no_workers(&mut pg, name);
        unblocked(&mut pg, sql);
    }
}

#[test]
fn renames_are_followed_or_named() {
    let mut test = Databases::shared("renames");
    test.table("t", 100);
    test.pg.rows(
        "CREATE ROLE renames_role LOGIN; GRANT USAGE ON FOREIGN SERVER src TO renames_role; GRANT CREATE ON DATABASE renames TO renames_role; \
         CREATE USER MAPPING FOR renames_role SERVER src OPTIONS (username 'reader', password 'secret')",
    );
    shared()
        .postgres
        .connect_as("renames_role", "renames")
        .rows(&format!(
            "SELECT sync_create_job('j', source => 'src', options => '{OPTIONS}')"
        ));
    test.run("j");
    // A role keeps its job under any name.
    unblocked(
        &mut test.pg,
        "ALTER ROLE renames_role RENAME TO renames_other",
    );
    test.run("j");
    assert_eq!(test.pg.text("SELECT owner FROM sync_jobs"), "renames_other");
    // A source that is gone by its name is an error that says so; its old name mends it.
    unblocked(&mut test.pg, "ALTER SERVER src RENAME TO elsewhere");
    match test.pg.query("SELECT sync_start('j')") {
        Err(error) => assert!(error.message.contains("src"), "{error:?}"),
        Ok(_) => wait_until("the run ends, named or followed", LONG, || {
            let pg = &mut test.pg;
            let status = crate::support::fixture::status(pg, "j");
            status == "completed"
                || (status == "failed" && pg.text("SELECT error FROM sync_jobs").contains("src"))
        }),
    }
    test.pg.rows("ALTER SERVER elsewhere RENAME TO src");
    test.run("j");
    // The next run makes the table again beside the one that was renamed.
    unblocked(&mut test.pg, "ALTER TABLE j.t RENAME TO kept");
    test.run("j");
    test.assert_equal("j");
    assert_eq!(test.pg.number("SELECT count(*) FROM j.kept"), 100);
}

#[test]
fn a_target_is_dropped_and_renamed_in_the_middle_of_a_run() {
    for (name, sql) in [
        ("target_dropped", "DROP TABLE j.t"),
        ("target_renamed", "ALTER TABLE j.t RENAME TO away"),
        ("schema_dropped", "DROP SCHEMA j CASCADE"),
    ] {
        let (proxy, mut test, _owner) = running(name);
        // A COPY holds its lock until its batch ends: let it end, then be in the way.
        proxy.set(Fault::None);
        unblocked(&mut test.pg, sql);
        wait_until("the run ends", LONG, || {
            crate::support::fixture::ended(&test.status("j"))
        });
        if test.status("j") == "failed" {
            let hint = test
                .pg
                .text("SELECT concat_ws(' ', error, hint) FROM sync_units");
            assert!(!hint.is_empty());
            test.pg.rows("SELECT sync_retry('j')");
        } else {
            test.pg.rows("SELECT sync_start('j')");
        }
        test.finish("j");
        test.assert_equal("j");
    }
}

#[test]
fn a_job_is_dropped_once_its_run_is_cancelled() {
    let (_proxy, mut test, mut owner) = running("drop_job");
    let error = owner.error("SELECT sync_drop_job('j')");
    assert_eq!(error.sqlstate, "55000", "{error:?}");
    assert!(error.hint.contains("sync_cancel"), "{error:?}");
    unblocked(&mut owner, "SELECT sync_cancel('j')");
    unblocked(&mut owner, "SELECT sync_drop_job('j')");
    assert_no_workers(&mut test.pg, "drop_job");
    for view in [
        "sync_jobs",
        "sync_units",
        "sync_chunks",
        "sync_runs",
        "sync_events",
    ] {
        let rows = test.pg.rows(&format!("SELECT * FROM {view}"));
        assert!(rows.is_empty(), "{view}");
    }
    let table = test.pg.text("SELECT to_regclass('j.t')");
    assert_ne!(table, "", "the copied table is the user's");
}
