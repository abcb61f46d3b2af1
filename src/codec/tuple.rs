//! Tuples that were encoded, taken apart again: where each begins, and some of its fields.

/// Where each tuple begins, and where the last one ends. None: these are not whole tuples.
pub fn tuple_starts(tuples: &[u8]) -> Option<Vec<usize>> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at < tuples.len() {
        starts.push(at);
        let fields = i16::from_be_bytes(*tuples.get(at..)?.first_chunk()?);
        at = at.checked_add(2)?;
        for _ in 0..fields {
            at = field_end(tuples, at)?;
        }
    }
    starts.push(at);
    Some(starts)
}

/// A tuple of some fields of each tuple, in the order of their positions. None: a tuple has no such field.
pub fn chosen_fields(tuples: &[u8], positions: &[usize]) -> Option<Vec<u8>> {
    let count = i16::try_from(positions.len()).ok()?;
    let mut chosen = Vec::new();
    let mut fields = Vec::new();
    let mut at = 0;
    while at < tuples.len() {
        let all = i16::from_be_bytes(*tuples.get(at..)?.first_chunk()?);
        at = at.checked_add(2)?;
        fields.clear();
        for _ in 0..all {
            let end = field_end(tuples, at)?;
            fields.push(tuples.get(at..end)?);
            at = end;
        }
        chosen.extend_from_slice(&count.to_be_bytes());
        for &position in positions {
            chosen.extend_from_slice(fields.get(position)?);
        }
    }
    Some(chosen)
}

fn field_end(tuples: &[u8], start: usize) -> Option<usize> {
    let length = i32::from_be_bytes(*tuples.get(start..)?.first_chunk()?);
    // NULL has no bytes.
    let length = usize::try_from(length).unwrap_or(0);
    let end = start.checked_add(4)?.checked_add(length)?;
    (end <= tuples.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TUPLES: [u8; 31] = [
        0, 2, 0, 0, 0, 1, 7, 0xff, 0xff, 0xff, 0xff, // 7, NULL
        0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 8, 9, // "", "8 9"
        0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0,
    ];

    #[test]
    fn tuples_are_told_apart() {
        assert_eq!(tuple_starts(&TUPLES[..23]), Some(vec![0, 11, 23]));
        assert_eq!(tuple_starts(&[]), Some(vec![0]));
        for cut in [1, 2, 5, 6, 8, 10, 12, 22, 24, 31] {
            assert_eq!(tuple_starts(&TUPLES[..cut]), None, "{cut}");
            assert_eq!(chosen_fields(&TUPLES[..cut], &[0]), None, "{cut}");
        }
    }

    #[test]
    fn fields_are_taken_in_any_order() {
        let two = &TUPLES[..23];
        assert_eq!(
            chosen_fields(two, &[1]).unwrap(),
            [0, 1, 0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0, 0, 2, 8, 9]
        );
        assert_eq!(
            chosen_fields(&two[11..], &[1, 0]).unwrap(),
            [0, 2, 0, 0, 0, 2, 8, 9, 0, 0, 0, 0]
        );
        assert_eq!(chosen_fields(two, &[2]), None);
    }
}
