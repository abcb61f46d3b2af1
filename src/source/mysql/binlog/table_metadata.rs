//! The optional part of a table map: fields with a type and a length. What comes is what the source's
//! `binlog_row_metadata` asks for; a field that is not known is passed over.

use super::bytes::{Bytes, text};
use super::table_map::{KeyPart, TableMap, column};
use crate::model::logged::LoggedColumn;
use crate::model::server::Flavor;

const SIGNEDNESS: u8 = 1;
const DEFAULT_CHARSET: u8 = 2;
const COLUMN_CHARSET: u8 = 3;
const COLUMN_NAME: u8 = 4;
const SET_LABELS: u8 = 5;
const ENUM_LABELS: u8 = 6;
const SIMPLE_PRIMARY_KEY: u8 = 8;
const PRIMARY_KEY_WITH_PREFIX: u8 = 9;
const ENUM_AND_SET_DEFAULT_CHARSET: u8 = 10;
const ENUM_AND_SET_COLUMN_CHARSET: u8 = 11;
const COLUMN_VISIBILITY: u8 = 12;

/// Reads the fields into the map and its columns.
pub(super) fn read(mut bytes: Bytes<'_>, map: &mut TableMap, flavor: Flavor) -> Option<()> {
    let is_text = match flavor {
        Flavor::MySql => is_text_of_mysql,
        Flavor::MariaDb => is_text_of_mariadb,
    };
    while !bytes.is_empty() {
        let field = bytes.u8()?;
        let value = Bytes::new(bytes.packed_bytes()?);
        let columns = map.table.columns.as_mut_slice();
        match field {
            SIGNEDNESS => signedness(value, columns)?,
            DEFAULT_CHARSET => default_collation(value, columns, is_text)?,
            COLUMN_CHARSET => column_collations(value, columns, is_text)?,
            COLUMN_NAME => names(value, columns)?,
            SET_LABELS => labels(value, columns, column::SET)?,
            ENUM_LABELS => labels(value, columns, column::ENUM)?,
            SIMPLE_PRIMARY_KEY => map.primary_key = Some(key(value, columns.len(), simple)?),
            PRIMARY_KEY_WITH_PREFIX => {
                map.primary_key = Some(key(value, columns.len(), Bytes::packed)?);
            }
            ENUM_AND_SET_DEFAULT_CHARSET => default_collation(value, columns, has_labels)?,
            ENUM_AND_SET_COLUMN_CHARSET => column_collations(value, columns, has_labels)?,
            COLUMN_VISIBILITY => map.visible = Some(visibility(value, columns.len())?),
            _ => {}
        }
    }
    Some(())
}

/// Types that have a sign, as servers see it.
fn has_sign(kind: u8) -> bool {
    use column::*;
    matches!(
        kind,
        DECIMAL | TINY | SHORT | INT24 | LONG | LONGLONG | YEAR | FLOAT | DOUBLE | NEWDECIMAL
    )
}

/// Types that have a collation, whether it says something or not.
fn is_text_of_mysql(kind: u8) -> bool {
    use column::*;
    matches!(
        kind,
        STRING | VAR_STRING | VARCHAR | TINY_BLOB..=BLOB | VECTOR
    )
}

fn is_text_of_mariadb(kind: u8) -> bool {
    use column::*;
    matches!(
        kind,
        STRING | VAR_STRING | VARCHAR | TINY_BLOB
            ..=BLOB | GEOMETRY | MARIADB_BLOB_COMPRESSED | MARIADB_VARCHAR_COMPRESSED
    )
}

fn has_labels(kind: u8) -> bool {
    matches!(kind, column::ENUM | column::SET)
}

/// A bit for each column that has a sign, the first one highest.
fn signedness(mut value: Bytes<'_>, columns: &mut [LoggedColumn]) -> Option<()> {
    let bitmap = value.rest();
    let signed = columns.iter_mut().filter(|column| has_sign(column.kind));
    for (position, column) in signed.enumerate() {
        column.unsigned = Some(high_bit(bitmap, position)?);
    }
    Some(())
}

fn high_bit(bitmap: &[u8], position: usize) -> Option<bool> {
    Some(bitmap.get(position / 8)? << (position % 8) & 0x80 != 0)
}

/// One collation for all columns of the kind, and those that have another: the column's position
/// among its kind, and its collation.
fn default_collation(
    mut value: Bytes<'_>,
    columns: &mut [LoggedColumn],
    of_kind: fn(u8) -> bool,
) -> Option<()> {
    let default = value.packed()?.try_into().ok()?;
    let mut of_kind: Vec<_> = of_kind_in(columns, of_kind).collect();
    for column in &mut of_kind {
        column.collation = Some(default);
    }
    while !value.is_empty() {
        let position = value.packed_usize()?;
        let collation = value.packed()?.try_into().ok()?;
        of_kind.get_mut(position)?.collation = Some(collation);
    }
    Some(())
}

/// A collation for each column of the kind.
fn column_collations(
    mut value: Bytes<'_>,
    columns: &mut [LoggedColumn],
    of_kind: fn(u8) -> bool,
) -> Option<()> {
    for column in of_kind_in(columns, of_kind) {
        column.collation = Some(value.packed()?.try_into().ok()?);
    }
    value.is_empty().then_some(())
}

fn of_kind_in(
    columns: &mut [LoggedColumn],
    of_kind: fn(u8) -> bool,
) -> impl Iterator<Item = &mut LoggedColumn> {
    columns
        .iter_mut()
        .filter(move |column| of_kind(column.kind))
}

fn names(mut value: Bytes<'_>, columns: &mut [LoggedColumn]) -> Option<()> {
    for column in columns {
        column.name = Some(text(value.packed_bytes()?)?);
    }
    value.is_empty().then_some(())
}

/// For each column of the type the number of its labels, and the labels.
fn labels(mut value: Bytes<'_>, columns: &mut [LoggedColumn], kind: u8) -> Option<()> {
    for column in columns.iter_mut().filter(|column| column.kind == kind) {
        let count = value.packed_usize()?;
        // Each has a length of a byte at least: so a count can be no larger than what is there.
        if count > value.len() {
            return None;
        }
        let mut labels = Vec::with_capacity(count);
        for _ in 0..count {
            labels.push(value.packed_bytes()?.to_vec());
        }
        column.labels = Some(labels);
    }
    value.is_empty().then_some(())
}

/// The prefix of a key of whole columns.
fn simple(_: &mut Bytes<'_>) -> Option<u64> {
    Some(0)
}

fn key<'a>(
    mut value: Bytes<'a>,
    columns: usize,
    prefix: fn(&mut Bytes<'a>) -> Option<u64>,
) -> Option<Vec<KeyPart>> {
    let mut parts = Vec::new();
    while !value.is_empty() {
        let column = value.packed_usize().filter(|column| *column < columns)?;
        let prefix = prefix(&mut value)?;
        parts.push(KeyPart { column, prefix });
    }
    Some(parts)
}

fn visibility(mut value: Bytes<'_>, columns: usize) -> Option<Vec<bool>> {
    let bitmap = value.rest();
    (0..columns)
        .map(|position| high_bit(bitmap, position))
        .collect()
}
