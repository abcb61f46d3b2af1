//! One column's encoder: the pair of types is judged once, values follow it blindly.

use super::binary::encode_bytea;
use super::bit::Bit;
use super::decimal::Decimal;
use super::enum_set::{Set, enum_characters, is_ambiguous, set_characters};
use super::float::Float;
use super::integer::{Integer, Range};
use super::json::Json;
use super::mapping::default_type;
use super::refusal::Encoded;
use super::target::type_name;
use super::temporal::{Stamp, Time, encode_date};
use super::text::Text;
use super::wire;
use crate::error::{Error, Kind, Result};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};
use crate::model::table::{SourceColumn, SourceType};

/// Encodes the values of one source column for one target column.
#[derive(Debug, Clone)]
pub struct ColumnEncoder {
    family: Family,
}

#[derive(Debug, Clone, Copy)]
enum Family {
    Integer(Integer),
    Decimal(Decimal),
    Float(Float),
    Date,
    Stamp(Stamp),
    Time(Time),
    Text(Text),
    Bytea,
    Bit(Bit),
    Json(Json),
    Set(Set),
}

impl ColumnEncoder {
    /// Takes a target that holds every value of the source type with the same meaning.
    pub fn new(column: &SourceColumn, target: PgType) -> Result<Self> {
        // A type without a default is refused, whatever the target.
        let default = default_type(column)?;
        match Family::new(&column.source_type, target) {
            Some(family) => Ok(ColumnEncoder { family }),
            None => Err(mismatch(column, target, default)),
        }
    }

    /// Appends one field.
    #[inline]
    pub(super) fn encode(&self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        if matches!(*cell, Cell::Null) {
            out.extend_from_slice(&wire::NULL);
            return Ok(());
        }
        match self.family {
            Family::Integer(integer) => integer.encode(cell, out),
            Family::Decimal(decimal) => decimal.encode(cell, out),
            Family::Float(float) => float.encode(cell, out),
            Family::Date => encode_date(cell, out),
            Family::Stamp(stamp) => stamp.encode(cell, out),
            Family::Time(time) => time.encode(cell, out),
            Family::Text(text) => text.encode(cell, out),
            Family::Bytea => encode_bytea(cell, out),
            Family::Bit(bit) => bit.encode(cell, out),
            Family::Json(json) => json.encode(cell, out),
            Family::Set(set) => set.encode(cell, out),
        }
    }
}

impl Family {
    /// None where a value of the source type could be lost or change its meaning.
    fn new(source: &SourceType, target: PgType) -> Option<Family> {
        if let Some(range) = Range::of(source) {
            return Integer::new(range, target).map(Family::Integer);
        }
        match source {
            SourceType::Decimal { precision, scale } => {
                Decimal::new(*precision, *scale, target).map(Family::Decimal)
            }
            SourceType::Float => Float::single(target).map(Family::Float),
            SourceType::Double => Float::double(target).map(Family::Float),
            SourceType::Bit { bits } => Bit::new(*bits, target).map(Family::Bit),
            SourceType::Date => (target.oid == oid::DATE).then_some(Family::Date),
            SourceType::DateTime { fraction } => {
                Stamp::new(*fraction, target, oid::TIMESTAMP).map(Family::Stamp)
            }
            SourceType::Timestamp { fraction } => {
                Stamp::new(*fraction, target, oid::TIMESTAMPTZ).map(Family::Stamp)
            }
            SourceType::Time { fraction } => Time::new(*fraction, target).map(Family::Time),
            SourceType::Char { length } | SourceType::VarChar { length } => {
                Text::new(Some(*length), target).map(Family::Text)
            }
            SourceType::Text => Text::new(None, target).map(Family::Text),
            SourceType::Binary { .. } | SourceType::VarBinary { .. } | SourceType::Blob => {
                (target.oid == oid::BYTEA).then_some(Family::Bytea)
            }
            SourceType::Enum { labels } => {
                Text::new(Some(enum_characters(labels)), target).map(Family::Text)
            }
            SourceType::Set { labels } if !is_ambiguous(labels) => Set::new(labels, target)
                .map(Family::Set)
                .or_else(|| Text::new(Some(set_characters(labels)), target).map(Family::Text)),
            SourceType::Json => Json::new(target).map(Family::Json),
            _ => None,
        }
    }
}

fn mismatch(column: &SourceColumn, target: PgType, default: PgType) -> Error {
    let name = &column.name;
    let actual = type_name(target).unwrap_or_else(|_| format!("the type with OID {}", target.oid));
    let error = Error::new(
        Kind::TargetMismatch,
        format!("target column for \"{name}\" does not hold every value of its source column"),
    )
    .with_detail(format!(
        "The source column is {}, the target column is {actual}.",
        column.type_name
    ));
    match type_name(default) {
        Ok(required) => error.with_hint(format!(
            "ALTER TABLE ... ALTER COLUMN \"{}\" TYPE {required};",
            name.replace('"', "\"\"")
        )),
        Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::column;

    #[test]
    fn a_mismatch_names_both_sides_and_the_type_that_mends_it() {
        let source = column(SourceType::Int { unsigned: true });
        let error = ColumnEncoder::new(&source, PgType::plain(oid::INT2)).unwrap_err();
        assert_eq!(error.kind, Kind::TargetMismatch);
        assert_eq!(
            error.detail.as_deref(),
            Some("The source column is thing, the target column is smallint.")
        );
        assert_eq!(
            error.hint.as_deref(),
            Some("ALTER TABLE ... ALTER COLUMN \"c\" TYPE bigint;")
        );
        let error = ColumnEncoder::new(&source, PgType::plain(99_999)).unwrap_err();
        assert!(error.detail.unwrap().contains("the type with OID 99999"));
    }

    #[test]
    fn meaning_counts_as_much_as_room() {
        let refused = |source, target| ColumnEncoder::new(&column(source), target).is_err();
        let plain = PgType::plain;
        assert!(refused(
            SourceType::TinyInt { unsigned: false },
            plain(oid::BOOL)
        ));
        assert!(refused(SourceType::Date, plain(oid::TIMESTAMP)));
        assert!(refused(
            SourceType::DateTime { fraction: 0 },
            plain(oid::TIMESTAMPTZ)
        ));
        assert!(refused(
            SourceType::Timestamp { fraction: 0 },
            plain(oid::TIMESTAMP)
        ));
        assert!(refused(SourceType::Time { fraction: 0 }, plain(oid::TIME)));
        assert!(refused(SourceType::Binary { length: 16 }, plain(oid::UUID)));
        assert!(refused(SourceType::Double, plain(oid::FLOAT4)));
        assert!(refused(SourceType::Text, plain(oid::JSONB)));
        assert!(refused(
            SourceType::Int { unsigned: false },
            plain(oid::TEXT)
        ));
        let geometry = SourceType::Unmapped {
            name: "geometry".to_owned(),
        };
        let error = ColumnEncoder::new(&column(geometry), plain(oid::BYTEA)).unwrap_err();
        assert_eq!(error.kind, Kind::TypeRefused);
    }

    #[test]
    fn every_default_type_is_accepted() {
        for source in crate::codec::tests::all_sources() {
            let source = column(source);
            let target = default_type(&source).unwrap();
            assert!(ColumnEncoder::new(&source, target).is_ok(), "{source:?}");
        }
    }

    #[test]
    fn labels_may_go_to_text_that_holds_them() {
        let labels = vec!["ab".to_owned(), "cde".to_owned()];
        let varchar = crate::codec::target::varchar;
        let set = column(SourceType::Set {
            labels: labels.clone(),
        });
        assert!(ColumnEncoder::new(&set, PgType::plain(oid::TEXT)).is_ok());
        assert!(ColumnEncoder::new(&set, varchar(6)).is_ok());
        assert!(ColumnEncoder::new(&set, varchar(5)).is_err());
        let single = column(SourceType::Enum { labels });
        assert!(ColumnEncoder::new(&single, varchar(3)).is_ok());
        assert!(ColumnEncoder::new(&single, varchar(2)).is_err());
    }
}
