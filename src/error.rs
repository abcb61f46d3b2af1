//! One error type for the whole extension.
//!
//! An [`Error`] says what happened (`message`, lower case, no full stop), what is known about it
//! (`detail`) and what to type to fix it (`hint`). Its [`Kind`] chooses the SQLSTATE and whether
//! time can heal it; both are decided in one table, [`Kind::row`].

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who heals an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Time: the same attempt may succeed later.
    Transient,
    /// A person: nothing changes until somebody fixes the cause.
    Definite,
}

/// What went wrong, as coarse as a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The source could not be reached.
    Unreachable,
    /// An established connection to the source broke.
    ConnectionLost,
    /// The source did not answer in time.
    SourceTimeout,
    /// The source is starting, stopping or out of connections.
    SourceUnavailable,
    /// The source gave up our statement for a lock or deadlock.
    SourceConflict,
    /// The source refused our credentials or a privilege.
    AccessDenied,
    /// TLS could not be agreed, or the certificate was not accepted.
    TlsRefused,
    /// A database, table or column is not there at the source.
    SourceObjectMissing,
    /// The source sent what the protocol or the schema does not allow.
    ProtocolViolation,
    /// The source reported an error of no other kind.
    SourceError,
    /// The source's log does not go on from where we stand.
    PositionLost,
    /// Another replica with our number has connected to the source.
    ReplicaConflict,
    /// The source's log cannot be read, or came damaged.
    LogCorrupt,
    /// A file of the source's log ends in the midst of an event.
    LogTorn,
    /// The source's log holds what cannot be applied.
    LogUnsupported,
    /// A column type that is not mapped.
    TypeRefused,
    /// A value that its target column cannot hold.
    ValueRefused,
    /// More rows were refused than the job allows.
    TooManyRejects,
    /// The target table does not fit the source table.
    TargetMismatch,
    /// The target table was altered under way; another look tells whether it still fits.
    TargetChanged,
    /// The target table holds rows that are not ours.
    TargetNotEmpty,
    /// A local object is not there.
    ObjectMissing,
    /// A local object is there already.
    ObjectExists,
    /// The caller lacks a local privilege.
    PrivilegeMissing,
    /// An argument, option or URL that is not allowed.
    InvalidParameter,
    /// The call does not fit the state of the job.
    InvalidState,
    /// No background worker slot, memory or disk left.
    InsufficientResources,
    /// The work was asked to stop.
    Cancelled,
    /// An error raised by this PostgreSQL server; its SQLSTATE is kept in the error.
    Postgres,
    /// A broken promise of our own.
    Internal,
}

impl Kind {
    /// SQLSTATE and retry class.
    const fn row(self) -> (&'static str, Retry) {
        use Retry::{Definite, Transient};
        match self {
            Kind::Unreachable => ("08001", Transient),
            Kind::ConnectionLost => ("08006", Transient),
            Kind::SourceTimeout => ("08006", Transient),
            Kind::SourceUnavailable => ("57P03", Transient),
            Kind::SourceConflict => ("40001", Transient),
            Kind::AccessDenied => ("28000", Definite),
            Kind::TlsRefused => ("08001", Definite),
            Kind::SourceObjectMissing => ("HV00R", Definite),
            Kind::ProtocolViolation => ("08P01", Definite),
            Kind::SourceError => ("HV000", Definite),
            Kind::PositionLost => ("55000", Definite),
            Kind::ReplicaConflict => ("55006", Transient),
            // Most of the damage is done on the way; the log is read again from the position.
            Kind::LogCorrupt => ("XX001", Transient),
            Kind::LogTorn => ("XX001", Transient),
            Kind::LogUnsupported => ("0A000", Definite),
            Kind::TypeRefused => ("HV004", Definite),
            Kind::ValueRefused => ("22000", Definite),
            Kind::TooManyRejects => ("22000", Definite),
            Kind::TargetMismatch => ("42804", Definite),
            Kind::TargetChanged => ("55006", Transient),
            Kind::TargetNotEmpty => ("55000", Definite),
            Kind::ObjectMissing => ("42704", Definite),
            Kind::ObjectExists => ("42710", Definite),
            Kind::PrivilegeMissing => ("42501", Definite),
            Kind::InvalidParameter => ("22023", Definite),
            Kind::InvalidState => ("55000", Definite),
            Kind::InsufficientResources => ("53000", Transient),
            Kind::Cancelled => ("57014", Transient),
            Kind::Postgres => ("XX000", Definite),
            Kind::Internal => ("XX000", Definite),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// SQLSTATE of an error raised by PostgreSQL itself; overrides the kind's.
    sqlstate: Option<[u8; 5]>,
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            detail: None,
            hint: None,
            sqlstate: None,
        }
    }

    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Keeps the SQLSTATE of an error that PostgreSQL raised.
    #[must_use]
    pub fn with_sqlstate(mut self, sqlstate: [u8; 5]) -> Self {
        self.sqlstate = Some(sqlstate);
        self
    }

    /// Five characters, for instance `08006`.
    pub fn sqlstate(&self) -> &str {
        self.sqlstate
            .as_ref()
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or(self.kind.row().0)
    }

    /// Message and detail on one line, as the views show them.
    pub fn full_message(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.message),
            None => self.message.clone(),
        }
    }

    pub fn retry(&self) -> Retry {
        match &self.sqlstate {
            Some(_) => retry_of_sqlstate(self.sqlstate()),
            None => self.kind.row().1,
        }
    }
}

/// Which of PostgreSQL's own errors pass with time: connection trouble, rollbacks by the server,
/// lock timeouts, resources, operator intervention, I/O.
fn retry_of_sqlstate(sqlstate: &str) -> Retry {
    match sqlstate {
        "55P03" | "55006" => Retry::Transient,
        _ => match sqlstate.get(..2) {
            Some("08" | "40" | "53" | "57" | "58") => Retry::Transient,
            _ => Retry::Definite,
        },
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_errors_keep_their_sqlstate_and_class() {
        let error = Error::new(Kind::Postgres, "deadlock detected").with_sqlstate(*b"40P01");
        assert_eq!(error.sqlstate(), "40P01");
        assert_eq!(error.retry(), Retry::Transient);
        let error = Error::new(Kind::Postgres, "duplicate key").with_sqlstate(*b"23505");
        assert_eq!(error.retry(), Retry::Definite);
    }
}
