//! `make demo`: a shop of two million rows goes from a MariaDB into a PostgreSQL, both made for the
//! occasion, and one worker is killed half-way. `KEEP=1` leaves the servers running.

#[path = "../support/mod.rs"]
mod support;

mod progress;
mod shop;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use support::compare;
use support::fixture::{self, WORKER};
use support::mariadb::MariaDb;
use support::postgres::{Postgres, SUPERUSER, Settings, Stage};
use support::postgres_client::PostgresClient;
use support::sandbox::signal;
use support::wait::wait_for;

fn main() -> ExitCode {
    let begin = Instant::now();
    println!("Starting a MariaDB and a PostgreSQL of our own ...");
    let mut mariadb = MariaDb::start();
    let mut postgres = Postgres::start(Settings {
        stage: Stage::Dev,
        preload: true,
        extra: ["shared_buffers=256MB", "max_wal_size=4GB"]
            .map(String::from)
            .to_vec(),
    });
    println!("Filling the MariaDB with a shop ...");
    let rows = shop::create(&mariadb);
    println!(
        "... {rows} rows in {} tables, after {:.0} s.",
        shop::TABLES.len(),
        begin.elapsed().as_secs_f64()
    );

    postgres.connect("postgres").rows("CREATE DATABASE shop");
    let psql = Psql {
        program: postgres.program("psql"),
        directory: postgres.socket_directory().to_owned(),
    };
    psql.run("CREATE EXTENSION pg_tributary");
    psql.run(&format!(
        "SELECT sync_create_source('shop', '{}')",
        mariadb.url("shop")
    ));
    psql.run("SELECT sync_create_job('shop', source => 'shop')");
    psql.run("SELECT name, ok, detail, fix FROM sync_check('shop')");
    psql.run("SELECT unit, key, chunking, rows_estimated, warnings FROM sync_plan('shop')");

    psql.run("SELECT sync_start('shop')");
    let completed = watch(&mut postgres);
    psql.run("SELECT unit, target, status, rows_done, percent, attempts, finished_at - started_at AS took FROM sync_units");
    let equal = completed && compare_all(&mariadb, &mut postgres.connect("shop"));
    println!(
        "\n{} {:.0} s in all.",
        if equal {
            "Both sides are equal, to the last row."
        } else {
            "THE TWO SIDES DIFFER."
        },
        begin.elapsed().as_secs_f64()
    );
    farewell(&mut mariadb, &mut postgres);
    if equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// psql as a user would run it, with the statement shown before its result.
struct Psql {
    program: std::path::PathBuf,
    directory: std::path::PathBuf,
}

impl Psql {
    fn run(&self, sql: &str) {
        println!("\nshop=# {sql};");
        let status = Command::new(&self.program)
            .args([
                "-X",
                "-q",
                "-P",
                "pager=off",
                "-P",
                "footer=off",
                "-v",
                "ON_ERROR_STOP=1",
            ])
            .args(["-U", SUPERUSER, "-d", "shop", "-h"])
            .arg(&self.directory)
            .args(["-c", sql])
            .status()
            .expect("psql");
        assert!(status.success(), "psql fails: {sql}");
    }
}

/// Draws the progress until the run ends, and kills a worker half-way. Returns whether it completed.
fn watch(postgres: &mut Postgres) -> bool {
    let mut client = postgres.connect("shop");
    let mut screen = progress::Screen::new();
    let mut killed = false;
    loop {
        let units = match client.query(progress::QUERY) {
            Ok(units) => progress::parse(&units),
            Err(error) => {
                assert!(error.ends_session(), "{error:?}");
                // The kill made the server restart; wait until it takes connections again.
                client = postgres.connect_when_up("shop");
                screen.say("PostgreSQL has recovered from the crash; the job goes on by itself.");
                continue;
            }
        };
        screen.draw(&units);
        if !killed && progress::half_done(&units) {
            let pids = fixture::worker_pids(&mut client, WORKER);
            if let Some(pid) = pids.first() {
                screen.say(&format!(
                    "kill -9 {pid}    -- a worker, in the middle of its work"
                ));
                killed = signal(*pid, "KILL");
            }
        }
        let mut status = String::new();
        let over = wait_for(Duration::from_millis(100), || {
            let rows = client
                .query("SELECT status FROM sync_jobs WHERE job = 'shop'")
                .ok()?;
            status = rows.first()?.first()?.clone()?;
            fixture::ended(&status).then_some(())
        });
        if over.is_some() {
            if let Ok(units) = client.query(progress::QUERY) {
                screen.draw(&progress::parse(&units));
            }
            if !killed {
                screen.say("The copy was over before a worker could be killed.");
            }
            if status != "completed" {
                println!("{}", fixture::report(&mut client, "shop"));
            }
            return status == "completed";
        }
    }
}

/// Counts and checksums of each table, computed by each server from its own rows.
fn compare_all(mariadb: &MariaDb, target: &mut PostgresClient) -> bool {
    println!("\nRows and checksums, by each server's own functions:\n");
    println!(
        "  {:<14} {:>10} {:>22} {:>22}",
        "table", "rows", "MariaDB", "PostgreSQL"
    );
    let mut source = mariadb.connect(Some("shop"));
    let mut all = true;
    for table in shop::TABLES {
        let name = format!("shop.{table}");
        match compare::checksums(&mut source, &name, target, &name) {
            Ok([wanted, found]) => {
                let equal = wanted == found;
                all &= equal;
                println!(
                    "  {table:<14} {:>10} {:>22} {:>22}  {}",
                    found.0,
                    wanted.1,
                    found.1,
                    if equal { "equal" } else { "DIFFERENT" }
                );
            }
            Err(error) => {
                all = false;
                println!("  {table:<14} {error}");
            }
        }
    }
    all
}

fn farewell(mariadb: &mut MariaDb, postgres: &mut Postgres) {
    if std::env::var("KEEP").unwrap_or_default().is_empty() {
        println!("Both servers end now. To look around: make demo KEEP=1");
        return;
    }
    let directory = postgres.socket_directory().to_owned();
    let source = mariadb.socket();
    let source = source
        .parent()
        .unwrap_or(Path::new("/"))
        .display()
        .to_string();
    println!("\nLook around:");
    println!("  psql -h {} -U {SUPERUSER} shop", directory.display());
    println!("  mariadb -h 127.0.0.1 -P {} -u root shop", mariadb.port);
    println!("Change rows in the MariaDB, then: CALL sync_run('shop');");
    let (pg, my) = (postgres.pid(), mariadb.pid());
    postgres.keep();
    mariadb.keep();
    println!("Stop and remove both:");
    println!(
        "  kill -INT {pg}; kill {my}; rm -rf {} {source} {}",
        directory.display(),
        postgres.installation_root().display()
    );
}
