//! Many jobs for a long time: starts, schedules, dependencies, streams, pauses, retries, going back, and whatever
//! dies. In the end every run is accounted for, no claim, worker or session is left, and the catalog has not grown.
//!
//! A minute and 20 jobs in CI; `make soak` takes 20 minutes and 100 jobs of 20 units. A tenth of the jobs are streams.

use crate::support::compare;
use crate::support::dice::Dice;
use crate::support::fixture::{
    Databases, LONG, SUPERVISOR, WORKER, ended, insert_rows, worker_pids,
};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings};
use crate::support::postgres_client::PostgresClient;
use crate::support::proxy::{Fault as Cut, TcpProxy};
use crate::support::sandbox::signal;
use crate::support::stream_fixture::{logging_source, sessions};
use crate::support::wait::{seconds, wait_for, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const NAME: &str = "soak";
/// History is kept for a minute: that is what `Seen` is for.
const OPTIONS: &str = r#"{"workers": 2, "chunk_rows": 100, "batch_rows": 50, "retry_initial": "100 ms", "retry_max": "2 s",
    "max_attempts": 20, "retention": "1 min", "checkpoint_interval": "2 s"}"#;
/// Time between two looks at what is kept, so that nothing is removed unseen.
const LOOK: Duration = seconds(10);

/// Errors that a call may meet: the job is not in the state for it, somebody else is at it, the server has just died; or
/// the source has, where the call asks it itself.
const EXPECTED: [&str; 11] = [
    "55000", "42704", "55P03", "40001", "40P01", "57P01", "57P02", "LOST", "08001", "08006",
    "57P03",
];

struct Soak {
    // The order of the fields is that of their ends.
    test: Databases,
    proxy: TcpProxy,
    postgres: Postgres,
    mariadb: MariaDb,
    dice: Dice,
    jobs: u64,
    units: u64,
    done: u64,
    seen: Seen,
}

/// What retention has removed by the end.
struct Seen {
    at: Instant,
    /// Each run that there was, and its last status.
    runs: BTreeMap<i64, String>,
    /// Those that pg_cron started.
    by_cron: BTreeSet<i64>,
    /// Errors of which none should be.
    internal: BTreeSet<String>,
}

impl Seen {
    fn look(&mut self, pg: &mut PostgresClient) {
        let since = std::mem::replace(&mut self.at, Instant::now()).elapsed();
        // Before the runs: a run that is told of here is there.
        let told = pg.rows(
            "SELECT run_id, message FROM sync_events WHERE unit IS NULL AND status = 'scheduled'",
        );
        for row in told {
            let run = number(row[0].as_deref());
            self.runs.entry(run).or_insert_with(|| "scheduled".into());
            if row[1].as_deref() == Some("cron") {
                self.by_cron.insert(run);
            }
        }
        let internal = pg.rows("SELECT concat_ws(' ', event_id, job, unit, sqlstate, message) FROM sync_events WHERE sqlstate LIKE 'XX%'");
        self.internal
            .extend(internal.into_iter().filter_map(|row| row[0].clone()));
        let now: BTreeMap<i64, String> = pg
            .rows("SELECT run_id, status FROM sync_runs")
            .into_iter()
            .map(|row| {
                (
                    number(row[0].as_deref()),
                    row[1].clone().unwrap_or_default(),
                )
            })
            .collect();
        // Only a run that has ended may go, and it stays for a minute.
        let lost = |(run, status): &(&i64, &String)| !ended(status) && !now.contains_key(*run);
        let lost: Vec<_> = self.runs.iter().filter(lost).collect();
        assert!(
            lost.is_empty(),
            "runs that had not ended are gone, {since:?} after the last look: {lost:?}"
        );
        self.runs.extend(now);
    }

    fn judge(&self, minutes: u64) {
        let open: Vec<_> = self
            .runs
            .iter()
            .filter(|(_, status)| !ended(status))
            .collect();
        assert!(open.is_empty(), "runs that have not ended: {open:?}");
        assert!(self.internal.is_empty(), "{:#?}", self.internal);
        let [runs, by_cron] = [self.runs.len(), self.by_cron.len()];
        println!("{NAME}: {runs} runs have ended, {by_cron} of them by pg_cron");
        assert!(runs > 0);
        // Its minute may not have come before.
        assert!(by_cron > 0 || minutes < 2, "pg_cron has started nothing");
    }
}

fn number(text: Option<&str>) -> i64 {
    text.and_then(|text| text.parse().ok()).expect("a number")
}

/// It never completes: nothing waits for it, and it ends by a call.
fn streams(job: u64) -> bool {
    job % 10 == 5
}

fn median(sizes: &[i64]) -> i64 {
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// The catalog's kB at each look have come to rest: the last third of the time is as the one before.
fn assert_flat(sizes: &[i64]) {
    let third = sizes.len() / 3;
    let [middle, last] = [third, 2 * third].map(|from| median(&sizes[from..from + third]));
    println!("{NAME}: catalog {middle} kB, then {last} kB");
    assert!(
        last * 100 <= middle * 115 + 102_400,
        "the catalog grows from {middle} to {last} kB: {sizes:?}"
    );
}

#[test]
fn many_jobs_live_long() {
    let minutes: u64 = std::env::var("TRIBUTARY_SOAK_MINUTES").map_or(1, |text| {
        text.parse().expect("TRIBUTARY_SOAK_MINUTES is a number")
    });
    let (jobs, units) = match minutes {
        0..5 => (20, 5),
        _ => (100, 20),
    };
    let mut soak = Soak::begin(jobs, units);
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let mut sizes = Vec::new();
    while Instant::now() < end {
        let look = Instant::now() + LOOK.min(Duration::from_secs(60 * minutes) / 6);
        while Instant::now() < look {
            soak.act();
        }
        soak.look();
        sizes.push(soak.catalog_size());
        let tables = soak.tables();
        println!("{NAME}: {} actions, {tables}", soak.done);
    }
    println!("{NAME}: {} actions, catalog sizes {sizes:?} kB", soak.done);
    soak.settle();
    soak.account();
    soak.look();
    soak.seen.judge(minutes);
    // A third of the time is for warming up.
    match minutes {
        0..5 => {
            let late = soak.catalog_size();
            let early = sizes.iter().skip(sizes.len() / 3);
            let early = early.take(sizes.len() / 3 + 1).max().copied();
            assert!(
                late <= 2 * early.unwrap_or(late) + 1024,
                "the catalog grows: {sizes:?}, {late} kB"
            );
        }
        _ => assert_flat(&sizes),
    }
}

impl Soak {
    fn begin(jobs: u64, units: u64) -> Soak {
        let dice = Dice::of(NAME);
        let mariadb = logging_source(&[]);
        let proxy = TcpProxy::to(mariadb.port);
        let settings = Settings::for_tests()
            .with("max_worker_processes=40")
            .with("shared_preload_libraries=pg_tributary,pg_cron")
            .with(&format!("cron.database_name={NAME}"))
            .with("cron.use_background_workers=on")
            // A log is followed for ever: all of them, and some copies.
            .with("tributary.max_workers=16")
            .with("autovacuum_naptime=5s");
        let postgres = Postgres::start(settings);
        let mut test = Databases::through(proxy.port, NAME, &mariadb, &postgres);
        for unit in 0..units {
            let name = format!("t{unit}");
            test.table(&name, 50 + 20 * unit);
        }
        for job in 0..jobs {
            let name = format!("j{job}");
            match streams(job) {
                true => test.stream_job(&name, OPTIONS),
                false => test.job(&name, OPTIONS),
            }
        }
        // Chains of four, which the streams break.
        let waits = |job: &u64| !job.is_multiple_of(4) && !streams(*job) && !streams(job - 1);
        for job in (0..jobs).filter(waits) {
            let before = job - 1;
            test.pg
                .rows(&format!("SELECT sync_depends('j{job}', '{{j{before}}}')"));
        }
        // A tenth of the jobs each minute.
        test.pg.rows("CREATE EXTENSION pg_cron");
        for job in (0..jobs).filter(|job| job % 10 == 0) {
            test.pg
                .rows(&format!("SELECT sync_schedule('j{job}', '* * * * *')"));
        }
        Soak {
            test,
            proxy,
            postgres,
            mariadb,
            dice,
            jobs,
            units,
            done: 0,
            seen: Seen {
                at: Instant::now(),
                runs: BTreeMap::new(),
                by_cron: BTreeSet::new(),
                internal: BTreeSet::new(),
            },
        }
    }

    fn look(&mut self) {
        self.seen.look(&mut self.test.pg);
    }

    /// Waits until a query counts so many, and goes on looking meanwhile.
    fn wait_count(&mut self, sql: &str, count: i64) -> bool {
        let found = wait_for(seconds(600), || {
            if self.seen.at.elapsed() >= LOOK {
                self.look();
            }
            (self.test.pg.number(sql) == count).then_some(())
        });
        found.is_some()
    }

    /// One thing that people or fate do. What does not fit the state of a job is refused, and that is all.
    fn act(&mut self) {
        self.done += 1;
        let job = format!("j{}", self.dice.below(self.jobs));
        let unit = format!("t{}", self.dice.below(self.units));
        let number = 1000 + self.done;
        match self.dice.below(100) {
            0..40 => self.call(&format!("SELECT sync_start('{job}')")),
            40..45 => self.call(&format!("SELECT sync_start('{job}', 'event')")),
            45..50 => self.call(&format!("SELECT sync_cancel('{job}')")),
            50..55 => self.call(&format!("SELECT sync_pause('{job}')")),
            55..63 => self.call(&format!("SELECT sync_resume('{job}')")),
            63..70 => self.call(&format!("SELECT sync_retry('{job}')")),
            70..73 => self.call(&format!("SELECT sync_reset('{job}', '{unit}')")),
            73..75 => self.call(&format!("SELECT sync_cancel('{job}', '{unit}')")),
            75..78 => {
                let workers = 1 + self.dice.below(4);
                let overlap = *self.dice.pick(&["skip", "queue"]);
                self.call(&format!(
                    "SELECT sync_alter_job('{job}', '{{\"workers\": {workers}, \"overlap\": \"{overlap}\"}}')"
                ));
            }
            78..80 => self.call(&format!("SELECT sync_rollback_job('{job}', 1)")),
            80..82 => {
                self.call(&format!("SELECT sync_savepoint('{job}', 's{number}')"));
                self.call(&format!("SELECT sync_rewind('{job}', 's{number}')"));
                self.call(&format!("SELECT sync_drop_savepoint('{job}', 's{number}')"));
            }
            82..84 => {
                self.call("SELECT count(*) FROM sync_units; SELECT length(sync_metrics_text())")
            }
            84..90 => {
                let insert = insert_rows(&unit, number * 100, number * 100 + 20);
                let delete = format!("DELETE FROM {unit} WHERE id > 1000 ORDER BY id LIMIT 20");
                let _ = self.test.my.query(&insert);
                let _ = self.test.my.query(&delete);
            }
            90..94 => self.strike(WORKER, "TERM"),
            94 => self.strike(WORKER, "KILL"),
            95 => self.strike(SUPERVISOR, "TERM"),
            96 => {
                let bytes = self.dice.below(100_000);
                self.proxy.reset(Cut::CutAt(bytes));
            }
            97 => {
                let mut my = self.mariadb.connect(None);
                let ids =
                    my.rows("SELECT id FROM information_schema.processlist WHERE user = 'reader'");
                for id in ids.iter().filter_map(|row| row[0].as_ref()) {
                    let _ = my.query(&format!("KILL {id}"));
                }
            }
            _ => self.call("SELECT count(*) FROM sync_events"),
        }
        if self.test.pg.query("SELECT 1").is_err() {
            self.test.pg = self.postgres.connect_when_up(NAME);
        }
        self.test.pg.take_notices();
    }

    fn call(&mut self, sql: &str) {
        if let Err(error) = self.test.pg.query(sql) {
            let state = error.sqlstate.as_str();
            assert!(EXPECTED.contains(&state), "{sql}: {error:?}");
        }
    }

    fn strike(&mut self, kind: &str, name: &str) {
        let pids = worker_pids(&mut self.test.pg, kind);
        if !pids.is_empty() && signal(*self.dice.pick(&pids), name) && name == "KILL" {
            wait_for(seconds(20), || self.test.pg.query("SELECT 1").err());
        }
    }

    /// Without the versions of definitions, which are kept for ever by design.
    fn catalog_size(&mut self) -> i64 {
        let sql = "SELECT sum(pg_total_relation_size(c.oid)) / 1024 FROM pg_class c \
                   WHERE c.relnamespace = 'tributary'::regnamespace AND c.relkind = 'r' AND c.relname <> 'job_version'";
        self.test
            .pg
            .text(sql)
            .parse::<f64>()
            .map_or(0, |size| size as i64)
    }

    /// Each table of the catalog with its kB, rows and dead rows.
    fn tables(&mut self) -> String {
        let sql = "SELECT string_agg(format('%s %s/%s/%s', relname, pg_total_relation_size(relid) / 1024, n_live_tup, n_dead_tup), ', ' \
                          ORDER BY pg_total_relation_size(relid) DESC) \
                   FROM pg_stat_all_tables WHERE schemaname = 'tributary'";
        self.test.pg.text(sql)
    }

    /// Nobody does anything any more: what is under way ends by itself, but for the streams.
    fn settle(&mut self) {
        self.proxy.reset(Cut::None);
        self.test
            .pg
            .rows("SELECT sync_unschedule(job) FROM sync_schedules");
        let cron = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_cron' OR query LIKE '%sync_start%cron%' AND pid <> pg_backend_pid()";
        let pg = &mut self.test.pg;
        wait_until("pg_cron has ended what it was at", LONG, || {
            pg.number(cron) == 0
        });
        for number in 0..self.jobs {
            let job = format!("j{number}");
            if !streams(number) {
                self.call(&format!("SELECT sync_resume('{job}')"));
                continue;
            }
            wait_until("the stream ends", LONG, || {
                self.call(&format!("SELECT sync_cancel('{job}')"));
                let status = self.test.status(&job);
                ended(&status) || status == "idle"
            });
        }
        let active = "SELECT count(*) FROM sync_runs WHERE status NOT IN ('completed', 'failed', 'cancelled')";
        if !self.wait_count(active, 0) {
            let pg = &mut self.test.pg;
            let left = "SELECT * FROM sync_runs WHERE status NOT IN ('completed', 'failed', 'cancelled') LIMIT 5";
            let units = "SELECT job, unit, status, phase, error, next_retry_at, waiting_for FROM sync_units WHERE status NOT IN ('completed', 'cancelled') LIMIT 20";
            panic!("runs do not end: {:?}\n{:?}", pg.rows(left), pg.rows(units));
        }
        self.test.assert_gone();
    }

    fn account(&mut self) {
        self.look();
        let pg = &mut self.test.pg;
        let odd = pg.rows(
            "SELECT run_id, job, status FROM sync_runs WHERE finished_at IS NULL OR rows_done IS NULL OR next_trigger IS NOT NULL \
             OR status = 'failed' AND error IS NULL",
        );
        assert!(odd.is_empty(), "{odd:?}");
        let claims = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid BETWEEN 21505 AND 21520";
        assert_eq!(pg.number(claims), 0, "claims are left");
        // Each job is as good as new: what each run does is right.
        let (streaming, copying): (Vec<u64>, Vec<u64>) =
            (0..self.jobs).partition(|job| streams(*job));
        for job in 0..self.jobs {
            self.test
                .pg
                .rows(&format!("SELECT sync_rollback_job('j{job}', 1)"));
        }
        for job in &copying {
            self.test.start(&format!("j{job}"));
        }
        let completed =
            "SELECT count(*) FROM sync_jobs WHERE mode = 'full' AND status = 'completed'";
        let all = self.wait_count(completed, copying.len() as i64);
        assert!(all, "not all have completed once more");
        self.test.assert_gone();
        self.look();
        for job in copying.iter().step_by(7) {
            for unit in 0..self.units {
                let from = format!("{NAME}.t{unit}");
                let target = format!("j{job}.t{unit}");
                compare::assert_equal(&mut self.test.my, &from, &mut self.test.pg, &target);
            }
        }
        self.account_for_streams(&streaming);
        let my = &mut self.test.my;
        wait_until("no session is left at the source", LONG, || {
            sessions(my, NAME).is_empty()
        });
    }

    fn account_for_streams(&mut self, jobs: &[u64]) {
        let jobs: Vec<String> = jobs.iter().map(|job| format!("j{job}")).collect();
        for job in &jobs {
            self.test.start(job);
        }
        // Until then the views show the units as the run before has left them.
        let listed = format!(
            "SELECT count(*) FROM sync_jobs WHERE mode = 'stream' AND units_total = {}",
            self.units
        );
        assert!(self.wait_count(&listed, jobs.len() as i64));
        self.test.my.run(&[
            &insert_rows("t0", 900, 909),
            "UPDATE t0 SET amount = 1 WHERE id < 20",
        ]);
        for job in &jobs {
            self.test.wait_streaming(job);
            self.test.assert_followed(job);
        }
        for job in &jobs {
            self.test.pg.rows(&format!("SELECT sync_cancel('{job}')"));
        }
        self.test.assert_gone();
    }
}
