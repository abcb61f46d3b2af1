//! Comparisons, where both sides find the same values equal and in the same order.

use super::super::identifier::literal;
use super::Reason;
use super::literal::{is_date, is_moment};
use super::sort::{Labels, Sort, Text};
use super::value::Value;

const UNEQUAL: &str =
    "the source's collation may find texts equal that differ in case, accents or spaces";

/// Both values such that PostgreSQL compares them as the source does. `ordered`: by `<` and its
/// kind, not only for equality.
pub(super) fn comparable(
    left: Value,
    right: Value,
    ordered: bool,
) -> Result<(Value, Value), Reason> {
    use Sort::{Bool, Bytes, Date, Decimal, Duration, Float, Instant, Int, Null, Timestamp, Uuid};
    let told = || {
        format!(
            "it compares {} with {}",
            left.sort.name(),
            right.sort.name()
        )
    };
    match (&left.sort, &right.sort) {
        (Null, _) | (_, Null) | (Bool, Bool) => Ok((left, right)),
        (
            Bool | Int { .. } | Decimal { .. } | Float,
            Bool | Int { .. } | Decimal { .. } | Float,
        ) => Ok((left.counted(), right.counted())),
        (Date | Timestamp, Date | Timestamp)
        | (Instant, Instant)
        | (Duration, Duration)
        | (Uuid, Uuid) => Ok((left, right)),
        (Bytes, Bytes) if !ordered => Ok((left, right)),
        (Sort::Text(a), Sort::Text(b)) => {
            if ordered {
                return Err("the order of text is that of its collation".to_string());
            }
            match (&a.labels, &b.labels, &a.literal, &b.literal) {
                (Some(labels), None, _, Some(value)) => {
                    let label = label(labels, value)?;
                    Ok((left, label))
                }
                (None, Some(labels), Some(value), _) => {
                    let label = label(labels, value)?;
                    Ok((label, right))
                }
                _ if a.equal && b.equal => Ok((left, right)),
                _ => Err(UNEQUAL.to_string()),
            }
        }
        (Sort::Label(labels), Sort::Text(text)) if !ordered => {
            let value = text.literal.as_deref().ok_or_else(told)?;
            let label = label(labels, value)?;
            Ok((left, label))
        }
        (Sort::Text(text), Sort::Label(labels)) if !ordered => {
            let value = text.literal.as_deref().ok_or_else(told)?;
            let label = label(labels, value)?;
            Ok((label, right))
        }
        (Date | Timestamp, Sort::Text(text)) => {
            let moment = moment(&left.sort, text).ok_or_else(told)?;
            Ok((left, moment))
        }
        (Sort::Text(text), Date | Timestamp) => {
            let moment = moment(&right.sort, text).ok_or_else(told)?;
            Ok((moment, right))
        }
        _ => Err(told()),
    }
}

/// The label that a literal means, for an enum column.
fn label(labels: &Labels, value: &str) -> Result<Value, Reason> {
    let Labels {
        labels,
        case_counts,
    } = labels;
    let found = |label: &str| Ok(Value::tight(literal(label), Sort::of_literal(label)));
    if labels.iter().any(|label| label == value) {
        return found(value);
    }
    if !value.is_ascii() || !labels.iter().all(|label| label.is_ascii()) {
        return Err("it compares a label with text that may be equal to it".to_string());
    }
    // An enum's labels have no spaces at their end.
    let trimmed = value.trim_end_matches(' ');
    labels
        .iter()
        .find(|label| match case_counts {
            true => label.as_str() == trimmed,
            false => label.eq_ignore_ascii_case(trimmed),
        })
        .map_or_else(
            || Err("it compares an enum with what is none of its labels".to_string()),
            |label| found(label),
        )
}

/// A literal as the date or time that the source makes of it.
fn moment(sort: &Sort, text: &Text) -> Option<Value> {
    let text = text.literal.as_deref()?;
    if is_date(text) {
        return Some(Value::tight(format!("DATE {}", literal(text)), Sort::Date));
    }
    (is_moment(text) && *sort == Sort::Timestamp)
        .then(|| Value::tight(format!("TIMESTAMP {}", literal(text)), Sort::Timestamp))
}

/// The one sort that all these values have, as the results of CASE and its kind, and the values.
pub(super) fn unified(values: Vec<Value>) -> Result<(Vec<Value>, Sort), Reason> {
    let mixed = values.iter().any(|value| value.sort == Sort::Bool)
        && values
            .iter()
            .any(|value| !matches!(value.sort, Sort::Bool | Sort::Null));
    let values: Vec<Value> = match mixed {
        true => values.into_iter().map(Value::counted).collect(),
        false => values,
    };
    let mut sort = Sort::Null;
    for value in &values {
        sort = joined(&sort, &value.sort)?;
    }
    Ok((values, sort))
}

fn joined(a: &Sort, b: &Sort) -> Result<Sort, Reason> {
    use Sort::{Decimal, Float, Int, Null};
    Ok(match (a, b) {
        (Null, other) | (other, Null) => other.clone(),
        (
            Int { bytes, unsigned },
            Int {
                bytes: other,
                unsigned: also,
            },
        ) => Int {
            bytes: *bytes.max(other),
            unsigned: *unsigned && *also,
        },
        (Decimal { scale }, Decimal { scale: other }) => Decimal {
            scale: *scale.max(other),
        },
        (Decimal { scale }, Int { .. }) | (Int { .. }, Decimal { scale }) => {
            Decimal { scale: *scale }
        }
        (Float, Int { .. } | Decimal { .. } | Float) | (Int { .. } | Decimal { .. }, Float) => {
            Float
        }
        (Sort::Text(a), Sort::Text(b)) => Sort::made(&[a, b]),
        (a, b) if a == b && !matches!(a, Sort::Opaque | Sort::Text(_)) => a.clone(),
        (a, b) => return Err(format!("its results are {} and {}", a.name(), b.name())),
    })
}
