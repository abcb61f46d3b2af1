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
