//! What is kept no longer is not lost in silence.

use crate::support::fixture::{Databases, LONG};
use crate::support::wait::wait_until;

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
    // What is old is looked for while something runs.
    test.table("big", 100_000);
    test.job_of("busy", "big", r#"{"max_rows_per_second": 1000}"#);
    test.start("busy");
    wait_until("the old rejects go", LONG, || {
        test.pg.number("SELECT count(*) FROM sync_rejects") == 0
    });
    let told =
        "SELECT unit || ': ' || message FROM sync_events WHERE job = 'j' AND status = 'pruned'";
    assert_eq!(test.pg.text(told), "t: 2 rejects were removed by retention");
    test.pg.rows("SELECT sync_cancel('busy')");
    test.assert_gone();
}
