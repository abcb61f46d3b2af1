//! Compares a table of the source with its copy, independently of the extension: each server
//! writes every value as canonical text by its own functions, and the texts must be the same.
//!
//! Which expression makes a value canonical follows from its types on both sides. Rows are compared
//! as multisets, since the two servers sort text differently.

use super::mariadb_client::MariaDbClient;
use super::postgres_client::PostgresClient;
use std::collections::BTreeMap;

/// What is left to do to the servers' texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reading {
    /// Both texts are the same, byte for byte.
    Same,
    /// Numbers in binary floating point, in different notations.
    Float,
    /// `[-]h:mm:ss[.f]` at the source, microseconds at the target.
    Time,
    /// JSON documents, with different white space and order of keys.
    Json,
}

struct Column {
    source: String,
    target: String,
    reading: Reading,
}

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
    let columns = columns(source, from, target, to)?;
    let list_of_source = list(&columns, |column| &column.source);
    let wanted = source.rows(&format!("SELECT {list_of_source} FROM {}", quoted(from)));
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
    format!("`{database}`.`{table}`")
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

fn columns(
    source: &mut MariaDbClient,
    from: &str,
    target: &mut PostgresClient,
    to: &str,
) -> Result<Vec<Column>, String> {
    let (database, table) = from.split_once('.').expect("database.table");
    let described = source.rows(&format!(
        "SELECT column_name, data_type, column_type, COALESCE(numeric_precision, 0) FROM information_schema.columns
         WHERE table_schema = '{database}' AND table_name = '{table}' ORDER BY ordinal_position"
    ));
    if described.is_empty() {
        return Err(format!("no table {from} at the source"));
    }
    let types: BTreeMap<String, String> = target
        .query(&format!(
            "SELECT attname, atttypid::regtype FROM pg_attribute
             WHERE attrelid = '{to}'::regclass AND attnum > 0 AND NOT attisdropped"
        ))
        .map_err(|error| format!("{error:?}"))?
        .into_iter()
        .map(|row| {
            (
                row[0].clone().unwrap_or_default(),
                row[1].clone().unwrap_or_default(),
            )
        })
        .collect();
    // MariaDB's JSON is a long text with a check on it.
    let json = source.rows(&format!(
        "SELECT column_name FROM information_schema.columns
         WHERE table_schema = '{database}' AND table_name = '{table}' AND data_type = 'longtext'"
    ));
    let mut columns = Vec::new();
    for row in described {
        let [name, data_type, column_type, precision] =
            [0, 1, 2, 3].map(|index| row[index].clone().unwrap_or_default());
        let pg_type = types
            .get(&name)
            .ok_or_else(|| format!("the copy has no column {name}"))?;
        let document = pg_type.starts_with("json")
            && (data_type == "json" || json.iter().any(|row| row[0].as_deref() == Some(&name)));
        let data_type = if document {
            "json".to_owned()
        } else {
            data_type
        };
        columns.push(column(
            &name,
            &data_type,
            &column_type,
            &precision,
            pg_type,
        )?);
    }
    if columns.len() != types.len() {
        return Err(format!(
            "the copy has {} columns, not {}",
            types.len(),
            columns.len()
        ));
    }
    Ok(columns)
}

fn column(
    name: &str,
    data_type: &str,
    column_type: &str,
    precision: &str,
    pg_type: &str,
) -> Result<Column, String> {
    let my = format!("`{name}`");
    let pg = format!("\"{name}\"");
    let (source, target, reading) = match data_type {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => {
            let target = match pg_type {
                "boolean" => format!("{pg}::int::text"),
                _ => format!("{pg}::text"),
            };
            (format!("CAST({my} + 0 AS CHAR)"), target, Reading::Same)
        }
        "decimal" => (
            format!("CAST({my} AS CHAR)"),
            format!("{pg}::text"),
            Reading::Same,
        ),
        // The nearest double, written so that it can be read back.
        "float" | "double" => (
            format!("CAST({my} + 0e0 AS CHAR)"),
            format!("{pg}::float8::text"),
            Reading::Float,
        ),
        "date" => (
            format!("CAST({my} AS CHAR)"),
            format!("{pg}::text"),
            Reading::Same,
        ),
        "datetime" | "timestamp" => (
            format!("DATE_FORMAT({my}, '%Y-%m-%d %H:%i:%s.%f')"),
            format!("to_char({pg}, 'YYYY-MM-DD HH24:MI:SS.US')"),
            Reading::Same,
        ),
        "time" => (
            format!("CAST({my} AS CHAR)"),
            format!("round(extract(epoch FROM {pg}) * 1000000)::bigint::text"),
            Reading::Time,
        ),
        "bit" => {
            let target = match pg_type {
                "boolean" => format!("{pg}::int::text"),
                _ => format!("{pg}::text"),
            };
            (
                format!("LPAD(BIN({my} + 0), {precision}, '0')"),
                target,
                Reading::Same,
            )
        }
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" => (
            format!("HEX(CONVERT({my} USING utf8mb4))"),
            format!("upper(encode(convert_to({pg}::text, 'UTF8'), 'hex'))"),
            Reading::Same,
        ),
        "set" => {
            let text = match pg_type.ends_with("[]") {
                true => format!("array_to_string({pg}, ',')"),
                false => format!("{pg}::text"),
            };
            (
                format!("HEX(CONVERT({my} USING utf8mb4))"),
                format!("upper(encode(convert_to({text}, 'UTF8'), 'hex'))"),
                Reading::Same,
            )
        }
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => (
            format!("HEX({my})"),
            format!("upper(encode({pg}, 'hex'))"),
            Reading::Same,
        ),
        "json" => (
            format!("CAST({my} AS CHAR)"),
            format!("{pg}::text"),
            Reading::Json,
        ),
        _ => return Err(format!("no comparison for {name} {column_type}")),
    };
    Ok(Column {
        source,
        target,
        reading,
    })
}

fn read(columns: &[Column], row: &[Option<String>], from_source: bool) -> Vec<Option<String>> {
    columns
        .iter()
        .zip(row)
        .map(|(column, value)| {
            let value = value.as_ref()?;
            Some(match column.reading {
                Reading::Same => value.clone(),
                Reading::Float => format!("{:?}", value.parse::<f64>().expect("a float")),
                Reading::Time if from_source => microseconds(value).to_string(),
                Reading::Time => value.clone(),
                Reading::Json => {
                    let document: serde_json::Value =
                        serde_json::from_str(value).expect("a JSON document");
                    document.to_string()
                }
            })
        })
        .collect()
}

fn microseconds(time: &str) -> i64 {
    let (sign, time) = match time.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, time),
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let seconds = clock.split(':').fold(0, |sum, part| {
        sum * 60 + part.parse::<i64>().expect("a number of a time")
    });
    let fraction: i64 = format!("{fraction:0<6}")
        .parse()
        .expect("a fraction of a time");
    sign * (seconds * 1_000_000 + fraction)
}
