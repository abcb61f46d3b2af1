//! A pair of servers, a database of one test on each, and the steps that most tests share.

use super::canonical::pg_literal;
use super::mariadb::{self, MariaDb};
use super::mariadb_client::MariaDbClient;
use super::postgres::{Postgres, Settings};
use super::postgres_client::PostgresClient;
use super::wait::{seconds, wait_for, wait_until};
use std::sync::OnceLock;
use std::time::Duration;

/// Enough for anything a test waits for on a slow machine.
pub const LONG: Duration = seconds(120);

/// Kinds of the extension's background workers in `pg_stat_activity`.
pub const WORKER: &str = "tributary worker";
pub const SUPERVISOR: &str = "tributary supervisor";

/// The servers that tests share which harm neither.
pub struct Servers {
    pub mariadb: MariaDb,
    pub postgres: Postgres,
}

pub fn shared() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| Servers {
        mariadb: MariaDb::start(),
        // Many databases work at once, each with a supervisor.
        postgres: Postgres::start(Settings::for_tests().with("max_worker_processes=40")),
    })
}

/// A database of the same name on both sides, with the extension and a source `src` on one.
pub struct Databases {
    pub name: String,
    /// What the source is reached through.
    port: u16,
    pub my: MariaDbClient,
    pub pg: PostgresClient,
}

impl Databases {
    /// `name` must be the test's own.
    pub fn new(name: &str, mariadb: &MariaDb, postgres: &Postgres) -> Databases {
        Databases::through(mariadb.port, name, mariadb, postgres)
    }

    /// The source is reached through `port`, a proxy's.
    pub fn through(port: u16, name: &str, mariadb: &MariaDb, postgres: &Postgres) -> Databases {
        mariadb
            .connect(None)
            .run(&[&format!("CREATE DATABASE {name}")]);
        postgres
            .connect("postgres")
            .rows(&format!("CREATE DATABASE {name}"));
        let mut pg = postgres.connect(name);
        pg.rows("CREATE EXTENSION pg_tributary");
        let url = mariadb::url(port, name);
        pg.rows(&format!("SELECT sync_create_source('src', '{url}')"));
        pg.take_notices();
        Databases {
            name: name.to_owned(),
            port,
            my: mariadb.connect(Some(name)),
            pg,
        }
    }

    pub fn shared(name: &str) -> Databases {
        Databases::new(name, &shared().mariadb, &shared().postgres)
    }

    /// A table `id, text, number` of `rows` rows with about 100 bytes each.
    pub fn table(&mut self, name: &str, rows: u64) {
        self.my.run(&[
            &format!("CREATE TABLE {name} (id int PRIMARY KEY, label varchar(200), amount decimal(12,2), at datetime(3))"),
            &insert_rows(name, 1, rows),
        ]);
    }

    /// A job over all tables into a schema of its own name.
    pub fn job(&mut self, job: &str, options: &str) {
        self.job_of(job, "*", options);
    }

    pub fn job_of(&mut self, job: &str, units: &str, options: &str) {
        self.job_from("src", job, units, options);
    }

    pub fn job_from(&mut self, source: &str, job: &str, units: &str, options: &str) {
        let [job, options] = [job, options].map(pg_literal);
        self.pg.rows(&format!(
            "SELECT sync_create_job({job}, source => '{source}', units => '{{{units}}}', options => {options})"
        ));
    }

    /// A second source, `txt`: the same tables, whose rows travel as text.
    pub fn text_source(&mut self) {
        let url = mariadb::url(self.port, &self.name);
        self.pg.rows(&format!(
            "SELECT sync_create_source('txt', '{url}'); ALTER SERVER txt OPTIONS (ADD protocol 'text')"
        ));
    }

    pub fn start(&mut self, job: &str) {
        self.pg.rows(&format!("SELECT sync_start('{job}')"));
    }

    /// Changes options of a job, whatever it is at.
    #[track_caller]
    pub fn alter(&mut self, job: &str, options: &str) {
        let [job, options] = [job, options].map(pg_literal);
        self.pg
            .rows(&format!("SELECT sync_alter_job({job}, {options})"));
    }

    #[track_caller]
    pub fn alter_unit(&mut self, job: &str, unit: &str, options: &str) {
        let [job, unit, options] = [job, unit, options].map(pg_literal);
        self.pg
            .rows(&format!("SELECT sync_alter_unit({job}, {unit}, {options})"));
    }

    /// Waits until a unit says that this slows it.
    #[track_caller]
    pub fn wait_slowed(&mut self, why: &str) {
        let sql = format!(
            "SELECT count(*) FROM sync_units WHERE waiting_for = $${why}$$ OR waiting_for LIKE $${why} is %$$"
        );
        let pg = &mut self.pg;
        wait_until(&format!("a unit waits for {why}"), LONG, || {
            pg.number(&sql) > 0
        });
    }

    pub fn status(&mut self, job: &str) -> String {
        status(&mut self.pg, job)
    }

    /// Empty while the unit is not there.
    pub fn unit_status(&mut self, job: &str, unit: &str) -> String {
        let sql = format!("SELECT status FROM sync_units WHERE job = '{job}' AND unit = '{unit}'");
        let rows = self.pg.rows(&sql);
        rows.into_iter()
            .next()
            .and_then(|row| row[0].clone())
            .unwrap_or_default()
    }

    /// Error and hint of a unit.
    pub fn failure(&mut self, job: &str, unit: &str) -> [String; 2] {
        let sql =
            format!("SELECT error, hint FROM sync_units WHERE job = '{job}' AND unit = '{unit}'");
        let row = self.pg.rows(&sql).remove(0);
        [0, 1].map(|place| row[place].clone().unwrap_or_default())
    }

    #[track_caller]
    pub fn finish(&mut self, job: &str) {
        finish(&mut self.pg, job);
    }

    /// Waits until the run is over, whatever it came to, and returns its status.
    #[track_caller]
    pub fn end(&mut self, job: &str) -> String {
        let end = wait_for(LONG, || {
            Some(self.status(job)).filter(|status| ended(status))
        });
        end.unwrap_or_else(|| panic!("{job} does not end: {}", report(&mut self.pg, job)))
    }

    pub fn run(&mut self, job: &str) {
        self.start(job);
        self.finish(job);
    }

    /// All units of the job equal their tables, and their counters are exact.
    #[track_caller]
    pub fn assert_equal(&mut self, job: &str) {
        let units = self.pg.rows(&format!(
            "SELECT unit, target, status, rows_done, percent FROM sync_units WHERE job = '{job}'"
        ));
        assert!(!units.is_empty(), "{job} has no units");
        for unit in units {
            let cell = |index: usize| unit[index].clone().unwrap_or_default();
            let from = format!("{}.{}", self.name, cell(0));
            super::compare::assert_equal(&mut self.my, &from, &mut self.pg, &cell(1));
            assert_eq!(cell(2), "completed", "status of {from}");
            let rows = self.my.text(&format!(
                "SELECT COUNT(*) FROM {}",
                super::compare::quoted(&from)
            ));
            assert_eq!(cell(3), rows, "rows_done of {from}");
            assert_eq!(cell(4).parse(), Ok(100.0), "percent of {from}");
        }
    }

    /// A role that may log in, use the source and have jobs, on the shared servers; a connection as that role.
    pub fn role(&mut self, name: &str) -> PostgresClient {
        self.pg.rows(&format!(
            "CREATE ROLE {name} LOGIN; GRANT USAGE ON FOREIGN SERVER src TO {name}; GRANT CREATE ON DATABASE {database} TO {name}; \
             CREATE USER MAPPING FOR {name} SERVER src OPTIONS (username 'reader', password 'secret')",
            database = self.name
        ));
        shared().postgres.connect_as(name, &self.name)
    }

    pub fn worker_pids(&mut self, kind: &str) -> Vec<u32> {
        worker_pids(&mut self.pg, kind)
    }
}

/// Rows `first` to `last` for a table of [`Databases::table`].
pub fn insert_rows(table: &str, first: u64, last: u64) -> String {
    format!(
        "INSERT INTO {table} SELECT n, CONCAT('row ', n, ' ', REPEAT(CHAR(97 + n % 26), 60)), n / 7, \
         '2024-01-01' + INTERVAL n SECOND FROM ({}) numbers",
        numbers(first, last)
    )
}

/// A query with the column `n`, in the SQL that MariaDB and MySQL share.
pub fn numbers(first: u64, last: u64) -> String {
    let digit = "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
                 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let mut tables = Vec::new();
    let mut sum = Vec::new();
    let mut weight = 1;
    while weight <= (last - first).max(1) {
        let name = format!("d{weight}");
        tables.push(format!("{digit} {name}"));
        sum.push(format!("{name}.d * {weight}"));
        weight *= 10;
    }
    let sum = sum.join(" + ");
    format!(
        "SELECT {first} + {sum} AS n FROM {} WHERE {sum} <= {last} - {first}",
        tables.join(" CROSS JOIN ")
    )
}

pub fn status(pg: &mut PostgresClient, job: &str) -> String {
    pg.text(&format!("SELECT status FROM sync_jobs WHERE job = '{job}'"))
}

pub fn ended(status: &str) -> bool {
    matches!(status, "completed" | "failed" | "cancelled")
}

/// Waits until the run is over, and completed.
#[track_caller]
pub fn finish(pg: &mut PostgresClient, job: &str) {
    let end = wait_for(LONG, || {
        Some(status(pg, job)).filter(|status| ended(status))
    });
    if end.as_deref() != Some("completed") {
        panic!("{job} ends as {end:?}: {}", report(pg, job));
    }
}

/// What `sync_jobs`, `sync_units` and `sync_events` say, for a failure's message.
pub fn report(pg: &mut PostgresClient, job: &str) -> String {
    let mut text = String::new();
    for sql in [
        format!("SELECT * FROM sync_jobs WHERE job = '{job}'"),
        format!("SELECT unit, status, rows_estimated, rows_done, cursor, attempts, error, hint, next_retry_at FROM sync_units WHERE job = '{job}' LIMIT 20"),
        format!("(SELECT at, unit, status, sqlstate, message FROM sync_events WHERE job = '{job}' ORDER BY event_id DESC LIMIT 20)"),
        "SELECT pid, backend_type, state, wait_event FROM pg_stat_activity WHERE backend_type LIKE 'tributary%'".to_owned(),
    ] {
        match pg.query(&sql) {
            Ok(rows) => {
                for row in rows {
                    let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("-")).collect();
                    text += &format!("\n  {}", cells.join(" | "));
                }
            }
            Err(error) => text += &format!("\n  {error:?}"),
        }
    }
    text
}

/// Of the client's database.
pub fn worker_pids(pg: &mut PostgresClient, kind: &str) -> Vec<u32> {
    pg.rows(&format!(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = '{kind}' AND datname = current_database()"
    ))
    .into_iter()
    .filter_map(|row| row[0].as_ref()?.parse().ok())
    .collect()
}

/// No worker and no supervisor of the extension is left in the client's database.
#[track_caller]
pub fn assert_no_workers(pg: &mut PostgresClient, database: &str) {
    wait_until("the background workers end", LONG, || {
        pg.number(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('{WORKER}', '{SUPERVISOR}') AND datname = '{database}'"
        )) == 0
    });
}
