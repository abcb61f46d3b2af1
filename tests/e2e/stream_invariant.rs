//! Each state that a reader of the target sees is one that the source had at the end of a transaction,
//! and the end is the source's, whatever dies meanwhile: workers, servers, connections, the source.
//!
//! Four writers move amounts between two tables and note each move in a third: sums over them are
//! always the same. A reader samples the sums in single statements, together with the status of the
//! units. In each round faults strike; then the writers end, and both sides are compared in full.
//! The seed is printed; `TRIBUTARY_SEED` repeats the dice, `TRIBUTARY_ROUNDS` sets the number of rounds.

mod fault;
mod writer;

use crate::support::dice::Dice;
use crate::support::fixture::{Databases, LONG, report};
use crate::support::mariadb::MariaDb;
use crate::support::mariadb_client::MariaDbClient;
use crate::support::postgres::{Postgres, SUPERUSER, Settings};
use crate::support::postgres_client::PostgresClient;
use crate::support::proxy::{Fault as Cut, TcpProxy};
use crate::support::stream_fixture::logging_source;
use crate::support::wait::{seconds, wait_for, wait_until};
use fault::{Fault, Victims};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use writer::{ACCOUNTS, BALANCE, SUM, Shared, Writer};

const NAME: &str = "stream_invariant";
const ROUNDS: u64 = 10;
const FAULTS: u64 = 6;
const WRITERS: u64 = 4;

/// Small pieces: a table is several chunks, a chunk several batches.
const OPTIONS: &str = r#"{"workers": 3, "chunk_rows": 300, "batch_rows": 100, "retry_initial": "50 ms", "retry_max": "500 ms", "max_attempts": 100}"#;

#[test]
fn every_state_seen_is_one_of_the_source_while_anything_dies() {
    let mut dice = Dice::of(NAME);
    let rounds = std::env::var("TRIBUTARY_ROUNDS").map_or(ROUNDS, |text| {
        text.parse().expect("TRIBUTARY_ROUNDS is a number")
    });
    let mut mariadb = logging_source(&[
        // What the source has acknowledged it keeps, in its log and in its tables, when it is killed.
        "--innodb-flush-log-at-trx-commit=1",
        "--sync-binlog=1",
        // A TRUNCATE that waits for a table's users closes circles with rows that InnoDB does not
        // see: only its time limit (50 s by default) ends them.
        "--innodb-lock-wait-timeout=3",
    ]);
    let proxy = TcpProxy::to(mariadb.port);
    let mut postgres = Postgres::start(Settings::for_tests());
    let mut test = Databases::through(proxy.port, NAME, &mariadb, &postgres);
    writer::fill(&mut test.my);
    let mut samples = Samples::default();
    let mut job = String::new();
    for round in 0..rounds {
        let begin = Instant::now();
        proxy.reset(Cut::None);
        // A new copy under fire, or the stream of the round before.
        if round % 2 == 0 {
            if !job.is_empty() {
                drop_job(&mut test, &job);
                // A long trial is to be about faults, not about ever larger copies.
                if round % 10 == 0 {
                    writer::refill(&mut test.my);
                }
            }
            job = format!("j{round}");
            test.stream_job(&job, OPTIONS);
            test.start(&job);
        }
        let faults: Vec<Fault> = (0..FAULTS).map(|_| Fault::random(&mut dice)).collect();
        println!("{NAME}: round {round}, {faults:?}");
        samples.add(fight(
            &mut mariadb,
            &proxy,
            &mut postgres,
            &mut test,
            &job,
            &faults,
            &mut dice,
        ));
        let fought = begin.elapsed();
        proxy.reset(Cut::None);
        settle(&mut mariadb, &postgres, &mut test, &job);
        println!(
            "{NAME}: round {round}, {fought:.1?} of faults, {:.1?} in all, {samples:?}",
            begin.elapsed()
        );
    }
    assert!(
        samples.streaming >= 10 * rounds,
        "too few samples say anything: {samples:?}"
    );
    drop_job(&mut test, &job);
}

#[derive(Default, Debug, Clone, Copy)]
struct Samples {
    /// All units streamed in that state: its sums were right.
    streaming: u64,
    /// Different ones of those.
    states: u64,
    others: u64,
    lost: u64,
}

impl Samples {
    fn add(&mut self, more: Samples) {
        self.streaming += more.streaming;
        self.states += more.states;
        self.others += more.others;
        self.lost += more.lost;
    }
}

/// Ends the threads also when a test fails.
struct AtEnd<'a>(&'a Shared);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

/// Writers write, a reader reads, faults strike.
#[allow(clippy::too_many_arguments)]
fn fight(
    mariadb: &mut MariaDb,
    proxy: &TcpProxy,
    postgres: &mut Postgres,
    test: &mut Databases,
    job: &str,
    faults: &[Fault],
    dice: &mut Dice,
) -> Samples {
    let shared = Shared::default();
    let socket = postgres.socket_directory().join(".s.PGSQL.5432");
    let port = mariadb.port;
    std::thread::scope(|scope| {
        let end = AtEnd(&shared);
        for number in 0..WRITERS {
            let writer = Writer::new(port, NAME, number, dice.branch(), &shared);
            scope.spawn(move || writer.run());
        }
        let reader = scope.spawn(|| sample(socket, job, &shared));
        let goes_on = |more: u64| {
            let mark = shared.done.load(Ordering::Relaxed) + more;
            let done = || shared.done.load(Ordering::Relaxed);
            if wait_for(seconds(90), || (done() >= mark).then_some(())).is_none() {
                panic!("the writers stand still: {}", what_stands(port));
            }
        };
        for fault in faults {
            goes_on(20 + dice.below(300));
            let mut victims = Victims {
                mariadb: &mut *mariadb,
                proxy,
                postgres: &mut *postgres,
                pg: &mut test.pg,
                database: NAME,
            };
            fault.strike(&mut victims, dice, &goes_on);
        }
        proxy.set(Cut::None);
        // The reader is to see the stream at work after the last fault too.
        goes_on(50);
        until_streaming(postgres, test, job);
        goes_on(100);
        drop(end);
        reader.join().expect("the reader")
    })
}

/// What each session of the source does, and what InnoDB waits for.
fn what_stands(port: u16) -> String {
    let Ok(mut my) = MariaDbClient::connect(port, None) else {
        return "the source does not answer".into();
    };
    ["SHOW FULL PROCESSLIST", "SHOW ENGINE INNODB STATUS"]
        .map(|sql| format!("{sql}: {:#?}", my.query(sql)))
        .join("\n")
}

/// Samples states of the target until it is over; panics on one that the source never had.
fn sample(socket: PathBuf, job: &str, shared: &Shared) -> Samples {
    let mut samples = Samples::default();
    let mut pg: Option<PostgresClient> = None;
    let mut last = None;
    let all = format!(
        "SELECT count(*) > 0 AND bool_and(status = 'streaming') FROM sync_units WHERE job = '{job}'"
    );
    let balance = format!("{}, ({all})", BALANCE.replace("{s}", job));
    while !shared.over.load(Ordering::Relaxed) {
        let Some(client) = pg.as_mut() else {
            pg = PostgresClient::connect(&socket, SUPERUSER, NAME).ok();
            pause(shared);
            continue;
        };
        // One statement sees one state.
        match client.query(&balance) {
            Ok(mut rows) => {
                let row = rows.remove(0);
                let cell = |place: usize| row[place].clone().unwrap_or_default();
                if cell(3) == "t" {
                    let left = SUM / 2;
                    let seen = [cell(0), cell(1), cell(2)];
                    assert_eq!(
                        seen,
                        [SUM.to_string(), left.to_string(), "0".into()],
                        "a state that the source never had"
                    );
                    samples.streaming += 1;
                    let state = client
                        .query(&format!("SELECT count(*) FROM {job}.moves"))
                        .ok();
                    samples.states += u64::from(state != last);
                    last = state;
                } else {
                    samples.others += 1;
                }
            }
            // Before its tables are made, or while the server is away.
            Err(error) => {
                samples.lost += 1;
                if error.ends_session() {
                    pg = None;
                }
            }
        }
        pause(shared);
    }
    samples
}

/// Leaves the processor to the others for a moment.
fn pause(shared: &Shared) {
    wait_for(Duration::from_millis(10), || {
        shared.over.load(Ordering::Relaxed).then_some(())
    });
}

/// All units stream, whatever had to be retried before.
#[track_caller]
fn until_streaming(postgres: &Postgres, test: &mut Databases, job: &str) {
    let sql = format!(
        "SELECT count(*) FILTER (WHERE status = 'streaming') = {}, count(*) FILTER (WHERE status = 'failed' AND next_retry_at IS NULL) \
         FROM sync_units WHERE job = '{job}'",
        writer::TABLES.len()
    );
    let streaming = wait_for(LONG, || match test.pg.query(&sql) {
        Ok(rows) => {
            let cell = |place: usize| rows[0][place].clone().unwrap_or_default();
            match (cell(0).as_str(), cell(1).as_str()) {
                ("t", _) => Some(true),
                (_, "0") => None,
                _ => Some(false),
            }
        }
        Err(error) => {
            assert!(error.ends_session(), "{error:?}");
            test.pg = postgres.connect_when_up(NAME);
            None
        }
    });
    if streaming != Some(true) {
        panic!("{job} does not stream: {}", report(&mut test.pg, job));
    }
}

/// Nothing is written any more: the target becomes the source, and no error is left.
fn settle(mariadb: &mut MariaDb, postgres: &Postgres, test: &mut Databases, job: &str) {
    test.my = mariadb.connect(Some(NAME));
    until_streaming(postgres, test, job);
    test.assert_followed(job);
    let sums = test.my.rows(&BALANCE.replace("{s}", NAME));
    assert_eq!(
        sums[0],
        [SUM, SUM / 2, 0].map(|sum| Some(sum.to_string())),
        "the writers do not keep the sums"
    );
    let accounts = test.pg.number(&format!(
        "SELECT (SELECT count(*) FROM {job}.left_accounts) + (SELECT count(*) FROM {job}.right_accounts)"
    ));
    assert_eq!(accounts, 2 * ACCOUNTS as i64);
    let rejects = test.pg.number("SELECT count(*) FROM sync_rejects");
    assert_eq!(rejects, 0, "rows were refused");
    let pg = &mut test.pg;
    wait_until("no error is left", seconds(20), || {
        pg.number(
            "SELECT (SELECT count(*) FROM sync_units WHERE error IS NOT NULL OR attempts > 0) \
             + (SELECT count(*) FROM sync_streams WHERE error IS NOT NULL OR attempts > 0)",
        ) == 0
    });
}

fn drop_job(test: &mut Databases, job: &str) {
    test.end_stream(job);
    test.pg.rows(&format!(
        "SELECT sync_drop_job('{job}'); DROP SCHEMA {job} CASCADE"
    ));
}
