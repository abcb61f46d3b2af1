//! A dump of the source's log: one connection, from the request to the last event.
//!
//! All there is to it is the connection: dropping it cuts the socket. The source notices that when it
//! next has something to send, at the latest with a heartbeat, and ends its side; a new dump with the
//! same server_id ends it at once.

use std::time::Duration;

use super::super::connect::{self, Connection, Watchdog};
use super::super::endpoint::Endpoint;
use super::super::errors::Asker;
use super::super::session::ServerInfo;
use super::format::Framer;
use super::kind;
use super::packets::Packets;
use super::payload::Unpacker;
use super::raw::RawEvent;
use super::request::DumpRequest;
use crate::error::{Error, Kind, Result};

pub struct BinlogStream {
    packets: Packets,
    endpoint: Endpoint,
    server: ServerInfo,
    framer: Framer,
    /// The compressed transaction that is being read.
    unpacker: Option<Unpacker>,
    watchdog: Watchdog,
    silence: Duration,
    /// An event of the log has come, not only those that a dump begins with.
    began: bool,
}

impl BinlogStream {
    /// Connects, and asks for the log. A position that the source refuses may be told only by the
    /// first [`Self::next`].
    pub async fn open(endpoint: &Endpoint, request: DumpRequest) -> Result<BinlogStream> {
        let connection = Connection::open(endpoint).await?;
        let server = connection.server().clone();
        let flavor = server.flavor;
        request.check(flavor)?;
        let packets = Packets::open(connection, &request).await?;
        let (file, offset) = request.place();
        // The watchdog bites after one to two times its limit.
        let silence = request.heartbeat * 2;
        Ok(BinlogStream {
            packets,
            endpoint: endpoint.clone(),
            server,
            framer: Framer::new(flavor, file, offset),
            unpacker: None,
            watchdog: Watchdog::new(silence),
            silence,
            began: false,
        })
    }

    pub fn server(&self) -> &ServerInfo {
        &self.server
    }

    /// The log file that it has come to; empty before a dump by GTID has told one.
    pub fn file(&self) -> &str {
        self.framer.file()
    }

    /// The next event. It may be dropped while it waits, and called again: nothing is lost.
    pub async fn next(&mut self) -> Result<RawEvent> {
        if let Some(unpacker) = &mut self.unpacker {
            if let Some(event) = unpacker.next()? {
                return Ok(event);
            }
            self.unpacker = None;
        }
        let Some(packet) = self.watchdog.wait(self.packets.next()).await else {
            return Err(self.silent());
        };
        let packet = packet.map_err(|failure| {
            let asker = Asker {
                endpoint: &self.endpoint,
                account: Some(&self.server.account),
            };
            let place = format!(
                "The stream stood at offset {} of {}.",
                self.framer.offset(),
                super::shown(self.framer.file())
            );
            failure.told(asker, self.began, &place)
        })?;
        let mut event = self.framer.frame(packet)?;
        if event.header.kind == kind::TRANSACTION_PAYLOAD {
            self.unpacker = Some(Unpacker::new(&mut event)?);
        }
        self.began |= !matches!(event.header.kind, kind::ROTATE | kind::FORMAT_DESCRIPTION);
        Ok(event)
    }

    /// Cuts the connection and sees to it that the source's side ends too, as far as it answers.
    pub async fn close(self) {
        let BinlogStream {
            packets,
            endpoint,
            server,
            ..
        } = self;
        drop(packets);
        // A session that is gone is what is wanted; one that cannot be reached ends with its next
        // heartbeat.
        let _ = connect::kill(&endpoint, server.connection_id).await;
    }

    fn silent(&self) -> Error {
        Error::new(
            Kind::ConnectionLost,
            format!(
                "source \"{}\" has sent nothing for {} seconds or more",
                self.endpoint.address(),
                self.silence.as_secs()
            ),
        )
        .with_detail(format!(
            "It was asked for a heartbeat every {} seconds; the stream stood at offset {} of {}.",
            self.silence.as_secs() / 2,
            self.framer.offset(),
            super::shown(self.framer.file())
        ))
    }
}
