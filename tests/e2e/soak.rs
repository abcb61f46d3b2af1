//! Many jobs for a long time: starts, schedules, dependencies, pauses, retries, going back, and whatever dies. In the
//! end every run is accounted for, no claim, worker or session is left, and the catalog has not grown.
//!
//! A minute and 20 jobs in CI; `make soak` takes 20 minutes and 100 jobs of 20 units.

use crate::support::compare;
use crate::support::dice::Dice;
use crate::support::fixture::{Databases, LONG, SUPERVISOR, WORKER, insert_rows, worker_pids};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings};
use crate::support::proxy::{Fault as Cut, TcpProxy};
use crate::support::sandbox::signal;
use crate::support::wait::{seconds, wait_for, wait_until};
use std::time::{Duration, Instant};

const NAME: &str = "soak";
const OPTIONS: &str = r#"{"workers": 2, "chunk_rows": 100, "batch_rows": 50, "retry_initial": "100 ms", "retry_max": "2 s",
    "max_attempts": 20, "retention": "1 min", "checkpoint_interval": "2 s"}"#;

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
        let look = Instant::now() + seconds(10).min(Duration::from_secs(60 * minutes) / 6);
        while Instant::now() < look {
            soak.act();
        }
        sizes.push(soak.catalog_size());
        let tables = soak.tables();
        println!("{NAME}: {} actions, {tables}", soak.done);
    }
    println!("{NAME}: {} actions, catalog sizes {sizes:?} kB", soak.done);
    soak.settle();
    soak.account();
    // A third of the time is for warming up.
    let early = sizes[sizes.len() / 3..]
        .iter()
        .take(sizes.len() / 3 + 1)
        .max();
    let late = soak.catalog_size();
    assert!(
        late <= 2 * early.copied().unwrap_or(late) + 1024,
        "the catalog grows: {sizes:?}, {late} kB"
    );
}

impl Soak {
    fn begin(jobs: u64, units: u64) -> Soak {
        let dice = Dice::of(NAME);
        let mariadb = MariaDb::start();
        let proxy = TcpProxy::to(mariadb.port);
        let settings = Settings::for_tests()
            .with("max_worker_processes=32")
            .with("shared_preload_libraries=pg_tributary,pg_cron")
            .with(&format!("cron.database_name={NAME}"))
            .with("cron.use_background_workers=on")
            .with("tributary.max_workers=8")
            .with("autovacuum_naptime=5s");
        let postgres = Postgres::start(settings);
        let mut test = Databases::through(proxy.port, NAME, &mariadb, &postgres);
        for unit in 0..units {
            let name = format!("t{unit}");
            test.table(&name, 50 + 20 * unit);
        }
        for job in 0..jobs {
            test.job(&format!("j{job}"), OPTIONS);
        }
        // Chains of four.
        for job in (0..jobs).filter(|job| job % 4 != 0) {
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
        }
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
            let expected = [
                "55000", "42704", "55P03", "40001", "40P01", "57P01", "57P02", "LOST",
            ];
            assert!(
                expected.contains(&error.sqlstate.as_str()),
                "{sql}: {error:?}"
            );
        }
    }

    fn strike(&mut self, kind: &str, name: &str) {
        let pids = worker_pids(&mut self.test.pg, kind);
        if !pids.is_empty() && signal(*self.dice.pick(&pids), name) && name == "KILL" {
            wait_for(seconds(20), || self.test.pg.query("SELECT 1").err());
        }
    }

    fn catalog_size(&mut self) -> i64 {
        let sql = "SELECT sum(pg_total_relation_size(c.oid)) / 1024 FROM pg_class c \
                   WHERE c.relnamespace = 'tributary'::regnamespace AND c.relkind = 'r'";
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

    /// Nobody does anything any more: all that is under way ends by itself.
    fn settle(&mut self) {
        self.proxy.reset(Cut::None);
        let scheduled = self
            .test
            .pg
            .number("SELECT count(*) FROM sync_schedules WHERE last_run_at IS NOT NULL");
        println!("{NAME}: pg_cron has started {scheduled} jobs");
        self.test
            .pg
            .rows("SELECT sync_unschedule(job) FROM sync_schedules");
        let cron = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_cron' OR query LIKE '%sync_start%cron%' AND pid <> pg_backend_pid()";
        let pg = &mut self.test.pg;
        wait_until("pg_cron has ended what it was at", LONG, || {
            pg.number(cron) == 0
        });
        for job in 0..self.jobs {
            self.call(&format!("SELECT sync_resume('j{job}')"));
        }
        let active = "SELECT count(*) FROM sync_runs WHERE status NOT IN ('completed', 'failed', 'cancelled')";
        let pg = &mut self.test.pg;
        let ended = wait_for(seconds(600), || (pg.number(active) == 0).then_some(()));
        if ended.is_none() {
            let left = "SELECT * FROM sync_runs WHERE status NOT IN ('completed', 'failed', 'cancelled') LIMIT 5";
            let units = "SELECT job, unit, status, phase, error, next_retry_at, waiting_for FROM sync_units WHERE status NOT IN ('completed', 'cancelled') LIMIT 20";
            panic!("runs do not end: {:?}\n{:?}", pg.rows(left), pg.rows(units));
        }
        self.test.assert_gone();
    }

    fn account(&mut self) {
        let pg = &mut self.test.pg;
        let odd = pg.rows(
            "SELECT run_id, job, status FROM sync_runs WHERE finished_at IS NULL OR rows_done IS NULL OR next_trigger IS NOT NULL \
             OR status = 'failed' AND error IS NULL",
        );
        assert!(odd.is_empty(), "{odd:?}");
        let claims = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid BETWEEN 21505 AND 21520";
        assert_eq!(pg.number(claims), 0, "claims are left");
        let internal =
            pg.rows("SELECT job, unit, message FROM sync_events WHERE sqlstate LIKE 'XX%' LIMIT 3");
        assert!(internal.is_empty(), "{internal:?}");
        // Each job is as good as new: what each run does is right.
        let jobs: Vec<String> = (0..self.jobs).map(|job| format!("j{job}")).collect();
        for job in &jobs {
            self.test
                .pg
                .rows(&format!("SELECT sync_rollback_job('{job}', 1)"));
        }
        for job in &jobs {
            self.test.start(job);
        }
        let (pg, count) = (&mut self.test.pg, self.jobs as i64);
        wait_until("all have completed once more", seconds(600), || {
            pg.number("SELECT count(*) FROM sync_jobs WHERE status = 'completed'") == count
        });
        self.test.assert_gone();
        for job in jobs.iter().step_by(7) {
            for unit in 0..self.units {
                let from = format!("{NAME}.t{unit}");
                let target = format!("{job}.t{unit}");
                compare::assert_equal(&mut self.test.my, &from, &mut self.test.pg, &target);
            }
        }
        let (my, name) = (&mut self.test.my, NAME);
        wait_until("no session is left at the source", LONG, || {
            crate::support::stream_fixture::sessions(my, name).is_empty()
        });
    }
}
