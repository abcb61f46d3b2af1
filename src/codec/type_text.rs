//! PostgreSQL types as users write them in a cast rule.

use super::target::{interval, numeric, varchar};
use crate::error::{Error, Kind, Result};
use crate::model::pg_type::{PgType, oid};

const ALLOWED: &str = "boolean, smallint, integer, bigint, numeric, numeric(p,s), real, double precision, \
     text, varchar, varchar(n), char(n), bytea, date, time(n), timestamp(n), timestamptz(n), \
     interval(n), uuid, inet, json, jsonb, bit(n), bit varying(n), text[]";

/// A built-in type by any of its names, with its arguments: `varchar(20)`, `int4`,
/// `timestamp(3) without time zone`.
pub fn parse_type(text: &str) -> Result<PgType> {
    Written::read(text)
        .and_then(|written| written.pg_type())
        .ok_or_else(|| {
            Error::new(
                Kind::InvalidParameter,
                format!(
                    "\"{}\" is not a type that values can be cast to",
                    shown(text)
                ),
            )
            .with_hint(format!("Allowed: {ALLOWED}"))
        })
}

/// A name from an option may be of any length.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// `timestamp(3) with time zone`: the words without the arguments, and these.
struct Written {
    name: String,
    arguments: Vec<u32>,
}

impl Written {
    fn read(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (before, arguments, after) = match text.split_once('(') {
            None => (text.as_str(), Vec::new(), ""),
            Some((before, rest)) => {
                let (inside, after) = rest.split_once(')')?;
                let numbers = inside.split(',').map(|number| {
                    let digits = number.trim();
                    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
                    plain.then(|| digits.parse().ok()).flatten()
                });
                (before, numbers.collect::<Option<Vec<u32>>>()?, after)
            }
        };
        let words = before.split_whitespace().chain(after.split_whitespace());
        Some(Written {
            name: words.collect::<Vec<_>>().join(" "),
            arguments,
        })
    }

    fn pg_type(&self) -> Option<PgType> {
        let plain = |oid| self.arguments.is_empty().then_some(PgType::plain(oid));
        match self.name.as_str() {
            "boolean" | "bool" => plain(oid::BOOL),
            "smallint" | "int2" => plain(oid::INT2),
            "integer" | "int" | "int4" => plain(oid::INT4),
            "bigint" | "int8" => plain(oid::INT8),
            "real" | "float4" => plain(oid::FLOAT4),
            "double precision" | "float8" => plain(oid::FLOAT8),
            "float" => match *self.arguments {
                [] | [25..=53] => Some(PgType::plain(oid::FLOAT8)),
                [1..=24] => Some(PgType::plain(oid::FLOAT4)),
                _ => None,
            },
            "numeric" | "decimal" | "dec" => match *self.arguments {
                [] => Some(PgType::plain(oid::NUMERIC)),
                [precision @ 1..=1000] => Some(numeric(precision, 0)),
                [precision @ 1..=1000, scale] if scale <= precision => {
                    Some(numeric(precision, scale))
                }
                _ => None,
            },
            "text" => plain(oid::TEXT),
            "varchar" | "character varying" => match *self.arguments {
                [] => Some(PgType::plain(oid::VARCHAR)),
                [length @ 1..=10_485_760] => Some(varchar(length)),
                _ => None,
            },
            "bpchar" if self.arguments.is_empty() => Some(PgType::plain(oid::BPCHAR)),
            // Without a length they have one character.
            "char" | "character" | "bpchar" => match *self.arguments {
                [] => Some(1),
                [length @ 1..=10_485_760] => Some(length),
                _ => None,
            }
            .map(|length| PgType {
                oid: oid::BPCHAR,
                ..varchar(length)
            }),
            "bytea" => plain(oid::BYTEA),
            "uuid" => plain(oid::UUID),
            "inet" => plain(oid::INET),
            "json" => plain(oid::JSON),
            "jsonb" => plain(oid::JSONB),
            "date" => plain(oid::DATE),
            "time" | "time without time zone" => self.digits(oid::TIME),
            "timestamp" | "timestamp without time zone" => self.digits(oid::TIMESTAMP),
            "timestamptz" | "timestamp with time zone" => self.digits(oid::TIMESTAMPTZ),
            "interval" => match *self.arguments {
                [] => Some(PgType::plain(oid::INTERVAL)),
                [digits @ 0..=6] => Some(interval(digits)),
                _ => None,
            },
            // Quoted, it has no length; unquoted, the length of one.
            "\"bit\"" => plain(oid::BIT),
            "bit" => self.bits(oid::BIT, 1),
            "bit varying" | "varbit" => self.bits(oid::VARBIT, -1),
            "text[]" | "text []" => plain(oid::TEXT_ARRAY),
            _ => None,
        }
    }

    /// A type with fractional digits of the second.
    fn digits(&self, oid: u32) -> Option<PgType> {
        match *self.arguments {
            [] => Some(PgType::plain(oid)),
            [digits @ 0..=6] => Some(PgType {
                oid,
                typmod: digits as i32,
            }),
            _ => None,
        }
    }

    fn bits(&self, oid: u32, without: i32) -> Option<PgType> {
        match *self.arguments {
            [] => Some(without),
            [bits @ 1..=83_886_080] => Some(bits as i32),
            _ => None,
        }
        .map(|typmod| PgType { oid, typmod })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::{all_sources, column};
    use crate::codec::{default_type, type_name};

    #[test]
    fn types_are_read_as_they_are_written() {
        for (text, name) in [
            ("bool", "boolean"),
            ("INT2", "smallint"),
            ("int", "integer"),
            ("int8", "bigint"),
            ("float(24)", "real"),
            ("float", "double precision"),
            ("double  precision", "double precision"),
            ("numeric", "numeric"),
            ("decimal(10)", "numeric(10,0)"),
            ("numeric( 10 , 2 )", "numeric(10,2)"),
            ("character varying(20)", "varchar(20)"),
            ("character varying (20)", "varchar(20)"),
            ("varchar", "varchar"),
            ("char(3)", "character(3)"),
            ("timestamptz", "timestamp with time zone"),
            ("timestamp(3)", "timestamp(3) without time zone"),
            (
                "timestamp (3) with time zone",
                "timestamp(3) with time zone",
            ),
            ("Time(0)", "time(0) without time zone"),
            ("interval(6)", "interval(6)"),
            ("bit", "bit(1)"),
            ("bit(8)", "bit(8)"),
            ("varbit(8)", "bit varying(8)"),
            ("bit varying", "bit varying"),
            ("text[]", "text[]"),
            (" jsonb ", "jsonb"),
            ("inet", "inet"),
        ] {
            let found = parse_type(text).unwrap();
            assert_eq!(type_name(found).unwrap(), name, "{text}");
        }
    }

    #[test]
    fn what_is_written_here_is_read_here() {
        let others = [
            oid::TIME,
            oid::UUID,
            oid::INET,
            oid::JSON,
            oid::BIT,
            oid::BPCHAR,
        ];
        let targets = all_sources()
            .into_iter()
            .map(|source| default_type(&column(source)).unwrap());
        for target in targets.chain(others.map(PgType::plain)) {
            assert_eq!(parse_type(&type_name(target).unwrap()).unwrap(), target);
        }
    }

    #[test]
    fn an_unknown_type_lists_the_allowed_ones() {
        for text in [
            "",
            "citext",
            "geometry",
            "integer(3)",
            "varchar(0)",
            "varchar(-1)",
            "varchar(x)",
            "varchar(1",
            "numeric(0)",
            "numeric(2,3)",
            "numeric(1,2,3)",
            "timestamp(7)",
            "time with time zone",
            "int[]",
            "text(5)",
            "float(54)",
            "varchar(99999999999)",
            "varchar()",
            "bit(0)",
        ] {
            let error = parse_type(text).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidParameter, "{text}");
            assert!(error.hint.unwrap().contains("double precision"));
        }
        assert!(parse_type(&"x".repeat(5000)).unwrap_err().message.len() < 200);
    }
}
