//! What the supervisor does beside: samples by the minute, checkpoints, progress for those who listen,
//! and forgetting what is old. Nothing here is missed by a successor: it begins with a look of its own.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::trouble::{missed, patient};
use crate::catalog::event::{self, Progress};
use crate::catalog::job;
use crate::catalog::run::Run;
use crate::catalog::{checkpoint, history};
use crate::error::Result;
use crate::model::options::JobOptions;
use crate::model::state::RunStatus;
use crate::pg::{guc, transaction};

const SAMPLE: Duration = Duration::from_secs(30);
const CHECKPOINT: Duration = Duration::from_secs(1);
const PROGRESS: Duration = Duration::from_secs(2);
const PRUNE: Duration = Duration::from_secs(60);
/// Checkpoints without a name are kept no longer than this, unless a job says otherwise.
const CHECKPOINTS_KEPT: Duration = Duration::from_secs(7 * 86_400);

#[derive(Default)]
pub struct Upkeep {
    sampled: Option<Instant>,
    checked: Option<Instant>,
    told: Option<Instant>,
    pruned: Option<Instant>,
    /// What listeners were told last.
    progress: HashMap<i64, Progress>,
}

impl Upkeep {
    /// Each part in a transaction of its own that waits for nobody: what fails is logged, and the others
    /// are done all the same.
    pub fn look_after(&mut self, runs: &[Run]) -> Result<()> {
        if is_time(&mut self.checked, CHECKPOINT) {
            for run in runs {
                patient(|| take_checkpoint(run)).or_else(missed)?;
            }
        }
        if is_time(&mut self.told, PROGRESS) {
            patient(|| self.tell()).or_else(missed)?;
        }
        if is_time(&mut self.sampled, SAMPLE) {
            patient(|| history::sample(None)).or_else(missed)?;
        }
        // A batch of each job at a time: what is left is for the next look.
        if is_time(&mut self.pruned, PRUNE) {
            for (job_id, options) in transaction::run(job::all)? {
                patient(|| prune(job_id, &options)).or_else(missed)?;
            }
        }
        Ok(())
    }

    /// Progress of the runs that have made some.
    fn tell(&mut self) -> Result<()> {
        let come = history::progress()?;
        self.progress
            .retain(|run_id, _| come.iter().any(|come| come.run_id == *run_id));
        for come in come {
            if self.progress.get(&come.run_id) != Some(&come.progress) {
                event::notify_progress(&come.job, come.run_id, &come.progress)?;
                self.progress.insert(come.run_id, come.progress);
            }
        }
        Ok(())
    }
}

/// Has so much time passed since it was done? Then it is done now.
fn is_time(last: &mut Option<Instant>, every: Duration) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= every);
    if due {
        *last = Some(Instant::now());
    }
    due
}

fn take_checkpoint(run: &Run) -> Result<()> {
    if run.status()? != RunStatus::Running || !run.expanded {
        return Ok(());
    }
    let options = job::get_by_id(run.job_id)?.options()?.run;
    let seconds = options.checkpoint_interval.as_secs_f64();
    let rows = options
        .checkpoint_rows
        .map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
    if checkpoint::is_due(run.job_id, run.run_id, seconds, rows)? {
        checkpoint::take(run.job_id, run.run_id, None)?;
    }
    Ok(())
}

fn prune(job_id: i64, options: &JobOptions) -> Result<()> {
    let options = &options.run;
    let kept = options.retention.unwrap_or_else(guc::retention);
    let checkpoints = options
        .checkpoint_retention
        .unwrap_or_else(|| kept.min(CHECKPOINTS_KEPT));
    checkpoint::prune(job_id, checkpoints.as_secs_f64(), options.checkpoints_kept)?;
    history::prune(job_id, kept.as_secs_f64())
}
