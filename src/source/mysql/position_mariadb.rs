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
                let begin = self.gtids_at(&found.end.file, FILE_BEGIN).await?;
                let first_in_file = begin.as_ref() == Some(&found.gtids);
                let visible = if found.gtids.is_empty() {
                    true
                } else if first_in_file && tries < TRIES {
                    // Another transaction is soon there, if the server is not idle.
                    tries += 1;
                    sleep(LOOK_AGAIN).await;
                    false
                } else if first_in_file {
                    self.note().await?;
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
        let mut settled: Option<String> = None;
        let mut tries = 0;
        loop {
            let note = self.note().await?;
            let begin = self.gtids_at(&note.file, FILE_BEGIN).await?;
            let gtids = self.gtids_at(&note.file, note.offset).await?;
            // Without GTIDs file and offset do not belong together, or the file was purged since.
            if let (Some(begin), Some(gtids)) = (begin, gtids) {
                let file = Some(note.file.clone());
                if begin != gtids || gtids.is_empty() || settled == file {
                    return Ok(log.mariadb(note, gtids));
                }
                if tries < TRIES {
                    tries += 1;
                    sleep(LOOK_AGAIN).await;
                } else {
                    self.settle(deadline).await?;
                    settled = file;
                }
            }
            if Instant::now() >= deadline {
                return Err(slow());
            }
        }
    }

    /// Begins a snapshot and tells the server's note of its place.
    async fn note(&mut self) -> Result<LogEnd> {
        let [rollback, isolation] = BEFORE_SNAPSHOT;
        let sets = self
            .results(&[
                rollback,
                isolation,
                SNAPSHOT,
                "SHOW STATUS LIKE 'binlog_snapshot_file'",
                "SHOW STATUS LIKE 'binlog_snapshot_position'",
            ])
            .await?;
        match value(sets.get(3), 1)? {
            Some(file) if !file.is_empty() => LogEnd::read(&file, &required(sets.get(4), 1)?),
            _ => Err(self.log_is_off()),
        }
    }

    /// Whether the note has come to this end, which is not the first of its file; false when the log
    /// was rotated meanwhile, and the note says nothing of it.
    async fn wait_for_note(&mut self, end: &LogEnd, deadline: Instant) -> Result<bool> {
        let mut before: Option<String> = None;
        loop {
            let note = self.note().await?;
            if note.file == end.file && note.offset >= end.offset {
                return Ok(true);
            }
            let came_from = before.get_or_insert_with(|| note.file.clone());
            if *came_from != note.file || Instant::now() >= deadline {
                return Ok(false);
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
