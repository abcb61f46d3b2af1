//! Indexes, and the keys among them that a table can be walked by, from
//! `information_schema.statistics`.

use mysql_async::Row;

use super::expression::unescaped;
use super::schema::{number, optional_text, text};
use super::session::{Flavor, ServerInfo};
use crate::error::Result;
use crate::model::table::{
    IndexExpression, IndexMethod, IndexPart, SourceColumn, SourceIndex, SourceKey,
};

const PRIMARY: &str = "PRIMARY";

/// `{hidden}` tells whether the optimizer may not use the index.
const INDEXES: &str = "SELECT TABLE_NAME AS a, INDEX_NAME AS b, COLUMN_NAME AS c, SUB_PART AS d, \
     COLLATION AS e, INDEX_TYPE AS f, {hidden} AS g, NON_UNIQUE AS h, INDEX_COMMENT AS i, \
     {expression} AS j FROM information_schema.STATISTICS \
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY INDEX_NAME, SEQ_IN_INDEX";

pub(super) fn query(server: &ServerInfo) -> String {
    let hidden = match server.flavor {
        Flavor::MySql if server.version >= (8, 0, 0) => "IS_VISIBLE = 'NO'",
        Flavor::MariaDb if server.version >= (10, 6, 0) => "IGNORED = 'YES'",
        _ => "0",
    };
    let expression = match server.flavor {
        Flavor::MySql if server.version >= (8, 0, 13) => "EXPRESSION",
        _ => "NULL",
    };
    INDEXES
        .replace("{hidden}", hidden)
        .replace("{expression}", expression)
}

/// One part of an index.
#[derive(Debug, Clone)]
pub(super) struct Part {
    index: String,
    unique: bool,
    method: String,
    hidden: bool,
    comment: Option<String>,
    /// None for an expression.
    column: Option<String>,
    prefix: Option<u64>,
    expression: Option<String>,
    descending: bool,
}

/// The parts of a table's indexes, by index and position.
pub(super) fn read(server: &ServerInfo, rows: &[Row], table: &str) -> Result<Vec<Part>> {
    let mut parts = Vec::with_capacity(rows.len());
    for row in rows {
        if text(row, 0)? != table {
            continue;
        }
        let expression = optional_text(row, 9)?;
        parts.push(Part {
            index: text(row, 1)?,
            column: optional_text(row, 2)?,
            prefix: number(row, 3)?,
            descending: optional_text(row, 4)?.as_deref() == Some("D"),
            method: text(row, 5)?,
            hidden: number(row, 6)?.unwrap_or(0) != 0,
            unique: number(row, 7)? == Some(0),
            comment: optional_text(row, 8)?.filter(|comment| !comment.is_empty()),
            expression: match server.flavor {
                Flavor::MySql => expression.as_deref().map(unescaped),
                Flavor::MariaDb => expression,
            },
        });
    }
    Ok(parts)
}

/// All indexes but the primary key's.
pub(super) fn indexes(parts: &[Part]) -> Vec<SourceIndex> {
    parts
        .chunk_by(|a, b| a.index == b.index)
        .filter_map(|parts| {
            let first = parts.first().filter(|first| first.index != PRIMARY)?;
            let method = method(&first.method);
            Some(SourceIndex {
                name: first.index.clone(),
                unique: first.unique,
                method,
                parts: parts.iter().map(|part| part.planned(method)).collect(),
                comment: first.comment.clone(),
            })
        })
        .collect()
}

impl Part {
    fn planned(&self, method: IndexMethod) -> IndexPart {
        // A spatial index is always over the first 32 bytes, and no prefix.
        let prefix = self.prefix.filter(|_| method != IndexMethod::Spatial);
        IndexPart {
            expression: match (&self.column, prefix) {
                (Some(column), Some(length)) => IndexExpression::Prefix {
                    column: column.clone(),
                    length,
                },
                (Some(column), None) => IndexExpression::Column(column.clone()),
                (None, _) => {
                    IndexExpression::Expression(self.expression.clone().unwrap_or_default())
                }
            },
            descending: self.descending,
        }
    }
}

fn method(told: &str) -> IndexMethod {
    match told {
        "BTREE" | "LSMTREE" => IndexMethod::Btree,
        "HASH" => IndexMethod::Hash,
        "FULLTEXT" => IndexMethod::Fulltext,
        "SPATIAL" | "RTREE" => IndexMethod::Spatial,
        _ => IndexMethod::Other,
    }
}

/// The keys over whole NOT NULL columns, all ascending or all descending: the primary key, then the
/// others, shortest first.
pub(super) fn keys(parts: &[Part], columns: &[SourceColumn]) -> Vec<SourceKey> {
    let mut keys: Vec<SourceKey> = parts
        .chunk_by(|a, b| a.index == b.index)
        .filter_map(|parts| {
            let first = parts.first().filter(|first| first.unique)?;
            let mut names = Vec::with_capacity(parts.len());
            for part in parts {
                let name = part.column.as_ref()?;
                let column = columns.iter().find(|column| column.name == *name)?;
                if column.nullable || !part.walkable() || part.descending != first.descending {
                    return None;
                }
                names.push(name.clone());
            }
            Some(SourceKey {
                name: first.index.clone(),
                primary: first.index == PRIMARY,
                columns: names,
            })
        })
        .collect();
    keys.sort_by_key(|key| (!key.primary, key.columns.len()));
    keys
}

impl Part {
    /// Covers the whole column, and can be walked.
    fn walkable(&self) -> bool {
        let ordered = method(&self.method) == IndexMethod::Btree;
        self.prefix.is_none() && ordered && !self.hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::table::SourceType;

    fn columns(names: &[(&str, bool)]) -> Vec<SourceColumn> {
        names
            .iter()
            .map(|(name, nullable)| SourceColumn {
                nullable: *nullable,
                ..SourceColumn::new(*name, SourceType::Year)
            })
            .collect()
    }

    fn part(index: &str, column: Option<&str>) -> Part {
        Part {
            index: index.into(),
            unique: true,
            method: "BTREE".into(),
            hidden: false,
            comment: None,
            column: column.map(String::from),
            prefix: None,
            expression: None,
            descending: false,
        }
    }

    #[test]
    fn only_whole_not_null_keys_of_one_direction_count() {
        let columns = columns(&[("a", false), ("b", false), ("n", true)]);
        let mut prefix = part("prefix", Some("a"));
        prefix.prefix = Some(3);
        let mut common = part("common", Some("b"));
        common.unique = false;
        let mut mixed = part("mixed", Some("b"));
        mixed.descending = true;
        let parts = [
            part("both", Some("a")),
            part("both", Some("b")),
            common,
            part("expression", None),
            part("mixed", Some("a")),
            mixed,
            part("nulls", Some("n")),
            part("one", Some("b")),
            part("PRIMARY", Some("b")),
            part("PRIMARY", Some("a")),
            prefix,
        ];
        let found = keys(&parts, &columns);
        let names: Vec<&str> = found.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["PRIMARY", "one", "both"]);
        assert_eq!(
            found.first().map(|key| key.columns.clone()),
            Some(vec!["b".into(), "a".into()])
        );
    }

    /// What MySQL 9.7 gives.
    #[test]
    fn parts_are_columns_prefixes_or_expressions() {
        let made = |mut part: Part, change: fn(&mut Part)| {
            change(&mut part);
            part
        };
        let parts = [
            part("PRIMARY", Some("id")),
            made(part("fn", None), |part| {
                part.unique = false;
                part.descending = true;
                part.expression = Some("(`id` + 1)".into());
            }),
            made(part("pref", Some("t")), |part| {
                part.prefix = Some(10);
                part.comment = Some("why".into());
            }),
            made(part("sp", Some("p")), |part| {
                part.prefix = Some(32);
                part.method = "SPATIAL".into();
            }),
        ];
        let found = indexes(&parts);
        let first = |index: &SourceIndex| index.parts.first().cloned();
        assert_eq!(found.len(), 3);
        assert!(!found[0].unique && found[1].unique);
        assert_eq!(
            first(&found[0]),
            Some(IndexPart {
                expression: IndexExpression::Expression("(`id` + 1)".into()),
                descending: true
            })
        );
        assert_eq!(
            first(&found[1]).map(|part| part.expression),
            Some(IndexExpression::Prefix {
                column: "t".into(),
                length: 10
            })
        );
        assert_eq!(found[1].comment.as_deref(), Some("why"));
        assert_eq!(
            first(&found[2]).map(|part| part.expression),
            Some(IndexExpression::Column("p".into()))
        );
        assert_eq!(method("VECTOR"), IndexMethod::Other);
    }
}
