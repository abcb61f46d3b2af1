//! Foreign keys of our own make way while the rows of a table are replaced, since tables of a run are
//! replaced one after the other: they are dropped first and made again as a step when both tables are
//! complete.
//!
//! Dropping one locks both tables against readers. So each has a short transaction of its own, which
//! rather gives up and tries again than let others queue up behind it.

use std::time::Duration;

use crate::catalog::event;
use crate::catalog::step::{self, ForeignKey};
use crate::catalog::unit::Unit;
use crate::error::Result;
use crate::pg::{guc, latch, relation, spi, transaction};
use crate::plan::identifier::{qualified, quote};

/// Between two attempts to drop a foreign key whose tables are being read.
const PAUSE: Duration = Duration::from_secs(1);
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Drops the foreign keys from and to the unit's table that runs of the job have made.
pub fn drop_of(unit: &Unit) -> Result<()> {
    for key in transaction::run(|| step::foreign_keys_of(unit.unit_id))? {
        loop {
            match transaction::run(|| drop(unit, &key)) {
                Err(error) if error.sqlstate() == LOCK_NOT_AVAILABLE => {
                    latch::wait(None, PAUSE);
                }
                outcome => break outcome?,
            }
        }
    }
    Ok(())
}

fn drop(unit: &Unit, key: &ForeignKey) -> Result<()> {
    guc::set_local(c"lock_timeout", c"200ms");
    let found = relation::find(&key.target_schema, &key.target_table)?;
    // Another table of that name is not ours.
    if found.is_some_and(|table| Some(table.oid) == key.created_oid) {
        spi::execute(
            &format!(
                "ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}",
                qualified(&key.target_schema, &key.target_table),
                quote(&key.name)
            ),
            &[],
        )?;
        if !key.listed {
            let why = format!(
                "dropped foreign key {} of {}, which the job does not list any more",
                quote(&key.name),
                qualified(&key.target_schema, &key.target_table)
            );
            event::record(unit.subject(), "running", Some(&why))?;
        }
    }
    step::reopen(key.step_id)
}
