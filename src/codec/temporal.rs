//! Dates, points in time and times of MySQL's kind, which are spans of up to 839 hours.
//!
//! PostgreSQL counts days and microseconds from 2000-01-01. What is finer than the column's
//! fractional digits would be rounded by the server, and is refused.

use super::calendar::Moment;
use super::refusal::{Encoded, Refusal};
use super::target::{interval_fraction, timestamp_fraction};
use super::temporal_text::{parse_date, parse_date_time, parse_time};
use super::wire::{put_4, put_8};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};

pub const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;
/// Longest time: 838:59:59.999999.
const MAX_TIME: u64 = (838 * 3600 + 59 * 60 + 59) * 1_000_000 + 999_999;

/// A time as the wire has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    pub negative: bool,
    pub hours: u64,
    pub minutes: u8,
    pub seconds: u8,
    pub microseconds: u32,
}

#[inline]
pub fn encode_date(cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
    put_4(out, read_date(cell)?.days()?.to_be_bytes());
    Ok(())
}

/// A `date`, in the calendar or not.
#[inline]
pub fn read_date(cell: &Cell<'_>) -> Result<Moment, Refusal> {
    let moment = match *cell {
        Cell::Bytes(text) => parse_date(text)?,
        _ => moment(cell)?,
    };
    if moment.time_of_day()? != 0 {
        return Err(Refusal::NoSuchTime);
    }
    Ok(moment)
}

/// `datetime` and `timestamp`. With or without time zone the bytes are the same: a timestamp's
/// cells are in UTC.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    step: Step,
}

impl Stamp {
    /// None where the target is not of type `wanted`, or has fewer fractional digits.
    pub fn new(fraction: u32, target: PgType, wanted: u32) -> Option<Self> {
        let holds = target.oid == wanted && timestamp_fraction(target.typmod) >= fraction;
        holds.then_some(Stamp {
            step: Step::new(fraction)?,
        })
    }

    #[inline]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        put_stamp(out, read_stamp(self.step, cell)?)
    }
}

/// A `datetime` or `timestamp` of that step, in the calendar or not.
#[inline]
pub fn read_stamp(step: Step, cell: &Cell<'_>) -> Result<Moment, Refusal> {
    let moment = match *cell {
        Cell::Bytes(text) => parse_date_time(text)?,
        _ => moment(cell)?,
    };
    step.check(moment.microsecond)?;
    Ok(moment)
}

#[inline]
pub fn put_stamp(out: &mut Vec<u8>, moment: Moment) -> Encoded {
    let time = moment.time_of_day()?;
    let days = i64::from(moment.days()?);
    put_8(out, (days * MICROSECONDS_PER_DAY + time).to_be_bytes());
    Ok(())
}

/// `time`, to an interval of microseconds only: 838 hours stay 838 hours.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    step: Step,
}

impl Time {
    pub fn new(fraction: u32, target: PgType) -> Option<Self> {
        let holds = target.oid == oid::INTERVAL && interval_fraction(target.typmod)? >= fraction;
        holds.then_some(Time {
            step: Step::new(fraction)?,
        })
    }

    #[inline]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        put_interval(out, read_span(self.step, cell)?.length()?);
        Ok(())
    }
}

/// A `time` of that step.
#[inline]
pub fn read_span(step: Step, cell: &Cell<'_>) -> Result<Span, Refusal> {
    let span = match *cell {
        Cell::Time {
            negative,
            days,
            hours,
            minutes,
            seconds,
            microseconds,
        } => Span {
            negative,
            hours: u64::from(days) * 24 + u64::from(hours),
            minutes,
            seconds,
            microseconds,
        },
        Cell::Bytes(text) => parse_time(text)?,
        _ => return Err(Refusal::WrongShape),
    };
    step.check(span.microseconds)?;
    Ok(span)
}

impl Span {
    /// In microseconds.
    #[inline]
    pub fn length(self) -> Result<i64, Refusal> {
        if self.hours > 838 || self.minutes > 59 || self.seconds > 59 || self.microseconds > 999_999
        {
            return Err(Refusal::NoSuchTime);
        }
        let seconds = self.hours * 3600 + u64::from(self.minutes) * 60 + u64::from(self.seconds);
        let magnitude = seconds * 1_000_000 + u64::from(self.microseconds);
        if magnitude > MAX_TIME {
            return Err(Refusal::NoSuchTime);
        }
        Ok(if self.negative {
            -(magnitude as i64)
        } else {
            magnitude as i64
        })
    }
}

/// Length, microseconds, days, months.
#[inline]
pub fn put_interval(out: &mut Vec<u8>, microseconds: i64) {
    out.extend_from_slice(&16u32.to_be_bytes());
    out.extend_from_slice(&(u128::from(microseconds as u64) << 64).to_be_bytes());
}

/// The smallest difference between two values of a column, in microseconds. What is finer than the
/// column the target would round away.
#[derive(Debug, Clone, Copy)]
pub struct Step(u32);

impl Step {
    pub fn new(fraction: u32) -> Option<Self> {
        [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1]
            .get(usize::try_from(fraction).ok()?)
            .map(|&step| Step(step))
    }

    #[inline]
    pub fn check(self, microsecond: u32) -> Encoded {
        if microsecond != 0 && microsecond.checked_rem(self.0) != Some(0) {
            return Err(Refusal::NoSuchTime);
        }
        Ok(())
    }
}

#[inline]
fn moment(cell: &Cell<'_>) -> Result<Moment, Refusal> {
    match *cell {
        Cell::DateTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            microsecond,
        } => Ok(Moment {
            year,
            month,
            day,
            hour,
            minute,
            second,
            microsecond,
        }),
        _ => Err(Refusal::WrongShape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::target::interval;

    fn date(year: u16, month: u8, day: u8) -> Cell<'static> {
        Cell::DateTime {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            microsecond: 0,
        }
    }

    fn encoded_date(cell: Cell<'_>) -> Result<i32, Refusal> {
        let mut out = Vec::new();
        encode_date(&cell, &mut out)?;
        assert_eq!(out[..4], [0, 0, 0, 4]);
        Ok(i32::from_be_bytes(out[4..].try_into().unwrap()))
    }

    fn encoded_stamp(fraction: u32, cell: Cell<'_>) -> Result<i64, Refusal> {
        let mut out = Vec::new();
        let target = PgType {
            oid: oid::TIMESTAMP,
            typmod: fraction as i32,
        };
        Stamp::new(fraction, target, oid::TIMESTAMP)
            .unwrap()
            .encode(&cell, &mut out)?;
        assert_eq!(out[..4], [0, 0, 0, 8]);
        Ok(i64::from_be_bytes(out[4..].try_into().unwrap()))
    }

    fn encoded_time(fraction: u32, cell: Cell<'_>) -> Result<i64, Refusal> {
        let mut out = Vec::new();
        Time::new(fraction, interval(fraction))
            .unwrap()
            .encode(&cell, &mut out)?;
        assert_eq!(out[..4], [0, 0, 0, 16]);
        assert_eq!(out[12..], [0; 8]);
        Ok(i64::from_be_bytes(out[4..12].try_into().unwrap()))
    }

    /// The numbers are PostgreSQL's: `SELECT date '...' - date '2000-01-01'`.
    #[test]
    fn dates_count_from_2000() {
        for ((year, month, day), expected) in [
            ((2000, 1, 1), 0),
            ((1999, 12, 31), -1),
            ((2000, 2, 29), 59),
            ((2000, 3, 1), 60),
            ((2024, 2, 29), 8825),
            ((1900, 3, 1), -36_465),
            ((1970, 1, 1), -10_957),
            ((1, 1, 1), -730_119),
            ((9999, 12, 31), 2_921_939),
        ] {
            assert_eq!(encoded_date(date(year, month, day)), Ok(expected));
            let text = format!("{year:04}-{month:02}-{day:02}");
            assert_eq!(encoded_date(Cell::Bytes(text.as_bytes())), Ok(expected));
        }
    }

    #[test]
    fn dates_outside_the_calendar_are_refused() {
        assert_eq!(encoded_date(date(0, 0, 0)), Err(Refusal::ZeroDate));
        assert_eq!(encoded_date(date(2024, 0, 5)), Err(Refusal::ZeroDate));
        assert_eq!(encoded_date(date(2024, 5, 0)), Err(Refusal::ZeroDate));
        assert_eq!(encoded_date(date(0, 1, 1)), Err(Refusal::YearZero));
        assert_eq!(encoded_date(date(2023, 2, 29)), Err(Refusal::NoSuchDay));
        assert_eq!(encoded_date(date(1900, 2, 29)), Err(Refusal::NoSuchDay));
        assert_eq!(encoded_date(date(2024, 13, 1)), Err(Refusal::NoSuchTime));
        assert_eq!(encoded_date(date(10_000, 1, 1)), Err(Refusal::NoSuchTime));
        assert_eq!(
            encoded_date(Cell::Bytes(b"0000-00-00")),
            Err(Refusal::ZeroDate)
        );
        let zero = Cell::Bytes(b"0000-00-00 00:00:00");
        assert_eq!(encoded_stamp(0, zero), Err(Refusal::ZeroDate));
        let noon = Cell::DateTime {
            year: 2024,
            month: 1,
            day: 1,
            hour: 12,
            minute: 0,
            second: 0,
            microsecond: 0,
        };
        assert_eq!(encoded_date(noon), Err(Refusal::NoSuchTime));
        assert_eq!(encoded_date(Cell::Int(20240101)), Err(Refusal::WrongShape));
    }

    #[test]
    fn timestamps_count_microseconds_from_2000() {
        let moment = |hour, minute, second, microsecond| Cell::DateTime {
            year: 1999,
            month: 12,
            day: 31,
            hour,
            minute,
            second,
            microsecond,
        };
        assert_eq!(encoded_stamp(6, moment(23, 59, 59, 999_999)), Ok(-1));
        assert_eq!(
            encoded_stamp(0, moment(0, 0, 0, 0)),
            Ok(-MICROSECONDS_PER_DAY)
        );
        let text = Cell::Bytes(b"9999-12-31 23:59:59.999999");
        assert_eq!(encoded_stamp(6, text), Ok(252_455_615_999_999_999));
        assert_eq!(
            encoded_stamp(6, moment(24, 0, 0, 0)),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(
            encoded_stamp(6, moment(0, 60, 0, 0)),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(
            encoded_stamp(6, moment(0, 0, 60, 0)),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(
            encoded_stamp(6, moment(0, 0, 0, 1_000_000)),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(
            encoded_stamp(0, moment(0, 0, 0, 1_000_000)),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(
            encoded_stamp(3, moment(0, 0, 0, 1_000)),
            Ok(1_000 - MICROSECONDS_PER_DAY)
        );
        assert_eq!(
            encoded_stamp(3, moment(0, 0, 0, 1_001)),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(encoded_stamp(0, Cell::Null), Err(Refusal::WrongShape));
    }

    #[test]
    fn times_are_microseconds_without_days() {
        let time = |negative, days, hours, microseconds| Cell::Time {
            negative,
            days,
            hours,
            minutes: 59,
            seconds: 59,
            microseconds,
        };
        let max = MAX_TIME as i64;
        assert_eq!(encoded_time(6, time(false, 34, 22, 999_999)), Ok(max));
        assert_eq!(encoded_time(6, time(true, 34, 22, 999_999)), Ok(-max));
        assert_eq!(
            encoded_time(6, time(false, 34, 23, 0)),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(
            encoded_time(6, time(true, u32::MAX, 255, 0)),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(
            encoded_time(2, time(false, 0, 0, 1)),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(
            encoded_time(2, Cell::Bytes(b"-838:59:59.99")),
            Ok(-max + 9_999)
        );
        assert_eq!(encoded_time(0, Cell::Bytes(b"-00:00:01")), Ok(-1_000_000));
        assert_eq!(
            encoded_time(0, Cell::Bytes(b"839:00:00")),
            Err(Refusal::NoSuchTime)
        );
        assert_eq!(encoded_time(0, date(2024, 1, 1)), Err(Refusal::WrongShape));
    }

    #[test]
    fn targets_with_fewer_digits_are_not_taken() {
        let stamp = |typmod| PgType {
            oid: oid::TIMESTAMP,
            typmod,
        };
        assert!(Stamp::new(3, stamp(-1), oid::TIMESTAMP).is_some());
        assert!(Stamp::new(3, stamp(6), oid::TIMESTAMP).is_some());
        assert!(Stamp::new(3, stamp(2), oid::TIMESTAMP).is_none());
        assert!(Stamp::new(3, stamp(3), oid::TIMESTAMPTZ).is_none());
        assert!(Stamp::new(7, stamp(-1), oid::TIMESTAMP).is_none());
        assert!(Time::new(3, interval(2)).is_none());
        assert!(Time::new(3, PgType::plain(oid::INTERVAL)).is_some());
        assert!(Time::new(0, PgType::plain(oid::TIME)).is_none());
    }
}
