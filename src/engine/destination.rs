//! Where the rows of a unit go, and writing one batch there.
//!
//! A batch is written as one COPY. Where PostgreSQL refuses it for one of its rows, that row has to
//! be found: the batch is read again with what each row came from ([`Destination::write_carefully`]),
//! halved in subtransactions until the bad rows are alone, and these become rejects.

use super::reader::{Piece, Reader};
use crate::catalog::unit::Unit;
use crate::codec::{ColumnEncoder, ColumnRules, NetChanges, RowEncoder, RowKey};
use crate::error::{Error, Kind, Result};
use crate::model::batch::{BatchEnd, RowOrigin};
use crate::model::pg_type::PgType;
use crate::model::policy::Policies;
use crate::model::reject::Reject;
use crate::model::state::LoadMethod;
use crate::pg::relation::Relation;
use crate::plan::table::TablePlan;
use crate::sink::apply::{Applied, Applier};
use crate::sink::copy::{BatchPieces, copy_batch};
use crate::sink::halves::{copy_by_halves, kept_out};
use crate::sink::target::Fitted;
use crate::sink::{stage, target};

/// The table that the rows of a unit go into, as it is now.
pub struct Destination {
    pub plan: TablePlan,
    relation: Relation,
    columns: Vec<(String, PgType)>,
    merge_key: Option<Vec<String>>,
}

fn stored_columns(plan: &TablePlan) -> Vec<(String, PgType)> {
    plan.columns
        .iter()
        .map(|column| (column.target_name.clone(), column.stored()))
        .collect()
}

/// What became of the rows of a batch.
#[derive(Debug, Default)]
pub struct Written {
    pub rows: u64,
    /// Kept out by a trigger of the target.
    pub filtered: u64,
    /// Refused by PostgreSQL.
    pub rejects: Vec<Reject>,
}

impl From<Applied> for Written {
    fn from(applied: Applied) -> Self {
        Written {
            rows: applied.written,
            filtered: applied.filtered,
            rejects: applied.rejects,
        }
    }
}

impl Destination {
    pub fn find(unit: &Unit) -> Result<Self> {
        let fitted = target::get(unit.plan()?)?;
        let relation = match &unit.stage {
            Some(stage) if unit.method()? == LoadMethod::Merge => stage::get(&fitted.plan, stage)?,
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
        Ok(Destination {
            columns: stored_columns(&fitted.plan),
            merge_key: fitted.merge_key,
            plan: fitted.plan,
            relation,
        })
    }

    /// The same table after a change of its columns that is still to come and leaves its key alone.
    pub fn changed_to(self, plan: &TablePlan) -> Self {
        Destination {
            columns: stored_columns(plan),
            plan: plan.clone(),
            ..self
        }
    }

    /// The encoder of its rows.
    pub fn encoder(&self, policies: Policies) -> Result<RowEncoder> {
        let columns = self
            .plan
            .columns
            .iter()
            .map(|column| {
                let rules = ColumnRules {
                    policies,
                    cast: column.cast,
                };
                ColumnEncoder::new(&column.source, column.target, rules)
                    .map(|encoder| (column.source.name.clone(), encoder))
            })
            .collect::<Result<_>>()?;
        Ok(RowEncoder::new(columns))
    }

    /// What gathers the changes of its rows.
    pub fn net_changes(&self, policies: Policies, key: RowKey) -> Result<NetChanges> {
        let columns = self.plan.columns.iter();
        let columns = columns.map(|column| column.source.clone()).collect();
        NetChanges::new(self.encoder(policies)?, columns, key)
    }

    /// What writes changes of its rows.
    pub fn applier(&self, unit_id: i64) -> Result<Applier> {
        let fitted = Fitted {
            plan: self.plan.clone(),
            relation: self.relation.clone(),
            merge_key: self.merge_key.clone(),
        };
        Applier::new(unit_id, fitted)
    }

    /// Copies one batch that begins with `first`, as it comes.
    pub fn write(&self, first: Piece, reader: &Reader) -> Result<(Written, BatchEnd)> {
        match first {
            Piece::BatchEnd(end) => Ok((Written::default(), end)),
            Piece::Rows(rows) => {
                let mut pieces = Pieces { reader, end: None };
                let (taken, end) = copy_batch(&self.relation, &self.columns, rows, &mut pieces)?;
                Ok((self.written(end.rows, taken)?, end))
            }
        }
    }

    /// Copies one batch that begins with `first` and whose rows' origins are known. Rows that
    /// PostgreSQL refuses become rejects.
    pub fn write_carefully(&self, first: Piece, reader: &Reader) -> Result<(Written, BatchEnd)> {
        let mut rows = Vec::new();
        let mut piece = first;
        let mut end = loop {
            match piece {
                Piece::Rows(buffer) => {
                    rows.extend_from_slice(&buffer);
                    reader.recycle(buffer);
                }
                Piece::BatchEnd(end) => break end,
            }
            piece = reader.next_piece()?;
        };
        let written = self.write_rows(&rows, std::mem::take(&mut end.origins))?;
        Ok((written, end))
    }

    /// Copies rows that are at hand. Those that PostgreSQL refuses become rejects.
    pub fn write_rows(&self, rows: &[u8], origins: Vec<RowOrigin>) -> Result<Written> {
        let mut starts = Vec::with_capacity(origins.len() + 1);
        let mut start = 0usize;
        for origin in &origins {
            starts.push(start);
            start = start.saturating_add(origin.bytes);
        }
        starts.push(start);
        let taken = copy_by_halves(&self.relation, &self.columns, rows, &starts)?;
        let mut origins: Vec<Option<RowOrigin>> = origins.into_iter().map(Some).collect();
        let rejects = taken.refused.into_iter().filter_map(|(row, error)| {
            let origin = origins.get_mut(row)?.take()?;
            Some(Reject::new(&error, None, origin.key, origin.row))
        });
        Ok(Written {
            rows: taken.rows,
            filtered: taken.filtered,
            rejects: rejects.collect(),
        })
    }

    /// Of `sent` rows the table took so many.
    fn written(&self, sent: u64, taken: u64) -> Result<Written> {
        Ok(Written {
            rows: taken,
            filtered: kept_out(&self.relation, sent, taken)?,
            rejects: Vec::new(),
        })
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
