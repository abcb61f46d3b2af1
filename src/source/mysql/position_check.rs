//! Does the server hold our position? Asked before its log is read on from there.
//!
//! At the server that told it, the file has to be there and as long, and where GTIDs exist, to say the
//! same as we have. At another one, or where the file is gone, GTIDs alone count: the server has to
//! have all that we have, and still hold all that we have not. All else is an error: a silent jump
//! would lose rows.

use std::collections::BTreeMap;

use super::binlog::FIRST_OFFSET;
use super::connect::Connection;
use super::position::{LogServer, unreadable};
use super::results::value;
use super::schema::text;
use super::told::{self, clean};
use crate::error::{Error, Kind, Result};
use crate::model::gtid::{Gtids, MariaDbGtid, MariaDbGtids, MySqlGtids};
use crate::model::position::Position;
use crate::model::server::Flavor;

/// "You are not using binary logging".
const NO_LOG: &str = "Error 1381 ";
/// "Error when executing command SHOW BINLOG EVENTS".
const NO_EVENT: &str = "Error 1220 ";

/// How a log is opened at a position that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// By file and offset: it is the server that told them.
    File,
    /// By GTIDs only.
    Gtids,
}

/// Who lost it, for messages.
struct Lost<'a> {
    address: String,
    ours: &'a Position,
    log: &'a LogServer,
}

impl Connection {
    /// Whether the log can be read on from our position, and how.
    pub async fn check_position(&mut self, ours: &Position) -> Result<Resume> {
        let log = self.log_server().await?;
        let lost = Lost {
            address: self.endpoint().address(),
            ours,
            log: &log,
        };
        let files = self.log_files().await?;
        if ours.server.flavor != log.server.flavor {
            return Err(lost.another("It is a server of another kind."));
        }
        if log.server.same(&ours.server) {
            if files.contains_key(&ours.file) {
                return self.check_file(&lost, &files).await.map(|()| Resume::File);
            }
            if !log.gtids || ours.gtids.is_none() || !lost.purged_file(&files) {
                return Err(lost.file(&files));
            }
        }
        match &ours.gtids {
            Some(Gtids::MySql(gtids)) if log.gtids => self.check_mysql(&lost, gtids).await?,
            Some(Gtids::MariaDb(gtids)) => self.check_mariadb(&lost, gtids, &files).await?,
            _ => {
                return Err(lost.another(
                    "File and offset mean nothing at another server, and there are no GTIDs.",
                ));
            }
        }
        Ok(Resume::Gtids)
    }

    /// Names and sizes of the log files.
    pub(super) async fn log_files(&mut self) -> Result<BTreeMap<String, u64>> {
        let sets = match self.log_results(&["SHOW BINARY LOGS"]).await {
            Err(error) if error.detail.as_deref().unwrap_or_default().contains(NO_LOG) => {
                return Err(self.log_is_off());
            }
            other => other?,
        };
        let mut files = BTreeMap::new();
        for row in sets.into_iter().flatten() {
            let size = text(&row, 1)?.parse().map_err(|_| unreadable("sizes"))?;
            files.insert(text(&row, 0)?, size);
        }
        match files.is_empty() {
            true => Err(self.log_is_off()),
            false => Ok(files),
        }
    }

    /// The file of our position's name: is it ours?
    async fn check_file(&mut self, lost: &Lost<'_>, files: &BTreeMap<String, u64>) -> Result<()> {
        let ours = lost.ours;
        let size = files.get(&ours.file).copied().unwrap_or_default();
        if size < ours.offset {
            return Err(lost.ahead(&format!("its file {} has {size} bytes", clean(&ours.file))));
        }
        match &ours.gtids {
            Some(Gtids::MySql(gtids)) if lost.log.gtids => {
                let (executed, _) = self.executed().await?;
                if !executed.contains(gtids) {
                    return Err(lost.ahead(&format!("it has executed \"{executed}\"")));
                }
            }
            Some(Gtids::MariaDb(gtids)) => {
                let there = self.gtids_at(&ours.file, ours.offset).await?;
                // A domain that was deleted from the log's state is one that we have still.
                let same = |there: &MariaDbGtids| {
                    there
                        .iter()
                        .all(|gtid| gtids.domain(gtid.domain) == Some(gtid))
                };
                match there {
                    Some(there) if same(&there) => {}
                    Some(there) => {
                        return Err(lost.other_log(&format!("\"{there}\" at that place")));
                    }
                    None => return Err(lost.other_log("no end of a transaction at that place")),
                }
            }
            _ => {}
        }
        match lost.log.server.flavor {
            Flavor::MySql => self.check_boundary(lost).await,
            Flavor::MariaDb => Ok(()),
        }
    }

    /// Whether one transaction ends at our place and another may begin: in a log that was reset and
    /// written anew that is seldom so. The GTIDs there say less, ours may be ahead of the place.
    async fn check_boundary(&mut self, lost: &Lost<'_>) -> Result<()> {
        let file = told::literal(&lost.ours.file);
        let offset = lost.ours.offset;
        let sql = format!("SHOW BINLOG EVENTS IN {file} FROM {offset} LIMIT 1");
        let sets = match self.log_results(&[&sql]).await {
            Err(error)
                if error
                    .detail
                    .as_deref()
                    .unwrap_or_default()
                    .contains(NO_EVENT) =>
            {
                return Err(lost.other_log("no event at that place"));
            }
            other => other?,
        };
        let kind = value(sets.first(), 2)?.unwrap_or_default();
        let inside = ["Table_map", "_rows", "Rows_query", "Xid", "payload"];
        match inside.iter().any(|word| kind.contains(word)) {
            true => Err(lost.other_log("the middle of a transaction at that place")),
            false => Ok(()),
        }
    }

    async fn check_mysql(&mut self, lost: &Lost<'_>, ours: &MySqlGtids) -> Result<()> {
        let (executed, purged) = self.executed().await?;
        if !executed.contains(ours) {
            let known = |uuid| executed.iter().any(|(source, _)| source.uuid == uuid);
            let strange = ours.iter().any(|(source, _)| !known(source.uuid));
            let there = format!("it has executed \"{executed}\"");
            return Err(match strange && !lost.log.server.same(&lost.ours.server) {
                true => lost.another(&format!("Some of our transactions are from a server whose transactions it has never seen; {there}.")),
                false => lost.ahead(&there),
            });
        }
        if !ours.contains(&purged) {
            return Err(lost.purged(&format!("it has purged \"{purged}\"")));
        }
        Ok(())
    }

    async fn executed(&mut self) -> Result<(MySqlGtids, MySqlGtids)> {
        let statements = [
            "SELECT @@GLOBAL.gtid_executed",
            "SELECT @@GLOBAL.gtid_purged",
        ];
        let sets = self.results(&statements).await?;
        let read = |set| {
            let text = value(set, 0)?.unwrap_or_default();
            MySqlGtids::parse(&text).ok_or_else(|| unreadable("GTIDs"))
        };
        Ok((read(sets.first())?, read(sets.get(1))?))
    }

    async fn check_mariadb(
        &mut self,
        lost: &Lost<'_>,
        ours: &MariaDbGtids,
        files: &BTreeMap<String, u64>,
    ) -> Result<()> {
        let statements = [
            "SELECT @@GLOBAL.gtid_binlog_state",
            "SELECT @@GLOBAL.gtid_slave_pos",
        ];
        let sets = self.results(&statements).await?;
        let read = |set| {
            let text = value(set, 0)?.unwrap_or_default();
            MariaDbGtid::parse_list(&text).ok_or_else(|| unreadable("GTIDs"))
        };
        let (state, replicated) = (read(sets.first())?, read(sets.get(1))?);
        // In a domain each server that wrote has its own last number: so a transaction of ours that
        // another history took the place of is seen.
        let last = |gtid: &MariaDbGtid| {
            let of =
                |one: &&MariaDbGtid| (one.domain, one.server_id) == (gtid.domain, gtid.server_id);
            state.iter().find(of).map_or(0, |one| one.sequence)
        };
        let shown: Vec<String> = state.iter().map(MariaDbGtid::to_string).collect();
        let there = format!("its log has \"{}\"", shown.join(","));
        for gtid in ours.iter() {
            // One that was set up from a copy as of then has it without having logged it.
            if last(gtid) >= gtid.sequence || replicated.contains(gtid) {
                continue;
            }
            let later = state
                .iter()
                .any(|one| one.domain == gtid.domain && one.sequence >= gtid.sequence);
            return Err(match later {
                true => lost.another(&format!("It has no transaction {gtid}; {there}.")),
                false => lost.ahead(&there),
            });
        }
        let first = files.keys().min_by_key(|file| (file.len(), *file));
        let first = first.map(String::as_str).unwrap_or_default();
        match self.gtids_at(first, FIRST_OFFSET).await? {
            Some(begin) if ours.contains(&begin) => Ok(()),
            Some(begin) => Err(lost.purged(&format!("its log begins after \"{begin}\""))),
            // Purged between two questions.
            None => Err(lost.purged("its first log file is gone")),
        }
    }
}

/// The file that the log was opened in is the one that our position means: asked with the time in the
/// header of its format description event, which stays the same as long as the file is there.
pub fn same_file(address: &str, ours: &Position, created: u32) -> Result<()> {
    match ours.file_created {
        Some(ours_created) if ours_created != created => Err(Error::new(
            Kind::PositionLost,
            format!("the log of source \"{}\" was reset", clean(address)),
        )
        .with_detail(format!(
            "Our position is {} of file {} that was begun at {ours_created}; the source's file of \
             this name was begun at {created} (seconds since 1970).",
            ours.offset,
            clean(&ours.file)
        ))
        .with_hint(RESYNC)),
        _ => Ok(()),
    }
}

const RESYNC: &str = "SELECT sync_resync('<job>');";

impl Lost<'_> {
    fn error(&self, message: String, there: &str) -> Error {
        let ours = self.ours;
        let gtids = match &ours.gtids {
            Some(gtids) => format!(", GTIDs \"{}\"", clean(&gtids.to_string())),
            None => String::new(),
        };
        Error::new(Kind::PositionLost, message).with_detail(format!(
            "Our position is {}:{}{gtids} of server {}. {}",
            clean(&ours.file),
            ours.offset,
            clean(&ours.server.to_string()),
            clean(there),
        ))
    }

    fn purged(&self, there: &str) -> Error {
        let message = format!(
            "source \"{}\" has purged the log that comes after our position",
            self.address
        );
        self.error(message, &format!("Of server {}: {there}.", self.log.server))
            .with_hint(format!(
                "{RESYNC} A longer binlog_expire_logs_seconds at the source prevents it."
            ))
    }

    fn ahead(&self, there: &str) -> Error {
        let message = format!("source \"{}\" is behind our position", self.address);
        let there = format!("Of server {}: {there}.", self.log.server);
        self.error(message, &there).with_hint(format!(
            "If it is a replica that will catch up: SELECT sync_retry('<job>'); later. If it was \
             restored or reset: {RESYNC}"
        ))
    }

    fn other_log(&self, there: &str) -> Error {
        let message = format!(
            "the log of source \"{}\" is not the one that our position belongs to",
            self.address
        );
        let there = format!("The log of server {} has {there}.", self.log.server);
        let hint = match self.log.server.uuid {
            Some(_) => RESYNC.to_string(),
            None => format!(
                "If it is a replica with the same server_id as the server before, give it one of its \
                 own. Else: {RESYNC}"
            ),
        };
        self.error(message, &there).with_hint(hint)
    }

    fn another(&self, there: &str) -> Error {
        let message = format!(
            "source \"{}\" is another server, which has not our transactions",
            self.address
        );
        let there = format!("The server is {}. {there}", self.log.server);
        self.error(message, &there).with_hint(RESYNC)
    }

    /// Whether our file was there and is gone, because it was purged or its files have another name
    /// now. One that is still to come was there before a reset: then GTIDs are numbered anew, and
    /// tell nothing.
    fn purged_file(&self, files: &BTreeMap<String, u64>) -> bool {
        let number = |file: &str| file_parts(file).map(|(_, number)| number);
        let base = |file: &str| file_parts(file).map(|(base, _)| base.to_string());
        let renamed = files.keys().all(|file| base(file) != base(&self.ours.file));
        let first = files.keys().filter_map(|file| number(file)).min();
        renamed || number(&self.ours.file) < first
    }

    fn file(&self, files: &BTreeMap<String, u64>) -> Error {
        let number = |file: &str| file_parts(file).map(|(_, number)| number);
        let last = files.keys().max_by_key(|file| number(file));
        let first = files.keys().min_by_key(|file| number(file));
        let shown = match (first, last) {
            (Some(first), Some(last)) => format!("its log files are {first} to {last}"),
            _ => "it has no log file".to_string(),
        };
        let ours = number(&self.ours.file);
        match (first, last) {
            (Some(first), _) if ours < number(first) => self.purged(&shown),
            (_, Some(last)) if ours > number(last) => self.ahead(&shown),
            _ => self.other_log(&format!("no such file: {shown}")),
        }
    }
}

fn file_parts(file: &str) -> Option<(&str, u64)> {
    let (base, number) = file.rsplit_once('.')?;
    Some((base, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::Server;

    fn position(file: &str) -> Position {
        Position {
            server: Server {
                flavor: Flavor::MySql,
                uuid: Some("783797b0-e58f-11f1-86f4-02fc00000001".to_string()),
                server_id: 1,
            },
            file: file.to_string(),
            offset: 1234,
            gtids: None,
            file_created: Some(1_700_000_000),
        }
    }

    fn told(file: &str, files: &[&str]) -> (bool, String) {
        let ours = position(file);
        let log = LogServer {
            server: ours.server.clone(),
            gtids: false,
        };
        let lost = Lost {
            address: "h:3306".to_string(),
            ours: &ours,
            log: &log,
        };
        let files = files.iter().map(|file| (file.to_string(), 4)).collect();
        let error = lost.file(&files);
        assert_eq!(error.kind, Kind::PositionLost);
        assert!(error.hint.unwrap_or_default().contains(RESYNC));
        (lost.purged_file(&files), error.message)
    }

    #[test]
    fn a_file_that_is_gone_was_purged_or_reset() {
        let files = ["bin.999999", "bin.1000000"];
        let (purged, message) = told("bin.999998", &files);
        assert!(purged && message.contains("purged"), "{message}");
        let (purged, message) = told("bin.1000001", &files);
        assert!(!purged && message.contains("behind"), "{message}");
        let (purged, message) = told("other.999999", &files);
        assert!(purged && message.contains("not the one"), "{message}");
    }

    #[test]
    fn a_file_that_was_begun_anew_is_another_one() {
        let ours = position("bin.000001");
        assert!(same_file("h:3306", &ours, 1_700_000_000).is_ok());
        let error = same_file("h:3306", &ours, 1_700_000_001).unwrap_err();
        assert_eq!(error.kind, Kind::PositionLost);
        let unknown = Position {
            file_created: None,
            ..ours
        };
        assert!(same_file("h:3306", &unknown, 1).is_ok());
    }
}
