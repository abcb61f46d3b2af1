//! From packets to events: the file and the offset that the stream has come to, and the checksum of
//! each event, which nobody else verifies.
//!
//! A log may change its checksums with each file. Before the first format description nothing says
//! whether an event has one: there, one that is right is taken for one.

use std::sync::Arc;

use super::bytes::{Bytes, text};
use super::kind;
use super::raw::{HEADER, Header, IN_USE, RawEvent};
use crate::error::{Error, Kind, Result};
use crate::model::position::MAX_OFFSET;
use crate::model::server::Flavor;

const CHECKSUM: usize = 4;
/// The server's version as text, padded with zeros.
const VERSION: usize = 50;
/// A file's magic number stands before its first event.
pub const FIRST_OFFSET: u64 = 4;

/// What the events of a file have behind their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    None,
    Crc32,
}

/// The head of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatDescription {
    pub server_version: String,
    /// The file was begun by a start of the server, not by a rotation of its log.
    pub at_start: bool,
    pub checksum: Checksum,
}

impl FormatDescription {
    /// The data with the number of the checksum, but without the checksum of this event itself.
    pub(super) fn parse(data: &[u8]) -> Option<FormatDescription> {
        let mut bytes = Bytes::new(data);
        let version = bytes.u16()?;
        let server_version = bytes.take(VERSION)?;
        let server_version = server_version.split(|byte| *byte == 0).next()?;
        let at_start = bytes.u32()? != 0;
        let header = bytes.u8()?;
        let (checksum, post_headers) = bytes.rest().split_last()?;
        let length = |kind: u8| post_headers.get(usize::from(kind) - 1).copied();
        // What all servers of our time write; others have other widths. MySQL 9 has forgotten the
        // first version of rows events.
        let known = version == 4
            && usize::from(header) == HEADER
            && length(kind::QUERY) == Some(13)
            && length(kind::TABLE_MAP) == Some(8)
            && matches!(length(kind::WRITE_ROWS_V1), Some(8 | 0))
            && length(kind::WRITE_ROWS).is_none_or(|length| length == 10);
        let checksum = match checksum {
            0 => Checksum::None,
            1 => Checksum::Crc32,
            _ => return None,
        };
        known.then(|| FormatDescription {
            server_version: String::from_utf8_lossy(server_version).into_owned(),
            at_start,
            checksum,
        })
    }
}

/// Makes events of packets, in their order.
#[derive(Debug)]
pub(super) struct Framer {
    flavor: Flavor,
    file: Arc<str>,
    /// The end of the last event that stands in the file.
    offset: u64,
    /// None before the first format description.
    checksum: Option<Checksum>,
}

impl Framer {
    /// `file` may be empty where a dump was asked for by GTID.
    pub(super) fn new(flavor: Flavor, file: &str, offset: u64) -> Framer {
        Framer {
            flavor,
            file: file.into(),
            offset,
            checksum: None,
        }
    }

    pub(super) fn file(&self) -> &Arc<str> {
        &self.file
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// `packet` is an event from its header to its checksum.
    pub(super) fn frame(&mut self, mut packet: Vec<u8>) -> Result<RawEvent> {
        let header = Header::parse(&packet).ok_or_else(|| self.cut_short(packet.len()))?;
        if usize::try_from(header.size) != Ok(packet.len()) || packet.len() < HEADER {
            return Err(self.cut_short(packet.len()));
        }
        let covered = self.verify(&header, &packet)?;
        packet.truncate(covered);
        packet.drain(..HEADER);
        let mut event = RawEvent {
            header,
            flavor: self.flavor,
            file: self.file.clone(),
            end: self.offset,
            data: packet,
        };
        match header.kind {
            kind::FORMAT_DESCRIPTION => {
                let format = FormatDescription::parse(&event.data);
                let format = format.ok_or_else(|| event.unreadable())?;
                self.checksum = Some(format.checksum);
                // In the middle of a file it is sent first, and stands in its head.
                if self.offset <= FIRST_OFFSET {
                    self.advance(&header);
                }
            }
            kind::ROTATE => {
                let next = Rotate::parse(&event.data).ok_or_else(|| event.unreadable())?;
                // The real one stands at the end of its file, and an artificial one follows it.
                if header.is_artificial() || header.log_pos == 0 {
                    if *self.file != *next.file || self.offset < next.offset {
                        self.offset = next.offset;
                    }
                    self.file = next.file.as_str().into();
                    event.file = self.file.clone();
                } else {
                    self.advance(&header);
                }
            }
            // Behind what was passed over, or at the end of the file: in both cases no transaction
            // is open.
            kind::HEARTBEAT => self.advance(&header),
            kind::HEARTBEAT_V2 => {
                let beat = Heartbeat::parse_v2(&event.data).ok_or_else(|| event.unreadable())?;
                self.offset = beat.offset.unwrap_or(self.offset);
            }
            _ => self.advance(&header),
        }
        event.end = self.offset;
        Ok(event)
    }

    /// An offset in the log has 32 bits there, and a file may be larger.
    fn advance(&mut self, header: &Header) {
        if header.log_pos == 0 {
            return;
        }
        let low = u64::from(header.log_pos);
        let high = self.offset & !u64::from(u32::MAX);
        self.offset = match high | low {
            end if end < self.offset => end + (1 << 32),
            end => end,
        };
    }

    /// The length of header and data; an error where the checksum is wrong.
    fn verify(&self, header: &Header, packet: &[u8]) -> Result<usize> {
        let describes = header.kind == kind::FORMAT_DESCRIPTION;
        if !describes && self.checksum == Some(Checksum::None) {
            return Ok(packet.len());
        }
        let split = packet
            .len()
            .checked_sub(CHECKSUM)
            .filter(|covered| *covered >= HEADER);
        let right = split.is_some_and(|covered| {
            packet.get(covered..) == Some(&sum(packet, covered).to_le_bytes()[..])
        });
        match split {
            Some(covered) if right => Ok(covered),
            // A file without checksums has one for its description, or none at all.
            _ if self.checksum.is_none() && !describes => Ok(packet.len()),
            _ => Err(Error::new(
                Kind::LogCorrupt,
                "an event of the source's log does not have the checksum it was written with",
            )
            .with_detail(format!(
                "It is a {} event of {} bytes behind offset {} of {}.",
                kind::name(header.kind),
                packet.len(),
                self.offset,
                super::shown(&self.file)
            ))
            .with_hint(
                "If it is so again after sync_retry, the log is damaged: SELECT \
                 sync_resync('<job>');",
            )),
        }
    }

    fn cut_short(&self, length: usize) -> Error {
        Error::new(
            Kind::LogCorrupt,
            "an event of the source's log has another length than its header says",
        )
        .with_detail(format!(
            "It came with {length} bytes, behind offset {} of {}.",
            self.offset,
            super::shown(&self.file)
        ))
    }
}

/// CRC32 of the first `covered` bytes, as if the file were closed.
fn sum(packet: &[u8], covered: usize) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    let (flags, rest) = (HEADER - 2, HEADER);
    crc.update(packet.get(..flags).unwrap_or_default());
    let low = packet.get(flags).copied().unwrap_or_default();
    // Only the description of a file that is being written has the flag.
    crc.update(&[low & !(IN_USE as u8)]);
    crc.update(packet.get(flags + 1..rest).unwrap_or_default());
    crc.update(packet.get(rest..covered).unwrap_or_default());
    crc.finalize()
}

/// The log goes on in another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotate {
    pub file: String,
    pub offset: u64,
}

impl Rotate {
    pub(super) fn parse(data: &[u8]) -> Option<Rotate> {
        let mut bytes = Bytes::new(data);
        let offset = bytes.u64().filter(|offset| *offset <= MAX_OFFSET)?;
        let file = text(bytes.rest()).filter(|file| !file.is_empty())?;
        Some(Rotate { file, offset })
    }
}

/// A sign of life, and where the sender stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    pub file: String,
    /// None in the old form, which has it in the header, cut to 32 bits.
    pub offset: Option<u64>,
}

impl Heartbeat {
    pub(super) fn parse(data: &[u8]) -> Option<Heartbeat> {
        Some(Heartbeat {
            file: text(data)?,
            offset: None,
        })
    }

    /// Fields with their number and length before them, up to number 0.
    pub(super) fn parse_v2(data: &[u8]) -> Option<Heartbeat> {
        let mut bytes = Bytes::new(data);
        let mut beat = Heartbeat {
            file: String::new(),
            offset: None,
        };
        while !bytes.is_empty() {
            let field = bytes.packed()?;
            if field == 0 {
                break;
            }
            let value = bytes.packed_bytes()?;
            match field {
                1 => beat.file = text(value)?,
                2 => {
                    let offset = Bytes::new(value).packed()?;
                    beat.offset = Some((offset <= MAX_OFFSET).then_some(offset)?);
                }
                _ => {}
            }
        }
        Some(beat)
    }
}
