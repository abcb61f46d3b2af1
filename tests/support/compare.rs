//! Compares a table of the source with its copy, independently of the extension: each server
//! writes every value as canonical text by its own functions (`canonical`), and the texts must be
//! the same. Rows are compared as multisets, since the two servers sort text differently.

use super::canonical::{Column, Reading, columns, my_name, read};
use super::mariadb_client::MariaDbClient;
use super::postgres_client::PostgresClient;
use std::collections::BTreeMap;

/// The table's rows on both sides are the same; else panics with the first differences.
#[track_caller]
pub fn assert_equal(source: &mut MariaDbClient, from: &str, target: &mut PostgresClient, to: &str) {
    if let Err(difference) = compare(source, from, target, to) {
        panic!("{from} and {to} differ: {difference}");
    }
}

/// `from` is `database.table` without quotes, `to` is `schema.table` quoted where PostgreSQL wants it.
pub fn compare(
    source: &mut MariaDbClient,
    from: &str,
    target: &mut PostgresClient,
    to: &str,
) -> Result<u64, String> {
    compare_where(source, from, "TRUE", target, to)
}

/// The whole copy equals those rows of the source's table for which `condition` holds there.
pub fn compare_where(
    source: &mut MariaDbClient,
    from: &str,
    condition: &str,
    target: &mut PostgresClient,
    to: &str,
) -> Result<u64, String> {
    let columns = columns(source, from, target, to)?;
    let list_of_source = list(&columns, |column| &column.source);
    let wanted = source.rows(&format!(
        "SELECT {list_of_source} FROM {} WHERE {condition}",
        quoted(from)
    ));
    let found = target.rows(&format!(
        "SELECT {} FROM {to}",
        list(&columns, |column| &column.target)
    ));
    // Rows of the source count up, rows of the target count down.
    let mut balance: BTreeMap<Vec<Option<String>>, i64> = BTreeMap::new();
    for row in &wanted {
        *balance.entry(read(&columns, row, true)).or_default() += 1;
    }
    for row in &found {
        *balance.entry(read(&columns, row, false)).or_default() -= 1;
    }
    balance.retain(|_, count| *count != 0);
    if balance.is_empty() {
        return Ok(wanted.len() as u64);
    }
    let mut report = format!("{} rows against {}; ", wanted.len(), found.len());
    for (row, count) in balance.iter().take(4) {
        let side = if *count > 0 {
            "only in the source"
        } else {
            "only in the copy"
        };
        report += &format!("\n  {side}, {} times: {row:?}", count.abs());
    }
    Err(report)
}

/// Rows and a sum of hashes on each side, computed by the servers: for tables too big to read.
pub fn checksums(
    source: &mut MariaDbClient,
    from: &str,
    target: &mut PostgresClient,
    to: &str,
) -> Result<[(i64, String); 2], String> {
    let columns = columns(source, from, target, to)?;
    if let Some(column) = columns
        .iter()
        .find(|column| column.reading != Reading::Same)
    {
        return Err(format!("no checksum over {}", column.source));
    }
    // A NULL is one character, a value has another before it; a separator stands between columns.
    let mut wanted = Vec::new();
    let mut found = Vec::new();
    for column in &columns {
        wanted.push(format!(
            "IF({0} IS NULL, 'n', CONCAT('v', {0}))",
            column.source
        ));
        found.push(format!(
            "CASE WHEN {0} IS NULL THEN 'n' ELSE 'v' || {0} END",
            column.target
        ));
    }
    let wanted = source.rows(&format!(
        "SELECT COUNT(*), COALESCE(SUM(CAST(CONV(LEFT(SHA2(CONCAT_WS('|', {}), 256), 12), 16, 10) AS UNSIGNED)), 0) FROM {}",
        wanted.join(", "),
        quoted(from)
    ));
    let found = target.rows(&format!(
        "SELECT count(*), coalesce(sum(('x' || left(encode(sha256(convert_to(concat_ws('|', {}), 'UTF8')), 'hex'), 12))::bit(48)::bigint), 0) FROM {to}",
        found.join(", ")
    ));
    Ok([totals(&wanted), totals(&found)])
}

/// `database.table` in the source's quotes.
pub fn quoted(from: &str) -> String {
    let (database, table) = from.split_once('.').expect("database.table");
    format!("{}.{}", my_name(database), my_name(table))
}

fn totals(rows: &[Vec<Option<String>>]) -> (i64, String) {
    let cell = |index: usize| rows[0][index].clone().unwrap_or_default();
    (cell(0).parse().expect("a count"), cell(1))
}

fn list(columns: &[Column], side: impl Fn(&Column) -> &String) -> String {
    columns
        .iter()
        .map(|column| side(column).as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
