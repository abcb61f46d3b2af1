//! Completing a unit: its staging table, if it has one, becomes the target's content.

use crate::catalog::unit::{self, Unit};
use crate::error::{Error, Kind, Result};
use crate::model::state::LoadMethod;
use crate::pg::{relation, transaction};
use crate::sink::{stage, target};

pub fn finish(unit: &Unit) -> Result<()> {
    let method = unit.method()?;
    transaction::run(|| {
        if let (LoadMethod::Merge, Some(stage)) = (method, &unit.stage) {
            let fitted = target::get(unit.plan()?)?;
            let key = fitted.merge_key.ok_or_else(|| {
                Error::new(
                    Kind::TargetMismatch,
                    format!(
                        "target table {} has lost its unique key",
                        target::name(&fitted.plan)
                    ),
                )
                .with_hint("create the key again, then call sync_retry")
            })?;
            // Under its lock the name leads to the table that the rows went into, or the unit fails.
            relation::lock_own_table(&stage::get(&fitted.plan, stage)?)?;
            if Some(stage::get(&fitted.plan, stage)?.oid) != unit.load_oid {
                return Err(stage::replaced(&fitted.plan, stage));
            }
            stage::merge(&fitted.plan, &key, stage)?;
        }
        unit::set_completed(unit)
    })
}
