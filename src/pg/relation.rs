//! What the server's catalog says of a target table.

use pgrx::pg_sys;
use serde::Deserialize;

use super::catalog_owner::with_pinned_path;
use super::{role, spi};
use crate::error::{Error, Kind, Result};
use crate::model::pg_type::PgType;

/// A relation: its OID, its kind (`pg_class.relkind`), and whose it is.
#[derive(Debug, Clone, Deserialize)]
pub struct Relation {
    pub oid: i64,
    pub relkind: String,
    /// Schema and name, quoted where needed.
    pub name: String,
    owner: i64,
    schema_owner: i64,
    /// Its rows, those of its partitions included, survive a crash together with our catalog.
    pub durable: bool,
}

/// One column as in `pg_attribute`.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    pub name: String,
    pub type_oid: u32,
    pub typmod: i32,
    pub type_name: String,
    pub not_null: bool,
    pub has_default: bool,
    pub generated: bool,
    pub identity_always: bool,
}

impl Column {
    pub fn pg_type(&self) -> PgType {
        PgType {
            oid: self.type_oid,
            typmod: self.typmod,
        }
    }
}

pub fn find(schema: &str, table: &str) -> Result<Option<Relation>> {
    with_pinned_path(|| {
        spi::query_first(
            include_str!("../../sql/queries/relation.sql"),
            &[schema.into(), table.into()],
        )
    })
}

pub fn schema_exists(schema: &str) -> Result<bool> {
    let found: Option<serde_json::Value> = with_pinned_path(|| {
        spi::query_first(
            "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1::name",
            &[schema.into()],
        )
    })?;
    Ok(found.is_some())
}

pub fn columns(relation: &Relation) -> Result<Vec<Column>> {
    with_pinned_path(|| {
        spi::query(
            include_str!("../../sql/queries/relation_columns.sql"),
            &[relation.oid.into()],
        )
    })
}

/// Column sets of the plain, valid, immediate unique indexes.
pub fn unique_keys(relation: &Relation) -> Result<Vec<Vec<String>>> {
    #[derive(Deserialize)]
    struct Row {
        columns: Vec<String>,
    }
    let rows: Vec<Row> = with_pinned_path(|| {
        spi::query(
            include_str!("../../sql/queries/relation_unique_keys.sql"),
            &[relation.oid.into()],
        )
    })?;
    Ok(rows.into_iter().map(|row| row.columns).collect())
}

/// What has to hold before rows are written, for the current role: INSERT on the table, no row
/// security that COPY could not honour, and nobody's code that would run as a superuser.
pub fn require_copy_rights(relation: &Relation) -> Result<()> {
    let oid = oid(relation)?;
    // SAFETY: catalog look-ups inside a transaction.
    let (allowed, row_security) = unsafe {
        let user = pg_sys::GetUserId();
        (
            pg_sys::pg_class_aclcheck(oid, user, pg_sys::ACL_INSERT.into())
                == pg_sys::AclResult::ACLCHECK_OK,
            pg_sys::check_enable_rls(oid, pg_sys::Oid::INVALID, true)
                == pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32,
        )
    };
    let name = &relation.name;
    let role = crate::plan::identifier::quote(&role::name(role::current()));
    if !allowed {
        return Err(Error::new(
            Kind::PrivilegeMissing,
            format!("permission denied for table {name}"),
        )
        .with_hint(format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {role};"
        )));
    }
    if row_security {
        return Err(Error::new(
            Kind::InvalidState,
            format!("row security of table {name} applies to the job's owner"),
        )
        .with_hint(
            "rows are written with COPY, which does not check policies: give the job to the \
             table's owner or to a role with BYPASSRLS",
        ));
    }
    require_trusted_owner(relation)
}

/// Triggers, defaults and index expressions of a table run as the role that writes it. A superuser
/// does not write tables whose owner, or whose schema's owner, is not one.
fn require_trusted_owner(relation: &Relation) -> Result<()> {
    // SAFETY: catalog look-ups inside a transaction.
    if !unsafe { pg_sys::superuser() } {
        return Ok(());
    }
    for owner in [relation.owner, relation.schema_owner] {
        let owner = u32::try_from(owner).unwrap_or(0);
        // SAFETY: as above; a role that is gone is no superuser.
        if unsafe { pg_sys::superuser_arg(pg_sys::Oid::from(owner)) } {
            continue;
        }
        return Err(Error::new(
            Kind::PrivilegeMissing,
            format!(
                "table {} belongs to role \"{}\", whose triggers and defaults would run as a superuser",
                relation.name,
                role::name(owner)
            ),
        )
        .with_hint(format!(
            "create the job as a role that is no superuser: SET ROLE {};",
            crate::plan::identifier::quote(&role::name(owner))
        )));
    }
    Ok(())
}

/// Locks a table of the current role against being replaced until the transaction ends, and makes
/// sure that it is one: the schema's owner could have put a view in its place. The caller looks the
/// name up again afterwards.
pub fn lock_own_table(relation: &Relation) -> Result<()> {
    let oid = oid(relation)?;
    // SAFETY: takes a lock that the transaction's end gives back; catalog look-ups.
    let (owned, kind) = unsafe {
        pg_sys::LockRelationOid(oid, pg_sys::ShareUpdateExclusiveLock as pg_sys::LOCKMODE);
        (
            pg_sys::pg_class_ownercheck(oid, pg_sys::GetUserId()),
            pg_sys::get_rel_relkind(oid) as u8,
        )
    };
    if owned && kind == b'r' {
        return Ok(());
    }
    Err(Error::new(
        Kind::InvalidState,
        format!(
            "table {} is not the one that rows were copied into",
            relation.name
        ),
    ))
}

pub(super) fn oid(relation: &Relation) -> Result<pg_sys::Oid> {
    u32::try_from(relation.oid)
        .map(pg_sys::Oid::from)
        .map_err(|_| Error::new(Kind::Internal, "relation OID out of range"))
}
