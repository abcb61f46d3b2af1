//! Rows events: which rows of a table were inserted, updated or deleted. The images themselves are
//! left to whoever decodes them.

use std::borrow::Cow;

use super::bytes::Bytes;
use super::kind;
use super::{inflate, table_map};

/// A table id that belongs to no table: the event only ends a statement.
const NO_TABLE: u64 = 0xff_ffff;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsKind {
    Write,
    Update,
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<'a> {
    pub kind: RowsKind,
    /// As a table map before named it. No table has [`Rows::no_table`].
    pub table_id: u64,
    /// How many columns the table has.
    pub columns: usize,
    /// A bit for each column, the first one lowest: which of them the images hold. Of an update the
    /// images before.
    pub present: &'a [u8],
    /// The same of the images after; only of an update.
    pub present_after: Option<&'a [u8]>,
    /// Row by row: for each image a bitmap of NULLs, one bit per column that is present, then the
    /// values that are not NULL. Of an update both images of a row, one after the other.
    pub images: Cow<'a, [u8]>,
}

impl<'a> Rows<'a> {
    /// `data` of a rows event of any version, compressed or not. None where it breaks its format, and
    /// for a type that is no rows event.
    pub fn parse(kind: u8, data: &'a [u8]) -> Option<Rows<'a>> {
        let (rows, second_version, compressed) = shape(kind)?;
        let mut bytes = Bytes::new(data);
        let table_id = bytes.number(6)?;
        let _flags = bytes.u16()?;
        if second_version {
            // Fields of their own: NDB's, a partition's number. The length counts itself.
            let length = usize::from(bytes.u16()?).checked_sub(2)?;
            bytes.take(length)?;
        }
        let columns = bytes
            .packed_usize()
            .filter(|columns| *columns <= table_map::MAX_COLUMNS)?;
        let present = bytes.bitmap(columns)?;
        let present_after = match rows {
            RowsKind::Update => Some(bytes.bitmap(columns)?),
            _ => None,
        };
        let images = bytes.rest();
        Some(Rows {
            kind: rows,
            table_id,
            columns,
            present,
            present_after,
            images: if compressed && !images.is_empty() {
                Cow::Owned(inflate::inflate(images)?)
            } else {
                Cow::Borrowed(images)
            },
        })
    }

    /// It belongs to no table and holds no row.
    pub fn no_table(&self) -> bool {
        self.table_id == NO_TABLE && self.images.is_empty()
    }

    /// Whether the images hold each column of the table.
    pub fn is_full(&self) -> bool {
        let full = |present: &[u8]| {
            (0..self.columns).all(|column| table_map::bit(present, column) == Some(true))
        };
        full(self.present) && self.present_after.is_none_or(full)
    }
}

/// What it does, whether it is of the second version, whether it is compressed.
fn shape(kind: u8) -> Option<(RowsKind, bool, bool)> {
    use RowsKind::{Delete, Update, Write};
    Some(match kind {
        kind::WRITE_ROWS_V1 => (Write, false, false),
        kind::UPDATE_ROWS_V1 => (Update, false, false),
        kind::DELETE_ROWS_V1 => (Delete, false, false),
        kind::WRITE_ROWS => (Write, true, false),
        kind::UPDATE_ROWS => (Update, true, false),
        kind::DELETE_ROWS => (Delete, true, false),
        kind::MARIADB_WRITE_ROWS_COMPRESSED_V1 => (Write, false, true),
        kind::MARIADB_UPDATE_ROWS_COMPRESSED_V1 => (Update, false, true),
        kind::MARIADB_DELETE_ROWS_COMPRESSED_V1 => (Delete, false, true),
        kind::MARIADB_WRITE_ROWS_COMPRESSED => (Write, true, true),
        kind::MARIADB_UPDATE_ROWS_COMPRESSED => (Update, true, true),
        kind::MARIADB_DELETE_ROWS_COMPRESSED => (Delete, true, true),
        _ => return None,
    })
}
