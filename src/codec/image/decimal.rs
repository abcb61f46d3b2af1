//! Packed decimals to ASCII.
//!
//! ```text
//! packed = integer digits from the right in groups of nine, the first group what is left over;
//!          fractional digits from the left in groups of nine, the last one what is left over
//! group  = big-endian: four bytes for nine digits, fewer for fewer
//! ```
//! The first bit is turned around, so that it is 1 for numbers from zero on; of a negative number all
//! other bits are turned around as well.

use super::layout::{PARTIAL, decimal_bytes};

/// Bytes of the longest packed decimal.
const LONGEST: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// Digits of the first group.
    first: u8,
    /// Whole groups before the point and after it.
    integer: u8,
    fraction: u8,
    /// Digits of the last group.
    last: u8,
}

impl Packed {
    pub fn new(precision: u8, scale: u8) -> Option<Packed> {
        decimal_bytes(precision, scale)?;
        let integer = precision.checked_sub(scale)?;
        Some(Packed {
            first: integer % 9,
            integer: integer / 9,
            fraction: scale / 9,
            last: scale % 9,
        })
    }

    /// Appends the number as the source prints it. None for bytes that are no decimal.
    #[inline]
    pub fn write(self, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let mut copy = [0; LONGEST];
        copy.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let negative = copy[0] & 0x80 == 0;
        copy[0] ^= 0x80;
        let mut text = Text::new();
        if negative {
            for byte in &mut copy {
                *byte = !*byte;
            }
            text.push(b'-');
        }
        let start = text.length;
        let mut groups = Groups(copy.get(..bytes.len())?);
        if self.first > 0 {
            text.push_leading(groups.next(self.first)?);
        }
        for _ in 0..self.integer {
            let group = groups.next(9)?;
            match text.length > start {
                true => text.push_digits(group, 9),
                false => text.push_leading(group),
            }
        }
        if text.length == start {
            text.push(b'0');
        }
        if self.fraction > 0 || self.last > 0 {
            text.push(b'.');
        }
        for _ in 0..self.fraction {
            text.push_digits(groups.next(9)?, 9);
        }
        if self.last > 0 {
            text.push_digits(groups.next(self.last)?, self.last);
        }
        out.extend_from_slice(text.bytes.get(..text.length)?);
        Some(())
    }
}

struct Groups<'a>(&'a [u8]);

impl Groups<'_> {
    /// The next group of so many digits.
    #[inline]
    fn next(&mut self, digits: u8) -> Option<u32> {
        let bytes = PARTIAL.get(usize::from(digits)).copied().unwrap_or(4);
        let (group, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        let group = match *group {
            [a, b, c, d] => u32::from_be_bytes([a, b, c, d]),
            [a, b, c] => u32::from_be_bytes([0, a, b, c]),
            [a, b] => u32::from(u16::from_be_bytes([a, b])),
            [a] => u32::from(a),
            _ => return None,
        };
        (group < *POWERS.get(usize::from(digits))?).then_some(group)
    }
}

const POWERS: [u32; 10] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
];

/// "00" to "99".
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// A number under way. Each group is stored with nine digits, and what is too much is stored over.
struct Text {
    bytes: [u8; 96],
    length: usize,
}

impl Text {
    #[inline]
    fn new() -> Text {
        Text {
            bytes: [0; 96],
            length: 0,
        }
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
    }

    /// A group of `count` digits, with zeros before it.
    #[inline]
    fn push_digits(&mut self, group: u32, count: u8) {
        let unused = 9usize.saturating_sub(count.into());
        let number = group * POWERS.get(unused).copied().unwrap_or(1);
        let pair = |number: u32| PAIRS[(number % 100) as usize];
        let [a, b] = pair(number / 10_000_000);
        let [c, d] = pair(number / 100_000);
        let [e, f] = pair(number / 1_000);
        let [g, h] = pair(number / 10);
        let [_, i] = pair(number % 10);
        let places = self.bytes.get_mut(self.length..);
        if let Some(places) = places.and_then(|places| places.first_chunk_mut::<9>()) {
            *places = [a, b, c, d, e, f, g, h, i];
        }
        self.length += usize::from(count);
    }

    /// The digits without zeros before them: nothing of zero.
    #[inline]
    fn push_leading(&mut self, group: u32) {
        let count = group.checked_ilog10().map_or(0, |log| log as u8 + 1);
        self.push_digits(group, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(precision: u8, scale: u8, bytes: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        Packed::new(precision, scale)?.write(bytes, &mut out)?;
        Some(String::from_utf8(out).unwrap())
    }

    /// The manual's example, 1234567890.1234 in decimal(14,4), and its negative.
    #[test]
    fn digits_are_read_in_groups_of_nine() {
        let packed = [0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2];
        assert_eq!(text(14, 4, &packed).unwrap(), "1234567890.1234");
        let packed = packed.map(|byte| !byte);
        assert_eq!(text(14, 4, &packed).unwrap(), "-1234567890.1234");
    }

    #[test]
    fn zeros_stand_where_the_source_has_them() {
        assert_eq!(text(10, 2, &[0x80, 0, 0, 0, 0]).unwrap(), "0.00");
        assert_eq!(text(10, 2, &[0x80, 0, 0, 12, 7]).unwrap(), "12.07");
        assert_eq!(text(1, 0, &[0x80]).unwrap(), "0");
        assert_eq!(text(2, 2, &[0x85]).unwrap(), "0.05");
        assert_eq!(
            text(18, 0, &[0x80, 0, 0, 1, 0, 0, 0, 2]).unwrap(),
            "1000000002"
        );
        assert_eq!(text(9, 9, &[0x80, 0, 0, 1]).unwrap(), "0.000000001");
    }

    #[test]
    fn bytes_that_are_no_decimal_are_told() {
        // 100 in two digits, 10^9 in nine.
        assert_eq!(text(2, 0, &[0x80 | 100]), None);
        assert_eq!(text(9, 0, &[0xbb, 0x9a, 0xca, 0]), None);
        assert_eq!(text(9, 0, &[0x80, 0]), None);
        assert_eq!(text(9, 0, &[0x80; 41]), None);
        assert!(Packed::new(82, 0).is_none());
        assert!(Packed::new(3, 4).is_none());
    }
}
