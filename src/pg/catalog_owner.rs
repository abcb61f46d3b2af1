//! The small privileged part: fixed statements on `tributary.*` run as the catalog's owner.

use pgrx::pg_sys;

use super::guc;

/// Runs `work` with the rights of the extension's owner and a pinned `search_path`, then gives
/// both back. `work` may run nothing but fixed statements on the extension's own tables: no text
/// that a user wrote, and no table that a user could put a trigger on. On an ERROR the enclosing
/// (sub)transaction's abort restores both.
pub fn as_catalog_owner<T>(work: impl FnOnce() -> T) -> T {
    let mut user = pg_sys::Oid::INVALID;
    let mut context = 0;
    // SAFETY: out-pointers to locals; the identity is set back below, or by the abort.
    let nest = unsafe {
        pg_sys::GetUserIdAndSecContext(&raw mut user, &raw mut context);
        let owner = catalog_owner();
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

/// Owner of schema `tributary`; the bootstrap superuser where the extension is not there (then the
/// statement that follows fails for want of its table, whoever runs it).
fn catalog_owner() -> pg_sys::Oid {
    // SAFETY: catalog look-ups inside a transaction; the tuple is released.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"tributary".as_ptr(), true);
        if schema == pg_sys::Oid::INVALID {
            return pg_sys::Oid::from(pg_sys::BOOTSTRAP_SUPERUSERID);
        }
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::NAMESPACEOID as i32,
            pg_sys::Datum::from(schema),
        );
        if tuple.is_null() {
            return pg_sys::Oid::from(pg_sys::BOOTSTRAP_SUPERUSERID);
        }
        let form = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_namespace>();
        let owner = (*form).nspowner;
        pg_sys::ReleaseSysCache(tuple);
        owner
    }
}
