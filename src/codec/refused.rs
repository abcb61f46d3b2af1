//! What becomes of a row that was not encoded, and what to type about it.

use super::column::Manner;
use super::refusal::Refusal;
use super::row::RowEncoder;
use crate::error::{Error, Kind};
use crate::model::pg_type::oid;
use serde_json::{Value, json};

/// Why a row was not encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowError {
    /// A value of this row; the next row may be good.
    Refused(Refused),
    /// The protocol is out of step: nothing after it can be trusted.
    Broken(Error),
}

/// A value that was refused. Small; what it means is said by [`Refused::into_error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub(super) column: usize,
    pub(super) refusal: Refusal,
}

impl Refused {
    /// The error names the column and the reason, never the value.
    #[cold]
    pub fn into_error(self, encoder: &RowEncoder) -> Error {
        let (sqlstate, reason) = self.refusal.row();
        let column = self.column(encoder);
        let error = Error::new(
            Kind::ValueRefused,
            format!("value of column \"{column}\" {reason}"),
        )
        .with_sqlstate(*sqlstate);
        match encoder
            .manner(self.column)
            .and_then(|manner| hint(self.refusal, column, manner))
        {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    pub fn column(self, encoder: &RowEncoder) -> &str {
        encoder.name(self.column)
    }
}

/// The statement that sets an option of the unit. Job and unit are filled in where they are known.
pub fn set_option(option: &str, value: &Value) -> String {
    let options = json!({ option: value }).to_string().replace('\'', "''");
    format!("SELECT sync_alter_unit('<job>', '<unit>', '{options}');")
}

/// What to type. A filter is SQL of the source and keeps the rows it is true for.
fn hint(refusal: Refusal, column: &str, manner: &Manner) -> Option<String> {
    let cast = |target: &str| set_option("casts", &json!({ column: target }));
    let policy = |option: &str, choice: &str| set_option(option, &json!(choice));
    let filter = |good: &str| {
        let name = format!("`{}`", column.replace('`', "``"));
        let good = good.replace('?', &name);
        let statement = set_option("filter", &json!(format!("{name} IS NULL OR {good}")));
        format!("or leave such rows out: {statement}")
    };
    Some(match refusal {
        Refusal::ZeroDate | Refusal::YearZero | Refusal::NoSuchDay => {
            let good = match refusal {
                Refusal::ZeroDate => "MONTH(?) > 0 AND DAYOFMONTH(?) > 0",
                Refusal::YearZero => "YEAR(?) > 0",
                _ => "DAYOFMONTH(?) <= DAYOFMONTH(LAST_DAY(?))",
            };
            let choice = if manner.nullable { "null" } else { "epoch" };
            let statement = policy("zero_date", choice);
            format!(
                "Choose what such dates become: {statement} {}",
                filter(good)
            )
        }
        Refusal::NulByte => {
            let statement = policy("nul_byte", "strip");
            let filter = filter("INSTR(?, CHAR(0)) = 0");
            format!("Choose what becomes of such bytes: {statement} {filter}")
        }
        Refusal::NotUtf8 => {
            let statement = policy("invalid_text", "replace");
            format!("Choose what becomes of such text: {statement}")
        }
        Refusal::JsonNul | Refusal::JsonSurrogate => {
            let statement = match refusal {
                Refusal::JsonNul => policy("nul_byte", "strip"),
                _ => policy("invalid_text", "replace"),
            };
            format!(
                "Choose what becomes of such escapes: {statement} or keep the JSON as it is \
                 written: {}",
                cast("json")
            )
        }
        Refusal::TooManyCharacters
        | Refusal::NotBoolean
        | Refusal::BeyondTarget
        | Refusal::NotWhole
        | Refusal::NotExact
        | Refusal::NotBooleanText
        | Refusal::NotUuid
        | Refusal::NotInet
        | Refusal::NotJson
        | Refusal::JsonTooDeep
        | Refusal::JsonNumber
        | Refusal::BeyondDay
        | Refusal::NotMidnight
        | Refusal::TooFine => {
            let every = cast(&manner.required);
            format!(
                "Mend these rows at the source, or cast the column to a type that holds them: {every}"
            )
        }
        Refusal::Geometry | Refusal::Shape | Refusal::Srid
            if manner.target.oid == oid::GEOMETRY =>
        {
            format!(
                "Mend these rows at the source, or keep the bytes: {}",
                cast("bytea")
            )
        }
        Refusal::TooLarge | Refusal::Geometry => format!(
            "Mend these rows at the source, or leave them out: {}",
            set_option("filter", &json!("..."))
        ),
        Refusal::Shape
        | Refusal::Srid
        | Refusal::WrongShape
        | Refusal::Malformed
        | Refusal::NotTime
        | Refusal::OutOfRange
        | Refusal::NoSuchTime => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::column;
    use crate::codec::{ColumnEncoder, ColumnRules, default_type, parse_type};
    use crate::model::cell::Cell;
    use crate::model::table::{SourceColumn, SourceType};

    fn error(name: &str, source: SourceType, target: Option<&str>, bytes: &[u8]) -> Error {
        let column = SourceColumn {
            name: name.to_owned(),
            ..column(source)
        };
        let target = match target {
            Some(text) => parse_type(text).unwrap(),
            None => default_type(&column).unwrap(),
        };
        let rules = ColumnRules {
            cast: true,
            ..ColumnRules::default()
        };
        let encoder = ColumnEncoder::new(&column, target, rules).unwrap();
        let mut encoder = RowEncoder::new(vec![(name.to_owned(), encoder)]);
        match encoder.encode([Cell::Bytes(bytes)].into_iter(), &mut Vec::new()) {
            Err(RowError::Refused(refused)) => refused.into_error(&encoder),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_says_what_why_and_what_to_type() {
        let zero = error("born`at", SourceType::Date, None, b"0000-00-00");
        assert_eq!(
            zero.message,
            "value of column \"born`at\" is a date with a zero month or day"
        );
        assert_eq!(
            zero.hint.unwrap(),
            "Choose what such dates become: \
             SELECT sync_alter_unit('<job>', '<unit>', '{\"zero_date\":\"null\"}'); \
             or leave such rows out: SELECT sync_alter_unit('<job>', '<unit>', '{\"filter\":\
             \"`born``at` IS NULL OR MONTH(`born``at`) > 0 AND DAYOFMONTH(`born``at`) > 0\"}');"
        );
        let small = error(
            "it's",
            SourceType::BigInt { unsigned: false },
            Some("int2"),
            b"70000",
        );
        assert_eq!(small.sqlstate(), "22003");
        assert!(
            small
                .hint
                .unwrap()
                .ends_with("'{\"casts\":{\"it''s\":\"bigint\"}}');")
        );
    }

    #[test]
    fn each_refusal_has_the_sqlstate_of_its_kind() {
        let datetime = SourceType::DateTime { fraction: 3 };
        let decimal = SourceType::Decimal {
            precision: 3,
            scale: 1,
        };
        let char = SourceType::Char { length: 3 };
        for (source, target, bytes, sqlstate) in [
            (SourceType::Text, None, &b"\0"[..], "22021"),
            (SourceType::Text, None, b"\xff", "22021"),
            (SourceType::Json, None, b"\"\\u0000\"", "22P05"),
            (SourceType::Json, None, b"\"\\ud800\"", "22P02"),
            (char.clone(), None, b"abcd", "22001"),
            (SourceType::Date, None, b"2023-02-29", "22008"),
            (SourceType::Date, None, b"today", "22007"),
            (datetime.clone(), None, b"2023-01-01 00:00:60", "22008"),
            (datetime.clone(), None, b"2023-01-01 00:00:00.0001", "22008"),
            (
                datetime.clone(),
                Some("timestamp(0)"),
                b"2023-01-01 00:00:00.001",
                "22008",
            ),
            (datetime, Some("date"), b"2023-01-01 00:00:00.001", "22008"),
            (
                SourceType::Time { fraction: 0 },
                Some("time"),
                b"25:00:00",
                "22008",
            ),
            (decimal.clone(), None, b"100.0", "22003"),
            (decimal.clone(), None, b"x", "22P02"),
            (decimal.clone(), Some("bool"), b"2.0", "22003"),
            (decimal, Some("int"), b"2.5", "22003"),
            (char.clone(), Some("uuid"), b"x", "22P02"),
            (char.clone(), Some("inet"), b"x", "22P02"),
            (char.clone(), Some("jsonb"), b"x", "22P02"),
            (char, Some("bool"), b"x", "22P02"),
            (SourceType::Geometry { srid: None }, None, b"x", "22P03"),
            (SourceType::Uuid, None, b"x", "22P02"),
        ] {
            let error = error("c", source.clone(), target, bytes);
            assert_eq!(
                error.sqlstate(),
                sqlstate,
                "{source:?} {target:?} {bytes:?}"
            );
            assert_eq!(error.kind, Kind::ValueRefused);
            assert_eq!(error.retry(), crate::error::Retry::Definite);
        }
    }
}
