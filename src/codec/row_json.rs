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
use std::borrow::Cow;

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
    let text = match (written(source, cell), *cell) {
        (_, Cell::Null) => return (Value::Null, 0),
        (_, Cell::Bytes(bytes)) if is_bytes(source) => return long(bytes, longest, hex),
        (Some(written), _) => written,
        // Its digits would be read as the nearest float, which it is not.
        (None, _) if *source == SourceType::Float => return long(&plain(cell), longest, hex),
        (None, Cell::Bytes(bytes)) => return long(bytes, longest, string_or_hex),
        (None, _) => plain(cell).into_owned(),
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    let length = text.len();
    match (is_integer(source), text.parse::<Number>()) {
        (true, Ok(number)) if !number.is_f64() => (Value::Number(number), length),
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
fn plain<'a>(cell: &Cell<'a>) -> Cow<'a, [u8]> {
    let text = match *cell {
        Cell::Bytes(bytes) => return Cow::Borrowed(bytes),
        Cell::Null => String::new(),
        Cell::Int(value) => value.to_string(),
        Cell::UInt(value) => value.to_string(),
        // Without an exponent they might have hundreds of digits.
        Cell::Float(value) => format!("{value:e}"),
        Cell::Double(value) => format!("{value:e}"),
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
    Cow::Owned(text.into_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: SourceType, cell: Cell<'_>) -> Value {
        let column = SourceColumn::new("c", source);
        let row = row_json(&[column], &[cell]);
        row.get("c").unwrap().clone()
    }

    #[test]
    fn values_are_as_the_source_writes_them() {
        let big = SourceType::BigInt { unsigned: true };
        let decimal = SourceType::Decimal {
            precision: 30,
            scale: 2,
        };
        let zero = Cell::DateTime {
            year: 0,
            month: 0,
            day: 0,
            hour: 0,
            minute: 0,
            second: 0,
            microsecond: 0,
        };
        let labels = SourceType::Set { labels: Vec::new() };
        let bytes = Cell::Bytes(b"\0\xff");
        for (source, cell, expected) in [
            (SourceType::Text, Cell::Null, json!(null)),
            (big.clone(), Cell::UInt(u64::MAX), json!(u64::MAX)),
            (big, Cell::Bytes(b"0042"), json!(42)),
            (SourceType::Year, Cell::Int(2024), json!(2024)),
            (
                decimal,
                Cell::Bytes(b"12345678901234567890.50"),
                json!("12345678901234567890.50"),
            ),
            (SourceType::Double, Cell::Double(-0.0), json!("-0")),
            (SourceType::Float, Cell::Float(0.1), json!("0.1")),
            (
                SourceType::Float,
                Cell::Bytes(b"0.10000000149011612"),
                json!("0.1"),
            ),
            (SourceType::Date, zero, json!("0000-00-00")),
            (
                SourceType::DateTime { fraction: 1 },
                zero,
                json!("0000-00-00 00:00:00.0"),
            ),
            (SourceType::Text, Cell::Bytes("é'".as_bytes()), json!("é'")),
            (SourceType::Text, bytes, json!({"hex": "00ff"})),
            (
                SourceType::Text,
                Cell::Bytes(b"a\0"),
                json!({"hex": "6100"}),
            ),
            (SourceType::Blob, Cell::Bytes(b"a"), json!({"hex": "61"})),
            (
                SourceType::Bit { bits: 9 },
                Cell::Bytes(&[1, 2]),
                json!({"hex": "0102"}),
            ),
            (SourceType::Json, Cell::Bytes(b"{}"), json!("{}")),
            (labels, Cell::Bytes(b"a,b"), json!("a,b")),
            (SourceType::Inet4, Cell::Bytes(b"1.2.3.4"), json!("1.2.3.4")),
        ] {
            assert_eq!(shown(source.clone(), cell), expected, "{source:?}");
        }
    }

    #[test]
    fn what_is_none_of_its_type_is_shown_all_the_same() {
        let tiny = SourceType::TinyInt { unsigned: false };
        assert_eq!(shown(tiny.clone(), Cell::Int(300)), json!(300));
        assert_eq!(shown(tiny.clone(), Cell::Bytes(b"x")), json!("x"));
        assert_eq!(shown(tiny, Cell::Double(1.5)), json!("1.5e0"));
        let moment = Cell::DateTime {
            year: 2024,
            month: 13,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            microsecond: 5,
        };
        assert_eq!(
            shown(SourceType::Date, moment),
            json!("2024-13-01 00:00:00.000005")
        );
        assert_eq!(
            shown(SourceType::Date, Cell::Bytes(b"\xff")),
            json!({"hex": "ff"})
        );
        for no_float in [Cell::Double(0.1), Cell::Bytes(b"1e-1")] {
            assert_eq!(
                shown(SourceType::Float, no_float),
                json!({"hex": "31652d31"})
            );
        }
    }

    #[test]
    fn long_values_are_cut_at_a_character_and_rows_have_a_bound() {
        let text = "é".repeat(LONGEST / 2);
        let whole = shown(SourceType::Text, Cell::Bytes(text.as_bytes()));
        assert_eq!(whole, json!(text));
        let text = format!("a{text}");
        let cut = shown(SourceType::Text, Cell::Bytes(text.as_bytes()));
        let head = format!("a{}", "é".repeat(KEPT / 2 - 1));
        assert_eq!(cut, json!({"cut": head, "bytes": LONGEST + 1}));
        let cut = shown(SourceType::Blob, Cell::Bytes(&vec![7; LONGEST + 1]));
        assert_eq!(
            cut,
            json!({"cut": {"hex": "07".repeat(KEPT)}, "bytes": LONGEST + 1})
        );

        let columns: Vec<_> = (0..200)
            .map(|number| SourceColumn::new(format!("c{number}"), SourceType::Blob))
            .collect();
        let bytes = vec![7; LONGEST];
        let row = row_json(&columns, &vec![Cell::Bytes(&bytes); 200]);
        assert!(row.to_string().len() < 2 * (ROW + LONGEST + 200 * KEPT) + 200 * 40);
        assert_eq!(row.as_object().unwrap().len(), 200);
    }
}
