//! The source's catalog: its tables, and one table's columns and keys.
//!
//! Every column is aliased, because MySQL 8 gives the columns of `information_schema` in upper case
//! whatever was written; rows are read by position.

use mysql_async::{Row, Value};

use super::column_type::{self, Described};
use super::connect::Connection;
use super::errors;
use super::session::Flavor;
use super::sql::quote;
use super::told::clean;
use crate::error::{Error, Kind, Result};
use crate::model::table::{Generation, SourceColumn, SourceKey, SourceTable, SourceTableName};

const TABLES: &str = "SELECT TABLE_NAME AS a, TABLE_TYPE AS b, TABLE_ROWS AS c, DATA_LENGTH AS d \
     FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME";

const TABLE: &str = "SELECT TABLE_NAME AS a, TABLE_TYPE AS b, TABLE_ROWS AS c, DATA_LENGTH AS d \
     FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";

const COLUMNS: &str = "SELECT TABLE_NAME AS a, COLUMN_NAME AS b, DATA_TYPE AS c, COLUMN_TYPE AS d, \
     IS_NULLABLE AS e, CHARACTER_MAXIMUM_LENGTH AS f, NUMERIC_PRECISION AS g, NUMERIC_SCALE AS h, \
     DATETIME_PRECISION AS i, CHARACTER_SET_NAME AS j, COLLATION_NAME AS k, EXTRA AS l \
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? \
     ORDER BY ORDINAL_POSITION";

/// Unique indexes by name, their columns in order. `{hidden}` tells whether the optimizer may not
/// use the index.
const KEYS: &str = "SELECT TABLE_NAME AS a, INDEX_NAME AS b, COLUMN_NAME AS c, SUB_PART AS d, \
     COLLATION AS e, INDEX_TYPE AS f, {hidden} AS g \
     FROM information_schema.STATISTICS \
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 \
     ORDER BY INDEX_NAME, SEQ_IN_INDEX";

const CHECKS: &str = "SELECT TABLE_NAME AS a, CHECK_CLAUSE AS b \
     FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?";

impl Connection {
    /// Base tables and views of the endpoint's database, by name.
    pub async fn tables(&mut self) -> Result<Vec<SourceTableName>> {
        let schema = Value::from(self.endpoint().database());
        let mut tables = Vec::new();
        for row in self.rows(TABLES, vec![schema]).await? {
            let Some(view) = kind(&text(&row, 1)?) else {
                continue;
            };
            tables.push(SourceTableName {
                name: text(&row, 0)?,
                view,
                rows_estimated: number(&row, 2)?.filter(|_| !view),
                bytes_estimated: number(&row, 3)?.filter(|_| !view),
            });
        }
        Ok(tables)
    }

    /// Columns and keys of a table or view.
    pub async fn table(&mut self, name: &str) -> Result<SourceTable> {
        let schema = self.endpoint().database().to_string();
        let which = || vec![Value::from(schema.as_str()), Value::from(name)];
        // The server may compare names without regard to case: the row that is spelled as asked is
        // the one that is meant.
        let found = self.rows(TABLE, which()).await?;
        let row = spelled(&found, name)
            .or(found.first())
            .ok_or_else(|| missing(&schema, name))?;
        let name = text(row, 0)?;
        let view = kind(&text(row, 1)?).ok_or_else(|| missing(&schema, &name))?;
        let rows_estimated = number(row, 2)?.filter(|_| !view);
        let bytes_estimated = number(row, 3)?.filter(|_| !view);

        let json_columns = self.json_columns(&schema, &name).await?;
        let mut columns = Vec::new();
        for row in self.rows(COLUMNS, which()).await? {
            if text(&row, 0)? == name {
                columns.push(column(&row, &json_columns)?);
            }
        }
        if columns.is_empty() {
            return Err(missing(&schema, &name));
        }
        // The catalog leaves out columns that the user may not read, without a word; the server
        // does not.
        let all = format!("SELECT * FROM {}.{} LIMIT 0", quote(&schema), quote(&name));
        self.rows(&all, Vec::new()).await?;
        let keys = if view {
            Vec::new()
        } else {
            let sql = KEYS.replace("{hidden}", self.hidden_index());
            let rows = self.rows(&sql, which()).await?;
            let parts: Vec<KeyRow> = rows
                .iter()
                .map(KeyRow::read)
                .collect::<Result<Vec<_>>>()?
                .into_iter()
                .filter(|part| part.table == name)
                .collect();
            keys(&parts, &columns)
        };
        Ok(SourceTable {
            schema,
            name,
            columns,
            keys,
            rows_estimated,
            bytes_estimated,
            ..SourceTable::default()
        })
    }

    /// MariaDB's JSON is LONGTEXT with a check; here the columns that have it.
    async fn json_columns(&mut self, schema: &str, table: &str) -> Result<Vec<String>> {
        if self.server().flavor != Flavor::MariaDb {
            return Ok(Vec::new());
        }
        let values = vec![Value::from(schema), Value::from(table)];
        let mut names = Vec::new();
        for row in self.rows(CHECKS, values).await? {
            if text(&row, 0)? == table {
                names.extend(json_valid_of(&text(&row, 1)?));
            }
        }
        Ok(names)
    }

    fn hidden_index(&self) -> &'static str {
        let server = self.server();
        match server.flavor {
            Flavor::MySql if server.version >= (8, 0, 0) => "IS_VISIBLE = 'NO'",
            Flavor::MariaDb if server.version >= (10, 6, 0) => "IGNORED = 'YES'",
            _ => "0",
        }
    }
}

/// Whether a TABLE_TYPE is a view; None for what holds no rows to copy.
fn kind(table_type: &str) -> Option<bool> {
    match table_type {
        "BASE TABLE" | "SYSTEM VERSIONED" => Some(false),
        "VIEW" => Some(true),
        _ => None,
    }
}

fn column(row: &Row, json_columns: &[String]) -> Result<SourceColumn> {
    let name = text(row, 1)?;
    let type_name = text(row, 3)?;
    let described = Described {
        data_type: text(row, 2)?,
        column_type: type_name.clone(),
        character_length: number(row, 5)?,
        precision: number(row, 6)?,
        scale: number(row, 7)?,
        fraction: number(row, 8)?,
        json_checked: json_columns.contains(&name),
    };
    // DEFAULT_GENERATED is a default, not a generated column.
    let extra = text(row, 11)?.to_ascii_uppercase();
    let generated = ["VIRTUAL GENERATED", "STORED GENERATED", "PERSISTENT"]
        .iter()
        .any(|word| extra.contains(word));
    Ok(SourceColumn {
        type_name,
        nullable: text(row, 4)? != "NO",
        character_set: optional_text(row, 9)?,
        collation: optional_text(row, 10)?,
        generation: generated.then(|| Generation {
            expression: String::new(),
            stored: false,
        }),
        ..SourceColumn::new(name, column_type::source_type(&described))
    })
}

/// One column of a unique index.
struct KeyRow {
    table: String,
    index: String,
    /// None for an expression.
    column: Option<String>,
    /// Covers the whole column, and can be walked.
    whole: bool,
    descending: bool,
}

impl KeyRow {
    fn read(row: &Row) -> Result<KeyRow> {
        let ordered = matches!(text(row, 5)?.as_str(), "BTREE" | "LSMTREE");
        let hidden = number(row, 6)?.unwrap_or(0) != 0;
        Ok(KeyRow {
            table: text(row, 0)?,
            index: text(row, 1)?,
            column: optional_text(row, 2)?,
            whole: number(row, 3)?.is_none() && ordered && !hidden,
            descending: optional_text(row, 4)?.as_deref() == Some("D"),
        })
    }
}

/// The keys over whole NOT NULL columns, all ascending or all descending: the primary key, then the
/// others, shortest first.
fn keys(parts: &[KeyRow], columns: &[SourceColumn]) -> Vec<SourceKey> {
    let mut keys: Vec<SourceKey> = parts
        .chunk_by(|a, b| a.index == b.index)
        .filter_map(|parts| {
            let first = parts.first()?;
            let mut names = Vec::with_capacity(parts.len());
            for part in parts {
                let name = part.column.as_ref()?;
                let column = columns.iter().find(|column| column.name == *name)?;
                if column.nullable || !part.whole || part.descending != first.descending {
                    return None;
                }
                names.push(name.clone());
            }
            Some(SourceKey {
                name: first.index.clone(),
                primary: first.index == "PRIMARY",
                columns: names,
            })
        })
        .collect();
    keys.sort_by_key(|key| (!key.primary, key.columns.len()));
    keys
}

/// The column of a check that is json_valid(`column`) and nothing else.
fn json_valid_of(clause: &str) -> Option<String> {
    let name = clause
        .strip_prefix("json_valid(`")?
        .strip_suffix("`)")?
        .replace("``", "`");
    Some(name)
}

fn spelled<'a>(rows: &'a [Row], name: &str) -> Option<&'a Row> {
    rows.iter()
        .find(|row| text(row, 0).is_ok_and(|found| found == name))
}

fn missing(schema: &str, table: &str) -> Error {
    let (schema, table) = (clean(schema), clean(table));
    Error::new(
        Kind::SourceObjectMissing,
        format!("table \"{schema}.{table}\" is not there at the source"),
    )
    .with_detail("A table without any privilege for the user is not visible either.")
    .with_hint(format!(
        "Check the name, or at the source: GRANT SELECT ON {}.{} TO ...;",
        quote(&schema),
        quote(&table)
    ))
}

pub(super) fn text(row: &Row, position: usize) -> Result<String> {
    optional_text(row, position).map(Option::unwrap_or_default)
}

fn optional_text(row: &Row, position: usize) -> Result<Option<String>> {
    match row.as_ref(position) {
        Some(Value::NULL) => Ok(None),
        Some(Value::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_string())),
            Err(_) => Err(errors::violation(
                "the source's catalog holds text that is not UTF-8",
            )),
        },
        _ => Err(unexpected()),
    }
}

pub(super) fn number(row: &Row, position: usize) -> Result<Option<u64>> {
    match row.as_ref(position) {
        Some(Value::NULL) => Ok(None),
        Some(Value::UInt(number)) => Ok(Some(*number)),
        Some(Value::Int(number)) => u64::try_from(*number).map(Some).map_err(|_| unexpected()),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> Error {
    errors::violation("the source's catalog has another shape than expected")
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

    fn part(index: &str, column: Option<&str>) -> KeyRow {
        KeyRow {
            table: "t".into(),
            index: index.into(),
            column: column.map(String::from),
            whole: true,
            descending: false,
        }
    }

    #[test]
    fn only_whole_not_null_keys_of_one_direction_count() {
        let columns = columns(&[("a", false), ("b", false), ("n", true)]);
        let mut prefix = part("prefix", Some("a"));
        prefix.whole = false;
        let mut mixed = part("mixed", Some("b"));
        mixed.descending = true;
        let parts = [
            part("both", Some("a")),
            part("both", Some("b")),
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

    #[test]
    fn a_json_check_names_its_column() {
        assert_eq!(json_valid_of("json_valid(`a``b`)").as_deref(), Some("a`b"));
        assert_eq!(json_valid_of("json_valid(`a`) and `b` > 1"), None);
        assert_eq!(json_valid_of("`a` > 1"), None);
    }
}
