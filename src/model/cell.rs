//! One value of a source row, as a decoder hands it to the codec.

/// A borrowed source value in the shape of the wire: the binary result protocol fills the typed
/// variants, the text protocol only [`Cell::Null`] and [`Cell::Bytes`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Null,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    /// Text (utf8mb4), binary strings, decimals in ASCII, bit fields big-endian.
    Bytes(&'a [u8]),
    /// year, month, day, hour, minute, second, microsecond; zeros where the source has zeros.
    DateTime {
        year: u16,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
        microsecond: u32,
    },
    Time {
        negative: bool,
        days: u32,
        hours: u8,
        minutes: u8,
        seconds: u8,
        microseconds: u32,
    },
}
