//! Dates and times. What no calendar has is refused, whatever mode let it in.

use super::case::{Case, case};

const INVALID_DATE: &str = "22008";

const DATES: &[&str] = &[
    "'0001-01-01'",
    "'0099-12-31'",
    "'1000-01-01'",
    "'1582-10-10'",
    "'1900-02-28'",
    "'1970-01-01'",
    "'2000-02-29'",
    "'2024-02-29'",
    "'9999-12-31'",
];
const NO_DATES: &[(&str, &str)] = &[
    ("'0000-00-00'", INVALID_DATE),
    ("'0000-01-01'", INVALID_DATE),
    ("'0000-12-31'", INVALID_DATE),
    ("'2024-00-00'", INVALID_DATE),
    ("'2024-00-10'", INVALID_DATE),
    ("'2024-10-00'", INVALID_DATE),
    ("'2024-02-30'", INVALID_DATE),
    ("'2023-02-29'", INVALID_DATE),
    ("'1900-02-29'", INVALID_DATE),
    ("'2024-04-31'", INVALID_DATE),
];
const NO_DATETIMES: &[(&str, &str)] = &[
    ("'0000-00-00 00:00:00'", INVALID_DATE),
    ("'0000-00-00 10:11:12'", INVALID_DATE),
    ("'0000-01-01 00:00:00'", INVALID_DATE),
    ("'2024-00-10 23:59:59'", INVALID_DATE),
    ("'2024-10-00 00:00:01'", INVALID_DATE),
    ("'2024-02-31 10:00:00'", INVALID_DATE),
    ("'2023-02-29 10:00:00'", INVALID_DATE),
];
const ZERO_TIMESTAMP: &[(&str, &str)] = &[
    ("'0000-00-00 00:00:00'", INVALID_DATE),
    ("'1969-12-31 00:00:00'", INVALID_DATE),
    ("'rubbish'", INVALID_DATE),
];

pub const CASES: &[Case] = &[
    case("date", "date", DATES).refuses(NO_DATES),
    case(
        "datetime",
        "timestamp(0) without time zone",
        &[
            "'0001-01-01 00:00:00'",
            "'1000-01-01 00:00:00'",
            "'1970-01-01 00:00:00'",
            "'2024-03-31 02:30:00'",
            "'9999-12-31 23:59:59'",
        ],
    )
    .refuses(NO_DATETIMES),
    case(
        "datetime(1)",
        "timestamp(1) without time zone",
        &["'2024-01-02 03:04:05.6'", "'1969-12-31 23:59:59.9'"],
    ),
    case(
        "datetime(3)",
        "timestamp(3) without time zone",
        &["'2024-01-02 03:04:05.006'", "'1969-12-31 23:59:59.999'"],
    ),
    case(
        "datetime(6)",
        "timestamp(6) without time zone",
        &[
            "'0001-01-01 00:00:00.000001'",
            "'1969-12-31 23:59:59.999999'",
            "'2000-01-01 00:00:00'",
            "'9999-12-31 23:59:59.999999'",
        ],
    )
    .refuses(NO_DATETIMES),
    case(
        "timestamp",
        "timestamp(0) with time zone",
        &[
            "'1970-01-01 00:00:01'",
            "'2024-03-31 01:30:00'",
            "'2024-10-27 00:30:00'",
            "'2024-10-27 01:30:00'",
            "'2038-01-19 03:14:07'",
        ],
    )
    .refuses(ZERO_TIMESTAMP),
    case(
        "timestamp(3)",
        "timestamp(3) with time zone",
        &["'1970-01-01 00:00:01.001'", "'2038-01-19 03:14:07.999'"],
    )
    .refuses(ZERO_TIMESTAMP),
    case(
        "timestamp(6)",
        "timestamp(6) with time zone",
        &[
            "'1970-01-01 00:00:01.000001'",
            "'2000-01-01 00:00:00'",
            "'2038-01-19 03:14:07.999999'",
        ],
    )
    .refuses(ZERO_TIMESTAMP),
    case(
        "time",
        "interval(0)",
        &[
            "'-838:59:59'",
            "'-100:00:00'",
            "'-24:00:00'",
            "'-00:00:01'",
            "'00:00:00'",
            "'00:00:01'",
            "'23:59:59'",
            "'24:00:00'",
            "'838:59:59'",
        ],
    )
    .bends(&["'999:00:00'", "'-999:00:00'", "'rubbish'"]),
    case(
        "time(2)",
        "interval(2)",
        &[
            "'-838:59:58.99'",
            "'-00:00:00.01'",
            "'00:00:00.01'",
            "'-00:00:01.25'",
            "'-10:00:00.50'",
            "'838:59:58.99'",
        ],
    ),
    case(
        "time(3)",
        "interval(3)",
        &["'-00:00:00.001'", "'12:34:56.789'"],
    ),
    case(
        "time(6)",
        "interval(6)",
        &[
            "'-838:59:58.999999'",
            "'-00:00:00.000001'",
            "'00:00:00.000001'",
            "'838:59:58.999999'",
            "'12:00:00.5'",
        ],
    )
    .bends(&["'-838:59:59.999999'", "'838:59:59.999999'"]),
];
