//! Foreign servers and user mappings: where a source's address and secrets live.

use std::ffi::{CString, c_char};

use pgrx::{PgList, pg_sys};

use super::role;
use crate::error::{Error, Kind, Result};

pub const WRAPPER: &str = "tributary";

/// The number that initdb gave this cluster.
pub fn system_identifier() -> u64 {
    // SAFETY: reads shared memory that the postmaster has filled.
    unsafe { pg_sys::GetSystemIdentifier() }
}

/// Option names and values, in the order they were given.
pub type Options = Vec<(String, String)>;

/// Options of the foreign server and of the role's user mapping, after PostgreSQL's checks:
/// the server is one of ours and the role has USAGE on it.
pub fn options_for(server: &str, role_oid: u32) -> Result<(Options, Options)> {
    let role_oid = pg_sys::Oid::from(role_oid);
    let c_server = c_string(server)?;
    // SAFETY: catalog look-ups inside a transaction; results are palloc'ed in its memory.
    unsafe {
        let found = pg_sys::GetForeignServerByName(c_server.as_ptr(), true);
        if found.is_null() {
            return Err(Error::new(
                Kind::ObjectMissing,
                format!("source \"{server}\" does not exist"),
            )
            .with_hint(format!(
                "SELECT sync_create_source({}, 'mysql://user:password@host/database');",
                crate::plan::identifier::literal(server)
            )));
        }
        let wrapper = pg_sys::GetForeignDataWrapper((*found).fdwid);
        if role::text((*wrapper).fdwname).as_deref() != Some(WRAPPER) {
            return Err(Error::new(
                Kind::InvalidParameter,
                format!(
                    "server \"{server}\" is not a source: its foreign-data wrapper is not \"{WRAPPER}\""
                ),
            ));
        }
        if !usage_allowed((*found).serverid, role_oid) {
            return Err(Error::new(
                Kind::PrivilegeMissing,
                format!("permission denied for foreign server {server}"),
            )
            .with_hint(format!(
                "GRANT USAGE ON FOREIGN SERVER {} TO {};",
                crate::plan::identifier::quote(server),
                crate::plan::identifier::quote(&role::name(role_oid.to_u32()))
            )));
        }
        let server_options = read_options((*found).options);
        // The role's own mapping, else the one for PUBLIC; an ERROR where there is neither.
        let mapping = pg_sys::GetUserMapping(role_oid, (*found).serverid);
        Ok((server_options, read_options((*mapping).options)))
    }
}

/// # Safety
/// Inside a transaction.
unsafe fn usage_allowed(server: pg_sys::Oid, role: pg_sys::Oid) -> bool {
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    // SAFETY: the caller's promise.
    let result =
        unsafe { pg_sys::pg_foreign_server_aclcheck(server, role, pg_sys::ACL_USAGE.into()) };
    #[cfg(not(any(feature = "pg14", feature = "pg15")))]
    // SAFETY: the caller's promise.
    let result = unsafe {
        pg_sys::object_aclcheck(
            pg_sys::ForeignServerRelationId,
            server,
            role,
            pg_sys::ACL_USAGE.into(),
        )
    };
    result == pg_sys::AclResult::ACLCHECK_OK
}

/// # Safety
/// `list` is NIL or a list of DefElems with string values, as the catalog functions return.
unsafe fn read_options(list: *mut pg_sys::List) -> Options {
    // SAFETY: the caller's promise.
    unsafe {
        PgList::<pg_sys::DefElem>::from_pg(list)
            .iter_ptr()
            .filter_map(|element| {
                let name = role::text((*element).defname)?;
                let value = role::text(pg_sys::defGetString(element))?;
                Some((name, value))
            })
            .collect()
    }
}

/// What the options of a validator call belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionsOf {
    Wrapper,
    Server,
    Mapping,
    Other,
}

pub fn options_of(catalog: pg_sys::Oid) -> OptionsOf {
    match catalog {
        pg_sys::ForeignServerRelationId => OptionsOf::Server,
        pg_sys::UserMappingRelationId => OptionsOf::Mapping,
        pg_sys::ForeignDataWrapperRelationId => OptionsOf::Wrapper,
        _ => OptionsOf::Other,
    }
}

/// `CREATE SERVER` and `CREATE USER MAPPING FOR CURRENT_USER` as the current role, without a
/// statement text in which the secret could be logged.
pub fn create(server: &str, server_options: &Options, mapping_options: &Options) -> Result<()> {
    let server = c_string(server)?;
    let wrapper = c_string(WRAPPER)?;
    // SAFETY: builds the parse nodes that the grammar would build, in the transaction's memory,
    // and calls the functions that run them; they check rights and options themselves.
    unsafe {
        let statement =
            node::<pg_sys::CreateForeignServerStmt>(pg_sys::NodeTag::T_CreateForeignServerStmt);
        (*statement).servername = pg_sys::pstrdup(server.as_ptr());
        (*statement).fdwname = pg_sys::pstrdup(wrapper.as_ptr());
        (*statement).options = option_list(server_options)?;
        pg_sys::CreateForeignServer(statement);
        pg_sys::CommandCounterIncrement();

        let role = node::<pg_sys::RoleSpec>(pg_sys::NodeTag::T_RoleSpec);
        (*role).roletype = pg_sys::RoleSpecType::ROLESPEC_CURRENT_USER;
        (*role).location = -1;
        let statement =
            node::<pg_sys::CreateUserMappingStmt>(pg_sys::NodeTag::T_CreateUserMappingStmt);
        (*statement).user = role;
        (*statement).servername = pg_sys::pstrdup(server.as_ptr());
        (*statement).options = option_list(mapping_options)?;
        pg_sys::CreateUserMapping(statement);
        pg_sys::CommandCounterIncrement();
    }
    Ok(())
}

/// # Safety
/// `T` is the node struct that `tag` names.
unsafe fn node<T>(tag: pg_sys::NodeTag) -> *mut T {
    // SAFETY: zeroed palloc memory is a valid empty node once it has its tag.
    unsafe {
        let node = pg_sys::palloc0(size_of::<T>()).cast::<pg_sys::Node>();
        (*node).type_ = tag;
        node.cast()
    }
}

/// # Safety
/// Inside a memory context that outlives the list's use.
unsafe fn option_list(options: &Options) -> Result<*mut pg_sys::List> {
    let mut list = PgList::<pg_sys::DefElem>::new();
    for (name, value) in options {
        let (name, value) = (c_string(name)?, c_string(value)?);
        // SAFETY: copies of both strings in the current memory context.
        unsafe {
            list.push(pg_sys::makeDefElem(
                pg_sys::pstrdup(name.as_ptr()),
                pg_sys::makeString(pg_sys::pstrdup(value.as_ptr()).cast::<c_char>()).cast(),
                -1,
            ));
        }
    }
    Ok(list.into_pg())
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| {
        Error::new(
            Kind::InvalidParameter,
            "a name or option contains a NUL byte",
        )
    })
}
