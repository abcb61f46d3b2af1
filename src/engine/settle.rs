//! Units that catch up come to an end of it: their indexes are made, or they join the stream. And
//! units that cannot go on leave it.

use std::time::{Duration, Instant};

use super::anew;
use super::failure;
use super::follow::Log;
use crate::catalog::job::Job;
use crate::catalog::unit::{self, Unit};
use crate::catalog::unit_state;
use crate::catalog::unit_stream::{self, Following};
use crate::catalog::{run, stream};
use crate::error::{Error, Result, Retry};
use crate::model::options::OnError;
use crate::model::state::LoadMethod;
use crate::pg::transaction;

/// Between two attempts to exchange tables of which somebody reads the live one.
const EXCHANGE_PAUSE: Duration = Duration::from_secs(5);

/// Takes units that catch up further, once all of them are as the source was; whether any was.
///
/// `exchange_at`: a table that is being read is not tried again before.
pub fn settle(job: &Job, log: &Log<'_>, exchange_at: &mut Instant) -> Result<bool> {
    let settled = log.how == Following::CatchingUp
        && log
            .units
            .iter()
            .all(|unit| unit.is_consistent_at(&log.place.position));
    if !settled {
        return Ok(false);
    }
    let (mut ready, mut any) = transaction::run(|| {
        let mut any = false;
        let mut ready = Vec::new();
        for followed in &log.units {
            match unit_stream::begin_indexes(&followed.unit)? {
                true => any = true,
                false => ready.push(&followed.unit),
            }
        }
        Ok((ready, any))
    })?;
    // Each by itself: it may have to wait for readers of the live table.
    let mut waiting = Vec::new();
    let mut tried = false;
    for unit in &ready {
        if unit.method()? == LoadMethod::Swap && Instant::now() < *exchange_at {
            waiting.push(unit.unit_id);
            continue;
        }
        match anew::exchange(unit) {
            Ok(exchanged) => any |= exchanged,
            // Somebody reads the live table: the others do not wait for him.
            Err(error) if error.retry() == Retry::Transient => {
                transaction::run(|| unit_stream::set_waiting(unit, &error))?;
                waiting.push(unit.unit_id);
                tried = true;
            }
            // A name is taken, a right is gone: so the rows go into the live table.
            Err(error) => {
                let why = format!(
                    "the new table cannot take the place of the live one: {}",
                    error.full_message()
                );
                transaction::run(|| unit_stream::leave_for_merge(unit, &why))?;
                any = true;
            }
        }
    }
    if tried {
        *exchange_at = Instant::now() + EXCHANGE_PAUSE;
    }
    ready.retain(|unit| !waiting.contains(&unit.unit_id));
    match any || ready.is_empty() {
        true => Ok(any),
        false => transaction::run(|| join(job, log, &ready)),
    }
}

/// Has units join the stream where it is not ahead of them.
fn join(job: &Job, log: &Log<'_>, units: &[&Unit]) -> Result<bool> {
    let here = &log.place.position;
    let behind = |position: &Option<crate::model::position::Position>| match position {
        Some(stream) => here.reached(stream) == Some(true),
        None => true,
    };
    let followed = unit_stream::any_following(log.run_id, Following::Streaming)?;
    // A look before the lock: the stream is stopped for nothing while it is ahead.
    match stream::get(job.job_id)? {
        Some(stream) if followed && !behind(&stream.position) => return Ok(false),
        _ => {}
    }
    let Some(stream) = stream::fence(job.job_id)? else {
        return Ok(false);
    };
    let followed = unit_stream::any_following(log.run_id, Following::Streaming)?;
    if !followed {
        stream::set_position(job.job_id, here)?;
    } else if !behind(&stream.position) {
        return Ok(false);
    }
    let in_step = !followed
        || stream
            .position
            .as_ref()
            .is_some_and(|position| position.reached(here) == Some(true));
    for unit in units {
        unit_stream::join(unit, (!in_step).then_some(here))?;
    }
    Ok(true)
}

/// A unit cannot go on: it keeps the position it has come to, the others go on without it.
pub fn park(job: &Job, parked: &Unit, error: &Error) -> Result<()> {
    let error = failure::name_job(error, &job.job, Some(&parked.unit));
    let pauses = job.options()?.on_error == OnError::Pause;
    transaction::run(|| {
        if pauses {
            // Before the unit: the order in which everybody locks them.
            run::lock(parked.run_id)?;
        }
        let same = |unit: &Unit| unit.run_id == parked.run_id && unit.copies == parked.copies;
        let Some(unit) = unit::get(parked.unit_id)?.filter(same) else {
            return Ok(());
        };
        failure::log_unit(job, &unit, &error);
        unit_state::fail(&unit, &error, None)?;
        match pauses {
            true => failure::pause(&unit),
            false => Ok(()),
        }
    })
}
