//! One column's encoder: the pair of types is judged once, values follow it blindly.

use super::binary::encode_bytea;
use super::bit::Bit;
use super::decimal::Decimal;
use super::enum_set::{Set, enum_characters, is_ambiguous, set_characters};
use super::float::Float;
use super::geometry::Geometry;
use super::guard::Guard;
use super::integer::{Integer, Range};
use super::json::Json;
use super::mapping::default_type;
use super::network::Inet;
use super::refusal::Encoded;
use super::refused::set_option;
use super::target::type_name;
use super::temporal::{Stamp, Time, encode_date};
use super::text::Text;
use super::uuid::encode_uuid;
use super::wire;
use crate::error::{Error, Kind, Result};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};
use crate::model::policy::Policies;
use crate::model::table::{SourceColumn, SourceType};

/// What the user has chosen for a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColumnRules {
    pub policies: Policies,
    /// A cast rule asks for the target: it need not hold every value, and each one is checked.
    pub cast: bool,
}

/// Encodes the values of one source column for one target column.
#[derive(Debug, Clone)]
pub struct ColumnEncoder {
    pub(super) family: Family,
    pub(super) manner: Manner,
}

/// What only a value that was refused needs.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    pub target: PgType,
    pub policies: Policies,
    pub nullable: bool,
    /// The type that holds every value.
    pub required: Box<str>,
}

#[derive(Debug, Clone)]
pub(super) enum Family {
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
    Geometry(Geometry),
    Uuid,
    Inet(Inet),
    /// In a box, so that the others stay small.
    Guard(Box<Guard>),
}

impl ColumnEncoder {
    /// Takes a target that holds every value of the source type with the same meaning, or, where
    /// the rules have a cast, one that each value can be tried for.
    pub fn new(column: &SourceColumn, target: PgType, rules: ColumnRules) -> Result<Self> {
        // A type without a default is refused, whatever the target.
        let default = default_type(column)?;
        let family = Family::new(&column.source_type, target).or_else(|| {
            let guard = Guard::new(&column.source_type, target);
            guard
                .filter(|_| rules.cast)
                .map(|guard| Family::Guard(Box::new(guard)))
        });
        match family {
            Some(family) => Ok(ColumnEncoder {
                family,
                manner: Manner {
                    target,
                    policies: rules.policies,
                    nullable: column.nullable,
                    required: type_name(default)?.into(),
                },
            }),
            None => Err(mismatch(column, target, default)),
        }
    }
}

impl Family {
    /// Appends one field.
    #[inline]
    pub fn encode(&self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        if matches!(*cell, Cell::Null) {
            out.extend_from_slice(&wire::NULL);
            return Ok(());
        }
        match self {
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
            Family::Geometry(geometry) => geometry.encode(cell, out),
            Family::Uuid => encode_uuid(cell, out),
            Family::Inet(inet) => inet.encode(cell, out),
            Family::Guard(guard) => guard.encode(cell, out),
        }
    }

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
            SourceType::Geometry { .. } => Geometry::new(target).map(Family::Geometry),
            SourceType::Uuid => (target.oid == oid::UUID).then_some(Family::Uuid),
            SourceType::Inet4 => (target.oid == oid::INET).then_some(Family::Inet(Inet::V4)),
            SourceType::Inet6 => (target.oid == oid::INET).then_some(Family::Inet(Inet::V6)),
            _ => None,
        }
    }
}

fn mismatch(column: &SourceColumn, target: PgType, default: PgType) -> Error {
    let name = &column.name;
    let actual = type_name(target).unwrap_or_else(|_| match target.oid {
        oid::GEOMETRY => "geometry".to_owned(),
        oid => format!("the type with OID {oid}"),
    });
    let error = Error::new(
        Kind::TargetMismatch,
        format!("target column for \"{name}\" does not hold every value of its source column"),
    )
    .with_detail(format!(
        "The source column is {}, the target column is {actual}.",
        column.type_name
    ));
    let Ok(required) = type_name(default) else {
        return error;
    };
    let alter = format!(
        "ALTER TABLE ... ALTER COLUMN \"{}\" TYPE {required};",
        name.replace('"', "\"\"")
    );
    match Guard::new(&column.source_type, target) {
        None => error.with_hint(alter),
        Some(_) => {
            let casts = serde_json::json!({ name: actual });
            let cast = set_option("casts", &casts);
            error.with_hint(format!(
                "{alter} Or keep the type, and let a cast refuse the values that do not fit: {cast}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::column;

    fn encoder(column: &SourceColumn, target: PgType) -> Result<ColumnEncoder> {
        ColumnEncoder::new(column, target, ColumnRules::default())
    }

    #[test]
    fn a_mismatch_names_both_sides_and_the_type_that_mends_it() {
        let source = column(SourceType::Int { unsigned: true });
        let error = encoder(&source, PgType::plain(oid::INT2)).unwrap_err();
        assert_eq!(error.kind, Kind::TargetMismatch);
        assert_eq!(
            error.detail.as_deref(),
            Some("The source column is thing, the target column is smallint.")
        );
        assert_eq!(
            error.hint.as_deref(),
            Some(
                "ALTER TABLE ... ALTER COLUMN \"c\" TYPE bigint; Or keep the type, and let a cast \
                 refuse the values that do not fit: SELECT sync_alter_unit('<job>', '<unit>', \
                 '{\"casts\":{\"c\":\"smallint\"}}');"
            )
        );
        let error = encoder(&source, PgType::plain(99_999)).unwrap_err();
        assert!(error.detail.unwrap().contains("the type with OID 99999"));
    }

    #[test]
    fn meaning_counts_as_much_as_room() {
        let refused = |source, target| encoder(&column(source), target).is_err();
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
        let vector = SourceType::Unmapped {
            name: "vector".to_owned(),
        };
        let error = encoder(&column(vector), plain(oid::BYTEA)).unwrap_err();
        assert_eq!(error.kind, Kind::TypeRefused);
    }

    #[test]
    fn every_default_type_is_accepted() {
        for source in crate::codec::tests::all_sources() {
            let source = column(source);
            let target = default_type(&source).unwrap();
            assert!(encoder(&source, target).is_ok(), "{source:?}");
        }
    }

    #[test]
    fn labels_may_go_to_text_that_holds_them() {
        let labels = vec!["ab".to_owned(), "cde".to_owned()];
        let varchar = crate::codec::target::varchar;
        let set = column(SourceType::Set {
            labels: labels.clone(),
        });
        assert!(encoder(&set, PgType::plain(oid::TEXT)).is_ok());
        assert!(encoder(&set, varchar(6)).is_ok());
        assert!(encoder(&set, varchar(5)).is_err());
        let single = column(SourceType::Enum { labels });
        assert!(encoder(&single, varchar(3)).is_ok());
        assert!(encoder(&single, varchar(2)).is_err());
    }
}
