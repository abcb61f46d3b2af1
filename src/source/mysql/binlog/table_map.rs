//! A table map: which table the row images that follow belong to, and how they are laid out.
//!
//! The log wraps some types: ENUM and SET come as STRING with their type in the metadata, and the
//! length of a long CHAR lies partly in the bits of its type. Both are undone here, see
//! [`LoggedColumn`].

use super::bytes::{Bytes, text};
use super::table_metadata;
use crate::model::logged::{LoggedColumn, LoggedTable};
use crate::model::server::Flavor;

/// Type codes that the layout of a table map depends on.
pub(super) mod column {
    pub const DECIMAL: u8 = 0;
    pub const TINY: u8 = 1;
    pub const SHORT: u8 = 2;
    pub const LONG: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const NULL: u8 = 6;
    pub const LONGLONG: u8 = 8;
    pub const INT24: u8 = 9;
    pub const NEWDATE: u8 = 14;
    pub const YEAR: u8 = 13;
    pub const VARCHAR: u8 = 15;
    pub const BIT: u8 = 16;
    pub const TIMESTAMP2: u8 = 17;
    pub const TIME2: u8 = 19;
    pub const TYPED_ARRAY: u8 = 20;
    pub const MARIADB_BLOB_COMPRESSED: u8 = 140;
    pub const MARIADB_VARCHAR_COMPRESSED: u8 = 141;
    pub const VECTOR: u8 = 242;
    pub const JSON: u8 = 245;
    pub const NEWDECIMAL: u8 = 246;
    pub const ENUM: u8 = 247;
    pub const SET: u8 = 248;
    pub const TINY_BLOB: u8 = 249;
    pub const BLOB: u8 = 252;
    pub const VAR_STRING: u8 = 253;
    pub const STRING: u8 = 254;
    pub const GEOMETRY: u8 = 255;
}

/// A column of the primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPart {
    /// Position of the column, from 0.
    pub column: usize,
    /// How many characters of it belong to the key; 0: all of it.
    pub prefix: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableMap {
    /// What rows events name the table by, until the next statement.
    pub table_id: u64,
    pub table: LoggedTable,
    /// None where the source does not log it, or the table has none.
    pub primary_key: Option<Vec<KeyPart>>,
    /// For each column whether it is visible; None where the source does not log it.
    pub visible: Option<Vec<bool>>,
}

/// No table has more, on any server.
pub(super) const MAX_COLUMNS: usize = 4096;
/// Names and labels of the largest table come to less; what is made of them is many times larger.
const LARGEST: usize = 16 << 20;

/// The number by which rows events name a table, without parsing the rest of its map. A map with the
/// same bytes as one that was parsed before says the same.
pub fn table_id(data: &[u8]) -> Option<u64> {
    Bytes::new(data).number(6)
}

impl TableMap {
    /// `data` of a table map event. Servers do not agree upon which columns have a collation.
    pub fn parse(data: &[u8], flavor: Flavor) -> Option<TableMap> {
        let mut bytes = Bytes::new(data);
        let table_id = bytes.number(6)?;
        let _flags = bytes.u16()?;
        // Each name has a zero behind it.
        let schema = text(bytes.short_bytes()?)?;
        bytes.u8()?;
        let name = text(bytes.short_bytes()?)?;
        bytes.u8()?;
        let count = bytes.packed_usize()?;
        if data.len() > LARGEST || count > MAX_COLUMNS {
            return None;
        }
        let kinds = bytes.take(count)?;
        let mut metadata = Bytes::new(bytes.packed_bytes()?);
        let nullable = bytes.bitmap(count)?;
        let mut columns = Vec::with_capacity(count);
        for (position, kind) in kinds.iter().enumerate() {
            let (kind, metadata) = unwrapped(*kind, &mut metadata)?;
            columns.push(LoggedColumn {
                kind,
                metadata,
                nullable: bit(nullable, position)?,
                ..LoggedColumn::default()
            });
        }
        if !metadata.is_empty() {
            return None;
        }
        let mut map = TableMap {
            table_id,
            table: LoggedTable {
                schema,
                name,
                columns,
            },
            ..TableMap::default()
        };
        table_metadata::read(bytes, &mut map, flavor)?;
        Some(map)
    }
}

/// Bit of a column, the first one lowest.
pub(super) fn bit(bitmap: &[u8], position: usize) -> Option<bool> {
    Some(bitmap.get(position / 8)? >> (position % 8) & 1 == 1)
}

/// Type and metadata of a column as [`LoggedColumn`] has them. None for a type that no server of our
/// time writes: the length of its metadata is not known, so nothing behind it can be read.
fn unwrapped(kind: u8, metadata: &mut Bytes<'_>) -> Option<(u8, u16)> {
    use column::*;
    let value = match kind {
        DECIMAL..=LONG | NULL..=NEWDATE if !matches!(kind, FLOAT | DOUBLE) => 0,
        FLOAT | DOUBLE | TIMESTAMP2..=TIME2 | VECTOR | JSON | GEOMETRY => metadata.u8()?.into(),
        TINY_BLOB..=BLOB | MARIADB_BLOB_COMPRESSED => metadata.u8()?.into(),
        VARCHAR | MARIADB_VARCHAR_COMPRESSED | BIT => metadata.u16()?,
        NEWDECIMAL => u16::from_be_bytes(metadata.array()?),
        STRING | VAR_STRING | ENUM | SET => {
            // Two bits of the length lie, inverted, in a type that always has them set.
            let [first, second] = metadata.array()?;
            let kind = first | 0x30;
            let length = u16::from(first & 0x30 ^ 0x30) << 4 | u16::from(second);
            let wrapped = matches!(kind, STRING | VAR_STRING | ENUM | SET);
            return wrapped.then_some((kind, length));
        }
        // Type of the elements, then its metadata; only hidden columns have it, and no image.
        TYPED_ARRAY => {
            let element = metadata.u8()?;
            match element {
                VARCHAR => metadata.take(3).map(drop)?,
                _ => unwrapped(element, metadata).map(drop)?,
            }
            element.into()
        }
        _ => return None,
    };
    Some((kind, value))
}
