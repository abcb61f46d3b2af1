//! A character set as the source itself converts it.

use super::charset::{put, unknown};
use super::charset_codes::{PER_QUERY, codes};
use crate::error::{Error, Kind, Result};

/// UTF-8 of up to four bytes, the first one lowest; zero for bytes that are no character.
type Utf8 = u32;

const QUESTION_MARK: Utf8 = b'?' as Utf8;

/// The UTF-8 of each character of a set.
#[derive(Debug, Clone)]
pub struct CharsetTable {
    /// By the only byte.
    single: [Utf8; 256],
    /// By both bytes; empty in a set of single bytes.
    double: Box<[Utf8]>,
    /// Three bytes, the first of which is 0x8f: by the other two.
    triple: Box<[Utf8]>,
    /// Four bytes of GB 18030, counted.
    four: Box<[Utf8]>,
    keeps_ascii: bool,
}

impl CharsetTable {
    /// Reads what the source answered to the queries for this set, one answer for each.
    pub fn from_answers(name: &str, answers: &[Vec<u8>]) -> Result<CharsetTable> {
        let codes = codes(name).ok_or_else(|| unknown(name))?;
        let mut table = CharsetTable {
            single: [0; 256],
            double: Box::default(),
            triple: Box::default(),
            four: Box::default(),
            keeps_ascii: true,
        };
        if answers.len() != codes.len().div_ceil(PER_QUERY) {
            return Err(misread(name));
        }
        for (codes, answer) in codes.chunks(PER_QUERY).zip(answers) {
            // The last character has a newline behind it, too.
            let mut lines = answer.split(|&byte| byte == b'\n');
            for code in codes {
                let line = lines.next().ok_or_else(|| misread(name))?;
                let utf8 = packed(line).ok_or_else(|| misread(name))?;
                let place = table.place(code.bytes()).ok_or_else(|| misread(name))?;
                *place = utf8;
            }
            if lines.next() != Some(&[][..]) || lines.next().is_some() {
                return Err(misread(name));
            }
        }
        table.single[usize::from(b'\n')] = b'\n'.into();
        table.keeps_ascii = (0u32..)
            .zip(table.single)
            .take(0x80)
            .all(|(byte, utf8)| byte == utf8);
        Ok(table)
    }

    /// Text of bytes below 0x80 is the same in UTF-8.
    #[inline]
    pub fn keeps_ascii(&self) -> bool {
        self.keeps_ascii
    }

    /// Appends the text in UTF-8, a question mark for what is no character.
    pub fn convert(&self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if first < 0x80 && self.keeps_ascii {
                let run = rest.iter().position(|&byte| byte >= 0x80);
                let (run, behind) = rest.split_at(run.unwrap_or(rest.len()));
                out.extend_from_slice(run);
                rest = behind;
                continue;
            }
            let length = match self.character(rest) {
                Some((utf8, length)) => {
                    put_packed(utf8, out);
                    length
                }
                None => match gb18030_beyond(rest).filter(|_| !self.four.is_empty()) {
                    Some(code) => {
                        put(code, out);
                        4
                    }
                    None => {
                        out.push(b'?');
                        1
                    }
                },
            };
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    /// The first character and its length.
    #[inline]
    fn character(&self, bytes: &[u8]) -> Option<(Utf8, usize)> {
        let &first = bytes.first()?;
        let utf8 = self.single[usize::from(first)];
        if utf8 != 0 || first == 0 {
            return Some((utf8, 1));
        }
        if first == 0x8f && !self.triple.is_empty() {
            let place = pair(bytes.get(1..)?)?;
            return found(&self.triple, place).map(|utf8| (utf8, 3));
        }
        if let Some(place) = four(bytes).filter(|_| !self.four.is_empty()) {
            return match place < self.four.len() {
                true => found(&self.four, place).map(|utf8| (utf8, 4)),
                // Not assigned, up to where the higher planes begin.
                false if gb18030_beyond(bytes).is_none() => Some((QUESTION_MARK, 4)),
                false => None,
            };
        }
        found(&self.double, pair(bytes)?).map(|utf8| (utf8, 2))
    }

    /// Where the UTF-8 of a character is kept.
    fn place(&mut self, code: &[u8]) -> Option<&mut Utf8> {
        const PAIRS: usize = 1 << 16;
        /// Characters of four bytes that begin with 0x81 to 0x84.
        const FOURS: usize = 4 * 12_600;
        let grown = |table: &mut Box<[Utf8]>, size| {
            if table.is_empty() {
                *table = vec![0; size].into_boxed_slice();
            }
        };
        match *code {
            [byte] => self.single.get_mut(usize::from(byte)),
            [_, _] => {
                grown(&mut self.double, PAIRS);
                self.double.get_mut(pair(code)?)
            }
            [_, second, third] => {
                grown(&mut self.triple, PAIRS);
                self.triple.get_mut(pair(&[second, third])?)
            }
            _ => {
                grown(&mut self.four, FOURS);
                self.four.get_mut(four(code)?)
            }
        }
    }
}

#[inline]
fn found(table: &[Utf8], place: usize) -> Option<Utf8> {
    table.get(place).copied().filter(|&utf8| utf8 != 0)
}

#[inline]
fn pair(bytes: &[u8]) -> Option<usize> {
    let pair = bytes.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*pair).into())
}

/// The number of a character of four bytes: lead and digit by turns.
#[inline]
fn four(bytes: &[u8]) -> Option<usize> {
    let &[a, b, c, d] = bytes.first_chunk::<4>()?;
    let lead = |byte: u8| (0x81..=0xfe).contains(&byte);
    if !lead(a) || !b.is_ascii_digit() || !lead(c) || !d.is_ascii_digit() {
        return None;
    }
    let step = |number: usize, byte: u8, first: u8, count: usize| {
        number * count + usize::from(byte.wrapping_sub(first))
    };
    let number = step(0, a, 0x81, 0);
    let number = step(number, b, b'0', 10);
    let number = step(number, c, 0x81, 126);
    Some(step(number, d, b'0', 10))
}

/// A character of the planes above the first, from 0x90308130 on.
fn gb18030_beyond(bytes: &[u8]) -> Option<u32> {
    const START: usize = (0x90 - 0x81) * 12_600;
    let code = 0x1_0000 + four(bytes)?.checked_sub(START)?;
    u32::try_from(code).ok().filter(|&code| code < 0x11_0000)
}

fn packed(line: &[u8]) -> Option<Utf8> {
    let mut bytes = [0; 4];
    bytes.get_mut(..line.len())?.copy_from_slice(line);
    Some(u32::from_le_bytes(bytes)).filter(|&utf8| utf8 != 0)
}

#[inline]
fn put_packed(utf8: Utf8, out: &mut Vec<u8>) {
    let length = (4 - utf8.leading_zeros() / 8).max(1) as usize;
    let bytes = utf8.to_le_bytes();
    out.extend_from_slice(bytes.get(..length).unwrap_or_default());
}

fn misread(name: &str) -> Error {
    Error::new(
        Kind::ProtocolViolation,
        format!("the source did not tell its character set \"{name}\" as it was asked"),
    )
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::codec::image::charset::charset_queries;

    /// As the source has it, but for a few letters between 0x81 and 0x9f.
    pub fn latin1() -> CharsetTable {
        let letter = |bytes: &[u8]| match bytes[0] {
            0x80 => '€',
            byte => char::from(byte),
        };
        let answers = answers("latin1", |bytes| letter(bytes).to_string());
        CharsetTable::from_answers("latin1", &answers).unwrap()
    }

    /// The source's answers where each character beyond ASCII has the bytes that `utf8` gives it.
    fn answers(name: &str, utf8: impl Fn(&[u8]) -> String) -> Vec<Vec<u8>> {
        let codes = codes(name).unwrap();
        let answer = |codes: &[super::super::charset_codes::Code]| {
            let line = |bytes: &[u8]| match bytes {
                [byte @ ..0x80] => char::from(*byte).to_string(),
                _ => utf8(bytes),
            };
            let lines = codes.iter().map(|code| line(code.bytes()) + "\n");
            lines.collect::<String>().into_bytes()
        };
        codes.chunks(PER_QUERY).map(answer).collect()
    }

    fn text(table: &CharsetTable, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        table.convert(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn single_bytes_are_looked_up() {
        assert_eq!(charset_queries("latin1").len(), 1);
        let table = latin1();
        assert!(table.keeps_ascii());
        assert_eq!(text(&table, b"gr\xf6\xdfer\n\0"), "größer\n\0");
    }

    #[test]
    fn a_set_that_is_not_ascii_below_0x80_is_known() {
        let mut answers = answers("swe7", |_| "?".to_owned());
        let line = |byte: u8| answers[0].iter().position(|&other| other == byte).unwrap();
        let bracket = line(b'[');
        answers[0].splice(bracket..=bracket, "Ä".bytes());
        let table = CharsetTable::from_answers("swe7", &answers).unwrap();
        assert!(!table.keeps_ascii());
        assert_eq!(text(&table, b"a[\n"), "aÄ\n");
    }

    #[test]
    fn longer_characters_are_told_by_their_bytes() {
        let length = |bytes: &[u8]| bytes.len().to_string();
        let ujis = CharsetTable::from_answers("ujis", &answers("ujis", length)).unwrap();
        assert_eq!(text(&ujis, b"a\x8e\xa1b\x8f\xa1\xfec\xa4\xa2"), "a2b3c2");
        // No characters, one question mark for each byte.
        assert_eq!(text(&ujis, b"\x8e\x20\xff\x8f\xa1"), "? ???");
        let four = CharsetTable::from_answers("gb18030", &answers("gb18030", length)).unwrap();
        let bytes = b"\x81\x40\x81\x30\x81\x30\x84\x39\xfe\x39";
        assert_eq!(text(&four, bytes), "244");
        let beyond = b"\x90\x30\x81\x30\xe3\x32\x9a\x35";
        assert_eq!(text(&four, beyond), "\u{10000}\u{10ffff}");
        assert_eq!(text(&four, b"\x85\x30\x81\x30\xe3\x32\x9a\x36a"), "??a");
    }

    #[test]
    fn answers_that_do_not_fit_are_told() {
        let good = answers("latin1", |_| "?".to_owned());
        assert!(CharsetTable::from_answers("latin1", &good).is_ok());
        let answer = good[0].clone();
        for bad in [
            vec![],
            vec![answer.clone(), answer.clone()],
            vec![answer[1..].to_vec()],
            vec![answer[2..].to_vec()],
            vec![[&answer[..], b"x"].concat()],
            vec![[&answer[..], b"\n"].concat()],
            vec![[b"abcde", &answer[1..]].concat()],
        ] {
            let error = CharsetTable::from_answers("latin1", &bad).unwrap_err();
            assert_eq!(error.kind, Kind::ProtocolViolation);
        }
        assert!(CharsetTable::from_answers("klingon", &[]).is_err());
    }
}
