//! Copying a chunk: the reader streams its rows, each batch commits with the chunk's cursor, its
//! counters and its rejects.
//!
//! Between two batches nothing of the chunk is in memory that the catalog does not hold. A unit
//! without a key, or one whose target is replaced, commits all its batches together.
//!
//! ```text
//! fast      large batches, each one COPY; rows that the codec refuses are rejects already
//!   |  PostgreSQL refuses a row of a batch: roll back, read again from the cursor
//!   v
//! careful   small batches with the origin of each row; bad rows are found and become rejects
//!   |  so many batches without a bad row
//!   v
//! fast
//! ```

use super::destination::{Destination, Written};
use super::prepare::in_one_transaction;
use super::reader::Reader;
use super::rejects::{self, Ended};
use super::split::key_request;
use super::throttle::{Slowed, Throttle};
use super::{failure, foreign_keys};
use crate::catalog::chunk::{self, Adjusted, Chunk, Counted};
use crate::catalog::job::{self, Job};
use crate::catalog::unit::{self, Unit};
use crate::catalog::{reject, unit_state, unit_stream};
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, BatchLimit, SharedLimit};
use crate::model::policy::Policies;
use crate::model::reject::{MaxRejects, Reject};
use crate::model::state::LoadMethod;
use crate::pg::{transaction, worker};
use crate::sink::halves::refuses_a_row;
use crate::sink::target;
use crate::source::mysql::SnapshotRequest;

/// A careful batch: small, as its rows are kept in another form as well.
const CAREFUL: BatchLimit = BatchLimit {
    rows: 1_000,
    bytes: 1024 * 1024,
};
/// So many careful batches in a row, behind a bad row and without another, end the care.
const CLEAN_BATCHES: u32 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    Fast,
    Careful,
}

pub fn copy(job: &Job, unit: &Unit, chunk: &Chunk, reader: &mut Reader) -> Result<()> {
    let mut copying = Copying::begin(job, unit, chunk)?;
    copying.throttle.pay(0, 0)?;
    let mut care = Care::Fast;
    loop {
        match copying.stream(care, reader) {
            Ok(Streamed::All) => return Ok(()),
            Ok(Streamed::Clean) => care = Care::Fast,
            Err(error) if care == Care::Fast && refuses_a_row(&error) => care = Care::Careful,
            Err(error) => return Err(error),
        }
        // What was asked for is not read to its end: another connection begins at the cursor.
        *reader = reader.renewed()?;
        copying.find_cursor()?;
    }
}

/// How a stream ended.
enum Streamed {
    /// With the chunk's last row.
    All,
    /// After enough batches without a bad row.
    Clean,
}

struct Copying<'a> {
    job: &'a Job,
    unit: &'a Unit,
    chunk: Chunk,
    destination: Destination,
    /// All batches commit together.
    at_once: bool,
    /// The log is followed, and has no key to heal by what was read too early or too late.
    positioned: bool,
    replace: bool,
    throttle: Throttle,
    policies: Policies,
    max_rejects: MaxRejects,
    attempts_to_clear: bool,
}

impl<'a> Copying<'a> {
    fn begin(job: &'a Job, unit: &'a Unit, chunk: &Chunk) -> Result<Self> {
        let options = job.options()?;
        let values = transaction::run(|| job::unit_options(job.job_id, &unit.unit))?.values;
        let method = unit.method()?;
        if method == LoadMethod::Replace {
            foreign_keys::drop_of(unit)?;
        }
        let destination = transaction::run(|| Destination::find(unit))?;
        Ok(Copying {
            job,
            unit,
            chunk: chunk.clone(),
            at_once: in_one_transaction(&destination.plan, method),
            replace: method == LoadMethod::Replace,
            positioned: job.streams() && destination.plan.key.is_none(),
            destination,
            policies: options.values.policies(&values),
            max_rejects: options.values.max_rejects(&values),
            throttle: Throttle::new(job, unit.run_id, Slowed::Chunk(chunk.chunk_id))?,
            attempts_to_clear: unit.attempts > 0,
        })
    }

    fn find_cursor(&mut self) -> Result<()> {
        let found = transaction::run(|| chunk::get(self.chunk.chunk_id))?;
        self.chunk = found.ok_or_else(|| unit::taken_away(&self.unit.unit))?;
        Ok(())
    }

    fn request(&self, care: Care) -> Result<SnapshotRequest> {
        let plan = &self.destination.plan;
        Ok(SnapshotRequest {
            schema: plan.source_schema.clone(),
            table: plan.source_table.clone(),
            columns: plan
                .columns
                .iter()
                .map(|column| column.source.clone())
                .collect(),
            key: key_request(plan)?,
            range: self.chunk.remaining(),
            keys: Vec::new(),
            filter: plan.filter.clone(),
            limit: match care {
                Care::Fast => self.throttle.limit.clone(),
                Care::Careful => {
                    let wanted = self.throttle.limit.get();
                    SharedLimit::new(BatchLimit {
                        rows: wanted.rows.min(CAREFUL.rows),
                        bytes: wanted.bytes.min(CAREFUL.bytes),
                    })
                }
            },
            origins: care == Care::Careful,
            positioned: self.positioned,
        })
    }

    fn stream(&mut self, care: Care, reader: &Reader) -> Result<Streamed> {
        let encoder = self.destination.encoder(self.policies)?;
        reader.start_snapshot(self.request(care)?, encoder)?;
        if self.at_once {
            return self.write_at_once(care, reader);
        }
        // Care ends some way behind a bad row, and not before the one that began it.
        let mut clean = None;
        loop {
            // Wait for the source outside of a transaction.
            let first = reader.next_piece()?;
            let batch = transaction::run(|| {
                let (written, end) = match care {
                    Care::Fast => self.destination.write(first, reader)?,
                    Care::Careful => self.destination.write_carefully(first, reader)?,
                };
                let batch = self.count(written, end, reader)?;
                // The end of a unit waits for the disk; what comes before need not.
                transaction::commit_without_waiting();
                Ok(batch)
            })?;
            self.chunk.adjustments = batch.adjusted;
            if std::mem::take(&mut self.attempts_to_clear) {
                transaction::run(|| unit_state::clear_attempts(self.unit.unit_id))?;
            }
            if batch.rejected > 0 {
                // The rejects are kept, and then the unit fails where they are too many.
                transaction::run(|| rejects::require_few(self.unit, self.max_rejects, Ended::No))?;
            }
            if batch.last {
                // Whoever takes up the next chunk waits for it.
                self.throttle.charge(batch.read, batch.bytes)?;
                return Ok(Streamed::All);
            }
            self.throttle.pay(batch.read, batch.bytes)?;
            clean = match batch.refused {
                0 => clean.map(|batches| batches + 1),
                _ => Some(0),
            };
            if care == Care::Careful && clean >= Some(CLEAN_BATCHES) {
                return Ok(Streamed::Clean);
            }
        }
    }

    /// All batches in one transaction.
    fn write_at_once(&mut self, care: Care, reader: &Reader) -> Result<Streamed> {
        // What the transaction takes with it when the rejects are too many.
        let mut sample: Vec<Reject> = Vec::new();
        let position = match self.positioned {
            true => Some(reader.snapshot_position()?),
            false => None,
        };
        let first = reader.next_piece()?;
        self.throttle.enter()?;
        let outcome = transaction::run(|| {
            if let Some(position) = &position {
                unit_stream::set_copied_at(self.unit, position)?;
            }
            reject::forget(self.chunk.chunk_id)?;
            if self.replace {
                target::delete_rows(&self.destination.plan)?;
            }
            let mut adjusted = Adjusted::new();
            let mut piece = first;
            loop {
                let (written, end) = match care {
                    Care::Fast => self.destination.write(piece, reader)?,
                    Care::Careful => self.destination.write_carefully(piece, reader)?,
                };
                rejects::keep_some(&mut sample, &end.rejects, &written.rejects);
                self.chunk.adjustments = adjusted;
                let batch = self.count(written, end, reader)?;
                adjusted = batch.adjusted;
                if batch.rejected > 0 {
                    rejects::require_few(self.unit, self.max_rejects, Ended::No)?;
                }
                if batch.last {
                    transaction::commit_without_waiting();
                    return Ok(Streamed::All);
                }
                self.throttle.pay(batch.read, batch.bytes)?;
                piece = reader.next_piece()?;
            }
        });
        if outcome
            .as_ref()
            .is_err_and(|error| error.kind == Kind::TooManyRejects)
        {
            failure::name_rejects(&mut sample, &self.job.job, &self.unit.unit);
            transaction::run(|| reject::insert(self.chunk.chunk_id, &sample))?;
        }
        self.throttle.leave().and(outcome)
    }

    /// Counts a batch that was written, keeps its rejects and moves the cursor.
    fn count(&self, written: Written, end: BatchEnd, reader: &Reader) -> Result<Counts> {
        let refused = end.rejects.len() as u64;
        if end.read != end.rows + refused {
            return Err(out_of_balance(end.read, end.rows, refused));
        }
        let refused_here = written.rejects.len() as u64;
        let rejected = refused + refused_here;
        let adjusted = self.chunk.adjusted_by(&end.adjustments);
        let counted = Counted {
            end: &end,
            written: written.rows,
            rejected,
            filtered: written.filtered,
            adjusted: (!end.adjustments.is_empty()).then_some(&adjusted),
            waits: reader.take_waits(),
        };
        if !chunk::advance(self.chunk.chunk_id, worker::pid(), &counted)? {
            return Err(unit::taken_away(&self.unit.unit));
        }
        let (read, bytes) = (end.read, end.bytes);
        let mut rows: Vec<Reject> = end.rejects;
        rows.extend(written.rejects);
        failure::name_rejects(&mut rows, &self.job.job, &self.unit.unit);
        reject::insert(self.chunk.chunk_id, &rows)?;
        Ok(Counts {
            read,
            bytes,
            rejected,
            refused: refused_here,
            adjusted,
            last: end.last,
        })
    }
}

/// What a batch came to.
struct Counts {
    read: u64,
    bytes: u64,
    rejected: u64,
    /// Of these PostgreSQL refused so many.
    refused: u64,
    adjusted: Adjusted,
    last: bool,
}

fn out_of_balance(read: u64, encoded: u64, refused: u64) -> Error {
    Error::new(
        Kind::Internal,
        format!("{read} rows were read, {encoded} encoded and {refused} refused"),
    )
}
