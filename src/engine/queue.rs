//! The bounded channel between the reader thread and the main thread.
//!
//! The reader blocks when the main thread does not keep up: then its socket stalls, and with it the
//! source. The main thread never blocks here; it waits for [`Queue::fd`] with the server's latch.

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::error::{Error, Kind, Result};
use crate::model::run_options::Overflow;
use crate::pg::thread::Event;

/// Frames under way at most. Their list is made once: it does not grow while the lock is held.
const FRAMES: usize = 1024;
/// Emptied buffers kept for the next frames.
const SPARE: usize = 8;
/// A buffer that grew beyond this for a wide row is not kept.
const SPARE_CAPACITY: usize = 1 << 20;

/// How much is under way between both sides, and what happens when that is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer {
    /// Bytes at most; a single larger frame passes alone.
    pub capacity: usize,
    pub overflow: Overflow,
}

impl Default for Buffer {
    fn default() -> Self {
        Buffer {
            capacity: 8 << 20,
            overflow: Overflow::Block,
        }
    }
}

/// Who has waited for whom since the last look.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Gauges {
    /// The reader thread, for room.
    pub target_wait: Duration,
    /// Part of the buffer that is filled.
    pub fill: f64,
}

#[derive(Debug)]
pub struct Queue<T> {
    buffer: Buffer,
    state: Mutex<State<T>>,
    space: Condvar,
    filled: Arc<Event>,
    hunger: Notify,
}

#[derive(Debug)]
struct State<T> {
    frames: VecDeque<(T, usize)>,
    /// Of the frames and of the one handed out last.
    bytes: usize,
    handed_out: usize,
    closed: bool,
    /// The main thread has found nothing and waits.
    hungry: bool,
    spare: Vec<Vec<u8>>,
    blocked: Duration,
}

impl<T> Queue<T> {
    pub fn new(buffer: Buffer) -> io::Result<Self> {
        Ok(Queue {
            buffer,
            state: Mutex::new(State {
                // What has no bytes comes on top, and ends something.
                frames: VecDeque::with_capacity(FRAMES + 64),
                bytes: 0,
                handed_out: 0,
                closed: false,
                hungry: false,
                spare: Vec::new(),
                blocked: Duration::ZERO,
            }),
            space: Condvar::new(),
            filled: Arc::new(Event::new()?),
            hunger: Notify::new(),
        })
    }

    /// The state holds no invariant that a panic of the other side could break.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Readable while a frame may be waiting.
    pub fn fd(&self) -> RawFd {
        self.filled.fd()
    }

    /// Raised when the main thread has to look.
    pub fn event(&self) -> Arc<Event> {
        Arc::clone(&self.filled)
    }

    /// Appends a frame of `bytes` bytes, waiting for room. Reader thread only.
    pub fn push(&self, frame: T, bytes: usize) -> Result<()> {
        let mut state = self.lock();
        while !state.frames.is_empty()
            && (state.bytes.saturating_add(bytes) > self.buffer.capacity
                || state.frames.len() >= FRAMES)
            && !state.closed
        {
            // What has no bytes says that something has ended: that is always heard.
            if bytes == 0 {
                break;
            }
            if self.buffer.overflow == Overflow::Error {
                return Err(overflowed(self.buffer.capacity));
            }
            let since = Instant::now();
            state = self
                .space
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.blocked = state.blocked.saturating_add(since.elapsed());
        }
        if state.closed {
            return Err(Error::new(Kind::Cancelled, "nobody reads any more"));
        }
        let first = state.frames.is_empty();
        state.frames.push_back((frame, bytes));
        state.bytes = state.bytes.saturating_add(bytes);
        state.hungry = false;
        drop(state);
        if first {
            self.filled.raise();
        }
        Ok(())
    }

    /// The next frame if there is one.
    pub fn try_pop(&self) -> Option<T> {
        let mut state = self.lock();
        let Some((frame, bytes)) = state.frames.pop_front() else {
            self.filled.clear();
            if !state.hungry {
                state.hungry = true;
                drop(state);
                self.hunger.notify_one();
            }
            return None;
        };
        // What was handed out before is used up by now; this frame counts until the next one.
        state.bytes = state.bytes.saturating_sub(state.handed_out);
        state.handed_out = bytes;
        drop(state);
        self.space.notify_one();
        Some(frame)
    }

    /// What there was to wait for, since this was last asked.
    pub fn take_gauges(&self) -> Gauges {
        let mut state = self.lock();
        Gauges {
            target_wait: std::mem::take(&mut state.blocked),
            fill: (state.bytes as f64 / self.buffer.capacity.max(1) as f64).min(1.0),
        }
    }

    /// Does the main thread wait for a frame?
    pub fn is_hungry(&self) -> bool {
        self.lock().hungry
    }

    /// Until the main thread waits for a frame. Reader thread only.
    pub async fn hunger(&self) {
        while !self.is_hungry() {
            self.hunger.notified().await;
        }
    }

    /// Gives an emptied buffer back for the reader to fill.
    pub fn recycle(&self, mut buffer: Vec<u8>) {
        let mut state = self.lock();
        if state.spare.len() < SPARE && buffer.capacity() <= SPARE_CAPACITY {
            buffer.clear();
            state.spare.push(buffer);
        }
    }

    pub fn spare(&self) -> Vec<u8> {
        self.lock().spare.pop().unwrap_or_default()
    }

    /// Ends the reader's waiting: nobody reads any more.
    pub fn close(&self) {
        self.lock().closed = true;
        self.space.notify_all();
    }
}

fn overflowed(capacity: usize) -> Error {
    Error::new(
        Kind::InsufficientResources,
        "the buffer between the source and PostgreSQL is full",
    )
    .with_detail(format!(
        "It has {capacity} bytes, and overflow is \"error\"."
    ))
    .with_hint("SELECT sync_alter_job('<job>', '{\"overflow\": \"block\"}'); has the source wait")
}
