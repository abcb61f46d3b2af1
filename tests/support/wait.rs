//! Waiting for conditions, the only kind of waiting here.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// Looks at `condition` until it holds. Panics with `what` when it does not before `limit` is over.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let found = wait_for(limit, || condition().then_some(()));
    assert!(found.is_some(), "waited {limit:?} in vain: {what}");
}

/// Looks until `look` finds something; None when it does not before `limit` is over.
pub fn wait_for<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::park_timeout(INTERVAL);
    }
}

pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
