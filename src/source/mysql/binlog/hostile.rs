//! Events that are cut short, damaged or made up: an error, no panic, and no more memory than the
//! event has itself, or claims within its limits.

use std::panic::catch_unwind;

use super::format::Framer;
use super::payload::Unpacker;
use super::recorded::ALL;
use super::*;
use crate::error::Kind;
use crate::model::server::Flavor;

/// The same numbers at each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// All that anybody does with an event.
fn read(raw: &RawEvent) {
    if let Ok(Event::PreviousGtids(previous)) = Event::parse(raw) {
        let _ = previous.read();
    }
    let _ = table_id(&raw.data);
    if let Ok(mut unpacker) = Unpacker::new(&mut raw.clone()) {
        while let Ok(Some(inner)) = unpacker.next() {
            let _ = Event::parse(&inner);
        }
    }
}

fn made(kind: u8, data: Vec<u8>) -> RawEvent {
    RawEvent {
        header: Header {
            timestamp: 1,
            kind,
            server_id: 1,
            size: (data.len() + raw::HEADER) as u32,
            log_pos: 100,
            flags: 0,
        },
        flavor: Flavor::MySql,
        file: "log.000001".into(),
        end: 100,
        data,
    }
}

#[test]
fn events_cut_short_anywhere() {
    for recorded in ALL {
        for event in recorded.events() {
            for length in 0..event.data.len() {
                let mut cut = event.clone();
                cut.data.truncate(length);
                read(&cut);
            }
        }
    }
}

#[test]
fn events_with_bytes_changed() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for recorded in ALL {
        for event in recorded.events() {
            for _ in 0..300 {
                let mut broken = event.clone();
                for _ in 0..=dice.roll(4) {
                    if let length @ 1.. = broken.data.len() {
                        let at = dice.roll(length);
                        broken.data[at] =
                            [0, 1, 0x7f, 0xfc, 0xfe, 0xff, dice.roll(256) as u8][dice.roll(7)];
                    }
                }
                // The type too: each reads what was meant for another.
                if dice.roll(3) == 0 {
                    broken.header.kind = dice.roll(256) as u8;
                }
                let seen = broken.clone();
                assert!(catch_unwind(|| read(&broken)).is_ok(), "{seen:?}");
            }
        }
    }
}

#[test]
fn packets_of_anything() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for recorded in ALL {
        let mut framer = Framer::new(recorded.flavor, "", 0);
        for packet in recorded.packets() {
            for length in [0, 1, 18, 19, 20, 23, packet.len() - 1] {
                let mut cut = packet.clone();
                cut.truncate(length);
                assert_eq!(framer.frame(cut).unwrap_err().kind, Kind::LogCorrupt);
            }
            let mut noise: Vec<u8> = (0..dice.roll(80)).map(|_| dice.roll(256) as u8).collect();
            let size = (noise.len() as u32).to_le_bytes();
            if let Some(field) = noise.get_mut(9..13) {
                field.copy_from_slice(&size);
            }
            let _ = framer.frame(noise);
        }
    }
}

#[test]
fn an_unknown_type_is_named_and_an_ignorable_one_passed_over() {
    for kind in [1, 6, 20, 22, 43, 120, 173, 255] {
        let mut event = made(kind, vec![0; 40]);
        let error = Event::parse(&event).unwrap_err();
        assert_eq!(error.kind, Kind::LogUnsupported);
        assert!(
            error.message.contains(&kind.to_string()),
            "{}",
            error.message
        );
        event.header.flags = raw::IGNORABLE;
        assert_eq!(Event::parse(&event).unwrap(), Event::Nothing);
    }
    for kind in [kind::PARTIAL_UPDATE_ROWS, kind::MARIADB_PARTIAL_ROWS] {
        let error = Event::parse(&made(kind, vec![0; 40])).unwrap_err();
        assert_eq!(error.kind, Kind::LogUnsupported);
    }
    let error = Event::parse(&made(kind::INCIDENT, b"\x01\x00\x04lost".to_vec())).unwrap_err();
    assert_eq!(error.kind, Kind::PositionLost);
    assert!(error.detail.unwrap().ends_with("The source says: lost."));
}

#[test]
fn counts_that_nothing_stands_behind() {
    // A table of 2^24 columns.
    let mut map = b"\x01\0\0\0\0\0\0\0\x01s\0\x01t\0".to_vec();
    map.extend_from_slice(&[253, 255, 255, 255]);
    map.resize(1 << 25, 3);
    assert_eq!(TableMap::parse(&map, Flavor::MySql), None);
    // Lists of 2^28 GTIDs, and of 2^40 sources.
    let list = made(kind::MARIADB_GTID_LIST, vec![255, 255, 255, 15, 0]);
    assert_eq!(Event::parse(&list).unwrap_err().kind, Kind::LogCorrupt);
    assert_eq!(PreviousGtids(&[0, 0, 0, 0, 0, 255, 0, 0]).read(), None);
}

/// MariaDB's compressed form.
fn deflated(stated: u32, plain: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    let mut body = vec![0x84];
    body.extend_from_slice(&stated.to_be_bytes());
    body.extend_from_slice(&encoder.finish().unwrap());
    body
}

#[test]
fn what_was_compressed_comes_to_the_stated_size_and_no_more() {
    let plain = vec![0; 100_000];
    assert_eq!(
        inflate::inflate(&deflated(100_000, &plain)),
        Some(plain.clone())
    );
    for stated in [0, 99_999, 100_001, 1 << 30, u32::MAX] {
        assert_eq!(inflate::inflate(&deflated(stated, &plain)), None);
    }
    for body in [
        &b""[..],
        &[0x80],
        &[0x81, 5],
        &[0x91, 5, 1],
        &[0x04, 0, 0, 0, 1],
        &[0x85],
    ] {
        assert_eq!(inflate::inflate(body), None);
    }
}

fn payload(stated: u64, method: u8, body: &[u8]) -> RawEvent {
    // Each field: number, length, value.
    let mut data = vec![2, 3, 252, method, 0, 3, 9, 254];
    data.extend_from_slice(&stated.to_le_bytes());
    data.extend_from_slice(&[1, 9, 254]);
    data.extend_from_slice(&(body.len() as u64).to_le_bytes());
    data.push(0);
    data.extend_from_slice(body);
    made(kind::TRANSACTION_PAYLOAD, data)
}

fn inner(kind: u8, length: usize) -> Vec<u8> {
    let mut event = vec![0; raw::HEADER + length];
    event[4] = kind;
    let size = (event.len() as u32).to_le_bytes();
    event[9..13].copy_from_slice(&size);
    event
}

fn unpack(event: &RawEvent) -> crate::error::Result<usize> {
    let mut unpacker = Unpacker::new(&mut event.clone())?;
    let mut count = 0;
    while unpacker.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn a_payload_is_all_there_or_an_error() {
    let mut body = inner(kind::QUERY, 100);
    body.extend_from_slice(&inner(kind::XID, 8));
    let size = body.len() as u64;
    let packed = zstd::encode_all(&body[..], 3).unwrap();
    assert_eq!(unpack(&payload(size, 0, &packed)).unwrap(), 2);
    assert_eq!(unpack(&payload(size, 255, &body)).unwrap(), 2);
    for stated in [0, 5, size - 27, size - 1, size + 1, u64::MAX] {
        for event in [payload(stated, 0, &packed), payload(stated, 255, &body)] {
            let error = unpack(&event).unwrap_err();
            assert_eq!(error.kind, Kind::LogCorrupt, "{stated}");
        }
    }
    let mut damaged = packed.clone();
    damaged[8] ^= 0x55;
    assert!(unpack(&payload(size, 0, &damaged)).is_err());
    let cut = &packed[..packed.len() - 3];
    assert!(unpack(&payload(size, 0, cut)).is_err());
    assert!(unpack(&payload(size, 7, &packed)).is_err());
    // One in another, and one that would move the stream.
    for kind in [
        kind::TRANSACTION_PAYLOAD,
        kind::ROTATE,
        kind::FORMAT_DESCRIPTION,
    ] {
        let body = inner(kind, 30);
        assert!(unpack(&payload(body.len() as u64, 255, &body)).is_err());
    }
    // An event that claims a gigabyte.
    let mut body = inner(kind::QUERY, 100);
    body[9..13].copy_from_slice(&(1u32 << 30).to_le_bytes());
    assert!(unpack(&payload(1 << 30, 255, &body)).is_err());
}
