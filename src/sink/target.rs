//! Finding, creating and checking the target table of a plan.

use crate::error::{Error, Kind, Result};
use crate::pg::relation::{self, Relation};
use crate::pg::{report, spi};
use crate::plan::identifier::{qualified, quote};
use crate::plan::table::TablePlan;
use crate::plan::target::{TargetColumn, TargetTable, fit_target, merge_key};

/// A target that can take the plan's rows.
#[derive(Debug)]
pub struct Fitted {
    /// The plan with the target's own column types.
    pub plan: TablePlan,
    pub relation: Relation,
    /// The key by which a reload can merge.
    pub merge_key: Option<Vec<String>>,
}

pub fn name(plan: &TablePlan) -> String {
    qualified(&plan.target_schema, &plan.target_table)
}

/// Creates the schema where it is missing and the role may.
pub fn create_schema_if_missing(schema: &str) -> Result<()> {
    if relation::schema_owner(schema)?.is_some() {
        return Ok(());
    }
    create_unless_just_created(&format!("CREATE SCHEMA {}", quote(schema)))
}

/// Another job may create the same object at the same moment: the next attempt finds it.
fn create_unless_just_created(sql: &str) -> Result<()> {
    match report::catch(|| spi::execute(sql, &[])) {
        Err(error) if matches!(error.sqlstate(), "42P06" | "42P07" | "23505") => {
            Err(Error::new(Kind::TargetChanged, error.message))
        }
        outcome => outcome.map(|_| ()),
    }
}

/// The existing target, checked column by column; `None` where there is none.
pub fn find(plan: &TablePlan) -> Result<Option<Fitted>> {
    let Some(relation) = relation::find(&plan.target_schema, &plan.target_table)? else {
        return Ok(None);
    };
    if !matches!(relation.relkind.as_str(), "r" | "p") {
        return Err(Error::new(
            Kind::TargetMismatch,
            format!("{} is not a table", name(plan)),
        )
        .with_hint(format!(
            "SELECT sync_alter_unit('<job>', {}, '{{\"target\": \"another_name\"}}');",
            crate::plan::identifier::literal(&plan.source_table)
        )));
    }
    if !relation.durable {
        // A crash would empty it, or keep its rows, without our cursor.
        return Err(Error::new(
            Kind::TargetMismatch,
            format!("{} or a partition of it is unlogged or foreign, so that rows and cursor could not commit together", relation.name),
        )
        .with_hint(format!("ALTER TABLE {} SET LOGGED;", relation.name)));
    }
    relation::require_copy_rights(&relation)?;
    let target = TargetTable {
        columns: relation::columns(&relation)?
            .into_iter()
            .map(|column| TargetColumn {
                target: column.representation(),
                actual: column.pg_type(),
                name: column.name,
                type_name: column.type_name,
                not_null: column.not_null,
                has_default: column.has_default,
                generated: column.generated,
                identity_always: column.identity_always,
            })
            .collect(),
        unique_keys: relation::unique_columns(&relation)?,
    };
    Ok(Some(Fitted {
        plan: fit_target(plan, &target)?,
        merge_key: merge_key(plan, &target),
        relation,
    }))
}

/// The existing target, or the error that there is none.
pub fn get(plan: &TablePlan) -> Result<Fitted> {
    find(plan)?.ok_or_else(|| {
        Error::new(
            Kind::ObjectMissing,
            format!("target table {} does not exist", name(plan)),
        )
        .with_hint(format!(
            "SELECT sync_retry('<job>', {}); creates it and copies it from the start",
            crate::plan::identifier::literal(&plan.source_table)
        ))
    })
}

/// The target, created where it is missing and `create` says so, and whether it was.
pub fn find_or_create(plan: &TablePlan, create: Create) -> Result<(Fitted, bool)> {
    if let Some(fitted) = find(plan)? {
        return Ok((fitted, false));
    }
    let statements = plan.create_sql()?;
    if create == Create::Never {
        return Err(Error::new(
            Kind::ObjectMissing,
            format!("target table {} does not exist", name(plan)),
        )
        .with_detail("Option create_tables is off.")
        .with_hint(format!("{};", statements.join(";\n"))));
    }
    create_schema_if_missing(&plan.target_schema)?;
    relation::require_trusted_schema(&plan.target_schema)?;
    for sql in &statements {
        create_unless_just_created(sql)?;
    }
    Ok((get(plan)?, true))
}

/// Whether missing tables are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    Missing,
    Never,
}

/// Is there any row in the target?
pub fn has_rows(plan: &TablePlan) -> Result<bool> {
    let found: Option<serde_json::Value> =
        spi::query_first(&format!("SELECT 1 FROM {} LIMIT 1", name(plan)), &[])?;
    Ok(found.is_some())
}

/// Deletes all rows; readers see them until the transaction commits.
pub fn delete_rows(plan: &TablePlan) -> Result<()> {
    spi::execute(&format!("DELETE FROM {}", name(plan)), &[])?;
    Ok(())
}
