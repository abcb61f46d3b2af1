//! What a plan has to be like for a table whose changes come from the log.

use super::identifier::literal;
use super::table::TablePlan;
use crate::error::{Error, Kind, Result};
use crate::model::table::TableKind;

/// The plan of a table that is followed, or why it cannot be.
pub fn follow(mut plan: TablePlan, kind: TableKind) -> Result<TablePlan> {
    let not_in_log = match kind {
        TableKind::Base => None,
        TableKind::View => Some("a view: its rows do not stand in the log"),
        TableKind::SystemVersioned => {
            Some("system-versioned: the log tells its history, where a row that is deleted stays")
        }
    };
    if let Some(reason) = not_in_log {
        return Err(Error::new(
            Kind::LogUnsupported,
            format!(
                "table \"{}\" cannot be followed: it is {reason}",
                plan.source_table
            ),
        )
        .with_hint(format!(
            "Leave it out (units => '{{*,!{}}}'), or copy it by a job of mode full.",
            plan.source_table.replace(char::is_control, " ")
        )));
    }
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
        let error = follow(plan, TableKind::Base).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidParameter);
        assert!(error.hint.is_some());
    }

    #[test]
    fn a_table_whose_rows_are_not_in_the_log_is_refused() {
        for kind in [TableKind::View, TableKind::SystemVersioned] {
            let error = follow(planned(&orders(), &[true]), kind).unwrap_err();
            assert!(
                error
                    .message
                    .starts_with("table \"orders\" cannot be followed: it is")
            );
            assert!(error.hint.unwrap().contains("!orders"));
        }
    }

    #[test]
    fn foreign_keys_are_left_to_the_source() {
        let plan = planned(&orders(), &[true]);
        let keys = plan.foreign_keys.len();
        let warnings = plan.warnings.len();
        let followed = follow(plan, TableKind::Base).unwrap();
        assert!(followed.foreign_keys.is_empty());
        assert!(followed.warnings.len() >= warnings + keys);
    }
}
