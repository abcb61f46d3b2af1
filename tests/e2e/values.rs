//! Values arrive exactly: each common type at its limits, compared with what the source's own
//! functions say.

use crate::support::fixture::Databases;

#[test]
fn integers_are_exact() {
    let mut test = Databases::shared("integers");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, a tinyint, b tinyint unsigned, c smallint, d smallint unsigned, e mediumint, \
         f mediumint unsigned, g int, h int unsigned, i bigint, j bigint unsigned, k tinyint(1), l bigint(20) unsigned zerofill, y year)",
        "INSERT INTO t VALUES (1, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, 0, 0, 1901)",
        "INSERT INTO t VALUES (2, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, \
         9223372036854775807, 18446744073709551615, -128, 18446744073709551615, 2155)",
        "INSERT INTO t VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        "INSERT INTO t VALUES (4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0)",
    ]);
    test.job("j", "{}");
    test.run("j");
    test.assert_equal("j");
}

#[test]
fn numbers_are_exact() {
    let mut test = Databases::shared("numbers");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, a decimal(65,30), b decimal(10,0), c decimal(5,5), d float, e double, f decimal(12,2) unsigned)",
        "INSERT INTO t VALUES (1, 99999999999999999999999999999999999.999999999999999999999999999999, 9999999999, 0.99999, \
         3.4028234e38, 1.7976931348623157e308, 0)",
        "INSERT INTO t VALUES (2, -99999999999999999999999999999999999.000000000000000000000000000001, -1, -0.00001, \
         1.17549435e-38, 2.2250738585072e-308, 9999999999.99)",
        "INSERT INTO t VALUES (3, 0, 0, 0, 0.1, 0.1, 1.10)",
        "INSERT INTO t VALUES (4, 10000.00010000, 10000, 0.10000, -16777217, -9007199254740993, 10000.00)",
        "INSERT INTO t VALUES (5, NULL, NULL, NULL, NULL, NULL, NULL)",
    ]);
    test.job("j", "{}");
    test.run("j");
    test.assert_equal("j");
}

#[test]
fn times_are_exact() {
    let mut test = Databases::shared("times");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, a date, b datetime, c datetime(6), d timestamp NULL, e timestamp(6) NULL, f time, g time(6), h time(2))",
        "INSERT INTO t VALUES (1, '1000-01-01', '1000-01-01 00:00:00', '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01', \
         '1970-01-01 00:00:01.000001', '-838:59:59', '-838:59:58.999999', '-00:00:01.25')",
        "INSERT INTO t VALUES (2, '9999-12-31', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', \
         '2038-01-19 03:14:07.999999', '838:59:59', '838:59:58.999999', '23:59:59.99')",
        "INSERT INTO t VALUES (3, '2024-02-29', '2024-03-31 02:30:00', '2024-02-29 12:00:00.5', '2024-10-27 01:30:00', \
         '2024-10-27 01:30:00.1', '00:00:00', '00:00:00.000001', '24:00:00')",
        "INSERT INTO t VALUES (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    ]);
    test.job("j", "{}");
    test.run("j");
    test.assert_equal("j");
}

#[test]
fn texts_are_exact() {
    let mut test = Databases::shared("texts");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, a char(10), b varchar(100), c text, d mediumtext, e varchar(50) CHARACTER SET latin1, \
         f varchar(50) CHARACTER SET utf16, g enum('small', 'größe', ''), h set('a', 'b', 'ç'), i varchar(20) CHARACTER SET cp1251)",
        r"INSERT INTO t VALUES (1, 'pad  ', 'end  ', 'tab\tnewline\nquote\'back\\slash', REPEAT('😀', 100000), 'äöü€', '😀é', 'größe', 'a,ç', 'Привет')",
        "INSERT INTO t VALUES (2, '', '', '', '', '', '', '', '', '')",
        "INSERT INTO t VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        r"INSERT INTO t VALUES (4, '\\N', '\\N', '\\.', REPEAT('x', 3000000), 'NULL', '{}', 'small', 'a,b,ç', '\\')",
    ]);
    test.job("j", "{}");
    test.run("j");
    test.assert_equal("j");
}

#[test]
fn bytes_and_bits_are_exact() {
    let mut test = Databases::shared("bytes");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, a binary(4), b varbinary(300), c blob, d longblob, e bit(1), f bit(7), g bit(64))",
        "INSERT INTO t VALUES (1, x'00ff', x'', x'00', REPEAT(x'00ff80', 1000000), b'1', b'0000001', ~0)",
        "INSERT INTO t VALUES (2, x'ffffffff', REPEAT(x'0a', 300), x'5c78', x'', b'0', b'1111111', 1)",
        "INSERT INTO t VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    ]);
    test.job("j", "{}");
    test.run("j");
    test.assert_equal("j");
}

#[test]
fn documents_are_equal() {
    let mut test = Databases::shared("documents");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, j json)",
        r#"INSERT INTO t VALUES (1, '{"b": [1, 2.5, null, true], "a": {"é": "😀\\u0041\\n"}}'), (2, '[]'), (3, 'null'), (4, NULL), (5, '"text"'), (6, '-12')"#,
    ]);
    test.job("j", "{}");
    test.run("j");
    test.assert_equal("j");
    assert!(test.pg.text("SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'j.t'::regclass AND attname = 'j'").starts_with("json"));
}

#[test]
fn every_byte_of_a_character_set_arrives() {
    let mut test = Databases::shared("character_sets");
    test.my
        .run(&["CREATE TABLE t (id int PRIMARY KEY, s varchar(4) CHARACTER SET latin1)"]);
    // latin1 is cp1252 here; the five bytes it leaves open are characters of their own.
    for byte in 1..=255 {
        test.my
            .run(&[&format!("INSERT INTO t VALUES ({byte}, x'{byte:02x}')")]);
    }
    test.job("j", "{}");
    test.run("j");
    test.assert_equal("j");
}

#[test]
fn generated_columns_arrive_as_values() {
    let mut test = Databases::shared("generated_columns");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL, c varchar(20) GENERATED ALWAYS AS (CONCAT('c', a)) STORED)",
        "INSERT INTO t (id, a) VALUES (1, 5), (2, NULL)",
    ]);
    test.job("j", "{}");
    test.run("j");
    test.assert_equal("j");
}
