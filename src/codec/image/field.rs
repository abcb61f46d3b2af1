//! One wanted column: from the bytes of the log to a cell, as a SELECT of the source gives it.

use super::charset::Charset;
use super::decimal::Packed;
use super::inet6::write_inet6;
use super::json_binary::write_json;
use super::labels::Labels;
use super::layout::{code, little_endian};
use super::temporal;
use crate::codec::uuid::write_uuid;
use crate::error::{Error, Kind, Result};
use crate::model::cell::Cell;
use crate::model::logged::LoggedColumn;
use crate::model::table::{SourceColumn, SourceType};
use std::io::Write;
use std::net::Ipv4Addr;

/// How a column's values are read.
#[derive(Debug, Clone)]
pub enum Field {
    TinyInt,
    SmallInt,
    MediumInt,
    Int,
    BigInt,
    /// Little-endian, of any length.
    Unsigned,
    Year,
    Float,
    Double,
    Decimal(Packed),
    Date,
    DateTime,
    Timestamp,
    Time,
    /// MariaDB's old forms, with their digits after the second.
    OldDateTime(u32),
    OldTimestamp(u32),
    OldTime(u32),
    /// As it is: bytes, or text in UTF-8.
    Bytes,
    /// `binary(n)`, without the zeros at its end.
    Padded(usize),
    /// Text in another character set.
    Text(Charset),
    Enum(Labels),
    Set(Labels),
    Json,
    Uuid,
    Inet4,
    Inet6,
}

/// Where a value is.
#[derive(Debug, Clone, Copy)]
pub enum Slot {
    Ready(Cell<'static>),
    /// In the image, from the first place to the second.
    Image(u32, u32),
    /// In what was written for this row.
    Scratch(u32, u32),
    /// Text of a label, with its number.
    Label(u32),
}

impl Field {
    pub fn new(logged: &LoggedColumn, column: &SourceColumn, charset: &Charset) -> Result<Field> {
        refuse_by_name(logged, column)?;
        Field::find(logged, column, charset).ok_or_else(|| {
            Error::new(
                Kind::ProtocolViolation,
                format!(
                    "column \"{}\" is not of the type {} in the log",
                    column.name, column.type_name
                ),
            )
            .with_detail(format!(
                "The log has type {} with metadata {:#06x}.",
                logged.kind, logged.metadata
            ))
        })
    }

    fn find(logged: &LoggedColumn, column: &SourceColumn, charset: &Charset) -> Option<Field> {
        use SourceType as Type;
        let signed =
            |unsigned: bool, signed: Field| if unsigned { Field::Unsigned } else { signed };
        Some(match (logged.kind, &column.source_type) {
            (code::TINY, Type::TinyInt { unsigned }) => signed(*unsigned, Field::TinyInt),
            (code::SHORT, Type::SmallInt { unsigned }) => signed(*unsigned, Field::SmallInt),
            (code::INT24, Type::MediumInt { unsigned }) => signed(*unsigned, Field::MediumInt),
            (code::LONG, Type::Int { unsigned }) => signed(*unsigned, Field::Int),
            (code::LONGLONG, Type::BigInt { unsigned }) => signed(*unsigned, Field::BigInt),
            (code::YEAR, Type::Year) => Field::Year,
            (code::FLOAT, Type::Float) => Field::Float,
            (code::DOUBLE, Type::Double) => Field::Double,
            (code::NEWDECIMAL, Type::Decimal { .. }) => {
                let [precision, scale] = logged.metadata.to_be_bytes();
                Field::Decimal(Packed::new(precision, scale)?)
            }
            (code::DATE | code::NEWDATE, Type::Date) => Field::Date,
            (code::DATETIME2, Type::DateTime { .. }) => Field::DateTime,
            (code::TIMESTAMP2, Type::Timestamp { .. }) => Field::Timestamp,
            (code::TIME2, Type::Time { .. }) => Field::Time,
            (code::DATETIME, Type::DateTime { fraction }) => Field::OldDateTime(*fraction),
            (code::TIMESTAMP, Type::Timestamp { fraction }) => Field::OldTimestamp(*fraction),
            (code::TIME, Type::Time { fraction }) => Field::OldTime(*fraction),
            (code::BIT, Type::Bit { .. }) => Field::Bytes,
            (code::VARCHAR | code::VAR_STRING, Type::VarBinary { .. }) => Field::Bytes,
            (code::STRING, Type::Binary { length }) => {
                Field::Padded(usize::try_from(*length).ok()?)
            }
            (code::STRING, Type::Uuid) => Field::Uuid,
            (code::STRING, Type::Inet4) => Field::Inet4,
            (code::STRING, Type::Inet6) => Field::Inet6,
            (code::STRING, Type::Char { .. })
            | (code::VARCHAR | code::VAR_STRING, Type::VarChar { .. }) => text(charset),
            (code::ENUM, Type::Enum { labels }) => {
                Field::Enum(Labels::new(logged, labels, charset)?)
            }
            (code::SET, Type::Set { labels }) => Field::Set(Labels::new(logged, labels, charset)?),
            (code::JSON, Type::Json) => Field::Json,
            (code::GEOMETRY, Type::Geometry { .. }) => Field::Bytes,
            (code::TINY_BLOB..=code::BLOB, Type::Blob) => Field::Bytes,
            // MariaDB's JSON is text.
            (code::TINY_BLOB..=code::BLOB, Type::Text | Type::Json) => text(charset),
            _ => return None,
        })
    }

    /// Reads a value that begins at `start` of the image. None for bytes that are no value of the
    /// column; what does not fit the column's type any closer the encoder finds.
    ///
    /// Each arm writes its own slot: one that is handed on is copied in pieces, and waits for them.
    #[inline(always)]
    pub fn read(
        &self,
        value: &[u8],
        start: usize,
        scratch: &mut Vec<u8>,
        slot: &mut Slot,
    ) -> Option<()> {
        let mut int = |number: i64| *slot = Slot::Ready(Cell::Int(number));
        match self {
            Field::TinyInt => int(i8::from_le_bytes(*value.first_chunk()?).into()),
            Field::SmallInt => int(i16::from_le_bytes(*value.first_chunk()?).into()),
            Field::MediumInt => {
                let &[a, b, c] = value.first_chunk::<3>()?;
                int((i32::from_le_bytes([0, a, b, c]) >> 8).into());
            }
            Field::Int => int(i32::from_le_bytes(*value.first_chunk()?).into()),
            Field::BigInt => int(i64::from_le_bytes(*value.first_chunk()?)),
            Field::Unsigned => *slot = Slot::Ready(Cell::UInt(little_endian(value))),
            Field::Year => {
                *slot = Slot::Ready(Cell::UInt(match value.first()? {
                    0 => 0,
                    &year => 1900 + u64::from(year),
                }));
            }
            Field::Float => {
                *slot = Slot::Ready(Cell::Float(f32::from_le_bytes(*value.first_chunk()?)));
            }
            Field::Double => {
                *slot = Slot::Ready(Cell::Double(f64::from_le_bytes(*value.first_chunk()?)));
            }
            Field::Date => *slot = Slot::Ready(temporal::date(value)?),
            Field::DateTime => *slot = Slot::Ready(temporal::datetime2(value)?),
            Field::Timestamp => *slot = Slot::Ready(temporal::timestamp2(value)?),
            Field::Time => *slot = Slot::Ready(temporal::time2(value)?),
            Field::Bytes => *slot = in_image(value, start),
            Field::Text(charset) if charset.is_utf8(value) => *slot = in_image(value, start),
            Field::Decimal(packed) => {
                *slot = written(scratch, |scratch| packed.write(value, scratch))?;
            }
            Field::Enum(labels) => *slot = Slot::Label(labels.number(little_endian(value))?),
            _ => *slot = self.read_rare(value, start, scratch)?,
        }
        Some(())
    }

    #[inline(never)]
    fn read_rare(&self, value: &[u8], start: usize, scratch: &mut Vec<u8>) -> Option<Slot> {
        match self {
            Field::OldDateTime(fraction) => {
                temporal::old_datetime(value, *fraction).map(Slot::Ready)
            }
            Field::OldTimestamp(fraction) => {
                temporal::old_timestamp(value, *fraction).map(Slot::Ready)
            }
            Field::OldTime(fraction) => temporal::old_time(value, *fraction).map(Slot::Ready),
            Field::Padded(length) if value.len() == *length => Some(in_image(value, start)),
            Field::Padded(length) => written(scratch, |scratch| {
                let missing = length.checked_sub(value.len())?;
                scratch.extend_from_slice(value);
                scratch.resize(scratch.len() + missing, 0);
                Some(())
            }),
            Field::Text(charset) => written(scratch, |scratch| {
                charset.convert(value, scratch);
                Some(())
            }),
            Field::Set(labels) => written(scratch, |scratch| {
                labels.write_set(little_endian(value), scratch)
            }),
            Field::Json => written(scratch, |scratch| write_json(value, scratch)),
            Field::Uuid => {
                let uuid = padded(value)?;
                written(scratch, |scratch| {
                    write_uuid(uuid, scratch);
                    Some(())
                })
            }
            Field::Inet4 => {
                let address = Ipv4Addr::from(padded::<4>(value)?);
                written(scratch, |scratch| write!(scratch, "{address}").ok())
            }
            Field::Inet6 => {
                let address = padded(value)?;
                written(scratch, |scratch| write_inet6(address, scratch))
            }
            _ => None,
        }
    }

    /// Labels by their number, where the column has them.
    pub fn label(&self, number: u32) -> Option<&[u8]> {
        match self {
            Field::Enum(labels) => labels.text(number),
            _ => None,
        }
    }
}

fn text(charset: &Charset) -> Field {
    match charset {
        Charset::Utf8 => Field::Bytes,
        other => Field::Text(other.clone()),
    }
}

/// Zeros at the end are not logged.
fn padded<const LENGTH: usize>(value: &[u8]) -> Option<[u8; LENGTH]> {
    let mut whole = [0; LENGTH];
    whole.get_mut(..value.len())?.copy_from_slice(value);
    Some(whole)
}

#[inline(always)]
fn in_image(value: &[u8], start: usize) -> Slot {
    // No image is longer than 32 bits count: the decoder has looked.
    Slot::Image(start as u32, (start + value.len()) as u32)
}

/// What `write` appends.
#[inline(always)]
fn written(scratch: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<Slot> {
    let start = u32::try_from(scratch.len()).ok()?;
    write(scratch)?;
    Some(Slot::Scratch(start, u32::try_from(scratch.len()).ok()?))
}

/// What cannot be read from the log as it is there.
fn refuse_by_name(logged: &LoggedColumn, column: &SourceColumn) -> Result<()> {
    let (what, hint) = match logged.kind {
        code::BLOB_COMPRESSED | code::VARCHAR_COMPRESSED => (
            "is COMPRESSED, which is not read from the log",
            "Take COMPRESSED off the column: ALTER TABLE ... MODIFY ...; or leave the column out.",
        ),
        code::VECTOR => (
            "is a vector, which is not read from the log",
            "Leave the column out.",
        ),
        _ if logged.labels.is_none() && has_doubtful_label(column) => (
            "has a label with a question mark, or a letter that the source's catalog cannot tell",
            "SET GLOBAL binlog_row_metadata = FULL; and let the log tell it.",
        ),
        _ => return Ok(()),
    };
    Err(Error::new(
        Kind::TypeRefused,
        format!("column \"{}\" {what}", column.name),
    )
    .with_hint(hint))
}

/// The catalog has a question mark for each character beyond the first plane.
fn has_doubtful_label(column: &SourceColumn) -> bool {
    let (SourceType::Enum { labels } | SourceType::Set { labels }) = &column.source_type else {
        return false;
    };
    let set = column.character_set.as_deref();
    matches!(
        set,
        Some("utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030")
    ) && labels.iter().any(|label| label.contains('?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: u8, column: &SourceColumn) -> Option<String> {
        let logged = LoggedColumn {
            kind,
            metadata: 1,
            ..LoggedColumn::default()
        };
        let error = Field::new(&logged, column, &Charset::Utf8).err()?;
        Some(error.message)
    }

    #[test]
    fn what_is_not_read_is_refused_by_name() {
        let blob = SourceColumn::new("c", SourceType::Blob);
        let message = refusal(code::BLOB_COMPRESSED, &blob).unwrap();
        assert!(message.starts_with("column \"c\" is COMPRESSED"));
        assert!(refusal(code::VECTOR, &blob).unwrap().contains("vector"));
        // What `fits` would have told.
        let message = refusal(code::LONG, &blob).unwrap();
        assert!(message.contains("not of the type"), "{message}");
        assert_eq!(refusal(code::BLOB, &blob), None);
    }

    #[test]
    fn a_label_that_may_not_be_what_it_is_needs_the_log_s_own() {
        let labels = vec!["a".to_owned(), "?".to_owned()];
        let column = |set: &str| SourceColumn {
            character_set: Some(set.to_owned()),
            ..SourceColumn::new(
                "c",
                SourceType::Enum {
                    labels: labels.clone(),
                },
            )
        };
        assert!(
            refusal(code::ENUM, &column("utf8mb4"))
                .unwrap()
                .contains("label")
        );
        // Every letter of that set is in the catalog.
        assert_eq!(refusal(code::ENUM, &column("utf8mb3")), None);
        let told = LoggedColumn {
            kind: code::ENUM,
            metadata: 1,
            labels: Some(vec![b"a".to_vec(), "😀".into()]),
            ..LoggedColumn::default()
        };
        let field = Field::new(&told, &column("utf8mb4"), &Charset::Utf8).unwrap();
        assert_eq!(field.label(2), Some("😀".as_bytes()));
    }
}
