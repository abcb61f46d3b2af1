//! Does the server hold our position? Asked before its log is read on from there.
//!
//! At the server that told it, the file has to be there and as long, and where GTIDs exist, to say the
//! same as we have. At another one, or where the file is gone, GTIDs alone count: the server has to
//! have all that we have, and still hold all that we have not. All else is an error: a silent jump
//! would lose rows.

use std::collections::BTreeMap;

use super::connect::Connection;
use super::position::{LogServer, unreadable};
use super::results::value;
use super::schema::text;
use super::told::clean;
use crate::error::{Error, Kind, Result};
use crate::model::gtid::{Gtids, MariaDbGtid, MariaDbGtids, MySqlGtids};
use crate::model::position::Position;

/// "You are not using binary logging".
const NO_LOG: &str = "Error 1381 ";
const FILE_BEGIN: u64 = 4;

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
            if !log.gtids || ours.gtids.is_none() {
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
    async fn log_files(&mut self) -> Result<BTreeMap<String, u64>> {
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
                    return Err(lost.ahead(&format!("it has executed {executed}")));
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
        Ok(())
    }

    async fn check_mysql(&mut self, lost: &Lost<'_>, ours: &MySqlGtids) -> Result<()> {
        let (executed, purged) = self.executed().await?;
        if !executed.contains(ours) {
            let known = |uuid| executed.iter().any(|(source, _)| source.uuid == uuid);
            let strange = ours.iter().any(|(source, _)| !known(source.uuid));
            let there = format!("it has executed {executed}");
            return Err(match strange {
                true => lost.another(&format!("Some of our transactions are from a server whose transactions it has never seen; {there}.")),
                false => lost.ahead(&there),
            });
        }
        if !ours.contains(&purged) {
            return Err(lost.purged(&format!("it has purged {purged}")));
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
        match self.gtids_at(first, FILE_BEGIN).await? {
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
        self.error(message, &there).with_hint(RESYNC)
    }

    fn another(&self, there: &str) -> Error {
        let message = format!(
            "source \"{}\" is another server, which has not our transactions",
            self.address
        );
        let there = format!("The server is {}. {there}", self.log.server);
        self.error(message, &there).with_hint(RESYNC)
    }

    /// A file that is not there, at the same server and without GTIDs.
    fn file(&self, files: &BTreeMap<String, u64>) -> Error {
        let number = |file: &String| file.rsplit_once('.')?.1.parse::<u64>().ok();
        let numbers = || files.keys().filter_map(number);
        let ours = self.ours.file_number();
        let shown = match (files.keys().next(), files.keys().next_back()) {
            (Some(first), Some(last)) => format!("its log files are {first} to {last}"),
            _ => "it has no log file".to_string(),
        };
        match (ours, numbers().min(), numbers().max()) {
            (Some(ours), Some(first), _) if ours < first => self.purged(&shown),
            (Some(ours), _, Some(last)) if ours > last => self.ahead(&shown),
            _ => self.other_log(&format!("no such file: {shown}")),
        }
    }
}
