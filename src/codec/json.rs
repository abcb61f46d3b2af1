//! JSON, to jsonb, json or text. The text passes as it is; the server parses it.
//!
//! jsonb keeps strings unescaped, so two escapes that are legal in JSON have no place in it: the
//! NUL character and one half of a surrogate pair.

use super::refusal::{Encoded, Refusal};
use super::target::text_limit;
use super::text::check;
use super::wire::{put_bytes, put_length};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};

const JSONB_VERSION: u8 = 1;

#[derive(Debug, Clone, Copy)]
pub enum Json {
    Jsonb,
    Text,
}

impl Json {
    pub fn new(target: PgType) -> Option<Self> {
        match target.oid {
            oid::JSONB => Some(Json::Jsonb),
            oid::JSON => Some(Json::Text),
            _ => (text_limit(target) == Some(u32::MAX)).then_some(Json::Text),
        }
    }

    #[inline]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        let Cell::Bytes(text) = *cell else {
            return Err(Refusal::WrongShape);
        };
        check(text)?;
        match self {
            Json::Text => put_bytes(out, text),
            Json::Jsonb => {
                if text.contains(&b'\\') {
                    check_escapes(text)?;
                }
                put_length(out, text.len() + 1)?;
                out.push(JSONB_VERSION);
                out.extend_from_slice(text);
                Ok(())
            }
        }
    }
}

/// Looks at `\uXXXX` only: whether the rest is JSON the server finds out.
fn check_escapes(mut text: &[u8]) -> Encoded {
    let mut high_half = false;
    while let Some(gap) = text.iter().position(|&byte| byte == b'\\') {
        // A pair's halves stand side by side.
        if high_half && gap > 0 {
            return Err(Refusal::JsonSurrogate);
        }
        let code = match text.get(gap + 1..) {
            Some([b'u', a, b, c, d, rest @ ..]) => {
                text = rest;
                hexadecimal([*a, *b, *c, *d])
            }
            Some([_, rest @ ..]) => {
                text = rest;
                None
            }
            _ => break,
        };
        high_half = match (high_half, code) {
            (_, Some(0)) => return Err(Refusal::JsonNul),
            (false, Some(0xd800..=0xdbff)) => true,
            (true, Some(0xdc00..=0xdfff)) => false,
            (true, _) | (_, Some(0xdc00..=0xdfff)) => return Err(Refusal::JsonSurrogate),
            (false, _) => false,
        };
    }
    if high_half {
        Err(Refusal::JsonSurrogate)
    } else {
        Ok(())
    }
}

fn hexadecimal(digits: [u8; 4]) -> Option<u32> {
    digits.iter().try_fold(0, |code, &digit| {
        Some(code * 16 + char::from(digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(target: u32, text: &str) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        Json::new(PgType::plain(target))
            .unwrap()
            .encode(&Cell::Bytes(text.as_bytes()), &mut out)?;
        Ok(out)
    }

    #[test]
    fn jsonb_has_a_version_before_the_text() {
        assert_eq!(
            encode(oid::JSONB, "{}").unwrap(),
            [0, 0, 0, 3, 1, b'{', b'}']
        );
        assert_eq!(encode(oid::JSON, "{}").unwrap(), [0, 0, 0, 2, b'{', b'}']);
        assert_eq!(encode(oid::TEXT, "{}").unwrap(), [0, 0, 0, 2, b'{', b'}']);
        assert!(
            Json::new(PgType {
                oid: oid::VARCHAR,
                typmod: 100
            })
            .is_none()
        );
        assert!(Json::new(PgType::plain(oid::BYTEA)).is_none());
    }

    #[test]
    fn escapes_that_jsonb_cannot_hold_are_refused() {
        assert_eq!(encode(oid::JSONB, r#""a\u0000""#), Err(Refusal::JsonNul));
        assert_eq!(encode(oid::JSONB, r#""\\\u0000""#), Err(Refusal::JsonNul));
        assert_eq!(
            encode(oid::JSONB, r#""\ud83d""#),
            Err(Refusal::JsonSurrogate)
        );
        assert_eq!(
            encode(oid::JSONB, r#""\ud83dx\ude00""#),
            Err(Refusal::JsonSurrogate)
        );
        assert_eq!(
            encode(oid::JSONB, r#""\ud83d\n""#),
            Err(Refusal::JsonSurrogate)
        );
        assert_eq!(
            encode(oid::JSONB, r#""\ud83d\ud83d\ude00""#),
            Err(Refusal::JsonSurrogate)
        );
        assert_eq!(
            encode(oid::JSONB, r#""\ude00""#),
            Err(Refusal::JsonSurrogate)
        );
        assert!(encode(oid::JSON, r#""\u0000 \ud83d""#).is_ok());
    }

    #[test]
    fn other_escapes_pass() {
        for text in [
            r#""\\u0000""#,
            r#""\"\/\b\f\n\r\t\u00e9""#,
            r#""\ud83d\ude00\uD83D\uDE00""#,
            r#""\u0001""#,
            r#"{"a\\":1}"#,
        ] {
            assert!(encode(oid::JSONB, text).is_ok(), "{text}");
        }
        // Not JSON: the server says so.
        for text in [r"\", r"\u", r"\u12", r"\uzzzz"] {
            assert!(encode(oid::JSONB, text).is_ok(), "{text}");
        }
    }
}
