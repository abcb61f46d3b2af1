//! Cast rules, each with values that its target holds and values that it does not.

/// What becomes of a value.
#[derive(Clone, Copy)]
pub enum Fate {
    /// The copy has this text.
    Is(&'static str),
    /// The row is a reject of this SQLSTATE.
    Refused(&'static str),
}

use Fate::{Is, Refused};

pub struct Cast {
    pub source: &'static str,
    pub rule: &'static str,
    /// The column's type in the copy, as `format_type` writes it.
    pub target: &'static str,
    /// SQL of values and what becomes of them.
    pub values: &'static [(&'static str, Fate)],
}

const fn cast(
    source: &'static str,
    rule: &'static str,
    target: &'static str,
    values: &'static [(&'static str, Fate)],
) -> Cast {
    Cast {
        source,
        rule,
        target,
        values,
    }
}

const RANGE: Fate = Refused("22003");
const DATETIME: Fate = Refused("22008");
const TEXT: Fate = Refused("22P02");
const LENGTH: Fate = Refused("22001");
const UUID: &str = "00010203-0405-0607-0809-0a0b0c0d0e0f";

pub const CASTS: &[Cast] = &[
    cast(
        "tinyint(1)",
        "boolean",
        "boolean",
        &[
            ("0", Is("false")),
            ("1", Is("true")),
            ("2", RANGE),
            ("-1", RANGE),
        ],
    ),
    cast(
        "bigint unsigned",
        "bool",
        "boolean",
        &[("1", Is("true")), ("18446744073709551615", RANGE)],
    ),
    cast(
        "decimal(3,1)",
        "boolean",
        "boolean",
        &[("1.0", Is("true")), ("0", Is("false")), ("0.5", RANGE)],
    ),
    cast(
        "bit(8)",
        "boolean",
        "boolean",
        &[("1", Is("true")), ("2", RANGE)],
    ),
    cast(
        "int",
        "int2",
        "smallint",
        &[
            ("32767", Is("32767")),
            ("-32768", Is("-32768")),
            ("32768", RANGE),
        ],
    ),
    cast(
        "int unsigned",
        "integer",
        "integer",
        &[("2147483647", Is("2147483647")), ("4294967295", RANGE)],
    ),
    cast(
        "bigint unsigned",
        "bigint",
        "bigint",
        &[
            ("9223372036854775807", Is("9223372036854775807")),
            ("9223372036854775808", RANGE),
        ],
    ),
    cast(
        "bigint",
        "numeric(3)",
        "numeric(3,0)",
        &[("999", Is("999")), ("-999", Is("-999")), ("1000", RANGE)],
    ),
    cast(
        "decimal(10,2)",
        "int",
        "integer",
        &[
            ("5.00", Is("5")),
            ("5.50", RANGE),
            ("99999999.00", Is("99999999")),
        ],
    ),
    cast(
        "decimal(10,2)",
        "numeric(4,1)",
        "numeric(4,1)",
        &[("1.50", Is("1.5")), ("1.25", RANGE), ("1000", RANGE)],
    ),
    cast(
        "double",
        "real",
        "real",
        &[("0.5", Is("0.5")), ("0.1", RANGE), ("1e300", RANGE)],
    ),
    cast(
        "double",
        "int4",
        "integer",
        &[("3", Is("3")), ("3.5", RANGE), ("1e10", RANGE)],
    ),
    cast(
        "double",
        "decimal(5,2)",
        "numeric(5,2)",
        &[("1.25", Is("1.25")), ("1.255", RANGE), ("1000", RANGE)],
    ),
    cast(
        "year",
        "date",
        "date",
        &[
            ("2024", Is("2024-01-01")),
            ("1901", Is("1901-01-01")),
            ("0", DATETIME),
        ],
    ),
    cast("bit(8)", "int8", "bigint", &[("255", Is("255"))]),
    cast(
        "bit(13)",
        "bytea",
        "bytea",
        &[("b'1111100000010'", Is("\\x1f02"))],
    ),
    cast(
        "binary(16)",
        "uuid",
        "uuid",
        &[("x'000102030405060708090a0b0c0d0e0f'", Is(UUID))],
    ),
    cast(
        "varbinary(20)",
        "uuid",
        "uuid",
        &[
            ("x'000102030405060708090a0b0c0d0e0f'", Is(UUID)),
            ("x'00'", TEXT),
        ],
    ),
    cast(
        "char(36)",
        "uuid",
        "uuid",
        &[
            ("'00010203-0405-0607-0809-0A0B0C0D0E0F'", Is(UUID)),
            ("'no uuid'", TEXT),
            ("''", TEXT),
        ],
    ),
    cast(
        "varchar(40)",
        "inet",
        "inet",
        &[
            ("'1.2.3.4'", Is("1.2.3.4/32")),
            ("'10.0.0.1/8'", Is("10.0.0.1/8")),
            ("'::1'", Is("::1/128")),
            ("'1.2.3.400'", TEXT),
        ],
    ),
    cast(
        "text",
        "jsonb",
        "jsonb",
        &[
            ("'{\"a\": [1]}'", Is("{\"a\": [1]}")),
            ("'{a: 1}'", TEXT),
            ("''", TEXT),
        ],
    ),
    cast(
        "mediumtext",
        "json",
        "json",
        &[("'{ }'", Is("{ }")), ("'nope'", TEXT)],
    ),
    cast(
        "varchar(10)",
        "boolean",
        "boolean",
        &[
            ("'yes'", Is("true")),
            ("'0'", Is("false")),
            ("'maybe'", TEXT),
        ],
    ),
    cast(
        "varchar(40)",
        "varchar(3)",
        "character varying(3)",
        &[("'äöü'", Is("äöü")), ("'abcd'", LENGTH), ("''", Is(""))],
    ),
    cast(
        "text",
        "character varying(2)",
        "character varying(2)",
        &[("'😀😀'", Is("😀😀")), ("'abc'", LENGTH)],
    ),
    cast(
        "text",
        "bytea",
        "bytea",
        &[("'é'", Is("\\xc3a9")), ("_utf8mb4 x'6100'", Is("\\x6100"))],
    ),
    cast("varchar(9)", "citext", "citext", &[("'Ab'", Is("Ab"))]),
    cast(
        "blob",
        "text",
        "text",
        &[
            ("x'c3a9'", Is("é")),
            ("x'ff'", Refused("22021")),
            ("x'00'", Refused("22021")),
        ],
    ),
    cast(
        "varbinary(30)",
        "varchar(2)",
        "character varying(2)",
        &[("'ab'", Is("ab")), ("'abc'", LENGTH)],
    ),
    cast(
        "longblob",
        "jsonb",
        "jsonb",
        &[("'[1]'", Is("[1]")), ("'[1'", TEXT)],
    ),
    cast(
        "time",
        "time",
        "time without time zone",
        &[
            ("'12:34:56'", Is("12:34:56")),
            ("'24:00:00'", Is("24:00:00")),
            ("'-00:00:01'", DATETIME),
            ("'24:00:01'", DATETIME),
        ],
    ),
    cast(
        "time(6)",
        "interval(0)",
        "interval(0)",
        &[("'100:00:00'", Is("100:00:00")), ("'00:00:00.5'", DATETIME)],
    ),
    cast(
        "datetime",
        "timestamptz",
        "timestamp with time zone",
        &[("'2024-03-31 02:30:00'", Is("2024-03-31 02:30:00+00"))],
    ),
    cast(
        "datetime(6)",
        "timestamp(0)",
        "timestamp(0) without time zone",
        &[
            ("'2024-01-02 03:04:05'", Is("2024-01-02 03:04:05")),
            ("'2024-01-02 03:04:05.000001'", DATETIME),
        ],
    ),
    cast(
        "datetime",
        "date",
        "date",
        &[
            ("'2024-01-02 00:00:00'", Is("2024-01-02")),
            ("'2024-01-02 00:00:01'", DATETIME),
        ],
    ),
    cast(
        "timestamp",
        "timestamp without time zone",
        "timestamp without time zone",
        &[("'2024-01-02 03:04:05'", Is("2024-01-02 03:04:05"))],
    ),
    cast(
        "date",
        "timestamp",
        "timestamp without time zone",
        &[("'2024-01-02'", Is("2024-01-02 00:00:00"))],
    ),
    cast(
        "date",
        "timestamptz(0)",
        "timestamp(0) with time zone",
        &[("'2024-01-02'", Is("2024-01-02 00:00:00+00"))],
    ),
    cast(
        "date",
        "text",
        "text",
        &[
            ("'0000-00-00'", Is("0000-00-00")),
            ("'2024-01-02'", Is("2024-01-02")),
        ],
    ),
    cast(
        "time",
        "text",
        "text",
        &[("'-838:59:59'", Is("-838:59:59"))],
    ),
    cast("int", "text", "text", &[("-42", Is("-42"))]),
    cast(
        "decimal(5,2)",
        "varchar(5)",
        "character varying(5)",
        &[("1.10", Is("1.10")), ("-99.99", LENGTH)],
    ),
    cast(
        "enum('yes', 'no', 'maybe')",
        "boolean",
        "boolean",
        &[
            ("'yes'", Is("true")),
            ("'no'", Is("false")),
            ("'maybe'", TEXT),
        ],
    ),
    cast(
        "enum('ab', 'abc')",
        "varchar(2)",
        "character varying(2)",
        &[("'ab'", Is("ab")), ("'abc'", LENGTH)],
    ),
    cast(
        "set('a', 'b')",
        "text",
        "text",
        &[("'a,b'", Is("a,b")), ("''", Is(""))],
    ),
    cast(
        "json",
        "json",
        "json",
        &[("'\"\\\\u0000\"'", Is("\"\\u0000\""))],
    ),
    cast("json", "text", "text", &[("'[1]'", Is("[1]"))]),
];
