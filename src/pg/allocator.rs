//! The allocator of this library: memory that a source asks for must not end the server.
//!
//! Where memory cannot be had Rust aborts the process, and the postmaster then restarts the whole
//! database. The driver sets aside what a source announces: so many columns of a result, so many bytes
//! of a compressed transaction. On a thread that reads from a source, an allocation that no honest source
//! leads to, or a large one that fails, stops the thread for good; whoever waits for it is told by its
//! [`Alarm`]. The thread keeps what it has, its connection too, until its process ends.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::thread::Event;

/// A packet has 1 GiB at most, and a buffer that grows has twice of what it needs at most. A compressed
/// transaction that comes to as much is taken too.
const LARGEST: usize = (2 << 30) + (64 << 20);
/// The same for lists of things: no result has so many columns, no table so many rows that are held.
const LARGEST_LIST: usize = 256 << 20;
/// Smaller ones are made everywhere, also where a lock is held that the main thread needs.
const LARGE: usize = 1 << 20;

#[global_allocator]
static ALLOCATOR: Guarded = Guarded;

/// A thread of this process was stopped.
static STOPPED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static ALARM: Cell<*const Alarm> = const { Cell::new(ptr::null()) };
}

/// Tells that a thread was stopped.
#[derive(Debug)]
pub struct Alarm {
    /// Bytes that were asked for; 0 as long as all is well.
    asked: AtomicUsize,
    absurd: AtomicBool,
    wakes: Arc<Event>,
}

/// What a thread was stopped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub bytes: usize,
    /// It is more than any honest source leads to; else memory is out.
    pub absurd: bool,
}

impl Alarm {
    /// `wakes` whoever waits for the thread.
    pub fn new(wakes: Arc<Event>) -> Alarm {
        Alarm {
            asked: AtomicUsize::new(0),
            absurd: AtomicBool::new(false),
            wakes,
        }
    }

    /// What the thread was stopped for, if it was.
    pub fn asked(&self) -> Option<Asked> {
        let bytes = self.asked.load(Ordering::Acquire);
        (bytes > 0).then(|| Asked {
            bytes,
            absurd: self.absurd.load(Ordering::Relaxed),
        })
    }

    /// Does `work` on this thread, watched.
    pub(super) fn watch<T>(self: Arc<Self>, work: impl FnOnce() -> T) -> T {
        // A panic ends the watch too, before the alarm is dropped.
        struct Watch;
        impl Drop for Watch {
            fn drop(&mut self) {
                ALARM.set(ptr::null());
            }
        }
        ALARM.set(Arc::as_ptr(&self));
        let _watch = Watch;
        work()
    }
}

/// Was a thread of this process stopped? What it keeps goes with the process.
pub fn has_stopped_a_thread() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

/// Is it more than any honest source leads to?
fn is_absurd(align: usize, bytes: usize) -> bool {
    bytes > LARGEST || align > 1 && bytes > LARGEST_LIST
}

struct Guarded;

// SAFETY: all memory comes from the system's allocator and goes back to it, with the same layouts;
// what does not return at all breaks no promise.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the system's allocator.
        guarded(layout, layout.size(), || unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        guarded(layout, layout.size(), || unsafe {
            System.alloc_zeroed(layout)
        })
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        guarded(layout, size, || unsafe {
            System.realloc(old, layout, size)
        })
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(old, layout) }
    }
}

/// `layout` tells bytes from things; of a list that grows, `size` is the new one.
fn guarded(layout: Layout, size: usize, get: impl FnOnce() -> *mut u8) -> *mut u8 {
    if size < LARGE {
        return get();
    }
    let alarm = ALARM.try_with(Cell::get).unwrap_or(ptr::null());
    if alarm.is_null() {
        return get();
    }
    if !is_absurd(layout.align(), size) {
        let memory = get();
        if !memory.is_null() {
            return memory;
        }
    }
    // SAFETY: `watch` holds the alarm for as long as it is set, and does not return any more.
    let alarm = unsafe { &*alarm };
    STOPPED.store(true, Ordering::Relaxed);
    alarm
        .absurd
        .store(is_absurd(layout.align(), size), Ordering::Relaxed);
    alarm.asked.store(size, Ordering::Release);
    alarm.wakes.raise();
    loop {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::thread;

    fn asked_by(work: impl FnOnce() + Send + 'static) -> usize {
        let event = Arc::new(Event::new().unwrap());
        let alarm = Arc::new(Alarm::new(Arc::clone(&event)));
        thread::spawn("watched", Arc::clone(&alarm), work).unwrap();
        // SAFETY: waits for a descriptor that is open.
        let ready = unsafe {
            let mut poll = libc::pollfd {
                fd: event.fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            libc::poll(&raw mut poll, 1, 60_000)
        };
        assert_eq!(ready, 1, "the alarm is not raised");
        let asked = alarm.asked().unwrap();
        assert!(asked.absurd);
        asked.bytes
    }

    #[test]
    fn what_cannot_be_had_stops_the_thread_and_nothing_else() {
        let terabyte = 1usize << 40;
        let asked =
            asked_by(move || drop(std::hint::black_box(Vec::<u8>::with_capacity(terabyte))));
        assert_eq!(asked, terabyte);
        let asked = asked_by(move || drop(std::hint::black_box(vec![0u8; terabyte])));
        assert_eq!(asked, terabyte);
        let asked = asked_by(move || {
            let mut grown = vec![1u8; LARGE];
            grown.reserve_exact(terabyte);
            drop(std::hint::black_box(grown));
        });
        assert_eq!(asked, terabyte + LARGE);
        // As many things as bytes would be allowed.
        let things = LARGEST_LIST / 8 + 1;
        let asked = asked_by(move || drop(std::hint::black_box(Vec::<u64>::with_capacity(things))));
        assert_eq!(asked, things * 8);
        assert!(has_stopped_a_thread());
    }

    #[test]
    fn what_can_be_had_is() {
        let event = Arc::new(Event::new().unwrap());
        let alarm = Arc::new(Alarm::new(event));
        let length = thread::spawn("watched", Arc::clone(&alarm), || {
            std::hint::black_box(vec![7u8; 64 << 20]).len()
        })
        .unwrap()
        .join()
        .unwrap();
        assert_eq!((length, alarm.asked()), (64 << 20, None));
    }
}
