//! What is known of each key, found by the key's encoded bytes and listed in the order in which the
//! keys were first met.
//!
//! The keys stand in one piece of memory and the table holds numbers only, so that a key costs no
//! allocation and all of them are given back at once. Nothing is ever taken out.

use std::hash::{BuildHasher, RandomState};

/// The hash is seeded: whoever writes to the source cannot make keys collide.
#[derive(Debug)]
pub struct KeyTable<T> {
    keys: Vec<u8>,
    entries: Vec<Entry<T>>,
    /// Numbers of entries plus one, 0 where there is none; a power of two of them, at most three
    /// quarters in use.
    slots: Vec<u32>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Entry<T> {
    hash: u64,
    start: usize,
    length: usize,
    value: T,
}

/// So many entries at most are kept allocated by `clear`.
const KEPT: usize = 4096;

impl<T> KeyTable<T> {
    pub fn new() -> Self {
        KeyTable {
            keys: Vec::new(),
            entries: Vec::new(),
            slots: Vec::new(),
            hasher: RandomState::new(),
        }
    }

    /// What is known of a key; `first` where it was not met before, and then true.
    #[inline]
    pub fn meet(&mut self, key: &[u8], first: T) -> (&mut T, bool) {
        if 4 * (self.entries.len() + 1) > 3 * self.slots.len() {
            self.grow();
        }
        let hash = self.hasher.hash_one(key);
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = place(hash) & mask;
        let mut found = None;
        while let Some(&slot) = self.slots.get(at) {
            let Some(number) = slot.checked_sub(1) else {
                break;
            };
            let number = number as usize;
            if self.is_of(number, hash, key) {
                found = Some(number);
                break;
            }
            at = (at + 1) & mask;
        }
        let is_new = found.is_none();
        let number = found.unwrap_or(self.entries.len());
        if is_new {
            let start = self.keys.len();
            self.keys.extend_from_slice(key);
            self.entries.push(Entry {
                hash,
                start,
                length: key.len(),
                value: first,
            });
            if let Some(slot) = self.slots.get_mut(at) {
                // More entries than a u32 counts do not fit into memory.
                *slot = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            }
        }
        // The entry was found, or pushed just now.
        let last = self.entries.len() - 1;
        (&mut self.entries[number.min(last)].value, is_new)
    }

    /// All keys in the order they were first met.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        self.entries
            .iter()
            .map(|entry| (self.key(entry), &entry.value))
    }

    /// Memory that the keys take, about.
    pub fn bytes(&self) -> usize {
        self.keys.len() + self.entries.len() * size_of::<Entry<T>>() + self.slots.len() * 4
    }

    /// Forgets all keys; a large table is given back.
    pub fn clear(&mut self) {
        if self.entries.len() > KEPT {
            self.keys = Vec::new();
            self.entries = Vec::new();
            self.slots = Vec::new();
        } else {
            self.keys.clear();
            self.entries.clear();
            self.slots.fill(0);
        }
    }

    #[inline]
    fn is_of(&self, number: usize, hash: u64, key: &[u8]) -> bool {
        self.entries
            .get(number)
            .is_some_and(|entry| entry.hash == hash && self.key(entry) == key)
    }

    #[inline]
    fn key(&self, entry: &Entry<T>) -> &[u8] {
        self.keys
            .get(entry.start..entry.start + entry.length)
            .unwrap_or_default()
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        self.slots.clear();
        self.slots.resize(size, 0);
        for (number, entry) in (1u32..).zip(&self.entries) {
            let mut at = place(entry.hash) & (size - 1);
            while self.slots.get(at).is_some_and(|&slot| slot != 0) {
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = number;
            }
        }
    }
}

/// The slot of a hash, before the table's size is considered.
#[inline]
fn place(hash: u64) -> usize {
    hash as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn keys_are_found_again_and_listed_in_order() {
        let mut table = KeyTable::new();
        let mut known: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut order = Vec::new();
        for round in 0..30_000u64 {
            let number = (round * 7919) % 9_000;
            let key = number.to_string().into_bytes();
            let (value, is_new) = table.meet(&key, 0);
            *value += round;
            assert_eq!(is_new, !known.contains_key(&key));
            if is_new {
                order.push(key.clone());
            }
            *known.entry(key).or_default() += round;
        }
        let listed: Vec<(Vec<u8>, u64)> = table
            .iter()
            .map(|(key, value)| (key.to_vec(), *value))
            .collect();
        assert_eq!(listed.len(), order.len());
        for ((key, value), expected) in listed.iter().zip(&order) {
            assert_eq!(key, expected);
            assert_eq!(*value, known[key]);
        }
        table.clear();
        assert_eq!(table.bytes(), 0);
        assert!(table.meet(b"1", 5).1);
    }

    #[test]
    fn a_small_table_keeps_its_memory() {
        let mut table = KeyTable::new();
        table.meet(b"", ());
        assert!(!table.meet(b"", ()).1);
        table.clear();
        assert!(table.slots.capacity() >= 64);
        assert_eq!(table.iter().count(), 0);
        assert!(table.meet(b"", ()).1);
    }
}
