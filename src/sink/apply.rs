//! Net changes of a unit into its target, inside the caller's transaction.
//!
//! ```text
//! only new rows, target in step    COPY into the target
//! more of them there than new      keys and rows into tables of the session; DELETE; UPDATE; INSERT of what was missing
//! else                             the same; DELETE; INSERT … ON CONFLICT
//! either is refused                DELETE of every key; the rows by COPY in halves: bad ones stand alone
//! no key                           DELETE by image; the rows by COPY in halves
//! ```
//!
//! The first two run in a subtransaction. What makes them fail is a row that the target does not take, or
//! rows that exchange a value of another unique key, which no order of single rows survives; with all
//! of them deleted first it does no harm.

use super::copy::copy_rows;
use super::halves::{copy_by_halves, refuses_a_row};
use super::refused;
use super::staged::Staged;
use super::target::Fitted;
use crate::codec::{RowKey, chosen_fields, tuple_starts};
use crate::error::{Error, Kind, Result};
use crate::model::change::UnitChanges;
use crate::model::pg_type::PgType;
use crate::model::reject::Reject;
use crate::pg::session_table::SessionTable;
use crate::pg::{copy, relation, spi, transaction};
use crate::plan::apply::{ApplySql, SESSION_TABLES, apply_key, apply_sql, row_key};

/// A value of a unique key is there already.
const UNIQUE: &str = "23505";
/// An ON CONFLICT would update a row twice: the target finds two keys equal that the source tells apart.
const TWICE: &str = "21000";

/// What may be taken for granted of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// It is as the source was before the changes.
    Streaming,
    /// It may hold rows from after the changes.
    CatchingUp,
}

/// What became of the changes.
#[derive(Debug, Default)]
pub struct Applied {
    /// Rows that were inserted or updated.
    pub written: u64,
    /// Rows that were there and had to go.
    pub deleted: u64,
    /// Kept out by a trigger of the target.
    pub filtered: u64,
    /// Those of the codec and those that PostgreSQL refused; none of their keys is in the target.
    pub rejects: Vec<Reject>,
}

/// Applies the changes of one unit, as often as they come. It lives as long as its plan and its target hold;
/// what it made in a transaction that rolled back, it makes again.
#[derive(Debug)]
pub struct Applier {
    fitted: Fitted,
    columns: Vec<(String, PgType)>,
    key: RowKey,
    sql: ApplySql,
    deletes: Staged,
    /// None where no ON CONFLICT can tell the rows.
    upserts: Option<Staged>,
}

impl Applier {
    /// Inside a transaction.
    pub fn new(unit_id: i64, fitted: Fitted) -> Result<Self> {
        let plan = &fitted.plan;
        let mut key = apply_key(plan, fitted.merge_key.as_deref());
        if let Some(key) = &mut key {
            let indexes = relation::unique_keys(&fitted.relation)?;
            key.take_operators(
                indexes
                    .iter()
                    .map(|index| (&index.columns, &index.operators)),
            );
        }
        let sql = apply_sql(plan, key.as_ref(), unit_id);
        let columns: Vec<(String, PgType)> = plan
            .columns
            .iter()
            .map(|column| (column.target_name.clone(), column.stored()))
            .collect();
        let key = row_key(plan, key.as_ref());
        let deletes = match key.identity.is_empty() {
            true => Staged::by_scan(sql.keys.clone(), &sql.delete, &columns),
            false => Staged::by_index(sql.keys.clone(), &sql.delete, &columns),
        };
        let upserts = sql.rows.clone().zip(sql.upsert.as_ref());
        Ok(Applier {
            upserts: upserts.map(|(rows, statement)| {
                Staged::by_index(rows, statement, &columns).with_update(sql.update.as_ref())
            }),
            deletes,
            columns,
            key,
            sql,
            fitted,
        })
    }

    /// Drops tables of the session that are kept for nothing.
    pub fn drop_old(&mut self) -> Result<()> {
        self.deletes.drop_if_old()?;
        self.upserts.as_mut().map_or(Ok(()), Staged::drop_if_old)
    }

    /// Drops the temporary tables of all units; called when a worker starts following a log.
    pub fn drop_all() -> Result<()> {
        SessionTable::drop_all(&SESSION_TABLES)
    }

    /// By what the unit's changes are to be gathered.
    pub fn key(&self) -> &RowKey {
        &self.key
    }

    /// Applies the changes; they commit with the caller's transaction. After an error that has to be
    /// rolled back.
    pub fn apply(&mut self, changes: UnitChanges, care: Care) -> Result<Applied> {
        copy::lock(&self.fitted.relation, &self.columns)?;
        let mut changes = changes;
        let mut applied = Applied {
            rejects: std::mem::take(&mut changes.rejects),
            ..Applied::default()
        };
        if changes.truncated {
            self.empty()?;
        }
        if self.key.identity.is_empty() {
            self.apply_images(&changes, &mut applied)?;
            return Ok(applied);
        }
        // Nothing that is to be deleted or replaced can be there.
        let absent = changes.truncated || changes.fresh && care == Care::Streaming;
        let tried = match (absent, self.upserts.is_some()) {
            (true, _) => match self.insert(&changes) {
                // Something was there after all.
                Err(error) if error.sqlstate() == UNIQUE && self.upserts.is_some() => {
                    self.merge(&changes).map(Some)
                }
                tried => tried.map(Some),
            },
            (false, true) => self.merge(&changes).map(Some),
            (false, false) => Ok(None),
        };
        match tried {
            Ok(Some((written, deleted))) => {
                // Only a trigger keeps rows out; but where there is nothing to update, an ON CONFLICT
                // counts none.
                if self.key.identity.len() < self.columns.len() {
                    applied.filtered = changes.upsert_count.saturating_sub(written);
                }
                applied.written = changes.upsert_count.saturating_sub(applied.filtered);
                applied.deleted = deleted;
            }
            Err(error) if !refuses_a_row(&error) && error.sqlstate() != TWICE => return Err(error),
            Ok(None) | Err(_) => self.replace(&changes, &mut applied)?,
        }
        Ok(applied)
    }

    /// Rows of which none is there yet: how many were written, and that none was deleted.
    fn insert(&self, changes: &UnitChanges) -> Result<(u64, u64)> {
        if changes.upserts.is_empty() {
            return Ok((0, 0));
        }
        let target = &self.fitted.relation;
        transaction::attempt(|| Ok((copy_rows(target, &self.columns, &changes.upserts)?, 0)))
    }

    /// How many rows were written and deleted.
    fn merge(&mut self, changes: &UnitChanges) -> Result<(u64, u64)> {
        let Some(upserts) = &mut self.upserts else {
            return Err(Error::new(
                Kind::Internal,
                "a unit without a key to merge by",
            ));
        };
        let deletes = &mut self.deletes;
        // Outside of the subtransaction, so that they are there for the next one.
        if !changes.deletes.is_empty() {
            deletes.make()?;
        }
        if !changes.upserts.is_empty() {
            upserts.make()?;
        }
        // A delete and an insert of one key are an update as well.
        let logged = changes.rows;
        let target = &self.fitted.relation;
        let there = logged.updated.saturating_add(logged.deleted) >= logged.inserted
            && !target.filters
            && !target.guards;
        let count = changes.upsert_count;
        transaction::attempt(|| {
            let deleted = deletes.apply(&changes.deletes)?;
            if !there || count == 0 {
                return Ok((upserts.apply(&changes.upserts)?, deleted));
            }
            match upserts.apply_updates(&changes.upserts, count)? {
                written if written < count => Err(Error::new(
                    Kind::Postgres,
                    "rows are missing after they were written",
                )
                .with_sqlstate(*b"21000")),
                written => Ok((written, deleted)),
            }
        })
    }

    /// Every key goes, then the rows come one by one where they must.
    fn replace(&mut self, changes: &UnitChanges, applied: &mut Applied) -> Result<()> {
        self.deletes.make()?;
        applied.deleted = self.deletes.apply_what_fits(&changes.deletes)?;
        let touched =
            chosen_fields(&changes.upserts, &self.key.identity).ok_or_else(out_of_step)?;
        self.deletes.apply_what_fits(&touched)?;
        self.write(changes, applied)
    }

    fn apply_images(&mut self, changes: &UnitChanges, applied: &mut Applied) -> Result<()> {
        if !changes.deletes.is_empty() {
            self.deletes.make()?;
            applied.deleted = self.deletes.apply_what_fits(&changes.deletes)?;
        }
        self.write(changes, applied)
    }

    /// The rows as they come; those that the target refuses become rejects.
    fn write(&self, changes: &UnitChanges, applied: &mut Applied) -> Result<()> {
        let rows = &changes.upserts;
        let starts = tuple_starts(rows).ok_or_else(out_of_step)?;
        let taken = copy_by_halves(&self.fitted.relation, &self.columns, rows, &starts)?;
        applied.written = taken.rows;
        applied.filtered = taken.filtered;
        let mut tuples = Vec::new();
        let mut errors = Vec::with_capacity(taken.refused.len());
        for (row, error) in taken.refused {
            let (Some(&start), Some(&end)) = (starts.get(row), starts.get(row + 1)) else {
                return Err(out_of_step());
            };
            tuples.extend_from_slice(rows.get(start..end).unwrap_or_default());
            errors.push(error);
        }
        let refused = refused::rejects(&self.fitted.plan, &self.key.walked, &tuples, errors)?;
        applied.rejects.extend(refused);
        Ok(())
    }

    /// All rows go: at once where the role may and no foreign key refers to the table.
    fn empty(&self) -> Result<()> {
        match transaction::attempt(|| spi::execute(&self.sql.truncate, &[])) {
            Err(error) if matches!(error.sqlstate(), "42501" | "0A000" | "55006") => {
                spi::execute(&self.sql.delete_all, &[])?;
            }
            tried => {
                tried?;
            }
        }
        Ok(())
    }
}

fn out_of_step() -> Error {
    Error::new(Kind::Internal, "the changes of a unit are not whole rows")
}
