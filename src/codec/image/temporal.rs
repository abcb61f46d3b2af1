//! Dates and times of the log: packed bits in big-endian bytes, the digits after the second behind
//! them. MariaDB's old forms, of tables made with `mysql56_temporal_format = OFF`, are numbers.
//!
//! ```text
//! date       = 3 bytes, little-endian: year 15 bits, month 4, day 5
//! datetime2  = 5 bytes: sign 1 bit, year * 13 + month 17, day 5, hour 5, minute 6, second 6
//! timestamp2 = 4 bytes: seconds since 1970 in UTC; 0: no time at all
//! time2      = 3 bytes: sign 1 bit, 1 not used, hour 10, minute 6, second 6
//! ```
//! A negative time is the two's complement of the whole, its fraction included.

use super::layout::{big_endian, little_endian};
use crate::model::cell::Cell;

type Value = Cell<'static>;

#[inline]
pub fn date(bytes: &[u8]) -> Option<Value> {
    let number = little_endian(bytes.first_chunk::<3>()?);
    Some(Cell::DateTime {
        year: (number >> 9) as u16,
        month: (number >> 5 & 15) as u8,
        day: (number & 31) as u8,
        hour: 0,
        minute: 0,
        second: 0,
        microsecond: 0,
    })
}

#[inline]
pub fn datetime2(bytes: &[u8]) -> Option<Value> {
    let (head, fraction) = bytes.split_first_chunk::<5>()?;
    let number = big_endian(head).checked_sub(1 << 39)?;
    Some(moment(number, microseconds(fraction)?))
}

/// A date and time in packed bits, without the sign.
#[inline]
pub fn moment(number: u64, microsecond: u32) -> Value {
    let months = number >> 22;
    Cell::DateTime {
        year: (months / 13) as u16,
        month: (months % 13) as u8,
        day: (number >> 17 & 31) as u8,
        hour: (number >> 12 & 31) as u8,
        minute: (number >> 6 & 63) as u8,
        second: (number & 63) as u8,
        microsecond,
    }
}

#[inline]
pub fn timestamp2(bytes: &[u8]) -> Option<Value> {
    let (head, fraction) = bytes.split_first_chunk::<4>()?;
    Some(instant(big_endian(head), microseconds(fraction)?))
}

#[inline]
pub fn time2(bytes: &[u8]) -> Option<Value> {
    let (head, fraction) = bytes.split_first_chunk::<3>()?;
    let fraction_bits = 8 * fraction.len() as u32;
    let number = match fraction {
        [] => big_endian(head),
        [_] | [_, _] | [_, _, _] => big_endian(head) << fraction_bits | big_endian(fraction),
        _ => return None,
    };
    let number = number as i64 - (1 << (fraction_bits + 23));
    let magnitude = number.unsigned_abs();
    let fraction = magnitude & !(u64::MAX << fraction_bits);
    let microsecond = scale(fraction, fraction_bits / 8)?;
    Some(span(number < 0, magnitude >> fraction_bits, microsecond))
}

/// A time in packed bits, without the sign.
#[inline]
pub fn span(negative: bool, number: u64, microseconds: u32) -> Value {
    let hours = number >> 12 & 0x3ff;
    Cell::Time {
        negative,
        days: (hours / 24) as u32,
        hours: (hours % 24) as u8,
        minutes: (number >> 6 & 63) as u8,
        seconds: (number & 63) as u8,
        microseconds,
    }
}

/// The digits after the second, two in a byte.
#[inline]
fn microseconds(fraction: &[u8]) -> Option<u32> {
    match *fraction {
        [] => Some(0),
        [a] => Some(u32::from(a) * 10_000),
        [a, b] => Some(u32::from(u16::from_be_bytes([a, b])) * 100),
        [a, b, c] => Some(u32::from_be_bytes([0, a, b, c])),
        _ => None,
    }
}

#[inline]
fn scale(fraction: u64, bytes: u32) -> Option<u32> {
    let factor = match bytes {
        0 => 0,
        1 => 10_000,
        2 => 100,
        3 => 1,
        _ => return None,
    };
    u32::try_from(fraction * factor).ok()
}

/// Seconds since 1970, in UTC.
#[inline]
fn instant(seconds: u64, microsecond: u32) -> Value {
    if seconds == 0 && microsecond == 0 {
        return moment(0, 0);
    }
    // Seconds have 32 bits, so the days are few.
    let (days, rest) = ((seconds / 86_400) as u32, (seconds % 86_400) as u32);
    // Counted from the first of March of year 0, so that a leap day ends its year.
    let days = days + 719_468;
    let century = (4 * days + 3) / 146_097;
    let in_century = days - 146_097 * century / 4;
    let year = (4 * in_century + 3) / 1_461;
    let in_year = in_century - 1_461 * year / 4;
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let after = u32::from(month >= 10);
    Cell::DateTime {
        year: (100 * century + year + after) as u16,
        month: (month + 3 - 12 * after) as u8,
        day: day as u8,
        hour: (rest / 3_600) as u8,
        minute: (rest / 60 % 60) as u8,
        second: (rest % 60) as u8,
        microsecond,
    }
}

/// How MariaDB's old types with digits after the second count: in parts of a second, big-endian.
fn old_fraction(fraction: u32) -> Option<(u64, u32)> {
    let parts = 10u64.checked_pow(fraction)?;
    let factor = 10u32.checked_pow(6u32.checked_sub(fraction)?)?;
    Some((parts, factor))
}

pub fn old_datetime(bytes: &[u8], fraction: u32) -> Option<Value> {
    if fraction == 0 {
        let number = little_endian(bytes);
        let [year, rest] = [number / 10_000_000_000, number % 10_000_000_000];
        return Some(Cell::DateTime {
            year: u16::try_from(year).ok()?,
            month: (rest / 100_000_000) as u8,
            day: (rest / 1_000_000 % 100) as u8,
            hour: (rest / 10_000 % 100) as u8,
            minute: (rest / 100 % 100) as u8,
            second: (rest % 100) as u8,
            microsecond: 0,
        });
    }
    let (parts, factor) = old_fraction(fraction)?;
    let number = big_endian(bytes);
    let (seconds, part) = (number / parts, number % parts);
    let (minutes, second) = (seconds / 60, seconds % 60);
    let (hours, minute) = (minutes / 60, minutes % 60);
    let (days, hour) = (hours / 24, hours % 24);
    let (months, day) = (days / 32, days % 32);
    Some(Cell::DateTime {
        year: u16::try_from(months / 13).ok()?,
        month: (months % 13) as u8,
        day: day as u8,
        hour: hour as u8,
        minute: minute as u8,
        second: second as u8,
        microsecond: part as u32 * factor,
    })
}

pub fn old_timestamp(bytes: &[u8], fraction: u32) -> Option<Value> {
    if fraction == 0 {
        return Some(instant(little_endian(bytes) & 0xffff_ffff, 0));
    }
    let (parts, factor) = old_fraction(fraction)?;
    let (head, part) = bytes.split_at_checked(4)?;
    let part = big_endian(part);
    if part >= parts {
        return None;
    }
    Some(instant(big_endian(head), part as u32 * factor))
}

pub fn old_time(bytes: &[u8], fraction: u32) -> Option<Value> {
    /// The first second beyond the longest time is added to each value.
    const ZERO: u64 = 839 * 3_600;
    let (negative, seconds, microsecond) = if fraction == 0 {
        // hhmmss in 24 bits, the highest of them the sign.
        let number = (little_endian(bytes) << 40) as i64 >> 40;
        let digits = number.unsigned_abs();
        let (hour, minute, second) = (digits / 10_000, digits / 100 % 100, digits % 100);
        (number < 0, (hour * 60 + minute) * 60 + second, 0)
    } else {
        let (parts, factor) = old_fraction(fraction)?;
        let number = big_endian(bytes) as i64 - (ZERO * parts) as i64;
        let magnitude = number.unsigned_abs();
        let part = (magnitude % parts) as u32;
        (number < 0, magnitude / parts, part * factor)
    };
    let hours = seconds / 3_600;
    Some(Cell::Time {
        negative,
        days: u32::try_from(hours / 24).ok()?,
        hours: (hours % 24) as u8,
        minutes: (seconds / 60 % 60) as u8,
        seconds: (seconds % 60) as u8,
        microseconds: microsecond,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(date: [u32; 3], time: [u32; 3], microsecond: u32) -> Option<Value> {
        Some(Cell::DateTime {
            year: date[0] as u16,
            month: date[1] as u8,
            day: date[2] as u8,
            hour: time[0] as u8,
            minute: time[1] as u8,
            second: time[2] as u8,
            microsecond,
        })
    }

    fn time(text: &str, microseconds: u32) -> Option<Value> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let parts: Vec<u32> = text.split(':').map(|part| part.parse().unwrap()).collect();
        Some(Cell::Time {
            negative,
            days: parts[0] / 24,
            hours: (parts[0] % 24) as u8,
            minutes: parts[1] as u8,
            seconds: parts[2] as u8,
            microseconds,
        })
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let start = instant(86_399, 5);
        assert_eq!(Some(start), at([1970, 1, 1], [23, 59, 59], 5));
        for (seconds, date) in [
            (951_782_400, [2000, 2, 29]),
            (951_868_800, [2000, 3, 1]),
            (1_709_164_800, [2024, 2, 29]),
            (1_735_603_200, [2024, 12, 31]),
            (4_107_542_400, [2100, 3, 1]),
        ] {
            assert_eq!(Some(instant(seconds, 0)), at(date, [0, 0, 0], 0));
        }
        let last = instant(u32::MAX.into(), 999_999);
        assert_eq!(Some(last), at([2106, 2, 7], [6, 28, 15], 999_999));
        assert_eq!(Some(instant(0, 0)), at([0, 0, 0], [0, 0, 0], 0));
    }

    /// Each day follows the one before it.
    #[test]
    fn no_day_is_left_out() {
        let mut before = (1970, 1, 0);
        for day in 0..49_700 {
            let Cell::DateTime {
                year, month, day, ..
            } = instant(day * 86_400 + 1, 0)
            else {
                panic!("no date");
            };
            let next = match before {
                (year, month, last) if day == last + 1 => (year, month, day),
                (year, 12, 31) => (year + 1, 1, 1),
                (year, month, 28..) => (year, month + 1, 1),
                other => panic!("{other:?}"),
            };
            assert_eq!((year, month, day), next);
            before = next;
        }
    }

    #[test]
    fn a_negative_time_is_turned_as_a_whole() {
        assert_eq!(time2(&[0x7f, 0xff, 0xff]), time("-0:0:1", 0));
        assert_eq!(time2(&[0x7f, 0xff, 0xff, 0xe7]), time("-0:0:0", 250_000));
        assert_eq!(time2(&[0x7f, 0xff, 0xfe, 0xe7]), time("-0:0:1", 250_000));
        assert_eq!(time2(&[0x80, 0, 0, 0]), time("0:0:0", 0));
        assert_eq!(
            time2(&[0x80, 0x00, 0x01, 0xff, 0xff, 0xff]),
            time("0:0:1", 0xff_ffff)
        );
        assert_eq!(time2(&[0x80, 0]), None);
    }

    #[test]
    fn bytes_of_another_length_are_told() {
        assert_eq!(datetime2(&[0x80; 4]), None);
        assert_eq!(datetime2(&[0x80; 9]), None);
        assert_eq!(datetime2(&[0; 5]), None);
        assert_eq!(timestamp2(&[0; 3]), None);
        assert_eq!(old_time(&[0; 3], 7), None);
        assert_eq!(old_timestamp(&[0, 0, 0, 0, 0xff], 1), None);
    }
}
