//! Temporary tables of this session that are kept from transaction to transaction and emptied by hand.
//!
//! `ON COMMIT DELETE ROWS` would empty every such table at every commit that used one of them. And nothing
//! freezes the rows of a temporary table but its own session: one that is kept for weeks would hold the
//! database's oldest transaction back, so an old one is to be made anew.

use std::ffi::CString;

use pgrx::pg_sys;

use super::relation::{self, Relation};
use super::{role, spi};
use crate::error::{Error, Kind, Result};
use crate::plan::identifier::qualified;

/// So many transactions after its creation a table is old: a tenth of what makes the server itself worry.
const OLD: u32 = 20_000_000;

#[derive(Debug)]
pub struct SessionTable {
    pub relation: Relation,
    /// The next transaction when it was made.
    made_at: u32,
}

impl SessionTable {
    /// Makes the table with a statement, in place of what has its name.
    pub fn create(name: &str, sql: &str) -> Result<Self> {
        SessionTable::drop_if_exists(name)?;
        spi::execute(sql, &[])?;
        let made_at = next_transaction();
        // SAFETY: catalog look-ups; a palloc'ed string or NULL.
        let schema = unsafe { role::text(pg_sys::get_namespace_name(own_schema())) };
        let relation = match schema {
            Some(schema) => relation::find(&schema, name)?,
            None => None,
        };
        let relation = relation.ok_or_else(|| {
            Error::new(
                Kind::Internal,
                format!("temporary table {name} is not there although it was created"),
            )
        })?;
        Ok(SessionTable { relation, made_at })
    }

    /// It is still there, as made, and not old. Not so after the transaction that made it rolled back.
    pub fn holds(&self, name: &str) -> Result<bool> {
        let same = i64::from(find(name)?.to_u32()) == self.relation.oid;
        Ok(same && !self.is_old())
    }

    pub fn is_old(&self) -> bool {
        next_transaction().wrapping_sub(self.made_at) >= OLD
    }

    /// Drops a table of this session.
    pub fn drop_if_exists(name: &str) -> Result<()> {
        if find(name)? != pg_sys::Oid::INVALID {
            spi::execute(&format!("DROP TABLE {}", qualified("pg_temp", name)), &[])?;
        }
        Ok(())
    }

    /// Drops all tables of this session whose names begin so.
    pub fn drop_all(prefixes: &[&str]) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct Row {
            name: String,
        }
        let rows: Vec<Row> = spi::query(
            "SELECT relname::text AS name FROM pg_catalog.pg_class \
             WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind = 'r'",
            &[],
        )?;
        for row in rows {
            if prefixes.iter().any(|prefix| row.name.starts_with(prefix)) {
                SessionTable::drop_if_exists(&row.name)?;
            }
        }
        Ok(())
    }

    /// Throws all rows away at once. A rollback does not bring them back.
    pub fn empty(&self) -> Result<()> {
        let oid = relation::oid(&self.relation)?;
        // SAFETY: the table is this session's own and nothing has it open; the lock is given back at the
        // transaction's end. An ERROR unwinds to the caller's `catch`.
        unsafe {
            let open = pg_sys::table_open(oid, pg_sys::AccessExclusiveLock as pg_sys::LOCKMODE);
            let toast = (*(*open).rd_rel).reltoastrelid;
            if toast != pg_sys::Oid::INVALID && pages(toast) > 0 {
                // Builds the index of the long values anew, which takes more than all the rest.
                pg_sys::heap_truncate_one_rel(open);
            } else if pages(oid) > 0 {
                pg_sys::RelationTruncate(open, 0);
            }
            pg_sys::table_close(open, pg_sys::NoLock as pg_sys::LOCKMODE);
        }
        Ok(())
    }
}

/// The size of a table of this session.
///
/// # Safety
/// Inside a transaction; it is there.
unsafe fn pages(oid: pg_sys::Oid) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        let open = pg_sys::table_open(oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        let pages = pg_sys::RelationGetNumberOfBlocksInFork(open, pg_sys::ForkNumber::MAIN_FORKNUM);
        pg_sys::table_close(open, pg_sys::NoLock as pg_sys::LOCKMODE);
        pages
    }
}

fn own_schema() -> pg_sys::Oid {
    // SAFETY: a catalog look-up inside a transaction.
    unsafe { pg_sys::LookupNamespaceNoError(c"pg_temp".as_ptr()) }
}

fn find(name: &str) -> Result<pg_sys::Oid> {
    let name = CString::new(name)
        .map_err(|_| Error::new(Kind::InvalidParameter, "a name contains a NUL byte"))?;
    let schema = own_schema();
    if schema == pg_sys::Oid::INVALID {
        return Ok(schema);
    }
    // SAFETY: a catalog look-up inside a transaction.
    Ok(unsafe { pg_sys::get_relname_relid(name.as_ptr(), schema) })
}

/// The number of the next transaction, without its epoch.
fn next_transaction() -> u32 {
    // SAFETY: reads shared memory under its lock.
    unsafe { pg_sys::ReadNextFullTransactionId() }.value as u32
}
