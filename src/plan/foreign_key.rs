//! Foreign keys, added when both tables have their rows and indexes: valid from the start, in any
//! order, cycles included.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::columns::Draft;
use super::identifier::{qualified, quote, quoted_list};
use super::key::same_columns;
use super::names;
use super::table::TablePlan;
use crate::error::{Error, Kind, Result};
use crate::model::pg_type::{PgType, oid};
use crate::model::table::ReferentialAction;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ForeignKeyPlan {
    pub name: String,
    /// The source's columns.
    pub columns: Vec<String>,
    /// The source's database and table.
    pub referenced_schema: String,
    pub referenced_table: String,
    pub referenced_columns: Vec<String>,
    pub on_update: ReferentialAction,
    pub on_delete: ReferentialAction,
}

/// `taken`: names of the table's other constraints.
pub(super) fn plan_foreign_keys(
    draft: &Draft<'_>,
    taken: &mut BTreeSet<String>,
    warnings: &mut Vec<String>,
) -> Vec<ForeignKeyPlan> {
    let mut plans = Vec::new();
    for key in &draft.table.foreign_keys {
        let left_out = key.columns.iter().find(|name| draft.column(name).is_none());
        if let Some(name) = left_out {
            warnings.push(format!(
                "foreign key {} is not kept: {} is not copied",
                quote(&key.name),
                quote(name)
            ));
            continue;
        }
        if key.referenced_schema != draft.table.schema {
            warnings.push(format!(
                "foreign key {} is not kept: it refers to another database, {}",
                quote(&key.name),
                quote(&key.referenced_schema)
            ));
            continue;
        }
        let folded = names::fold(&key.name, draft.context.job.names);
        let name = names::distinct(&folded, taken);
        if name != key.name {
            warnings.push(format!(
                "foreign key {} is named {}",
                quote(&key.name),
                quote(&name)
            ));
        }
        plans.push(ForeignKeyPlan {
            name,
            columns: key.columns.clone(),
            referenced_schema: key.referenced_schema.clone(),
            referenced_table: key.referenced_table.clone(),
            referenced_columns: key.referenced_columns.clone(),
            on_update: key.on_update,
            on_delete: key.on_delete,
        });
    }
    plans
}

/// The statement that adds a foreign key of `child`, or what stands against it. `unique`: the sets of
/// columns that are unique in the parent's target, by its own names.
pub fn foreign_key_sql(
    key: &ForeignKeyPlan,
    child: &TablePlan,
    parent: &TablePlan,
    unique: &[Vec<String>],
) -> Result<String> {
    let refused = |what: String| {
        Err(Error::new(
            Kind::TargetMismatch,
            format!(
                "foreign key \"{}\" of \"{}\" cannot be added: {what}",
                key.name, child.source_table
            ),
        ))
    };
    let referenced = parent.target_columns(&key.referenced_columns);
    if !unique.iter().any(|key| same_columns(key, &referenced)) {
        return refused(format!(
            "({}) of \"{}\" is no unique key",
            key.referenced_columns.join(", "),
            parent.source_table
        ))
        .map_err(|error: Error| {
            error
                .with_detail("The source lets a foreign key refer to columns that are not unique.")
                .with_hint(format!(
                    "CREATE UNIQUE INDEX ON {} ({});",
                    qualified(&parent.target_schema, &parent.target_table),
                    quoted_list(&referenced)
                ))
        });
    }
    for (from, to) in key.columns.iter().zip(&key.referenced_columns) {
        let (Some(from_type), Some(to_type)) = (child.type_of(from), parent.type_of(to)) else {
            return refused(format!("a column of it is not copied: {from} or {to}"));
        };
        if !comparable(from_type, to_type) {
            return refused(format!("{from} and {to} are of types that do not compare")).map_err(
                |error: Error| {
                    error.with_hint("Give both columns one type, with cast rules in the option \"casts\" or with ALTER TABLE.")
                },
            );
        }
    }
    let mut sql = format!(
        "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
        qualified(&child.target_schema, &child.target_table),
        quote(&key.name),
        quoted_list(&child.target_columns(&key.columns)),
        qualified(&parent.target_schema, &parent.target_table),
        quoted_list(&referenced)
    );
    for (event, action) in [("UPDATE", key.on_update), ("DELETE", key.on_delete)] {
        let action = match action {
            // PostgreSQL's default looks at the end of the statement, which is what a user expects
            // of the source's.
            ReferentialAction::Restrict => continue,
            ReferentialAction::Cascade => "CASCADE",
            ReferentialAction::SetNull => "SET NULL",
            ReferentialAction::SetDefault => "SET DEFAULT",
        };
        sql.push_str(&format!(" ON {event} {action}"));
    }
    Ok(sql)
}

/// Whether a column of the first type may refer to one of the second.
fn comparable(from: PgType, to: PgType) -> bool {
    let whole = |oid| matches!(oid, oid::INT2 | oid::INT4 | oid::INT8);
    let text = |oid| matches!(oid, oid::TEXT | oid::VARCHAR | oid::BPCHAR);
    from.oid == to.oid
        || whole(from.oid) && (whole(to.oid) || to.oid == oid::NUMERIC)
        || text(from.oid) && text(to.oid)
        || from.oid == oid::FLOAT4 && to.oid == oid::FLOAT8
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Planning, column, key, planned};
    use super::*;
    use crate::model::table::{
        IndexExpression, IndexMethod, IndexPart, SourceForeignKey, SourceIndex, SourceTable,
        SourceType,
    };

    fn parent() -> SourceTable {
        let unique = |name: &str, unique: bool, column: &str| SourceIndex {
            name: name.to_string(),
            unique,
            method: IndexMethod::Btree,
            parts: vec![IndexPart {
                expression: IndexExpression::Column(column.to_string()),
                descending: false,
            }],
            comment: None,
        };
        let big = SourceType::BigInt { unsigned: true };
        SourceTable {
            schema: "db".to_string(),
            name: "Parent".to_string(),
            columns: vec![
                column("Id", SourceType::Int { unsigned: false }, "int"),
                column("code", big.clone(), "bigint unsigned"),
                column("loose", SourceType::Int { unsigned: false }, "int"),
            ],
            keys: vec![key("PRIMARY", &["Id"])],
            indexes: vec![
                unique("code", true, "code"),
                unique("loose", false, "loose"),
            ],
            ..SourceTable::default()
        }
    }

    fn child(column_type: SourceType, referenced: &str) -> SourceTable {
        SourceTable {
            schema: "db".to_string(),
            name: "child".to_string(),
            columns: vec![column("Ref", column_type, "thing")],
            foreign_keys: vec![SourceForeignKey {
                name: "FK".to_string(),
                columns: vec!["Ref".to_string()],
                referenced_schema: "db".to_string(),
                referenced_table: "Parent".to_string(),
                referenced_columns: vec![referenced.to_string()],
                on_update: ReferentialAction::Restrict,
                on_delete: ReferentialAction::SetNull,
            }],
            ..SourceTable::default()
        }
    }

    fn added(column_type: SourceType, referenced: &str) -> Result<String> {
        let job = Planning::job(serde_json::json!({"names": "lower"}));
        let child = job.plan(&child(column_type, referenced), &[]).unwrap();
        let parent = job.plan(&parent(), &[true]).unwrap();
        let key = child.foreign_keys.first().unwrap();
        foreign_key_sql(key, &child, &parent, &parent.unique_keys())
    }

    const INT: SourceType = SourceType::Int { unsigned: false };

    #[test]
    fn both_sides_have_the_targets_names() {
        assert_eq!(
            added(INT, "Id").unwrap(),
            "ALTER TABLE shop.child ADD CONSTRAINT fk FOREIGN KEY (ref) \
             REFERENCES shop.parent (id) ON DELETE SET NULL"
        );
        assert!(added(INT, "code").is_ok());
    }

    #[test]
    fn what_postgresql_would_not_take_is_told() {
        let error = added(INT, "loose").unwrap_err();
        assert_eq!(
            error.message,
            "foreign key \"fk\" of \"child\" cannot be added: (loose) of \"Parent\" is no unique key"
        );
        assert_eq!(
            error.hint.as_deref(),
            Some("CREATE UNIQUE INDEX ON shop.parent (loose);")
        );
        for (column_type, referenced) in [
            (SourceType::BigInt { unsigned: true }, "Id"),
            (SourceType::Date, "Id"),
        ] {
            let error = added(column_type, referenced).unwrap_err();
            assert!(error.hint.unwrap().contains("casts"), "{}", error.message);
        }
    }

    #[test]
    fn a_key_out_of_the_database_or_of_left_out_columns_is_a_warning() {
        let mut table = child(INT, "Id");
        table.foreign_keys[0].referenced_schema = "other".to_string();
        let plan = planned(&table, &[]);
        assert!(plan.foreign_keys.is_empty());
        assert!(
            plan.warnings
                .iter()
                .any(|w| w.contains("another database, other"))
        );
        let mut table = child(INT, "Id");
        table.columns.push(column("x", INT, "int"));
        let unit = Planning::unit(serde_json::json!({"columns": ["x"]}));
        let plan = unit.plan(&table, &[]).unwrap();
        assert!(plan.foreign_keys.is_empty());
        assert!(
            plan.warnings
                .iter()
                .any(|w| w.contains("\"Ref\" is not copied"))
        );
    }
}
