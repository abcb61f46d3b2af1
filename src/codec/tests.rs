//! The codec as a whole: what is encoded is decoded back to the same value.

use super::{ColumnEncoder, ColumnRules, default_type};
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};
use crate::model::table::{SourceColumn, SourceType};

pub fn column(source_type: SourceType) -> SourceColumn {
    SourceColumn {
        type_name: "thing".to_owned(),
        ..SourceColumn::new("c", source_type)
    }
}

/// Each source type that is mapped, with attributes at both ends.
pub fn all_sources() -> Vec<SourceType> {
    let labels: Vec<String> = ["a", "größer", "c"].map(str::to_owned).into();
    let mut sources = vec![
        SourceType::Decimal {
            precision: 1,
            scale: 0,
        },
        SourceType::Decimal {
            precision: 65,
            scale: 38,
        },
        SourceType::Decimal {
            precision: 10,
            scale: 10,
        },
        SourceType::Float,
        SourceType::Double,
        SourceType::Year,
        SourceType::Bit { bits: 1 },
        SourceType::Bit { bits: 13 },
        SourceType::Bit { bits: 64 },
        SourceType::Date,
        SourceType::Char { length: 0 },
        SourceType::Char { length: 3 },
        SourceType::VarChar { length: 20 },
        SourceType::Text,
        SourceType::Binary { length: 16 },
        SourceType::VarBinary { length: 3 },
        SourceType::Blob,
        SourceType::Enum {
            labels: labels.clone(),
        },
        SourceType::Set { labels },
        SourceType::Json,
        SourceType::Geometry { srid: None },
        SourceType::Uuid,
        SourceType::Inet4,
        SourceType::Inet6,
    ];
    for unsigned in [false, true] {
        sources.extend([
            SourceType::TinyInt { unsigned },
            SourceType::SmallInt { unsigned },
            SourceType::MediumInt { unsigned },
            SourceType::Int { unsigned },
            SourceType::BigInt { unsigned },
        ]);
    }
    for fraction in [0, 3, 6] {
        sources.extend([
            SourceType::DateTime { fraction },
            SourceType::Timestamp { fraction },
            SourceType::Time { fraction },
        ]);
    }
    sources
}

/// xorshift64*: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Of any magnitude.
    pub fn wide(&mut self) -> u64 {
        let shift = self.below(64);
        self.next() >> shift
    }
}

/// A value's field in its column's own type, with the length before it; None where it is refused.
pub fn field_of(column: &SourceColumn, cell: &Cell<'_>) -> Option<Vec<u8>> {
    let target = default_type(column).unwrap();
    let encoder = ColumnEncoder::new(column, target, ColumnRules::default()).unwrap();
    let mut out = Vec::new();
    encoder.family.encode(cell, &mut out).ok().map(|()| out)
}

fn field(source: SourceType, target: PgType, cell: Cell<'_>) -> Vec<u8> {
    let encoder = ColumnEncoder::new(&column(source), target, ColumnRules::default()).unwrap();
    let mut out = Vec::new();
    encoder.family.encode(&cell, &mut out).unwrap();
    let bytes = out.split_off(4);
    assert_eq!(out, (bytes.len() as u32).to_be_bytes());
    bytes
}

/// The numeric's decimal text, as PostgreSQL prints it.
fn numeric_text(bytes: &[u8]) -> String {
    let words: Vec<u16> = bytes
        .chunks(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    let (weight, sign, scale) = (i32::from(words[1] as i16), words[2], usize::from(words[3]));
    let groups = &words[4..];
    assert_eq!(groups.len(), usize::from(words[0]));
    assert!(groups.iter().all(|group| *group < 10_000));
    assert!(groups.first() != Some(&0) && groups.last() != Some(&0));
    let group = |exponent: i32| {
        let index = usize::try_from(weight - exponent).ok();
        index
            .and_then(|index| groups.get(index))
            .copied()
            .unwrap_or(0)
    };
    let mut integer = String::new();
    for exponent in (0..=weight.max(0)).rev() {
        integer += &format!("{:04}", group(exponent));
    }
    let mut fraction = String::new();
    for exponent in 1..=scale.div_ceil(4) as i32 {
        fraction += &format!("{:04}", group(-exponent));
    }
    // Digits beyond the scale would be cut off by the server.
    assert!(fraction[scale..].bytes().all(|byte| byte == b'0'));
    let integer = match integer.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let sign = if sign == 0 { "" } else { "-" };
    match scale {
        0 => format!("{sign}{integer}"),
        _ => format!("{sign}{integer}.{}", &fraction[..scale]),
    }
}

#[test]
fn random_decimals_come_back_digit_by_digit() {
    let mut random = Random(1);
    for _ in 0..20_000 {
        let precision = 1 + random.below(65) as u32;
        let scale = random.below(u64::from(precision) + 1).min(38) as u32;
        let source = SourceType::Decimal { precision, scale };
        let integer_digits = random.below(u64::from(precision - scale) + 1);
        let zeros = random.below(3) == 0;
        let mut digits = |count: u64| -> String {
            let digit = |_| match zeros && random.below(4) != 0 {
                true => '0',
                false => char::from(b'0' + random.below(10) as u8),
            };
            (0..count).map(digit).collect()
        };
        let integer = digits(integer_digits);
        let fraction = digits(scale.into());
        let integer = match integer.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        let zero = integer == "0" && fraction.bytes().all(|byte| byte == b'0');
        let sign = if !zero && precision.is_multiple_of(2) {
            "-"
        } else {
            ""
        };
        let text = match scale {
            0 => format!("{sign}{integer}"),
            _ => format!("{sign}{integer}.{fraction}"),
        };
        let target = default_type(&column(source.clone())).unwrap();
        let bytes = field(source, target, Cell::Bytes(text.as_bytes()));
        assert_eq!(numeric_text(&bytes), text);
    }
}

#[test]
fn random_integers_come_back_from_every_form() {
    let mut random = Random(2);
    let numeric = PgType::plain(oid::NUMERIC);
    for _ in 0..20_000 {
        let value = random.wide();
        let unsigned = SourceType::BigInt { unsigned: true };
        let bytes = field(unsigned.clone(), numeric, Cell::UInt(value));
        assert_eq!(numeric_text(&bytes), value.to_string());
        let text = value.to_string();
        assert_eq!(
            field(unsigned, numeric, Cell::Bytes(text.as_bytes())),
            bytes
        );

        let value = value as i64;
        let signed = SourceType::BigInt { unsigned: false };
        let bytes = field(signed.clone(), PgType::plain(oid::INT8), Cell::Int(value));
        assert_eq!(bytes, value.to_be_bytes());
        let bytes = field(signed, numeric, Cell::Int(value));
        assert_eq!(numeric_text(&bytes), value.to_string());

        let value = value as i32;
        let int = SourceType::Int { unsigned: false };
        let bytes = field(
            int.clone(),
            PgType::plain(oid::INT4),
            Cell::Int(value.into()),
        );
        assert_eq!(bytes, value.to_be_bytes());
        let bytes = field(int, PgType::plain(oid::INT8), Cell::Int(value.into()));
        assert_eq!(bytes, i64::from(value).to_be_bytes());
    }
}

#[test]
fn typed_and_ascii_times_give_the_same_bytes() {
    let mut random = Random(3);
    for _ in 0..20_000 {
        let (year, month, day) = (
            1 + random.below(9999) as u16,
            1 + random.below(12) as u8,
            1 + random.below(28) as u8,
        );
        let (hour, minute, second) = (
            random.below(24) as u8,
            random.below(60) as u8,
            random.below(60) as u8,
        );
        let microsecond = random.below(1_000_000) as u32;
        let clock = format!("{minute:02}:{second:02}.{microsecond:06}");
        let text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{clock}");
        let cell = Cell::DateTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            microsecond,
        };
        let source = SourceType::Timestamp { fraction: 6 };
        let target = PgType::plain(oid::TIMESTAMPTZ);
        let bytes = field(source.clone(), target, cell);
        assert_eq!(bytes, field(source, target, Cell::Bytes(text.as_bytes())));

        let (negative, days) = (random.below(2) == 1, random.below(34) as u32);
        let hours = days * 24 + u32::from(hour);
        let text = format!("{}{hours:02}:{clock}", if negative { "-" } else { "" });
        let cell = Cell::Time {
            negative,
            days,
            hours: hour,
            minutes: minute,
            seconds: second,
            microseconds: microsecond,
        };
        let source = SourceType::Time { fraction: 6 };
        let target = PgType::plain(oid::INTERVAL);
        let bytes = field(source.clone(), target, cell);
        assert_eq!(bytes, field(source, target, Cell::Bytes(text.as_bytes())));
        let seconds = i64::from(hours) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let expected = seconds * 1_000_000 + i64::from(microsecond);
        let expected = if negative { -expected } else { expected };
        assert_eq!(bytes[..8], expected.to_be_bytes());
    }
}

#[test]
fn random_bit_fields_come_back_bit_by_bit() {
    let mut random = Random(4);
    for _ in 0..20_000 {
        let bits = 1 + random.below(64) as u32;
        let value = random.next() >> (64 - bits);
        let sent = value.to_be_bytes();
        let sent = &sent[8 - bits.div_ceil(8) as usize..];
        let target = PgType {
            oid: oid::BIT,
            typmod: bits as i32,
        };
        let bytes = field(SourceType::Bit { bits }, target, Cell::Bytes(sent));
        assert_eq!(bytes[..4], bits.to_be_bytes());
        let mut back = 0;
        for index in 0..bits {
            let byte = bytes[4 + index as usize / 8];
            back = back << 1 | u64::from(byte >> (7 - index % 8) & 1);
        }
        assert_eq!(back, value);
    }
}

#[test]
fn random_sets_come_back_label_by_label() {
    let mut random = Random(5);
    let labels: Vec<String> = (0..64).map(|label| format!("l{label}é")).collect();
    let source = SourceType::Set {
        labels: labels.clone(),
    };
    for _ in 0..2_000 {
        let chosen = random.wide();
        let mut value: Vec<&str> = Vec::new();
        for (index, label) in labels.iter().enumerate() {
            if chosen >> index & 1 == 1 {
                value.push(label);
            }
        }
        let text = value.join(",");
        let target = PgType::plain(oid::TEXT_ARRAY);
        let bytes = field(source.clone(), target, Cell::Bytes(text.as_bytes()));
        let mut rest = &bytes[..];
        let word = |rest: &mut &[u8]| {
            let (head, tail) = rest.split_first_chunk::<4>().unwrap();
            *rest = tail;
            u32::from_be_bytes(*head)
        };
        let head = [word(&mut rest), word(&mut rest), word(&mut rest)];
        if value.is_empty() {
            assert_eq!(head, [0, 0, 25]);
        } else {
            assert_eq!(head, [1, 0, 25]);
            assert_eq!(word(&mut rest) as usize, value.len());
            assert_eq!(word(&mut rest), 1);
        }
        for label in value {
            let length = word(&mut rest) as usize;
            let (element, tail) = rest.split_at(length);
            assert_eq!(element, label.as_bytes());
            rest = tail;
        }
        assert!(rest.is_empty());
    }
}
