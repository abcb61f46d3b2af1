//! Schedules as pg_cron reads them, and when they are due next.
//!
//! pg_cron has its parser and its rules from Vixie's cron. The libraries for Rust speak other
//! dialects: they take `L`, `W`, `#` or a field of seconds, which pg_cron refuses, and for them `*/2`
//! restricts a day's field, which for Vixie begins with `*` and does not. So this is our own. It is
//! stricter than pg_cron only where that drops what it does not understand: a sixth field, letters
//! after a number, a range that runs backwards, a day that never comes.

use crate::error::{Error, Kind, Result};

/// pg_cron's buffer, with the NUL at its end.
const LONGEST: usize = 999;

const MINUTE: i64 = 60;
const MINUTES_OF_A_DAY: i64 = 24 * 60;

/// A 29 February on a given day of the week comes after forty years at the latest.
const DAYS_AHEAD: i64 = 41 * 366;

/// In seconds since 1970, beyond any time that PostgreSQL has.
const FARTHEST: u64 = 10_000_000_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    due: Due,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Due {
    Seconds(i64),
    At(Fields),
}

/// One bit for each value that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    last_day: bool,
    months: u64,
    weekdays: u64,
    /// A day has to fit both its fields, because one of them begins with `*`; else one is enough.
    both: bool,
}

impl Schedule {
    pub fn parse(text: &str) -> Result<Schedule> {
        let text = text.trim_matches([' ', '\t']);
        if text.len() > LONGEST {
            let begin: String = text.chars().take(40).collect();
            let detail = format!("it is longer than {LONGEST} bytes");
            return Err(invalid(&format!("{begin}…"), detail));
        }
        let schedule = read(text).map_err(|detail| invalid(text, detail))?;
        match schedule.next_after(0) {
            Some(_) => Ok(schedule),
            None => Err(invalid(text, "no such day ever comes".into())),
        }
    }

    /// As any version of pg_cron understands it: versions since 1.5 never start `@yearly`.
    pub fn for_pg_cron(&self) -> &str {
        &self.text
    }

    /// The first time it is due after `time`, both in seconds since 1970; UTC, as pg_cron has it. A
    /// schedule in seconds counts from its last start, so it is the latest time for that.
    pub fn next_after(&self, time: i64) -> Option<i64> {
        if time.unsigned_abs() > FARTHEST {
            return None;
        }
        let fields = match &self.due {
            Due::Seconds(seconds) => return Some(time + seconds),
            Due::At(fields) => fields,
        };
        let earliest = time.div_euclid(MINUTE) + 1;
        let today = earliest.div_euclid(MINUTES_OF_A_DAY);
        (today..=today + DAYS_AHEAD).find_map(|day| {
            let begin = day * MINUTES_OF_A_DAY;
            let minute = fields
                .has_day(day)
                .then(|| fields.minute_of_day(earliest.max(begin) - begin))??;
            Some((begin + minute) * MINUTE)
        })
    }
}

/// `2026-03-01 04:05:00 UTC`
pub fn utc(time: i64) -> String {
    let day = time.div_euclid(MINUTES_OF_A_DAY * MINUTE);
    let second = time.rem_euclid(MINUTES_OF_A_DAY * MINUTE);
    let date = Date::of(day);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        date.year,
        date.month,
        date.day,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn invalid(text: &str, detail: String) -> Error {
    Error::new(
        Kind::InvalidParameter,
        format!("invalid schedule: \"{text}\""),
    )
    .with_detail(detail)
    .with_hint(
        "minute, hour, day of month, month and day of week in UTC: '0 3 * * *' is each night at 3, \
         '*/15 8-18 * * mon-fri' each quarter of an hour in office hours",
    )
}

fn read(text: &str) -> Result<Schedule, String> {
    if let Some(name) = text.strip_prefix('@') {
        return named(name);
    }
    if let Some(seconds) = seconds(text) {
        return Ok(Schedule {
            due: Due::Seconds(seconds?),
            text: text.to_owned(),
        });
    }
    Ok(Schedule {
        due: Due::At(fields(text)?),
        text: text.to_owned(),
    })
}

fn named(name: &str) -> Result<Schedule, String> {
    let text = match name {
        "hourly" => "0 * * * *",
        "daily" | "midnight" => "0 0 * * *",
        "weekly" => "0 0 * * 0",
        "monthly" => "0 0 1 * *",
        "yearly" | "annually" => "0 0 1 1 *",
        "reboot" | "restart" => {
            return Err(format!(
                "@{name} is no time; runs go on by themselves after a restart where \
                 shared_preload_libraries has pg_tributary"
            ));
        }
        _ => {
            return Err(format!(
                "@{name} is not known; there are @hourly, @daily, @midnight, @weekly, @monthly, \
                 @yearly and @annually"
            ));
        }
    };
    read(text)
}

/// `10 seconds`, if it is of that form.
fn seconds(text: &str) -> Option<Result<i64, String>> {
    let lower = text.to_ascii_lowercase();
    let count = lower
        .strip_suffix("seconds")
        .or_else(|| lower.strip_suffix("second"))?
        .trim_end();
    Some(match count.parse() {
        Ok(seconds @ 1..=59) => Ok(seconds),
        _ => Err("a schedule in seconds is of 1 to 59".into()),
    })
}

fn fields(text: &str) -> Result<Fields, String> {
    let parts: Vec<&str> = text
        .split([' ', '\t'])
        .filter(|part| !part.is_empty())
        .collect();
    let [minute, hour, day, month, weekday] = parts.as_slice() else {
        return Err(format!("it has {} fields, not 5", parts.len()));
    };
    let weekdays = WEEKDAY.read(weekday)?;
    let last_day = *day == "$";
    Ok(Fields {
        minutes: MINUTE_FIELD.read(minute)?,
        hours: HOUR.read(hour)?,
        days: if last_day { 0 } else { DAY.read(day)? },
        last_day,
        months: MONTH.read(month)?,
        // Sunday is 0 and 7.
        weekdays: weekdays | weekdays >> 7 & 1,
        both: day.starts_with('*') || weekday.starts_with('*'),
    })
}

impl Fields {
    /// `day`: days since 1970.
    fn has_day(&self, day: i64) -> bool {
        let date = Date::of(day);
        if !has(self.months, date.month) {
            return false;
        }
        let weekday = has(self.weekdays, (day + 4).rem_euclid(7));
        let day = has(self.days, date.day) || self.last_day && Date::of(day + 1).day == 1;
        match self.both {
            true => day && weekday,
            false => day || weekday,
        }
    }

    /// The first minute of a day that is due, from `earliest` on.
    fn minute_of_day(&self, earliest: i64) -> Option<i64> {
        (earliest / 60..24)
            .filter(|hour| has(self.hours, *hour))
            .find_map(|hour| {
                let minute = (earliest - hour * 60).max(0);
                let rest = self.minutes >> minute << minute;
                (rest != 0).then(|| hour * 60 + i64::from(rest.trailing_zeros()))
            })
    }
}

fn has(bits: u64, value: i64) -> bool {
    bits >> value & 1 == 1
}

/// What one of the five may hold.
struct Field {
    name: &'static str,
    low: u8,
    high: u8,
    /// For values from `low` on.
    names: &'static [&'static str],
}

const MINUTE_FIELD: Field = Field {
    name: "minute",
    low: 0,
    high: 59,
    names: &[],
};
const HOUR: Field = Field {
    name: "hour",
    low: 0,
    high: 23,
    names: &[],
};
const DAY: Field = Field {
    name: "day of month",
    low: 1,
    high: 31,
    names: &[],
};
const MONTH: Field = Field {
    name: "month",
    low: 1,
    high: 12,
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
const WEEKDAY: Field = Field {
    name: "day of week",
    low: 0,
    high: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl Field {
    fn read(&self, text: &str) -> Result<u64, String> {
        text.split(',')
            .try_fold(0, |bits, range| Ok(bits | self.range(range)?))
    }

    fn range(&self, text: &str) -> Result<u64, String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (text, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.low, self.high),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            None if step.is_some() => {
                let (name, high) = (self.name, self.high);
                return Err(format!(
                    "{name}: \"{text}\" has a step but no range, such as {range}-{high}"
                ));
            }
            None => (self.value(range)?, self.value(range)?),
        };
        if first > last {
            return Err(format!("{}: \"{text}\" runs backwards", self.name));
        }
        Ok((first..=last)
            .step_by(step.unwrap_or(1))
            .fold(0, |bits, value| bits | 1 << value))
    }

    fn step(&self, text: &str) -> Result<usize, String> {
        match digits(text) {
            Some(step) if (1..=self.high).contains(&step) => Ok(step.into()),
            _ => Err(format!(
                "{}: the step \"{text}\" is not one of 1 to {}",
                self.name, self.high
            )),
        }
    }

    fn value(&self, text: &str) -> Result<u8, String> {
        let named = (self.low..)
            .zip(self.names)
            .find(|(_, name)| name.eq_ignore_ascii_case(text));
        match named.map(|(value, _)| value).or_else(|| digits(text)) {
            Some(value) if (self.low..=self.high).contains(&value) => Ok(value),
            _ => Err(format!(
                "{}: \"{text}\" is not one of {} to {}",
                self.name, self.low, self.high
            )),
        }
    }
}

/// A number without a sign.
fn digits(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// Of the Gregorian calendar, also before it began.
struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// `day`: days since 1970. Years are counted from March, so that a leap day is the last one.
    fn of(day: i64) -> Date {
        const CYCLE: i64 = 146_097;
        let from_march_of_0 = day + 719_468;
        let day_of_cycle = from_march_of_0.rem_euclid(CYCLE);
        let year = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524
            - day_of_cycle / 146_096)
            / 365;
        let day_of_year = day_of_cycle - (365 * year + year / 4 - year / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = (month_from_march + 2) % 12 + 1;
        Date {
            year: from_march_of_0.div_euclid(CYCLE) * 400 + year + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        }
    }
}
