//! Secondary indexes, made after the rows, each by itself. What PostgreSQL has no equal of is left
//! out with a warning; the rows do not depend on it.
//!
//! NULLs stand where PostgreSQL puts them by default, at the end of an ascending order, though the
//! source puts them first: an index in the source's order would not serve a plain ORDER BY.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::columns::{Column, Draft};
use super::expression::{Purpose, Reason, shown};
use super::identifier::{literal, qualified, quote};
use super::names;
use crate::model::pg_type::oid;
use crate::model::table::{IndexExpression, IndexMethod, IndexPart, SourceIndex, SourceType};

/// Bytes of an entry that a B-tree page takes, and those of the longest character.
const MAX_ENTRY: u64 = 2704;
const CHARACTER: u64 = 4;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct IndexPlan {
    pub name: String,
    pub source_name: String,
    pub unique: bool,
    /// One or two statements: CREATE INDEX, and its comment.
    pub sql: String,
    /// The source columns of a unique index over whole columns: what a foreign key may refer to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
}

/// Part of a statement, with what has to be told of it.
struct Built {
    sql: String,
    notes: Vec<String>,
}

/// `present`: the index that CREATE TABLE makes as the key to walk by. `taken`: names of relations
/// that belong to the table.
pub(super) fn plan_indexes(
    draft: &Draft<'_>,
    present: Option<&str>,
    taken: &mut BTreeSet<String>,
    warnings: &mut Vec<String>,
) -> Vec<IndexPlan> {
    let mut plans = Vec::new();
    let mut renamed = Vec::new();
    for index in &draft.table.indexes {
        if present == Some(index.name.as_str()) {
            continue;
        }
        let built = match body(draft, index) {
            Ok(built) => built,
            Err(reason) => {
                warnings.push(format!(
                    "index {} is not kept: {reason}",
                    quote(&index.name)
                ));
                continue;
            }
        };
        for note in built.notes {
            warnings.push(format!("index {}: {note}", quote(&index.name)));
        }
        let folded = names::fold(&index.name, draft.context.job.names);
        let owned = names::owned(
            draft.context.target_table,
            &folded,
            draft.context.target_tables,
        );
        let name = names::distinct(&owned, taken);
        if name != index.name {
            renamed.push(format!("{} is {}", quote(&index.name), quote(&name)));
        }
        let unique = if index.unique { "UNIQUE " } else { "" };
        let mut sql = format!(
            "CREATE {unique}INDEX {} ON {} {}",
            quote(&name),
            qualified(draft.context.target_schema, draft.context.target_table),
            built.sql
        );
        if let Some(comment) = &index.comment {
            sql.push_str(&format!(
                ";\nCOMMENT ON INDEX {} IS {}",
                qualified(draft.context.target_schema, &name),
                literal(&comment.replace('\0', ""))
            ));
        }
        plans.push(IndexPlan {
            name,
            source_name: index.name.clone(),
            unique: index.unique,
            sql,
            key: whole_key(draft, index),
        });
    }
    if !renamed.is_empty() {
        warnings.push(format!(
            "names of indexes are unique in a schema, not in a table: {}",
            renamed.join(", ")
        ));
    }
    plans
}

/// The columns of a unique index over nothing but whole columns.
fn whole_key(draft: &Draft<'_>, index: &SourceIndex) -> Vec<String> {
    let columns: Option<Vec<String>> = index
        .parts
        .iter()
        .map(|part| match &part.expression {
            IndexExpression::Column(name) => Some(name.clone()),
            IndexExpression::Prefix { column, length } => {
                let column = draft.column(column)?;
                (characters(column)? <= *length).then(|| column.source.name.clone())
            }
            IndexExpression::Expression(_) => None,
        })
        .collect();
    columns.filter(|_| index.unique).unwrap_or_default()
}

/// `USING method (parts)`.
fn body(draft: &Draft<'_>, index: &SourceIndex) -> Result<Built, Reason> {
    match index.method {
        IndexMethod::Btree | IndexMethod::Hash => btree(draft, index),
        IndexMethod::Fulltext => fulltext(draft, index),
        IndexMethod::Spatial => spatial(draft, index),
        IndexMethod::Other => Err("PostgreSQL has no index of its kind".to_string()),
    }
}

fn btree(draft: &Draft<'_>, index: &SourceIndex) -> Result<Built, Reason> {
    let mut notes = Vec::new();
    let mut parts = Vec::with_capacity(index.parts.len());
    let mut longest = 0;
    for part in &index.parts {
        let (sql, bytes) = btree_part(draft, index.unique, part, &mut notes)?;
        longest += bytes;
        let descending = if part.descending { " DESC" } else { "" };
        parts.push(format!("{sql}{descending}"));
    }
    if longest > MAX_ENTRY {
        notes.push(format!(
            "PostgreSQL indexes at most {MAX_ENTRY} bytes of a row: it cannot be made where a row has more"
        ));
    }
    Ok(Built {
        sql: format!("USING btree ({})", parts.join(", ")),
        notes,
    })
}

/// The SQL of a part and the bytes it may have in an entry, where that matters.
fn btree_part(
    draft: &Draft<'_>,
    unique: bool,
    part: &IndexPart,
    notes: &mut Vec<String>,
) -> Result<(String, u64), Reason> {
    match &part.expression {
        IndexExpression::Column(name) => {
            let column = ordered(draft, name)?;
            Ok((quote(&column.name), bytes(column)))
        }
        IndexExpression::Prefix { column, length } => {
            let column = ordered(draft, column)?;
            let name = quote(&column.name);
            // At the source a prefix saves space. What is sure to fit is of more use as a whole.
            let whole = characters(column).is_some_and(|all| all <= *length);
            let fits = bytes(column) <= MAX_ENTRY / 2 && characters(column).is_some();
            if whole || fits && !unique {
                return Ok((name, bytes(column)));
            }
            let (sql, width) = match column.typed.target.oid {
                oid::TEXT | oid::VARCHAR => (format!("left({name}, {length})"), CHARACTER),
                oid::BYTEA => (format!("substr({name}, 1, {length})"), 1),
                _ => return Err(format!("{name} has no beginning in its type")),
            };
            notes.push(format!("it serves conditions on {sql}, not on {name}"));
            Ok((sql, length.saturating_mul(width)))
        }
        IndexExpression::Expression(sql) => {
            // A unique index decides which rows there may be, any other only how they are found.
            let purpose = match unique {
                true => Purpose::Exact,
                false => Purpose::Index,
            };
            let part = draft
                .scope
                .index_part(sql, purpose)
                .map_err(|reason| format!("{reason}: {}", shown(sql)))?;
            Ok((part, 0))
        }
    }
}

fn copied<'a>(draft: &Draft<'a>, name: &str) -> Result<&'a Column<'a>, Reason> {
    draft
        .column(name)
        .ok_or_else(|| format!("{} is not copied", quote(name)))
}

/// A column whose type a B-tree takes.
fn ordered<'a>(draft: &Draft<'a>, name: &str) -> Result<&'a Column<'a>, Reason> {
    let column = copied(draft, name)?;
    match column.typed.target.oid {
        oid::JSON | oid::GEOMETRY => Err(format!("{} has no order in its type", quote(name))),
        _ => Ok(column),
    }
}

/// The characters or bytes of the longest value.
fn characters(column: &Column<'_>) -> Option<u64> {
    match &column.source.source_type {
        SourceType::Char { length }
        | SourceType::VarChar { length }
        | SourceType::Binary { length }
        | SourceType::VarBinary { length } => Some(*length),
        _ => None,
    }
}

fn bytes(column: &Column<'_>) -> u64 {
    match &column.source.source_type {
        SourceType::Char { length } | SourceType::VarChar { length } => {
            length.saturating_mul(CHARACTER)
        }
        SourceType::Binary { length } | SourceType::VarBinary { length } => *length,
        SourceType::Text | SourceType::Blob | SourceType::Json => MAX_ENTRY + 1,
        _ => 0,
    }
}

/// Words of the text, for `@@`: there is no MATCH, and the configuration `simple` knows no language.
fn fulltext(draft: &Draft<'_>, index: &SourceIndex) -> Result<Built, Reason> {
    let mut texts = Vec::with_capacity(index.parts.len());
    for part in &index.parts {
        let (IndexExpression::Column(name) | IndexExpression::Prefix { column: name, .. }) =
            &part.expression
        else {
            return Err("it is over an expression".to_string());
        };
        let column = copied(draft, name)?;
        if !matches!(column.typed.target.oid, oid::TEXT | oid::VARCHAR) {
            return Err(format!("{} is no text", quote(name)));
        }
        let name = quote(&column.name);
        texts.push(match column.typed.type_name.as_str() {
            "text" => format!("coalesce({name}, '')"),
            _ => format!("coalesce({name}::text, '')"),
        });
    }
    let words = format!(
        "to_tsvector('simple'::regconfig, {})",
        texts.join(" || ' ' || ")
    );
    Ok(Built {
        notes: vec![format!(
            "it serves conditions such as {words} @@ plainto_tsquery('simple', ...), and cannot be made where a row has more than 1 MB of words"
        )],
        sql: format!("USING gin ({words})"),
    })
}

fn spatial(draft: &Draft<'_>, index: &SourceIndex) -> Result<Built, Reason> {
    let mut parts = Vec::with_capacity(index.parts.len());
    for part in &index.parts {
        let (IndexExpression::Column(name) | IndexExpression::Prefix { column: name, .. }) =
            &part.expression
        else {
            return Err("it is over an expression".to_string());
        };
        let column = copied(draft, name)?;
        if column.typed.target.oid != oid::GEOMETRY {
            return Err(format!(
                "{} is no geometry of PostGIS here",
                quote(&column.name)
            ));
        }
        parts.push(quote(&column.name));
    }
    Ok(Built {
        sql: format!("USING gist ({})", parts.join(", ")),
        notes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Planning, column, orders, text_column};
    use super::*;
    use crate::model::table::SourceTable;

    fn table(name: &str, method: IndexMethod, expressions: Vec<IndexExpression>) -> SourceTable {
        let mut table = orders();
        table.columns.push(text_column(
            "wide",
            SourceType::VarChar { length: 2000 },
            "varchar(2000)",
        ));
        table.columns.push(column("raw", SourceType::Blob, "blob"));
        table.columns.push(column("doc", SourceType::Json, "json"));
        table.indexes = vec![SourceIndex {
            name: name.to_string(),
            unique: false,
            method,
            parts: expressions
                .into_iter()
                .map(|expression| IndexPart {
                    expression,
                    descending: false,
                })
                .collect(),
            comment: None,
        }];
        table
    }

    fn whole(name: &str) -> IndexExpression {
        IndexExpression::Column(name.to_string())
    }

    fn prefix(name: &str, length: u64) -> IndexExpression {
        IndexExpression::Prefix {
            column: name.to_string(),
            length,
        }
    }

    /// The index's statement after its table's name, or the warning about it.
    fn made(table: &SourceTable) -> String {
        let plan = Planning::default().plan(table, &[true, true]).unwrap();
        match plan.indexes.first() {
            Some(index) => index.sql.split_once(" USING ").unwrap().1.to_string(),
            None => plan.warnings.last().unwrap().clone(),
        }
    }

    #[test]
    fn parts_keep_their_meaning() {
        let btree = |parts| made(&table("i", IndexMethod::Btree, parts));
        assert_eq!(
            btree(vec![whole("code"), whole("order")]),
            "btree (code, \"order\")"
        );
        // The whole column fits an entry.
        assert_eq!(btree(vec![prefix("code", 5)]), "btree (code)");
        assert_eq!(btree(vec![prefix("note", 5)]), "btree (left(note, 5))");
        assert_eq!(btree(vec![prefix("raw", 5)]), "btree (substr(raw, 1, 5))");
        let expression = |sql: &str| btree(vec![IndexExpression::Expression(sql.to_string())]);
        assert_eq!(expression("lower(`code`)"), "btree ((lower(code)))");
        assert_eq!(
            expression("soundex(`code`)"),
            "index i is not kept: the function SOUNDEX is not translated: soundex(`code`)"
        );
        let mut unique = table("i", IndexMethod::Btree, vec![prefix("code", 5)]);
        unique.indexes[0].unique = true;
        assert_eq!(made(&unique), "btree (left(code, 5))");
    }

    #[test]
    fn what_postgresql_has_no_index_for_is_left_out() {
        let spatial = made(&table("i", IndexMethod::Spatial, vec![whole("raw")]));
        assert_eq!(
            spatial,
            "index i is not kept: raw is no geometry of PostGIS here"
        );
        let other = made(&table("i", IndexMethod::Other, vec![whole("raw")]));
        assert_eq!(
            other,
            "index i is not kept: PostgreSQL has no index of its kind"
        );
        let words = made(&table("i", IndexMethod::Fulltext, vec![whole("doc")]));
        assert_eq!(words, "index i is not kept: doc is no text");
    }

    #[test]
    fn wide_entries_are_warned_of() {
        let wide = table("i", IndexMethod::Btree, vec![whole("wide")]);
        let plan = Planning::default().plan(&wide, &[true, true]).unwrap();
        assert!(
            plan.warnings.iter().any(|w| w.contains("2704 bytes")),
            "{:?}",
            plan.warnings
        );
    }

    #[test]
    fn names_do_not_meet_those_of_tables_and_keys() {
        for (name, expected) in [
            ("i", "orders_i"),
            ("orders_i", "orders_i"),
            ("I", "orders_I"),
        ] {
            let table = table(name, IndexMethod::Btree, vec![whole("id")]);
            let plan = Planning::default().plan(&table, &[true, true]).unwrap();
            assert_eq!(plan.indexes[0].name, expected);
        }
        let taken = table("pkey", IndexMethod::Btree, vec![whole("id")]);
        let plan = Planning::default().plan(&taken, &[true, true]).unwrap();
        assert!(plan.indexes[0].name.starts_with("orders_pkey_"));
        let planning = Planning {
            others: vec!["orders_i".to_string()],
            ..Planning::default()
        };
        let table = table("i", IndexMethod::Btree, vec![whole("id")]);
        let plan = planning.plan(&table, &[true, true]).unwrap();
        assert!(plan.indexes[0].name.starts_with("orders_i_"));
        // The key to walk by is in CREATE TABLE.
        let mut walked = table.clone();
        walked.indexes[0].name = "code_order".to_string();
        let plan = planning.plan(&walked, &[false, true]).unwrap();
        assert!(plan.indexes.is_empty());
    }
}
