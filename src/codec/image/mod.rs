//! Row images of the source's log to cells: the codec's third decoder, beside the two result
//! protocols. The cells are those a SELECT gives for the same row, and so are the bytes they become.
//!
//! ```text
//! image = bitmap of NULLs, one bit for each column that is present, then the values that are not
//! ```
//! What a table map tells of a table is looked at once, in [`ImageDecoder::new`]: how long each
//! column's values are (`layout.rs`), and how the wanted ones are read (`field.rs`). Whether the map
//! is of the table that the plan knows is [`fits()`]. Text is converted by tables that come from the
//! source (`charset.rs`).
//!
//! The bytes come from outside: an image that ends too early, or a value that its column cannot have,
//! is an error, whatever it claims. Nothing is allocated for a row once the buffers have grown.

mod charset;
mod charset_codes;
mod charset_table;
mod collation;
mod decimal;
mod field;
mod fits;
mod inet6;
mod json_binary;
mod json_scalar;
mod labels;
mod layout;
mod temporal;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod recorded;

use self::field::{Field, Slot};
use self::layout::{Layout, code};
use crate::error::{Error, Kind, Result};
use crate::model::cell::Cell;
use crate::model::logged::LoggedColumn;
use crate::model::table::{SourceColumn, SourceType};

pub use self::charset::{Charset, charset_queries};
pub use self::charset_table::CharsetTable;
pub use self::fits::fits;

/// A column whose values are wanted.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Among the columns of the table map.
    pub index: usize,
    pub column: &'a SourceColumn,
    /// How its text becomes UTF-8; of no account for columns that are no text.
    pub charset: Charset,
}

/// Reads row images of one table map.
#[derive(Debug, Clone)]
pub struct ImageDecoder {
    /// One for each column of the map.
    steps: Vec<Step>,
    /// The wanted values of the row that was read last.
    slots: Vec<Slot>,
    /// By slot, for messages: the column's name and its step.
    columns: Vec<(String, usize)>,
    /// Values of that row that are not in the image as they are.
    scratch: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Step {
    layout: Layout,
    /// Where the value goes; None: it is not wanted.
    wanted: Option<(usize, Field)>,
}

/// What is wrong with an image.
enum Fault {
    Bitmap,
    /// It ends before this column does.
    Cut(usize),
    /// The bytes of this slot are no value.
    Bad(usize),
    /// The column of this slot is not there.
    Absent(usize),
}

impl ImageDecoder {
    /// The columns must fit ([`fits()`]). A wanted column of a type that is not read from the log is
    /// refused by name; so is an unwanted one that nobody can tell the length of.
    pub fn new(logged: &[LoggedColumn], wanted: &[Wanted<'_>]) -> Result<Self> {
        let mut steps = Vec::with_capacity(logged.len());
        for (index, column) in logged.iter().enumerate() {
            let slot = wanted.iter().position(|wanted| wanted.index == index);
            let source = slot.and_then(|slot| wanted.get(slot));
            let field = source
                .map(|wanted| Field::new(column, wanted.column, &wanted.charset))
                .transpose()?;
            let fraction = source.and_then(|wanted| fraction(wanted.column));
            let layout =
                Layout::of(column, fraction).ok_or_else(|| no_length(index, column, source))?;
            steps.push(Step {
                layout,
                wanted: slot.zip(field),
            });
        }
        if steps.iter().filter(|step| step.wanted.is_some()).count() != wanted.len() {
            return Err(Error::new(
                Kind::Internal,
                "a column is wanted twice, or not in the table map",
            ));
        }
        Ok(ImageDecoder {
            steps,
            slots: vec![Slot::Ready(Cell::Null); wanted.len()],
            columns: wanted
                .iter()
                .map(|wanted| (wanted.column.name.clone(), wanted.index))
                .collect(),
            scratch: Vec::new(),
        })
    }

    /// Reads the image at the start of `image`; `present` is the rows event's bitmap of the columns
    /// that its images have. Returns the bytes of the image.
    pub fn read(&mut self, present: &[u8], image: &[u8]) -> Result<usize> {
        let count = self.steps.len();
        let has = |index: usize| is_set(present, index);
        let walked = match u32::try_from(image.len()) {
            Ok(_) if (0..count).all(has) => self.walk(|_| true, count, image),
            Ok(_) if present.len() >= count.div_ceil(8) => {
                self.walk(has, (0..count).filter(|&index| has(index)).count(), image)
            }
            _ => Err(Fault::Bitmap),
        };
        walked.map_err(|fault| self.error(fault))
    }

    #[inline(always)]
    fn walk(
        &mut self,
        has: impl Fn(usize) -> bool,
        columns: usize,
        image: &[u8],
    ) -> Result<usize, Fault> {
        self.scratch.clear();
        let mut at = columns.div_ceil(8);
        let nulls = image.get(..at).ok_or(Fault::Cut(0))?;
        let mut place = 0;
        for (index, step) in self.steps.iter().enumerate() {
            if !has(index) {
                match step.wanted {
                    Some((slot, _)) => return Err(Fault::Absent(slot)),
                    None => continue,
                }
            }
            let null = is_set(nulls, place);
            place += 1;
            if null {
                if let Some((slot, _)) = step.wanted
                    && let Some(place) = self.slots.get_mut(slot)
                {
                    *place = Slot::Ready(Cell::Null);
                }
                continue;
            }
            let value = step.layout.take(image, &mut at).ok_or(Fault::Cut(index))?;
            if let Some((slot, field)) = &step.wanted {
                let start = at - value.len();
                let place = self.slots.get_mut(*slot).ok_or(Fault::Bad(*slot))?;
                let read = field.read(value, start, &mut self.scratch, place);
                read.ok_or(Fault::Bad(*slot))?;
            }
        }
        Ok(at)
    }

    /// The wanted values of the image that was read last, in the order in which they were wanted.
    #[inline]
    pub fn cells<'a>(&'a self, image: &'a [u8]) -> Cells<'a> {
        Cells {
            decoder: self,
            image,
            next: 0,
        }
    }

    #[inline(always)]
    fn cell<'a>(&'a self, number: usize, slot: &Slot, image: &'a [u8]) -> Cell<'a> {
        let part = |bytes: &'a [u8], start: u32, end: u32| {
            Cell::Bytes(bytes.get(start as usize..end as usize).unwrap_or_default())
        };
        match *slot {
            Slot::Ready(cell) => cell,
            Slot::Image(start, end) => part(image, start, end),
            Slot::Scratch(start, end) => part(&self.scratch, start, end),
            Slot::Label(label) => {
                let step = self.columns.get(number).map(|(_, step)| *step);
                let step = step.and_then(|step| self.steps.get(step));
                let field = step.and_then(|step| step.wanted.as_ref());
                let text = field.and_then(|(_, field)| field.label(label));
                Cell::Bytes(text.unwrap_or_default())
            }
        }
    }

    #[cold]
    fn error(&self, fault: Fault) -> Error {
        let broken = |message| Error::new(Kind::ProtocolViolation, message);
        let name = |slot: usize| {
            let column = self.columns.get(slot);
            column.map_or("?", |(name, _)| name.as_str())
        };
        match fault {
            Fault::Bitmap => {
                broken("the log has rows of another number of columns than their table".to_owned())
            }
            Fault::Cut(column) => broken(format!(
                "a row of the log ends within column {} of {}",
                column + 1,
                self.steps.len()
            )),
            Fault::Bad(slot) => broken(format!(
                "the log has bytes for column \"{}\" that are no value of it",
                name(slot)
            )),
            Fault::Absent(slot) => Error::new(
                Kind::InvalidState,
                format!(
                    "a row of the log has no value for column \"{}\"",
                    name(slot)
                ),
            )
            .with_detail("The source logs only some of the columns: binlog_row_image is not FULL.")
            .with_hint(
                "SET GLOBAL binlog_row_image = FULL; and let the sessions of the source begin \
                 anew. Then SELECT sync_resync('<job>', '<unit>');",
            ),
        }
    }
}

/// The values of a row.
#[derive(Debug, Clone)]
pub struct Cells<'a> {
    decoder: &'a ImageDecoder,
    image: &'a [u8],
    next: usize,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Cell<'a>> {
        let slot = self.decoder.slots.get(self.next)?;
        self.next += 1;
        Some(self.decoder.cell(self.next - 1, slot, self.image))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.decoder.slots.len().saturating_sub(self.next);
        (left, Some(left))
    }

    #[inline]
    fn nth(&mut self, skipped: usize) -> Option<Cell<'a>> {
        self.next = self.next.saturating_add(skipped);
        self.next()
    }
}

impl ExactSizeIterator for Cells<'_> {}

/// The bit of that number, the lowest bit of the first byte being the first.
#[inline(always)]
fn is_set(bitmap: &[u8], index: usize) -> bool {
    bitmap
        .get(index / 8)
        .is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

/// Digits after the second.
fn fraction(column: &SourceColumn) -> Option<u32> {
    match column.source_type {
        SourceType::DateTime { fraction }
        | SourceType::Timestamp { fraction }
        | SourceType::Time { fraction } => Some(fraction),
        _ => None,
    }
}

fn no_length(index: usize, column: &LoggedColumn, source: Option<&Wanted<'_>>) -> Error {
    let name = match (source, &column.name) {
        (Some(wanted), _) => format!("column \"{}\"", wanted.column.name),
        (None, Some(name)) => format!("column \"{name}\""),
        (None, None) => format!("column {}", index + 1),
    };
    let old = matches!(column.kind, code::DATETIME | code::TIMESTAMP | code::TIME);
    let error = Error::new(
        Kind::TypeRefused,
        format!(
            "{name} of the log has a type that is not read: {}",
            column.kind
        ),
    );
    match old {
        true => error
            .with_detail("It was made with mysql56_temporal_format = OFF.")
            .with_hint(
                "At the source: SET SESSION mysql56_temporal_format = ON; ALTER TABLE ... FORCE; \
                 or let the unit take the column.",
            ),
        false => error,
    }
}
