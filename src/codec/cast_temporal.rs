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

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(source: &SourceType, target: PgType, text: &str) -> Result<i64, Refusal> {
        let mut out = Vec::new();
        TemporalCast::new(source, target)
            .unwrap()
            .encode(&Cell::Bytes(text.as_bytes()), &mut out)?;
        let field = &out[4..];
        assert_eq!(out[..4], (field.len() as u32).to_be_bytes());
        Ok(match field.len() {
            4 => i32::from_be_bytes(field.try_into().unwrap()).into(),
            _ => i64::from_be_bytes(field[..8].try_into().unwrap()),
        })
    }

    const fn of(oid: u32, typmod: i32) -> PgType {
        PgType { oid, typmod }
    }

    const DATETIME: SourceType = SourceType::DateTime { fraction: 6 };
    const TIME: SourceType = SourceType::Time { fraction: 6 };

    #[test]
    fn a_zone_is_given_and_taken_away_as_utc() {
        let text = "2000-01-01 00:00:01.500000";
        let zoned = of(oid::TIMESTAMPTZ, -1);
        assert_eq!(encode(&DATETIME, zoned, text), Ok(1_500_000));
        let timestamp = SourceType::Timestamp { fraction: 6 };
        let plain = of(oid::TIMESTAMP, -1);
        assert_eq!(encode(&timestamp, plain, text), Ok(1_500_000));
        assert!(TemporalCast::new(&timestamp, of(oid::DATE, -1)).is_none());
    }

    #[test]
    fn what_the_target_is_too_coarse_for_is_refused() {
        let text = "2000-01-01 00:00:01.500000";
        for typmod in [0, 1] {
            let expected = [Err(Refusal::TooFine), Ok(1_500_000)][typmod as usize];
            for target in [of(oid::TIMESTAMP, typmod), of(oid::TIMESTAMPTZ, typmod)] {
                assert_eq!(encode(&DATETIME, target, text), expected);
            }
            let time = of(oid::TIME, typmod);
            assert_eq!(encode(&TIME, time, "00:00:01.500000"), expected);
            let interval = crate::codec::target::interval(typmod as u32);
            assert_eq!(encode(&TIME, interval, "00:00:01.500000"), expected);
        }
        let date = of(oid::DATE, -1);
        assert_eq!(encode(&DATETIME, date, text), Err(Refusal::NotMidnight));
        assert_eq!(encode(&DATETIME, date, "2000-01-02 00:00:00"), Ok(1));
    }

    #[test]
    fn dates_and_years_begin_at_midnight_and_on_the_first_of_january() {
        let day = 86_400_000_000;
        for target in [of(oid::TIMESTAMP, 0), of(oid::TIMESTAMPTZ, -1)] {
            assert_eq!(encode(&SourceType::Date, target, "2000-01-03"), Ok(2 * day));
        }
        let date = of(oid::DATE, -1);
        assert_eq!(encode(&SourceType::Year, date, "2001"), Ok(366));
        assert_eq!(
            encode(&SourceType::Year, date, "0000"),
            Err(Refusal::YearZero)
        );
    }

    #[test]
    fn a_time_of_day_has_a_day() {
        let time = of(oid::TIME, -1);
        assert_eq!(encode(&TIME, time, "00:00:00"), Ok(0));
        assert_eq!(encode(&TIME, time, "24:00:00"), Ok(MICROSECONDS_PER_DAY));
        for text in ["24:00:00.000001", "-00:00:00.000001", "838:59:59"] {
            assert_eq!(encode(&TIME, time, text), Err(Refusal::BeyondDay));
        }
    }

    #[test]
    fn a_date_that_is_none_is_seen_before_all_else() {
        for text in ["0000-00-00 10:00:00.5", "2024-00-01 00:00:00"] {
            for target in [of(oid::DATE, -1), of(oid::TIMESTAMPTZ, 0)] {
                assert_eq!(encode(&DATETIME, target, text), Err(Refusal::ZeroDate));
            }
        }
    }
}
