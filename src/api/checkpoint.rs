//! Savepoints, and going back: a unit of a stream reads the log again from an earlier position, which
//! changes nothing where its rows have a key; any other is copied anew.

use pgrx::JsonB;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::control::{latest, locked, require_same_source, require_unit, status_of_open};
use super::{given, own_job};
use crate::catalog::checkpoint::{self, Checkpoint, UnitThen};
use crate::catalog::job::Job;
use crate::catalog::run::{self, Run};
use crate::catalog::unit::{self, Unit};
use crate::catalog::{stream, unit_state, unit_stream};
use crate::engine::processes::wake_supervisor_at_commit;
use crate::engine::session;
use crate::error::{Error, Kind, Result};
use crate::model::position::Position;
use crate::model::state::{RunStatus, UnitStatus};
use crate::pg::{relation, report};
use crate::plan::identifier::literal;

#[pg_extern]
fn sync_savepoint(job: Option<&str>, savepoint: Option<&str>) -> Result<i64, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    Ok(take(&job, given("savepoint", savepoint)?)?)
}

#[pg_extern]
fn sync_drop_savepoint(job: Option<&str>, savepoint: Option<&str>) -> Result<(), ErrorReport> {
    let job = own_job(given("job", job)?)?;
    let savepoint = given("savepoint", savepoint)?;
    match checkpoint::drop_savepoint(job.job_id, savepoint)? {
        true => Ok(()),
        false => Err(missing(&job, Some(savepoint)))?,
    }
}

#[pg_extern]
fn sync_rewind(
    job: Option<&str>,
    savepoint: default!(Option<&str>, "NULL"),
    checkpoint: default!(Option<i64>, "NULL"),
    unit: default!(Option<&str>, "NULL"),
    cursor: default!(Option<JsonB>, "NULL"),
) -> Result<i64, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    let wanted = match (savepoint, checkpoint, cursor) {
        (None, None, Some(cursor)) => Wanted::Cursor(parse_cursor(given("unit", unit)?, &cursor)?),
        (Some(_), None, None) | (None, Some(_), None) => Wanted::Checkpoint(
            checkpoint::find(job.job_id, savepoint, checkpoint)?
                .ok_or_else(|| missing(&job, savepoint))?,
        ),
        _ => Err(one_of())?,
    };
    Ok(rewind(&job, unit, &wanted)?)
}

#[pg_extern]
fn sync_reset(job: Option<&str>, unit: default!(Option<&str>, "NULL")) -> Result<i64, ErrorReport> {
    let job = own_job(given("job", job)?)?;
    Ok(match job.streams() {
        true => super::stream::resync(&job, unit)?,
        false => reset(&job, unit)?,
    })
}

/// Where to go back to.
enum Wanted {
    Checkpoint(Checkpoint),
    /// A position of the log, for one unit.
    Cursor(Position),
}

fn one_of() -> Error {
    Error::new(
        Kind::InvalidParameter,
        "sync_rewind goes back to a savepoint, to a checkpoint, or with one unit to a cursor",
    )
    .with_hint("SELECT checkpoint_id, savepoint, at FROM sync_checkpoints;")
}

fn missing(job: &Job, savepoint: Option<&str>) -> Error {
    let what = match savepoint {
        Some(savepoint) => format!("savepoint \"{savepoint}\""),
        None => "such checkpoint".to_owned(),
    };
    Error::new(
        Kind::ObjectMissing,
        format!("job \"{}\" has no {what}", job.job),
    )
    .with_hint(format!(
        "SELECT checkpoint_id, savepoint, at FROM sync_checkpoints WHERE job = {};",
        literal(&job.job)
    ))
}

fn parse_cursor(unit: &str, cursor: &JsonB) -> Result<Position> {
    serde_json::from_value(cursor.0.clone()).map_err(|error| {
        Error::new(
            Kind::InvalidParameter,
            format!("the cursor for unit \"{unit}\" is no position of a log"),
        )
        .with_detail(format!("{error}."))
        .with_hint("sync_checkpoints has positions, and so has the column cursor of sync_units")
    })
}

fn take(job: &Job, savepoint: &str) -> Result<i64> {
    let run = locked(job)?;
    if !run.expanded {
        return Err(Error::new(
            Kind::InvalidState,
            format!("run {} of job \"{}\" has no units yet", run.run_id, job.job),
        ));
    }
    if savepoint.is_empty() {
        return Err(Error::new(
            Kind::InvalidParameter,
            "a savepoint needs a name",
        ));
    }
    if checkpoint::find(job.job_id, Some(savepoint), None)?.is_some() {
        let (job_name, name) = (literal(&job.job), literal(savepoint));
        return Err(Error::new(
            Kind::ObjectExists,
            format!("job \"{}\" has savepoint \"{savepoint}\" already", job.job),
        )
        .with_hint(format!("SELECT sync_drop_savepoint({job_name}, {name});")));
    }
    checkpoint::take(job.job_id, run.run_id, Some(savepoint))
}

fn rewind(job: &Job, name: Option<&str>, wanted: &Wanted) -> Result<i64> {
    if !job.streams() {
        if let Wanted::Cursor(_) = wanted {
            return Err(Error::new(
                Kind::InvalidState,
                format!("job \"{}\" has mode full and follows no log", job.job),
            ));
        }
        // What the source has changed before a key would not be seen from there on.
        report::notice("a full copy goes back to its start: a key is no moment in time");
        return reset(job, name);
    }
    // The source is asked before anything is locked.
    let places_now = places(&latest(job)?, name, wanted)?;
    let positions = distinct(&places_now);
    if !positions.is_empty() {
        let reader = session::open(job)?;
        for position in positions {
            reader.check_position(position)?;
        }
    }
    let run = locked(job)?;
    require_unit(job, &run, name)?;
    require_not_cancelled(job, &run)?;
    require_same_source(job, &run)?;
    let stream = stream::fence(job.job_id)?.and_then(|stream| stream.position);
    unit_stream::lock(run.run_id)?;
    let places = places(&run, name, wanted)?;
    if places.is_empty() {
        return Err(Error::new(
            Kind::ObjectMissing,
            "no unit that is meant was there at that time",
        )
        .with_hint("SELECT checkpoint_id, units FROM sync_checkpoints;"));
    }
    for place in &places {
        go_back(job, place, stream.as_ref())?;
    }
    reopen(&run)?;
    wake_supervisor_at_commit();
    Ok(i64::try_from(places.len()).unwrap_or(i64::MAX))
}

/// A unit and where it goes back to.
struct Place {
    unit: Unit,
    /// None: by a copy, and why.
    to: Result<Position, &'static str>,
}

fn distinct(places: &[Place]) -> Vec<&Position> {
    let mut found: Vec<&Position> = Vec::new();
    for position in places.iter().filter_map(|place| place.to.as_ref().ok()) {
        if !found.contains(&position) {
            found.push(position);
        }
    }
    found
}

/// The units that are meant: the named one, or all but those that were cancelled.
fn places(run: &Run, name: Option<&str>, wanted: &Wanted) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for unit in unit::of_run(run.run_id)? {
        let meant = match name {
            Some(name) => name == unit.unit,
            None => unit.status()? != UnitStatus::Cancelled,
        };
        if !meant {
            continue;
        }
        let to = match wanted {
            Wanted::Cursor(position) => {
                let mut latest: Option<UnitThen> = None;
                for then in checkpoint::of_unit(&unit)? {
                    let later = match &latest {
                        Some(latest) => then.position.reached(&latest.position) == Some(true),
                        None => true,
                    };
                    if position.reached(&then.position) == Some(true) && later {
                        latest = Some(then);
                    }
                }
                match latest {
                    Some(then) if then.same_plan => Ok(position.clone()),
                    _ => Err("whether its table had its present shape there is not known"),
                }
            }
            Wanted::Checkpoint(checkpoint) => {
                let stood = checkpoint::units(checkpoint.checkpoint_id, run.run_id)?;
                let Some(stood) = stood.into_iter().find(|stood| stood.unit == unit.unit) else {
                    continue;
                };
                match stood.position {
                    Some(position) if stood.same_plan => Ok(position),
                    Some(_) => Err("its table has another shape since"),
                    None => Err("it did not follow the log then"),
                }
            }
        };
        let to = match to {
            Ok(position) => match not_repeatable(&unit)? {
                Some(why) => Err(why),
                None => Ok(position),
            },
            refused => refused,
        };
        places.push(Place { unit, to });
    }
    Ok(places)
}

/// By the log where that gives the same rows again, else by a copy.
fn go_back(job: &Job, place: &Place, stream: Option<&Position>) -> Result<()> {
    let unit = &place.unit;
    let why = match (&place.to, unit.position.as_ref().or(stream)) {
        (Err(why), _) => why,
        (_, None) => "it does not follow the log yet",
        (Ok(position), Some(stands)) => {
            if stands.reached(position) != Some(true) {
                return Err(Error::new(
                    Kind::InvalidParameter,
                    format!("unit \"{}\" has not come as far as that", unit.unit),
                )
                .with_detail("Going ahead would leave rows out."));
            }
            // Where a copy was still catching up it is as the source was only at the end of that.
            let until = match &unit.catch_up_to {
                Some(later) if stands.reached(later) != Some(true) => later,
                _ => stands,
            };
            match unit_stream::rewind(unit, position, until)? {
                true => return Ok(()),
                false => "it does not follow the log now",
            }
        }
    };
    report::notice(&format!(
        "unit \"{}\" of job \"{}\" is copied anew: {why}",
        unit.unit, job.job
    ));
    unit_stream::begin_anew(unit)
}

/// Why the log cannot be applied to a unit once more.
fn not_repeatable(unit: &Unit) -> Result<Option<&'static str>> {
    let Some(plan) = &unit.plan else {
        return Ok(Some("it does not follow the log yet"));
    };
    if plan.key.is_none() {
        return Ok(Some("it has no key, and rows of the log would come twice"));
    }
    if unit.told.is_some() {
        return Ok(Some(
            "statements have changed its table and no row has come since",
        ));
    }
    let target = relation::find(&plan.target_schema, &plan.target_table)?;
    let keys = target.as_ref().map(relation::unique_keys).transpose()?;
    Ok(keys
        .is_some_and(|keys| keys.len() > 1)
        .then_some("it has a second unique key, which rows of then and of now may break together"))
}

fn require_not_cancelled(job: &Job, run: &Run) -> Result<()> {
    match run.status()? {
        RunStatus::Cancelled => Err(Error::new(
            Kind::InvalidState,
            format!("run {} of job \"{}\" is cancelled", run.run_id, job.job),
        )
        .with_hint(format!("SELECT sync_start({});", literal(&job.job)))),
        _ => Ok(()),
    }
}

/// From the start, in the latest run.
fn reset(job: &Job, name: Option<&str>) -> Result<i64> {
    let run = locked(job)?;
    require_unit(job, &run, name)?;
    require_not_cancelled(job, &run)?;
    require_same_source(job, &run)?;
    let mut count = 0;
    for unit in unit::of_run(run.run_id)? {
        // What was cancelled stays so, unless it is named.
        let meant = match name {
            Some(name) => name == unit.unit,
            None => unit.status()? != UnitStatus::Cancelled,
        };
        if meant {
            unit_state::forget_progress(&unit)?;
            count += 1;
        }
    }
    // Without a name, one that is paused begins when it is resumed.
    let stopped: &[UnitStatus] = match name {
        Some(_) => &[
            UnitStatus::Completed,
            UnitStatus::Failed,
            UnitStatus::Paused,
            UnitStatus::Cancelled,
        ],
        None => &[UnitStatus::Completed, UnitStatus::Failed],
    };
    unit_state::restart(run.run_id, name, stopped)?;
    reopen(&run)?;
    wake_supervisor_at_commit();
    Ok(count)
}

fn reopen(run: &Run) -> Result<()> {
    match run.status()? {
        RunStatus::Completed | RunStatus::Failed => run::reopen(run, status_of_open(run)),
        RunStatus::Paused => {
            report::notice("the job is paused; its units go on with it");
            Ok(())
        }
        _ => Ok(()),
    }
}
