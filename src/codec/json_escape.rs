//! The escapes `\uXXXX` of JSON. `jsonb` keeps strings unescaped, so two escapes that are legal have
//! no place in it: the NUL character and one half of a surrogate pair.

use super::amend::Altered;
use super::refusal::{Encoded, Refusal};
use crate::model::policy::{InvalidText, NulByte};

/// What an escape stands for, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Nul,
    /// The first half of a pair.
    High,
    /// The second.
    Low,
    Other,
}

/// An escape, with where it is.
#[derive(Debug, Clone, Copy)]
struct Escape {
    start: usize,
    end: usize,
    code: Code,
}

/// The escapes of a text: a backslash and what belongs to it.
struct Escapes<'a> {
    text: &'a [u8],
    at: usize,
}

impl Iterator for Escapes<'_> {
    type Item = Escape;

    fn next(&mut self) -> Option<Escape> {
        let rest = self.text.get(self.at..)?;
        let gap = rest.iter().position(|&byte| byte == b'\\')?;
        let start = self.at + gap;
        let (length, code) = match rest.get(gap + 1..) {
            Some([b'u', a, b, c, d, ..]) => {
                let code = match hexadecimal([*a, *b, *c, *d]) {
                    Some(0) => Code::Nul,
                    Some(0xd800..=0xdbff) => Code::High,
                    Some(0xdc00..=0xdfff) => Code::Low,
                    _ => Code::Other,
                };
                (6, code)
            }
            Some([_, ..]) => (2, Code::Other),
            _ => return None,
        };
        self.at = start + length;
        Some(Escape {
            start,
            end: self.at,
            code,
        })
    }
}

fn hexadecimal(digits: [u8; 4]) -> Option<u32> {
    digits.iter().try_fold(0, |code, &digit| {
        Some(code * 16 + char::from(digit).to_digit(16)?)
    })
}

/// Each escape that jsonb does not hold, in order, by where it is.
fn bad_escapes(text: &[u8]) -> impl Iterator<Item = (usize, usize, Refusal)> {
    let mut escapes = Escapes { text, at: 0 }.peekable();
    std::iter::from_fn(move || {
        loop {
            let Escape { start, end, code } = escapes.next()?;
            let refusal = match code {
                Code::Other => continue,
                Code::Nul => Refusal::JsonNul,
                Code::Low => Refusal::JsonSurrogate,
                Code::High => {
                    // A pair's halves stand side by side.
                    let pair = |next: &Escape| next.code == Code::Low && next.start == end;
                    if escapes.next_if(pair).is_some() {
                        continue;
                    }
                    Refusal::JsonSurrogate
                }
            };
            return Some((start, end, refusal));
        }
    })
}

/// Looks at `\uXXXX` only: whether the rest is JSON the server finds out.
pub fn check_escapes(text: &[u8]) -> Encoded {
    match bad_escapes(text).next() {
        None => Ok(()),
        Some((.., refusal)) => Err(refusal),
    }
}

/// The text with other escapes in place of those that jsonb does not hold. Which halves have
/// another one is seen in the text as it came: leaving out what is between two makes no pair.
pub fn replace_escapes(
    text: &str,
    nul_byte: NulByte,
    invalid_text: InvalidText,
) -> Result<(String, Altered), Refusal> {
    const REPLACEMENT: &str = "\\ufffd";
    let mut replaced = String::with_capacity(text.len());
    let mut altered = Altered::default();
    let mut copied = 0;
    for (start, end, refusal) in bad_escapes(text.as_bytes()) {
        let instead = match (refusal, nul_byte, invalid_text) {
            (Refusal::JsonNul, NulByte::Strip, _) => "",
            (Refusal::JsonNul, NulByte::Replace, _) => REPLACEMENT,
            (Refusal::JsonSurrogate, _, InvalidText::Replace) => REPLACEMENT,
            _ => return Err(refusal),
        };
        altered.nul_byte |= refusal == Refusal::JsonNul;
        altered.invalid_text |= refusal == Refusal::JsonSurrogate;
        // An escape begins and ends with ASCII.
        replaced.push_str(text.get(copied..start).unwrap_or_default());
        replaced.push_str(instead);
        copied = end;
    }
    replaced.push_str(text.get(copied..).unwrap_or_default());
    Ok((replaced, altered))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(text: &str, nul_byte: NulByte) -> Result<String, Refusal> {
        replace_escapes(text, nul_byte, InvalidText::Replace).map(|(text, _)| text)
    }

    #[test]
    fn escapes_that_jsonb_cannot_hold_are_seen() {
        for (text, refusal) in [
            (r#""a\u0000""#, Refusal::JsonNul),
            (r#""\\\u0000""#, Refusal::JsonNul),
            (r#""\ud83d""#, Refusal::JsonSurrogate),
            (r#""\ud83dx\ude00""#, Refusal::JsonSurrogate),
            (r#""\ud83d\n""#, Refusal::JsonSurrogate),
            (r#""\ud83d\ud83d\ude00""#, Refusal::JsonSurrogate),
            (r#""\ude00""#, Refusal::JsonSurrogate),
            (r#""\ud83d\u0000\ude00""#, Refusal::JsonSurrogate),
        ] {
            assert_eq!(check_escapes(text.as_bytes()), Err(refusal), "{text}");
        }
    }

    #[test]
    fn other_escapes_pass() {
        for text in [
            r#""\\u0000""#,
            r#""\"\/\b\f\n\r\t\u00e9""#,
            r#""\ud83d\ude00\uD83D\uDE00""#,
            r#""\u0001""#,
            r#"{"a\\":1}"#,
            // Not JSON: the server says so.
            r"\",
            r"\u",
            r"\u12",
            r"\uzzzz",
        ] {
            assert_eq!(check_escapes(text.as_bytes()), Ok(()), "{text}");
            assert_eq!(replace(text, NulByte::Strip).unwrap(), text);
        }
    }

    #[test]
    fn bad_escapes_are_replaced_and_nothing_else() {
        let strip = |text| replace(text, NulByte::Strip).unwrap();
        assert_eq!(strip(r#""é\u0000\\\u0000x""#), r#""é\\x""#);
        // No pair comes of two halves.
        assert_eq!(strip(r#""\ud83d\u0000\ude00""#), r#""\ufffd\ufffd""#);
        assert_eq!(strip(r#""\ud83d\ud83d\ude00""#), r#""\ufffd\ud83d\ude00""#);
        let nul = r#""\u0000""#;
        assert_eq!(replace(nul, NulByte::Replace).unwrap(), r#""\ufffd""#);
        assert_eq!(replace(nul, NulByte::Reject), Err(Refusal::JsonNul));
        let half = replace_escapes(r#""\ud83d""#, NulByte::Strip, InvalidText::Reject);
        assert_eq!(half, Err(Refusal::JsonSurrogate));
    }
}
