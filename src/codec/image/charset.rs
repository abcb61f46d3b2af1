//! Text of the log is in the column's character set; here is how it becomes UTF-8.
//!
//! UTF-8 and ASCII pass, the other forms of Unicode are counted out here. For all others the source
//! is asked what it makes of each character ([`charset_queries`]): so a value from the log is by
//! definition what a SELECT gives.

use std::sync::Arc;

use super::charset_table::CharsetTable;
use super::collation::canonical;
use crate::error::{Error, Kind, Result};

pub use super::charset_codes::charset_queries;

/// How the text of a column becomes UTF-8.
#[derive(Debug, Clone, Default)]
pub enum Charset {
    /// It is UTF-8 already, or no text at all.
    #[default]
    Utf8,
    /// Other bytes may be in such a column, and are no characters.
    Ascii,
    /// Two bytes for each character; halves of pairs are characters.
    Ucs2,
    Utf16,
    Utf16Le,
    Utf32,
    Table(Arc<CharsetTable>),
}

impl Charset {
    /// The set of that name, of which the source gave these answers to [`charset_queries`]: one
    /// for each query.
    pub fn new(name: &str, answers: &[Vec<u8>]) -> Result<Charset> {
        Ok(match canonical(name).unwrap_or(name) {
            "utf8mb4" | "utf8mb3" | "binary" => Charset::Utf8,
            "ascii" => Charset::Ascii,
            "ucs2" => Charset::Ucs2,
            "utf16" => Charset::Utf16,
            "utf16le" => Charset::Utf16Le,
            "utf32" => Charset::Utf32,
            name => Charset::Table(Arc::new(CharsetTable::from_answers(name, answers)?)),
        })
    }

    /// The text where nothing has to be done.
    #[inline(always)]
    pub fn is_utf8(&self, bytes: &[u8]) -> bool {
        match self {
            Charset::Utf8 => true,
            Charset::Ascii => bytes.is_ascii(),
            Charset::Table(table) => table.keeps_ascii() && bytes.is_ascii(),
            _ => false,
        }
    }

    /// Appends the text in UTF-8. What is no character becomes a question mark, as at the source.
    pub fn convert(&self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Charset::Utf8 => out.extend_from_slice(bytes),
            Charset::Ascii => {
                let shown = |&byte: &u8| if byte.is_ascii() { byte } else { b'?' };
                out.extend(bytes.iter().map(shown));
            }
            Charset::Ucs2 => {
                let (units, rest) = bytes.as_chunks::<2>();
                for unit in units {
                    put(u16::from_be_bytes(*unit).into(), out);
                }
                put_rest(rest, out);
            }
            Charset::Utf16 => convert_utf16(bytes, u16::from_be_bytes, out),
            Charset::Utf16Le => convert_utf16(bytes, u16::from_le_bytes, out),
            Charset::Utf32 => {
                let (units, rest) = bytes.as_chunks::<4>();
                for unit in units {
                    put(u32::from_be_bytes(*unit), out);
                }
                put_rest(rest, out);
            }
            Charset::Table(table) => table.convert(bytes, out),
        }
    }
}

fn convert_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, out: &mut Vec<u8>) {
    let (units, rest) = bytes.as_chunks::<2>();
    for code in char::decode_utf16(units.iter().map(|&bytes| unit(bytes))) {
        put(code.map_or(u32::from('?'), u32::from), out);
    }
    put_rest(rest, out);
}

/// A character in UTF-8. Half of a pair has such a form too, and the source writes it.
#[inline]
pub(super) fn put(code: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
    match code {
        0..0x80 => out.push(code as u8),
        0x80..0x800 => out.extend_from_slice(&[0xc0 | (code >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => {
            out.extend_from_slice(&[0xe0 | (code >> 12) as u8, tail(6), tail(0)]);
        }
        0x1_0000..0x11_0000 => {
            out.extend_from_slice(&[0xf0 | (code >> 18) as u8, tail(12), tail(6), tail(0)]);
        }
        _ => out.push(b'?'),
    }
}

/// Bytes that are no whole character.
fn put_rest(rest: &[u8], out: &mut Vec<u8>) {
    if !rest.is_empty() {
        out.push(b'?');
    }
}

pub(super) fn unknown(name: &str) -> Error {
    Error::new(
        Kind::TypeRefused,
        format!("character set \"{name}\" is not known"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(charset: &str, bytes: &[u8]) -> Vec<u8> {
        let charset = Charset::new(charset, &[]).unwrap();
        let mut out = Vec::new();
        match charset.is_utf8(bytes) {
            true => out.extend_from_slice(bytes),
            false => charset.convert(bytes, &mut out),
        }
        out
    }

    #[test]
    fn every_form_of_unicode_gives_the_same_text() {
        let sample = "a é漢😀";
        let units: Vec<u16> = sample.encode_utf16().collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let wide: Vec<u8> = sample
            .chars()
            .flat_map(|char| u32::from(char).to_be_bytes())
            .collect();
        assert_eq!(text("utf16", &big), sample.as_bytes());
        assert_eq!(text("utf16le", &little), sample.as_bytes());
        assert_eq!(text("utf32", &wide), sample.as_bytes());
        assert_eq!(text("ucs2", &big[..big.len() - 4]), "a é漢".as_bytes());
        assert_eq!(text("utf8", sample.as_bytes()), sample.as_bytes());
    }

    #[test]
    fn what_is_no_character_is_a_question_mark() {
        // MariaDB and MySQL write half a pair of ucs2 as three bytes.
        assert_eq!(text("ucs2", &[0xd8, 0, 0, 0x41]), [0xed, 0xa0, 0x80, b'A']);
        assert_eq!(text("utf16", &[0xd8, 0, 0, 0x41]), b"?A");
        assert_eq!(text("utf32", &[0, 0x11, 0, 0, 1]), b"??");
        assert_eq!(text("ucs2", &[1]), b"?");
        assert_eq!(text("ascii", b"a\xc3\xa9"), b"a??");
    }

    #[test]
    fn a_set_that_is_not_known_is_refused_by_name() {
        let error = Charset::new("klingon", &[]).unwrap_err();
        assert_eq!(error.message, "character set \"klingon\" is not known");
        assert!(charset_queries("klingon").is_empty());
        assert!(charset_queries("utf8mb4").is_empty());
    }
}
