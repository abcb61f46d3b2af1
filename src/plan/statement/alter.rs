//! ALTER TABLE, part by part.

use super::Statement;
use super::alter_part::{Change, part};
use super::cursor::Cursor;
use super::table_ddl::{is_other, skip_attributes};
use super::table_name::TableName;
use super::token::Token;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterTable {
    pub table: TableName,
    pub rename_to: Option<TableName>,
    /// Tables that exchange rows with it.
    pub others: Vec<TableName>,
    /// In their order; never empty, but where the only change is the name.
    pub changes: Vec<Change>,
}

impl AlterTable {
    /// What takes rows away or brings some without row events, in the source's words.
    pub fn moves_rows(&self) -> Option<&'static str> {
        self.changes.iter().find_map(|change| match change {
            Change::Rows(words) => Some(*words),
            _ => None,
        })
    }

    /// The first words of a part that is not known.
    pub fn unknown(&self) -> Option<&str> {
        self.changes.iter().find_map(|change| match change {
            Change::Unknown(words) => Some(words.as_str()),
            _ => None,
        })
    }

    /// Can it be told of every part that the columns are what they were?
    pub fn keeps_columns(&self) -> bool {
        !self.changes.iter().any(Change::touches_columns)
    }

    /// The changes in words.
    pub fn in_words(&self) -> String {
        let mut words: Vec<String> = self.changes.iter().map(ToString::to_string).collect();
        if let Some(name) = &self.rename_to {
            words.push(format!("rename to {}.{}", name.database, name.table));
        }
        words.join(", ")
    }
}

pub(super) fn alter(cursor: &mut Cursor<'_>) -> Option<Statement> {
    cursor.tokens.advance();
    skip_attributes(cursor);
    if is_other(cursor) || cursor.eat_one(&["database", "schema"]) {
        return Some(Statement::Irrelevant);
    }
    cursor.eat_one(&["online", "offline"]);
    let ignore = cursor.eat("ignore");
    if !cursor.eat("table") {
        return None;
    }
    cursor.eat_all(&["if", "exists"]);
    let mut altered = AlterTable {
        table: cursor.table()?,
        rename_to: None,
        others: Vec::new(),
        changes: Vec::new(),
    };
    cursor.skip_wait();
    while !cursor.ended() {
        if *cursor.tokens.current() == Token::Broken || part(cursor, &mut altered).is_none() {
            let words = cursor.first_words();
            altered.changes.push(Change::Unknown(words));
            break;
        }
        if !cursor.eat_symbol(',') && !cursor.exhausted() && !cursor.at_symbol(';') {
            let words = cursor.first_words();
            altered.changes.push(Change::Unknown(words));
            break;
        }
    }
    if ignore {
        // It drops rows that a new key finds twice, and bends values.
        altered.changes.push(Change::Rows("ALTER IGNORE TABLE"));
    }
    Some(Statement::AlterTable(altered))
}
