//! One batch through COPY: the encoded rows of a reader, framed as COPY's binary format.

use crate::codec::{COPY_HEADER, COPY_TRAILER};
use crate::error::{Error, Kind, Result};
use crate::model::batch::BatchEnd;
use crate::model::pg_type::PgType;
use crate::pg::copy::{CopySource, copy_in};
use crate::pg::relation::Relation;
use crate::pg::report;

/// Where the pieces of a batch come from, in order.
pub trait BatchPieces {
    /// The next piece: `None` when `end` has been reached, and told then.
    fn next(&mut self) -> Result<Option<Vec<u8>>>;
    /// Takes a used up buffer back.
    fn recycle(&mut self, buffer: Vec<u8>);
    /// What closed the batch, once `next` gave `None`.
    fn take_end(&mut self) -> Option<BatchEnd>;
}

/// Copies one batch; how many of its rows the table took, and what closed it. The error of a piece is
/// kept as it was raised, not as COPY reports it.
pub fn copy_batch(
    target: &Relation,
    columns: &[(String, PgType)],
    first: Vec<u8>,
    pieces: &mut dyn BatchPieces,
) -> Result<(u64, BatchEnd)> {
    let mut stream = Stream {
        pieces,
        state: State::Header(0),
        current: first,
        position: 0,
        failure: None,
    };
    // Whatever is raised, the caller's transaction has to be aborted: `Err` does that too.
    let copied = report::catch(|| copy_in(target, columns, &mut stream));
    if let Some(failure) = stream.failure.take() {
        return Err(failure);
    }
    let copied = copied?;
    let end = stream
        .pieces
        .take_end()
        .ok_or_else(|| Error::new(Kind::Internal, "COPY ended before its batch"))?;
    Ok((copied, end))
}

/// Copies whole rows that are at hand; how many of them the table took.
pub fn copy_rows(target: &Relation, columns: &[(String, PgType)], rows: &[u8]) -> Result<u64> {
    let mut parts = Parts {
        rest: [&COPY_HEADER, rows, &COPY_TRAILER],
    };
    report::catch(|| copy_in(target, columns, &mut parts))
}

/// Pieces of a stream, given one after the other.
struct Parts<'a> {
    rest: [&'a [u8]; 3],
}

impl CopySource for Parts<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let Some(part) = self.rest.iter_mut().find(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let count = give(part, out);
        *part = part.get(count..).unwrap_or_default();
        Ok(count)
    }
}

enum State {
    /// Bytes of the header already given.
    Header(usize),
    Rows,
    /// Bytes of the trailer already given.
    Trailer(usize),
}

struct Stream<'a> {
    pieces: &'a mut dyn BatchPieces,
    state: State,
    current: Vec<u8>,
    position: usize,
    failure: Option<Error>,
}

/// Copies as much of `from` as fits; the number of bytes.
fn give(from: &[u8], out: &mut [u8]) -> usize {
    let count = from.len().min(out.len());
    if let (Some(to), Some(from)) = (out.get_mut(..count), from.get(..count)) {
        to.copy_from_slice(from);
    }
    count
}

impl CopySource for Stream<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        loop {
            match self.state {
                State::Header(done) => {
                    let rest = COPY_HEADER.get(done..).unwrap_or_default();
                    if rest.is_empty() {
                        self.state = State::Rows;
                        continue;
                    }
                    let count = give(rest, out);
                    self.state = State::Header(done + count);
                    return Ok(count);
                }
                State::Rows => {
                    let rest = self.current.get(self.position..).unwrap_or_default();
                    if !rest.is_empty() {
                        let count = give(rest, out);
                        self.position += count;
                        return Ok(count);
                    }
                    let next = self.pieces.next().inspect_err(|error| {
                        self.failure = Some(error.clone());
                    })?;
                    self.position = 0;
                    match next {
                        Some(buffer) => {
                            let used = std::mem::replace(&mut self.current, buffer);
                            self.pieces.recycle(used);
                        }
                        None => {
                            self.pieces.recycle(std::mem::take(&mut self.current));
                            self.state = State::Trailer(0);
                        }
                    }
                }
                State::Trailer(done) => {
                    let rest = COPY_TRAILER.get(done..).unwrap_or_default();
                    let count = give(rest, out);
                    self.state = State::Trailer(done + count);
                    return Ok(count);
                }
            }
        }
    }
}
