//! Rows of which PostgreSQL may refuse some: what is refused is halved, each half in a subtransaction,
//! until the bad rows stand alone and all others are in.

use super::copy::copy_rows;
use crate::error::{Error, Kind, Result};
use crate::model::pg_type::PgType;
use crate::pg::relation::Relation;
use crate::pg::transaction;

/// So many refused rows are not single bad rows any more: something else is wrong, and they are held in
/// memory.
const MOST: usize = 10_000;

/// What became of the rows.
#[derive(Debug, Default)]
pub struct Taken {
    pub rows: u64,
    /// Kept out by a trigger of the table.
    pub filtered: u64,
    /// The numbers of those that were refused, in their order, and why.
    pub refused: Vec<(usize, Error)>,
}

/// Copies whole rows. `starts` tells where each begins, and where the last one ends.
pub fn copy_by_halves(
    target: &Relation,
    columns: &[(String, PgType)],
    rows: &[u8],
    starts: &[usize],
) -> Result<Taken> {
    if starts.last() != Some(&rows.len()) {
        return Err(Error::new(
            Kind::Internal,
            "the rows of a batch are not as long as they were said to be",
        ));
    }
    let mut all = Taken::default();
    // Ranges of rows still to be copied, the first on top.
    let mut ranges = vec![(0, starts.len().saturating_sub(1))];
    while let Some((from, to)) = ranges.pop() {
        let (Some(&begin), Some(&end)) = (starts.get(from), starts.get(to)) else {
            continue;
        };
        let some = rows.get(begin..end).unwrap_or_default();
        if some.is_empty() {
            continue;
        }
        let sent = (to - from) as u64;
        let tried = transaction::attempt(|| {
            let taken = copy_rows(target, columns, some)?;
            Ok((taken, kept_out(target, sent, taken)?))
        });
        match tried {
            Ok((taken, filtered)) => {
                all.rows += taken;
                all.filtered += filtered;
            }
            Err(error) if !refuses_a_row(&error) => return Err(error),
            Err(error) if to - from == 1 && all.refused.len() >= MOST => {
                return Err(Error::new(
                    Kind::TooManyRejects,
                    format!("more than {MOST} rows were refused at once"),
                )
                .with_detail(format!("The last one: {}.", error.full_message())));
            }
            Err(error) if to - from == 1 => all.refused.push((from, error)),
            Err(_) => {
                let middle = from + (to - from) / 2;
                ranges.push((middle, to));
                ranges.push((from, middle));
            }
        }
    }
    Ok(all)
}

/// Of `sent` rows the table took so many; how many it did not take. Only a trigger may keep rows out.
pub fn kept_out(target: &Relation, sent: u64, taken: u64) -> Result<u64> {
    let filtered = sent.saturating_sub(taken);
    if taken > sent || filtered > 0 && !target.filters {
        return Err(Error::new(
            Kind::InvalidState,
            format!("the target took {taken} of {sent} rows"),
        )
        .with_detail("No trigger of the target table could have kept rows out."));
    }
    Ok(filtered)
}

/// Is it an error of a row, rather than of the table, the server or the source?
pub fn refuses_a_row(error: &Error) -> bool {
    // Data exceptions, constraints, RAISE in a trigger, WITH CHECK OPTION; an index row too large, a
    // document too deep.
    error.kind == Kind::Postgres
        && (matches!(error.sqlstate().get(..2), Some("22" | "23" | "P0" | "44"))
            || matches!(error.sqlstate(), "54000" | "54001"))
}
