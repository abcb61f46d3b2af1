//! Which processes there are: how each is registered, and who holds which claim.

use serde::Deserialize;

use crate::catalog::job::Job;
use crate::error::Result;
use crate::pg::catalog_owner::{catalog_owner, with_pinned_path};
use crate::pg::lock::Claim;
use crate::pg::spi;
use crate::pg::worker::{self, Assignment, Handle, Registration, Restart};

pub const WORKER: &str = "tributary worker";
pub const SUPERVISOR: &str = "tributary supervisor";
pub const LAUNCHER: &str = "tributary launcher";

/// Seconds before the postmaster starts a supervisor again that did not end by itself.
const SUPERVISOR_RESTART: u16 = 1;

/// Starts a supervisor for the database; `None` where no slot is free.
pub fn start_supervisor(database: u32) -> Option<Handle> {
    worker::start(&Registration {
        name: SUPERVISOR.to_owned(),
        backend_type: SUPERVISOR,
        function: "tributary_supervisor_main",
        restart: Restart::AfterSeconds(SUPERVISOR_RESTART),
        assignment: Assignment {
            database,
            ..Assignment::default()
        },
    })
}

/// Starts a worker of the run as the job's owner; `None` where no slot is free.
pub fn start_worker(job: &Job, run_id: i64) -> Option<Handle> {
    worker::start(&Registration {
        name: format!("{WORKER} {}", job.job),
        backend_type: WORKER,
        function: "tributary_worker_main",
        restart: Restart::Never,
        assignment: Assignment {
            database: worker::database(),
            role: job.owner(),
            run: run_id,
        },
    })
}

pub fn register_launcher() {
    worker::register_static(&Registration {
        name: LAUNCHER.to_owned(),
        backend_type: LAUNCHER,
        function: "tributary_launcher_main",
        restart: Restart::AfterSeconds(5),
        assignment: Assignment::default(),
    });
}

/// Makes sure that a supervisor looks at the catalog once this transaction has committed.
pub fn wake_supervisor_at_commit() {
    worker::at_commit(wake_supervisor);
}

/// A supervisor that finds another one at work wakes it and leaves.
pub fn wake_supervisor() {
    if start_supervisor(worker::database()).is_none() {
        crate::pg::report::warning(
            "no background worker slot is free for the supervisor",
            "the run goes on when one is: see sync_runs; raise max_worker_processes to have more",
        );
    }
}

/// Starts a supervisor where none lives; without a free slot the caller's next look tries again.
pub fn revive_supervisor() -> Result<()> {
    if supervisor()?.is_none() {
        let _ = start_supervisor(worker::database());
    }
    Ok(())
}

/// Makes the supervisor look at the catalog now.
pub fn wake_running_supervisor() -> Result<()> {
    if let Some(pid) = supervisor()? {
        worker::wake(pid);
    }
    Ok(())
}

fn supervisor() -> Result<Option<i64>> {
    Ok(holders()?
        .iter()
        .find(|holder| holder.holds(Claim::Supervisor))
        .map(|holder| holder.pid))
}

/// A process and the claim it holds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Holder {
    pub kind: i64,
    pub id: i64,
    pub pid: i64,
}

impl Holder {
    pub fn holds(&self, claim: Claim) -> bool {
        self.kind == claim.objsubid()
    }
}

/// All claims held in this database.
pub fn holders() -> Result<Vec<Holder>> {
    with_pinned_path(|| spi::query(include_str!("../../sql/queries/holders.sql"), &[]))
}

/// Workers that hold up somebody's lock while their source says nothing.
pub fn stalled_blockers() -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Row {
        pid: i64,
    }
    let rows: Vec<Row> = with_pinned_path(|| {
        spi::query(include_str!("../../sql/queries/stalled_blockers.sql"), &[])
    })?;
    Ok(rows.into_iter().map(|row| row.pid).collect())
}

/// Is somebody about to drop this database? Then no process of ours may stand in the way.
pub fn database_is_being_dropped() -> Result<bool> {
    let found: Option<serde_json::Value> = with_pinned_path(|| {
        spi::query_first(include_str!("../../sql/queries/database_dropped.sql"), &[])
    })?;
    Ok(found.is_some())
}

/// Is the extension installed here?
pub fn extension_exists() -> bool {
    catalog_owner().is_some()
}

/// Ends a process of ours; harmless where it has ended by itself.
pub fn terminate(pid: i64) -> Result<()> {
    with_pinned_path(|| {
        spi::execute(
            "SELECT pg_catalog.pg_terminate_backend($1::int)",
            &[pid.into()],
        )
    })?;
    Ok(())
}

/// Interrupts what a process of ours is doing.
pub fn cancel(pid: i64) -> Result<()> {
    with_pinned_path(|| {
        spi::execute(
            "SELECT pg_catalog.pg_cancel_backend($1::int)",
            &[pid.into()],
        )
    })?;
    Ok(())
}
