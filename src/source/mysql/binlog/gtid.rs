//! MySQL's events that name transactions: which one begins, which are in the files before.

use std::fmt::Write;

use super::bytes::{Bytes, text};
use crate::model::gtid::{GtidSource, MySqlGtid, MySqlGtids};

/// A transaction begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GtidEvent {
    /// None of an anonymous transaction.
    pub gtid: Option<MySqlGtid>,
    /// When it was committed where it was written first, in microseconds since 1970.
    pub committed_at: Option<u64>,
    /// Bytes of the transaction in the log, this event with it.
    pub length: Option<u64>,
}

/// Marks that a second number follows.
const ORIGINAL_FOLLOWS: u64 = 1 << 55;
const TIMESTAMP: usize = 7;
/// The only kind of logical clock there is.
const LOGICAL_CLOCK: u8 = 2;

impl GtidEvent {
    /// Of types GTID and ANONYMOUS_GTID; older servers write less of it.
    pub(super) fn parse(data: &[u8], anonymous: bool) -> Option<GtidEvent> {
        let mut bytes = Bytes::new(data);
        let _flags = bytes.u8()?;
        let uuid = bytes.array()?;
        let number = bytes.u64()?;
        let mut event = GtidEvent {
            gtid: if anonymous {
                None
            } else {
                Some(named(uuid, String::new(), number)?)
            },
            committed_at: None,
            length: None,
        };
        if bytes.u8() != Some(LOGICAL_CLOCK) || bytes.take(16).is_none() {
            return Some(event);
        }
        // MySQL 5.7 ends here.
        let Some(committed) = bytes.number(TIMESTAMP) else {
            return Some(event);
        };
        event.committed_at = if committed & ORIGINAL_FOLLOWS != 0 {
            bytes.number(TIMESTAMP)
        } else {
            Some(committed)
        };
        event.length = bytes.packed();
        Some(event)
    }

    /// Of type GTID_TAGGED, which has a format of its own: fields with numbers, each a number of
    /// variable length or several.
    pub(super) fn parse_tagged(data: &[u8]) -> Option<GtidEvent> {
        const VERSION: u64 = 1;
        let mut bytes = Bytes::new(data);
        let version = varying(&mut bytes)?;
        let _size = varying(&mut bytes)?;
        let last_needed = varying(&mut bytes)?;
        if version != VERSION {
            return None;
        }
        let (mut uuid, mut tag, mut number) = (None, String::new(), None);
        let (mut committed, mut original, mut length) = (None, None, None);
        while !bytes.is_empty() {
            let field = varying(&mut bytes)?;
            match field {
                1 => uuid = Some(spread_uuid(&mut bytes)?),
                2 => number = Some(signed(&mut bytes)?),
                3 => {
                    let length = varying(&mut bytes)?.try_into().ok()?;
                    tag = text(bytes.take(length)?)?;
                }
                6 => committed = Some(varying(&mut bytes)?),
                7 => original = Some(varying(&mut bytes)?),
                8 => length = Some(varying(&mut bytes)?),
                // Flags, clock, versions: one number each; the clock's may be negative, which is
                // as long.
                0 | 4 | 5 | 9..=11 => drop(varying(&mut bytes)?),
                // How long an unknown field is nobody knows, but all that follow may be passed over.
                _ if field > last_needed => break,
                _ => return None,
            }
        }
        Some(GtidEvent {
            gtid: Some(named(uuid?, tag, number?.try_into().ok()?)?),
            committed_at: original.or(committed),
            length,
        })
    }
}

fn named(uuid: [u8; 16], tag: String, number: u64) -> Option<MySqlGtid> {
    (1..i64::MAX as u64).contains(&number).then_some(MySqlGtid {
        source: GtidSource { uuid, tag },
        number,
    })
}

/// As many bytes follow the first as it has ones at its low end; the bits above them, and the bytes,
/// are the number.
fn varying(bytes: &mut Bytes<'_>) -> Option<u64> {
    let first = bytes.u8()?;
    let more = first.trailing_ones();
    let rest = bytes.number(more as usize)?;
    Some(match more {
        8 => rest,
        7 => rest,
        _ => {
            let own = 7 - more;
            rest << own | u64::from(first >> (more + 1))
        }
    })
}

/// The sign is the lowest bit, and a negative number is counted from -1.
fn signed(bytes: &mut Bytes<'_>) -> Option<i64> {
    let number = varying(bytes)?;
    let magnitude = i64::try_from(number >> 1).ok()?;
    Some(if number & 1 == 0 {
        magnitude
    } else {
        -magnitude - 1
    })
}

/// Each byte as a number of its own.
fn spread_uuid(bytes: &mut Bytes<'_>) -> Option<[u8; 16]> {
    let mut uuid = [0; 16];
    for byte in &mut uuid {
        *byte = varying(bytes)?.try_into().ok()?;
    }
    Some(uuid)
}

/// All transactions of the files before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousGtids<'a>(pub(super) &'a [u8]);

impl PreviousGtids<'_> {
    /// Reads the set. The count of sources is a number of eight bytes; where there are tags its
    /// highest byte is the format's number, 1, the lowest too, and the count stands between them.
    pub fn read(&self) -> Option<MySqlGtids> {
        let mut bytes = Bytes::new(self.0);
        let head = bytes.u64()?;
        let tagged = head >> 56 == 1;
        let count = if tagged { head << 8 >> 16 } else { head };
        let mut set = String::new();
        for _ in 0..count {
            let uuid = bytes.array()?;
            let tag = if tagged {
                let length = varying(&mut bytes)?.try_into().ok()?;
                text(bytes.take(length)?)?
            } else {
                String::new()
            };
            let _ = write!(set, ",{}", GtidSource { uuid, tag });
            for _ in 0..bytes.u64()? {
                // The second number is one behind the last.
                let (first, behind) = (bytes.u64()?, bytes.u64()?);
                let _ = write!(set, ":{first}-{}", behind.checked_sub(1)?);
            }
        }
        MySqlGtids::parse(&set)
    }
}
