//! The position of a snapshot in MariaDB's log.
//!
//! MariaDB makes transactions visible in the order of the log, and notes how far it is under the lock
//! that START TRANSACTION WITH CONSISTENT SNAPSHOT takes: `binlog_snapshot_file` and `_position` are
//! those of the snapshot, exactly.
//!
//! But not while the log is rotated. Then the note is set to the beginning of the new file, while the
//! last transactions of the file before may still be on their way to be visible; and FLUSH BINARY
//! LOGS in the midst of a commit leaves the new file with an offset of the old one, until the next
//! commit. So a note is not believed if no transaction stands before it in its file, or if it is
//! behind the end of the log. (One that such a FLUSH left is believed if by chance it is the very
//! place we look for.) Then it is waited until all that was in commit has ended.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mysql_async::Value;
use tokio::time::{Instant, sleep};

use super::binlog::FIRST_OFFSET;
use super::connect::Connection;
use super::position::{BEFORE_SNAPSHOT, LogEnd, LogServer, SNAPSHOT, end_statement, unreadable};
use super::results::{required, value};
use super::schema::{optional_text, text};
use crate::error::{Error, Kind, Result};
use crate::model::gtid::{Gtids, MariaDbGtids};
use crate::model::position::Position;

/// InnoDB's list of transactions is held for 100 ms after somebody has read it.
const LIST_HELD: Duration = Duration::from_millis(120);
/// Looks at it that may show an old list before we take it that we may not read it at all.
const LOOKS: u32 = 5;
/// Tries before a slower way is taken.
const TRIES: u32 = 10;
/// Tries to see end and GTIDs together, before the server has to read a log file, which takes about
/// a second for a GiB.
const END_TRIES: u32 = 50;
/// Between two looks at how far the note is.
const LOOK_AGAIN: Duration = Duration::from_millis(3);

/// The end of the log, and the GTIDs up to it.
struct End {
    end: LogEnd,
    gtids: MariaDbGtids,
}

impl Connection {
    /// A position that is visible as a whole, without reading log files as far as can be: the end of
    /// the log, once the note has come as far.
    pub(super) async fn mariadb_position(&mut self, log: &LogServer) -> Result<Position> {
        let deadline = Instant::now() + self.endpoint().read_timeout();
        let mut tries = 0;
        loop {
            let found = self.end_with_gtids().await?;
            if let Some(found) = found {
                let begin = self.gtids_at(&found.end.file, FIRST_OFFSET).await?;
                let first_in_file = begin.as_ref() == Some(&found.gtids);
                let visible = if found.gtids.is_empty() {
                    true
                } else if first_in_file && tries < TRIES {
                    // Another transaction is soon there, if the server is not idle.
                    tries += 1;
                    sleep(LOOK_AGAIN).await;
                    false
                } else if first_in_file {
                    self.settle(deadline).await?;
                    true
                } else {
                    begin.is_some() && self.wait_for_note(&found.end, deadline).await?
                };
                if visible {
                    return Ok(log.mariadb(found.end, found.gtids));
                }
            }
            if Instant::now() >= deadline {
                return Err(slow());
            }
        }
    }

    /// Begins a snapshot, and leaves it open, whatever comes of it.
    pub(super) async fn mariadb_snapshot(&mut self, log: &LogServer) -> Result<Position> {
        let deadline = Instant::now() + self.endpoint().read_timeout();
        let mut settled: Option<LogEnd> = None;
        let mut tries = 0;
        loop {
            let (note, end) = self.note().await?;
            let unchanged = settled.as_ref() == Some(&end);
            // Nothing was written since all was visible: then the place is known without the note.
            let place = if unchanged { &end } else { &note };
            let begin = self.gtids_at(&place.file, FIRST_OFFSET).await?;
            let gtids = self.gtids_at(&place.file, place.offset).await?;
            // Without GTIDs file and offset do not belong together, or the file was purged since.
            if let (Some(begin), Some(gtids)) = (begin, gtids) {
                let believed = !note.is_behind(&end) && (begin != gtids || gtids.is_empty());
                if unchanged || believed {
                    return Ok(log.mariadb(place.clone(), gtids));
                }
            }
            if Instant::now() >= deadline {
                return Err(slow());
            }
            if tries < TRIES {
                tries += 1;
                sleep(LOOK_AGAIN).await;
            } else {
                self.settle(deadline).await?;
                settled = Some(end);
            }
        }
    }

    /// Begins a snapshot and tells the server's note of its place, and the end of the log after it.
    async fn note(&mut self) -> Result<(LogEnd, LogEnd)> {
        let [rollback, isolation] = BEFORE_SNAPSHOT;
        let end = end_statement(self.server());
        let sets = self
            .log_results(&[
                rollback,
                isolation,
                SNAPSHOT,
                "SHOW STATUS LIKE 'binlog_snapshot_file'",
                "SHOW STATUS LIKE 'binlog_snapshot_position'",
                end,
            ])
            .await?;
        let note = LogEnd::read(&required(sets.get(3), 1)?, &required(sets.get(4), 1)?)?;
        Ok((note, self.log_end(sets.get(5))?))
    }

    /// Whether all up to this end, which is not the first place of its file, is visible; false when
    /// the log was rotated meanwhile.
    async fn wait_for_note(&mut self, end: &LogEnd, deadline: Instant) -> Result<bool> {
        let mut tries = 0;
        loop {
            let (note, now) = self.note().await?;
            if note.file == end.file && note.offset >= end.offset && !note.is_behind(&now) {
                return Ok(true);
            }
            if now.file != end.file {
                return Ok(false);
            }
            tries += 1;
            if tries >= TRIES {
                return self.settle(deadline).await.map(|()| true);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// None when the file was purged since.
    async fn end_with_gtids(&mut self) -> Result<Option<End>> {
        let statement = end_statement(self.server());
        let statements = [statement, "SELECT @@GLOBAL.gtid_binlog_pos", statement];
        let mut tries = 0;
        loop {
            let sets = self.log_results(&statements).await?;
            let end = self.log_end(sets.first())?;
            tries += 1;
            if end == self.log_end(sets.get(2))? {
                // Nothing was written in between.
                let text = value(sets.get(1), 0)?.unwrap_or_default();
                let gtids = MariaDbGtids::parse(&text).ok_or_else(|| unreadable("GTIDs"))?;
                return Ok(Some(End { end, gtids }));
            }
            if tries >= END_TRIES {
                let gtids = self.gtids_at(&end.file, end.offset).await?;
                return Ok(gtids.map(|gtids| End { end, gtids }));
            }
        }
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

    /// Waits until no transaction is in commit that was so at the call.
    async fn settle(&mut self, deadline: Instant) -> Result<()> {
        let mut awaited: Option<BTreeSet<String>> = None;
        let mut looks = 0;
        // Only in a transaction of our own are we on the list.
        self.results(&[SNAPSHOT]).await?;
        loop {
            sleep(LIST_HELD).await;
            looks += 1;
            match (self.committing().await?, &mut awaited) {
                (Some(committing), None) => awaited = Some(committing),
                (Some(committing), Some(awaited)) => awaited.retain(|one| committing.contains(one)),
                // The account lacks PROCESS. From the log to the eyes of others a transaction goes
                // without a wait but for locks that are held for microseconds, and for a replica's
                // receipt: after all these looks it has arrived, as far as can be told.
                (None, None) if looks >= LOOKS && !self.receipts_awaited().await? => return Ok(()),
                (None, _) => {}
            }
            if awaited.as_ref().is_some_and(BTreeSet::is_empty) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(slow());
            }
        }
    }

    async fn receipts_awaited(&mut self) -> Result<bool> {
        let statement = "SHOW STATUS LIKE 'Rpl_semi_sync_master_wait_sessions'";
        let sessions = value(self.results(&[statement]).await?.first(), 1)?;
        Ok(sessions.is_some_and(|sessions| sessions != "0"))
    }

    /// Transactions that have written and whose session is at work: one whose session waits for its
    /// next statement is not in commit. None when we may not see them, or were shown an older list:
    /// a new one has this very question in it.
    async fn committing(&mut self) -> Result<Option<BTreeSet<String>>> {
        static QUESTIONS: AtomicU64 = AtomicU64::new(0);
        let mark = format!("look {}", QUESTIONS.fetch_add(1, Ordering::Relaxed));
        let sql = format!(
            "SELECT CONCAT(t.trx_id, '/', t.trx_mysql_thread_id), \
             t.trx_mysql_thread_id = CONNECTION_ID() AND t.trx_query LIKE '%{mark} %', \
             t.trx_id <> 0 AND COALESCE(p.COMMAND, 'Sleep') <> 'Sleep' \
             FROM information_schema.INNODB_TRX AS t \
             LEFT JOIN information_schema.PROCESSLIST AS p ON p.ID = t.trx_mysql_thread_id"
        );
        let sets = match self.results(&[&sql]).await {
            Err(error) if error.kind == Kind::AccessDenied => return Ok(None),
            other => other?,
        };
        let mut new = false;
        let mut committing = BTreeSet::new();
        for row in sets.iter().flatten() {
            new |= text(row, 1)? == "1";
            if text(row, 2)? == "1" && text(row, 1)? != "1" {
                committing.insert(text(row, 0)?);
            }
        }
        Ok(new.then_some(committing))
    }
}

impl LogEnd {
    /// Whether a place of a file is one that the file, which ends here, has not.
    fn is_behind(&self, end: &LogEnd) -> bool {
        self.file == end.file && self.offset > end.offset
    }
}

impl LogServer {
    fn mariadb(&self, end: LogEnd, gtids: MariaDbGtids) -> Position {
        Position {
            gtids: Some(Gtids::MariaDb(gtids)),
            ..self.position(end)
        }
    }
}

fn slow() -> Error {
    Error::new(
        Kind::SourceTimeout,
        "the source told no position to copy from in time",
    )
    .with_detail("Its log was rotated again and again, or a transaction has been in commit since.")
}
