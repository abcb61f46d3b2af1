//! Arithmetic, where both sides get the same number.

use super::Reason;
use super::sort::Sort;
use super::translate::sign;
use super::tree::Operator;
use super::value::Value;

/// The source keeps at most this many digits after the point.
const MAX_SCALE: u32 = 30;

/// The source counts in 64 bits, whatever the columns have.
pub(super) fn widened(value: Value) -> Value {
    match value.sort {
        Sort::Int {
            bytes: 2 | 4,
            unsigned,
        } => value.cast("bigint", Sort::Int { bytes: 8, unsigned }),
        _ => value,
    }
}

pub(super) fn arithmetic(operator: Operator, left: Value, right: Value) -> Result<Value, Reason> {
    use Sort::{Decimal, Float, Int, Null};
    let number = |sort: &Sort| matches!(sort, Int { .. } | Decimal { .. } | Float | Null);
    if !number(&left.sort) || !number(&right.sort) {
        let other = [&left.sort, &right.sort]
            .into_iter()
            .find(|sort| !number(sort));
        return Err(format!("it counts with {}", other.map_or("", Sort::name)));
    }
    if is_unsigned_below_zero(operator, &left, &right) {
        return Err(
            "the source counts with unsigned numbers, of which none is less than 0".to_string(),
        );
    }
    let floating = left.sort == Float || right.sort == Float;
    let scale = |sort: &Sort| match sort {
        Decimal { scale } => *scale,
        _ => 0,
    };
    let scales = (scale(&left.sort), scale(&right.sort));
    let positive = |sort: &Sort| matches!(sort, Int { unsigned: true, .. });
    let (both, either) = (
        positive(&left.sort) && positive(&right.sort),
        positive(&left.sort) || positive(&right.sort),
    );
    let whole = |unsigned| match (&left.sort, &right.sort) {
        (Int { bytes: 16, .. }, _) | (_, Int { bytes: 16, .. }) => Int {
            bytes: 16,
            unsigned,
        },
        _ => Int { bytes: 8, unsigned },
    };
    let exact = |scale: u32, unsigned: bool| match (&left.sort, &right.sort) {
        (Decimal { .. }, _) | (_, Decimal { .. }) => Decimal { scale },
        _ => whole(unsigned),
    };
    let sort = match operator {
        Operator::Plus | Operator::Minus | Operator::Times if floating => Float,
        Operator::Divide if floating => Float,
        Operator::Plus => exact(scales.0.max(scales.1), both),
        Operator::Minus => exact(scales.0.max(scales.1), false),
        Operator::Times if scales.0.saturating_add(scales.1) <= MAX_SCALE => {
            exact(scales.0 + scales.1, both)
        }
        Operator::Times => {
            return Err("its product has more digits than the source keeps".to_string());
        }
        Operator::Divide => {
            return Err("the digits of a quotient depend on settings of the source".to_string());
        }
        Operator::Modulo if !floating => exact(scales.0.max(scales.1), positive(&left.sort)),
        Operator::IntegerDivide if is_machine(&left) && is_machine(&right) => whole(both),
        Operator::BitAnd if either && is_machine(&left) && is_machine(&right) => whole(true),
        Operator::BitOr if both && is_machine(&left) && is_machine(&right) => whole(true),
        _ => return Err("an operator means something else for these operands".to_string()),
    };
    let divides = matches!(
        operator,
        Operator::Divide | Operator::IntegerDivide | Operator::Modulo
    );
    let left = match (&left.sort, &right.sort) {
        (Int { bytes: 2 | 4, .. }, Int { bytes: 2 | 4, .. }) => widened(left),
        _ => left,
    };
    // The source divides by 0 and gets NULL.
    let right = match divides {
        true if is_zero_free(&right.sql) => right.operand(),
        true => format!("nullif({}, 0)", right.sql),
        false => right.operand(),
    };
    Ok(Value::loose(
        format!("{} {} {right}", left.operand(), sign(operator)),
        sort,
    ))
}

/// Whether the source's result is unsigned and the true one may be negative: an error there, or 0
/// where errors are ignored.
fn is_unsigned_below_zero(operator: Operator, left: &Value, right: &Value) -> bool {
    let unsigned = |value: &Value| matches!(value.sort, Sort::Int { unsigned: true, .. });
    let signed = |value: &Value| {
        matches!(
            value.sort,
            Sort::Int {
                unsigned: false,
                ..
            }
        )
    };
    // A literal is signed, and not negative.
    let constant = |value: &Value| {
        let bare = value.sql.replace("::bigint", "");
        !bare.contains(|c: char| c.is_alphabetic() || matches!(c, '"' | '_'))
    };
    let wanted = |value: &Value| unsigned(value) && !constant(value);
    match operator {
        Operator::Minus => {
            (wanted(left) || wanted(right))
                && !matches!(left.sort, Sort::Decimal { .. } | Sort::Float)
                && !matches!(right.sort, Sort::Decimal { .. } | Sort::Float)
        }
        Operator::Plus | Operator::Times | Operator::IntegerDivide => {
            wanted(left) && signed(right) || wanted(right) && signed(left)
        }
        _ => false,
    }
}

/// An integer of PostgreSQL, not a numeric.
fn is_machine(value: &Value) -> bool {
    matches!(value.sort, Sort::Int { bytes: ..=8, .. })
}

/// A literal that is not 0.
fn is_zero_free(sql: &str) -> bool {
    sql.parse::<u64>().is_ok_and(|number| number != 0)
}
