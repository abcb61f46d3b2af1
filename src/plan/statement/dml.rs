//! Changes of rows in statement format, with the tables that they name. A trigger, a cascade or a
//! function can change others as well.

use super::Statement;
use super::cursor::Cursor;
use super::table_name::TableName;
use super::token::Token;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dml {
    /// Its first word, in capitals.
    pub verb: String,
    /// The tables that it changes, and some that it may only read.
    pub tables: Vec<TableName>,
    /// False where the text does not tell all tables: a call of a routine.
    pub told_in_full: bool,
    /// A DELETE of all rows of its one table.
    pub empties: bool,
}

const MODIFIERS: [&str; 7] = [
    "low_priority",
    "high_priority",
    "delayed",
    "quick",
    "ignore",
    "concurrent",
    "history",
];

/// Words after which an UPDATE or DELETE names no table any more that it changes.
const ENDS: [&str; 5] = ["set", "where", "order", "limit", "returning"];

pub(super) fn dml(cursor: &mut Cursor<'_>) -> Option<Statement> {
    let verb = cursor.word()?;
    cursor.tokens.advance();
    let mut empties = false;
    let tables = match verb.as_str() {
        "insert" | "replace" => {
            skip_modifiers(cursor);
            cursor.eat("into");
            Some(vec![cursor.table()?])
        }
        "update" => {
            skip_modifiers(cursor);
            Some(references(cursor)?)
        }
        "delete" => Some(delete(cursor, &mut empties)?),
        "load" => Some(load(cursor)?),
        _ => None,
    };
    Some(Statement::Dml(Dml {
        verb: verb.to_ascii_uppercase(),
        told_in_full: tables.is_some(),
        tables: tables.unwrap_or_default(),
        empties,
    }))
}

fn skip_modifiers(cursor: &mut Cursor<'_>) {
    while cursor.eat_one(&MODIFIERS) {}
}

fn delete(cursor: &mut Cursor<'_>, empties: &mut bool) -> Option<Vec<TableName>> {
    let history = cursor.clone().eat("history");
    skip_modifiers(cursor);
    if !cursor.eat("from") {
        // DELETE a, b.* FROM …: the names may be aliases of what follows.
        let mut tables = targets(cursor)?;
        if !cursor.eat("from") {
            return None;
        }
        tables.extend(references(cursor)?);
        return Some(tables);
    }
    let mut ahead = cursor.clone();
    let whole = ahead.table().is_some() && ahead.ended();
    *empties = whole && !history;
    let mut many = cursor.clone();
    if let Some(mut tables) = targets(&mut many)
        && many.eat("using")
    {
        tables.extend(references(&mut many)?);
        return Some(tables);
    }
    references(cursor)
}

/// `a, b.c, d.*`
fn targets(cursor: &mut Cursor<'_>) -> Option<Vec<TableName>> {
    let mut tables = Vec::new();
    loop {
        let mut name = cursor.clone();
        let table = name.table();
        match table {
            Some(table) => {
                tables.push(table);
                *cursor = name;
                if cursor.eat_symbol('.') {
                    cursor.eat_symbol('*');
                }
            }
            // `t.*`: what follows the point is no name.
            None => {
                tables.push(bare(cursor)?);
                if !cursor.eat_symbol('.') || !cursor.eat_symbol('*') {
                    return None;
                }
            }
        }
        if !cursor.eat_symbol(',') {
            return Some(tables);
        }
    }
}

/// The name in view, whatever stands behind it.
fn bare(cursor: &mut Cursor<'_>) -> Option<TableName> {
    let database = cursor.database_in_use();
    let name = cursor.name()?;
    Some(TableName::new(database, name, cursor.tokens.dialect()))
}

/// The tables of a join, up to what is done with them.
fn references(cursor: &mut Cursor<'_>) -> Option<Vec<TableName>> {
    let mut tables = Vec::new();
    let mut awaited = true;
    while !cursor.exhausted() && !cursor.at_symbol(';') {
        if awaited {
            if cursor.eat_symbol('(') {
                if cursor.at("select") || cursor.at("with") || cursor.at("values") {
                    skip_query(cursor);
                    awaited = false;
                }
            } else if !cursor.eat_one(&["lateral", "only"]) {
                tables.push(cursor.table()?);
                awaited = false;
            }
        } else if cursor.eat("using") {
            // A join's columns.
            if !cursor.at_symbol('(') {
                break;
            }
            cursor.skip();
        } else if ENDS.iter().any(|word| cursor.at(word)) {
            break;
        } else if cursor.at_symbol('(') {
            cursor.skip();
        } else {
            awaited = cursor.at_symbol(',') || cursor.at("join") || cursor.at("straight_join");
            cursor.tokens.advance();
        }
    }
    // A text that cannot be read to its end may name more.
    let whole = *cursor.tokens.current() != Token::Broken && !tables.is_empty();
    (whole && !awaited).then_some(tables)
}

/// Steps over the rest of a query in parentheses and what closes it.
fn skip_query(cursor: &mut Cursor<'_>) {
    while !cursor.exhausted() && !cursor.at_symbol(')') {
        cursor.skip();
    }
    cursor.eat_symbol(')');
}

/// LOAD DATA … INTO TABLE t.
fn load(cursor: &mut Cursor<'_>) -> Option<Vec<TableName>> {
    if !cursor.eat_one(&["data", "xml"]) {
        return None;
    }
    while !cursor.exhausted() {
        if cursor.eat_all(&["into", "table"]) {
            return Some(vec![cursor.table()?]);
        }
        cursor.skip();
    }
    None
}
