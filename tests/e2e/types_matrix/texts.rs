//! Text, labels and bytes. A NUL is a character of the source's text, and none of PostgreSQL's.

use super::case::Server::{Both, MariaDb};
use super::case::{Case, case};

/// Of a NUL, and of bytes that are no UTF-8.
const NUL: &str = "22021";

const TEXTS: &[&str] = &[
    "''",
    "' '",
    "'a  '",
    r"'tab\tnewline\nreturn\rquote\'back\\slash'",
    r"'\\N'",
    r"'\\.'",
    "'NULL'",
    "'{}'",
    "'äöü€'",
    "'😀é你'",
    "CHAR(1 USING utf8mb4)",
    "CHAR(127 USING utf8mb4)",
    "_utf8mb4 x'efbfbd'",
    "_utf8mb4 x'efbbbf61'",
    "_utf8mb4 x'65cc81'",
    "_utf8mb4 x'f48fbfbf'",
    "_utf8mb4 x'ee8080'",
];
const NULS: &[(&str, &str)] = &[
    ("_utf8mb4 x'00'", NUL),
    ("_utf8mb4 x'610062'", NUL),
    ("_utf8mb4 x'f09f988000'", NUL),
];
const BYTES: &[&str] = &[
    "x''",
    "x'00'",
    "x'ff'",
    "x'0000'",
    "x'00ff80'",
    "x'20'",
    "x'61202000'",
    "x'5c78'",
    "'\\\\x'",
    "x'0a0d'",
];

pub const CASES: &[Case] = &[
    case("char(40)", "character varying(40)", TEXTS).refuses(NULS),
    case("char(0)", "text", &["''"]).bends(&["'a'"]),
    case(
        "char(1)",
        "character varying(1)",
        &["''", "' '", "'a'", "'é'", "'😀'"],
    )
    .bends(&["'ab'"]),
    case(
        "char(255)",
        "character varying(255)",
        &["REPEAT('😀', 255)", "REPEAT('x', 255)"],
    ),
    case("nchar(5)", "character varying(5)", &["'a'", "'你好'"]),
    case("varchar(40)", "character varying(40)", TEXTS).refuses(NULS),
    case(
        "varchar(5)",
        "character varying(5)",
        &["'😀😀😀😀😀'", "'a    '", "'     '"],
    )
    .bends(&["'123456'"]),
    case("varchar(0)", "text", &["''"]),
    case(
        "varchar(16000)",
        "character varying(16000)",
        &["REPEAT('😀', 16000)", "''"],
    ),
    case("tinytext", "text", TEXTS).refuses(NULS),
    case("text", "text", TEXTS).refuses(NULS),
    case(
        "mediumtext",
        "text",
        &["REPEAT('😀', 300000)", "''", r"'\\'"],
    )
    .refuses(NULS),
    case("longtext", "text", &["REPEAT('xy', 2000000)", "''", "'{}'"]).refuses(NULS),
    case(
        "varchar(40) COLLATE utf8mb4_bin",
        "character varying(40)",
        TEXTS,
    )
    .refuses(NULS),
    case(
        "varchar(40) CHARACTER SET utf8mb3",
        "character varying(40)",
        &["'äöü€你'", "''"],
    )
    .bends(&["'😀'"])
    .refuses(NULS),
    case(
        "varchar(40) CHARACTER SET latin1",
        "character varying(40)",
        &["'äöü€œ'", "x'8081828d8f909d9fa0ff'", "'a '"],
    )
    .bends(&["'你'"])
    .refuses(NULS),
    case(
        "varchar(40) CHARACTER SET gbk",
        "character varying(40)",
        &["'你好'", "x'815c'", "x'd5fc5c27'"],
    )
    .refuses(NULS),
    case(
        "varchar(40) CHARACTER SET big5",
        "character varying(40)",
        &["'你好'", "x'a55c'", "x'a55c5c'"],
    )
    .refuses(NULS),
    case(
        "varchar(40) CHARACTER SET sjis",
        "character varying(40)",
        &["'こんにちは'", "x'5c7e'", "x'a1df'", "x'835c'"],
    )
    .refuses(NULS),
    case(
        "varchar(40) CHARACTER SET cp932",
        "character varying(40)",
        &["'①'", "x'5c7e'", "x'8160'"],
    ),
    case(
        "varchar(40) CHARACTER SET ujis",
        "character varying(40)",
        &["'日本語'", "''"],
    ),
    case(
        "varchar(40) CHARACTER SET euckr",
        "character varying(40)",
        &["'한국어'", "''"],
    ),
    case(
        "varchar(40) CHARACTER SET gb2312",
        "character varying(40)",
        &["'中文'", "''"],
    ),
    case(
        "varchar(40) CHARACTER SET koi8r",
        "character varying(40)",
        &["'Привет'", "x'80ff'"],
    )
    .refuses(NULS),
    case(
        "varchar(40) CHARACTER SET cp1251",
        "character varying(40)",
        &["'Привет'", "x'80ff'"],
    ),
    case(
        "varchar(40) CHARACTER SET greek",
        "character varying(40)",
        &["'γειά'", "''"],
    ),
    case(
        "varchar(40) CHARACTER SET hebrew",
        "character varying(40)",
        &["'שלום'", "''"],
    ),
    case(
        "varchar(40) CHARACTER SET tis620",
        "character varying(40)",
        &["'สวัสดี'", "''"],
    ),
    case(
        "varchar(40) CHARACTER SET ascii",
        "character varying(40)",
        &["'abc'", "''"],
    )
    .bends(&["'é'"])
    .refuses(NULS),
    // Half a surrogate pair is a character to the source, and its UTF-8 is none.
    case(
        "varchar(40) CHARACTER SET ucs2",
        "character varying(40)",
        &["'你好'", "x'ffff'"],
    )
    .refuses(&[("x'00610000'", NUL), ("x'd83d'", NUL), ("x'de000061'", NUL)]),
    case(
        "varchar(40) CHARACTER SET utf16",
        "character varying(40)",
        &["'😀你好'", "x'dbffdfff'"],
    )
    .refuses(&[("x'00610000'", NUL)]),
    case(
        "varchar(40) CHARACTER SET utf16le",
        "character varying(40)",
        &["'😀你好'", "''"],
    ),
    case(
        "varchar(40) CHARACTER SET utf32",
        "character varying(40)",
        &["'😀你好'", "x'0010ffff'"],
    )
    .refuses(&[("x'0000006100000000'", NUL)]),
    case(
        "varchar(9) CHARACTER SET utf32",
        "character varying(9)",
        &["''"],
    )
    .on(MariaDb)
    .refuses(&[("x'0000d83d'", NUL)]),
    case(
        "text CHARACTER SET utf16",
        "text",
        &["'😀你好'", "REPEAT('é', 10000)"],
    ),
    case(
        "varchar(40) COMPRESSED",
        "character varying(40)",
        &["'abc'", "''", "REPEAT('é', 40)"],
    )
    .on(MariaDb),
    case("text COMPRESSED", "text", &["REPEAT('abc', 9000)", "''"])
        .on(MariaDb)
        .refuses(NULS),
    case(
        "binary(4)",
        "bytea",
        &["x''", "x'00'", "x'ffffffff'", "x'61'", "x'20202020'"],
    )
    .bends(&["x'0102030405'"]),
    case(
        "binary(16)",
        "bytea",
        &["x'00'", "x'000102030405060708090a0b0c0d0e0f'"],
    ),
    case("varbinary(40)", "bytea", BYTES),
    case("tinyblob", "bytea", BYTES),
    case("blob", "bytea", BYTES),
    case("mediumblob", "bytea", &["REPEAT(x'00ff80', 300000)", "x''"]),
    case("longblob", "bytea", &["REPEAT(x'00ff80', 1000000)", "x''"]),
    case("varchar(20) CHARACTER SET binary", "bytea", BYTES),
    case(
        "enum('small', 'größe', '', 'it''s', 'a,b', '😀', 'back\\\\slash', 'new\\nline')",
        "text",
        &[
            "'small'",
            "'größe'",
            "''",
            "'it''s'",
            "'a,b'",
            "'😀'",
            "'back\\\\slash'",
            "'new\\nline'",
            "1",
            "8",
        ],
    ),
    case(
        "enum('a', 'b') CHARACTER SET latin1",
        "text",
        &["'a'", "'b'"],
    ),
    case("enum('x')", "text", &["'x'"]),
    case(
        "set('a', 'b', 'ç', 'it''s', 'with space', '😀', 'null', '{}', '\"')",
        "text[]",
        &[
            "''",
            "'a'",
            "'a,b'",
            "'ç,😀'",
            "'it''s,with space'",
            "'null'",
            "'null,{}'",
            "'\"'",
            "511",
        ],
    )
    .bends(&["'a,zzz'", "'zzz'"])
    .on(Both),
];
