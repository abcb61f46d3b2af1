//! Real logs, recorded from MariaDB 10.11 and MySQL 9.7, with checksums and (`plain`) without: what
//! was done at the source stands in the log itself.

use super::format::Framer;
use super::payload::Unpacker;
use super::*;
use crate::error::{Kind, Result};
use crate::model::gtid::Gtid;
use crate::model::server::Flavor;

/// A file from its first byte.
pub(super) struct Recorded {
    pub flavor: Flavor,
    pub file: &'static [u8],
}

pub(super) const MARIADB: Recorded = Recorded {
    flavor: Flavor::MariaDb,
    file: include_bytes!("recorded/mariadb-10.11.bin"),
};
pub(super) const MARIADB_PLAIN: Recorded = Recorded {
    flavor: Flavor::MariaDb,
    file: include_bytes!("recorded/mariadb-10.11-plain.bin"),
};
pub(super) const MYSQL: Recorded = Recorded {
    flavor: Flavor::MySql,
    file: include_bytes!("recorded/mysql-9.7.bin"),
};
pub(super) const MYSQL_PLAIN: Recorded = Recorded {
    flavor: Flavor::MySql,
    file: include_bytes!("recorded/mysql-9.7-plain.bin"),
};
pub(super) const ALL: [Recorded; 4] = [MARIADB, MARIADB_PLAIN, MYSQL, MYSQL_PLAIN];

impl Recorded {
    /// Each event from its header to its checksum, as a dump sends it.
    pub(super) fn packets(&self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let mut rest = &self.file[4..];
        while !rest.is_empty() {
            let size = Header::parse(rest).unwrap().size as usize;
            packets.push(rest[..size].to_vec());
            rest = &rest[size..];
        }
        packets
    }

    /// As a stream hands them out.
    pub(super) fn events(&self) -> Vec<RawEvent> {
        let mut framer = Framer::new(self.flavor, "log.000001", 4);
        let mut events = Vec::new();
        for packet in self.packets() {
            let event = framer.frame(packet).unwrap();
            let compressed = event.header.kind == kind::TRANSACTION_PAYLOAD;
            events.push(event);
            if compressed {
                let mut unpacker = Unpacker::new(events.last_mut().unwrap()).unwrap();
                while let Some(inner) = unpacker.next().unwrap() {
                    events.push(inner);
                }
            }
        }
        events
    }
}

/// One word or two of each event that says something of a transaction.
fn told(event: &Result<Event<'_>>) -> Option<String> {
    Some(match event {
        Err(error) => format!("{:?}", error.kind),
        Ok(Event::Gtid(event)) => {
            format!("gtid {}", Gtid::MySql(event.gtid.clone()?)).replace(UUID, "UUID")
        }
        Ok(Event::MariaDbGtid(event)) => {
            let marks = [
                event.standalone.then(|| "standalone".to_string()),
                event.ddl.then(|| "ddl".to_string()),
                event.xa.map(|part| format!("{part:?}")),
                event.alter.map(|part| format!("{part:?}")),
            ];
            let marks: Vec<_> = marks.into_iter().flatten().collect();
            format!("gtid {} {}", event.gtid, marks.join(" "))
        }
        Ok(Event::Query(query)) => {
            let text = query.shown(None).chars().take(24).collect::<String>();
            format!("query [{}] {}", query.database, text.replace('\n', " "))
        }
        Ok(Event::Xid(_)) => "xid".into(),
        Ok(Event::XaPrepare(xa)) => format!("prepare {:?} {:?}", xa.global, xa.branch),
        Ok(Event::TableMap(map)) => format!("map {}.{}", map.table.schema, map.table.name),
        Ok(Event::Rows(rows)) => format!(
            "{:?} {} of {}{}",
            rows.kind,
            rows.images.len(),
            rows.columns,
            if rows.is_full() { "" } else { " partly" }
        ),
        Ok(Event::TransactionPayload(payload)) => format!("payload {}", payload.size),
        Ok(_) => return None,
    })
}

const UUID: &str = "10ef0812-e58e-11f1-91ec-02fc00000001";

fn told_by(recorded: &Recorded) -> Vec<String> {
    let events = recorded.events();
    events
        .iter()
        .filter_map(|raw| told(&Event::parse(raw)))
        .collect()
}

/// The text has a line for each event that is told.
fn assert_tells(recorded: &Recorded, expected: &str) {
    let told = told_by(recorded);
    let expected: Vec<_> = expected.trim().lines().map(str::trim).collect();
    for (position, line) in told.iter().enumerate() {
        let expected = expected.get(position).copied().unwrap_or("nothing");
        assert_eq!(line.trim(), expected, "line {position} of {told:#?}");
    }
    assert_eq!(told.len(), expected.len());
}

#[test]
fn mysql_with_compressed_transactions_partial_json_and_tags() {
    assert_tells(&MYSQL, include_str!("recorded/mysql-9.7.txt"));
    assert_tells(&MYSQL_PLAIN, include_str!("recorded/mysql-9.7-plain.txt"));
}

#[test]
fn mariadb_with_compression_xa_and_versioned_tables() {
    assert_tells(&MARIADB, include_str!("recorded/mariadb-10.11.txt"));
    assert_tells(
        &MARIADB_PLAIN,
        include_str!("recorded/mariadb-10.11-plain.txt"),
    );
}

#[test]
fn events_end_where_the_next_one_begins() {
    for recorded in ALL {
        let mut offset = 4;
        let outer = recorded.events();
        for event in outer.iter().filter(|event| event.header.log_pos != 0) {
            offset += u64::from(event.header.size);
            let rotates = event.header.kind == kind::ROTATE;
            assert!(event.end == offset || rotates, "{}", event.place());
        }
        assert_eq!(offset, recorded.file.len() as u64);
    }
}

fn map_of(recorded: &Recorded, table: &str) -> TableMap {
    let events = recorded.events();
    let maps = events.iter().filter_map(|raw| match Event::parse(raw) {
        Ok(Event::TableMap(map)) => Some(map),
        _ => None,
    });
    maps.into_iter()
        .find(|map| map.table.name == table)
        .unwrap()
}

/// Name, type, metadata, and what else is known.
fn columns(map: &TableMap) -> Vec<String> {
    let show = |column: &crate::model::logged::LoggedColumn| {
        let mut line = format!(
            "{} {} {:#x}",
            column.name.as_deref().unwrap(),
            column.kind,
            column.metadata
        );
        if let Some(unsigned) = column.unsigned {
            line += if unsigned { " unsigned" } else { " signed" };
        }
        if let Some(collation) = column.collation {
            line += &format!(" collation {collation}");
        }
        if let Some(labels) = &column.labels {
            line += &format!(" {labels:?}");
        }
        line
    };
    map.table.columns.iter().map(show).collect()
}

#[test]
fn a_table_map_of_mariadb() {
    let map = map_of(&MARIADB, "m");
    assert_eq!(
        columns(&map),
        [
            "id 3 0x0 signed",
            "i6 254 0x10 collation 63",
            "i4 254 0x4 collation 63",
            "u 254 0x10 collation 63",
            "vc 141 0x51 collation 45",
            "bc 140 0x2 collation 63",
            "tc 140 0x2 collation 45",
            "y 13 0x0 unsigned",
            "u8 1 0x0 unsigned",
            "g 255 0x4 collation 63",
            "c 15 0xa collation 8",
            "j 252 0x4 collation 46",
            "inv 3 0x0 signed",
            "st 17 0x0",
            "tb 252 0x1 collation 63",
            "lt 252 0x4 collation 45",
            "ch1 254 0x4 collation 45",
            "vc255 15 0xff collation 8",
            "vc256 15 0x100 collation 8",
            "b1 16 0x1",
            "b8 16 0x100",
            "b64 16 0x800",
            "s64 248 0x2 collation 45 [[97], [98], [99], [100], [101], [102], [103], [104], [105]]",
            "row_start 17 0x6",
            "row_end 17 0x6",
        ]
    );
    let nullable = |name: &str| {
        let mut columns = map.table.columns.iter();
        columns
            .find(|column| column.name.as_deref() == Some(name))
            .unwrap()
            .nullable
    };
    assert!(!nullable("id") && nullable("i6") && nullable("s64") && !nullable("row_end"));
    let key: Vec<_> = map.primary_key.unwrap().iter().map(|p| p.column).collect();
    assert_eq!(key, [0, 24]);
}

#[test]
fn table_maps_of_mysql() {
    let map = map_of(&MYSQL, "v");
    assert_eq!(
        columns(&map),
        [
            "id 3 0x0 signed",
            "v 242 0x4 collation 63",
            "y 13 0x0 unsigned",
            "u 1 0x0 unsigned",
            "g 255 0x4",
            "c 15 0xa collation 8",
            "j 245 0x4",
            "c2 15 0x28 collation 255",
            "b 254 0x3 collation 63",
            "fk 3 0x0 signed",
            "inv 3 0x0 signed",
        ]
    );
    assert_eq!(map.visible.unwrap().iter().filter(|v| !**v).count(), 1);
    let map = map_of(&MYSQL, "e");
    assert_eq!(
        columns(&map),
        [
            "id 3 0x0 signed",
            "e 247 0x1 collation 8 [[97], [233]]",
            "s 248 0x1 collation 255 [[120]]",
            "e2 247 0x1 collation 255 [[113]]",
            "p1 15 0x28 collation 255",
            "p2 15 0x28 collation 255",
            "l 15 0xa collation 8",
            "p3 15 0x28 collation 255",
        ]
    );
    assert_eq!(map.primary_key, None);
    let map = map_of(&MYSQL, "w");
    let key: Vec<_> = map
        .primary_key
        .unwrap()
        .iter()
        .map(|part| (part.column, part.prefix))
        .collect();
    assert_eq!(key, [(0, 0), (1, 7)]);
    let map = map_of(&MYSQL_PLAIN, "t");
    let lengths: Vec<_> = columns(&map)
        .into_iter()
        .filter(|line| line.starts_with('c') || line.starts_with("d "))
        .collect();
    assert_eq!(
        lengths,
        [
            "c 254 0x28 collation 255",
            "c255 254 0x3fc collation 255",
            "d 246 0xc03 signed"
        ]
    );
}

#[test]
fn what_a_gtid_event_knows() {
    let events = MYSQL.events();
    let gtids: Vec<_> = events
        .iter()
        .filter_map(|raw| match Event::parse(raw) {
            Ok(Event::Gtid(event)) => Some(event),
            _ => None,
        })
        .collect();
    assert!(
        gtids
            .iter()
            .all(|event| event.committed_at.unwrap() / 1_000_000 > 1_795_000_000)
    );
    let tagged = gtids
        .iter()
        .find(|event| !event.gtid.as_ref().unwrap().source.tag.is_empty())
        .unwrap();
    // From its own event to the XID behind it.
    assert_eq!(tagged.length, Some(80 + 71 + 57 + 62 + 49 + 31));
    let previous = events.iter().find_map(|raw| match Event::parse(raw) {
        Ok(Event::PreviousGtids(previous)) => previous.read(),
        _ => None,
    });
    assert_eq!(previous.unwrap().to_string(), format!("{UUID}:1-11"));
}

#[test]
fn previous_gtids_with_tags() {
    let set = format!("{UUID}:1-24:tagx:1");
    let set = crate::model::gtid::MySqlGtids::parse(&set).unwrap();
    // As MySQL 9.7 wrote it.
    let bytes = concat!(
        "010200000000000110ef0812e58e11f191ec02fc00000001000100000000000000010000000000000019",
        "0000000000000010ef0812e58e11f191ec02fc0000000108746167780100000000000000010000000000",
        "00000200000000000000"
    );
    let bytes: Vec<u8> = (0..bytes.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(PreviousGtids(&bytes).read(), Some(set));
}

#[test]
fn a_changed_bit_is_found() {
    for recorded in [MARIADB, MYSQL] {
        for (number, packet) in recorded.packets().into_iter().enumerate() {
            for at in [19, packet.len() / 2, packet.len() - 1] {
                let mut framer = Framer::new(recorded.flavor, "log.000001", 4);
                framer.frame(recorded.packets().remove(0)).unwrap();
                let mut broken = packet.clone();
                broken[at] ^= 0x10;
                let error = framer.frame(broken).unwrap_err();
                assert_eq!(error.kind, Kind::LogCorrupt);
                assert!(
                    error.detail.unwrap().contains("of log.000001"),
                    "{number} {at}"
                );
            }
        }
    }
}
