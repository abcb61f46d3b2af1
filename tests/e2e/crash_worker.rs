//! A copy survives the death of any of its processes at any moment: rows and cursor commit together,
//! so each round ends with equal tables and exact counters, nothing lost and nothing twice.
//!
//! The moment is a number of bytes of the source's answers. In even rounds the flow stops there, so
//! that the victim dies in the middle of a batch; in odd rounds it goes on, so that the victim may
//! die in a commit, between chunks, or in its first or last step.

use crate::support::dice::Dice;
use crate::support::fixture::{self, Databases, LONG, SUPERVISOR, WORKER, numbers};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings, Shutdown};
use crate::support::postgres_client::PostgresClient;
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::sandbox::signal;
use crate::support::wait::{wait_for, wait_until};

const ROUNDS: u64 = 20;

const OPTIONS: &str = r#"{"workers": 2, "chunk_rows": 3000, "batch_rows": 400, "retry_initial": "100 ms", "retry_max": "1 s"}"#;

#[derive(Clone, Copy)]
enum Victim {
    Process {
        kind: &'static str,
        signal: &'static str,
    },
    Postmaster,
    Server(Shutdown),
}

#[test]
fn a_copy_survives_sigterm_of_a_worker() {
    rounds(
        "crash_worker_term",
        Victim::Process {
            kind: WORKER,
            signal: "TERM",
        },
    );
}

#[test]
fn a_copy_survives_sigkill_of_a_worker() {
    rounds(
        "crash_worker_kill",
        Victim::Process {
            kind: WORKER,
            signal: "KILL",
        },
    );
}

#[test]
fn a_copy_survives_sigterm_of_the_supervisor() {
    rounds(
        "crash_supervisor_term",
        Victim::Process {
            kind: SUPERVISOR,
            signal: "TERM",
        },
    );
}

#[test]
fn a_copy_survives_sigkill_of_the_supervisor() {
    rounds(
        "crash_supervisor_kill",
        Victim::Process {
            kind: SUPERVISOR,
            signal: "KILL",
        },
    );
}

#[test]
fn a_copy_survives_sigkill_of_the_postmaster() {
    rounds("crash_postmaster_kill", Victim::Postmaster);
}

#[test]
fn a_copy_survives_a_fast_shutdown() {
    rounds("crash_shutdown", Victim::Server(Shutdown::Fast));
}

fn rounds(name: &str, victim: Victim) {
    let mut dice = Dice::of(name);
    let mariadb = MariaDb::start();
    let proxy = TcpProxy::to(mariadb.port);
    let mut postgres = Postgres::start(Settings::for_tests());
    let mut test = Databases::through(proxy.port, name, &mariadb, &postgres);
    test.table("orders", 12_000);
    test.table("small", 30);
    test.my.run(&[
        "CREATE TABLE items (a varchar(10), b int, c decimal(10,3), PRIMARY KEY (a, b))",
        &format!(
            "INSERT INTO items SELECT CONCAT('k', n % 50), n, n / 3 FROM ({}) numbers",
            numbers(1, 6000)
        ),
        "CREATE TABLE log (message varchar(50))",
        &format!(
            "INSERT INTO log SELECT CONCAT('message ', n % 100) FROM ({}) numbers",
            numbers(1, 2000)
        ),
    ]);

    // A run without a fault says how many bytes there are.
    proxy.reset(Fault::None);
    test.job("measure", OPTIONS);
    test.run("measure");
    test.assert_equal("measure");
    let whole = proxy.passed();

    let mut hits = 0;
    for round in 0..ROUNDS {
        let job = format!("round_{round}");
        let at = dice.below(whole);
        let hold = round % 2 == 0;
        println!("{name}: round {round}, at byte {at} of {whole}, hold {hold}");
        proxy.reset(if hold { Fault::HoldAt(at) } else { Fault::None });
        test.job(&job, OPTIONS);
        test.start(&job);
        let reached = || proxy.passed() >= at;
        let pg = &mut test.pg;
        wait_until("the moment has come, or the run has ended", LONG, || {
            reached() || fixture::ended(&fixture::status(pg, &job))
        });
        if strike(&mut postgres, &mut test.pg, victim, hold) {
            hits += 1;
        }
        proxy.set(Fault::None);
        test.pg = postgres.connect_when_up(name);
        end_of(&postgres, &mut test.pg, name, &job);
        test.assert_equal(&job);
        test.pg.rows(&format!(
            "SELECT sync_drop_job('{job}'); DROP SCHEMA {job} CASCADE"
        ));
    }
    assert!(
        hits >= ROUNDS / 2,
        "only {hits} of {ROUNDS} rounds met their victim alive"
    );
}

/// Returns whether there was a victim to strike.
fn strike(postgres: &mut Postgres, pg: &mut PostgresClient, victim: Victim, hold: bool) -> bool {
    match victim {
        Victim::Process { kind, signal: name } => {
            // While the flow is held there is a process to come, if there is none yet.
            let limit = if hold {
                LONG
            } else {
                std::time::Duration::ZERO
            };
            let pids = wait_for(limit, || {
                Some(fixture::worker_pids(pg, kind)).filter(|pids| !pids.is_empty())
            });
            let Some(pid) = pids.and_then(|pids| pids.first().copied()) else {
                assert!(!hold, "there is no {kind} while the flow is held");
                return false;
            };
            signal(pid, name);
            if name == "KILL" {
                // The postmaster restarts the server; our own session goes with it.
                wait_until("the server notices the kill", LONG, || {
                    pg.query("SELECT 1").is_err()
                });
            }
            true
        }
        Victim::Postmaster => {
            postgres.kill9();
            postgres.launch();
            true
        }
        Victim::Server(mode) => {
            postgres.restart(mode);
            true
        }
    }
}

/// Waits for the run to complete by itself, through restarts of the server.
fn end_of(postgres: &Postgres, pg: &mut PostgresClient, database: &str, job: &str) {
    let mut last = String::new();
    let sql = format!("SELECT status FROM sync_jobs WHERE job = '{job}'");
    let completed = wait_for(LONG, || match pg.query(&sql) {
        Ok(rows) => {
            last = rows
                .first()
                .and_then(|row| row[0].clone())
                .unwrap_or_default();
            fixture::ended(&last).then_some(last == "completed")
        }
        Err(error) => {
            assert!(error.ends_session(), "{error:?}");
            *pg = postgres.connect_when_up(database);
            None
        }
    });
    if completed != Some(true) {
        panic!(
            "{job} is {last} and not completed: {}",
            fixture::report(pg, job)
        );
    }
}
