//! Reading from bytes that somebody else wrote: each step may find too few of them, and says so by
//! None. Numbers are little-endian, as everything in a binlog, unless the name says otherwise.

#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bytes<'a> {
        Bytes(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of up to eight bytes.
    pub(super) fn number(&mut self, width: usize) -> Option<u64> {
        let taken = self.take(width)?;
        let mut bytes = [0; 8];
        bytes.get_mut(..width)?.copy_from_slice(taken);
        Some(u64::from_le_bytes(bytes))
    }

    /// The protocol's length-encoded integer.
    pub(super) fn packed(&mut self) -> Option<u64> {
        match self.u8()? {
            small @ 0..=250 => Some(small.into()),
            252 => self.number(2),
            253 => self.number(3),
            254 => self.number(8),
            // NULL in a result, an error's mark: neither is a number.
            251 | 255 => None,
        }
    }

    pub(super) fn packed_usize(&mut self) -> Option<usize> {
        self.packed()?.try_into().ok()
    }

    /// Bytes with their length before them.
    pub(super) fn packed_bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.packed_usize()?;
        self.take(length)
    }

    /// Bytes with their length before them, in one byte.
    pub(super) fn short_bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// One bit for each of so many columns.
    pub(super) fn bitmap(&mut self, columns: usize) -> Option<&'a [u8]> {
        self.take(columns.div_ceil(8))
    }
}

/// Text that has to be UTF-8: names are.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers() {
        let read = |bytes: &[u8]| Bytes::new(bytes).packed();
        assert_eq!(read(&[250]), Some(250));
        assert_eq!(read(&[252, 1, 2]), Some(0x201));
        assert_eq!(read(&[253, 1, 2, 3]), Some(0x3_0201));
        assert_eq!(read(&[254, 1, 0, 0, 0, 0, 0, 0, 0x80]), Some(1 << 63 | 1));
        for bad in [&[][..], &[251], &[255], &[252, 1], &[254, 1, 2, 3]] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let mut bytes = Bytes::new(&[2, b'a', b'b', 9, b'c']);
        assert_eq!(bytes.short_bytes(), Some(&b"ab"[..]));
        assert_eq!(bytes.short_bytes(), None);
        assert_eq!(bytes.number(9), None);
        assert_eq!(bytes.rest(), b"c");
        assert_eq!((bytes.u8(), bytes.len()), (None, 0));
    }
}
