//! A whole row: one COPY tuple.

use super::column::ColumnEncoder;
use crate::error::{Error, Kind, Result};
use crate::model::cell::Cell;

/// Encodes rows of a fixed list of columns.
#[derive(Debug, Clone)]
pub struct RowEncoder {
    /// Names are for errors only and stay out of the way of the encoders.
    names: Vec<String>,
    encoders: Vec<ColumnEncoder>,
}

impl RowEncoder {
    pub fn new(columns: Vec<(String, ColumnEncoder)>) -> Self {
        let (names, encoders) = columns.into_iter().unzip();
        RowEncoder { names, encoders }
    }

    pub fn columns(&self) -> usize {
        self.encoders.len()
    }

    /// Appends one tuple: a field count, then length and bytes of each field. After an error `out`
    /// is as long as before.
    #[inline]
    pub fn encode<'a>(
        &self,
        cells: impl Iterator<Item = Cell<'a>>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = out.len();
        let result = self.append(cells, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    #[inline]
    fn append<'a>(
        &self,
        mut cells: impl Iterator<Item = Cell<'a>>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Ok(count) = i16::try_from(self.encoders.len()) else {
            return Err(Error::new(
                Kind::Internal,
                format!("a row of {} columns cannot be copied", self.encoders.len()),
            ));
        };
        out.extend_from_slice(&count.to_be_bytes());
        for (index, encoder) in self.encoders.iter().enumerate() {
            // By reference: moving the cell out of its Option would copy it.
            let next = cells.next();
            let Some(cell) = &next else {
                return Err(self.wrong_count(index));
            };
            if let Err(refusal) = encoder.encode(cell, out) {
                return Err(refusal.into_error(self.names.get(index).map_or("?", String::as_str)));
            }
        }
        if cells.next().is_some() {
            return Err(self.wrong_count(self.encoders.len() + 1));
        }
        Ok(())
    }

    #[cold]
    fn wrong_count(&self, came: usize) -> Error {
        let sense = if came > self.encoders.len() {
            "at least "
        } else {
            ""
        };
        Error::new(
            Kind::ProtocolViolation,
            format!(
                "the source sent a row of {sense}{came} columns instead of {}",
                self.encoders.len()
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::default_type;
    use crate::codec::tests::column;
    use crate::model::table::SourceType;

    fn encoder(sources: &[SourceType]) -> RowEncoder {
        let columns = sources.iter().enumerate().map(|(index, source)| {
            let column = column(source.clone());
            let target = default_type(&column).unwrap();
            (
                format!("c{index}"),
                ColumnEncoder::new(&column, target).unwrap(),
            )
        });
        RowEncoder::new(columns.collect())
    }

    #[test]
    fn a_row_is_a_count_and_its_fields() {
        let encoder = encoder(&[SourceType::Int { unsigned: false }, SourceType::Text]);
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
        let encoder = encoder(&[SourceType::Int { unsigned: false }, SourceType::Text]);
        let mut out = vec![1, 2, 3];
        let cells = [Cell::Int(1), Cell::Bytes(b"secret\0")];
        let error = encoder.encode(cells.into_iter(), &mut out).unwrap_err();
        assert_eq!(out, [1, 2, 3]);
        assert_eq!(error.kind, Kind::ValueRefused);
        assert_eq!(
            error.message,
            "value of column \"c1\" contains a NUL byte (0x00)"
        );
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn a_row_of_another_width_is_a_protocol_violation() {
        let encoder = encoder(&[SourceType::Int { unsigned: false }, SourceType::Text]);
        let mut out = Vec::new();
        for cells in [&[Cell::Int(1)][..], &[Cell::Null; 3], &[]] {
            let error = encoder.encode(cells.iter().copied(), &mut out).unwrap_err();
            assert_eq!(error.kind, Kind::ProtocolViolation);
            assert!(out.is_empty());
        }
    }
}
