//! A unit whose changes come from the log: where it stands, what the reader has to know of it, and
//! applying its changes.

use serde_json::Value;

use super::destination::Destination;
use super::failure;
use super::rejects::{self, Ended};
use crate::catalog::job::Job;
use crate::catalog::stream;
use crate::catalog::unit::Unit;
use crate::catalog::unit_stream::{self, Copied, Following};
use crate::error::{Error, Kind, Result};
use crate::model::change::UnitChanges;
use crate::model::options::JobOptions;
use crate::model::policy::{Adjustment, OnDdl, Policies};
use crate::model::position::Position;
use crate::model::reject::{MaxRejects, Reject};
use crate::model::unit_options::UnitOptions;
use crate::pg::{relation, spi};
use crate::plan::drift::{Applied, Told};
use crate::sink::apply::{Applier, Care};
use crate::source::mysql::FollowedTable;

/// Where a log is followed from.
#[derive(Debug, Clone)]
pub struct Place {
    pub position: Position,
    /// Of the stream; of no meaning while catching up.
    pub generation: i64,
}

impl Place {
    /// Where units of a run are to be followed from, and these; None where there are none.
    pub fn find(job: &Job, run_id: i64, how: Following) -> Result<Option<(Place, Vec<Unit>)>> {
        // Before the units: one that leaves in between has raised the generation after this look.
        let stream = stream::get(job.job_id)?;
        let units = unit_stream::following(run_id, how)?;
        let Some(stream) = stream.filter(|_| !units.is_empty()) else {
            return Ok(None);
        };
        let place = |position| Place {
            position,
            generation: stream.generation,
        };
        match how {
            Following::Streaming => match &stream.position {
                Some(position) => Ok(Some((place(position.clone()), units))),
                None => Err(Error::new(
                    Kind::Internal,
                    format!("the stream of job \"{}\" has no position", job.job),
                )),
            },
            Following::CatchingUp => Ok(first_of(units).map(|(from, units)| (place(from), units))),
        }
    }
}

/// The least position of the units, and those units that are known not to be before it.
pub fn first_of(units: Vec<Unit>) -> Option<(Position, Vec<Unit>)> {
    let mut first: Option<Position> = None;
    for position in units.iter().filter_map(|unit| unit.position.as_ref()) {
        let earlier = match &first {
            Some(first) => first.reached(position) == Some(true),
            None => true,
        };
        if earlier {
            first = Some(position.clone());
        }
    }
    let first = first?;
    let together = units
        .into_iter()
        .filter(|unit| {
            let position = unit.position.as_ref();
            position.is_some_and(|position| position.reached(&first) == Some(true))
        })
        .collect();
    Some((first, together))
}

/// A unit that is followed.
pub struct Followed {
    pub unit: Unit,
    destination: Destination,
    applier: Applier,
    /// It is ahead of the log that is read, up to here.
    ahead: Option<Position>,
    max_rejects: MaxRejects,
    policies: Policies,
    on_ddl: OnDdl,
    kept: Kept,
    /// What its target has to become before its next row.
    pub change: Option<Box<Applied>>,
    /// It has become that in the transaction under way.
    changed: bool,
    settings: Settings,
}

/// What users have said of a job and of a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub job: Value,
    pub unit: Value,
}

/// Has the target follow the source's table. Inside a transaction, before the rows of the new shape.
pub fn alter(unit: &Unit, change: &Applied) -> Result<()> {
    // The target as the job may write it now, not as it was when this was planned.
    let plan = unit.plan()?;
    if let Some(target) = relation::find(&plan.target_schema, &plan.target_table)? {
        relation::require_copy_rights(&target)?;
    }
    for sql in &change.statements {
        spi::execute(sql, &[])?;
    }
    Ok(())
}

/// Keeps the plan that the target follows now, and says what has become of it.
pub fn take_plan(unit: &Unit, change: &Applied) -> Result<()> {
    unit_stream::set_plan(unit, &change.plan)?;
    let changes = change.changes.iter().chain(&change.warnings);
    let changes: Vec<&str> = changes.map(String::as_str).collect();
    unit_stream::note(unit, &changes.join("; "))
}

/// What a transaction has found that cannot be applied as it is.
#[derive(Default)]
struct Kept {
    rejects: Vec<Reject>,
    adjustments: Vec<Adjustment>,
}

impl Followed {
    /// With a `change` to come, its rows are read by the plan after it, and the first of them has its
    /// target altered in the same transaction.
    pub fn begin(mut unit: Unit, settings: Settings, change: Option<Box<Applied>>) -> Result<Self> {
        let mut destination = Destination::find(&unit)?;
        if let Some(change) = &change {
            destination = destination.changed_to(&change.plan);
            unit.plan = Some(change.plan.clone());
            unit.told = None;
        }
        let unit_options = UnitOptions::parse(&settings.unit)?;
        let values = &unit_options.values;
        let options = JobOptions::parse(&settings.job)?.values;
        Ok(Followed {
            applier: destination.applier(unit.unit_id)?,
            ahead: unit.position.clone(),
            max_rejects: options.max_rejects(values),
            policies: options.policies(values),
            on_ddl: unit_options
                .on_ddl
                .unwrap_or(JobOptions::parse(&settings.job)?.on_ddl),
            destination,
            unit,
            kept: Kept::default(),
            change,
            changed: false,
            settings,
        })
    }

    /// The same unit when the log is read anew. What was made for it holds, as long as nobody has altered
    /// it; that its target is as it was is seen before each row.
    pub fn again(mut self, unit: Unit, settings: &Settings) -> Option<Self> {
        let same = self.change.is_none()
            && self.settings == *settings
            && self.copied() == (unit.unit_id, unit.copies)
            && self.unit.load_oid == unit.load_oid
            && self.unit.plan == unit.plan;
        if !same {
            return None;
        }
        self.ahead = unit.position.clone();
        self.unit = unit;
        self.begin_group();
        Some(self)
    }

    /// What the reader has to know.
    pub fn table(&mut self) -> Result<FollowedTable> {
        Ok(FollowedTable {
            net: self
                .destination
                .net_changes(self.policies, self.applier.key().clone())?,
            plan: self.destination.plan.clone(),
            after: self.ahead.clone(),
            told: self.unit.told.clone().unwrap_or_default(),
            ignores_ddl: self.on_ddl == OnDdl::Ignore,
        })
    }

    /// Applies changes of a segment; how many rows they were at the source.
    pub fn apply(&mut self, mut changes: UnitChanges, how: Following) -> Result<u64> {
        let rows = changes.rows.all();
        if let Some(change) = self.change.as_ref().filter(|_| !self.changed) {
            alter(&self.unit, change)?;
            self.changed = true;
        }
        // What was copied may hold later states than the log at that point: each row is looked for.
        let care = match how {
            Following::Streaming if self.ahead.is_none() => Care::Streaming,
            _ => Care::CatchingUp,
        };
        let adjustments = std::mem::take(&mut changes.adjustments);
        self.kept
            .rejects
            .extend(self.applier.apply(changes, care)?.rejects);
        self.kept.adjustments.extend(adjustments);
        Ok(rows)
    }

    /// At the end of the transaction: the plan of a target that was altered, what statements have `told`
    /// since, and what could not be applied as it was.
    pub fn keep(&mut self, job: &Job, told: Option<&Told>) -> Result<()> {
        // What was told is of the table as it is after the change.
        if let Some(change) = self
            .change
            .as_ref()
            .filter(|_| told.is_some() && !self.changed)
        {
            alter(&self.unit, change)?;
            self.changed = true;
        }
        if let Some(change) = self.change.as_ref().filter(|_| self.changed) {
            take_plan(&self.unit, change)?;
        }
        if let Some(told) = told {
            unit_stream::set_told(&self.unit, told)?;
        }
        let Kept {
            mut rejects,
            adjustments,
        } = std::mem::take(&mut self.kept);
        if rejects.is_empty() && adjustments.is_empty() {
            return Ok(());
        }
        failure::name_rejects(&mut rejects, &job.job, &self.unit.unit);
        unit_stream::add_rejects(&self.unit, &rejects, &adjustments)?;
        rejects::require_few(&self.unit, self.max_rejects, Ended::No)
    }

    /// Lets go of tables of the session that are kept for nothing.
    pub fn drop_old(&mut self) -> Result<()> {
        self.applier.drop_old()
    }

    /// Another transaction begins; what the last one has come to.
    pub fn begin_group(&mut self) {
        self.kept = Kept::default();
        self.changed = false;
    }

    /// The transaction has committed.
    pub fn end_group(&mut self) {
        if self.changed {
            self.change = None;
        }
    }

    /// The unit, and which copy of it.
    pub fn copied(&self) -> Copied {
        (self.unit.unit_id, self.unit.copies)
    }

    /// Is the unit still ahead of a log that has come there?
    pub fn is_ahead_of(&self, position: &Position) -> bool {
        match &self.ahead {
            Some(ahead) => position.reached(ahead) != Some(true),
            None => false,
        }
    }

    /// Does the log, coming there, catch up with the unit?
    pub fn arrives_at(&self, position: &Position) -> bool {
        self.ahead.is_some() && !self.is_ahead_of(position)
    }

    pub fn come_to(&mut self, position: &Position) {
        if !self.is_ahead_of(position) {
            self.ahead = None;
        }
    }

    /// Were its rows read before the log came here?
    pub fn is_copied_at(&self, position: &Position) -> bool {
        match &self.unit.catch_up_to {
            Some(end) => position.reached(end) == Some(true),
            None => true,
        }
    }

    /// Are its rows there as they were at the source?
    pub fn is_consistent_at(&self, position: &Position) -> bool {
        self.is_copied_at(position) && !self.is_ahead_of(position)
    }
}
