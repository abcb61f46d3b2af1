//! An auto_increment column: an identity where PostgreSQL allows one, else a sequence of its own as
//! the default; and the statement that sets it past the last value once the rows are there.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::columns::Draft;
use super::identifier::{literal, qualified, quote};
use super::names;
use super::table::TablePlan;
use crate::model::pg_type::oid;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct SequencePlan {
    /// The source column.
    pub column: String,
    /// The source's next value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// The name of a sequence of its own: the column's type can be no identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<String>,
}

/// How a column counts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counting {
    Identity,
    Sequence,
    /// Its type is no number.
    Not,
}

fn counting(type_oid: u32) -> Counting {
    match type_oid {
        oid::INT2 | oid::INT4 | oid::INT8 => Counting::Identity,
        oid::NUMERIC | oid::FLOAT4 | oid::FLOAT8 => Counting::Sequence,
        _ => Counting::Not,
    }
}

/// What the source's auto_increment column becomes.
pub(super) fn plan_sequence(
    draft: &Draft<'_>,
    expressions: &[Option<String>],
    relations: &mut BTreeSet<String>,
    warnings: &mut Vec<String>,
) -> Option<SequencePlan> {
    let (_, column) = (draft.columns.iter().enumerate())
        .filter(|(at, _)| expressions.get(*at).is_none_or(Option::is_none))
        .find(|(_, column)| column.source.auto_increment)?;
    let name = quote(&column.name);
    let own = match counting(column.typed.target.oid) {
        Counting::Identity => {
            // PostgreSQL names the identity's sequence so.
            relations.insert(format!(
                "{}_{}_seq",
                draft.context.target_table, column.name
            ));
            None
        }
        Counting::Sequence => {
            warnings.push(format!(
                "column {name} counts by a sequence as its default: its type {} can be no identity; a cast rule to bigint makes it one",
                column.typed.type_name
            ));
            let name = format!("{}_seq", column.name);
            let owned = names::owned(
                draft.context.target_table,
                &name,
                draft.context.target_tables,
            );
            Some(names::distinct(&owned, relations))
        }
        Counting::Not => {
            warnings.push(format!(
                "column {name} does not count by itself: its type is {}",
                column.typed.type_name
            ));
            return None;
        }
    };
    Some(SequencePlan {
        column: column.source.name.clone(),
        next: draft.table.auto_increment,
        own,
    })
}

impl TablePlan {
    /// Sets the column's sequence past the source's last value and the greatest there is. It never
    /// goes back, does nothing to a table without a sequence, and starts none for an empty table
    /// that never had a row.
    pub fn sequence_sql(&self) -> Option<String> {
        let sequence = self.sequence.as_ref()?;
        let column = self.target_column(&sequence.column)?;
        let table = qualified(&self.target_schema, &self.target_table);
        let last = sequence.next.unwrap_or(0).saturating_sub(1);
        Some(format!(
            "SELECT pg_catalog.setval(s.seqrelid, wanted.value)\n\
             FROM pg_catalog.pg_sequence AS s,\n    LATERAL (SELECT LEAST(GREATEST({last}::numeric, \
             (SELECT pg_catalog.max({})::numeric FROM {table})), s.seqmax)::bigint) AS wanted (value)\n\
             WHERE s.seqrelid = pg_catalog.pg_get_serial_sequence({}, {})::pg_catalog.regclass\n    \
             AND s.seqincrement > 0 AND wanted.value >= s.seqmin\n    \
             AND wanted.value > COALESCE(pg_catalog.pg_sequence_last_value(s.seqrelid), 0)",
            quote(&column),
            literal(&table),
            literal(&column)
        ))
    }
}
