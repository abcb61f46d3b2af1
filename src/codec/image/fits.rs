//! Is the table in the log the one that the plan knows? A column that fits is read right.

use super::collation::{self, character_set, longest_character};
use super::layout::{bits, code, string_bytes};
use crate::model::logged::LoggedColumn;
use crate::model::table::{SourceColumn, SourceType};

/// Does the log's description of a column agree with what the plan knows of it? What the log does not
/// tell (`binlog_row_metadata`) does not count; what is told must agree, so that no value is
/// misread. An unchanged column always fits.
pub fn fits(logged: &LoggedColumn, source: &SourceColumn) -> bool {
    type_fits(logged, source)
        && signedness(&source.source_type)
            .zip(logged.unsigned)
            .is_none_or(|(known, told)| known == told)
        && characters_fit(logged, source)
        && labels_fit(logged, source)
}

fn type_fits(logged: &LoggedColumn, source: &SourceColumn) -> bool {
    use SourceType as Type;
    let metadata = logged.metadata;
    let bytes = |length: u64, told: u16| {
        // Of a set that is not known the plan cannot tell the bytes.
        let longest = match source.character_set.as_deref() {
            Some("binary") | None => Some(1),
            Some(name) => longest_character(name),
        };
        longest.is_none_or(|longest| length.saturating_mul(longest.into()) == u64::from(told))
    };
    match (logged.kind, &source.source_type) {
        (code::TINY, Type::TinyInt { .. })
        | (code::SHORT, Type::SmallInt { .. })
        | (code::INT24, Type::MediumInt { .. })
        | (code::LONG, Type::Int { .. })
        | (code::LONGLONG, Type::BigInt { .. })
        | (code::YEAR, Type::Year)
        | (code::FLOAT, Type::Float)
        | (code::DOUBLE, Type::Double)
        | (code::DATE | code::NEWDATE, Type::Date)
        // The log does not tell the digits of MariaDB's old forms.
        | (code::DATETIME, Type::DateTime { .. })
        | (code::TIMESTAMP, Type::Timestamp { .. })
        | (code::TIME, Type::Time { .. })
        | (code::GEOMETRY, Type::Geometry { .. })
        | (code::JSON, Type::Json) => true,
        (code::NEWDECIMAL, Type::Decimal { precision, scale }) => {
            metadata.to_be_bytes().map(u32::from) == [*precision, *scale]
        }
        (code::BIT, Type::Bit { bits: known }) => bits(metadata) == *known,
        (code::DATETIME2, Type::DateTime { fraction })
        | (code::TIMESTAMP2, Type::Timestamp { fraction })
        | (code::TIME2, Type::Time { fraction }) => u32::from(metadata) == *fraction,
        (code::VARCHAR | code::VAR_STRING, Type::VarChar { length }) => bytes(*length, metadata),
        (code::VARCHAR | code::VAR_STRING, Type::VarBinary { length }) => {
            *length == u64::from(metadata)
        }
        (code::STRING, Type::Char { length }) => bytes(*length, string_bytes(metadata)),
        (code::STRING, Type::Binary { length }) => *length == u64::from(string_bytes(metadata)),
        (code::STRING, Type::Uuid | Type::Inet6) => string_bytes(metadata) == 16,
        (code::STRING, Type::Inet4) => string_bytes(metadata) == 4,
        (code::ENUM, Type::Enum { labels }) => {
            usize::from(metadata & 0xff) == 1 + usize::from(labels.len() > 255)
        }
        (code::SET, Type::Set { labels }) => {
            let bytes = match labels.len().div_ceil(8) {
                bytes @ 0..=4 => bytes,
                _ => 8,
            };
            usize::from(metadata & 0xff) == bytes
        }
        (code::TINY_BLOB..=code::BLOB | code::BLOB_COMPRESSED, Type::Text | Type::Blob) => {
            blob_bytes(&source.type_name).is_none_or(|known| known == metadata)
        }
        (code::TINY_BLOB..=code::BLOB, Type::Json) => metadata == 4,
        // Whether these can be read is not asked here.
        (code::VARCHAR_COMPRESSED, Type::VarChar { .. } | Type::VarBinary { .. }) => true,
        (code::VECTOR, Type::Unmapped { name }) => name == "vector",
        _ => false,
    }
}

/// Bytes of the length of a text or blob; the plan knows it by the type's name only.
fn blob_bytes(type_name: &str) -> Option<u16> {
    let name = type_name.split([' ', '(']).next().unwrap_or_default();
    Some(match name.to_ascii_lowercase().as_str() {
        "tinytext" | "tinyblob" => 1,
        "text" | "blob" => 2,
        "mediumtext" | "mediumblob" => 3,
        "longtext" | "longblob" => 4,
        _ => return None,
    })
}

fn signedness(source: &SourceType) -> Option<bool> {
    match *source {
        SourceType::TinyInt { unsigned }
        | SourceType::SmallInt { unsigned }
        | SourceType::MediumInt { unsigned }
        | SourceType::Int { unsigned }
        | SourceType::BigInt { unsigned } => Some(unsigned),
        _ => None,
    }
}

/// The character set, where both sides know it.
fn characters_fit(logged: &LoggedColumn, source: &SourceColumn) -> bool {
    use SourceType as Type;
    let Some(collation) = logged.collation else {
        return true;
    };
    let binary = collation == collation::BINARY;
    match &source.source_type {
        Type::Char { .. } | Type::VarChar { .. } | Type::Text => {}
        Type::Enum { .. } | Type::Set { .. } => {}
        // Where it is text.
        Type::Json if logged.kind != code::JSON => {}
        Type::Binary { .. } | Type::VarBinary { .. } | Type::Blob => return binary,
        _ => return true,
    }
    let known = source.character_set.as_deref();
    match (
        character_set(collation),
        known.and_then(collation::canonical),
    ) {
        (Some(told), Some(known)) => told == known,
        // MariaDB and MySQL have no text of the set "binary" but for labels.
        _ => !binary || matches!(known, None | Some("binary")),
    }
}

/// The labels, as far as they can be compared without the column's character set.
fn labels_fit(logged: &LoggedColumn, source: &SourceColumn) -> bool {
    let (SourceType::Enum { labels: known } | SourceType::Set { labels: known }, Some(told)) =
        (&source.source_type, &logged.labels)
    else {
        return true;
    };
    let wide = match source
        .character_set
        .as_deref()
        .and_then(collation::canonical)
    {
        // Their bytes are not those of ASCII.
        Some("ucs2" | "utf16" | "utf16le" | "utf32" | "swe7") => true,
        _ => false,
    };
    let utf8 = matches!(
        source
            .character_set
            .as_deref()
            .and_then(collation::canonical),
        Some("utf8mb3" | "utf8mb4" | "ascii")
    );
    known.len() == told.len()
        && known.iter().zip(told).all(|(known, told)| {
            if wide {
                true
            } else if known.is_ascii() && !known.contains('?') && told.is_ascii() {
                known.as_bytes() == told
            } else {
                !utf8 || same_text(known, told)
            }
        })
}

/// MariaDB's catalog has a question mark for each character beyond the first plane.
fn same_text(known: &str, told: &[u8]) -> bool {
    let Ok(told) = std::str::from_utf8(told) else {
        return true;
    };
    let mut known = known.chars();
    told.chars().all(|told| match known.next() {
        Some('?') => told == '?' || told > '\u{ffff}',
        other => other == Some(told),
    }) && known.next().is_none()
}
