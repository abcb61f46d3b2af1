//! Images that MariaDB 10.11 and MySQL 9.7 logged, with what each of them gave for the same row by a
//! SELECT: of a table `(id int, c <type>, z int)` with 77 in `z`.
//!
//! A line of a recording: type as declared, type as the plan has it, type code and metadata of the
//! log, character set, image, the value in JSON. `old` is a MariaDB with `mysql56_temporal_format`
//! off.

use super::charset_table::tests::latin1;
use super::layout::code;
use super::{Charset, ImageDecoder, Wanted, fits};
use crate::codec::row_json;
use crate::codec::tests::field_of;
use crate::model::cell::Cell;
use crate::model::logged::LoggedColumn;
use crate::model::table::{SourceColumn, SourceType};
use std::sync::Arc;

const RECORDINGS: [&str; 2] = [
    include_str!("recorded/mariadb-10.11.tsv"),
    include_str!("recorded/mysql-9.7.tsv"),
];

pub struct Recorded {
    pub columns: Vec<LoggedColumn>,
    pub column: SourceColumn,
    pub other: SourceColumn,
    pub charset: Charset,
    pub image: Vec<u8>,
    pub value: serde_json::Value,
}

impl Recorded {
    fn new(line: &str) -> Recorded {
        let fields: Vec<&str> = line.split('\t').collect();
        let [declared, source, kind, metadata, set, image, value] = fields[..] else {
            panic!("{line}");
        };
        let int = LoggedColumn {
            kind: code::LONG,
            ..LoggedColumn::default()
        };
        let recorded = LoggedColumn {
            kind: kind.parse().unwrap(),
            metadata: metadata.parse().unwrap(),
            ..LoggedColumn::default()
        };
        let source: SourceType = serde_json::from_str(source).unwrap();
        let set = (set != "-").then(|| set.to_owned());
        Recorded {
            columns: vec![int.clone(), recorded, int],
            charset: match set.as_deref() {
                Some("latin1") => Charset::Table(Arc::new(latin1())),
                Some(set) => Charset::new(set, &[]).unwrap(),
                None => Charset::Utf8,
            },
            column: SourceColumn {
                type_name: declared.to_owned(),
                character_set: set,
                ..SourceColumn::new("c", source)
            },
            other: SourceColumn::new("z", SourceType::Int { unsigned: false }),
            image: (0..image.len() / 2)
                .map(|at| u8::from_str_radix(&image[2 * at..2 * at + 2], 16).unwrap())
                .collect(),
            value: serde_json::from_str(value).unwrap(),
        }
    }

    pub fn decoder(&self) -> ImageDecoder {
        let wanted = [
            Wanted {
                index: 2,
                column: &self.other,
                charset: Charset::Utf8,
            },
            Wanted {
                index: 1,
                column: &self.column,
                charset: self.charset.clone(),
            },
        ];
        ImageDecoder::new(&self.columns, &wanted).unwrap()
    }
}

pub fn all() -> Vec<Recorded> {
    let lines = RECORDINGS.iter().flat_map(|recording| recording.lines());
    lines.map(Recorded::new).collect()
}

const ALL: [u8; 1] = [0b111];

#[test]
fn images_of_both_servers_give_what_a_select_gives() {
    let all = all();
    assert!(all.len() > 250);
    for recorded in &all {
        let name = &recorded.column.type_name;
        assert!(fits(&recorded.columns[1], &recorded.column), "{name}");
        let mut decoder = recorded.decoder();
        // What follows in the event is another row's.
        let image = [&recorded.image[..], &[0xff; 9]].concat();
        let read = decoder.read(&ALL, &image).unwrap();
        assert_eq!(read, recorded.image.len(), "{name}");
        let cells: Vec<Cell<'_>> = decoder.cells(&image).collect();
        assert_eq!(cells[0], Cell::Int(77), "{name}");
        let json = row_json(std::slice::from_ref(&recorded.column), &cells[1..]);
        assert_eq!(json["c"], recorded.value, "{name}");
        assert_eq!(decoder.cells(&image).nth(1), Some(cells[1]));
    }
}

/// The bytes are those of the value's own text in the result of a query.
#[test]
fn images_give_the_bytes_that_a_select_gives() {
    let mut compared = 0;
    for recorded in &all() {
        let mut decoder = recorded.decoder();
        decoder.read(&ALL, &recorded.image).unwrap();
        let cell = decoder.cells(&recorded.image).nth(1).unwrap();
        let number = recorded.value.to_string();
        let text = match &recorded.value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(_) => &number,
            _ => continue,
        };
        // A float's text is that of its double.
        if recorded.column.source_type == SourceType::Float {
            continue;
        }
        let select = field_of(&recorded.column, &Cell::Bytes(text.as_bytes()));
        let name = &recorded.column.type_name;
        assert_eq!(field_of(&recorded.column, &cell), select, "{name} {text}");
        compared += 1;
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn a_part_of_an_image_is_none() {
    for recorded in &all() {
        let mut decoder = recorded.decoder();
        for length in 0..recorded.image.len() {
            assert!(decoder.read(&ALL, &recorded.image[..length]).is_err());
        }
    }
}

#[test]
fn a_column_that_is_not_logged_is_named() {
    for recorded in &all() {
        let mut decoder = recorded.decoder();
        let error = decoder.read(&[0b011], &recorded.image).unwrap_err();
        assert_eq!(
            error.message,
            "a row of the log has no value for column \"z\""
        );
        assert!(error.hint.unwrap().contains("binlog_row_image = FULL"));
        // The first column nobody wants.
        let image = [&[0][..], &recorded.image[5..]].concat();
        if recorded.image[0] & 0b010 == 0 {
            decoder.read(&[0b110], &image).unwrap();
            assert_eq!(decoder.cells(&image).next(), Some(Cell::Int(77)));
        }
        assert!(decoder.read(&[], &recorded.image).is_err());
    }
}
