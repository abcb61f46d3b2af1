//! The type of a column, from what `information_schema.columns` says of it.

use crate::model::table::SourceType;

/// The fields of `information_schema.columns` that decide a type.
#[derive(Debug, Default, Clone)]
pub(super) struct Described {
    /// DATA_TYPE: `int`.
    pub data_type: String,
    /// COLUMN_TYPE: `int(10) unsigned`.
    pub column_type: String,
    pub character_length: Option<u64>,
    pub precision: Option<u64>,
    pub scale: Option<u64>,
    pub fraction: Option<u64>,
    /// A `json_valid` check of its own: what MariaDB makes of the type JSON.
    pub json_checked: bool,
    /// SRS_ID: the only SRID that values of a geometry column may have.
    pub srid: Option<u64>,
}

pub(super) fn source_type(column: &Described) -> SourceType {
    let unsigned =
        has_word(&column.column_type, "unsigned") || has_word(&column.column_type, "zerofill");
    let length = column.character_length.unwrap_or(0);
    let small = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
    let fraction = small(column.fraction).unwrap_or(0);
    let unmapped = || SourceType::Unmapped {
        name: column.data_type.clone(),
    };
    match column.data_type.to_ascii_lowercase().as_str() {
        "tinyint" => SourceType::TinyInt { unsigned },
        "smallint" => SourceType::SmallInt { unsigned },
        "mediumint" => SourceType::MediumInt { unsigned },
        "int" | "integer" => SourceType::Int { unsigned },
        "bigint" => SourceType::BigInt { unsigned },
        "decimal" | "numeric" => match (small(column.precision), small(column.scale)) {
            (Some(precision), Some(scale)) => SourceType::Decimal { precision, scale },
            _ => unmapped(),
        },
        "float" => SourceType::Float,
        "double" | "real" => SourceType::Double,
        "year" => SourceType::Year,
        "bit" => match small(column.precision) {
            Some(bits @ 1..=64) => SourceType::Bit { bits },
            _ => unmapped(),
        },
        "date" => SourceType::Date,
        "datetime" => SourceType::DateTime { fraction },
        "timestamp" => SourceType::Timestamp { fraction },
        "time" => SourceType::Time { fraction },
        "char" => SourceType::Char { length },
        "varchar" => SourceType::VarChar { length },
        "longtext" if column.json_checked => SourceType::Json,
        "tinytext" | "text" | "mediumtext" | "longtext" => SourceType::Text,
        "binary" => SourceType::Binary { length },
        "varbinary" => SourceType::VarBinary { length },
        "tinyblob" | "blob" | "mediumblob" | "longblob" => SourceType::Blob,
        "enum" => {
            labels(&column.column_type).map_or_else(unmapped, |labels| SourceType::Enum { labels })
        }
        "set" => {
            labels(&column.column_type).map_or_else(unmapped, |labels| SourceType::Set { labels })
        }
        "json" => SourceType::Json,
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" | "geomcollection" => SourceType::Geometry {
            srid: small(column.srid),
        },
        "uuid" => SourceType::Uuid,
        "inet4" => SourceType::Inet4,
        "inet6" => SourceType::Inet6,
        _ => unmapped(),
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.split_ascii_whitespace()
        .any(|part| part.eq_ignore_ascii_case(word))
}

/// The labels of `enum('a','b''c')`. The server doubles quotes and escapes backslash, NUL, newline
/// and carriage return.
fn labels(column_type: &str) -> Option<Vec<String>> {
    let (_, list) = column_type.split_once('(')?;
    let mut labels = Vec::new();
    let mut rest = list.chars().peekable();
    loop {
        if rest.next()? != '\'' {
            return None;
        }
        let mut label = String::new();
        loop {
            match rest.next()? {
                '\'' if rest.peek() == Some(&'\'') => {
                    rest.next();
                    label.push('\'');
                }
                '\'' => break,
                '\\' => label.push(match rest.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    '0' => '\0',
                    other => other,
                }),
                other => label.push(other),
            }
        }
        labels.push(label);
        match rest.next()? {
            ',' => {}
            ')' => return Some(labels),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(data_type: &str, column_type: &str) -> Described {
        Described {
            data_type: data_type.into(),
            column_type: column_type.into(),
            ..Described::default()
        }
    }

    #[test]
    fn signedness_is_a_word_of_its_own() {
        let unsigned = described("int", "int(10) unsigned zerofill");
        assert_eq!(source_type(&unsigned), SourceType::Int { unsigned: true });
        assert_eq!(
            source_type(&described("bigint", "bigint(20)")),
            SourceType::BigInt { unsigned: false }
        );
    }

    #[test]
    fn labels_are_unquoted() {
        assert_eq!(
            labels(r"enum('a','b''c','','d,e)','f\\g','h\n')"),
            Some(
                ["a", "b'c", "", "d,e)", "f\\g", "h\n"]
                    .map(String::from)
                    .to_vec()
            )
        );
        for bad in [
            "enum",
            "enum(",
            "enum('a",
            "enum('a'",
            "enum('a';",
            "enum(a)",
            r"enum('a\",
        ] {
            assert_eq!(labels(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_geometry_is_one_type() {
        let point = Described {
            srid: Some(4326),
            ..described("point", "point")
        };
        assert_eq!(
            source_type(&point),
            SourceType::Geometry { srid: Some(4326) }
        );
        for name in [
            "geometry",
            "geomcollection",
            "geometrycollection",
            "multipolygon",
        ] {
            assert_eq!(
                source_type(&described(name, name)),
                SourceType::Geometry { srid: None }
            );
        }
        assert_eq!(source_type(&described("inet6", "inet6")), SourceType::Inet6);
    }

    #[test]
    fn what_is_not_known_stays_unmapped() {
        for name in ["vector", "xmltype", "bit", "decimal", "enum"] {
            assert_eq!(
                source_type(&described(name, name)),
                SourceType::Unmapped { name: name.into() }
            );
        }
    }
}
