//! Tables that are created, dropped, renamed and emptied, and what else is created and dropped.

use super::Statement;
use super::cursor::Cursor;
use super::table_name::TableName;

/// A table that is created. One that was there before is gone with OR REPLACE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTable {
    pub table: TableName,
    pub or_replace: bool,
    /// MySQL logs it also where the table was there, and then nothing has changed.
    pub if_not_exists: bool,
    pub like: Option<TableName>,
    /// The rows come from a query in the statement itself, and no row events tell them.
    pub from_query: bool,
    /// Its rows follow in the same transaction (MySQL's form of CREATE TABLE … SELECT). MariaDB's has
    /// no mark; there the event before it says that the transaction goes on.
    pub rows_follow: bool,
}

/// Objects that hold no rows and are no part of a table that is copied.
const OTHER_OBJECTS: [&str; 26] = [
    "view",
    "procedure",
    "function",
    "trigger",
    "event",
    "user",
    "role",
    "server",
    "sequence",
    "tablespace",
    "logfile",
    "undo",
    "package",
    "resource",
    "library",
    "materialized",
    "json",
    "instance",
    "loadable",
    "prepare",
    "soname",
    "catalog",
    "masking",
    "rewriter",
    "component",
    "plugin",
];

/// What is created, dropped or altered without a table being touched?
pub(super) fn is_other(cursor: &Cursor<'_>) -> bool {
    let word = cursor.word();
    let listed = |word: &String| OTHER_OBJECTS.contains(&word.as_str());
    word.as_ref().is_some_and(listed) || cursor.at_both("spatial", "reference")
}

/// Steps over what may stand between the verb and the kind of object: `DEFINER = a@b`,
/// `ALGORITHM = MERGE`, `SQL SECURITY INVOKER`.
pub(super) fn skip_attributes(cursor: &mut Cursor<'_>) {
    loop {
        if cursor.eat("algorithm") {
            cursor.eat_symbol('=');
            cursor.skip();
        } else if cursor.eat("definer") {
            cursor.eat_symbol('=');
            cursor.skip();
            // `current_user()`, `a@b`.
            if cursor.at_symbol('(') || cursor.eat_symbol('@') {
                cursor.skip();
            }
        } else if cursor.eat_all(&["sql", "security"]) {
            cursor.skip();
        } else if !cursor.eat("aggregate") {
            return;
        }
    }
}

pub(super) fn create(cursor: &mut Cursor<'_>) -> Option<Statement> {
    cursor.tokens.advance();
    let or_replace = cursor.eat_all(&["or", "replace"]);
    skip_attributes(cursor);
    if cursor.eat("temporary") {
        let known = cursor.eat_one(&["table", "sequence", "tables"]);
        return known.then_some(Statement::Irrelevant);
    }
    if cursor.eat("table") {
        return create_table(cursor, or_replace);
    }
    if is_other(cursor) || cursor.eat_one(&["database", "schema"]) {
        return Some(Statement::Irrelevant);
    }
    while cursor.eat_one(&[
        "online", "offline", "unique", "fulltext", "spatial", "vector",
    ]) {}
    if !cursor.eat("index") {
        return None;
    }
    cursor.eat_all(&["if", "not", "exists"]);
    cursor.name()?;
    // USING BTREE may come before.
    if cursor.eat("using") {
        cursor.name()?;
    }
    cursor.skip_wait();
    match cursor.eat("on") {
        true => Some(Statement::CreateIndex(cursor.table()?)),
        false => None,
    }
}

fn create_table(cursor: &mut Cursor<'_>, or_replace: bool) -> Option<Statement> {
    let if_not_exists = cursor.eat_all(&["if", "not", "exists"]);
    let mut created = CreateTable {
        table: cursor.table()?,
        or_replace,
        if_not_exists,
        like: None,
        from_query: false,
        rows_follow: false,
    };
    let mut ahead = cursor.clone();
    ahead.eat_symbol('(');
    if ahead.eat("like") {
        created.like = Some(ahead.table()?);
        return Some(Statement::CreateTable(created));
    }
    while !cursor.exhausted() {
        // A column of such a name is quoted; VALUES stands in parentheses where it is a partition's.
        let query = cursor.eat_one(&["select", "values", "table"]);
        created.from_query |= query;
        created.rows_follow = cursor.eat_all(&["start", "transaction"]) && cursor.ended();
        if !query && !created.rows_follow {
            match queried(cursor) {
                true => while cursor.eat_symbol('(') {},
                false => cursor.skip(),
            }
        }
    }
    // Of a statement that is too long to be read to its end the name is known all the same.
    created.from_query |= !cursor.ended();
    Some(Statement::CreateTable(created))
}

/// Are these the parentheses of a query?
fn queried(cursor: &Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    while ahead.eat_symbol('(') {}
    cursor.at_symbol('(') && (ahead.at("select") || ahead.at("with") || ahead.at("values"))
}

pub(super) fn drop(cursor: &mut Cursor<'_>) -> Option<Statement> {
    cursor.tokens.advance();
    if cursor.eat("temporary") {
        let known = cursor.eat_one(&["table", "tables", "sequence"]);
        return known.then_some(Statement::Irrelevant);
    }
    if cursor.eat_one(&["table", "tables"]) {
        cursor.eat_all(&["if", "exists"]);
        let tables = cursor.table_list()?;
        cursor.skip_wait();
        cursor.eat_one(&["restrict", "cascade"]);
        return cursor.ended().then_some(Statement::DropTable(tables));
    }
    if cursor.eat_one(&["database", "schema"]) {
        cursor.eat_all(&["if", "exists"]);
        let name = cursor.database()?;
        return cursor.ended().then_some(Statement::DropDatabase(name));
    }
    if is_other(cursor) {
        return Some(Statement::Irrelevant);
    }
    cursor.eat_one(&["online", "offline"]);
    if !cursor.eat("index") {
        return None;
    }
    cursor.eat_all(&["if", "exists"]);
    cursor.name()?;
    match cursor.eat("on") {
        true => Some(Statement::DropIndex(cursor.table()?)),
        false => None,
    }
}

pub(super) fn rename(cursor: &mut Cursor<'_>) -> Option<Statement> {
    cursor.tokens.advance();
    if cursor.eat("user") {
        return Some(Statement::Irrelevant);
    }
    if !cursor.eat_one(&["table", "tables"]) {
        return None;
    }
    cursor.eat_all(&["if", "exists"]);
    let mut list = Vec::new();
    loop {
        let from = cursor.table()?;
        cursor.skip_wait();
        if !cursor.eat("to") {
            return None;
        }
        list.push((from, cursor.table()?));
        if !cursor.eat_symbol(',') {
            return cursor.ended().then_some(Statement::RenameTable(list));
        }
    }
}

pub(super) fn truncate(cursor: &mut Cursor<'_>) -> Option<Statement> {
    cursor.tokens.advance();
    cursor.eat("table");
    let table = cursor.table()?;
    cursor.skip_wait();
    // MariaDB's Oracle mode.
    if cursor.eat_one(&["drop", "reuse"]) {
        cursor.eat("storage");
    }
    cursor.ended().then_some(Statement::Truncate(table))
}
