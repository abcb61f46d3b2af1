//! Cutting the next chunk of a unit: one question to the source, one row in the catalog.

use super::reader::Reader;
use crate::catalog::job::Job;
use crate::catalog::unit::Unit;
use crate::catalog::{chunk, unit};
use crate::error::{Error, Kind, Result};
use crate::model::table::SourceColumn;
use crate::pg::transaction;
use crate::plan::chunk::next_range;
use crate::plan::table::TablePlan;
use crate::source::mysql::{BoundaryRequest, KeyRequest};

pub fn split(job: &Job, unit: &Unit, reader: &Reader) -> Result<()> {
    let plan = unit.plan()?;
    let key = key_request(plan)?.ok_or_else(|| {
        Error::new(
            Kind::Internal,
            format!("unit \"{}\" has no key to be cut by", unit.unit),
        )
    })?;
    let boundary = reader.boundary(BoundaryRequest {
        schema: plan.source_schema.clone(),
        table: plan.source_table.clone(),
        key,
        after: unit.frontier.clone(),
        rows: job.options()?.chunk_rows,
    })?;
    let (range, planned) = next_range(unit.frontier.clone(), boundary)?;
    transaction::run(|| {
        unit::set_frontier(unit, range.upper.as_ref(), planned)?;
        chunk::insert(
            unit.unit_id,
            unit.chunks + 1,
            range.lower.as_ref(),
            range.upper.as_ref(),
        )
    })
}

/// The plan's key as the source asks for it.
pub fn key_request(plan: &TablePlan) -> Result<Option<KeyRequest>> {
    let Some(key) = &plan.key else {
        return Ok(None);
    };
    let columns = key
        .columns
        .iter()
        .map(|name| source_column(plan, name).cloned())
        .collect::<Result<_>>()?;
    Ok(Some(KeyRequest {
        index: key.index.clone(),
        columns,
    }))
}

fn source_column<'a>(plan: &'a TablePlan, name: &str) -> Result<&'a SourceColumn> {
    plan.columns
        .iter()
        .map(|column| &column.source)
        .find(|column| column.name == name)
        .ok_or_else(|| {
            Error::new(
                Kind::Internal,
                format!("key column \"{name}\" is not in the plan"),
            )
        })
}
