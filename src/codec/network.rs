//! Network addresses, to inet.
//!
//! ```text
//! inet = u8 family (2: IPv4, 3: IPv6), u8 bits of the network, u8 0, u8 bytes, the address
//! ```
//!
//! An IPv6 address that stands for an IPv4 one stays IPv6: that is what the source holds.

use super::refusal::{Encoded, Refusal};
use super::wire::put_length;
use crate::model::cell::Cell;
use std::net::{Ipv4Addr, Ipv6Addr};

const IPV4: u8 = 2;
const IPV6: u8 = 3;

/// An address and the bits of its network: all of them for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    V4([u8; 4], u8),
    V6([u8; 16], u8),
}

/// Columns of the types `inet4` and `inet6`: text in both protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inet {
    V4,
    V6,
}

impl Inet {
    #[inline(never)]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        let Cell::Bytes(text) = *cell else {
            return Err(Refusal::WrongShape);
        };
        put_network(out, self.read(text)?)
    }

    /// A host's address as the source writes it.
    pub fn read(self, text: &[u8]) -> Result<Network, Refusal> {
        let text = std::str::from_utf8(text).map_err(|_| Refusal::Malformed)?;
        let network = match self {
            Inet::V4 => text
                .parse()
                .map(|address: Ipv4Addr| Network::V4(address.octets(), 32))
                .ok(),
            Inet::V6 => text
                .parse()
                .map(|address: Ipv6Addr| Network::V6(address.octets(), 128))
                .ok(),
        };
        network.ok_or(Refusal::Malformed)
    }
}

pub fn put_network(out: &mut Vec<u8>, network: Network) -> Encoded {
    let (family, bits, address) = match &network {
        Network::V4(address, bits) => (IPV4, *bits, &address[..]),
        Network::V6(address, bits) => (IPV6, *bits, &address[..]),
    };
    put_length(out, 4 + address.len())?;
    out.extend_from_slice(&[family, bits, 0, address.len() as u8]);
    out.extend_from_slice(address);
    Ok(())
}

/// Text as PostgreSQL's inet reads it: an address, with the bits of its network or without. The last
/// octets of an IPv4 network may be left out where the bits do not reach them.
pub fn parse_network(text: &[u8]) -> Option<Network> {
    let text = std::str::from_utf8(text).ok()?;
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(digits(bits, 128)?)),
        None => (text, None),
    };
    if address.contains(':') {
        let octets = address.parse::<Ipv6Addr>().ok()?.octets();
        // Here, and only here, PostgreSQL takes no leading zeros.
        let plain = !text.contains("/0") || text.ends_with("/0");
        return plain.then_some(Network::V6(octets, bits.unwrap_or(128)));
    }
    let mut octets = [0; 4];
    let mut count = 0;
    // A point after the last octet is of no account.
    for part in address.strip_suffix('.').unwrap_or(address).split('.') {
        *octets.get_mut(count)? = digits(part, 255)?;
        count += 1;
    }
    let bits = match bits {
        Some(bits) => (bits <= 32 && usize::from(bits / 8) <= count).then_some(bits)?,
        None => (count == 4).then_some(32)?,
    };
    Some(Network::V4(octets, bits))
}

/// A number in ASCII, up to `most`.
fn digits(text: &str, most: u16) -> Option<u8> {
    if text.is_empty() {
        return None;
    }
    let number = text.bytes().try_fold(0u16, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        Some(number * 10 + u16::from(digit)).filter(|number| *number <= most)
    })?;
    u8::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(inet: Inet, text: &str) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        inet.encode(&Cell::Bytes(text.as_bytes()), &mut out)?;
        Ok(out)
    }

    /// The bytes are what PostgreSQL 15 writes with inet_send.
    #[test]
    fn an_address_has_its_family_and_all_its_bits() {
        assert_eq!(
            encode(Inet::V4, "192.0.2.7").unwrap(),
            [0, 0, 0, 8, 2, 32, 0, 4, 192, 0, 2, 7]
        );
        let mapped = encode(Inet::V6, "::ffff:192.0.2.7").unwrap();
        assert_eq!(mapped[..8], [0, 0, 0, 20, 3, 128, 0, 16]);
        assert_eq!(
            mapped[8..],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7]
        );
        assert_eq!(
            encode(Inet::V6, "2001:db8::1").unwrap()[8..12],
            [0x20, 1, 0xd, 0xb8]
        );
    }

    #[test]
    fn a_column_holds_hosts_of_its_own_family() {
        for (inet, text) in [
            (Inet::V4, "::1"),
            (Inet::V4, "1.2.3"),
            (Inet::V4, "1.2.3.256"),
            (Inet::V4, "1.2.3.4/8"),
            (Inet::V6, "1.2.3.4"),
            (Inet::V6, "::1/64"),
            (Inet::V6, "fe80::1%eth0"),
            (Inet::V6, ""),
        ] {
            assert_eq!(encode(inet, text), Err(Refusal::Malformed), "{text}");
        }
        assert_eq!(
            Inet::V4.encode(&Cell::UInt(1), &mut Vec::new()),
            Err(Refusal::WrongShape)
        );
    }

    /// Tried against PostgreSQL 15's input function.
    #[test]
    fn text_is_read_as_postgresql_reads_it() {
        let read = |text: &str| parse_network(text.as_bytes());
        assert_eq!(read("10.1.2.3/8"), Some(Network::V4([10, 1, 2, 3], 8)));
        assert_eq!(read("010.1.2.3"), Some(Network::V4([10, 1, 2, 3], 32)));
        assert_eq!(read("10/8"), Some(Network::V4([10, 0, 0, 0], 8)));
        assert_eq!(read("1.2.3.4."), Some(Network::V4([1, 2, 3, 4], 32)));
        assert!(read("1:2:3:4:5:6:7::").is_some() && read("::2:3:4:5:6:7:8").is_some());
        assert_eq!(read("::/0"), Some(Network::V6([0; 16], 0)));
        for text in [
            "",
            "10",
            "10.1",
            "10/16",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4.5",
            "1..2.3",
            "::1/129",
            "::1/064",
            ":::",
            "1:2",
            "/8",
            " 1.2.3.4",
            "1.2.3.4 ",
            "1.2.3.4/8/8",
            "x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
