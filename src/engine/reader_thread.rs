//! The other half of a [`super::reader::Reader`]: what runs on the thread.
//!
//! It names nothing of PostgreSQL, and no signal reaches it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use super::queue::Queue;
use super::reader::Log;
use crate::codec::RowEncoder;
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, BatchSink};
use crate::model::key::Key;
use crate::model::position::Position;
use crate::model::table::{SourceTable, SourceTableName};
use crate::pg::allocator;
use crate::source::log::{Segment, Stop, StreamSink};
use crate::source::mysql::{
    self, BoundaryRequest, Check, Connection, Endpoint, FollowRequest, SnapshotRequest,
};

/// How long the server's side of a cancelled request may take to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// What a frame without rows counts as.
const FRAME_BYTES: usize = 512;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Request {
    Preflight,
    PreflightStream,
    Tables,
    Table(String),
    Boundary(Box<BoundaryRequest>),
    Snapshot(Box<SnapshotRequest>, Box<RowEncoder>),
    /// A position of the log, of which kind.
    Position(Log),
    /// Is the log held from there on?
    CheckPosition(Box<Position>),
    /// Status variables.
    Status(Vec<String>),
    Follow(Box<FollowRequest>),
}

/// What comes through the queue.
#[derive(Debug)]
pub(super) enum Frame {
    Rows(Vec<u8>),
    BatchEnd(BatchEnd),
    Checks(Vec<Check>),
    Tables(Vec<SourceTableName>),
    Table(Box<SourceTable>),
    Boundary(Option<Key>),
    Position(Box<Position>),
    Held,
    Status(Vec<(String, f64)>),
    Segment(Box<Segment>),
    Heard(Option<Box<Position>>),
    Reached,
    Stop(Box<Stop>),
    Failed(Box<Error>),
}

pub(super) fn no_thread(error: std::io::Error) -> Error {
    Error::new(
        Kind::InsufficientResources,
        format!("could not start a reader thread: {error}"),
    )
}

pub(super) fn thread_ended() -> Error {
    Error::new(Kind::ConnectionLost, "the reader thread has ended")
}

/// Turns of the thread at its work, each begun and ended: no timeout of its own ends a turn that a source
/// keeps computing for ever.
#[derive(Debug, Default)]
pub(super) struct Turns(AtomicU64);

impl Turns {
    fn take<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.fetch_add(1, Ordering::Release);
        let done = work();
        self.0.fetch_add(1, Ordering::Release);
        done
    }

    /// The number of the turn that it is at.
    pub fn present(&self) -> Option<u64> {
        let turn = self.0.load(Ordering::Acquire);
        (turn % 2 == 1).then_some(turn)
    }
}

pub(super) fn too_much(bytes: usize) -> Error {
    Error::new(
        Kind::ProtocolViolation,
        format!("what the source announces would take {bytes} bytes of memory"),
    )
    .with_hint(
        "A compressed transaction of MySQL can be as large: at the source, SET GLOBAL \
         binlog_transaction_compression = OFF; then SELECT sync_resync('<job>');",
    )
}

/// The state of the reader thread.
pub(super) struct Thread {
    pub endpoint: Endpoint,
    pub queue: Arc<Queue<Frame>>,
    pub cancel: Arc<tokio::sync::Notify>,
    pub turns: Arc<Turns>,
}

impl Thread {
    pub fn run(self, inbox: &mpsc::Receiver<Request>) {
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| self.serve(inbox)));
        if let Err(error) = outcome
            .unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the reader thread panicked")))
        {
            self.fail(error);
            // Whoever asks again gets an answer too.
            while inbox.recv().is_ok() {
                self.fail(thread_ended());
            }
        }
    }

    fn serve(&self, inbox: &mpsc::Receiver<Request>) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_stop(allocator::count_all)
            .build()
            .map_err(no_thread)?;
        let mut connection = None;
        while let Ok(request) = inbox.recv() {
            let outcome = runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = self.cancel.notified() => None,
                    outcome = self.watched(self.answer(&mut connection, request)) => Some(outcome),
                }
            });
            match outcome {
                // Nobody waits for the answer: do not leave a statement running at the source.
                None => {
                    self.kill(&runtime, connection.take());
                    break;
                }
                Some(Err(error)) => {
                    connection = None;
                    self.fail(error);
                }
                Some(Ok(())) => {}
            }
        }
        if let Some(connection) = connection {
            runtime.block_on(connection.close());
        }
        // Without waiting for a name look-up that hangs.
        runtime.shutdown_background();
        Ok(())
    }

    /// Turn by turn, as long as it does not hold too much.
    async fn watched(&self, work: impl Future<Output = Result<()>>) -> Result<()> {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            let polled = self.turns.take(|| work.as_mut().poll(context));
            match allocator::holds_too_much() {
                Some(held) if polled.is_pending() => Poll::Ready(Err(too_much(held))),
                _ => polled,
            }
        })
        .await
    }

    fn kill(&self, runtime: &tokio::runtime::Runtime, connection: Option<Connection>) {
        let Some(connection) = connection else {
            return;
        };
        let id = connection.server().connection_id;
        drop(connection);
        runtime.block_on(async {
            let kill = mysql::kill(&self.endpoint, id);
            let _ = tokio::time::timeout(KILL_TIMEOUT, kill).await;
        });
    }

    async fn answer(&self, connection: &mut Option<Connection>, request: Request) -> Result<()> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(Connection::open(&self.endpoint).await?),
        };
        let frame = match request {
            Request::Preflight => Frame::Checks(connection.preflight().await),
            Request::PreflightStream => Frame::Checks(connection.preflight_stream().await),
            Request::Tables => Frame::Tables(connection.tables().await?),
            Request::Table(name) => Frame::Table(Box::new(connection.table(&name).await?)),
            Request::Boundary(request) => Frame::Boundary(connection.boundary(&request).await?),
            Request::Snapshot(request, mut encoder) => {
                let mut sink = QueueSink(&self.queue);
                return connection.snapshot(&request, &mut encoder, &mut sink).await;
            }
            Request::Position(Log::End) => {
                Frame::Position(Box::new(connection.current_position().await?))
            }
            Request::Position(Log::Copy) => {
                Frame::Position(Box::new(connection.copy_position().await?))
            }
            Request::CheckPosition(position) => {
                connection.check_position(&position).await?;
                Frame::Held
            }
            Request::Status(names) => Frame::Status(connection.status(&names).await?),
            Request::Follow(request) => {
                let mut sink = QueueSink(&self.queue);
                let hunger = || self.queue.hunger();
                return mysql::follow(connection, *request, &mut sink, &hunger).await;
            }
        };
        self.queue.push(frame, 0)
    }

    fn fail(&self, error: Error) {
        // A closed queue has no reader who would miss the error.
        let _ = self.queue.push(Frame::Failed(Box::new(error)), 0);
    }
}

impl StreamSink for QueueSink<'_> {
    fn segment(&mut self, segment: Segment, bytes: usize) -> Result<()> {
        let frame = Frame::Segment(Box::new(segment));
        self.0.push(frame, bytes.saturating_add(FRAME_BYTES))
    }

    fn heard(&mut self, source: Option<Position>) -> Result<()> {
        self.0.push(Frame::Heard(source.map(Box::new)), FRAME_BYTES)
    }

    fn reached(&mut self) -> Result<()> {
        self.0.push(Frame::Reached, FRAME_BYTES)
    }

    fn stop(&mut self, stop: Stop) -> Result<()> {
        self.0.push(Frame::Stop(Box::new(stop)), FRAME_BYTES)
    }

    fn is_hungry(&self) -> bool {
        self.0.is_hungry()
    }
}

/// Where the snapshot's encoded rows go.
struct QueueSink<'a>(&'a Queue<Frame>);

impl BatchSink for QueueSink<'_> {
    fn data(&mut self, buffer: Vec<u8>) -> Result<Vec<u8>> {
        // What it holds of memory, not of rows: many small batches must not add up unseen.
        let bytes = buffer.capacity();
        self.0
            .push(Frame::Rows(buffer), bytes.saturating_add(FRAME_BYTES))?;
        Ok(self.0.spare())
    }

    fn position(&mut self, position: Position) -> Result<()> {
        let frame = Frame::Position(Box::new(position));
        self.0.push(frame, FRAME_BYTES)
    }

    fn batch_end(&mut self, end: BatchEnd) -> Result<()> {
        let held = end.held();
        self.0
            .push(Frame::BatchEnd(end), held.saturating_add(FRAME_BYTES))
    }
}
