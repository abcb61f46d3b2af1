//! An IPv6 address in the source's own writing: the longest run of zero groups, be it one group, is
//! left out, and what is an IPv4 address at heart ends as one.

use std::io::Write;
use std::net::Ipv4Addr;

const GROUPS: usize = 8;

/// Appends the address.
pub fn write_inet6(address: [u8; 16], out: &mut Vec<u8>) -> Option<()> {
    let (pairs, _) = address.as_chunks::<2>();
    let groups: [u16; GROUPS] =
        std::array::from_fn(|index| pairs.get(index).map_or(0, |pair| u16::from_be_bytes(*pair)));
    let gap = longest_gap(&groups);
    let [_, _, _, _, _, mapped, high, _] = groups;
    let [.., a, b, c, d] = address;
    let short = match gap {
        (0, 6) => high != 0,
        (0, 5) => mapped == 0xffff,
        _ => false,
    };
    if short {
        let prefix = if mapped == 0 { "::" } else { "::ffff:" };
        return write!(out, "{prefix}{}", Ipv4Addr::new(a, b, c, d)).ok();
    }
    let (start, end) = (gap.0, gap.0 + gap.1);
    for (index, group) in groups.iter().enumerate() {
        if (start..end).contains(&index) {
            if index == start {
                out.extend_from_slice(b"::");
            }
            continue;
        }
        if index > 0 && (index != end || start == end) {
            out.push(b':');
        }
        write!(out, "{group:x}").ok()?;
    }
    Some(())
}

/// Where the first of the longest runs of zeros begins, and how many they are.
fn longest_gap(groups: &[u16; GROUPS]) -> (usize, usize) {
    let (mut longest, mut run) = ((0, 0), 0);
    for (index, group) in groups.iter().enumerate() {
        run = if *group == 0 { run + 1 } else { 0 };
        if run > longest.1 {
            longest = (index + 1 - run, run);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    /// As MariaDB 10.11 prints them.
    #[test]
    fn addresses_are_written_as_the_source_writes_them() {
        for text in [
            "::",
            "::1",
            "::102",
            "::1.2.3.4",
            "::ffff:192.0.2.1",
            "::ffff:0.0.0.0",
            "::1:0:0:0",
            "2001:db8::",
            "2001:db8::1:0:0:1",
            "1:0:0:2::3",
            "::ffff:e8:0:ffff:ffff:63d:0",
            "ffff:55f::fcd:d:2a:0:38",
            "ffff:ffff:ffff::ffff:ffff:ffff:0",
            "1:2:3:4:5:6:7::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            let address: Ipv6Addr = text.parse().unwrap();
            let mut out = Vec::new();
            write_inet6(address.octets(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
