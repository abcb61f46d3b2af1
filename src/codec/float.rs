//! Floating point numbers, bit for bit.

use super::refusal::{Encoded, Refusal};
use super::wire::{put_4, put_8};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};

/// Source width, then target width.
#[derive(Debug, Clone, Copy)]
pub enum Float {
    SingleToSingle,
    SingleToDouble,
    DoubleToDouble,
}

impl Float {
    pub fn single(target: PgType) -> Option<Self> {
        match target.oid {
            oid::FLOAT4 => Some(Float::SingleToSingle),
            oid::FLOAT8 => Some(Float::SingleToDouble),
            _ => None,
        }
    }

    pub fn double(target: PgType) -> Option<Self> {
        (target.oid == oid::FLOAT8).then_some(Float::DoubleToDouble)
    }

    #[inline]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        match self {
            Float::SingleToSingle => put_4(out, single(cell)?.to_be_bytes()),
            Float::SingleToDouble => put_8(out, f64::from(single(cell)?).to_be_bytes()),
            Float::DoubleToDouble => put_8(out, double(cell)?.to_be_bytes()),
        }
        Ok(())
    }
}

/// A `float`. The source loses digits where it writes one as text, so it is asked for the double of
/// the same value, and anything that is no float is not taken for one.
#[inline]
pub fn single(cell: &Cell<'_>) -> Result<f32, Refusal> {
    match *cell {
        Cell::Float(value) => Ok(value),
        _ => narrow(double(cell)?).ok_or(Refusal::OutOfRange),
    }
}

#[inline]
pub fn double(cell: &Cell<'_>) -> Result<f64, Refusal> {
    match *cell {
        Cell::Double(value) => Ok(value),
        Cell::Bytes(text) => {
            let value: f64 = number(text)?.parse().map_err(|_| Refusal::Malformed)?;
            if value.is_finite() {
                Ok(value)
            } else {
                Err(Refusal::OutOfRange)
            }
        }
        _ => Err(Refusal::WrongShape),
    }
}

/// The float of the same value, if there is one.
#[inline]
pub fn narrow(value: f64) -> Option<f32> {
    let single = value as f32;
    (f64::from(single).to_bits() == value.to_bits()).then_some(single)
}

/// Text that can be a number: parsing alone would take "nan" and "inf" too, which no source has.
fn number(text: &[u8]) -> Result<&str, Refusal> {
    let numeric =
        |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    if !text.iter().all(numeric) {
        return Err(Refusal::Malformed);
    }
    std::str::from_utf8(text).map_err(|_| Refusal::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(float: Float, cell: Cell<'_>) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        float.encode(&cell, &mut out)?;
        Ok(out)
    }

    #[test]
    fn every_bit_is_kept() {
        for value in [
            0.0,
            -0.0,
            1.5,
            f32::MIN_POSITIVE / 3.0,
            f32::MAX,
            f32::NAN,
            f32::INFINITY,
        ] {
            let out = encode(Float::SingleToSingle, Cell::Float(value)).unwrap();
            assert_eq!(out[..4], [0, 0, 0, 4]);
            assert_eq!(out[4..], value.to_bits().to_be_bytes());
        }
        for value in [
            0.0,
            -0.0,
            5e-324,
            f64::MIN_POSITIVE / 7.0,
            f64::MAX,
            f64::NAN,
        ] {
            let out = encode(Float::DoubleToDouble, Cell::Double(value)).unwrap();
            assert_eq!(out[..4], [0, 0, 0, 8]);
            assert_eq!(out[4..], value.to_bits().to_be_bytes());
        }
    }

    #[test]
    fn a_float_widens_to_the_double_of_the_same_value() {
        let out = encode(Float::SingleToDouble, Cell::Float(0.1)).unwrap();
        assert_eq!(out, [0, 0, 0, 8, 0x3f, 0xb9, 0x99, 0x99, 0xa0, 0, 0, 0]);
        for same in [
            Cell::Double(0.1f32.into()),
            Cell::Bytes(b"0.10000000149011612"),
        ] {
            assert_eq!(encode(Float::SingleToDouble, same).unwrap(), out);
        }
    }

    #[test]
    fn a_double_that_is_no_float_is_not_taken_for_one() {
        for (cell, expected) in [
            (Cell::Double(-0.0), Ok(-0.0f32)),
            (Cell::Double(f32::MAX.into()), Ok(f32::MAX)),
            (Cell::Bytes(b"-1.401298464324817e-45"), Ok(-1e-45)),
            (Cell::Bytes(b"0.1"), Err(Refusal::OutOfRange)),
            (Cell::Double(0.1), Err(Refusal::OutOfRange)),
            (Cell::Double(1e39), Err(Refusal::OutOfRange)),
            (Cell::Double(5e-324), Err(Refusal::OutOfRange)),
        ] {
            let expected = expected.map(|value| value.to_bits().to_be_bytes().to_vec());
            let out = encode(Float::SingleToSingle, cell).map(|out| out[4..].to_vec());
            assert_eq!(out, expected, "{cell:?}");
        }
    }

    #[test]
    fn numbers_in_ascii_are_read_and_nothing_else() {
        assert_eq!(
            encode(Float::DoubleToDouble, Cell::Bytes(b"-1.5e-10")),
            encode(Float::DoubleToDouble, Cell::Double(-1.5e-10))
        );
        for bad in [
            &b""[..],
            b"nan",
            b"inf",
            b"-infinity",
            b"1e",
            b"0x1p3",
            b"--1",
            b"\xff",
        ] {
            assert_eq!(
                encode(Float::DoubleToDouble, Cell::Bytes(bad)),
                Err(Refusal::Malformed)
            );
            assert_eq!(
                encode(Float::SingleToSingle, Cell::Bytes(bad)),
                Err(Refusal::Malformed)
            );
        }
        assert_eq!(
            encode(Float::DoubleToDouble, Cell::Bytes(b"1e309")),
            Err(Refusal::OutOfRange)
        );
        assert_eq!(
            encode(Float::SingleToSingle, Cell::Bytes(b"1e39")),
            Err(Refusal::OutOfRange)
        );
        assert_eq!(
            encode(Float::DoubleToDouble, Cell::Float(1.0)),
            Err(Refusal::WrongShape)
        );
        assert_eq!(
            encode(Float::DoubleToDouble, Cell::Int(1)),
            Err(Refusal::WrongShape)
        );
    }
}
