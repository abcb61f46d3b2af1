//! A value as PostgreSQL prints it, as the source writes it: for rows that only PostgreSQL has any more,
//! since it refused them.
//!
//! PostgreSQL is asked for a column's text by [`stored_select`], of a table whose columns are of the
//! types of [`stored_type`]: those take every value that the codec encodes, without the modifiers, labels
//! and domains by which the target refuses one.

use super::geometry::without_srid;
use super::replay::float;
use super::target::type_name;
use crate::error::Result;
use crate::model::pg_type::{PgType, oid};
use crate::model::table::SourceType;

/// The plainest type with the same binary form.
pub fn stored_type(target: PgType) -> Result<String> {
    Ok(match target.oid {
        oid::VARCHAR | oid::BPCHAR | oid::JSON => "text".to_owned(),
        oid::BIT => "bit varying".to_owned(),
        // A jsonb that is none is refused as soon as it is read.
        oid::GEOMETRY | oid::JSONB => "bytea".to_owned(),
        oid => type_name(PgType::plain(oid))?,
    })
}

/// The expression whose text [`source_bytes`] reads, for a column of the type of [`stored_type`].
pub fn stored_select(target: PgType, column: &str) -> String {
    match target.oid {
        oid::TIMESTAMPTZ => format!("({column} AT TIME ZONE 'UTC')::pg_catalog.text"),
        oid::INET => format!("pg_catalog.host({column})"),
        // Behind the number of the format.
        oid::JSONB => format!("pg_catalog.convert_from(pg_catalog.substr({column}, 2), 'UTF8')"),
        oid::TEXT_ARRAY => format!("pg_catalog.array_to_string({column}, ',')"),
        _ => format!("{column}::pg_catalog.text"),
    }
}

/// What the source would send as text for a value that PostgreSQL prints so, with ISO dates and hexadecimal
/// bytes.
pub fn source_bytes(source: &SourceType, target: PgType, text: String) -> Vec<u8> {
    let number = match (target.oid, text.as_str()) {
        (oid::BOOL, "true") => Some("1"),
        (oid::BOOL, "false") => Some("0"),
        _ => None,
    };
    match source {
        SourceType::Bit { .. } => bits(target, &text),
        SourceType::Geometry { .. } => without_srid(&hex(text.get(2..).unwrap_or_default())),
        SourceType::Binary { .. } | SourceType::VarBinary { .. } | SourceType::Blob => {
            match target.oid {
                oid::BYTEA => hex(text.get(2..).unwrap_or_default()),
                oid::UUID => hex(&text.replace('-', "")),
                _ => text.into_bytes(),
            }
        }
        SourceType::Float => float(&text),
        // A cast took the clock away or added midnight.
        SourceType::Date if target.oid == oid::TIMESTAMP => text
            .chars()
            .take_while(|c| *c != ' ')
            .collect::<String>()
            .into_bytes(),
        SourceType::DateTime { .. } if target.oid == oid::DATE => {
            format!("{text} 00:00:00").into_bytes()
        }
        _ => number.map_or_else(|| text.clone().into_bytes(), |number| number.into()),
    }
}

/// A bit field's bytes, the highest first.
fn bits(target: PgType, text: &str) -> Vec<u8> {
    let value = match target.oid {
        oid::BYTEA => return hex(text.get(2..).unwrap_or_default()),
        oid::BOOL => u64::from(text == "true"),
        oid::BIT | oid::VARBIT => u64::from_str_radix(text, 2).unwrap_or(0),
        _ => text.parse().unwrap_or(0),
    };
    let bytes = value.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
    bytes.get(first..).unwrap_or_default().to_vec()
}

fn hex(digits: &str) -> Vec<u8> {
    let (pairs, _) = digits.as_bytes().as_chunks::<2>();
    pairs
        .iter()
        .filter_map(|[high, low]| {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::{all_sources, column};
    use crate::codec::{default_type, parse_type};

    #[test]
    fn every_type_has_a_plain_one() {
        for source in all_sources() {
            let target = default_type(&column(source)).unwrap();
            assert!(!stored_type(target).unwrap().contains('('));
        }
        for refusing in [oid::GEOMETRY, oid::JSONB] {
            assert_eq!(stored_type(PgType::plain(refusing)).unwrap(), "bytea");
        }
    }

    #[test]
    fn values_come_back_as_the_source_writes_them() {
        let int = SourceType::TinyInt { unsigned: false };
        let bit = |bits| SourceType::Bit { bits };
        let moment = || SourceType::DateTime { fraction: 0 };
        let cases: &[(SourceType, &str, &str, &[u8])] = &[
            (int.clone(), "smallint", "-5", b"-5"),
            (int, "boolean", "true", b"1"),
            (bit(1), "boolean", "true", &[1]),
            (bit(1), "boolean", "false", &[0]),
            (bit(12), "bit(12)", "111100000001", &[0x0f, 1]),
            (bit(12), "bytea", "\\x0f01", &[0x0f, 1]),
            (bit(12), "bigint", "3841", &[0x0f, 1]),
            (SourceType::Blob, "bytea", "\\x00ff", &[0, 255]),
            (SourceType::Blob, "bytea", "\\x", &[]),
            (SourceType::Text, "text", "\\x00", b"\\x00"),
            (SourceType::Text, "text", "true", b"true"),
            (
                SourceType::Date,
                "timestamp",
                "2024-02-03 00:00:00",
                b"2024-02-03",
            ),
            (moment(), "date", "2024-02-03", b"2024-02-03 00:00:00"),
            (
                moment(),
                "timestamp",
                "2024-02-03 04:05:06",
                b"2024-02-03 04:05:06",
            ),
            (
                SourceType::Binary { length: 2 },
                "uuid",
                "00ff-01",
                &[0, 255, 1],
            ),
        ];
        for (source, target, text, expected) in cases {
            let target = parse_type(target).unwrap();
            let found = source_bytes(source, target, text.to_string());
            assert_eq!(found, *expected, "{source:?} {target:?} {text}");
        }
    }

    #[test]
    fn a_geometry_gets_its_reference_back() {
        use crate::codec::tests::field_of;
        use crate::model::cell::Cell;
        let source = SourceType::Geometry { srid: None };
        for (srid, order) in [(0u32, 1), (4326, 1), (4326, 0)] {
            let kind: u32 = 1;
            let kind = match order {
                0 => kind.to_be_bytes(),
                _ => kind.to_le_bytes(),
            };
            let value = [&srid.to_le_bytes()[..], &[order], &kind, &[7; 16]].concat();
            let field = field_of(&column(source.clone()), &Cell::Bytes(&value)).unwrap();
            let mut text = "\\x".to_string();
            for byte in &field[4..] {
                text += &format!("{byte:02x}");
            }
            let target = PgType::plain(oid::BYTEA);
            assert_eq!(source_bytes(&source, target, text), value);
        }
    }
}
