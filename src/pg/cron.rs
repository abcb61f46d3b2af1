//! pg_cron: the one place that knows its functions, its table and how it is set up.
//!
//! All of it runs as the caller: pg_cron starts an entry with the rights of the role that made it, and
//! shows a role no other's entries.

use std::ffi::CStr;

use pgrx::pg_sys;
use serde::Deserialize;

use super::catalog_owner::{schema_of, with_pinned_path};
use super::{report, role, spi};
use crate::error::{Error, Kind, Result};
use crate::plan::identifier::{literal, quote};

/// The length of a `name`, which `cron.job.jobname` is.
const NAME_BYTES: usize = 63;

/// What pg_cron is to do, and when.
#[derive(Debug)]
pub struct Entry<'a> {
    pub name: &'a str,
    pub schedule: &'a str,
    pub command: &'a str,
    /// The same for an entry of another database.
    pub command_elsewhere: &'a str,
}

/// What became of an entry that was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    Removed,
    /// It is not there any more.
    Gone,
    /// It is another role's.
    Refused,
}

/// The name of a job's entry. One that pg_cron would cut could be that of another job too.
pub fn entry_name(job: &str, job_id: i64) -> String {
    let name = format!("tributary: {job}");
    match name.len() <= NAME_BYTES {
        true => name,
        false => format!("tributary #{job_id}"),
    }
}

/// Makes or replaces the entry of this name and role; its number.
pub fn schedule(entry: &Entry<'_>) -> Result<i64> {
    #[derive(Deserialize)]
    struct Row {
        cron_job_id: i64,
    }
    require_installed(entry)?;
    require_usage()?;
    // No SELECT, for it writes.
    let sql = "WITH made AS (SELECT cron.schedule($1, $2, $3) AS cron_job_id) SELECT cron_job_id FROM made";
    let args = [
        entry.name.into(),
        entry.schedule.into(),
        entry.command.into(),
    ];
    let made: Option<Row> = report::catch(|| with_pinned_path(|| spi::query_first(sql, &args)))
        .map_err(|error| match error.sqlstate() {
            // We have read it, so this version of pg_cron is too old for it.
            "22023" => error.with_hint(
                "pg_cron knows seconds from version 1.5 on and $, the last day, from 1.6",
            ),
            _ => error,
        })?;
    made.map(|row| row.cron_job_id)
        .ok_or_else(|| Error::new(Kind::Internal, "cron.schedule returned no row"))
}

/// Removes the entry of that name that the role named `made_by` has made. The number alone may be another's by
/// now.
pub fn unschedule(cron_job_id: i64, name: &str, made_by: &str) -> Result<Removal> {
    #[derive(Deserialize)]
    struct Look {
        seen: bool,
        removable: bool,
        sees_all: bool,
    }
    if schema_of("pg_cron")?.is_none() {
        return Ok(Removal::Gone);
    }
    if !may_use()? {
        return Ok(Removal::Refused);
    }
    let look: Option<Look> = with_pinned_path(|| {
        spi::query_first(
            "SELECT j.jobid IS NOT NULL AS seen, \
               coalesce(j.username = current_user, false) OR has_table_privilege('cron.job', 'DELETE') AS removable, \
               NOT row_security_active('cron.job') AS sees_all \
             FROM (SELECT) one LEFT JOIN cron.job j ON j.jobid = $1 AND j.jobname = $2 AND j.username = $3",
            &[cron_job_id.into(), name.into(), made_by.into()],
        )
    })?;
    match look {
        Some(look) if look.seen && look.removable => {
            with_pinned_path(|| spi::execute("SELECT cron.unschedule($1)", &[cron_job_id.into()]))?;
            Ok(Removal::Removed)
        }
        Some(look) if !look.seen && (look.sees_all || role::name(role::current()) == made_by) => {
            Ok(Removal::Gone)
        }
        _ => Ok(Removal::Refused),
    }
}

fn require_usage() -> Result<()> {
    match may_use()? {
        true => Ok(()),
        false => Err(
            Error::new(Kind::PrivilegeMissing, "permission denied for schema cron")
                .with_hint(grant()),
        ),
    }
}

fn may_use() -> Result<bool> {
    #[derive(Deserialize)]
    struct Row {
        granted: bool,
    }
    let row: Option<Row> = with_pinned_path(|| {
        spi::query_first(
            "SELECT has_schema_privilege('cron', $1) AS granted",
            &["USAGE".into()],
        )
    })?;
    Ok(row.is_some_and(|row| row.granted))
}

fn grant() -> String {
    let role = quote(&role::name(role::current()));
    format!("GRANT USAGE ON SCHEMA cron TO {role};")
}

/// An error that says what has to be done, by how far it has been.
fn require_installed(entry: &Entry<'_>) -> Result<()> {
    if schema_of("pg_cron")?.is_some() {
        return Ok(());
    }
    let (grant, database) = (grant(), literal(&current_database()));
    let hint = match setting(c"cron.database_name").map(|name| literal(&name)) {
        None => format!(
            "install pg_cron (Debian: postgresql-15-cron), add pg_cron to shared_preload_libraries, \
             set cron.database_name = {database}, restart the server; then, as a superuser: \
             CREATE EXTENSION pg_cron; {grant}"
        ),
        Some(name) if name == database => {
            format!("as a superuser: CREATE EXTENSION pg_cron; {grant}")
        }
        // Its entries stand in one database of the server, but may run in any.
        Some(_) => format!(
            "pg_cron keeps its entries in another database, see SHOW cron.database_name; there, as a \
             superuser: SELECT cron.schedule_in_database({}, {}, {}, {database}, {});",
            literal(entry.name),
            literal(entry.schedule),
            literal(entry.command_elsewhere),
            literal(&role::name(role::current()))
        ),
    };
    Err(Error::new(
        Kind::ObjectMissing,
        "extension \"pg_cron\" is not installed in this database",
    )
    .with_hint(hint))
}

fn current_database() -> String {
    // SAFETY: a catalog look-up inside a transaction; the string is palloc'ed.
    unsafe { role::text(pg_sys::get_database_name(pg_sys::MyDatabaseId)) }.unwrap_or_default()
}

/// A setting of the server; `None` where the library that defines it is not loaded.
fn setting(name: &CStr) -> Option<String> {
    // SAFETY: NUL-terminated; a setting that is not there is asked for without an ERROR, and the value is
    // copied at once.
    unsafe { role::text(pg_sys::GetConfigOption(name.as_ptr(), true, false)) }
}
