//! Foreign keys of our own make way while the rows of a table are replaced, since tables of a run are
//! replaced one after the other: they are dropped first, in a transaction of its own so that no
//! reader waits for the replacing, and made again as a step when both tables are complete.

use crate::catalog::step;
use crate::catalog::unit::Unit;
use crate::error::Result;
use crate::pg::{relation, spi, transaction};
use crate::plan::identifier::{qualified, quote};

/// Drops the foreign keys from and to the unit's table that runs of the job have made.
pub fn drop_of(unit: &Unit) -> Result<()> {
    transaction::run(|| {
        for key in step::foreign_keys_of(unit.unit_id)? {
            if relation::find(&key.target_schema, &key.target_table)?.is_some() {
                spi::execute(
                    &format!(
                        "ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}",
                        qualified(&key.target_schema, &key.target_table),
                        quote(&key.name)
                    ),
                    &[],
                )?;
            }
            step::reopen(key.step_id)?;
        }
        Ok(())
    })
}
