//! Random values as SQL of the source, most of them at the edges of their type.

use super::column::LABELS;
use crate::support::canonical::my_literal;
use crate::support::dice::Dice;

#[derive(Clone, Copy)]
pub enum Family {
    Integer {
        bits: u32,
        unsigned: bool,
    },
    Decimal {
        precision: u64,
        scale: u64,
        unsigned: bool,
    },
    Float,
    Double,
    Year,
    Bit {
        bits: u32,
    },
    Date,
    DateTime {
        fraction: u32,
    },
    Timestamp {
        fraction: u32,
    },
    Time {
        fraction: u32,
    },
    Text {
        characters: u64,
    },
    Bytes {
        length: u64,
    },
    Enum {
        labels: usize,
    },
    Set {
        labels: usize,
    },
    Json,
    Shape {
        kind: &'static str,
    },
    Uuid,
    Inet4,
    Inet6,
}

const PIECES: [&str; 22] = [
    "a",
    "Z",
    "0",
    " ",
    "  ",
    "é",
    "ß",
    "€",
    "你",
    "好",
    "😀",
    "\u{10ffff}",
    "'",
    "\"",
    "\\",
    "\\N",
    "\n",
    "\t",
    "\r\n",
    "%",
    "{}",
    "\u{7f}",
];

impl Family {
    /// `hostile`: now and then a value that PostgreSQL has no equal for.
    pub fn value(self, dice: &mut Dice, hostile: bool) -> String {
        let hostile = hostile && dice.below(12) == 0;
        match self {
            Family::Integer { bits, unsigned } => integer(dice, bits, unsigned).to_string(),
            Family::Decimal {
                precision,
                scale,
                unsigned,
            } => decimal(dice, precision, scale, unsigned),
            Family::Float => float(
                dice,
                &["1e-45", "1.17549435e-38", "3.4028234663852886e38"],
                |bits| f64::from(f32::from_bits(bits as u32)),
            ),
            Family::Double => float(
                dice,
                &[
                    "4.9e-324",
                    "2.2250738585072014e-308",
                    "1.7976931348623157e308",
                ],
                f64::from_bits,
            ),
            Family::Year => (*dice.pick(&["0", "1901", "1970", "2024", "2155"])).to_owned(),
            Family::Bit { bits } => (dice.roll() >> (64 - bits)).to_string(),
            Family::Date => format!("'{}'", date(dice, hostile)),
            Family::DateTime { fraction } => {
                format!("'{} {}'", date(dice, hostile), clock(dice, fraction))
            }
            Family::Timestamp { .. } if hostile => "'0000-00-00 00:00:00'".to_owned(),
            Family::Timestamp { fraction } => instant(dice, fraction),
            Family::Time { fraction } => time(dice, fraction),
            Family::Text { characters } => text(dice, characters, hostile),
            Family::Bytes { length } => bytes(dice, length),
            Family::Enum { labels } => (1 + dice.below(labels as u64)).to_string(),
            Family::Set { labels } => dice.below(1 << labels).to_string(),
            Family::Json if hostile => my_literal("{\"a\": \"\\u0000\"}"),
            Family::Json => my_literal(&document(dice, 3)),
            Family::Shape { kind } => shape(dice, kind),
            Family::Uuid => format!(
                "'{:08x}-{:04x}-{:04x}-{:04x}-{:012x}'",
                dice.below(1 << 32),
                dice.below(1 << 16),
                dice.below(1 << 16),
                dice.below(1 << 16),
                dice.below(1 << 48)
            ),
            Family::Inet4 => format!(
                "'{}.{}.{}.{}'",
                dice.below(256),
                dice.below(256),
                dice.below(256),
                dice.below(256)
            ),
            Family::Inet6 => inet6(dice),
        }
    }
}

fn integer(dice: &mut Dice, bits: u32, unsigned: bool) -> i128 {
    let (least, most) = match unsigned {
        true => (0, (1_i128 << bits) - 1),
        false => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
    };
    match dice.below(8) {
        0 => least,
        1 => most,
        2 => 0,
        3 => 1,
        4 => i128::from(dice.below(10)),
        _ => least + i128::from(dice.roll()) % (most - least + 1),
    }
}

fn decimal(dice: &mut Dice, precision: u64, scale: u64, unsigned: bool) -> String {
    let digit = |dice: &mut Dice, kind: u64| match kind {
        0 => '9',
        1 => '0',
        _ => char::from(b'0' + dice.below(10) as u8),
    };
    let kind = dice.below(5);
    let mut text = String::from(if !unsigned && dice.below(2) == 0 {
        "-"
    } else {
        ""
    });
    let whole = dice.below(precision - scale + 1);
    for _ in 0..whole.max(1) {
        // The whole digits may be none.
        text.push(if whole == 0 { '0' } else { digit(dice, kind) });
    }
    if scale > 0 {
        text.push('.');
        for _ in 0..1 + dice.below(scale) {
            text.push(digit(dice, kind));
        }
    }
    text
}

fn float(dice: &mut Dice, edges: &[&str], random: impl Fn(u64) -> f64) -> String {
    match dice.below(4) {
        0 => (*dice.pick(edges)).to_owned(),
        1 => (*dice.pick(&[
            "0",
            "'-0'",
            "0.1",
            "-1",
            "16777217",
            "9007199254740993",
            "123456.789",
        ]))
        .to_owned(),
        _ => {
            let value = random(dice.roll());
            if value.is_finite() {
                format!("{value:e}")
            } else {
                "1".to_owned()
            }
        }
    }
}

fn date(dice: &mut Dice, hostile: bool) -> String {
    if hostile {
        let dates = [
            "0000-00-00",
            "2024-00-10",
            "2024-10-00",
            "0000-01-01",
            "2023-02-29",
            "2024-04-31",
        ];
        return (*dice.pick(&dates)).to_owned();
    }
    match dice.below(3) {
        0 => (*dice.pick(&[
            "0001-01-01",
            "1000-01-01",
            "1969-12-31",
            "1970-01-01",
            "2000-02-29",
            "9999-12-31",
        ]))
        .to_owned(),
        _ => format!(
            "{:04}-{:02}-{:02}",
            1 + dice.below(9999),
            1 + dice.below(12),
            1 + dice.below(28)
        ),
    }
}

fn clock(dice: &mut Dice, fraction: u32) -> String {
    let clock = match dice.below(4) {
        0 => "00:00:00".to_owned(),
        1 => "23:59:59".to_owned(),
        _ => format!(
            "{:02}:{:02}:{:02}",
            dice.below(24),
            dice.below(60),
            dice.below(60)
        ),
    };
    clock + &parts(dice, fraction)
}

fn parts(dice: &mut Dice, fraction: u32) -> String {
    if fraction == 0 {
        return String::new();
    }
    let digits = match dice.below(4) {
        0 => 0,
        1 => 10_u64.pow(fraction) - 1,
        _ => dice.below(10_u64.pow(fraction)),
    };
    format!(".{digits:0width$}", width = fraction as usize)
}

fn instant(dice: &mut Dice, fraction: u32) -> String {
    let seconds = match dice.below(4) {
        0 => 1,
        1 => 2_147_483_647,
        // About the changes of European clocks in 2024.
        2 => *dice.pick(&[1_711_846_800, 1_729_990_800]) + dice.below(7200),
        _ => 1 + dice.below(2_147_483_647),
    };
    let parts = parts(dice, fraction);
    format!("FROM_UNIXTIME({seconds}{parts})")
}

fn time(dice: &mut Dice, fraction: u32) -> String {
    let sign = if dice.below(2) == 0 { "-" } else { "" };
    let clock = match dice.below(4) {
        0 => "838:59:58".to_owned(),
        1 => "00:00:00".to_owned(),
        _ => format!(
            "{:02}:{:02}:{:02}",
            dice.below(838),
            dice.below(60),
            dice.below(60)
        ),
    };
    format!("'{sign}{clock}{}'", parts(dice, fraction))
}

fn text(dice: &mut Dice, characters: u64, hostile: bool) -> String {
    let wanted = match dice.below(5) {
        0 => 0,
        1 => characters,
        _ => dice.below(characters + 1),
    };
    let mut text = String::new();
    if hostile {
        text.push('\0');
    }
    while (text.chars().count() as u64) < wanted {
        text.push_str(dice.pick::<&str>(&PIECES));
    }
    let text: String = text.chars().take(characters as usize).collect();
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("_utf8mb4 x'{digits}'")
}

fn bytes(dice: &mut Dice, length: u64) -> String {
    let wanted = match dice.below(4) {
        0 => 0,
        1 => length,
        _ => dice.below(length + 1),
    };
    let byte = |dice: &mut Dice| match dice.below(3) {
        0 => *dice.pick(&[0, 0xff, 0x20, 0x5c, 0x27, 0x0a]),
        _ => dice.below(256),
    };
    let digits: String = (0..wanted).map(|_| format!("{:02x}", byte(dice))).collect();
    format!("x'{digits}'")
}

fn document(dice: &mut Dice, depth: u32) -> String {
    let strings = [
        "\"\"",
        "\"a\"",
        "\"é😀\"",
        "\"\\n\\t\\\"\"",
        "\"\\u00e9\\ud83d\\ude00\"",
        "\"it's\"",
    ];
    let numbers = [
        "0",
        "-1",
        "1.50",
        "18446744073709551615",
        "-9223372036854775808",
        "1e10",
        "0.1",
        "123456789.125",
    ];
    let count = dice.below(4);
    match dice.below(if depth == 0 { 3 } else { 5 }) {
        0 => (*dice.pick(&["null", "true", "false"])).to_owned(),
        1 => (*dice.pick(&strings)).to_owned(),
        2 => (*dice.pick(&numbers)).to_owned(),
        3 => {
            let values: Vec<String> = (0..count).map(|_| document(dice, depth - 1)).collect();
            format!("[{}]", values.join(", "))
        }
        _ => {
            // The same name twice now and then.
            let member =
                |dice: &mut Dice| format!("{}: {}", dice.pick(&strings), document(dice, depth - 1));
            let members: Vec<String> = (0..count).map(|_| member(dice)).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn shape(dice: &mut Dice, kind: &str) -> String {
    let nested = dice.below(10) == 0;
    let mut point = || {
        format!(
            "{}.{} {}",
            dice.below(160) as i64 - 80,
            dice.below(1000),
            dice.below(160) as i64 - 80
        )
    };
    let line = |points: [String; 3]| points.join(", ");
    let (a, b, c) = (point(), point(), point());
    let text = match kind {
        "point" => format!("POINT({a})"),
        "linestring" => format!("LINESTRING({})", line([a, b, c])),
        "polygon" => format!("POLYGON(({}, {a}))", line([a.clone(), b, c])),
        "multipoint" => format!("MULTIPOINT({})", line([a, b, c])),
        "multilinestring" => format!("MULTILINESTRING(({a}, {b}), ({b}, {c}))"),
        "geometrycollection" => format!("GEOMETRYCOLLECTION(POINT({a}), LINESTRING({b}, {c}))"),
        // MariaDB does not read one in another, and then keeps nothing where there must be a shape.
        _ if nested => format!("GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT({a})))"),
        _ => format!("GEOMETRYCOLLECTION(POINT({a}), MULTIPOINT({b}, {c}))"),
    };
    let srid = dice.pick(&["0", "0", "4326"]);
    format!("ST_GeomFromText('{text}', {srid})")
}

fn inet6(dice: &mut Dice) -> String {
    let group = |dice: &mut Dice| match dice.below(2) {
        0 => 0,
        _ => dice.below(1 << 16),
    };
    match dice.below(4) {
        0 => (*dice.pick(&["'::'", "'::1'", "'::ffff:1.2.3.4'", "'::9.8.7.6'"])).to_owned(),
        _ => {
            let groups: Vec<String> = (0..8).map(|_| format!("{:x}", group(dice))).collect();
            format!("'{}'", groups.join(":"))
        }
    }
}

/// A label's number is its value: nothing of the label has to be quoted.
const _: () = assert!(LABELS.len() < 64);
