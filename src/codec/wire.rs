//! Fields of a COPY tuple: a length and the bytes after it, written together where the length is
//! fixed.

use super::refusal::Refusal;

pub const NULL: [u8; 4] = (-1i32).to_be_bytes();

/// The longest field. PostgreSQL allocates at most 1 GB - 1 for a value with its header.
pub const MAX_FIELD: usize = 0x3fff_ff00;

#[inline]
pub fn put_1(out: &mut Vec<u8>, value: u8) {
    out.extend_from_slice(&[0, 0, 0, 1, value]);
}

/// The lowest `bytes` bytes of an integer: 2, 4 or 8. One store of the longest field and a cut
/// are faster than a branch.
#[inline]
pub fn put_integer(out: &mut Vec<u8>, value: i64, bytes: u8) {
    let unused = 64 - 8 * u32::from(bytes);
    let [a, b, c, d, e, f, g, h] = value.wrapping_shl(unused).to_be_bytes();
    let [i, j, k, l] = u32::from(bytes).to_be_bytes();
    out.extend_from_slice(&[i, j, k, l, a, b, c, d, e, f, g, h]);
    out.truncate(out.len() - 8 + usize::from(bytes));
}

#[inline]
pub fn put_4(out: &mut Vec<u8>, value: [u8; 4]) {
    let field = (4 << 32) | u64::from(u32::from_be_bytes(value));
    out.extend_from_slice(&field.to_be_bytes());
}

#[inline]
pub fn put_8(out: &mut Vec<u8>, value: [u8; 8]) {
    let [a, b, c, d, e, f, g, h] = value;
    out.extend_from_slice(&[0, 0, 0, 8, a, b, c, d, e, f, g, h]);
}

/// A field's length, for fields that are written in pieces.
#[inline]
pub fn put_length(out: &mut Vec<u8>, length: usize) -> Result<(), Refusal> {
    if length > MAX_FIELD {
        return Err(Refusal::TooLarge);
    }
    let length = u32::try_from(length).map_err(|_| Refusal::TooLarge)?;
    out.extend_from_slice(&length.to_be_bytes());
    Ok(())
}

#[inline]
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Refusal> {
    put_length(out, bytes.len())?;
    out.extend_from_slice(bytes);
    Ok(())
}
