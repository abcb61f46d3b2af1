//! How many bytes a value takes in a row image: enough to walk over it, wanted or not.

use crate::model::logged::LoggedColumn;

/// Type codes of the log.
pub mod code {
    pub const TINY: u8 = 1;
    pub const SHORT: u8 = 2;
    pub const LONG: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const TIMESTAMP: u8 = 7;
    pub const LONGLONG: u8 = 8;
    pub const INT24: u8 = 9;
    pub const DATE: u8 = 10;
    pub const TIME: u8 = 11;
    pub const DATETIME: u8 = 12;
    pub const YEAR: u8 = 13;
    pub const NEWDATE: u8 = 14;
    pub const VARCHAR: u8 = 15;
    pub const BIT: u8 = 16;
    pub const TIMESTAMP2: u8 = 17;
    pub const DATETIME2: u8 = 18;
    pub const TIME2: u8 = 19;
    /// MariaDB's COMPRESSED columns.
    pub const BLOB_COMPRESSED: u8 = 140;
    pub const VARCHAR_COMPRESSED: u8 = 141;
    pub const VECTOR: u8 = 242;
    pub const JSON: u8 = 245;
    pub const NEWDECIMAL: u8 = 246;
    pub const ENUM: u8 = 247;
    pub const SET: u8 = 248;
    pub const TINY_BLOB: u8 = 249;
    pub const MEDIUM_BLOB: u8 = 250;
    pub const LONG_BLOB: u8 = 251;
    pub const BLOB: u8 = 252;
    pub const VAR_STRING: u8 = 253;
    pub const STRING: u8 = 254;
    pub const GEOMETRY: u8 = 255;
}

/// The bytes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Fixed(usize),
    /// So many bytes of length, little-endian, before the value.
    Prefixed(u8),
}

impl Layout {
    /// None where the log's description gives no length: an unknown type, or one that no source
    /// writes so. `fraction` is what the plan knows of the digits after a second, which the log does
    /// not tell of MariaDB's old temporal types.
    pub fn of(column: &LoggedColumn, fraction: Option<u32>) -> Option<Layout> {
        let metadata = column.metadata;
        let fixed = |bytes: usize| Some(Layout::Fixed(bytes));
        let old = |bytes: [usize; 7]| {
            let fraction = usize::try_from(fraction?).ok()?;
            bytes.get(fraction).copied().map(Layout::Fixed)
        };
        match column.kind {
            code::TINY | code::YEAR => fixed(1),
            code::SHORT => fixed(2),
            code::INT24 | code::DATE | code::NEWDATE => fixed(3),
            code::LONG | code::FLOAT => fixed(4),
            code::LONGLONG | code::DOUBLE => fixed(8),
            code::TIME => old([3, 4, 4, 5, 5, 5, 6]),
            code::DATETIME => old([8, 6, 6, 7, 7, 7, 8]),
            code::TIMESTAMP => old([4, 5, 5, 6, 6, 7, 7]),
            code::TIME2 => fixed(3 + fraction_bytes(metadata)?),
            code::DATETIME2 => fixed(5 + fraction_bytes(metadata)?),
            code::TIMESTAMP2 => fixed(4 + fraction_bytes(metadata)?),
            code::NEWDECIMAL => {
                let [precision, scale] = metadata.to_be_bytes();
                fixed(decimal_bytes(precision, scale)?)
            }
            code::BIT => match bits(metadata) {
                bits @ 1..=64 => fixed(bits.div_ceil(8) as usize),
                _ => None,
            },
            code::ENUM | code::SET => match metadata {
                bytes @ 1..=8 => fixed(bytes.into()),
                _ => None,
            },
            code::VARCHAR | code::VAR_STRING | code::VARCHAR_COMPRESSED | code::STRING => {
                Some(Layout::Prefixed(if metadata > 255 { 2 } else { 1 }))
            }
            code::TINY_BLOB
            | code::MEDIUM_BLOB
            | code::LONG_BLOB
            | code::BLOB
            | code::BLOB_COMPRESSED
            | code::JSON
            | code::GEOMETRY
            | code::VECTOR => match metadata {
                1..=4 => Some(Layout::Prefixed(metadata as u8)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The bytes of the value at `at`, which is then behind it. None where the image ends before.
    #[inline(always)]
    pub fn take<'a>(self, image: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
        let rest = image.get(*at..)?;
        match self {
            Layout::Fixed(bytes) => {
                let value = rest.get(..bytes)?;
                *at += bytes;
                Some(value)
            }
            Layout::Prefixed(1) => {
                let (length, rest) = rest.split_first()?;
                let length = usize::from(*length);
                *at += 1 + length;
                rest.get(..length)
            }
            Layout::Prefixed(2) => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                let length = usize::from(u16::from_le_bytes(*length));
                *at += 2 + length;
                rest.get(..length)
            }
            Layout::Prefixed(bytes) => {
                let bytes = usize::from(bytes);
                let (length, rest) = rest.split_at_checked(bytes)?;
                let length = usize::try_from(little_endian(length)).ok()?;
                *at = at.checked_add(bytes)?.checked_add(length)?;
                rest.get(..length)
            }
        }
    }
}

/// Bytes of the digits after the second. None for more digits than there are.
pub fn fraction_bytes(digits: u16) -> Option<usize> {
    (digits <= 6).then(|| usize::from(digits).div_ceil(2))
}

/// Nine groups of nine: in a JSON document a decimal may claim more digits than a column has.
const MOST_DIGITS: u8 = 81;

/// Bytes of a packed decimal: nine digits in four bytes, what is left of them in fewer.
pub fn decimal_bytes(precision: u8, scale: u8) -> Option<usize> {
    let integer = precision.checked_sub(scale)?;
    if !(1..=MOST_DIGITS).contains(&precision) {
        return None;
    }
    let part = |digits: u8| {
        let rest = PARTIAL.get(usize::from(digits % 9)).copied();
        Some(usize::from(digits / 9) * 4 + rest?)
    };
    Some(part(integer)? + part(scale)?)
}

/// Bytes of fewer than nine digits.
pub const PARTIAL: [usize; 9] = [0, 1, 1, 2, 2, 3, 3, 4, 4];

/// Bits of a bit field: the whole bytes are counted in the high byte, the rest in the low one.
pub fn bits(metadata: u16) -> u32 {
    let [bytes, bits] = metadata.to_be_bytes();
    u32::from(bytes) * 8 + u32::from(bits)
}

/// A number of up to eight bytes.
#[inline(always)]
pub fn little_endian(bytes: &[u8]) -> u64 {
    match *bytes {
        [a] => a.into(),
        [a, b] => u16::from_le_bytes([a, b]).into(),
        [a, b, c] => u32::from_le_bytes([a, b, c, 0]).into(),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => bytes
            .iter()
            .rev()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)),
    }
}

/// A number of up to eight bytes.
#[inline(always)]
pub fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(kind: u8, metadata: u16) -> Option<Layout> {
        let column = LoggedColumn {
            kind,
            metadata,
            ..LoggedColumn::default()
        };
        Layout::of(&column, None)
    }

    #[test]
    fn a_type_and_its_metadata_give_the_bytes() {
        for (kind, metadata, bytes) in [
            (code::NEWDECIMAL, 10 << 8 | 2, 5),
            (code::NEWDECIMAL, 65 << 8 | 30, 30),
            (code::NEWDECIMAL, 1 << 8, 1),
            (code::BIT, 1 << 8, 1),
            (code::BIT, 1 << 8 | 1, 2),
            (code::BIT, 8 << 8, 8),
            (code::TIME2, 6, 6),
            (code::DATETIME2, 1, 6),
            (code::TIMESTAMP2, 0, 4),
            (code::SET, 8, 8),
        ] {
            assert_eq!(layout(kind, metadata), Some(Layout::Fixed(bytes)));
        }
        for (kind, metadata, bytes) in [
            (code::VARCHAR, 255, 1),
            (code::VARCHAR, 256, 2),
            (code::STRING, 16, 1),
            // char(64) of utf8mb4.
            (code::STRING, 256, 2),
            (code::BLOB, 3, 3),
            (code::JSON, 4, 4),
        ] {
            assert_eq!(layout(kind, metadata), Some(Layout::Prefixed(bytes)));
        }
        for (kind, metadata) in [
            (0, 0),
            (code::NEWDECIMAL, 10 << 8 | 11),
            (code::NEWDECIMAL, 82 << 8),
            (code::BIT, 0),
            (code::BIT, 9 << 8),
            (code::TIME2, 7),
            (code::BLOB, 5),
            (code::ENUM, 0),
            // How long it is nobody can tell without the plan.
            (code::DATETIME, 0),
            (200, 0),
        ] {
            assert_eq!(layout(kind, metadata), None, "{kind} {metadata}");
        }
    }

    #[test]
    fn no_length_reaches_beyond_the_image() {
        let image = [3, 0, 0, 0, 7, 8, 9];
        for (prefix, value) in [(1, &[0, 0, 0][..]), (2, &[0, 0, 7]), (4, &[7, 8, 9])] {
            let mut at = 0;
            assert_eq!(Layout::Prefixed(prefix).take(&image, &mut at), Some(value));
            assert_eq!(at, usize::from(prefix) + 3);
        }
        for (layout, image) in [
            (Layout::Fixed(8), &image[..]),
            (Layout::Prefixed(4), &image[..6]),
            (Layout::Prefixed(2), &image[6..]),
            (Layout::Prefixed(1), &[]),
            (Layout::Prefixed(4), &[0xff; 7]),
        ] {
            assert_eq!(layout.take(image, &mut 0), None);
        }
        let mut beyond = usize::MAX;
        assert_eq!(Layout::Fixed(1).take(&image, &mut beyond), None);
    }
}
