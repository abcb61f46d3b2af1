//! Columns that an ALTER TABLE adds, with their defaults: what the rows that are there get.

use super::alter::AlterTable;
use super::alter_part::{Change, constraint, skip_part};
use super::cursor::Cursor;
use super::token::Token;

/// A column as the statement adds it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AddedColumn {
    pub name: String,
    /// What follows DEFAULT, as it is written: what the rows that were there have in the column.
    pub default: Option<String>,
    /// It may have been there.
    pub if_not_exists: bool,
}

/// One column, or several in parentheses.
pub(super) fn columns(
    cursor: &mut Cursor<'_>,
    altered: &mut AlterTable,
    if_not_exists: bool,
) -> Option<()> {
    let many = cursor.eat_symbol('(');
    loop {
        if many && let Some(change) = constraint(cursor) {
            altered.changes.push(change);
            cursor.skip_item();
        } else {
            let name = cursor.name()?;
            let default = definition(cursor);
            altered.changes.push(Change::AddColumn(AddedColumn {
                name,
                default,
                if_not_exists,
            }));
        }
        if !many {
            return skip_part(cursor);
        }
        if !cursor.eat_symbol(',') {
            cursor.eat_symbol(')').then_some(())?;
            return skip_part(cursor);
        }
    }
}

/// Reads a column's definition for its default.
fn definition(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut default = None;
    let ends = |cursor: &Cursor<'_>| {
        cursor.exhausted()
            || cursor.at_symbol(',')
            || cursor.at_symbol(';')
            || cursor.at_symbol(')')
    };
    while !ends(cursor) {
        // The other places of the word DEFAULT.
        if cursor.eat_one(&["column_format", "storage", "set"]) && !ends(cursor) {
            cursor.skip();
            continue;
        }
        if default.is_some() || !cursor.eat("default") {
            if !ends(cursor) {
                cursor.skip();
            }
            continue;
        }
        let (from, mut to) = (cursor.tokens.start(), cursor.tokens.start());
        // A sign, a word with its string or arguments, strings side by side; then what follows is
        // the next word.
        let mut whole = false;
        while !ends(cursor) {
            let follows = match cursor.tokens.current() {
                Token::Word(_) | Token::Name(_) => !whole,
                Token::Symbol('-' | '+') => !whole,
                Token::Symbol('.') => true,
                Token::Symbol('(') => true,
                Token::Text { .. } => true,
                _ => false,
            };
            // Both sides of a decimal point.
            let joined = cursor.tokens.start() == to && from != to;
            let digits = matches!(cursor.tokens.current(), Token::Word(word) if joined && word.starts_with(|c: char| c.is_ascii_digit()));
            if !follows && !digits {
                break;
            }
            whole |= !cursor.at_symbol('-') && !cursor.at_symbol('+');
            to = past(cursor);
        }
        default = Some(cursor.tokens.text(from, to).to_string());
    }
    // Such a text cannot be kept, and no column here can have it.
    default.filter(|default| !default.contains('\0'))
}

/// Steps over the token or group in view; returns where it ended.
fn past(cursor: &mut Cursor<'_>) -> usize {
    let mut depth = 0_usize;
    loop {
        if cursor.at_symbol('(') {
            depth += 1;
        } else if cursor.at_symbol(')') {
            depth = depth.saturating_sub(1);
        }
        let end = cursor.tokens.end();
        cursor.tokens.advance();
        if depth == 0 || cursor.exhausted() {
            return end;
        }
    }
}
