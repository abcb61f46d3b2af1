//! When schedules are due: by a table, and by a look at every minute with another calendar.

use super::cron::{Schedule, utc};

fn parse(text: &str) -> Schedule {
    Schedule::parse(text).unwrap_or_else(|error| panic!("{error}: {:?}", error.detail))
}

/// The detail of the error.
fn refused(text: &str) -> String {
    match Schedule::parse(text) {
        Ok(_) => panic!("{text:?} is taken"),
        Err(error) => {
            assert_eq!(error.sqlstate(), "22023");
            assert!(error.message.starts_with("invalid schedule: \""));
            assert!(error.hint.is_some());
            error.detail.unwrap_or_default()
        }
    }
}

/// Counts days one by one: nothing of the calendar that is tested.
#[derive(Clone)]
struct Clock {
    day: i64,
    year: i64,
    month: usize,
    date: i64,
}

impl Clock {
    fn new() -> Clock {
        Clock {
            day: 0,
            year: 1970,
            month: 1,
            date: 1,
        }
    }

    fn length(&self) -> i64 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        [
            31,
            if leap { 29 } else { 28 },
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ][self.month - 1]
    }

    fn advance(&mut self) {
        self.day += 1;
        self.date += 1;
        if self.date > self.length() {
            self.date = 1;
            self.month += 1;
        }
        if self.month > 12 {
            self.month = 1;
            self.year += 1;
        }
    }

    fn to(year: i64, month: usize, date: i64) -> Clock {
        let mut clock = Clock::new();
        while (clock.year, clock.month, clock.date) != (year, month, date) {
            clock.advance();
        }
        clock
    }
}

/// `2026-03-01 04:05` or with seconds.
fn at(text: &str) -> i64 {
    let (date, time) = text.split_once(' ').unwrap();
    let date: Vec<i64> = date.split('-').map(|part| part.parse().unwrap()).collect();
    let time: Vec<i64> = time.split(':').map(|part| part.parse().unwrap()).collect();
    let day = Clock::to(date[0], date[1] as usize, date[2]).day;
    ((day * 24 + time[0]) * 60 + time[1]) * 60 + time.get(2).unwrap_or(&0)
}

#[test]
fn the_next_time_is_that_of_vixie_cron() {
    // 2026-01-01 is a Thursday.
    for (schedule, from, next) in [
        ("* * * * *", "2026-01-01 00:00", "2026-01-01 00:01:00"),
        ("* * * * *", "2026-01-01 00:00:59", "2026-01-01 00:01:00"),
        ("* * * * *", "2026-12-31 23:59", "2027-01-01 00:00:00"),
        ("0 3 * * *", "2026-01-01 02:59:59", "2026-01-01 03:00:00"),
        ("0 3 * * *", "2026-01-01 03:00", "2026-01-02 03:00:00"),
        ("*/15 * * * *", "2026-01-01 10:46", "2026-01-01 11:00:00"),
        ("5-59/20 * * * *", "2026-01-01 10:26", "2026-01-01 10:45:00"),
        ("0,30 8-18 * * *", "2026-01-01 18:30", "2026-01-02 08:00:00"),
        (
            "7 8-18/5 * * mon-fri",
            "2026-01-02 18:07",
            "2026-01-05 08:07:00",
        ),
        ("0 0 31 * *", "2026-01-31 00:00", "2026-03-31 00:00:00"),
        ("0 0 29 2 *", "2026-01-01 00:00", "2028-02-29 00:00:00"),
        ("0 0 29 feb *", "2096-02-29 00:00", "2104-02-29 00:00:00"),
        ("0 0 1 JAN,Jul *", "2026-01-01 00:00", "2026-07-01 00:00:00"),
        ("0 0 * * 7", "2026-01-01 00:00", "2026-01-04 00:00:00"),
        ("0 0 * * 0", "2026-01-01 00:00", "2026-01-04 00:00:00"),
        ("0 0 * * Sun", "2026-01-01 00:00", "2026-01-04 00:00:00"),
        ("0 0 * * 6-7", "2026-01-01 00:00", "2026-01-03 00:00:00"),
        // Both days are restricted: one is enough.
        ("0 0 13 * 5", "2026-01-02 00:00", "2026-01-09 00:00:00"),
        ("0 0 13 * 5", "2026-01-09 00:00", "2026-01-13 00:00:00"),
        // A field that begins with * is no restriction, so both have to fit.
        ("0 0 */10 * 5", "2026-01-01 00:00", "2026-05-01 00:00:00"),
        ("0 0 13 * */2", "2026-01-01 00:00", "2026-01-13 00:00:00"),
        ("0 0 13 * */5", "2026-01-01 00:00", "2026-02-13 00:00:00"),
        ("0 0 *,5 * 5", "2026-01-02 00:00", "2026-01-09 00:00:00"),
        // One that only has it does restrict: it is all days, and one is enough.
        ("0 0 5,* * 5", "2026-01-02 00:00", "2026-01-03 00:00:00"),
        ("0 0 $ * *", "2026-02-01 00:00", "2026-02-28 00:00:00"),
        ("0 0 $ 2 *", "2028-02-28 00:00", "2028-02-29 00:00:00"),
        ("0 0 $ * 1", "2026-01-26 00:00", "2026-01-31 00:00:00"),
        ("@hourly", "2026-01-01 00:00", "2026-01-01 01:00:00"),
        ("@daily", "2026-01-01 00:00", "2026-01-02 00:00:00"),
        ("@midnight", "2026-01-01 00:00", "2026-01-02 00:00:00"),
        ("@weekly", "2026-01-01 00:00", "2026-01-04 00:00:00"),
        ("@monthly", "2026-01-01 00:00", "2026-02-01 00:00:00"),
        ("@yearly", "2026-01-01 00:00", "2027-01-01 00:00:00"),
        ("@annually", "2026-01-01 00:00", "2027-01-01 00:00:00"),
        ("10 seconds", "2026-01-01 00:00:55", "2026-01-01 00:01:05"),
        (" 1 SECOND ", "2026-01-01 00:00:55", "2026-01-01 00:00:56"),
        (
            "\t0  3\t* * * ",
            "2026-01-01 02:59:59",
            "2026-01-01 03:00:00",
        ),
    ] {
        let found = parse(schedule).next_after(at(from)).map(utc);
        assert_eq!(found, Some(format!("{next} UTC")), "{schedule} from {from}");
    }
}

#[test]
fn pg_cron_is_given_what_each_version_understands() {
    assert_eq!(parse("@yearly").for_pg_cron(), "0 0 1 1 *");
    assert_eq!(parse(" 0 3 * * mon ").for_pg_cron(), "0 3 * * mon");
    assert_eq!(parse("10 seconds").for_pg_cron(), "10 seconds");
}

#[test]
fn what_is_not_a_schedule_is_refused_with_its_field() {
    for (text, detail) in [
        ("", "it has 0 fields, not 5"),
        ("0 3 * *", "it has 4 fields, not 5"),
        ("0 0 3 * * *", "it has 6 fields, not 5"),
        ("every day", "it has 2 fields, not 5"),
        ("60 * * * *", "minute: \"60\" is not one of 0 to 59"),
        ("-1 * * * *", "minute: \"\" is not one of 0 to 59"),
        ("+1 * * * *", "minute: \"+1\" is not one of 0 to 59"),
        ("1x * * * *", "minute: \"1x\" is not one of 0 to 59"),
        (
            "99999999999 * * * *",
            "minute: \"99999999999\" is not one of 0 to 59",
        ),
        ("1,,2 * * * *", "minute: \"\" is not one of 0 to 59"),
        ("1-2-3 * * * *", "minute: \"2-3\" is not one of 0 to 59"),
        ("٣ * * * *", "minute: \"٣\" is not one of 0 to 59"),
        (
            "*/90 * * * *",
            "minute: the step \"90\" is not one of 1 to 59",
        ),
        (
            "*/0 * * * *",
            "minute: the step \"0\" is not one of 1 to 59",
        ),
        ("*/ * * * *", "minute: the step \"\" is not one of 1 to 59"),
        (
            "*/2/2 * * * *",
            "minute: the step \"2/2\" is not one of 1 to 59",
        ),
        (
            "5/20 * * * *",
            "minute: \"5/20\" has a step but no range, such as 5-59",
        ),
        ("50-10 * * * *", "minute: \"50-10\" runs backwards"),
        ("*5 * * * *", "minute: \"*5\" is not one of 0 to 59"),
        ("0 24 * * *", "hour: \"24\" is not one of 0 to 23"),
        ("0 0 0 * *", "day of month: \"0\" is not one of 1 to 31"),
        ("0 0 L * *", "day of month: \"L\" is not one of 1 to 31"),
        ("0 0 $,1 * *", "day of month: \"$\" is not one of 1 to 31"),
        ("0 0 1 13 *", "month: \"13\" is not one of 1 to 12"),
        (
            "0 0 1 January *",
            "month: \"January\" is not one of 1 to 12",
        ),
        ("0 0 * * 8", "day of week: \"8\" is not one of 0 to 7"),
        ("0 0 * * sat-sun", "day of week: \"sat-sun\" runs backwards"),
        (
            "0 0 * * mon#1",
            "day of week: \"mon#1\" is not one of 0 to 7",
        ),
        ("0 0 30 2 *", "no such day ever comes"),
        ("0 0 31 4,6,9,11 *", "no such day ever comes"),
        ("0 seconds", "a schedule in seconds is of 1 to 59"),
        ("60 seconds", "a schedule in seconds is of 1 to 59"),
        ("-5 seconds", "a schedule in seconds is of 1 to 59"),
        ("seconds", "a schedule in seconds is of 1 to 59"),
    ] {
        assert_eq!(refused(text), detail, "{text}");
    }
    for text in ["@reboot", "@restart", "@Daily", "@", "@daily 5", "@@daily"] {
        assert!(refused(text).starts_with('@'), "{text}");
    }
    assert!(refused("@reboot").contains("by themselves"));
    for text in [
        "* * * * *\n",
        "* *\n* * *",
        "*\0 * * * *",
        "０ 3 * * *",
        "\u{a0}",
    ] {
        refused(text);
    }
    let long = "1,".repeat(5000);
    assert_eq!(refused(&long), "it is longer than 999 bytes");
    let message = Schedule::parse(&"é".repeat(1000)).unwrap_err().message;
    assert!(message.chars().count() < 80, "{message}");
}

#[test]
fn a_rare_day_is_found_and_no_time_overflows() {
    // A 29 February that is a Sunday, across the year 2100 that has none.
    let rare = parse("0 0 29 2 */7");
    assert_eq!(
        rare.next_after(at("2088-03-01 00:00")).map(utc).as_deref(),
        Some("2128-02-29 00:00:00 UTC")
    );
    for schedule in ["* * * * *", "0 0 29 2 *", "5 seconds"] {
        let schedule = parse(schedule);
        for time in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
            assert_eq!(schedule.next_after(time), None);
        }
        for time in [-10_000_000_000_000, -1, 0, 10_000_000_000_000] {
            assert!(schedule.next_after(time).is_some_and(|next| next > time));
        }
    }
    assert_eq!(utc(-1), "1969-12-31 23:59:59 UTC");
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// A field and the values it names.
    fn field(&mut self, low: u64, high: u64) -> (String, Vec<u64>) {
        let mut values = Vec::new();
        let mut parts = Vec::new();
        for _ in 0..=self.below(3) {
            let first = low + self.below(high - low + 1);
            let last = first + self.below(high - first + 1);
            let step = 1 + self.below(9.min(high));
            let (text, range): (String, Vec<u64>) = match self.below(6) {
                0 => ("*".into(), (low..=high).collect()),
                1 => (
                    format!("*/{step}"),
                    (low..=high).step_by(step as usize).collect(),
                ),
                2 => (format!("{first}-{last}"), (first..=last).collect()),
                3 => (
                    format!("{first}-{last}/{step}"),
                    (first..=last).step_by(step as usize).collect(),
                ),
                _ => (first.to_string(), vec![first]),
            };
            parts.push(text);
            values.extend(range);
        }
        (parts.join(","), values)
    }
}

#[test]
fn no_minute_is_missed_and_none_is_added() {
    let mut dice = Dice(7);
    let mut found = 0;
    let begin = Clock::to(2027, 12, 1);
    for _ in 0..60 {
        let (minute, minutes) = dice.field(0, 59);
        let (hour, hours) = dice.field(0, 23);
        let (day, days) = dice.field(1, 31);
        let (month, months) = dice.field(1, 12);
        let (weekday, weekdays) = dice.field(0, 7);
        let text = format!("{minute} {hour} {day} {month} {weekday}");
        let Ok(schedule) = Schedule::parse(&text) else {
            assert_eq!(refused(&text), "no such day ever comes");
            continue;
        };
        let either = !day.starts_with('*') && !weekday.starts_with('*');
        let mut clock = begin.clone();
        let mut next = schedule.next_after(clock.day * 86_400 - 1);
        for _ in 0..60 {
            let is_day = days.contains(&(clock.date as u64));
            // 1970 began on a Thursday.
            let number = ((clock.day + 4) % 7) as u64;
            let is_weekday = weekdays.contains(&number) || number == 0 && weekdays.contains(&7);
            let is_due = months.contains(&(clock.month as u64))
                && if either {
                    is_day || is_weekday
                } else {
                    is_day && is_weekday
                };
            for minute in 0..24 * 60 {
                if is_due && hours.contains(&(minute / 60)) && minutes.contains(&(minute % 60)) {
                    let time = (clock.day * 1440 + minute as i64) * 60;
                    assert_eq!(next, Some(time), "{text}");
                    next = schedule.next_after(time);
                    found += 1;
                }
            }
            clock.advance();
        }
        let end = clock.day * 86_400;
        assert!(next.is_some_and(|next| next >= end), "{text}");
    }
    assert!(found > 10_000, "{found}");
}
