//! Our [`Error`] to PostgreSQL's error report and back.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::{CaughtError, ErrorReport, ErrorReportWithLevel};
use pgrx::{PgLogLevel, PgSqlErrorCode, PgTryBuilder};

use crate::error::{Error, Kind, Result};

/// What `?` needs in a `#[pg_extern]`: keeps SQLSTATE, DETAIL and HINT.
pub fn to_report(error: &Error) -> ErrorReport {
    let mut report = ErrorReport::new(
        code(error.sqlstate()),
        error.message.clone(),
        "pg_tributary",
    );
    if let Some(detail) = &error.detail {
        report = report.set_detail(detail.clone());
    }
    if let Some(hint) = &error.hint {
        report = report.set_hint(hint.clone());
    }
    report
}

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        to_report(&error)
    }
}

/// Raises the error as PostgreSQL's ERROR; does not return.
pub fn raise(error: &Error) -> ! {
    to_report(error).report(PgLogLevel::ERROR);
    unreachable!("an ERROR report does not return")
}

/// One line in the server log; no SQL client sees it.
pub fn log(message: &str) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        message.to_owned(),
        "pg_tributary",
    )
    .report(PgLogLevel::LOG);
}

pub fn notice(message: &str) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        message.to_owned(),
        "pg_tributary",
    )
    .report(PgLogLevel::NOTICE);
}

pub fn warning(message: &str, hint: &str) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        message.to_owned(),
        "pg_tributary",
    )
    .set_hint(hint)
    .report(PgLogLevel::WARNING);
}

/// Runs `work` and turns an ERROR raised inside, by PostgreSQL or by a Rust panic, into `Err`.
///
/// The caller must abort the transaction or subtransaction the work ran in before it goes on.
pub fn catch<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    PgTryBuilder::new(AssertUnwindSafe(work))
        .catch_others(|caught| Err(from_caught(&caught)))
        .catch_rust_panic(|caught| Err(from_caught(&caught)))
        .execute()
}

fn from_caught(caught: &CaughtError) -> Error {
    match caught {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
            from_report(report, Kind::Postgres)
        }
        CaughtError::RustPanic { ereport, .. } => from_report(ereport, Kind::Internal),
    }
}

fn from_report(report: &ErrorReportWithLevel, kind: Kind) -> Error {
    let mut error = Error::new(kind, report.message());
    if let Some(detail) = report.detail() {
        error = error.with_detail(detail);
    }
    if let Some(hint) = report.hint() {
        error = error.with_hint(hint);
    }
    match kind {
        Kind::Postgres => error.with_sqlstate(text(report.sql_error_code() as i32)),
        _ => error,
    }
}

/// PostgreSQL packs a SQLSTATE into six bits for each character.
fn text(code: i32) -> [u8; 5] {
    std::array::from_fn(|i| (((code >> (6 * i)) & 0x3f) as u8).wrapping_add(b'0'))
}

fn code(sqlstate: &str) -> PgSqlErrorCode {
    let packed = sqlstate
        .bytes()
        .take(5)
        .enumerate()
        .fold(0i32, |packed, (i, byte)| {
            packed | ((i32::from(byte).wrapping_sub(i32::from(b'0')) & 0x3f) << (6 * i))
        });
    PgSqlErrorCode::from(packed as isize)
}
