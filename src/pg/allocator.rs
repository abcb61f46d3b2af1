//! The allocator of this library: memory that a source asks for must not end the server.
//!
//! Where memory cannot be had Rust aborts the process, and the postmaster then restarts the whole
//! database. The driver sets aside what a source announces: so many columns of a result, so many bytes
//! of a compressed transaction. On a thread that reads from a source, an allocation that no honest source
//! leads to, or a large one that fails, stops the thread for good; whoever waits for it is told by its
//! [`Alarm`]. The thread keeps what it has, its connection too, until its process ends. So that many small ones
//! do not come to the same, all that is allocated here is counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};

use super::thread::Event;

/// A packet has 1 GiB at most, and a buffer that grows has twice of what it needs at most. A compressed
/// transaction that comes to as much is taken too.
const LARGEST: usize = (2 << 30) + (64 << 20);
/// The same for lists of things: no result has so many columns, no table so many rows that are held.
const LARGEST_LIST: usize = 256 << 20;
/// All that is held at the same time: a packet and what it unpacks to, and rows as large on their way.
const MOST: usize = 2 * LARGEST;
/// Smaller ones are made everywhere, also where a lock is held that the main thread needs.
const LARGE: usize = 1 << 20;

#[global_allocator]
static ALLOCATOR: Guarded = Guarded;

/// A thread of this process was stopped.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Bytes that are allocated and not yet given back, but for [`UNCOUNTED`] of each thread.
static HELD: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    /// A thread counts for itself up to [`LARGE`]: what it gives back may be another one's.
    static UNCOUNTED: Cell<isize> = const { Cell::new(0) };
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
                count_all();
            }
        }
        ALARM.set(Arc::as_ptr(&self));
        let _watch = Watch;
        work()
    }
}

/// Was a thread of this process stopped, or given up? What it keeps goes with the process.
pub fn has_stopped_a_thread() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

/// A thread does not come back from what it is at, and nobody waits for it any more.
pub fn give_up_a_thread() {
    STOPPED.store(true, Ordering::Relaxed);
}

/// Is more held than any honest source leads to? How much.
pub fn holds_too_much() -> Option<usize> {
    let held = held();
    (held > MOST).then_some(held)
}

fn held() -> usize {
    usize::try_from(HELD.load(Ordering::Relaxed)).unwrap_or(0)
}

fn count(bytes: isize) {
    // None on a thread that is ending.
    let _ = UNCOUNTED.try_with(|uncounted| {
        let sum = uncounted.get().wrapping_add(bytes);
        if sum.unsigned_abs() < LARGE {
            return uncounted.set(sum);
        }
        HELD.fetch_add(sum, Ordering::Relaxed);
        uncounted.set(0);
    });
}

/// A thread that ends has counted all: what it has given back for others would be missed for ever.
pub fn count_all() {
    let _ = UNCOUNTED.try_with(|uncounted| HELD.fetch_add(uncounted.replace(0), Ordering::Relaxed));
}

/// Is it more than any honest source leads to, beside what is held?
fn is_absurd(align: usize, bytes: usize, held: usize) -> bool {
    bytes > LARGEST || align > 1 && bytes > LARGEST_LIST || held.saturating_add(bytes) > MOST
}

struct Guarded;

// SAFETY: all memory comes from the system's allocator and goes back to it, with the same layouts;
// what does not return at all breaks no promise.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the system's allocator.
        counted(layout, 0, layout.size(), || unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        counted(layout, 0, layout.size(), || unsafe {
            System.alloc_zeroed(layout)
        })
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        counted(layout, layout.size(), size, || unsafe {
            System.realloc(old, layout, size)
        })
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(old, layout) }
        count(difference(layout.size(), 0));
    }
}

/// No allocation is larger than `isize::MAX`.
fn difference(before: usize, after: usize) -> isize {
    after.wrapping_sub(before).cast_signed()
}

fn counted(layout: Layout, before: usize, after: usize, get: impl FnOnce() -> *mut u8) -> *mut u8 {
    let memory = guarded(layout, before, after, get);
    if !memory.is_null() {
        count(difference(before, after));
    }
    memory
}

/// `layout` tells bytes from things; of a list that grows, `size` is the new one.
fn guarded(layout: Layout, before: usize, size: usize, get: impl FnOnce() -> *mut u8) -> *mut u8 {
    if size < LARGE {
        return get();
    }
    let alarm = ALARM.try_with(Cell::get).unwrap_or(ptr::null());
    if alarm.is_null() {
        return get();
    }
    let held = held().saturating_sub(before);
    let absurd = is_absurd(layout.align(), size, held);
    if !absurd {
        let memory = get();
        if !memory.is_null() {
            return memory;
        }
    }
    // SAFETY: `watch` holds the alarm for as long as it is set, and does not return any more.
    let alarm = unsafe { &*alarm };
    STOPPED.store(true, Ordering::Relaxed);
    alarm.absurd.store(absurd, Ordering::Relaxed);
    let all = match absurd && !is_absurd(layout.align(), size, 0) {
        true => held.saturating_add(size),
        false => size,
    };
    alarm.asked.store(all, Ordering::Release);
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
    fn what_is_held_is_counted() {
        let half_gigabyte = 512usize << 20;
        let before = held();
        let memory = std::hint::black_box(Vec::<u8>::with_capacity(half_gigabyte));
        let while_held = held();
        drop(memory);
        // Other tests have some memory as well.
        assert!(while_held > before + half_gigabyte * 3 / 4);
        assert!(held() + half_gigabyte / 2 < while_held);
        assert!(is_absurd(1, LARGE, MOST));
        assert!(!is_absurd(1, LARGE, MOST - LARGE));
        assert_eq!(holds_too_much(), None);
    }

    #[test]
    fn a_thread_that_has_ended_has_counted_all() {
        let before = held();
        for _ in 0..400 {
            // Less than what a thread counts for itself.
            let memory = std::hint::black_box(Vec::<u8>::with_capacity(LARGE / 2));
            let alarm = Arc::new(Alarm::new(Arc::new(Event::new().unwrap())));
            let ended = thread::spawn("watched", alarm, move || drop(memory));
            ended.unwrap().join().unwrap();
        }
        assert!(held() < before + (100 << 20));
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
