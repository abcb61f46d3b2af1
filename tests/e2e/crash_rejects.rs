//! Rejects and their redrive survive the death of a worker at any moment: no row is lost, none is kept
//! or written twice.

use super::rejects::{accounts, people};
use crate::support::dice::Dice;
use crate::support::fixture::{self, Databases, LONG, WORKER};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings};
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::sandbox::signal;
use crate::support::wait::{seconds, wait_for, wait_until};

#[test]
fn rejects_and_redrive_survive_sigkill_of_a_worker() {
    const ROUNDS: u64 = 20;
    let mut dice = Dice::of("rejects_kill");
    let mariadb = MariaDb::start();
    let proxy = TcpProxy::to(mariadb.port);
    let postgres = Postgres::start(Settings::for_tests());
    let mut test = Databases::through(proxy.port, "rejects_kill", &mariadb, &postgres);
    let zero: Vec<u64> = (1..=60).map(|n| n * 37).collect();
    people(&mut test, "keyed", 4000, &zero, ", PRIMARY KEY (id)");
    people(&mut test, "keyless", 800, &[1, 400, 800], "");
    let options = r#"{"workers": 2, "chunk_rows": 1000, "batch_rows": 150, "retry_initial": "50 ms", "retry_max": "1 s"}"#;
    proxy.reset(Fault::None);
    test.job("measure", options);
    test.run("measure");
    let whole = proxy.passed();
    let (mut copies_hit, mut redrives_hit) = (0, 0);
    for round in 0..ROUNDS {
        let job = format!("round_{round}");
        let at = dice.below(whole);
        println!("rejects_kill: round {round}, at byte {at} of {whole}");
        test.job(&job, options);
        test.pg.rows(&format!(
            "CREATE SCHEMA {job}; CREATE TABLE {job}.keyed (id int PRIMARY KEY, born date, note varchar(40), n int CHECK (n % 1000 <> 1))"
        ));
        proxy.reset(Fault::HoldAt(at));
        test.start(&job);
        copies_hit += u64::from(kill_when_holding(&mut test, &postgres, &proxy, &job));
        test.finish(&job);
        let [_, rejected, _] = accounts(&mut test, &job, "keyed");
        assert_eq!(rejected, 64, "round {round}");
        assert_eq!(
            accounts(&mut test, &job, "keyless"),
            [797, 3, 0],
            "round {round}"
        );

        // The same again while the rejects are written.
        test.pg.rows(&format!(
            "ALTER TABLE {job}.keyed DROP CONSTRAINT keyed_n_check; SELECT sync_alter_job('{job}', '{{\"zero_date\": \"epoch\"}}')"
        ));
        proxy.reset(Fault::HoldAt(dice.below(whole / 20)));
        assert_eq!(test.pg.number(&format!("SELECT sync_redrive('{job}')")), 67);
        redrives_hit += u64::from(kill_when_holding(&mut test, &postgres, &proxy, &job));
        test.finish(&job);
        assert_eq!(
            accounts(&mut test, &job, "keyed"),
            [4000, 0, 0],
            "round {round}"
        );
        assert_eq!(
            accounts(&mut test, &job, "keyless"),
            [800, 0, 0],
            "round {round}"
        );
        test.pg.rows(&format!(
            "SELECT sync_drop_job('{job}'); DROP SCHEMA {job} CASCADE"
        ));
    }
    assert!(
        copies_hit >= ROUNDS / 2 && redrives_hit >= ROUNDS / 2,
        "of {ROUNDS} rounds only {copies_hit} met a copy and {redrives_hit} a redrive"
    );
}

/// Kills a worker when the flow stands still, or lets the run end where it does not come to that.
/// Returns whether one was killed.
fn kill_when_holding(
    test: &mut Databases,
    postgres: &Postgres,
    proxy: &TcpProxy,
    job: &str,
) -> bool {
    let pg = &mut test.pg;
    wait_until("the flow is held or the run over", LONG, || {
        proxy.holding() || fixture::ended(&fixture::status(pg, job))
    });
    let pid = fixture::worker_pids(&mut test.pg, WORKER).first().copied();
    // The postmaster restarts the server, and our own session goes with it, unless the worker was
    // about to leave.
    let killed = pid.is_some_and(|pid| signal(pid, "KILL"))
        && wait_for(seconds(10), || test.pg.query("SELECT 1").err()).is_some();
    if killed {
        test.pg = postgres.connect_when_up(&test.name);
    }
    proxy.set(Fault::None);
    killed
}
