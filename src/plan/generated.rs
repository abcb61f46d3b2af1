//! Generated columns: computed in the target too where the expression means the same there, else a
//! plain column with the source's values.

use serde::{Deserialize, Serialize};

use super::columns::Column;
use super::expression::{Purpose, Scope, ScopeColumn, shown};
use super::identifier::quote;
use super::table::ColumnPlan;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct GeneratedPlan {
    /// As it would be copied, into a table where it is a plain column.
    pub column: ColumnPlan,
    pub expression: String,
    /// How many of the plan's copied columns stand before it in a table to be created.
    pub after: usize,
}

/// The expression of each generated column that stays one, by the position of the column. `keys`:
/// columns by which rows are told apart, which have to be copied.
pub(super) fn plan_generated(
    columns: &[Column<'_>],
    keys: &[String],
    warnings: &mut Vec<String>,
) -> Vec<Option<String>> {
    let mut expressions: Vec<Option<String>> = Vec::with_capacity(columns.len());
    for column in columns {
        let Some(generation) = &column.source.generation else {
            expressions.push(None);
            continue;
        };
        let translated = match keys.contains(&column.source.name) {
            true => Err("it is part of a key".to_string()),
            false => {
                let scope = scope(columns, &expressions);
                scope.assigned(
                    &generation.expression,
                    Purpose::Generated,
                    &scoped(column, false),
                )
            }
        };
        if let Err(reason) = &translated {
            warnings.push(format!(
                "column {} is generated at the source and plain here, with the source's values: {reason}: {}",
                quote(&column.name),
                shown(&generation.expression)
            ));
        }
        expressions.push(translated.ok());
    }
    expressions
}

/// The columns as expressions may refer to them; those with an expression are generated.
pub(super) fn scope<'a>(columns: &'a [Column<'a>], expressions: &[Option<String>]) -> Scope<'a> {
    Scope {
        columns: columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let generated = match expressions.get(at) {
                    Some(expression) => expression.is_some(),
                    // Not judged yet: at the source it may refer to no later one.
                    None => column.source.generation.is_some(),
                };
                scoped(column, generated)
            })
            .collect(),
    }
}

pub(super) fn scoped<'a>(column: &'a Column<'a>, generated: bool) -> ScopeColumn<'a> {
    ScopeColumn {
        source: column.source,
        name: &column.name,
        target: column.typed.target,
        type_name: &column.typed.type_name,
        generated,
    }
}
