//! Row images of the log alone: the eighteen columns of the benchmark's table, from the bytes of the
//! log to cells, and on to the bytes of COPY. As with the codec, the best of many short rounds counts.

use crate::codec::image::{Charset, ImageDecoder, Wanted};
use crate::codec::{ColumnEncoder, ColumnRules, RowEncoder, default_type};
use crate::image_peer;
use crate::model::logged::LoggedColumn;
use crate::model::table::{SourceColumn, SourceType};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 400;
const ROWS: usize = 500;

/// Type code and metadata of the log, what the source has, a value's bytes.
type Column = (u8, u16, SourceType, &'static [u8]);

/// Prints a table in Markdown. The figures are those of the build: only an optimised one has any.
pub fn run() {
    if cfg!(debug_assertions) {
        return;
    }
    let columns = columns();
    let sources: Vec<SourceColumn> = columns
        .iter()
        .map(|column| SourceColumn::new("c", column.2.clone()))
        .collect();
    let logged: Vec<LoggedColumn> = columns
        .iter()
        .map(|&(kind, metadata, ..)| LoggedColumn {
            kind,
            metadata,
            ..LoggedColumn::default()
        })
        .collect();
    let wanted: Vec<Wanted<'_>> = sources
        .iter()
        .enumerate()
        .map(|(index, column)| Wanted {
            index,
            column,
            charset: Charset::Utf8,
        })
        .collect();
    let mut decoder = ImageDecoder::new(&logged, &wanted).expect("columns that are read");
    let mut encoder = RowEncoder::new(sources.iter().map(encoder).collect());
    // The last column is NULL.
    let mut image = vec![0, 0, 0b10];
    for (_, _, _, value) in &columns {
        image.extend_from_slice(value);
    }
    let images = image.repeat(ROWS);
    let present = [0xff, 0xff, 0xff];
    let decode = best(|| {
        let mut rest = &images[..];
        while !rest.is_empty() {
            let read = decoder.read(&present, rest).expect("an image");
            black_box(&decoder);
            rest = &rest[read..];
        }
    });
    let mut out = Vec::with_capacity(1 << 20);
    let both = best(|| {
        out.clear();
        let mut rest = &images[..];
        while !rest.is_empty() {
            let read = decoder.read(&present, rest).expect("an image");
            encoder
                .encode(decoder.cells(rest), &mut out)
                .expect("a row that is taken");
            rest = &rest[read..];
        }
    });
    let peer_columns: Vec<(u8, Vec<u8>)> = columns
        .iter()
        .map(|&(kind, metadata, ..)| image_peer::column(kind, metadata))
        .collect();
    let mut peer = image_peer::Peer::new(&peer_columns, &images);
    let values = best(|| assert_eq!(peer.read(), ROWS));
    println!(
        "\nRow images of the log, {} columns, one core:\n",
        columns.len()
    );
    println!("| to | bytes of an image | ns | rows per second |");
    println!("|---|---:|---:|---:|");
    for (name, nanoseconds) in [
        ("cells", decode),
        ("bytes of COPY", both),
        ("values of mysql_common", values),
    ] {
        println!(
            "| {name} | {} | {nanoseconds:.0} | {:.0} |",
            image.len(),
            1e9 / nanoseconds
        );
    }
}

/// Nanoseconds of a row.
fn best(mut round: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        round();
        best = best.min(start.elapsed().as_nanos() as f64 / ROWS as f64);
    }
    best
}

fn encoder(column: &SourceColumn) -> (String, ColumnEncoder) {
    let target = default_type(column).expect("a mapped type");
    let encoder = ColumnEncoder::new(column, target, ColumnRules::default());
    (column.name.clone(), encoder.expect("a pair that is taken"))
}

/// The columns of the table that the whole is measured with.
fn columns() -> Vec<Column> {
    use SourceType::{BigInt, Binary, Bit, Char, Date, DateTime, Decimal, Enum};
    use SourceType::{Int, SmallInt, Timestamp, TinyInt, VarChar};
    let labels = ["red", "green", "blue"].map(str::to_owned).into();
    let decimal = |precision, scale| Decimal { precision, scale };
    let text = |length| VarChar { length };
    vec![
        (
            8,
            0,
            BigInt { unsigned: true },
            &[0x87, 0xd6, 0x12, 0, 0, 0, 0, 0],
        ),
        (3, 0, Int { unsigned: false }, &[0xb3, 0xff, 0xff, 0xff]),
        (2, 0, SmallInt { unsigned: false }, &[0x68, 0xc5]),
        (1, 0, TinyInt { unsigned: false }, &[99]),
        // 142857.1429
        (
            246,
            14 << 8 | 4,
            decimal(14, 4),
            &[0x80, 0, 2, 0x2e, 0x09, 0x05, 0x95],
        ),
        // 999.98
        (246, 10 << 8 | 2, decimal(10, 2), &[0x80, 0, 3, 0xe7, 98]),
        // 2019-11-07
        (10, 0, Date, &[0x67, 0xc7, 0x0f]),
        // 2020-01-01 00:00:59
        (
            18,
            0,
            DateTime { fraction: 0 },
            &[0x99, 0xa5, 0x42, 0, 0x3b],
        ),
        // 2024-03-17 13:45:12.123456
        (
            17,
            6,
            Timestamp { fraction: 6 },
            &[0x65, 0xf6, 0xf4, 0xf8, 0x01, 0xe2, 0x40],
        ),
        (16, 1, Bit { bits: 1 }, &[1]),
        (247, 1, Enum { labels }, &[2]),
        (254, 32, Char { length: 8 }, b"\x080012D687"),
        (15, 160, text(40), b"\x14name of 123 nnnnnnnn"),
        (15, 240, text(60), b"\x1auser1234567890@example.org"),
        (
            15,
            320,
            text(80),
            b"\x32\0qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
        ),
        (
            15,
            240,
            text(60),
            "\u{1f}äöü 123 pppppppppppppppppppp".as_bytes(),
        ),
        (254, 8, Binary { length: 8 }, &[8, 0, 1, 2, 3, 4, 5, 6, 7]),
        (15, 80, text(20), &[]),
    ]
}
