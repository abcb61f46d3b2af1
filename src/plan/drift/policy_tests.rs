//! Keys, generated columns and policies.

use super::super::sample::{Planning, column, key, orders};
use super::tests::{Case, nullable, told};
use super::*;
use crate::model::table::{Generation, SourceType};

const INT: SourceType = SourceType::Int { unsigned: false };
const BIGINT: SourceType = SourceType::BigInt { unsigned: false };

#[test]
fn the_key_stays_or_the_unit_pauses() {
    let other = Case::new(|table| table.keys[0].columns = vec!["id".into(), "code".into()]);
    assert_eq!(
        other.outcome(&Told::default()),
        "pause: key by which rows are told apart: it was (id), and is (id, code)"
    );
    let gone = Case::new(|table| table.keys.clear());
    assert!(
        gone.outcome(&Told::default())
            .ends_with("it was (id), and is none")
    );
    let mut keyless = orders();
    keyless.keys.clear();
    let found = Case::planned(&Planning::default(), keyless, |table| {
        table.keys = vec![key("PRIMARY", &["id"])];
    });
    assert!(
        found
            .outcome(&Told::default())
            .ends_with("it was none, and is (id)")
    );
    // A key that is better now does not matter as long as the old one is one.
    let mut unique = orders();
    unique.keys.remove(0);
    let better = Case::planned(&Planning::default(), unique, |table| {
        table.keys.insert(0, key("PRIMARY", &["id"]));
    });
    let Drift::Same(plan) = better.drift(&Told::default(), OnDdl::Apply) else {
        panic!();
    };
    assert_eq!(plan.key.unwrap().columns, ["code", "order"]);
    // Its column has another name.
    let named = Case::new(|table| {
        table.columns[0].name = "nr".into();
        table.keys[0].columns = vec!["nr".into()];
    });
    assert_eq!(
        named.outcome(&told(&["rename column id to nr"])),
        "RENAME COLUMN id TO nr"
    );
    let dropped = Case::new(|table| {
        table.columns.remove(0);
        table.keys.remove(0);
    });
    assert!(
        dropped
            .outcome(&Told::default())
            .contains("column id: gone: it is part of the key")
    );
}

#[test]
fn generated_columns() {
    let computed = |sql: &str| {
        let mut table = orders();
        table.columns[3] = nullable(SourceColumn {
            generation: Some(Generation {
                expression: sql.to_string(),
                stored: true,
            }),
            ..column("next", BIGINT, "bigint(20)")
        });
        table
    };
    let planning = Planning::default();
    let changed = Case::planned(&planning, computed("`id` + 1"), |table| {
        *table = computed("`id` + 2");
    });
    assert!(
        changed
            .outcome(&Told::default())
            .contains("by another expression")
    );
    let plain = Case::planned(&planning, computed("`id` + 1"), |table| {
        table.columns[3].generation = None;
    });
    assert_eq!(
        plain.outcome(&Told::default()),
        "ALTER COLUMN next DROP EXPRESSION IF EXISTS"
    );
    let widened = Case::planned(&planning, computed("`id` + 1"), |table| {
        table.columns[0].source_type = BIGINT;
    });
    assert!(
        widened
            .outcome(&Told::default())
            .contains("the generated column next depends on it")
    );
    // Computed on both sides, so that the plan has not copied it.
    let mut both = Case::planned(&planning, computed("foo(`id`)"), |table| {
        table.columns.push(nullable(column("n", INT, "int(11)")));
    });
    both.old.columns.pop();
    let Drift::Apply(applied) = both.drift(&Told::default(), OnDdl::Apply) else {
        panic!();
    };
    let names: Vec<&str> = applied
        .plan
        .columns
        .iter()
        .map(|c| c.target_name.as_str())
        .collect();
    assert_eq!(names, ["id", "code", "order", "n"]);
}

#[test]
fn a_column_that_was_left_out_is_not_made_up() {
    let mut case = Case::new(|_| {});
    case.old.columns.pop();
    assert!(case.outcome(&Told::default()).contains("is not known"));
}

#[test]
fn the_policy_decides() {
    let case = Case::new(|table| {
        table.columns[0].source_type = BIGINT;
        table.columns[3] = nullable(column("new", INT, "int(11)"));
    });
    let heard = told(&["drop column note, add new int"]);
    let Drift::Resync { why } = case.drift(&heard, OnDdl::Resync) else {
        panic!();
    };
    assert_eq!(
        why,
        "column new: new, int(11); column note: gone; column id: int(11) became int(11)"
    );
    let Drift::Pause(error) = case.drift(&heard, OnDdl::Pause) else {
        panic!();
    };
    assert_eq!(error.detail.unwrap().lines().count(), 3);
    assert!(error.hint.unwrap().contains("{\"on_ddl\": \"apply\"}"));
    let Drift::Ignore(plan) = case.drift(&heard, OnDdl::Ignore) else {
        panic!();
    };
    let names: Vec<&str> = plan
        .columns
        .iter()
        .map(|c| c.target_name.as_str())
        .collect();
    assert_eq!(names, ["id", "code", "order"]);
    assert_eq!(
        (plan.columns[0].type_name.as_str(), plan.columns[0].cast),
        ("integer", true)
    );
    assert_eq!(plan.source_columns.len(), 4);
    let key = Case::new(|table| table.keys.remove(0).columns.clear());
    assert!(matches!(
        key.drift(&Told::default(), OnDdl::Ignore),
        Drift::Pause(_)
    ));
    let renamed = Case::new(|table| table.columns[3].name = "remark".into());
    let heard = told(&["rename column note to remark"]);
    let Drift::Ignore(plan) = renamed.drift(&heard, OnDdl::Ignore) else {
        panic!();
    };
    assert_eq!(plan.columns[3].target_name, "note");
    assert_eq!(plan.columns[3].source.name, "remark");
}
