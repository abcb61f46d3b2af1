//! How many rejects are too many, and whether all rows of a unit are accounted for.

use crate::catalog::unit::Unit;
use crate::catalog::{chunk, reject};
use crate::error::{Error, Kind, Result};
use crate::model::reject::{MaxRejects, Reject};
use crate::plan::identifier::literal;

/// Have all rows of the unit been read?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    No,
    Yes,
}

/// Rejects that are shown of a load that its rejects end.
const SAMPLE: usize = 100;

/// Keeps the first rejects of a load that may be rolled back.
pub fn keep_some(sample: &mut Vec<Reject>, of_codec: &[Reject], of_table: &[Reject]) {
    let room = SAMPLE.saturating_sub(sample.len());
    sample.extend(of_codec.iter().chain(of_table).take(room).cloned());
}

/// The error of a unit with more rejects than its limit.
pub fn require_few(unit: &Unit, most: MaxRejects, ended: Ended) -> Result<()> {
    let totals = chunk::totals(unit.unit_id)?;
    if !most.exceeded(totals.rejected, totals.read, ended == Ended::Yes) {
        return Ok(());
    }
    let limit = match most {
        MaxRejects::Rows(rows) => format!("{rows}"),
        MaxRejects::Percent(percent) => format!("{percent}%"),
    };
    let name = literal(&unit.unit);
    Err(Error::new(
        Kind::TooManyRejects,
        format!(
            "{} of {} rows were rejected, more than max_rejects ({limit})",
            totals.rejected, totals.read
        ),
    )
    .with_hint(format!(
        "SELECT * FROM sync_rejects WHERE job = '<job>' AND unit = {name}; fix the cause or SELECT sync_alter_unit('<job>', {name}, '{{\"max_rejects\": {}}}'); then SELECT sync_retry('<job>', {name});",
        totals.rejected.saturating_mul(2)
    )))
}

/// At the end of a unit: read = written + rejected + filtered, and each reject is kept.
pub fn require_balance(unit: &Unit) -> Result<()> {
    let totals = chunk::totals(unit.unit_id)?;
    let kept = reject::count(unit.unit_id)?;
    let accounted = totals.written + totals.rejected + totals.filtered;
    if totals.read == accounted && kept <= totals.rejected {
        return Ok(());
    }
    Err(Error::new(
        Kind::Internal,
        format!(
            "unit \"{}\" read {} rows and accounts for {accounted}",
            unit.unit, totals.read
        ),
    )
    .with_detail(format!(
        "{} were written, {} rejected ({kept} are kept), {} filtered.",
        totals.written, totals.rejected, totals.filtered
    )))
}
