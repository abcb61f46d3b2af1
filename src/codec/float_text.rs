//! Floating point numbers in the source's own writing, with as few digits as read back exactly.
//!
//! The point stands among the digits from 1e-15 on and below 1e15, and beyond where digits come
//! after it. Else there is an exponent, without zeros and without a plus: `1.5e-20`.

use std::fmt::{self, LowerExp, Write};

/// Places of the point, counted from the first digit, that need no exponent.
const PLAIN: std::ops::RangeInclusive<i32> = -14..=15;

pub fn write_double(value: f64, out: &mut Vec<u8>) {
    write(value, value.is_finite(), out);
}

pub fn write_single(value: f32, out: &mut Vec<u8>) {
    write(value, value.is_finite(), out);
}

fn write(value: impl LowerExp + fmt::Display, finite: bool, out: &mut Vec<u8>) {
    let mut text = Scientific::default();
    if !finite || write!(text, "{value:e}").is_err() {
        // None is in a source; no way to write it is prescribed.
        out.extend_from_slice(value.to_string().as_bytes());
        return;
    }
    if text.negative {
        out.push(b'-');
    }
    let digits = text.digits.get(..text.length).unwrap_or_default();
    let point = text.exponent() + 1;
    let fraction_follows = point > 0 && (point as usize) < digits.len();
    if digits == b"0" {
        out.push(b'0');
    } else if !PLAIN.contains(&point) && !fraction_follows {
        let (first, rest) = digits.split_at(digits.len().min(1));
        out.extend_from_slice(first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        out.extend_from_slice(format!("e{}", point - 1).as_bytes());
    } else if let Ok(whole @ 1..) = usize::try_from(point) {
        let (integer, fraction) = digits.split_at(digits.len().min(whole));
        out.extend_from_slice(integer);
        out.resize(out.len() + whole - integer.len(), b'0');
        if !fraction.is_empty() {
            out.push(b'.');
            out.extend_from_slice(fraction);
        }
    } else {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(digits);
    }
}

/// `-1.25e-7`, taken apart as it is written.
#[derive(Default)]
struct Scientific {
    negative: bool,
    digits: [u8; 17],
    length: usize,
    exponent: Option<i32>,
    exponent_negative: bool,
}

impl Scientific {
    fn exponent(&self) -> i32 {
        let exponent = self.exponent.unwrap_or(0);
        if self.exponent_negative {
            -exponent
        } else {
            exponent
        }
    }
}

impl Write for Scientific {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match (byte, self.exponent) {
                (b'-', None) => self.negative = true,
                (b'-', Some(_)) => self.exponent_negative = true,
                (b'e', _) => self.exponent = Some(0),
                (b'0'..=b'9', Some(exponent)) => {
                    self.exponent = Some(exponent * 10 + i32::from(byte - b'0'));
                }
                (b'0'..=b'9', None) => {
                    *self.digits.get_mut(self.length).ok_or(fmt::Error)? = byte;
                    self.length += 1;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::Random;

    fn double(value: f64) -> String {
        let mut out = Vec::new();
        write_double(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// As MariaDB 10.11 and MySQL 9.7 print them.
    #[test]
    fn numbers_are_written_as_the_source_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (0.1, "0.1"),
            (1e14, "100000000000000"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e15, "1e15"),
            (1_234_567_890_123_456.8, "1234567890123456.8"),
            (1_234_567_890_123_456.0, "1.234567890123456e15"),
            (1.5e-20, "1.5e-20"),
            (1e-15, "0.000000000000001"),
            (1.25e-16, "1.25e-16"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(double(value), text);
        }
        let mut out = Vec::new();
        write_single(0.1, &mut out);
        assert_eq!(out, b"0.1");
        assert_eq!(double(f64::NAN), "NaN");
    }

    #[test]
    fn every_number_reads_back_to_the_same_bits() {
        let mut random = Random(8);
        for _ in 0..20_000 {
            let value = f64::from_bits(random.next());
            if value.is_finite() {
                let back: f64 = double(value).parse().unwrap();
                assert_eq!(back.to_bits(), value.to_bits());
            }
            let value = f32::from_bits(random.next() as u32);
            let mut out = Vec::new();
            write_single(value, &mut out);
            if value.is_finite() {
                let back: f32 = String::from_utf8(out).unwrap().parse().unwrap();
                assert_eq!(back.to_bits(), value.to_bits());
            }
        }
    }
}
