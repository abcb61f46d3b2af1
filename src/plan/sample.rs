//! A source table, and how one is planned, for the tests of this layer.

use super::context::{Installed, PlanContext};
use super::table::{TablePlan, plan_table};
use crate::error::Result;
use crate::model::options::JobOptions;
use crate::model::table::{SourceColumn, SourceKey, SourceTable, SourceType};
use crate::model::unit_options::UnitOptions;

/// What a plan is made with.
pub struct Planning {
    pub schema: &'static str,
    /// Other tables of the job.
    pub others: Vec<String>,
    pub job: JobOptions,
    pub unit: UnitOptions,
    pub installed: Installed,
}

impl Default for Planning {
    fn default() -> Self {
        Planning {
            schema: "shop",
            others: Vec::new(),
            job: JobOptions::default(),
            unit: UnitOptions::default(),
            installed: Installed::default(),
        }
    }
}

impl Planning {
    pub fn job(options: serde_json::Value) -> Planning {
        Planning {
            job: JobOptions::parse(&options).unwrap(),
            ..Planning::default()
        }
    }

    pub fn unit(options: serde_json::Value) -> Planning {
        Planning {
            unit: UnitOptions::parse(&options).unwrap(),
            ..Planning::default()
        }
    }

    pub fn plan(&self, table: &SourceTable, usable: &[bool]) -> Result<TablePlan> {
        let target = self.unit.target.clone();
        let target = target.unwrap_or_else(|| super::names::fold(&table.name, self.job.names));
        let mut tables = self.others.clone();
        tables.push(target.clone());
        plan_table(
            table,
            usable,
            &PlanContext {
                target_schema: self.schema,
                target_table: &target,
                target_tables: &tables,
                job: &self.job,
                unit: &self.unit,
                installed: &self.installed,
            },
        )
    }
}

/// The plan of a table that is copied into the schema `shop` with all defaults.
pub fn planned(table: &SourceTable, usable: &[bool]) -> TablePlan {
    Planning::default().plan(table, usable).unwrap()
}

pub fn column(name: &str, source_type: SourceType, type_name: &str) -> SourceColumn {
    SourceColumn {
        type_name: type_name.to_string(),
        nullable: false,
        ..SourceColumn::new(name, source_type)
    }
}

pub fn text_column(name: &str, source_type: SourceType, type_name: &str) -> SourceColumn {
    SourceColumn {
        character_set: Some("utf8mb4".to_string()),
        collation: Some("utf8mb4_general_ci".to_string()),
        ..column(name, source_type, type_name)
    }
}

pub fn key(name: &str, columns: &[&str]) -> SourceKey {
    SourceKey {
        name: name.to_string(),
        primary: name == "PRIMARY",
        columns: columns.iter().map(|column| column.to_string()).collect(),
    }
}

/// `orders(id primary key, code, "order", note null, unique (code, order))`, a million rows.
pub fn orders() -> SourceTable {
    let mut note = text_column("note", SourceType::Text, "text");
    note.nullable = true;
    SourceTable {
        schema: "shopdb".to_string(),
        name: "orders".to_string(),
        columns: vec![
            column("id", SourceType::Int { unsigned: false }, "int(11)"),
            text_column("code", SourceType::VarChar { length: 20 }, "varchar(20)"),
            column(
                "order",
                SourceType::BigInt { unsigned: false },
                "bigint(20)",
            ),
            note,
        ],
        keys: vec![
            key("PRIMARY", &["id"]),
            key("code_order", &["code", "order"]),
        ],
        rows_estimated: Some(1_000_000),
        bytes_estimated: Some(100_000_000),
        ..SourceTable::default()
    }
}
