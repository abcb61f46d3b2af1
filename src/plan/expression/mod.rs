//! The source's expressions (defaults, generated columns, checks, index keys) as PostgreSQL's.
//!
//! ```text
//! token -> parse -> tree -> translate, compare, function -> assign
//! ```
//!
//! Two systems that agree on the text of an expression may still disagree on its value: collations,
//! integer division, implicit casts, rounding. So an operand has a [`sort`], and an operation is
//! translated only where it means the same for operands of these sorts; everything else is refused
//! with a reason, which the plan shows. A refused expression costs a warning, a wrong one data.

mod arithmetic;
mod assign;
mod cast_type;
mod compare;
mod function;
pub(super) mod literal;
mod parse;
mod scope;
mod sort;
#[cfg(test)]
mod tests;
mod token;
mod translate;
mod tree;
mod value;

pub(super) use scope::{Purpose, Scope, ScopeColumn};

use tree::Tree;

/// Why something is not translated, as the end of a sentence.
pub(super) type Reason = String;

/// The value of an expression that is one literal, written as the source prints such a default.
pub(super) fn constant(sql: &str) -> Option<String> {
    match parse::parse(sql).ok()? {
        Tree::Text(text) => Some(text),
        Tree::Integer(number) | Tree::Decimal(number) | Tree::Float(number) => Some(number),
        Tree::Negative(inner) => match *inner {
            Tree::Integer(number) | Tree::Decimal(number) | Tree::Float(number) => {
                Some(format!("-{number}"))
            }
            _ => None,
        },
        Tree::Boolean(value) => Some(u8::from(value).to_string()),
        _ => None,
    }
}

/// SQL of the source for a message: in one line, cut.
pub(super) fn shown(sql: &str) -> String {
    const CHARS: usize = 100;
    let mut line: String = sql
        .chars()
        .take(CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.len() < sql.len() {
        line.push_str("...");
    }
    line
}
