//! The net change of one table over a part of the source's log.
//!
//! Rows are encoded as they come and kept by the bytes of their key: what a key was last is what the
//! target has to come to, and no key is written twice. A table without a key has no such thing as a
//! changed row, only images that come and go: those are counted.
//!
//! Two images of a key are the same key when the codec gives them the same bytes. The target may find
//! two such keys equal (a collation, citext); as deletes come before upserts, that does no harm.

use super::kept_rejects::KeptRejects;
use super::key_table::KeyTable;
use super::refused::{Refused, RowError};
use super::row::RowEncoder;
use crate::error::{Error, Kind, Result};
use crate::model::cell::Cell;
use crate::model::change::{LoggedRows, UnitChanges};
use crate::model::table::SourceColumn;

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
    /// None: the table has no key.
    key: Option<KeyEncoder>,
    keys: KeyTable<State>,
    /// Tuples of the rows by key.
    rows: Vec<u8>,
    /// Bytes of `rows` that belong to no key any more.
    dead: usize,
    /// Bytes of the images of a table without a key, as often as they are to be written or deleted.
    images: usize,
    rejects: KeptRejects,
    truncated: bool,
    /// Every key was first met in an insert.
    fresh: bool,
    logged: LoggedRows,
    before: Vec<u8>,
    after: Vec<u8>,
}

/// Encodes the key columns only, in the order of the key.
#[derive(Debug)]
struct KeyEncoder {
    encoder: RowEncoder,
    positions: Vec<usize>,
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
        let is_keyed = !key.identity.is_empty();
        Ok(NetChanges {
            key: is_keyed.then(|| KeyEncoder {
                encoder: encoder.only(&key.identity),
                positions: key.identity,
            }),
            rejects: KeptRejects::new(columns, key.walked),
            encoder,
            keys: KeyTable::new(),
            rows: Vec::new(),
            dead: 0,
            images: 0,
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
        let Some(key) = &mut self.key else {
            return self.add_image(cells);
        };
        match key.encode(&cells, &mut self.after)? {
            Ok(()) => self.put(cells, Meeting::Became),
            Err(refused) => {
                self.rejects.keep(cells, refused, &key.encoder);
                Ok(())
            }
        }
    }

    #[inline]
    pub fn update<'a, 'b>(
        &mut self,
        before: impl Iterator<Item = Cell<'b>> + Clone,
        after: impl Iterator<Item = Cell<'a>> + Clone,
    ) -> Result<()> {
        self.logged.updated += 1;
        let Some(key) = &mut self.key else {
            self.remove_image(before)?;
            return self.add_image(after);
        };
        // A row whose key was refused is not in the target.
        let was = key.encode(&before, &mut self.before)?.is_ok();
        let meeting = match key.encode(&after, &mut self.after)? {
            Ok(()) if was && self.before == self.after => Some(Meeting::Was),
            Ok(()) => Some(Meeting::Became),
            Err(refused) => {
                self.rejects.keep(after.clone(), refused, &key.encoder);
                None
            }
        };
        if was && meeting != Some(Meeting::Was) {
            self.set_gone();
        }
        match meeting {
            Some(meeting) => self.put(after, meeting),
            None => Ok(()),
        }
    }

    #[inline]
    pub fn delete<'a>(&mut self, before: impl Iterator<Item = Cell<'a>> + Clone) -> Result<()> {
        self.logged.deleted += 1;
        let Some(key) = &mut self.key else {
            return self.remove_image(before);
        };
        if key.encode(&before, &mut self.before)?.is_ok() {
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
        self.keys.bytes() + self.rows.len() + self.images + self.rejects.bytes()
    }

    /// Changes of rows as the log has them.
    pub fn changes(&self) -> u64 {
        self.logged.all()
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
        if let Some(key) = &mut self.key {
            // An altered value of the key is counted with its row.
            key.encoder.take_adjustments();
        }
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
        if self.dead == 0 && self.key.is_some() {
            // All of them are still rows: they go as they stand.
            changes.upserts = std::mem::take(&mut self.rows);
        }
        changes.rejects = self.rejects.take();
        self.forget();
        changes
    }

    fn forget(&mut self) {
        self.keys.clear();
        self.rows.clear();
        self.rows.shrink_to(KEPT);
        self.dead = 0;
        self.images = 0;
        self.rejects.take();
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
                *state = State::Rejected(self.rejects.keep(cells, refused, &self.encoder));
                self.leave(old);
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
            State::Rejected(number) => self.rejects.take_back(number),
            State::Gone | State::Count(_) => {}
        }
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
                self.rejects.keep(cells, refused, &self.encoder);
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

impl KeyEncoder {
    /// The tuple of the key in `out`, or the value of it that was refused.
    #[inline]
    fn encode<'a>(
        &mut self,
        cells: &(impl Iterator<Item = Cell<'a>> + Clone),
        out: &mut Vec<u8>,
    ) -> Result<Result<(), Refused>> {
        out.clear();
        let positions = self.positions.iter();
        let chosen = positions.map_while(|&at| cells.clone().nth(at));
        match self.encoder.encode(chosen, out) {
            Ok(()) => Ok(Ok(())),
            Err(RowError::Refused(refused)) => Ok(Err(refused)),
            Err(RowError::Broken(error)) => Err(error),
        }
    }
}
