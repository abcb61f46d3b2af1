//! A log that is damaged on its way is read again and nothing of it is taken for rows; one that is
//! forged harms its own job alone: an error, no crash, bounded memory.

use crate::support::dice::Dice;
use crate::support::fixture::{Databases, LONG, WORKER, report, worker_pids};
use crate::support::forger::{Forger, Forgery};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings};
use crate::support::stream_fixture::{SOON, logging_source};
use crate::support::wait::wait_for;
use std::fs;

const ACCIDENTS: u64 = 20;
const ATTACKS: u64 = 30;
/// Above what a worker takes at its peak here, and below what one believed length would take.
const PEAK_KB: u64 = 400_000;
/// An event may be as large as a packet of the protocol, 1 GiB: MySQL allows such rows.
const GIANT_KB: u64 = 2_000_000;

struct Trial {
    // The order of the fields is that of their ends.
    test: Databases,
    forger: Forger,
    postgres: Postgres,
    _mariadb: MariaDb,
    dice: Dice,
    written: u64,
}

impl Trial {
    fn of(name: &str) -> Trial {
        let mut dice = Dice::of(name);
        let mariadb = logging_source(&[]);
        let forger = Forger::before(mariadb.port, dice.branch());
        let postgres = Postgres::start(Settings::for_tests());
        let mut test = Databases::through(forger.port, name, &mariadb, &postgres);
        test.my.run(&[
            "CREATE TABLE wide (id int PRIMARY KEY, a varchar(200), b decimal(20,4), c datetime(3), d json, e blob, f enum('x','y'), g set('p','q'), h bit(9), i double, j time(2))",
            "CREATE TABLE small (id int PRIMARY KEY, n int UNIQUE)",
            "CREATE TABLE loose (n int, t text)",
        ]);
        Trial {
            test,
            forger,
            postgres,
            _mariadb: mariadb,
            dice,
            written: 0,
        }
    }

    fn write(&mut self) {
        self.written += 1;
        let n = self.written;
        self.test.my.run(&[
            "BEGIN",
            &format!(
                "INSERT INTO wide VALUES ({n}, REPEAT('a', {n} % 200), {n} / 7, '2024-01-01' + INTERVAL {n} SECOND, \
                 '{{\"k\": [{n}, \"v\", null]}}', REPEAT('e', {n} % 900), 'y', 'p,q', {n} % 512, {n} / 3, '12:34:56.78')"
            ),
            &format!("INSERT INTO small VALUES ({n}, {n})"),
            &format!("UPDATE wide SET a = CONCAT('now ', id) WHERE id = {n} - 3"),
            "COMMIT",
            &format!("UPDATE small SET n = -n WHERE id = {n} - 2"),
            &format!("DELETE FROM wide WHERE id = {n} - 40"),
            &format!("INSERT INTO loose VALUES ({n}, 'loose')"),
        ]);
    }

    /// Writes until the planned event was met; false if nobody reads the log any more.
    fn strike(&mut self, job: &str, forgery: Forgery) -> bool {
        // Results are far fewer than events.
        let after = match forgery {
            Forgery::Columns => self.dice.below(4),
            _ => self.dice.below(40),
        };
        self.forger.plan(forgery, after);
        println!("{job}: {forgery:?} after {after} events");
        let met = wait_for(LONG, || {
            self.write();
            if self.forger.done() {
                return Some(true);
            }
            self.is_lost(job).then_some(false)
        });
        met.unwrap_or_else(|| panic!("nobody reads: {}", report(&mut self.test.pg, job)))
    }

    /// A unit waits for a person.
    fn is_lost(&mut self, job: &str) -> bool {
        self.test.pg.number(&format!(
            "SELECT count(*) FROM sync_units WHERE job = '{job}' AND (status = 'paused' OR status = 'failed' AND next_retry_at IS NULL)"
        )) > 0
    }

    /// The run may have ended by itself, with its last unit.
    fn end(&mut self, job: &str) {
        let _ = self.test.pg.query(&format!("SELECT sync_cancel('{job}')"));
        self.test.assert_gone();
    }

    /// The server stands, and nothing of ours has panicked or grown.
    fn assert_unharmed(&mut self, most: u64) {
        let internal = self.test.pg.rows(
            "SELECT message FROM sync_events WHERE sqlstate LIKE 'XX%' AND sqlstate <> 'XX001' LIMIT 3",
        );
        assert!(internal.is_empty(), "{internal:?}");
        let log = fs::read_to_string(self.postgres.log_path()).expect("the server's log");
        for crash in [
            "terminated by signal",
            "PANIC",
            "memory allocation",
            // The driver's panics are caught and become errors; ours must not be.
            "panicked at src",
        ] {
            if let Some(place) = log.find(crash) {
                panic!(
                    "{}",
                    log[place.saturating_sub(200)..]
                        .chars()
                        .take(4000)
                        .collect::<String>()
                );
            }
        }
        for pid in worker_pids(&mut self.test.pg, WORKER) {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let line = status.lines().find(|line| line.starts_with("VmHWM:"));
            let peak = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
            assert!(peak.unwrap_or(0) < most, "{line:?}");
        }
    }
}

#[test]
fn what_is_damaged_on_the_way_is_read_again() {
    let mut trial = Trial::of("hostile_accidents");
    trial.write();
    trial.test.stream("j");
    for round in 0..ACCIDENTS {
        let forgery = *trial.dice.pick(&Forgery::ACCIDENTS);
        assert!(trial.strike("j", forgery), "damage is not for a person");
        if round % 5 == 4 {
            trial.test.assert_followed("j");
        }
    }
    trial.test.assert_followed("j");
    let rejects = trial.test.pg.number("SELECT count(*) FROM sync_rejects");
    assert_eq!(rejects, 0);
    trial.assert_unharmed(PEAK_KB);
    trial.test.end_stream("j");
}

#[test]
fn what_is_forged_harms_its_own_job_alone() {
    let mut trial = Trial::of("hostile_attacks");
    trial.write();
    let mut number = 0;
    let mut job = String::new();
    let mut attacks: Vec<Forgery> = (0..ATTACKS)
        .map(|_| *trial.dice.pick(&Forgery::ATTACKS))
        .collect();
    attacks.extend([Forgery::Announced, Forgery::Columns, Forgery::Giant(80)]);
    for forgery in attacks {
        if job.is_empty() || trial.is_lost(&job) {
            if !job.is_empty() {
                trial.end(&job);
                let sql = format!("SELECT sync_drop_job('{job}'); DROP SCHEMA {job} CASCADE");
                trial.test.pg.rows(&sql);
            }
            number += 1;
            job = format!("j{number}");
            trial.test.stream(&job);
        }
        if trial.strike(&job, forgery) {
            // It is believed, told or tried again: whatever, it ends.
            let end = format!("SELECT sync_wait_for('{job}', 'now', '5 s')");
            let _ = trial.test.pg.query(&end);
        }
        trial.assert_unharmed(match forgery {
            Forgery::Giant(_) => GIANT_KB,
            _ => PEAK_KB,
        });
    }
    trial.end(&job);
    // The server goes on as if nothing had been.
    let options = SOON.replace("\"workers\": 2", "\"workers\": 3");
    trial.test.stream_job("after", &options);
    trial.test.start("after");
    trial.test.wait_streaming("after");
    trial.test.assert_followed("after");
    trial.test.end_stream("after");
    trial.assert_unharmed(GIANT_KB);
    println!("{number} jobs were lost to {ATTACKS} attacks");
}
