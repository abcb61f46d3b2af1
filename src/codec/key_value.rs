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
