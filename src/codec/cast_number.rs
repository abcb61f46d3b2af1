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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::target::numeric;
    use crate::model::table::SourceType;

    fn encode(source: &SourceType, target: PgType, cell: Cell<'_>) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        let source = NumberType::of(source).unwrap();
        NumberCast::new(source, target)
            .unwrap()
            .encode(&cell, &mut out)?;
        let field = out.split_off(4);
        assert_eq!(out, (field.len() as u32).to_be_bytes());
        Ok(field)
    }

    const BIGINT: SourceType = SourceType::BigInt { unsigned: false };
    const UNSIGNED: SourceType = SourceType::BigInt { unsigned: true };
    const DECIMAL: SourceType = SourceType::Decimal {
        precision: 30,
        scale: 5,
    };

    #[test]
    fn only_zero_and_one_are_booleans() {
        let boolean = PgType::plain(oid::BOOL);
        let tiny = SourceType::TinyInt { unsigned: false };
        let of = |cell| encode(&tiny, boolean, cell);
        assert_eq!(of(Cell::Int(1)).unwrap(), [1]);
        assert_eq!(of(Cell::Bytes(b"0")).unwrap(), [0]);
        for bad in [2, -1, 127] {
            assert_eq!(of(Cell::Int(bad)), Err(Refusal::NotBoolean));
        }
        assert_eq!(of(Cell::Int(128)), Err(Refusal::OutOfRange));
        let bit = SourceType::Bit { bits: 8 };
        assert_eq!(encode(&bit, boolean, Cell::Bytes(&[1])).unwrap(), [1]);
        assert_eq!(
            encode(&bit, boolean, Cell::Bytes(&[2])),
            Err(Refusal::NotBoolean)
        );
        let decimal = |text| encode(&DECIMAL, boolean, Cell::Bytes(text));
        assert_eq!(decimal(b"1.00000").unwrap(), [1]);
        assert_eq!(decimal(b"0.50000"), Err(Refusal::NotBoolean));
        assert_eq!(decimal(&[b'9'; 25]), Err(Refusal::NotBoolean));
    }

    #[test]
    fn integers_arrive_whole_or_not_at_all() {
        let int2 = PgType::plain(oid::INT2);
        for (value, fits) in [
            (32_767, true),
            (-32_768, true),
            (32_768, false),
            (-32_769, false),
        ] {
            let expected = match fits {
                true => Ok((value as i16).to_be_bytes().to_vec()),
                false => Err(Refusal::BeyondTarget),
            };
            let text = value.to_string();
            assert_eq!(encode(&BIGINT, int2, Cell::Int(value)), expected);
            assert_eq!(
                encode(&BIGINT, int2, Cell::Bytes(text.as_bytes())),
                expected
            );
            let decimal = format!("{text}.00000");
            assert_eq!(
                encode(&DECIMAL, int2, Cell::Bytes(decimal.as_bytes())),
                expected
            );
            assert_eq!(
                encode(&SourceType::Double, int2, Cell::Double(value as f64)),
                expected
            );
        }
        let int8 = PgType::plain(oid::INT8);
        let most = encode(&UNSIGNED, int8, Cell::UInt(i64::MAX as u64)).unwrap();
        assert_eq!(most, i64::MAX.to_be_bytes());
        for (source, cell, refusal) in [
            (&UNSIGNED, Cell::UInt(1 << 63), Refusal::BeyondTarget),
            (&DECIMAL, Cell::Bytes(b"1.50000"), Refusal::NotWhole),
            (
                &DECIMAL,
                Cell::Bytes(b"9223372036854775808"),
                Refusal::BeyondTarget,
            ),
            (&SourceType::Double, Cell::Double(0.5), Refusal::NotWhole),
            (
                &SourceType::Double,
                Cell::Double(9.3e18),
                Refusal::BeyondTarget,
            ),
            (
                &SourceType::Double,
                Cell::Double(1e300),
                Refusal::BeyondTarget,
            ),
            (
                &SourceType::Double,
                Cell::Double(f64::NAN),
                Refusal::OutOfRange,
            ),
            (&SourceType::Float, Cell::Float(1e-45), Refusal::NotWhole),
            (
                &SourceType::Bit { bits: 64 },
                Cell::Bytes(&[0xff; 8]),
                Refusal::BeyondTarget,
            ),
        ] {
            assert_eq!(encode(source, int8, cell), Err(refusal), "{cell:?}");
        }
        let float = encode(&SourceType::Float, int8, Cell::Float(-16_777_216.0));
        assert_eq!(float.unwrap(), (-16_777_216i64).to_be_bytes());
    }

    #[test]
    fn numerics_keep_every_digit_or_are_refused() {
        let of = |source: &SourceType, cell| {
            encode(source, numeric(6, 3), cell).map(|field| {
                let words: Vec<u16> = field
                    .chunks(2)
                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                    .collect();
                assert_eq!(usize::from(words[0]), words.len() - 4);
                words[1..].to_vec()
            })
        };
        const NEGATIVE: u16 = 0x4000;
        for (source, cell, words) in [
            (
                &DECIMAL,
                Cell::Bytes(b"-12.50000"),
                &[0, NEGATIVE, 1, 12, 5000][..],
            ),
            (&DECIMAL, Cell::Bytes(b"0.00100"), &[u16::MAX, 0, 3, 10]),
            (&DECIMAL, Cell::Bytes(b"-0.00000"), &[0, 0, 0]),
            (&BIGINT, Cell::Int(-999), &[0, NEGATIVE, 0, 999]),
            (
                &SourceType::Double,
                Cell::Double(0.1),
                &[u16::MAX, 0, 1, 1000],
            ),
            (
                &SourceType::Float,
                Cell::Float(0.1),
                &[u16::MAX, 0, 1, 1000],
            ),
            (&SourceType::Double, Cell::Double(-0.0), &[0, 0, 0]),
        ] {
            assert_eq!(of(source, cell).unwrap(), words, "{cell:?}");
        }
        for (source, cell, refusal) in [
            (&DECIMAL, Cell::Bytes(b"1000.00000"), Refusal::BeyondTarget),
            (&DECIMAL, Cell::Bytes(b"0.00010"), Refusal::NotExact),
            (&BIGINT, Cell::Int(1000), Refusal::BeyondTarget),
            (
                &SourceType::Double,
                Cell::Double(1.0 / 3.0),
                Refusal::NotExact,
            ),
            (
                &SourceType::Double,
                Cell::Double(1e300),
                Refusal::BeyondTarget,
            ),
            (
                &SourceType::Double,
                Cell::Double(f64::INFINITY),
                Refusal::OutOfRange,
            ),
        ] {
            assert_eq!(of(source, cell), Err(refusal), "{cell:?}");
        }
    }

    #[test]
    fn doubles_of_any_size_are_numerics_without_bounds() {
        let numeric = PgType::plain(oid::NUMERIC);
        let of = |value| encode(&SourceType::Double, numeric, Cell::Double(value)).unwrap();
        // 2^70, and not its seventeen digits with zeros after them.
        let words = [6, 5, 0, 0, 11, 8059, 1620, 7174, 1130, 3424u16];
        assert_eq!(of(2f64.powi(70)), words.map(u16::to_be_bytes).concat());
        assert_eq!(of(f64::MAX).len(), 8 + 2 * 78);
        // 5e-324 is the 324th digit after the point.
        assert_eq!(of(5e-324), [0, 1, 0xff, 0xaf, 0, 0, 1, 0x44, 0, 5]);
    }

    #[test]
    fn a_double_is_a_real_only_where_it_is_the_same() {
        let real = PgType::plain(oid::FLOAT4);
        let of = |value| encode(&SourceType::Double, real, Cell::Double(value));
        assert_eq!(of(-0.0).unwrap(), (-0.0f32).to_be_bytes());
        assert_eq!(of(1.5).unwrap(), 1.5f32.to_be_bytes());
        assert_eq!(of(0.1), Err(Refusal::NotExact));
        assert_eq!(of(1e300), Err(Refusal::NotExact));
        assert_eq!(of(f64::NAN), Err(Refusal::OutOfRange));
    }
}
