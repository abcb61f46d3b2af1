//! The bridge between the main thread and a source: a thread that owns one connection, does one
//! request after the other, and sends what comes of it through a [`Queue`].
//!
//! The thread names nothing of PostgreSQL and no signal reaches it. Dropping the [`Reader`] ends
//! whatever it does: its future is dropped, the connection with it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::queue::Queue;
use crate::codec::RowEncoder;
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, BatchSink};
use crate::model::key::Key;
use crate::model::position::Position;
use crate::model::table::{SourceTable, SourceTableName};
use crate::pg::{latch, thread, worker};
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
enum Request {
    Preflight,
    PreflightStream,
    Tables,
    Table(String),
    Boundary(Box<BoundaryRequest>),
    Snapshot(Box<SnapshotRequest>, Box<RowEncoder>),
    /// A position of the log, of which kind.
    Position(Log),
    Follow(Box<FollowRequest>),
}

/// Which position of the log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Its end now.
    End,
    /// One where all that stands before it can be seen by a SELECT that begins now.
    Copy,
}

/// What comes through the queue.
#[derive(Debug)]
enum Frame {
    Rows(Vec<u8>),
    BatchEnd(BatchEnd),
    Checks(Vec<Check>),
    Tables(Vec<SourceTableName>),
    Table(Box<SourceTable>),
    Boundary(Option<Key>),
    Position(Box<Position>),
    Segment(Box<Segment>),
    Heard(Option<Box<Position>>),
    Reached,
    Stop(Box<Stop>),
    Failed(Box<Error>),
}

/// What comes of a log that is followed, in order.
#[derive(Debug)]
pub enum Item {
    Segment(Segment),
    Heard(Option<Position>),
    /// The log is read up to where it was asked for.
    Reached,
    Stop(Stop),
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
    endpoint: Endpoint,
}

impl Reader {
    /// Starts the thread; it connects with the first request.
    pub fn start(endpoint: Endpoint) -> Result<Self> {
        let queue = Arc::new(Queue::new().map_err(no_thread)?);
        let cancel = Arc::new(tokio::sync::Notify::new());
        let (requests, inbox) = mpsc::channel();
        let thread = Thread {
            endpoint: endpoint.clone(),
            queue: Arc::clone(&queue),
            cancel: Arc::clone(&cancel),
        };
        thread::spawn("tributary reader", move || thread.run(&inbox)).map_err(no_thread)?;
        Ok(Reader {
            requests,
            queue,
            cancel,
            endpoint,
        })
    }

    /// Another one that reads from there.
    pub fn renewed(&self) -> Result<Self> {
        Reader::start(self.endpoint.clone())
    }

    /// Does it read from there, with these credentials?
    pub fn reads(&self, endpoint: &Endpoint) -> bool {
        &self.endpoint == endpoint
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
                None => latch::wait(Some(self.queue.fd()), Duration::from_secs(60)),
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

fn no_thread(error: std::io::Error) -> Error {
    Error::new(
        Kind::InsufficientResources,
        format!("could not start a reader thread: {error}"),
    )
}

fn thread_ended() -> Error {
    Error::new(Kind::ConnectionLost, "the reader thread has ended")
}

fn out_of_step() -> Error {
    Error::new(Kind::Internal, "the reader thread answered another request")
}

/// The state of the reader thread.
struct Thread {
    endpoint: Endpoint,
    queue: Arc<Queue<Frame>>,
    cancel: Arc<tokio::sync::Notify>,
}

impl Thread {
    fn run(self, inbox: &mpsc::Receiver<Request>) {
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
            .build()
            .map_err(no_thread)?;
        let mut connection = None;
        while let Ok(request) = inbox.recv() {
            let outcome = runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = self.cancel.notified() => None,
                    outcome = self.answer(&mut connection, request) => Some(outcome),
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
        self.0.push(Frame::BatchEnd(end), FRAME_BYTES)
    }
}
