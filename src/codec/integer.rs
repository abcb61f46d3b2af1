//! Integers and years, to smallint, integer, bigint or numeric.

use super::decimal::put_integer_as_numeric;
use super::refusal::{Encoded, Refusal};
use super::target::{self, numeric_holds};
use super::wire::put_integer;
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};
use crate::model::table::SourceType;

/// What a source type can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    min: i64,
    max: u64,
}

impl Range {
    /// None for types that are not integers.
    pub fn of(source: &SourceType) -> Option<Range> {
        let (bits, unsigned) = match *source {
            SourceType::TinyInt { unsigned } => (8, unsigned),
            SourceType::SmallInt { unsigned } => (16, unsigned),
            SourceType::MediumInt { unsigned } => (24, unsigned),
            SourceType::Int { unsigned } => (32, unsigned),
            SourceType::BigInt { unsigned } => (64, unsigned),
            SourceType::Year => return Some(Range { min: 0, max: 2155 }),
            _ => return None,
        };
        Some(if unsigned {
            Range {
                min: 0,
                max: u64::MAX >> (64 - bits),
            }
        } else {
            Range {
                min: i64::MIN >> (64 - bits),
                max: u64::MAX >> (65 - bits),
            }
        })
    }

    /// The smallest PostgreSQL type that holds the whole range.
    pub fn narrowest(self) -> PgType {
        if self.fits(i16::MIN.into(), i16::MAX as u64) {
            PgType::plain(oid::INT2)
        } else if self.fits(i32::MIN.into(), i32::MAX as u64) {
            PgType::plain(oid::INT4)
        } else if self.fits(i64::MIN, i64::MAX as u64) {
            PgType::plain(oid::INT8)
        } else {
            target::numeric(self.digits(), 0)
        }
    }

    /// A cell's number, in range.
    pub fn read(self, cell: &Cell<'_>) -> Result<i128, Refusal> {
        let value = match *cell {
            Cell::Int(value) => value.into(),
            Cell::UInt(value) => value.into(),
            _ => parse(cell)?,
        };
        if value < self.min.into() || value > self.max.into() {
            return Err(Refusal::OutOfRange);
        }
        Ok(value)
    }

    const fn fits(self, min: i64, max: u64) -> bool {
        self.min >= min && self.max <= max
    }

    fn digits(self) -> u32 {
        let largest = self.min.unsigned_abs().max(self.max);
        largest.checked_ilog10().unwrap_or(0) + 1
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Integer {
    /// Two's complement of 2, 4 or 8 bytes.
    Binary {
        min: i64,
        max: i64,
        bytes: u8,
    },
    Numeric(Range),
}

impl Integer {
    /// None where the target does not hold the range.
    pub fn new(range: Range, target: PgType) -> Option<Self> {
        let bytes: u8 = match target.oid {
            oid::INT2 if range.fits(i16::MIN.into(), i16::MAX as u64) => 2,
            oid::INT4 if range.fits(i32::MIN.into(), i32::MAX as u64) => 4,
            oid::INT8 => 8,
            oid::NUMERIC if numeric_holds(target, range.digits(), 0) => {
                return Some(Integer::Numeric(range));
            }
            _ => return None,
        };
        let (min, max) = (range.min, i64::try_from(range.max).ok()?);
        Some(Integer::Binary { min, max, bytes })
    }

    #[inline]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        match self {
            Integer::Binary { min, max, bytes } => {
                let value = match *cell {
                    Cell::Int(value) => value,
                    Cell::UInt(value) => i64::try_from(value).map_err(|_| Refusal::OutOfRange)?,
                    _ => i64::try_from(parse(cell)?).map_err(|_| Refusal::OutOfRange)?,
                };
                if value < min || value > max {
                    return Err(Refusal::OutOfRange);
                }
                put_integer(out, value, bytes);
            }
            Integer::Numeric(Range { min, max }) => {
                let value = match *cell {
                    Cell::Int(value) => value.into(),
                    Cell::UInt(value) => value.into(),
                    _ => parse(cell)?,
                };
                if value < min.into() || value > max.into() {
                    return Err(Refusal::OutOfRange);
                }
                put_integer_as_numeric(out, value < 0, value.unsigned_abs() as u64);
            }
        }
        Ok(())
    }
}

/// An integer in ASCII; leading zeros (ZEROFILL) are of no account.
#[inline(never)]
fn parse(cell: &Cell<'_>) -> Result<i128, Refusal> {
    let Cell::Bytes(text) = *cell else {
        return Err(Refusal::WrongShape);
    };
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return Err(Refusal::Malformed);
    }
    // So many digits fit a word whatever they are.
    let (head, tail) = digits.split_at(digits.len().min(19));
    let mut magnitude: u64 = 0;
    for &byte in head {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Refusal::Malformed);
        }
        magnitude = magnitude.wrapping_mul(10).wrapping_add(digit.into());
    }
    let mut value = i128::from(magnitude);
    for &byte in tail {
        if !byte.is_ascii_digit() {
            return Err(Refusal::Malformed);
        }
        value = value * 10 + i128::from(byte - b'0');
        if value > i128::from(u64::MAX) {
            return Err(Refusal::OutOfRange);
        }
    }
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(source: SourceType, target: PgType, cell: Cell<'_>) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        Integer::new(Range::of(&source).unwrap(), target)
            .unwrap()
            .encode(&cell, &mut out)?;
        Ok(out)
    }

    #[test]
    fn the_narrowest_type_holds_the_range() {
        let narrowest = |source| Range::of(&source).unwrap().narrowest();
        let plain = PgType::plain;
        assert_eq!(
            narrowest(SourceType::TinyInt { unsigned: true }),
            plain(oid::INT2)
        );
        assert_eq!(
            narrowest(SourceType::SmallInt { unsigned: false }),
            plain(oid::INT2)
        );
        assert_eq!(
            narrowest(SourceType::SmallInt { unsigned: true }),
            plain(oid::INT4)
        );
        assert_eq!(
            narrowest(SourceType::MediumInt { unsigned: true }),
            plain(oid::INT4)
        );
        assert_eq!(
            narrowest(SourceType::Int { unsigned: false }),
            plain(oid::INT4)
        );
        assert_eq!(
            narrowest(SourceType::Int { unsigned: true }),
            plain(oid::INT8)
        );
        assert_eq!(
            narrowest(SourceType::BigInt { unsigned: false }),
            plain(oid::INT8)
        );
        assert_eq!(
            narrowest(SourceType::BigInt { unsigned: true }),
            target::numeric(20, 0)
        );
        assert_eq!(narrowest(SourceType::Year), plain(oid::INT2));
    }

    #[test]
    fn both_ends_of_each_range_pass_and_the_next_value_does_not() {
        let int2 = PgType::plain(oid::INT2);
        let tiny = SourceType::TinyInt { unsigned: false };
        assert_eq!(
            encode(tiny.clone(), int2, Cell::Int(-128)).unwrap(),
            [0, 0, 0, 2, 0xff, 0x80]
        );
        assert_eq!(
            encode(tiny.clone(), int2, Cell::Int(127)).unwrap(),
            [0, 0, 0, 2, 0, 0x7f]
        );
        assert_eq!(
            encode(tiny.clone(), int2, Cell::Int(128)),
            Err(Refusal::OutOfRange)
        );
        assert_eq!(
            encode(tiny, int2, Cell::Int(-129)),
            Err(Refusal::OutOfRange)
        );
        let medium = SourceType::MediumInt { unsigned: true };
        let int4 = PgType::plain(oid::INT4);
        assert_eq!(
            encode(medium.clone(), int4, Cell::UInt(16_777_215)).unwrap(),
            [0, 0, 0, 4, 0, 0xff, 0xff, 0xff]
        );
        assert_eq!(
            encode(medium, int4, Cell::UInt(16_777_216)),
            Err(Refusal::OutOfRange)
        );
        let big = SourceType::BigInt { unsigned: false };
        let int8 = PgType::plain(oid::INT8);
        assert_eq!(
            encode(big.clone(), int8, Cell::Int(i64::MIN)).unwrap(),
            [0, 0, 0, 8, 0x80, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            encode(big, int8, Cell::UInt(1 << 63)),
            Err(Refusal::OutOfRange)
        );
    }

    #[test]
    fn an_unsigned_bigint_is_a_numeric() {
        let big = SourceType::BigInt { unsigned: true };
        let out = encode(big, target::numeric(20, 0), Cell::UInt(u64::MAX)).unwrap();
        // 1844 6744 0737 0955 1615
        let digits = [0x07, 0x34, 0x1a, 0x58, 0x02, 0xe1, 0x03, 0xbb, 0x06, 0x4f];
        assert_eq!(out[..12], [0, 0, 0, 18, 0, 5, 0, 4, 0, 0, 0, 0]);
        assert_eq!(out[12..], digits);
    }

    #[test]
    fn digits_in_ascii_give_the_same_bytes() {
        let int = SourceType::Int { unsigned: false };
        let int4 = PgType::plain(oid::INT4);
        for value in [0, 7, -7, i32::MAX, i32::MIN] {
            let text = value.to_string();
            assert_eq!(
                encode(int.clone(), int4, Cell::Bytes(text.as_bytes())),
                encode(int.clone(), int4, Cell::Int(value.into()))
            );
        }
        let zerofill = encode(
            int.clone(),
            int4,
            Cell::Bytes(b"00000000000000000000000042"),
        );
        assert_eq!(zerofill.unwrap(), [0, 0, 0, 4, 0, 0, 0, 42]);
        for bad in [&b""[..], b"-", b"+1", b"1 ", b"0x1", b"1.0", b"\xff"] {
            assert_eq!(
                encode(int.clone(), int4, Cell::Bytes(bad)),
                Err(Refusal::Malformed)
            );
        }
        let long = [b'9'; 4000];
        assert_eq!(
            encode(int.clone(), int4, Cell::Bytes(&long)),
            Err(Refusal::OutOfRange)
        );
        assert_eq!(
            encode(int, int4, Cell::Double(1.0)),
            Err(Refusal::WrongShape)
        );
    }

    #[test]
    fn only_targets_that_hold_the_range_are_taken() {
        let range = Range::of(&SourceType::Int { unsigned: true }).unwrap();
        assert!(Integer::new(range, PgType::plain(oid::INT8)).is_some());
        assert!(Integer::new(range, PgType::plain(oid::INT4)).is_none());
        assert!(Integer::new(range, target::numeric(10, 0)).is_some());
        assert!(Integer::new(range, target::numeric(9, 0)).is_none());
        assert!(Integer::new(range, target::numeric(12, 3)).is_none());
        assert!(Integer::new(range, PgType::plain(oid::NUMERIC)).is_some());
        assert!(Integer::new(range, PgType::plain(oid::FLOAT8)).is_none());
        assert!(Integer::new(range, PgType::plain(oid::TEXT)).is_none());
    }
}
