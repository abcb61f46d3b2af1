//! The DDL of tables with everything, hostile names first of all. PostgreSQL 15 took it as it
//! stands here.

use super::context::Installed;
use super::foreign_key::foreign_key_sql;
use super::sample::{Planning, column, key, text_column};
use crate::model::table::{
    Generation, IndexExpression, IndexMethod, IndexPart, ReferentialAction, SourceCheck,
    SourceColumn, SourceDefault, SourceForeignKey, SourceIndex, SourceTable, SourceType,
};

const INT: SourceType = SourceType::Int { unsigned: false };

fn literal(column: SourceColumn, text: &str) -> SourceColumn {
    SourceColumn {
        default: Some(SourceDefault::Literal(text.to_string())),
        ..column
    }
}

fn generated(column: SourceColumn, sql: &str) -> SourceColumn {
    SourceColumn {
        nullable: true,
        generation: Some(Generation {
            expression: sql.to_string(),
            stored: false,
        }),
        ..column
    }
}

fn index(name: &str, unique: bool, parts: &[(&str, Option<u64>, bool)]) -> SourceIndex {
    SourceIndex {
        name: name.to_string(),
        unique,
        method: IndexMethod::Btree,
        parts: parts
            .iter()
            .map(|(name, length, descending)| IndexPart {
                expression: match length {
                    Some(length) => IndexExpression::Prefix {
                        column: name.to_string(),
                        length: *length,
                    },
                    None => IndexExpression::Column(name.to_string()),
                },
                descending: *descending,
            })
            .collect(),
        comment: None,
    }
}

/// A table named `Größe "x"` and a newline, whose columns are no better.
fn hostile() -> SourceTable {
    let long = "l".repeat(64);
    let labels = ["new", "it's", "back\\slash"].map(String::from).to_vec();
    let mut id = column(
        "ID",
        SourceType::BigInt { unsigned: true },
        "bigint(20) unsigned",
    );
    id.auto_increment = true;
    id.comment = Some("it's \"the\" key\n\\".to_string());
    let mut changed = column(
        "select",
        SourceType::Timestamp { fraction: 3 },
        "timestamp(3)",
    );
    changed.default = Some(SourceDefault::Expression(
        "current_timestamp(3)".to_string(),
    ));
    changed.on_update_now = true;
    let name = text_column(
        "na\nme",
        SourceType::VarChar { length: 200 },
        "varchar(200)",
    );
    let set = ["a", "b\"", "c"].map(String::from).to_vec();
    SourceTable {
        schema: "db".to_string(),
        name: "Größe \"x\"\n".to_string(),
        columns: vec![
            id,
            literal(name, "it's\n\"x\" \\"),
            literal(
                text_column(
                    "back`tick",
                    SourceType::Enum { labels },
                    "enum('new','it''s','back\\\\slash')",
                ),
                "it's",
            ),
            literal(
                column("emoji€", SourceType::Bit { bits: 1 }, "bit(1)"),
                "b'1'",
            ),
            literal(
                column("bits", SourceType::Bit { bits: 4 }, "bit(4)"),
                "b'101'",
            ),
            literal(column(&long, SourceType::Date, "date"), "0000-00-00"),
            literal(
                text_column(
                    "flags",
                    SourceType::Set { labels: set },
                    "set('a','b\"','c')",
                ),
                "a,b\"",
            ),
            changed,
            literal(
                column("xmin", SourceType::Binary { length: 4 }, "binary(4)"),
                "0x00FF0000",
            ),
            literal(
                column(
                    "price",
                    SourceType::Decimal {
                        precision: 10,
                        scale: 2,
                    },
                    "decimal(10,2)",
                ),
                "-0.50",
            ),
            generated(
                column(
                    "twice",
                    SourceType::Decimal {
                        precision: 12,
                        scale: 2,
                    },
                    "decimal(12,2)",
                ),
                "(`price` * 2)",
            ),
            generated(
                text_column("low", SourceType::Text, "text"),
                "lower(`na\nme`)",
            ),
            literal(column("doc", SourceType::Json, "json"), "{}"),
            column("order", INT, "int(11)"),
        ],
        keys: vec![key("PRIMARY", &["ID"])],
        comment: Some("a 'table'\n\\".to_string()),
        auto_increment: Some(42),
        partitioned: true,
        checks: vec![
            SourceCheck {
                name: "positive".to_string(),
                clause: "(`price` >= 0)".to_string(),
                enforced: true,
            },
            SourceCheck {
                name: "order".to_string(),
                clause: "`order` between 1 and 9".to_string(),
                enforced: true,
            },
            SourceCheck {
                name: "lax".to_string(),
                clause: "(`price` > 1)".to_string(),
                enforced: false,
            },
        ],
        indexes: vec![
            index(
                "by name",
                false,
                &[("na\nme", Some(10), false), ("order", None, true)],
            ),
            index("uniq\"ue", true, &[("na\nme", Some(20), false)]),
            index(
                "many",
                true,
                &[("order", None, true), ("twice", None, false)],
            ),
            SourceIndex {
                method: IndexMethod::Fulltext,
                comment: Some("words'".to_string()),
                ..index(
                    "words",
                    false,
                    &[("na\nme", None, false), ("low", None, false)],
                )
            },
        ],
        foreign_keys: vec![SourceForeignKey {
            name: "self".to_string(),
            columns: vec!["ID".to_string()],
            referenced_schema: "db".to_string(),
            referenced_table: "Größe \"x\"\n".to_string(),
            referenced_columns: vec!["ID".to_string()],
            on_update: ReferentialAction::SetDefault,
            on_delete: ReferentialAction::Cascade,
        }],
        ..SourceTable::default()
    }
}

fn all_sql(planning: &Planning, table: &SourceTable) -> (String, Vec<String>) {
    let plan = planning.plan(table, &[true]).unwrap();
    let mut sql = plan.create_sql().unwrap();
    sql.extend(plan.indexes.iter().map(|index| index.sql.clone()));
    for key in &plan.foreign_keys {
        sql.push(foreign_key_sql(key, &plan, &plan, &plan.unique_keys()).unwrap());
    }
    (sql.join(";\n") + ";\n", plan.warnings)
}

#[test]
fn a_table_with_everything() {
    let (sql, warnings) = all_sql(&Planning::default(), &hostile());
    assert_eq!(sql, include_str!("golden/default.sql"));
    assert_eq!(
        warnings.join("\n") + "\n",
        include_str!("golden/default.txt")
    );
}

#[test]
fn a_table_with_every_option() {
    let options = serde_json::json!({
        "names": "lower", "enums": "type", "case_insensitive": "icu",
        "casts": {"bigint unsigned": "bigint", "set": "text"}
    });
    let (sql, warnings) = all_sql(&Planning::job(options), &hostile());
    assert_eq!(sql, include_str!("golden/options.sql"));
    assert_eq!(
        warnings.join("\n") + "\n",
        include_str!("golden/options.txt")
    );
}

#[test]
fn citext_is_named_where_it_is_installed() {
    let options = serde_json::json!({"case_insensitive": "citext"});
    let mut planning = Planning::job(options);
    let error = planning.plan(&hostile(), &[true]).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("CREATE EXTENSION citext;"));
    planning.installed = Installed {
        citext: Some("public.citext".to_string()),
        geometry: Some("gis.geometry".to_string()),
    };
    let mut table = hostile();
    let point = SourceType::Geometry { srid: Some(4326) };
    table.columns.push(column("p", point, "point"));
    table.indexes.push(SourceIndex {
        method: IndexMethod::Spatial,
        ..index("sp", false, &[("p", None, false)])
    });
    let (sql, _) = all_sql(&planning, &table);
    assert!(sql.contains("\"na\nme\" public.citext NOT NULL"), "{sql}");
    assert!(
        sql.contains("p gis.geometry(Geometry,4326) NOT NULL"),
        "{sql}"
    );
    assert!(sql.contains("USING gist (p)"), "{sql}");
}
