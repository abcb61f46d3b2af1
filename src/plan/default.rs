//! What fills a column where an INSERT leaves it out: the source's default as PostgreSQL's, or why
//! there is none.

use super::expression::literal::{
    bits, bytea, bytes, is_date, is_duration, is_moment, is_zero_date, number,
};
use super::expression::{Purpose, Reason, Scope, ScopeColumn, constant};
use super::identifier::literal;
use crate::model::pg_type::oid;
use crate::model::table::{SourceDefault, SourceType};

/// The default's SQL; None where there is none at the source.
pub(super) fn default_sql(column: &ScopeColumn<'_>) -> Result<Option<String>, Reason> {
    let sql = match &column.source.default {
        None => return Ok(None),
        Some(SourceDefault::Literal(text)) => value(text, column)?,
        Some(SourceDefault::Expression(sql)) => match constant(sql) {
            // What the source could not tell for certain.
            Some(text) if text.contains('?') => {
                return Err("a question mark in it may stand for another character".to_string());
            }
            Some(text) => value(&text, column)?,
            None => Scope::default().assigned(sql, Purpose::Default, column)?,
        },
    };
    Ok(Some(sql))
}

/// A constant of the source's column as one of the target's.
fn value(text: &str, column: &ScopeColumn<'_>) -> Result<String, Reason> {
    let unfit = || format!("it is no value of type {}", column.type_name);
    let found = match (&column.source.source_type, column.target.oid) {
        (SourceType::Bit { bits: width }, target) => bit(text, *width, target),
        (
            SourceType::TinyInt { .. }
            | SourceType::SmallInt { .. }
            | SourceType::MediumInt { .. }
            | SourceType::Int { .. }
            | SourceType::BigInt { .. }
            | SourceType::Decimal { .. }
            | SourceType::Float
            | SourceType::Double
            | SourceType::Year,
            target,
        ) => numeric(text, target),
        (SourceType::Date | SourceType::DateTime { .. } | SourceType::Timestamp { .. }, _)
            if is_zero_date(text) =>
        {
            return Err("PostgreSQL has no such date".to_string());
        }
        (SourceType::Date, oid::DATE) => is_date(text).then(|| literal(text)),
        (SourceType::DateTime { .. }, oid::TIMESTAMP) => is_moment(text).then(|| literal(text)),
        // The source's session is in UTC.
        (SourceType::Timestamp { .. }, oid::TIMESTAMPTZ) => {
            is_moment(text).then(|| literal(&format!("{text}+00")))
        }
        (SourceType::Time { .. }, oid::INTERVAL) => is_duration(text).then(|| literal(text)),
        (
            SourceType::Char { .. }
            | SourceType::VarChar { .. }
            | SourceType::Text
            | SourceType::Enum { .. }
            | SourceType::Set { .. },
            oid::TEXT | oid::VARCHAR,
        ) => (!text.contains('\0')).then(|| literal(text)),
        (SourceType::Set { .. }, oid::TEXT_ARRAY) => (!text.contains('\0')).then(|| labels(text)),
        (SourceType::Binary { .. } | SourceType::VarBinary { .. } | SourceType::Blob, target) => {
            binary(text, target)
        }
        (SourceType::Json, oid::JSON | oid::JSONB) => {
            let known = serde_json::from_str::<serde_json::Value>(text).is_ok();
            (known && !text.contains("\\u0000")).then(|| literal(text))
        }
        (SourceType::Uuid, oid::UUID) => {
            let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
            let plain = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
            (plain && digits == 32).then(|| literal(text))
        }
        (SourceType::Inet4 | SourceType::Inet6, oid::INET) => text
            .parse::<std::net::IpAddr>()
            .is_ok()
            .then(|| literal(text)),
        _ => None,
    };
    found.ok_or_else(unfit)
}

fn numeric(text: &str, target: u32) -> Option<String> {
    let number = number(text)?;
    match target {
        oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC => Some(number),
        oid::FLOAT4 | oid::FLOAT8 => Some(literal(&number)),
        oid::BOOL if number == "0" => Some("false".to_string()),
        oid::BOOL if number == "1" => Some("true".to_string()),
        _ => None,
    }
}

fn bit(text: &str, width: u32, target: u32) -> Option<String> {
    let digits = bits(text)?.trim_start_matches('0');
    let width = usize::try_from(width)
        .ok()
        .filter(|width| digits.len() <= *width)?;
    match target {
        oid::BOOL => Some((digits == "1").to_string()),
        oid::BIT => Some(format!("B'{digits:0>width$}'")),
        _ => None,
    }
}

/// `0x…` as the source prints bytes; anything else is text that stands for its bytes.
fn binary(text: &str, target: u32) -> Option<String> {
    let digits = match bytes(text) {
        Some(digits) => digits.to_string(),
        None => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
    };
    match target {
        oid::BYTEA => Some(bytea(&digits)),
        oid::UUID if digits.len() == 32 => Some(literal(&digits)),
        _ => None,
    }
}

/// `a,b` as an array of text.
fn labels(text: &str) -> String {
    if text.is_empty() {
        return "'{}'".to_string();
    }
    let quoted: Vec<String> = text
        .split(',')
        .map(|label| format!("\"{}\"", label.replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    literal(&format!("{{{}}}", quoted.join(",")))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{column, text_column};
    use super::*;
    use crate::codec;
    use crate::model::pg_type::PgType;
    use crate::model::table::SourceColumn;

    fn rendered(
        source: SourceColumn,
        target: Option<u32>,
        default: SourceDefault,
    ) -> Result<Option<String>, Reason> {
        let source = SourceColumn {
            default: Some(default),
            ..source
        };
        let target = target.map_or_else(|| codec::default_type(&source).unwrap(), PgType::plain);
        let type_name = codec::type_name(target).unwrap();
        default_sql(&ScopeColumn {
            source: &source,
            name: "c",
            target,
            type_name: &type_name,
            generated: false,
        })
    }

    fn plain(source_type: SourceType) -> SourceColumn {
        column("c", source_type, "thing")
    }

    fn written(source_type: SourceType, text: &str) -> String {
        match rendered(
            plain(source_type),
            None,
            SourceDefault::Literal(text.to_string()),
        ) {
            Ok(sql) => sql.unwrap(),
            Err(reason) => format!("-- {reason}"),
        }
    }

    #[test]
    fn constants_are_written_in_the_targets_type() {
        let labels = || vec!["x".to_string(), "y\"\\".to_string()];
        for (source_type, text, expected) in [
            (SourceType::Int { unsigned: false }, "-7", "-7"),
            (SourceType::Int { unsigned: true }, "00005", "5"),
            (
                SourceType::Decimal {
                    precision: 10,
                    scale: 3,
                },
                "1.500",
                "1.500",
            ),
            (SourceType::Double, "1e100", "'1e100'"),
            (SourceType::Year, "2020", "2020"),
            (SourceType::Bit { bits: 1 }, "b'0'", "false"),
            (SourceType::Bit { bits: 1 }, "b'1'", "true"),
            (SourceType::Bit { bits: 8 }, "b'101'", "B'00000101'"),
            (SourceType::Date, "2020-01-02", "'2020-01-02'"),
            (
                SourceType::Date,
                "0000-00-00",
                "-- PostgreSQL has no such date",
            ),
            (
                SourceType::DateTime { fraction: 0 },
                "2020-01-02 03:04:05",
                "'2020-01-02 03:04:05'",
            ),
            (
                SourceType::Timestamp { fraction: 0 },
                "2020-01-02 03:04:05",
                "'2020-01-02 03:04:05+00'",
            ),
            (
                SourceType::Timestamp { fraction: 0 },
                "0000-00-00 00:00:00",
                "-- PostgreSQL has no such date",
            ),
            (SourceType::Time { fraction: 0 }, "-12:30:00", "'-12:30:00'"),
            (
                SourceType::VarChar { length: 9 },
                "it's \\\n",
                "E'it''s \\\\\n'",
            ),
            (SourceType::Text, "a\0b", "-- it is no value of type text"),
            (SourceType::Enum { labels: labels() }, "x", "'x'"),
            (SourceType::Set { labels: labels() }, "", "'{}'"),
            (
                SourceType::Set { labels: labels() },
                "x,y\"\\",
                "E'{\"x\",\"y\\\\\"\\\\\\\\\"}'",
            ),
            (
                SourceType::Binary { length: 4 },
                "0x61620000",
                "E'\\\\x61620000'::bytea",
            ),
            (SourceType::Blob, "x", "E'\\\\x78'::bytea"),
            (SourceType::Json, "[]", "'[]'"),
            (SourceType::Json, "{", "-- it is no value of type jsonb"),
            (
                SourceType::Uuid,
                "123e4567-e89b-12d3-a456-426655440000",
                "'123e4567-e89b-12d3-a456-426655440000'",
            ),
            (SourceType::Inet6, "::1", "'::1'"),
            (SourceType::Inet4, "x", "-- it is no value of type inet"),
        ] {
            assert_eq!(written(source_type, text), expected);
        }
    }

    #[test]
    fn a_rule_of_the_user_changes_the_form() {
        let flag = || plain(SourceType::TinyInt { unsigned: false });
        let literal = |text: &str| SourceDefault::Literal(text.to_string());
        assert_eq!(
            rendered(flag(), Some(oid::BOOL), literal("1")),
            Ok(Some("true".into()))
        );
        assert!(rendered(flag(), Some(oid::BOOL), literal("2")).is_err());
        let id = plain(SourceType::Binary { length: 16 });
        let digits = "123e4567e89b12d3a456426655440000";
        assert_eq!(
            rendered(id, Some(oid::UUID), literal(&format!("0x{digits}"))),
            Ok(Some(format!("'{digits}'")))
        );
    }

    #[test]
    fn expressions_are_translated_for_the_column() {
        let expression = |source_type, sql: &str| {
            let default = SourceDefault::Expression(sql.to_string());
            match rendered(plain(source_type), None, default) {
                Ok(sql) => sql.unwrap(),
                Err(reason) => format!("-- {reason}"),
            }
        };
        let stamp = || SourceType::Timestamp { fraction: 3 };
        assert_eq!(
            expression(stamp(), "CURRENT_TIMESTAMP(3)"),
            "CURRENT_TIMESTAMP(3)"
        );
        assert_eq!(
            expression(SourceType::DateTime { fraction: 0 }, "current_timestamp()"),
            "LOCALTIMESTAMP(0)"
        );
        assert_eq!(expression(SourceType::Date, "curdate()"), "CURRENT_DATE");
        assert_eq!(expression(SourceType::Date, "now()"), "CURRENT_DATE");
        assert_eq!(expression(SourceType::Uuid, "uuid()"), "gen_random_uuid()");
        assert_eq!(
            expression(SourceType::Int { unsigned: false }, "(1 + 2)"),
            "1::bigint + 2"
        );
        assert_eq!(
            expression(SourceType::Int { unsigned: false }, "(-(5))"),
            "-5"
        );
        assert_eq!(expression(SourceType::Json, "_utf8mb4'[]'"), "'[]'");
        assert_eq!(expression(SourceType::Json, "json_object()"), "'{}'::jsonb");
        assert_eq!(
            expression(SourceType::Int { unsigned: false }, "(`a` + 1)"),
            "-- it refers to the column a"
        );
        let text = text_column("c", SourceType::VarChar { length: 36 }, "varchar(36)");
        let uuid = SourceDefault::Expression("uuid()".to_string());
        assert_eq!(
            rendered(text.clone(), None, uuid),
            Ok(Some("gen_random_uuid()::text".into()))
        );
        let joined = SourceDefault::Expression("concat(_utf8mb4'a',_utf8mb4'b')".to_string());
        assert_eq!(rendered(text, None, joined), Ok(Some("'a' || 'b'".into())));
    }
}
