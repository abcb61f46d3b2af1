//! What an expression may refer to, and what it is for.

use super::super::identifier::quote;
use super::parse::parse;
use super::sort::Sort;
use super::translate::Translator;
use super::value::Value;
use super::{Reason, assign};
use crate::model::pg_type::PgType;
use crate::model::table::SourceColumn;

/// What the expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) enum Purpose {
    /// It may call what changes from call to call, and names no column.
    Default,
    /// Its value must be the source's, and depend on nothing but the row.
    Exact,
    /// The same, and it may not refer to another generated column.
    Generated,
    /// An index that only makes queries faster.
    Index,
}

/// A column of the target.
#[derive(Debug, Clone)]
pub(in crate::plan) struct ScopeColumn<'a> {
    pub source: &'a SourceColumn,
    pub name: &'a str,
    pub target: PgType,
    pub type_name: &'a str,
    /// Computed in the target: no other generated column may refer to it.
    pub generated: bool,
}

impl ScopeColumn<'_> {
    /// Text that PostgreSQL compares exactly: no collation of its own, no type of an extension.
    pub(super) fn plain_text(&self) -> bool {
        crate::codec::type_name(self.target).is_ok_and(|name| name == self.type_name)
    }
}

/// The columns of a target table.
#[derive(Debug, Clone, Default)]
pub(in crate::plan) struct Scope<'a> {
    pub columns: Vec<ScopeColumn<'a>>,
}

impl<'a> Scope<'a> {
    pub(in crate::plan) fn find(&self, name: &str) -> Option<&ScopeColumn<'a>> {
        let same = |column: &&ScopeColumn| column.source.name == name;
        // Names of columns have no case at the source.
        let folded =
            |column: &&ScopeColumn| column.source.name.to_lowercase() == name.to_lowercase();
        self.columns
            .iter()
            .find(same)
            .or_else(|| self.columns.iter().find(folded))
    }

    /// A condition for CHECK.
    pub(in crate::plan) fn condition(&self, sql: &str) -> Result<String, Reason> {
        let value = self.value(sql, Purpose::Exact)?;
        Ok(value.condition()?.sql)
    }

    /// The value of a column.
    pub(in crate::plan) fn assigned(
        &self,
        sql: &str,
        purpose: Purpose,
        column: &ScopeColumn<'_>,
    ) -> Result<String, Reason> {
        assign::assign(self.value(sql, purpose)?, column)
    }

    /// A part of an index, in parentheses.
    pub(in crate::plan) fn index_part(
        &self,
        sql: &str,
        purpose: Purpose,
    ) -> Result<String, Reason> {
        let value = self.value(sql, purpose)?;
        match value.sort {
            Sort::Json => Err("JSON has no order".to_string()),
            _ => Ok(format!("({})", value.sql)),
        }
    }

    fn value(&self, sql: &str, purpose: Purpose) -> Result<Value, Reason> {
        let translator = Translator {
            scope: self,
            purpose,
        };
        translator.value(&parse(sql)?)
    }

    pub(super) fn column(&self, name: &str, purpose: Purpose) -> Result<Value, Reason> {
        if purpose == Purpose::Default {
            return Err(format!("it refers to the column {}", quote(name)));
        }
        let column = self
            .find(name)
            .ok_or_else(|| format!("it refers to {}, which is no column here", quote(name)))?;
        if purpose == Purpose::Generated && column.generated {
            return Err(format!(
                "it refers to {}, which is generated itself",
                quote(name)
            ));
        }
        let sort = Sort::of_column(column);
        let sql = quote(column.name);
        Ok(match sort {
            // Single precision is double in every operation of the source.
            Sort::Float => Value::tight(format!("{sql}::double precision"), sort),
            sort => Value::tight(sql, sort),
        })
    }
}
