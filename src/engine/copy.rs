//! Copying a chunk: the reader streams its rows, each batch commits with the chunk's cursor.
//!
//! Between two batches nothing of the chunk is in memory that the catalog does not hold. A unit
//! without a key, or one whose target is replaced, is one batch.

use super::prepare::in_one_transaction;
use super::reader::{Piece, Reader};
use super::split::key_request;
use crate::catalog::chunk::{self, Chunk};
use crate::catalog::job::Job;
use crate::catalog::unit::{self, Unit};
use crate::catalog::unit_state;
use crate::codec::{ColumnEncoder, RowEncoder};
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, BatchLimit};
use crate::model::pg_type::PgType;
use crate::model::state::LoadMethod;
use crate::pg::relation::Relation;
use crate::pg::{transaction, worker};
use crate::plan::table::TablePlan;
use crate::sink::copy::{BatchPieces, copy_batch};
use crate::sink::{stage, target};
use crate::source::mysql::SnapshotRequest;

pub fn copy(job: &Job, unit: &Unit, chunk: &Chunk, reader: &Reader) -> Result<()> {
    let destination = transaction::run(|| Destination::find(unit))?;
    let options = job.options()?;
    let limit = match destination.one_transaction {
        true => BatchLimit {
            rows: u64::MAX,
            bytes: u64::MAX,
        },
        false => BatchLimit {
            rows: options.batch_rows,
            bytes: options.batch_bytes,
        },
    };
    let plan = &destination.plan;
    reader.start_snapshot(
        SnapshotRequest {
            schema: plan.source_schema.clone(),
            table: plan.source_table.clone(),
            columns: plan
                .columns
                .iter()
                .map(|column| column.source.clone())
                .collect(),
            key: key_request(plan)?,
            range: chunk.remaining(),
            filter: plan.filter.clone(),
            limit,
        },
        encoder(plan)?,
    )?;
    let mut attempts_to_clear = unit.attempts > 0;
    loop {
        // Wait for the source outside of a transaction.
        let first = reader.next_piece()?;
        let last = transaction::run(|| {
            let end = destination.write(first, reader)?;
            if !chunk::advance(chunk.chunk_id, worker::pid(), &end)? {
                return Err(unit::taken_away(&unit.unit));
            }
            // The end of a unit waits for the disk; what comes before need not.
            transaction::commit_without_waiting();
            Ok(end.last)
        })?;
        if std::mem::take(&mut attempts_to_clear) {
            transaction::run(|| unit_state::clear_attempts(unit.unit_id))?;
        }
        if last {
            return Ok(());
        }
    }
}

fn encoder(plan: &TablePlan) -> Result<RowEncoder> {
    let columns = plan
        .columns
        .iter()
        .map(|column| {
            ColumnEncoder::new(&column.source, column.target)
                .map(|encoder| (column.source.name.clone(), encoder))
        })
        .collect::<Result<_>>()?;
    Ok(RowEncoder::new(columns))
}

/// The table that the rows of a unit go into, as it is now.
struct Destination {
    plan: TablePlan,
    relation: Relation,
    columns: Vec<(String, PgType)>,
    replace: bool,
    one_transaction: bool,
}

impl Destination {
    fn find(unit: &Unit) -> Result<Self> {
        let method = unit.method()?;
        let fitted = target::get(unit.plan()?)?;
        let relation = match &unit.stage {
            Some(stage) if method == LoadMethod::Merge => stage::get(&fitted.plan, stage)?,
            _ => fitted.relation,
        };
        if Some(relation.oid) != unit.load_oid {
            return Err(Error::new(
                Kind::InvalidState,
                format!(
                    "the table that the rows of unit \"{}\" went into was replaced by another one",
                    unit.unit
                ),
            )
            .with_hint(format!(
                "SELECT sync_retry('<job>', {}); copies it from the start",
                crate::plan::identifier::literal(&unit.unit)
            )));
        }
        let columns = fitted
            .plan
            .columns
            .iter()
            .map(|column| (column.target_name.clone(), column.target))
            .collect();
        Ok(Destination {
            one_transaction: in_one_transaction(&fitted.plan, method),
            replace: method == LoadMethod::Replace,
            plan: fitted.plan,
            relation,
            columns,
        })
    }

    /// Writes one batch that begins with `first`; what closed it.
    fn write(&self, first: Piece, reader: &Reader) -> Result<BatchEnd> {
        if self.replace {
            target::delete_rows(&self.plan)?;
        }
        match first {
            Piece::BatchEnd(end) => Ok(end),
            Piece::Rows(rows) => {
                let mut pieces = Pieces { reader, end: None };
                copy_batch(&self.relation, &self.columns, rows, &mut pieces)
            }
        }
    }
}

struct Pieces<'a> {
    reader: &'a Reader,
    end: Option<BatchEnd>,
}

impl BatchPieces for Pieces<'_> {
    fn next(&mut self) -> Result<Option<Vec<u8>>> {
        match self.reader.next_piece()? {
            Piece::Rows(rows) => Ok(Some(rows)),
            Piece::BatchEnd(end) => {
                self.end = Some(end);
                Ok(None)
            }
        }
    }

    fn recycle(&mut self, buffer: Vec<u8>) {
        self.reader.recycle(buffer);
    }

    fn take_end(&mut self) -> Option<BatchEnd> {
        self.end.take()
    }
}
