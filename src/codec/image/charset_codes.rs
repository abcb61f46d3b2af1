//! Which bytes are characters of a set, and the queries that ask the source for their UTF-8.
//!
//! The characters stand in one literal with a newline after each, so the answer has one line for
//! each of them. The source takes a literal only if all of it can be characters of the set; which
//! ones are not assigned is in the answer: a question mark.

use std::ops::RangeInclusive;

use super::collation::canonical;

type Bytes = &'static [RangeInclusive<u8>];

/// Bytes of a character, each in one of its ranges.
struct Shape(&'static [Bytes]);

const HIGH: Bytes = &[0xa1..=0xfe];
const LEAD: Bytes = &[0x81..=0xfe];
const DIGIT: Bytes = &[0x30..=0x39];
const HALF_KATAKANA: Bytes = &[0xa1..=0xdf];
const SJIS_LEAD: Bytes = &[0x81..=0x9f, 0xe0..=0xfc];
const SJIS_TRAIL: Bytes = &[0x40..=0x7e, 0x80..=0xfc];
const GBK_TRAIL: Bytes = &[0x40..=0x7e, 0x80..=0xfe];

/// All but the newline, which is between them. Zero is zero everywhere.
const LOW: Shape = Shape(&[&[0x01..=0x09, 0x0b..=0x7f]]);
const SINGLE: &[Shape] = &[Shape(&[&[0x80..=0xff]])];

/// The forms of a set's characters that are not below 0x80; None for a set that is not known, or that
/// needs no table.
fn shapes(name: &str) -> Option<&'static [Shape]> {
    Some(match canonical(name)? {
        "armscii8" | "cp1250" | "cp1251" | "cp1256" | "cp1257" | "cp850" | "cp852" | "cp866"
        | "dec8" | "geostd8" | "greek" | "hebrew" | "hp8" | "keybcs2" | "koi8r" | "koi8u"
        | "latin1" | "latin2" | "latin5" | "latin7" | "macce" | "macroman" | "swe7" | "tis620" => {
            SINGLE
        }
        "big5" => &[Shape(&[&[0xa1..=0xf9], &[0x40..=0x7e, 0xa1..=0xfe]])],
        "gbk" => &[Shape(&[LEAD, GBK_TRAIL])],
        "gb2312" => &[Shape(&[&[0xa1..=0xf7], HIGH])],
        "euckr" => &[Shape(&[LEAD, &[0x41..=0x5a, 0x61..=0x7a, 0x81..=0xfe]])],
        "sjis" | "cp932" => &[Shape(&[HALF_KATAKANA]), Shape(&[SJIS_LEAD, SJIS_TRAIL])],
        "ujis" | "eucjpms" => &[
            Shape(&[&[0x8e..=0x8e], HALF_KATAKANA]),
            Shape(&[HIGH, HIGH]),
            Shape(&[&[0x8f..=0x8f], HIGH, HIGH]),
        ],
        // What is above is in the order of Unicode, and counted out.
        "gb18030" => &[
            Shape(&[LEAD, GBK_TRAIL]),
            Shape(&[&[0x81..=0x84], DIGIT, LEAD, DIGIT]),
        ],
        _ => return None,
    })
}

/// Bytes of one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    bytes: [u8; 4],
    length: usize,
}

impl Code {
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Everything that can be a character of the set, in the order of the queries.
pub(super) fn codes(name: &str) -> Option<Vec<Code>> {
    let mut codes = Vec::new();
    for shape in std::iter::once(&LOW).chain(shapes(name)?) {
        let none = Code {
            bytes: [0; 4],
            length: 0,
        };
        append(shape.0, none, &mut codes);
    }
    Some(codes)
}

fn append(rest: &[Bytes], code: Code, codes: &mut Vec<Code>) {
    let Some((ranges, rest)) = rest.split_first() else {
        codes.push(code);
        return;
    };
    for byte in ranges.iter().cloned().flatten() {
        let mut code = code;
        if let Some(place) = code.bytes.get_mut(code.length) {
            *place = byte;
            code.length += 1;
        }
        append(rest, code, codes);
    }
}

/// Characters of one query: its text stays below 200 kB.
pub(super) const PER_QUERY: usize = 16_384;

/// What to ask the source before text in this set can be read; each query has one answer, of one
/// column and one row. Nothing for a set that needs no table, and for one that is not known.
pub fn charset_queries(name: &str) -> Vec<String> {
    let (Some(name), Some(codes)) = (canonical(name), codes(name)) else {
        return Vec::new();
    };
    let mut queries = Vec::new();
    for some in codes.chunks(PER_QUERY) {
        let mut query = format!("SELECT CONVERT(_{name} 0x");
        for code in some {
            for byte in code.bytes() {
                query.push_str(&format!("{byte:02x}"));
            }
            query.push_str("0a");
        }
        query.push_str(" USING utf8mb4)");
        queries.push(query);
    }
    queries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_each_character_and_a_newline() {
        let [query] = &charset_queries("latin1")[..] else {
            panic!("not one query");
        };
        assert!(query.starts_with("SELECT CONVERT(_latin1 0x010a020a"));
        assert!(query.ends_with("fe0aff0a USING utf8mb4)"));
        assert_eq!(codes("latin1").unwrap().len(), 126 + 128);
        assert_eq!(codes("sjis").unwrap().len(), 126 + 63 + 60 * 188);
        assert_eq!(
            codes("gb18030").unwrap().len(),
            126 + 126 * 190 + 4 * 12_600
        );
    }

    #[test]
    fn no_query_is_long() {
        for name in ["gbk", "gb18030", "ujis", "big5", "euckr", "cp932", "gb2312"] {
            for query in charset_queries(name) {
                assert!(query.len() < 200_000, "{name}");
            }
        }
        assert_eq!(charset_queries("ascii"), [""; 0]);
    }
}
