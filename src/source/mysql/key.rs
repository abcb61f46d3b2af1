//! Keys a copy can walk: which are usable, how a value is read from a row, how it is written as a
//! literal that compares in the column's own order and lets the server use the index.

use std::fmt::Write as _;

use mysql_async::Value;

use super::told::clean;
use crate::error::{Error, Kind, Result};
use crate::model::key::KeyValue;
use crate::model::table::{SourceColumn, SourceKey, SourceTable, SourceType};

/// How the values of a key column travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyForm {
    Integer,
    Bits,
    Decimal,
    Date,
    /// `datetime` and `timestamp`.
    Moment,
    Time,
    /// The character set's bytes are UTF-8.
    Text,
    /// Another character set: its raw bytes, with the set's introducer.
    Encoded,
    Bytes,
    /// `uuid`, `inet4`, `inet6`: their text, which the server reads back into the type.
    Name,
}

/// Whether the source can be asked for ranges of this key by its index.
///
/// Floating point has no exact literal. ENUM and SET compare by label unless they are cast, and a
/// cast does not use the index.
pub fn usable_key(table: &SourceTable, key: &SourceKey) -> bool {
    !key.columns.is_empty()
        && key.columns.iter().all(|name| {
            table
                .columns
                .iter()
                .find(|column| column.name == *name)
                .is_some_and(|column| !column.nullable && form(column).is_some())
        })
}

pub(super) fn form(column: &SourceColumn) -> Option<KeyForm> {
    match &column.source_type {
        SourceType::TinyInt { .. }
        | SourceType::SmallInt { .. }
        | SourceType::MediumInt { .. }
        | SourceType::Int { .. }
        | SourceType::BigInt { .. }
        | SourceType::Year => Some(KeyForm::Integer),
        SourceType::Bit { .. } => Some(KeyForm::Bits),
        SourceType::Decimal { .. } => Some(KeyForm::Decimal),
        SourceType::Date => Some(KeyForm::Date),
        SourceType::DateTime { .. } | SourceType::Timestamp { .. } => Some(KeyForm::Moment),
        SourceType::Time { .. } => Some(KeyForm::Time),
        SourceType::Char { .. } | SourceType::VarChar { .. } => {
            match column.character_set.as_deref()? {
                "utf8mb4" | "utf8mb3" | "utf8" | "ascii" => Some(KeyForm::Text),
                set if is_plain(set) => Some(KeyForm::Encoded),
                _ => None,
            }
        }
        SourceType::Binary { .. } | SourceType::VarBinary { .. } => Some(KeyForm::Bytes),
        SourceType::Uuid | SourceType::Inet4 | SourceType::Inet6 => Some(KeyForm::Name),
        SourceType::Float
        | SourceType::Double
        | SourceType::Text
        | SourceType::Blob
        | SourceType::Enum { .. }
        | SourceType::Set { .. }
        | SourceType::Json
        | SourceType::Geometry { .. }
        | SourceType::Unmapped { .. } => None,
    }
}

/// A value of a key column as it came over the wire.
pub(super) fn read(form: KeyForm, value: &Value) -> Result<KeyValue> {
    let key = match (form, value) {
        (KeyForm::Integer, Value::Int(number)) => Some(KeyValue::Int(*number)),
        (KeyForm::Integer, Value::UInt(number)) => Some(unsigned(*number)),
        (KeyForm::Integer, Value::Bytes(bytes)) => integer(bytes),
        (KeyForm::Bits, Value::Bytes(bytes)) if bytes.len() <= 8 => Some(KeyValue::UInt(
            bytes
                .iter()
                .fold(0, |number, byte| (number << 8) | u64::from(*byte)),
        )),
        (KeyForm::Decimal, Value::Bytes(bytes)) => std::str::from_utf8(bytes)
            .ok()
            .filter(|text| is_decimal(text))
            .map(|text| KeyValue::Literal(text.to_string())),
        (KeyForm::Date, Value::Date(year, month, day, ..)) => {
            Some(KeyValue::Literal(format!("{year:04}-{month:02}-{day:02}")))
        }
        (KeyForm::Moment, Value::Date(year, month, day, hour, minute, second, micros)) => {
            Some(KeyValue::Literal(format!(
                "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}"
            )))
        }
        (KeyForm::Time, Value::Time(negative, days, hours, minutes, seconds, micros)) => {
            let sign = if *negative { "-" } else { "" };
            let hours = u64::from(*days) * 24 + u64::from(*hours);
            Some(KeyValue::Literal(format!(
                "{sign}{hours:02}:{minutes:02}:{seconds:02}.{micros:06}"
            )))
        }
        (KeyForm::Text, Value::Bytes(bytes)) => Some(match std::str::from_utf8(bytes) {
            // The catalog's jsonb holds no NUL, nor text that is none.
            Ok(text) if !text.contains('\0') => KeyValue::Text(text.to_string()),
            _ => KeyValue::Hex(hex(bytes)),
        }),
        (KeyForm::Encoded | KeyForm::Bytes, Value::Bytes(bytes)) => Some(KeyValue::Hex(hex(bytes))),
        (KeyForm::Name, Value::Bytes(bytes)) => plain(bytes, is_name),
        // As the text protocol has them.
        (KeyForm::Date | KeyForm::Moment | KeyForm::Time, Value::Bytes(bytes)) => {
            plain(bytes, is_moment)
        }
        _ => None,
    };
    key.ok_or_else(|| {
        Error::new(
            Kind::ProtocolViolation,
            "the source sent a key value that does not fit its column",
        )
    })
}

/// One form for a number, whatever road it came by.
fn unsigned(number: u64) -> KeyValue {
    match i64::try_from(number) {
        Ok(number) => KeyValue::Int(number),
        Err(_) => KeyValue::UInt(number),
    }
}

fn integer(text: &[u8]) -> Option<KeyValue> {
    let text = std::str::from_utf8(text).ok()?;
    match text.parse::<i64>() {
        Ok(number) => Some(KeyValue::Int(number)),
        Err(_) => text.parse::<u64>().ok().map(KeyValue::UInt),
    }
}

fn plain(text: &[u8], is_fit: fn(&str) -> bool) -> Option<KeyValue> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| is_fit(text))
        .map(|text| KeyValue::Literal(text.to_owned()))
}

/// A literal for comparisons with the column. It is safe under every `sql_mode`: text is written in
/// hexadecimal digits, everything else is checked character by character.
pub(super) fn literal(column: &SourceColumn, value: &KeyValue) -> Result<String> {
    let form = form(column).ok_or_else(|| unfit(column))?;
    match (form, value) {
        (KeyForm::Integer | KeyForm::Bits, KeyValue::Int(number)) => Ok(number.to_string()),
        (KeyForm::Integer | KeyForm::Bits, KeyValue::UInt(number)) => Ok(number.to_string()),
        (KeyForm::Decimal, KeyValue::Literal(text)) if is_decimal(text) => Ok(text.clone()),
        (KeyForm::Date | KeyForm::Moment | KeyForm::Time, KeyValue::Literal(text))
            if is_moment(text) =>
        {
            Ok(format!("'{text}'"))
        }
        (KeyForm::Name, KeyValue::Literal(text)) if is_name(text) => Ok(format!("'{text}'")),
        (KeyForm::Text, KeyValue::Text(text)) => introduced(column, &hex(text.as_bytes())),
        (KeyForm::Text | KeyForm::Encoded, KeyValue::Hex(digits)) if is_hex(digits) => {
            introduced(column, digits)
        }
        (KeyForm::Bytes, KeyValue::Hex(digits)) if is_hex(digits) => Ok(format!("X'{digits}'")),
        _ => Err(unfit(column)),
    }
}

/// The column's collation decides the comparison, because a literal yields to a column; the
/// introducer makes both sides the same character set, so nothing is converted.
fn introduced(column: &SourceColumn, digits: &str) -> Result<String> {
    match column.character_set.as_deref() {
        Some(set) if is_plain(set) => Ok(format!("_{set} X'{digits}'")),
        _ => Err(unfit(column)),
    }
}

fn unfit(column: &SourceColumn) -> Error {
    Error::new(
        Kind::InvalidState,
        format!(
            "the cursor does not fit key column \"{}\" of type {}",
            clean(&column.name),
            clean(&column.type_name)
        ),
    )
    .with_detail("The source table was altered since the copy began, or the cursor was.")
    .with_hint("Start the unit again from its beginning.")
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// `-12.30`: a sign at most, digits, a point at most.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.matches('.').count() <= 1
}

/// The letters of a uuid or an address.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b':' | b'.'))
}

fn is_moment(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(source_type: SourceType, set: Option<&str>) -> SourceColumn {
        SourceColumn {
            type_name: "t".into(),
            nullable: false,
            character_set: set.map(String::from),
            ..SourceColumn::new("k", source_type)
        }
    }

    #[test]
    fn values_survive_as_literals() {
        let varchar = SourceType::VarChar { length: 9 };
        let cases = [
            (
                SourceType::BigInt { unsigned: false },
                None,
                Value::Int(-7),
                "-7",
            ),
            (
                SourceType::BigInt { unsigned: true },
                None,
                Value::UInt(u64::MAX),
                "18446744073709551615",
            ),
            (
                SourceType::Bit { bits: 20 },
                None,
                Value::Bytes(vec![1, 0, 2]),
                "65538",
            ),
            (
                SourceType::Decimal {
                    precision: 9,
                    scale: 2,
                },
                None,
                Value::Bytes(b"-1.50".to_vec()),
                "-1.50",
            ),
            (
                SourceType::Date,
                None,
                Value::Date(2024, 2, 3, 0, 0, 0, 0),
                "'2024-02-03'",
            ),
            (
                SourceType::DateTime { fraction: 6 },
                None,
                Value::Date(2024, 2, 3, 4, 5, 6, 7),
                "'2024-02-03 04:05:06.000007'",
            ),
            (
                SourceType::Time { fraction: 0 },
                None,
                Value::Time(true, 34, 22, 59, 59, 0),
                "'-838:59:59.000000'",
            ),
            (
                varchar.clone(),
                Some("utf8mb4"),
                Value::Bytes(b"a'\\".to_vec()),
                "_utf8mb4 X'61275c'",
            ),
            (
                varchar.clone(),
                Some("utf8mb4"),
                Value::Bytes(b"a\0".to_vec()),
                "_utf8mb4 X'6100'",
            ),
            (
                varchar.clone(),
                Some("latin1"),
                Value::Bytes(vec![0xe9]),
                "_latin1 X'e9'",
            ),
            (
                SourceType::VarBinary { length: 9 },
                None,
                Value::Bytes(vec![0, 32]),
                "X'0020'",
            ),
            (
                SourceType::VarBinary { length: 9 },
                None,
                Value::Bytes(vec![]),
                "X''",
            ),
        ];
        for (source_type, set, value, expected) in cases {
            let column = column(source_type, set);
            let form = form(&column).unwrap();
            let key = read(form, &value).unwrap();
            assert_eq!(literal(&column, &key).unwrap(), expected);
        }
        assert!(read(KeyForm::Integer, &Value::NULL).is_err());
    }

    #[test]
    fn a_forged_cursor_is_no_sql() {
        let literal_of = |source_type, set, value| literal(&column(source_type, set), &value);
        let text = |text: &str| KeyValue::Literal(text.to_string());
        let decimal = || SourceType::Decimal {
            precision: 9,
            scale: 2,
        };
        for bad in ["1 or 1=1", "--1", "", "-", ".5", "1.2.3", "1e5", "'1'"] {
            assert!(literal_of(decimal(), None, text(bad)).is_err(), "{bad}");
        }
        assert!(literal_of(SourceType::Date, None, text("2024' or '1")).is_err());
        let hex = |digits: &str| KeyValue::Hex(digits.to_string());
        let binary = || SourceType::VarBinary { length: 9 };
        assert!(literal_of(binary(), None, hex("0")).is_err());
        assert!(literal_of(binary(), None, hex("'' ")).is_err());
        let varchar = || SourceType::VarChar { length: 9 };
        assert!(literal_of(varchar(), Some("x y"), hex("00")).is_err());
        assert!(literal_of(SourceType::Double, None, KeyValue::Double(1.0)).is_err());
        assert!(literal_of(SourceType::Date, None, KeyValue::Int(1)).is_err());
    }

    #[test]
    fn keys_of_inexact_or_relabelled_values_are_not_usable() {
        let table = |column: SourceColumn| SourceTable {
            schema: "s".into(),
            name: "t".into(),
            columns: vec![column],
            ..SourceTable::default()
        };
        let key = SourceKey {
            name: "PRIMARY".into(),
            primary: true,
            columns: vec!["k".into()],
        };
        let usable = |column| usable_key(&table(column), &key);
        assert!(usable(column(SourceType::Year, None)));
        assert!(usable(column(
            SourceType::Char { length: 2 },
            Some("utf8mb4")
        )));
        assert!(!usable(column(SourceType::Char { length: 2 }, None)));
        assert!(!usable(column(SourceType::Float, None)));
        assert!(!usable(column(
            SourceType::Enum { labels: vec![] },
            Some("utf8mb4")
        )));
        let nullable = SourceColumn {
            nullable: true,
            ..column(SourceType::Year, None)
        };
        assert!(!usable(nullable));
        let other = SourceColumn {
            name: "other".into(),
            ..column(SourceType::Year, None)
        };
        assert!(!usable(other));
    }
}
