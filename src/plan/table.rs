//! What becomes of one source table: its target, its columns with their types, the key it is
//! walked by, what is made beside the rows. Everything a person has to settle first is an error
//! that names the statement; what will not be as at the source is a warning.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::check::{CheckPlan, plan_checks};
use super::collation;
use super::columns::{Column, Draft, choose_columns, name_warnings, place_columns};
use super::context::PlanContext;
use super::default::default_sql;
use super::expression::shown;
use super::foreign_key::{ForeignKeyPlan, plan_foreign_keys};
use super::generated::{GeneratedPlan, plan_generated, scope, scoped};
use super::identifier::{check_name, literal, quote};
use super::index::{IndexPlan, plan_indexes};
use super::key::choose_key;
use super::sequence::{SequencePlan, plan_sequence};
use super::{cast, names};
use crate::error::Result;
use crate::model::pg_type::PgType;
use crate::model::table::{SourceColumn, SourceDefault, SourceTable};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct TablePlan {
    pub source_schema: String,
    pub source_table: String,
    pub target_schema: String,
    pub target_table: String,
    /// The columns that are copied.
    pub columns: Vec<ColumnPlan>,
    /// The columns that the target computes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generated: Vec<GeneratedPlan>,
    /// Every column of the source in its order, copied or not: by its place there a log without
    /// names tells a column. Without defaults and comments. Empty in a plan of an older version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_columns: Vec<SourceColumn>,
    /// Columns of the target that the job has made and does not fill any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    pub key: Option<KeyPlan>,
    /// The source's primary key where all its columns are copied, be it a key to walk by or not.
    /// Names of the source.
    pub primary_key: Option<Vec<String>>,
    /// A condition in the source's SQL.
    pub filter: Option<String>,
    pub rows_estimated: Option<u64>,
    pub bytes_estimated: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<SequencePlan>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckPlan>,
    /// Statements that come before CREATE TABLE: types and collations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare: Vec<String>,
    /// To be made after the rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexPlan>,
    /// To be added when the tables they refer to have their rows and indexes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKeyPlan>,
    pub warnings: Vec<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ColumnPlan {
    pub source: SourceColumn,
    pub target_name: String,
    /// What the codec writes: text for citext and enum types, a domain's own type.
    pub target: PgType,
    /// What DDL writes.
    pub type_name: String,
    /// The type of an existing column, by its own OID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<PgType>,
    /// A rule of the user chose the type: the codec may guard each value.
    #[serde(default)]
    pub cast: bool,
    /// PostgreSQL's SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// The key a unit is walked by, with the source's names.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct KeyPlan {
    /// The index at the source.
    pub index: String,
    pub columns: Vec<String>,
    pub primary: bool,
    /// The unique constraint of a table to be created, where it is not the primary key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
}

/// `usable` tells which of the table's keys the source can walk, in the order of `table.keys`.
pub fn plan_table(
    table: &SourceTable,
    usable: &[bool],
    context: &PlanContext<'_>,
) -> Result<TablePlan> {
    check_name("target schema", context.target_schema)?;
    check_name("target table", context.target_table).map_err(|error| {
        error.with_hint(format!(
            "Give the target a name of its own: {}.",
            alter_unit(table, &serde_json::json!({"target": "short_name"}))
        ))
    })?;
    let unit = context.unit;
    let chosen = choose_columns(table, unit.columns.as_deref())?;
    let casts = context.job.values.casts(&unit.values);
    let columns = place_columns(table, &chosen, &casts, context)?;
    let mut warnings = name_warnings(table, &columns, context);
    warnings.extend(cast::unused(&casts, &chosen));
    warnings.extend(columns.iter().filter_map(|c| c.typed.warning.clone()));
    let mut key = choose_key(table, usable, &chosen, unit.key.as_deref(), &mut warnings)?;
    let primary_key = primary_key(table, &chosen);
    let keys: Vec<String> = key
        .iter()
        .flat_map(|key| &key.columns)
        .chain(primary_key.iter().flatten())
        .cloned()
        .collect();
    let expressions = plan_generated(&columns, &keys, &mut warnings);
    let scope = scope(&columns, &expressions);
    let draft = Draft {
        table,
        columns: &columns,
        scope: &scope,
        context,
    };

    let mut relations = BTreeSet::from([
        context.target_table.to_string(),
        format!("{}_pkey", context.target_table),
    ]);
    let sequence = plan_sequence(&draft, &expressions, &mut relations, &mut warnings);
    if let Some(key) = key.as_mut().filter(|key| !key.primary) {
        let folded = names::fold(&key.index, context.job.names);
        let owned = names::owned(context.target_table, &folded, context.target_tables);
        key.constraint = Some(names::distinct(&owned, &mut relations));
    }
    let mut constraints = relations.clone();
    let checks = plan_checks(&draft, &mut constraints, &mut warnings);
    let foreign_keys = match context.job.foreign_keys {
        true => plan_foreign_keys(&draft, &mut constraints, &mut warnings),
        false => Vec::new(),
    };
    let indexes = match context.job.indexes {
        true => {
            let present = key.as_ref().filter(|key| !key.primary);
            let present = present.map(|key| key.index.as_str());
            plan_indexes(&draft, present, &mut relations, &mut warnings)
        }
        false => Vec::new(),
    };
    warnings.extend(collation::warnings(&draft, primary_key.as_deref()));
    if table.partitioned {
        warnings.push("partitioned at the source, one plain table here".to_string());
    }

    let (copied, generated) = placed(&columns, expressions, sequence.as_ref(), &mut warnings);
    let mut prepare: Vec<String> = Vec::new();
    for sql in columns.iter().filter_map(|c| c.typed.prepare.as_ref()) {
        if !prepare.contains(sql) {
            prepare.push(sql.clone());
        }
    }
    for warning in &mut warnings {
        // Names come from the source, and a warning is read in somebody's terminal.
        *warning = warning.replace(char::is_control, " ");
    }
    Ok(TablePlan {
        source_schema: table.schema.clone(),
        source_table: table.name.clone(),
        target_schema: context.target_schema.to_string(),
        target_table: context.target_table.to_string(),
        columns: copied,
        generated,
        source_columns: table.columns.iter().map(bare).collect(),
        left: Vec::new(),
        key,
        primary_key,
        filter: unit.filter.clone(),
        rows_estimated: table.rows_estimated,
        bytes_estimated: table.bytes_estimated,
        comment: table.comment.clone(),
        sequence,
        checks,
        prepare,
        indexes,
        foreign_keys,
        warnings,
    })
}

/// A column without what only its creation needs: the plan is stored.
fn bare(column: &SourceColumn) -> SourceColumn {
    SourceColumn {
        default: None,
        comment: None,
        ..column.clone()
    }
}

fn primary_key(table: &SourceTable, chosen: &[&SourceColumn]) -> Option<Vec<String>> {
    let key = table.keys.iter().find(|key| key.primary)?;
    let is_copied = |name: &String| chosen.iter().any(|column| &column.name == name);
    key.columns
        .iter()
        .all(is_copied)
        .then(|| key.columns.clone())
}

/// The columns that are copied and those that the target computes.
fn placed(
    columns: &[Column<'_>],
    expressions: Vec<Option<String>>,
    sequence: Option<&SequencePlan>,
    warnings: &mut Vec<String>,
) -> (Vec<ColumnPlan>, Vec<GeneratedPlan>) {
    let mut copied = Vec::with_capacity(columns.len());
    let mut generated = Vec::new();
    for (column, expression) in columns.iter().zip(expressions) {
        let mut planned = ColumnPlan {
            // The plan is stored: what it has translated it need not keep.
            source: SourceColumn {
                default: None,
                ..column.source.clone()
            },
            target_name: column.name.clone(),
            target: column.typed.target,
            type_name: column.typed.type_name.clone(),
            actual: None,
            cast: column.typed.cast,
            default: None,
        };
        if let Some(expression) = expression {
            generated.push(GeneratedPlan {
                column: planned,
                expression,
                after: copied.len(),
            });
            continue;
        }
        let name = quote(&column.name);
        if sequence.is_none_or(|sequence| sequence.column != column.source.name) {
            match default_sql(&scoped(column, false)) {
                Ok(default) => planned.default = default,
                Err(reason) => warnings.push(format!(
                    "column {name} has no default: {reason}: {}",
                    column.source.default.as_ref().map_or(String::new(), told)
                )),
            }
        }
        if column.source.on_update_now {
            warnings.push(format!(
                "column {name} does not follow updates here (ON UPDATE CURRENT_TIMESTAMP): a trigger can do that"
            ));
        }
        copied.push(planned);
    }
    (copied, generated)
}

fn told(default: &SourceDefault) -> String {
    match default {
        SourceDefault::Literal(text) => shown(&format!("'{text}'")),
        SourceDefault::Expression(sql) => shown(sql),
    }
}

impl TablePlan {
    /// How the unit's first copy is cut, in words for `sync_plan`.
    pub fn chunking(&self, chunk_rows: u64) -> String {
        let Some(key) = &self.key else {
            return "one transaction (no key)".to_string();
        };
        match self.rows_estimated {
            Some(rows) if rows <= chunk_rows => "one chunk".to_string(),
            _ => format!(
                "chunks of {chunk_rows} rows by ({})",
                key.columns.join(", ")
            ),
        }
    }

    /// Every column of the target, copied or computed there.
    pub(super) fn all_columns(&self) -> impl Iterator<Item = &ColumnPlan> {
        let generated = self.generated.iter().map(|generated| &generated.column);
        self.columns.iter().chain(generated)
    }

    /// The target's name of a source column.
    pub(super) fn target_column(&self, name: &str) -> Option<String> {
        self.all_columns()
            .find(|column| column.source.name == name)
            .map(|column| column.target_name.clone())
    }

    /// The target's names of source columns; those that are not in the target are left out.
    pub fn target_columns(&self, names: &[String]) -> Vec<String> {
        names
            .iter()
            .filter_map(|name| self.target_column(name))
            .collect()
    }

    /// The type that a source column has in the target, or would have.
    pub(super) fn type_of(&self, name: &str) -> Option<PgType> {
        self.all_columns()
            .find(|column| column.source.name == name)
            .map(|column| column.target)
    }

    /// The sets of columns that will be unique in a table that is created, with the target's names.
    pub fn unique_keys(&self) -> Vec<Vec<String>> {
        let indexes = self.indexes.iter().map(|index| &index.key);
        self.primary_key
            .iter()
            .chain(self.key.iter().map(|key| &key.columns))
            .chain(indexes.filter(|key| !key.is_empty()))
            .map(|key| self.target_columns(key))
            .collect()
    }
}

/// The statement that changes an option of the unit; only the user knows the job's name.
pub(super) fn alter_unit(table: &SourceTable, options: &serde_json::Value) -> String {
    format!(
        "SELECT sync_alter_unit('<job>', {}, {})",
        literal(&table.name),
        literal(&options.to_string())
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Planning, column, orders, planned};
    use super::*;
    use crate::error::Kind;
    use crate::model::pg_type::oid;
    use crate::model::table::SourceType;

    fn plan(unit: serde_json::Value) -> Result<TablePlan> {
        Planning::unit(unit).plan(&orders(), &[true, true])
    }

    fn names(plan: &TablePlan) -> Vec<&str> {
        plan.columns
            .iter()
            .map(|c| c.target_name.as_str())
            .collect()
    }

    #[test]
    fn a_table_is_copied_whole_by_its_primary_key() {
        let plan = plan(serde_json::json!({})).unwrap();
        assert_eq!(
            (plan.target_schema.as_str(), plan.target_table.as_str()),
            ("shop", "orders")
        );
        assert_eq!(names(&plan), ["id", "code", "order", "note"]);
        assert_eq!(plan.columns[0].target, PgType::plain(oid::INT4));
        assert_eq!(plan.columns[1].type_name, "varchar(20)");
        let key = plan.key.unwrap();
        assert_eq!((key.index.as_str(), key.primary), ("PRIMARY", true));
        assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    }

    #[test]
    fn options_choose_target_columns_in_order_and_filter() {
        let plan = plan(serde_json::json!({
            "target": "bestellungen", "columns": ["note", "id"], "filter": "id > 3"
        }))
        .unwrap();
        assert_eq!(plan.target_table, "bestellungen");
        assert_eq!(names(&plan), ["note", "id"]);
        assert_eq!(plan.filter.as_deref(), Some("id > 3"));
    }

    #[test]
    fn an_unknown_column_lists_the_columns() {
        let error = plan(serde_json::json!({"columns": ["id", "Note"]})).unwrap_err();
        assert_eq!(error.kind, Kind::SourceObjectMissing);
        assert_eq!(
            error.message,
            "source table \"orders\" has no column \"Note\""
        );
        assert!(error.detail.unwrap().contains("id, code, order, note"));
        assert_eq!(error.hint.unwrap(), "Perhaps you meant \"note\".");
    }

    #[test]
    fn all_columns_that_cannot_be_copied_are_told_at_once() {
        let mut table = orders();
        let unmapped = || SourceType::Unmapped {
            name: "vector".into(),
        };
        table.columns.push(column("place", unmapped(), "vector(4)"));
        let default = Planning::default();
        let error = default.plan(&table, &[true, true]).unwrap_err();
        assert_eq!(error.kind, Kind::TypeRefused);
        assert!(error.message.contains("place"), "{error}");
        table.columns.push(column("other", unmapped(), "vector(5)"));
        let error = default.plan(&table, &[true, true]).unwrap_err();
        let detail = error.detail.unwrap();
        assert!(
            detail.contains("place") && detail.contains("other"),
            "{detail}"
        );
        assert_eq!(
            error.hint.unwrap(),
            "Leave out what cannot be copied: SELECT sync_alter_unit('<job>', 'orders', \
             '{\"columns\":[\"id\",\"code\",\"order\",\"note\"]}')."
        );
    }

    #[test]
    fn a_table_without_visible_columns_is_an_error() {
        let mut table = orders();
        table.columns.clear();
        assert!(Planning::default().plan(&table, &[]).is_err());
    }

    #[test]
    fn chunking_says_how_the_copy_is_cut() {
        let mut plan = plan(serde_json::json!({})).unwrap();
        assert_eq!(plan.chunking(250_000), "chunks of 250000 rows by (id)");
        plan.rows_estimated = Some(250_000);
        assert_eq!(plan.chunking(250_000), "one chunk");
        plan.rows_estimated = None;
        assert_eq!(plan.chunking(100), "chunks of 100 rows by (id)");
        plan.key = None;
        assert_eq!(plan.chunking(100), "one transaction (no key)");
    }

    #[test]
    fn a_plan_survives_json() {
        let plan = planned(&orders(), &[true, true]);
        let json = serde_json::to_value(&plan).unwrap();
        assert_eq!(serde_json::from_value::<TablePlan>(json).unwrap(), plan);
    }
}
