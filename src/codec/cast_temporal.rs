//! Dates and times to types that do not hold all of them, or mean something else by them: a
//! `datetime` counts as UTC where the target has a zone, and a `timestamp` is UTC's clock where it
//! has none.

use super::calendar::Moment;
use super::integer::Range;
use super::refusal::{Encoded, Refusal};
use super::target::{interval_fraction, timestamp_fraction};
use super::temporal::{
    MICROSECONDS_PER_DAY, Step, put_interval, put_stamp, read_date, read_span, read_stamp,
};
use super::wire::{put_4, put_8};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};
use crate::model::table::SourceType;

#[derive(Debug, Clone, Copy)]
pub enum TemporalCast {
    /// To a timestamp, with or without zone, of the second step.
    Stamp(MomentType, Step),
    Date(MomentType),
    /// Both steps are the column's, then the target's.
    Time(Step, Step),
    Interval(Step, Step),
}

#[derive(Debug, Clone, Copy)]
pub enum MomentType {
    /// The year's first day.
    Year(Range),
    Date,
    Stamp(Step),
}

impl TemporalCast {
    pub fn new(source: &SourceType, target: PgType) -> Option<Self> {
        let digits = timestamp_fraction(target.typmod).min(6);
        match (source, target.oid) {
            (SourceType::Year, oid::DATE) => {
                Some(TemporalCast::Date(MomentType::Year(Range::of(source)?)))
            }
            (SourceType::Date, oid::TIMESTAMP | oid::TIMESTAMPTZ) => {
                Some(TemporalCast::Stamp(MomentType::Date, Step::new(digits)?))
            }
            (SourceType::DateTime { fraction }, oid::DATE) => {
                Some(TemporalCast::Date(MomentType::Stamp(Step::new(*fraction)?)))
            }
            (
                SourceType::DateTime { fraction } | SourceType::Timestamp { fraction },
                oid::TIMESTAMP | oid::TIMESTAMPTZ,
            ) => Some(TemporalCast::Stamp(
                MomentType::Stamp(Step::new(*fraction)?),
                Step::new(digits)?,
            )),
            (SourceType::Time { fraction }, oid::TIME) => Some(TemporalCast::Time(
                Step::new(*fraction)?,
                Step::new(digits)?,
            )),
            (SourceType::Time { fraction }, oid::INTERVAL) => Some(TemporalCast::Interval(
                Step::new(*fraction)?,
                Step::new(interval_fraction(target.typmod)?)?,
            )),
            _ => None,
        }
    }

    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        match self {
            TemporalCast::Stamp(source, step) => {
                let moment = source.read(cell)?;
                // Before the fraction: a date that is none is a matter of policy.
                moment.days()?;
                fits(step, moment.microsecond)?;
                put_stamp(out, moment)?;
            }
            TemporalCast::Date(source) => {
                let moment = source.read(cell)?;
                let days = moment.days()?;
                if moment.time_of_day()? != 0 {
                    return Err(Refusal::NotMidnight);
                }
                put_4(out, days.to_be_bytes());
            }
            TemporalCast::Time(source, step) => {
                let span = read_span(source, cell)?;
                let length = span.length()?;
                // PostgreSQL's time has 24:00:00 as well.
                if !(0..=MICROSECONDS_PER_DAY).contains(&length) {
                    return Err(Refusal::BeyondDay);
                }
                fits(step, span.microseconds)?;
                put_8(out, length.to_be_bytes());
            }
            TemporalCast::Interval(source, step) => {
                let span = read_span(source, cell)?;
                fits(step, span.microseconds)?;
                put_interval(out, span.length()?);
            }
        }
        Ok(())
    }
}

impl MomentType {
    fn read(self, cell: &Cell<'_>) -> Result<Moment, Refusal> {
        match self {
            MomentType::Year(range) => Ok(Moment {
                year: range.read(cell)? as u16,
                month: 1,
                day: 1,
                ..Moment::default()
            }),
            MomentType::Date => read_date(cell),
            MomentType::Stamp(step) => read_stamp(step, cell),
        }
    }
}

fn fits(step: Step, microsecond: u32) -> Encoded {
    step.check(microsecond).map_err(|_| Refusal::TooFine)
}
