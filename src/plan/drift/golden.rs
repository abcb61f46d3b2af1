//! The statements of a table that changes in every way that a target can follow. PostgreSQL 15 took
//! them as they stand here, in one transaction with a row of the new shape.

use super::super::sample::{Planning, column, key, text_column};
use super::super::statement::{Dialect, Statement, classify};
use super::*;
use crate::model::table::{
    Generation, IndexExpression, IndexMethod, IndexPart, SourceCheck, SourceDefault, SourceIndex,
    SourceType,
};

const INT: SourceType = SourceType::Int { unsigned: false };

fn labels(text: &str) -> Vec<String> {
    text.split(',').map(String::from).collect()
}

fn nullable(column: SourceColumn) -> SourceColumn {
    SourceColumn {
        nullable: true,
        ..column
    }
}

fn filled(column: SourceColumn, default: &str) -> SourceColumn {
    SourceColumn {
        default: Some(SourceDefault::Literal(default.to_string())),
        ..column
    }
}

fn computed(column: SourceColumn, sql: &str) -> SourceColumn {
    SourceColumn {
        generation: Some(Generation {
            expression: sql.to_string(),
            stored: true,
        }),
        ..nullable(column)
    }
}

fn before() -> SourceTable {
    let decimal = SourceType::Decimal {
        precision: 8,
        scale: 2,
    };
    let varchar = SourceType::VarChar { length: 20 };
    let status = SourceType::Enum {
        labels: labels("a,b'"),
    };
    let bigint = || SourceType::BigInt { unsigned: false };
    SourceTable {
        schema: "shopdb".to_string(),
        name: "Odd Name".to_string(),
        columns: vec![
            SourceColumn {
                auto_increment: true,
                ..column("id", SourceType::Int { unsigned: true }, "int(10) unsigned")
            },
            text_column("code", varchar, "varchar(20)"),
            nullable(text_column("no te", SourceType::Text, "text")),
            filled(text_column("status", status, "enum('a','b''')"), "a"),
            filled(column("price", decimal, "decimal(8,2)"), "1.50"),
            column("at", SourceType::DateTime { fraction: 0 }, "datetime"),
            column("A", INT, "int(11)"),
            column("b", bigint(), "bigint(20)"),
            column("big", INT, "int(11)"),
            computed(column("next", bigint(), "bigint(20)"), "`A` + 1"),
        ],
        keys: vec![key("PRIMARY", &["id"])],
        indexes: vec![SourceIndex {
            name: "code".to_string(),
            unique: true,
            method: IndexMethod::Btree,
            parts: vec![IndexPart {
                expression: IndexExpression::Column("code".to_string()),
                descending: false,
            }],
            comment: None,
        }],
        checks: vec![SourceCheck {
            name: "positive".to_string(),
            clause: "`big` > 0".to_string(),
            enforced: true,
        }],
        ..SourceTable::default()
    }
}

fn after() -> SourceTable {
    let mut table = before();
    table.indexes.clear();
    table.checks[0].clause = "`big` > -5".to_string();
    let columns = &mut table.columns;
    let mut retype = |at: usize, source_type, type_name: &str| {
        columns[at].source_type = source_type;
        columns[at].type_name = type_name.to_string();
    };
    let status = SourceType::Enum {
        labels: labels("a,b',c\\"),
    };
    let decimal = SourceType::Decimal {
        precision: 12,
        scale: 4,
    };
    retype(
        0,
        SourceType::BigInt { unsigned: true },
        "bigint(20) unsigned",
    );
    retype(1, SourceType::VarChar { length: 50 }, "varchar(50)");
    retype(3, status, "enum('a','b''','c\\\\')");
    retype(4, decimal, "decimal(12,4)");
    retype(5, SourceType::DateTime { fraction: 3 }, "datetime(3)");
    columns[1].nullable = true;
    columns[6].name = "b".to_string();
    columns[7].name = "A".to_string();
    columns.remove(9);
    columns.remove(2);
    let quoted = SourceType::VarChar { length: 9 };
    let kind = SourceType::Enum {
        labels: labels("p,q"),
    };
    let tags = SourceType::Set {
        labels: labels("x,y"),
    };
    let twice = column(
        "twice",
        SourceType::BigInt { unsigned: false },
        "bigint(20)",
    );
    columns.splice(
        1..1,
        [
            column("zero", INT, "int(11)"),
            filled(text_column("quoted", quoted, "varchar(9)"), "it's\\"),
            nullable(column("nothing", SourceType::Json, "json")),
            filled(
                column("bits", SourceType::Bit { bits: 3 }, "bit(3)"),
                "b'101'",
            ),
            text_column("kind", kind, "enum('p','q')"),
            column("bytes", SourceType::Binary { length: 2 }, "binary(2)"),
            text_column("tags", tags, "set('x','y')"),
            computed(twice, "`zero` * 2"),
        ],
    );
    table
}

fn told() -> Told {
    let mut told = Told::default();
    let sql = r"alter table t rename column A to b, rename column b to A, drop column `no te`,
        drop column next, add zero int not null, add quoted varchar(9) not null default 'it''s\\',
        add nothing json, add bits bit(3) not null default b'101', add kind enum('p','q') not null,
        add bytes binary(2) not null, add tags set('x','y') not null,
        add twice bigint as (zero * 2)";
    match classify(sql, "shopdb", Dialect::default()) {
        Statement::AlterTable(altered) => told.hear(&altered),
        other => panic!("{other:?}"),
    }
    told
}

fn applied(job: &serde_json::Value) -> Applied {
    let planning = Planning::job(job.clone());
    let (table, now) = (before(), after());
    let old = planning.plan(&table, &[true]).unwrap();
    let plan = planning.plan(&now, &[true]).unwrap();
    let new = NewShape {
        table: &now,
        plan: &plan,
    };
    match drift(&old, new, &told(), OnDdl::Apply) {
        Drift::Apply(applied) => *applied,
        other => panic!("{other:?}"),
    }
}

/// The statements with the table's name in short.
fn short(statements: &[String]) -> String {
    statements
        .join(";\n")
        .replace("ALTER TABLE shop.\"Odd Name\" ", "ALTER ")
}

#[test]
fn every_change_that_a_target_can_follow() {
    let applied = applied(&serde_json::json!({}));
    assert!(applied.before.is_empty());
    assert_eq!(
        short(&applied.statements),
        r#"ALTER ALTER COLUMN id DROP IDENTITY IF EXISTS;
DROP INDEX IF EXISTS shop."Odd Name_code";
ALTER DROP COLUMN IF EXISTS next, DROP COLUMN IF EXISTS "no te";
ALTER RENAME COLUMN "A" TO b_741da732;
ALTER RENAME COLUMN b TO "A_aaa78e9a";
ALTER RENAME COLUMN b_741da732 TO b;
ALTER RENAME COLUMN "A_aaa78e9a" TO "A";
ALTER ADD COLUMN zero integer DEFAULT 0 NOT NULL, ADD COLUMN quoted varchar(9) DEFAULT E'it''s\\' NOT NULL, ADD COLUMN nothing jsonb, ADD COLUMN bits bit(3) DEFAULT B'101' NOT NULL, ADD COLUMN kind text DEFAULT 'p' NOT NULL, ADD COLUMN bytes bytea DEFAULT E'\\x0000'::bytea NOT NULL, ADD COLUMN tags text[] DEFAULT '{}' NOT NULL, ALTER COLUMN id TYPE numeric(20,0), ALTER COLUMN code TYPE varchar(50), ALTER COLUMN code DROP NOT NULL, ALTER COLUMN price TYPE numeric(12,4), ALTER COLUMN at TYPE timestamp(3) without time zone;
ALTER ALTER COLUMN zero DROP DEFAULT;
ALTER ALTER COLUMN kind DROP DEFAULT;
ALTER ALTER COLUMN bytes DROP DEFAULT;
ALTER ALTER COLUMN tags DROP DEFAULT;
ALTER ADD COLUMN twice bigint GENERATED ALWAYS AS (zero::bigint * 2) STORED;
DO $drift$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_constraint AS c
        WHERE c.conrelid = 'shop."Odd Name"'::pg_catalog.regclass AND c.contype = 'c' AND c.conname = 'positive') THEN
        ALTER DROP CONSTRAINT positive;
        ALTER ADD CONSTRAINT positive CHECK (big > (-5)) NOT VALID;
    END IF;
END
$drift$;
DO $drift$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_constraint AS c
        WHERE c.conrelid = 'shop."Odd Name"'::pg_catalog.regclass AND c.contype = 'c' AND c.conname = 'Odd Name_status_check') THEN
        ALTER DROP CONSTRAINT "Odd Name_status_check";
        ALTER ADD CONSTRAINT "Odd Name_status_check" CHECK (status IN ('a', 'b''', E'c\\', '')) NOT VALID;
    END IF;
END
$drift$"#
    );
    assert_eq!(applied.changes.len(), 20, "{:#?}", applied.changes);
    assert_eq!(
        applied.warnings,
        [
            "column id does not count by itself any more: numeric(20,0) can be no identity",
            "check \"Odd Name_kind_check\" is new at the source and not made here: kind IN ('p', 'q', '')",
        ]
    );
}

#[test]
fn an_enum_type_gets_its_labels_before() {
    let applied = applied(&serde_json::json!({"enums": "type"}));
    assert_eq!(
        applied.before.join(";\n"),
        r#"DO $drift$
DECLARE
    found pg_catalog.regtype;
BEGIN
    SELECT a.atttypid INTO found FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid AND t.typtype = 'e'
        WHERE a.attrelid = 'shop."Odd Name"'::pg_catalog.regclass AND a.attname = 'status' AND NOT a.attisdropped;
    IF found IS NOT NULL THEN
        EXECUTE pg_catalog.format('ALTER TYPE %s ADD VALUE IF NOT EXISTS %L', found, E'c\\');
    END IF;
END
$drift$"#
    );
    let statements = short(&applied.statements);
    assert!(statements.starts_with("DO $create$\nBEGIN\n    CREATE TYPE shop.\"Odd Name_kind\""));
    assert!(!statements.contains("CREATE TYPE shop.\"Odd Name_status\""));
    assert!(statements.contains("ADD COLUMN kind shop.\"Odd Name_kind\" DEFAULT 'p' NOT NULL"));
    assert!(!statements.contains("Odd Name_status_check"));
}
