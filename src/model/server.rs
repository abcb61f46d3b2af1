//! Which server a position belongs to.

use std::fmt;

/// Who made a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    MySql,
    MariaDb,
}

/// A server with a log of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub flavor: Flavor,
    /// `server_uuid`, which MySQL has.
    pub uuid: Option<String>,
    pub server_id: u32,
}

impl Server {
    /// Whether file and offset of the one mean the same at the other, as far as servers tell who
    /// they are: MySQL by a UUID of its data directory, MariaDB by a number that somebody chose.
    pub fn same(&self, other: &Server) -> bool {
        self.flavor == other.flavor
            && match (&self.uuid, &other.uuid) {
                (Some(ours), Some(theirs)) => ours.eq_ignore_ascii_case(theirs),
                (None, None) => self.server_id == other.server_id,
                _ => false,
            }
    }

    /// Reads what is shown: `mysql/1/3e11fa47-…`, `mariadb/1`.
    pub fn parse(text: &str) -> Option<Server> {
        let (flavor, rest) = text.split_once('/')?;
        let flavor = match flavor {
            "mysql" => Flavor::MySql,
            "mariadb" => Flavor::MariaDb,
            _ => return None,
        };
        let (server_id, uuid) = match rest.split_once('/') {
            Some((server_id, uuid)) => (server_id, Some(uuid.to_string())),
            None => (rest, None),
        };
        Some(Server {
            flavor,
            uuid,
            server_id: server_id.parse().ok()?,
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flavor = match self.flavor {
            Flavor::MySql => "mysql",
            Flavor::MariaDb => "mariadb",
        };
        write!(f, "{flavor}/{}", self.server_id)?;
        match &self.uuid {
            Some(uuid) => write!(f, "/{uuid}"),
            None => Ok(()),
        }
    }
}
