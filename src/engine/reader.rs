//! The bridge between the main thread and a source: a thread that owns one connection, does one
//! request after the other, and sends what comes of it through a [`Queue`].
//!
//! The thread names nothing of PostgreSQL and no signal reaches it. Dropping the [`Reader`] ends
//! whatever it does: its future is dropped, the connection with it.

use std::cell::Cell;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::queue::{Buffer, Queue};
use super::reader_thread::{Frame, Request, Thread, Turns, no_thread, thread_ended, too_much};
use crate::codec::RowEncoder;
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, Waits};
use crate::model::key::Key;
use crate::model::position::Position;
use crate::model::table::{SourceTable, SourceTableName};
use crate::pg::allocator::{self, Alarm, Asked};
use crate::pg::{latch, thread, worker};
use crate::source::log::{Segment, Stop};
use crate::source::mysql::{BoundaryRequest, Check, Endpoint, FollowRequest, SnapshotRequest};

/// How long the thread is waited for between two looks whether it comes back.
const LOOK: Duration = Duration::from_secs(1);
/// A turn that is not a login may take so long: a large transaction is unpacked in one.
const LONGEST_TURN: Duration = Duration::from_secs(60);
/// A turn may take so long, however short the timeouts are: the machine may be busy.
const SHORTEST_LIMIT: Duration = Duration::from_secs(10);
/// A thread that nobody waits for any more is given up if it is at the same turn for so long.
const ABANDONED: Duration = Duration::from_secs(1);

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
    /// It is read no further.
    Stop(Box<Stop>),
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
    turns: Arc<Turns>,
    /// How long the thread is seen at the same turn while its answer is waited for.
    seen: Cell<Option<(u64, Duration)>>,
    has_answered: Cell<bool>,
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
        let turns = Arc::new(Turns::default());
        let (requests, inbox) = mpsc::channel();
        let thread = Thread {
            endpoint: endpoint.clone(),
            queue: Arc::clone(&queue),
            cancel: Arc::clone(&cancel),
            turns: Arc::clone(&turns),
        };
        let alarm = Arc::new(Alarm::new(queue.event()));
        let run = move || thread.run(&inbox);
        thread::spawn("tributary reader", Arc::clone(&alarm), run).map_err(no_thread)?;
        Ok(Reader {
            requests,
            queue,
            cancel,
            alarm,
            turns,
            seen: Cell::default(),
            has_answered: Cell::default(),
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
        self.checks(Request::Preflight)
    }

    /// What following the log needs, beside what a copy needs.
    pub fn preflight_stream(&self) -> Result<Vec<Check>> {
        self.checks(Request::PreflightStream)
    }

    fn checks(&self, request: Request) -> Result<Vec<Check>> {
        self.ask(request, |frame| match frame {
            Frame::Checks(checks) => Some(checks),
            _ => None,
        })
    }

    pub fn tables(&self) -> Result<Vec<SourceTableName>> {
        self.ask(Request::Tables, |frame| match frame {
            Frame::Tables(tables) => Some(tables),
            _ => None,
        })
    }

    pub fn table(&self, name: &str) -> Result<SourceTable> {
        self.ask(Request::Table(name.to_owned()), |frame| match frame {
            Frame::Table(table) => Some(*table),
            _ => None,
        })
    }

    pub fn boundary(&self, request: BoundaryRequest) -> Result<Option<Key>> {
        let request = Request::Boundary(Box::new(request));
        self.ask(request, |frame| match frame {
            Frame::Boundary(key) => Some(key),
            _ => None,
        })
    }

    /// Starts a snapshot; [`Reader::next_piece`] has to be called until a last batch's end.
    pub fn start_snapshot(&self, request: SnapshotRequest, encoder: RowEncoder) -> Result<()> {
        self.send(Request::Snapshot(Box::new(request), Box::new(encoder)))
    }

    /// The next piece of the snapshot; waits for it, open to interrupts.
    pub fn next_piece(&self) -> Result<Piece> {
        self.answer(|frame| match frame {
            Frame::Rows(rows) => Some(Piece::Rows(rows)),
            Frame::BatchEnd(end) => Some(Piece::BatchEnd(end)),
            _ => None,
        })
    }

    /// Where the log stood at the state of the table that a positioned snapshot reads; to be called
    /// before its first piece.
    pub fn snapshot_position(&self) -> Result<Position> {
        self.answer(position)
    }

    pub fn position(&self, which: Log) -> Result<Position> {
        self.ask(Request::Position(which), position)
    }

    /// An error unless the source still holds its log from there on.
    pub fn check_position(&self, position: &Position) -> Result<()> {
        let request = Request::CheckPosition(Box::new(position.clone()));
        self.ask(request, |frame| matches!(frame, Frame::Held).then_some(()))
    }

    /// Status variables of the source that it has, as numbers.
    pub fn status(&self, names: Vec<String>) -> Result<Vec<(String, f64)>> {
        self.ask(Request::Status(names), |frame| match frame {
            Frame::Status(values) => Some(values),
            _ => None,
        })
    }

    /// Begins to follow the log; [`Reader::next_item`] has to be called for ever.
    pub fn start_following(&self, request: FollowRequest) -> Result<()> {
        self.send(Request::Follow(Box::new(request)))
    }

    /// What comes next of the log; waits for it, open to interrupts.
    pub fn next_item(&self) -> Result<Item> {
        self.answer(|frame| match frame {
            Frame::Segment(segment) => Some(Item::Segment(*segment)),
            Frame::Heard(position) => Some(Item::Heard(position.map(|position| *position))),
            Frame::Reached => Some(Item::Reached),
            Frame::Stop(stop) => Some(Item::Stop(stop)),
            _ => None,
        })
    }

    /// Gives the buffer of a used up piece back.
    pub fn recycle(&self, buffer: Vec<u8>) {
        self.queue.recycle(buffer);
    }

    /// Waits for what comes of the request; `answer` takes it, and nothing that belongs to another one.
    fn ask<T>(&self, request: Request, answer: impl FnOnce(Frame) -> Option<T>) -> Result<T> {
        self.send(request)?;
        self.answer(answer)
    }

    fn answer<T>(&self, answer: impl FnOnce(Frame) -> Option<T>) -> Result<T> {
        answer(self.receive()?).ok_or_else(out_of_step)
    }

    fn send(&self, request: Request) -> Result<()> {
        self.requests.send(request).map_err(|_| thread_ended())
    }

    fn receive(&self) -> Result<Frame> {
        loop {
            match self.queue.try_pop() {
                Some(Frame::Failed(error)) => return Err(*error),
                Some(frame) => {
                    self.seen.set(None);
                    self.has_answered.set(true);
                    // As long as frames are there nothing is waited for.
                    worker::exit_if_postmaster_died();
                    return Ok(frame);
                }
                None => {
                    if let Some(asked) = self.alarm.asked() {
                        return Err(stopped(asked));
                    }
                    let longest = self.longest_turn();
                    if self.at_one_turn() >= longest {
                        allocator::give_up_a_thread();
                        return Err(endless(longest));
                    }
                    let since = Instant::now();
                    latch::wait(Some(self.queue.fd()), LOOK);
                    let waited = since.elapsed();
                    self.waited.set(self.waited.get().saturating_add(waited));
                    self.look(waited);
                }
            };
        }
    }
}

impl Reader {
    /// Is the thread at the same turn as at the look before, so long ago? A process that was stopped meanwhile
    /// was no longer at it than between two looks. It is not looked at while frames come: then it may only be
    /// waiting for room.
    fn look(&self, waited: Duration) {
        let seen = |turn| match self.seen.get() {
            Some((before, time)) if before == turn => (turn, time.saturating_add(waited.min(LOOK))),
            _ => (turn, Duration::ZERO),
        };
        self.seen.set(self.turns.present().map(seen));
    }

    /// How long the thread has been at the same turn.
    fn at_one_turn(&self) -> Duration {
        match (self.turns.present(), self.seen.get()) {
            (Some(turn), Some((seen, time))) if seen == turn => time,
            _ => Duration::ZERO,
        }
    }

    /// How long a turn may take.
    fn longest_turn(&self) -> Duration {
        match self.has_answered.get() {
            false => self.endpoint.connect_timeout().max(SHORTEST_LIMIT),
            true => self.endpoint.read_timeout().max(LONGEST_TURN),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.at_one_turn() >= ABANDONED {
            allocator::give_up_a_thread();
        }
        self.queue.close();
        self.cancel.notify_one();
    }
}

fn position(frame: Frame) -> Option<Position> {
    match frame {
        Frame::Position(position) => Some(*position),
        _ => None,
    }
}

/// The thread is kept busy by what the source has sent.
fn endless(limit: Duration) -> Error {
    Error::new(
        Kind::ProtocolViolation,
        format!(
            "what the source has sent takes more than {} s to compute",
            limit.as_secs()
        ),
    )
    .with_hint("Is it the server that was meant? A login asks for nearly nothing.")
}

/// The thread was stopped for what it wanted to set aside.
fn stopped(asked: Asked) -> Error {
    let bytes = asked.bytes;
    match asked.absurd {
        true => too_much(bytes),
        false => Error::new(
            Kind::InsufficientResources,
            format!("out of memory: what the source announces takes {bytes} bytes at once"),
        ),
    }
}

fn out_of_step() -> Error {
    Error::new(Kind::Internal, "the reader thread answered another request")
}
