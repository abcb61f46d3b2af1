//! Net changes against a table that is changed row by row.

use super::net::{NetChanges, RowKey};
use super::tests::{Random, column};
use super::{ColumnEncoder, ColumnRules, RowEncoder, chosen_fields, default_type, tuple_starts};
use crate::model::cell::Cell;
use crate::model::change::UnitChanges;
use crate::model::key::KeyValue;
use crate::model::table::{SourceColumn, SourceType};
use std::collections::{BTreeMap, BTreeSet};

/// `note`, then `id`: the key is not the first column.
fn columns() -> Vec<SourceColumn> {
    [
        ("note", SourceType::Text),
        ("id", SourceType::Int { unsigned: false }),
        ("name", SourceType::VarChar { length: 9 }),
    ]
    .map(|(name, source_type)| SourceColumn {
        name: name.to_string(),
        character_set: Some("utf8mb4".to_string()),
        ..column(source_type)
    })
    .to_vec()
}

fn encoder() -> RowEncoder {
    let encoders = columns().into_iter().map(|column| {
        let target = default_type(&column).unwrap();
        let encoder = ColumnEncoder::new(&column, target, ColumnRules::default()).unwrap();
        (column.name, encoder)
    });
    RowEncoder::new(encoders.collect())
}

fn net(identity: &[usize]) -> NetChanges {
    let key = RowKey {
        identity: identity.to_vec(),
        walked: identity.to_vec(),
    };
    NetChanges::new(encoder(), columns(), key).unwrap()
}

/// A row is its key and its note; a note or a name with a NUL is refused.
type Row = ((i64, String), String);

fn cells(row: &Row) -> std::array::IntoIter<Cell<'_>, 3> {
    let ((id, name), note) = row;
    [
        Cell::Bytes(note.as_bytes()),
        Cell::Int(*id),
        Cell::Bytes(name.as_bytes()),
    ]
    .into_iter()
}

fn tuple(row: &Row) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    encoder().encode(cells(row), &mut out).ok()?;
    Some(out)
}

fn tuples(all: &[u8], count: u64) -> Vec<Vec<u8>> {
    let starts = tuple_starts(all).unwrap();
    assert_eq!(starts.len() as u64, count + 1);
    starts
        .windows(2)
        .map(|ends| all[ends[0]..ends[1]].to_vec())
        .collect()
}

/// What the target of a unit with a key holds: a tuple by the tuple of its key.
type Target = BTreeMap<Vec<u8>, Vec<u8>>;

fn apply(target: &mut Target, changes: &UnitChanges) {
    if changes.truncated {
        target.clear();
    }
    let deletes = tuples(&changes.deletes, changes.delete_count);
    let upserts = tuples(&changes.upserts, changes.upsert_count);
    let key = |row: &Vec<u8>| chosen_fields(row, &[1, 2]).unwrap();
    let keys: Vec<Vec<u8>> = upserts.iter().map(key).collect();
    let distinct: BTreeSet<&Vec<u8>> = deletes.iter().chain(&keys).collect();
    assert_eq!(distinct.len(), deletes.len() + keys.len());
    if changes.fresh {
        assert!(distinct.iter().all(|key| !target.contains_key(*key)));
    }
    for key in &deletes {
        target.remove(key);
    }
    target.extend(keys.into_iter().zip(upserts));
}

fn target_of(source: &BTreeMap<(i64, String), String>) -> Target {
    source
        .iter()
        .filter_map(|(key, note)| tuple(&(key.clone(), note.clone())))
        .map(|row| (chosen_fields(&row, &[1, 2]).unwrap(), row))
        .collect()
}

fn random_key(random: &mut Random) -> (i64, String) {
    let name = ["a", "A", "b\0", ""][random.below(4) as usize];
    (random.below(9) as i64, name.to_string())
}

fn random_note(random: &mut Random) -> String {
    match random.below(5) {
        0 => "a\0b".to_string(),
        length => "x".repeat(length as usize * random.below(3) as usize),
    }
}

/// One random change of the source and of the net change.
fn change(random: &mut Random, source: &mut BTreeMap<(i64, String), String>, net: &mut NetChanges) {
    let key = random_key(random);
    let note = random_note(random);
    let old = source.get(&key).cloned();
    match (random.below(100), old) {
        (0, _) => {
            source.clear();
            net.truncate();
        }
        (_, None) => {
            net.insert(cells(&(key.clone(), note.clone()))).unwrap();
            source.insert(key, note);
        }
        (1..30, Some(old)) => {
            net.delete(cells(&(key.clone(), old))).unwrap();
            source.remove(&key);
        }
        (_, Some(old)) => {
            let moved = random_key(random);
            let moves = random.below(3) == 0 && !source.contains_key(&moved);
            let next = if moves { moved } else { key.clone() };
            net.update(
                cells(&(key.clone(), old)),
                cells(&(next.clone(), note.clone())),
            )
            .unwrap();
            source.remove(&key);
            source.insert(next, note);
        }
    }
}

#[test]
fn random_changes_come_to_what_the_source_has() {
    let mut random = Random(4);
    let mut net = net(&[1, 2]);
    let mut source = BTreeMap::new();
    let mut target = Target::new();
    let mut seen = (0, 0, 0);
    for _ in 0..1_000 {
        // A target that is copied while these changes happen sees some of them already.
        let count = random.below(40);
        let copied_at = random.below(40);
        let mut copied = None;
        for step in 0..count {
            if step == copied_at {
                copied = Some(target_of(&source));
            }
            change(&mut random, &mut source, &mut net);
        }
        let bytes = net.bytes();
        let changes = net.take();
        assert!(changes.upserts.len() + changes.deletes.len() <= bytes);
        assert_eq!((net.bytes() < 600, net.is_empty()), (true, true));
        let expected = target_of(&source);
        apply(&mut target, &changes);
        assert_eq!(target, expected);
        if let Some(mut copied) = copied {
            let late = UnitChanges {
                fresh: false,
                ..changes.clone()
            };
            apply(&mut copied, &late);
            assert_eq!(copied, expected);
        }
        // A refused row is there at the source, unless it has no place in the target by its key.
        for reject in &changes.rejects {
            let [KeyValue::Int(id), KeyValue::Text(name)] = reject.key.as_deref().unwrap() else {
                assert!(reject.column.as_deref() == Some("name"), "{reject:?}");
                continue;
            };
            assert_eq!(reject.column.as_deref(), Some("note"));
            assert!(source[&(*id, name.clone())].contains('\0'));
        }
        seen.0 += u64::from(changes.fresh && count > 0);
        seen.1 += changes.rejects.len();
        seen.2 += u64::from(changes.truncated);
    }
    assert!(seen.0 > 10 && seen.1 > 500 && seen.2 > 30, "{seen:?}");
}

#[test]
fn equal_changes_give_equal_bytes() {
    let run = |seed| {
        let mut random = Random(seed);
        let mut net = net(&[1, 2]);
        let mut source = BTreeMap::new();
        for _ in 0..500 {
            change(&mut random, &mut source, &mut net);
        }
        net.take()
    };
    assert_eq!(run(7), run(7));
}

#[test]
fn images_without_a_key_are_counted() {
    let mut random = Random(5);
    let mut net = net(&[]);
    let mut source: Vec<Row> = Vec::new();
    let mut target: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for _ in 0..500 {
        for _ in 0..random.below(30) {
            let row = (random_key(&mut random), random_note(&mut random));
            let at = random.below(source.len().max(1) as u64) as usize;
            match (random.below(3), source.get(at).cloned()) {
                (0, Some(old)) => {
                    net.delete(cells(&old)).unwrap();
                    source.swap_remove(at);
                }
                (1, Some(old)) => {
                    net.update(cells(&old), cells(&row)).unwrap();
                    source[at] = row;
                }
                _ => {
                    net.insert(cells(&row)).unwrap();
                    source.push(row);
                }
            }
        }
        let bytes = net.bytes();
        let changes = net.take();
        assert!(changes.upserts.len() + changes.deletes.len() <= bytes);
        for row in tuples(&changes.deletes, changes.delete_count) {
            let count = target.get_mut(&row).unwrap();
            *count -= 1;
            if *count == 0 {
                target.remove(&row);
            }
        }
        for row in tuples(&changes.upserts, changes.upsert_count) {
            *target.entry(row).or_default() += 1;
        }
        let mut expected: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        for row in source.iter().filter_map(tuple) {
            *expected.entry(row).or_default() += 1;
        }
        assert_eq!(target, expected);
        assert!(changes.rejects.iter().all(|reject| reject.key.is_none()));
    }
}

fn row(id: i64, note: &str) -> Row {
    ((id, "n".to_string()), note.to_string())
}

#[test]
fn what_began_with_inserts_is_fresh() {
    let mut net = net(&[1, 2]);
    net.insert(cells(&row(1, "a"))).unwrap();
    net.update(cells(&row(1, "a")), cells(&row(2, "b")))
        .unwrap();
    net.insert(cells(&row(3, "c"))).unwrap();
    net.delete(cells(&row(3, "c"))).unwrap();
    let changes = net.take();
    assert!(changes.fresh);
    assert_eq!((changes.upsert_count, changes.delete_count), (1, 2));
    assert_eq!(changes.upserts, tuple(&row(2, "b")).unwrap());
    assert_eq!(
        (
            changes.rows.inserted,
            changes.rows.updated,
            changes.rows.deleted
        ),
        (2, 1, 1)
    );
    for change in [0, 1] {
        match change {
            0 => net.delete(cells(&row(1, "a"))).unwrap(),
            _ => net
                .update(cells(&row(1, "a")), cells(&row(1, "b")))
                .unwrap(),
        }
        net.insert(cells(&row(5, "a"))).unwrap();
        assert!(!net.take().fresh);
    }
}

#[test]
fn a_row_that_changes_all_the_time_takes_no_more_memory() {
    let mut net = net(&[1, 2]);
    net.insert(cells(&row(1, "12345"))).unwrap();
    let bytes = net.bytes();
    for number in 10_000..20_000 {
        let note = number.to_string();
        net.update(cells(&row(1, "12345")), cells(&row(1, &note)))
            .unwrap();
    }
    assert_eq!(net.bytes(), bytes);
    assert_eq!(net.take().upserts, tuple(&row(1, "19999")).unwrap());
}

#[test]
fn a_row_of_another_width_is_an_error() {
    let mut net = net(&[1]);
    let short = || [Cell::Null].into_iter();
    let long = || [Cell::Bytes(b""), Cell::Int(1), Cell::Bytes(b""), Cell::Null].into_iter();
    assert!(net.insert(short()).is_err());
    assert!(net.delete(short()).is_err());
    assert!(net.insert(long()).is_err());
    assert!(net.update(short(), cells(&row(1, "a"))).is_err());
    let key = RowKey {
        identity: vec![3],
        walked: Vec::new(),
    };
    assert!(NetChanges::new(encoder(), columns(), key).is_err());
}
