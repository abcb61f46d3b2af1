//! Each cast rule changes the type that arrives and guards its values: what the type cannot hold is a
//! reject.

mod rules;

use crate::support::canonical::pg_literal;
use crate::support::fixture::Databases;
use rules::{CASTS, Fate};
use std::collections::BTreeMap;

/// The type of column `v`.
fn type_of(test: &mut Databases, table: &str) -> String {
    test.pg.text(&format!(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = 'v'"
    ))
}

/// By id: the text that arrived in column `v`, or `reject` with SQLSTATE and column.
fn fates(test: &mut Databases, job: &str, unit: &str) -> BTreeMap<i64, String> {
    let arrived = test.pg.rows(&format!(
        "SELECT id, coalesce(v::text, 'NULL') FROM {job}.{unit}"
    ));
    let refused = test.pg.rows(&format!(
        "SELECT row ->> 'id', concat_ws(' ', 'reject', sqlstate, column_name) FROM sync_rejects WHERE job = '{job}' AND unit = '{unit}'"
    ));
    let mut fates = BTreeMap::new();
    for row in arrived.into_iter().chain(refused) {
        let [id, fate] = [0, 1].map(|place| row[place].clone().unwrap_or_default());
        let double = fates.insert(id.parse().expect("an id"), fate);
        assert_eq!(double, None, "row {id} of {unit} has two fates");
    }
    fates
}

#[test]
fn each_cast_rule_changes_the_type_and_guards_its_values() {
    let mut test = Databases::shared("cast_rules");
    test.pg.rows("CREATE EXTENSION citext");
    test.my
        .run(&["SET SESSION sql_mode = 'ALLOW_INVALID_DATES'"]);
    test.job("plain", r#"{"workers": 3}"#);
    test.job("casting", r#"{"workers": 3}"#);
    for (number, cast) in CASTS.iter().enumerate() {
        let rows: Vec<String> = cast
            .values
            .iter()
            .enumerate()
            .map(|(id, (value, _))| format!("({id}, {value})"))
            .collect();
        test.my.run(&[
            &format!(
                "CREATE TABLE t{number} (id int PRIMARY KEY, v {} NULL)",
                cast.source
            ),
            &format!(
                "INSERT INTO t{number} VALUES {}, (1000, NULL)",
                rows.join(", ")
            ),
        ]);
        let options = pg_literal(&format!(r#"{{"casts": {{"v": "{}"}}}}"#, cast.rule));
        test.pg.rows(&format!(
            "SELECT sync_alter_unit('casting', 't{number}', {options})"
        ));
    }
    test.text_source();
    test.run("plain");
    test.run("casting");
    test.job_from("txt", "casting_by_text", "*", r#"{"workers": 3}"#);
    test.pg.rows(
        "SELECT sync_alter_unit('casting_by_text', s.unit, s.options) FROM tributary.unit_setting s JOIN tributary.job USING (job_id) WHERE job = 'casting'",
    );
    test.run("casting_by_text");
    let mut faults = Vec::new();
    for (number, cast) in CASTS.iter().enumerate() {
        let unit = format!("t{number}");
        let mut expected: BTreeMap<i64, String> = (0..)
            .zip(cast.values)
            .map(|(id, (_, fate))| match fate {
                Fate::Is(text) => (id, (*text).to_owned()),
                Fate::Refused(sqlstate) => (id, format!("reject {sqlstate} v")),
            })
            .collect();
        expected.insert(1000, "NULL".into());
        for job in ["casting", "casting_by_text"] {
            let target = type_of(&mut test, &format!("{job}.{unit}"));
            if target != cast.target {
                faults.push(format!(
                    "{} to {}: {job} makes {target}",
                    cast.source, cast.rule
                ));
            }
            let found = fates(&mut test, job, &unit);
            if found != expected {
                faults.push(format!(
                    "{} to {}: {job}: {found:?}, not {expected:?}",
                    cast.source, cast.rule
                ));
            }
        }
        let default = type_of(&mut test, &format!("plain.{unit}"));
        // Without a length of its own the same type is still another one.
        if default == cast.target {
            faults.push(format!("{} is {default} without a rule", cast.source));
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
    // What is cast is not what is altered.
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_adjustments"), 0);
}

#[test]
fn a_unit_s_rule_comes_before_a_job_s_and_the_nearer_type_before_its_family() {
    let mut test = Databases::shared("cast_precedence");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, a tinyint(1), b tinyint(4), c tinyint(1), d tinyint unsigned, e int, f int unsigned, \
         g binary(16), h binary(8), i time, j datetime, k datetime(6), l datetime)",
        "INSERT INTO t VALUES (1, 1, 2, 3, 4, 5, 6, REPEAT('a', 16), 'h', '01:02:03', '2024-01-01 01:00:00', '2024-01-01 01:00:00.5', '2024-01-01')",
        "CREATE TABLE u (id int PRIMARY KEY, c tinyint(1))",
    ]);
    test.job(
        "j",
        r#"{"casts": {"tinyint(1)": "boolean", "tinyint": "bigint", "int unsigned": "integer", "int": "bigint", "binary(16)": "uuid",
            "time": "time", "datetime": "timestamptz", "datetime(6)": "text"}}"#,
    );
    test.pg.rows(
        r#"SELECT sync_alter_unit('j', 't', '{"casts": {"c": "text", "l": "date", "id": "integer"}}')"#,
    );
    test.run("j");
    let types = |table: &str| {
        format!(
            "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = 'j.{table}'::regclass AND attnum > 0"
        )
    };
    assert_eq!(
        test.pg.text(&types("t")),
        "id integer, a boolean, b bigint, c text, d bigint, e bigint, f integer, g uuid, h bytea, i time without time zone, \
         j timestamp with time zone, k text, l date"
    );
    assert_eq!(test.pg.text(&types("u")), "id bigint, c boolean");
    assert_eq!(
        test.pg
            .text("SELECT concat_ws('|', a, b, c, d, e, f, g, h, i, j, k, l) FROM j.t"),
        "t|2|3|4|5|6|61616161-6161-6161-6161-616161616161|\\x6800000000000000|01:02:03|2024-01-01 01:00:00+00|2024-01-01 01:00:00.500000|2024-01-01"
    );
}

#[test]
fn a_rule_that_cannot_be_is_named() {
    let mut test = Databases::shared("cast_errors");
    test.table("t", 3);
    test.table("u", 3);
    test.job("j", "{}");
    let alter = |options: &str| format!("SELECT sync_alter_unit('j', 't', '{options}')");
    for (rule, named) in [
        (r#"{"casts": {"label": "money"}}"#, ["label", "money"]),
        (r#"{"casts": {"amount": "uuid"}}"#, ["amount", "uuid"]),
        (
            r#"{"casts": {"label": "varchar(0)"}}"#,
            ["label", "varchar(0)"],
        ),
    ] {
        // Told at once, or by the unit.
        if let Err(error) = test.pg.query(&alter(rule)) {
            let text = format!("{error:?}");
            assert!(
                named.iter().all(|name| text.contains(name)),
                "{rule}: {text}"
            );
            continue;
        }
        test.start("j");
        assert_eq!(test.end("j"), "failed");
        assert_eq!(test.unit_status("j", "u"), "completed");
        let error = test
            .pg
            .text("SELECT concat_ws(' ', error, hint) FROM sync_units WHERE unit = 't'");
        assert!(
            named.iter().all(|name| error.contains(name)),
            "{rule}: {error}"
        );
    }
    // A rule for nothing is a slip that the plan points out.
    test.pg.rows(&alter(r#"{"casts": {"lable": "text"}}"#));
    let plan = test
        .pg
        .text("SELECT to_jsonb(p)::text FROM sync_plan('j') p WHERE unit = 't'");
    assert!(plan.contains("lable"), "{plan}");
    test.run("j");
}

#[test]
fn a_column_that_is_there_takes_what_its_rule_says() {
    let mut test = Databases::shared("cast_existing");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, v tinyint(1))",
        "INSERT INTO t VALUES (1, 0), (2, 1), (3, 2)",
    ]);
    test.pg
        .rows("CREATE SCHEMA j; CREATE TABLE j.t (id bigint PRIMARY KEY, v boolean)");
    test.job("j", "{}");
    test.start("j");
    assert_eq!(test.end("j"), "failed");
    let hint = test
        .pg
        .text("SELECT concat_ws(' ', error, hint) FROM sync_units WHERE unit = 't'");
    assert!(hint.contains("casts") && hint.contains("boolean"), "{hint}");
    test.pg.rows(
        r#"SELECT sync_alter_unit('j', 't', '{"casts": {"v": "boolean"}}'), sync_retry('j')"#,
    );
    test.finish("j");
    let found = fates(&mut test, "j", "t");
    let expected = [(1, "false"), (2, "true"), (3, "reject 22003 v")];
    assert_eq!(
        found,
        expected.map(|(id, text)| (id, text.to_owned())).into()
    );
}

#[test]
fn a_number_out_of_range_is_refused_and_nothing_else_is_offered() {
    let mut test = Databases::shared("out_of_range");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, v bigint)",
        "INSERT INTO t VALUES (1, 7), (2, 70000)",
    ]);
    test.job(
        "j",
        r#"{"out_of_range": "reject", "casts": {"bigint": "smallint"}}"#,
    );
    test.run("j");
    let expected = [(1, "7"), (2, "reject 22003 v")];
    assert_eq!(
        fates(&mut test, "j", "t"),
        expected.map(|(id, text)| (id, text.to_owned())).into()
    );
    let error = test
        .pg
        .error(r#"SELECT sync_alter_job('j', options => '{"out_of_range": "clamp"}')"#);
    assert!(
        error.sqlstate == "22023" && error.hint.contains("reject"),
        "{error:?}"
    );
}
