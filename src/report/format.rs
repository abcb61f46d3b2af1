//! Numbers, sizes, durations and times as people read them.

/// `9,999`, `12.3 k`, `1.20 M`: three digits of what is large.
pub fn count(value: i64) -> String {
    if value.unsigned_abs() < 10_000 {
        return grouped(value);
    }
    scaled(value as f64, 1000.0, &["", "k", "M", "G", "T", "P", "E"])
}

/// All digits, in groups of three.
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::new();
    if value < 0 {
        out.push('−');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A rate or a mean: one digit after the point while it is small.
pub fn number(value: f64) -> String {
    let value = finite(value);
    if value.abs() < 10.0 {
        return trimmed(format!("{value:.1}"));
    }
    if value.abs() < 9_999.5 {
        return grouped(value.round() as i64);
    }
    scaled(value, 1000.0, &["", "k", "M", "G", "T", "P", "E"])
}

pub fn bytes(value: f64) -> String {
    let value = finite(value);
    if value.abs() < 1024.0 {
        return format!("{value:.0} B");
    }
    scaled(
        value,
        1024.0,
        &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"],
    )
}

fn scaled(value: f64, base: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or("");
    // What would be rounded up to four digits takes the next unit.
    while value.abs() >= base.min(999.5) {
        match units.next() {
            Some(next) => (value, unit) = (value / base, next),
            None => break,
        }
    }
    let digits = match value.abs() {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

/// `0.3 s`, `42 s`, `2 min 5 s`, `3 h 12 min`, `2 d 4 h`: two units at most.
pub fn duration(seconds: f64) -> String {
    let seconds = finite(seconds).max(0.0);
    if seconds < 9.95 {
        return format!("{} s", trimmed(format!("{seconds:.1}")));
    }
    let whole = seconds.round() as i64;
    let pair = |large: i64, large_unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => pair(whole / 60, "min", whole % 60, "s"),
        3600..86_400 => pair(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => pair(whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    }
}

/// One digit after the point, none where it is zero.
pub fn percent(value: f64) -> String {
    format!("{} %", trimmed(format!("{:.1}", finite(value))))
}

fn trimmed(text: String) -> String {
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Nothing that is no number gets onto the page.
pub fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// Times as they are shown: with the report's offset from UTC.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    pub utc_offset: i64,
}

impl Clock {
    /// `2026-11-21 16:20:11`
    pub fn moment(self, epoch: f64) -> String {
        let (day, second) = self.split(epoch);
        let (year, month, day) = civil(day);
        format!("{year:04}-{month:02}-{day:02} {}", time_of_day(second))
    }

    /// `11-21 16:20:11`, for lists whose year the page tells.
    pub fn short(self, epoch: f64) -> String {
        let (day, second) = self.split(epoch);
        let (_, month, day) = civil(day);
        format!("{month:02}-{day:02} {}", time_of_day(second))
    }

    /// `16:20`
    pub fn hour_and_minute(self, epoch: f64) -> String {
        let (_, second) = self.split(epoch);
        format!("{:02}:{:02}", second / 3600, second % 3600 / 60)
    }

    fn split(self, epoch: f64) -> (i64, i64) {
        let local = (finite(epoch).floor() as i64).saturating_add(self.utc_offset);
        (local.div_euclid(86_400), local.rem_euclid(86_400))
    }
}

fn time_of_day(second: i64) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second % 3600 / 60,
        second % 60
    )
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Years begin in
/// March here, so that the leap day is the last.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march = days.saturating_add(719_468);
    let era = from_march.div_euclid(146_097);
    let day_of_era = from_march.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_three_digits_or_all() {
        for (value, expected) in [
            (0, "0"),
            (9_999, "9,999"),
            (-1_234, "−1,234"),
            (10_000, "10.0 k"),
            (99_960, "100 k"),
            (999_600, "1.00 M"),
            (1_204_000, "1.20 M"),
            (i64::MAX, "9.22 E"),
        ] {
            assert_eq!(count(value), expected);
        }
        assert_eq!(grouped(1_125_000), "1,125,000");
    }

    #[test]
    fn sizes_rates_and_shares() {
        for (value, expected) in [
            (0.0, "0 B"),
            (1023.0, "1023 B"),
            (1024.0, "1.00 KiB"),
            (3.4 * 1024f64.powi(3), "3.40 GiB"),
            (1020.0 * 1024.0, "1.00 MiB"),
            (f64::NAN, "0 B"),
        ] {
            assert_eq!(bytes(value), expected);
        }
        assert_eq!(number(0.25), "0.2");
        assert_eq!(number(412.4), "412");
        assert_eq!(number(12_345.0), "12.3 k");
        assert_eq!(number(f64::INFINITY), "0");
        assert_eq!(percent(99.9), "99.9 %");
        assert_eq!(percent(100.0), "100 %");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (seconds, expected) in [
            (-1.0, "0 s"),
            (0.26, "0.3 s"),
            (9.96, "10 s"),
            (59.6, "1 min"),
            (125.0, "2 min 5 s"),
            (11_520.0, "3 h 12 min"),
            (187_200.0, "2 d 4 h"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn times_follow_the_offset_and_the_calendar() {
        let utc = Clock { utc_offset: 0 };
        assert_eq!(utc.moment(0.0), "1970-01-01 00:00:00");
        assert_eq!(utc.moment(951_782_399.9), "2000-02-28 23:59:59");
        assert_eq!(utc.moment(951_782_400.0), "2000-02-29 00:00:00");
        assert_eq!(utc.moment(-1.0), "1969-12-31 23:59:59");
        let east = Clock { utc_offset: 19_800 };
        assert_eq!(east.short(1_735_666_200.0), "12-31 23:00:00");
        assert_eq!(east.hour_and_minute(1_735_666_200.0), "23:00");
    }
}
