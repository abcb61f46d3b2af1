//! The small privileged part: fixed statements on `tributary.*` run as the catalog's owner.

use std::ffi::CString;

use pgrx::pg_sys;
use serde::Deserialize;

use super::{guc, spi};
use crate::error::{Error, Kind, Result};
use crate::plan::identifier::quote;

/// Runs `work` with the rights of the extension's owner and a pinned `search_path`, then gives
/// both back. `work` may run nothing but fixed statements on the extension's own tables: no text
/// that a user wrote, and no table that a user could put a trigger on. On an ERROR the enclosing
/// (sub)transaction's abort restores both.
pub fn as_catalog_owner<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let owner = catalog_owner().ok_or_else(|| {
        Error::new(
            Kind::ObjectMissing,
            "extension \"pg_tributary\" is not installed in this database",
        )
        .with_hint("CREATE EXTENSION pg_tributary;")
    })?;
    let mut user = pg_sys::Oid::INVALID;
    let mut context = 0;
    // SAFETY: out-pointers to locals; the identity is set back below, or by the abort.
    let nest = unsafe {
        pg_sys::GetUserIdAndSecContext(&raw mut user, &raw mut context);
        pg_sys::SetUserIdAndSecContext(
            owner,
            context
                | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32
                | pg_sys::SECURITY_RESTRICTED_OPERATION as i32,
        );
        pg_sys::NewGUCNestLevel()
    };
    guc::set_save(c"search_path", c"pg_catalog, pg_temp");
    let value = work();
    // SAFETY: undoes exactly what was done above, in reverse order.
    unsafe {
        pg_sys::AtEOXact_GUC(false, nest);
        pg_sys::SetUserIdAndSecContext(user, context);
    }
    value
}

/// Runs `work` with the rights of `role` in PostgreSQL's restricted mode, under the path that workers have.
/// On an ERROR the enclosing (sub)transaction's abort gives the caller's identity back.
pub fn as_role<T>(role: u32, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut user = pg_sys::Oid::INVALID;
    let mut context = 0;
    // SAFETY: out-pointers to locals; the identity is set back below, or by the abort.
    let nest = unsafe {
        pg_sys::GetUserIdAndSecContext(&raw mut user, &raw mut context);
        pg_sys::SetUserIdAndSecContext(
            pg_sys::Oid::from(role),
            context
                | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32
                | pg_sys::SECURITY_RESTRICTED_OPERATION as i32,
        );
        pg_sys::NewGUCNestLevel()
    };
    guc::set_save(c"search_path", c"pg_catalog, pg_temp");
    let value = work();
    // SAFETY: undoes exactly what was done above, in reverse order.
    unsafe {
        pg_sys::AtEOXact_GUC(false, nest);
        pg_sys::SetUserIdAndSecContext(user, context);
    }
    value
}

/// Owner of the catalog, if schema `tributary` belongs to our extension: nobody else's schema of
/// that name is ever given its rights. Only a superuser can create the extension.
pub fn catalog_owner() -> Option<pg_sys::Oid> {
    // SAFETY: catalog look-ups inside a transaction; the tuple is released.
    unsafe {
        let extension = pg_sys::get_extension_oid(c"pg_tributary".as_ptr(), true);
        let schema = pg_sys::get_namespace_oid(c"tributary".as_ptr(), true);
        if extension == pg_sys::Oid::INVALID
            || schema == pg_sys::Oid::INVALID
            || pg_sys::getExtensionOfObject(pg_sys::NamespaceRelationId, schema) != extension
        {
            return None;
        }
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::NAMESPACEOID as i32,
            pg_sys::Datum::from(schema),
        );
        if tuple.is_null() {
            return None;
        }
        let form = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_namespace>();
        let owner = (*form).nspowner;
        pg_sys::ReleaseSysCache(tuple);
        Some(owner)
    }
}

/// The schema that an extension is in, where it is installed in this database.
pub fn schema_of(extension: &str) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Row {
        schema: String,
    }
    let row: Option<Row> = with_pinned_path(|| {
        spi::query_first(
            "SELECT n.nspname AS schema FROM pg_catalog.pg_extension e \
             JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = $1",
            &[extension.into()],
        )
    })?;
    Ok(row.map(|row| row.schema))
}

/// Runs `work` as the current role with a path that finds the extension's own views, and no other schema of
/// the caller's.
pub fn with_own_path<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let schema = schema_of("pg_tributary")?.unwrap_or_default();
    let path = format!("pg_catalog, {}, pg_temp", quote(&schema));
    let path = CString::new(path)
        .map_err(|_| Error::new(Kind::Internal, "a schema's name contains a NUL byte"))?;
    guc::with_settings(&[(c"search_path", &path)], work)
}

/// Runs `work` as the current role with a pinned `search_path`: for fixed statements on the
/// server's own catalogs, where a caller's path could lead to somebody else's function.
pub fn with_pinned_path<T>(work: impl FnOnce() -> T) -> T {
    guc::with_settings(&[(c"search_path", c"pg_catalog, pg_temp")], work)
}
