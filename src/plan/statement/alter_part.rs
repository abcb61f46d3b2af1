//! One part of an ALTER TABLE, up to its comma.

use std::fmt;

use super::added::{AddedColumn, columns};
use super::alter::AlterTable;
use super::cursor::Cursor;
use super::token::Token;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    AddColumn(AddedColumn),
    DropColumn(String),
    /// Its definition, by the name that it has after the statement.
    ModifyColumn(String),
    RenameColumn {
        from: String,
        to: String,
    },
    /// The default of a column.
    Default(String),
    /// A secondary index that is not unique.
    Index,
    /// A primary or unique key, which may be how rows are found.
    Key,
    /// Foreign keys and checks.
    Constraint,
    /// CONVERT TO CHARACTER SET: of all text columns.
    CharacterSet,
    /// Options of the table, and what only rebuilds it.
    Options,
    /// Partitions, without a loss of rows.
    Partitions,
    /// Rows come or go, and no row events tell it.
    Rows(&'static str),
    /// With its first words.
    Unknown(String),
}

impl Change {
    /// Can columns be others after it, or in another order?
    pub fn touches_columns(&self) -> bool {
        !matches!(
            self,
            Change::Default(_)
                | Change::Index
                | Change::Constraint
                | Change::Options
                | Change::Partitions
                | Change::Rows(_)
        )
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::AddColumn(column) => write!(f, "add column {}", column.name),
            Change::DropColumn(name) => write!(f, "drop column {name}"),
            Change::ModifyColumn(name) => write!(f, "modify column {name}"),
            Change::RenameColumn { from, to } => write!(f, "rename column {from} to {to}"),
            Change::Default(name) => write!(f, "default of column {name}"),
            Change::Index => f.write_str("index"),
            Change::Key => f.write_str("key"),
            Change::Constraint => f.write_str("constraint"),
            Change::CharacterSet => f.write_str("character set"),
            Change::Options => f.write_str("options"),
            Change::Partitions => f.write_str("partitions"),
            Change::Rows(words) => f.write_str(words),
            Change::Unknown(words) => write!(f, "unknown ({words})"),
        }
    }
}

/// Words that an option of a table begins with. One with an equals sign needs no place here.
const OPTIONS: [&str; 36] = [
    "algorithm",
    "auto_increment",
    "avg_row_length",
    "character",
    "charset",
    "checksum",
    "collate",
    "comment",
    "compression",
    "connection",
    "data",
    "default",
    "delay_key_write",
    "disable",
    "enable",
    "encryption",
    "force",
    "index",
    "insert_method",
    "key_block_size",
    "lock",
    "max_rows",
    "min_rows",
    "pack_keys",
    "password",
    "row_format",
    "secondary_engine",
    "secondary_load",
    "secondary_unload",
    "stats_auto_recalc",
    "stats_persistent",
    "stats_sample_pages",
    "tablespace",
    "type",
    "union",
    "without",
];

/// Operations on partitions that keep every row, and move some at most.
const PARTITIONS: [&str; 9] = [
    "analyze",
    "check",
    "coalesce",
    "optimize",
    "rebuild",
    "remove",
    "reorganize",
    "repair",
    "upgrade",
];

/// None where the part is not known.
pub(super) fn part(cursor: &mut Cursor<'_>, altered: &mut AlterTable) -> Option<()> {
    let word = cursor.word()?;
    let start = cursor.clone();
    cursor.tokens.advance();
    let change = match word.as_str() {
        "add" => return add(cursor, altered),
        "drop" => dropped(cursor)?,
        "modify" => {
            skip_column(cursor);
            Change::ModifyColumn(cursor.name()?)
        }
        "change" => {
            skip_column(cursor);
            let from = cursor.name()?;
            let to = cursor.name()?;
            if from != to {
                let to = to.clone();
                altered.changes.push(Change::RenameColumn { from, to });
            }
            Change::ModifyColumn(to)
        }
        "rename" => return rename(cursor, altered),
        "alter" => altered_part(cursor)?,
        "order" => {
            skip_order(cursor);
            Change::Options
        }
        "convert" => convert(cursor, altered)?,
        "partition" => Change::Partitions,
        "truncate" if cursor.at("partition") => whole(cursor, "TRUNCATE PARTITION"),
        "exchange" if cursor.at("partition") => {
            while !cursor.exhausted() && !cursor.eat_all(&["with", "table"]) {
                cursor.skip();
            }
            altered.others.push(cursor.table()?);
            Change::Rows("EXCHANGE PARTITION")
        }
        "discard" => whole(cursor, "DISCARD TABLESPACE"),
        "import" => whole(cursor, "IMPORT TABLESPACE"),
        "engine" => {
            cursor.eat_symbol('=');
            let quoted = matches!(cursor.tokens.current(), Token::Text { raw, .. } if raw.eq_ignore_ascii_case("blackhole"))
                || matches!(cursor.tokens.current(), Token::Name(name) if name.eq_ignore_ascii_case("blackhole"));
            match quoted || cursor.at("blackhole") {
                true => Change::Rows("ENGINE = BLACKHOLE"),
                false => Change::Options,
            }
        }
        // Bare or WITH VALIDATION.
        "with" if cursor.at("validation") => Change::Options,
        "with" => Change::Unknown(start.first_words()),
        _ if PARTITIONS.contains(&word.as_str())
            && (cursor.at("partition") || cursor.at("partitioning")) =>
        {
            skip_all(cursor);
            Change::Partitions
        }
        _ if OPTIONS.contains(&word.as_str()) || cursor.at_symbol('=') => Change::Options,
        _ => {
            *cursor = start;
            return None;
        }
    };
    altered.changes.push(change);
    skip_part(cursor)
}

/// Steps up to the comma that ends the part.
pub(super) fn skip_part(cursor: &mut Cursor<'_>) -> Option<()> {
    while ![',', ';', ')'].iter().any(|end| cursor.at_symbol(*end)) && !cursor.exhausted() {
        cursor.skip();
    }
    (*cursor.tokens.current() != Token::Broken).then_some(())
}

/// Steps to the end: operations on partitions stand alone, and their commas are between partitions.
fn skip_all(cursor: &mut Cursor<'_>) {
    while !cursor.exhausted() && !cursor.at_symbol(';') {
        cursor.skip();
    }
}

fn whole(cursor: &mut Cursor<'_>, words: &'static str) -> Change {
    skip_all(cursor);
    Change::Rows(words)
}

fn skip_column(cursor: &mut Cursor<'_>) {
    cursor.eat("column");
    cursor.eat_all(&["if", "exists"]);
}

/// `ORDER BY a, b DESC`: its commas are its own while bare names follow them.
fn skip_order(cursor: &mut Cursor<'_>) {
    cursor.eat("by");
    loop {
        cursor.table();
        cursor.eat_one(&["asc", "desc"]);
        let mut ahead = cursor.clone();
        ahead.eat_symbol(',');
        let named = ahead.table().is_some();
        ahead.eat_one(&["asc", "desc"]);
        if !cursor.at_symbol(',') || !named || !(ahead.at_symbol(',') || ahead.exhausted()) {
            return;
        }
        cursor.tokens.advance();
    }
}

fn add(cursor: &mut Cursor<'_>, altered: &mut AlterTable) -> Option<()> {
    let change = if cursor.at("partition") {
        skip_all(cursor);
        Change::Partitions
    } else if cursor.at_both("period", "for") || cursor.at_both("system", "versioning") {
        Change::Unknown(cursor.first_words())
    } else if cursor.eat("constraint") {
        if !["primary", "unique", "foreign", "check"]
            .iter()
            .any(|word| cursor.at(word))
        {
            cursor.name()?;
        }
        constraint(cursor)?
    } else if let Some(change) = constraint(cursor) {
        change
    } else {
        cursor.eat("column");
        let if_not_exists = cursor.eat_all(&["if", "not", "exists"]);
        return columns(cursor, altered, if_not_exists);
    };
    altered.changes.push(change);
    skip_part(cursor)
}

/// A key or a check that is added, if it is one.
pub(super) fn constraint(cursor: &mut Cursor<'_>) -> Option<Change> {
    if cursor.eat_one(&["primary", "unique"]) {
        Some(Change::Key)
    } else if cursor.eat_one(&["foreign", "check"]) {
        Some(Change::Constraint)
    } else if cursor.eat_one(&["index", "key", "fulltext", "spatial"])
        || cursor.eat_all(&["vector", "index"])
        || cursor.eat_all(&["vector", "key"])
    {
        Some(Change::Index)
    } else {
        None
    }
}

fn dropped(cursor: &mut Cursor<'_>) -> Option<Change> {
    Some(if cursor.eat("partition") {
        whole(cursor, "DROP PARTITION")
    } else if cursor.eat_all(&["primary", "key"]) {
        Change::Key
    } else if cursor.eat_one(&["index", "key"]) {
        // Which may have been unique.
        Change::Key
    } else if cursor.eat("constraint") {
        Change::Key
    } else if cursor.eat_all(&["foreign", "key"]) || cursor.eat("check") {
        Change::Constraint
    } else if cursor.at_both("system", "versioning") {
        Change::Rows("DROP SYSTEM VERSIONING")
    } else if cursor.at_both("period", "for") {
        Change::Unknown("drop period".to_string())
    } else {
        skip_column(cursor);
        Change::DropColumn(cursor.name()?)
    })
}

fn rename(cursor: &mut Cursor<'_>, altered: &mut AlterTable) -> Option<()> {
    if cursor.eat("column") {
        cursor.eat_all(&["if", "exists"]);
        let from = cursor.name()?;
        cursor.eat("to").then_some(())?;
        let to = cursor.name()?;
        altered.changes.push(Change::RenameColumn { from, to });
    } else if cursor.eat_one(&["index", "key"]) {
        cursor.eat_all(&["if", "exists"]);
        altered.changes.push(Change::Index);
    } else {
        if !cursor.eat_one(&["to", "as"]) {
            cursor.eat_symbol('=');
        }
        altered.rename_to = Some(cursor.table()?);
    }
    skip_part(cursor)
}

/// ALTER of a column, an index or a constraint inside of ALTER TABLE.
fn altered_part(cursor: &mut Cursor<'_>) -> Option<Change> {
    if cursor.eat_one(&["index", "key"]) {
        return Some(Change::Index);
    }
    if cursor.eat_one(&["check", "constraint"]) {
        return Some(Change::Constraint);
    }
    skip_column(cursor);
    Some(Change::Default(cursor.name()?))
}

fn convert(cursor: &mut Cursor<'_>, altered: &mut AlterTable) -> Option<Change> {
    if cursor.eat("to") {
        return Some(Change::CharacterSet);
    }
    if cursor.eat("partition") {
        cursor.name()?;
        cursor.eat_all(&["to", "table"]).then_some(())?;
        altered.others.push(cursor.table()?);
        return Some(whole(cursor, "CONVERT PARTITION TO TABLE"));
    }
    cursor.eat("table").then_some(())?;
    altered.others.push(cursor.table()?);
    Some(whole(cursor, "CONVERT TABLE TO PARTITION"))
}
