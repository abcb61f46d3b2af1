//! Bit fields, to boolean (one bit), bit(n) or bit varying.
//!
//! The source sends a big-endian number; PostgreSQL wants the bits from the left:
//!
//! ```text
//! bit = i32 bits, bytes with the first bit highest and zeros after the last
//! ```

use super::refusal::{Encoded, Refusal};
use super::wire::put_1;
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};

/// Widest bit field of a source.
pub const MAX_BITS: u32 = 64;

#[derive(Debug, Clone, Copy)]
pub enum Bit {
    Boolean,
    String { bits: u8 },
}

impl Bit {
    /// None where the target does not hold `bits` bits.
    pub fn new(bits: u32, target: PgType) -> Option<Self> {
        if !(1..=MAX_BITS).contains(&bits) {
            return None;
        }
        let width = i32::try_from(bits).ok()?;
        let holds = match target.oid {
            oid::BOOL => return (bits == 1).then_some(Bit::Boolean),
            // Without a modifier either type takes any number of bits.
            oid::BIT => target.typmod == width || target.typmod < 0,
            oid::VARBIT => target.typmod >= width || target.typmod < 0,
            _ => false,
        };
        holds.then_some(Bit::String {
            bits: u8::try_from(bits).ok()?,
        })
    }

    #[inline]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        let bits = match self {
            Bit::Boolean => 1,
            Bit::String { bits } => bits,
        };
        let value = read(bits, cell)?;
        if matches!(self, Bit::Boolean) {
            put_1(out, value as u8);
            return Ok(());
        }
        let length = u32::from(bits).div_ceil(8);
        let head = u64::from(4 + length) << 32 | u64::from(bits);
        let aligned = value << (64 - u32::from(bits));
        // One store of the longest field and a cut.
        let field = u128::from(head) << 64 | u128::from(aligned);
        out.extend_from_slice(&field.to_be_bytes());
        out.truncate(out.len() - 8 + length as usize);
        Ok(())
    }
}

/// The number that `bits` bits (1 to 64) are.
#[inline(always)]
pub fn read(bits: u8, cell: &Cell<'_>) -> Result<u64, Refusal> {
    let Cell::Bytes(bytes) = *cell else {
        return Err(Refusal::WrongShape);
    };
    let length = bytes.len() as u32;
    let value = if length > 8 {
        return Err(Refusal::Malformed);
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        // Where the two loads overlap, both have the same bits.
        let (first, last) = (u32::from_be_bytes(*first), u32::from_be_bytes(*last));
        u64::from(first) << (8 * (length - 4)) | u64::from(last)
    } else {
        match *bytes {
            [a] => u64::from(a),
            [a, b] => u64::from(u16::from_be_bytes([a, b])),
            [a, b, c] => u64::from(u32::from_be_bytes([0, a, b, c])),
            _ => return Err(Refusal::Malformed),
        }
    };
    if u64::BITS - value.leading_zeros() > bits.into() {
        return Err(Refusal::OutOfRange);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(bits: u32, target: PgType, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        Bit::new(bits, target)
            .unwrap()
            .encode(&Cell::Bytes(bytes), &mut out)?;
        Ok(out)
    }

    fn bit(typmod: i32) -> PgType {
        PgType {
            oid: oid::BIT,
            typmod,
        }
    }

    #[test]
    fn one_bit_is_a_boolean() {
        let boolean = PgType::plain(oid::BOOL);
        assert_eq!(encode(1, boolean, &[1]).unwrap(), [0, 0, 0, 1, 1]);
        assert_eq!(encode(1, boolean, &[0]).unwrap(), [0, 0, 0, 1, 0]);
        assert_eq!(encode(1, boolean, &[2]), Err(Refusal::OutOfRange));
        assert!(Bit::new(2, boolean).is_none());
    }

    #[test]
    fn bits_are_aligned_to_the_left() {
        assert_eq!(
            encode(1, bit(1), &[1]).unwrap(),
            [0, 0, 0, 5, 0, 0, 0, 1, 0x80]
        );
        assert_eq!(
            encode(5, bit(5), &[0b10011]).unwrap(),
            [0, 0, 0, 5, 0, 0, 0, 5, 0b1001_1000]
        );
        assert_eq!(
            encode(12, bit(12), &[0x0a, 0xbc]).unwrap(),
            [0, 0, 0, 6, 0, 0, 0, 12, 0xab, 0xc0]
        );
        let full = encode(64, bit(64), &[0xff; 8]).unwrap();
        assert_eq!(full[..8], [0, 0, 0, 12, 0, 0, 0, 64]);
        assert_eq!(full[8..], [0xff; 8]);
    }

    #[test]
    fn too_many_bits_are_refused() {
        assert_eq!(encode(5, bit(5), &[0b10_0000]), Err(Refusal::OutOfRange));
        assert_eq!(encode(64, bit(64), &[1; 9]), Err(Refusal::Malformed));
        assert_eq!(encode(8, bit(8), &[]), Err(Refusal::Malformed));
        assert!(Bit::new(8, bit(9)).is_none());
        assert!(
            Bit::new(
                8,
                PgType {
                    oid: oid::VARBIT,
                    typmod: 9
                }
            )
            .is_some()
        );
        assert!(
            Bit::new(
                8,
                PgType {
                    oid: oid::VARBIT,
                    typmod: 7
                }
            )
            .is_none()
        );
        assert!(Bit::new(8, PgType::plain(oid::VARBIT)).is_some());
        assert!(Bit::new(0, bit(0)).is_none());
        assert!(Bit::new(65, bit(65)).is_none());
    }
}
