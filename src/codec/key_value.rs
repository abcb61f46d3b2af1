//! The key of a row that is kept as JSON, as the source is asked for it again.

use crate::model::key::{Key, KeyValue};
use crate::model::table::{SourceColumn, SourceType};
use serde_json::Value;

/// The key of a row that `row_json` wrote, by the positions of its columns. None where a value of it
/// is not one that the source can be asked for: by its type, or since it is not known byte for byte.
pub fn key_of(columns: &[SourceColumn], key: &[usize], row: &Value) -> Option<Key> {
    if key.is_empty() {
        return None;
    }
    key.iter()
        .map(|&position| {
            let column = columns.get(position)?;
            key_value(column, row.get(&column.name)?)
        })
        .collect()
}

fn key_value(column: &SourceColumn, value: &Value) -> Option<KeyValue> {
    match (&column.source_type, value) {
        (_, Value::Number(number)) => match number.as_i64() {
            Some(number) => Some(KeyValue::Int(number)),
            None => number.as_u64().map(KeyValue::UInt),
        },
        (SourceType::Bit { .. }, _) => {
            let digits = value.get("hex")?.as_str()?;
            u64::from_str_radix(digits, 16).ok().map(KeyValue::UInt)
        }
        (SourceType::Binary { .. } | SourceType::VarBinary { .. }, _) => {
            let digits = value.get("hex")?.as_str()?;
            Some(KeyValue::Hex(digits.to_owned()))
        }
        (SourceType::Char { .. } | SourceType::VarChar { .. }, _) => {
            let is_utf8 = matches!(
                column.character_set.as_deref(),
                Some("utf8mb4" | "utf8mb3" | "utf8" | "ascii")
            );
            match value {
                _ if !is_utf8 => None,
                Value::String(text) => Some(KeyValue::Text(text.clone())),
                _ => Some(KeyValue::Hex(value.get("hex")?.as_str()?.to_owned())),
            }
        }
        (
            SourceType::DateTime { .. } | SourceType::Timestamp { .. } | SourceType::Time { .. },
            Value::String(text),
        ) => Some(KeyValue::Literal(with_microseconds(text))),
        (
            SourceType::Decimal { .. }
            | SourceType::Date
            | SourceType::Uuid
            | SourceType::Inet4
            | SourceType::Inet6,
            Value::String(text),
        ) => Some(KeyValue::Literal(text.clone())),
        _ => None,
    }
}

/// All six digits, as the key of a row that is read has them.
fn with_microseconds(text: &str) -> String {
    let (clock, digits) = text.split_once('.').unwrap_or((text, ""));
    format!("{clock}.{digits:0<6}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::row_json;
    use crate::codec::tests::column;
    use crate::model::cell::Cell;

    fn key(source_type: SourceType, set: Option<&str>, cell: Cell<'_>) -> Option<KeyValue> {
        let columns = [SourceColumn {
            character_set: set.map(str::to_string),
            ..column(source_type)
        }];
        let key = key_of(&columns, &[0], &row_json(&columns, &[cell]))?;
        key.into_iter().next()
    }

    /// As a key that is read with a row has them: `source::mysql::key`.
    #[test]
    fn key_values_are_as_the_source_is_asked_by_them() {
        let literal = |text: &str| Some(KeyValue::Literal(text.to_string()));
        let hex = |digits: &str| Some(KeyValue::Hex(digits.to_string()));
        let big = SourceType::BigInt { unsigned: true };
        assert_eq!(
            key(big.clone(), None, Cell::UInt(7)),
            Some(KeyValue::Int(7))
        );
        assert_eq!(
            key(big, None, Cell::UInt(u64::MAX)),
            Some(KeyValue::UInt(u64::MAX))
        );
        let bit = SourceType::Bit { bits: 20 };
        let bits = key(bit, None, Cell::Bytes(&[1, 0, 2]));
        assert_eq!(bits, Some(KeyValue::UInt(65_538)));
        let decimal = SourceType::Decimal {
            precision: 9,
            scale: 2,
        };
        assert_eq!(key(decimal, None, Cell::Bytes(b"-1.50")), literal("-1.50"));
        let moment = Cell::DateTime {
            year: 2024,
            month: 2,
            day: 3,
            hour: 4,
            minute: 5,
            second: 6,
            microsecond: 70_000,
        };
        assert_eq!(
            key(SourceType::DateTime { fraction: 2 }, None, moment),
            literal("2024-02-03 04:05:06.070000")
        );
        let whole = Cell::Bytes(b"2024-02-03 04:05:06");
        assert_eq!(
            key(SourceType::Timestamp { fraction: 0 }, None, whole),
            literal("2024-02-03 04:05:06.000000")
        );
        let varchar = || SourceType::VarChar { length: 9 };
        let utf8 = Some("utf8mb4");
        assert_eq!(
            key(varchar(), utf8, Cell::Bytes(b"a'\\")),
            Some(KeyValue::Text("a'\\".to_string()))
        );
        assert_eq!(key(varchar(), utf8, Cell::Bytes(b"a\0")), hex("6100"));
        let binary = SourceType::VarBinary { length: 9 };
        assert_eq!(key(binary, None, Cell::Bytes(&[0, 32])), hex("0020"));
        let uuid = "00112233-4455-6677-8899-aabbccddeeff";
        let cell = Cell::Bytes(uuid.as_bytes());
        assert_eq!(key(SourceType::Uuid, None, cell), literal(uuid));
    }

    #[test]
    fn what_the_source_cannot_be_asked_by_is_no_key() {
        let varchar = SourceType::VarChar { length: 9 };
        // Its bytes at the source are other ones.
        assert_eq!(key(varchar, Some("latin1"), Cell::Bytes(b"a")), None);
        assert_eq!(key(SourceType::Double, None, Cell::Double(1.0)), None);
        let labels = vec!["a".to_string()];
        assert_eq!(
            key(SourceType::Enum { labels }, None, Cell::Bytes(b"a")),
            None
        );
        assert_eq!(key(SourceType::Date, None, Cell::Null), None);
        assert_eq!(key_of(&[], &[0], &serde_json::json!({})), None);
        assert_eq!(key_of(&[], &[], &serde_json::json!({})), None);
    }
}
