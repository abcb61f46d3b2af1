//! Rows that were refused, kept until it is known whether they still are when the others are handed on.

use super::key_value::key_of;
use super::refused::Refused;
use super::row::RowEncoder;
use super::row_json;
use crate::model::cell::Cell;
use crate::model::reject::Reject;
use crate::model::table::SourceColumn;

/// What a reject takes beside its row, about.
const BESIDE: usize = 512;

#[derive(Debug)]
pub struct KeptRejects {
    columns: Vec<SourceColumn>,
    /// Positions of the columns by which the source is asked for a row again.
    walked: Vec<usize>,
    /// None where one was taken back.
    rejects: Vec<Option<Kept>>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    reject: Reject,
    bytes: usize,
}

impl KeptRejects {
    pub fn new(columns: Vec<SourceColumn>, walked: Vec<usize>) -> Self {
        KeptRejects {
            columns,
            walked,
            rejects: Vec::new(),
            bytes: 0,
        }
    }

    /// Keeps a row for a value of it that `encoder` refused; the reject's number.
    #[cold]
    pub fn keep<'a>(
        &mut self,
        cells: impl Iterator<Item = Cell<'a>>,
        refused: Refused,
        encoder: &RowEncoder,
    ) -> usize {
        let cells: Vec<Cell<'a>> = cells.collect();
        let row = row_json(&self.columns, &cells);
        let bytes = row.to_string().len() + BESIDE;
        let column = refused.column(encoder).to_owned();
        let error = refused.into_error(encoder);
        let key = key_of(&self.columns, &self.walked, &row);
        let reject = Reject::new(&error, Some(column), key, row);
        self.bytes += bytes;
        self.rejects.push(Some(Kept { reject, bytes }));
        self.rejects.len() - 1
    }

    /// The row is another one by now, or gone.
    #[cold]
    pub fn take_back(&mut self, number: usize) {
        if let Some(kept) = self.rejects.get_mut(number).and_then(Option::take) {
            self.bytes = self.bytes.saturating_sub(kept.bytes);
        }
    }

    /// Memory that they take, about.
    pub fn bytes(&self) -> usize {
        // The places of those that were taken back, too.
        self.bytes + self.rejects.len() * size_of::<Option<Kept>>()
    }

    pub fn take(&mut self) -> Vec<Reject> {
        self.bytes = 0;
        let rejects = std::mem::take(&mut self.rejects);
        rejects
            .into_iter()
            .flatten()
            .map(|kept| kept.reject)
            .collect()
    }
}
