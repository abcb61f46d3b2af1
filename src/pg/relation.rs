//! What the server's catalog says of a target table.

use pgrx::pg_sys;
use serde::Deserialize;

use super::spi;
use crate::error::{Error, Kind, Result};
use crate::model::pg_type::PgType;

/// OID and kind (`pg_class.relkind`) of a relation, and whether its rows are locked away.
#[derive(Debug, Clone, Deserialize)]
pub struct Relation {
    pub oid: i64,
    pub relkind: String,
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
    spi::query_first(
        include_str!("../../sql/queries/relation.sql"),
        &[schema.into(), table.into()],
    )
}

pub fn schema_exists(schema: &str) -> Result<bool> {
    let found: Option<serde_json::Value> = spi::query_first(
        "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1::name",
        &[schema.into()],
    )?;
    Ok(found.is_some())
}

pub fn columns(relation: &Relation) -> Result<Vec<Column>> {
    spi::query(
        include_str!("../../sql/queries/relation_columns.sql"),
        &[relation.oid.into()],
    )
}

/// Column sets of the plain, valid, immediate unique indexes.
pub fn unique_keys(relation: &Relation) -> Result<Vec<Vec<String>>> {
    #[derive(Deserialize)]
    struct Row {
        columns: Vec<String>,
    }
    let rows: Vec<Row> = spi::query(
        include_str!("../../sql/queries/relation_unique_keys.sql"),
        &[relation.oid.into()],
    )?;
    Ok(rows.into_iter().map(|row| row.columns).collect())
}

/// PostgreSQL's own checks before a COPY FROM, as the current role: INSERT on the table, and no
/// row security that COPY could not honour.
pub fn require_copy_rights(relation: &Relation, name: &str) -> Result<()> {
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
    if !allowed {
        return Err(Error::new(
            Kind::PrivilegeMissing,
            format!("permission denied for table {name}"),
        )
        .with_hint(format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {};",
            crate::plan::identifier::quote(&super::role::name(super::role::current()))
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
    Ok(())
}

pub(super) fn oid(relation: &Relation) -> Result<pg_sys::Oid> {
    u32::try_from(relation.oid)
        .map(pg_sys::Oid::from)
        .map_err(|_| Error::new(Kind::Internal, "relation OID out of range"))
}
