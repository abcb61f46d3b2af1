//! Calls that do not fit a stream: forward where only back is possible, for a position that never comes, on a
//! run that was cancelled or never begun. Each is refused as docs/errors.md says, and changes nothing.

use crate::support::canonical::is_mysql;
use crate::support::fixture::{Databases, insert_rows};
use crate::support::said::{refused, told};

/// What a call that is refused must leave as it is.
fn standing(test: &mut Databases) -> String {
    test.pg.text(
        "SELECT string_agg(concat_ws(' ', unit, status, phase, method, copies, position, catch_up_to), ', ' ORDER BY unit) \
         FROM tributary.unit",
    )
}

#[test]
fn a_unit_does_not_go_ahead_of_where_it_stands() {
    let mut test = Databases::logged("misuse_ahead");
    test.table("t", 50);
    test.table("u", 50);
    test.stream("j");
    test.catch_up("j");
    test.pg.rows("SELECT sync_savepoint('j', 'early')");
    test.my
        .run(&[&insert_rows("t", 100, 150), &insert_rows("u", 100, 150)]);
    test.catch_up("j");
    let late = test.pg.number("SELECT sync_savepoint('j', 'late')");
    // A paused job goes back and stays paused: it stands there as long as is needed.
    test.pg.rows("SELECT sync_pause('j')");
    assert_eq!(
        test.pg
            .number("SELECT sync_rewind('j', 'early', unit => 't')"),
        1
    );
    told(&mut test.pg, "NOTICE", "the job is paused");
    let before = standing(&mut test);
    let position = format!("(SELECT position FROM sync_checkpoints WHERE checkpoint_id = {late})");
    for arguments in [
        "savepoint => 'late', unit => 't'".to_owned(),
        // All or none: the other unit could go there.
        "savepoint => 'late'".to_owned(),
        format!("checkpoint => {late}, unit => 't'"),
        format!("unit => 't', cursor => {position}"),
    ] {
        let error = test
            .pg
            .error(&format!("SELECT sync_rewind('j', {arguments})"));
        assert_eq!(error.sqlstate, "22023", "{arguments}: {error:?}");
        assert_eq!(error.message, "unit \"t\" has not come as far as that");
        assert_eq!(error.detail, "Going ahead would leave rows out.");
        assert_eq!(standing(&mut test), before, "{arguments}");
    }
    assert_eq!(test.status("j"), "paused");
    test.pg.rows("SELECT sync_resume('j')");
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn what_a_stream_never_comes_to_is_not_waited_for() {
    let mut test = Databases::logged("misuse_positions");
    let mysql = is_mysql(&mut test.my);
    test.table("t", 10);
    test.table("u", 10);
    test.job("full", "{}");
    test.stream("j");
    let foreign = match mysql {
        true => "0-1-5",
        false => "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5",
    };
    let compared = format!("SELECT sync_wait_for('j', '{foreign}', '10 s')");
    refused(
        &mut test.pg,
        &[
            (
                "SELECT sync_wait_for('full')",
                "55000",
                "job \"full\" has mode full",
            ),
            (
                "SELECT sync_wait_for('nobody')",
                "42704",
                "job \"nobody\" does not exist",
            ),
            (
                "SELECT sync_wait_for(NULL)",
                "22004",
                "job must not be null",
            ),
            (
                "SELECT sync_wait_for('j', NULL)",
                "22004",
                "position must not be null",
            ),
            ("SELECT sync_wait_for('j', '')", "22023", "cannot be read"),
            (
                "SELECT sync_wait_for('j', 'later')",
                "22023",
                "cannot be read",
            ),
            (
                "SELECT sync_wait_for('j', 'mysql-bin.000001')",
                "22023",
                "cannot be read",
            ),
            (
                "SELECT sync_wait_for('j', 'other-bin.000001:4', '10 s')",
                "22023",
                "cannot be compared",
            ),
            (&compared, "22023", "cannot be compared"),
        ],
    );
    let isolated = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT sync_wait_for('j')";
    refused(
        &mut test.pg,
        &[(isolated, "55000", "isolation level repeatable read")],
    );
    test.pg.rows("ROLLBACK");

    // Nobody but a person has a paused unit go on.
    test.pg.rows("SELECT sync_pause('j', 't')");
    let error = test.pg.error("SELECT sync_wait_for('j', 'now', '60 s')");
    assert_eq!(error.sqlstate, "55000", "{error:?}");
    assert_eq!(error.message, "unit \"t\" of job \"j\" is paused");
    assert_eq!(error.hint, "SELECT sync_resume('j', 't');");
    test.pg.rows("SELECT sync_resume('j', 't')");
    test.assert_followed("j");

    // Tables that it does not have.
    let before = standing(&mut test);
    test.pg.rows("SELECT sync_savepoint('j', 's')");
    for call in [
        "sync_pause('j', 'none')",
        "sync_resume('j', 'none')",
        "sync_cancel('j', 'none')",
        "sync_retry('j', 'none')",
        "sync_redrive('j', 'none')",
        "sync_resync('j', 'none')",
        "sync_reset('j', 'none')",
        "sync_rewind('j', 's', unit => 'none')",
    ] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "42704", "{call}: {error:?}");
        assert!(
            error.message.contains("no unit \"none\""),
            "{call}: {error:?}"
        );
    }
    assert_eq!(standing(&mut test), before);
    test.end_stream("j");

    // A cancelled run is not taken up again, but by name.
    let before = standing(&mut test);
    for call in [
        "sync_resync('j')",
        "sync_resync('j', 't')",
        "sync_reset('j')",
        "sync_reset('j', 't')",
        "sync_rewind('j', 's')",
        "sync_rewind('j', 's', unit => 't')",
        "sync_wait_for('j')",
    ] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "55000", "{call}: {error:?}");
        assert!(
            error.message.ends_with(" is cancelled"),
            "{call}: {error:?}"
        );
        assert!(
            error.hint.starts_with("SELECT sync_start('j');"),
            "{call}: {error:?}"
        );
    }
    assert_eq!(standing(&mut test), before);
    test.assert_gone();
}

#[test]
fn a_stream_that_never_ran_is_to_be_started_first() {
    let mut test = Databases::logged("misuse_unstarted");
    test.table("t", 10);
    test.stream_job("j", "{}");
    let cursor = r#"{"server": "mariadb/1", "file": "mysql-bin.000001", "offset": 4}"#;
    for call in [
        "sync_resync('j')",
        "sync_resync('j', 't')",
        "sync_reset('j')",
        "sync_retry('j')",
        "sync_redrive('j')",
        "sync_pause('j')",
        "sync_resume('j')",
        "sync_cancel('j')",
        "sync_savepoint('j', 's')",
        "sync_wait('j')",
        "sync_wait_for('j')",
        "sync_wait_for('j', '0-1-1', '1 s')",
        &format!("sync_rewind('j', unit => 't', cursor => '{cursor}')"),
    ] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "55000", "{call}: {error:?}");
        assert!(
            error.message.starts_with("job \"j\" has no run "),
            "{call}: {error:?}"
        );
        assert_eq!(error.hint, "SELECT sync_start('j');", "{call}");
    }
    // Nor in the transaction that starts it.
    refused(
        &mut test.pg,
        &[(
            "BEGIN; SELECT sync_start('j'); SELECT sync_wait_for('j')",
            "55000",
            "begins when it commits",
        )],
    );
    test.pg.rows("ROLLBACK");
    // Not exactly one place to go back to.
    refused(
        &mut test.pg,
        &[
            ("SELECT sync_rewind('j')", "22023", "sync_rewind goes back"),
            (
                "SELECT sync_rewind('j', 's', 1)",
                "22023",
                "sync_rewind goes back",
            ),
            (
                "SELECT sync_rewind('j', 's', unit => 't', cursor => '{}')",
                "22023",
                "sync_rewind goes back",
            ),
            (
                "SELECT sync_rewind('j', cursor => '{}')",
                "22004",
                "unit must not be null",
            ),
            (
                "SELECT sync_rewind('j', unit => 't', cursor => '{\"id\": 1}')",
                "22023",
                "no position of a log",
            ),
            (
                "SELECT sync_rewind('j', 's')",
                "42704",
                "no savepoint \"s\"",
            ),
        ],
    );
    assert_eq!(test.pg.number("SELECT count(*) FROM tributary.run"), 0);
}
