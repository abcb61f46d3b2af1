//! An event as it came: header, place, and data that nobody has read yet.

use std::sync::Arc;

use super::bytes::Bytes;
use super::kind;
use crate::error::{Error, Kind};
use crate::model::server::Flavor;

/// Length of an event's header.
pub const HEADER: usize = 19;

/// Made up by the sender: it stands in no file.
pub const ARTIFICIAL: u16 = 0x20;
/// Whoever does not know the event may pass over it.
pub const IGNORABLE: u16 = 0x80;
/// The file is not closed; not part of the checksum.
pub(super) const IN_USE: u16 = 0x01;

/// What every event begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Seconds since 1970 at the server where the statement began; 0 of artificial events.
    pub timestamp: u32,
    pub kind: u8,
    /// The server that wrote the event first.
    pub server_id: u32,
    /// With header and checksum.
    pub size: u32,
    /// The low 32 bits of the offset of the event's end; 0 where it stands in no file.
    pub log_pos: u32,
    pub flags: u16,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Header> {
        let mut bytes = Bytes::new(bytes);
        Some(Header {
            timestamp: bytes.u32()?,
            kind: bytes.u8()?,
            server_id: bytes.u32()?,
            size: bytes.u32()?,
            log_pos: bytes.u32()?,
            flags: bytes.u16()?,
        })
    }

    pub fn is_artificial(&self) -> bool {
        self.flags & ARTIFICIAL != 0
    }
}

/// An event with its checksum verified and taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    pub header: Header,
    /// Who wrote the log.
    pub flavor: Flavor,
    /// The file it stands in.
    pub file: Arc<str>,
    /// The offset behind it: where a dump goes on that has applied it, if it ends a transaction. Of
    /// an event that stands in no file (and of a heartbeat) the last one known. All events of a
    /// transaction payload have the end of the payload.
    pub end: u64,
    /// What comes behind the header.
    pub data: Vec<u8>,
}

impl RawEvent {
    /// For the detail of an error.
    pub fn place(&self) -> String {
        format!(
            "It is a {} event that ends at offset {} of {}.",
            kind::name(self.header.kind),
            self.end,
            super::shown(&self.file)
        )
    }

    /// The event breaks its format.
    pub fn unreadable(&self) -> Error {
        Error::new(
            Kind::LogCorrupt,
            "an event of the source's log cannot be read",
        )
        .with_detail(self.place())
    }
}
