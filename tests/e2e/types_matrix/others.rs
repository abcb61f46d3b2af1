//! Documents, shapes, addresses.

use super::case::Server::{MariaDb, MySql};
use super::case::{Case, case};

const NUL_IN_JSON: &str = "22P05";
const NO_JSON: &str = "22P02*";
const HALF_A_PAIR: &str = "22P02";
const NO_NUMBER: &str = "22003*";

const DOCUMENTS: &[&str] = &[
    r#"'{"b": [1, 2.5, null, true], "a": {"é": "😀\\u0041\\n"}}'"#,
    "'[]'",
    "'{}'",
    "'null'",
    "'true'",
    "'\"\"'",
    r#"'"text"'"#,
    "'-12'",
    r#"'{"a": 1, "a": 2, "b": 3, "a": {"a": 4}}'"#,
    "'18446744073709551615'",
    "'-9223372036854775808'",
    "'12345678901234567890123'",
    "'123456789.123456789123456789'",
    "'1.7976931348623157e308'",
    "'1e300'",
    "'-0'",
    "'-0.0'",
    "'1.10'",
    "'0.1e-5'",
    r#"'"\\ud83d\\ude00"'"#,
    r#"'"tab\\tback\\b\\/ \\u20ac"'"#,
    r#"'{"": {"": []}}'"#,
    "' [ 1 , 2 ] '",
    r#"CONCAT(REPEAT('[', 30), REPEAT(']', 30))"#,
    r#"CONCAT('"', REPEAT('x', 100000), '"')"#,
    r#"'"quote\\" \\\\"'"#,
    r#"'{"\\\\u0000": "\\\\u0000"}'"#,
];
const NULS: &[(&str, &str)] = &[
    (r#"'"\\u0000"'"#, NUL_IN_JSON),
    (r#"'{"a\\u0000b": 1}'"#, NUL_IN_JSON),
    (r#"'[{"a": "\\\\\\u0000"}]'"#, NUL_IN_JSON),
];
const SHAPES: &[&str] = &[
    "ST_GeomFromText('POINT(1 2)')",
    "ST_GeomFromText('POINT(-0.5 1e300)')",
    "ST_GeomFromText('POINT(1.5 -2.25)', 4326)",
    "ST_GeomFromText('LINESTRING(0 0, 1 1, 2 0)')",
    "ST_GeomFromText('POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1))')",
    "ST_GeomFromText('MULTIPOINT(1 2, 3 4)')",
    "ST_GeomFromText('MULTILINESTRING((0 0, 1 1), (2 2, 3 3))')",
    "ST_GeomFromText('MULTIPOLYGON(((0 0, 4 0, 4 4, 0 0)), ((5 5, 6 5, 6 6, 5 5)))')",
    "ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')",
    "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0, 1 1))')",
    // A collection in a collection, and a point beside it.
    "ST_GeomFromWKB(x'01070000000200000001070000000100000001010000000000000000000840000000000000104001010000000000000000000840000000000000F0BF')",
    "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2), MULTIPOINT(1 2, 3 4))', 4326)",
    "ST_GeomFromText('POINT(1 2)', 3857)",
    "ST_GeomFromText(CONCAT('LINESTRING(', REPEAT('1 2, ', 5000), '3 4)'))",
];

pub const CASES: &[Case] = &[
    case("json", "jsonb", DOCUMENTS).refuses(NULS),
    // Here a document is text: what MySQL does not take.
    case(
        "json",
        "jsonb",
        &[
            "'1e400'",
            "'0.00000000000000000000000000000000000000000000000001'",
            "'1E+2'",
            r#"'"\\u00e9"'"#,
        ],
    )
    .on(MariaDb)
    .refuses(&[
        ("'{a: 1}'", NO_JSON),
        ("''", NO_JSON),
        ("'{\"a\": 1'", NO_JSON),
        ("'nul'", NO_JSON),
        ("'[1] x'", NO_JSON),
        (r#"'"\\ud83d"'"#, HALF_A_PAIR),
        (r#"'"\\ude00\\ud83d"'"#, HALF_A_PAIR),
        ("'1e200000'", NO_NUMBER),
        ("x'2261002262'", "22021"),
    ]),
    case(
        "json",
        "jsonb",
        &[
            "CAST(CAST('2024-01-02 03:04:05.678' AS DATETIME(3)) AS JSON)",
            "CAST(1.50 AS JSON)",
            "CAST(x'00ff' AS JSON)",
            "JSON_ARRAY(1.1, CAST('12:00:00' AS TIME), 1e0)",
        ],
    )
    .on(MySql),
    case("geometry", "bytea", SHAPES),
    case(
        "point",
        "bytea",
        &["POINT(1, 2)", "ST_GeomFromText('POINT(1 2)', 4326)"],
    ),
    case(
        "linestring",
        "bytea",
        &["ST_GeomFromText('LINESTRING(0 0, 1 1)')"],
    ),
    case(
        "polygon",
        "bytea",
        &["ST_GeomFromText('POLYGON((0 0, 4 0, 4 4, 0 0))')"],
    ),
    case(
        "multipoint",
        "bytea",
        &["ST_GeomFromText('MULTIPOINT(1 2)')"],
    ),
    case(
        "multilinestring",
        "bytea",
        &["ST_GeomFromText('MULTILINESTRING((0 0, 1 1))')"],
    ),
    case(
        "multipolygon",
        "bytea",
        &["ST_GeomFromText('MULTIPOLYGON(((0 0, 4 0, 4 4, 0 0)))')"],
    ),
    case(
        "geometrycollection",
        "bytea",
        &["ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')"],
    ),
    case(
        "point SRID 4326",
        "bytea",
        &["ST_GeomFromText('POINT(10 20)', 4326)"],
    )
    .on(MySql),
    case("geometry SRID 0", "bytea", &["POINT(10, 20)"]).on(MySql),
    case(
        "point REF_SYSTEM_ID=4326",
        "bytea",
        &["ST_GeomFromText('POINT(10 20)', 4326)"],
    )
    .on(MariaDb),
    case(
        "uuid",
        "uuid",
        &[
            "'00000000-0000-0000-0000-000000000000'",
            "'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'",
            "'123e4567-e89b-12d3-a456-426655440000'",
            "UUID()",
        ],
    )
    .on(MariaDb),
    case(
        "inet4",
        "inet",
        &["'0.0.0.0'", "'255.255.255.255'", "'1.2.3.4'"],
    )
    .on(MariaDb),
    case(
        "inet6",
        "inet",
        &[
            "'::'",
            "'::1'",
            "'::ffff:1.2.3.4'",
            "'::1.2.3.4'",
            "'2001:db8::1:0:0:1'",
            "'1:0:2:0:3:0:4:0'",
            "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'",
        ],
    )
    .on(MariaDb),
];
