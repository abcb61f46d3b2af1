//! CHECK constraints: the source's own, and the labels of an enum that becomes text.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::column_type::told_in_full;
use super::columns::{Column, Draft};
use super::expression::shown;
use super::identifier::{literal, quote};
use super::names;
use crate::codec;
use crate::model::pg_type::oid;
use crate::model::table::SourceType;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CheckPlan {
    pub name: String,
    pub condition: String,
}

/// `taken`: names of the table's other constraints.
pub(super) fn plan_checks(
    draft: &Draft<'_>,
    taken: &mut BTreeSet<String>,
    warnings: &mut Vec<String>,
) -> Vec<CheckPlan> {
    let target_table = draft.context.target_table;
    let columns = draft.columns;
    let mut checks = Vec::new();
    for check in &draft.table.checks {
        let told = |reason: &str| {
            format!(
                "check {} is not kept: {reason}: {}",
                quote(&check.name),
                shown(&check.clause)
            )
        };
        if !check.enforced {
            warnings.push(told("it is not enforced at the source"));
            continue;
        }
        match draft.scope.condition(&check.clause) {
            Err(reason) => warnings.push(told(&reason)),
            Ok(condition) => {
                // The check of one column has no name at the source but the column's.
                let of_column = columns
                    .iter()
                    .any(|column| column.source.name == check.name);
                let name = names::fold(&check.name, draft.context.job.names);
                let name = match of_column {
                    true => format!("{target_table}_{name}_check"),
                    false => name,
                };
                let given = names::distinct(&name, taken);
                if given != check.name && !of_column {
                    warnings.push(format!(
                        "check {} is named {}",
                        quote(&check.name),
                        quote(&given)
                    ));
                }
                checks.push(CheckPlan {
                    name: given,
                    condition,
                });
            }
        }
    }
    for column in columns {
        if let Some(condition) = labels(column, warnings) {
            let name = format!("{target_table}_{}_check", column.name);
            checks.push(CheckPlan {
                name: names::distinct(&name, taken),
                condition,
            });
        }
    }
    checks
}

/// That a column holds one of its labels, where its type does not say so. The source's value of index
/// 0, which is no label and prints as '', is a value like others.
fn labels(column: &Column<'_>, warnings: &mut Vec<String>) -> Option<String> {
    let SourceType::Enum { labels } = &column.source.source_type else {
        return None;
    };
    let target = column.typed.target;
    let plain = codec::type_name(target).is_ok_and(|name| name == column.typed.type_name);
    let written = labels.iter().all(|label| !label.contains('\0'));
    if !plain || labels.is_empty() || !written || !matches!(target.oid, oid::TEXT | oid::VARCHAR) {
        return None;
    }
    if !told_in_full(labels) {
        warnings.push(format!(
            "column {} has no check of its labels: the source's catalog shows characters of four bytes as ?, \
             and one of the labels has a ?",
            quote(&column.name)
        ));
        return None;
    }
    let empty = (!labels.iter().any(String::is_empty)).then_some("");
    let labels: Vec<String> = labels
        .iter()
        .map(String::as_str)
        .chain(empty)
        .map(literal)
        .collect();
    Some(format!(
        "{} IN ({})",
        quote(&column.name),
        labels.join(", ")
    ))
}
