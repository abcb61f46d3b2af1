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
    /// Of its partitions, and its own.
    owners: Vec<i64>,
    /// Its rows, those of its partitions included, survive a crash together with our catalog.
    pub durable: bool,
    /// A trigger could keep rows out.
    pub filters: bool,
    /// A trigger could keep updates out.
    pub guards: bool,
}

/// One column as in `pg_attribute`.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    pub name: String,
    pub type_oid: u32,
    pub typmod: i32,
    /// The type whose binary form the column's type takes, and its modifier.
    base_oid: u32,
    base_typmod: i32,
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

    /// What the codec has to write: the base type of a domain, text for an enum and for citext, the
    /// codec's own number for PostGIS's geometry.
    pub fn representation(&self) -> PgType {
        PgType {
            oid: self.base_oid,
            typmod: self.base_typmod,
        }
    }
}

impl Relation {
    /// The role that it belonged to when it was looked up.
    pub fn owner(&self) -> i64 {
        self.owner
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

/// The role that a schema belongs to; None where there is none.
pub fn schema_owner(schema: &str) -> Result<Option<i64>> {
    #[derive(Deserialize)]
    struct Row {
        owner: i64,
    }
    let found: Option<Row> = with_pinned_path(|| {
        spi::query_first(
            include_str!("../../sql/queries/schema_owner.sql"),
            &[schema.into()],
        )
    })?;
    Ok(found.map(|row| row.owner))
}

pub fn columns(relation: &Relation) -> Result<Vec<Column>> {
    with_pinned_path(|| {
        spi::query(
            include_str!("../../sql/queries/relation_columns.sql"),
            &[relation.oid.into()],
        )
    })
}

/// Has the table an index of this name?
pub fn has_index(relation: &Relation, name: &str) -> Result<bool> {
    exists(
        "SELECT 1 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         WHERE i.indrelid = $1::oid AND c.relname = $2::name AND i.indisvalid",
        relation,
        name,
    )
}

/// Has the table a constraint of this name?
pub fn has_constraint(relation: &Relation, name: &str) -> Result<bool> {
    exists(
        "SELECT 1 FROM pg_catalog.pg_constraint c \
         WHERE c.conrelid = $1::oid AND c.conname = $2::name",
        relation,
        name,
    )
}

/// Does a foreign key of another table refer to this one?
pub fn is_referenced(relation: &Relation) -> Result<bool> {
    let found: Option<serde_json::Value> = with_pinned_path(|| {
        spi::query_first(
            "SELECT 1 FROM pg_catalog.pg_constraint c \
             WHERE c.confrelid = $1::oid AND c.contype = 'f' AND c.conrelid <> c.confrelid LIMIT 1",
            &[relation.oid.into()],
        )
    })?;
    Ok(found.is_some())
}

fn exists(sql: &str, relation: &Relation, name: &str) -> Result<bool> {
    let found: Option<serde_json::Value> =
        with_pinned_path(|| spi::query_first(sql, &[relation.oid.into(), name.into()]))?;
    Ok(found.is_some())
}

/// A base type of an extension that is installed in this database, schema-qualified. Only a superuser
/// makes base types; a role that owns an extension could add a domain of that name to it.
pub fn extension_type(extension: &str, name: &str) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Row {
        name: String,
    }
    let found: Option<Row> = with_pinned_path(|| {
        spi::query_first(
            "SELECT pg_catalog.format('%I.%I', n.nspname, t.typname) AS name \
             FROM pg_catalog.pg_extension e \
             JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass \
               AND d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass \
             JOIN pg_catalog.pg_type t ON t.oid = d.objid \
             JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
             WHERE e.extname = $1::name AND t.typname = $2::name \
               AND t.typtype = 'b' AND t.typnamespace = e.extnamespace",
            &[extension.into(), name.into()],
        )
    })?;
    Ok(found.map(|row| row.name))
}

/// A plain, valid, immediate unique index.
#[derive(Debug, Clone, Deserialize)]
pub struct UniqueKey {
    pub columns: Vec<String>,
    /// Of each column, as SQL: `OPERATOR(pg_catalog.=)`.
    pub operators: Vec<String>,
}

pub fn unique_keys(relation: &Relation) -> Result<Vec<UniqueKey>> {
    with_pinned_path(|| {
        spi::query(
            include_str!("../../sql/queries/relation_unique_keys.sql"),
            &[relation.oid.into()],
        )
    })
}

/// The column sets by which a table is unique.
pub fn unique_columns(relation: &Relation) -> Result<Vec<Vec<String>>> {
    let keys = unique_keys(relation)?;
    Ok(keys.into_iter().map(|key| key.columns).collect())
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
    let what = format!("table {}", relation.name);
    for owner in &relation.owners {
        require_trusted(*owner, &what)?;
    }
    require_trusted(relation.schema_owner, &what)
}

/// The same before anything is made in a schema.
pub fn require_trusted_schema(schema: &str) -> Result<()> {
    let what = format!("schema {}", crate::plan::identifier::quote(schema));
    require_trusted(schema_owner(schema)?.unwrap_or(0), &what)
}

/// A superuser works with what belongs to superusers only; other roles with whatever they may.
fn require_trusted(owner: i64, what: &str) -> Result<()> {
    let owner = u32::try_from(owner).unwrap_or(0);
    // SAFETY: catalog look-ups inside a transaction; a role that is gone is no superuser.
    if unsafe { !pg_sys::superuser() || pg_sys::superuser_arg(pg_sys::Oid::from(owner)) } {
        return Ok(());
    }
    Err(Error::new(
        Kind::PrivilegeMissing,
        format!(
            "{what} belongs to role \"{}\", whose triggers and defaults would run as a superuser",
            role::name(owner)
        ),
    )
    .with_hint(format!(
        "create the job as a role that is no superuser: SET ROLE {};",
        crate::plan::identifier::quote(&role::name(owner))
    )))
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
