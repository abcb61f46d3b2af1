//! Cutting a table into chunks by its key, one at a time.
//!
//! Nobody counts the rows: the planner asks the source for the key that stands `chunk_rows` after
//! the last planned one (the frontier) and closes a chunk there. When the source has no such key,
//! the last chunk is open-ended and takes what is left, rows that come meanwhile included.

use crate::error::{Error, Kind, Result};
use crate::model::key::{Key, KeyRange};

/// The chunk that begins at `frontier` (None: the start of the table) and ends at `boundary` (None:
/// fewer rows than a chunk remain), and whether it is the last one.
pub fn next_range(frontier: Option<Key>, boundary: Option<Key>) -> Result<(KeyRange, bool)> {
    if boundary.is_some() && boundary == frontier {
        return Err(Error::new(
            Kind::ProtocolViolation,
            "the source gave the end of the last chunk as the end of the next one",
        )
        .with_detail("The keys of the table do not move on in the order of their index.")
        .with_hint(
            "Rebuild the index at the source, or choose another key with sync_alter_unit.",
        ));
    }
    let planned_all = boundary.is_none();
    Ok((
        KeyRange {
            lower: frontier,
            upper: boundary,
        },
        planned_all,
    ))
}

/// What is left of a chunk after the rows up to `cursor` have been committed.
pub fn remaining(range: &KeyRange, cursor: Option<Key>) -> KeyRange {
    KeyRange {
        lower: cursor.or_else(|| range.lower.clone()),
        upper: range.upper.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::KeyValue;

    fn key(n: i64) -> Option<Key> {
        Some(vec![KeyValue::Int(n)])
    }

    #[test]
    fn chunks_join_without_gap_and_the_last_is_open() {
        let (first, all) = next_range(None, key(10)).unwrap();
        assert_eq!((first.lower.clone(), all), (None, false));
        let (second, all) = next_range(first.upper, key(20)).unwrap();
        assert_eq!((second.lower.clone(), all), (key(10), false));
        let (last, all) = next_range(second.upper, None).unwrap();
        assert_eq!((last.lower, last.upper, all), (key(20), None, true));
    }

    #[test]
    fn a_table_smaller_than_a_chunk_is_one_open_range() {
        assert_eq!(next_range(None, None).unwrap(), (KeyRange::default(), true));
    }

    #[test]
    fn a_boundary_that_does_not_advance_is_refused() {
        assert!(next_range(key(10), key(10)).is_err());
    }

    #[test]
    fn a_chunk_goes_on_after_its_cursor() {
        let range = KeyRange {
            lower: key(10),
            upper: key(20),
        };
        assert_eq!(remaining(&range, None), range);
        let rest = remaining(&range, key(15));
        assert_eq!((rest.lower, rest.upper), (key(15), key(20)));
    }
}
