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
