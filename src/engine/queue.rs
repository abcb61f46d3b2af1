//! The bounded channel between the reader thread and the main thread.
//!
//! The reader blocks when the main thread does not keep up: then its socket stalls, and with it the
//! source. The main thread never blocks here; it waits for [`Queue::fd`] with the server's latch.

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::{Error, Kind, Result};
use crate::pg::thread::Event;

/// Bytes under way at most; a single larger frame passes alone.
const CAPACITY: usize = 8 << 20;
/// Emptied buffers kept for the next frames.
const SPARE: usize = 8;
/// A buffer that grew beyond this for a wide row is not kept.
const SPARE_CAPACITY: usize = 1 << 20;

#[derive(Debug)]
pub struct Queue<T> {
    state: Mutex<State<T>>,
    space: Condvar,
    filled: Event,
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
}

impl<T> Queue<T> {
    pub fn new() -> io::Result<Self> {
        Ok(Queue {
            state: Mutex::new(State {
                frames: VecDeque::new(),
                bytes: 0,
                handed_out: 0,
                closed: false,
                hungry: false,
                spare: Vec::new(),
            }),
            space: Condvar::new(),
            filled: Event::new()?,
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

    /// Appends a frame of `bytes` bytes, waiting for room. Reader thread only.
    pub fn push(&self, frame: T, bytes: usize) -> Result<()> {
        let mut state = self.lock();
        while !state.frames.is_empty()
            && state.bytes.saturating_add(bytes) > CAPACITY
            && !state.closed
        {
            state = self
                .space
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
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
