//! Decimals, exact, to numeric: digits in base 10000, a weight, a sign and the display scale.
//!
//! ```text
//! numeric = i16 groups, i16 weight of the first group, u16 sign, u16 scale, u16 group*
//! ```
//! As the server writes it: no zero groups at either end, and zero is no group at all and positive.

use super::refusal::{Encoded, Refusal};
use super::target::numeric_holds;
use crate::model::cell::Cell;
use crate::model::pg_type::PgType;

/// Most digits a source decimal has.
pub const MAX_PRECISION: u32 = 65;

/// Groups of 65 digits with the point anywhere.
const MAX_GROUPS: usize = 18;
const NEGATIVE: u16 = 0x4000;

#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    integer_digits: u8,
    scale: u8,
}

impl Decimal {
    /// None where the target does not hold `precision` digits, `scale` of them after the point.
    pub fn new(precision: u32, scale: u32, target: PgType) -> Option<Self> {
        let integer_digits = precision.checked_sub(scale)?;
        if precision > MAX_PRECISION || !numeric_holds(target, integer_digits, scale) {
            return None;
        }
        Some(Decimal {
            integer_digits: u8::try_from(integer_digits).ok()?,
            scale: u8::try_from(scale).ok()?,
        })
    }

    #[inline]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        let Cell::Bytes(text) = *cell else {
            return Err(Refusal::WrongShape);
        };
        let (negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let scale = usize::from(self.scale);
        // Where the source puts the point, and where it might be as well.
        let point = digits.len().wrapping_sub(scale + 1);
        let point = match digits.get(point) {
            Some(b'.') => point,
            _ => digits
                .iter()
                .position(|&byte| byte == b'.')
                .unwrap_or(digits.len()),
        };
        let (mut integer, fraction) = digits.split_at(point.min(digits.len()));
        let fraction = fraction.get(1..).unwrap_or_default();
        if integer.is_empty() && fraction.is_empty() {
            return Err(Refusal::Malformed);
        }
        if integer.len() > usize::from(self.integer_digits) {
            let zeros = integer.iter().take_while(|&&byte| byte == b'0').count();
            integer = integer.get(zeros..).unwrap_or_default();
        }
        if integer.len() > usize::from(self.integer_digits) || fraction.len() > scale {
            // Text that is no number may be long too; which of both it is does not matter.
            return Err(Refusal::OutOfRange);
        }
        let scale = self.scale.into();
        if integer.len() <= 16 && fraction.len() <= 16 {
            let (high, low) = integer.split_at(integer.len().saturating_sub(8));
            let mut lanes = u128::from(two_groups(align_right(low))?) << 64;
            if !high.is_empty() {
                lanes |= u128::from(two_groups(align_right(high))?) << 96;
            }
            let (high, low) = fraction.split_at(fraction.len().min(8));
            lanes |= u128::from(two_groups(align_left(high))?) << 32;
            if !low.is_empty() {
                lanes |= u128::from(two_groups(align_left(low))?);
            }
            put_lanes(out, negative, 3, scale, lanes);
            return Ok(());
        }
        put_long(out, negative, scale, integer, fraction)
    }
}

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// Up to eight digits in a word, the first in the lowest byte, zero bytes after the last.
#[inline]
fn load(digits: &[u8]) -> u64 {
    if let Some(all) = digits.first_chunk::<8>() {
        return u64::from_le_bytes(*all);
    }
    if let (Some(first), Some(last)) = (digits.first_chunk::<4>(), digits.last_chunk::<4>()) {
        // Where both overlap they are the same.
        let last = u64::from(u32::from_le_bytes(*last));
        return u64::from(u32::from_le_bytes(*first)) | last << (8 * (digits.len() - 4));
    }
    let byte = |index: usize| u64::from(digits.get(index).copied().unwrap_or(0));
    byte(0) | byte(1) << 8 | byte(2) << 16
}

/// Eight digits: these and zeros before them.
#[inline]
fn align_right(digits: &[u8]) -> u64 {
    let used = 8 * digits.len() as u32;
    load(digits).unbounded_shl(64 - used) | ZEROS.unbounded_shr(used)
}

/// Eight digits: these and zeros after them.
#[inline]
fn align_left(digits: &[u8]) -> u64 {
    load(digits) | ZEROS.unbounded_shl(8 * digits.len() as u32)
}

/// Eight digits to two groups, the first in the upper half; all digits of the word at once.
#[inline]
fn two_groups(word: u64) -> Result<u32, Refusal> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    // 0x30..=0x39 only: 6 more must not reach the next sixteen.
    let sixes = word.wrapping_add(0x0606_0606_0606_0606);
    if (word & HIGH) != ZEROS || (sixes & HIGH) != ZEROS {
        return Err(Refusal::Malformed);
    }
    let ones = word - ZEROS;
    let tens = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let thousands = tens * 100 + (tens >> 16);
    Ok((thousands as u32) << 16 | (thousands >> 32) as u32 & 0xffff)
}

/// An integer as a numeric without fractional digits.
#[inline]
pub fn put_integer_as_numeric(out: &mut Vec<u8>, negative: bool, magnitude: u64) {
    /// Two groups of a number below 100,000,000.
    #[inline]
    const fn two(value: u64) -> u64 {
        ((value / 10_000) << 16) + value % 10_000
    }
    let (upper, lower) = (magnitude / 100_000_000, magnitude % 100_000_000);
    let (top, middle) = (upper / 100_000_000, upper % 100_000_000);
    let lanes = u128::from(top) << 64 | u128::from(two(middle) << 32 | two(lower));
    put_lanes(out, negative, 7, 0, lanes);
}

/// Writes a numeric of eight groups, 16 bits each, without the zeros at either end. `weight` is the
/// first group's.
#[inline]
fn put_lanes(out: &mut Vec<u8>, negative: bool, weight: u32, scale: u16, lanes: u128) {
    let (sign, weight, count, lanes) = match lanes {
        0 => (0, 0, 0, 0),
        _ => {
            let first = lanes.leading_zeros() / 16;
            let count = 8 - first - lanes.trailing_zeros() / 16;
            let sign = if negative { NEGATIVE } else { 0 };
            (
                sign,
                weight.wrapping_sub(first),
                count,
                lanes << (16 * first),
            )
        }
    };
    // One store of the longest field and a cut are faster than one store per group.
    let mut field = [0; 28];
    let (length, rest) = field.split_at_mut(4);
    let (head, groups) = rest.split_at_mut(8);
    length.copy_from_slice(&(8 + 2 * count).to_be_bytes());
    head.copy_from_slice(&head_word(count, weight, sign, scale).to_be_bytes());
    groups.copy_from_slice(&lanes.to_be_bytes());
    out.extend_from_slice(&field);
    out.truncate(out.len() - 16 + 2 * count as usize);
}

const fn head_word(count: u32, weight: u32, sign: u16, scale: u16) -> u64 {
    let (sign, scale) = (sign as u64, scale as u64);
    (count as u64) << 48 | (weight as u64 & 0xffff) << 32 | sign << 16 | scale
}

/// Decimals that do not fit eight groups.
#[inline(never)]
fn put_long(
    out: &mut Vec<u8>,
    negative: bool,
    scale: u16,
    integer: &[u8],
    fraction: &[u8],
) -> Encoded {
    let mut pairs = [0u32; MAX_GROUPS / 2];
    let pieces = integer.len().div_ceil(8);
    for (pair, piece) in pairs.iter_mut().zip(integer.rchunks(8).rev()) {
        *pair = two_groups(align_right(piece))?;
    }
    for (pair, piece) in pairs.iter_mut().skip(pieces).zip(fraction.chunks(8)) {
        *pair = two_groups(align_left(piece))?;
    }
    let bytes = pairs.map(u32::to_be_bytes);
    let (mut groups, _) = bytes.as_flattened().as_chunks::<2>();
    let mut weight = 2 * pieces as u32;
    while let [[0, 0], rest @ ..] = groups {
        groups = rest;
        weight = weight.wrapping_sub(1);
    }
    while let [rest @ .., [0, 0]] = groups {
        groups = rest;
    }
    let count = groups.len() as u32;
    let (sign, weight) = match (count, negative) {
        (0, _) => (0, 0),
        (_, true) => (NEGATIVE, weight.wrapping_sub(1)),
        (_, false) => (0, weight.wrapping_sub(1)),
    };
    out.extend_from_slice(&(8 + 2 * count).to_be_bytes());
    out.extend_from_slice(&head_word(count, weight, sign, scale).to_be_bytes());
    out.extend_from_slice(groups.as_flattened());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::target::numeric;

    fn encode(precision: u32, scale: u32, text: &str) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        Decimal::new(precision, scale, numeric(precision, scale))
            .unwrap()
            .encode(&Cell::Bytes(text.as_bytes()), &mut out)?;
        Ok(out)
    }

    /// Fields of the wire: weight, sign, scale, groups.
    fn fields(out: &[u8]) -> (i16, u16, u16, Vec<u16>) {
        let words: Vec<u16> = out[4..]
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(out[..4], (out.len() as u32 - 4).to_be_bytes());
        assert_eq!(usize::from(words[0]), words.len() - 4);
        (words[1] as i16, words[2], words[3], words[4..].to_vec())
    }

    #[test]
    fn decimals_become_groups_of_four_digits() {
        let of = |p, s, text| fields(&encode(p, s, text).unwrap());
        assert_eq!(of(10, 2, "12345.67"), (1, 0, 2, vec![1, 2345, 6700]));
        assert_eq!(
            of(10, 2, "-12345.67"),
            (1, NEGATIVE, 2, vec![1, 2345, 6700])
        );
        assert_eq!(of(10, 2, "0.05"), (-1, 0, 2, vec![500]));
        assert_eq!(of(10, 2, "100000.00"), (1, 0, 2, vec![10]));
        assert_eq!(of(10, 2, "20000.50"), (1, 0, 2, vec![2, 0, 5000]));
        assert_eq!(of(10, 0, "9999"), (0, 0, 0, vec![9999]));
        assert_eq!(of(20, 10, "0.0000000012"), (-3, 0, 10, vec![1200]));
        assert_eq!(of(5, 5, ".00001"), (-2, 0, 5, vec![1000]));
        assert_eq!(of(10, 4, "7."), (0, 0, 4, vec![7]));
        assert_eq!(of(10, 2, "000000001.5"), (0, 0, 2, vec![1, 5000]));
    }

    #[test]
    fn zero_has_no_groups_and_no_sign_but_keeps_its_scale() {
        for text in ["0.00", "-0.00", "0", "00000.0", "-0"] {
            assert_eq!(
                encode(10, 2, text).unwrap(),
                [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2],
                "{text}"
            );
        }
    }

    #[test]
    fn the_widest_decimals_are_exact() {
        let (weight, sign, scale, groups) = fields(&encode(65, 0, &"9".repeat(65)).unwrap());
        assert_eq!((weight, sign, scale), (16, 0, 0));
        assert_eq!(groups[0], 9);
        assert_eq!(groups[1..], [9999; 16]);
        let text = format!("-{}.{}", "8".repeat(35), "7".repeat(30));
        let (weight, sign, scale, groups) = fields(&encode(65, 30, &text).unwrap());
        assert_eq!((weight, sign, scale), (8, NEGATIVE, 30));
        assert_eq!(
            groups[..9],
            [888, 8888, 8888, 8888, 8888, 8888, 8888, 8888, 8888]
        );
        assert_eq!(
            groups[9..],
            [7777, 7777, 7777, 7777, 7777, 7777, 7777, 7700]
        );
        let (.., groups) = fields(&encode(65, 62, &format!("123.{}", "4".repeat(62))).unwrap());
        assert_eq!(groups.len(), 17);
    }

    #[test]
    fn what_is_not_the_columns_decimal_is_refused() {
        for bad in [
            "", "-", ".", "-.", "1e5", "1..", "--1", "+1", " 1", "NaN", "1,5",
        ] {
            let refusal = encode(10, 2, bad).unwrap_err();
            assert_eq!(refusal, Refusal::Malformed, "{bad}");
        }
        for beyond in [
            "123456789.00",
            "1.234",
            "1.23456789012345678901234567890123456",
        ] {
            assert_eq!(encode(10, 2, beyond), Err(Refusal::OutOfRange), "{beyond}");
        }
        assert!(Decimal::new(66, 0, PgType::plain(crate::model::pg_type::oid::NUMERIC)).is_none());
        assert!(Decimal::new(2, 3, numeric(10, 5)).is_none());
        assert!(Decimal::new(10, 2, numeric(9, 2)).is_none());
    }

    #[test]
    fn integers_are_numerics_without_fraction() {
        let of = |negative, magnitude| {
            let mut out = Vec::new();
            put_integer_as_numeric(&mut out, negative, magnitude);
            fields(&out)
        };
        assert_eq!(of(false, 0), (0, 0, 0, vec![]));
        assert_eq!(of(true, 10_000), (1, NEGATIVE, 0, vec![1]));
        assert_eq!(of(false, 10_001), (1, 0, 0, vec![1, 1]));
        assert_eq!(
            of(true, 1 << 63),
            (4, NEGATIVE, 0, vec![922, 3372, 368, 5477, 5808])
        );
    }
}
