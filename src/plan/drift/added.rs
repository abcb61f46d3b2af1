//! A column that is new at the source: the target gets it with the value that the rows have there
//! which were there before, if that is known for certain.

use super::super::default::default_sql;
use super::super::expression::{ScopeColumn, constant, shown};
use super::super::identifier::quote;
use super::super::statement::AddedColumn;
use super::super::table::{ColumnPlan, TablePlan};
use crate::model::table::{SourceColumn, SourceDefault, SourceType};

/// How a column comes into the target.
pub(super) struct Addition {
    /// Of an ALTER TABLE.
    pub action: String,
    /// It needs a statement of its own: it may refer to columns that are new too.
    pub single: bool,
    /// The action that takes a default back which only the rows that are there need.
    pub then: Option<String>,
    pub warning: Option<String>,
}

/// `source`: the column with its default, which the plan does not keep. `told`: the statement that
/// added it, where it was seen.
pub(super) fn addition(
    plan: &TablePlan,
    column: &ColumnPlan,
    source: &SourceColumn,
    told: Option<&AddedColumn>,
) -> Result<Addition, String> {
    let name = quote(&column.target_name);
    let head = format!("ADD COLUMN {name} {}", column.type_name);
    let not_null = if source.nullable { "" } else { " NOT NULL" };
    let computed = plan.generated.iter();
    let mut computed = computed.filter(|generated| generated.column.source.name == source.name);
    if let Some(generated) = computed.next() {
        return Ok(Addition {
            action: format!(
                "{head} GENERATED ALWAYS AS ({}) STORED{not_null}",
                generated.expression
            ),
            single: true,
            then: None,
            warning: None,
        });
    }
    if source.generation.is_some() {
        return Err("the source computes it, also for the rows that are there".to_string());
    }
    if source.auto_increment {
        return Err("the source has numbered the rows that are there".to_string());
    }
    let (default, kept) = match &source.default {
        None if source.nullable => (None, true),
        None => (Some(implicit(column, source)?), false),
        Some(default) => (Some(explicit(column, default)?), true),
    };
    if let Some(told) = told
        && !agrees(told, source)
    {
        return Err("its default is another one now than when it was added".to_string());
    }
    let filled = default.map_or_else(String::new, |sql| format!(" DEFAULT {sql}"));
    Ok(Addition {
        action: format!("{head}{filled}{not_null}"),
        single: false,
        then: (!kept).then(|| format!("ALTER COLUMN {name} DROP DEFAULT")),
        warning: told.is_none().then(|| {
            format!(
                "column {name}: the rows that are there get the default that the source has now"
            )
        }),
    })
}

/// A default that is one value, as the plan has translated it.
fn explicit(column: &ColumnPlan, default: &SourceDefault) -> Result<String, String> {
    if let SourceDefault::Expression(sql) = default
        && constant(sql).is_none()
    {
        return Err(format!(
            "its default is computed for each row: {}",
            shown(sql)
        ));
    }
    column
        .default
        .clone()
        .ok_or_else(|| "its default has no equal in PostgreSQL".to_string())
}

/// What the source puts into rows that are there for a column that is NOT NULL and has no default.
fn implicit(column: &ColumnPlan, source: &SourceColumn) -> Result<String, String> {
    let unknown = || "what it has in the rows that are there is not known".to_string();
    let text = match &source.source_type {
        SourceType::TinyInt { .. }
        | SourceType::SmallInt { .. }
        | SourceType::MediumInt { .. }
        | SourceType::Int { .. }
        | SourceType::BigInt { .. }
        | SourceType::Decimal { .. }
        | SourceType::Float
        | SourceType::Double
        | SourceType::Year => "0".to_string(),
        SourceType::Bit { .. } => "b'0'".to_string(),
        SourceType::Time { .. } => "00:00:00".to_string(),
        SourceType::Char { .. }
        | SourceType::VarChar { .. }
        | SourceType::Text
        | SourceType::Set { .. }
        | SourceType::VarBinary { .. }
        | SourceType::Blob => String::new(),
        SourceType::Binary { length } => {
            format!("0x{}", "00".repeat(usize::try_from(*length).unwrap_or(0)))
        }
        SourceType::Enum { labels } => labels.first().ok_or_else(unknown)?.clone(),
        SourceType::Uuid => "00000000-0000-0000-0000-000000000000".to_string(),
        SourceType::Inet4 => "0.0.0.0".to_string(),
        SourceType::Inet6 => "::".to_string(),
        SourceType::Date | SourceType::DateTime { .. } | SourceType::Timestamp { .. } => {
            return Err("the rows that are there have a zero date in it".to_string());
        }
        _ => return Err(unknown()),
    };
    let source = SourceColumn {
        default: Some(SourceDefault::Literal(text)),
        ..source.clone()
    };
    default_sql(&ScopeColumn {
        source: &source,
        name: &column.target_name,
        target: column.target,
        type_name: &column.type_name,
        generated: false,
    })?
    .ok_or_else(unknown)
}

/// Is the default of the statement the one that the source has now?
fn agrees(told: &AddedColumn, source: &SourceColumn) -> bool {
    let written = told
        .default
        .as_deref()
        .filter(|sql| !sql.eq_ignore_ascii_case("null"));
    let (written, now) = match (written, &source.default) {
        (None, None) => return true,
        (Some(written), Some(now)) => (written, now),
        _ => return false,
    };
    let value = |sql: &str| constant(sql).unwrap_or_else(|| sql.to_string());
    let now = match now {
        SourceDefault::Literal(text) => text.clone(),
        SourceDefault::Expression(sql) => value(sql),
    };
    let written = value(written);
    let same_number = || number(&written).is_some_and(|found| number(&now) == Some(found));
    written == now || !is_text(source) && (written.eq_ignore_ascii_case(&now) || same_number())
}

fn is_text(source: &SourceColumn) -> bool {
    source.character_set.is_some()
}

/// A decimal number without the zeros that do not count; `1`, `01.50` and `-0`.
fn number(text: &str) -> Option<(bool, &str, &str)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = (plain(whole) && plain(fraction) && !digits.is_empty()).then(|| {
        (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        )
    })?;
    let zero = whole.is_empty() && fraction.is_empty();
    Some((negative && !zero, whole, fraction))
}
