//! States of a unit and of a run, and which follows which.
//!
//! All states are durable: they stand as text in the catalog, and a restart goes on from them.
//!
//! ```text
//! run:   scheduled -> initializing -> running -> completed | failed | cancelled
//!        paused <-> any of the first three; failed -> running by sync_retry
//! unit:  pending -> running -> completed
//!        pending -> running -> catching_up <-> running (indexes); catching_up -> streaming
//!        failed (a retry may wait in it) | paused | cancelled
//! ```
//! `scheduled` is set by `sync_start`; `initializing` and what follows by a worker or the
//! supervisor; `paused` and `cancelled` by the user. After a crash a `running` unit is claimed
//! again by the next worker, from its chunks' cursors.

macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

text_enum!(
    /// Status of a run.
    RunStatus {
        Scheduled => "scheduled",
        Initializing => "initializing",
        Running => "running",
        Paused => "paused",
        Completed => "completed",
        Failed => "failed",
        Cancelled => "cancelled",
    }
);

text_enum!(
    /// Status of a unit.
    UnitStatus {
        Pending => "pending",
        Running => "running",
        /// Its rows are copied; the log is applied to it apart from the stream.
        CatchingUp => "catching_up",
        /// In step with the stream of its job.
        Streaming => "streaming",
        Completed => "completed",
        Failed => "failed",
        Paused => "paused",
        Cancelled => "cancelled",
    }
);

text_enum!(
    /// What a job does.
    JobMode {
        /// Copies its tables, anew with each run.
        Full => "full",
        /// Copies its tables and follows the source's log.
        Stream => "stream",
    }
);

text_enum!(
    /// What a running unit is at, in this order.
    Phase {
        /// Its chunks are cut and copied, a staging table is merged.
        Rows => "rows",
        /// Secondary indexes are made.
        Indexes => "indexes",
        /// Foreign keys are made, each when the table it refers to has come as far.
        ForeignKeys => "foreign_keys",
        /// The log is applied to the unit from its own position.
        CatchUp => "catch_up",
        /// The unit's position is that of the stream.
        Stream => "stream",
    }
);

text_enum!(
    /// How the rows of a unit reach its target.
    LoadMethod {
        /// Straight into an empty target, batch by batch.
        Direct => "direct",
        /// Into a staging table beside the target, then merged by key in one transaction.
        Merge => "merge",
        /// Delete and copy in one transaction: a unit without a key.
        Replace => "replace",
        /// Into a new table beside the live one, which takes its place once it is in step with the log.
        Swap => "swap",
    }
);

text_enum!(
    /// Order in which units are claimed.
    Priority {
        High => "high",
        Medium => "medium",
        Low => "low",
    }
);

text_enum!(
    /// What started a run.
    Trigger {
        /// A call of sync_start.
        Manual => "manual",
        /// A schedule.
        Cron => "cron",
        /// The jobs it depends on have completed.
        Dependency => "dependency",
        /// A trigger of a table.
        Event => "event",
        /// sync_retry, of a run that had ended.
        Retry => "retry",
    }
);

impl RunStatus {
    /// No worker will touch the run again by itself.
    pub const fn ended(self) -> bool {
        matches!(
            self,
            RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled
        )
    }
}
