//! What following the log needs of the source beyond a copy: its settings, and what our account may
//! do. Expected, actual, and the statement that fixes it.

use std::collections::BTreeMap;

use super::connect::Connection;
use super::position::{end_statement, grant_statement};
use super::preflight::{Check, or_failed};
use super::results::value;
use super::schema::text;
use super::session::{Flavor, ServerInfo};
use super::told::clean;
use crate::error::{Kind, Result};

const SETTINGS: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'server_id', \
     'binlog_format', 'binlog_row_image', 'binlog_row_metadata', 'binlog_row_value_options', \
     'log_bin_compress', 'binlog_transaction_compression', 'gtid_mode', \
     'enforce_gtid_consistency', 'log_slave_updates', 'log_replica_updates', \
     'binlog_expire_logs_seconds', 'binlog_expire_logs_auto_purge', 'expire_logs_days', \
     'max_binlog_total_size', 'binlog_space_limit', 'innodb_native_foreign_keys')";

/// Settings of the source; one that its version does not have is missing.
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// ON or OFF; None where the server has no such setting.
    pub fn on(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| matches!(value, "ON" | "1"))
    }
}

impl Connection {
    /// One line per prerequisite of a stream, apart from those of [`Connection::preflight`]. A check
    /// that cannot be made is a failed check.
    pub async fn preflight_stream(&mut self) -> Vec<Check> {
        let settings = match self.settings().await {
            Ok(settings) => settings,
            Err(error) => return vec![or_failed("source log settings", Err(error))],
        };
        let mut checks = log_checks(&settings);
        if settings.on("log_bin") == Some(false) {
            // The rest would say the same in other words.
            return checks;
        }
        checks.extend(row_checks(&settings));
        checks.push(compression_check(&settings));
        let server = self.server().clone();
        checks.push(gtid_check(&server, &settings));
        if gtids_missing(&settings) {
            let listed = self.check_commits_are_listed().await;
            checks.push(or_failed(
                "source commits",
                listed.map(|()| {
                    let detail = "expected GTIDs, or that performance_schema lists what is in \
                         commit; it does";
                    Check::new("source commits", true, detail)
                }),
            ));
        }
        let grants = self.check_replication_grants().await;
        checks.push(or_failed("source replication privileges", grants));
        let replica = self.check_replica(&settings).await;
        checks.push(or_failed("source log_slave_updates", replica));
        checks.extend(self.preflight_log_contents(&settings).await);
        checks
    }

    async fn settings(&mut self) -> Result<Settings> {
        let mut settings = BTreeMap::new();
        for row in self.results(&[SETTINGS]).await?.into_iter().flatten() {
            settings.insert(text(&row, 0)?, clean(&text(&row, 1)?));
        }
        Ok(Settings(settings))
    }

    async fn check_replication_grants(&mut self) -> Result<Check> {
        let server = self.server().clone();
        let client = self.allowed(end_statement(&server)).await?;
        let slave = match server.flavor {
            Flavor::MySql if server.version >= (8, 0, 22) => self.allowed("SHOW REPLICAS").await?,
            Flavor::MySql => self.allowed("SHOW SLAVE HOSTS").await?,
            // No statement of MariaDB needs just that.
            Flavor::MariaDb => {
                let sets = self.results(&["SHOW GRANTS"]).await?;
                let grants: Result<Vec<String>> =
                    sets.iter().flatten().map(|row| text(row, 0)).collect();
                grants?.iter().any(|grant| may_replicate(grant))
            }
        };
        let names = match server.flavor {
            Flavor::MySql => ["REPLICATION SLAVE", "REPLICATION CLIENT"],
            Flavor::MariaDb => ["REPLICATION SLAVE", "BINLOG MONITOR"],
        };
        let lacking: Vec<&str> = names
            .into_iter()
            .zip([slave, client])
            .filter_map(|(name, allowed)| (!allowed).then_some(name))
            .collect();
        let actual = match lacking.is_empty() {
            true => "granted".to_string(),
            false => format!("{} is not granted", lacking.join(", ")),
        };
        let expected = names.join(" and ");
        Ok(Check::new(
            "source replication privileges",
            lacking.is_empty(),
            format!("expected {expected} for {}; {actual}", server.account),
        )
        .fix(grant_statement(&server)))
    }

    /// Whether a statement that only looks is not refused.
    async fn allowed(&mut self, statement: &str) -> Result<bool> {
        match self.results(&[statement]).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::AccessDenied => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A replica logs what it is sent only if it is told to.
    async fn check_replica(&mut self, settings: &Settings) -> Result<Check> {
        let name = "source log_slave_updates";
        let server = self.server().clone();
        let replica = match server.flavor {
            Flavor::MariaDb => {
                let sets = self.results(&["SELECT @@GLOBAL.gtid_slave_pos"]).await?;
                !value(sets.first(), 0)?.unwrap_or_default().is_empty()
            }
            Flavor::MySql => {
                let statement = match server.version >= (8, 0, 22) {
                    true => "SHOW REPLICA STATUS",
                    false => "SHOW SLAVE STATUS",
                };
                let sets = self.log_results(&[statement]).await?;
                sets.first().is_some_and(|rows| !rows.is_empty())
            }
        };
        let logged = settings.on("log_slave_updates").unwrap_or(true);
        Ok(Check::new(
            name,
            logged || !replica,
            format!(
                "expected ON at a replica; {}, {}",
                shown(settings.get("log_slave_updates")),
                if replica { "a replica" } else { "no replica" }
            ),
        )
        .fix("Start the source with log_slave_updates = ON, or follow its primary."))
    }
}

fn log_checks(settings: &Settings) -> Vec<Check> {
    let log = Check::new(
        "source log_bin",
        settings.on("log_bin") == Some(true),
        format!("expected ON; {}", shown(settings.get("log_bin"))),
    )
    .fix("Start the source with log_bin = mysql-bin.");
    let id = settings.get("server_id");
    let server_id = Check::new(
        "source server_id",
        id.is_some_and(|id| id != "0"),
        format!("expected a number of its own, not 0; {}", shown(id)),
    )
    .fix("At the source: SET GLOBAL server_id = 1;");
    vec![log, server_id]
}

/// What of a row is in the log.
fn row_checks(settings: &Settings) -> Vec<Check> {
    let one = |name: &str, expected: &str, lost: &str| {
        let actual = settings.get(name);
        let ok = actual.is_none_or(|actual| actual == expected);
        let lost = match ok {
            true => String::new(),
            false => format!(": {lost}"),
        };
        let shown_expected = match expected {
            "" => "nothing",
            other => other,
        };
        Check::new(
            &format!("source {name}"),
            ok,
            format!("expected {shown_expected}; {}{lost}", shown(actual)),
        )
        .fix(format!(
            "At the source: SET GLOBAL {name} = '{expected}'; (sessions that are open keep theirs)"
        ))
    };
    vec![
        one(
            "binlog_format",
            "ROW",
            "changes are logged as statements, which are not run again",
        ),
        one(
            "binlog_row_image",
            "FULL",
            "columns are missing in the log that a row without a key, or a changed key, needs",
        ),
        one(
            "binlog_row_metadata",
            "FULL",
            "the log has no column names, keys and enum labels, and no signs before MySQL 8.0 and \
             MariaDB 10.5; they are taken from the table as it is when it is looked at, so a \
             column that is dropped and added anew at once cannot be told",
        ),
        one(
            "binlog_row_value_options",
            "",
            "updates of JSON columns are logged in part",
        ),
    ]
}

/// Compressed rows and transactions are read; said, because other readers cannot.
fn compression_check(settings: &Settings) -> Check {
    let names = ["log_bin_compress", "binlog_transaction_compression"];
    let on = names.iter().find(|name| settings.on(name) == Some(true));
    let actual = match on {
        Some(name) => format!("{name} is ON"),
        None => "not compressed".to_string(),
    };
    let detail = format!("expected any, compressed logs are read; {actual}");
    Check::new("source log compression", true, detail)
}

fn gtids_missing(settings: &Settings) -> bool {
    settings.get("gtid_mode").is_some_and(|mode| mode != "ON")
}

fn gtid_check(server: &ServerInfo, settings: &Settings) -> Check {
    let name = "source gtid_mode";
    if server.flavor == Flavor::MariaDb {
        return Check::new(name, true, "expected GTIDs; MariaDB always has them");
    }
    let missing = gtids_missing(settings);
    let lost = match missing {
        true => ": the stream follows file and offset, and cannot go on at another server",
        false => "",
    };
    Check::new(
        name,
        !missing,
        format!(
            "expected ON; {}, enforce_gtid_consistency {}{lost}",
            shown(settings.get("gtid_mode")),
            shown(settings.get("enforce_gtid_consistency")),
        ),
    )
    .fix(
        "At the source: SET GLOBAL enforce_gtid_consistency = ON; SET GLOBAL gtid_mode = \
         OFF_PERMISSIVE; SET GLOBAL gtid_mode = ON_PERMISSIVE; when \
         Ongoing_anonymous_transaction_count is 0: SET GLOBAL gtid_mode = ON;",
    )
}

/// Whether a grant, as the server shows it, is one of REPLICATION SLAVE.
fn may_replicate(grant: &str) -> bool {
    let Some((privileges, rest)) = grant.split_once(" ON ") else {
        return false;
    };
    let privileges = privileges.trim_start_matches("GRANT ");
    let of_that = |one: &str| {
        matches!(
            one.trim(),
            "ALL PRIVILEGES" | "REPLICATION SLAVE" | "REPLICATION REPLICA"
        )
    };
    rest.starts_with("*.*") && privileges.split(',').any(of_that)
}

pub(super) fn shown(value: Option<&str>) -> &str {
    match value {
        None => "not known to the source",
        Some("") => "empty",
        Some(value) => value,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn settings(pairs: &[(&str, &str)]) -> Settings {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        Settings(pairs.collect())
    }

    #[test]
    fn each_setting_that_loses_rows_fails_with_its_statement() {
        let checks = row_checks(&settings(&[
            ("binlog_format", "MIXED"),
            ("binlog_row_image", "MINIMAL"),
            ("binlog_row_value_options", "PARTIAL_JSON"),
        ]));
        let failed: Vec<_> = checks.iter().filter(|check| !check.ok).collect();
        assert_eq!(failed.len(), 3);
        assert_eq!(failed[0].name, "source binlog_format");
        assert!(failed[0].detail.starts_with("expected ROW; MIXED: "));
        let fix = failed[2].fix.as_deref().unwrap_or_default();
        assert!(
            fix.contains("SET GLOBAL binlog_row_value_options = '';"),
            "{fix}"
        );
        let fine = settings(&[
            ("log_bin", "ON"),
            ("server_id", "7"),
            ("binlog_format", "ROW"),
        ]);
        assert!(
            row_checks(&fine)
                .iter()
                .chain(&log_checks(&fine))
                .all(|check| check.ok)
        );
        let off = settings(&[("log_bin", "OFF"), ("server_id", "0")]);
        assert!(
            log_checks(&off)
                .iter()
                .all(|check| !check.ok && check.fix.is_some())
        );
    }

    #[test]
    fn compression_is_fine() {
        let check = compression_check(&settings(&[("log_bin_compress", "ON")]));
        assert!(check.ok && check.detail.ends_with("log_bin_compress is ON"));
    }

    #[test]
    fn grants_are_read_as_servers_show_them() {
        for grant in [
            "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `lean`@`%` IDENTIFIED BY PASSWORD 'x'",
            "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
            "GRANT SELECT, REPLICATION SLAVE ON *.* TO `r`@`%`",
        ] {
            assert!(may_replicate(grant), "{grant}");
        }
        for grant in [
            "GRANT REPLICATION SLAVE ADMIN ON *.* TO `r`@`%`",
            "GRANT ALL PRIVILEGES ON `d`.* TO `r`@`%`",
            "GRANT USAGE ON *.* TO `REPLICATION SLAVE`@`%`",
            "GRANT `role` TO `r`@`%`",
        ] {
            assert!(!may_replicate(grant), "{grant}");
        }
    }
}
