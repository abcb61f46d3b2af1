//! The source's catalog: its tables, and all of one table, in a fixed number of queries.
//!
//! Every column is aliased, because MySQL 8 gives the columns of `information_schema` in upper case
//! whatever was written; rows are read by position.

use mysql_async::{Row, Value};

use super::columns::{self, ColumnQuery};
use super::connect::Connection;
use super::definition::Definition;
use super::errors;
use super::sql::quote;
use super::told::clean;
use super::{constraints, indexes};
use crate::error::{Error, Kind, Result};
use crate::model::table::{SourceTable, SourceTableName, TableKind};

const TABLES: &str = "SELECT TABLE_NAME AS a, TABLE_TYPE AS b, TABLE_ROWS AS c, DATA_LENGTH AS d \
     FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME";

const TABLE: &str = "SELECT TABLE_NAME AS a, TABLE_TYPE AS b, TABLE_ROWS AS c, DATA_LENGTH AS d, \
     AUTO_INCREMENT AS e, TABLE_COMMENT AS f, CREATE_OPTIONS AS g \
     FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";

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

    /// All that is known of a table or view.
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
        let mut table = SourceTable {
            rows_estimated: number(row, 2)?.filter(|_| !view),
            bytes_estimated: number(row, 3)?.filter(|_| !view),
            auto_increment: number(row, 4)?,
            // A view's is the word VIEW.
            comment: optional_text(row, 5)?.filter(|comment| !view && !comment.is_empty()),
            partitioned: text(row, 6)?.contains("partitioned"),
            kind: match text(row, 1)?.as_str() {
                "SYSTEM VERSIONED" => TableKind::SystemVersioned,
                _ if view => TableKind::View,
                _ => TableKind::Base,
            },
            schema,
            name,
            ..SourceTable::default()
        };
        let which = || {
            let (schema, name) = (table.schema.as_str(), table.name.as_str());
            vec![Value::from(schema), Value::from(name)]
        };
        let server = self.server().clone();
        let checks = match constraints::query(&server) {
            Some(sql) if !view => self.rows(sql, which()).await?,
            _ => Vec::new(),
        };
        let checks = constraints::read(&server, &checks, &table.name)?;
        let query = ColumnQuery::new(&server);
        for row in self.rows(&query.sql, which()).await? {
            if text(&row, 0)? == table.name {
                table
                    .columns
                    .push(query.column(&row, &checks.json_columns)?);
            }
        }
        if table.columns.is_empty() {
            return Err(missing(&table.schema, &table.name));
        }
        // The catalog leaves out columns that the user may not read, without a word; the server
        // does not.
        let from = format!("{}.{}", quote(&table.schema), quote(&table.name));
        self.rows(&format!("SELECT * FROM {from} LIMIT 0"), Vec::new())
            .await?;
        if view {
            return Ok(table);
        }
        let rows = self.rows(&indexes::query(&server), which()).await?;
        let parts = indexes::read(&server, &rows, &table.name)?;
        table.keys = indexes::keys(&parts, &table.columns);
        table.indexes = indexes::indexes(&parts);
        table.checks = checks.checks;
        let definition = self
            .rows(&format!("SHOW CREATE TABLE {from}"), Vec::new())
            .await?;
        if let Some(Value::Bytes(sql)) = definition.first().and_then(|row| row.as_ref(1)) {
            let definition = Definition::read(sql, &table.schema);
            columns::set_defaults(&mut table.columns, &definition, server.flavor);
            table.foreign_keys = definition.foreign_keys;
        }
        Ok(table)
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

pub(super) fn optional_text(row: &Row, position: usize) -> Result<Option<String>> {
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
