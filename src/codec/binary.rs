//! Binary strings, to bytea: any bytes, as they are.

use super::refusal::{Encoded, Refusal};
use super::wire::put_bytes;
use crate::model::cell::Cell;

#[inline]
pub fn encode_bytea(cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
    match *cell {
        Cell::Bytes(bytes) => put_bytes(out, bytes),
        _ => Err(Refusal::WrongShape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_pass() {
        let mut out = Vec::new();
        encode_bytea(&Cell::Bytes(b"\0\xff\0"), &mut out).unwrap();
        assert_eq!(out, [0, 0, 0, 3, 0, 0xff, 0]);
        assert_eq!(
            encode_bytea(&Cell::UInt(1), &mut out),
            Err(Refusal::WrongShape)
        );
    }
}
