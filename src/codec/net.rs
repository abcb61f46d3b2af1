//! The net change of one table over a part of the source's log.
//!
//! Rows are encoded as they come and kept by the bytes of their key: what a key was last is what the
//! target has to come to, and no key is written twice. A table without a key has no such thing as a
//! changed row, only images that come and go: those are counted.
//!
//! Two images of a key are the same key when the codec gives them the same bytes. The target may find
//! two such keys equal (a collation, citext); as deletes come before upserts, that does no harm.

use super::key_table::KeyTable;
use super::key_value::key_of;
use super::refused::{Refused, RowError};
use super::row::RowEncoder;
use super::row_json;
use crate::error::{Error, Kind, Result};
use crate::model::cell::Cell;
use crate::model::change::{LoggedRows, UnitChanges};
use crate::model::reject::Reject;
use crate::model::table::SourceColumn;

/// What a reject takes beside its row, about.
const REJECT: usize = 512;

/// Room for rows that is kept from one call of `take` to the next.
const KEPT: usize = 64 * 1024;

/// Where the key columns of a table are among its columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowKey {
    /// What tells one row of the target from another, in the order of the tuples of deletes; nothing:
    /// the table has no key, and rows are told by all their values.
    pub identity: Vec<usize>,
    /// What the source is asked by for a row again; nothing where it cannot be.
    pub walked: Vec<usize>,
}

/// Gathers the row changes of a unit. The cells of a row are those of all columns of the encoder; they
/// are read more than once.
#[derive(Debug)]
pub struct NetChanges {
    encoder: RowEncoder,
    /// Of the key columns only, in the order of the key.
    key_encoder: RowEncoder,
    columns: Vec<SourceColumn>,
    key: RowKey,
    keys: KeyTable<State>,
    /// Tuples of the rows by key.
    rows: Vec<u8>,
    /// Bytes of `rows` that belong to no key any more.
    dead: usize,
    /// Bytes of the images of a table without a key, as often as they are to be written or deleted.
    images: usize,
    rejects: Vec<Option<Reject>>,
    rejected_bytes: usize,
    truncated: bool,
    /// Every key was first met in an insert.
    fresh: bool,
    logged: LoggedRows,
    before: Vec<u8>,
    after: Vec<u8>,
}

/// What a key was last.
#[derive(Debug, Clone, Copy)]
enum State {
    Gone,
    /// A tuple in `rows`.
    Row {
        start: usize,
        length: usize,
    },
    /// The number of its reject.
    Rejected(usize),
    /// How many more such rows than before a table without a key has.
    Count(i64),
}

/// How a key came to be met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meeting {
    /// By a row that became: the source had none of this key until then.
    Became,
    Was,
}

impl NetChanges {
    /// `columns` are those of the encoder.
    pub fn new(encoder: RowEncoder, columns: Vec<SourceColumn>, key: RowKey) -> Result<Self> {
        let mut positions = key.identity.iter().chain(&key.walked);
        if columns.len() != encoder.columns() || positions.any(|&at| at >= columns.len()) {
            return Err(Error::new(
                Kind::Internal,
                "the columns of a unit are not those of its encoder",
            ));
        }
        Ok(NetChanges {
            key_encoder: encoder.only(&key.identity),
            encoder,
            columns,
            key,
            keys: KeyTable::new(),
            rows: Vec::new(),
            dead: 0,
            images: 0,
            rejects: Vec::new(),
            rejected_bytes: 0,
            truncated: false,
            fresh: true,
            logged: LoggedRows::default(),
            before: Vec::new(),
            after: Vec::new(),
        })
    }

    /// An error: the row is none of this table, and nothing after it can be trusted.
    #[inline]
    pub fn insert<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>> + Clone) -> Result<()> {
        self.logged.inserted += 1;
        if !self.has_key() {
            return self.add_image(cells);
        }
        match encode_key(
            &mut self.key_encoder,
            &self.key.identity,
            &cells,
            &mut self.after,
        )? {
            Ok(()) => self.put(cells, Meeting::Became),
            Err(refused) => self.reject_key(cells, refused),
        }
    }

    #[inline]
    pub fn update<'a, 'b>(
        &mut self,
        before: impl Iterator<Item = Cell<'b>> + Clone,
        after: impl Iterator<Item = Cell<'a>> + Clone,
    ) -> Result<()> {
        self.logged.updated += 1;
        if !self.has_key() {
            self.remove_image(before)?;
            return self.add_image(after);
        }
        // A row whose key was refused is not in the target.
        let was = encode_key(
            &mut self.key_encoder,
            &self.key.identity,
            &before,
            &mut self.before,
        )?
        .is_ok();
        let encoded = encode_key(
            &mut self.key_encoder,
            &self.key.identity,
            &after,
            &mut self.after,
        )?;
        let same = was && encoded.is_ok() && self.before == self.after;
        if was && !same {
            self.set_gone();
        }
        match encoded {
            Ok(()) if same => self.put(after, Meeting::Was),
            Ok(()) => self.put(after, Meeting::Became),
            Err(refused) => self.reject_key(after, refused),
        }
    }

    #[inline]
    pub fn delete<'a>(&mut self, before: impl Iterator<Item = Cell<'a>> + Clone) -> Result<()> {
        self.logged.deleted += 1;
        if !self.has_key() {
            return self.remove_image(before);
        }
        if encode_key(
            &mut self.key_encoder,
            &self.key.identity,
            &before,
            &mut self.before,
        )?
        .is_ok()
        {
            self.set_gone();
        }
        Ok(())
    }

    /// The table was emptied: nothing before that matters.
    pub fn truncate(&mut self) {
        self.forget();
        self.truncated = true;
    }

    /// Memory that the changes take, about, and will take as they are handed on.
    pub fn bytes(&self) -> usize {
        self.keys.bytes() + self.rows.len() + self.images + self.rejected_bytes
    }

    /// Nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.logged == LoggedRows::default() && !self.truncated
    }

    /// The net change since the last call. The same changes give the same bytes.
    pub fn take(&mut self) -> UnitChanges {
        let mut changes = UnitChanges {
            truncated: std::mem::take(&mut self.truncated),
            fresh: self.fresh,
            rows: std::mem::take(&mut self.logged),
            adjustments: self.encoder.take_adjustments(),
            ..UnitChanges::default()
        };
        // An altered value of the key is counted with its row.
        self.key_encoder.take_adjustments();
        if self.dead > 0 {
            let live = self.rows.len().saturating_sub(self.dead);
            changes.upserts.reserve_exact(live);
        }
        for (key, state) in self.keys.iter() {
            match *state {
                State::Gone | State::Rejected(_) => {
                    changes.delete_count += 1;
                    changes.deletes.extend_from_slice(key);
                }
                State::Row { start, length } => {
                    changes.upsert_count += 1;
                    if self.dead > 0 {
                        let row = self.rows.get(start..start + length);
                        changes.upserts.extend_from_slice(row.unwrap_or_default());
                    }
                }
                State::Count(count) => {
                    let times = count.unsigned_abs();
                    let (all, images) = match count > 0 {
                        true => (&mut changes.upsert_count, &mut changes.upserts),
                        false => (&mut changes.delete_count, &mut changes.deletes),
                    };
                    *all += times;
                    for _ in 0..times {
                        images.extend_from_slice(key);
                    }
                }
            }
        }
        if self.dead == 0 && self.has_key() {
            // All of them are still rows: they go as they stand.
            changes.upserts = std::mem::take(&mut self.rows);
        }
        changes.rejects = self.rejects.drain(..).flatten().collect();
        self.forget();
        changes
    }

    fn has_key(&self) -> bool {
        !self.key.identity.is_empty()
    }

    fn forget(&mut self) {
        self.keys.clear();
        self.rows.clear();
        self.rows.shrink_to(KEPT);
        self.dead = 0;
        self.images = 0;
        self.rejects.clear();
        self.rejected_bytes = 0;
        self.fresh = true;
    }

    /// The key in `before` has no row any more.
    fn set_gone(&mut self) {
        let (state, is_new) = self.keys.meet(&self.before, State::Gone);
        let old = std::mem::replace(state, State::Gone);
        self.fresh &= !is_new;
        self.leave(old);
    }

    /// The key in `after` has the row of these cells.
    #[inline]
    fn put<'a>(
        &mut self,
        cells: impl Iterator<Item = Cell<'a>> + Clone,
        meeting: Meeting,
    ) -> Result<()> {
        let (state, is_new) = self.keys.meet(&self.after, State::Gone);
        self.fresh &= !is_new || meeting == Meeting::Became;
        let old = *state;
        let start = self.rows.len();
        match self.encoder.encode(cells.clone(), &mut self.rows) {
            Ok(()) => {
                let length = self.rows.len() - start;
                *state = State::Row { start, length };
                match old {
                    // In the old row's place, so that a row that changes all the time takes no more.
                    State::Row {
                        start: old,
                        length: room,
                    } if length == room => {
                        self.rows.copy_within(start.., old);
                        self.rows.truncate(start);
                        *state = State::Row { start: old, length };
                    }
                    _ => self.leave(old),
                }
                Ok(())
            }
            Err(RowError::Refused(refused)) => {
                *state = State::Rejected(self.rejects.len());
                self.leave(old);
                let reject = rejected(
                    &self.columns,
                    &self.key.walked,
                    (refused, &self.encoder),
                    cells,
                );
                self.keep(reject);
                Ok(())
            }
            Err(RowError::Broken(error)) => Err(error),
        }
    }

    /// What a key was is of no use any more.
    #[inline]
    fn leave(&mut self, old: State) {
        match old {
            State::Row { length, .. } => self.dead += length,
            State::Rejected(number) => {
                if let Some(reject) = self.rejects.get_mut(number).and_then(Option::take) {
                    self.rejected_bytes = self.rejected_bytes.saturating_sub(size(&reject));
                }
            }
            State::Gone | State::Count(_) => {}
        }
    }

    /// A row whose key has no place in the target.
    #[cold]
    fn reject_key<'a>(
        &mut self,
        cells: impl Iterator<Item = Cell<'a>>,
        refused: Refused,
    ) -> Result<()> {
        let reject = rejected(
            &self.columns,
            &self.key.walked,
            (refused, &self.key_encoder),
            cells,
        );
        self.keep(reject);
        Ok(())
    }

    fn keep(&mut self, reject: Reject) {
        self.rejected_bytes += size(&reject);
        self.rejects.push(Some(reject));
    }

    /// One more row of a table without a key.
    fn add_image<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>> + Clone) -> Result<()> {
        self.after.clear();
        match self.encoder.encode(cells.clone(), &mut self.after) {
            Ok(()) => {
                let (state, _) = self.keys.meet(&self.after, State::Count(0));
                self.images = counted(state, 1, self.after.len(), self.images);
                Ok(())
            }
            Err(RowError::Refused(refused)) => {
                let reject = rejected(
                    &self.columns,
                    &self.key.walked,
                    (refused, &self.encoder),
                    cells,
                );
                self.keep(reject);
                Ok(())
            }
            Err(RowError::Broken(error)) => Err(error),
        }
    }

    /// One row less; one that is refused is not in the target.
    fn remove_image<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>) -> Result<()> {
        self.before.clear();
        match self.encoder.encode(cells, &mut self.before) {
            Ok(()) => {
                let (state, _) = self.keys.meet(&self.before, State::Count(0));
                self.fresh = false;
                self.images = counted(state, -1, self.before.len(), self.images);
                Ok(())
            }
            Err(RowError::Refused(_)) => Ok(()),
            Err(RowError::Broken(error)) => Err(error),
        }
    }
}

/// Counts an image up or down; what all images take then.
fn counted(state: &mut State, by: i64, length: usize, images: usize) -> usize {
    let State::Count(count) = *state else {
        return images;
    };
    let next = count.saturating_add(by);
    *state = State::Count(next);
    match next.unsigned_abs() > count.unsigned_abs() {
        true => images.saturating_add(length),
        false => images.saturating_sub(length),
    }
}

/// The tuple of the key columns in `out`, or the value that was refused.
#[inline]
fn encode_key<'a>(
    encoder: &mut RowEncoder,
    key: &[usize],
    cells: &(impl Iterator<Item = Cell<'a>> + Clone),
    out: &mut Vec<u8>,
) -> Result<Result<(), Refused>> {
    out.clear();
    let chosen = key.iter().map_while(|&at| cells.clone().nth(at));
    match encoder.encode(chosen, out) {
        Ok(()) => Ok(Ok(())),
        Err(RowError::Refused(refused)) => Ok(Err(refused)),
        Err(RowError::Broken(error)) => Err(error),
    }
}

#[cold]
fn rejected<'a>(
    columns: &[SourceColumn],
    walked: &[usize],
    (refused, encoder): (Refused, &RowEncoder),
    cells: impl Iterator<Item = Cell<'a>>,
) -> Reject {
    let cells: Vec<Cell<'a>> = cells.collect();
    let row = row_json(columns, &cells);
    let column = refused.column(encoder).to_owned();
    let error = refused.into_error(encoder);
    Reject::new(&error, Some(column), key_of(columns, walked, &row), row)
}

/// Memory that a reject takes, about.
fn size(reject: &Reject) -> usize {
    reject.row.to_string().len() + REJECT
}
