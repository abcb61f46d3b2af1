//! Which state may follow which: every pair of both machines is tried, by a superuser and by hand, and what is allowed is
//! what ARCHITECTURE.md draws.

use crate::support::fixture::Databases;
use crate::support::postgres_client::PostgresClient;

/// States of a run, and those that may follow each.
const RUN: [(&str, &[&str]); 7] = [
    (
        "scheduled",
        &["initializing", "paused", "failed", "cancelled"],
    ),
    (
        "initializing",
        &["scheduled", "running", "paused", "failed", "cancelled"],
    ),
    ("running", &["paused", "completed", "failed", "cancelled"]),
    ("paused", &["scheduled", "running", "cancelled"]),
    // Taken up again.
    ("completed", &["running"]),
    ("failed", &["scheduled", "running"]),
    ("cancelled", &["scheduled", "running"]),
];

const UNIT: [(&str, &[&str]); 8] = [
    ("pending", &["running", "failed", "paused", "cancelled"]),
    (
        "running",
        &[
            "pending",
            "catching_up",
            "completed",
            "failed",
            "paused",
            "cancelled",
        ],
    ),
    (
        "catching_up",
        &[
            "pending",
            "running",
            "streaming",
            "failed",
            "paused",
            "cancelled",
        ],
    ),
    (
        "streaming",
        &[
            "pending",
            "running",
            "catching_up",
            "failed",
            "paused",
            "cancelled",
        ],
    ),
    // Copied anew, or no table of the job any more.
    ("completed", &["pending", "running", "cancelled"]),
    (
        "failed",
        &["pending", "running", "catching_up", "paused", "cancelled"],
    ),
    (
        "paused",
        &["pending", "running", "catching_up", "failed", "cancelled"],
    ),
    (
        "cancelled",
        &["pending", "running", "catching_up", "paused"],
    ),
];

/// The only row of the table is in state `from`; which of the others it may come to. Nothing of it is kept.
fn followers(pg: &mut PostgresClient, table: &str, from: &str, states: &[&str]) -> Vec<String> {
    pg.rows(&format!(
        "ALTER TABLE tributary.{table} DISABLE TRIGGER {table}_transition; \
         UPDATE tributary.{table} SET status = '{from}'; \
         ALTER TABLE tributary.{table} ENABLE ALWAYS TRIGGER {table}_transition; \
         SAVEPOINT before"
    ));
    let mut allowed = Vec::new();
    for to in states.iter().filter(|to| **to != from) {
        match pg.query(&format!("UPDATE tributary.{table} SET status = '{to}'")) {
            Ok(_) => allowed.push((*to).to_owned()),
            Err(error) => {
                let refused = format!("{table} cannot become {to} from {from}");
                assert_eq!(error.message, refused, "{error:?}");
                assert_eq!(error.sqlstate, "XX000", "{error:?}");
            }
        }
        pg.rows("ROLLBACK TO before");
    }
    allowed
}

fn assert_machine(test: &mut Databases, table: &str, machine: &[(&str, &[&str])]) {
    let states: Vec<&str> = machine.iter().map(|(state, _)| *state).collect();
    // They are all there are.
    let known = test.pg.text(&format!(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE conrelid = 'tributary.{table}'::regclass AND conname = '{table}_status_check'"
    ));
    for state in &states {
        assert!(known.contains(&format!("'{state}'")), "{state}: {known}");
    }
    assert_eq!(known.matches('\'').count(), 2 * states.len(), "{known}");
    // What follows a log writes as a replica does.
    for role in ["origin", "replica"] {
        for (from, expected) in machine {
            test.pg.rows(&format!(
                "BEGIN; SET LOCAL session_replication_role = {role}"
            ));
            let mut allowed = followers(&mut test.pg, table, from, &states);
            test.pg.rows("ROLLBACK");
            let mut expected = expected.to_vec();
            allowed.sort_unstable();
            expected.sort_unstable();
            assert_eq!(allowed, expected, "a {table} that is {from}, as {role}");
        }
    }
}

#[test]
fn each_state_is_followed_by_those_that_are_drawn_and_no_other() {
    let mut test = Databases::shared("states");
    test.table("t", 10);
    test.job("j", "{}");
    test.run("j");
    test.assert_gone();
    assert_machine(&mut test, "run", &RUN);
    assert_machine(&mut test, "unit", &UNIT);
    // All of it was undone, and the triggers are as they were.
    assert_eq!(test.status("j"), "completed");
    let always = "SELECT count(*) FROM pg_trigger WHERE tgname IN ('run_transition', 'unit_transition') AND tgenabled = 'A'";
    assert_eq!(test.pg.number(always), 2);
}
