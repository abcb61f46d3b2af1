//! PostgreSQL's side: what a type modifier says, and how a type is written in DDL.

use crate::error::{Error, Kind, Result};
use crate::model::pg_type::{PgType, oid};

/// PostgreSQL counts the four bytes of a varlena header into some modifiers.
const HEADER: i32 = 4;
/// `interval` without a restriction to some of its fields.
const INTERVAL_ALL: i32 = 0x7fff;
const INTERVAL_SECOND: i32 = 1 << 12;

pub const fn numeric(precision: u32, scale: u32) -> PgType {
    PgType {
        oid: oid::NUMERIC,
        typmod: (((precision << 16) | scale) as i32) + HEADER,
    }
}

pub const fn varchar(length: u32) -> PgType {
    PgType {
        oid: oid::VARCHAR,
        typmod: length as i32 + HEADER,
    }
}

pub const fn interval(fraction: u32) -> PgType {
    PgType {
        oid: oid::INTERVAL,
        typmod: (INTERVAL_ALL << 16) | fraction as i32,
    }
}

/// Precision and scale of a numeric, None without a modifier. The scale has 11 bits and a sign.
pub fn numeric_bounds(typmod: i32) -> Option<(i32, i32)> {
    (typmod >= HEADER).then(|| {
        let bits = typmod - HEADER;
        ((bits >> 16) & 0xffff, ((bits & 0x7ff) ^ 0x400) - 0x400)
    })
}

/// A numeric that holds this many digits before and after the point.
pub fn numeric_holds(target: PgType, integer_digits: u32, scale: u32) -> bool {
    target.oid == oid::NUMERIC
        && match numeric_bounds(target.typmod) {
            None => true,
            Some((precision, target_scale)) => {
                i64::from(target_scale) >= i64::from(scale)
                    && i64::from(precision) - i64::from(target_scale) >= i64::from(integer_digits)
            }
        }
}

/// Characters a text target holds: `u32::MAX` where it sets no bound, None for other types.
pub fn text_limit(target: PgType) -> Option<u32> {
    match target.oid {
        oid::TEXT => Some(u32::MAX),
        oid::VARCHAR if target.typmod < HEADER => Some(u32::MAX),
        oid::VARCHAR => u32::try_from(target.typmod - HEADER).ok(),
        _ => None,
    }
}

/// Fractional digits of a time or timestamp, with or without time zone.
pub fn timestamp_fraction(typmod: i32) -> u32 {
    u32::try_from(typmod).unwrap_or(6)
}

/// Fractional digits of an interval; None where it is restricted to fields without seconds,
/// which cuts them off.
pub fn interval_fraction(typmod: i32) -> Option<u32> {
    if typmod < 0 {
        return Some(6);
    }
    let fields = (typmod >> 16) & INTERVAL_ALL;
    // The field mask means no precision was given with 0xffff.
    let fraction = (typmod & 0xffff) as u32;
    (fields & INTERVAL_SECOND != 0).then_some(fraction.min(6))
}

/// The type as DDL writes it.
pub fn type_name(target: PgType) -> Result<String> {
    let typmod = target.typmod;
    let plain = |name: &str| Ok(name.to_owned());
    match target.oid {
        oid::BOOL => plain("boolean"),
        oid::BYTEA => plain("bytea"),
        oid::INT2 => plain("smallint"),
        oid::INT4 => plain("integer"),
        oid::INT8 => plain("bigint"),
        oid::TEXT => plain("text"),
        oid::JSON => plain("json"),
        oid::JSONB => plain("jsonb"),
        oid::FLOAT4 => plain("real"),
        oid::FLOAT8 => plain("double precision"),
        oid::DATE => plain("date"),
        oid::TEXT_ARRAY => plain("text[]"),
        oid::UUID => plain("uuid"),
        oid::INET => plain("inet"),
        oid::TIME => Ok(zoned("time", typmod, "without")),
        oid::TIMESTAMP => Ok(zoned("timestamp", typmod, "without")),
        oid::TIMESTAMPTZ => Ok(zoned("timestamp", typmod, "with")),
        oid::INTERVAL => interval_name(typmod),
        oid::VARCHAR => Ok(sized("varchar", typmod - HEADER)),
        // Unquoted `bit` and `character` would mean a length of 1.
        oid::BPCHAR if typmod < HEADER => plain("bpchar"),
        oid::BPCHAR => Ok(sized("character", typmod - HEADER)),
        oid::BIT if typmod < 0 => plain("\"bit\""),
        oid::BIT => Ok(sized("bit", typmod)),
        oid::VARBIT => Ok(sized("bit varying", typmod)),
        oid::NUMERIC => Ok(match numeric_bounds(typmod) {
            None => "numeric".to_owned(),
            Some((precision, scale)) => format!("numeric({precision},{scale})"),
        }),
        other => Err(Error::new(
            Kind::TargetMismatch,
            format!("the type with OID {other} is none that is written here"),
        )),
    }
}

fn sized(name: &str, length: i32) -> String {
    match length {
        0.. => format!("{name}({length})"),
        _ => name.to_owned(),
    }
}

fn zoned(name: &str, typmod: i32, zone: &str) -> String {
    format!("{} {zone} time zone", sized(name, typmod))
}

fn interval_name(typmod: i32) -> Result<String> {
    const YEAR: i32 = 1 << 2;
    const MONTH: i32 = 1 << 1;
    const DAY: i32 = 1 << 3;
    const HOUR: i32 = 1 << 10;
    const MINUTE: i32 = 1 << 11;
    const SECOND: i32 = INTERVAL_SECOND;
    if typmod < 0 {
        return Ok("interval".to_owned());
    }
    let fields = match (typmod >> 16) & INTERVAL_ALL {
        INTERVAL_ALL => "",
        f if f == YEAR => " year",
        f if f == MONTH => " month",
        f if f == DAY => " day",
        f if f == HOUR => " hour",
        f if f == MINUTE => " minute",
        f if f == SECOND => " second",
        f if f == YEAR | MONTH => " year to month",
        f if f == DAY | HOUR => " day to hour",
        f if f == DAY | HOUR | MINUTE => " day to minute",
        f if f == DAY | HOUR | MINUTE | SECOND => " day to second",
        f if f == HOUR | MINUTE => " hour to minute",
        f if f == HOUR | MINUTE | SECOND => " hour to second",
        f if f == MINUTE | SECOND => " minute to second",
        _ => {
            return Err(Error::new(
                Kind::TargetMismatch,
                format!("interval with the unknown type modifier {typmod}"),
            ));
        }
    };
    Ok(match typmod & 0xffff {
        0xffff => format!("interval{fields}"),
        fraction => format!("interval{fields}({fraction})"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modifiers are what a PostgreSQL 15 server stored in pg_attribute for these types.
    #[test]
    fn type_names_follow_the_servers_modifiers() {
        let of = |oid, typmod| type_name(PgType { oid, typmod }).unwrap();
        assert_eq!(of(oid::NUMERIC, 655_366), "numeric(10,2)");
        assert_eq!(of(oid::NUMERIC, 198_658), "numeric(3,-2)");
        assert_eq!(of(oid::NUMERIC, -1), "numeric");
        assert_eq!(of(oid::VARCHAR, 24), "varchar(20)");
        assert_eq!(of(oid::VARCHAR, -1), "varchar");
        assert_eq!(of(oid::BPCHAR, 9), "character(5)");
        assert_eq!(of(oid::BIT, 8), "bit(8)");
        assert_eq!(of(oid::VARBIT, -1), "bit varying");
        assert_eq!(of(oid::TIMESTAMP, 3), "timestamp(3) without time zone");
        assert_eq!(of(oid::TIMESTAMPTZ, -1), "timestamp with time zone");
        assert_eq!(of(oid::INTERVAL, 2_147_418_115), "interval(3)");
        assert_eq!(of(oid::INTERVAL, 470_286_338), "interval day to second(2)");
        assert_eq!(of(oid::INTERVAL, 67_698_687), "interval day to hour");
        assert_eq!(of(oid::INTERVAL, -1), "interval");
        assert!(type_name(PgType::plain(1)).is_err());
    }

    #[test]
    fn modifiers_are_built_as_the_server_builds_them() {
        assert_eq!(numeric(10, 2).typmod, 655_366);
        assert_eq!(numeric(65, 30).typmod, 4_259_874);
        assert_eq!(varchar(20).typmod, 24);
        assert_eq!(interval(3).typmod, 2_147_418_115);
    }

    #[test]
    fn a_numeric_holds_what_fits_on_both_sides_of_the_point() {
        assert!(numeric_holds(numeric(10, 2), 8, 2));
        assert!(numeric_holds(numeric(12, 4), 8, 2));
        assert!(numeric_holds(PgType::plain(oid::NUMERIC), 65, 30));
        assert!(!numeric_holds(numeric(10, 4), 8, 2));
        assert!(!numeric_holds(numeric(10, 0), 8, 2));
        let rounding = PgType {
            oid: oid::NUMERIC,
            typmod: 198_658,
        };
        assert!(!numeric_holds(rounding, 3, 0));
        assert!(!numeric_holds(PgType::plain(oid::INT8), 1, 0));
    }

    #[test]
    fn an_interval_without_seconds_has_no_fraction() {
        assert_eq!(interval_fraction(-1), Some(6));
        assert_eq!(interval_fraction(2_147_418_115), Some(3));
        assert_eq!(interval_fraction(470_286_338), Some(2));
        assert_eq!(interval_fraction(67_698_687), None);
    }
}
