//! What MariaDB compresses with `log_bin_compress`: a byte that says how (the highest bit is set, then
//! three bits for the algorithm, and in the lowest three how long the length is), the length of what
//! was compressed, highest byte first, and a zlib stream.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::bytes::Bytes;

/// No event is larger, so nothing in it was.
const LIMIT: usize = 1 << 30;
/// What is set aside before anything came: the length is somebody's claim.
const FIRST: usize = 1 << 20;

/// None where it is no such thing, or does not come to the length that it names.
pub(super) fn inflate(compressed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Bytes::new(compressed);
    let head = bytes.u8()?;
    let width = usize::from(head & 7);
    let zlib = head & 0x80 != 0 && head >> 4 & 7 == 0 && (1..=4).contains(&width);
    let length = bytes
        .take(width)
        .filter(|_| zlib)?
        .iter()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    if length > LIMIT {
        return None;
    }
    let mut plain = Vec::with_capacity(length.min(FIRST));
    // One byte more than named shows that there is more.
    let mut decoder = ZlibDecoder::new(bytes.rest()).take(length as u64 + 1);
    decoder.read_to_end(&mut plain).ok()?;
    (plain.len() == length).then_some(plain)
}
