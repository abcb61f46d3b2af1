//! Whether text is JSON. Where the source says so by its type it is believed, and the server looks
//! at it; text that a cast makes JSON is looked at here, so that a bad value is one refused row.
//!
//! The grammar is RFC 8259's, which is also PostgreSQL's. Nothing is built, and nesting is counted,
//! not recursed into.

use super::refusal::{Encoded, Refusal};

/// PostgreSQL's own bound is its stack: twice as deep passes with the default `max_stack_depth`.
const MAX_DEPTH: usize = 5000;
/// Digits of a numeric before and after the point.
const MAX_BEFORE: i64 = 131_072;
const MAX_AFTER: i64 = 16_383;

/// Numbers of `jsonb` are numerics; those of `json` stay text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    Any,
    Numeric,
}

/// `text` is UTF-8 without NUL bytes.
pub fn check_json(text: &[u8], numbers: Numbers) -> Encoded {
    Reader {
        rest: text,
        numbers,
    }
    .document()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Array,
    Object,
}

struct Reader<'a> {
    rest: &'a [u8],
    numbers: Numbers,
}

impl Reader<'_> {
    fn document(&mut self) -> Encoded {
        let mut open = Vec::new();
        loop {
            match self.token()? {
                b'[' => {
                    if self.peek() != Some(b']') {
                        push(&mut open, Open::Array)?;
                        continue;
                    }
                    self.token()?;
                }
                b'{' => {
                    if self.peek() != Some(b'}') {
                        push(&mut open, Open::Object)?;
                        self.key()?;
                        continue;
                    }
                    self.token()?;
                }
                b'"' => self.string()?,
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                first @ (b'-' | b'0'..=b'9') => self.number(first)?,
                _ => return Err(Refusal::NotJson),
            }
            // A value has ended, and with it perhaps what it is in.
            loop {
                let Some(inner) = open.last() else {
                    return match self.peek() {
                        None => Ok(()),
                        Some(_) => Err(Refusal::NotJson),
                    };
                };
                match (self.token()?, inner) {
                    (b',', Open::Array) => break,
                    (b',', Open::Object) => {
                        self.key()?;
                        break;
                    }
                    (b']', Open::Array) | (b'}', Open::Object) => {
                        open.pop();
                    }
                    _ => return Err(Refusal::NotJson),
                }
            }
        }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
        self.rest.first().copied()
    }

    fn token(&mut self) -> Result<u8, Refusal> {
        self.peek();
        self.byte()
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        let (byte, rest) = self.rest.split_first().ok_or(Refusal::NotJson)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn key(&mut self) -> Encoded {
        if self.token()? != b'"' {
            return Err(Refusal::NotJson);
        }
        self.string()?;
        match self.token()? {
            b':' => Ok(()),
            _ => Err(Refusal::NotJson),
        }
    }

    /// What follows a string's first quote, up to its last.
    fn string(&mut self) -> Encoded {
        loop {
            match self.byte()? {
                b'"' => return Ok(()),
                0..=0x1f => return Err(Refusal::NotJson),
                b'\\' => match self.byte()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        for _ in 0..4 {
                            if !self.byte()?.is_ascii_hexdigit() {
                                return Err(Refusal::NotJson);
                            }
                        }
                    }
                    _ => return Err(Refusal::NotJson),
                },
                _ => {}
            }
        }
    }

    fn word(&mut self, rest: &[u8]) -> Encoded {
        self.rest = self.rest.strip_prefix(rest).ok_or(Refusal::NotJson)?;
        Ok(())
    }

    fn number(&mut self, first: u8) -> Encoded {
        let first = match first {
            b'-' => self.byte()?,
            digit => digit,
        };
        // Digits before the point from the first that counts, or how many places after it that is.
        let (mut before, mut zero) = (1, false);
        match first {
            b'0' => (before, zero) = (0, true),
            b'1'..=b'9' => before += self.digits().count,
            _ => return Err(Refusal::NotJson),
        }
        let mut after = 0;
        if let [b'.', rest @ ..] = self.rest {
            self.rest = rest;
            let fraction = self.some_digits()?;
            after = fraction.count;
            if zero {
                before = -fraction.zeros;
                zero = fraction.zeros == fraction.count;
            }
        }
        let mut exponent = 0;
        if let [b'e' | b'E', rest @ ..] = self.rest {
            let (sign, rest) = match rest {
                [b'-', rest @ ..] => (-1, rest),
                [b'+', rest @ ..] => (1, rest),
                rest => (1, rest),
            };
            self.rest = rest;
            exponent = sign * self.some_digits()?.value;
        }
        let wide = !zero && before + exponent > MAX_BEFORE;
        match self.numbers {
            Numbers::Numeric if wide || after - exponent > MAX_AFTER => Err(Refusal::JsonNumber),
            _ => Ok(()),
        }
    }

    fn digits(&mut self) -> Digits {
        const ENOUGH: i64 = 1_000_000_000;
        let mut digits = Digits::default();
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
            if *digit == b'0' && digits.zeros == digits.count {
                digits.zeros += 1;
            }
            digits.count += 1;
            digits.value = (digits.value * 10 + i64::from(digit - b'0')).min(ENOUGH);
        }
        digits
    }

    fn some_digits(&mut self) -> Result<Digits, Refusal> {
        let digits = self.digits();
        match digits.count {
            0 => Err(Refusal::NotJson),
            _ => Ok(digits),
        }
    }
}

#[derive(Default)]
struct Digits {
    count: i64,
    /// How many zeros come first.
    zeros: i64,
    /// The number they are, up to a bound beyond all others.
    value: i64,
}

fn push(open: &mut Vec<Open>, inner: Open) -> Encoded {
    if open.len() >= MAX_DEPTH {
        return Err(Refusal::JsonTooDeep);
    }
    open.push(inner);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Encoded {
        check_json(text.as_bytes(), Numbers::Numeric)
    }

    #[test]
    fn json_is_taken() {
        for text in [
            "0",
            "-0",
            "-1.50e+10",
            "1E-7",
            "\"\"",
            r#""\"\\\/\b\f\n\r\t\u00aF é""#,
            "true",
            " null\n",
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[[], {}, [1, 2]]",
            r#"{"a": {"b": [false, {"c": null}]}, "": 1, "a": 2}"#,
            "\t[\r\n1 ,2 ]",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "nul",
            "nulll",
            "True",
            "01",
            "-",
            "+1",
            "1.",
            ".5",
            "1e",
            "1e+",
            "1 2",
            "NaN",
            "\"",
            "\"\t\"",
            r#""\x""#,
            r#""\u12""#,
            r#""\u12g4""#,
            "'a'",
            "[",
            "]",
            "[1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "}",
            "{1: 2}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "[}",
            "{]",
            r#"{"a" 1}"#,
            "[1]]",
            "\u{feff}1",
            "/**/1",
            "\u{a0}1",
        ] {
            assert_eq!(check(text), Err(Refusal::NotJson), "{text}");
        }
    }

    #[test]
    fn nesting_has_a_bound() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(check(&nested(MAX_DEPTH + 1)), Err(Refusal::JsonTooDeep));
        assert_eq!(check(&"{\"a\":".repeat(100_000)), Err(Refusal::JsonTooDeep));
    }

    /// The bounds are what a PostgreSQL 15 server takes as jsonb.
    #[test]
    fn numbers_that_jsonb_does_not_hold_are_refused_for_it_only() {
        for text in [
            "1e131071",
            "0.1e131072",
            "10e131070",
            "9.9e131071",
            "0e999999",
            "1e-16383",
            "0.001e-16380",
            "0.0e-16382",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in [
            "1e131072",
            "-10e131071",
            "0.1e131073",
            "1e-16384",
            "0.0e-16383",
            "1e99999999999999999999",
        ] {
            assert_eq!(check(text), Err(Refusal::JsonNumber), "{text}");
            assert_eq!(check_json(text.as_bytes(), Numbers::Any), Ok(()), "{text}");
        }
    }
}
