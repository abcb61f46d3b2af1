//! MySQL's compressed transaction: one event that holds all others of the transaction. It is
//! decompressed as it is read, event by event, whatever it comes to.

use std::io::{Cursor, Read};

use super::bytes::Bytes;
use super::kind;
use super::raw::{HEADER, Header, RawEvent};
use crate::error::{Error, Kind, Result};

const ZSTD: u64 = 0;
const UNCOMPRESSED: u64 = 255;
/// No event is larger.
const LARGEST_EVENT: usize = 1 << 30;
/// What is set aside before anything came.
const FIRST: usize = 1 << 20;

/// The fields before the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactionPayload {
    pub compressed: bool,
    /// What the events inside come to.
    pub size: u64,
    /// What they take in the log.
    packed_size: usize,
}

impl TransactionPayload {
    /// The fields, and the length of them.
    fn fields(data: &[u8]) -> Option<(TransactionPayload, usize)> {
        let mut bytes = Bytes::new(data);
        let (mut packed_size, mut method, mut size) = (None, None, None);
        loop {
            let field = bytes.packed()?;
            if field == 0 {
                break;
            }
            let mut value = Bytes::new(bytes.packed_bytes()?);
            match field {
                1 => packed_size = Some(value.packed_usize()?),
                2 => method = Some(value.packed()?),
                3 => size = Some(value.packed()?),
                _ => {}
            }
        }
        let packed_size = packed_size?;
        let (compressed, size) = match method? {
            ZSTD => (true, size?),
            UNCOMPRESSED => (false, size.unwrap_or(packed_size as u64)),
            _ => return None,
        };
        let fields = TransactionPayload {
            compressed,
            size,
            packed_size,
        };
        Some((fields, data.len() - bytes.len()))
    }

    pub(super) fn parse(data: &[u8]) -> Option<TransactionPayload> {
        TransactionPayload::fields(data).map(|(fields, _)| fields)
    }
}

/// Reads the events of a payload one after the other.
pub(super) struct Unpacker {
    source: Box<dyn Read + Send>,
    /// What has to come yet.
    left: u64,
    /// The event that held the payload.
    outer: RawEvent,
}

impl Unpacker {
    /// Takes the payload out of the event: it may be large, and nobody else needs it.
    pub(super) fn new(event: &mut RawEvent) -> Result<Unpacker> {
        let fields = TransactionPayload::fields(&event.data);
        let (fields, length) = fields.ok_or_else(|| event.unreadable())?;
        if event.data.len() - length != fields.packed_size {
            return Err(event.unreadable());
        }
        let kept = event.data.get(..length).unwrap_or_default().to_vec();
        let mut held = Cursor::new(std::mem::replace(&mut event.data, kept));
        held.set_position(length as u64);
        let source: Box<dyn Read + Send> = if fields.compressed {
            let decoder = zstd::stream::read::Decoder::with_buffer(held);
            Box::new(decoder.map_err(|_| event.unreadable())?)
        } else {
            Box::new(held)
        };
        Ok(Unpacker {
            source,
            left: fields.size,
            outer: event.clone(),
        })
    }

    /// The next event; None behind the last, when all has come that was stated.
    pub(super) fn next(&mut self) -> Result<Option<RawEvent>> {
        if self.left == 0 {
            // There must be no more either.
            return match self.source.read(&mut [0]) {
                Ok(0) => Ok(None),
                _ => Err(self.broken()),
            };
        }
        let mut head = [0; HEADER];
        self.source
            .read_exact(&mut head)
            .map_err(|_| self.broken())?;
        let header = Header::parse(&head).ok_or_else(|| self.broken())?;
        let size = usize::try_from(header.size)
            .ok()
            .filter(|size| (HEADER..=LARGEST_EVENT).contains(size))
            .ok_or_else(|| self.broken())?;
        self.left = self
            .left
            .checked_sub(size as u64)
            .ok_or_else(|| self.broken())?;
        let length = size - HEADER;
        let mut data = Vec::with_capacity(length.min(FIRST));
        let read = (&mut self.source)
            .take(length as u64)
            .read_to_end(&mut data);
        if !matches!(read, Ok(read) if read == length) || !belongs_inside(header.kind) {
            return Err(self.broken());
        }
        Ok(Some(RawEvent {
            header,
            flavor: self.outer.flavor,
            file: self.outer.file.clone(),
            end: self.outer.end,
            data,
        }))
    }

    fn broken(&self) -> Error {
        Error::new(
            Kind::LogCorrupt,
            "a compressed transaction of the source's log cannot be read",
        )
        .with_detail(self.outer.place())
    }
}

/// A payload holds a transaction: nothing that belongs to files, and no other payload.
fn belongs_inside(kind: u8) -> bool {
    !matches!(
        kind,
        kind::ROTATE
            | kind::FORMAT_DESCRIPTION
            | kind::STOP
            | kind::HEARTBEAT
            | kind::HEARTBEAT_V2
            | kind::GTID
            | kind::TAGGED_GTID
            | kind::ANONYMOUS_GTID
            | kind::PREVIOUS_GTIDS
            | kind::TRANSACTION_PAYLOAD
    )
}
