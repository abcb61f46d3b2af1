//! Where the source's log stands: its end, a position that a copy can begin at, the position of a
//! snapshot.
//!
//! A transaction is written to the log first and becomes visible to others afterwards; in between it
//! may wait for a disk or for a replica's receipt. So the end of the log is no position for a copy to
//! begin at: a SELECT may miss what stands before it, and the stream would never bring it again.
//! `position_mariadb` and `position_mysql` find positions without that gap. Nothing is locked or
//! written for it.

use mysql_async::Row;

use super::connect::Connection;
use super::errors;
use super::results::{required, value};
use super::session::ServerInfo;
use super::told::{self, clean};
use crate::error::{Error, Kind, Result};
use crate::model::gtid::Gtids;
use crate::model::position::{MAX_OFFSET, Position};
use crate::model::server::{Flavor, Server};

/// Begins nothing by itself: what was open ends, and the next transaction is one whose snapshot
/// stays, whatever the server's default is.
pub(super) const BEFORE_SNAPSHOT: [&str; 2] = [
    "ROLLBACK",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
];
pub(super) const SNAPSHOT: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
pub(super) const END_SNAPSHOT: &str = "ROLLBACK";

/// What an open snapshot is in the log: it shows all transactions up to `from`, and none behind `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPosition {
    pub from: Position,
    pub to: Position,
}

impl SnapshotPosition {
    /// The snapshot's place, if it is known exactly. Else transactions between `from` and `to` may be
    /// in it or not: it is of use for a table that none of them changes.
    pub fn exact(&self) -> Option<&Position> {
        let same = (&self.from.file, self.from.offset) == (&self.to.file, self.to.offset);
        same.then_some(&self.from)
    }
}

/// A server as the writer of a log.
#[derive(Debug, Clone)]
pub(super) struct LogServer {
    pub server: Server,
    /// All its transactions have GTIDs.
    pub gtids: bool,
}

/// The end of a log, as SHOW MASTER STATUS tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogEnd {
    pub file: String,
    pub offset: u64,
}

impl Connection {
    /// The end of the source's log. All that was committed before the call stands before it; not all
    /// of that is visible yet.
    pub async fn current_position(&mut self) -> Result<Position> {
        let log = self.log_server().await?;
        let (gtids, end) = (gtids_statement(&log.server), end_statement(self.server()));
        let sets = self.log_results(&[gtids, end]).await?;
        Ok(Position {
            gtids: log.read_gtids(value(sets.first(), 0)?)?,
            ..log.position(self.log_end(sets.get(1))?)
        })
    }

    /// A position for a copy to begin at: each transaction at or before it is visible to each SELECT
    /// that is begun after this call. It may take as long as a commit at the source does.
    ///
    /// The GTIDs may be ahead of file and offset by transactions that committed during the call, and
    /// are as visible as the others.
    pub async fn copy_position(&mut self) -> Result<Position> {
        let log = self.log_server().await?;
        let position = match log.server.flavor {
            Flavor::MariaDb => {
                let position = self.mariadb_position(&log).await?;
                self.end_snapshot().await?;
                position
            }
            Flavor::MySql => self.mysql_position(&log).await?,
        };
        self.wait_for_prepared().await?;
        Ok(position)
    }

    /// Begins a snapshot in this session and tells where in the log it is: for tables whose copy has
    /// to be exact. It shows the rows of transactional tables only as of then, until
    /// [`Self::end_snapshot`].
    pub async fn snapshot_with_position(&mut self) -> Result<SnapshotPosition> {
        let log = self.log_server().await?;
        let position = match log.server.flavor {
            Flavor::MariaDb => self
                .mariadb_snapshot(&log)
                .await
                .map(|position| SnapshotPosition {
                    from: position.clone(),
                    to: position,
                }),
            Flavor::MySql => self.mysql_snapshot(&log).await,
        };
        let position = match position {
            Ok(position) => self.require_none_prepared().await.map(|()| position),
            failed => failed,
        };
        if position.is_err() {
            // The first error is the one to tell.
            let _ = self.end_snapshot().await;
        }
        position
    }

    pub async fn end_snapshot(&mut self) -> Result<()> {
        self.results(&[END_SNAPSHOT]).await.map(drop)
    }

    pub(super) async fn log_server(&mut self) -> Result<LogServer> {
        let flavor = self.server().flavor;
        let sql = match flavor {
            Flavor::MySql => "SELECT @@server_id, @@server_uuid, @@GLOBAL.gtid_mode",
            Flavor::MariaDb => "SELECT @@server_id",
        };
        let sets = self.results(&[sql]).await?;
        let server_id = required(sets.first(), 0)?;
        let server_id = server_id.parse().map_err(|_| unreadable("server_id"))?;
        Ok(LogServer {
            server: Server {
                flavor,
                uuid: value(sets.first(), 1)?.map(|uuid| clean(&uuid)),
                server_id,
            },
            gtids: match flavor {
                Flavor::MySql => required(sets.first(), 2)? == "ON",
                Flavor::MariaDb => true,
            },
        })
    }

    /// As `results`; a privilege that lacks is one that reads logs.
    pub(super) async fn log_results(&mut self, statements: &[&str]) -> Result<Vec<Vec<Row>>> {
        let outcome = self.results(statements).await;
        outcome.map_err(|error| match error.kind {
            Kind::AccessDenied => error.with_hint(grant_statement(self.server())),
            _ => error,
        })
    }

    pub(super) fn log_end(&self, set: Option<&Vec<Row>>) -> Result<LogEnd> {
        let Some(file) = value(set, 0)? else {
            return Err(self.log_is_off());
        };
        LogEnd::read(&file, &required(set, 1)?)
    }

    pub(super) fn log_is_off(&self) -> Error {
        Error::new(
            Kind::PositionLost,
            format!(
                "source \"{}\" writes no binary log",
                self.endpoint().address()
            ),
        )
        .with_hint(
            "Start the source with log_bin, server_id and binlog_format = ROW, then SELECT \
             sync_resync('<job>');",
        )
    }
}

impl LogServer {
    pub fn position(&self, end: LogEnd) -> Position {
        Position {
            server: self.server.clone(),
            file: end.file,
            offset: end.offset,
            gtids: None,
            file_created: None,
        }
    }

    /// The GTIDs of a text that this server told; None where they do not name all transactions.
    pub fn read_gtids(&self, text: Option<String>) -> Result<Option<Gtids>> {
        if !self.gtids {
            return Ok(None);
        }
        Gtids::parse(self.server.flavor, &text.unwrap_or_default())
            .map(Some)
            .ok_or_else(|| unreadable("GTIDs"))
    }
}

impl LogEnd {
    pub fn read(file: &str, offset: &str) -> Result<LogEnd> {
        Ok(LogEnd {
            file: clean(file),
            offset: offset
                .parse()
                .ok()
                .filter(|offset| *offset <= MAX_OFFSET)
                .ok_or_else(|| unreadable("offset"))?,
        })
    }
}

pub(super) fn unreadable(what: &str) -> Error {
    errors::violation(format!("the source told {what} that cannot be read"))
}

/// The statement that tells file and offset of the log's end.
pub(super) fn end_statement(server: &ServerInfo) -> &'static str {
    match server.flavor {
        Flavor::MySql if server.version >= (8, 2, 0) => "SHOW BINARY LOG STATUS",
        _ => "SHOW MASTER STATUS",
    }
}

fn gtids_statement(server: &Server) -> &'static str {
    match server.flavor {
        Flavor::MySql => "SELECT @@GLOBAL.gtid_executed",
        Flavor::MariaDb => "SELECT @@GLOBAL.gtid_binlog_pos",
    }
}

/// What lets our account follow the log.
pub(super) fn grant_statement(server: &ServerInfo) -> String {
    let account = told::account(&server.account).unwrap_or_else(|| "...".to_string());
    let client = match server.flavor {
        Flavor::MySql => "REPLICATION CLIENT",
        Flavor::MariaDb => "BINLOG MONITOR",
    };
    format!("At the source: GRANT REPLICATION SLAVE, {client} ON *.* TO {account};")
}
