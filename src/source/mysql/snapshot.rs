//! Streaming the rows of a key range, and finding where a chunk ends.

use mysql_async::prelude::{Protocol, Queryable};
use mysql_async::{Conn, Error as Failure, QueryResult, Row, Statement, Value};

use super::connect::{Connection, Watchdog};
use super::errors::{self, Doing};
use super::key;
use super::options::RowProtocol;
use super::sql::{self, KeyPart, Select};
use crate::codec::{RowEncoder, RowError, row_json};
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, BatchSink, RowOrigin, SharedLimit};
use crate::model::cell::Cell;
use crate::model::key::Key;
use crate::model::reject::Reject;
use crate::model::table::SourceColumn;

pub use super::sql::{BoundaryRequest, KeyRequest, SnapshotRequest};

/// A buffer of rows is handed on when it holds this much.
const BUFFER_BYTES: usize = 256 * 1024;
/// What such a buffer is given in one piece: room for the row that fills it.
const BUFFER_CAPACITY: usize = BUFFER_BYTES + BUFFER_BYTES / 8;
/// From here on a buffer is likely to be filled. One that stays smaller, because its batch does,
/// holds no more than its rows need.
const SMALL_BUFFER: usize = BUFFER_BYTES / 8;
/// A batch ends with so many rejects, or so many bytes of them: they are held until it commits.
const REJECTS: usize = 1_000;
const REJECTED_BYTES: usize = 4 * 1024 * 1024;

impl Connection {
    /// The last key of the `rows` rows after `after`; None when fewer remain: the chunk is the last
    /// one and open-ended.
    pub async fn boundary(&mut self, request: &BoundaryRequest) -> Result<Option<Key>> {
        let select = sql::boundary(request)?;
        let rows = self.rows(&select.text, Vec::new()).await?;
        match rows.first() {
            Some(row) => {
                check_width(row, &select)?;
                key_of(row, &select.key)
            }
            None => Ok(None),
        }
    }

    /// Streams the rows of the range in key order through `encoder` into `sink`, in batches.
    ///
    /// The last batch, which may be empty, is closed only when the server has sent the end of the
    /// result. When the future is dropped or fails half-way, the connection is of no more use.
    pub async fn snapshot(
        &mut self,
        request: &SnapshotRequest,
        encoder: &mut RowEncoder,
        sink: &mut dyn BatchSink,
    ) -> Result<()> {
        let protocol = self.endpoint().protocol();
        let select = sql::snapshot(request, protocol)?;
        if request.positioned {
            let snapshot = self.snapshot_with_position().await?;
            let position = snapshot.exact().cloned().ok_or_else(|| {
                Error::new(
                    Kind::SourceConflict,
                    "the source was written to so fast that no exact position of the copy could be had",
                )
            })?;
            sink.position(position)?;
        }
        let doing = match request.filter {
            Some(_) => Doing::Filtering,
            None => Doing::Querying,
        };
        let mut stream = Stream {
            select,
            protocol,
            columns: &request.columns,
            origins: request.origins,
            encoder,
            batches: Batches {
                sink,
                limit: &request.limit,
                buffer: Vec::new(),
                end: BatchEnd::default(),
                rejected_bytes: 0,
                handed_on: 0,
                last_key: request.range.lower.clone(),
            },
            watchdog: Watchdog::new(self.endpoint().read_timeout()),
        };
        let conn = self.begin_reading()?;
        let outcome = stream.run(conn).await;
        match outcome {
            // The server's own error ends a result as well.
            Ok(()) | Err(Stop::Failed(Failure::Server(_))) => self.end_reading(),
            Err(_) => {}
        }
        if request.positioned && outcome.is_ok() {
            self.end_snapshot().await?;
        }
        outcome.map_err(|stop| match stop {
            Stop::Failed(failure) => self.asker().error(failure, doing),
            Stop::Silent => self.asker().timeout(doing),
            Stop::Ours(error) => error,
        })
    }
}

/// Why a stream ended before its end.
enum Stop {
    Failed(Failure),
    Silent,
    Ours(Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Ours(error)
    }
}

struct Stream<'a> {
    select: Select,
    protocol: RowProtocol,
    columns: &'a [SourceColumn],
    origins: bool,
    encoder: &'a mut RowEncoder,
    batches: Batches<'a>,
    watchdog: Watchdog,
}

impl Stream<'_> {
    async fn run(&mut self, conn: &mut Conn) -> Result<(), Stop> {
        let sql = self.select.text.clone();
        let watchdog = &mut self.watchdog;
        // Prepared for the text protocol as well: so a second statement in the filter is refused.
        let statement: Statement = watchdog
            .wait(conn.prep(sql.as_str()))
            .await
            .ok_or(Stop::Silent)??;
        if statement.num_params() > 0 {
            return Err(errors::parameters_in_filter().into());
        }
        match self.protocol {
            RowProtocol::Binary => {
                let result = watchdog.wait(conn.exec_iter(statement, ()));
                let result = result.await.ok_or(Stop::Silent)??;
                self.read(result).await
            }
            RowProtocol::Text => {
                let result = watchdog.wait(conn.query_iter(sql.as_str()));
                let result = result.await.ok_or(Stop::Silent)??;
                self.read(result).await
            }
        }
    }

    async fn read<P: Protocol>(&mut self, mut result: QueryResult<'_, '_, P>) -> Result<(), Stop> {
        // The row before the one to come: at the end of the result its key closes the last batch.
        let mut before: Option<Row> = None;
        // `next` gives None only for the packet that ends the result. Other than the driver's
        // stream it needs no boxed future per row.
        while let Some(row) = self
            .watchdog
            .wait(result.next())
            .await
            .ok_or(Stop::Silent)??
        {
            check_width(&row, &self.select)?;
            let start = self.batches.buffer.len();
            let cells = (0..self.columns.len()).map(|position| cell(&row, position));
            let full = match self.encoder.encode(cells, &mut self.batches.buffer) {
                Ok(()) => {
                    if self.origins {
                        let bytes = self.batches.buffer.len().saturating_sub(start);
                        let origin = self.origin(&row, bytes)?;
                        self.batches.end.origins.push(origin);
                    }
                    self.batches.add_row()?
                }
                Err(RowError::Refused(refused)) => {
                    let column = refused.column(self.encoder).to_owned();
                    let error = refused.into_error(self.encoder);
                    let key = key_of(&row, &self.select.key)?;
                    let reject = Reject::new(&error, Some(column), key, self.json(&row));
                    self.batches.add_reject(reject)
                }
                Err(RowError::Broken(error)) => return Err(error.into()),
            };
            before = if full {
                self.end_batch(key_of(&row, &self.select.key)?, false)?;
                None
            } else {
                Some(row)
            };
        }
        let key = match before {
            Some(row) => key_of(&row, &self.select.key)?,
            None => None,
        };
        Ok(self.end_batch(key, true)?)
    }

    fn end_batch(&mut self, key: Option<Key>, last: bool) -> Result<()> {
        self.batches.end.adjustments = self.encoder.take_adjustments();
        self.batches.end(key, last)
    }

    fn origin(&self, row: &Row, bytes: usize) -> Result<RowOrigin> {
        Ok(RowOrigin {
            bytes,
            key: key_of(row, &self.select.key)?,
            row: self.json(row),
        })
    }

    fn json(&self, row: &Row) -> serde_json::Value {
        let cells: Vec<Cell<'_>> = (0..self.columns.len())
            .map(|position| cell(row, position))
            .collect();
        row_json(self.columns, &cells)
    }
}

/// The batch being filled.
struct Batches<'a> {
    sink: &'a mut dyn BatchSink,
    limit: &'a SharedLimit,
    buffer: Vec<u8>,
    /// What is known of the batch so far.
    end: BatchEnd,
    /// About how much its rejects hold.
    rejected_bytes: usize,
    /// Bytes of this batch that the sink has already.
    handed_on: u64,
    /// Where the cursor stands: an empty batch leaves it there.
    last_key: Option<Key>,
}

impl Batches<'_> {
    /// Counts the row that was encoded into the buffer; true when it fills the batch.
    fn add_row(&mut self) -> Result<bool> {
        self.end.rows += 1;
        self.end.read += 1;
        if self.buffer.len() >= BUFFER_BYTES {
            self.hand_on()?;
        }
        let bytes = self.handed_on + self.buffer.len() as u64;
        let limit = self.limit.get();
        let full = self.end.rows >= limit.rows || bytes >= limit.bytes;
        let filled = self.buffer.len();
        if !full && filled > SMALL_BUFFER {
            self.buffer
                .reserve_exact(BUFFER_CAPACITY.saturating_sub(filled));
        }
        Ok(full)
    }

    /// Keeps a row that was refused; true when there are enough of them for one batch.
    fn add_reject(&mut self, reject: Reject) -> bool {
        self.end.read += 1;
        self.rejected_bytes += reject.row.to_string().len();
        self.end.rejects.push(reject);
        self.end.rejects.len() >= REJECTS || self.rejected_bytes >= REJECTED_BYTES
    }

    fn end(&mut self, key: Option<Key>, last: bool) -> Result<()> {
        if !self.buffer.is_empty() {
            self.hand_on()?;
        }
        if key.is_some() {
            self.last_key = key;
        }
        self.rejected_bytes = 0;
        self.sink.batch_end(BatchEnd {
            bytes: std::mem::take(&mut self.handed_on),
            last_key: self.last_key.clone(),
            last,
            ..std::mem::take(&mut self.end)
        })
    }

    fn hand_on(&mut self) -> Result<()> {
        let full = std::mem::take(&mut self.buffer);
        self.handed_on += full.len() as u64;
        self.buffer = self.sink.data(full)?;
        Ok(())
    }
}

fn check_width(row: &Row, select: &Select) -> Result<()> {
    if row.len() == select.width {
        return Ok(());
    }
    Err(errors::violation(format!(
        "the source sent a row of {} values where {} were selected",
        row.len(),
        select.width
    )))
}

/// None without a key.
fn key_of(row: &Row, parts: &[KeyPart]) -> Result<Option<Key>> {
    if parts.is_empty() {
        return Ok(None);
    }
    parts
        .iter()
        .map(|part| key::read(part.form, row.as_ref(part.position).unwrap_or(&Value::NULL)))
        .collect::<Result<Key>>()
        .map(Some)
}

fn cell(row: &Row, position: usize) -> Cell<'_> {
    match row.as_ref(position) {
        None | Some(Value::NULL) => Cell::Null,
        Some(Value::Bytes(bytes)) => Cell::Bytes(bytes),
        Some(Value::Int(number)) => Cell::Int(*number),
        Some(Value::UInt(number)) => Cell::UInt(*number),
        Some(Value::Float(number)) => Cell::Float(*number),
        Some(Value::Double(number)) => Cell::Double(*number),
        Some(&Value::Date(year, month, day, hour, minute, second, microsecond)) => Cell::DateTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            microsecond,
        },
        Some(&Value::Time(negative, days, hours, minutes, seconds, microseconds)) => Cell::Time {
            negative,
            days,
            hours,
            minutes,
            seconds,
            microseconds,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::BatchLimit;
    use crate::model::position::Position;

    /// Keeps every buffer, so that none is recycled.
    #[derive(Default)]
    struct Kept {
        buffers: Vec<Vec<u8>>,
        ends: Vec<BatchEnd>,
    }

    impl BatchSink for Kept {
        fn data(&mut self, buffer: Vec<u8>) -> Result<Vec<u8>> {
            self.buffers.push(buffer);
            Ok(Vec::new())
        }

        fn position(&mut self, _: Position) -> Result<()> {
            Ok(())
        }

        fn batch_end(&mut self, end: BatchEnd) -> Result<()> {
            self.ends.push(end);
            Ok(())
        }
    }

    fn fill(rows: u64, row: &[u8], rows_per_batch: u64) -> Kept {
        let mut sink = Kept::default();
        let mut batches = Batches {
            sink: &mut sink,
            limit: &SharedLimit::new(BatchLimit {
                rows: rows_per_batch,
                bytes: u64::MAX,
            }),
            buffer: Vec::new(),
            end: BatchEnd::default(),
            rejected_bytes: 0,
            handed_on: 0,
            last_key: None,
        };
        for _ in 0..rows {
            batches.buffer.extend_from_slice(row);
            if batches.add_row().unwrap() {
                batches.end(None, false).unwrap();
            }
        }
        batches.end(None, true).unwrap();
        sink
    }

    #[test]
    fn small_batches_hold_small_buffers() {
        let sink = fill(1_000, &[7; 40], 1);
        assert_eq!(sink.buffers.len(), 1_000);
        assert_eq!(sink.ends.len(), 1_001);
        let held: usize = sink.buffers.iter().map(Vec::capacity).sum();
        assert!(held <= 1_000 * 64, "{held}");
    }

    #[test]
    fn large_batches_fill_whole_buffers() {
        let sink = fill(50_000, &[7; 100], u64::MAX);
        assert_eq!(sink.ends.last().map(|end| end.bytes), Some(5_000_000));
        let (_, whole) = sink.buffers.split_last().unwrap();
        for buffer in whole {
            assert!((BUFFER_BYTES..BUFFER_BYTES + 100).contains(&buffer.len()));
            assert_eq!(buffer.capacity(), BUFFER_CAPACITY);
        }
    }
}
