//! A source row that could not be written, and why.

use super::key::Key;
use crate::error::Error;

#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// None for a unit without a key.
    pub key: Option<Key>,
    /// The row's values as the source writes them, by column: `codec::row_json`.
    pub row: serde_json::Value,
    /// The source column whose value was refused; None where the row as a whole was.
    pub column: Option<String>,
    pub sqlstate: String,
    pub message: String,
    pub hint: Option<String>,
}

impl Reject {
    /// A row that was refused for `error`, because of a value of `column` or as a whole.
    pub fn new(
        error: &Error,
        column: Option<String>,
        key: Option<Key>,
        row: serde_json::Value,
    ) -> Self {
        Reject {
            key,
            row,
            column,
            sqlstate: error.sqlstate().to_owned(),
            message: error.full_message(),
            hint: error.hint.clone(),
        }
    }
}

/// How many rejects a unit may have before it fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxRejects {
    Rows(u64),
    /// Of the rows read.
    Percent(f64),
}

/// A percentage says nothing about the first few rows.
const ROWS_BEFORE_PERCENT: u64 = 1000;

impl MaxRejects {
    /// Are so many too many? `ended`: no row follows.
    pub fn exceeded(self, rejected: u64, read: u64, ended: bool) -> bool {
        match self {
            MaxRejects::Rows(most) => rejected > most,
            MaxRejects::Percent(most) => {
                (ended || read >= ROWS_BEFORE_PERCENT)
                    && rejected as f64 * 100.0 > most * read as f64
            }
        }
    }
}

impl Default for MaxRejects {
    fn default() -> Self {
        MaxRejects::Rows(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_limit_at_any_time() {
        assert!(!MaxRejects::Rows(0).exceeded(0, 10, true));
        assert!(MaxRejects::Rows(0).exceeded(1, 1, false));
        assert!(!MaxRejects::default().exceeded(1000, 1000, false));
        assert!(MaxRejects::default().exceeded(1001, 9_000, false));
    }

    #[test]
    fn a_percentage_waits_for_a_thousand_rows_or_the_end() {
        let one = MaxRejects::Percent(1.0);
        assert!(!one.exceeded(999, 999, false));
        assert!(one.exceeded(11, 1000, false));
        assert!(!one.exceeded(10, 1000, false));
        assert!(one.exceeded(1, 50, true));
        assert!(!one.exceeded(0, 0, true));
    }
}
