//! A translated part of an expression: PostgreSQL's SQL and what it yields.

use super::Reason;
use super::sort::Sort;

#[derive(Debug, Clone)]
pub(super) struct Value {
    pub sql: String,
    pub sort: Sort,
    /// Needs no parentheses as an operand.
    tight: bool,
}

impl Value {
    pub(super) fn tight(sql: String, sort: Sort) -> Value {
        Value {
            sql,
            sort,
            tight: true,
        }
    }

    pub(super) fn loose(sql: String, sort: Sort) -> Value {
        Value {
            sql,
            sort,
            tight: false,
        }
    }

    /// As an operand.
    pub(super) fn operand(&self) -> String {
        match self.tight {
            true => self.sql.clone(),
            false => format!("({})", self.sql),
        }
    }

    pub(super) fn cast(&self, type_name: &str, sort: Sort) -> Value {
        Value::tight(format!("{}::{type_name}", self.operand()), sort)
    }

    /// A truth value as the source counts with it; other values as they are.
    pub(super) fn counted(self) -> Value {
        match self.sort {
            Sort::Bool => self.cast(
                "integer",
                Sort::Int {
                    bytes: 4,
                    unsigned: false,
                },
            ),
            _ => self,
        }
    }

    /// As a condition: a number is true unless it is 0.
    pub(super) fn condition(self) -> Result<Value, Reason> {
        match self.sort {
            Sort::Bool | Sort::Null => Ok(self),
            Sort::Int { .. } | Sort::Decimal { .. } | Sort::Float => {
                Ok(Value::loose(format!("{} <> 0", self.operand()), Sort::Bool))
            }
            sort => Err(format!("it takes {} for a condition", sort.name())),
        }
    }

    /// As text, where both sides write the value alike.
    pub(super) fn text(self) -> Result<Value, Reason> {
        match &self.sort {
            Sort::Text(_) | Sort::Null => Ok(self),
            Sort::Bool | Sort::Int { .. } | Sort::Decimal { .. } => {
                Ok(self.counted().cast("text", Sort::made(&[])))
            }
            sort => Err(format!("it takes {} for text", sort.name())),
        }
    }
}
