//! The bridge between the main thread and a source: a thread that owns one connection, does one
//! request after the other, and sends what comes of it through a [`Queue`].
//!
//! The thread names nothing of PostgreSQL and no signal reaches it. Dropping the [`Reader`] ends
//! whatever it does: its future is dropped, the connection with it.

use std::cell::Cell;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::queue::{Buffer, Queue};
use super::reader_thread::{Frame, Request, Thread, no_thread, thread_ended};
use crate::codec::RowEncoder;
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, Waits};
use crate::model::key::Key;
use crate::model::position::Position;
use crate::model::table::{SourceTable, SourceTableName};
use crate::pg::allocator::{Alarm, Asked};
use crate::pg::{latch, thread, worker};
use crate::source::log::{BrokenOff, Segment, Stop};
use crate::source::mysql::{BoundaryRequest, Check, Endpoint, FollowRequest, SnapshotRequest};

/// Which position of the log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Its end now.
    End,
    /// One where all that stands before it can be seen by a SELECT that begins now.
    Copy,
}

/// What comes of a log that is followed, in order.
#[derive(Debug)]
pub enum Item {
    Segment(Segment),
    Heard(Option<Position>),
    /// The log is read up to where it was asked for.
    Reached,
    Stop(Stop),
    BrokenOff(BrokenOff),
}

/// A piece of a snapshot, in order.
#[derive(Debug)]
pub enum Piece {
    /// Encoded rows; buffers may split rows anywhere.
    Rows(Vec<u8>),
    BatchEnd(BatchEnd),
}

#[derive(Debug)]
pub struct Reader {
    requests: mpsc::Sender<Request>,
    queue: Arc<Queue<Frame>>,
    cancel: Arc<tokio::sync::Notify>,
    alarm: Arc<Alarm>,
    endpoint: Endpoint,
    buffer: Buffer,
    /// How long the main thread has waited for the source.
    waited: Cell<Duration>,
}

impl Reader {
    /// Starts the thread; it connects with the first request.
    pub fn start(endpoint: Endpoint) -> Result<Self> {
        Reader::with_buffer(endpoint, Buffer::default())
    }

    pub fn with_buffer(endpoint: Endpoint, buffer: Buffer) -> Result<Self> {
        let queue = Arc::new(Queue::new(buffer).map_err(no_thread)?);
        let cancel = Arc::new(tokio::sync::Notify::new());
        let (requests, inbox) = mpsc::channel();
        let thread = Thread {
            endpoint: endpoint.clone(),
            queue: Arc::clone(&queue),
            cancel: Arc::clone(&cancel),
        };
        let alarm = Arc::new(Alarm::new(queue.event()));
        let run = move || thread.run(&inbox);
        thread::spawn("tributary reader", Arc::clone(&alarm), run).map_err(no_thread)?;
        Ok(Reader {
            requests,
            queue,
            cancel,
            alarm,
            endpoint,
            buffer,
            waited: Cell::default(),
        })
    }

    /// Another one that reads from there.
    pub fn renewed(&self) -> Result<Self> {
        Reader::with_buffer(self.endpoint.clone(), self.buffer)
    }

    /// Does it read from there, with these credentials?
    pub fn reads(&self, endpoint: &Endpoint) -> bool {
        &self.endpoint == endpoint
    }

    pub fn buffers(&self, buffer: Buffer) -> bool {
        self.buffer == buffer
    }

    pub fn take_waits(&self) -> Waits {
        let gauges = self.queue.take_gauges();
        Waits {
            source: self.waited.take().as_secs_f64(),
            target: gauges.target_wait.as_secs_f64(),
            fill: gauges.fill,
        }
    }

    pub fn preflight(&self) -> Result<Vec<Check>> {
        self.send(Request::Preflight)?;
        match self.receive()? {
            Frame::Checks(checks) => Ok(checks),
            _ => Err(out_of_step()),
        }
    }

    /// What following the log needs, beside what a copy needs.
    pub fn preflight_stream(&self) -> Result<Vec<Check>> {
        self.send(Request::PreflightStream)?;
        match self.receive()? {
            Frame::Checks(checks) => Ok(checks),
            _ => Err(out_of_step()),
        }
    }

    pub fn tables(&self) -> Result<Vec<SourceTableName>> {
        self.send(Request::Tables)?;
        match self.receive()? {
            Frame::Tables(tables) => Ok(tables),
            _ => Err(out_of_step()),
        }
    }

    pub fn table(&self, name: &str) -> Result<SourceTable> {
        self.send(Request::Table(name.to_owned()))?;
        match self.receive()? {
            Frame::Table(table) => Ok(*table),
            _ => Err(out_of_step()),
        }
    }

    pub fn boundary(&self, request: BoundaryRequest) -> Result<Option<Key>> {
        self.send(Request::Boundary(Box::new(request)))?;
        match self.receive()? {
            Frame::Boundary(key) => Ok(key),
            _ => Err(out_of_step()),
        }
    }

    /// Starts a snapshot; [`Reader::next_piece`] has to be called until a last batch's end.
    pub fn start_snapshot(&self, request: SnapshotRequest, encoder: RowEncoder) -> Result<()> {
        self.send(Request::Snapshot(Box::new(request), Box::new(encoder)))
    }

    /// The next piece of the snapshot; waits for it, open to interrupts.
    pub fn next_piece(&self) -> Result<Piece> {
        match self.receive()? {
            Frame::Rows(rows) => Ok(Piece::Rows(rows)),
            Frame::BatchEnd(end) => Ok(Piece::BatchEnd(end)),
            _ => Err(out_of_step()),
        }
    }

    /// Where the log stood at the state of the table that a positioned snapshot reads; to be called
    /// before its first piece.
    pub fn snapshot_position(&self) -> Result<Position> {
        match self.receive()? {
            Frame::Position(position) => Ok(*position),
            _ => Err(out_of_step()),
        }
    }

    pub fn position(&self, which: Log) -> Result<Position> {
        self.send(Request::Position(which))?;
        match self.receive()? {
            Frame::Position(position) => Ok(*position),
            _ => Err(out_of_step()),
        }
    }

    /// An error unless the source still holds its log from there on.
    pub fn check_position(&self, position: &Position) -> Result<()> {
        self.send(Request::CheckPosition(Box::new(position.clone())))?;
        match self.receive()? {
            Frame::Held => Ok(()),
            _ => Err(out_of_step()),
        }
    }

    /// Status variables of the source that it has, as numbers.
    pub fn status(&self, names: Vec<String>) -> Result<Vec<(String, f64)>> {
        self.send(Request::Status(names))?;
        match self.receive()? {
            Frame::Status(values) => Ok(values),
            _ => Err(out_of_step()),
        }
    }

    /// Begins to follow the log; [`Reader::next_item`] has to be called for ever.
    pub fn start_following(&self, request: FollowRequest) -> Result<()> {
        self.send(Request::Follow(Box::new(request)))
    }

    /// What comes next of the log; waits for it, open to interrupts.
    pub fn next_item(&self) -> Result<Item> {
        match self.receive()? {
            Frame::Segment(segment) => Ok(Item::Segment(*segment)),
            Frame::Heard(position) => Ok(Item::Heard(position.map(|position| *position))),
            Frame::Reached => Ok(Item::Reached),
            Frame::Stop(stop) => Ok(Item::Stop(*stop)),
            Frame::BrokenOff(broken) => Ok(Item::BrokenOff(*broken)),
            _ => Err(out_of_step()),
        }
    }

    /// Gives the buffer of a used up piece back.
    pub fn recycle(&self, buffer: Vec<u8>) {
        self.queue.recycle(buffer);
    }

    fn send(&self, request: Request) -> Result<()> {
        self.requests.send(request).map_err(|_| thread_ended())
    }

    fn receive(&self) -> Result<Frame> {
        loop {
            match self.queue.try_pop() {
                Some(Frame::Failed(error)) => return Err(*error),
                Some(frame) => {
                    // As long as frames are there nothing is waited for.
                    worker::exit_if_postmaster_died();
                    return Ok(frame);
                }
                None => {
                    if let Some(asked) = self.alarm.asked() {
                        return Err(too_much(asked));
                    }
                    let since = Instant::now();
                    latch::wait(Some(self.queue.fd()), Duration::from_secs(60));
                    let waited = self.waited.get().saturating_add(since.elapsed());
                    self.waited.set(waited);
                }
            };
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.queue.close();
        self.cancel.notify_one();
    }
}

/// The thread was stopped for what it wanted to set aside.
fn too_much(asked: Asked) -> Error {
    let bytes = asked.bytes;
    match asked.absurd {
        true => Error::new(
            Kind::ProtocolViolation,
            format!("what the source announces would take {bytes} bytes of memory at once"),
        )
        .with_hint(
            "A compressed transaction of MySQL can be as large: at the source, SET GLOBAL \
             binlog_transaction_compression = OFF; then SELECT sync_resync('<job>');",
        ),
        false => Error::new(
            Kind::InsufficientResources,
            format!("out of memory: what the source announces takes {bytes} bytes at once"),
        ),
    }
}

fn out_of_step() -> Error {
    Error::new(Kind::Internal, "the reader thread answered another request")
}
