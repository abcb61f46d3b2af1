//! Numbers to types that do not hold all of them: a value that would change is refused.
//!
//! A floating point number with a fraction counts as the shortest decimal that reads back as the
//! same number, which is how the source writes it: `0.1` goes to a `numeric(2,1)`.

use super::float::narrow;
use super::number::{Digits, Number, NumberType};
use super::refusal::{Encoded, Refusal};
use super::target::numeric_bounds;
use super::wire::{put_1, put_4, put_integer, put_length};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};

#[derive(Debug, Clone, Copy)]
pub struct NumberCast {
    source: NumberType,
    target: NumberTarget,
}

#[derive(Debug, Clone, Copy)]
enum NumberTarget {
    Boolean,
    /// Two's complement of 2, 4 or 8 bytes.
    Integer {
        bytes: u8,
    },
    /// Digits before and after the point; None: any number of them.
    Numeric(Option<(usize, usize)>),
    Real,
}

impl NumberCast {
    pub fn new(source: NumberType, target: PgType) -> Option<Self> {
        use NumberType::{Bit, Decimal, Double, Integer, Single};
        let to = match target.oid {
            oid::BOOL => NumberTarget::Boolean,
            oid::INT2 => NumberTarget::Integer { bytes: 2 },
            oid::INT4 => NumberTarget::Integer { bytes: 4 },
            oid::INT8 => NumberTarget::Integer { bytes: 8 },
            oid::FLOAT4 => NumberTarget::Real,
            oid::NUMERIC => NumberTarget::Numeric(match numeric_bounds(target.typmod) {
                None => None,
                // A scale below zero rounds, one above the precision keeps places free.
                Some((precision, scale)) => Some((
                    usize::try_from(precision.checked_sub(scale)?).ok()?,
                    usize::try_from(scale).ok()?,
                )),
            }),
            _ => return None,
        };
        let possible = match (source, to) {
            (Integer(_) | Decimal { .. } | Bit { .. }, NumberTarget::Boolean) => true,
            (Integer(_) | Decimal { .. } | Single | Double, NumberTarget::Integer { .. }) => true,
            (Integer(_) | Decimal { .. } | Single | Double, NumberTarget::Numeric(_)) => true,
            (Bit { .. }, NumberTarget::Integer { bytes }) => bytes == 8,
            (Double, NumberTarget::Real) => true,
            _ => false,
        };
        possible.then_some(NumberCast { source, target: to })
    }

    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        let number = self.source.read(cell)?;
        match self.target {
            NumberTarget::Boolean => {
                let value = whole(number).map_err(|_| Refusal::NotBoolean)?;
                if !(0..=1).contains(&value) {
                    return Err(Refusal::NotBoolean);
                }
                put_1(out, value as u8);
            }
            NumberTarget::Integer { bytes } => {
                let value = whole(number)?;
                let most = i128::from(i64::MAX >> (64 - 8 * u32::from(bytes)));
                if value > most || value < -most - 1 {
                    return Err(Refusal::BeyondTarget);
                }
                put_integer(out, value as i64, bytes);
            }
            NumberTarget::Real => {
                let (Number::Double(value), true) = (number, is_finite(number)) else {
                    return Err(Refusal::OutOfRange);
                };
                let single = narrow(value).ok_or(Refusal::NotExact)?;
                put_4(out, single.to_be_bytes());
            }
            NumberTarget::Numeric(bounds) => {
                let text = decimal_text(number)?;
                let digits = match (number, &text) {
                    (Number::Decimal(digits), _) => digits,
                    (_, Some(text)) => Digits::read(text.as_bytes()).ok_or(Refusal::Malformed)?,
                    (_, None) => return Err(Refusal::Malformed),
                };
                if let Some((integer, fraction)) = bounds {
                    if digits.integer.len() > integer {
                        return Err(Refusal::BeyondTarget);
                    }
                    if digits.fraction.len() > fraction {
                        return Err(Refusal::NotExact);
                    }
                }
                put_digits(out, digits)?;
            }
        }
        Ok(())
    }
}

fn is_finite(number: Number<'_>) -> bool {
    match number {
        Number::Single(value) => value.is_finite(),
        Number::Double(value) => value.is_finite(),
        Number::Whole(_) | Number::Decimal(_) => true,
    }
}

/// The number, if it has no fraction.
fn whole(number: Number<'_>) -> Result<i128, Refusal> {
    /// Beyond this no integer type reaches, and below it the conversion is exact.
    const BOUND: f64 = 1e30;
    let value = match number {
        Number::Whole(value) => return Ok(value),
        Number::Decimal(digits) if digits.fraction.is_empty() => {
            return digits.integer().ok_or(Refusal::BeyondTarget);
        }
        Number::Decimal(_) => return Err(Refusal::NotWhole),
        Number::Single(value) => value.into(),
        Number::Double(value) => value,
    };
    if !value.is_finite() {
        return Err(Refusal::OutOfRange);
    }
    if value.fract() != 0.0 {
        return Err(Refusal::NotWhole);
    }
    if value.abs() > BOUND {
        return Err(Refusal::BeyondTarget);
    }
    Ok(value as i128)
}

/// All digits of a number that does not come as digits.
fn decimal_text(number: Number<'_>) -> Result<Option<String>, Refusal> {
    if !is_finite(number) {
        return Err(Refusal::OutOfRange);
    }
    Ok(match number {
        Number::Decimal(_) => None,
        Number::Whole(value) => Some(value.to_string()),
        // Exactly what it is where that has no fraction, else the shortest.
        Number::Single(value) if value.fract() == 0.0 => Some(format!("{value:.0}")),
        Number::Double(value) if value.fract() == 0.0 => Some(format!("{value:.0}")),
        Number::Single(value) => Some(value.to_string()),
        Number::Double(value) => Some(value.to_string()),
    })
}

/// A numeric of any length; its form is described in `decimal.rs`, which is for those of columns.
fn put_digits(out: &mut Vec<u8>, digits: Digits<'_>) -> Encoded {
    const DIGITS: usize = 4;
    let Digits {
        negative,
        integer,
        fraction,
    } = digits;
    let value = |digits: &[u8]| {
        digits
            .iter()
            .fold(0u16, |value, digit| value * 10 + u16::from(digit & 15))
    };
    let before = integer.rchunks(DIGITS).rev().map(value);
    let after = fraction
        .chunks(DIGITS)
        .map(|group| value(group) * 10u16.pow((DIGITS - group.len()) as u32));
    let mut groups: Vec<u16> = before.chain(after).collect();
    let mut weight = integer.len().div_ceil(DIGITS) as i32 - 1;
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..zeros);
    weight -= zeros as i32;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    put_length(out, 8 + 2 * groups.len())?;
    let sign = if negative { 0x4000 } else { 0 };
    for word in [
        groups.len() as u16,
        weight as u16,
        sign,
        fraction.len() as u16,
    ] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    for group in groups {
        out.extend_from_slice(&group.to_be_bytes());
    }
    Ok(())
}
