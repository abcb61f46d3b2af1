//! The value of an expression as that of a column, where storing it means the same.

use super::super::identifier::literal;
use super::Reason;
use super::literal::is_moment;
use super::scope::ScopeColumn;
use super::sort::Sort;
use super::value::Value;
use crate::model::pg_type::oid;
use crate::model::table::SourceType;

pub(super) fn assign(value: Value, column: &ScopeColumn<'_>) -> Result<String, Reason> {
    use Sort::{Bool, Bytes, Date, Decimal, Float, Instant, Int, Json, Now, Null, Timestamp, Uuid};
    let refused = |sort: &Sort| {
        Err(format!(
            "its value is {}, the column's type is {}",
            sort.name(),
            column.type_name
        ))
    };
    let fits = match (&value.sort, column.target.oid) {
        (Null, _) => true,
        (Bool, oid::BOOL) => true,
        (Bool, oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC | oid::FLOAT8) => {
            return Ok(value.counted().sql);
        }
        (Int { .. }, oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC | oid::FLOAT8) => true,
        // Both round half away from zero.
        (Decimal { .. }, oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC | oid::FLOAT8) => true,
        (Float, oid::FLOAT4 | oid::FLOAT8) => true,
        (Date, oid::DATE | oid::TIMESTAMP) => true,
        (Timestamp, oid::TIMESTAMP) => true,
        (Instant, oid::TIMESTAMPTZ) => true,
        (Sort::Duration, oid::INTERVAL) => true,
        (Now(_), oid::DATE) => return Ok("CURRENT_DATE".to_string()),
        (Now(digits), oid::TIMESTAMP) => return Ok(format!("LOCALTIMESTAMP({digits})")),
        (Now(digits), oid::TIMESTAMPTZ) => return Ok(format!("CURRENT_TIMESTAMP({digits})")),
        (Json, oid::JSONB) => true,
        (Bytes, oid::BYTEA) => true,
        (Uuid, oid::UUID) => true,
        (Uuid, oid::TEXT | oid::VARCHAR) => return Ok(value.cast("text", Sort::Null).sql),
        (Sort::Text(text), oid::DATE | oid::TIMESTAMP) => {
            match text.literal.as_deref().filter(|text| is_moment(text)) {
                Some(text) => return Ok(literal(text)),
                None => false,
            }
        }
        (Sort::Text(_) | Int { .. } | Decimal { .. }, oid::TEXT | oid::VARCHAR) => {
            return text(value, column);
        }
        _ => false,
    };
    match fits {
        true => Ok(value.sql),
        false => refused(&value.sort),
    }
}

fn text(value: Value, column: &ScopeColumn<'_>) -> Result<String, Reason> {
    let literal = match &value.sort {
        Sort::Text(text) => text.literal.clone(),
        _ => None,
    };
    match &column.source.source_type {
        SourceType::Char { .. } if literal.is_none_or(|text| text.ends_with(' ')) => {
            Err("a value of type char loses the spaces at its end".to_string())
        }
        SourceType::Char { .. } | SourceType::VarChar { .. } | SourceType::Text => {
            let set = column.source.character_set.as_deref();
            match set {
                Some("utf8mb4" | "utf8mb3" | "utf8") | None => Ok(value.text()?.sql),
                Some(set) => Err(format!("its value is converted to the character set {set}")),
            }
        }
        _ => Err(format!("the column's type is {}", column.source.type_name)),
    }
}
