//! What a copy needs of the source, checked before it starts: expected, actual, and the statement
//! that fixes it.

use mysql_async::{Row, Value};

use super::connect::Connection;
use super::endpoint::TlsMode;
use super::schema::text;
use super::sql::quote;
use super::told::{self, clean};
use crate::error::{Error, Kind, Result};

/// Tables whose SELECT privilege is tried; in a larger database the rest shows in the plan.
const TRIED_TABLES: usize = 500;
/// Denied tables named in a detail.
const NAMED_TABLES: usize = 5;
/// Below this, a row of moderate size is refused by the server itself.
const SMALL_PACKET: u64 = 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: String,
    pub ok: bool,
    /// Expected and actual.
    pub detail: String,
    /// The statement that fixes it.
    pub fix: Option<String>,
}

impl Check {
    pub(super) fn new(name: &str, ok: bool, detail: impl Into<String>) -> Check {
        Check {
            name: name.to_string(),
            ok,
            detail: detail.into(),
            fix: None,
        }
    }

    pub(super) fn fix(mut self, statement: impl Into<String>) -> Check {
        if !self.ok {
            self.fix = Some(statement.into());
        }
        self
    }
}

impl Connection {
    /// One line per prerequisite. A check that cannot be made is a failed check.
    pub async fn preflight(&mut self) -> Vec<Check> {
        let mut checks = vec![self.check_version()];
        checks.push(or_failed("source tls", self.check_tls().await));
        checks.push(or_failed("source session", self.check_session().await));
        checks.push(or_failed(
            "source max_allowed_packet",
            self.check_packet().await,
        ));
        checks.push(or_failed("source tables", self.check_tables().await));
        checks
    }

    fn check_version(&self) -> Check {
        let server = self.server();
        Check::new(
            "source version",
            server.supported(),
            format!(
                "expected MySQL 5.7 or later, or MariaDB 10.5 or later; {} ({})",
                server.name(),
                server.version_text
            ),
        )
        .fix("Upgrade the source, or copy from a replica of a supported version.")
    }

    async fn check_tls(&mut self) -> Result<Check> {
        let rows = self
            .rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'", Vec::new())
            .await?;
        let cipher = rows.first().map(|row| text(row, 1)).transpose()?;
        let cipher = cipher.filter(|cipher| !cipher.is_empty());
        let endpoint = self.endpoint();
        Ok(tls_check(
            endpoint.tls(),
            cipher.as_deref(),
            endpoint.socket().is_some(),
        ))
    }

    async fn check_session(&mut self) -> Result<Check> {
        let sql = "SELECT @@session.time_zone, @@session.sql_mode, @@session.character_set_results";
        let rows = self.rows(sql, Vec::new()).await?;
        let row = first(&rows)?;
        let (zone, mode, set) = (text(row, 0)?, text(row, 1)?, text(row, 2)?);
        let plain = !["PAD_CHAR_TO_FULL_LENGTH", "ANSI_QUOTES"]
            .iter()
            .any(|word| mode.contains(word));
        Ok(Check::new(
            "source session",
            zone == "+00:00" && set == "utf8mb4" && mode.contains("STRICT_ALL_TABLES") && plain,
            format!(
                "expected time_zone +00:00, character_set_results utf8mb4, a strict sql_mode; \
                 {}, {}, {}",
                clean(&zone),
                clean(&set),
                clean(&mode)
            ),
        )
        .fix("Connect without a proxy that changes the session."))
    }

    async fn check_packet(&mut self) -> Result<Check> {
        let rows = self
            .rows("SELECT CAST(@@max_allowed_packet AS CHAR)", Vec::new())
            .await?;
        let bytes: u64 = text(first(&rows)?, 0)?.parse().unwrap_or(0);
        Ok(Check::new(
            "source max_allowed_packet",
            bytes >= SMALL_PACKET,
            format!(
                "expected at least {SMALL_PACKET} bytes and more than the largest row; {bytes}"
            ),
        )
        .fix("At the source: SET GLOBAL max_allowed_packet = 1073741824;"))
    }

    async fn check_tables(&mut self) -> Result<Check> {
        let database = self.endpoint().database().to_string();
        let tables = self.tables().await?;
        let mut denied = Vec::new();
        let tried = tables.iter().filter(|table| !table.view).take(TRIED_TABLES);
        let mut count = 0;
        for table in tried {
            count += 1;
            let sql = format!(
                "SELECT * FROM {}.{} LIMIT 0",
                quote(&database),
                quote(&table.name)
            );
            match self.rows(&sql, Vec::<Value>::new()).await {
                Err(error) if error.kind == Kind::AccessDenied => denied.push(table.name.as_str()),
                // Dropped since, or broken: its own unit will say so.
                Err(error) if is_of_one_table(&error) => {}
                other => drop(other?),
            }
        }
        let named: Vec<String> = denied
            .iter()
            .take(NAMED_TABLES)
            .map(|name| clean(name))
            .collect();
        let actual = match (tables.len(), denied.len()) {
            (0, _) => "none is visible".to_string(),
            (all, 0) if all > count => {
                format!("{all} tables and views, {count} tried, all readable")
            }
            (all, 0) => format!("{all} tables and views, all tables readable"),
            (all, refused) => format!(
                "{all} tables and views, {refused} of {count} tried refuse SELECT: {}",
                named.join(", ")
            ),
        };
        let account = told::account(&self.server().account).unwrap_or_else(|| "...".to_string());
        Ok(Check::new(
            "source tables",
            !tables.is_empty() && denied.is_empty(),
            format!(
                "expected tables in database \"{database}\" with SELECT for {account}; {actual}"
            ),
        )
        .fix(told::grant(&database, &account)))
    }
}

fn tls_check(mode: TlsMode, cipher: Option<&str>, socket: bool) -> Check {
    let wanted = mode != TlsMode::Disable;
    let actual = match cipher.map(clean) {
        // Whoever stands in between can make that, too.
        Some(cipher) if mode == TlsMode::Require => format!(
            "encrypted, certificate not verified (tls = verify-full with ca checks it), {cipher}"
        ),
        Some(cipher) => cipher,
        None if socket => "a Unix socket, not encrypted".to_string(),
        None => "not encrypted".to_string(),
    };
    let expected = if wanted {
        "encryption"
    } else {
        "no encryption (tls is disable)"
    };
    Check::new(
        "source tls",
        !wanted || cipher.is_some(),
        format!("expected {expected}; {actual}"),
    )
}

fn is_of_one_table(error: &Error) -> bool {
    matches!(error.kind, Kind::SourceObjectMissing | Kind::SourceError)
}

fn first(rows: &[Row]) -> Result<&Row> {
    rows.first()
        .ok_or_else(|| super::errors::violation("the source sent no row where one was due"))
}

pub(super) fn or_failed(name: &str, check: Result<Check>) -> Check {
    check.unwrap_or_else(|error| {
        let detail = match &error.detail {
            Some(detail) => format!("could not be checked: {} ({detail})", error.message),
            None => format!("could not be checked: {}", error.message),
        };
        let check = Check::new(name, false, detail);
        match error.hint {
            Some(hint) => check.fix(hint),
            None => check,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unverified_certificate_is_said() {
        let check = tls_check(TlsMode::Require, Some("AES\u{1b}"), false);
        assert!(check.ok);
        assert_eq!(
            check.detail,
            "expected encryption; encrypted, certificate not verified (tls = verify-full with ca \
             checks it), AES?"
        );
        let check = tls_check(TlsMode::VerifyFull, Some("AES"), false);
        assert_eq!(
            (check.ok, check.detail.as_str()),
            (true, "expected encryption; AES")
        );
        assert!(!tls_check(TlsMode::Require, None, false).ok);
        assert!(tls_check(TlsMode::Disable, None, true).ok);
    }
}
