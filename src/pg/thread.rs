//! Threads that PostgreSQL does not notice: no signal reaches them and they call nothing of it.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::allocator::Alarm;

/// Starts a thread with all signals blocked, so that every signal handler of the server runs on
/// the main thread. The thread's own threads inherit the mask. `alarm` is raised where it is stopped for
/// the memory that it asks for.
pub fn spawn<T: Send + 'static>(
    name: &str,
    alarm: Arc<Alarm>,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let _blocked = BlockedSignals::new();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || alarm.watch(work))
}

/// All signals blocked on the calling thread while it lives; a new thread inherits the mask.
struct BlockedSignals {
    previous: libc::sigset_t,
}

impl BlockedSignals {
    fn new() -> Self {
        // SAFETY: plain signal-set calls on local storage, on the calling thread.
        unsafe {
            let mut all = std::mem::zeroed();
            let mut previous = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut previous);
            BlockedSignals { previous }
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: puts back the mask that `new` read on this thread.
        unsafe {
            libc::pthread_sigmask(
                libc::SIG_SETMASK,
                &raw const self.previous,
                std::ptr::null_mut(),
            );
        }
    }
}

/// A counter in the kernel that one thread raises and another waits for.
#[derive(Debug)]
pub struct Event(OwnedFd);

impl Event {
    pub fn new() -> io::Result<Self> {
        // SAFETY: eventfd has no memory arguments; a valid descriptor is owned from here on.
        unsafe {
            match libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) {
                -1 => Err(io::Error::last_os_error()),
                fd => Ok(Event(OwnedFd::from_raw_fd(fd))),
            }
        }
    }

    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Makes the descriptor readable.
    pub fn raise(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: writes eight bytes from a local. A full counter is as readable as any.
        let _ = unsafe { libc::write(self.fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Makes it unreadable again.
    pub fn clear(&self) {
        let mut count = [0u8; 8];
        // SAFETY: reads at most eight bytes into a local; the descriptor does not block.
        let _ = unsafe { libc::read(self.fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}
