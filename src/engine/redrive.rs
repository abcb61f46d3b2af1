//! Writing a unit's rejects again, after their cause was fixed here or at the source.
//!
//! A row with a key is read anew from the source, so that what goes in is what the source has now; a
//! row that is not there any more is no reject any more. A row without a key is taken as it was kept.
//! What goes in is taken out of the rejects in the same transaction; what is refused again stays, with
//! the new reason.

use super::destination::{Destination, Written};
use super::failure;
use super::reader::{Log, Piece, Reader};
use super::split::key_request;
use crate::catalog::chunk;
use crate::catalog::job::{self, Job};
use crate::catalog::reject::{self, Kept, Outcome};
use crate::catalog::unit::{self, Unit};
use crate::catalog::unit_redrive;
use crate::codec::{RowEncoder, RowError, replay};
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, BatchLimit, RowOrigin, SharedLimit};
use crate::model::cell::Cell;
use crate::model::change::UnitChanges;
use crate::model::key::{Key, KeyRange};
use crate::model::reject::Reject;
use crate::model::state::Phase;
use crate::model::table::SourceColumn;
use crate::pg::transaction;
use crate::sink::apply::{Applier, Care};
use crate::source::mysql::SnapshotRequest;

/// Rejects that are looked at together.
const AT_ONCE: i64 = 100;
const LIMIT: BatchLimit = BatchLimit {
    rows: 100,
    bytes: 1024 * 1024,
};

pub fn redrive(job: &Job, unit: &Unit, reader: &Reader) -> Result<()> {
    let options = job.options()?;
    let follows = unit.phase() == Some(Phase::CatchUp);
    let (destination, applier, policies) = transaction::run(|| {
        let values = job::unit_options(job.job_id, &unit.unit)?.values;
        let destination = Destination::find(unit)?;
        let applier = follows.then(|| destination.applier(unit.unit_id));
        let policies = options.values.policies(&values);
        Ok((destination, applier.transpose()?, policies))
    })?;
    let mut driving = Driving {
        job,
        unit,
        columns: destination
            .plan
            .columns
            .iter()
            .map(|column| column.source.clone())
            .collect(),
        destination,
        applier,
    };
    let mut after = 0;
    loop {
        let rejects = transaction::run(|| reject::after(unit.unit_id, after, AT_ONCE))?;
        let Some(last) = rejects.last() else {
            break;
        };
        after = last.reject_id;
        let encoder = driving.destination.encoder(policies)?;
        let (keyed, kept): (Vec<_>, Vec<_>) =
            rejects.into_iter().partition(|reject| reject.key.is_some());
        if !keyed.is_empty() {
            driving.read_again(keyed, encoder.clone(), reader)?;
        }
        if !kept.is_empty() {
            driving.replay(&kept, encoder)?;
        }
    }
    let log_end = match follows {
        true => Some(reader.position(Log::End)?),
        false => None,
    };
    transaction::run(|| unit_redrive::set_redriven(unit, log_end.as_ref()))
}

struct Driving<'a> {
    job: &'a Job,
    unit: &'a Unit,
    destination: Destination,
    columns: Vec<SourceColumn>,
    /// Where the unit follows the log, which may have brought a later state of the row.
    applier: Option<Applier>,
}

impl Driving<'_> {
    /// Reads the rows with the rejects' keys from the source and writes them.
    fn read_again(
        &mut self,
        mut rejects: Vec<Kept>,
        encoder: RowEncoder,
        reader: &Reader,
    ) -> Result<()> {
        let plan = &self.destination.plan;
        let keys: Vec<Key> = rejects.iter().filter_map(|kept| kept.key.clone()).collect();
        reader.start_snapshot(
            SnapshotRequest {
                schema: plan.source_schema.clone(),
                table: plan.source_table.clone(),
                columns: self.columns.clone(),
                key: key_request(plan)?,
                range: KeyRange::default(),
                keys,
                filter: plan.filter.clone(),
                limit: SharedLimit::new(LIMIT),
                origins: true,
                positioned: false,
            },
            encoder,
        )?;
        loop {
            let (rows, mut end) = batch(reader)?;
            let last = end.last;
            let origins = std::mem::take(&mut end.origins);
            transaction::run(|| {
                self.lock()?;
                if let Some(kept) = rejects.first() {
                    chunk::add_adjustments(kept.chunk_id, &end.adjustments)?;
                }
                let mut start = 0usize;
                for origin in origins {
                    let row = rows
                        .get(start..start.saturating_add(origin.bytes))
                        .ok_or_else(out_of_step)?;
                    start = start.saturating_add(origin.bytes);
                    let kept = take(&mut rejects, origin.key.as_ref()).ok_or_else(out_of_step)?;
                    self.write(&kept, row, origin)?;
                }
                for again in std::mem::take(&mut end.rejects) {
                    let kept = take(&mut rejects, again.key.as_ref()).ok_or_else(out_of_step)?;
                    self.renew(&kept, again)?;
                }
                Ok(())
            })?;
            if last {
                break;
            }
        }
        transaction::run(|| {
            self.lock()?;
            for kept in &rejects {
                reject::settle(kept, Outcome::Gone)?;
            }
            Ok(())
        })
    }

    /// Writes rows as they were kept.
    fn replay(&mut self, rejects: &[Kept], mut encoder: RowEncoder) -> Result<()> {
        transaction::run(|| {
            self.lock()?;
            for kept in rejects {
                let values = match replay(&self.columns, &kept.row) {
                    Ok(values) => values,
                    // A value was too long to be kept whole, or the table is another by now.
                    Err(error) => {
                        self.renew(kept, Reject::new(&error, None, None, kept.row.clone()))?;
                        continue;
                    }
                };
                let cells = values.iter().map(|value| match value {
                    Some(bytes) => Cell::Bytes(bytes),
                    None => Cell::Null,
                });
                let mut row = Vec::new();
                match encoder.encode(cells, &mut row) {
                    Ok(()) => {
                        let origin = RowOrigin {
                            bytes: row.len(),
                            key: None,
                            row: kept.row.clone(),
                        };
                        self.write(kept, &row, origin)?;
                    }
                    Err(RowError::Refused(refused)) => {
                        let column = refused.column(&encoder).to_owned();
                        let error = refused.into_error(&encoder);
                        let again = Reject::new(&error, Some(column), None, kept.row.clone());
                        self.renew(kept, again)?;
                    }
                    Err(RowError::Broken(error)) => return Err(error),
                }
            }
            if let Some(kept) = rejects.first() {
                chunk::add_adjustments(kept.chunk_id, &encoder.take_adjustments())?;
            }
            Ok(())
        })
    }

    fn lock(&self) -> Result<()> {
        match unit_redrive::lock_redriving(self.unit)? {
            true => Ok(()),
            false => Err(unit::taken_away(&self.unit.unit)),
        }
    }

    /// A reject that was cleared meanwhile stays what it was counted as.
    fn write(&mut self, kept: &Kept, row: &[u8], origin: RowOrigin) -> Result<()> {
        if !reject::hold(kept)? {
            return Ok(());
        }
        let mut written = match &mut self.applier {
            Some(applier) if origin.key.is_some() => {
                // In the place of a row with its key.
                let changes = UnitChanges {
                    upserts: row.to_vec(),
                    upsert_count: 1,
                    ..UnitChanges::default()
                };
                Written::from(applier.apply(changes, Care::CatchingUp)?)
            }
            _ => self.destination.write_rows(row, vec![origin])?,
        };
        match written.rejects.pop() {
            Some(again) => self.renew(kept, again),
            None => {
                let outcome = match written.filtered {
                    0 => Outcome::Written,
                    _ => Outcome::Filtered,
                };
                reject::settle(kept, outcome).map(|_| ())
            }
        }
    }

    fn renew(&self, kept: &Kept, again: Reject) -> Result<()> {
        let mut again = [again];
        failure::name_rejects(&mut again, &self.job.job, &self.unit.unit);
        let [again] = again;
        reject::renew(kept, &again)
    }
}

/// The reject with this key; where the source spells the key otherwise now, any that is left.
fn take(rejects: &mut Vec<Kept>, key: Option<&Key>) -> Option<Kept> {
    let found = rejects
        .iter()
        .position(|kept| kept.key.as_ref() == key)
        .or_else(|| rejects.len().checked_sub(1))?;
    Some(rejects.swap_remove(found))
}

/// The rows of the next batch and what closed it.
fn batch(reader: &Reader) -> Result<(Vec<u8>, BatchEnd)> {
    let mut rows = Vec::new();
    loop {
        match reader.next_piece()? {
            Piece::Rows(buffer) => {
                rows.extend_from_slice(&buffer);
                reader.recycle(buffer);
            }
            Piece::BatchEnd(end) => return Ok((rows, end)),
        }
    }
}

fn out_of_step() -> Error {
    Error::new(
        Kind::ProtocolViolation,
        "the source sent more rows than it was asked for",
    )
}
