//! What a statement in the source's log does, as far as a follower has to know: does it begin or
//! end a transaction, change a table's shape or name, empty one, change rows that no row event
//! tells of? What cannot be told is [`Statement::Unknown`], never nothing.
//!
//! Only the beginning of a statement is judged, and an ALTER TABLE part by part; what a table looks
//! like afterwards is read from the source, never from the text.

mod added;
mod alter;
mod alter_part;
#[cfg(test)]
mod alter_tests;
mod cursor;
mod dml;
#[cfg(test)]
mod hostile;
mod table_ddl;
mod table_name;
#[cfg(test)]
mod tests;
mod token;
mod transaction;

pub use added::AddedColumn;
pub use alter::AlterTable;
pub use alter_part::Change;
pub use dml::Dml;
pub use table_ddl::CreateTable;
pub use table_name::{Renamed, TableName, renamed};
pub use token::Dialect;
pub use transaction::Xid;

use cursor::Cursor;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    Begin,
    Commit,
    /// At the end of a logged transaction: rows of tables that roll back are undone by it, and only
    /// those of tables that cannot (MyISAM, Aria, MEMORY) stay.
    Rollback,
    /// Harmless, but for what may follow: the server mostly cuts what was rolled back out of the log.
    Savepoint(String),
    /// Not harmless. It stands in the log where a change that cannot be rolled back came after the
    /// savepoint, and the rows that are undone by it stand in the log before it.
    RollbackTo(String),
    Release(String),
    XaStart(Xid),
    XaEnd(Xid),
    XaPrepare(Xid),
    XaCommit {
        xid: Xid,
        one_phase: bool,
    },
    XaRollback(Xid),
    /// All rows of the table are gone.
    Truncate(TableName),
    CreateTable(CreateTable),
    AlterTable(AlterTable),
    /// In their order; see [`renamed`].
    RenameTable(Vec<(TableName, TableName)>),
    /// With IF EXISTS some may not have been there.
    DropTable(Vec<TableName>),
    DropDatabase(String),
    CreateIndex(TableName),
    DropIndex(TableName),
    /// Touches neither rows nor the shape of a table that is copied.
    Irrelevant,
    /// Changes rows, and no row events do it for it: statement format.
    Dml(Dml),
    /// With its first words.
    Unknown(String),
}

/// Is a statement about a table?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    No,
    Yes,
    /// The statement does not say which tables it changes.
    Unclear,
}

/// `default_database` is the one of the statement's session.
pub fn classify(sql: &str, default_database: &str, dialect: Dialect) -> Statement {
    let mut cursor = Cursor::new(sql, default_database, dialect);
    loop {
        let start = cursor.clone();
        // MariaDB: SET STATEMENT max_statement_time = 5 FOR ALTER TABLE …
        if cursor.eat_all(&["set", "statement"]) {
            while !cursor.exhausted() && !cursor.at("for") {
                cursor.skip();
            }
            if cursor.eat("for") {
                continue;
            }
        }
        cursor = start.clone();
        let found = statement(&mut cursor);
        return found.unwrap_or_else(|| Statement::Unknown(start.first_words()));
    }
}

fn statement(cursor: &mut Cursor<'_>) -> Option<Statement> {
    let word = cursor.word()?;
    match word.as_str() {
        "begin" | "start" | "commit" | "rollback" | "savepoint" | "release" | "xa" => {
            transaction::transaction(cursor)
        }
        "create" => table_ddl::create(cursor),
        "alter" => alter::alter(cursor),
        "drop" => table_ddl::drop(cursor),
        "rename" => table_ddl::rename(cursor),
        "truncate" => table_ddl::truncate(cursor),
        "insert" | "replace" | "update" | "delete" | "load" | "call" | "do" | "select" | "with" => {
            dml::dml(cursor)
        }
        "analyze" | "optimize" | "repair" | "check" | "checksum" => maintenance(cursor),
        "grant" | "revoke" | "flush" | "set" | "install" | "uninstall" => {
            (!cursor.eat_all(&["set", "statement"])).then_some(Statement::Irrelevant)
        }
        _ => None,
    }
}

/// ANALYZE TABLE and its like; MariaDB's ANALYZE of a statement carries it out.
fn maintenance(cursor: &mut Cursor<'_>) -> Option<Statement> {
    cursor.tokens.advance();
    cursor.eat_one(&["no_write_to_binlog", "local"]);
    cursor
        .eat_one(&["table", "tables", "view"])
        .then_some(Statement::Irrelevant)
}

impl Statement {
    /// Is the statement about this table? A name in another letter case is another table, unless
    /// the dialect folds names; then give names in lower case.
    pub fn concern(&self, database: &str, table: &str) -> Concern {
        let unclear = std::cell::Cell::new(false);
        let is = |name: &TableName| {
            let is = name.is(database, table);
            unclear.set(unclear.get() || !is && name.may_be(database, table));
            is
        };
        let yes = match self {
            Statement::Truncate(name)
            | Statement::CreateIndex(name)
            | Statement::DropIndex(name) => is(name),
            Statement::CreateTable(created) => is(&created.table),
            Statement::AlterTable(altered) => {
                is(&altered.table)
                    || altered.rename_to.as_ref().is_some_and(is)
                    || altered.others.iter().any(is)
            }
            Statement::RenameTable(list) => list.iter().any(|(from, to)| is(from) || is(to)),
            Statement::DropTable(names) => names.iter().any(is),
            Statement::DropDatabase(name) => {
                unclear.set(name != database && table_name::may_be(name, database));
                name == database
            }
            Statement::Dml(dml) => {
                if !dml.told_in_full && !dml.tables.iter().any(is) {
                    return Concern::Unclear;
                }
                dml.tables.iter().any(is)
            }
            Statement::Unknown(_) => return Concern::Unclear,
            Statement::Begin
            | Statement::Commit
            | Statement::Rollback
            | Statement::Savepoint(_)
            | Statement::RollbackTo(_)
            | Statement::Release(_)
            | Statement::XaStart(_)
            | Statement::XaEnd(_)
            | Statement::XaPrepare(_)
            | Statement::XaCommit { .. }
            | Statement::XaRollback(_)
            | Statement::Irrelevant => false,
        };
        match yes {
            true => Concern::Yes,
            false if unclear.get() => Concern::Unclear,
            false => Concern::No,
        }
    }
}
