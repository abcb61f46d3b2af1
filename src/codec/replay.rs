//! A row that was kept as JSON, as cells again: the inverse of `row_json`, in the form of the text
//! protocol.

use crate::error::{Error, Kind, Result};
use crate::model::table::{SourceColumn, SourceType};
use serde_json::Value;

/// The row's cells in the order of the columns, None for NULL. Encoded they give the bytes that the
/// row's own cells gave.
pub fn replay(columns: &[SourceColumn], row: &Value) -> Result<Vec<Option<Vec<u8>>>> {
    let Value::Object(values) = row else {
        return Err(other_shape("it is not an object"));
    };
    if let Some(name) = values
        .keys()
        .find(|name| !columns.iter().any(|column| column.name == **name))
    {
        return Err(other_shape(&format!(
            "its column \"{name}\" is none of the unit"
        )));
    }
    columns
        .iter()
        .map(|column| match values.get(&column.name) {
            Some(value) => cell(column, value),
            None => Err(other_shape(&format!(
                "it has no column \"{}\"",
                column.name
            ))),
        })
        .collect()
}

fn cell(column: &SourceColumn, value: &Value) -> Result<Option<Vec<u8>>> {
    let name = &column.name;
    let unknown = || other_shape(&format!("its column \"{name}\" is of an unknown form"));
    match value {
        Value::Null => Ok(None),
        // Only integers are kept as numbers.
        Value::Number(number) if !number.is_f64() => Ok(Some(number.to_string().into_bytes())),
        Value::String(text) if column.source_type == SourceType::Float => Ok(Some(float(text))),
        Value::String(text) => Ok(Some(text.clone().into_bytes())),
        Value::Object(parts) => match (parts.get("hex"), parts.get("cut")) {
            (Some(Value::String(digits)), None) if parts.len() == 1 => {
                bytes(digits).map(Some).ok_or_else(unknown)
            }
            (None, Some(_)) => Err(Error::new(
                Kind::InvalidState,
                format!("the row was kept without the whole of its column \"{name}\""),
            )
            .with_hint(
                "The value is too long to be kept. Mend the row at the source and copy the unit again: \
                 SELECT sync_retry('<job>', '<unit>');",
            )),
            _ => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

/// A `float` is kept with its own digits and read as the double of the same value.
fn float(text: &str) -> Vec<u8> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => f64::from(value).to_string().into_bytes(),
        _ => text.as_bytes().to_vec(),
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok())
        .collect()
}

fn other_shape(reason: &str) -> Error {
    Error::new(
        Kind::InvalidState,
        format!("the row that was kept does not fit the unit: {reason}"),
    )
}
