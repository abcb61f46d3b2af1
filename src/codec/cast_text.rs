//! Text and bytes to types that take only some of them, read as PostgreSQL's own input functions
//! read text.

use super::json::Json;
use super::json_check::{Numbers, check_json};
use super::network::{parse_network, put_network};
use super::refusal::{Encoded, Refusal};
use super::text::{Text, check};
use super::uuid::{parse_uuid, put_uuid};
use super::wire::{put_1, put_bytes};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};
use crate::model::table::SourceType;

#[derive(Debug, Clone, Copy)]
pub enum TextCast {
    Boolean,
    Uuid,
    /// Sixteen bytes.
    UuidBytes,
    Inet,
    Json(Json),
    /// UTF-8 of at most so many characters.
    Text(Text),
    /// Text byte for byte.
    Bytea,
}

impl TextCast {
    pub fn new(source: &SourceType, target: PgType) -> Option<Self> {
        use SourceType as Source;
        let json = || match target.oid {
            oid::JSON | oid::JSONB => Json::new(target).map(TextCast::Json),
            _ => Text::within(target).map(TextCast::Text),
        };
        match (source, target.oid) {
            (Source::Char { .. } | Source::VarChar { .. } | Source::Text, oid) => match oid {
                oid::BOOL => Some(TextCast::Boolean),
                oid::UUID => Some(TextCast::Uuid),
                oid::INET => Some(TextCast::Inet),
                oid::BYTEA => Some(TextCast::Bytea),
                _ => json(),
            },
            (Source::Binary { length: 16 }, oid::UUID) => Some(TextCast::UuidBytes),
            (Source::VarBinary { length: 16.. }, oid::UUID) => Some(TextCast::UuidBytes),
            (Source::Binary { .. } | Source::VarBinary { .. } | Source::Blob, _) => json(),
            (Source::Enum { .. }, oid::BOOL) => Some(TextCast::Boolean),
            (Source::Enum { .. } | Source::Set { .. } | Source::Json, _) => {
                Text::within(target).map(TextCast::Text)
            }
            _ => None,
        }
    }

    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        let Cell::Bytes(bytes) = *cell else {
            return Err(Refusal::WrongShape);
        };
        match self {
            TextCast::Boolean => {
                let value = parse_boolean(bytes).ok_or(Refusal::NotBooleanText)?;
                put_1(out, value.into());
                Ok(())
            }
            TextCast::Uuid => put_uuid(out, parse_uuid(bytes).ok_or(Refusal::NotUuid)?),
            TextCast::UuidBytes => put_uuid(out, bytes.try_into().map_err(|_| Refusal::NotUuid)?),
            TextCast::Inet => put_network(out, parse_network(bytes).ok_or(Refusal::NotInet)?),
            TextCast::Json(json) => {
                check(bytes)?;
                let numbers = match json {
                    Json::Jsonb => Numbers::Numeric,
                    Json::Text => Numbers::Any,
                };
                check_json(bytes, numbers)?;
                json.encode(cell, out)
            }
            TextCast::Text(text) => text.encode(cell, out),
            TextCast::Bytea => put_bytes(out, bytes),
        }
    }
}

/// The words of PostgreSQL's boolean, or as much of their beginnings as tells them apart.
fn parse_boolean(text: &[u8]) -> Option<bool> {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let first = text.iter().position(|byte| !space(byte))?;
    let last = text.iter().rposition(|byte| !space(byte))?;
    let word = text.get(first..=last)?;
    let begins = |whole: &str, least: usize| {
        word.len() >= least
            && whole
                .as_bytes()
                .get(..word.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || begins("1", 1) {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || begins("0", 1) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::target::varchar;

    fn encode(source: &SourceType, target: PgType, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        TextCast::new(source, target)
            .unwrap()
            .encode(&Cell::Bytes(bytes), &mut out)?;
        let field = out.split_off(4);
        assert_eq!(out, (field.len() as u32).to_be_bytes());
        Ok(field)
    }

    const BINARY: SourceType = SourceType::Binary { length: 16 };

    /// Tried against PostgreSQL 15's input function.
    #[test]
    fn booleans_are_the_words_of_postgresql() {
        for word in ["t", "TRUE", "tru", "y", "Yes", "on", "1", " t \n"] {
            assert_eq!(parse_boolean(word.as_bytes()), Some(true), "{word}");
        }
        for word in ["f", "False", "n", "no", "of", "OFF", "0"] {
            assert_eq!(parse_boolean(word.as_bytes()), Some(false), "{word}");
        }
        for word in [
            "", " ", "o", "truex", "2", "00", "offf", "t f", "j", "\u{e9}",
        ] {
            assert_eq!(parse_boolean(word.as_bytes()), None, "{word}");
        }
        let labels = SourceType::Enum { labels: Vec::new() };
        let boolean = PgType::plain(oid::BOOL);
        assert_eq!(encode(&labels, boolean, b"no").unwrap(), [0]);
        assert_eq!(encode(&labels, boolean, b""), Err(Refusal::NotBooleanText));
    }

    #[test]
    fn sixteen_bytes_are_a_uuid_and_no_other_number() {
        let uuid = PgType::plain(oid::UUID);
        assert_eq!(encode(&BINARY, uuid, &[7; 16]).unwrap(), [7; 16]);
        let variable = SourceType::VarBinary { length: 20 };
        for length in [0, 15, 17, 20] {
            let bytes = vec![7; length];
            assert_eq!(encode(&variable, uuid, &bytes), Err(Refusal::NotUuid));
        }
        assert!(TextCast::new(&SourceType::Binary { length: 15 }, uuid).is_none());
        assert!(TextCast::new(&SourceType::VarBinary { length: 15 }, uuid).is_none());
        let text = encode(
            &SourceType::Text,
            uuid,
            b"{07070707070707070707070707070707}",
        );
        assert_eq!(text.unwrap(), [7; 16]);
        assert_eq!(encode(&SourceType::Text, uuid, b"x"), Err(Refusal::NotUuid));
    }

    #[test]
    fn text_becomes_what_it_says() {
        let inet = encode(&SourceType::Text, PgType::plain(oid::INET), b"10.0.0.0/8");
        assert_eq!(inet.unwrap(), [2, 8, 0, 4, 10, 0, 0, 0]);
        let bad = encode(&SourceType::Text, PgType::plain(oid::INET), b"here");
        assert_eq!(bad, Err(Refusal::NotInet));
        let bytes = encode(&SourceType::Text, PgType::plain(oid::BYTEA), b"a\0\xff");
        assert_eq!(bytes.unwrap(), b"a\0\xff");
    }

    #[test]
    fn json_is_looked_at() {
        for source in [SourceType::Text, SourceType::Blob, BINARY] {
            for (oid, number) in [(oid::JSON, Ok(7)), (oid::JSONB, Err(Refusal::JsonNumber))] {
                let of = |text: &[u8]| encode(&source, PgType::plain(oid), text);
                assert!(of(b"[1]").unwrap().ends_with(b"[1]"));
                assert_eq!(of(b"[1"), Err(Refusal::NotJson));
                assert_eq!(of(b""), Err(Refusal::NotJson));
                assert_eq!(of(b"\"\xff\""), Err(Refusal::NotUtf8));
                assert_eq!(of(b"\"\0\""), Err(Refusal::NulByte));
                assert!(of(b"1e99999").is_ok());
                assert_eq!(of(b"1e99999999").map(|_| 7), number);
            }
        }
        let nul = encode(&SourceType::Text, PgType::plain(oid::JSONB), br#""\u0000""#);
        assert_eq!(nul, Err(Refusal::JsonNul));
    }

    #[test]
    fn bytes_may_be_text_and_text_may_be_too_long() {
        let text = PgType::plain(oid::TEXT);
        assert_eq!(
            encode(&SourceType::Blob, text, "é".as_bytes()).unwrap(),
            "é".as_bytes()
        );
        assert_eq!(
            encode(&SourceType::Blob, text, b"\xff"),
            Err(Refusal::NotUtf8)
        );
        for source in [SourceType::Text, SourceType::Json, SourceType::Blob] {
            assert!(encode(&source, varchar(2), "éé".as_bytes()).is_ok());
            let long = encode(&source, varchar(2), "ééé".as_bytes());
            assert_eq!(long, Err(Refusal::TooManyCharacters));
        }
    }
}
