//! Pairs of types of which not every value fits. A cast rule asks for one, and each value is
//! checked: it arrives as it is, or its row is refused.

use super::bit;
use super::cast_number::NumberCast;
use super::cast_temporal::TemporalCast;
use super::cast_text::TextCast;
use super::number::NumberType;
use super::refusal::{Encoded, Refusal};
use super::target::text_limit;
use super::text::characters;
use super::text_form::TextForm;
use super::wire::{MAX_FIELD, put_bytes};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};
use crate::model::table::SourceType;

#[derive(Debug, Clone, Copy)]
pub enum Guard {
    Number(NumberCast),
    Temporal(TemporalCast),
    Text(TextCast),
    /// The source's own writing, of at most so many characters.
    Form(TextForm, u32),
    /// The bytes of a bit field, as the source sends them.
    BitBytes {
        bits: u8,
    },
}

impl Guard {
    /// None where no value, or none with a meaning of its own, would fit.
    pub fn new(source: &SourceType, target: PgType) -> Option<Self> {
        if let Some(limit) = text_limit(target)
            && let Some(form) = TextForm::of(source)
        {
            // A timestamp is an instant: as text it would be of a zone that nobody sees.
            let instant = matches!(source, SourceType::Timestamp { .. });
            return (!instant).then_some(Guard::Form(form, limit));
        }
        if let (SourceType::Bit { bits }, oid::BYTEA) = (source, target.oid) {
            let bits = u8::try_from(*bits)
                .ok()
                .filter(|bits| (1..=64).contains(bits))?;
            return Some(Guard::BitBytes { bits });
        }
        if let Some(cast) = TemporalCast::new(source, target) {
            return Some(Guard::Temporal(cast));
        }
        match NumberType::of(source) {
            Some(number) => NumberCast::new(number, target).map(Guard::Number),
            None => TextCast::new(source, target).map(Guard::Text),
        }
    }

    /// Out of line, for the sake of the families that are not guarded.
    #[inline(never)]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        match self {
            Guard::Number(cast) => cast.encode(cell, out),
            Guard::Temporal(cast) => cast.encode(cell, out),
            Guard::Text(cast) => cast.encode(cell, out),
            Guard::Form(form, limit) => {
                let start = out.len();
                out.extend_from_slice(&[0; 4]);
                form.write(cell, out)?;
                let text = out.get(start + 4..).unwrap_or_default();
                if text.len() > MAX_FIELD {
                    return Err(Refusal::TooLarge);
                }
                if characters(text) > limit as usize {
                    return Err(Refusal::TooManyCharacters);
                }
                let length = (text.len() as u32).to_be_bytes();
                if let Some(field) = out.get_mut(start..start + 4) {
                    field.copy_from_slice(&length);
                }
                Ok(())
            }
            Guard::BitBytes { bits } => {
                let value = bit::read(bits, cell)?.to_be_bytes();
                let unused = 8 - usize::from(bits.div_ceil(8));
                put_bytes(out, value.get(unused..).unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::{all_sources, column};
    use crate::codec::{ColumnEncoder, ColumnRules, parse_type};

    fn encode(source: &SourceType, target: &str, cell: Cell<'_>) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        Guard::new(source, parse_type(target).unwrap())
            .unwrap()
            .encode(&cell, &mut out)?;
        let field = out.split_off(4);
        assert_eq!(out, (field.len() as u32).to_be_bytes());
        Ok(field)
    }

    #[test]
    fn numbers_and_dates_may_be_text() {
        let int = SourceType::Int { unsigned: false };
        assert_eq!(encode(&int, "text", Cell::Int(-42)).unwrap(), b"-42");
        assert_eq!(
            encode(&int, "varchar(3)", Cell::Bytes(b"0042")).unwrap(),
            b"42"
        );
        assert_eq!(
            encode(&int, "varchar(3)", Cell::Int(1234)),
            Err(Refusal::TooManyCharacters)
        );
        let zero = Cell::Bytes(b"0000-00-00");
        assert_eq!(
            encode(&SourceType::Date, "text", zero).unwrap(),
            b"0000-00-00"
        );
    }

    #[test]
    fn bits_may_be_bytes() {
        let bit = SourceType::Bit { bits: 13 };
        assert_eq!(
            encode(&bit, "bytea", Cell::Bytes(&[0x1f, 2])).unwrap(),
            [0x1f, 2]
        );
        assert_eq!(encode(&bit, "bytea", Cell::Bytes(&[2])).unwrap(), [0, 2]);
        let beyond = encode(&bit, "bytea", Cell::Bytes(&[0x20, 0]));
        assert_eq!(beyond, Err(Refusal::OutOfRange));
    }

    /// Each pair that a cast rule may choose besides the lossless ones.
    #[test]
    fn a_cast_has_these_pairs_and_no_others() {
        const TYPES: [&str; 24] = [
            "boolean",
            "smallint",
            "integer",
            "bigint",
            "numeric(2,1)",
            "real",
            "double precision",
            "text",
            "varchar(1)",
            "bytea",
            "date",
            "time(0)",
            "timestamp(0)",
            "timestamptz(0)",
            "interval(0)",
            "uuid",
            "inet",
            "json",
            "jsonb",
            "bit(2)",
            "varbit(1)",
            "text[]",
            "char(9)",
            "varchar",
        ];
        let text = "text varchar(1) varchar";
        let numbers = format!("boolean smallint integer bigint numeric(2,1) {text}");
        let words = "boolean varchar(1) bytea uuid inet json jsonb";
        let bytes = format!("{text} json jsonb");
        let expected = |source: &SourceType| match source {
            SourceType::Float => format!("smallint integer bigint numeric(2,1) {text}"),
            SourceType::Double => format!("smallint integer bigint numeric(2,1) real {text}"),
            SourceType::Year => format!("{numbers} date"),
            SourceType::Decimal { .. } => numbers.clone(),
            SourceType::Bit { .. } => "boolean bigint bytea".to_owned(),
            SourceType::Date => format!("timestamp(0) timestamptz(0) {text}"),
            SourceType::DateTime { .. } => format!("date timestamp(0) timestamptz(0) {text}"),
            SourceType::Timestamp { .. } => "timestamp(0) timestamptz(0)".to_owned(),
            SourceType::Time { .. } => format!("time(0) interval(0) {text}"),
            SourceType::Char { .. } | SourceType::VarChar { .. } | SourceType::Text => {
                words.to_owned()
            }
            SourceType::Binary { .. } => format!("uuid {bytes}"),
            SourceType::VarBinary { .. } | SourceType::Blob => bytes.clone(),
            SourceType::Enum { .. } => "boolean varchar(1)".to_owned(),
            SourceType::Set { .. } | SourceType::Json => "varchar(1) varchar text".to_owned(),
            SourceType::Uuid | SourceType::Inet4 | SourceType::Inet6 => text.to_owned(),
            SourceType::Geometry { .. } | SourceType::Unmapped { .. } => String::new(),
            _ => numbers.clone(),
        };
        let cast = ColumnRules {
            cast: true,
            ..ColumnRules::default()
        };
        for source in all_sources() {
            let wanted = expected(&source);
            let described = column(source.clone());
            for name in TYPES {
                let target = parse_type(name).unwrap();
                let lossless = ColumnEncoder::new(&described, target, ColumnRules::default());
                let guarded = ColumnEncoder::new(&described, target, cast).is_ok();
                let listed = wanted.split(' ').any(|listed| listed == name);
                assert_eq!(guarded, listed || lossless.is_ok(), "{source:?} to {name}");
                if let (Err(error), true) = (&lossless, guarded) {
                    let rule = format!(
                        "{{\"casts\":{{\"c\":\"{}\"}}}}",
                        crate::codec::type_name(target).unwrap()
                    );
                    assert!(error.hint.as_ref().unwrap().contains(&rule));
                }
            }
        }
    }
}
