//! Random columns: a name, a type with its attributes, and which of its values are no values to
//! PostgreSQL.

use super::value::Family;
use crate::support::canonical::{my_literal, my_name};
use crate::support::dice::Dice;

pub struct Column {
    pub name: String,
    /// What stands behind the name in CREATE TABLE.
    pub definition: String,
    pub family: Family,
    pub nullable: bool,
    /// Made by the source: no value is inserted.
    pub generated: bool,
}

const INTEGERS: [(&str, u32); 5] = [
    ("tinyint", 8),
    ("smallint", 16),
    ("mediumint", 24),
    ("int", 32),
    ("bigint", 64),
];
const CHARACTER_SETS: [&str; 14] = [
    "utf8mb4", "utf8mb4", "utf8mb4", "utf8mb3", "latin1", "gbk", "big5", "sjis", "ucs2", "utf16",
    "utf32", "koi8r", "cp1251", "ascii",
];
const SHAPES: [&str; 8] = [
    "geometry",
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "geometrycollection",
];
pub const LABELS: [&str; 10] = [
    "a",
    "small",
    "größe",
    "it''s",
    "with space",
    "😀",
    "{}",
    "\"",
    "null",
    "back\\\\slash",
];
/// Names of their own; the others get a number.
const NAMES: [&str; 12] = [
    "select",
    "user",
    "ctid",
    "xmin",
    "tableoid",
    "oid",
    "primary",
    "table",
    "order",
    "group",
    "Select List",
    "cmax",
];
const PATTERNS: [&str; 14] = [
    "c#",
    "c#",
    "c#",
    "c#",
    "C#",
    "a\"b#",
    "a`b#",
    "back\\slash#",
    "new\nline#",
    "ünï#",
    "你好#",
    "it's #",
    "$#",
    "100% #.5",
];

impl Column {
    pub fn random(dice: &mut Dice, number: usize, mysql: bool) -> Column {
        let (sql, family) = random_type(dice, mysql);
        let nullable = dice.below(4) > 0;
        let mut definition = sql;
        definition += if nullable { " NULL" } else { " NOT NULL" };
        definition += &default(dice, &definition, &family);
        if dice.below(5) == 0 {
            let comment = dice.pick(&["it's", "two\nlines", "\\ \" ` ; --", "größe 你好"]);
            definition += &format!(" COMMENT {}", my_literal(comment));
        }
        Column {
            name: name(dice, number),
            definition,
            family,
            nullable,
            generated: false,
        }
    }

    /// A column that the source computes from an integer.
    pub fn generated(dice: &mut Dice, number: usize, base: &Column) -> Column {
        let base = my_name(&base.name);
        let (sql, expression, family) = match dice.below(3) {
            0 => (
                "bigint",
                format!("{base} + 1"),
                Family::Integer {
                    bits: 64,
                    unsigned: false,
                },
            ),
            1 => (
                "varchar(40)",
                format!("CONCAT('v', {base})"),
                Family::Text { characters: 40 },
            ),
            _ => (
                "int",
                format!("CASE WHEN {base} > 3 THEN 1 ELSE 0 END"),
                Family::Integer {
                    bits: 32,
                    unsigned: false,
                },
            ),
        };
        let kept = dice.pick(&["STORED", "VIRTUAL"]);
        Column {
            name: name(dice, number),
            definition: format!("{sql} GENERATED ALWAYS AS ({expression}) {kept}"),
            family,
            nullable: true,
            generated: true,
        }
    }

    /// Can it be part of a key, without a prefix?
    pub fn keyed(&self) -> bool {
        match self.family {
            Family::Json | Family::Shape { .. } => false,
            Family::Text { characters: length } | Family::Bytes { length } => {
                (1..=40).contains(&length)
            }
            _ => !self.generated,
        }
    }

    /// The source's condition for a value that is refused; None where there is none.
    pub fn hostile(&self) -> Option<String> {
        let name = my_name(&self.name);
        let text = format!("CAST({name} AS CHAR)");
        match self.family {
            Family::Date | Family::DateTime { .. } | Family::Timestamp { .. } => Some(format!(
                "(SUBSTRING({text}, 1, 4) = '0000' OR SUBSTRING({text}, 6, 2) = '00' OR SUBSTRING({text}, 9, 2) = '00' \
                 OR SUBSTRING({text}, 9, 2) > DAY(LAST_DAY(CONCAT(SUBSTRING({text}, 1, 8), '01'))))"
            )),
            Family::Text { .. } => Some(format!(
                "LOCATE(x'00', CAST(CONVERT({name} USING utf8mb4) AS BINARY)) > 0"
            )),
            // The generator writes no backslash before this escape.
            Family::Json => Some(format!("LOCATE('\\\\u0000', {text}) > 0")),
            // Nothing, which is no shape: what MariaDB makes of NULL where there must be one.
            Family::Shape { .. } => Some(format!("LENGTH({name}) = 0")),
            _ => None,
        }
    }
}

fn name(dice: &mut Dice, number: usize) -> String {
    if dice.below(12) == 0 {
        return (*dice.pick(&NAMES)).to_owned();
    }
    if dice.below(20) == 0 {
        // As long as the source allows, longer than PostgreSQL does, alike at the beginning.
        return format!("{}{number:02}", "long_name_".repeat(7).split_at(62).0);
    }
    dice.pick(&PATTERNS).replace('#', &number.to_string())
}

fn random_type(dice: &mut Dice, mysql: bool) -> (String, Family) {
    let fraction = |dice: &mut Dice| *dice.pick(&[0, 0, 1, 3, 6]);
    let unsigned = dice.below(3) == 0;
    match dice.below(if mysql { 19 } else { 22 }) {
        0..=2 => {
            let (name, bits) = *dice.pick(&INTEGERS);
            let kind = match (unsigned, dice.below(4)) {
                (true, 0) => " unsigned zerofill",
                (true, _) => " unsigned",
                (false, _) => "",
            };
            (format!("{name}{kind}"), Family::Integer { bits, unsigned })
        }
        3 => (
            "tinyint(1)".into(),
            Family::Integer {
                bits: 8,
                unsigned: false,
            },
        ),
        4 => {
            let precision = 1 + dice.below(65);
            let scale = dice.below(precision.min(30) + 1);
            let kind = if unsigned { " unsigned" } else { "" };
            (
                format!("decimal({precision},{scale}){kind}"),
                Family::Decimal {
                    precision,
                    scale,
                    unsigned,
                },
            )
        }
        5 => ("float".into(), Family::Float),
        6 => ("double".into(), Family::Double),
        7 => ("year".into(), Family::Year),
        8 => {
            let bits = *dice.pick(&[1, 2, 7, 8, 9, 33, 63, 64]);
            (format!("bit({bits})"), Family::Bit { bits })
        }
        9 => ("date".into(), Family::Date),
        10 => {
            let fraction = fraction(dice);
            (
                format!("datetime({fraction})"),
                Family::DateTime { fraction },
            )
        }
        11 => {
            let fraction = fraction(dice);
            (
                format!("timestamp({fraction})"),
                Family::Timestamp { fraction },
            )
        }
        12 => {
            let fraction = fraction(dice);
            (format!("time({fraction})"), Family::Time { fraction })
        }
        13 => {
            let characters = *dice.pick(&[1, 2, 5, 20]);
            let set = dice.pick(&CHARACTER_SETS);
            (
                format!("char({characters}) CHARACTER SET {set}"),
                Family::Text { characters },
            )
        }
        14 => {
            let characters = *dice.pick(&[1, 3, 10, 40, 60]);
            let set = dice.pick(&CHARACTER_SETS);
            (
                format!("varchar({characters}) CHARACTER SET {set}"),
                Family::Text { characters },
            )
        }
        15 => {
            let (name, characters) = *dice.pick(&[
                ("tinytext", 60),
                ("text", 200),
                ("mediumtext", 2000),
                ("longtext", 200),
            ]);
            let set = dice.pick(&CHARACTER_SETS);
            (
                format!("{name} CHARACTER SET {set}"),
                Family::Text { characters },
            )
        }
        16 => match dice.below(3) {
            0 => {
                let length = *dice.pick(&[1, 4, 16]);
                (format!("binary({length})"), Family::Bytes { length })
            }
            1 => {
                let length = *dice.pick(&[1, 10, 40]);
                (format!("varbinary({length})"), Family::Bytes { length })
            }
            _ => {
                let (name, length) = *dice.pick(&[
                    ("tinyblob", 200),
                    ("blob", 300),
                    ("mediumblob", 3000),
                    ("longblob", 100),
                ]);
                (name.into(), Family::Bytes { length })
            }
        },
        17 => {
            let count = 1 + dice.below(LABELS.len() as u64) as usize;
            let labels = LABELS[..count].iter().map(|label| format!("'{label}'"));
            let list = labels.collect::<Vec<_>>().join(", ");
            match dice.below(2) {
                0 => (format!("enum({list})"), Family::Enum { labels: count }),
                _ => (format!("set({list})"), Family::Set { labels: count }),
            }
        }
        18 => match dice.below(2) {
            0 => ("json".into(), Family::Json),
            _ => {
                let kind = *dice.pick(&SHAPES);
                (kind.into(), Family::Shape { kind })
            }
        },
        19 => ("uuid".into(), Family::Uuid),
        20 => ("inet4".into(), Family::Inet4),
        _ => ("inet6".into(), Family::Inet6),
    }
}

fn default(dice: &mut Dice, definition: &str, family: &Family) -> String {
    // Without a default of its own a timestamp gets one that strict servers refuse.
    let wanted = dice.below(4) == 0;
    let default = match family {
        Family::Timestamp { fraction } if wanted || definition.ends_with("NOT NULL") => {
            return format!(" DEFAULT CURRENT_TIMESTAMP({fraction})");
        }
        _ if !wanted => return String::new(),
        Family::Integer { .. } | Family::Float | Family::Double => "7".to_owned(),
        Family::Decimal { .. } => "0".to_owned(),
        Family::Year => "'1999'".to_owned(),
        Family::Bit { .. } => "b'1'".to_owned(),
        Family::Date => "'1999-12-31'".to_owned(),
        Family::DateTime { fraction } => format!("CURRENT_TIMESTAMP({fraction})"),
        Family::Time { .. } => "'-12:34:56'".to_owned(),
        Family::Text { characters: 3.. } if definition.contains("char(") => "'a\\'\\\\'".to_owned(),
        Family::Enum { .. } | Family::Set { .. } => "'a'".to_owned(),
        _ => return String::new(),
    };
    format!(" DEFAULT {default}")
}
