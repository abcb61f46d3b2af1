//! Preparing a unit: plan it from the source's catalog, find or create its target, decide how its
//! rows will arrive.
//!
//! ```text
//! target empty, never loaded              direct   straight in, batch by batch
//! target loaded before, unique by key     merge    into a staging table, merged at the end
//! target loaded before, no such key       replace  delete and copy in one transaction
//! copied anew while the log is followed   swap     into a new table that takes the target's place
//! rows that no run of the job wrote       an error, or as above where existing_rows = replace
//! ```

use super::anew;
use super::reader::{Log, Reader};
use crate::catalog::job::{self, Job};
use crate::catalog::unit::{self, Prepared, Unit};
use crate::error::{Error, Kind, Result};
use crate::model::options::{ExistingRows, JobOptions};
use crate::model::state::LoadMethod;
use crate::model::table::SourceTable;
use crate::model::unit_options::UnitOptions;
use crate::pg::{relation, transaction};
use crate::plan::context::{Installed, PlanContext};
use crate::plan::follow::follow;
use crate::plan::merge::stage_name;
use crate::plan::table::{TablePlan, plan_table};
use crate::sink::target::{Create, Fitted};
use crate::sink::{stage, swap, target};
use crate::source::mysql::usable_key;

pub fn prepare(job: &Job, unit: &Unit, reader: &Reader) -> Result<()> {
    let options = job.options()?;
    let unit_options = transaction::run(|| job::unit_options(job.job_id, &unit.unit))?;
    // Before anything is read: what the log tells from here on heals whatever is read too early or too
    // late.
    let position = match job.streams() {
        true => Some(reader.position(Log::Copy)?),
        false => None,
    };
    let table = reader.table(&unit.unit)?;
    let beside = anew::plan_beside(job, unit, &table)?;
    let swaps = beside.is_some();
    let plan = match beside {
        Some(plan) => plan,
        None => plan_table_in(job, unit, &table, &job.target_schema)?,
    };
    transaction::run(|| {
        unit::begin_preparing(unit)?;
        if job.streams() {
            swap::drop_if_exists(unit.unit_id, job.owner())?;
        }
        // A stage of an earlier run, and what that run planned, are of no use any more.
        if let Some(stage) = &unit.stage {
            stage::drop_if_exists(&unit.target_schema, stage)?;
        }
        let create = match options.create_tables || swaps {
            true => Create::Missing,
            false => Create::Never,
        };
        let (fitted, created) = target::find_or_create(&plan, create)?;
        let method = match swaps {
            true => LoadMethod::Swap,
            false => method(unit, &options, &unit_options, &fitted)?,
        };
        let staged = match method {
            LoadMethod::Merge => {
                let name = stage_name(unit.unit_id);
                stage::drop_if_exists(&plan.target_schema, &name)?;
                Some((stage::create(&fitted.plan, &name)?, name))
            }
            _ => None,
        };
        let one_chunk = in_one_transaction(&fitted.plan, method)
            || fitted
                .plan
                .rows_estimated
                .is_some_and(|rows| rows <= options.chunk_rows);
        unit::set_prepared(
            unit,
            &Prepared {
                plan: &fitted.plan,
                target_schema: match swaps {
                    true => &unit.target_schema,
                    false => &fitted.plan.target_schema,
                },
                method,
                stage: staged.as_ref().map(|(_, name)| name.as_str()),
                load_oid: staged
                    .as_ref()
                    .map_or(fitted.relation.oid, |(relation, _)| relation.oid),
                created_oid: match created {
                    _ if swaps => unit.created_oid,
                    true => Some(fitted.relation.oid),
                    false => unit.created_oid.filter(|oid| *oid == fitted.relation.oid),
                },
                one_chunk,
                position: position.as_ref(),
            },
        )
    })
}

/// The plan of a unit whose table is like this, for a target in this schema.
pub fn plan_table_in(
    job: &Job,
    unit: &Unit,
    table: &SourceTable,
    schema: &str,
) -> Result<TablePlan> {
    let (options, installed, tables) = transaction::run(|| {
        Ok((
            job::unit_options(job.job_id, &unit.unit)?,
            installed()?,
            unit::target_tables(unit.run_id)?,
        ))
    })?;
    let context = PlanContext {
        target_schema: schema,
        target_table: options.target.as_ref().unwrap_or(&unit.target_table),
        target_tables: &tables,
        job: &job.options()?,
        unit: &options,
        installed: &installed,
    };
    plan(job, table, &context)
}

/// The plan of a table.
pub fn plan(job: &Job, table: &SourceTable, context: &PlanContext<'_>) -> Result<TablePlan> {
    let usable: Vec<bool> = table
        .keys
        .iter()
        .map(|key| usable_key(table, key))
        .collect();
    let plan = plan_table(table, &usable, context)?;
    match job.streams() {
        true => follow(plan, table.kind),
        false => Ok(plan),
    }
}

/// Types of extensions that a plan may use in this database. Inside a transaction.
pub fn installed() -> Result<Installed> {
    Ok(Installed {
        citext: relation::extension_type("citext", "citext")?,
        geometry: relation::extension_type("postgis", "geometry")?,
    })
}

/// Can no part of the rows be committed before the rest?
pub fn in_one_transaction(plan: &TablePlan, method: LoadMethod) -> bool {
    plan.key.is_none() || method == LoadMethod::Replace
}

fn method(
    unit: &Unit,
    options: &JobOptions,
    unit_options: &UnitOptions,
    fitted: &Fitted,
) -> Result<LoadMethod> {
    let has_rows = target::has_rows(&fitted.plan)?;
    // What is known of another target says nothing of this one.
    let same = unit.target_schema == fitted.plan.target_schema
        && unit.target_table == fitted.plan.target_table;
    let loaded = same && unit.loaded;
    if !has_rows && !loaded {
        return Ok(LoadMethod::Direct);
    }
    let existing_rows = unit_options.existing_rows.unwrap_or(options.existing_rows);
    if has_rows && !(same && unit.touched) && existing_rows == ExistingRows::Error {
        let name = target::name(&fitted.plan);
        return Err(Error::new(
            Kind::TargetNotEmpty,
            format!("target table {name} holds rows that no run of this job has written"),
        )
        .with_detail("What its runs have written counts for as long as the table is the unit's target.")
        .with_hint(format!(
            "TRUNCATE {name};, or let the load replace them: SELECT sync_alter_unit('<job>', {}, '{{\"existing_rows\": \"replace\"}}');",
            crate::plan::identifier::literal(&unit.unit)
        )));
    }
    Ok(match fitted.merge_key {
        Some(_) => LoadMethod::Merge,
        None => LoadMethod::Replace,
    })
}
