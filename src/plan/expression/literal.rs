//! Constants: what the source writes, checked and written for PostgreSQL.

use super::super::identifier::literal;

/// A number without needless zeros in front; None for what is no number.
pub(in crate::plan) fn number(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !plain || !digits.parse::<f64>().is_ok_and(f64::is_finite) {
        return None;
    }
    let trimmed = digits.trim_start_matches('0');
    let digits = match trimmed.starts_with(|c: char| c.is_ascii_digit()) {
        true => trimmed.to_string(),
        // 0, 0.5, 0e0
        false => format!("0{trimmed}"),
    };
    Some(format!("{sign}{digits}"))
}

/// The digits of `b'101'`.
pub(in crate::plan) fn bits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("b'")?.strip_suffix('\'')?;
    (digits.len() <= 64 && digits.bytes().all(|byte| matches!(byte, b'0' | b'1'))).then_some(digits)
}

/// The hexadecimal digits of `0x4142`, two for each byte.
pub(in crate::plan) fn bytes(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("0x")?;
    let whole = digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    whole.then_some(digits)
}

/// Bytes as PostgreSQL writes them.
pub(in crate::plan) fn bytea(digits: &str) -> String {
    format!(
        "{}::bytea",
        literal(&format!("\\x{}", digits.to_lowercase()))
    )
}

/// `YYYY-MM-DD` of a day that there is.
pub(in crate::plan) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let dashes = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    let part = |range| text.get(range).and_then(digits);
    match (part(0..4), part(5..7), part(8..10)) {
        (Some(year), Some(month), Some(day)) if dashes && bytes.len() == 10 => {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                1..=12 => 31,
                _ => 0,
            };
            year > 0 && (1..=last).contains(&day)
        }
        _ => false,
    }
}

/// `YYYY-MM-DD`, or that and `hh:mm:ss`, which may have a fraction.
pub(in crate::plan) fn is_moment(text: &str) -> bool {
    match text.split_once(' ') {
        None => is_date(text),
        Some((date, time)) => {
            is_date(date) && time.len() >= 8 && hours(time).is_some_and(|h| h < 24)
        }
    }
}

/// `hh:mm:ss`, which may have a sign, more hours than a day and a fraction.
pub(in crate::plan) fn is_duration(text: &str) -> bool {
    hours(text.strip_prefix('-').unwrap_or(text)).is_some_and(|hours| hours <= 838)
}

/// A date with a month or day of zero, or the year 0: no date to PostgreSQL.
pub(in crate::plan) fn is_zero_date(text: &str) -> bool {
    text.starts_with("0000-") || text.get(4..7) == Some("-00") || text.get(7..10) == Some("-00")
}

fn hours(time: &str) -> Option<u32> {
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = clock.split(':');
    let hours = parts
        .next()
        .filter(|h| (2..=3).contains(&h.len()))
        .and_then(digits)?;
    for _ in 0..2 {
        parts
            .next()
            .filter(|p| p.len() == 2)
            .and_then(digits)
            .filter(|p| *p < 60)?;
    }
    let whole = parts.next().is_none() && fraction.len() <= 6 && digits(fraction).is_some();
    whole.then_some(hours)
}

fn digits(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_zeros_in_front_only() {
        for (text, expected) in [
            ("00005", Some("5")),
            ("0", Some("0")),
            ("0000", Some("0")),
            ("-0.50", Some("-0.50")),
            ("1e100", Some("1e100")),
            (".5", Some("0.5")),
            ("0e0", Some("0e0")),
            ("", None),
            ("-", None),
            ("inf", None),
            ("nan", None),
            ("1e999", None),
            ("1; DROP", None),
            ("0x10", None),
        ] {
            assert_eq!(number(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn days_and_times_are_those_there_are() {
        for good in ["2020-02-29", "0001-01-01", "9999-12-31"] {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "2021-02-29",
            "0000-01-01",
            "2020-00-01",
            "2020-1-01",
            "2020-01-01x",
            "täg",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
        assert!(is_moment("2020-01-02 03:04:05") && is_moment("2020-01-02 03:04:05.123456"));
        assert!(is_moment("2020-01-02"));
        for bad in [
            "2020-01-02 24:00:00",
            "2020-01-02 3:04:05",
            "2020-01-02 03:04",
            "2020-01-02 03:04:05.",
            "2020-01-02 03:60:00",
        ] {
            assert!(!is_moment(bad), "{bad}");
        }
        assert!(is_duration("-838:59:59.999999") && is_duration("00:00:00"));
        assert!(!is_duration("839:00:00") && !is_duration("1:2:3"));
        assert!(
            is_zero_date("0000-00-00")
                && is_zero_date("2020-00-01")
                && is_zero_date("2020-01-00 00:00:00")
        );
        assert!(!is_zero_date("2020-01-01"));
    }

    #[test]
    fn bits_and_bytes_are_their_digits() {
        assert_eq!(bits("b'101'"), Some("101"));
        assert_eq!(bits("b'12'"), None);
        assert_eq!(bytes("0x00FF"), Some("00FF"));
        assert_eq!(bytes("0x"), Some(""));
        assert_eq!(bytes("0xF"), None);
        assert_eq!(bytea("00FF"), "E'\\\\x00ff'::bytea");
    }
}
