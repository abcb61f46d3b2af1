//! A unit that cannot be followed past a point of the log as it is: its table has another shape from
//! there on, or something comes that cannot be applied. Everything before that point is committed.

use super::follow::Log;
use super::followed;
use super::prepare;
use super::reader::Reader;
use super::settle;
use crate::catalog::job::{self, Job};
use crate::catalog::unit::Unit;
use crate::catalog::unit_stream::{self, Following};
use crate::codec::image::fits;
use crate::error::{Error, Kind, Result, Retry};
use crate::model::logged::LoggedTable;
use crate::model::policy::OnDdl;
use crate::pg::{server, spi, transaction, worker};
use crate::plan::as_logged::as_logged;
use crate::plan::drift::{Applied, Drift, NewShape, Told, drift};
use crate::plan::table::TablePlan;
use crate::source::log::Obstacle;

/// Deals with what stands in the way of the unit with this place.
pub fn meet(
    job: &Job,
    log: &mut Log<'_>,
    unit: usize,
    obstacle: Obstacle,
    reader: &Reader,
) -> Result<()> {
    let Some(followed) = log.units.get_mut(unit) else {
        return Ok(());
    };
    let in_copy = !followed.is_copied_at(&log.place.position);
    let unit = &followed.unit;
    let outcome = match (followed.change.take(), obstacle) {
        // There was no row of the shape before this one; then it is met again.
        (Some(change), obstacle) => alter(unit, &change)
            .and_then(|()| match obstacle {
                Obstacle::Shape { told, .. } => {
                    transaction::run(|| unit_stream::set_told(unit, &told))
                }
                _ => Ok(()),
            })
            .map(|()| None),
        // While it was copied: rows were read by names that meant one column first, then another.
        (None, Obstacle::Shape { told, .. }) if in_copy && told.moves_names() => {
            copy_anew(unit, "its columns changed their names while it was copied").map(|()| None)
        }
        (None, obstacle) => judge(job, unit, obstacle, reader),
    };
    match outcome {
        Ok(change) => {
            followed.change = change;
            Ok(())
        }
        Err(error) if error.retry() == Retry::Transient => Err(error),
        Err(error) => settle::park(job, unit, &error),
    }
}

/// Has the target follow in a transaction of its own.
fn alter(unit: &Unit, change: &Applied) -> Result<()> {
    for sql in &change.before {
        transaction::run(|| spi::execute(sql, &[]).map(drop))?;
    }
    transaction::run(|| {
        followed::alter(unit, change)?;
        followed::take_plan(unit, change)
    })
}

/// What is to be done with the unit's next row; an error stops the unit.
fn judge(
    job: &Job,
    unit: &Unit,
    obstacle: Obstacle,
    reader: &Reader,
) -> Result<Option<Box<Applied>>> {
    match obstacle {
        Obstacle::Refused(error) => Err(error),
        Obstacle::Redefined(error) => match on_ddl(job, unit)? {
            OnDdl::Resync => copy_anew(unit, &error.message).map(|()| None),
            _ => Err(error),
        },
        Obstacle::Shape {
            logged,
            told,
            difference,
        } => {
            let shape = Shape {
                logged: &logged,
                told: &told,
                difference: &difference,
            };
            take_shape(job, unit, &shape, reader)
        }
    }
}

fn copy_anew(unit: &Unit, why: &str) -> Result<()> {
    transaction::run(|| unit_stream::leave_for_copy(unit, &format!("copied anew: {why}")))
}

fn on_ddl(job: &Job, unit: &Unit) -> Result<OnDdl> {
    let options = transaction::run(|| job::unit_options(job.job_id, &unit.unit))?;
    Ok(options.on_ddl.unwrap_or(job.options()?.on_ddl))
}

/// Another shape of a table, and what is known of how it came to be.
struct Shape<'a> {
    logged: &'a LoggedTable,
    told: &'a Told,
    difference: &'a str,
}

/// The table is another one: the target follows it, or the unit stops, as `on_ddl` says.
///
/// What it returns is to be done with the first row of the new shape.
fn take_shape(
    job: &Job,
    unit: &Unit,
    shape: &Shape<'_>,
    reader: &Reader,
) -> Result<Option<Box<Applied>>> {
    let policy = on_ddl(job, unit)?;
    let old = unit.plan()?;
    let now = reader.table(&unit.unit)?;
    let found = as_logged(old, &now, shape.logged, shape.told, fits)?;
    let plan = found.complete(prepare::plan_table_in(
        job,
        unit,
        &found.table,
        &old.target_schema,
    )?);
    let new = NewShape {
        table: &found.table,
        plan: &plan,
    };
    match drift(old, new, shape.told, policy) {
        // Nothing is known that could make the rows readable: once more would be for ever.
        Drift::Same(plan) | Drift::Ignore(plan) if *plan == *old && shape.told.is_empty() => {
            Err(Error::new(
                Kind::TargetMismatch,
                format!(
                    "rows of source table \"{}\" cannot be read",
                    old.source_table
                ),
            )
            .with_detail(shape.difference)
            .with_hint("SELECT sync_resync('<job>', '<unit>');"))
        }
        Drift::Same(plan) | Drift::Ignore(plan) => {
            transaction::run(|| unit_stream::set_plan(unit, &plan))
        }
        Drift::Apply(applied) if comes_with_its_row(old, &applied) => return Ok(Some(applied)),
        Drift::Apply(applied) => alter(unit, &applied),
        Drift::Resync { why } => copy_anew(unit, &why),
        Drift::Pause(error) if error.detail.is_none() => Err(error.with_detail(shape.difference)),
        Drift::Pause(error) => Err(error),
    }?;
    Ok(None)
}

/// Can the rows be made ready for the table before it is altered? Not where types of its own or another
/// name of its key are to come: then it is altered by itself, at the end of the transaction before.
fn comes_with_its_row(old: &TablePlan, applied: &Applied) -> bool {
    let key = |plan: &TablePlan| {
        let key = plan.key.as_ref();
        key.map(|key| plan.target_columns(&key.columns))
    };
    let new = &applied.plan;
    let primary = |plan: &TablePlan| {
        let key = plan.primary_key.as_ref();
        key.map(|key| plan.target_columns(key))
    };
    applied.before.is_empty()
        && new.prepare.is_empty()
        && key(old) == key(new)
        && primary(old) == primary(new)
}

/// What the job calls itself at the source: a number that no other replica of it has by chance, and
/// another one for each of the two readers a job may have at a time.
pub fn server_id(job: &Job, how: Following) -> Result<u32> {
    let given = job.options()?.server_id;
    let first = given.unwrap_or_else(|| derived(job));
    Ok(match how {
        Following::Streaming => first,
        Following::CatchingUp => first.saturating_add(1),
    })
}

/// Of the cluster, the database and the job. Even, and far from the small numbers that people give.
fn derived(job: &Job) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let job_id = job.job_id as u64;
    for word in [
        server::system_identifier(),
        u64::from(worker::database()),
        job_id,
    ] {
        for byte in word.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    ((hash ^ (hash >> 32)) as u32 | 0x4000_0000) & !1
}
