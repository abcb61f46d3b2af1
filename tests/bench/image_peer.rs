//! The same row images by the decoder of mysql_common, as its users read a log: events to rows of
//! values.

use mysql_common::binlog::EventStreamReader;
use mysql_common::binlog::consts::BinlogVersion;
use mysql_common::binlog::events::{EventData, RowsEventData};
use std::hint::black_box;

const TABLE: u64 = 1;
const FORMAT_DESCRIPTION: u8 = 15;
const TABLE_MAP: u8 = 19;
const WRITE_ROWS: u8 = 30;

/// Type code and metadata as a table map has them.
pub fn column(kind: u8, metadata: u16) -> (u8, Vec<u8>) {
    let [low, high] = metadata.to_le_bytes();
    match kind {
        // Precision before scale.
        246 => (kind, vec![high, low]),
        15 => (kind, vec![low, high]),
        17 | 18 => (kind, vec![low]),
        // Bits of the first byte, whole bytes.
        16 => (kind, vec![low % 8, low / 8]),
        // The kind and a length behind the one kind of all strings.
        247 | 254 => (254, vec![kind, low]),
        _ => (kind, Vec::new()),
    }
}

pub struct Peer {
    reader: EventStreamReader,
    rows: Vec<u8>,
}

impl Peer {
    pub fn new(columns: &[(u8, Vec<u8>)], images: &[u8]) -> Peer {
        let mut reader = EventStreamReader::new(BinlogVersion::Version4);
        for event in [format_description(), table_map(columns)] {
            let read = reader.read(&event[..]).expect("an event").expect("one");
            assert!(read.read_data().expect("its data").is_some());
        }
        let mut body = head();
        // No extra data.
        body.extend_from_slice(&2u16.to_le_bytes());
        body.push(columns.len() as u8);
        body.extend(vec![0xff; columns.len().div_ceil(8)]);
        body.extend_from_slice(images);
        Peer {
            reader,
            rows: event(WRITE_ROWS, &body),
        }
    }

    /// How many rows it has read.
    pub fn read(&mut self) -> usize {
        let event = self.reader.read(&self.rows[..]).expect("an event");
        let event = event.expect("an event");
        let data = event.read_data().expect("rows").expect("rows");
        let EventData::RowsEvent(RowsEventData::WriteRowsEvent(rows)) = data else {
            panic!("another event");
        };
        let map = self.reader.get_tme(TABLE).expect("the table map");
        let mut count = 0;
        for row in rows.rows(map) {
            black_box(row.expect("a row"));
            count += 1;
        }
        count
    }
}

fn head() -> Vec<u8> {
    let mut head = TABLE.to_le_bytes()[..6].to_vec();
    head.extend_from_slice(&1u16.to_le_bytes());
    head
}

fn event(kind: u8, body: &[u8]) -> Vec<u8> {
    let size = 19 + body.len() as u32;
    let mut event = vec![0; 4];
    event.push(kind);
    event.extend_from_slice(&1u32.to_le_bytes());
    event.extend_from_slice(&size.to_le_bytes());
    event.extend_from_slice(&size.to_le_bytes());
    event.extend_from_slice(&[0, 0]);
    event.extend_from_slice(body);
    event
}

/// Without checksums.
fn format_description() -> Vec<u8> {
    let mut body = 4u16.to_le_bytes().to_vec();
    let mut version = b"8.0.36".to_vec();
    version.resize(50, 0);
    body.extend(version);
    body.extend_from_slice(&[0; 4]);
    body.push(19);
    body.extend((1..=41u8).map(|kind| match kind {
        TABLE_MAP | 23..=25 => 8,
        30..=32 => 10,
        _ => 0,
    }));
    body.push(0);
    body.extend_from_slice(&[0; 4]);
    event(FORMAT_DESCRIPTION, &body)
}

fn table_map(columns: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut body = head();
    body.extend_from_slice(b"\x01d\0\x01t\0");
    body.push(columns.len() as u8);
    body.extend(columns.iter().map(|(kind, _)| *kind));
    let metadata: Vec<u8> = columns
        .iter()
        .flat_map(|(_, bytes)| bytes.clone())
        .collect();
    body.push(metadata.len() as u8);
    body.extend(metadata);
    body.extend(vec![0xff; columns.len().div_ceil(8)]);
    event(TABLE_MAP, &body)
}
