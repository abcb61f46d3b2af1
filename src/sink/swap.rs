//! A table that is copied beside the live one, in a schema of its own where all its names are free,
//! and then takes the live one's place: readers see the old rows until all new ones are there.

use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::pg::catalog_owner::with_pinned_path;
use crate::pg::{guc, relation, spi};
use crate::plan::identifier::{qualified, quote};
use crate::plan::table::TablePlan;

/// The schema of a unit's new table.
pub fn schema(unit_id: i64) -> String {
    format!("tributary_resync_{unit_id}")
}

/// Removes what an earlier attempt left; whether the name is free now. `owner`: of the job; a schema of
/// another role is not ours.
pub fn drop_if_exists(unit_id: i64, owner: u32) -> Result<bool> {
    let schema = schema(unit_id);
    match relation::schema_owner(&schema)? {
        None => Ok(true),
        Some(found) if found == i64::from(owner) => {
            spi::execute(&format!("DROP SCHEMA {} CASCADE", quote(&schema)), &[])?;
            Ok(true)
        }
        Some(_) => Ok(false),
    }
}

/// What the live table, made with this plan, has got since and would lose.
pub fn would_lose(oid: i64, made: &TablePlan) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Row {
        what: String,
    }
    let indexes = made.indexes.iter().map(|index| &index.name);
    let checks = made.checks.iter().map(|check| &check.name);
    let key = made.key.iter().filter_map(|key| key.constraint.as_ref());
    let objects: Vec<&String> = indexes.chain(checks).chain(key).collect();
    let computed = made.generated.iter().map(|generated| &generated.column);
    let columns: Vec<&String> = made
        .columns
        .iter()
        .chain(computed)
        .map(|column| &column.target_name)
        .chain(&made.left)
        .collect();
    let rows: Vec<Row> = with_pinned_path(|| {
        spi::query(
            include_str!("../../sql/queries/swap_would_lose.sql"),
            &[
                oid.into(),
                (&json(&objects)).into(),
                (&json(&columns)).into(),
            ],
        )
    })?;
    Ok(rows.into_iter().map(|row| row.what).collect())
}

fn json(names: &[&String]) -> String {
    serde_json::json!(names).to_string()
}

/// Drops the live table and puts the new one, which has this plan, in its place, with the privileges
/// that were granted on the live one. Gives up when somebody keeps reading it; readers that come
/// meanwhile wait no longer than that.
pub fn take_place(
    (new, new_oid): (&TablePlan, i64),
    (live, live_oid): (&TablePlan, i64),
) -> Result<()> {
    guc::set_local(c"lock_timeout", c"1s");
    let name = qualified(&live.target_schema, &live.target_table);
    spi::execute(&format!("LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"), &[])?;
    let found = relation::find(&live.target_schema, &live.target_table)?;
    if found.is_none_or(|found| found.oid != live_oid) {
        return Err(Error::new(
            Kind::InvalidState,
            format!("table {name} was replaced by another one"),
        ));
    }
    let lost = would_lose(live_oid, live)?;
    if !lost.is_empty() {
        return Err(Error::new(
            Kind::InvalidState,
            format!("table {name} has got more than a table in its place would have"),
        )
        .with_detail(format!("It would lose: {}.", lost.join(", "))));
    }
    #[derive(Deserialize)]
    struct Row {
        sql: String,
    }
    let grants: Vec<Row> = with_pinned_path(|| {
        spi::query(
            include_str!("../../sql/queries/table_grants.sql"),
            &[live_oid.into(), new_oid.into(), (&name).into()],
        )
    })?;
    let statements = [
        format!("DROP TABLE {name}"),
        format!(
            "ALTER TABLE {} SET SCHEMA {}",
            qualified(&new.target_schema, &new.target_table),
            quote(&live.target_schema)
        ),
        format!("DROP SCHEMA {}", quote(&new.target_schema)),
    ];
    let grants = grants.into_iter().map(|grant| grant.sql);
    for sql in statements.into_iter().chain(grants) {
        spi::execute(&sql, &[])?;
    }
    Ok(())
}
