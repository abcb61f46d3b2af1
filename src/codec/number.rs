//! A number of the source, whatever its type is: what casts of numbers read.

use super::bit;
use super::decimal::MAX_PRECISION;
use super::float::{double, single};
use super::integer::Range;
use super::refusal::Refusal;
use crate::model::cell::Cell;
use crate::model::table::SourceType;

/// A source type whose values are numbers.
#[derive(Debug, Clone, Copy)]
pub enum NumberType {
    Integer(Range),
    Decimal { precision: usize, scale: usize },
    Single,
    Double,
    Bit { bits: u8 },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number<'a> {
    Whole(i128),
    Decimal(Digits<'a>),
    Single(f32),
    Double(f64),
}

/// The digits around a decimal point, without zeros at either end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits<'a> {
    pub negative: bool,
    pub integer: &'a [u8],
    pub fraction: &'a [u8],
}

impl NumberType {
    /// None for types that are not numbers, and for attributes that no source has.
    pub fn of(source: &SourceType) -> Option<Self> {
        if let Some(range) = Range::of(source) {
            return Some(NumberType::Integer(range));
        }
        match *source {
            SourceType::Decimal { precision, scale } if scale <= precision => {
                (precision <= MAX_PRECISION).then_some(NumberType::Decimal {
                    precision: precision as usize,
                    scale: scale as usize,
                })
            }
            SourceType::Float => Some(NumberType::Single),
            SourceType::Double => Some(NumberType::Double),
            SourceType::Bit {
                bits: bits @ 1..=64,
            } => Some(NumberType::Bit { bits: bits as u8 }),
            _ => None,
        }
    }

    pub fn read<'a>(self, cell: &Cell<'a>) -> Result<Number<'a>, Refusal> {
        Ok(match self {
            NumberType::Integer(range) => Number::Whole(range.read(cell)?),
            NumberType::Bit { bits } => Number::Whole(bit::read(bits, cell)?.into()),
            NumberType::Single => Number::Single(single(cell)?),
            NumberType::Double => Number::Double(double(cell)?),
            NumberType::Decimal { precision, scale } => {
                let Cell::Bytes(text) = *cell else {
                    return Err(Refusal::WrongShape);
                };
                let digits = Digits::read(text).ok_or(Refusal::Malformed)?;
                let Digits {
                    integer, fraction, ..
                } = digits;
                if integer.len() > precision - scale || fraction.len() > scale {
                    return Err(Refusal::OutOfRange);
                }
                Number::Decimal(digits)
            }
        })
    }
}

impl<'a> Digits<'a> {
    /// `[-]digits[.digits]`, at least one digit.
    pub fn read(text: &'a [u8]) -> Option<Self> {
        let (negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let mut parts = digits.splitn(2, |&byte| byte == b'.');
        let mut integer = parts.next().unwrap_or_default();
        let mut fraction = parts.next().unwrap_or_default();
        if integer.is_empty() && fraction.is_empty()
            || !integer.iter().chain(fraction).all(u8::is_ascii_digit)
        {
            return None;
        }
        while let [b'0', rest @ ..] = integer {
            integer = rest;
        }
        while let [rest @ .., b'0'] = fraction {
            fraction = rest;
        }
        let zero = integer.is_empty() && fraction.is_empty();
        Some(Digits {
            negative: negative && !zero,
            integer,
            fraction,
        })
    }

    /// The number without its fraction; None where it is beyond all integer types.
    pub fn integer(self) -> Option<i128> {
        let magnitude = self.integer.iter().try_fold(0i128, |value, &digit| {
            value
                .checked_mul(10)?
                .checked_add(i128::from(digit.wrapping_sub(b'0')))
        })?;
        Some(if self.negative { -magnitude } else { magnitude })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_told_apart_from_zeros_and_signs() {
        let read = |text: &str| {
            Digits::read(text.as_bytes()).map(|digits| {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                (digits.negative, text(digits.integer), text(digits.fraction))
            })
        };
        let parts = |negative, integer: &str, fraction: &str| {
            Some((negative, integer.to_owned(), fraction.to_owned()))
        };
        assert_eq!(read("-0012.3400"), parts(true, "12", "34"));
        assert_eq!(read("-0.00"), parts(false, "", ""));
        assert_eq!(read(".5"), parts(false, "", "5"));
        assert_eq!(read("7."), parts(false, "7", ""));
        for bad in ["", "-", ".", "1.2.3", "+1", "1e5", "--1", " 1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(Digits::read(b"-12.5").unwrap().integer(), Some(-12));
        assert_eq!(Digits::read(&[b'9'; 60]).unwrap().integer(), None);
    }

    #[test]
    fn a_number_beyond_its_column_is_refused() {
        let decimal = NumberType::of(&SourceType::Decimal {
            precision: 4,
            scale: 2,
        })
        .unwrap();
        assert!(decimal.read(&Cell::Bytes(b"99.99")).is_ok());
        for bad in [&b"100.00"[..], b"1.001"] {
            assert_eq!(decimal.read(&Cell::Bytes(bad)), Err(Refusal::OutOfRange));
        }
        assert_eq!(decimal.read(&Cell::Int(1)), Err(Refusal::WrongShape));
        let bit = NumberType::of(&SourceType::Bit { bits: 3 }).unwrap();
        assert_eq!(bit.read(&Cell::Bytes(&[7])), Ok(Number::Whole(7)));
        assert_eq!(bit.read(&Cell::Bytes(&[8])), Err(Refusal::OutOfRange));
        assert!(NumberType::of(&SourceType::Bit { bits: 65 }).is_none());
        assert!(NumberType::of(&SourceType::Text).is_none());
    }
}
