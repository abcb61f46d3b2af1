//! A hostile source: no cell, fitting its column or not, and no target type makes the codec panic
//! or grow beyond measure.

use super::tests::{Random, all_sources, column};
use super::{ColumnEncoder, ColumnRules, RowEncoder, RowError, default_type};
use crate::error::Kind;
use crate::model::cell::Cell;
use crate::model::pg_type::PgType;

/// Bytes of all kinds: noise, text, digits and dates that are nearly right.
fn random_bytes(random: &mut Random) -> Vec<u8> {
    let length = random.below(40) as usize;
    let alphabet: &[u8] = match random.below(6) {
        0 => b"0123456789",
        1 => b"0123456789.-+eE: ",
        2 => b"ab,\\u0d8cf\"{}",
        3 => b"a,c",
        4 => {
            let mut date = b"2024-02-29 23:59:59.999999".to_vec();
            date.truncate(random.below(27) as usize);
            if let Some(byte) = date.get_mut(random.below(30) as usize) {
                *byte = random.next() as u8;
            }
            return date;
        }
        _ => return (0..length).map(|_| random.next() as u8).collect(),
    };
    (0..length)
        .map(|_| alphabet[random.below(alphabet.len() as u64) as usize])
        .collect()
}

fn random_cell<'a>(random: &mut Random, bytes: &'a [u8]) -> Cell<'a> {
    match random.below(12) {
        0 => Cell::Null,
        1 => Cell::Int(random.wide() as i64),
        2 => Cell::Int(-(random.wide() as i64 >> 1)),
        3 => Cell::UInt(random.wide()),
        4 => Cell::Float(f32::from_bits(random.next() as u32)),
        5 => Cell::Double(f64::from_bits(random.next())),
        6 => {
            let tame = random.below(2) == 0;
            let mut part = |bound: u64| {
                if tame {
                    random.below(bound)
                } else {
                    random.next()
                }
            };
            Cell::DateTime {
                year: part(10_001) as u16,
                month: part(14) as u8,
                day: part(33) as u8,
                hour: part(25) as u8,
                minute: part(61) as u8,
                second: part(61) as u8,
                microsecond: part(1_000_001) as u32,
            }
        }
        7 => {
            let tame = random.below(2) == 0;
            let mut part = |bound: u64| {
                if tame {
                    random.below(bound)
                } else {
                    random.next()
                }
            };
            Cell::Time {
                negative: part(2) == 1,
                days: part(40) as u32,
                hours: part(25) as u8,
                minutes: part(61) as u8,
                seconds: part(61) as u8,
                microseconds: part(1_000_001) as u32,
            }
        }
        _ => Cell::Bytes(bytes),
    }
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

#[test]
fn no_cell_makes_the_encoder_panic_or_run_away() {
    let mut random = Random(6);
    let sources = all_sources();
    let targets: Vec<PgType> = (0..4_000)
        .flat_map(|number| {
            [
                PgType::plain(number),
                PgType {
                    oid: number,
                    typmod: 10,
                },
            ]
        })
        .collect();
    let mut encoders = Vec::new();
    for source in &sources {
        let source = column(source.clone());
        let default = default_type(&source).unwrap();
        for target in targets.iter().chain([&default]) {
            encoders.extend(ColumnEncoder::new(&source, *target, ColumnRules::default()));
        }
    }
    assert!(encoders.len() > 2 * sources.len());
    let (mut good, mut bad) = (0, 0);
    for encoder in &encoders {
        let mut row = RowEncoder::new(vec![("c".to_owned(), encoder.clone())]);
        let mut out = vec![7; 3];
        for _ in 0..3_000 {
            let bytes = random_bytes(&mut random);
            let cell = random_cell(&mut random, &bytes);
            match row.encode([cell].into_iter(), &mut out) {
                Ok(()) => {
                    split(&out[3..], 1).unwrap();
                    // A comma of a set becomes the four bytes of a length.
                    assert!(out.len() <= 3 + 2 + 4 + 24 + 5 * bytes.len());
                    good += 1;
                }
                Err(error) => {
                    let error = match error {
                        RowError::Refused(refused) => refused.into_error(&row),
                        RowError::Broken(error) => error,
                    };
                    assert!(matches!(
                        error.kind,
                        Kind::ValueRefused | Kind::ProtocolViolation
                    ));
                    assert_eq!(out.len(), 3);
                    bad += 1;
                }
            }
            out.truncate(3);
        }
    }
    assert!(good > 10_000 && bad > 10_000, "{good} {bad}");
}

#[test]
fn no_target_makes_the_judgement_panic() {
    let mut random = Random(7);
    let sources = all_sources();
    for _ in 0..200_000 {
        let source = sources[random.below(sources.len() as u64) as usize].clone();
        let known = [20, 1043, 1042, 1114, 1184, 1186, 1560, 1562, 1700, 25];
        let oid = match random.below(2) {
            0 => known[random.below(10) as usize],
            _ => random.wide() as u32,
        };
        let target = PgType {
            oid,
            typmod: random.wide() as i32,
        };
        let _ = super::type_name(target);
        if let Err(error) = ColumnEncoder::new(&column(source), target, ColumnRules::default()) {
            assert_eq!(error.kind, Kind::TargetMismatch);
        }
    }
}
