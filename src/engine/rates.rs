//! How fast a log is applied.

use std::time::Instant;

/// What was applied since the source was last heard.
#[derive(Default)]
pub struct Rates {
    since: Option<Instant>,
    transactions: u64,
    rows: u64,
}

impl Rates {
    pub fn count(&mut self, transactions: u64, rows: u64) {
        self.transactions += transactions;
        self.rows += rows;
    }

    /// Transactions and rows per second; None at the first look.
    pub fn take(&mut self) -> Option<(f64, f64)> {
        let before = std::mem::replace(
            self,
            Rates {
                since: Some(Instant::now()),
                ..Rates::default()
            },
        );
        let seconds = before.since?.elapsed().as_secs_f64();
        (seconds > 0.0).then(|| {
            (
                before.transactions as f64 / seconds,
                before.rows as f64 / seconds,
            )
        })
    }
}
