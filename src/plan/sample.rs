//! A source table for the tests of this layer.

use crate::model::table::{SourceColumn, SourceKey, SourceTable, SourceType};

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
