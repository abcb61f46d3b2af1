//! The statements a copy sends: rows of a key range in key order, and where a chunk ends.

use super::key::{self, KeyForm};
use super::options::RowProtocol;
use super::told::clean;
use crate::error::{Error, Kind, Result};
use crate::model::batch::SharedLimit;
use crate::model::key::{Key, KeyRange};
use crate::model::table::{SourceColumn, SourceType};

/// Rows wanted of a table.
#[derive(Debug, Clone)]
pub struct SnapshotRequest {
    pub schema: String,
    pub table: String,
    pub columns: Vec<SourceColumn>,
    /// None: the whole table in one stream, without order.
    pub key: Option<KeyRequest>,
    pub range: KeyRange,
    /// Only the rows with these keys, where there are any.
    pub keys: Vec<Key>,
    /// A condition in the source's SQL, as the user wrote it.
    pub filter: Option<String>,
    pub limit: SharedLimit,
    /// Tell with each batch what every row came from.
    pub origins: bool,
    /// Read one state of the table, and tell first where exactly the log stood then.
    pub positioned: bool,
}

/// The index to walk and its columns in order.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    pub index: String,
    pub columns: Vec<SourceColumn>,
}

/// Asks for the last key of the `rows` rows that follow `after`.
#[derive(Debug, Clone)]
pub struct BoundaryRequest {
    pub schema: String,
    pub table: String,
    pub key: KeyRequest,
    pub after: Option<Key>,
    pub rows: u64,
}

/// A SELECT and where its key values stand in each row.
#[derive(Debug)]
pub(super) struct Select {
    pub text: String,
    /// Number of expressions selected.
    pub width: usize,
    pub key: Vec<KeyPart>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyPart {
    pub position: usize,
    pub form: KeyForm,
}

pub(super) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

pub(super) fn snapshot(request: &SnapshotRequest, protocol: RowProtocol) -> Result<Select> {
    let mut list: Vec<String> = request
        .columns
        .iter()
        .map(|column| expression(column, protocol))
        .collect();
    let mut conditions = Vec::new();
    let mut key = Vec::new();
    let mut tail = String::new();
    match &request.key {
        Some(wanted) => {
            key = select_key(wanted, &request.columns, &mut list)?;
            if let Some(lower) = &request.range.lower {
                conditions.push(bound(wanted, lower, [">", ">", ">="])?);
            }
            if let Some(upper) = &request.range.upper {
                conditions.push(bound(wanted, upper, ["<=", "<", "<="])?);
            }
            if !request.keys.is_empty() {
                let each: Vec<String> = request
                    .keys
                    .iter()
                    .map(|key| equal(wanted, key))
                    .collect::<Result<_>>()?;
                conditions.push(format!("({})", each.join(" OR ")));
            }
            tail = order(wanted);
        }
        None if request.range != KeyRange::default() || !request.keys.is_empty() => {
            return Err(Error::new(Kind::Internal, "a key range without a key"));
        }
        None => {}
    }
    if let Some(filter) = &request.filter {
        // Lines of its own: a comment at the filter's end must not swallow the parenthesis. Last:
        // what the server quotes of a faulty filter goes on to the statement's end.
        conditions.push(format!("(\n{filter}\n)"));
    }
    if list.is_empty() {
        list.push("NULL".to_string());
    }
    Ok(Select {
        text: format!(
            "SELECT {} FROM {}{}{tail}",
            list.join(", "),
            place(&request.schema, &request.table, request.key.as_ref()),
            clause(&conditions),
        ),
        width: list.len(),
        key,
    })
}

pub(super) fn boundary(request: &BoundaryRequest) -> Result<Select> {
    let mut list = Vec::new();
    let key = select_key(&request.key, &[], &mut list)?;
    let mut conditions = Vec::new();
    if let Some(after) = &request.after {
        conditions.push(bound(&request.key, after, [">", ">", ">="])?);
    }
    let offset = request
        .rows
        .checked_sub(1)
        .ok_or_else(|| Error::new(Kind::Internal, "a chunk of no rows"))?;
    Ok(Select {
        text: format!(
            "SELECT {} FROM {}{}{} LIMIT 1 OFFSET {offset}",
            list.join(", "),
            place(&request.schema, &request.table, Some(&request.key)),
            clause(&conditions),
            order(&request.key),
        ),
        width: list.len(),
        key,
    })
}

/// The text protocol prints a FLOAT with six digits, and a DOUBLE(M,D) with D decimals; the result of
/// an operation it prints whole. Adding 0 would take the sign of a negative zero.
fn expression(column: &SourceColumn, protocol: RowProtocol) -> String {
    let name = quote(&column.name);
    match (&column.source_type, protocol) {
        (SourceType::Float | SourceType::Double, RowProtocol::Text) => format!("{name} * 1e0"),
        _ => name,
    }
}

/// Adds to `list` what must be read for the key and is not read already.
fn select_key(
    wanted: &KeyRequest,
    columns: &[SourceColumn],
    list: &mut Vec<String>,
) -> Result<Vec<KeyPart>> {
    let mut parts = Vec::with_capacity(wanted.columns.len());
    for column in &wanted.columns {
        let form = key::form(column).ok_or_else(|| {
            Error::new(
                Kind::Internal,
                format!("key column \"{}\" cannot be walked", clean(&column.name)),
            )
        })?;
        let name = quote(&column.name);
        let read = columns
            .iter()
            .position(|other| other.name == column.name)
            .filter(|_| form != KeyForm::Encoded);
        let position = read.unwrap_or(list.len());
        if read.is_none() {
            list.push(match form {
                KeyForm::Encoded => format!("CAST({name} AS BINARY)"),
                _ => name,
            });
        }
        parts.push(KeyPart { position, form });
    }
    if parts.is_empty() {
        return Err(Error::new(Kind::Internal, "a key without columns"));
    }
    Ok(parts)
}

fn place(schema: &str, table: &str, key: Option<&KeyRequest>) -> String {
    let mut text = format!("{}.{}", quote(schema), quote(table));
    if let Some(key) = key {
        text.push_str(&format!(" FORCE INDEX ({})", quote(&key.index)));
    }
    text
}

fn clause(conditions: &[String]) -> String {
    if conditions.is_empty() {
        return String::new();
    }
    format!(" WHERE {}", conditions.join(" AND "))
}

fn order(key: &KeyRequest) -> String {
    let names: Vec<String> = key
        .columns
        .iter()
        .map(|column| quote(&column.name))
        .collect();
    format!(" ORDER BY {}", names.join(", "))
}

fn equal(wanted: &KeyRequest, key: &Key) -> Result<String> {
    require_width(wanted, key)?;
    let parts: Vec<String> = wanted
        .columns
        .iter()
        .zip(key)
        .map(|(column, value)| {
            key::literal(column, value).map(|value| format!("{} = {value}", quote(&column.name)))
        })
        .collect::<Result<_>>()?;
    Ok(format!("({})", parts.join(" AND ")))
}

fn require_width(wanted: &KeyRequest, key: &Key) -> Result<()> {
    if wanted.columns.len() == key.len() {
        return Ok(());
    }
    Err(Error::new(
        Kind::InvalidState,
        format!(
            "the cursor has {} values, the key has {} columns",
            key.len(),
            wanted.columns.len()
        ),
    )
    .with_detail("The source table was altered since the copy began, or the cursor was.")
    .with_hint("Start the unit again from its beginning."))
}

/// The rows beyond a key: `a >= 1 AND (a > 1 OR (a = 1 AND b > 2))`. Both servers read index ranges
/// out of this form; out of `(a, b) > (1, 2)` they do not.
///
/// `operators` are those of the last column, of a column before it, and of the leading bound.
fn bound(wanted: &KeyRequest, key: &Key, operators: [&str; 3]) -> Result<String> {
    let [last, strict, loose] = operators;
    require_width(wanted, key)?;
    let mut condition = String::new();
    for (column, value) in wanted.columns.iter().zip(key).rev() {
        let name = quote(&column.name);
        let value = key::literal(column, value)?;
        condition = if condition.is_empty() {
            format!("{name} {last} {value}")
        } else {
            format!("({name} {strict} {value} OR ({name} = {value} AND {condition}))")
        };
    }
    match (wanted.columns.first(), key.first()) {
        (Some(column), Some(value)) if key.len() > 1 => Ok(format!(
            "{} {loose} {} AND {condition}",
            quote(&column.name),
            key::literal(column, value)?
        )),
        _ => Ok(condition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::KeyValue;

    fn column(name: &str, source_type: SourceType, set: Option<&str>) -> SourceColumn {
        SourceColumn {
            nullable: false,
            character_set: set.map(String::from),
            ..SourceColumn::new(name, source_type)
        }
    }

    fn int(name: &str) -> SourceColumn {
        column(name, SourceType::Int { unsigned: false }, None)
    }

    fn request(columns: Vec<SourceColumn>, key: Option<Vec<SourceColumn>>) -> SnapshotRequest {
        SnapshotRequest {
            schema: "s".into(),
            table: "t`x".into(),
            columns,
            key: key.map(|columns| KeyRequest {
                index: "PRIMARY".into(),
                columns,
            }),
            range: KeyRange::default(),
            keys: Vec::new(),
            filter: None,
            limit: SharedLimit::default(),
            origins: false,
            positioned: false,
        }
    }

    #[test]
    fn a_table_without_a_key_is_read_whole() {
        let mut wanted = request(vec![int("a")], None);
        wanted.filter = Some("a = 1 -- only one".into());
        assert_eq!(
            snapshot(&wanted, RowProtocol::Binary).unwrap().text,
            "SELECT `a` FROM `s`.`t``x` WHERE (\na = 1 -- only one\n)"
        );
        wanted.range.lower = Some(vec![KeyValue::Int(1)]);
        assert!(snapshot(&wanted, RowProtocol::Binary).is_err());
    }

    #[test]
    fn a_composite_range_is_exclusive_below_and_inclusive_above() {
        let mut wanted = request(
            vec![int("v"), int("b")],
            Some(vec![int("a"), int("b"), int("c")]),
        );
        let key = |a, b, c| Some(vec![KeyValue::Int(a), KeyValue::Int(b), KeyValue::Int(c)]);
        wanted.range.lower = key(1, 2, 3);
        wanted.range.upper = key(4, 5, 6);
        let select = snapshot(&wanted, RowProtocol::Binary).unwrap();
        assert_eq!(
            select.text,
            "SELECT `v`, `b`, `a`, `c` FROM `s`.`t``x` FORCE INDEX (`PRIMARY`) WHERE \
             `a` >= 1 AND (`a` > 1 OR (`a` = 1 AND (`b` > 2 OR (`b` = 2 AND `c` > 3)))) AND \
             `a` <= 4 AND (`a` < 4 OR (`a` = 4 AND (`b` < 5 OR (`b` = 5 AND `c` <= 6)))) \
             ORDER BY `a`, `b`, `c`"
        );
        assert_eq!(select.width, 4);
        let positions: Vec<usize> = select.key.iter().map(|part| part.position).collect();
        assert_eq!(positions, [2, 1, 3]);
        wanted.range.lower = Some(vec![KeyValue::Int(1)]);
        assert_eq!(
            snapshot(&wanted, RowProtocol::Binary).unwrap_err().kind,
            Kind::InvalidState
        );
    }

    #[test]
    fn a_key_of_another_character_set_is_read_raw() {
        let name = column("n", SourceType::VarChar { length: 9 }, Some("latin1"));
        let select = snapshot(
            &request(vec![name.clone()], Some(vec![name.clone()])),
            RowProtocol::Binary,
        )
        .unwrap();
        assert!(
            select
                .text
                .starts_with("SELECT `n`, CAST(`n` AS BINARY) FROM")
        );
        assert_eq!(
            select.key,
            [KeyPart {
                position: 1,
                form: KeyForm::Encoded
            }]
        );
        let wanted = BoundaryRequest {
            schema: "s".into(),
            table: "t".into(),
            key: KeyRequest {
                index: "n_key".into(),
                columns: vec![name],
            },
            after: Some(vec![KeyValue::Hex("e9".into())]),
            rows: 100,
        };
        assert_eq!(
            boundary(&wanted).unwrap().text,
            "SELECT CAST(`n` AS BINARY) FROM `s`.`t` FORCE INDEX (`n_key`) WHERE \
             `n` > _latin1 X'e9' ORDER BY `n` LIMIT 1 OFFSET 99"
        );
        assert!(boundary(&BoundaryRequest { rows: 0, ..wanted }).is_err());
    }

    #[test]
    fn rows_are_found_again_by_their_keys() {
        let mut wanted = request(vec![int("v")], Some(vec![int("a"), int("b")]));
        wanted.keys = vec![
            vec![KeyValue::Int(1), KeyValue::Int(-2)],
            vec![KeyValue::Int(3), KeyValue::Int(4)],
        ];
        let text = snapshot(&wanted, RowProtocol::Binary).unwrap().text;
        assert!(
            text.contains("WHERE ((`a` = 1 AND `b` = -2) OR (`a` = 3 AND `b` = 4)) ORDER BY"),
            "{text}"
        );
        wanted.keys = vec![vec![KeyValue::Int(1)]];
        assert!(snapshot(&wanted, RowProtocol::Binary).is_err());
    }

    #[test]
    fn a_float_keeps_its_digits_over_the_text_protocol() {
        let wanted = request(vec![column("f", SourceType::Float, None)], None);
        let text = |protocol| snapshot(&wanted, protocol).unwrap().text;
        assert_eq!(text(RowProtocol::Text), "SELECT `f` * 1e0 FROM `s`.`t``x`");
        assert_eq!(text(RowProtocol::Binary), "SELECT `f` FROM `s`.`t``x`");
    }
}
