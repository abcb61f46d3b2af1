//! Table maps: whose rows follow, and how they are read.

use super::super::binlog::{RawEvent, TableMap, table_id};
use super::super::images::Decoders;
use super::{Assembler, FollowedTable, Step};
use crate::error::{Error, Result};
use crate::source::log::Obstacle;

/// They are forgotten between two transactions when they hold this much.
const MAPS_BYTES: usize = 8 << 20;

/// A table map that was read, with its bytes: most statements repeat one.
pub(super) enum Mapped {
    Ours(Vec<u8>, Box<Decoders>),
    /// Of one of ours whose changes are known already.
    Known,
    Other(Vec<u8>),
}

impl Mapped {
    fn bytes(&self) -> usize {
        match self {
            Mapped::Ours(raw, _) | Mapped::Other(raw) => raw.len(),
            Mapped::Known => 0,
        }
    }
}

impl Assembler {
    pub(super) fn map(&mut self, raw: &RawEvent, map: TableMap) -> Result<Step> {
        if self.is_mapped(raw) {
            return Ok(Step::Within);
        }
        let mapped = match self.index_of(&map.table.schema, &map.table.name) {
            Some(index) if !self.is_known(index) => {
                let FollowedTable { plan, told, .. } = &self.unit(index)?.table;
                let read = Decoders::new(index, plan, &map.table, &self.source.charsets);
                let difference = match read {
                    Ok(Ok(decoders)) if told.is_empty() => Ok(decoders),
                    // Rows of the same look may mean something else.
                    Ok(Ok(_)) => Err("The table was altered at the source.".to_owned()),
                    Ok(Err(difference)) => Err(difference),
                    // A type that is not read from the log is this unit's error.
                    Err(error) => return Ok(self.stop(index, error)),
                };
                match difference {
                    Ok(decoders) => Mapped::Ours(raw.data.clone(), Box::new(decoders)),
                    Err(difference) => {
                        let obstacle = Obstacle::Shape {
                            logged: map.table,
                            told: told.clone(),
                            difference,
                        };
                        return Ok(self.stop_at(index, obstacle));
                    }
                }
            }
            // Changes that are known need not be read, nor their shape.
            Some(_) => Mapped::Known,
            None => Mapped::Other(raw.data.clone()),
        };
        self.map_bytes += mapped.bytes();
        let before = self.maps.insert(map.table_id, mapped);
        self.map_bytes -= before.map_or(0, |before| before.bytes());
        // In one transaction: no source has so many tables.
        match self.map_bytes > MAPS_BYTES * 8 {
            true => Err(raw.unreadable()),
            false => Ok(Step::Within),
        }
    }

    /// Rows that cannot be read are the error of their own unit.
    pub(super) fn refused_rows(&self, raw: &RawEvent, table: u64, error: Error) -> Result<Step> {
        match self.maps.get(&table) {
            Some(Mapped::Ours(_, decoders)) => Ok(self.stop(decoders.index, error)),
            Some(Mapped::Known | Mapped::Other(_)) => Ok(Step::Within),
            None => Err(raw.unreadable()),
        }
    }

    /// Between two transactions: each statement tells the maps that its rows need.
    pub(super) fn forget_many_maps(&mut self) {
        if self.map_bytes > MAPS_BYTES {
            self.forget_maps();
        }
    }

    pub(super) fn forget_maps(&mut self) {
        self.maps.clear();
        self.map_bytes = 0;
    }

    /// Was this very map read before?
    fn is_mapped(&self, raw: &RawEvent) -> bool {
        let known = table_id(&raw.data).and_then(|id| self.maps.get(&id));
        match known {
            Some(Mapped::Ours(known, _) | Mapped::Other(known)) => *known == raw.data,
            Some(Mapped::Known) | None => false,
        }
    }

    pub(super) fn is_known(&self, index: usize) -> bool {
        let Some(unit) = self.units.get(index) else {
            return false;
        };
        match (&unit.table.after, self.in_transaction) {
            (None, _) => false,
            (Some(_), true) => unit.known,
            (Some(after), false) => self.position.reached(after) != Some(true),
        }
    }

    pub(super) fn index_of(&self, schema: &str, name: &str) -> Option<usize> {
        let same = |ours: &str, theirs: &str| match self.source.fold_names {
            true => ours.to_lowercase() == theirs.to_lowercase(),
            false => ours == theirs,
        };
        self.units.iter().position(|unit| {
            let plan = &unit.table.plan;
            same(&plan.source_schema, schema) && same(&plan.source_table, name)
        })
    }
}
