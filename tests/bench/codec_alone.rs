//! The codec alone: rows as wide as the benchmark's, and each family of types by itself, from cells in
//! memory to bytes in memory. The best of many short rounds counts: what else runs on the machine is
//! not the codec's.

use crate::codec::{ColumnEncoder, ColumnRules, RowEncoder, default_type, parse_type};
use crate::model::cell::Cell;
use crate::model::table::{SourceColumn, SourceType};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 400;
const ROWS: usize = 500;
/// Values of a family in a row.
const WIDTH: usize = 16;

/// A column: what it is called, what the source has, a target of a cast rule, and a value.
type Column = (
    &'static str,
    SourceType,
    Option<&'static str>,
    Cell<'static>,
);

/// Prints two tables in Markdown. The figures are those of the build: only an optimised one has any.
pub fn run() {
    if cfg!(debug_assertions) {
        eprintln!(
            "the codec alone is measured in a release build: cargo run --release --example bench -- codec"
        );
        return;
    }
    let wide = wide_row();
    let (nanoseconds, bytes) = measure(&wide);
    println!("\nThe codec alone, one core:\n");
    println!("| row | bytes | ns | rows per second | MB/s |");
    println!("|---|---:|---:|---:|---:|");
    println!(
        "| {} columns | {bytes} | {nanoseconds:.0} | {:.0} | {:.0} |",
        wide.len(),
        1e9 / nanoseconds,
        bytes as f64 * 1e3 / nanoseconds
    );
    println!("\n| value | bytes | ns | values per second | MB/s |");
    println!("|---|---:|---:|---:|---:|");
    for column in wide.into_iter().chain(others()) {
        let name = column.0;
        let (nanoseconds, bytes) = measure(&vec![column; WIDTH]);
        let (nanoseconds, bytes) = (nanoseconds / WIDTH as f64, bytes as f64 / WIDTH as f64);
        println!(
            "| {name} | {bytes:.0} | {nanoseconds:.2} | {:.0} | {:.0} |",
            1e9 / nanoseconds,
            bytes * 1e3 / nanoseconds
        );
    }
}

/// Nanoseconds and bytes of a row.
fn measure(columns: &[Column]) -> (f64, usize) {
    let cells: Vec<Cell<'_>> = columns.iter().map(|column| column.3).collect();
    let mut encoder = RowEncoder::new(columns.iter().map(encoder).collect());
    let mut out = Vec::with_capacity(1 << 18);
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        out.clear();
        let start = Instant::now();
        for _ in 0..ROWS {
            encoder
                .encode(black_box(&cells).iter().copied(), &mut out)
                .expect("a row that is taken");
        }
        best = best.min(start.elapsed().as_nanos() as f64 / ROWS as f64);
    }
    (best, out.len() / ROWS)
}

fn encoder((name, source, cast, _): &Column) -> (String, ColumnEncoder) {
    let column = SourceColumn::new(*name, source.clone());
    let target = match cast {
        Some(target) => parse_type(target).expect("a type"),
        None => default_type(&column).expect("a mapped type"),
    };
    let rules = ColumnRules {
        cast: cast.is_some(),
        ..ColumnRules::default()
    };
    let encoder = ColumnEncoder::new(&column, target, rules).expect("a pair that is taken");
    ((*name).to_owned(), encoder)
}

const MOMENT: Cell<'_> = Cell::DateTime {
    year: 2024,
    month: 3,
    day: 17,
    hour: 13,
    minute: 45,
    second: 12,
    microsecond: 123_456,
};
const DAY: Cell<'_> = Cell::DateTime {
    year: 2019,
    month: 11,
    day: 7,
    hour: 0,
    minute: 0,
    second: 0,
    microsecond: 0,
};

/// The columns of the table that the whole is measured with.
fn wide_row() -> Vec<Column> {
    use SourceType::{BigInt, Binary, Bit, Char, Date, DateTime, Decimal, Enum};
    use SourceType::{Int, SmallInt, Timestamp, TinyInt, VarChar};
    let labels = ["red", "green", "blue"].map(str::to_owned).into();
    let decimal = |precision, scale| Decimal { precision, scale };
    let text = |length| VarChar { length };
    let second = Cell::DateTime {
        year: 2020,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 59,
        microsecond: 0,
    };
    let columns: [(&str, SourceType, Cell<'_>); 18] = [
        (
            "bigint unsigned",
            BigInt { unsigned: true },
            Cell::UInt(1_234_567),
        ),
        ("int", Int { unsigned: false }, Cell::Int(-77)),
        ("smallint", SmallInt { unsigned: false }, Cell::Int(-15_000)),
        ("tinyint", TinyInt { unsigned: false }, Cell::Int(99)),
        ("decimal(14,4)", decimal(14, 4), Cell::Bytes(b"142857.1429")),
        ("decimal(10,2)", decimal(10, 2), Cell::Bytes(b"999.98")),
        ("date", Date, DAY),
        ("datetime", DateTime { fraction: 0 }, second),
        ("timestamp(6)", Timestamp { fraction: 6 }, MOMENT),
        ("bit(1)", Bit { bits: 1 }, Cell::Bytes(&[1])),
        ("enum", Enum { labels }, Cell::Bytes(b"green")),
        ("char(8)", Char { length: 8 }, Cell::Bytes(b"0012D687")),
        (
            "varchar(40), 20",
            text(40),
            Cell::Bytes(b"name of 123 nnnnnnnn"),
        ),
        (
            "varchar(60), 26",
            text(60),
            Cell::Bytes(b"user1234567890@example.org"),
        ),
        (
            "varchar(80), 50",
            text(80),
            Cell::Bytes(b"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"),
        ),
        (
            "varchar(60), not ASCII",
            text(60),
            Cell::Bytes("äöü 123 pppppppppppppppppppp".as_bytes()),
        ),
        (
            "binary(8)",
            Binary { length: 8 },
            Cell::Bytes(&[0, 1, 2, 3, 4, 5, 6, 7]),
        ),
        ("NULL", text(20), Cell::Null),
    ];
    columns
        .into_iter()
        .map(|(name, source, cell)| (name, source, None, cell))
        .collect()
}

/// What that table has not, the text protocol's forms, and casts.
fn others() -> Vec<Column> {
    use SourceType::{BigInt, Bit, DateTime, Decimal, Double, Float, Geometry, Inet6, Int};
    use SourceType::{Json, Set, Text, Time, TinyInt, Uuid, VarChar};
    let span = Cell::Time {
        negative: true,
        days: 3,
        hours: 4,
        minutes: 5,
        seconds: 6,
        microseconds: 7,
    };
    let labels = ["a", "b"].map(str::to_owned).into();
    let point: &[u8] = &[
        0xe6, 0x10, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x24, 0x40, 0, 0, 0, 0, 0, 0, 0x34, 0x40,
    ];
    let uuid = b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    let json = br#"{"a": 1, "b": "x\ny", "c": [true, null, 1.50]}"#;
    let digits = b"12345678901234567890123456789012345.123456789012345678901234567890";
    let long = Decimal {
        precision: 65,
        scale: 30,
    };
    let int = || Int { unsigned: false };
    vec![
        (
            "bigint",
            BigInt { unsigned: false },
            None,
            Cell::Int(123_456_789_012),
        ),
        ("decimal(65,30)", long, None, Cell::Bytes(digits)),
        ("float", Float, None, Cell::Float(1.5)),
        ("double", Double, None, Cell::Double(3.25)),
        ("time(6)", Time { fraction: 6 }, None, span),
        ("bit(12)", Bit { bits: 12 }, None, Cell::Bytes(&[1, 2])),
        ("set", Set { labels }, None, Cell::Bytes(b"a,b")),
        ("json", Json, None, Cell::Bytes(json)),
        ("point", Geometry { srid: None }, None, Cell::Bytes(point)),
        ("uuid", Uuid, None, Cell::Bytes(uuid)),
        ("inet6", Inet6, None, Cell::Bytes(b"2001:db8::1:0:0:1")),
        ("int as text", int(), None, Cell::Bytes(b"1234567")),
        (
            "double as text",
            Double,
            None,
            Cell::Bytes(b"3.141592653589793"),
        ),
        (
            "datetime as text",
            DateTime { fraction: 0 },
            None,
            Cell::Bytes(b"2024-03-17 13:45:12"),
        ),
        (
            "tinyint(1) to boolean",
            TinyInt { unsigned: false },
            Some("boolean"),
            Cell::Int(1),
        ),
        (
            "bigint to integer",
            BigInt { unsigned: false },
            Some("integer"),
            Cell::Int(77),
        ),
        ("int to text", int(), Some("text"), Cell::Int(1_234_567)),
        (
            "varchar to uuid",
            VarChar { length: 36 },
            Some("uuid"),
            Cell::Bytes(uuid),
        ),
        ("text to jsonb", Text, Some("jsonb"), Cell::Bytes(json)),
        (
            "datetime to timestamptz",
            DateTime { fraction: 6 },
            Some("timestamptz"),
            MOMENT,
        ),
        (
            "double to numeric",
            Double,
            Some("numeric"),
            Cell::Double(3.25),
        ),
    ]
}
