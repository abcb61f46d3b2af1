//! The roads from one server to the other, each as its manual says.

use crate::memory::{Sample, private_kb};
use crate::support::fixture::{self, WORKER};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, SUPERUSER};
use crate::support::postgres_client::PostgresClient;
use crate::support::wait::wait_for;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Clone, Copy)]
enum Road {
    /// This extension with a number of workers.
    Tributary(u32),
    CopyFromFile,
    MysqlFdw,
    Pgloader,
}

pub struct Contender {
    road: Road,
    pub seconds: Vec<f64>,
    pub memory: Vec<Sample>,
}

/// Prepares the target's database. Ours comes first: the others are measured in times of it.
pub fn all(mariadb: &MariaDb, postgres: &Postgres) -> Vec<Contender> {
    postgres.connect("postgres").rows("CREATE DATABASE bench");
    let mut pg = postgres.connect("bench");
    pg.rows("CREATE EXTENSION pg_tributary");
    pg.rows(&format!(
        "SELECT sync_create_source('src', '{}')",
        mariadb.url("bench")
    ));
    [
        Road::Tributary(1),
        Road::Tributary(2),
        Road::CopyFromFile,
        Road::MysqlFdw,
        Road::Pgloader,
    ]
    .map(|road| Contender {
        road,
        seconds: Vec::new(),
        memory: Vec::new(),
    })
    .into()
}

impl Contender {
    pub fn name(&self) -> String {
        match self.road {
            Road::Tributary(1) => "pg_tributary, one worker".into(),
            Road::Tributary(workers) => format!("pg_tributary, {workers} workers"),
            Road::CopyFromFile => "COPY FROM a binary file of the same rows (the limit)".into(),
            Road::MysqlFdw => "mysql_fdw, INSERT … SELECT".into(),
            Road::Pgloader => "pgloader".into(),
        }
    }

    /// The table that the road leads to.
    pub fn target(&self) -> &'static str {
        match self.road {
            Road::Tributary(1) => "ours_1.wide",
            Road::Tributary(_) => "ours_2.wide",
            Road::CopyFromFile => "copied.wide",
            Road::MysqlFdw => "fdw.wide",
            Road::Pgloader => "bench.wide",
        }
    }

    /// Whether the road promises each value as the source writes it.
    pub fn is_exact(&self) -> bool {
        matches!(self.road, Road::Tributary(_) | Road::CopyFromFile)
    }

    pub fn median(&self) -> Option<f64> {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied()
    }

    /// Copies the table once, into a new one.
    pub fn run(&mut self, mariadb: &MariaDb, postgres: &Postgres) -> Result<f64, String> {
        let mut pg = postgres.connect("bench");
        pg.rows("CHECKPOINT");
        let seconds = match self.road {
            Road::Tributary(workers) => self.tributary(&mut pg, workers)?,
            Road::CopyFromFile => copy_from_file(&mut pg, postgres)?,
            Road::MysqlFdw => mysql_fdw(&mut pg, mariadb)?,
            Road::Pgloader => pgloader(&mut pg, mariadb, postgres)?,
        };
        self.seconds.push(seconds);
        Ok(seconds)
    }

    fn tributary(&mut self, pg: &mut PostgresClient, workers: u32) -> Result<f64, String> {
        let job = format!("ours_{workers}");
        if pg.number(&format!(
            "SELECT count(*) FROM sync_jobs WHERE job = '{job}'"
        )) > 0
        {
            pg.rows(&format!("SELECT sync_drop_job('{job}')"));
        }
        pg.rows(&format!(
            "DROP SCHEMA IF EXISTS {job} CASCADE; \
             SELECT sync_create_job('{job}', source => 'src', options => '{{\"workers\": {workers}}}')"
        ));
        let begin = Instant::now();
        pg.rows(&format!("SELECT sync_start('{job}')"));
        loop {
            let over = wait_for(Duration::from_millis(50), || {
                fixture::ended(&fixture::status(pg, &job)).then_some(())
            });
            if over.is_some() {
                break;
            }
            let rows = pg.number(&format!(
                "SELECT coalesce(sum(rows_done), 0) FROM sync_units WHERE job = '{job}'"
            ));
            if let Some(pid) = fixture::worker_pids(pg, WORKER).first()
                && let Some(kb) = private_kb(*pid)
            {
                self.memory.push((rows.unsigned_abs(), kb));
            }
        }
        let seconds = begin.elapsed().as_secs_f64();
        match fixture::status(pg, &job).as_str() {
            "completed" => Ok(seconds),
            _ => Err(fixture::report(pg, &job)),
        }
    }
}

fn copy_from_file(pg: &mut PostgresClient, postgres: &Postgres) -> Result<f64, String> {
    let file = postgres.socket_directory().join("rows.binary");
    let file = file.display();
    pg.rows(&format!(
        "COPY ours_1.wide TO '{file}' (FORMAT binary); DROP SCHEMA IF EXISTS copied CASCADE; CREATE SCHEMA copied; \
         CREATE TABLE copied.wide (LIKE ours_1.wide INCLUDING ALL)"
    ));
    timed(
        pg,
        &format!("COPY copied.wide FROM '{file}' (FORMAT binary)"),
    )
}

fn mysql_fdw(pg: &mut PostgresClient, mariadb: &MariaDb) -> Result<f64, String> {
    pg.query("CREATE EXTENSION IF NOT EXISTS mysql_fdw")
        .map_err(|error| error.message)?;
    pg.rows(&format!(
        "DROP SERVER IF EXISTS fdw CASCADE; CREATE SERVER fdw FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host '127.0.0.1', port '{}', fetch_size '10000'); \
         CREATE USER MAPPING FOR CURRENT_USER SERVER fdw OPTIONS (username 'reader', password 'secret'); \
         DROP SCHEMA IF EXISTS fdw CASCADE; CREATE SCHEMA fdw; DROP SCHEMA IF EXISTS fdw_remote CASCADE; CREATE SCHEMA fdw_remote",
        mariadb.port
    ));
    // The types that IMPORT FOREIGN SCHEMA would choose, but for those it has no mapping for.
    let columns = "id numeric(20), k int, small smallint, tiny smallint, amount numeric(14,4), price numeric(10,2), born date, at timestamp, \
                   seen timestamp, flag bit(1), kind text, code text, name text, email text, note text, pad text, digest bytea, maybe text";
    pg.rows(&format!(
        "CREATE FOREIGN TABLE fdw_remote.wide ({columns}) SERVER fdw OPTIONS (dbname 'bench', table_name 'wide'); \
         CREATE TABLE fdw.wide ({columns}, PRIMARY KEY (id))"
    ));
    timed(pg, "INSERT INTO fdw.wide SELECT * FROM fdw_remote.wide")
}

fn timed(pg: &mut PostgresClient, sql: &str) -> Result<f64, String> {
    let begin = Instant::now();
    pg.query(sql).map_err(|error| format!("{error:?}"))?;
    Ok(begin.elapsed().as_secs_f64())
}

fn pgloader(
    pg: &mut PostgresClient,
    mariadb: &MariaDb,
    postgres: &Postgres,
) -> Result<f64, String> {
    pg.rows("DROP SCHEMA IF EXISTS bench CASCADE");
    let directory = postgres.socket_directory();
    let command = std::env::temp_dir().join(format!("pgloader-{}.load", std::process::id()));
    // Its default of 100,000 rows ahead exhausts the heap that Debian builds it with.
    let text = format!(
        "LOAD DATABASE FROM {} INTO pgsql://{SUPERUSER}@unix:{}:5432/bench \
         WITH include drop, create tables, create indexes, reset sequences, foreign keys, \
         prefetch rows = 10000, batch rows = 10000, batch size = 8 MB;\n",
        mariadb.url("bench"),
        directory.display()
    );
    fs::write(&command, text).map_err(|error| error.to_string())?;
    let begin = Instant::now();
    // A Lisp that has run out of heap waits for a person; this one is to end.
    let output = Command::new("timeout")
        .args(["300", "pgloader"])
        .arg(&command)
        .stdin(Stdio::null())
        .output();
    let seconds = begin.elapsed().as_secs_f64();
    let _ = fs::remove_file(&command);
    let output = output.map_err(|error| error.to_string())?;
    let copied = pg.query("SELECT count(*) FROM bench.wide").ok();
    let copied = copied.and_then(|rows| rows.first()?.first()?.clone());
    let wanted = mariadb
        .connect(Some("bench"))
        .text("SELECT COUNT(*) FROM wide");
    if !output.status.success() || copied.as_deref() != Some(wanted.as_str()) {
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        return Err(format!("{copied:?} of {wanted} rows\n{said}"));
    }
    Ok(seconds)
}
