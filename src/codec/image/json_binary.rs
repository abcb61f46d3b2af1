//! MySQL's binary JSON to the text that a SELECT gives.
//!
//! ```text
//! document = u8 type, value
//! object   = count, bytes of the whole, (key's offset, u16 key's length)*, entry*, keys, values
//! array    = count, bytes of the whole, entry*, values
//! entry    = u8 type, the value itself where it is short enough, else its offset
//! ```
//! Counts and offsets have two bytes in the small forms and four in the large ones, little-endian;
//! offsets count from where the object or array begins. Members stand in the order in which a SELECT
//! shows them.
//!
//! Nothing is believed: a value that is not within its parent, that nests deeper than the source
//! allows, or whose text would become longer than any document's of its size, is no document.

use super::json_scalar::{put_double, put_opaque, put_string};
use super::layout::little_endian;
use std::io::Write;

const SMALL_OBJECT: u8 = 0;
const LARGE_OBJECT: u8 = 1;
const SMALL_ARRAY: u8 = 2;
const LARGE_ARRAY: u8 = 3;
const LITERAL: u8 = 4;
const INT16: u8 = 5;
const UINT16: u8 = 6;
const INT32: u8 = 7;
const UINT32: u8 = 8;
const INT64: u8 = 9;
const UINT64: u8 = 10;
const DOUBLE: u8 = 11;
const STRING: u8 = 12;
const OPAQUE: u8 = 15;

/// Deepest nesting that the source takes.
const DEPTH: u32 = 100;

/// Text grows most from control characters (one byte, six characters) and from numbers (three bytes,
/// eight characters). Members that share a value could grow without end.
const GROWTH: usize = 8;

/// Appends the text of a document. None for bytes that are none.
pub fn write_json(document: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let Some((&kind, value)) = document.split_first() else {
        // A column that was never given a value, as the source has it after some ALTERs.
        out.extend_from_slice(b"null");
        return Some(());
    };
    let limit = out.len() + 64 + GROWTH * document.len();
    Writer { out, limit }.value(kind, value, DEPTH)
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Writer<'_> {
    fn value(&mut self, kind: u8, value: &[u8], depth: u32) -> Option<()> {
        if self.out.len() > self.limit {
            return None;
        }
        match kind {
            SMALL_OBJECT => self.object(Node::new(value, 2)?, depth),
            LARGE_OBJECT => self.object(Node::new(value, 4)?, depth),
            SMALL_ARRAY => self.array(Node::new(value, 2)?, depth),
            LARGE_ARRAY => self.array(Node::new(value, 4)?, depth),
            _ => self.scalar(kind, value),
        }
    }

    fn object(&mut self, node: Node<'_>, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let entries = node.head() + node.count * (node.width + 2);
        self.out.push(b'{');
        for index in 0..node.count {
            if index > 0 {
                self.out.extend_from_slice(b", ");
            }
            let at = node.head() + index * (node.width + 2);
            let length = node.number(at + node.width, 2)?;
            let key = node.number(at, node.width)?;
            put_string(node.bytes.get(key..key.checked_add(length)?)?, self.out);
            self.out.extend_from_slice(b": ");
            self.entry(node, entries + index * (node.width + 1), depth)?;
        }
        self.out.push(b'}');
        Some(())
    }

    fn array(&mut self, node: Node<'_>, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.out.push(b'[');
        for index in 0..node.count {
            if index > 0 {
                self.out.extend_from_slice(b", ");
            }
            self.entry(node, node.head() + index * (node.width + 1), depth)?;
        }
        self.out.push(b']');
        Some(())
    }

    fn entry(&mut self, node: Node<'_>, at: usize, depth: u32) -> Option<()> {
        let &kind = node.bytes.get(at)?;
        let inline = match kind {
            LITERAL | INT16 | UINT16 => true,
            INT32 | UINT32 => node.width == 4,
            _ => false,
        };
        let at = at + 1;
        if inline {
            return self.value(kind, node.bytes.get(at..at + node.width)?, depth);
        }
        let offset = node.number(at, node.width)?;
        self.value(kind, node.bytes.get(offset..)?, depth)
    }

    fn scalar(&mut self, kind: u8, value: &[u8]) -> Option<()> {
        let number = |bytes: usize| Some(little_endian(value.get(..bytes)?));
        let out = &mut *self.out;
        match kind {
            LITERAL => out.extend_from_slice(match value.first()? {
                0 => b"null",
                1 => b"true",
                2 => b"false",
                _ => return None,
            }),
            INT16 => put(out, number(2)? as i16),
            UINT16 => put(out, number(2)?),
            INT32 => put(out, number(4)? as i32),
            UINT32 => put(out, number(4)?),
            INT64 => put(out, number(8)? as i64),
            UINT64 => put(out, number(8)?),
            DOUBLE => put_double(f64::from_bits(number(8)?), out),
            STRING => {
                let (length, rest) = variable_length(value)?;
                put_string(rest.get(..length)?, out);
            }
            OPAQUE => {
                let (&field, rest) = value.split_first()?;
                let (length, rest) = variable_length(rest)?;
                put_opaque(field, rest.get(..length)?, out)?;
            }
            _ => return None,
        }
        Some(())
    }
}

fn put(out: &mut Vec<u8>, number: impl std::fmt::Display) {
    // Writing to a buffer does not fail.
    let _ = write!(out, "{number}");
}

/// An object or an array.
#[derive(Clone, Copy)]
struct Node<'a> {
    bytes: &'a [u8],
    /// Bytes of a count or an offset.
    width: usize,
    count: usize,
}

impl<'a> Node<'a> {
    fn new(bytes: &'a [u8], width: usize) -> Option<Self> {
        let all = Node {
            bytes,
            width,
            count: 0,
        };
        let count = all.number(0, width)?;
        let size = all.number(width, width)?;
        let bytes = bytes.get(..size)?;
        // Each member has at least its entry.
        (count <= bytes.len()).then_some(Node {
            bytes,
            width,
            count,
        })
    }

    /// Bytes before the first entry.
    fn head(self) -> usize {
        2 * self.width
    }

    fn number(self, at: usize, bytes: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(bytes)?)?;
        usize::try_from(little_endian(bytes)).ok()
    }
}

/// A length in groups of seven bits, the lowest first; each byte but the last has its high bit set.
fn variable_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0;
    for (index, &byte) in bytes.iter().enumerate().take(5) {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(length).ok()?, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        write_json(document, &mut out)?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn scalars_stand_alone() {
        for (document, expected) in [
            (&b""[..], "null"),
            (&[4, 0], "null"),
            (&[4, 1], "true"),
            (&[5, 0xff, 0xff], "-1"),
            (&[6, 0xff, 0xff], "65535"),
            (&[7, 0, 0, 0, 0x80], "-2147483648"),
            (&[9, 0, 0, 0, 0, 0, 0, 0, 0x80], "-9223372036854775808"),
            (
                &[10, 255, 255, 255, 255, 255, 255, 255, 255],
                "18446744073709551615",
            ),
            (&[12, 2, b'a', b'"'], r#""a\"""#),
            (&[2, 0, 0, 4, 0], "[]"),
            (&[0, 0, 0, 4, 0], "{}"),
        ] {
            assert_eq!(text(document).as_deref(), Some(expected));
        }
        let mut long = vec![12, 0x80, 0x01];
        long.extend([b'x'; 128]);
        assert_eq!(text(&long).unwrap().len(), 130);
    }

    /// `{"a": [1, null]}` as MySQL 9.7 logs it.
    #[test]
    fn members_are_found_by_their_offsets() {
        let document = [
            0, 1, 0, 22, 0, 11, 0, 1, 0, 2, 12, 0, b'a', 2, 0, 10, 0, 5, 1, 0, 4, 0, 0,
        ];
        assert_eq!(text(&document).as_deref(), Some(r#"{"a": [1, null]}"#));
        for length in 1..document.len() {
            assert_eq!(text(&document[..length]), None, "{length}");
        }
    }

    #[test]
    fn what_never_ends_is_no_document() {
        // An array that holds itself.
        assert_eq!(text(&[2, 1, 0, 7, 0, 2, 0, 0]), None);
        // Each array holds the next one many times over.
        let mut document = vec![2];
        for level in 0..20u16 {
            let size = 4 + 3 * 30 + (20 - level - 1) * 94;
            document.extend([30, 0]);
            document.extend(size.to_le_bytes());
            for _ in 0..30 {
                document.extend([if level < 19 { 2 } else { 4 }, 94, 0]);
            }
        }
        assert_eq!(text(&document), None);
    }
}
