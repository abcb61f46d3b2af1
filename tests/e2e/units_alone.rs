//! One unit's error leaves the others running to the end, says what mends it, and `sync_retry`
//! finishes the unit once that is done.

use crate::support::fixture::{self, Databases, LONG, shared};
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::wait::wait_until;

const OPTIONS: &str = r#"{"workers": 2, "chunk_rows": 1000, "batch_rows": 300, "retry_initial": "50 ms", "max_attempts": 3}"#;

/// The unit fails, clearly, with a hint, and the others complete.
fn fails_alone(test: &mut Databases, unit: &str, words: &str) {
    wait_until("the unit fails and the others end", LONG, || {
        let others = test.pg.number(&format!(
            "SELECT count(*) FROM sync_units WHERE job = 'j' AND unit <> '{unit}' AND status <> 'completed'"
        ));
        test.unit_status("j", unit) == "failed" && others == 0
    });
    let what = format!("FROM sync_units WHERE job = 'j' AND unit = '{unit}'");
    let error = test.pg.text(&format!("SELECT error {what}"));
    assert!(error.contains(words), "error of {unit}: {error}");
    assert!(
        !test.pg.text(&format!("SELECT hint {what}")).is_empty(),
        "no hint with: {error}"
    );
    assert!(
        test.pg
            .number(&format!("SELECT count(*) {what} AND next_retry_at IS NULL"))
            == 1,
        "{unit} retries what a person must mend"
    );
    let others = test.pg.rows(&format!(
        "SELECT unit, target FROM sync_units WHERE job = 'j' AND unit <> '{unit}'"
    ));
    assert!(!others.is_empty());
    for other in others {
        let cell = |index: usize| other[index].clone().unwrap_or_default();
        let from = format!("{}.{}", test.name, cell(0));
        crate::support::compare::assert_equal(&mut test.my, &from, &mut test.pg, &cell(1));
    }
    wait_until("the run ends as failed", LONG, || {
        test.status("j") == "failed"
    });
}

fn mended(test: &mut Databases, unit: &str) {
    test.pg.rows(&format!("SELECT sync_retry('j', '{unit}')"));
    let pg = &mut test.pg;
    wait_until("the unit is taken up again", LONG, || {
        pg.text(&format!(
            "SELECT status FROM sync_units WHERE job = 'j' AND unit = '{unit}'"
        )) != "failed"
    });
    test.finish("j");
    test.assert_equal("j");
    let left = "SELECT count(*) FROM sync_units WHERE error IS NOT NULL OR hint IS NOT NULL OR attempts > 0";
    assert_eq!(
        test.pg.number(left),
        0,
        "an error is left: {}",
        fixture::report(&mut test.pg, "j")
    );
}

#[test]
fn a_dropped_table_fails_alone() {
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut test = Databases::through(
        proxy.port,
        "alone_dropped",
        &shared().mariadb,
        &shared().postgres,
    );
    test.table("aaa", 5000);
    test.table("gone", 2000);
    test.table("zzz", 2000);
    test.job("j", r#"{"workers": 1, "chunk_rows": 1000, "batch_rows": 300, "retry_initial": "50 ms", "max_attempts": 3}"#);
    test.pg.rows(r#"SELECT sync_alter_unit('j', 'aaa', '{"priority": "high"}'), sync_alter_unit('j', 'gone', '{"priority": "low"}')"#);
    proxy.reset(Fault::HoldAt(200_000));
    test.start("j");
    wait_until("the first unit is under way", LONG, || proxy.holding());
    test.my.run(&["RENAME TABLE gone TO elsewhere"]);
    proxy.set(Fault::None);
    fails_alone(&mut test, "gone", "gone");
    test.my.run(&["RENAME TABLE elsewhere TO gone"]);
    mended(&mut test, "gone");
}

#[test]
fn a_denied_select_fails_alone() {
    let mut test = Databases::shared("alone_denied");
    for name in ["open", "closed", "other"] {
        test.table(name, 2000);
    }
    test.my.run(&[
        "CREATE USER limited@'%' IDENTIFIED BY 'secret'",
        "GRANT SELECT ON alone_denied.open TO limited@'%'",
        "GRANT SELECT ON alone_denied.other TO limited@'%'",
        // Enough to see the table, not to read it.
        "GRANT SELECT (id) ON alone_denied.closed TO limited@'%'",
    ]);
    test.pg
        .rows("ALTER USER MAPPING FOR CURRENT_USER SERVER src OPTIONS (SET username 'limited')");
    test.job_of("j", "open,closed,other", OPTIONS);
    test.start("j");
    fails_alone(&mut test, "closed", "denied");
    test.my
        .run(&["GRANT SELECT ON alone_denied.* TO limited@'%'"]);
    mended(&mut test, "closed");
}

#[test]
fn an_altered_target_fails_alone() {
    let mut test = Databases::shared("alone_target");
    for name in ["one", "two", "three"] {
        test.table(name, 2000);
    }
    test.pg.rows("CREATE SCHEMA j; CREATE TABLE j.two (id int PRIMARY KEY, label boolean, amount numeric(12,2), at timestamp(3))");
    test.job("j", OPTIONS);
    test.start("j");
    fails_alone(&mut test, "two", "label");
    test.pg
        .rows("ALTER TABLE j.two ALTER label TYPE varchar(200)");
    mended(&mut test, "two");
}

#[test]
fn rows_that_are_not_ours_are_not_touched() {
    let mut test = Databases::shared("alone_not_ours");
    test.table("one", 100);
    test.table("two", 100);
    test.pg.rows(
        "CREATE SCHEMA j; CREATE TABLE j.two (id int PRIMARY KEY, label varchar(200), amount numeric(12,2), at timestamp(3)); \
         INSERT INTO j.two VALUES (-1, 'mine')",
    );
    test.job("j", OPTIONS);
    test.start("j");
    fails_alone(&mut test, "two", "two");
    assert_eq!(
        test.pg.text("SELECT string_agg(label, '') FROM j.two"),
        "mine"
    );
    test.pg
        .rows(r#"SELECT sync_alter_unit('j', 'two', '{"existing_rows": "replace"}')"#);
    mended(&mut test, "two");
}

#[test]
fn a_job_may_pause_on_an_error() {
    let mut test = Databases::shared("alone_pause");
    test.table("one", 2000);
    test.table("two", 2000);
    test.pg
        .rows("CREATE SCHEMA j; CREATE TABLE j.two (id text)");
    test.job(
        "j",
        r#"{"on_error": "pause", "chunk_rows": 500, "batch_rows": 100}"#,
    );
    test.start("j");
    wait_until("the job pauses", LONG, || test.status("j") == "paused");
    test.pg.rows("DROP TABLE j.two");
    test.pg
        .rows("SELECT sync_retry('j', 'two'), sync_resume('j')");
    test.finish("j");
    test.assert_equal("j");
}
