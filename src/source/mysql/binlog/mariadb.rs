//! Events that only MariaDB writes.

use super::bytes::Bytes;
use crate::model::gtid::MariaDbGtid;

/// A transaction begins. There is no BEGIN behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MariaDbGtidEvent {
    pub gtid: MariaDbGtid,
    /// One statement, without an end of its own: DDL, or a change of tables without transactions
    /// that was logged as text. Otherwise an XID, COMMIT or ROLLBACK ends the transaction.
    pub standalone: bool,
    pub ddl: bool,
    pub xa: Option<XaPart>,
    pub alter: Option<AlterPart>,
}

/// Half of an XA transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XaPart {
    /// Ends with XA PREPARE; its changes are to be seen only after the other half.
    Prepared,
    /// XA COMMIT or XA ROLLBACK, as text.
    Completed,
}

/// An ALTER TABLE that is logged when it begins and again when it ends, `binlog_alter_two_phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlterPart {
    Started,
    Committed,
    RolledBack,
}

const STANDALONE: u8 = 1;
const GROUP_COMMIT: u8 = 2;
const DDL: u8 = 32;
const PREPARED_XA: u8 = 64;
const COMPLETED_XA: u8 = 128;

const MULTI_ENGINE: u8 = 1;
const START_ALTER: u8 = 2;
const COMMIT_ALTER: u8 = 4;
const ROLLBACK_ALTER: u8 = 8;

impl MariaDbGtidEvent {
    /// The server's number stands in the event's header.
    pub(super) fn parse(data: &[u8], server_id: u32) -> Option<MariaDbGtidEvent> {
        let mut bytes = Bytes::new(data);
        let gtid = MariaDbGtid {
            sequence: bytes.u64()?,
            domain: bytes.u32()?,
            server_id,
        };
        let flags = bytes.u8()?;
        if flags & GROUP_COMMIT != 0 {
            bytes.u64()?;
        }
        let xa = match flags & (PREPARED_XA | COMPLETED_XA) {
            0 => None,
            PREPARED_XA => Some(XaPart::Prepared),
            COMPLETED_XA => Some(XaPart::Completed),
            _ => return None,
        };
        if xa.is_some() {
            bytes.u32()?;
            let (global, branch) = (bytes.u8()?, bytes.u8()?);
            bytes.take(usize::from(global) + usize::from(branch))?;
        }
        // Older servers, and padding, end before.
        let extra = bytes.u8().unwrap_or(0);
        if extra & MULTI_ENGINE != 0 {
            bytes.u8()?;
        }
        let alter = match extra & (START_ALTER | COMMIT_ALTER | ROLLBACK_ALTER) {
            0 => None,
            START_ALTER => Some(AlterPart::Started),
            COMMIT_ALTER => Some(AlterPart::Committed),
            ROLLBACK_ALTER => Some(AlterPart::RolledBack),
            _ => return None,
        };
        Some(MariaDbGtidEvent {
            gtid,
            standalone: flags & STANDALONE != 0,
            ddl: flags & DDL != 0,
            xa,
            alter,
        })
    }
}

/// The last transaction of each domain and server, in all files before; at the begin of a dump by
/// GTID, artificial, where it goes on.
pub(super) fn gtid_list(data: &[u8]) -> Option<Vec<MariaDbGtid>> {
    const COUNT: u32 = (1 << 28) - 1;
    const SIZE: usize = 16;
    let mut bytes = Bytes::new(data);
    let count = (bytes.u32()? & COUNT) as usize;
    if count > bytes.len() / SIZE {
        return None;
    }
    (0..count)
        .map(|_| {
            Some(MariaDbGtid {
                domain: bytes.u32()?,
                server_id: bytes.u32()?,
                sequence: bytes.u64()?,
            })
        })
        .collect()
}
