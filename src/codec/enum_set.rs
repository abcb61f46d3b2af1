//! Labels: an enum is text, a set is an array of text.
//!
//! ```text
//! text[] = i32 dimensions (0: empty), i32 has NULLs, u32 element type
//!          [i32 elements, i32 lower bound], field per element
//! ```

use super::refusal::{Encoded, Refusal};
use super::text::check;
use super::wire::{MAX_FIELD, put_bytes, put_length};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};

/// Characters of the longest label.
pub fn enum_characters(labels: &[String]) -> u64 {
    labels
        .iter()
        .map(|label| label.chars().count() as u64)
        .max()
        .unwrap_or(0)
}

/// Characters of a set with all its labels, commas between them.
pub fn set_characters(labels: &[String]) -> u64 {
    let characters: u64 = labels
        .iter()
        .map(|label| label.chars().count() as u64)
        .sum();
    characters + (labels.len() as u64).saturating_sub(1)
}

/// A set of one empty label reads as the empty set does.
pub fn is_ambiguous(labels: &[String]) -> bool {
    labels.iter().any(String::is_empty)
}

/// A set, its elements in the order of the value.
#[derive(Debug, Clone, Copy)]
pub struct Set {
    labels: u8,
}

impl Set {
    /// None for targets other than text[]: a set as text is plain text.
    pub fn new(labels: &[String], target: PgType) -> Option<Self> {
        if target.oid != oid::TEXT_ARRAY || is_ambiguous(labels) {
            return None;
        }
        Some(Set {
            labels: u8::try_from(labels.len()).ok()?,
        })
    }

    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        let Cell::Bytes(text) = *cell else {
            return Err(Refusal::WrongShape);
        };
        check(text)?;
        let head = [[0; 4], [0; 4], oid::TEXT.to_be_bytes()];
        if text.is_empty() {
            put_length(out, 12)?;
            out.extend_from_slice(head.as_flattened());
            return Ok(());
        }
        let elements = 1 + text.iter().filter(|&&byte| byte == b',').count();
        if elements > usize::from(self.labels) {
            return Err(Refusal::OutOfRange);
        }
        if text.len() > MAX_FIELD {
            return Err(Refusal::TooLarge);
        }
        // Each element has a length of its own, and commas are not written.
        put_length(out, 20 + 4 * elements + text.len() - (elements - 1))?;
        let head = [1, 0, oid::TEXT, elements as u32, 1].map(u32::to_be_bytes);
        out.extend_from_slice(head.as_flattened());
        for element in text.split(|&byte| byte == b',') {
            put_bytes(out, element)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
        let labels = ["a", "bc", "d"].map(str::to_owned);
        let mut out = Vec::new();
        Set::new(&labels, PgType::plain(oid::TEXT_ARRAY))
            .unwrap()
            .encode(&Cell::Bytes(bytes), &mut out)?;
        Ok(out)
    }

    #[test]
    fn a_set_is_an_array_of_its_labels() {
        assert_eq!(
            encode(b"").unwrap(),
            [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25]
        );
        let one = [
            0, 0, 0, 26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2,
            b'b', b'c',
        ];
        assert_eq!(encode(b"bc").unwrap(), one);
        let two = [
            0, 0, 0, 31, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1,
            b'a', 0, 0, 0, 2, b'b', b'c',
        ];
        assert_eq!(encode(b"a,bc").unwrap(), two);
    }

    #[test]
    fn what_no_set_has_is_refused() {
        assert_eq!(encode(b"a,bc,d,e"), Err(Refusal::OutOfRange));
        assert_eq!(encode(b"a\0"), Err(Refusal::NulByte));
        assert_eq!(encode(b"\xff"), Err(Refusal::NotUtf8));
        let empty = [String::new(), "a".to_owned()];
        assert!(Set::new(&empty, PgType::plain(oid::TEXT_ARRAY)).is_none());
        let labels = ["a".to_owned()];
        assert!(Set::new(&labels, PgType::plain(oid::TEXT)).is_none());
    }

    #[test]
    fn labels_bound_the_length_of_values() {
        let labels = ["klein", "größer"].map(str::to_owned);
        assert_eq!(enum_characters(&labels), 6);
        assert_eq!(set_characters(&labels), 12);
        assert_eq!(set_characters(&[]), 0);
    }
}
