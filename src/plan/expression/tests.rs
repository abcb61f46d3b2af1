//! Expressions as MariaDB 10.11 and MySQL 9.7 print them, and what becomes of them.

use super::super::sample::{column, text_column};
use super::{Purpose, Scope, ScopeColumn};
use crate::codec;
use crate::model::pg_type::PgType;
use crate::model::table::{SourceColumn, SourceType};

fn sources() -> Vec<SourceColumn> {
    let text = |name: &str, collation: &str, set: &str| SourceColumn {
        collation: Some(collation.to_string()),
        character_set: Some(set.to_string()),
        ..text_column(name, SourceType::VarChar { length: 30 }, "varchar(30)")
    };
    let labels = ["new", "Paid"].map(String::from).to_vec();
    vec![
        column("a", SourceType::Int { unsigned: false }, "int(11)"),
        column("b", SourceType::BigInt { unsigned: false }, "bigint(20)"),
        column("u", SourceType::Int { unsigned: true }, "int(10) unsigned"),
        column(
            "d",
            SourceType::Decimal {
                precision: 10,
                scale: 2,
            },
            "decimal(10,2)",
        ),
        column("f", SourceType::Float, "float"),
        column("bt", SourceType::Bit { bits: 1 }, "bit(1)"),
        column(
            "z",
            SourceType::Int { unsigned: true },
            "int(5) unsigned zerofill",
        ),
        text("s", "utf8mb4_general_ci", "utf8mb4"),
        text("exact", "utf8mb4_0900_bin", "utf8mb4"),
        text("bin", "utf8mb4_bin", "utf8mb4"),
        text("latin", "latin1_swedish_ci", "latin1"),
        text_column("e", SourceType::Enum { labels }, "enum('new','Paid')"),
        column("dd", SourceType::Date, "date"),
        column("dt", SourceType::DateTime { fraction: 0 }, "datetime"),
        column("ts", SourceType::Timestamp { fraction: 0 }, "timestamp"),
        column("j", SourceType::Json, "json"),
        column("q`\"x", SourceType::Int { unsigned: false }, "int(11)"),
    ]
}

/// Translates as a value of a text or whole number, or as a condition.
fn translated(sql: &str, purpose: Purpose, into: Option<SourceType>) -> String {
    let sources = sources();
    let named: Vec<(PgType, String)> = sources
        .iter()
        .map(|source| {
            let target = codec::default_type(source).unwrap();
            (target, codec::type_name(target).unwrap())
        })
        .collect();
    let scope = Scope {
        columns: sources
            .iter()
            .zip(&named)
            .map(|(source, (target, type_name))| ScopeColumn {
                source,
                name: &source.name,
                target: *target,
                type_name,
                generated: source.name == "b",
            })
            .collect(),
    };
    let found = match into {
        None if purpose == Purpose::Index => scope.index_part(sql, purpose),
        None => scope.condition(sql),
        Some(into) => {
            let source = text_column("c", into, "thing");
            let target = codec::default_type(&source).unwrap();
            let type_name = codec::type_name(target).unwrap();
            let column = ScopeColumn {
                source: &source,
                name: "c",
                target,
                type_name: &type_name,
                generated: true,
            };
            scope.assigned(sql, purpose, &column)
        }
    };
    found.unwrap_or_else(|reason| format!("-- {reason}"))
}

#[test]
fn conditions() {
    const UNEQUAL: &str =
        "-- the source's collation may find texts equal that differ in case, accents or spaces";
    for (sql, expected) in [
        ("`a` > `d`", "a > d"),
        (
            "((`a` > 3) and (`b` is not null))",
            "(a > 3) AND (b IS NOT NULL)",
        ),
        ("(0 <> `a`)", "0 <> a"),
        ("`a`", "a <> 0"),
        ("`bt`", "bt"),
        ("`bt` = 1", "bt::integer = 1"),
        ("((0 <> `a`) xor (0 <> `u`))", "(0 <> a) <> (0 <> u)"),
        ("`a` <=> `u`", "a IS NOT DISTINCT FROM u"),
        ("`a` not between 1 and `u`", "a NOT BETWEEN 1 AND u"),
        ("`a` in (1,2,NULL)", "a IN (1, 2, NULL)"),
        ("`q``\"x` >= -(5)", "\"q`\"\"x\" >= (-5)"),
        ("`dd` > '2020-01-02'", "dd > DATE '2020-01-02'"),
        (
            "`dt` > _utf8mb4'2020-01-02 03:04:05'",
            "dt > TIMESTAMP '2020-01-02 03:04:05'",
        ),
        ("`dd` > '2020-1-2'", "-- it compares a date with text"),
        (
            "`ts` > '2020-01-02'",
            "-- it compares a point in time with text",
        ),
        ("`a` = '1'", "-- it compares a number with text"),
        ("`s` = 'x'", UNEQUAL),
        ("`bin` = 'x'", UNEQUAL),
        ("`exact` = 'x'", "exact = 'x'"),
        (
            "`exact` < 'x'",
            "-- the order of text is that of its collation",
        ),
        ("`e` in ('NEW','paid')", "e IN ('new', 'Paid')"),
        (
            "`e` <> 'other'",
            "-- it compares an enum with what is none of its labels",
        ),
        (
            "`s` like 'x%'",
            "-- LIKE ignores case or accents at the source",
        ),
        (r"`bin` like 'x\_%'", r"bin LIKE E'x\\_%'"),
        (
            r"`bin` like 'x\\'",
            "-- LIKE has a pattern that ends in a backslash",
        ),
        (
            "`exact` = 'x?'",
            "-- it holds a question mark, which may stand for another character",
        ),
        ("char_length(`s`) > 2", "char_length(s) > 2"),
        (
            "length(`latin`) > 2",
            "-- it counts the bytes of another character set",
        ),
        (
            "`a` + `u` > 3",
            "-- the source counts with unsigned numbers, of which none is less than 0",
        ),
        ("`z` is null", "z IS NULL"),
        (
            "`z` > 1",
            "-- it compares a value of a type that is not compared here with a number",
        ),
        (
            "`nope` > 1",
            "-- it refers to nope, which is no column here",
        ),
        (
            "json_valid(`s`)",
            "-- the function JSON_VALID is not translated",
        ),
        ("`A` > 1", "a > 1"),
        ("`dt` < now()", "-- NOW changes with time"),
        (
            "regexp_like(`s`,_utf8mb4'^a')",
            "-- the function REGEXP_LIKE is not translated",
        ),
    ] {
        assert_eq!(translated(sql, Purpose::Exact, None), expected, "{sql}");
    }
}

#[test]
fn values_of_whole_numbers() {
    for (sql, expected) in [
        ("(`a` + 1)", "a::bigint + 1"),
        (
            "(`a` + `b`)",
            "-- it refers to b, which is generated itself",
        ),
        ("-(`a`)", "-a::bigint"),
        ("(`a` DIV `a`)", "a::bigint / nullif(a, 0)"),
        ("(`a` % 3)", "a::bigint % 3"),
        (
            "(`a` / 3)",
            "-- the digits of a quotient depend on settings of the source",
        ),
        ("(`a` & 1)", "a::bigint & 1"),
        (
            "(`a` & `a`)",
            "-- an operator means something else for these operands",
        ),
        ("(`a` > 3)", "(a > 3)::integer"),
        ("if(`a` > 3,1,0)", "CASE WHEN a > 3 THEN 1 ELSE 0 END"),
        ("case `a` when 1 then 10 end", "CASE WHEN a = 1 THEN 10 END"),
        ("ifnull(`a`,0)", "coalesce(a, 0)"),
        ("year(`dd`)", "extract(year FROM dd)::integer"),
        ("year(`ts`)", "-- it takes the year of a point in time"),
        ("hour(`dd`)", "-- it takes the hour of a date"),
        ("round(`d`,1)", "round(d, 1)"),
        ("round(`f`)", "-- it rounds a floating-point number"),
        (
            "`f`",
            "-- its value is a floating-point number, the column's type is integer",
        ),
        ("cast(`d` as signed)", "d::bigint"),
        ("cast(`s` as signed)", "-- it casts text"),
        ("if(`a`,'x',1)", "-- its results are text and a number"),
    ] {
        let into = Some(SourceType::Int { unsigned: false });
        assert_eq!(translated(sql, Purpose::Generated, into), expected, "{sql}");
    }
}

#[test]
fn values_of_text() {
    for (sql, expected) in [
        ("concat(`s`,_utf8mb4'-',`a`)", "s || '-' || a::text"),
        (
            "concat(`s`,`f`)",
            "-- it takes a floating-point number for text",
        ),
        (
            "concat(`s`,`z`)",
            "-- it takes a value of a type that is not compared here for text",
        ),
        ("concat(`s`,convert(`latin` using utf8mb4))", "s || latin"),
        (
            "lower(`s`)",
            "-- letters beyond ASCII have no upper and lower case that both sides agree on",
        ),
        ("substr(`s`,1,3)", "substr(s, 1, 3)"),
        (
            "substr(`s`,-(1),3)",
            "-- a position or length is no literal from 1 on",
        ),
        ("left(`s`,2)", "left(s, 2)"),
        ("trim(`s`)", "btrim(s)"),
        ("cast(`a` as char charset utf8mb4)", "a::text"),
        ("cast(`dd` as char charset utf8mb4)", "-- it casts a date"),
        (
            "json_unquote(json_extract(`j`,_utf8mb4'$.x'))",
            "-- numbers and nulls in JSON are written otherwise",
        ),
        (
            r"case when `a` = 1 then 'one\'s' when `a` in (2,3) then 'x\\y' else 'dq' end",
            r"CASE WHEN a = 1 THEN 'one''s' WHEN a IN (2, 3) THEN E'x\\y' ELSE 'dq' END",
        ),
        ("uuid()", "-- UUID changes with time"),
        ("ROW START", "-- START is not known here"),
    ] {
        let into = Some(SourceType::VarChar { length: 30 });
        let found = translated(sql, Purpose::Generated, into);
        assert_eq!(found, expected, "{sql}");
    }
    let char = Some(SourceType::Char { length: 3 });
    assert_eq!(
        translated("concat(`s`,' ')", Purpose::Generated, char),
        "-- a value of type char loses the spaces at its end"
    );
}

#[test]
fn parts_of_an_index() {
    for (sql, expected) in [
        ("lower(`s`)", "(lower(s))"),
        ("(`id` + 1)", "-- it refers to id, which is no column here"),
        ("(`a` + 1)", "(a::bigint + 1)"),
        (
            "json_unquote(json_extract(`j`,_utf8mb4'$.a.\"b c\"[0]'))",
            "(j #>> '{\"a\",\"b c\",\"0\"}')",
        ),
        ("json_extract(`j`,'$.a')", "-- JSON has no order"),
        (
            "json_unquote(json_extract(`j`,'$.*'))",
            "-- a path into JSON is not a simple one",
        ),
        (
            "cast(json_extract(`j`,_utf8mb4'$.a') as unsigned array)",
            "-- ARRAY is not known here",
        ),
    ] {
        assert_eq!(translated(sql, Purpose::Index, None), expected, "{sql}");
    }
}
