//! How each server writes the values of a column so that equal ones are equal texts. Which
//! expression does follows from the column's types on both sides.

use super::json_text;
use super::mariadb_client::MariaDbClient;
use super::postgres_client::PostgresClient;

/// What is left to do to the servers' texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// Both texts are the same, byte for byte.
    Same,
    /// Numbers in binary floating point, in different notations.
    Float,
    /// `[-]h:mm:ss[.f]` at the source, microseconds at the target.
    Time,
    /// JSON documents, with different white space and order of keys.
    Json,
    /// `SRID:WKB` at the source, WKB or EWKB at the target.
    Geometry,
}

/// A column of both tables and the expression of each server.
pub struct Column {
    pub source: String,
    pub target: String,
    pub reading: Reading,
}

/// A column as the source's catalog has it.
struct Described {
    name: String,
    data_type: String,
    precision: String,
}

/// A string literal of the source.
pub fn my_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A string literal of the target.
pub fn pg_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An identifier of the source.
pub fn my_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// An identifier of the target.
pub fn pg_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `from` is `database.table`, `to` as PostgreSQL wants it. A column of the source is that of the
/// same name, or at the same place where its name can't be kept.
pub fn columns(
    source: &mut MariaDbClient,
    from: &str,
    target: &mut PostgresClient,
    to: &str,
) -> Result<Vec<Column>, String> {
    let described = describe(source, from);
    if described.is_empty() {
        return Err(format!("no table {from} at the source"));
    }
    let cell = |cell: &Option<String>| cell.clone().unwrap_or_default();
    let found: Vec<(String, String)> = target
        .query(&format!(
            "SELECT attname, atttypid::regtype FROM pg_attribute
             WHERE attrelid = {}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            pg_literal(to)
        ))
        .map_err(|error| format!("{error:?}"))?
        .iter()
        .map(|row| (cell(&row[0]), cell(&row[1])))
        .collect();
    if described.len() != found.len() {
        return Err(format!(
            "the copy has {} columns, not {}",
            found.len(),
            described.len()
        ));
    }
    let geographic = is_mysql(source);
    described
        .iter()
        .enumerate()
        .map(|(place, described)| {
            let same = found.iter().find(|(name, _)| *name == described.name);
            let (name, pg_type) = same.unwrap_or(&found[place]);
            column(described, &pg_name(name), pg_type, geographic)
        })
        .collect()
}

pub fn is_mysql(source: &mut MariaDbClient) -> bool {
    !source.text("SELECT VERSION()").contains("MariaDB")
}

fn describe(source: &mut MariaDbClient, from: &str) -> Vec<Described> {
    let (database, table) = from.split_once('.').expect("database.table");
    let rows = source.rows(&format!(
        "SELECT column_name, data_type, COALESCE(numeric_precision, 0) FROM information_schema.columns
         WHERE table_schema = {} AND table_name = {} ORDER BY ordinal_position",
        my_literal(database),
        my_literal(table)
    ));
    rows.iter()
        .map(|row| {
            let [name, data_type, precision] =
                [0, 1, 2].map(|i| row[i].clone().unwrap_or_default());
            Described {
                name,
                data_type,
                precision,
            }
        })
        .collect()
}

fn column(
    described: &Described,
    pg: &str,
    pg_type: &str,
    geographic: bool,
) -> Result<Column, String> {
    let my = my_name(&described.name);
    let plain = || format!("CAST({my} AS CHAR)");
    // MariaDB's JSON is a long text with a check on it.
    let document = described.data_type == "longtext" && pg_type.starts_with("json");
    let data_type = if document {
        "json"
    } else {
        described.data_type.as_str()
    };
    let (source, target, reading) = match data_type {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => (
            format!("CAST({my} + 0 AS CHAR)"),
            number(pg, pg_type),
            Reading::Same,
        ),
        // + 0 takes the zeros of a zerofill away, not those of the scale.
        "decimal" => (
            format!("CAST({my} + 0 AS CHAR)"),
            format!("{pg}::text"),
            Reading::Same,
        ),
        // The nearest double, written so that it can be read back. Adding 0 would lose the sign of a
        // negative zero, and a cast to text the last digit of a long number.
        "float" | "double" => (
            format!("{my} * 1e0"),
            format!("{pg}::float8::text"),
            Reading::Float,
        ),
        "date" => (plain(), format!("{pg}::text"), Reading::Same),
        "datetime" | "timestamp" => (
            format!("DATE_FORMAT({my}, '%Y-%m-%d %H:%i:%s.%f')"),
            format!("to_char({pg}, 'YYYY-MM-DD HH24:MI:SS.US')"),
            Reading::Same,
        ),
        "time" => (
            plain(),
            format!("round(extract(epoch FROM {pg}) * 1000000)::bigint::text"),
            Reading::Time,
        ),
        "bit" => (
            format!("LPAD(BIN({my} + 0), {}, '0')", described.precision),
            number(pg, pg_type),
            Reading::Same,
        ),
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set" => {
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
        "json" => (plain(), format!("{pg}::text"), Reading::Json),
        "uuid" => (
            format!("LOWER(CAST({my} AS CHAR))"),
            format!("{pg}::text"),
            Reading::Same,
        ),
        "inet4" => address(&my, pg, 4),
        "inet6" => address(&my, pg, 16),
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" | "geomcollection" => {
            // In the order of x and y, as both servers keep them.
            let order = if geographic {
                ", 'axis-order=long-lat'"
            } else {
                ""
            };
            (
                format!("CONCAT(ST_SRID({my}), ':', HEX(ST_AsWKB({my}{order})))"),
                format!("upper(encode({pg}, 'hex'))"),
                Reading::Geometry,
            )
        }
        other => return Err(format!("no comparison for {my} {other}")),
    };
    Ok(Column {
        source,
        target,
        reading,
    })
}

fn number(pg: &str, pg_type: &str) -> String {
    match pg_type {
        "boolean" => format!("{pg}::int::text"),
        _ => format!("{pg}::text"),
    }
}

/// By its bytes: the servers shorten addresses in different ways.
fn address(my: &str, pg: &str, bytes: u8) -> (String, String, Reading) {
    (
        format!(
            "CONCAT(HEX(CAST({my} AS BINARY({bytes}))), '/{}')",
            u16::from(bytes) * 8
        ),
        format!("upper(encode(substr(inet_send({pg}), 5), 'hex')) || '/' || masklen({pg})"),
        Reading::Same,
    )
}

/// The texts of a row in their last form.
pub fn read(columns: &[Column], row: &[Option<String>], from_source: bool) -> Vec<Option<String>> {
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
                Reading::Json => json_text::canonical(value),
                Reading::Geometry if from_source => value.clone(),
                Reading::Geometry => without_srid(value),
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

/// `SRID:WKB` of EWKB in hexadecimal digits: a flag in the type says that an SRID follows it.
fn without_srid(digits: &str) -> String {
    let little = |from: usize| {
        let bytes = digits.get(from..from + 8)?;
        u32::from_str_radix(bytes, 16).ok().map(u32::swap_bytes)
    };
    match little(2) {
        Some(kind) if kind & 0x2000_0000 != 0 && digits.starts_with("01") => {
            let srid = little(10).expect("an SRID");
            let kind = (kind & !0x2000_0000).swap_bytes();
            format!("{srid}:01{kind:08X}{}", &digits[18..])
        }
        _ => format!("0:{digits}"),
    }
}
