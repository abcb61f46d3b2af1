//! Each policy changes what arrives of the values it is made for, and nothing else; what it alters is
//! counted.

use crate::support::canonical::is_mysql;
use crate::support::fixture::Databases;

/// Rows travel by the binary protocol, and as text.
const SOURCES: [&str; 2] = ["src", "txt"];

/// `column policy altered` of a unit.
fn adjustments(test: &mut Databases, job: &str, unit: &str) -> String {
    test.pg.text(&format!(
        "SELECT string_agg(concat_ws(' ', column_name, policy, altered), ', ' ORDER BY column_name, policy) FROM sync_adjustments
         WHERE job = '{job}' AND unit = '{unit}'"
    ))
}

/// Dates that are none: one row for each column, and one that is well.
fn zeros(test: &mut Databases) {
    test.my.run(&[
        "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
        "CREATE TABLE zeros (id int PRIMARY KEY, v date, w datetime(3), x timestamp NULL, y date NOT NULL)",
        "INSERT INTO zeros VALUES (1, '2024-05-06', '2024-05-06 07:08:09.123', '2024-05-06 07:08:09', '2024-05-06'), \
         (2, '0000-00-00', NULL, NULL, '2024-01-01'), (3, '2024-00-10', NULL, NULL, '2024-01-01'), (4, '2023-02-29', NULL, NULL, '2024-01-01'), \
         (5, NULL, '0000-00-00 10:11:12', NULL, '2024-01-01'), (6, NULL, NULL, '0000-00-00 00:00:00', '2024-01-01'), \
         (7, NULL, NULL, NULL, '0000-00-00'), (8, '0000-12-31', '0000-00-00', NULL, '2024-01-01')",
    ]);
}

#[test]
fn zero_dates_become_what_the_policy_says() {
    let mut test = Databases::shared("zero_date");
    zeros(&mut test);
    let all = |value: &str, moment: &str| {
        format!(
            "1 2024-05-06 2024-05-06 07:08:09.123 2024-05-06 07:08:09+00 2024-05-06;2 {value} - - 2024-01-01;3 {value} - - 2024-01-01;\
             4 {value} - - 2024-01-01;5 - {moment} - 2024-01-01;6 - - {moment}{} 2024-01-01;7 - - - {value};8 {value} {moment} - 2024-01-01",
            if moment == "-infinity" { "" } else { "+00" }
        )
    };
    let well = "1 2024-05-06 2024-05-06 07:08:09.123 2024-05-06 07:08:09+00 2024-05-06";
    let altered = "v zero_date 4, w zero_date 2, x zero_date 1, y zero_date 1";
    // Each policy, what the copy has, what was altered, and which rows are rejects.
    test.text_source();
    for (job, policy, rows, adjusted, rejects) in [
        (
            "by_default",
            "{}",
            well.to_owned(),
            "",
            "2 v,3 v,4 v,5 w,6 x,7 y,8 v",
        ),
        (
            "reject",
            r#"{"zero_date": "reject"}"#,
            well.to_owned(),
            "",
            "2 v,3 v,4 v,5 w,6 x,7 y,8 v",
        ),
        (
            "as_null",
            r#"{"zero_date": "null"}"#,
            format!(
                "{well};2 - - - 2024-01-01;3 - - - 2024-01-01;4 - - - 2024-01-01;5 - - - 2024-01-01;6 - - - 2024-01-01;8 - - - 2024-01-01"
            ),
            "v zero_date 4, w zero_date 2, x zero_date 1",
            // Where there must be a date, NULL is none either.
            "7 y",
        ),
        (
            "epoch",
            r#"{"zero_date": "epoch"}"#,
            all("1970-01-01", "1970-01-01 00:00:00"),
            altered,
            "",
        ),
        (
            "chosen",
            r#"{"zero_date": "1900-02-28"}"#,
            all("1900-02-28", "1900-02-28 00:00:00"),
            altered,
            "",
        ),
        (
            "infinite",
            r#"{"zero_date": "-infinity"}"#,
            all("-infinity", "-infinity"),
            altered,
            "",
        ),
    ] {
        for source in SOURCES {
            let job = &format!("{job}_{source}");
            test.job_from(source, job, "*", policy);
            test.run(job);
            let found = test.pg.text(&format!(
                "SELECT string_agg(concat_ws(' ', id, coalesce(v::text, '-'), coalesce(w::text, '-'), coalesce(x::text, '-'), coalesce(y::text, '-')), ';' ORDER BY id)
                 FROM {job}.zeros"
            ));
            assert_eq!(found, rows, "{policy}");
            assert_eq!(adjustments(&mut test, job, "zeros"), adjusted, "{policy}");
            let found = test.pg.text(&format!(
                "SELECT string_agg(row ->> 'id' || ' ' || column_name, ',' ORDER BY row ->> 'id') FROM sync_rejects WHERE job = '{job}' AND sqlstate = '22008'"
            ));
            assert_eq!(found, rejects, "{policy}");
            let counters = format!("SELECT rows_rejected FROM sync_units WHERE job = '{job}'");
            let count = rejects
                .split(',')
                .filter(|reject| !reject.is_empty())
                .count();
            assert_eq!(test.pg.number(&counters), count as i64, "{policy}");
        }
    }
}

#[test]
fn a_unit_s_policy_comes_before_its_job_s() {
    let mut test = Databases::shared("policy_precedence");
    zeros(&mut test);
    test.job("j", r#"{"zero_date": "epoch", "max_rejects": 0}"#);
    test.pg
        .rows(r#"SELECT sync_alter_unit('j', 'zeros', '{"zero_date": "-infinity"}')"#);
    test.run("j");
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM j.zeros WHERE v = '-infinity'"),
        4
    );
    // A reload counts anew; it does not add up.
    test.pg
        .rows(r#"SELECT sync_alter_unit('j', 'zeros', '{"zero_date": null}')"#);
    test.run("j");
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM j.zeros WHERE v = '1970-01-01'"),
        4
    );
    assert_eq!(
        adjustments(&mut test, "j", "zeros"),
        "v zero_date 4, w zero_date 2, x zero_date 1, y zero_date 1"
    );
}

#[test]
fn nul_bytes_become_what_the_policy_says() {
    let mut test = Databases::shared("nul_byte");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(5), w text CHARACTER SET utf16, j json)",
        r#"INSERT INTO t VALUES (1, 'well', 'well', '{"a": "well"}'), (2, _utf8mb4 x'6100620000', NULL, NULL), (3, NULL, _utf8mb4 x'00c3a9', NULL),
           (4, NULL, NULL, '{"a\\u0000": ["\\u0000b", "\\\\u0000"]}'), (5, _utf8mb4 x'0000000000', _utf8mb4 x'00', '"\\u0000"')"#,
    ]);
    test.text_source();
    for (job, policy, rows, adjusted) in [
        ("by_default", "{}", r#"1|well|well|{"a": "well"}"#, ""),
        (
            "reject",
            r#"{"nul_byte": "reject"}"#,
            r#"1|well|well|{"a": "well"}"#,
            "",
        ),
        (
            "strip",
            r#"{"nul_byte": "strip"}"#,
            r#"1|well|well|{"a": "well"};2|ab|-|-;3|-|é|-;4|-|-|{"a": ["b", "\\u0000"]};5|||"""#,
            "j nul_byte 2, v nul_byte 2, w nul_byte 2",
        ),
        (
            "replace",
            r#"{"nul_byte": "replace"}"#,
            "1|well|well|{\"a\": \"well\"};2|a\u{fffd}b\u{fffd}\u{fffd}|-|-;3|-|\u{fffd}é|-;4|-|-|{\"a\u{fffd}\": [\"\u{fffd}b\", \"\\\\u0000\"]};\
             5|\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}|\u{fffd}|\"\u{fffd}\"",
            "j nul_byte 2, v nul_byte 2, w nul_byte 2",
        ),
    ] {
        for source in SOURCES {
            let job = &format!("{job}_{source}");
            test.job_from(source, job, "*", policy);
            test.run(job);
            let found = test.pg.text(&format!(
                "SELECT string_agg(concat_ws('|', id, coalesce(v, '-'), coalesce(w, '-'), coalesce(j::text, '-')), ';' ORDER BY id) FROM {job}.t"
            ));
            assert_eq!(found, rows, "{policy}");
            assert_eq!(adjustments(&mut test, job, "t"), adjusted, "{policy}");
            let rejects = if adjusted.is_empty() { 4 } else { 0 };
            assert_eq!(
                test.pg.number(&format!("SELECT count(*) FROM sync_rejects WHERE job = '{job}' AND sqlstate IN ('22021', '22P05')")),
                rejects,
                "{policy}"
            );
        }
    }
}

#[test]
fn invalid_text_becomes_what_the_policy_says() {
    let mut test = Databases::shared("invalid_text");
    let mysql = is_mysql(&mut test.my);
    test.my.run(&[
        // Half a surrogate pair: the source makes three bytes of it that are no UTF-8.
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(9) CHARACTER SET ucs2, j json)",
        "INSERT INTO t VALUES (1, 'well', '[]'), (2, x'0061d83d0062', NULL)",
    ]);
    if !mysql {
        // MySQL has no such document.
        test.my.run(&[
            "SET SESSION check_constraint_checks = 0",
            r#"INSERT INTO t VALUES (3, NULL, '"a\\ud83db"')"#,
        ]);
    }
    let broken = String::from_utf8_lossy(b"a\xed\xa0\xbdb").into_owned();
    test.text_source();
    for (job, policy, replaced) in [
        ("by_default", "{}", false),
        ("reject", r#"{"invalid_text": "reject"}"#, false),
        ("replace", r#"{"invalid_text": "replace"}"#, true),
    ] {
        for source in SOURCES {
            let job = &format!("{job}_{source}");
            test.job_from(source, job, "*", policy);
            test.run(job);
            let rows = test.pg.text(&format!(
                "SELECT string_agg(concat_ws('|', id, coalesce(v, '-'), coalesce(j::text, '-')), ';' ORDER BY id) FROM {job}.t"
            ));
            let mut expected = "1|well|[]".to_owned();
            let mut adjusted = String::new();
            if replaced {
                expected += &format!(";2|{broken}|-");
                adjusted = "v invalid_text 1".to_owned();
                if !mysql {
                    expected += ";3|-|\"a\u{fffd}b\"";
                    adjusted = format!("j invalid_text 1, {adjusted}");
                }
            }
            assert_eq!(rows, expected, "{policy}");
            assert_eq!(adjustments(&mut test, job, "t"), adjusted, "{policy}");
        }
    }
}
