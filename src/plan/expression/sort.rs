//! What a value is, as far as it decides whether an operation means the same on both sides.

use super::scope::ScopeColumn;
use crate::model::pg_type::oid;
use crate::model::table::{SourceColumn, SourceType};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sort {
    Null,
    /// PostgreSQL's boolean: a comparison, or a column that holds 0 and 1 at the source.
    Bool,
    Int {
        /// 2, 4, 8; 16 for a numeric that holds a whole number.
        bytes: u8,
        unsigned: bool,
    },
    Decimal {
        scale: u32,
    },
    Float,
    Text(Text),
    /// A value of an enum type, which is no text.
    Label(Labels),
    Date,
    /// Without a time zone.
    Timestamp,
    /// With one.
    Instant,
    Duration,
    Json,
    Bytes,
    Uuid,
    /// The time of the statement, with this many digits of a second.
    Now(u32),
    /// Anything that only NULL can be told of.
    Opaque,
}

/// What is known of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// Equal here and there for the same pairs of texts.
    pub equal: bool,
    /// LIKE compares characters exactly.
    pub like: bool,
    /// Has as many bytes here as there.
    pub bytes: bool,
    /// Has ASCII characters only, so that letters fold alike.
    pub ascii: bool,
    /// The value of a literal.
    pub literal: Option<String>,
    /// Those of an enum column.
    pub labels: Option<Labels>,
}

/// The labels of an enum.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Labels {
    pub labels: Vec<String>,
    /// Upper and lower case differ at the source.
    pub case_counts: bool,
}

impl Sort {
    pub(super) fn of_literal(text: &str) -> Sort {
        Sort::Text(Text {
            equal: true,
            like: true,
            bytes: true,
            ascii: text.is_ascii(),
            literal: Some(text.to_string()),
            labels: None,
        })
    }

    /// Text that a function made of numbers or of other texts.
    pub(super) fn made(parts: &[&Text]) -> Sort {
        Sort::Text(Text {
            equal: parts.iter().all(|part| part.equal),
            like: parts.iter().all(|part| part.like),
            bytes: parts.iter().all(|part| part.bytes),
            ascii: parts.iter().all(|part| part.ascii),
            literal: None,
            labels: None,
        })
    }

    /// For messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Sort::Null => "NULL",
            Sort::Bool => "a truth value",
            Sort::Int { .. } | Sort::Decimal { .. } => "a number",
            Sort::Float => "a floating-point number",
            Sort::Text(_) => "text",
            Sort::Label(_) => "a label of an enum type",
            Sort::Date => "a date",
            Sort::Timestamp | Sort::Instant | Sort::Now(_) => "a point in time",
            Sort::Duration => "a time",
            Sort::Json => "JSON",
            Sort::Bytes => "bytes",
            Sort::Uuid => "a UUID",
            Sort::Opaque => "a value of a type that is not compared here",
        }
    }

    /// What a column's values are, here and there alike.
    pub(super) fn of_column(column: &ScopeColumn<'_>) -> Sort {
        let source = column.source;
        // Its text form has zeros in front that no PostgreSQL type keeps.
        if source.type_name.contains("zerofill") {
            return Sort::Opaque;
        }
        let whole = |unsigned| match column.target.oid {
            oid::BOOL => Sort::Bool,
            oid::INT2 => Sort::Int { bytes: 2, unsigned },
            oid::INT4 => Sort::Int { bytes: 4, unsigned },
            oid::INT8 => Sort::Int { bytes: 8, unsigned },
            oid::NUMERIC => Sort::Int {
                bytes: 16,
                unsigned,
            },
            _ => Sort::Opaque,
        };
        match (&source.source_type, column.target.oid) {
            (
                SourceType::TinyInt { unsigned }
                | SourceType::SmallInt { unsigned }
                | SourceType::MediumInt { unsigned }
                | SourceType::Int { unsigned }
                | SourceType::BigInt { unsigned },
                _,
            ) => whole(*unsigned),
            (SourceType::Year, _) => whole(true),
            (SourceType::Decimal { scale, .. }, oid::NUMERIC) => Sort::Decimal { scale: *scale },
            (SourceType::Float, oid::FLOAT4 | oid::FLOAT8) | (SourceType::Double, oid::FLOAT8) => {
                Sort::Float
            }
            (SourceType::Bit { bits: 1 }, oid::BOOL) => Sort::Bool,
            (SourceType::Date, oid::DATE) => Sort::Date,
            (SourceType::DateTime { .. }, oid::TIMESTAMP) => Sort::Timestamp,
            (SourceType::Timestamp { .. }, oid::TIMESTAMPTZ) => Sort::Instant,
            (SourceType::Time { .. }, oid::INTERVAL) => Sort::Duration,
            (SourceType::Json, oid::JSONB) => Sort::Json,
            (
                SourceType::Binary { .. } | SourceType::VarBinary { .. } | SourceType::Blob,
                oid::BYTEA,
            ) => Sort::Bytes,
            (SourceType::Uuid, oid::UUID) => Sort::Uuid,
            (
                SourceType::Char { .. } | SourceType::VarChar { .. } | SourceType::Text,
                oid::TEXT | oid::VARCHAR,
            ) if column.plain_text() => Sort::Text(text(source)),
            (SourceType::Enum { labels }, oid::TEXT | oid::VARCHAR) => {
                let labels = Labels {
                    labels: labels.clone(),
                    case_counts: case_counts(source),
                };
                match column.plain_text() {
                    true => Sort::Text(Text {
                        labels: Some(labels),
                        ..text(source)
                    }),
                    false => Sort::Label(labels),
                }
            }
            _ => Sort::Opaque,
        }
    }
}

fn text(column: &SourceColumn) -> Text {
    let collation = column.collation.as_deref().unwrap_or("");
    let set = column.character_set.as_deref().unwrap_or("");
    Text {
        // Every other collation finds texts equal that differ, if only by spaces at their end.
        equal: collation == "utf8mb4_0900_bin" || collation.ends_with("nopad_bin"),
        like: collation.ends_with("_bin"),
        bytes: matches!(set, "utf8mb4" | "utf8mb3" | "utf8" | "ascii"),
        ascii: set == "ascii",
        literal: None,
        labels: None,
    }
}

fn case_counts(column: &SourceColumn) -> bool {
    let collation = column.collation.as_deref().unwrap_or("");
    collation.ends_with("_bin") || collation.ends_with("_cs")
}
