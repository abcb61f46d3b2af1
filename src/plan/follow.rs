//! What a plan has to be like for a table whose changes come from the log.

use super::identifier::literal;
use super::table::TablePlan;
use crate::error::{Error, Kind, Result};

/// The plan of a table that is followed, or why it cannot be.
pub fn follow(mut plan: TablePlan) -> Result<TablePlan> {
    if plan.filter.is_some() {
        return Err(Error::new(
            Kind::InvalidParameter,
            format!(
                "table \"{}\" has a filter, which is SQL of the source and cannot be asked of its log",
                plan.source_table
            ),
        )
        .with_hint(format!(
            "SELECT sync_alter_unit('<job>', {}, '{{\"filter\": null}}');",
            literal(&plan.source_table)
        )));
    }
    for key in std::mem::take(&mut plan.foreign_keys) {
        plan.warnings.push(format!(
            "foreign key \"{}\" is not made while the log is followed: the source keeps it; make it at the cut-over",
            key.name
        ));
    }
    if plan.key.is_none() {
        plan.warnings.push(
            "without a key each changed row is looked for by all its values, which reads the whole table"
                .to_owned(),
        );
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::{orders, planned};

    #[test]
    fn a_filter_is_refused() {
        let mut plan = planned(&orders(), &[true]);
        plan.filter = Some("id > 7".to_owned());
        let error = follow(plan).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidParameter);
        assert!(error.hint.is_some());
    }

    #[test]
    fn foreign_keys_are_left_to_the_source() {
        let plan = planned(&orders(), &[true]);
        let keys = plan.foreign_keys.len();
        let warnings = plan.warnings.len();
        let followed = follow(plan).unwrap();
        assert!(followed.foreign_keys.is_empty());
        assert!(followed.warnings.len() >= warnings + keys);
    }
}
