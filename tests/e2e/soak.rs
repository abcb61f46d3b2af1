//! Many jobs for a long time: starts, schedules, dependencies, streams, pauses, retries, going back, and whatever
//! dies. In the end every run is accounted for, no claim, worker or session is left, and the catalog has not grown.
//!
//! A minute and 20 jobs in CI; `make soak` takes 20 minutes and 100 jobs of 20 units. A tenth of the jobs are streams.

mod seen;

use crate::support::compare;
use crate::support::dice::Dice;
use crate::support::fixture::{
    Databases, LONG, SUPERVISOR, WORKER, ended, insert_rows, worker_pids,
};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings};
use crate::support::postgres_client::Row;
use crate::support::proxy::{Fault as Cut, TcpProxy};
use crate::support::sandbox::signal;
use crate::support::stream_fixture::{logging_source, sessions};
use crate::support::wait::{seconds, wait_for, wait_until};
use seen::{Seen, assert_flat, number};
use std::collections::BTreeMap;
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

/// Time between two crashes at least.
const PEACE: Duration = seconds(10);
const ACTIVE: &str =
    "SELECT count(*) FROM sync_runs WHERE status NOT IN ('completed', 'failed', 'cancelled')";

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
    killed: Instant,
    seen: Seen,
}

/// It never completes: nothing waits for it, and it ends by a call.
fn streams(job: u64) -> bool {
    job % 10 == 5
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
    let mut sizes: BTreeMap<String, Vec<[i64; 2]>> = BTreeMap::new();
    while Instant::now() < end {
        let look = Instant::now() + LOOK;
        while Instant::now() < look {
            soak.act();
        }
        soak.look();
        for (table, size) in soak.sizes() {
            sizes.entry(table).or_default().push(size);
        }
    }
    println!("{NAME}: {} actions", soak.done);
    soak.settle();
    soak.account();
    soak.look();
    soak.seen.judge(minutes);
    // Before that, what is a minute old has hardly gone once.
    if minutes >= 5 {
        assert_flat(&sizes);
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
            killed: Instant::now(),
            seen: Seen::new(),
        }
    }

    fn look(&mut self) {
        self.seen.look(&mut self.test.pg);
    }

    fn look_if_due(&mut self) {
        if self.seen.at.elapsed() >= LOOK {
            self.look();
        }
    }

    /// Waits until a query counts so many, and goes on looking meanwhile.
    fn wait_count(&mut self, sql: &str, count: i64) -> bool {
        let found = wait_for(seconds(600), || {
            self.look_if_due();
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
            0..40 => self.start(&format!("SELECT sync_start('{job}')")),
            40..45 => self.start(&format!("SELECT sync_start('{job}', 'event')")),
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
            // The postmaster restarts all: not so often that nothing else takes place.
            94 if self.killed.elapsed() > PEACE => {
                self.killed = Instant::now();
                self.strike(WORKER, "KILL");
            }
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

    /// Each run that was promised has to be accounted for.
    fn start(&mut self, sql: &str) {
        let answer = self.ask(sql);
        let run = answer.first().and_then(|row| row[0].as_deref());
        if let Some(run) = run {
            let runs = &mut self.seen.runs;
            runs.entry(number(Some(run)))
                .or_insert_with(|| "scheduled".into());
        }
    }

    fn call(&mut self, sql: &str) {
        self.ask(sql);
    }

    fn ask(&mut self, sql: &str) -> Vec<Row> {
        self.test.pg.query(sql).unwrap_or_else(|error| {
            let state = error.sqlstate.as_str();
            assert!(EXPECTED.contains(&state), "{sql}: {error:?}");
            Vec::new()
        })
    }

    fn strike(&mut self, kind: &str, name: &str) {
        let pids = worker_pids(&mut self.test.pg, kind);
        if !pids.is_empty() && signal(*self.dice.pick(&pids), name) && name == "KILL" {
            wait_for(seconds(20), || self.test.pg.query("SELECT 1").err());
        }
    }

    /// Of each table of the catalog its kB and its rows, but for the versions of definitions, which are kept for ever.
    fn sizes(&mut self) -> Vec<(String, [i64; 2])> {
        let tables = self.test.pg.rows(
            "SELECT relname FROM pg_class WHERE relnamespace = 'tributary'::regnamespace AND relkind = 'r' AND relname <> 'job_version'",
        );
        let tables: Vec<String> = tables
            .into_iter()
            .filter_map(|row| row[0].clone())
            .collect();
        // Each crash makes PostgreSQL forget its statistics, and so autovacuum what there is to do.
        for table in &tables {
            self.call(&format!("VACUUM tributary.\"{table}\""));
        }
        let mut sizes = Vec::new();
        for table in tables {
            let sql = format!(
                "SELECT pg_total_relation_size('tributary.\"{table}\"') / 1024, (SELECT count(*) FROM tributary.\"{table}\")"
            );
            let size = self.test.pg.rows(&sql).remove(0);
            sizes.push((table, [0, 1].map(|place| number(size[place].as_deref()))));
        }
        sizes
    }

    /// Nobody does anything any more: what is under way ends by itself, but for the streams.
    fn settle(&mut self) {
        self.proxy.reset(Cut::None);
        self.test
            .pg
            .rows("SELECT sync_unschedule(job) FROM sync_schedules");
        let cron = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_cron' OR query LIKE '%sync_start%cron%' AND pid <> pg_backend_pid()";
        assert!(self.wait_count(cron, 0), "pg_cron does not end");
        for number in 0..self.jobs {
            let job = format!("j{number}");
            if !streams(number) {
                self.call(&format!("SELECT sync_resume('{job}')"));
                continue;
            }
            wait_until("the stream ends", LONG, || {
                self.call(&format!("SELECT sync_cancel('{job}')"));
                self.look_if_due();
                let status = self.test.status(&job);
                ended(&status) || status == "idle"
            });
        }
        if !self.wait_count(ACTIVE, 0) {
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
        let queued = "SELECT count(next_trigger) FROM sync_runs";
        assert_eq!(pg.number(queued), 0, "a run was to follow, and has not");
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
        // The chains begin each other once more.
        assert!(self.wait_count(ACTIVE, 0), "runs do not end");
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
