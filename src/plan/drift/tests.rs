//! One change of columns at a time.

use super::super::sample::{Planning, column, orders, text_column};
use super::super::statement::{Dialect, Statement, classify};
use super::*;
use crate::model::table::{Generation, IndexExpression, IndexMethod, IndexPart};
use crate::model::table::{SourceDefault, SourceIndex, SourceType};

const INT: SourceType = SourceType::Int { unsigned: false };
const BIGINT: SourceType = SourceType::BigInt { unsigned: false };

pub(super) fn told(parts: &[&str]) -> Told {
    let mut told = Told::default();
    for part in parts {
        let sql = format!("alter table orders {part}");
        match classify(&sql, "shopdb", Dialect::default()) {
            Statement::AlterTable(altered) => told.hear(&altered),
            other => panic!("{sql}: {other:?}"),
        }
    }
    told
}

/// Two tables with plans for both.
pub(super) struct Case {
    pub old: TablePlan,
    table: SourceTable,
    plan: TablePlan,
}

impl Case {
    pub fn new(change: impl FnOnce(&mut SourceTable)) -> Case {
        Case::planned(&Planning::default(), orders(), change)
    }

    pub fn planned(
        planning: &Planning,
        from: SourceTable,
        change: impl FnOnce(&mut SourceTable),
    ) -> Case {
        let mut table = from.clone();
        change(&mut table);
        Case {
            old: planning.plan(&from, &[true, true]).unwrap(),
            plan: planning.plan(&table, &[true, true]).unwrap(),
            table,
        }
    }

    pub fn drift(&self, told: &Told, policy: OnDdl) -> Drift {
        let new = NewShape {
            table: &self.table,
            plan: &self.plan,
        };
        drift(&self.old, new, told, policy)
    }

    /// What is done under `apply`, or the detail of the error.
    #[track_caller]
    pub fn outcome(&self, told: &Told) -> String {
        match self.drift(told, OnDdl::Apply) {
            Drift::Same(_) => "same".to_string(),
            Drift::Apply(applied) => applied
                .statements
                .join("; ")
                .replace("ALTER TABLE shop.orders ", ""),
            Drift::Pause(error) => {
                assert_eq!(error.kind, Kind::TargetMismatch);
                assert!(
                    error
                        .hint
                        .unwrap()
                        .contains("sync_resync('<job>', '<unit>')")
                );
                format!("pause: {}", error.detail.unwrap())
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn nullable(column: SourceColumn) -> SourceColumn {
    SourceColumn {
        nullable: true,
        ..column
    }
}

fn filled(column: SourceColumn, default: SourceDefault) -> SourceColumn {
    SourceColumn {
        default: Some(default),
        ..column
    }
}

fn expression(sql: &str) -> SourceDefault {
    SourceDefault::Expression(sql.to_string())
}

fn words(text: &str) -> SourceDefault {
    SourceDefault::Literal(text.to_string())
}

#[test]
fn what_the_target_does_not_see_is_the_same() {
    let nothing = Case::new(|_| {});
    assert_eq!(nothing.outcome(&Told::default()), "same");
    let case = Case::new(|table| {
        table.columns.swap(1, 3);
        table.columns[0].comment = Some("new".into());
        table.columns[1].default = Some(words("x"));
        table.columns[2].type_name = "bigint(21)".into();
        table.columns[1].nullable = false;
        table.comment = Some("x".into());
        table.indexes.push(SourceIndex {
            name: "late".into(),
            unique: true,
            method: IndexMethod::Btree,
            parts: vec![IndexPart {
                expression: IndexExpression::Column("code".into()),
                descending: false,
            }],
            comment: None,
        });
    });
    for policy in [OnDdl::Apply, OnDdl::Pause, OnDdl::Ignore, OnDdl::Resync] {
        let Drift::Same(plan) = case.drift(&Told::default(), policy) else {
            panic!("{policy:?}");
        };
        assert_eq!(plan.source_columns[1].name, "note");
        assert!(plan.warnings.iter().any(|w| w.contains("note is NOT NULL")));
        assert!(
            plan.warnings
                .iter()
                .any(|w| w.contains("index late is new"))
        );
    }
}

#[test]
fn added_columns_bring_the_value_of_the_rows_that_are_there() {
    let int = || column("n", INT, "int(11)");
    let stamp = || column("n", SourceType::Timestamp { fraction: 0 }, "timestamp");
    for (added, part, expected) in [
        (nullable(int()), "int", "ADD COLUMN n integer"),
        (
            nullable(filled(int(), words("5"))),
            "int default 5",
            "ADD COLUMN n integer DEFAULT 5",
        ),
        (
            filled(int(), expression("5")),
            "int default '05' not null",
            "ADD COLUMN n integer DEFAULT 5 NOT NULL",
        ),
        (
            int(),
            "int not null",
            "ADD COLUMN n integer DEFAULT 0 NOT NULL; ALTER COLUMN n DROP DEFAULT",
        ),
        (
            filled(int(), words("7")),
            "int default 5",
            "pause: column n: new, int(11): its default is another one now than when it was added",
        ),
        (
            nullable(int()),
            "int default 5",
            "pause: column n: new, int(11): its default is another one now than when it was added",
        ),
        (
            stamp(),
            "timestamp not null",
            "pause: column n: new, timestamp: the rows that are there have a zero date in it",
        ),
        (
            filled(stamp(), expression("current_timestamp()")),
            "timestamp default now()",
            "pause: column n: new, timestamp: its default is computed for each row: current_timestamp()",
        ),
        (
            filled(
                text_column("n", SourceType::VarChar { length: 36 }, "varchar(36)"),
                expression("uuid()"),
            ),
            "varchar(36) default (uuid())",
            "pause: column n: new, varchar(36): its default is computed for each row: uuid()",
        ),
        (
            filled(column("n", SourceType::Date, "date"), words("0000-00-00")),
            "date default '0000-00-00'",
            "pause: column n: new, date: its default has no equal in PostgreSQL",
        ),
        (
            column("n", SourceType::Json, "json"),
            "json not null",
            "pause: column n: new, json: what it has in the rows that are there is not known",
        ),
        (
            SourceColumn {
                auto_increment: true,
                ..int()
            },
            "int auto_increment",
            "pause: column n: new, int(11): the source has numbered the rows that are there",
        ),
        (
            nullable(SourceColumn {
                generation: Some(Generation {
                    expression: "foo(`id`)".into(),
                    stored: true,
                }),
                ..int()
            }),
            "int as (foo(id))",
            "pause: column n: new, int(11): the source computes it, also for the rows that are there",
        ),
    ] {
        let case = Case::new(|table| table.columns.insert(1, added.clone()));
        assert_eq!(
            case.outcome(&told(&[&format!("add n {part}")])),
            expected,
            "{part}"
        );
    }
    // Nobody saw the statement: the source's word is taken, and told.
    let case = Case::new(|table| table.columns.push(nullable(filled(int(), words("5")))));
    let Drift::Apply(applied) = case.drift(&Told::default(), OnDdl::Apply) else {
        panic!();
    };
    assert!(applied.warnings[0].contains("the default that the source has now"));
    assert_eq!(applied.plan.columns.len(), 5);
}

#[test]
fn columns_go_and_change_names() {
    let gone = Case::new(|table| {
        table.columns.remove(3);
    });
    assert_eq!(gone.outcome(&Told::default()), "DROP COLUMN IF EXISTS note");
    let new_name = |table: &mut SourceTable| table.columns[3].name = "remark".into();
    let case = Case::new(new_name);
    assert_eq!(
        case.outcome(&told(&["change note remark text"])),
        "RENAME COLUMN note TO remark"
    );
    // Without the statement it may be either.
    assert_eq!(
        case.outcome(&Told::default()),
        "pause: column remark: new, text: whether it is another column's new name is not known"
    );
    assert_eq!(
        case.outcome(&told(&["drop column note, add column remark text"])),
        "DROP COLUMN IF EXISTS note; ADD COLUMN remark text"
    );
    // The same name, and still another column.
    assert_eq!(
        Case::new(|_| {}).outcome(&told(&["drop column note", "add column note text"])),
        "DROP COLUMN IF EXISTS note; ADD COLUMN note text"
    );
}

#[test]
fn types_widen_and_nothing_else() {
    let retyped = |at: usize, source_type: SourceType, type_name: &str| {
        let type_name = type_name.to_string();
        Case::new(move |table| {
            table.columns[at].source_type = source_type;
            table.columns[at].type_name = type_name;
        })
    };
    for (at, source_type, name, expected) in [
        (0, BIGINT, "bigint(20)", "ALTER COLUMN id TYPE bigint"),
        (
            1,
            SourceType::VarChar { length: 30 },
            "varchar(30)",
            "ALTER COLUMN code TYPE varchar(30)",
        ),
        (1, SourceType::Text, "text", "ALTER COLUMN code TYPE text"),
        (
            1,
            SourceType::VarChar { length: 10 },
            "varchar(10)",
            "pause: column code: varchar(20) became varchar(10)",
        ),
        (
            2,
            INT,
            "int(11)",
            "pause: column \"order\": bigint(20) became int(11)",
        ),
        (
            2,
            SourceType::BigInt { unsigned: true },
            "bigint(20) unsigned",
            "pause: column \"order\": bigint(20) became bigint(20) unsigned",
        ),
        (3, SourceType::Text, "longtext", "same"),
        (
            3,
            SourceType::Text,
            "tinytext",
            "pause: column note: text became tinytext",
        ),
        (
            3,
            SourceType::Json,
            "json",
            "pause: column note: text became json",
        ),
    ] {
        assert_eq!(
            retyped(at, source_type, name).outcome(&Told::default()),
            expected
        );
    }
    let free = Case::new(|table| table.columns[1].nullable = true);
    assert_eq!(
        free.outcome(&Told::default()),
        "ALTER COLUMN code DROP NOT NULL"
    );
}

#[test]
fn a_target_of_the_users_own_is_left_alone() {
    let mut case = Case::new(|table| {
        table.columns[0].source_type = BIGINT;
        table.columns[1].source_type = SourceType::VarChar { length: 30 };
    });
    let mut fit = |at: usize, sql: &str| {
        let found = crate::codec::parse_type(sql).unwrap();
        let column: &mut ColumnPlan = &mut case.old.columns[at];
        (column.target, column.actual) = (found, Some(found));
        column.type_name = sql.to_string();
    };
    fit(0, "bigint");
    fit(1, "text");
    let Drift::Same(plan) = case.drift(&Told::default(), OnDdl::Apply) else {
        panic!();
    };
    assert_eq!(plan.columns[1].type_name, "text");
    assert_eq!(plan.columns[0].source.source_type, BIGINT);
    let mut fit = |at: usize, sql: &str| {
        let found = crate::codec::parse_type(sql).unwrap();
        let column: &mut ColumnPlan = &mut case.old.columns[at];
        (column.target, column.actual) = (found, Some(found));
        column.type_name = sql.to_string();
    };
    fit(1, "varchar(25)");
    assert!(
        case.outcome(&Told::default())
            .contains("which was not made for it")
    );
}
