//! SQL on this server. Rows come back as JSON objects and are parsed into plain structs, so that a
//! catalog file is a struct and its queries. Not for bulk data.

use pgrx::datum::DatumWithOid;
use pgrx::{Spi, pg_sys};
use serde::de::DeserializeOwned;

use super::catalog_owner::as_role;
use super::statements;
use crate::error::{Error, Kind, Result};

/// A statement's argument.
#[derive(Debug, Clone, Copy)]
pub enum Arg<'a> {
    Bigint(Option<i64>),
    Text(Option<&'a str>),
    Boolean(bool),
    Double(Option<f64>),
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Arg::Bigint(Some(value))
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Arg::Text(Some(value))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Arg::Text(Some(value))
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Arg::Text(value)
    }
}

impl From<Option<i64>> for Arg<'_> {
    fn from(value: Option<i64>) -> Self {
        Arg::Bigint(value)
    }
}

impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Arg::Boolean(value)
    }
}

impl From<Option<f64>> for Arg<'_> {
    fn from(value: Option<f64>) -> Self {
        Arg::Double(value)
    }
}

impl From<f64> for Arg<'_> {
    fn from(value: f64) -> Self {
        Arg::Double(Some(value))
    }
}

fn datums<'a>(args: &[Arg<'_>]) -> Vec<DatumWithOid<'a>> {
    args.iter()
        .map(|arg| match arg {
            Arg::Bigint(value) => DatumWithOid::from(*value),
            Arg::Text(value) => DatumWithOid::from(value.map(str::to_owned)),
            Arg::Boolean(value) => DatumWithOid::from(*value),
            Arg::Double(value) => DatumWithOid::from(*value),
        })
        .collect()
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::new(
        Kind::Internal,
        format!("could not read a query's result: {error}"),
    )
}

/// Rows of a query, or of a `… RETURNING` statement, each parsed from its `row_to_json`.
pub fn query<T: DeserializeOwned>(sql: &str, args: &[Arg<'_>]) -> Result<Vec<T>> {
    let json = format!("WITH q AS ({sql}\n) SELECT pg_catalog.row_to_json(q)::text FROM q");
    let args = datums(args);
    let outcome = match only_reads(sql) {
        true => with_fresh_snapshot(|| statements::run(&json, &args, true))?,
        false => {
            require_writable();
            statements::run(&json, &args, false)?
        }
    };
    let rows = outcome.rows;
    rows.iter()
        .map(|row| serde_json::from_str(row).map_err(internal))
        .collect()
}

/// A statement that writes nothing needs no transaction id; the processes that look at the catalog
/// twice a second would use many.
fn only_reads(sql: &str) -> bool {
    sql.lines()
        .map(str::trim_start)
        .find(|line| !line.is_empty() && !line.starts_with("--"))
        .is_some_and(|line| line.starts_with("SELECT"))
}

/// A read sees what is committed now and what the transaction itself has done.
fn with_fresh_snapshot<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: inside a transaction; the snapshot pushed is popped below, or by the abort after an
    // ERROR.
    unsafe {
        pg_sys::CommandCounterIncrement();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    }
    let value = work();
    // SAFETY: pops what was pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
    value
}

/// PostgreSQL's own error where it does not understand a statement, as this role would run it. To
/// understand one it may run functions of the user's, those of domains: so the role matters.
pub fn require_valid(sql: &str, role: u32) -> Result<()> {
    as_role(role, || statements::parse(sql))
}

/// What a transaction has seen of pg_stat_activity and the like it sees until its end, unless it
/// forgets.
pub fn forget_statistics() {
    // SAFETY: what pg_stat_clear_snapshot() does; on the main thread, between two statements.
    unsafe { pg_sys::pgstat_clear_snapshot() };
}

/// The first row, if any.
pub fn query_first<T: DeserializeOwned>(sql: &str, args: &[Arg<'_>]) -> Result<Option<T>> {
    Ok(query(sql, args)?.into_iter().next())
}

/// PostgreSQL's own error where nothing can be written: on a standby, in a read-only transaction.
fn require_writable() {
    // SAFETY: raises its ERROR or returns; the string is static.
    unsafe {
        pg_sys::PreventCommandIfReadOnly(
            c"a function that changes the catalog of pg_tributary".as_ptr(),
        )
    };
}

/// Runs a statement; the number of rows it processed.
pub fn execute(sql: &str, args: &[Arg<'_>]) -> Result<u64> {
    require_writable();
    // Without arguments it is DDL, or names a table of the user's.
    if !args.is_empty() {
        return Ok(statements::run(sql, &datums(args), false)?.processed);
    }
    Spi::connect_mut(|client| {
        let table = client.update(sql, None, &[]).map_err(internal)?;
        Ok(table.len() as u64)
    })
}
