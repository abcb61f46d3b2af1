//! A whole row: one COPY tuple.

use super::amend::{Altered, amend};
use super::column::{ColumnEncoder, Family, Manner};
use super::refusal::Refusal;
use super::refused::{Refused, RowError};
use crate::error::{Error, Kind};
use crate::model::cell::Cell;
use crate::model::policy::{Adjustment, Policy};

/// Encodes rows of a fixed list of columns.
#[derive(Debug, Clone)]
pub struct RowEncoder {
    families: Vec<Family>,
    /// For values that were refused only, and out of the way of the others.
    columns: Vec<Column>,
    /// What policies altered in the row under way, by column.
    altered: Vec<(usize, Altered)>,
}

#[derive(Debug, Clone)]
struct Column {
    name: String,
    manner: Manner,
    /// Values altered since somebody asked, by policy.
    counts: Vec<(Policy, u64)>,
}

impl RowEncoder {
    pub fn new(columns: Vec<(String, ColumnEncoder)>) -> Self {
        let (columns, families) = columns
            .into_iter()
            .map(|(name, encoder)| {
                let column = Column {
                    name,
                    manner: encoder.manner,
                    counts: Vec::new(),
                };
                (column, encoder.family)
            })
            .unzip();
        RowEncoder {
            families,
            columns,
            altered: Vec::new(),
        }
    }

    pub fn columns(&self) -> usize {
        self.families.len()
    }

    /// The encoder of some of its columns, in the order given; others than its own are left out.
    pub(super) fn only(&self, positions: &[usize]) -> Self {
        RowEncoder {
            families: chosen(&self.families, positions),
            columns: chosen(&self.columns, positions),
            altered: Vec::new(),
        }
    }

    /// Appends one tuple: a field count, then length and bytes of each field. After an error `out`
    /// is as long as before, and nothing of the row is counted.
    #[inline]
    pub fn encode<'a>(
        &mut self,
        cells: impl Iterator<Item = Cell<'a>>,
        out: &mut Vec<u8>,
    ) -> Result<(), RowError> {
        let start = out.len();
        let result = self.append(cells, out);
        if result.is_err() {
            out.truncate(start);
            self.altered.clear();
        } else if !self.altered.is_empty() {
            self.count();
        }
        result
    }

    /// What policies altered since the last call, by column.
    pub fn take_adjustments(&mut self) -> Vec<Adjustment> {
        let mut adjustments = Vec::new();
        for column in &mut self.columns {
            for (policy, values) in column.counts.drain(..) {
                adjustments.push(Adjustment {
                    column: column.name.clone(),
                    policy,
                    values,
                });
            }
        }
        adjustments
    }

    pub(super) fn name(&self, column: usize) -> &str {
        self.columns
            .get(column)
            .map_or("?", |column| column.name.as_str())
    }

    pub(super) fn manner(&self, column: usize) -> Option<&Manner> {
        self.columns.get(column).map(|column| &column.manner)
    }

    #[inline]
    fn append<'a>(
        &mut self,
        mut cells: impl Iterator<Item = Cell<'a>>,
        out: &mut Vec<u8>,
    ) -> Result<(), RowError> {
        let Ok(count) = i16::try_from(self.families.len()) else {
            return Err(self.too_many());
        };
        let start = out.len();
        out.extend_from_slice(&count.to_be_bytes());
        for (index, family) in self.families.iter().enumerate() {
            // By reference: moving the cell out of its Option would copy it.
            let next = cells.next();
            let Some(cell) = &next else {
                return Err(self.wrong_count(index));
            };
            if let Err(refusal) = family.encode(cell, out) {
                let manner = self.columns.get(index).map(|column| &column.manner);
                let altered = retry(family, manner, (index, cell, refusal), start, out)?;
                self.altered.push((index, altered));
            }
        }
        if cells.next().is_some() {
            return Err(self.wrong_count(self.families.len() + 1));
        }
        Ok(())
    }

    #[cold]
    fn count(&mut self) {
        for (index, altered) in self.altered.drain(..) {
            let Some(column) = self.columns.get_mut(index) else {
                continue;
            };
            for policy in altered.policies() {
                match column.counts.iter_mut().find(|(known, _)| *known == policy) {
                    Some((_, values)) => *values += 1,
                    None => column.counts.push((policy, 1)),
                }
            }
        }
    }

    #[cold]
    fn too_many(&self) -> RowError {
        RowError::Broken(Error::new(
            Kind::Internal,
            format!("a row of {} columns cannot be copied", self.families.len()),
        ))
    }

    #[cold]
    fn wrong_count(&self, came: usize) -> RowError {
        let sense = if came > self.families.len() {
            "at least "
        } else {
            ""
        };
        RowError::Broken(Error::new(
            Kind::ProtocolViolation,
            format!(
                "the source sent a row of {sense}{came} columns instead of {}",
                self.families.len()
            ),
        ))
    }
}

fn chosen<T: Clone>(all: &[T], positions: &[usize]) -> Vec<T> {
    positions
        .iter()
        .filter_map(|&at| all.get(at).cloned())
        .collect()
}

/// Another try for a value that was refused, as the policies have it. The row begins at `start`.
#[cold]
#[inline(never)]
fn retry(
    family: &Family,
    manner: Option<&Manner>,
    (column, cell, refusal): (usize, &Cell<'_>, Refusal),
    start: usize,
    out: &mut Vec<u8>,
) -> Result<Altered, RowError> {
    let refused = |refusal| RowError::Refused(Refused { column, refusal });
    if refusal == Refusal::WrongShape {
        let (_, reason) = refusal.row();
        return Err(RowError::Broken(Error::new(
            Kind::ProtocolViolation,
            format!("value of column {} of the row {reason}", column + 1),
        )));
    }
    // Some of the field may have been written.
    let field = field_start(out, start, column).ok_or_else(|| refused(refusal))?;
    out.truncate(field);
    match manner {
        Some(manner) => amend(family, manner, cell, refusal, out).map_err(refused),
        None => Err(refused(refusal)),
    }
}

/// Where the field of a column begins, in a tuple that has all fields before it.
fn field_start(out: &[u8], start: usize, column: usize) -> Option<usize> {
    let mut at = start.checked_add(2)?;
    for _ in 0..column {
        let length = out.get(at..)?.first_chunk::<4>()?;
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
        at = at.checked_add(4)?.checked_add(length)?;
    }
    (at <= out.len()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::column;
    use crate::codec::{ColumnRules, default_type};
    use crate::model::table::SourceType;

    fn encoder(sources: &[SourceType]) -> RowEncoder {
        let columns = sources.iter().enumerate().map(|(index, source)| {
            let column = column(source.clone());
            let target = default_type(&column).unwrap();
            let encoder = ColumnEncoder::new(&column, target, ColumnRules::default());
            (format!("c{index}"), encoder.unwrap())
        });
        RowEncoder::new(columns.collect())
    }

    #[test]
    fn a_row_is_a_count_and_its_fields() {
        let mut encoder = encoder(&[SourceType::Int { unsigned: false }, SourceType::Text]);
        let mut out = vec![9];
        encoder
            .encode([Cell::Int(1), Cell::Bytes(b"x")].into_iter(), &mut out)
            .unwrap();
        encoder
            .encode([Cell::Null, Cell::Null].into_iter(), &mut out)
            .unwrap();
        assert_eq!(
            out[..16],
            [9, 0, 2, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1, b'x']
        );
        assert_eq!(
            out[16..],
            [0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
        );
        assert_eq!(encoder.columns(), 2);
    }

    #[test]
    fn a_refused_value_leaves_no_bytes_and_does_not_show() {
        let mut encoder = encoder(&[SourceType::Int { unsigned: false }, SourceType::Text]);
        let mut out = vec![1, 2, 3];
        let cells = [Cell::Int(1), Cell::Bytes(b"secret\0")];
        let Err(RowError::Refused(refused)) = encoder.encode(cells.into_iter(), &mut out) else {
            panic!("not refused");
        };
        assert_eq!(out, [1, 2, 3]);
        assert_eq!(refused.column(&encoder), "c1");
        let error = refused.into_error(&encoder);
        assert_eq!(
            (error.kind, error.sqlstate()),
            (Kind::ValueRefused, "22021")
        );
        assert_eq!(
            error.message,
            "value of column \"c1\" contains a NUL byte (0x00)"
        );
        assert!(!format!("{error:?}").contains("secret"));
        let cells = [Cell::Int(1), Cell::Bytes(b"good")];
        assert_eq!(encoder.encode(cells.into_iter(), &mut out), Ok(()));
    }

    #[test]
    fn a_row_of_another_width_or_kind_breaks_the_protocol() {
        let mut encoder = encoder(&[SourceType::Int { unsigned: false }, SourceType::Text]);
        let mut out = Vec::new();
        let text = Cell::Bytes(b"1");
        for cells in [
            &[Cell::Int(1)][..],
            &[Cell::Null; 3],
            &[],
            &[Cell::Double(1.0), text],
            &[text, Cell::Int(1)],
        ] {
            let result = encoder.encode(cells.iter().copied(), &mut out);
            let Err(RowError::Broken(error)) = result else {
                panic!("not broken");
            };
            assert_eq!(error.kind, Kind::ProtocolViolation);
            assert!(out.is_empty());
        }
        // Beyond its own type, but in step.
        let beyond = [Cell::Int(1 << 40), text];
        let result = encoder.encode(beyond.into_iter(), &mut out);
        assert!(matches!(result, Err(RowError::Refused(_))));
    }

    #[test]
    fn fields_are_found_again() {
        let out = [7, 0, 2, 0, 0, 0, 1, 9, 0xff, 0xff, 0xff, 0xff, 0, 0];
        assert_eq!(field_start(&out, 1, 0), Some(3));
        assert_eq!(field_start(&out, 1, 1), Some(8));
        assert_eq!(field_start(&out, 1, 2), Some(12));
        assert_eq!(field_start(&out, 1, 3), None);
    }
}
