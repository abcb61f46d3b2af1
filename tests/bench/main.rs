//! `make bench`: the first copy and the stream.
//!
//! The first copy: one table of three million rows and eighteen columns goes from a MariaDB into a
//! PostgreSQL, by this extension, by pgloader, by mysql_fdw, and, as the limit, from a binary file of
//! the same rows by COPY. The stream is in `stream`. Prints tables in Markdown for docs/benchmarks.md,
//! the first of the codec alone; the arguments `codec`, `copy` and `stream` choose a part.
//!
//! BENCH_ROWS and BENCH_RUNS make it smaller. Every run ends with a comparison of both sides.

#[path = "../support/mod.rs"]
mod support;

mod codec_alone;
mod contender;
mod image_alone;
mod image_peer;
mod memory;
mod stream;

// The library is one for a server to load: what is pure of it is compiled in here once more.
#[path = "../../src/codec/mod.rs"]
#[allow(dead_code, unused_imports)]
mod codec;
#[path = "../../src/error.rs"]
#[allow(dead_code, unused_imports)]
mod error;
#[path = "../../src/model/mod.rs"]
#[allow(dead_code, unused_imports)]
mod model;

use contender::Contender;
use std::process::ExitCode;
use support::compare;
use support::mariadb::MariaDb;
use support::postgres::{Postgres, Settings, Stage};

pub const DEFINITION: &str = "CREATE TABLE wide (id bigint unsigned PRIMARY KEY, k int NOT NULL, small smallint, tiny tinyint, \
     amount decimal(14,4), price decimal(10,2), born date, at datetime, seen timestamp(6) NULL, flag bit(1), \
     kind enum('red', 'green', 'blue'), code char(8), name varchar(40), email varchar(60), note varchar(80), pad varchar(60), \
     digest binary(8), maybe varchar(20))";

/// Rows of the table, by their keys.
fn filling(first: u64, last: u64) -> String {
    format!(
        "INSERT INTO wide SELECT seq, seq * 7919 % 1000003, CAST(seq AS SIGNED) % 30000 - 15000, CAST(seq AS SIGNED) % 200 - 100, seq % 1000000 / 7, seq % 99999 / 100, \
         '1950-01-01' + INTERVAL seq % 25000 DAY, '2020-01-01' + INTERVAL seq SECOND, '2021-01-01' + INTERVAL seq * 1009 MICROSECOND, seq % 2, \
         1 + seq % 3, LPAD(HEX(seq), 8, '0'), CONCAT('name of ', seq, ' ', REPEAT('n', seq % 15)), CONCAT('user', seq, '@example.org'), \
         REPEAT(CHAR(97 + seq % 26), 30 + seq % 40), CONCAT('äöü ', seq % 977, ' ', REPEAT('p', 20)), UNHEX(LPAD(HEX(seq * 31), 16, '0')), \
         IF(seq % 3 = 0, NULL, CONCAT('m', seq % 100)) FROM seq_{first}_to_{last}"
    )
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let said = |word: &str| arguments.iter().any(|argument| argument == word);
    let chosen = |part: &str| said(part) || !["codec", "copy", "stream"].into_iter().any(said);
    if chosen("codec") {
        codec_alone::run();
        image_alone::run();
    }
    let mut equal = true;
    if chosen("copy") {
        equal &= copy();
    }
    if chosen("stream") {
        equal &= stream::run(said("peers"));
    }
    match equal {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Whether every exact road has copied the table.
fn copy() -> bool {
    let rows = number("BENCH_ROWS", 3_000_000);
    let runs = number("BENCH_RUNS", 3);
    let mariadb = MariaDb::start_with(&[
        "--innodb-buffer-pool-size=2G",
        "--innodb-log-file-size=512M",
    ]);
    let postgres = Postgres::start(Settings {
        stage: Stage::Release,
        preload: true,
        extra: [
            "shared_buffers=1GB",
            "max_wal_size=16GB",
            "checkpoint_timeout=1h",
        ]
        .map(String::from)
        .to_vec(),
    });
    eprintln!("filling the source with {rows} rows");
    let mut source = mariadb.connect(None);
    source.run(&["CREATE DATABASE bench", "USE bench", DEFINITION]);
    let step = rows.div_ceil(10);
    for first in (1..=rows).step_by(step as usize) {
        source.run(&[&filling(first, (first + step - 1).min(rows))]);
    }
    source.run(&["ANALYZE TABLE wide"]);
    let bytes = source
        .text("SELECT data_length FROM information_schema.tables WHERE table_schema = 'bench'");

    let mut contenders = contender::all(&mariadb, &postgres);
    let mut equal = true;
    for run in 1..=runs {
        for contender in &mut contenders {
            match contender.run(&mariadb, &postgres) {
                Ok(seconds) => {
                    eprintln!("run {run}: {} {seconds:.2} s", contender.name());
                    let mut target = postgres.connect("bench");
                    let sums = compare::checksums(
                        &mut source,
                        "bench.wide",
                        &mut target,
                        contender.target(),
                    );
                    if !contender.is_exact() {
                        continue;
                    }
                    if !matches!(&sums, Ok([wanted, found]) if wanted == found) {
                        eprintln!("{} has NOT copied the table: {sums:?}", contender.name());
                        equal = false;
                    }
                }
                Err(error) => eprintln!("run {run}: {} is left out: {error}", contender.name()),
            }
        }
    }
    report(&contenders, rows, runs, &bytes);
    equal
}

fn report(contenders: &[Contender], rows: u64, runs: u64, bytes: &str) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let ours = contenders
        .first()
        .and_then(Contender::median)
        .unwrap_or(f64::NAN);
    println!(
        "\n{rows} rows, 18 columns, {bytes} bytes at the source; {runs} runs, medians; {cores} cores, all servers on one machine\n"
    );
    println!("| road | seconds | rows per second | times ours | all runs |");
    println!("|---|---:|---:|---:|---|");
    for contender in contenders {
        let Some(median) = contender.median() else {
            continue;
        };
        let all: Vec<String> = contender
            .seconds
            .iter()
            .map(|seconds| format!("{seconds:.1}"))
            .collect();
        println!(
            "| {} | {median:.1} | {:.0} | {:.2} | {} |",
            contender.name(),
            rows as f64 / median,
            median / ours,
            all.join(", ")
        );
    }
    for contender in contenders {
        if !contender.memory.is_empty() {
            println!(
                "\nPrivate memory of a worker of \"{}\" as the table grew, in MB:\n",
                contender.name()
            );
            println!("{}", memory::table(&contender.memory));
        }
    }
}
