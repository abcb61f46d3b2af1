//! A hostile log: no image makes the decoder panic or grow beyond measure, and no description of a
//! column makes it read what is not there.
//!
//! `TRIBUTARY_FUZZ` is how many images each recorded one is turned into; the default is for every
//! build.

use super::json_binary::write_json;
use super::recorded::all;
use super::{Charset, ImageDecoder, Wanted, charset_queries, fits};
use crate::codec::tests::{Random, all_sources, column};
use crate::codec::{ColumnEncoder, ColumnRules, RowEncoder, RowError, default_type};
use crate::error::Kind;
use crate::model::logged::LoggedColumn;

fn rounds(default: u64) -> u64 {
    let given = std::env::var("TRIBUTARY_FUZZ").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The same with some bytes changed, left out or doubled.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(3) {
        let place = random.below(bytes.len() as u64 + 1) as usize;
        match random.below(6) {
            0 => bytes.truncate(place),
            1 => {
                let more: Vec<u8> = (0..random.below(9)).map(|_| random.next() as u8).collect();
                bytes.splice(place..place, more);
            }
            2 => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << random.below(8);
                }
            }
            _ => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = [0, 1, 0x7f, 0x80, 0xff, random.next() as u8][random.below(6) as usize];
                }
            }
        }
    }
    bytes
}

#[test]
fn no_image_makes_the_decoder_panic_or_run_away() {
    let mut random = Random(21);
    let (mut good, mut bad) = (0, 0);
    for recorded in &all() {
        let mut decoder = recorded.decoder();
        let columns = [&recorded.other, &recorded.column].map(|column| {
            let target = default_type(column).unwrap();
            let encoder = ColumnEncoder::new(column, target, ColumnRules::default()).unwrap();
            (column.name.clone(), encoder)
        });
        let mut encoder = RowEncoder::new(columns.into());
        let mut out = Vec::new();
        for _ in 0..rounds(40) {
            let image = damaged(&recorded.image, &mut random);
            let present = match random.below(8) {
                0 => vec![random.next() as u8; random.below(3) as usize],
                _ => vec![0xff],
            };
            match decoder.read(&present, &image) {
                Ok(read) => {
                    assert!(read <= image.len());
                    good += 1;
                }
                Err(error) => {
                    let known = [Kind::ProtocolViolation, Kind::InvalidState];
                    assert!(known.contains(&error.kind));
                    bad += 1;
                }
            }
            // Whatever is left there from the row before must be safe, too.
            assert_eq!(decoder.cells(&image).len(), 2);
            out.clear();
            if let Err(RowError::Broken(error)) = encoder.encode(decoder.cells(&image), &mut out) {
                panic!("{error:?}");
            }
            assert!(decoder.scratch.capacity() <= 1024 + 16 * image.len());
        }
    }
    assert!(good > 1_000 && bad > 1_000, "{good} {bad}");
}

#[test]
fn no_document_makes_json_panic_or_run_away() {
    let documents: Vec<Vec<u8>> = all()
        .into_iter()
        .filter(|recorded| recorded.columns[1].kind == 245 && recorded.image.len() > 13)
        .map(|recorded| recorded.image[9..recorded.image.len() - 4].to_vec())
        .collect();
    assert!(documents.len() > 20);
    let mut random = Random(22);
    for document in &documents {
        for _ in 0..rounds(40) * 10 {
            let document = damaged(document, &mut random);
            let mut out = Vec::new();
            let written = write_json(&document, &mut out);
            assert!(out.len() <= 128 + 16 * document.len(), "{document:?}");
            assert!(written.is_none() || !out.is_empty());
        }
    }
}

#[test]
fn no_description_makes_the_judgement_panic() {
    let mut random = Random(23);
    let mut sources = all_sources();
    sources.push(crate::model::table::SourceType::Unmapped {
        name: "vector".to_owned(),
    });
    let mut agreed = 0;
    for _ in 0..rounds(40) * 500 {
        let some = [
            "latin1", "utf8mb4", "ucs2", "klingon", "binary", "utf8", "gb18030",
        ];
        let mut source = column(sources[random.below(sources.len() as u64) as usize].clone());
        source.character_set =
            (random.below(2) == 0).then(|| some[random.below(7) as usize].to_owned());
        let labels = |random: &mut Random| {
            let labels = 0..random.below(4);
            labels.map(|_| vec![random.next() as u8; 2]).collect()
        };
        let logged = LoggedColumn {
            kind: random.next() as u8,
            metadata: (random.wide() >> random.below(16)) as u16,
            unsigned: (random.below(2) == 0).then(|| random.below(2) == 0),
            collation: (random.below(2) == 0).then(|| random.wide() as u16),
            labels: (random.below(2) == 0).then(|| labels(&mut random)),
            ..LoggedColumn::default()
        };
        let fit = fits(&logged, &source);
        let charsets = [Charset::Utf8, Charset::Ucs2, Charset::Utf16, Charset::Ascii];
        let wanted = [Wanted {
            index: 0,
            column: &source,
            charset: charsets[random.below(4) as usize].clone(),
        }];
        let Ok(mut decoder) = ImageDecoder::new(std::slice::from_ref(&logged), &wanted) else {
            continue;
        };
        agreed += u32::from(fit);
        let image: Vec<u8> = (0..random.below(40)).map(|_| random.next() as u8).collect();
        let _ = decoder.read(&[1], &image);
        assert!(decoder.scratch.capacity() <= 1024 + 16 * image.len());
        assert_eq!(decoder.cells(&image).len(), 1);
    }
    assert!(agreed > 10, "{agreed}");
}

#[test]
fn no_answer_makes_a_table_panic() {
    let mut random = Random(24);
    for name in ["latin1", "gbk", "ujis", "gb18030", "swe7"] {
        let queries = charset_queries(name).len();
        for _ in 0..20 {
            let answer = |random: &mut Random| {
                let letters = 0..random.below(1000);
                let byte = |_| b"\n\nab?\xc3\xa9"[random.below(7) as usize];
                letters.map(byte).collect::<Vec<u8>>()
            };
            let answers: Vec<Vec<u8>> = (0..queries).map(|_| answer(&mut random)).collect();
            assert!(Charset::new(name, &answers).is_err());
        }
    }
}
