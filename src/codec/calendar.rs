//! The calendar: which dates there are, and how far they are from PostgreSQL's epoch, 2000-01-01.

use super::refusal::Refusal;

/// Days from 0001-01-01 to 2000-01-01, plus one for counting days of a month from 1.
const EPOCH: i32 = 730_120;

/// A date and a time of day as the wire has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub microsecond: u32,
}

impl Moment {
    /// Microseconds since midnight.
    #[inline]
    pub fn time_of_day(self) -> Result<i64, Refusal> {
        let Moment {
            hour,
            minute,
            second,
            microsecond,
            ..
        } = self;
        if hour > 23 || minute > 59 || second > 59 || microsecond > 999_999 {
            return Err(Refusal::NoSuchTime);
        }
        let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        Ok(seconds * 1_000_000 + i64::from(microsecond))
    }

    /// Days since 2000-01-01.
    #[inline]
    pub fn days(self) -> Result<i32, Refusal> {
        /// Days before each month in a year that is not a leap year.
        const BEFORE: [u16; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
        let Moment {
            year, month, day, ..
        } = self;
        if month == 0 || day == 0 {
            return Err(Refusal::ZeroDate);
        }
        if year == 0 {
            return Err(Refusal::YearZero);
        }
        let month = usize::from(month);
        let (Some(&before), Some(&after), true) =
            (BEFORE.get(month - 1), BEFORE.get(month), year <= 9999)
        else {
            return Err(Refusal::NoSuchTime);
        };
        let year = u32::from(year);
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(25) || year.is_multiple_of(16));
        if u16::from(day) > after - before + u16::from(leap && month == 2) {
            return Err(Refusal::NoSuchDay);
        }
        let past = year - 1;
        let centuries = past / 100;
        let before_year = past * 365 + past / 4 - centuries + centuries / 4;
        let before_month = u32::from(before) + u32::from(leap && month > 2);
        Ok((before_year + before_month + u32::from(day)) as i32 - EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: u16, month: u8, day: u8) -> Moment {
        Moment {
            year,
            month,
            day,
            ..Moment::default()
        }
    }

    #[test]
    fn every_day_of_ten_thousand_years_follows_the_day_before() {
        let mut expected = -730_119;
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=31 {
                    match date(year, month, day).days() {
                        Ok(days) => {
                            assert_eq!(days, expected, "{year}-{month}-{day}");
                            expected += 1;
                        }
                        Err(refusal) => {
                            assert_eq!(refusal, Refusal::NoSuchDay);
                            assert!(day > 28);
                        }
                    }
                }
            }
        }
        assert_eq!(expected, 2_921_940);
    }
}
