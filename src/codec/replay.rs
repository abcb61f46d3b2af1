//! A row that was kept as JSON, as cells again: the inverse of `row_json`, in the form of the text
//! protocol.

use crate::error::{Error, Kind, Result};
use crate::model::table::{SourceColumn, SourceType};
use serde_json::Value;

/// The row's cells in the order of the columns, None for NULL. Encoded they give the bytes that the
/// row's own cells gave.
pub fn replay(columns: &[SourceColumn], row: &Value) -> Result<Vec<Option<Vec<u8>>>> {
    let Value::Object(values) = row else {
        return Err(other_shape("it is not an object"));
    };
    if let Some(name) = values
        .keys()
        .find(|name| !columns.iter().any(|column| column.name == **name))
    {
        return Err(other_shape(&format!(
            "its column \"{name}\" is none of the unit"
        )));
    }
    columns
        .iter()
        .map(|column| match values.get(&column.name) {
            Some(value) => cell(column, value),
            None => Err(other_shape(&format!(
                "it has no column \"{}\"",
                column.name
            ))),
        })
        .collect()
}

fn cell(column: &SourceColumn, value: &Value) -> Result<Option<Vec<u8>>> {
    let name = &column.name;
    let unknown = || other_shape(&format!("its column \"{name}\" is of an unknown form"));
    match value {
        Value::Null => Ok(None),
        // Only integers are kept as numbers.
        Value::Number(number) if !number.is_f64() => Ok(Some(number.to_string().into_bytes())),
        Value::String(text) if column.source_type == SourceType::Float => Ok(Some(float(text))),
        Value::String(text) => Ok(Some(text.clone().into_bytes())),
        Value::Object(parts) => match (parts.get("hex"), parts.get("cut")) {
            (Some(Value::String(digits)), None) if parts.len() == 1 => {
                bytes(digits).map(Some).ok_or_else(unknown)
            }
            (None, Some(_)) => Err(Error::new(
                Kind::InvalidState,
                format!("the row was kept without the whole of its column \"{name}\""),
            )
            .with_hint(
                "The value is too long to be kept. Mend the row at the source and copy the job again: \
                 SELECT sync_start('<job>');",
            )),
            _ => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

/// A `float` is kept with its own digits and read as the double of the same value.
pub(super) fn float(text: &str) -> Vec<u8> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => f64::from(value).to_string().into_bytes(),
        _ => text.as_bytes().to_vec(),
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok())
        .collect()
}

fn other_shape(reason: &str) -> Error {
    Error::new(
        Kind::InvalidState,
        format!("the row that was kept does not fit the unit: {reason}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hostile::{random_bytes, random_cell};
    use crate::codec::row_json;
    use crate::codec::tests::{Random, all_sources, column, field_of};
    use crate::model::cell::Cell;
    use serde_json::json;

    /// A cell that its column may well have.
    fn likely<'a>(source: &SourceType, random: &mut Random, text: &'a mut String) -> Cell<'a> {
        let moment = |date: bool, random: &mut Random| Cell::DateTime {
            year: random.below(10_000) as u16,
            month: random.below(13) as u8,
            day: random.below(32) as u8,
            hour: if date { 0 } else { random.below(24) as u8 },
            minute: if date { 0 } else { random.below(60) as u8 },
            second: 0,
            microsecond: if date {
                0
            } else {
                random.below(1000) as u32 * 1000
            },
        };
        match source {
            SourceType::Decimal { precision, scale } => {
                let before = if precision > scale { "1" } else { "0" };
                let digits = random.next().to_string();
                let after = digits.get(..*scale as usize).unwrap_or(&digits);
                *text = format!("-{before}.{after}");
                Cell::Bytes(text.as_bytes())
            }
            SourceType::Float => Cell::Float(f32::from_bits(random.next() as u32)),
            SourceType::Double => Cell::Double(f64::from_bits(random.next())),
            SourceType::Date => moment(true, random),
            SourceType::DateTime { .. } | SourceType::Timestamp { .. } => moment(false, random),
            SourceType::Time { .. } => Cell::Time {
                negative: random.below(2) == 0,
                days: random.below(34) as u32,
                hours: random.below(24) as u8,
                minutes: random.below(60) as u8,
                seconds: random.below(60) as u8,
                microseconds: random.below(1000) as u32 * 1000,
            },
            SourceType::Uuid => {
                *text = format!(
                    "{:032x}",
                    u128::from(random.next()) << 64 | u128::from(random.next())
                );
                Cell::Bytes(text.as_bytes())
            }
            SourceType::Inet4 => {
                *text = std::net::Ipv4Addr::from(random.next() as u32).to_string();
                Cell::Bytes(text.as_bytes())
            }
            SourceType::Inet6 => {
                *text = std::net::Ipv6Addr::from(u128::from(random.wide())).to_string();
                Cell::Bytes(text.as_bytes())
            }
            SourceType::Bit { .. } => Cell::Bytes(&[1]),
            SourceType::Char { .. } | SourceType::VarChar { .. } | SourceType::Set { .. } => {
                Cell::Bytes(b"a")
            }
            SourceType::Geometry { .. } => Cell::Bytes(&[9, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0]),
            _ => Cell::Int(random.below(256) as i64 - 128),
        }
    }

    #[test]
    fn a_row_that_is_kept_gives_the_same_bytes_again() {
        let mut random = Random(9);
        for source in all_sources() {
            let mut encoded = 0;
            for round in 0..400 {
                let bytes = random_bytes(&mut random);
                let mut text = String::new();
                let cell = match round % 2 {
                    0 => random_cell(&mut random, &bytes),
                    _ => likely(&source, &mut random, &mut text),
                };
                let number = matches!(cell, Cell::Float(value) if !value.is_finite())
                    || matches!(cell, Cell::Double(value) if !value.is_finite());
                if number {
                    continue;
                }
                let columns = [column(source.clone())];
                let row = row_json(&columns, &[cell]);
                // As the table that keeps it has it.
                let row: Value = serde_json::from_str(&row.to_string()).unwrap();
                let cells = replay(&columns, &row).unwrap();
                let again = cells[0].as_deref().map_or(Cell::Null, Cell::Bytes);
                let expected = field_of(&columns[0], &cell);
                encoded += usize::from(expected.is_some());
                let found = field_of(&columns[0], &again);
                // A cell of another kind breaks the protocol, and is never kept.
                if expected.is_some() || matches!(cell, Cell::Bytes(_)) {
                    assert_eq!(found, expected, "{source:?} {cell:?} {row}");
                }
            }
            assert!(encoded > 9, "{source:?}: {encoded}");
        }
    }

    #[test]
    fn what_was_cut_cannot_be_written_again() {
        let columns = [column(SourceType::Text)];
        let long = vec![b'x'; 100_000];
        let row = row_json(&columns, &[Cell::Bytes(&long)]);
        let error = replay(&columns, &row).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidState);
        assert!(error.hint.unwrap().contains("sync_start"));
    }

    #[test]
    fn rows_of_another_shape_are_refused() {
        let columns = [column(SourceType::Text)];
        for row in [
            json!([]),
            json!({}),
            json!({"c": "a", "d": "b"}),
            json!({"c": true}),
            json!({"c": []}),
            json!({"c": 1.5}),
            json!({"c": {"hex": "0"}}),
            json!({"c": {"hex": "0g"}}),
            json!({"c": {"hex": 1}}),
            json!({"c": {"hex": "00", "cut": ""}}),
            json!({"c": {}}),
        ] {
            let error = replay(&columns, &row).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidState, "{row}");
        }
        assert_eq!(replay(&columns, &json!({"c": null})).unwrap(), [None]);
    }
}
