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
