//! Dates and times as the source writes them in ASCII: what the text protocol brings.
//!
//! Only the form is checked here; whether a date is in the calendar is the encoder's question.

use super::calendar::Moment;
use super::refusal::Refusal;
use super::temporal::Span;

/// `YYYY-MM-DD`.
pub fn parse_date(text: &[u8]) -> Result<Moment, Refusal> {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text else {
        return Err(Refusal::NotTime);
    };
    Ok(Moment {
        year: u16::from(two(a, b)?) * 100 + u16::from(two(c, d)?),
        month: two(e, f)?,
        day: two(g, h)?,
        ..Moment::default()
    })
}

/// `YYYY-MM-DD hh:mm:ss[.ffffff]`.
pub fn parse_date_time(text: &[u8]) -> Result<Moment, Refusal> {
    let Some((date, [b' ', a, b, b':', c, d, b':', e, f, rest @ ..])) = text.split_at_checked(10)
    else {
        return Err(Refusal::NotTime);
    };
    Ok(Moment {
        hour: two(*a, *b)?,
        minute: two(*c, *d)?,
        second: two(*e, *f)?,
        microsecond: fraction(rest)?,
        ..parse_date(date)?
    })
}

/// `[-]hh:mm:ss[.ffffff]`, with a third digit of hours where there is one.
pub fn parse_time(text: &[u8]) -> Result<Span, Refusal> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (hundreds, text) = match text {
        [a, rest @ ..] if rest.get(2) == Some(&b':') => (two(b'0', *a)?, rest),
        rest => (0, rest),
    };
    let [a, b, b':', c, d, b':', e, f, rest @ ..] = text else {
        return Err(Refusal::NotTime);
    };
    Ok(Span {
        negative,
        hours: u64::from(hundreds) * 100 + u64::from(two(*a, *b)?),
        minutes: two(*c, *d)?,
        seconds: two(*e, *f)?,
        microseconds: fraction(rest)?,
    })
}

fn two(tens: u8, ones: u8) -> Result<u8, Refusal> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens > 9 || ones > 9 {
        return Err(Refusal::NotTime);
    }
    Ok(tens * 10 + ones)
}

/// Nothing, or a point and one to six digits.
fn fraction(text: &[u8]) -> Result<u32, Refusal> {
    match text {
        [] => Ok(0),
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => {
            let mut value = 0;
            for place in 0..6 {
                value = value * 10 + u32::from(two(b'0', *digits.get(place).unwrap_or(&b'0'))?);
            }
            Ok(value)
        }
        _ => Err(Refusal::NotTime),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_read_digit_by_digit() {
        let moment = parse_date_time(b"2024-02-29 23:58:57.5").unwrap();
        let expected = Moment {
            year: 2024,
            month: 2,
            day: 29,
            hour: 23,
            minute: 58,
            second: 57,
            microsecond: 500_000,
        };
        assert_eq!(moment, expected);
        let span = parse_time(b"-838:59:58.000001").unwrap();
        let expected = Span {
            negative: true,
            hours: 838,
            minutes: 59,
            seconds: 58,
            microseconds: 1,
        };
        assert_eq!(span, expected);
        assert_eq!(parse_time(b"08:00:00").unwrap().hours, 8);
    }

    #[test]
    fn other_forms_are_malformed() {
        for bad in [
            &b""[..],
            b"2024-1-01",
            b"2024/01/01",
            b"2024-01-01 ",
            b"20x4-01-01",
            b"2024-01-0",
        ] {
            assert_eq!(parse_date(bad), Err(Refusal::NotTime));
        }
        for bad in [
            &b"2024-01-01"[..],
            b"2024-01-01T00:00:00",
            b"2024-01-01 00:00:00.",
            b"2024-01-01 00:00:00.1234567",
            b"2024-01-01 00:00:00Z",
            b"2024-01-01 0:00:00",
        ] {
            assert_eq!(parse_date_time(bad), Err(Refusal::NotTime));
        }
        for bad in [
            &b""[..],
            b"-",
            b"1:00:00",
            b"1000:00:00",
            b"--1:00:00",
            b"10:00",
            b"10:00:00.x",
        ] {
            assert_eq!(parse_time(bad), Err(Refusal::NotTime));
        }
    }
}
