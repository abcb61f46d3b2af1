//! Key values: where a chunk begins and ends and where its cursor stands.

/// One column of a key, exact: what is read is what is later compared at the source.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyValue {
    Int(i64),
    UInt(u64),
    Double(f64),
    /// Decimal, date, datetime, timestamp (UTC) and time values as the source writes them.
    Literal(String),
    /// Text without a NUL whose bytes at the source are UTF-8 (character sets utf8mb4, utf8mb3,
    /// ascii).
    Text(String),
    /// Anything else by its bytes at the source, as lower-case hexadecimal digits.
    Hex(String),
}

/// A whole key, one value per key column in key order. Stored as jsonb in the catalog.
pub type Key = Vec<KeyValue>;

/// A range of keys in the source's order: after `lower` (exclusive), up to `upper` (inclusive);
/// None is open.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct KeyRange {
    pub lower: Option<Key>,
    pub upper: Option<Key>,
}
