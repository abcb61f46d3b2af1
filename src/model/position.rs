//! A place in a source's log, between two transactions: where a copy was begun, how far a stream has
//! come, what somebody waits for.
//!
//! File and offset mean something at one server only. GTIDs mean the same at each server that has the
//! same transactions, and are there if the server writes them.

use serde::{Deserialize, Serialize};

use super::gtid::{Gtids, MariaDbGtids, MySqlGtids};
use super::server::Server;
use crate::error::{Error, Kind, Result};

/// No log file is longer, and no bigint holds more.
pub const MAX_OFFSET: u64 = i64::MAX as u64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Position {
    pub server: Server,
    /// A log file's name, `mysql-bin.000003`.
    pub file: String,
    /// The end of the last transaction in it.
    pub offset: u64,
    /// All transactions up to here.
    pub gtids: Option<Gtids>,
    /// When the file was begun, in seconds since 1970: the time in the header of its format
    /// description event. It tells a file from one that took its name after a reset.
    pub file_created: Option<u32>,
}

impl Position {
    /// 3 of `mysql-bin.000003`.
    pub fn file_number(&self) -> Option<u64> {
        Position::split_file(&self.file).map(|(_, number)| number)
    }

    /// Base name and number of a log file.
    pub fn split_file(file: &str) -> Option<(&str, u64)> {
        let (base, number) = file.rsplit_once('.')?;
        Some((base, digits(number)?))
    }

    /// Whether a stream that stands here has applied all up to `other`. None where that cannot be
    /// told: different servers, and no GTIDs of the same kind.
    pub fn reached(&self, other: &Position) -> Option<bool> {
        if self.server.same(&other.server)
            && !self.is_of_another_file(other.file_created, &other.file)
            && let Some(reached) = self.reached_file(&other.file, other.offset)
        {
            return Some(reached);
        }
        self.reached_gtids(other.gtids.as_ref()?)
    }

    /// The same for what a user waits for, where `now` has been made a position. A file is one of the
    /// server that is followed.
    pub fn reached_target(&self, target: &WaitTarget) -> Option<bool> {
        match target {
            WaitTarget::Now => None,
            WaitTarget::Gtids(gtids) => self.reached_gtids(gtids),
            WaitTarget::File { file, offset } => self.reached_file(file, *offset),
        }
    }

    /// Whether a file of our file's name, begun at that time, is another one.
    pub fn is_of_another_file(&self, created: Option<u32>, file: &str) -> bool {
        self.file == file
            && matches!((self.file_created, created), (Some(ours), Some(theirs)) if ours != theirs)
    }

    fn reached_gtids(&self, gtids: &Gtids) -> Option<bool> {
        let ours = self.gtids.as_ref()?;
        (ours.flavor() == gtids.flavor()).then(|| ours.contains(gtids))
    }

    fn reached_file(&self, file: &str, offset: u64) -> Option<bool> {
        let (our_base, our_number) = Position::split_file(&self.file)?;
        let (base, number) = Position::split_file(file)?;
        (our_base == base).then_some((our_number, self.offset) >= (number, offset))
    }
}

/// What a user can wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitTarget {
    /// The source's position at the call.
    Now,
    Gtids(Gtids),
    File {
        file: String,
        offset: u64,
    },
}

impl WaitTarget {
    /// `now`, `0-1-4711`, `0-1-4711,1-2-5`, `uuid:4711`, `uuid:1-4711`, `mysql-bin.000003:1234`.
    pub fn parse(text: &str) -> Result<WaitTarget> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("now") {
            return Ok(WaitTarget::Now);
        }
        let file = text.rsplit_once(':').and_then(|(file, offset)| {
            Position::split_file(file)?;
            Some(WaitTarget::File {
                file: file.to_string(),
                offset: digits(offset)?,
            })
        });
        let mariadb = || MariaDbGtids::parse(text).map(Gtids::MariaDb);
        let mysql = || MySqlGtids::parse(text).map(Gtids::MySql);
        file.or_else(|| mariadb().or_else(mysql).map(WaitTarget::Gtids))
            .filter(|target| !matches!(target, WaitTarget::Gtids(gtids) if gtids.is_empty()))
            .ok_or_else(|| {
                Error::new(Kind::InvalidParameter, "the position cannot be read").with_hint(
                    "Write 'now', GTIDs ('0-1-4711' of MariaDB, \
                     '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-4711' of MySQL), or file and offset \
                     ('mysql-bin.000003:1234').",
                )
            })
    }
}

fn digits(text: &str) -> Option<u64> {
    let all = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| all)
}

/// A position as it stands in the catalog and is shown.
#[derive(Serialize, Deserialize)]
struct Written {
    server: String,
    file: String,
    offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gtid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_created: Option<u32>,
}

impl From<Position> for Written {
    fn from(position: Position) -> Written {
        Written {
            server: position.server.to_string(),
            file: position.file,
            offset: position.offset,
            gtid: position.gtids.map(|gtids| gtids.to_string()),
            file_created: position.file_created,
        }
    }
}

impl TryFrom<Written> for Position {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Position, &'static str> {
        let server = Server::parse(&written.server).ok_or("server cannot be read")?;
        let read = |text: String| Gtids::parse(server.flavor, &text).ok_or("gtid cannot be read");
        Ok(Position {
            gtids: written.gtid.map(read).transpose()?,
            server,
            file: written.file,
            offset: written.offset,
            file_created: written.file_created,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn position(json: &str) -> Position {
        serde_json::from_str(json).unwrap()
    }

    fn at(server: &str, file: &str, offset: u64, gtid: &str) -> Position {
        position(&format!(
            r#"{{"server":"{server}","file":"{file}","offset":{offset},"gtid":"{gtid}"}}"#
        ))
    }

    #[test]
    fn json_goes_both_ways() {
        for json in [
            r#"{"server":"mariadb/1","file":"mysql-bin.000003","offset":1234,"gtid":"0-1-4711"}"#,
            r#"{"server":"mariadb/1","file":"mysql-bin.000003","offset":1234,"gtid":""}"#,
            r#"{"server":"mysql/7/3e11fa47-71ca-11e1-9e33-c80aa9429562","file":"b.1","offset":4,"gtid":"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5","file_created":1700000000}"#,
            r#"{"server":"mysql/7","file":"b.1","offset":4}"#,
        ] {
            assert_eq!(serde_json::to_string(&position(json)).unwrap(), json);
        }
        for bad in [
            r#"{"server":"oracle/1","file":"b.1","offset":4}"#,
            r#"{"server":"mysql","file":"b.1","offset":4}"#,
            r#"{"server":"mysql/-1","file":"b.1","offset":4}"#,
            r#"{"server":"mysql/1","file":"b.1","offset":-4}"#,
            r#"{"server":"mysql/1","file":"b.1","offset":4,"gtid":"0-1-1"}"#,
        ] {
            assert!(serde_json::from_str::<Position>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_are_compared_by_number() {
        let here = at("mariadb/1", "mysql-bin.1000000", 10, "0-1-5");
        assert_eq!(here.file_number(), Some(1_000_000));
        let earlier = at("mariadb/1", "mysql-bin.999999", 5_000, "0-1-4");
        assert_eq!(here.reached(&here), Some(true));
        assert_eq!(here.reached(&earlier), Some(true));
        assert_eq!(earlier.reached(&here), Some(false));
        let mut later = here.clone();
        later.offset = 11;
        assert_eq!(here.reached(&later), Some(false));
        assert_eq!(at("mysql/1", "nonumber", 0, "").file_number(), None);
    }

    #[test]
    fn another_server_is_compared_by_gtid() {
        let here = at("mariadb/1", "a.000009", 900, "0-1-5,1-1-7");
        let there = at("mariadb/2", "a.000001", 100, "0-2-5");
        assert_eq!(here.reached(&there), Some(true));
        assert_eq!(there.reached(&here), Some(false));
        let mut bare = there.clone();
        bare.gtids = None;
        assert_eq!(here.reached(&bare), None);
        assert_eq!(bare.reached(&here), None);
        let mysql = at(
            &format!("mysql/1/{UUID}"),
            "a.000001",
            1,
            &format!("{UUID}:1-3"),
        );
        assert_eq!(here.reached(&mysql), None);
        assert_eq!(mysql.reached(&here), None);
    }

    #[test]
    fn a_file_that_took_the_name_is_another_one() {
        let mut old = at("mysql/1", "a.000001", 900, "");
        old.gtids = None;
        let mut new = old.clone();
        assert_eq!(old.reached(&new), Some(true));
        (old.file_created, new.file_created) = (Some(1), Some(2));
        assert_eq!(old.reached(&new), None);
    }

    #[test]
    fn targets_are_read() {
        let here = at("mariadb/1", "a-b.c.000009", 900, "0-1-5,1-1-7");
        let reached = |text: &str| here.reached_target(&WaitTarget::parse(text).unwrap());
        assert_eq!(reached("0-1-5"), Some(true));
        assert_eq!(reached(" 1-9-7, 0-1-6 "), Some(false));
        assert_eq!(reached("a-b.c.000009:900"), Some(true));
        assert_eq!(reached("a-b.c.000010:4"), Some(false));
        assert_eq!(reached("other.000001:4"), None);
        assert_eq!(reached(&format!("{UUID}:1")), None);
        assert_eq!(WaitTarget::parse("NOW").unwrap(), WaitTarget::Now);
        for bad in [
            "", ",", "4711", "a.b:1", "a.1:x", "a.000001", "0-1", ":1", ".1:+5",
        ] {
            let error = WaitTarget::parse(bad).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidParameter, "{bad}");
        }
    }
}
