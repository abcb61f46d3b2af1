//! Positions in MySQL's log that a copy or a snapshot can rely upon.
//!
//! A transaction is given its GTID and written to the log under the lock that the end of the log is
//! read under. From then on `gtid_owned` has the GTID, until the transaction is visible: then it
//! moves to `gtid_executed`. So what stands before an end of the log is visible when what was owned
//! after that end was read is owned no more.
//!
//! Without GTIDs a transaction in commit is known by its lock on COMMIT, which it takes before the
//! log is written and holds until it is visible; `performance_schema.metadata_locks` lists it. The
//! table `log_status` is of no help: it tells the plain end of the log.

use std::collections::BTreeSet;
use std::time::Duration;

use mysql_async::Value;
use tokio::time::{Instant, sleep};

use super::connect::Connection;
use super::position::{
    BEFORE_SNAPSHOT, END_SNAPSHOT, LogServer, SNAPSHOT, SnapshotPosition, end_statement, unreadable,
};
use super::results::value;
use super::schema::text;
use super::told;
use crate::error::{Error, Kind, Result};
use crate::model::gtid::MySqlGtid;
use crate::model::position::Position;

const OWNED: &str = "SELECT @@GLOBAL.gtid_owned";
const EXECUTED: &str = "SELECT @@GLOBAL.gtid_executed";
/// Seconds of one wait for transactions, after which it is looked whether they are there still.
const WAIT: u32 = 1;
const COMMITS: &str = "SELECT CONCAT(OWNER_THREAD_ID, '/', COALESCE(OWNER_EVENT_ID, 0)) \
     FROM performance_schema.metadata_locks \
     WHERE OBJECT_TYPE = 'COMMIT' AND LOCK_TYPE = 'INTENTION_EXCLUSIVE' AND LOCK_STATUS <> 'PENDING'";
const COMMITS_LISTED: &str = "SELECT ENABLED FROM performance_schema.setup_instruments \
     WHERE NAME = 'wait/lock/metadata/sql/mdl'";
const COMMITS_LOST: &str = "SHOW GLOBAL STATUS LIKE 'Performance_schema_metadata_lock_lost'";
/// Between two looks at them.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Snapshots that are tried for one whose place is known exactly.
const TRIES: u32 = 50;
/// A UUID's characters, and those before its first dash.
const UUID: usize = 36;
const UUID_HEAD: usize = 8;

impl Connection {
    pub(super) async fn mysql_position(&mut self, log: &LogServer) -> Result<Position> {
        let deadline = Instant::now() + self.endpoint().read_timeout();
        let end_statement = end_statement(self.server());
        if log.gtids {
            let sets = self.log_results(&[end_statement, OWNED, EXECUTED]).await?;
            let end = self.log_end(sets.first())?;
            let owned = read_owned(&value(sets.get(1), 0)?.unwrap_or_default())?;
            let mut executed = value(sets.get(2), 0)?;
            if !owned.is_empty() {
                self.wait_while_owned(owned, deadline).await?;
                executed = value(self.results(&[EXECUTED]).await?.first(), 0)?;
            }
            return Ok(Position {
                gtids: log.read_gtids(executed)?,
                ..log.position(end)
            });
        }
        self.check_commits_are_listed().await?;
        let sets = self.log_results(&[end_statement, COMMITS]).await?;
        let end = self.log_end(sets.first())?;
        let mut awaited = column(sets.get(1))?;
        while !awaited.is_empty() {
            if Instant::now() >= deadline {
                return Err(slow(format!(
                    "{} transactions are in commit.",
                    awaited.len()
                )));
            }
            sleep(LOOK_AGAIN).await;
            let now = column(self.results(&[COMMITS]).await?.first())?;
            awaited.retain(|commit| now.contains(commit));
        }
        Ok(log.position(end))
    }

    /// Begins a snapshot and leaves it open.
    ///
    /// Its place is exact when the log's end was the same before and after it, and nothing was in
    /// commit after the first look at the end. Then no transaction was written in between, all before
    /// were visible, and what was written later was not. On a busy server there may be no such moment:
    /// then the place is told as one between two others.
    pub(super) async fn mysql_snapshot(&mut self, log: &LogServer) -> Result<SnapshotPosition> {
        let end = end_statement(self.server());
        let [rollback, isolation] = BEFORE_SNAPSHOT;
        let in_commit = if log.gtids { OWNED } else { COMMITS };
        if !log.gtids {
            self.check_commits_are_listed().await?;
        }
        let statements = [
            rollback, isolation, end, in_commit, EXECUTED, SNAPSHOT, end, EXECUTED,
        ];
        for _ in 0..TRIES {
            let sets = self.log_results(&statements).await?;
            let before = self.log_end(sets.get(2))?;
            let idle = value(sets.get(3), 0)?.unwrap_or_default().is_empty();
            if idle && before == self.log_end(sets.get(6))? {
                let position = Position {
                    gtids: log.read_gtids(value(sets.get(4), 0)?)?,
                    ..log.position(before)
                };
                return Ok(SnapshotPosition {
                    from: position.clone(),
                    to: position,
                });
            }
        }
        self.results(&[END_SNAPSHOT]).await?;
        let from = self.mysql_position(log).await?;
        let sets = self
            .log_results(&[rollback, isolation, SNAPSHOT, end, EXECUTED])
            .await?;
        let to = Position {
            gtids: log.read_gtids(value(sets.get(4), 0)?)?,
            ..log.position(self.log_end(sets.get(3))?)
        };
        Ok(SnapshotPosition { from, to })
    }

    /// Waits until each of these is executed, or given up.
    async fn wait_while_owned(
        &mut self,
        mut owned: Vec<MySqlGtid>,
        deadline: Instant,
    ) -> Result<()> {
        loop {
            let list: Vec<String> = owned.iter().map(MySqlGtid::to_string).collect();
            let list = list.join(",");
            let sql = "SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?)";
            self.rows(sql, vec![Value::from(list.as_str()), Value::from(WAIT)])
                .await?;
            let now = value(self.results(&[OWNED]).await?.first(), 0)?;
            let now = read_owned(&now.unwrap_or_default())?;
            owned.retain(|gtid| now.contains(gtid));
            if owned.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(slow(format!("In commit: {}.", told::clean(&list))));
            }
        }
    }

    pub(super) async fn check_commits_are_listed(&mut self) -> Result<()> {
        let account = told::account(&self.server().account).unwrap_or_else(|| "...".to_string());
        let unknown = |detail: String, hint: String| {
            Error::new(
                Kind::InvalidState,
                "the source without GTIDs does not tell which transactions are in commit",
            )
            .with_detail(detail)
            .with_hint(hint)
        };
        let sets = match self.results(&[COMMITS_LISTED, COMMITS_LOST, COMMITS]).await {
            Err(error) if error.kind == Kind::AccessDenied => {
                return Err(unknown(
                    "Needed is gtid_mode = ON, or SELECT on performance_schema.".to_string(),
                    format!("At the source: GRANT SELECT ON performance_schema.* TO {account};"),
                ));
            }
            other => other?,
        };
        let enabled = value(sets.first(), 0)?.unwrap_or_default();
        let lost = value(sets.get(1), 1)?.unwrap_or_default();
        if enabled != "YES" {
            return Err(unknown(
                "Needed is gtid_mode = ON, or the instrument wait/lock/metadata/sql/mdl."
                    .to_string(),
                "At the source: UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' \
                 WHERE NAME = 'wait/lock/metadata/sql/mdl';"
                    .to_string(),
            ));
        }
        if lost != "0" {
            return Err(unknown(
                format!(
                    "Performance_schema_metadata_lock_lost is {}.",
                    told::clean(&lost)
                ),
                "Start the source with performance_schema_max_metadata_locks = -1, or with \
                 gtid_mode = ON."
                    .to_string(),
            ));
        }
        Ok(())
    }
}

fn column(set: Option<&Vec<mysql_async::Row>>) -> Result<BTreeSet<String>> {
    set.into_iter().flatten().map(|row| text(row, 0)).collect()
}

/// `uuid:5#17:6#18` of `gtid_owned`, where a number behind # is a thread. One UUID follows upon the
/// thread before it with nothing in between: where one begins is told by its first dash.
fn read_owned(told: &str) -> Result<Vec<MySqlGtid>> {
    let bad = || unreadable("owned GTIDs");
    let mut owned = Vec::new();
    let mut rest = told;
    while let Some(dash) = rest.find('-') {
        let start = dash.checked_sub(UUID_HEAD).ok_or_else(bad)?;
        let body = rest.get(start + UUID..).ok_or_else(bad)?;
        let uuid = rest.get(start..start + UUID).ok_or_else(bad)?;
        let end = match body.find('-') {
            Some(dash) => dash.checked_sub(UUID_HEAD).ok_or_else(bad)?,
            None => body.len(),
        };
        let mut tag = "";
        let numbers = body.get(..end).ok_or_else(bad)?;
        for piece in numbers.split(':').map(str::trim) {
            let piece = piece.split(['#', ',']).next().unwrap_or_default().trim();
            if piece.starts_with(|c: char| c.is_ascii_digit()) {
                let gtid = match tag {
                    "" => format!("{uuid}:{piece}"),
                    tag => format!("{uuid}:{tag}:{piece}"),
                };
                owned.push(MySqlGtid::parse(&gtid).ok_or_else(bad)?);
            } else {
                tag = piece;
            }
        }
        rest = body.get(end..).ok_or_else(bad)?;
    }
    let nothing_left = rest.trim().is_empty() || !owned.is_empty();
    nothing_left.then_some(owned).ok_or_else(bad)
}

fn slow(detail: String) -> Error {
    Error::new(
        Kind::SourceTimeout,
        "transactions at the source did not end their commit in time",
    )
    .with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_gtids_are_read_as_a_server_tells_them() {
        // By MySQL 9.7.
        let told = "783797b0-e58f-11f1-86f4-02fc00000001:100#13:110#12\
                    aaaaaaaa-e58f-11f1-86f4-02fc00000001:tg:7#14";
        let owned: Vec<String> = read_owned(told)
            .unwrap()
            .iter()
            .map(MySqlGtid::to_string)
            .collect();
        assert_eq!(
            owned,
            [
                "783797b0-e58f-11f1-86f4-02fc00000001:100",
                "783797b0-e58f-11f1-86f4-02fc00000001:110",
                "aaaaaaaa-e58f-11f1-86f4-02fc00000001:tg:7",
            ]
        );
        let one = "783797b0-e58f-11f1-86f4-02fc00000001:100#1#2:7#3,\n\
                   783797b0-e58f-11f1-86f4-02fc00000002:4#1";
        assert_eq!(read_owned(one).unwrap().len(), 3);
        assert_eq!(read_owned("").unwrap(), []);
        for bad in ["x", "a-b", "783797b0-e58f", "ä-", "ääääääääää-ä"] {
            assert!(read_owned(bad).is_err(), "{bad}");
        }
    }
}
