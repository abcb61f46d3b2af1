//! What a job's options make of a source's names, enums, collations, indexes and foreign keys.

use crate::support::compare;
use crate::support::fixture::{Databases, shared};
use crate::support::structure::{assert_dump_restores, assert_whole, pairs};

#[test]
fn names_in_lower_case_stay_apart() {
    let mut test = Databases::shared("schema_lower");
    test.my.run(&[
        "CREATE TABLE `Order` (`ID` int PRIMARY KEY, `Größe` int, KEY `By Size` (`Größe`))",
        "CREATE TABLE `order` (`ID` int PRIMARY KEY, `ref` int, FOREIGN KEY (`ref`) REFERENCES `Order` (`ID`))",
        "CREATE TABLE `ORDER` (`ID` int PRIMARY KEY)",
        "INSERT INTO `Order` VALUES (1, 2)",
        "INSERT INTO `order` VALUES (2, 1)",
        "INSERT INTO `ORDER` VALUES (3)",
    ]);
    test.job("j", r#"{"names": "lower"}"#);
    test.run("j");
    assert_whole(&mut test, "j");
    let pairs = pairs(&mut test, "j");
    let of = |unit: &str| {
        pairs
            .iter()
            .find(|pair| pair.unit == unit)
            .map(|pair| pair.table.clone())
            .unwrap_or_default()
    };
    assert_eq!(of("order"), "order");
    assert!(
        of("Order").starts_with("order_")
            && of("ORDER").starts_with("order_")
            && of("Order") != of("ORDER")
    );
    assert_eq!(test.pg.number(r#"SELECT id FROM j."order""#), 2);
    let names = test.pg.text(
        "SELECT string_agg(DISTINCT name, ',') FROM (SELECT attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attnum > 0 AND relnamespace = 'j'::regnamespace
         UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'j'::regnamespace UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'j'::regnamespace) n (name)
         WHERE name <> lower(name)",
    );
    assert_eq!(names, "", "names that are not in lower case");
    // The same names again: what a name becomes depends on the names only.
    test.run("j");
    assert_whole(&mut test, "j");
}

#[test]
fn enums_become_types_where_that_is_asked_for() {
    let mut test = Databases::shared("schema_enums");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, mood enum('happy', 'it''s \"so\"', 'größe') NOT NULL DEFAULT 'größe', k enum('a', 'b'), KEY k (k))",
        "CREATE TABLE u (mood enum('x', 'happy') PRIMARY KEY)",
        "INSERT INTO t VALUES (1, 'happy', NULL), (2, 'it''s \"so\"', 'b'), (3, DEFAULT, 'a')",
        "INSERT INTO u VALUES ('happy'), ('x')",
    ]);
    test.job("j", r#"{"enums": "type"}"#);
    test.run("j");
    assert_whole(&mut test, "j");
    let labels = "SELECT string_agg(enumlabel, '|' ORDER BY enumsortorder) FROM pg_enum JOIN pg_attribute ON atttypid = enumtypid WHERE attrelid = 'j.t'::regclass AND attname = 'mood'";
    assert_eq!(test.pg.text(labels), "happy|it's \"so\"|größe");
    // An enum sorts by its labels' order, as at the source.
    assert_eq!(
        test.pg
            .text("SELECT string_agg(mood::text, '|' ORDER BY mood) FROM j.t"),
        "happy|it's \"so\"|größe"
    );
    assert_eq!(
        test.pg
            .text("INSERT INTO j.t (id) VALUES (4) RETURNING mood"),
        "größe"
    );
    test.my.run(&[
        "UPDATE t SET mood = 'happy' WHERE id = 3",
        "SET SESSION sql_mode = ''",
        "INSERT IGNORE INTO t VALUES (5, 'none of them', 'a')",
    ]);
    test.run("j");
    // What is no label of the type is a reject, whatever the source thinks of it.
    let rejects = test
        .pg
        .text("SELECT string_agg(row ->> 'id' || ' ' || sqlstate, ',') FROM sync_rejects");
    assert_eq!(rejects, "5 22P02");
    assert_eq!(
        test.pg
            .text("SELECT string_agg(id::text, ',' ORDER BY id) FROM j.t WHERE mood = 'happy'"),
        "1,3"
    );
    assert_dump_restores(&mut test, &shared().postgres);
}

#[test]
fn keys_that_ignore_case_do_so_where_that_is_asked_for() {
    let mut test = Databases::shared("schema_icu");
    test.pg.rows("CREATE EXTENSION citext");
    test.my.run(&[
        "CREATE TABLE p (code varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, exact varchar(20) COLLATE utf8mb4_bin)",
        "CREATE TABLE c (id int PRIMARY KEY, code varchar(20) COLLATE utf8mb4_general_ci, FOREIGN KEY (code) REFERENCES p (code))",
        "INSERT INTO p VALUES ('Anna', 'Anna'), ('Bert', 'Bert')",
        "INSERT INTO c VALUES (1, 'ANNA'), (2, 'anna'), (3, 'Bert'), (4, NULL)",
    ]);
    test.job("icu", r#"{"case_insensitive": "icu"}"#);
    test.job("citext", r#"{"case_insensitive": "citext"}"#);
    for job in ["icu", "citext"] {
        test.run(job);
        assert_whole(&mut test, job);
        let sql = |condition: &str| format!("SELECT count(*) FROM {job}.p WHERE {condition}");
        assert_eq!(test.pg.number(&sql("code = 'aNNa'")), 1, "{job}");
        assert_eq!(test.pg.number(&sql("exact = 'aNNa'")), 0, "{job}");
        assert_eq!(
            test.pg
                .error(&format!("INSERT INTO {job}.p VALUES ('ANNA')"))
                .sqlstate,
            "23505",
            "{job}"
        );
    }
    // Compared exactly, the same foreign key finds no partner: that unit fails, and keeps its rows.
    test.job("exact", "{}");
    test.start("exact");
    assert_eq!(test.end("exact"), "failed");
    assert_eq!(test.unit_status("exact", "p"), "completed");
    let [error, hint] = test.failure("exact", "c");
    assert!(
        error.contains("c_ibfk_1") && !hint.is_empty(),
        "{error} {hint}"
    );
    assert_eq!(test.pg.number("SELECT count(*) FROM exact.c"), 4);
    assert_dump_restores(&mut test, &shared().postgres);
}

#[test]
fn indexes_and_foreign_keys_are_left_out_where_that_is_asked_for() {
    let mut test = Databases::shared("schema_bare");
    test.my.run(&[
        "CREATE TABLE p (id int PRIMARY KEY, v varchar(10), KEY v (v))",
        "CREATE TABLE c (id int PRIMARY KEY, p int, CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id))",
        "INSERT INTO p VALUES (1, 'a')",
        "INSERT INTO c VALUES (1, 1)",
    ]);
    test.job("j", r#"{"indexes": false, "foreign_keys": false}"#);
    test.run("j");
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_steps"), 0);
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'j'::regnamespace"),
        0
    );
    assert_eq!(
        test.pg.number(
            "SELECT count(*) FROM pg_indexes WHERE schemaname = 'j' AND indexname NOT LIKE '%pkey'"
        ),
        0
    );
    for pair in pairs(&mut test, "j") {
        let from = format!("schema_bare.{}", pair.unit);
        compare::assert_equal(&mut test.my, &from, &mut test.pg, &pair.target);
    }
}
