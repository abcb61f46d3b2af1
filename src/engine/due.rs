//! Runs that nobody starts by hand: queued behind one that has ended, or due because all that a job waits
//! for has completed.

use super::trouble::{missed, patient};
use crate::catalog::{dependency, job, run};
use crate::error::{Error, Result};
use crate::model::state::Trigger;
use crate::pg::transaction;

/// Starts them, each in a transaction of its own: a session that is just starting one of the jobs does not
/// hold up the others. True where somebody was in the way: there is more to do.
pub fn start_due() -> Result<bool> {
    let mut waits = false;
    let mut met = |error: Error| {
        waits = true;
        missed(error)
    };
    for run_id in transaction::run(run::queued)? {
        let started = patient(|| match run::take_queued(run_id)? {
            Some(queued) if job::get_by_id(queued.job_id)?.enabled => {
                run::schedule(queued.job_id, queued.trigger()).map(drop)
            }
            _ => Ok(()),
        });
        started.or_else(&mut met)?;
    }
    for job_id in transaction::run(dependency::due)? {
        let started = patient(|| run::schedule(job_id, Trigger::Dependency));
        started.map(drop).or_else(&mut met)?;
    }
    Ok(waits)
}
