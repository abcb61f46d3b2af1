//! The staging table of a reload, and its merge into the target.

use crate::error::{Error, Kind, Result};
use crate::pg::relation::{self, Relation};
use crate::pg::spi;
use crate::plan::identifier::qualified;
use crate::plan::merge::{create_stage_sql, kept_out_sql, merge_sql, shape_stage_sql};
use crate::plan::table::TablePlan;

/// Creates an empty staging table beside the target.
pub fn create(plan: &TablePlan, stage: &str) -> Result<Relation> {
    spi::execute(&create_stage_sql(plan, stage), &[])?;
    let made = get(plan, stage)?;
    let columns: Vec<String> = relation::columns(&made)?
        .into_iter()
        .filter(|column| !column.generated)
        .map(|column| column.name)
        .collect();
    let unique = match relation::find(&plan.target_schema, &plan.target_table)? {
        Some(target) => relation::unique_columns(&target)?,
        None => Vec::new(),
    };
    for sql in shape_stage_sql(plan, stage, &columns, &unique) {
        spi::execute(&sql, &[])?;
    }
    Ok(made)
}

pub fn get(plan: &TablePlan, stage: &str) -> Result<Relation> {
    relation::find(&plan.target_schema, stage)?.ok_or_else(|| {
        Error::new(
            Kind::ObjectMissing,
            format!(
                "staging table {} does not exist",
                qualified(&plan.target_schema, stage)
            ),
        )
        .with_hint(format!(
            "SELECT sync_retry('<job>', {}); copies the table from the start",
            crate::plan::identifier::literal(&plan.source_table)
        ))
    })
}

/// Another table stands under the stage's name.
pub fn replaced(plan: &TablePlan, stage: &str) -> Error {
    Error::new(
        Kind::InvalidState,
        format!(
            "staging table {} was replaced by another one",
            qualified(&plan.target_schema, stage)
        ),
    )
    .with_hint(format!(
        "SELECT sync_retry('<job>', {}); copies the table from the start",
        crate::plan::identifier::literal(&plan.source_table)
    ))
}

/// How many rows it has.
pub fn rows(plan: &TablePlan, stage: &str) -> Result<u64> {
    count(&format!(
        "SELECT pg_catalog.count(*) AS rows FROM {}",
        qualified(&plan.target_schema, stage)
    ))
}

/// Removes what an earlier run left.
pub fn drop_if_exists(schema: &str, stage: &str) -> Result<()> {
    spi::execute(
        &format!("DROP TABLE IF EXISTS {}", qualified(schema, stage)),
        &[],
    )?;
    Ok(())
}

/// How many of its rows are not in the target after the merge.
pub fn rows_kept_out(plan: &TablePlan, key: &[String], stage: &str) -> Result<u64> {
    count(&kept_out_sql(plan, key, stage))
}

fn count(sql: &str) -> Result<u64> {
    #[derive(serde::Deserialize)]
    struct Row {
        rows: u64,
    }
    let found: Option<Row> = spi::query_first(sql, &[])?;
    Ok(found.map_or(0, |row| row.rows))
}

/// Makes the target equal to the staging table.
pub fn merge(plan: &TablePlan, key: &[String], stage: &str) -> Result<()> {
    for sql in merge_sql(plan, key, stage) {
        spi::execute(&sql, &[])?;
    }
    Ok(())
}
