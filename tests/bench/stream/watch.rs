//! The most that a worker holds for itself while it works.

use crate::memory::private_kb;
use crate::support::fixture::{WORKER, worker_pids};
use crate::support::postgres_client::PostgresClient;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(10);
/// Workers come and go: who they are is asked at every so-manieth look.
const LOOKS_PER_QUESTION: u32 = 20;

pub struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Watch {
    pub fn start(mut client: PostgresClient) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            // What the client's own backend holds is what a backend holds that does nothing.
            client.rows("SELECT count(*) FROM pg_class");
            let plain = private_kb(client.pid).unwrap_or(0);
            let mut most = 0;
            let mut workers = Vec::new();
            for look in 0u32.. {
                if look % LOOKS_PER_QUESTION == 0 {
                    workers = worker_pids(&mut client, WORKER);
                }
                let now = workers.iter().filter_map(|pid| private_kb(*pid)).max();
                most = most.max(now.unwrap_or(0));
                if seen.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::park_timeout(INTERVAL);
            }
            most.saturating_sub(plain)
        });
        Watch { over, thread }
    }

    /// kB above a plain backend.
    pub fn end(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().expect("the watching thread")
    }
}
