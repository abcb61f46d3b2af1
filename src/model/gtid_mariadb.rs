//! MariaDB's GTIDs: `domain-server-sequence`. How far a stream has come is the last one of each
//! domain, because a domain is written in order.

use std::collections::BTreeMap;
use std::fmt;

use super::gtid::MAX_TEXT;

/// A set that has come from the log has no more, so that its text is within [`MAX_TEXT`].
const MOST_DOMAINS: usize = 50_000;

/// The identifier of one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MariaDbGtid {
    pub domain: u32,
    pub server_id: u32,
    pub sequence: u64,
}

/// The last transaction of each domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MariaDbGtids {
    domains: BTreeMap<u32, MariaDbGtid>,
}

impl MariaDbGtid {
    pub fn parse(text: &str) -> Option<MariaDbGtid> {
        let mut parts = text.trim().split('-');
        let mut part = || parts.next().filter(|part| is_number(part));
        let gtid = MariaDbGtid {
            domain: part()?.parse().ok()?,
            server_id: part()?.parse().ok()?,
            sequence: part()?.parse().ok()?,
        };
        parts.next().is_none().then_some(gtid)
    }

    /// A list with commas between; a domain may come more than once, as in `gtid_binlog_state`.
    pub fn parse_list(text: &str) -> Option<Vec<MariaDbGtid>> {
        if text.len() > MAX_TEXT {
            return None;
        }
        if text.trim().is_empty() {
            return Some(Vec::new());
        }
        text.split(',').map(MariaDbGtid::parse).collect()
    }
}

impl MariaDbGtids {
    /// A list with commas between, each domain once.
    pub fn parse(text: &str) -> Option<MariaDbGtids> {
        let list = MariaDbGtid::parse_list(text)?;
        let count = list.len();
        let gtids: MariaDbGtids = list.into_iter().collect();
        (gtids.domains.len() == count).then_some(gtids)
    }

    /// Can its text be read again? No source has nearly as many.
    pub(super) fn is_bounded(&self) -> bool {
        self.domains.len() <= MOST_DOMAINS
    }

    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// In the order of the domains.
    pub fn iter(&self) -> impl Iterator<Item = &MariaDbGtid> {
        self.domains.values()
    }

    pub fn domain(&self, domain: u32) -> Option<&MariaDbGtid> {
        self.domains.get(&domain)
    }

    /// The transaction is the last one of its domain now. The log's order counts, not the number:
    /// where `gtid_strict_mode` is off a number can go back.
    pub fn advance(&mut self, gtid: MariaDbGtid) {
        self.domains.insert(gtid.domain, gtid);
    }

    /// Whether in each domain of the other we are as far. Numbers of one domain are compared
    /// whoever wrote them: that is what a replica that changes its master relies upon, too.
    pub fn contains(&self, other: &MariaDbGtids) -> bool {
        other.iter().all(|gtid| self.contains_one(*gtid))
    }

    pub fn contains_one(&self, gtid: MariaDbGtid) -> bool {
        self.domain(gtid.domain)
            .is_some_and(|ours| ours.sequence >= gtid.sequence)
    }
}

impl FromIterator<MariaDbGtid> for MariaDbGtids {
    fn from_iter<I: IntoIterator<Item = MariaDbGtid>>(list: I) -> Self {
        let mut gtids = MariaDbGtids::default();
        for gtid in list {
            gtids.advance(gtid);
        }
        gtids
    }
}

impl fmt::Display for MariaDbGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server_id, self.sequence)
    }
}

impl fmt::Display for MariaDbGtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, gtid) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            gtid.fmt(f)?;
        }
        Ok(())
    }
}

/// Digits and nothing else: a sign would be taken by the parser of numbers.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gtids(text: &str) -> MariaDbGtids {
        MariaDbGtids::parse(text).unwrap()
    }

    #[test]
    fn text_is_read_and_written() {
        assert_eq!(gtids(" 1-2-5, 0-1-4711 ").to_string(), "0-1-4711,1-2-5");
        assert_eq!(gtids("").to_string(), "");
        assert_eq!(
            gtids("4294967295-4294967295-18446744073709551615").to_string(),
            "4294967295-4294967295-18446744073709551615"
        );
        for bad in [
            "0-1",
            "0-1-2-3",
            "0-1--2",
            "-1-1-2",
            "0-+1-2",
            "a-b-c",
            "0-1-2,",
            ",",
            "0-1-2,0-2-3",
            "4294967296-1-1",
            "0-1-18446744073709551616",
            "0 -1-2",
        ] {
            assert_eq!(MariaDbGtids::parse(bad), None, "{bad}");
        }
        assert_eq!(MariaDbGtids::parse(&" ".repeat(MAX_TEXT + 1)), None);
    }

    #[test]
    fn a_state_may_have_a_domain_twice() {
        let list = MariaDbGtid::parse_list("0-2-7,0-1-9").unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(MariaDbGtids::parse("0-2-7,0-1-9"), None);
    }

    #[test]
    fn each_domain_counts() {
        let mut ours = gtids("0-1-10,1-1-5");
        assert!(ours.contains(&gtids("")));
        assert!(ours.contains(&gtids("0-2-10")));
        assert!(ours.contains(&ours));
        assert!(!ours.contains(&gtids("0-1-10,1-1-6")));
        assert!(!ours.contains(&gtids("2-1-1")));
        ours.advance(MariaDbGtid::parse("2-7-1").unwrap());
        ours.advance(MariaDbGtid::parse("0-7-9").unwrap());
        assert_eq!(ours.to_string(), "0-7-9,1-1-5,2-7-1");
    }
}
