//! What the source's log does not hold of our database: files purged too early, databases left out,
//! changes that foreign keys make, tables without transactions.

use mysql_async::{Row, Value};

use super::connect::Connection;
use super::position::end_statement;
use super::preflight::{Check, or_failed};
use super::preflight_stream::{Settings, shown};
use super::results::value;
use super::schema::text;
use super::session::Flavor;
use super::told::clean;
use crate::error::Result;

/// A slow copy; the estimate is to be too long rather than too short.
const COPIED_PER_SECOND: u64 = 20_000_000;
/// A log has to be there so many times as long as the copy takes, and this long at the least: a
/// stream that waits for a person has to find its position again.
const TIMES: u64 = 2;
const LEAST_SECONDS: u64 = 86_400;
/// Names in a detail.
const NAMED: usize = 5;

const CASCADES: &str = "SELECT CONCAT(TABLE_NAME, '.', CONSTRAINT_NAME) AS a \
     FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? \
     AND (DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') \
     OR UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT')) ORDER BY 1";

/// Base tables of engines without transactions, without a unique key.
const INEXACT: &str = "SELECT t.TABLE_NAME AS a FROM information_schema.TABLES AS t \
     WHERE t.TABLE_SCHEMA = ? AND t.TABLE_TYPE = 'BASE TABLE' AND t.ENGINE IN \
     (SELECT e.ENGINE FROM information_schema.ENGINES AS e WHERE e.TRANSACTIONS = 'NO') \
     AND NOT EXISTS (SELECT 1 FROM information_schema.STATISTICS AS s \
     WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME \
     AND s.NON_UNIQUE = 0) ORDER BY 1";

impl Connection {
    pub(super) async fn preflight_log_contents(&mut self, settings: &Settings) -> Vec<Check> {
        let mut checks = Vec::new();
        let retention = self.check_retention(settings).await;
        checks.push(or_failed("source log retention", retention));
        let filters = self.check_filters().await;
        checks.push(or_failed("source log filters", filters));
        let cascades = self.check_cascades(settings).await;
        checks.push(or_failed("source cascading foreign keys", cascades));
        let inexact = self.check_inexact().await;
        checks.push(or_failed("source tables without transactions", inexact));
        checks
    }

    async fn check_retention(&mut self, settings: &Settings) -> Result<Check> {
        let tables = self.tables().await?;
        let bytes = tables.iter().filter_map(|table| table.bytes_estimated);
        Ok(retention(settings, bytes.sum()))
    }

    async fn check_filters(&mut self) -> Result<Check> {
        let database = self.endpoint().database().to_string();
        let statement = end_statement(self.server());
        let sets = self.log_results(&[statement]).await?;
        let column = |position| Ok(value(sets.first(), position)?.unwrap_or_default());
        Ok(filters(&database, &column(2)?, &column(3)?))
    }

    async fn check_cascades(&mut self, settings: &Settings) -> Result<Check> {
        let found = self.named(CASCADES).await?;
        let name = "source cascading foreign keys";
        if settings.on("innodb_native_foreign_keys") == Some(false) {
            let detail = "expected any, the source logs what they change; \
                 innodb_native_foreign_keys is OFF";
            return Ok(Check::new(name, true, detail));
        }
        let fix = match (
            self.server().flavor,
            settings.on("innodb_native_foreign_keys"),
        ) {
            (Flavor::MySql, Some(_)) => {
                "Start the source with innodb_native_foreign_keys = OFF, then it logs them."
            }
            (Flavor::MySql, None) => {
                "Let the application change the referring rows itself, or upgrade the source to a \
                 MySQL that has innodb_native_foreign_keys."
            }
            (Flavor::MariaDb, _) => {
                "Let the application change the referring rows itself, or copy these tables by a \
                 job with mode full."
            }
        };
        Ok(Check::new(
            name,
            found.is_empty(),
            format!(
                "expected none, the log does not hold the rows that ON DELETE and ON UPDATE \
                 change; {}",
                list(&found)
            ),
        )
        .fix(fix))
    }

    async fn check_inexact(&mut self) -> Result<Check> {
        let found = self.named(INEXACT).await?;
        Ok(Check::new(
            "source tables without transactions",
            found.is_empty(),
            format!(
                "expected a unique key for each, without one the copy is not exact while the table \
                 is written to; {}",
                list(&found)
            ),
        )
        .fix(format!(
            "At the source: ALTER TABLE {} ENGINE = InnoDB; or add a primary key.",
            found.first().map_or("...", String::as_str)
        )))
    }

    async fn named(&mut self, sql: &str) -> Result<Vec<String>> {
        let schema = Value::from(self.endpoint().database());
        let rows: Vec<Row> = self.rows(sql, vec![schema]).await?;
        rows.iter().map(|row| Ok(clean(&text(row, 0)?))).collect()
    }
}

fn list(names: &[String]) -> String {
    let mut shown: Vec<&str> = names.iter().map(String::as_str).take(NAMED).collect();
    let more = names.len().saturating_sub(NAMED);
    let more = format!("and {more} more");
    if names.len() > NAMED {
        shown.push(&more);
    }
    match shown.is_empty() {
        true => "none".to_string(),
        false => shown.join(", "),
    }
}

/// How long a log file is kept, and how much of them.
fn retention(settings: &Settings, bytes: u64) -> Check {
    let copy = bytes / COPIED_PER_SECOND;
    let wanted = (copy * TIMES).max(LEAST_SECONDS);
    let number = |name: &str| settings.get(name).and_then(|text| text.parse::<f64>().ok());
    let purged = settings.on("binlog_expire_logs_auto_purge") != Some(false);
    let days = number("expire_logs_days").map(|days| days * 86_400.0);
    let kept = [number("binlog_expire_logs_seconds"), days]
        .into_iter()
        .flatten()
        .find(|seconds| *seconds > 0.0)
        .filter(|_| purged)
        .map(|seconds| seconds as u64);
    let space = ["max_binlog_total_size", "binlog_space_limit"]
        .into_iter()
        .find_map(|name| settings.get(name))
        .filter(|text| *text != "0");
    let long_enough = kept.is_none_or(|kept| kept >= wanted);
    let room = space.is_none_or(|space| space.parse::<u64>().is_ok_and(|space| space > bytes));
    let actual = match kept {
        None => "kept until purged by hand".to_string(),
        Some(kept) => format!("{kept} s"),
    };
    let limit = match space {
        None => String::new(),
        Some(_) => format!(", at most {} bytes in all", shown(space)),
    };
    let fix = match long_enough {
        false if days.is_some() && settings.get("binlog_expire_logs_seconds").is_none() => {
            format!(
                "At the source: SET GLOBAL expire_logs_days = {};",
                wanted.div_ceil(86_400)
            )
        }
        false => format!("At the source: SET GLOBAL binlog_expire_logs_seconds = {wanted};"),
        true => "At the source: SET GLOBAL max_binlog_total_size = 0;".to_string(),
    };
    Check::new(
        "source log retention",
        long_enough && room,
        format!(
            "expected at least {wanted} s (the copy of {} MB is estimated at {copy} s); \
             {actual}{limit}",
            bytes / 1_000_000
        ),
    )
    .fix(fix)
}

/// Lists of databases with commas between, as SHOW MASTER STATUS tells them.
fn filters(database: &str, only: &str, without: &str) -> Check {
    let names = |list: &str| list.split(',').any(|name| name.trim() == database);
    let hidden = names(without) || !only.is_empty() && !names(only);
    let actual = match (only, without) {
        ("", "") => "no filter".to_string(),
        (only, "") => format!("binlog_do_db is {}", clean(only)),
        ("", without) => format!("binlog_ignore_db is {}", clean(without)),
        (only, without) => format!(
            "binlog_do_db is {}, binlog_ignore_db is {}",
            clean(only),
            clean(without)
        ),
    };
    Check::new(
        "source log filters",
        !hidden,
        format!("expected that database \"{}\" is logged; {actual}", clean(database)),
    )
    .fix(format!(
        "Start the source without binlog_ignore_db of {0}, and with binlog_do_db of none or of {0}.",
        clean(database)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::preflight_stream::tests::settings;
    use super::*;

    #[test]
    fn a_log_is_kept_longer_than_the_copy_takes() {
        let day = settings(&[("binlog_expire_logs_seconds", "86400")]);
        assert!(retention(&day, 1 << 30).ok);
        let check = retention(&day, 2_000_000_000_000);
        assert!(!check.ok);
        assert!(
            check.detail.contains("is estimated at 100000 s); 86400 s"),
            "{}",
            check.detail
        );
        assert_eq!(
            check.fix.as_deref(),
            Some("At the source: SET GLOBAL binlog_expire_logs_seconds = 200000;")
        );
        for kept in [
            settings(&[
                ("binlog_expire_logs_seconds", "0"),
                ("expire_logs_days", "0.000000"),
            ]),
            settings(&[
                ("binlog_expire_logs_seconds", "60"),
                ("binlog_expire_logs_auto_purge", "OFF"),
            ]),
            settings(&[]),
        ] {
            assert!(retention(&kept, 2_000_000_000_000).ok);
        }
        let days = settings(&[("expire_logs_days", "0.5")]);
        let fix = retention(&days, 0).fix.unwrap_or_default();
        assert!(fix.ends_with("expire_logs_days = 1;"), "{fix}");
        let limited = settings(&[("max_binlog_total_size", "1000")]);
        assert!(!retention(&limited, 2_000).ok && retention(&limited, 10).ok);
    }

    #[test]
    fn a_filter_that_hides_our_database_is_named() {
        assert!(filters("shop", "", "").ok);
        assert!(filters("shop", "crm,shop", "mysql").ok);
        assert!(!filters("shop", "crm", "").ok);
        let check = filters("shop", "", "crm,shop");
        assert!(!check.ok && check.detail.ends_with("binlog_ignore_db is crm,shop"));
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..7).map(|number| format!("t{number}")).collect();
        assert_eq!(list(&names), "t0, t1, t2, t3, t4, and 2 more");
        assert_eq!(list(&[]), "none");
    }
}
