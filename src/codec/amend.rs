//! Policies: what becomes of a value that PostgreSQL has no equal for, where the user chose
//! something else than to refuse it.
//!
//! Only a value that was refused comes here. It is altered as the policy for that refusal says,
//! and encoded again, so that nothing else is passed over; each policy that altered it is told.

use super::calendar::Moment;
use super::column::{Family, Manner};
use super::json_escape::replace_escapes;
use super::refusal::{Encoded, Refusal};
use super::temporal::put_stamp;
use super::wire::{NULL, put_4, put_8};
use crate::model::cell::Cell;
use crate::model::pg_type::oid;
use crate::model::policy::{InvalidText, NulByte, Policy, ZeroDate};

/// The policies that altered one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Altered {
    pub zero_date: bool,
    pub nul_byte: bool,
    pub invalid_text: bool,
}

impl Altered {
    pub fn policies(self) -> impl Iterator<Item = Policy> {
        [
            self.zero_date.then_some(Policy::ZeroDate),
            self.nul_byte.then_some(Policy::NulByte),
            self.invalid_text.then_some(Policy::InvalidText),
        ]
        .into_iter()
        .flatten()
    }
}

/// Encodes a value that `family` refused, or says why it stays refused. What was appended before an
/// error is the caller's to cut.
#[cold]
pub fn amend(
    family: &Family,
    manner: &Manner,
    cell: &Cell<'_>,
    refusal: Refusal,
    out: &mut Vec<u8>,
) -> Result<Altered, Refusal> {
    match refusal {
        Refusal::ZeroDate | Refusal::YearZero | Refusal::NoSuchDay => {
            put_date(manner, refusal, out)?;
            Ok(Altered {
                zero_date: true,
                ..Altered::default()
            })
        }
        Refusal::NulByte | Refusal::NotUtf8 | Refusal::JsonNul | Refusal::JsonSurrogate => {
            match cell {
                Cell::Bytes(text) => put_text(family, manner, text, refusal, out),
                _ => Err(refusal),
            }
        }
        _ => Err(refusal),
    }
}

fn put_date(manner: &Manner, refusal: Refusal, out: &mut Vec<u8>) -> Encoded {
    match (manner.policies.zero_date, manner.target.oid) {
        (ZeroDate::Null, _) if manner.nullable => out.extend_from_slice(&NULL),
        (ZeroDate::MinusInfinity, oid::DATE) => put_4(out, i32::MIN.to_be_bytes()),
        (ZeroDate::MinusInfinity, oid::TIMESTAMP | oid::TIMESTAMPTZ) => {
            put_8(out, i64::MIN.to_be_bytes());
        }
        (ZeroDate::Date { year, month, day }, target) => {
            let moment = Moment {
                year,
                month,
                day,
                ..Moment::default()
            };
            match target {
                oid::DATE => put_4(out, moment.days()?.to_be_bytes()),
                oid::TIMESTAMP | oid::TIMESTAMPTZ => put_stamp(out, moment)?,
                _ => return Err(refusal),
            }
        }
        _ => return Err(refusal),
    }
    Ok(())
}

fn put_text(
    family: &Family,
    manner: &Manner,
    text: &[u8],
    refusal: Refusal,
    out: &mut Vec<u8>,
) -> Result<Altered, Refusal> {
    let (nul_byte, invalid_text) = (manner.policies.nul_byte, manner.policies.invalid_text);
    let mut altered = Altered::default();
    // First the text itself: leaving a byte out must not make a character of two broken ones.
    let mut text = match String::from_utf8_lossy(text) {
        std::borrow::Cow::Borrowed(valid) => valid.to_owned(),
        std::borrow::Cow::Owned(replaced) => {
            if invalid_text == InvalidText::Reject {
                return Err(Refusal::NotUtf8);
            }
            altered.invalid_text = true;
            replaced
        }
    };
    if text.contains('\0') {
        text = match nul_byte {
            NulByte::Reject => return Err(Refusal::NulByte),
            NulByte::Strip => text.replace('\0', ""),
            NulByte::Replace => text.replace('\0', "\u{fffd}"),
        };
        altered.nul_byte = true;
    }
    let start = out.len();
    let mut result = family.encode(&Cell::Bytes(text.as_bytes()), out);
    if matches!(result, Err(Refusal::JsonNul | Refusal::JsonSurrogate)) {
        let (replaced, escapes) = replace_escapes(&text, nul_byte, invalid_text)?;
        altered.nul_byte |= escapes.nul_byte;
        altered.invalid_text |= escapes.invalid_text;
        out.truncate(start);
        result = family.encode(&Cell::Bytes(replaced.as_bytes()), out);
    }
    // Something was altered: these refusals do not come about otherwise.
    match result {
        Ok(()) if altered == Altered::default() => Err(refusal),
        Ok(()) => Ok(altered),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::tests::column;
    use crate::codec::{ColumnEncoder, ColumnRules, RowEncoder, RowError, parse_type};
    use crate::model::cell::Cell;
    use crate::model::policy::{InvalidText, NulByte, Policies, Policy, ZeroDate};
    use crate::model::table::{SourceColumn, SourceType};

    const KEPT: Policies = Policies {
        zero_date: ZeroDate::Reject,
        nul_byte: NulByte::Reject,
        invalid_text: InvalidText::Reject,
    };

    fn encoder(column: &SourceColumn, target: &str, policies: Policies) -> RowEncoder {
        let target = parse_type(target).unwrap();
        let cast = ColumnRules {
            policies,
            cast: true,
        };
        let encoder = ColumnEncoder::new(column, target, cast).unwrap();
        RowEncoder::new(vec![("c".to_owned(), encoder)])
    }

    /// The field, or the SQLSTATE of the refusal, and the policies that were applied.
    fn outcome(
        source: &SourceType,
        target: &str,
        policies: Policies,
        bytes: &[u8],
    ) -> (Result<Vec<u8>, String>, Vec<Policy>) {
        let mut encoder = encoder(&column(source.clone()), target, policies);
        let mut out = Vec::new();
        let result = match encoder.encode([Cell::Bytes(bytes)].into_iter(), &mut out) {
            Ok(()) => Ok(out.split_off(2)),
            Err(RowError::Refused(refused)) => {
                Err(refused.into_error(&encoder).sqlstate().to_owned())
            }
            Err(RowError::Broken(error)) => panic!("{error}"),
        };
        let adjustments = encoder.take_adjustments();
        assert!(adjustments.iter().all(|found| found.values == 1));
        assert!(encoder.take_adjustments().is_empty());
        (
            result,
            adjustments.into_iter().map(|found| found.policy).collect(),
        )
    }

    #[test]
    fn a_zero_date_becomes_what_the_policy_says() {
        let datetime = SourceType::DateTime { fraction: 6 };
        let timestamp = SourceType::Timestamp { fraction: 0 };
        let day = ZeroDate::Date {
            year: 2000,
            month: 1,
            day: 2,
        };
        let eight = |value: i64| [&[0, 0, 0, 8][..], &value.to_be_bytes()].concat();
        let four = |value: i32| [&[0, 0, 0, 4][..], &value.to_be_bytes()].concat();
        for (source, target, text) in [
            (&SourceType::Date, "date", "0000-00-00"),
            (&SourceType::Date, "date", "2024-02-31"),
            (&SourceType::Date, "timestamptz", "0000-01-01"),
            (&SourceType::Year, "date", "0000"),
            (&datetime, "timestamp", "2024-00-01 10:11:12.000001"),
            (&datetime, "date", "0000-00-00 00:00:00"),
            (&timestamp, "timestamptz", "0000-00-00 00:00:00"),
        ] {
            let of = |zero_date| {
                let policies = Policies { zero_date, ..KEPT };
                outcome(source, target, policies, text.as_bytes())
            };
            let (day_bytes, minus_infinity) = match target {
                "date" => (four(1), four(i32::MIN)),
                _ => (eight(86_400_000_000), eight(i64::MIN)),
            };
            let applied = vec![Policy::ZeroDate];
            assert_eq!(of(ZeroDate::Reject), (Err("22008".to_owned()), vec![]));
            assert_eq!(of(ZeroDate::Null), (Ok(vec![0xff; 4]), applied.clone()));
            assert_eq!(of(day), (Ok(day_bytes), applied.clone()));
            assert_eq!(of(ZeroDate::MinusInfinity), (Ok(minus_infinity), applied));
        }
        // As text it is what it is.
        let policies = Policies {
            zero_date: day,
            ..KEPT
        };
        let (text, applied) = outcome(&SourceType::Date, "text", policies, b"0000-00-00");
        assert_eq!(
            (&text.unwrap()[4..], applied.len()),
            (&b"0000-00-00"[..], 0)
        );
    }

    #[test]
    fn null_is_no_choice_where_the_column_takes_none() {
        let strict = SourceColumn {
            nullable: false,
            ..column(SourceType::Date)
        };
        let policies = Policies {
            zero_date: ZeroDate::Null,
            ..KEPT
        };
        let mut encoder = encoder(&strict, "date", policies);
        let zero = [Cell::Bytes(b"0000-00-00")];
        let Err(RowError::Refused(refused)) = encoder.encode(zero.into_iter(), &mut Vec::new())
        else {
            panic!("not refused");
        };
        let hint = refused.into_error(&encoder).hint.unwrap();
        assert!(hint.contains(r#"'{"zero_date":"epoch"}'"#), "{hint}");
    }

    const STRIP: Policies = Policies {
        nul_byte: NulByte::Strip,
        ..KEPT
    };
    const REPLACE: Policies = Policies {
        nul_byte: NulByte::Replace,
        invalid_text: InvalidText::Replace,
        ..KEPT
    };

    fn text(
        target: &str,
        policies: Policies,
        bytes: &[u8],
    ) -> (Result<String, String>, Vec<Policy>) {
        let source = match target {
            "json" | "jsonb" => SourceType::Json,
            _ => SourceType::VarChar { length: 9 },
        };
        let (result, applied) = outcome(&source, target, policies, bytes);
        let skipped = if target == "jsonb" { 5 } else { 4 };
        let text = |field: Vec<u8>| String::from_utf8(field[skipped..].to_vec()).unwrap();
        (result.map(text), applied)
    }

    #[test]
    fn nul_bytes_go_or_are_replaced() {
        let nul = vec![Policy::NulByte];
        for target in ["text", "varchar(9)"] {
            assert_eq!(
                text(target, STRIP, b"a\0b\0"),
                (Ok("ab".to_owned()), nul.clone())
            );
            let replaced = text(target, REPLACE, b"a\0b");
            assert_eq!(replaced, (Ok("a\u{fffd}b".to_owned()), nul.clone()));
            assert_eq!(text(target, KEPT, b"\0"), (Err("22021".to_owned()), vec![]));
        }
        // The length is that of what is written.
        assert_eq!(
            text("varchar(2)", STRIP, b"a\0b"),
            (Ok("ab".to_owned()), nul)
        );
        assert_eq!(
            text("varchar(2)", REPLACE, b"a\0b"),
            (Err("22001".to_owned()), vec![])
        );
    }

    #[test]
    fn broken_text_is_replaced_part_by_part() {
        let both = vec![Policy::NulByte, Policy::InvalidText];
        let invalid = vec![Policy::InvalidText];
        let bad = b"a\xf0\x9f\x98b\xff";
        assert_eq!(
            text("text", REPLACE, bad),
            (Ok("a\u{fffd}b\u{fffd}".to_owned()), invalid)
        );
        assert_eq!(text("text", STRIP, bad), (Err("22021".to_owned()), vec![]));
        // What a NUL byte stands between is not put together.
        let apart = text("text", REPLACE, b"\xc3\0\xa9");
        assert_eq!(apart, (Ok("\u{fffd}\u{fffd}\u{fffd}".to_owned()), both));
    }

    #[test]
    fn escapes_of_json_are_text_too() {
        let escape = br#"{"a": "\u0000x\ud83d"}"#;
        let both = vec![Policy::NulByte, Policy::InvalidText];
        let replaced = r#"{"a": "\ufffdx\ufffd"}"#;
        assert_eq!(
            text("jsonb", REPLACE, escape),
            (Ok(replaced.to_owned()), both)
        );
        assert_eq!(
            text("jsonb", STRIP, escape),
            (Err("22P02".to_owned()), vec![])
        );
        let as_it_is = String::from_utf8(escape.to_vec()).unwrap();
        assert_eq!(text("json", REPLACE, escape), (Ok(as_it_is), vec![]));
    }

    #[test]
    fn a_row_that_is_refused_after_all_counts_nothing() {
        let policies = Policies {
            zero_date: ZeroDate::Null,
            ..STRIP
        };
        let column = |source| {
            ("c".to_owned(), {
                let column = column(source);
                let target = crate::codec::default_type(&column).unwrap();
                let rules = ColumnRules {
                    policies,
                    cast: false,
                };
                ColumnEncoder::new(&column, target, rules).unwrap()
            })
        };
        let mut encoder = RowEncoder::new(vec![
            column(SourceType::Text),
            column(SourceType::Date),
            column(SourceType::Text),
        ]);
        let (nul, zero) = (Cell::Bytes(b"\0"), Cell::Bytes(b"0000-00-00"));
        let mut out = vec![1];
        for last in [Cell::Bytes(b"\xff"), Cell::Int(1)] {
            assert!(
                encoder
                    .encode([nul, zero, last].into_iter(), &mut out)
                    .is_err()
            );
            assert_eq!(out, [1]);
        }
        assert!(encoder.take_adjustments().is_empty());
        for _ in 0..3 {
            assert_eq!(
                encoder.encode([nul, zero, nul].into_iter(), &mut out),
                Ok(())
            );
        }
        let counted = encoder.take_adjustments();
        assert_eq!(counted.len(), 3);
        assert!(counted.iter().all(|found| found.values == 3));
        assert_eq!(
            out[1..15],
            [0, 3, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]
        );
    }
}
