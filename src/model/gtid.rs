//! Global transaction identifiers of either kind of server: one of them, and how far a server or a
//! stream has come.
//!
//! Both are read from text that others wrote, and shown in one canonical way.

use std::fmt;

use super::server::Flavor;

pub use super::gtid_mariadb::{MariaDbGtid, MariaDbGtids};
pub use super::gtid_mysql::{GtidSource, MySqlGtid, MySqlGtids};

/// Bytes of text that are read at all: a server with a hundred thousand gaps tells less.
pub(super) const MAX_TEXT: usize = 4 << 20;

/// The identifier of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gtid {
    MySql(MySqlGtid),
    MariaDb(MariaDbGtid),
}

/// All transactions up to a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gtids {
    MySql(MySqlGtids),
    MariaDb(MariaDbGtids),
}

impl Gtids {
    /// Reads what a server of this kind tells. None: it is no such text, or too long.
    pub fn parse(flavor: Flavor, text: &str) -> Option<Gtids> {
        match flavor {
            Flavor::MySql => MySqlGtids::parse(text).map(Gtids::MySql),
            Flavor::MariaDb => MariaDbGtids::parse(text).map(Gtids::MariaDb),
        }
    }

    pub fn flavor(&self) -> Flavor {
        match self {
            Gtids::MySql(_) => Flavor::MySql,
            Gtids::MariaDb(_) => Flavor::MariaDb,
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Gtids::MySql(gtids) => gtids.is_empty(),
            Gtids::MariaDb(gtids) => gtids.is_empty(),
        }
    }

    /// Whether whoever is here has all that `other` has. Never between MySQL and MariaDB.
    pub fn contains(&self, other: &Gtids) -> bool {
        match (self, other) {
            (Gtids::MySql(ours), Gtids::MySql(theirs)) => ours.contains(theirs),
            (Gtids::MariaDb(ours), Gtids::MariaDb(theirs)) => ours.contains(theirs),
            _ => false,
        }
    }

    /// Takes one transaction more; false when it is of the other kind of server.
    #[must_use]
    pub fn add(&mut self, gtid: &Gtid) -> bool {
        match (self, gtid) {
            (Gtids::MySql(gtids), Gtid::MySql(gtid)) => {
                gtids.insert(gtid);
                gtids.is_bounded()
            }
            (Gtids::MariaDb(gtids), Gtid::MariaDb(gtid)) => {
                gtids.advance(*gtid);
                gtids.is_bounded()
            }
            _ => false,
        }
    }
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gtid::MySql(gtid) => gtid.fmt(f),
            Gtid::MariaDb(gtid) => gtid.fmt(f),
        }
    }
}

impl fmt::Display for Gtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gtids::MySql(gtids) => gtids.fmt(f),
            Gtids::MariaDb(gtids) => gtids.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_do_not_mix() {
        let mysql = Gtids::parse(Flavor::MySql, "").unwrap();
        let mut mariadb = Gtids::parse(Flavor::MariaDb, "").unwrap();
        assert!(mysql.is_empty() && mariadb.is_empty());
        assert!(!mysql.contains(&mariadb) && !mariadb.contains(&mysql));
        let gtid = MySqlGtid::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1").unwrap();
        assert!(!mariadb.add(&Gtid::MySql(gtid)));
        assert!(mariadb.add(&Gtid::MariaDb(MariaDbGtid::parse("0-1-7").unwrap())));
        assert_eq!(mariadb.to_string(), "0-1-7");
    }
}
