//! What is kept of the past, and for how long: samples by the minute; and removing, in small batches,
//! what is old of runs, events, samples and rejects.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::event::{self, Progress, Subject};
use super::{execute, query};
use crate::error::Result;

/// Removed at once of what is old.
const AT_ONCE: i64 = 1_000;
/// Kept of each job, however young: the newest.
const EVENTS_KEPT: i64 = 10_000;
const RUNS_KEPT: i64 = 1_000;

/// Counters of the units of a run, or of all runs under way, as of this minute.
pub fn sample(run_id: Option<i64>) -> Result<()> {
    execute(
        include_str!("../../sql/queries/sample.sql"),
        &[run_id.into()],
    )?;
    Ok(())
}

/// A run and how far it has come.
#[derive(Debug, Deserialize)]
pub struct Come {
    pub run_id: i64,
    pub job: String,
    #[serde(flatten)]
    pub progress: Progress,
}

/// All runs under way.
pub fn progress() -> Result<Vec<Come>> {
    query(include_str!("../../sql/queries/progress.sql"), &[])
}

/// Removes a batch of what is older than `seconds`, and what is too many.
pub fn prune(job_id: i64, seconds: f64) -> Result<()> {
    execute(
        "DELETE FROM tributary.event WHERE job_id = $1 AND event_id <= ( \
           SELECT event_id FROM tributary.event WHERE job_id = $1 \
           ORDER BY event_id DESC OFFSET $2 LIMIT 1)",
        &[job_id.into(), EVENTS_KEPT.into()],
    )?;
    execute(
        "DELETE FROM tributary.run r WHERE r.job_id = $1 \
           AND (r.finished_at < clock_timestamp() - make_interval(secs => $2) OR r.run_id <= ( \
             SELECT o.run_id FROM tributary.run o WHERE o.job_id = $1 ORDER BY o.run_id DESC OFFSET $3 LIMIT 1)) \
           AND NOT EXISTS (SELECT FROM tributary.unit u WHERE u.run_id = r.run_id) \
           AND NOT EXISTS (SELECT FROM tributary.stream s WHERE s.run_id = r.run_id) \
           AND EXISTS (SELECT FROM tributary.run n WHERE n.job_id = $1 AND n.run_id > r.run_id)",
        &[job_id.into(), seconds.into(), RUNS_KEPT.into()],
    )?;
    for statement in [
        "DELETE FROM tributary.event WHERE event_id IN (SELECT event_id FROM tributary.event \
           WHERE job_id = $1 AND at < clock_timestamp() - make_interval(secs => $2) ORDER BY event_id LIMIT $3)",
        "DELETE FROM tributary.sample WHERE ctid = ANY (ARRAY(SELECT ctid FROM tributary.sample \
           WHERE job_id = $1 AND at < clock_timestamp() - make_interval(secs => $2) LIMIT $3))",
    ] {
        execute(statement, &[job_id.into(), seconds.into(), AT_ONCE.into()])?;
    }
    prune_rejects(job_id, seconds)
}

/// They are rows that are missing in a target: that nobody can redrive them any more is said. Those of a
/// unit that is being copied stay until it is accounted for.
fn prune_rejects(job_id: i64, seconds: f64) -> Result<()> {
    #[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Row {
        run_id: i64,
        unit: String,
    }
    let removed: Vec<Row> = query(
        "DELETE FROM tributary.reject r USING tributary.chunk c, tributary.unit u \
         WHERE c.chunk_id = r.chunk_id AND u.unit_id = c.unit_id AND r.reject_id IN ( \
           SELECT r.reject_id FROM tributary.reject r \
           JOIN tributary.chunk c USING (chunk_id) JOIN tributary.unit u USING (unit_id) \
           WHERE u.job_id = $1 AND (u.status <> 'running' OR u.phase IS DISTINCT FROM 'rows') \
             AND r.at < clock_timestamp() - make_interval(secs => $2) LIMIT $3) \
         RETURNING u.run_id, u.unit",
        &[job_id.into(), seconds.into(), AT_ONCE.into()],
    )?;
    let mut rejects: BTreeMap<Row, u64> = BTreeMap::new();
    for row in removed {
        *rejects.entry(row).or_default() += 1;
    }
    for (Row { run_id, unit }, rejects) in rejects {
        let subject = Subject {
            job_id,
            run_id,
            unit: Some(&unit),
        };
        let what = match rejects {
            1 => "1 reject was removed by retention".to_owned(),
            _ => format!("{rejects} rejects were removed by retention"),
        };
        event::record(subject, "pruned", Some(&what))?;
    }
    Ok(())
}
