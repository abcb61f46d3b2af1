//! Statements that this session has prepared. The catalog is asked the same few questions again and
//! again, and planning one takes ten times as long as its answer.
//!
//! PostgreSQL plans a kept statement anew by itself when what it names was changed, or where the search
//! path is another one; and it checks the rights of whoever runs it each time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::rc::Rc;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;

use crate::error::{Error, Kind, Result};

/// There are about a hundred with fixed text. Those that name a table of the user's come and go.
const MOST: usize = 250;

thread_local! {
    static PREPARED: RefCell<HashMap<Key, Rc<Statement>>> = RefCell::default();
}

/// The text, and the types of its arguments: a statement must not be run with others.
type Key = (String, Vec<pg_sys::Oid>);

/// A statement that PostgreSQL keeps, with a plan for all arguments.
struct Statement(pg_sys::SPIPlanPtr);

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the plan was kept, and nobody else has it.
        unsafe { pg_sys::SPI_freeplan(self.0) };
    }
}

/// What a statement has come to.
pub(super) struct Outcome {
    /// The first column of each row.
    pub rows: Vec<String>,
    pub processed: u64,
}

/// Runs a statement. One that writes nothing sees the snapshot that is active.
pub(super) fn run(sql: &str, args: &[DatumWithOid<'_>], reads: bool) -> Result<Outcome> {
    let types: Vec<pg_sys::Oid> = args.iter().map(DatumWithOid::oid).collect();
    // SAFETY: inside a transaction. What an ERROR or an `Err` leaves open, the abort that follows
    // closes; so it is in all functions below.
    unsafe { pg_sys::SPI_connect() };
    let statement = prepared(sql, types)?;
    let mut values = Vec::with_capacity(args.len());
    let mut nulls: Vec<c_char> = Vec::with_capacity(args.len());
    for arg in args {
        let value = arg.datum().map(|value| value.sans_lifetime());
        nulls.push(if value.is_some() { b' ' } else { b'n' } as c_char);
        values.push(value.unwrap_or(pg_sys::Datum::null()));
    }
    // SAFETY: the statement was prepared for as many arguments of these types; the tuples are read
    // before SPI is closed.
    let outcome = unsafe {
        let done = pg_sys::SPI_execute_plan(
            statement.0,
            values.as_mut_ptr(),
            nulls.as_ptr(),
            reads && pg_sys::GetCurrentTransactionIdIfAny() == pg_sys::InvalidTransactionId,
            0,
        );
        if done < 0 {
            return Err(refused(done));
        }
        Outcome {
            processed: pg_sys::SPI_processed,
            rows: rows()?,
        }
    };
    // SAFETY: closes what was opened above.
    unsafe { pg_sys::SPI_finish() };
    Ok(outcome)
}

/// The first column of what the last statement has returned.
///
/// # Safety
/// Connected to SPI, which has run a statement.
unsafe fn rows() -> Result<Vec<String>> {
    // SAFETY: the caller's promise; a table of tuples has as many as it says.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() {
            return Ok(Vec::new());
        }
        let (tuples, count) = ((*table).vals, pg_sys::SPI_processed as usize);
        let mut rows = Vec::with_capacity(count);
        for at in 0..count {
            let text = pg_sys::SPI_getvalue(*tuples.add(at), (*table).tupdesc, 1);
            let text = match text.is_null() {
                true => String::new(),
                false => CStr::from_ptr(text).to_string_lossy().into_owned(),
            };
            rows.push(text);
        }
        Ok(rows)
    }
}

/// The statement, prepared now or before.
fn prepared(sql: &str, types: Vec<pg_sys::Oid>) -> Result<Rc<Statement>> {
    let mut key = (sql.to_owned(), types);
    if let Some(found) = PREPARED.with_borrow(|prepared| prepared.get(&key).cloned()) {
        return Ok(found);
    }
    let text = CString::new(sql)
        .map_err(|_| Error::new(Kind::InvalidParameter, "a statement contains a NUL byte"))?;
    // SAFETY: connected to SPI; as many types as it says. A plan that is kept lives in memory of the
    // session.
    let statement = unsafe {
        let plan = pg_sys::SPI_prepare_cursor(
            text.as_ptr(),
            key.1.len() as i32,
            key.1.as_mut_ptr(),
            pg_sys::CURSOR_OPT_GENERIC_PLAN as i32,
        );
        if plan.is_null() || pg_sys::SPI_keepplan(plan) != 0 {
            return Err(refused(pg_sys::SPI_result));
        }
        Rc::new(Statement(plan))
    };
    // What goes is freed here, or by whoever is running it when he is done.
    let gone = PREPARED.with_borrow_mut(|prepared| {
        let gone = match prepared.len() < MOST {
            true => HashMap::new(),
            false => std::mem::take(prepared),
        };
        prepared.insert(key, Rc::clone(&statement));
        gone
    });
    drop(gone);
    Ok(statement)
}

/// PostgreSQL's own ERROR for a statement that it does not understand.
pub(super) fn parse(sql: &str) -> Result<()> {
    let text = CString::new(sql)
        .map_err(|_| Error::new(Kind::InvalidParameter, "a statement contains a NUL byte"))?;
    // SAFETY: inside a transaction; prepared without arguments, never run, and freed with SPI's memory.
    unsafe {
        pg_sys::SPI_connect();
        let plan = pg_sys::SPI_prepare(text.as_ptr(), 0, std::ptr::null_mut());
        let code = pg_sys::SPI_result;
        pg_sys::SPI_finish();
        match plan.is_null() {
            true => Err(refused(code)),
            false => Ok(()),
        }
    }
}

fn refused(code: i32) -> Error {
    Error::new(
        Kind::Internal,
        format!("a statement could not be prepared or run (SPI code {code})"),
    )
}
