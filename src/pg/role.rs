//! Roles and their rights, by OID.

use pgrx::pg_sys;

use crate::error::{Error, Kind, Result};

/// The role whose rights count now.
pub fn current() -> u32 {
    // SAFETY: reads a global of this backend.
    unsafe { pg_sys::GetUserId() }.to_u32()
}

/// The role's name; its number where it is gone.
pub fn name(role: u32) -> String {
    // SAFETY: returns NULL for a role that does not exist; the string is palloc'ed.
    unsafe {
        let name = pg_sys::GetUserNameFromId(pg_sys::Oid::from(role), true);
        text(name).unwrap_or_else(|| role.to_string())
    }
}

/// An error unless the current role has the rights of `owner`.
pub fn require_privileges_of(owner: u32, job: &str) -> Result<()> {
    // SAFETY: catalog look-up inside a transaction.
    let member =
        unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), pg_sys::Oid::from(owner)) };
    if member {
        return Ok(());
    }
    Err(Error::new(
        Kind::PrivilegeMissing,
        format!("must be owner of job \"{job}\""),
    )
    .with_hint(format!(
        "the owner is role \"{}\"; its members may act for it",
        name(owner)
    )))
}

pub fn is_superuser() -> bool {
    // SAFETY: catalog look-up inside a transaction.
    unsafe { pg_sys::superuser() }
}

/// May the role make the server open files of its own machine?
pub fn may_read_server_files() -> bool {
    // SAFETY: catalog look-ups inside a transaction.
    unsafe {
        pg_sys::superuser()
            || pg_sys::has_privs_of_role(
                pg_sys::GetUserId(),
                pg_sys::Oid::from(pg_sys::ROLE_PG_READ_SERVER_FILES),
            )
    }
}

/// A role that may not log in cannot be given to a background worker before PostgreSQL 17.
pub fn require_login(role: u32) -> Result<()> {
    if cfg!(feature = "pg17") || cfg!(feature = "pg18") || can_login(role) {
        return Ok(());
    }
    let name = name(role);
    Err(Error::new(
        Kind::PrivilegeMissing,
        format!("role \"{name}\" is not permitted to log in, so no worker can act for it"),
    )
    .with_hint(format!(
        "ALTER ROLE {} LOGIN;, or create the job as a role that may log in",
        crate::plan::identifier::quote(&name)
    )))
}

/// Is there such a role? There is none numbered 0, which a background worker would take for the
/// bootstrap superuser.
pub fn exists(role: u32) -> bool {
    // SAFETY: catalog look-up inside a transaction.
    role != 0 && unsafe { !pg_sys::GetUserNameFromId(pg_sys::Oid::from(role), true).is_null() }
}

fn can_login(role: u32) -> bool {
    // SAFETY: catalog look-up inside a transaction; the tuple is released.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::AUTHOID as i32,
            pg_sys::Datum::from(pg_sys::Oid::from(role)),
        );
        if tuple.is_null() {
            return false;
        }
        let form = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_authid>();
        let can_login = (*form).rolcanlogin;
        pg_sys::ReleaseSysCache(tuple);
        can_login
    }
}

/// A palloc'ed C string as a `String`.
///
/// # Safety
/// `pointer` is NULL or NUL-terminated.
pub(super) unsafe fn text(pointer: *const std::ffi::c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(
        unsafe { std::ffi::CStr::from_ptr(pointer) }
            .to_string_lossy()
            .into_owned(),
    )
}
