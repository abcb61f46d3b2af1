//! The server whose log is followed: sysbench's tables, a wide one, and the work that makes a backlog.

use crate::support::mariadb::MariaDb;
use crate::support::mariadb_client::MariaDbClient;
use std::process::{Command, Stdio};

/// Tables and their rows, as in sysbench's own examples.
const TABLES: u32 = 4;
const TABLE_SIZE: u32 = 100_000;
const THREADS: u32 = 4;

/// What keeps every server of the comparison from the same thing: waiting for the disk, at a commit
/// or because its log is full.
pub const INNODB: [&str; 3] = [
    "--innodb-buffer-pool-size=2G",
    "--innodb-log-file-size=4G",
    "--innodb-flush-log-at-trx-commit=0",
];

/// Work at the source that is followed afterwards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Load {
    Insert,
    Transactions,
    Mixed,
    Update,
}

impl Load {
    pub const ALL: [Load; 4] = [Load::Insert, Load::Transactions, Load::Mixed, Load::Update];

    /// In words, for so many row changes.
    pub fn name(self, changes: u64) -> String {
        match self {
            Load::Insert => format!("one INSERT of {changes} rows, 18 columns"),
            Load::Transactions => {
                format!("{} transactions of oltp_write_only", transactions(changes))
            }
            Load::Mixed => format!("{changes} mixed changes, 40 in a transaction"),
            Load::Update => format!("one UPDATE of {changes} rows, 18 columns"),
        }
    }
}

/// A tenth of the rows: with a million rows 100,000 transactions of four changes each.
fn transactions(changes: u64) -> u64 {
    changes.div_ceil(10)
}

pub struct Source {
    pub server: MariaDb,
    client: MariaDbClient,
    /// The log's end before there was any table.
    pub origin: String,
    wide_rows: u64,
}

impl Source {
    pub fn start() -> Source {
        let mut arguments = INNODB.to_vec();
        arguments.extend([
            "--server-id=1",
            "--log-bin=log",
            "--binlog-format=ROW",
            "--binlog-row-image=FULL",
            "--binlog-row-metadata=FULL",
        ]);
        let server = MariaDb::start_with(&arguments);
        let mut client = server.connect(None);
        let origin = client.text("SELECT @@gtid_binlog_pos");
        client.run(&[
            "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO reader@'%'",
            "CREATE DATABASE bench",
            "USE bench",
            crate::DEFINITION,
            "CREATE TABLE beat (n bigint AUTO_INCREMENT PRIMARY KEY, at datetime(6) NOT NULL)",
        ]);
        let mut source = Source {
            server,
            client,
            origin,
            wide_rows: 0,
        };
        finish(source.sysbench().arg("prepare"));
        source.client.run(&["ANALYZE TABLE wide"]);
        source
    }

    pub fn tables() -> Vec<String> {
        let mut tables: Vec<String> = (1..=TABLES).map(|table| format!("sbtest{table}")).collect();
        tables.extend(["wide".into(), "beat".into()]);
        tables
    }

    pub fn client(&mut self) -> &mut MariaDbClient {
        &mut self.client
    }

    /// Where the log ends.
    pub fn position(&mut self) -> String {
        self.client.text("SELECT @@gtid_binlog_pos")
    }

    /// Bytes of the log so far.
    pub fn log_bytes(&mut self) -> u64 {
        let files = self.client.rows("SHOW BINARY LOGS");
        let sizes = files
            .iter()
            .filter_map(|file| file.get(1)?.as_ref()?.parse::<u64>().ok());
        sizes.sum()
    }

    /// Writes a backlog.
    pub fn produce(&mut self, load: Load, changes: u64) {
        match load {
            Load::Insert => {
                let first = self.wide_rows + 1;
                self.wide_rows += changes;
                let sql = crate::filling(first, self.wide_rows);
                self.client.run(&[&sql]);
            }
            Load::Update => {
                let first = self.wide_rows.saturating_sub(changes);
                let sql =
                    format!("UPDATE wide SET k = k + 1, note = REVERSE(note) WHERE id > {first}");
                self.client.run(&[&sql]);
            }
            Load::Transactions => {
                let events = format!("--events={}", transactions(changes));
                finish(self.sysbench().args([&events, "--time=0", "run"]));
            }
            // Rows are hit evenly: the less is left out where a row's changes are made one.
            Load::Mixed => {
                let events = format!("--events={}", changes.div_ceil(40));
                finish(self.sysbench().args([
                    &events,
                    "--time=0",
                    "--rand-type=uniform",
                    "--index-updates=10",
                    "--non-index-updates=10",
                    "--delete-inserts=10",
                    "run",
                ]));
            }
        }
    }

    /// `oltp_write_only` with its own defaults, so many seconds long.
    pub fn write_for(&self, seconds: u64) -> Command {
        let mut command = self.sysbench();
        command.args([&format!("--time={seconds}"), "run"]);
        command
    }

    fn sysbench(&self) -> Command {
        let mut command = Command::new("sysbench");
        command
            .args([
                "oltp_write_only",
                "--db-driver=mysql",
                "--mysql-host=127.0.0.1",
                "--mysql-user=root",
                "--mysql-db=bench",
            ])
            .arg(format!("--mysql-port={}", self.server.port))
            .arg(format!("--tables={TABLES}"))
            .arg(format!("--table-size={TABLE_SIZE}"))
            .arg(format!("--threads={THREADS}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

fn finish(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("sysbench (make bench-stream installs it): {error}"));
    assert!(
        output.status.success(),
        "sysbench: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Transactions per second, out of what sysbench prints.
pub fn rate(printed: &str) -> Option<f64> {
    let line = printed
        .lines()
        .find(|line| line.trim_start().starts_with("transactions:"))?;
    let (_, rest) = line.split_once('(')?;
    rest.split_whitespace().next()?.parse().ok()
}
