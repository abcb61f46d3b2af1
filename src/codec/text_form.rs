//! A value in the source's own writing, the same for both protocols: numbers without the zeros of
//! ZEROFILL, floating point with as few digits as read back exactly, dates as they are, in the
//! calendar or not.

use super::calendar::Moment;
use super::float_text::{write_double, write_single};
use super::network::Inet;
use super::number::{Number, NumberType};
use super::refusal::{Encoded, Refusal};
use super::temporal::{Span, Step, read_date, read_span, read_stamp};
use super::uuid::{parse_uuid, write_uuid};
use crate::model::cell::Cell;
use crate::model::table::SourceType;

/// How the values of a type are written. Types that are text already have no such form.
#[derive(Debug, Clone, Copy)]
pub enum TextForm {
    /// With the digits after the point.
    Number(NumberType, usize),
    Date,
    /// With the digits after the seconds.
    Stamp(Step, usize),
    Time(Step, usize),
    Uuid,
    Inet(Inet),
}

impl TextForm {
    pub fn of(source: &SourceType) -> Option<Self> {
        let digits = |fraction: u32| Some((Step::new(fraction)?, usize::try_from(fraction).ok()?));
        match *source {
            // A string of bits, and nobody writes those as a number.
            SourceType::Bit { .. } => None,
            SourceType::Decimal { scale, .. } => Some(TextForm::Number(
                NumberType::of(source)?,
                usize::try_from(scale).ok()?,
            )),
            SourceType::Date => Some(TextForm::Date),
            SourceType::DateTime { fraction } | SourceType::Timestamp { fraction } => {
                digits(fraction).map(|(step, digits)| TextForm::Stamp(step, digits))
            }
            SourceType::Time { fraction } => {
                digits(fraction).map(|(step, digits)| TextForm::Time(step, digits))
            }
            SourceType::Uuid => Some(TextForm::Uuid),
            SourceType::Inet4 => Some(TextForm::Inet(Inet::V4)),
            SourceType::Inet6 => Some(TextForm::Inet(Inet::V6)),
            _ => NumberType::of(source).map(|number| TextForm::Number(number, 0)),
        }
    }

    /// Appends the text, without a length before it.
    pub fn write(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        match self {
            TextForm::Number(number, scale) => match number.read(cell)? {
                Number::Whole(value) => out.extend_from_slice(value.to_string().as_bytes()),
                Number::Single(value) => write_single(value, out),
                Number::Double(value) => write_double(value, out),
                Number::Decimal(digits) => {
                    if digits.negative {
                        out.push(b'-');
                    }
                    match digits.integer {
                        [] => out.push(b'0'),
                        integer => out.extend_from_slice(integer),
                    }
                    if scale > 0 {
                        out.push(b'.');
                        out.extend_from_slice(digits.fraction);
                        out.resize(
                            out.len() + scale.saturating_sub(digits.fraction.len()),
                            b'0',
                        );
                    }
                }
            },
            TextForm::Date => write_day(read_date(cell)?, out)?,
            TextForm::Stamp(step, digits) => {
                let moment = read_stamp(step, cell)?;
                moment.time_of_day()?;
                write_day(moment, out)?;
                let Moment {
                    hour,
                    minute,
                    second,
                    microsecond,
                    ..
                } = moment;
                let clock = format!(" {hour:02}:{minute:02}:{second:02}");
                write_clock(&clock, microsecond, digits, out);
            }
            TextForm::Time(step, digits) => {
                let span = read_span(step, cell)?;
                span.length()?;
                let Span {
                    negative,
                    hours,
                    minutes,
                    seconds,
                    microseconds,
                } = span;
                let sign = if negative { "-" } else { "" };
                let clock = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
                write_clock(&clock, microseconds, digits, out);
            }
            TextForm::Uuid => {
                let Cell::Bytes(text) = *cell else {
                    return Err(Refusal::WrongShape);
                };
                write_uuid(parse_uuid(text).ok_or(Refusal::Malformed)?, out);
            }
            TextForm::Inet(inet) => {
                let Cell::Bytes(text) = *cell else {
                    return Err(Refusal::WrongShape);
                };
                inet.read(text)?;
                out.extend_from_slice(text);
            }
        }
        Ok(())
    }
}

/// Zeros stand where the source has zeros.
fn write_day(moment: Moment, out: &mut Vec<u8>) -> Encoded {
    let Moment {
        year, month, day, ..
    } = moment;
    if year > 9999 || month > 12 || day > 31 {
        return Err(Refusal::NoSuchTime);
    }
    out.extend_from_slice(format!("{year:04}-{month:02}-{day:02}").as_bytes());
    Ok(())
}

fn write_clock(clock: &str, microseconds: u32, digits: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(clock.as_bytes());
    if digits > 0 {
        let fraction = format!(".{microseconds:06}");
        out.extend_from_slice(fraction.get(..=digits).unwrap_or(&fraction).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: SourceType, cell: Cell<'_>) -> Result<String, Refusal> {
        let mut out = Vec::new();
        TextForm::of(&source).unwrap().write(&cell, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn both_protocols_give_the_same_text() {
        let int = SourceType::Int { unsigned: true };
        let decimal = SourceType::Decimal {
            precision: 10,
            scale: 3,
        };
        let stamp = SourceType::Timestamp { fraction: 3 };
        let moment = Cell::DateTime {
            year: 2024,
            month: 0,
            day: 0,
            hour: 1,
            minute: 2,
            second: 3,
            microsecond: 40_000,
        };
        let date = Cell::DateTime {
            year: 0,
            month: 0,
            day: 0,
            hour: 0,
            minute: 0,
            second: 0,
            microsecond: 0,
        };
        let span = Cell::Time {
            negative: true,
            days: 34,
            hours: 22,
            minutes: 5,
            seconds: 9,
            microseconds: 0,
        };
        let time = SourceType::Time { fraction: 1 };
        let float = Cell::Bytes(b"0.10000000149011612");
        for (source, cell, written) in [
            (int, Cell::UInt(42), "42"),
            (SourceType::Year, Cell::UInt(1901), "1901"),
            (decimal, Cell::Bytes(b"-1.500"), "-1.500"),
            (SourceType::Double, Cell::Double(1e300), "1e300"),
            (SourceType::Float, Cell::Float(0.1), "0.1"),
            (SourceType::Float, float, "0.1"),
            (stamp, moment, "2024-00-00 01:02:03.040"),
            (SourceType::Date, date, "0000-00-00"),
            (time, span, "-838:05:09.0"),
            (SourceType::Inet6, Cell::Bytes(b"::1"), "::1"),
        ] {
            assert_eq!(text(source.clone(), cell).unwrap(), written);
            if !matches!(source, SourceType::Float) {
                let again = text(source, Cell::Bytes(written.as_bytes()));
                assert_eq!(again.unwrap(), written);
            }
        }
    }

    #[test]
    fn zeros_that_only_fill_are_not_written() {
        let int = SourceType::Int { unsigned: true };
        assert_eq!(text(int, Cell::Bytes(b"00042")).unwrap(), "42");
        let decimal = SourceType::Decimal {
            precision: 6,
            scale: 2,
        };
        assert_eq!(
            text(decimal.clone(), Cell::Bytes(b"0000.50")).unwrap(),
            "0.50"
        );
        assert_eq!(text(decimal, Cell::Bytes(b"0012")).unwrap(), "12.00");
    }

    #[test]
    fn what_the_type_does_not_hold_is_not_written() {
        let moment = Cell::DateTime {
            year: 2024,
            month: 13,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            microsecond: 0,
        };
        assert_eq!(text(SourceType::Date, moment), Err(Refusal::NoSuchTime));
        assert_eq!(
            text(SourceType::Uuid, Cell::Bytes(b"x")),
            Err(Refusal::Malformed)
        );
        assert!(TextForm::of(&SourceType::Text).is_none());
        assert!(TextForm::of(&SourceType::Bit { bits: 3 }).is_none());
    }
}
