//! UUIDs: text at the source, sixteen bytes in PostgreSQL.

use super::refusal::{Encoded, Refusal};
use super::wire::put_length;
use crate::model::cell::Cell;

/// A column of the type `uuid`: text in both protocols.
#[inline(never)]
pub fn encode_uuid(cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
    let Cell::Bytes(text) = *cell else {
        return Err(Refusal::WrongShape);
    };
    put_uuid(out, parse_uuid(text).ok_or(Refusal::Malformed)?)
}

pub fn put_uuid(out: &mut Vec<u8>, uuid: [u8; 16]) -> Encoded {
    put_length(out, uuid.len())?;
    out.extend_from_slice(&uuid);
    Ok(())
}

/// Text as PostgreSQL reads it: braces around the whole, and hyphens between groups of four digits,
/// are there or not.
pub fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let mut rest = match text {
        [b'{', inner @ .., b'}'] => inner,
        [b'{', ..] => return None,
        plain => plain,
    };
    let mut uuid = [0; 16];
    for (index, byte) in uuid.iter_mut().enumerate() {
        if let [b'-', behind @ ..] = rest
            && index > 0
            && index % 2 == 0
        {
            rest = behind;
        }
        let [high, low, behind @ ..] = rest else {
            return None;
        };
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
        rest = behind;
    }
    rest.is_empty().then_some(uuid)
}

/// The form in which the source writes it.
pub fn write_uuid(uuid: [u8; 16], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in uuid.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        for digit in [byte >> 4, byte & 15] {
            out.extend(DIGITS.get(usize::from(digit)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: [u8; 16] = [
        0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a,
        0x11,
    ];

    #[test]
    fn a_uuid_is_sixteen_bytes() {
        let text = b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        let mut out = Vec::new();
        encode_uuid(&Cell::Bytes(text), &mut out).unwrap();
        assert_eq!(out[..4], [0, 0, 0, 16]);
        assert_eq!(out[4..], UUID);
        let mut back = Vec::new();
        write_uuid(UUID, &mut back);
        assert_eq!(back, text);
        assert_eq!(
            encode_uuid(&Cell::Int(1), &mut out),
            Err(Refusal::WrongShape)
        );
        assert_eq!(
            encode_uuid(&Cell::Bytes(b"a0"), &mut out),
            Err(Refusal::Malformed)
        );
    }

    /// What PostgreSQL's manual lists, and what it refuses.
    #[test]
    fn other_ways_of_writing_are_those_of_postgresql() {
        for text in [
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
            "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
        ] {
            assert_eq!(parse_uuid(text.as_bytes()), Some(UUID), "{text}");
        }
        for text in [
            "",
            "{}",
            "-a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11-",
            "a0-eebc999c0b4ef8bb6d6bb9bd380a11",
            "{a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a1",
            "a0eebc999c0b4ef8bb6d6bb9bd380a111",
            " a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "g0eebc999c0b4ef8bb6d6bb9bd380a11",
        ] {
            assert_eq!(parse_uuid(text.as_bytes()), None, "{text}");
        }
    }
}
