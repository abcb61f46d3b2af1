//! The character sets of both servers: how long a character may be, which collations are theirs.

/// Name, most bytes of a character, and the numbers of its collations below 256.
struct CharacterSet(&'static str, u32, &'static [u8]);

#[rustfmt::skip]
const SETS: [CharacterSet; 40] = [
    CharacterSet("armscii8", 1, &[32, 64]),
    CharacterSet("ascii", 1, &[11, 65]),
    CharacterSet("big5", 2, &[1, 84]),
    CharacterSet("cp1250", 1, &[26, 34, 44, 66, 99]),
    CharacterSet("cp1251", 1, &[14, 23, 50, 51, 52]),
    CharacterSet("cp1256", 1, &[57, 67]),
    CharacterSet("cp1257", 1, &[29, 58, 59]),
    CharacterSet("cp850", 1, &[4, 80]),
    CharacterSet("cp852", 1, &[40, 81]),
    CharacterSet("cp866", 1, &[36, 68]),
    CharacterSet("cp932", 2, &[95, 96]),
    CharacterSet("dec8", 1, &[3, 69]),
    CharacterSet("eucjpms", 3, &[97, 98]),
    CharacterSet("euckr", 2, &[19, 85]),
    CharacterSet("gb18030", 4, &[248, 249, 250]),
    CharacterSet("gb2312", 2, &[24, 86]),
    CharacterSet("gbk", 2, &[28, 87]),
    CharacterSet("geostd8", 1, &[92, 93]),
    CharacterSet("greek", 1, &[25, 70]),
    CharacterSet("hebrew", 1, &[16, 71]),
    CharacterSet("hp8", 1, &[6, 72]),
    CharacterSet("keybcs2", 1, &[37, 73]),
    CharacterSet("koi8r", 1, &[7, 74]),
    CharacterSet("koi8u", 1, &[22, 75]),
    CharacterSet("latin1", 1, &[5, 8, 15, 31, 47, 48, 49, 94]),
    CharacterSet("latin2", 1, &[2, 9, 21, 27, 77]),
    CharacterSet("latin5", 1, &[30, 78]),
    CharacterSet("latin7", 1, &[20, 41, 42, 79]),
    CharacterSet("macce", 1, &[38, 43]),
    CharacterSet("macroman", 1, &[39, 53]),
    CharacterSet("sjis", 2, &[13, 88]),
    CharacterSet("swe7", 1, &[10, 82]),
    CharacterSet("tis620", 1, &[18, 89]),
    CharacterSet("ucs2", 2, &[35, 90]),
    CharacterSet("ujis", 3, &[12, 91]),
    CharacterSet("utf16", 4, &[54, 55]),
    CharacterSet("utf16le", 4, &[56, 62]),
    CharacterSet("utf32", 4, &[60, 61]),
    CharacterSet("utf8mb3", 3, &[33, 76, 83]),
    CharacterSet("utf8mb4", 4, &[45, 46]),
];

/// The collation of binary strings.
pub const BINARY: u16 = 63;

/// The character set by its name of today; None for one that is not known.
pub fn canonical(name: &str) -> Option<&'static str> {
    let name = match name {
        "utf8" => "utf8mb3",
        other => other,
    };
    set(name).map(|set| set.0)
}

/// Most bytes that a character takes.
pub fn longest_character(name: &str) -> Option<u32> {
    canonical(name).and_then(set).map(|set| set.1)
}

/// The set a collation is of; None for a collation that is not known.
pub fn character_set(collation: u16) -> Option<&'static str> {
    match collation {
        // MariaDB: as the lower number, without padding.
        1024..=2047 => character_set(collation - 1024),
        // MariaDB: Unicode's rules of two generations.
        576..=607 | 2048..=2303 => Some("utf8mb3"),
        608..=639 | 2304..=2559 => Some("utf8mb4"),
        640..=671 | 2560..=2815 => Some("ucs2"),
        672..=703 | 2816..=3071 => Some("utf16"),
        736..=767 | 3072..=3327 => Some("utf32"),
        128..=159 => Some("ucs2"),
        101..=124 => Some("utf16"),
        160..=191 => Some("utf32"),
        192..=223 => Some("utf8mb3"),
        224..=247 | 255..=323 => Some("utf8mb4"),
        _ => {
            let collation = u8::try_from(collation).ok()?;
            let has = |set: &&CharacterSet| set.2.contains(&collation);
            SETS.iter().find(has).map(|set| set.0)
        }
    }
}

fn set(name: &str) -> Option<&'static CharacterSet> {
    SETS.iter().find(|set| set.0 == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As MariaDB 10.11 and MySQL 9.7 number them.
    #[test]
    fn a_collation_tells_its_character_set() {
        for (collation, name) in [
            (8, "latin1"),
            (45, "utf8mb4"),
            (255, "utf8mb4"),
            (323, "utf8mb4"),
            (224, "utf8mb4"),
            (1070, "utf8mb4"),
            (1270, "utf8mb4"),
            (2304, "utf8mb4"),
            (83, "utf8mb3"),
            (2247, "utf8mb3"),
            (1032, "latin1"),
            (1152, "ucs2"),
            (101, "utf16"),
            (1147, "utf16"),
            (1206, "utf32"),
            (56, "utf16le"),
            (250, "gb18030"),
            (97, "eucjpms"),
        ] {
            assert_eq!(character_set(collation), Some(name), "{collation}");
        }
        for unknown in [0, BINARY, 500, 4000, u16::MAX] {
            assert_eq!(character_set(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn no_collation_is_of_two_sets() {
        for (at, set) in SETS.iter().enumerate() {
            for other in &SETS[at + 1..] {
                assert!(set.2.iter().all(|number| !other.2.contains(number)));
                assert!(set.0 < other.0);
            }
            for &number in set.2 {
                assert_eq!(character_set(number.into()), Some(set.0));
            }
        }
        assert_eq!(longest_character("utf8"), Some(3));
        assert_eq!(longest_character("gb18030"), Some(4));
        assert_eq!(longest_character("klingon"), None);
    }
}
