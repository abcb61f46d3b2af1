//! A hostile source: no cell, fitting its column or not, under no rules and with no target type,
//! makes the codec panic or grow beyond measure.
//!
//! `TRIBUTARY_FUZZ` is how many cells each pair of types gets; the default is for every build.

use super::tests::{Random, all_sources, column};
use super::{ColumnEncoder, ColumnRules, RowEncoder, RowError, parse_type, replay, row_json};
use crate::error::Kind;
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};
use crate::model::policy::{InvalidText, NulByte, Policies, ZeroDate};
use crate::model::table::SourceColumn;

/// Bytes of all kinds: noise, text, digits, dates and geometry that are nearly right.
pub fn random_bytes(random: &mut Random) -> Vec<u8> {
    let length = random.below(40) as usize;
    let alphabet: &[u8] = match random.below(9) {
        0 => b"0123456789",
        1 => b"0123456789.-+eE: /",
        2 => b"ab,\\u0d8cf\"{}",
        3 => b"a,c",
        4 => b"[]{}:,\"\\u0d8a1e-. tfn",
        5 => b"0123456789abcdefABCDEF:.-{}/",
        6 => return nearly(b"2024-02-29 23:59:59.999999", random),
        7 => return random_geometry(random),
        _ => return (0..length).map(|_| random.next() as u8).collect(),
    };
    (0..length)
        .map(|_| alphabet[random.below(alphabet.len() as u64) as usize])
        .collect()
}

fn nearly(right: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = right.to_vec();
    bytes.truncate(random.below(bytes.len() as u64 + 1) as usize);
    let place = random.below(right.len() as u64 + 4) as usize;
    if let Some(byte) = bytes.get_mut(place) {
        *byte = random.next() as u8;
    }
    bytes
}

/// Headers and counts in any order, right and huge.
fn random_geometry(random: &mut Random) -> Vec<u8> {
    let mut bytes = (random.wide() as u32).to_le_bytes().to_vec();
    for _ in 0..random.below(12) {
        match random.below(4) {
            0 => bytes.extend([0; 16]),
            1 => bytes.extend((random.wide() as u32).to_le_bytes()),
            _ => {
                let order = random.below(3) as u8;
                let word = |value: u32| match order {
                    0 => value.to_be_bytes(),
                    _ => value.to_le_bytes(),
                };
                bytes.push(order);
                bytes.extend(word(random.below(9) as u32));
                bytes.extend(word(random.below(4) as u32));
            }
        }
    }
    bytes
}

pub fn random_cell<'a>(random: &mut Random, bytes: &'a [u8]) -> Cell<'a> {
    let tame = random.below(2) == 0;
    let part = |random: &mut Random, bound: u64| match tame {
        true => random.below(bound),
        false => random.next(),
    };
    match random.below(12) {
        0 => Cell::Null,
        1 => Cell::Int(random.wide() as i64),
        2 => Cell::Int(-(random.wide() as i64 >> 1)),
        3 => Cell::UInt(random.wide()),
        4 => Cell::Float(f32::from_bits(random.next() as u32)),
        5 => Cell::Double(f64::from_bits(random.next())),
        6 => Cell::DateTime {
            year: part(random, 10_001) as u16,
            month: part(random, 14) as u8,
            day: part(random, 33) as u8,
            hour: part(random, 25) as u8,
            minute: part(random, 61) as u8,
            second: part(random, 61) as u8,
            microsecond: part(random, 1_000_001) as u32,
        },
        7 => Cell::Time {
            negative: part(random, 2) == 1,
            days: part(random, 40) as u32,
            hours: part(random, 25) as u8,
            minutes: part(random, 61) as u8,
            seconds: part(random, 61) as u8,
            microseconds: part(random, 1_000_001) as u32,
        },
        _ => Cell::Bytes(bytes),
    }
}

fn random_rules(random: &mut Random) -> ColumnRules {
    ColumnRules {
        policies: Policies {
            zero_date: match random.below(4) {
                0 => ZeroDate::Reject,
                1 => ZeroDate::Null,
                2 => ZeroDate::MinusInfinity,
                _ => ZeroDate::Date {
                    year: 1900,
                    month: 1,
                    day: 28,
                },
            },
            nul_byte: match random.below(3) {
                0 => NulByte::Reject,
                1 => NulByte::Strip,
                _ => NulByte::Replace,
            },
            invalid_text: match random.below(2) {
                0 => InvalidText::Reject,
                _ => InvalidText::Replace,
            },
        },
        cast: random.below(4) != 0,
    }
}

/// Types with and without their arguments, tight ones too, and a few that no source takes.
fn targets() -> Vec<PgType> {
    let mut targets: Vec<PgType> = [
        "bool",
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "numeric",
        "numeric(3,1)",
        "numeric(65,30)",
        "text",
        "varchar",
        "varchar(3)",
        "char(3)",
        "bytea",
        "date",
        "time",
        "time(1)",
        "timestamp",
        "timestamp(1)",
        "timestamptz",
        "timestamptz(1)",
        "interval",
        "interval(1)",
        "uuid",
        "inet",
        "json",
        "jsonb",
        "bit(13)",
        "varbit",
        "text[]",
    ]
    .map(|text| parse_type(text).unwrap())
    .into();
    targets.push(PgType::plain(oid::GEOMETRY));
    targets.push(PgType::plain(0));
    targets
}

/// Fields of one tuple; None where the bytes are not a tuple of that many fields.
fn split(mut tuple: &[u8], fields: usize) -> Option<()> {
    let (count, rest) = tuple.split_first_chunk::<2>()?;
    tuple = rest;
    (usize::from(u16::from_be_bytes(*count)) == fields).then_some(())?;
    for _ in 0..fields {
        let (length, rest) = tuple.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*length).max(0) as usize;
        tuple = rest.get(length..)?;
    }
    tuple.is_empty().then_some(())
}

/// One cell through everything that takes cells.
fn attack(row: &mut RowEncoder, column: &SourceColumn, cell: Cell<'_>, bytes: usize) -> bool {
    let mut out = vec![7; 3];
    let result = row.encode([cell].into_iter(), &mut out);
    match &result {
        Ok(()) => {
            split(&out[3..], 1).unwrap();
            // A comma of a set becomes the four bytes of a length, a NUL byte the three of U+FFFD.
            assert!(out.len() <= 200 + 5 * bytes, "{} of {bytes}", out.len());
        }
        Err(RowError::Refused(refused)) => {
            let error = refused.into_error(row);
            assert_eq!(error.kind, Kind::ValueRefused);
            assert_eq!(error.sqlstate().len(), 5);
            assert_eq!(out, [7; 3]);
        }
        Err(RowError::Broken(error)) => {
            assert_eq!(error.kind, Kind::ProtocolViolation);
            assert_eq!(out, [7; 3]);
        }
    }
    assert!(out.capacity() <= 1024 + 32 * bytes);
    let columns = std::slice::from_ref(column);
    let kept = row_json(columns, &[cell]);
    let length = kept.to_string().len();
    assert!(length <= 200 + 6 * bytes.max(64), "{length} of {bytes}");
    assert!(replay(columns, &kept).is_ok());
    assert!(row.take_adjustments().len() <= 3);
    result.is_ok()
}

#[test]
fn no_cell_makes_the_codec_panic_or_run_away() {
    let given = std::env::var("TRIBUTARY_FUZZ").ok();
    let cells: u64 = given.and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut random = Random(6);
    let (mut good, mut bad, mut pairs) = (0u64, 0u64, 0);
    let cast = ColumnRules {
        cast: true,
        ..ColumnRules::default()
    };
    for source in all_sources() {
        let mut column = column(source);
        for target in targets() {
            if ColumnEncoder::new(&column, target, cast).is_err() {
                continue;
            }
            pairs += 1;
            for _ in 0..cells.div_ceil(20) {
                column.nullable = random.below(2) == 0;
                let rules = random_rules(&mut random);
                let Ok(encoder) = ColumnEncoder::new(&column, target, rules) else {
                    continue;
                };
                let mut row = RowEncoder::new(vec![("c".to_owned(), encoder)]);
                for _ in 0..20 {
                    let bytes = random_bytes(&mut random);
                    let cell = random_cell(&mut random, &bytes);
                    match attack(&mut row, &column, cell, bytes.len()) {
                        true => good += 1,
                        false => bad += 1,
                    }
                }
            }
        }
    }
    assert!(pairs > 300, "{pairs}");
    assert!(good > 1_000 && bad > 1_000, "{good} {bad}");
}

/// Long values of a few forms: what nests, counts or repeats.
#[test]
fn long_values_cost_no_more_than_their_length() {
    let cast = ColumnRules {
        cast: true,
        policies: Policies {
            zero_date: ZeroDate::Null,
            nul_byte: NulByte::Replace,
            invalid_text: InvalidText::Replace,
        },
    };
    let mut collections = vec![0; 4];
    for _ in 0..400 {
        collections.extend([1, 7, 0, 0, 0, 1, 0, 0, 0]);
    }
    let long: [Vec<u8>; 8] = [
        b"[".repeat(1_000),
        b"{\"a\":".repeat(200),
        b"\\u0000".repeat(200),
        b"\"\\ud800".repeat(170),
        vec![0; 1_000],
        vec![0xff; 1_000],
        b"9".repeat(1_000),
        collections,
    ];
    for source in all_sources() {
        let column = column(source);
        for target in targets() {
            let Ok(encoder) = ColumnEncoder::new(&column, target, cast) else {
                continue;
            };
            let mut row = RowEncoder::new(vec![("c".to_owned(), encoder)]);
            for bytes in &long {
                attack(&mut row, &column, Cell::Bytes(bytes), bytes.len());
            }
        }
    }
}

#[test]
fn no_target_makes_the_judgement_panic() {
    let mut random = Random(7);
    let sources = all_sources();
    for _ in 0..20_000 {
        let source = sources[random.below(sources.len() as u64) as usize].clone();
        let known = [20, 1043, 1042, 1083, 1114, 1184, 1186, 1560, 1562, 1700, 25];
        let oid = match random.below(2) {
            0 => known[random.below(known.len() as u64) as usize],
            _ => random.wide() as u32,
        };
        let target = PgType {
            oid,
            typmod: random.wide() as i32,
        };
        let _ = super::type_name(target);
        let rules = random_rules(&mut random);
        if let Err(error) = ColumnEncoder::new(&column(source), target, rules) {
            assert_eq!(error.kind, Kind::TargetMismatch);
        }
    }
}

#[test]
fn no_text_makes_a_rule_panic() {
    let mut random = Random(10);
    let words = [
        "int",
        "(",
        ")",
        "10",
        ",",
        " ",
        "unsigned",
        "'",
        "timestamp",
        "time",
        "zone",
        "[]",
        "é",
        "\"",
        "varchar",
        "99999999999",
        "-1",
        "numeric",
        "enum",
        "zerofill",
        "with",
        "bit",
    ];
    for _ in 0..20_000 {
        let text: String = (0..random.below(9))
            .map(|_| words[random.below(words.len() as u64) as usize])
            .collect();
        let _ = parse_type(&text);
        let described = SourceColumn {
            type_name: text.clone(),
            ..column(all_sources()[3].clone())
        };
        assert!(super::cast_specificity(&described, &text).is_some());
    }
}
