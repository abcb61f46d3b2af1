//! Scalars of MySQL's JSON as it prints them: strings, doubles, and what is opaque, the values of
//! other types that a document was made of.

use super::decimal::Packed;
use super::layout::{code, little_endian};
use super::temporal::{moment, span};
use crate::codec::float_text::write_double;
use crate::model::cell::Cell;
use std::io::Write;

/// Appends the string in quotes.
pub fn put_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    let special = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    while let Some(at) = rest.iter().position(special) {
        let (plain, behind) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = behind.split_first() else {
            break;
        };
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            _ => 0,
        };
        match short {
            // Writing to a buffer does not fail.
            0 => _ = write!(out, "\\u{byte:04x}"),
            short => out.extend_from_slice(&[b'\\', short]),
        }
        rest = behind;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends a double so that it reads as one: with a point or an exponent.
pub fn put_double(number: f64, out: &mut Vec<u8>) {
    let start = out.len();
    write_double(number, out);
    let written = out.get(start..).unwrap_or_default();
    let has = |wanted: u8| written.contains(&wanted);
    let plain = !has(b'e');
    if plain && !has(b'.') {
        out.extend_from_slice(b".0");
    } else if plain && written.len() > 16 {
        round_to_even(number, start, out);
    }
}

/// Where a double is in the middle between two numbers of as few digits as read back as it, the source
/// writes the even one. `out` has one of them, from `start` on.
#[cold]
fn round_to_even(number: f64, start: usize, out: &mut [u8]) {
    let written = out.get(start..).unwrap_or_default();
    let count = written.iter().filter(|byte| byte.is_ascii_digit()).count();
    let odd = written.last().is_some_and(|digit| digit % 2 == 1);
    if !odd || !(16..=17).contains(&count) {
        return;
    }
    // No double that stands so has forty digits.
    let exact = format!("{number:.40e}");
    let mut digits = exact.bytes().filter(u8::is_ascii_digit).skip(count - 1);
    let (below, half) = (digits.next(), digits.next());
    if half != Some(b'5') || digits.take(20).any(|digit| digit != b'0') {
        return;
    }
    if let (Some(below), Some(last)) = (below, out.last_mut()) {
        // An odd digit has an even one on either side of it.
        *last = if below == *last { *last + 1 } else { *last - 1 };
    }
}

/// Appends a value of that type code. None for bytes that are none.
pub fn put_opaque(kind: u8, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match kind {
        code::NEWDECIMAL => {
            let (&[precision, scale], packed) = bytes.split_first_chunk()?;
            return Packed::new(precision, scale)?.write(packed, out);
        }
        code::DATE | code::DATETIME | code::TIMESTAMP | code::TIME => {
            out.push(b'"');
            put_temporal(kind, little_endian(bytes.first_chunk::<8>()?) as i64, out);
            out.push(b'"');
        }
        _ => {
            // Writing to a buffer does not fail.
            let _ = write!(out, "\"base64:type{kind}:");
            put_base64(bytes, out);
            out.push(b'"');
        }
    }
    Some(())
}

/// The packed bits of a time, with 24 bits of microseconds.
fn put_temporal(kind: u8, packed: i64, out: &mut Vec<u8>) {
    let magnitude = packed.unsigned_abs();
    let (number, microsecond) = (magnitude >> 24, (magnitude & 0xff_ffff) as u32);
    let cell = match kind {
        code::TIME => span(packed < 0, number, microsecond),
        _ => moment(number, microsecond),
    };
    // Writing to a buffer does not fail.
    let _ = match cell {
        Cell::DateTime {
            year, month, day, ..
        } if kind == code::DATE => write!(out, "{year:04}-{month:02}-{day:02}"),
        Cell::DateTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            microsecond,
        } => write!(
            out,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{microsecond:06}"
        ),
        Cell::Time {
            negative,
            days,
            hours,
            minutes,
            seconds,
            microseconds,
        } => {
            let sign = if negative { "-" } else { "" };
            let hours = days * 24 + u32::from(hours);
            write!(
                out,
                "{sign}{hours:02}:{minutes:02}:{seconds:02}.{microseconds:06}"
            )
        }
        _ => Ok(()),
    };
}

/// In lines of 76 characters, as the source has them.
fn put_base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (index, group) in bytes.chunks(3).enumerate() {
        if index > 0 && index % 19 == 0 {
            out.extend_from_slice(b"\\n");
        }
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            out.push(match place <= group.len() {
                true => DIGITS[(word >> (18 - 6 * place) & 63) as usize],
                false => b'=',
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(put: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn opaque(kind: u8, bytes: &[u8]) -> String {
        written(|out| put_opaque(kind, bytes, out).unwrap())
    }

    /// As MySQL 9.7 prints them.
    // Halves, which both servers round to even.
    #[allow(clippy::excessive_precision)]
    #[test]
    fn text_is_as_the_source_prints_it() {
        assert_eq!(
            written(|out| put_string(b"\0\x01\x08\t\n\x0c\r\x1f\"\\/\x7f\xc3\xa9", out)),
            "\"\\u0000\\u0001\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\x7fé\""
        );
        for (number, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e15, "1e15"),
            (1.5e-7, "0.00000015"),
            (1e14, "100000000000000.0"),
            (1.234_567_890_123_456_8e20, "1.2345678901234568e20"),
            (185_284_805_664_832.0 + 0.625, "185284805664832.62"),
            (185_284_805_664_832.0 + 0.375, "185284805664832.38"),
            (-185_284_805_664_832.0 - 0.125, "-185284805664832.12"),
            (830_654_980_665_497.0 + 0.25, "830654980665497.2"),
            (599_758_132_866_051.0 + 0.75, "599758132866051.8"),
            (86_423_226_963_846.0 + 0.125, "86423226963846.12"),
            (2_899_910_883_410.0 + 0.187_5, "2899910883410.1875"),
        ] {
            assert_eq!(written(|out| put_double(number, out)), text);
        }
    }

    #[test]
    fn opaque_bytes_are_told_by_their_type() {
        assert_eq!(opaque(15, b"\0\xff"), "\"base64:type15:AP8=\"");
        assert_eq!(opaque(16, b"\n"), "\"base64:type16:Cg==\"");
        assert_eq!(opaque(252, b"abc"), "\"base64:type252:YWJj\"");
        assert_eq!(opaque(252, b""), "\"base64:type252:\"");
        let long = opaque(15, &[0; 58]);
        assert_eq!(long.len(), 15 + 76 + 2 + 4 + 1);
        assert!(long.ends_with("A\\nAA==\""));
        assert_eq!(opaque(code::NEWDECIMAL, &[4, 2, 0x80, 1]), "0.01");
        let mut out = Vec::new();
        assert_eq!(put_opaque(code::NEWDECIMAL, &[82, 2, 0], &mut out), None);
        assert_eq!(put_opaque(code::TIME, &[0; 7], &mut out), None);
    }
}
