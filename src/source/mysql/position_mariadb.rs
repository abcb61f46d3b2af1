//! The position of a snapshot in MariaDB's log.
//!
//! MariaDB makes transactions visible in the order of the log, and notes how far it is under the lock
//! that START TRANSACTION WITH CONSISTENT SNAPSHOT takes: `binlog_snapshot_file` and `_position` are
//! those of the snapshot, exactly.
//!
//! With one exception: the note is set to the beginning of a new file when the log is rotated, while
//! the last transactions of the file before may still be on their way to be visible. A position with
//! no transaction before it in its file is therefore believed only when all that were in commit when
//! the file was there already have ended.

use std::collections::BTreeSet;
use std::time::Duration;

use mysql_async::Value;
use tokio::time::{Instant, sleep};

use super::connect::Connection;
use super::position::{BEFORE_SNAPSHOT, LogEnd, LogServer, SNAPSHOT, end_statement, unreadable};
use super::results::{required, value};
use super::schema::optional_text;
use crate::error::{Error, Kind, Result};
use crate::model::gtid::{Gtids, MariaDbGtids};
use crate::model::position::Position;

/// The first place in a log file.
const FILE_BEGIN: u64 = 4;
/// InnoDB's list of transactions is held for 100 ms after somebody has read it.
const LIST_HELD: Duration = Duration::from_millis(120);
/// Looks at it that may show an old list before we take it that we may not read it at all.
const LOOKS: u32 = 5;

/// A snapshot that was begun.
struct Mark {
    end: LogEnd,
    gtids: MariaDbGtids,
    /// No transaction stands before it in its file.
    first_in_file: bool,
}

impl Connection {
    /// Begins a snapshot, and leaves it open, whatever comes of it.
    pub(super) async fn mariadb_snapshot(&mut self, log: &LogServer) -> Result<Position> {
        let deadline = Instant::now() + self.endpoint().read_timeout();
        let mut settled: Option<String> = None;
        loop {
            if let Some(mark) = self.mark().await? {
                let believed = !mark.first_in_file
                    // Nothing was ever logged.
                    || mark.gtids.is_empty()
                    || settled.as_ref() == Some(&mark.end.file);
                if believed {
                    return Ok(Position {
                        gtids: Some(Gtids::MariaDb(mark.gtids)),
                        ..log.position(mark.end)
                    });
                }
                self.settle(deadline).await?;
                settled = Some(mark.end.file);
            }
            if Instant::now() >= deadline {
                return Err(slow());
            }
        }
    }

    /// None: file and offset do not belong together, or the file was purged since.
    async fn mark(&mut self) -> Result<Option<Mark>> {
        let end = end_statement(self.server());
        let [rollback, isolation] = BEFORE_SNAPSHOT;
        let sets = self
            .log_results(&[
                rollback,
                isolation,
                SNAPSHOT,
                "SHOW STATUS LIKE 'binlog_snapshot_file'",
                "SHOW STATUS LIKE 'binlog_snapshot_position'",
                end,
                "SELECT @@GLOBAL.gtid_binlog_pos",
                end,
            ])
            .await?;
        let before = self.log_end(sets.get(5))?;
        let after = self.log_end(sets.get(7))?;
        let mark = LogEnd::read(&required(sets.get(3), 1)?, &required(sets.get(4), 1)?)?;
        let Some(begin) = self.gtids_at(&mark.file, FILE_BEGIN).await? else {
            return Ok(None);
        };
        let gtids = if mark == before && mark == after {
            // Nothing was written meanwhile, and these are the GTIDs of all that is written.
            let text = value(sets.get(6), 0)?.unwrap_or_default();
            Some(MariaDbGtids::parse(&text).ok_or_else(|| unreadable("GTIDs"))?)
        } else {
            self.gtids_at(&mark.file, mark.offset).await?
        };
        Ok(gtids.map(|gtids| Mark {
            first_in_file: gtids == begin,
            end: mark,
            gtids,
        }))
    }

    /// The GTIDs before a place in the log, which the server reads from the file. None where the
    /// file is not there, or no event of it ends there.
    pub(super) async fn gtids_at(
        &mut self,
        file: &str,
        offset: u64,
    ) -> Result<Option<MariaDbGtids>> {
        let sql = "SELECT BINLOG_GTID_POS(?, ?)";
        let rows = self
            .rows(sql, vec![Value::from(file), Value::from(offset)])
            .await?;
        let text = rows.first().map(|row| optional_text(row, 0)).transpose()?;
        text.flatten()
            .map(|text| MariaDbGtids::parse(&text).ok_or_else(|| unreadable("GTIDs")))
            .transpose()
    }

    /// Waits until no transaction is in commit that was so at the call. In an open snapshot: our own
    /// transaction tells whether the list we get is older than the call.
    async fn settle(&mut self, deadline: Instant) -> Result<()> {
        let mut awaited: Option<BTreeSet<(String, String)>> = None;
        let mut looks = 0;
        loop {
            sleep(LIST_HELD).await;
            let (ours, committing) = self.writing_transactions().await?;
            looks += 1;
            match (&mut awaited, ours) {
                (None, true) => awaited = Some(committing),
                (Some(awaited), _) => awaited.retain(|one| committing.contains(one)),
                // The account lacks PROCESS. A transaction takes the way from the log to the eyes of
                // others between two waits for a lock that is held for microseconds, unless it waits
                // for a replica's receipt: after all these looks it has arrived, as far as can be told.
                (None, false) if looks >= LOOKS => return Ok(()),
                (None, false) => {}
            }
            if awaited.as_ref().is_some_and(BTreeSet::is_empty) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(slow());
            }
        }
    }

    /// Whether our own transaction is listed, and all that have written and whose session is at work.
    /// One whose session waits for its next statement is not in commit.
    async fn writing_transactions(&mut self) -> Result<(bool, BTreeSet<(String, String)>)> {
        let sql = "SELECT CAST(t.trx_id AS CHAR), CAST(t.trx_mysql_thread_id AS CHAR), p.COMMAND, \
             CAST(CONNECTION_ID() AS CHAR) \
             FROM information_schema.INNODB_TRX AS t \
             LEFT JOIN information_schema.PROCESSLIST AS p ON p.ID = t.trx_mysql_thread_id";
        let mut ours = false;
        let mut writing = BTreeSet::new();
        for row in self.rows(sql, Vec::new()).await? {
            let column = |position| optional_text(&row, position).map(Option::unwrap_or_default);
            let (transaction, thread, command) = (column(0)?, column(1)?, column(2)?);
            if thread == column(3)? {
                ours = true;
            } else if transaction != "0" && !matches!(command.as_str(), "" | "Sleep") {
                writing.insert((transaction, thread));
            }
        }
        Ok((ours, writing))
    }
}

fn slow() -> Error {
    Error::new(
        Kind::SourceTimeout,
        "the source told no position to copy from in time",
    )
    .with_detail("Its log was rotated again and again, or a transaction has been in commit since.")
}
