//! MySQL's GTIDs: `uuid:number`, since 8.3 also `uuid:tag:number`. How far a stream has come is a
//! set: intervals of numbers for each source of transactions, because they may come out of order.

use std::collections::BTreeMap;
use std::fmt;

use super::gtid::MAX_TEXT;

/// A set that has come from the log is no larger, so that its text is within [`MAX_TEXT`].
const MOST_SOURCES: usize = 10_000;
const MOST_INTERVALS: usize = 50_000;

/// The highest number a server gives.
const MAX_NUMBER: u64 = i64::MAX as u64 - 1;
const MAX_TAG: usize = 32;

/// Who numbers transactions: a server, or a tag of a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GtidSource {
    pub uuid: [u8; 16],
    /// Empty without one; else lower case.
    pub tag: String,
}

/// The identifier of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MySqlGtid {
    pub source: GtidSource,
    pub number: u64,
}

/// A set of transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MySqlGtids {
    /// Intervals with both ends, in order, with gaps between; none is empty, no list is empty.
    sources: BTreeMap<GtidSource, Vec<(u64, u64)>>,
}

impl MySqlGtid {
    pub fn parse(text: &str) -> Option<MySqlGtid> {
        let set = MySqlGtids::parse(text)?;
        let mut sources = set.sources.into_iter();
        let (source, intervals) = sources.next()?;
        match (sources.next(), intervals.as_slice()) {
            (None, [(first, last)]) if first == last => Some(MySqlGtid {
                source,
                number: *first,
            }),
            _ => None,
        }
    }
}

impl MySqlGtids {
    /// Reads `uuid:1-5:7,uuid:tag:1-3`, with white space wherever the server may put it.
    pub fn parse(text: &str) -> Option<MySqlGtids> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut set = MySqlGtids::default();
        for part in text.split(',').map(str::trim) {
            // The server itself takes a comma too many.
            if part.is_empty() {
                continue;
            }
            let mut pieces = part.split(':').map(str::trim);
            let mut source = GtidSource {
                uuid: parse_uuid(pieces.next()?)?,
                tag: String::new(),
            };
            let mut open = true;
            for piece in pieces {
                if let Some(interval) = parse_interval(piece) {
                    set.sources
                        .entry(source.clone())
                        .or_default()
                        .push(interval);
                    open = false;
                } else {
                    source.tag = parse_tag(piece)?;
                    open = true;
                }
            }
            // A source without a number.
            if open {
                return None;
            }
        }
        set.sources.values_mut().for_each(normalize);
        Some(set)
    }

    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Each source with its intervals, both ends of which belong to the set, in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = (&GtidSource, &[(u64, u64)])> {
        self.sources
            .iter()
            .map(|(source, intervals)| (source, intervals.as_slice()))
    }

    pub fn insert(&mut self, gtid: &MySqlGtid) {
        let number = gtid.number;
        let Some(intervals) = self.sources.get_mut(&gtid.source) else {
            self.sources
                .insert(gtid.source.clone(), vec![(number, number)]);
            return;
        };
        // The first interval that begins behind the number, and the one before it.
        let behind = intervals.partition_point(|(first, _)| *first <= number);
        let follows = intervals
            .get(behind)
            .is_some_and(|(first, _)| *first - 1 == number);
        let before = behind.checked_sub(1);
        if let Some((_, last)) = before.and_then(|before| intervals.get_mut(before)) {
            if *last >= number {
                return;
            }
            if *last + 1 == number {
                *last = number;
                if follows {
                    let (_, end) = intervals.remove(behind);
                    if let Some((_, last)) = before.and_then(|before| intervals.get_mut(before)) {
                        *last = end;
                    }
                }
                return;
            }
        }
        match intervals.get_mut(behind) {
            Some((first, _)) if follows => *first = number,
            _ => intervals.insert(behind, (number, number)),
        }
    }

    /// Can its text be read again? No source has nearly as many.
    pub(super) fn is_bounded(&self) -> bool {
        let intervals: usize = self.sources.values().map(Vec::len).sum();
        self.sources.len() <= MOST_SOURCES && intervals <= MOST_INTERVALS
    }

    pub fn contains(&self, other: &MySqlGtids) -> bool {
        other.iter().all(|(source, intervals)| {
            let ours = self.sources.get(source);
            intervals
                .iter()
                .all(|interval| ours.is_some_and(|ours| covers(ours, *interval)))
        })
    }

    pub fn contains_one(&self, gtid: &MySqlGtid) -> bool {
        self.sources
            .get(&gtid.source)
            .is_some_and(|ours| covers(ours, (gtid.number, gtid.number)))
    }
}

/// Whether one of the intervals covers this one: between two of them there is a gap.
fn covers(intervals: &[(u64, u64)], (first, last): (u64, u64)) -> bool {
    let behind = intervals.partition_point(|(start, _)| *start <= first);
    behind
        .checked_sub(1)
        .and_then(|before| intervals.get(before))
        .is_some_and(|(_, end)| *end >= last)
}

fn normalize(intervals: &mut Vec<(u64, u64)>) {
    intervals.sort_unstable();
    intervals.dedup_by(|next, kept| {
        let joined = next.0 <= kept.1.saturating_add(1);
        if joined {
            kept.1 = kept.1.max(next.1);
        }
        joined
    });
}

fn parse_interval(text: &str) -> Option<(u64, u64)> {
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (parse_number(first)?, parse_number(last)?),
        None => (parse_number(text)?, parse_number(text)?),
    };
    (first <= last).then_some((first, last))
}

fn parse_number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits)?;
    (1..=MAX_NUMBER).contains(&number).then_some(number)
}

fn parse_tag(text: &str) -> Option<String> {
    let tag = text.to_ascii_lowercase();
    let mut bytes = tag.bytes();
    let begins = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let fits = bytes.next().is_some_and(begins)
        && bytes.all(|byte| begins(byte) || byte.is_ascii_digit())
        && tag.len() <= MAX_TAG;
    fits.then_some(tag)
}

/// 32 hexadecimal digits, with dashes where they belong.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let mut uuid = [0; 16];
    let mut digits = 0;
    for (position, byte) in text.bytes().enumerate() {
        if matches!(position, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = char::from(byte).to_digit(16)?;
        let place = uuid.get_mut(digits / 2)?;
        *place = *place << 4 | digit as u8;
        digits += 1;
    }
    Some(uuid)
}

impl fmt::Display for GtidSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.uuid.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        if self.tag.is_empty() {
            return Ok(());
        }
        write!(f, ":{}", self.tag)
    }
}

impl fmt::Display for MySqlGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.number)
    }
}

/// As the server writes it, on one line.
impl fmt::Display for MySqlGtids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before: Option<&GtidSource> = None;
        for (source, intervals) in self.iter() {
            match before {
                Some(before) if before.uuid == source.uuid => write!(f, ":{}", source.tag)?,
                Some(_) => write!(f, ",{source}")?,
                None => write!(f, "{source}")?,
            }
            for (first, last) in intervals {
                match first == last {
                    true => write!(f, ":{first}")?,
                    false => write!(f, ":{first}-{last}")?,
                }
            }
            before = Some(source);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    const B: &str = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn set(text: &str) -> MySqlGtids {
        MySqlGtids::parse(text).unwrap()
    }

    #[test]
    fn text_is_written_canonically() {
        let told = format!(
            "{B}:7 : 1-3:4-5,\n {}:2:\n9-10:Ab_1:3-4:7:b:1,,{A}:3:b:2,",
            A.to_uppercase()
        );
        let shown = format!("{A}:2-3:9-10:ab_1:3-4:7:b:1-2,{B}:1-5:7");
        assert_eq!(set(&told).to_string(), shown);
        assert_eq!(set(&shown), set(&told));
        assert_eq!(set(" ").to_string(), "");
        assert_eq!(set(&format!("{A}:tag:5")).to_string(), format!("{A}:tag:5"));
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let bad = [
            "x",
            "3e11fa47:1",
            A,
            ":1",
            &format!("{A}:"),
            &format!("{A}:0"),
            &format!("{A}:5-4"),
            &format!("{A}:1-"),
            &format!("{A}:-1"),
            &format!("{A}:+1"),
            &format!("{A}:1:tag"),
            &format!("{A}:9223372036854775807"),
            &format!("{A}:1tag:1"),
            &format!("{A}:t-g:1"),
            &format!("{A}:{}:1", "t".repeat(33)),
            &format!("{A}:1-2-3"),
            &A.replace('-', "0"),
            &format!("{A}é:1"),
        ];
        for bad in bad {
            assert_eq!(MySqlGtids::parse(bad), None, "{bad}");
        }
        assert_eq!(MySqlGtids::parse(&",".repeat(MAX_TEXT + 1)), None);
        assert!(set(&format!("{A}:9223372036854775806")).iter().count() == 1);
    }

    #[test]
    fn hostile_text_of_the_largest_size_is_read_quickly() {
        let mut text = A.to_string();
        let mut number = 2_000_000;
        while text.len() < MAX_TEXT - 10 {
            number -= 2;
            text.push_str(&format!(":{number}"));
        }
        let all = set(&text);
        assert!(all.contains(&all));
    }

    #[test]
    fn one_is_inserted_wherever_it_belongs() {
        let mut seen = MySqlGtids::default();
        let one = |number: u64| MySqlGtid::parse(&format!("{A}:{number}")).unwrap();
        for (number, shown) in [
            (5, "5"),
            (7, "5:7"),
            (6, "5-7"),
            (1, "1:5-7"),
            (4, "1:4-7"),
            (6, "1:4-7"),
            (8, "1:4-8"),
            (10, "1:4-8:10"),
            (2, "1-2:4-8:10"),
            (3, "1-8:10"),
            (1, "1-8:10"),
            (9, "1-10"),
        ] {
            let known = ["1:4-7", "1-8:10"].contains(&shown) && number != 4 && number != 3;
            assert_eq!(seen.contains_one(&one(number)), known, "{number}");
            seen.insert(&one(number));
            assert_eq!(seen.to_string(), format!("{A}:{shown}"));
            assert!(seen.contains_one(&one(number)));
        }
        seen.insert(&MySqlGtid::parse(&format!("{A}:t:1")).unwrap());
        assert_eq!(seen.to_string(), format!("{A}:1-10:t:1"));
    }

    #[test]
    fn sets_contain_sets() {
        let all = set(&format!("{A}:1-5:8-9,{B}:3"));
        for part in ["", &format!("{A}:2-4:9"), &format!("{B}:3")] {
            assert!(all.contains(&set(part)), "{part}");
        }
        for other in [
            format!("{A}:5-6"),
            format!("{A}:5-8"),
            format!("{A}:tag:1"),
            format!("{B}:2-3"),
        ] {
            assert!(!all.contains(&set(&other)), "{other}");
        }
        assert!(MySqlGtid::parse(&format!("{A}:1-2")).is_none());
        assert!(MySqlGtid::parse(&format!("{A}:1,{B}:1")).is_none());
    }
}
