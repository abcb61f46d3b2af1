//! Is the table in the log the one that the plan knows? A column that fits is read right.

use super::collation::{self, character_set, longest_character};
use super::layout::{bits, code};
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
        (code::STRING, Type::Char { length }) => bytes(*length, metadata),
        (code::STRING, Type::Binary { length }) => *length == u64::from(metadata),
        (code::STRING, Type::Uuid | Type::Inet6) => metadata == 16,
        (code::STRING, Type::Inet4) => metadata == 4,
        (code::ENUM, Type::Enum { labels }) => {
            usize::from(metadata) == 1 + usize::from(labels.len() > 255)
        }
        (code::SET, Type::Set { labels }) => {
            let bytes = match labels.len().div_ceil(8) {
                bytes @ 0..=4 => bytes,
                _ => 8,
            };
            usize::from(metadata) == bytes
        }
        (code::TINY_BLOB..=code::BLOB | code::BLOB_COMPRESSED, Type::Text | Type::Blob) => {
            blob_bytes(&source.type_name).is_none_or(|known| known == metadata)
        }
        // MariaDB's JSON is a longtext; MySQL's has no character set.
        (code::TINY_BLOB..=code::BLOB, Type::Json) => {
            metadata == 4 && source.character_set.is_some()
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(kind: u8, metadata: u16) -> LoggedColumn {
        LoggedColumn {
            kind,
            metadata,
            ..LoggedColumn::default()
        }
    }

    fn text(set: &str, source: SourceType) -> SourceColumn {
        SourceColumn {
            character_set: Some(set.to_owned()),
            ..SourceColumn::new("c", source)
        }
    }

    #[test]
    fn another_type_or_length_does_not_fit() {
        use SourceType as Type;
        let column = |source| SourceColumn::new("c", source);
        let decimal = |precision, scale| column(Type::Decimal { precision, scale });
        let int = column(Type::Int { unsigned: false });
        assert!(fits(&logged(code::LONG, 0), &int));
        assert!(!fits(&logged(code::LONGLONG, 0), &int));
        let packed = logged(code::NEWDECIMAL, 10 << 8 | 2);
        assert!(fits(&packed, &decimal(10, 2)));
        assert!(!fits(&packed, &decimal(10, 3)) && !fits(&packed, &decimal(11, 2)));
        let stamp = |fraction| column(Type::Timestamp { fraction });
        assert!(fits(&logged(code::TIMESTAMP2, 3), &stamp(3)));
        assert!(!fits(&logged(code::TIMESTAMP2, 3), &stamp(2)));
        assert!(!fits(&logged(code::DATETIME2, 3), &stamp(3)));
        let bit = column(Type::Bit { bits: 9 });
        assert!(fits(&logged(code::BIT, 1 << 8 | 1), &bit));
        assert!(!fits(&logged(code::BIT, 1 << 8 | 2), &bit));
        let blob = SourceColumn {
            type_name: "mediumblob".to_owned(),
            ..column(Type::Blob)
        };
        assert!(fits(&logged(code::BLOB, 3), &blob) && !fits(&logged(code::BLOB, 2), &blob));
        let binary = column(Type::Binary { length: 16 });
        assert!(fits(&logged(code::STRING, 16), &binary));
        assert!(!fits(&logged(code::STRING, 15), &binary));
        // MySQL's own JSON became text.
        assert!(!fits(&logged(code::BLOB, 4), &column(Type::Json)));
    }

    #[test]
    fn text_fits_by_its_bytes_and_its_set() {
        let varchar = SourceType::VarChar { length: 20 };
        let column = text("utf8mb4", varchar.clone());
        assert!(fits(&logged(code::VARCHAR, 80), &column));
        assert!(!fits(&logged(code::VARCHAR, 60), &column));
        assert!(fits(&logged(code::VARCHAR, 60), &text("utf8", varchar)));
        let wide = text("utf8mb4", SourceType::Char { length: 255 });
        assert!(fits(&logged(code::STRING, 1020), &wide));
        assert!(!fits(&logged(code::STRING, 252), &wide));
        let column = SourceColumn {
            type_name: "text".to_owned(),
            ..text("latin1", SourceType::Text)
        };
        let told = |collation| LoggedColumn {
            collation: Some(collation),
            ..logged(code::BLOB, 2)
        };
        assert!(fits(&logged(code::BLOB, 2), &column));
        assert!(fits(&told(8), &column) && fits(&told(48), &column));
        assert!(!fits(&told(45), &column) && !fits(&told(collation::BINARY), &column));
        // A collation that came after this was written.
        assert!(fits(&told(9_999), &column));
        let blob = SourceColumn::new("c", SourceType::Blob);
        assert!(fits(&told(collation::BINARY), &blob) && !fits(&told(8), &blob));
    }

    #[test]
    fn signedness_counts_where_it_is_told() {
        let unsigned = SourceColumn::new("c", SourceType::Int { unsigned: true });
        let told = |unsigned| LoggedColumn {
            unsigned,
            ..logged(code::LONG, 0)
        };
        assert!(fits(&told(None), &unsigned) && fits(&told(Some(true)), &unsigned));
        assert!(!fits(&told(Some(false)), &unsigned));
        // A year is unsigned to one server and not to the other.
        let year = SourceColumn::new("c", SourceType::Year);
        for unsigned in [None, Some(false), Some(true)] {
            let logged = LoggedColumn {
                unsigned,
                ..logged(code::YEAR, 0)
            };
            assert!(fits(&logged, &year));
        }
    }

    #[test]
    fn labels_count_as_far_as_they_can_be_read() {
        let labels = |labels: &[&str]| labels.iter().map(|text| (*text).to_owned()).collect();
        let known = |set, list: &[&str]| {
            let labels = labels(list);
            text(set, SourceType::Enum { labels })
        };
        let told = |labels: &[&[u8]]| LoggedColumn {
            labels: Some(labels.iter().map(|label| label.to_vec()).collect()),
            ..logged(code::ENUM, 1)
        };
        let ab = told(&[b"a", b"b"]);
        assert!(fits(&ab, &known("utf8mb4", &["a", "b"])));
        assert!(!fits(&ab, &known("utf8mb4", &["b", "a"])));
        assert!(!fits(&ab, &known("utf8mb4", &["a", "b", "c"])));
        assert!(!fits(&ab, &known("latin1", &["a", "c"])));
        assert!(!fits(&ab, &known("utf8mb4", &["a", "ö"])));
        let umlaut = told(&["ö".as_bytes()]);
        assert!(fits(&umlaut, &known("utf8mb4", &["ö"])));
        assert!(!fits(&umlaut, &known("utf8mb4", &["ä"])));
        // What the catalog of MariaDB cannot write.
        assert!(fits(&told(&["😀".as_bytes()]), &known("utf8mb4", &["?"])));
        assert!(fits(&told(&[b"\xf6"]), &known("latin1", &["ö"])));
        assert!(fits(&told(&[b"\0a"]), &known("ucs2", &["a"])));
        // More labels than one byte counts.
        let many: Vec<String> = (0..256).map(|label| label.to_string()).collect();
        let many = text("latin1", SourceType::Enum { labels: many });
        assert!(fits(&logged(code::ENUM, 2), &many));
        assert!(!fits(&logged(code::ENUM, 1), &many));
    }
}
