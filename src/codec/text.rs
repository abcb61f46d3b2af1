//! Text: UTF-8 without NUL bytes, to text or varchar.
//!
//! Nearly all text is short and ASCII, so that is looked for first, eight bytes at a time; only
//! what is not goes through the full check.

use super::refusal::{Encoded, Refusal};
use super::target::text_limit;
use super::wire::put_bytes;
use crate::model::cell::Cell;
use crate::model::pg_type::PgType;

#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// Most characters the target takes. The server would cut spaces beyond it silently.
    limit: u32,
}

impl Text {
    /// None where the target does not hold `characters` of text (None: without bound).
    pub fn new(characters: Option<u64>, target: PgType) -> Option<Self> {
        let limit = text_limit(target)?;
        let holds = limit == u32::MAX || characters.is_some_and(|count| count <= limit.into());
        holds.then_some(Text { limit })
    }

    /// Whatever fits: each value is counted.
    pub fn within(target: PgType) -> Option<Self> {
        text_limit(target).map(|limit| Text { limit })
    }

    #[inline(always)]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        let Cell::Bytes(bytes) = *cell else {
            return Err(Refusal::WrongShape);
        };
        check(bytes)?;
        if bytes.len() as u64 > self.limit.into() && characters(bytes) > self.limit as usize {
            return Err(Refusal::TooManyCharacters);
        }
        put_bytes(out, bytes)
    }
}

/// UTF-8 without a NUL byte.
#[inline(always)]
pub fn check(bytes: &[u8]) -> Encoded {
    if is_plain(bytes) {
        Ok(())
    } else {
        check_unicode(bytes)
    }
}

#[inline(never)]
fn check_unicode(bytes: &[u8]) -> Encoded {
    if bytes.contains(&0) {
        return Err(Refusal::NulByte);
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::NotUtf8),
    }
}

pub fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

/// All bytes are in 0x01..=0x7f.
#[inline(always)]
fn is_plain(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    /// The high bit of each byte that is plain: not set, and set by adding 0x7f to the others.
    #[inline]
    const fn plain(word: u64) -> u64 {
        ((word & LOW) + LOW) & !word & HIGH
    }
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes
            .iter()
            .fold(true, |plain, &byte| plain & (1..=0x7f).contains(&byte));
    };
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        let all = words
            .iter()
            .fold(HIGH, |all, word| all & plain(u64::from_ne_bytes(*word)));
        if all != HIGH {
            return false;
        }
    }
    let (words, _) = rest.as_chunks::<8>();
    let all = words
        .iter()
        .fold(HIGH, |all, word| all & plain(u64::from_ne_bytes(*word)));
    // The last eight bytes overlap what was seen already.
    all & plain(u64::from_ne_bytes(*last)) == HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::target::varchar;
    use crate::model::pg_type::oid;

    fn encode(characters: Option<u64>, target: PgType, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        Text::new(characters, target)
            .unwrap()
            .encode(&Cell::Bytes(bytes), &mut out)?;
        Ok(out)
    }

    #[test]
    fn text_passes_byte_for_byte() {
        let text = PgType::plain(oid::TEXT);
        assert_eq!(encode(None, text, b"").unwrap(), [0, 0, 0, 0]);
        assert_eq!(encode(None, text, b"ab").unwrap(), [0, 0, 0, 2, b'a', b'b']);
        let long = "Größe 漢字 \u{10ffff} ".repeat(20);
        assert_eq!(
            encode(None, text, long.as_bytes()).unwrap()[4..],
            *long.as_bytes()
        );
        assert_eq!(
            Text::new(None, text)
                .unwrap()
                .encode(&Cell::Int(1), &mut Vec::new()),
            Err(Refusal::WrongShape)
        );
    }

    #[test]
    fn a_bad_byte_is_found_at_every_place_of_every_length() {
        for length in 1..130 {
            assert_eq!(check(&vec![0x7f; length]), Ok(()));
            assert_eq!(check(&vec![0x01; length]), Ok(()));
            for place in 0..length {
                let mut bytes = vec![b'a'; length];
                bytes[place] = 0;
                assert_eq!(check(&bytes), Err(Refusal::NulByte));
                bytes[place] = 0x80;
                assert_eq!(check(&bytes), Err(Refusal::NotUtf8));
                assert!(!is_plain(&bytes));
            }
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        for bad in [
            &b"\xff"[..],
            b"a\xc3",
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
        ] {
            assert_eq!(check(bad), Err(Refusal::NotUtf8));
        }
        assert_eq!(check(b"\xc3\xa9\0"), Err(Refusal::NulByte));
    }

    #[test]
    fn length_is_counted_in_characters() {
        let three = varchar(3);
        assert!(encode(Some(3), three, "äöü".as_bytes()).is_ok());
        assert_eq!(
            encode(Some(3), three, "äöüß".as_bytes()),
            Err(Refusal::TooManyCharacters)
        );
        assert_eq!(
            encode(Some(3), three, b"abc "),
            Err(Refusal::TooManyCharacters)
        );
        assert!(Text::new(Some(4), three).is_none());
        assert!(Text::new(None, three).is_none());
        assert!(Text::new(None, PgType::plain(oid::VARCHAR)).is_some());
        assert!(
            Text::new(
                Some(3),
                PgType {
                    oid: oid::BPCHAR,
                    typmod: 7
                }
            )
            .is_none()
        );
    }
}
