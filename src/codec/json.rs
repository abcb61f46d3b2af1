//! JSON, to jsonb, json or text. The text passes as it is; the server parses it.

use super::json_escape::check_escapes;
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

    #[inline(always)]
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
    fn escapes_that_jsonb_cannot_hold_are_refused_for_it_only() {
        assert_eq!(encode(oid::JSONB, r#""a\u0000""#), Err(Refusal::JsonNul));
        assert_eq!(
            encode(oid::JSONB, r#""\ud83d""#),
            Err(Refusal::JsonSurrogate)
        );
        assert!(encode(oid::JSONB, r#""\ud83d\ude00""#).is_ok());
        assert!(encode(oid::JSON, r#""\u0000 \ud83d""#).is_ok());
    }
}
