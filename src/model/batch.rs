//! What the reader thread hands to the main thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::key::Key;
use super::policy::Adjustment;
use super::position::Position;
use super::reject::Reject;
use crate::error::Result;

/// Closes a batch: its rows commit together with this cursor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchEnd {
    /// Rows that were encoded.
    pub rows: u64,
    /// Rows that came from the source: those encoded and those refused.
    pub read: u64,
    /// Encoded bytes of the batch.
    pub bytes: u64,
    /// Key of the batch's last row; None for a unit without a key.
    pub last_key: Option<Key>,
    /// No batch follows: the source sent its end-of-result packet.
    pub last: bool,
    /// Rows that were refused before they were encoded.
    pub rejects: Vec<Reject>,
    /// Values that a policy altered.
    pub adjustments: Vec<Adjustment>,
    /// What each encoded row came from, where that was asked for.
    pub origins: Vec<RowOrigin>,
}

impl BatchEnd {
    /// About how much it holds.
    pub fn held(&self) -> usize {
        let rejects = self.rejects.iter().map(|reject| weight(&reject.row));
        let origins = self.origins.iter().map(|origin| weight(&origin.row));
        rejects.chain(origins).fold(0, usize::saturating_add)
    }
}

/// About how much a row's values hold.
fn weight(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    const EACH: usize = 64;
    let inner = match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(weight).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| name.len() + weight(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    EACH.saturating_add(inner)
}

/// What an encoded row came from: for rows that PostgreSQL may refuse.
#[derive(Debug, Clone, PartialEq)]
pub struct RowOrigin {
    /// Bytes of the encoded row.
    pub bytes: usize,
    pub key: Option<Key>,
    /// The row's values as in [`Reject::row`].
    pub row: serde_json::Value,
}

/// Bounds of a batch. A batch ends with the row that reaches either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimit {
    pub rows: u64,
    pub bytes: u64,
}

/// Bounds that may change while batches are being filled: both threads hold them.
#[derive(Debug, Clone, Default)]
pub struct SharedLimit(Arc<[AtomicU64; 2]>);

impl SharedLimit {
    pub fn new(limit: BatchLimit) -> Self {
        let shared = SharedLimit::default();
        shared.set(limit);
        shared
    }

    /// From the next row on. The two numbers need not be seen together.
    pub fn set(&self, limit: BatchLimit) {
        let [rows, bytes] = &*self.0;
        rows.store(limit.rows, Ordering::Relaxed);
        bytes.store(limit.bytes, Ordering::Relaxed);
    }

    pub fn get(&self) -> BatchLimit {
        let [rows, bytes] = &*self.0;
        BatchLimit {
            rows: rows.load(Ordering::Relaxed),
            bytes: bytes.load(Ordering::Relaxed),
        }
    }
}

/// Who has waited for whom since the last look, in seconds, and how full the buffer between both is (0
/// to 1).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Waits {
    /// PostgreSQL for the source.
    pub source: f64,
    /// The source for PostgreSQL.
    pub target: f64,
    pub fill: f64,
}

/// Where a reader puts what it encoded. Both calls may block (backpressure) and fail with
/// `Kind::Cancelled` when nobody reads any more.
pub trait BatchSink {
    /// Takes a filled buffer of encoded rows, gives back an empty one to fill. Buffers may split
    /// rows anywhere.
    fn data(&mut self, buffer: Vec<u8>) -> Result<Vec<u8>>;
    /// Where the log stood, before the first row, where that was asked for.
    fn position(&mut self, position: Position) -> Result<()>;
    fn batch_end(&mut self, end: BatchEnd) -> Result<()>;
}
