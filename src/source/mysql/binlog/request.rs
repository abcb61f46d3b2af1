//! Where a dump begins, and the statements that prepare its session.

use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::model::gtid::Gtids;
use crate::model::position::Position;
use crate::model::server::Flavor;

/// The source waits so long for a reader that does not read, then ends the dump. A stream goes on
/// from its position; a session that nobody reads must not stay.
const WRITE_TIMEOUT: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Behind these transactions.
    Gtids(Gtids),
    /// At an offset between two transactions.
    File { file: String, offset: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpRequest {
    pub start: Start,
    /// As which replica. A dump of the same number that is there already is ended by the source.
    pub server_id: u32,
    /// How often the source shows that it lives while its log does not grow.
    pub heartbeat: Duration,
}

impl DumpRequest {
    pub const HEARTBEAT: Duration = Duration::from_secs(10);

    /// By GTID where the position has them, which goes on at another server too.
    pub fn at(position: &Position, server_id: u32) -> DumpRequest {
        DumpRequest {
            start: match &position.gtids {
                Some(gtids) => Start::Gtids(gtids.clone()),
                None => Start::File {
                    file: position.file.clone(),
                    offset: position.offset,
                },
            },
            server_id,
            heartbeat: DumpRequest::HEARTBEAT,
        }
    }

    /// File and offset that the stream has before anything came.
    pub(super) fn place(&self) -> (&str, u64) {
        match &self.start {
            Start::Gtids(_) => ("", 0),
            Start::File { file, offset } => (file, *offset),
        }
    }

    pub(super) fn check(&self, flavor: Flavor) -> Result<()> {
        let fits = match &self.start {
            Start::Gtids(gtids) => gtids.flavor() == flavor,
            // The request has four bytes for it. Only a transaction makes a file that large, and
            // behind it the next file begins.
            Start::File { offset, .. } => u32::try_from(*offset).is_ok(),
        };
        if fits {
            return Ok(());
        }
        Err(Error::new(
            Kind::PositionLost,
            "the position is none of this kind of server",
        )
        .with_hint("Copy the tables anew: SELECT sync_resync('<job>');"))
    }

    /// Statements before the dump, in their order.
    pub(super) fn session(&self, flavor: Flavor) -> Vec<String> {
        let period = self.heartbeat.as_nanos();
        let mut statements = vec![
            // Both names: which one a server looks at depends on its version.
            format!("SET @master_heartbeat_period = {period}, @source_heartbeat_period = {period}"),
            "SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'".to_string(),
            format!(
                "SET SESSION net_write_timeout = {}",
                WRITE_TIMEOUT.as_secs()
            ),
        ];
        if flavor == Flavor::MariaDb {
            // Without it GTID events come as statements that say nothing.
            statements.push("SET @mariadb_slave_capability = 4".to_string());
            if let Start::Gtids(gtids) = &self.start {
                statements.push("SET @slave_gtid_strict_mode = 1".to_string());
                // Numbers and dashes: nothing to quote.
                statements.push(format!("SET @slave_connect_state = '{gtids}'"));
            }
        }
        statements
    }
}
