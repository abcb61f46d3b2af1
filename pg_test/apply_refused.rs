//! Rows that PostgreSQL refuses while changes are applied.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use super::super::replica::{Replica, column, note, notes, target_rows};
    use crate::codec::row_json;
    use crate::model::cell::Cell;
    use crate::model::key::KeyValue;
    use crate::model::table::SourceType;
    use crate::pg::spi;
    use crate::sink::apply::Care;
    use pgrx::prelude::*;
    use serde_json::json;

    #[pg_test]
    fn a_refused_row_is_absent_and_kept() {
        let ddl = ["ALTER TABLE %s ADD CHECK (code < 100)"];
        let mut replica = Replica::new(notes(), &["id"], &ddl);
        for id in 1..=9 {
            replica.net.insert(note(id, 10 * id, "a")).unwrap();
        }
        replica.net.insert(note(10, 100, "new")).unwrap();
        let applied = replica.apply(Care::Streaming);
        assert_eq!((applied.written, applied.rejects.len()), (9, 1));
        let net = &mut replica.net;
        for id in 1..=7 {
            net.update(note(id, 10 * id, "a"), note(id, 30 * id, "b"))
                .unwrap();
        }
        net.delete(note(8, 80, "a")).unwrap();
        let applied = replica.apply(Care::Streaming);
        assert_eq!((applied.written, applied.deleted), (3, 1));
        assert_eq!(target_rows(), "(1,30,b)(2,60,b)(3,90,b)(9,90,a)");
        assert_eq!(applied.rejects.len(), 4);
        let reject = &applied.rejects[0];
        assert_eq!(reject.key, Some(vec![KeyValue::Int(4)]));
        assert_eq!(reject.row, json!({"id": 4, "code": 120, "note": "b"}));
        assert_eq!((reject.sqlstate.as_str(), &reject.column), ("23514", &None));
    }

    #[pg_test]
    fn a_value_that_the_column_does_not_take_is_refused_by_row_too() {
        let ddl = [
            "CREATE TYPE tributary_test_apply.mood AS ENUM ('good', 'bad')",
            "ALTER TABLE %s ALTER note TYPE tributary_test_apply.mood USING 'good'",
        ];
        let mut replica = Replica::new(notes(), &["id"], &ddl);
        for care in [Care::Streaming, Care::CatchingUp] {
            let net = &mut replica.net;
            net.insert(note(1, 1, "good")).unwrap();
            net.insert(note(2, 2, "other")).unwrap();
            net.insert(note(3, 3, "bad")).unwrap();
            let applied = replica.apply(care);
            assert_eq!(applied.written, 2);
            assert_eq!(applied.rejects[0].key, Some(vec![KeyValue::Int(2)]));
            assert_eq!(applied.rejects[0].row["note"], "other");
            assert_eq!(target_rows(), "(1,1,good)(3,3,bad)");
        }
    }

    #[pg_test]
    fn a_key_that_the_target_cannot_have_is_no_hindrance() {
        let ddl = [
            "CREATE TYPE tributary_test_apply.mood AS ENUM ('good', 'bad')",
            "ALTER TABLE %s ALTER name TYPE tributary_test_apply.mood USING 'good'",
        ];
        let columns = vec![
            column("name", SourceType::VarChar { length: 9 }),
            column("n", SourceType::Int { unsigned: false }),
        ];
        let mut replica = Replica::new(columns, &["name"], &ddl);
        let row = |name: &'static str, n| [Cell::Bytes(name.as_bytes()), Cell::Int(n)].into_iter();
        replica.net.insert(row("good", 1)).unwrap();
        replica.net.insert(row("sad", 2)).unwrap();
        assert_eq!(replica.apply(Care::Streaming).rejects.len(), 1);
        replica.net.delete(row("sad", 2)).unwrap();
        replica.net.update(row("good", 1), row("bad", 3)).unwrap();
        let applied = replica.apply(Care::Streaming);
        assert_eq!((applied.written, applied.deleted), (1, 1));
        assert_eq!(target_rows(), "(bad,3)");
    }

    #[pg_test]
    fn keys_that_the_target_finds_equal_do_not_stop_the_unit() {
        spi::execute("CREATE COLLATION tributary_test_ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)", &[]).unwrap();
        let ddl = ["ALTER TABLE %s ALTER name TYPE varchar(9) COLLATE tributary_test_ci"];
        let columns = vec![
            column("name", SourceType::VarChar { length: 9 }),
            column("n", SourceType::Int { unsigned: false }),
        ];
        let mut replica = Replica::new(columns, &["name"], &ddl);
        let row = |name: &'static str, n| [Cell::Bytes(name.as_bytes()), Cell::Int(n)].into_iter();
        replica.net.insert(row("a", 1)).unwrap();
        replica.apply(Care::CatchingUp);
        replica.net.update(row("a", 1), row("A", 2)).unwrap();
        replica.apply(Care::CatchingUp);
        assert_eq!(target_rows(), "(A,2)");
        let net = &mut replica.net;
        net.update(row("A", 2), row("A", 3)).unwrap();
        net.insert(row("a", 4)).unwrap();
        let applied = replica.apply(Care::CatchingUp);
        assert_eq!((applied.written, applied.rejects.len()), (1, 1));
        assert_eq!(applied.rejects[0].sqlstate, "23505");
        assert_eq!(target_rows(), "(A,3)");
    }

    /// What is kept of a row is what the source has, of whatever type.
    #[pg_test]
    fn a_refused_row_is_kept_as_the_source_writes_it() {
        let moment = Cell::DateTime {
            year: 2024,
            month: 2,
            day: 3,
            hour: 4,
            minute: 5,
            second: 6,
            microsecond: 120_000,
        };
        let day = Cell::DateTime {
            year: 987,
            month: 12,
            day: 31,
            hour: 0,
            minute: 0,
            second: 0,
            microsecond: 0,
        };
        let time = |negative, days| Cell::Time {
            negative,
            days,
            hours: 22,
            minutes: 59,
            seconds: 58,
            microseconds: 5_000,
        };
        let point = [&[0xe6, 0x10, 0, 0, 1, 1, 0, 0, 0][..], &[0; 16]].concat();
        let labels = || vec!["ä".to_string(), "b".to_string()];
        let values: Vec<(SourceType, Cell<'_>)> = vec![
            (SourceType::BigInt { unsigned: true }, Cell::UInt(u64::MAX)),
            (SourceType::TinyInt { unsigned: false }, Cell::Int(-7)),
            (SourceType::Year, Cell::UInt(1999)),
            (
                SourceType::Decimal {
                    precision: 12,
                    scale: 3,
                },
                Cell::Bytes(b"-12.500"),
            ),
            (SourceType::Float, Cell::Float(1.0e-7)),
            (SourceType::Double, Cell::Double(-123_456.75)),
            (SourceType::Double, Cell::Double(1.5e300)),
            (SourceType::Double, Cell::Double(0.1)),
            (SourceType::Bit { bits: 1 }, Cell::Bytes(&[1])),
            (SourceType::Bit { bits: 12 }, Cell::Bytes(&[0x0f, 1])),
            (SourceType::Date, day),
            (SourceType::DateTime { fraction: 6 }, moment),
            (SourceType::Timestamp { fraction: 3 }, moment),
            (SourceType::Time { fraction: 3 }, time(true, 34)),
            (SourceType::Time { fraction: 6 }, time(false, 0)),
            (
                SourceType::Char { length: 9 },
                Cell::Bytes("grün\\'".as_bytes()),
            ),
            (SourceType::Text, Cell::Bytes(b"\\x00")),
            (SourceType::Text, Cell::Bytes(b"")),
            (SourceType::Text, Cell::Null),
            (
                SourceType::VarBinary { length: 9 },
                Cell::Bytes(&[0, 255, b'\\']),
            ),
            (SourceType::Blob, Cell::Bytes(b"")),
            (
                SourceType::Enum { labels: labels() },
                Cell::Bytes("ä".as_bytes()),
            ),
            (
                SourceType::Set { labels: labels() },
                Cell::Bytes("ä,b".as_bytes()),
            ),
            (SourceType::Set { labels: labels() }, Cell::Bytes(b"")),
            (SourceType::Json, Cell::Bytes(b"{\"a\": [1, \"x\"]}")),
            (SourceType::Geometry { srid: None }, Cell::Bytes(&point)),
            (
                SourceType::Uuid,
                Cell::Bytes(b"00112233-4455-6677-8899-aabbccddeeff"),
            ),
            (SourceType::Inet4, Cell::Bytes(b"10.0.0.1")),
            (SourceType::Inet6, Cell::Bytes(b"fe80::1")),
        ];
        let columns = values.iter().enumerate().map(|(at, (source, _))| {
            let mut column = column(&format!("c{at}"), source.clone());
            column.nullable = true;
            column
        });
        let ddl = [
            "ALTER TABLE %s ADD CHECK (false)",
            "SET LOCAL TimeZone = 'Asia/Kolkata'",
            "SET LOCAL DateStyle = 'German'",
            "SET LOCAL IntervalStyle = 'iso_8601'",
            "SET LOCAL bytea_output = 'escape'",
            "SET LOCAL extra_float_digits = 0",
        ];
        let mut replica = Replica::new(columns.collect(), &[], &ddl);
        let cells: Vec<Cell<'_>> = values.into_iter().map(|(_, cell)| cell).collect();
        replica.net.insert(cells.iter().copied()).unwrap();
        let applied = replica.apply(Care::Streaming);
        assert_eq!((applied.written, applied.rejects.len()), (0, 1));
        assert_eq!(applied.rejects[0].row, row_json(&replica.columns, &cells));
        assert_eq!(applied.rejects[0].key, None);
    }
}
