//! Several statements in one round trip, by the text protocol: some of what is asked of a log cannot
//! be prepared, and what must be read close together is sent together.

use mysql_async::prelude::Queryable;
use mysql_async::{Row, Value};
use tokio::time::timeout;

use super::connect::Connection;
use super::errors::{self, Doing};
use super::schema::text;
use crate::error::Result;

/// A list of log files or of transactions is shorter.
const HELD_ROWS: usize = 100_000;
const HELD_BYTES: usize = 16 << 20;

impl Connection {
    /// The rows of each statement, in order; the last one's are missing if it has none. Nothing in a
    /// statement may come from outside.
    pub(super) async fn results(&mut self, statements: &[&str]) -> Result<Vec<Vec<Row>>> {
        let limit = self.endpoint().read_timeout();
        let sql = statements.join("; ");
        let conn = self.begin_reading()?;
        let work = async {
            let (mut rows, mut bytes) = (0, 0);
            let mut sets = Vec::with_capacity(statements.len());
            let mut result = conn.query_iter(sql).await?;
            while !result.is_empty() {
                let mut set = Vec::new();
                while let Some(row) = result.next().await? {
                    rows += 1;
                    bytes += size(&row);
                    if rows > HELD_ROWS || bytes > HELD_BYTES {
                        return Ok(None);
                    }
                    set.push(row);
                }
                sets.push(set);
                if sets.len() > statements.len() {
                    return Ok(None);
                }
            }
            result.drop_result().await?;
            Ok(Some(sets))
        };
        let outcome = timeout(limit, work).await;
        // A connection that is left in the middle of a result is cut when it is dropped.
        match outcome {
            Ok(Ok(Some(sets))) => {
                self.end_reading();
                Ok(sets)
            }
            Ok(Ok(None)) => Err(errors::violation(
                "the source sent a result that is too large",
            )),
            Ok(Err(failure)) => {
                if matches!(failure, mysql_async::Error::Server(_)) {
                    self.end_reading();
                }
                Err(self.asker().error(failure, Doing::Querying))
            }
            Err(_) => Err(self.asker().timeout(Doing::Querying)),
        }
    }
}

/// The value of a column of the first row, where there is one.
pub(super) fn value(set: Option<&Vec<Row>>, column: usize) -> Result<Option<String>> {
    match set.and_then(|rows| rows.first()) {
        Some(row) if !matches!(row.as_ref(column), None | Some(Value::NULL)) => {
            text(row, column).map(Some)
        }
        _ => Ok(None),
    }
}

/// The same where the server always has one.
pub(super) fn required(set: Option<&Vec<Row>>, column: usize) -> Result<String> {
    value(set, column)?
        .ok_or_else(|| errors::violation("the source sent no value where one was due"))
}

fn size(row: &Row) -> usize {
    let values = (0..row.len()).filter_map(|position| row.as_ref(position));
    values
        .map(|value| match value {
            Value::Bytes(bytes) => size_of::<Value>() + bytes.len(),
            _ => size_of::<Value>(),
        })
        .sum()
}
