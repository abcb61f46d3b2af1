//! Runs the tests of `pg_test/` inside a PostgreSQL server: each function of the schema `tests` in a
//! transaction that is rolled back. Prints what `cargo test` prints; takes a part of a name as filter.
//! No test at all is a failure.

#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::Instant;
use support::postgres::{Postgres, Settings, Stage};

fn main() -> ExitCode {
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let settings = Settings {
        stage: Stage::PgTest,
        ..Settings::for_tests()
    };
    let postgres = Postgres::start(settings);
    let mut client = postgres.connect("postgres");
    client.rows("CREATE EXTENSION pg_tributary");
    let tests: Vec<String> = client
        .rows(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname = 'tests' AND p.pronargs = 0 ORDER BY 1",
        )
        .into_iter()
        .filter_map(|row| row.into_iter().next().flatten())
        .filter(|name| {
            filter
                .as_ref()
                .is_none_or(|part| name.contains(part.as_str()))
        })
        .collect();

    println!("\nrunning {} tests in PostgreSQL", tests.len());
    let begin = Instant::now();
    let mut failures = Vec::new();
    for name in &tests {
        let result = client
            .query("BEGIN")
            .and_then(|_| client.query(&format!("SELECT tests.\"{name}\"()")));
        match result {
            Ok(_) => println!("test tests::{name} ... ok"),
            Err(error) => {
                println!("test tests::{name} ... FAILED");
                failures.push(format!("---- tests::{name} ----\n{error:?}\n"));
            }
        }
        if client.query("ROLLBACK").is_err() {
            failures.push(format!(
                "---- tests::{name} ----\nthe server crashed\n{}\n",
                postgres.log()
            ));
            client = postgres.connect_when_up("postgres");
        }
    }
    let passed = tests.len() - tests.len().min(failures.len());
    for failure in &failures {
        println!("\n{failure}");
    }
    let good = failures.is_empty() && !tests.is_empty();
    if tests.is_empty() {
        println!("there are no tests in the schema \"tests\"");
    }
    println!(
        "\ntest result: {}. {passed} passed; {} failed; 0 ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
        if good { "ok" } else { "FAILED" },
        failures.len(),
        begin.elapsed().as_secs_f64()
    );
    // Not by process::exit: the server ends with its owner.
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
