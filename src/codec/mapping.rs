//! The PostgreSQL type of a source column, where the user did not choose one: the one that holds
//! every value of the source type and means the same.

use super::bit::MAX_BITS;
use super::decimal::MAX_PRECISION;
use super::enum_set::is_ambiguous;
use super::integer::Range;
use super::target;
use crate::error::{Error, Kind, Result};
use crate::model::pg_type::{PgType, oid};
use crate::model::table::{SourceColumn, SourceType};

/// PostgreSQL's longest varchar, in characters.
const MAX_VARCHAR: u64 = 10_485_760;

/// The type a column gets in a table that is created for it.
pub fn default_type(column: &SourceColumn) -> Result<PgType> {
    let source = &column.source_type;
    if let Some(range) = Range::of(source) {
        return Ok(range.narrowest());
    }
    let plain = |oid| Some(PgType::plain(oid));
    let found = match source {
        SourceType::Decimal { precision, scale } => {
            let known = (1..=MAX_PRECISION).contains(precision) && scale <= precision;
            known.then(|| target::numeric(*precision, *scale))
        }
        SourceType::Float => plain(oid::FLOAT4),
        SourceType::Double => plain(oid::FLOAT8),
        SourceType::Bit { bits: 1 } => plain(oid::BOOL),
        SourceType::Bit { bits } => {
            let known = (1..=MAX_BITS).contains(bits);
            known.then_some(PgType {
                oid: oid::BIT,
                typmod: *bits as i32,
            })
        }
        SourceType::Date => plain(oid::DATE),
        SourceType::DateTime { fraction } => known_fraction(*fraction).map(|typmod| PgType {
            oid: oid::TIMESTAMP,
            typmod,
        }),
        SourceType::Timestamp { fraction } => known_fraction(*fraction).map(|typmod| PgType {
            oid: oid::TIMESTAMPTZ,
            typmod,
        }),
        SourceType::Time { fraction } => {
            known_fraction(*fraction).map(|_| target::interval(*fraction))
        }
        // varchar(0) is legal at the source only.
        SourceType::Char { length } | SourceType::VarChar { length } => Some(match *length {
            length @ 1..=MAX_VARCHAR => target::varchar(length as u32),
            _ => PgType::plain(oid::TEXT),
        }),
        SourceType::Text | SourceType::Enum { .. } => plain(oid::TEXT),
        SourceType::Binary { .. } | SourceType::VarBinary { .. } | SourceType::Blob => {
            plain(oid::BYTEA)
        }
        SourceType::Set { labels } if is_ambiguous(labels) => {
            return Err(refused(column).with_detail(
                "One of the set's labels is empty: such a value cannot be told from the empty set.",
            ));
        }
        SourceType::Set { .. } => plain(oid::TEXT_ARRAY),
        SourceType::Json => plain(oid::JSONB),
        // Where PostGIS is installed the plan may choose its type.
        SourceType::Geometry { .. } => plain(oid::BYTEA),
        SourceType::Uuid => plain(oid::UUID),
        SourceType::Inet4 | SourceType::Inet6 => plain(oid::INET),
        _ => None,
    };
    found.ok_or_else(|| refused(column))
}

fn known_fraction(fraction: u32) -> Option<i32> {
    i32::try_from(fraction).ok().filter(|digits| *digits <= 6)
}

fn refused(column: &SourceColumn) -> Error {
    Error::new(
        Kind::TypeRefused,
        format!("column \"{}\" has the type {}, which is not mapped", column.name, column.type_name),
    )
    .with_hint(
        "Leave the column out: sync_alter_unit(job, unit, options) with \"columns\", the list of those to copy.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::column;
    use crate::codec::type_name;

    #[test]
    fn each_source_type_has_a_lossless_default() {
        let labels = || vec!["a".to_owned()];
        for (source, expected) in [
            (SourceType::TinyInt { unsigned: false }, "smallint"),
            (SourceType::TinyInt { unsigned: true }, "smallint"),
            (SourceType::SmallInt { unsigned: false }, "smallint"),
            (SourceType::SmallInt { unsigned: true }, "integer"),
            (SourceType::MediumInt { unsigned: false }, "integer"),
            (SourceType::Int { unsigned: false }, "integer"),
            (SourceType::Int { unsigned: true }, "bigint"),
            (SourceType::BigInt { unsigned: false }, "bigint"),
            (SourceType::BigInt { unsigned: true }, "numeric(20,0)"),
            (
                SourceType::Decimal {
                    precision: 65,
                    scale: 30,
                },
                "numeric(65,30)",
            ),
            (SourceType::Float, "real"),
            (SourceType::Double, "double precision"),
            (SourceType::Year, "smallint"),
            (SourceType::Bit { bits: 1 }, "boolean"),
            (SourceType::Bit { bits: 64 }, "bit(64)"),
            (SourceType::Date, "date"),
            (
                SourceType::DateTime { fraction: 0 },
                "timestamp(0) without time zone",
            ),
            (
                SourceType::Timestamp { fraction: 6 },
                "timestamp(6) with time zone",
            ),
            (SourceType::Time { fraction: 3 }, "interval(3)"),
            (SourceType::Char { length: 0 }, "text"),
            (SourceType::Char { length: 255 }, "varchar(255)"),
            (SourceType::VarChar { length: 20 }, "varchar(20)"),
            (SourceType::VarChar { length: u64::MAX }, "text"),
            (SourceType::Text, "text"),
            (SourceType::Binary { length: 16 }, "bytea"),
            (SourceType::VarBinary { length: 5 }, "bytea"),
            (SourceType::Blob, "bytea"),
            (SourceType::Enum { labels: labels() }, "text"),
            (SourceType::Set { labels: labels() }, "text[]"),
            (SourceType::Json, "jsonb"),
            (SourceType::Geometry { srid: None }, "bytea"),
            (SourceType::Uuid, "uuid"),
            (SourceType::Inet4, "inet"),
            (SourceType::Inet6, "inet"),
        ] {
            let found = default_type(&column(source)).unwrap();
            assert_eq!(type_name(found).unwrap(), expected);
        }
    }

    #[test]
    fn types_that_are_not_known_are_refused_by_name() {
        for source in [
            SourceType::Unmapped {
                name: "vector".to_owned(),
            },
            SourceType::Decimal {
                precision: 66,
                scale: 0,
            },
            SourceType::Decimal {
                precision: 0,
                scale: 0,
            },
            SourceType::Decimal {
                precision: 3,
                scale: 4,
            },
            SourceType::Bit { bits: 0 },
            SourceType::Bit { bits: 65 },
            SourceType::DateTime { fraction: 7 },
            SourceType::Time { fraction: u32::MAX },
            SourceType::Set {
                labels: vec![String::new()],
            },
        ] {
            let error = default_type(&column(source)).unwrap_err();
            assert_eq!(error.kind, Kind::TypeRefused);
            assert_eq!(
                error.message,
                "column \"c\" has the type thing, which is not mapped"
            );
            assert!(error.hint.is_some());
        }
    }
}
