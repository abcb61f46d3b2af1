//! Statements of the log that stand in the way of a unit: what they do no row event tells.

use super::assemble::FollowedTable;
use crate::error::{Error, Kind};
use crate::plan::statement::{Concern, Statement, renamed};
use crate::source::log::Obstacle;

/// What a statement that concerns a unit so is to it; None: it may go on.
pub fn obstacle(
    table: &FollowedTable,
    concern: Concern,
    statement: &Statement,
) -> Option<Obstacle> {
    if concern == Concern::No {
        return None;
    }
    let plan = &table.plan;
    let what = match statement {
        // What a source with tables in memory logs when it starts.
        Statement::Dml(dml) if dml.empties && concern == Concern::Yes => return None,
        Statement::Dml(_) => {
            return Some(Obstacle::Refused(
                refused("rows were changed by a statement in statement format")
                    .with_detail("Its row changes do not stand in the log.")
                    .with_hint("at the source: SET GLOBAL binlog_format = 'ROW'; then SELECT sync_resync('<job>', '<unit>');"),
            ));
        }
        Statement::Unknown(words) => {
            return Some(Obstacle::Refused(
                refused(format!(
                    "the log has a statement that is not understood: {words}"
                ))
                .with_hint("look at what it has done; then SELECT sync_resync('<job>', '<unit>');"),
            ));
        }
        _ if concern == Concern::Unclear => {
            return Some(Obstacle::Refused(
                refused("the log has a statement about a table whose name cannot be read, and may be this one's")
                    .with_hint("look at what it has done; then SELECT sync_resync('<job>', '<unit>');"),
            ));
        }
        Statement::DropTable(_) | Statement::DropDatabase(_) => {
            "the table was dropped at the source".to_owned()
        }
        Statement::RenameTable(list) => {
            let renamed = renamed(list, &plan.source_schema, &plan.source_table);
            match (&renamed.now, &renamed.instead) {
                (None, None) => return None,
                // Its copy has its rows; whether it has its shape, the next row tells.
                _ if renamed.by_tool(&plan.source_table) => return None,
                (_, Some(other)) => {
                    format!("table {} has taken its name at the source", other.table)
                }
                (Some(now), None) => {
                    format!("the table is named {} at the source now", now.table)
                }
            }
        }
        Statement::AlterTable(altered) => match &altered.rename_to {
            Some(to) if altered.table.is(&plan.source_schema, &plan.source_table) => {
                format!("the table is named {} at the source now", to.table)
            }
            Some(_) => "another table has taken its name at the source".to_owned(),
            None => match (altered.moves_rows(), altered.unknown()) {
                (Some(words), _) => {
                    format!(
                        "ALTER TABLE at the source has moved rows, which no row event tells: {words}"
                    )
                }
                (None, Some(words)) => {
                    format!("ALTER TABLE at the source has done what is not understood: {words}")
                }
                (None, None) => return None,
            },
        },
        Statement::CreateTable(created) if created.or_replace => {
            "the table was replaced by another one at the source".to_owned()
        }
        _ => return None,
    };
    if table.ignores_ddl {
        return None;
    }
    Some(Obstacle::Redefined(
        refused(what).with_hint("SELECT sync_resync('<job>', '<unit>');"),
    ))
}

fn refused(what: impl Into<String>) -> Error {
    Error::new(Kind::LogUnsupported, what)
}

pub fn rolled_back() -> Error {
    refused("a transaction of the log undoes rows of this table that stand in it")
        .with_detail(
            "The source logs that where tables that roll back and tables that do not were changed together.",
        )
        .with_hint("SELECT sync_resync('<job>', '<unit>');")
}

pub fn unfinished() -> Error {
    refused("a file of the log ends in the midst of a transaction that has changed this table")
        .with_detail("The next file was not begun by a start of the source.")
        .with_hint("SELECT sync_resync('<job>', '<unit>');")
}

pub fn unsupported_xa() -> Error {
    refused("an XA transaction has changed this table, and whether it commits is not known yet")
        .with_hint("when it has ended: SELECT sync_resync('<job>', '<unit>');")
}
