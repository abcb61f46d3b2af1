//! Character sets of a log: its text is in the columns' own sets, and how a set becomes UTF-8 the
//! source itself says, so that it is what a SELECT would have sent.

use std::collections::HashMap;

use mysql_async::{Row, Value};

use super::assemble::FollowedTable;
use super::connect::Connection;
use super::errors::violation;
use super::schema::text;
use crate::codec::image::{Charset, charset_queries};
use crate::error::Result;

impl Connection {
    /// Those of all text columns of the tables.
    pub(super) async fn charsets(
        &mut self,
        tables: &[FollowedTable],
    ) -> Result<HashMap<String, Charset>> {
        let mut charsets = HashMap::new();
        for column in tables.iter().flat_map(|table| &table.plan.columns) {
            let Some(name) = &column.source.character_set else {
                continue;
            };
            if charsets.contains_key(name) {
                continue;
            }
            let mut answers = Vec::new();
            for query in charset_queries(name) {
                for set in self.results(&[&query]).await? {
                    for row in &set {
                        answers.push(bytes(row)?);
                    }
                }
            }
            charsets.insert(name.clone(), Charset::new(name, &answers)?);
        }
        Ok(charsets)
    }

    /// The character set of each collation that has a number.
    pub(super) async fn collations(&mut self) -> Result<HashMap<u16, String>> {
        let sql = "SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS \
                   WHERE ID BETWEEN 1 AND 65535 AND CHARACTER_SET_NAME IS NOT NULL";
        let sets = self.results(&[sql]).await?;
        sets.iter()
            .flatten()
            .map(|row| {
                let number = text(row, 0)?.parse();
                Ok((
                    number.map_err(|_| violation("a collation has no number"))?,
                    text(row, 1)?,
                ))
            })
            .collect()
    }

    /// Does the source take names of tables in upper and lower case for the same?
    pub(super) async fn folds_names(&mut self) -> Result<bool> {
        let sets = self.results(&["SELECT @@lower_case_table_names"]).await?;
        let row = sets.first().and_then(|set| set.first());
        let row = row.ok_or_else(|| violation("the source sent no row where one was due"))?;
        Ok(bytes(row)? != b"0")
    }
}

fn bytes(row: &Row) -> Result<Vec<u8>> {
    match row.as_ref(0) {
        Some(Value::Bytes(bytes)) => Ok(bytes.clone()),
        _ => Err(violation("the source sent no text where one was due")),
    }
}
