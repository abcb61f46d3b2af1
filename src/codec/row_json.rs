//! A row as JSON, for people and for writing it again: an object by column name, with the values as
//! the source writes them.
//!
//! | value | JSON |
//! |---|---|
//! | NULL | null |
//! | integers, years | a number |
//! | decimals, floating point, dates, times, text | a string |
//! | bytes, bits, geometry, and text that JSON cannot hold | `{"hex": "00ff"}` |
//! | what is longer than 64 KiB | `{"cut": its first KiB, "bytes": its length}` |
//!
//! `replay` is the inverse.

use super::text_form::TextForm;
use crate::model::cell::Cell;
use crate::model::table::{SourceColumn, SourceType};
use serde_json::{Map, Number, Value, json};

const LONGEST: usize = 64 * 1024;
const KEPT: usize = 1024;
/// Bytes of values that a row shows; beyond them, only short values are whole.
const ROW: usize = 1024 * 1024;

/// The cells of a row, in the order of its columns. What has no column, or no cell, is left out.
pub fn row_json(columns: &[SourceColumn], cells: &[Cell<'_>]) -> Value {
    let mut row = Map::new();
    let mut room = ROW;
    for (column, cell) in columns.iter().zip(cells) {
        let longest = if room == 0 { KEPT } else { LONGEST };
        let (value, bytes) = value(&column.source_type, cell, longest);
        room = room.saturating_sub(bytes);
        row.insert(column.name.clone(), value);
    }
    Value::Object(row)
}

/// A value, and how many bytes of it are in the JSON.
fn value(source: &SourceType, cell: &Cell<'_>, longest: usize) -> (Value, usize) {
    let mut text = Vec::new();
    match *cell {
        Cell::Null => return (Value::Null, 0),
        Cell::Bytes(bytes) if is_bytes(source) => return long(bytes, longest, hex),
        _ => match (written(source, cell), *cell) {
            (Some(written), _) => text = written,
            // Its digits would read as the nearest float, which it is not.
            (None, Cell::Bytes(bytes)) if *source == SourceType::Float => {
                return long(bytes, longest, hex);
            }
            (None, Cell::Bytes(bytes)) => return long(bytes, longest, string_or_hex),
            (None, _) => write_plain(cell, &mut text),
        },
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let length = text.len();
    match (is_integer(source), text.parse::<Number>()) {
        (true, Ok(number)) => (Value::Number(number), length),
        _ => (Value::String(text), length),
    }
}

/// The source's own writing; None for text, and where the value is none of its type.
fn written(source: &SourceType, cell: &Cell<'_>) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    TextForm::of(source)?.write(cell, &mut text).ok()?;
    Some(text)
}

fn is_bytes(source: &SourceType) -> bool {
    matches!(
        source,
        SourceType::Binary { .. }
            | SourceType::VarBinary { .. }
            | SourceType::Blob
            | SourceType::Bit { .. }
            | SourceType::Geometry { .. }
    )
}

fn is_integer(source: &SourceType) -> bool {
    matches!(
        source,
        SourceType::TinyInt { .. }
            | SourceType::SmallInt { .. }
            | SourceType::MediumInt { .. }
            | SourceType::Int { .. }
            | SourceType::BigInt { .. }
            | SourceType::Year
    )
}

/// A value that its type does not hold, with all there is of it.
fn write_plain(cell: &Cell<'_>, out: &mut Vec<u8>) {
    let text = match *cell {
        Cell::Null | Cell::Bytes(_) => String::new(),
        Cell::Int(value) => value.to_string(),
        Cell::UInt(value) => value.to_string(),
        Cell::Float(value) => value.to_string(),
        Cell::Double(value) => value.to_string(),
        Cell::DateTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            microsecond,
        } => format!(
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{microsecond:06}"
        ),
        Cell::Time {
            negative,
            days,
            hours,
            minutes,
            seconds,
            microseconds,
        } => {
            let sign = if negative { "-" } else { "" };
            let hours = u64::from(days) * 24 + u64::from(hours);
            format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{microseconds:06}")
        }
    };
    out.extend_from_slice(text.as_bytes());
}

fn long(bytes: &[u8], longest: usize, show: fn(&[u8]) -> Value) -> (Value, usize) {
    if bytes.len() <= longest {
        return (show(bytes), bytes.len());
    }
    let mut head = bytes.get(..KEPT).unwrap_or(bytes);
    // A character that the cut went through is no part of the beginning.
    if let Err(error) = std::str::from_utf8(head)
        && error.error_len().is_none()
    {
        head = head.get(..error.valid_up_to()).unwrap_or(head);
    }
    (json!({ "cut": show(head), "bytes": bytes.len() }), KEPT)
}

fn string_or_hex(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => Value::String(text.to_owned()),
        _ => hex(bytes),
    }
}

fn hex(bytes: &[u8]) -> Value {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            digits.extend(char::from_digit(digit.into(), 16));
        }
    }
    json!({ "hex": digits })
}
