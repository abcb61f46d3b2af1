//! What a session is at the source: which server, and how the session is pinned so that the same
//! statement means the same everywhere.

pub use crate::model::server::Flavor;

/// The server at the other end, as it told us after login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    pub flavor: Flavor,
    pub version: (u16, u16, u16),
    /// As the server prints it: `10.11.6-MariaDB`.
    pub version_text: String,
    pub connection_id: u32,
    /// The account that was matched: `user@host`.
    pub account: String,
}

impl ServerInfo {
    /// The oldest versions this source is made for.
    pub fn supported(&self) -> bool {
        match self.flavor {
            Flavor::MySql => self.version >= (5, 7, 0),
            Flavor::MariaDb => self.version >= (10, 5, 0),
        }
    }

    /// `MariaDB 10.11.6`.
    pub fn name(&self) -> String {
        let (major, minor, patch) = self.version;
        let flavor = match self.flavor {
            Flavor::MySql => "MySQL",
            Flavor::MariaDb => "MariaDB",
        };
        format!("{flavor} {major}.{minor}.{patch}")
    }
}

/// `8.0.36-28`, `10.11.6-MariaDB-0+deb12u1`, `5.5.5-10.6.1-MariaDB` (some proxies).
pub(super) fn read_version(text: &str, comment: &str) -> (Flavor, (u16, u16, u16)) {
    let is_mariadb = |text: &str| text.to_ascii_lowercase().contains("mariadb");
    let flavor = if is_mariadb(text) || is_mariadb(comment) {
        Flavor::MariaDb
    } else {
        Flavor::MySql
    };
    let number = match flavor {
        Flavor::MariaDb => text.strip_prefix("5.5.5-").unwrap_or(text),
        Flavor::MySql => text,
    };
    let mut parts = number
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (flavor, (next(), next(), next()))
}

/// Settings of every session. No mode that would alter, pad or refuse what is read: dates with
/// zeros are let through here so that the codec can name them. No limit on rows, joins or time,
/// which a server may have set for everybody: a cut result would look like a short table.
pub(super) const PINNED: &str = "SET SESSION time_zone = '+00:00', \
     sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES', autocommit = 1, \
     sql_select_limit = 18446744073709551615, sql_big_selects = 1, \
     net_read_timeout = 86400, net_write_timeout = 86400, wait_timeout = 86400";

/// Also of every session, each a statement of its own: text as utf8mb4, nothing is ever written.
pub(super) const PINNED_ALSO: [&str; 2] =
    ["SET NAMES utf8mb4", "SET SESSION TRANSACTION READ ONLY"];

/// Settings that only some servers have; one that is not known is passed over.
pub(super) fn optional(server: &ServerInfo, lock_wait_seconds: u64) -> Vec<String> {
    let mut settings = match server.flavor {
        // Statistics as they are now, not as they were cached within a day.
        Flavor::MySql if server.version >= (8, 0, 0) => vec![
            "SET SESSION max_execution_time = 0".to_string(),
            "SET SESSION information_schema_stats_expiry = 0".to_string(),
        ],
        Flavor::MySql => vec!["SET SESSION max_execution_time = 0".to_string()],
        Flavor::MariaDb => vec![
            "SET SESSION max_statement_time = 0".to_string(),
            "SET SESSION system_versioning_asof = DEFAULT".to_string(),
        ],
    };
    // A statement behind an ALTER TABLE fails with a name before the read timeout cuts it.
    settings.push(format!(
        "SET SESSION lock_wait_timeout = {lock_wait_seconds}"
    ));
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_servers_print() {
        let cases = [
            ("8.0.36-28", "Percona Server", Flavor::MySql, (8, 0, 36)),
            (
                "9.7.0",
                "MySQL Community Server - GPL",
                Flavor::MySql,
                (9, 7, 0),
            ),
            ("5.7.44-log", "", Flavor::MySql, (5, 7, 44)),
            (
                "10.11.6-MariaDB-0+deb12u1",
                "Debian 12",
                Flavor::MariaDb,
                (10, 11, 6),
            ),
            ("5.5.5-10.6.1-MariaDB", "", Flavor::MariaDb, (10, 6, 1)),
            ("11.4.2", "MariaDB Server", Flavor::MariaDb, (11, 4, 2)),
            ("weird", "", Flavor::MySql, (0, 0, 0)),
        ];
        for (text, comment, flavor, version) in cases {
            assert_eq!(read_version(text, comment), (flavor, version), "{text}");
        }
    }
}
