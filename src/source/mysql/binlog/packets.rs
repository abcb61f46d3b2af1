//! The packets of a dump, each an event from its header to its checksum.
//!
//! The driver takes events apart; here they are put together again, so that what is behind has them as
//! the source sent them.

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use futures_core::Stream;
use mysql_async::binlog::events::Event;
use mysql_async::prelude::Queryable;
use mysql_async::{BinlogStreamRequest, Error as Failure, Sid};

use super::super::connect::Connection;
use super::super::errors::{Asker, Doing};
use super::kind;
use super::payload::TransactionPayload;
use super::raw::HEADER;
use super::refusal;
use super::request::{DumpRequest, Start};
use super::table_map::table_id;
use crate::error::{Error, Kind, Result};
use crate::model::gtid::{Gtids, MySqlGtids};

pub(super) struct Packets {
    stream: mysql_async::BinlogStream,
    /// Bytes of events that the driver takes out of a payload, which we do ourselves.
    inner: u64,
    kept: Kept,
}

/// The driver keeps each table map until the log is rotated, by its number. A source that has no end of
/// numbers is left when they hold too much, and connected to anew.
#[derive(Default)]
struct Kept {
    maps: HashMap<u64, usize>,
    bytes: usize,
}

/// More than any log needs between two rotations.
const KEPT_BYTES: usize = 128 << 20;

impl Kept {
    /// Counts an event that the driver has seen; false when it keeps too much.
    fn admits(&mut self, event: &Event) -> bool {
        let header = event.header();
        match header.event_type_raw() {
            kind::TABLE_MAP => {
                let size = event.data().len();
                if let Some(id) = table_id(event.data()) {
                    let before = self.maps.insert(id, size).unwrap_or_default();
                    self.bytes = self.bytes.saturating_add(size).saturating_sub(before);
                }
            }
            // As the driver tells those that it goes by.
            kind::ROTATE if event.data().iter().take(8).any(|byte| *byte != 0) => {
                *self = Kept::default();
            }
            _ => {}
        }
        self.bytes <= KEPT_BYTES
    }
}

/// Why there is no packet.
pub(super) enum NoPacket {
    Failed(Failure),
    /// The driver panicked, or lost bytes.
    Broken(&'static str),
    Ended,
}

impl NoPacket {
    pub(super) fn told(self, asker: Asker<'_>, began: bool, place: &str) -> Error {
        match self {
            NoPacket::Failed(Failure::Server(error)) => refusal::of_server(&error, began, place)
                .unwrap_or_else(|| asker.error(Failure::Server(error), Doing::Querying)),
            NoPacket::Failed(failure) => asker.error(failure, Doing::Querying),
            NoPacket::Broken(what) => {
                Error::new(Kind::LogCorrupt, what).with_detail(place.to_string())
            }
            NoPacket::Ended => Error::new(
                Kind::ConnectionLost,
                format!("source \"{}\" ended the stream", asker.endpoint.address()),
            ),
        }
    }
}

impl Packets {
    pub(super) async fn open(connection: Connection, request: &DumpRequest) -> Result<Packets> {
        let statements = request.session(connection.server().flavor);
        let endpoint = connection.endpoint().clone();
        let account = connection.server().account.clone();
        let limit = endpoint.connect_timeout();
        let asker = Asker {
            endpoint: &endpoint,
            account: Some(&account),
        };
        let mut conn = connection.into_conn()?;
        let (file, offset) = request.place();
        let mut asked = BinlogStreamRequest::new(request.server_id);
        if let Start::File { .. } = &request.start {
            asked = asked.with_filename(file.as_bytes()).with_pos(offset);
        }
        if let Start::Gtids(Gtids::MySql(gtids)) = &request.start {
            asked = asked.with_gtid().with_gtid_set(sids(gtids)?);
        }
        let work = async {
            for statement in statements {
                conn.query_drop(statement).await?;
            }
            conn.get_binlog_stream(asked).await
        };
        match tokio::time::timeout(limit, work).await {
            Ok(Ok(stream)) => Ok(Packets {
                stream,
                inner: 0,
                kept: Kept::default(),
            }),
            Ok(Err(failure)) => Err(NoPacket::Failed(failure).told(asker, false, "")),
            Err(_) => Err(asker.timeout(Doing::Connecting)),
        }
    }

    pub(super) async fn next(&mut self) -> Result<Vec<u8>, NoPacket> {
        loop {
            let stream = &mut self.stream;
            // The driver panics on an event that is shorter than its header says.
            let event = poll_fn(|context| {
                let poll = || Pin::new(&mut *stream).poll_next(context);
                match catch_unwind(AssertUnwindSafe(poll)) {
                    Ok(poll) => poll.map(Ok),
                    Err(_) => Poll::Ready(Err(NoPacket::Broken(
                        "an event of the source's log cannot be read",
                    ))),
                }
            });
            let event = event.await?.ok_or(NoPacket::Ended)?;
            let event = event.map_err(NoPacket::Failed)?;
            if !self.kept.admits(&event) {
                return Err(NoPacket::Ended);
            }
            if self.inner == 0 {
                let packet = packet(&event);
                if event.header().event_type_raw() == kind::TRANSACTION_PAYLOAD {
                    let payload = TransactionPayload::parse(event.data());
                    self.inner = payload.map_or(0, |payload| payload.size);
                }
                return Ok(packet);
            }
            if event.header().log_pos() != 0 {
                return Err(NoPacket::Broken("a compressed transaction was cut short"));
            }
            let size = u64::from(event.header().event_size());
            self.inner = self.inner.saturating_sub(size);
        }
    }
}

/// The event as it came.
fn packet(event: &Event) -> Vec<u8> {
    let header = event.header();
    let mut packet = Vec::with_capacity(HEADER + event.data().len() + 5);
    packet.extend_from_slice(&header.timestamp().to_le_bytes());
    packet.push(header.event_type_raw());
    packet.extend_from_slice(&header.server_id().to_le_bytes());
    packet.extend_from_slice(&header.event_size().to_le_bytes());
    packet.extend_from_slice(&header.log_pos().to_le_bytes());
    packet.extend_from_slice(&header.flags_raw().to_le_bytes());
    packet.extend_from_slice(event.data());
    if header.event_type_raw() == kind::FORMAT_DESCRIPTION
        && let Ok(Some(checksum)) = event.footer().get_checksum_alg()
    {
        packet.push(checksum as u8);
    }
    packet.extend_from_slice(event.checksum().as_ref().map_or(&[], |sum| &sum[..]));
    packet
}

fn sids(gtids: &MySqlGtids) -> Result<Vec<Sid<'static>>> {
    gtids
        .iter()
        .map(|(source, intervals)| {
            let text = format!(
                "{source}{}",
                intervals
                    .iter()
                    .map(|(first, last)| format!(":{first}-{last}"))
                    .collect::<String>()
            );
            text.parse::<Sid<'static>>()
                .map_err(|_| Error::new(Kind::Internal, "a GTID set cannot be sent"))
        })
        .collect()
}
