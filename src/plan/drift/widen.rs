//! Does a column of the source hold the same values after its type was altered? Only where it must:
//! a change that could have cut, rounded or padded values has done so without a row event.

use crate::model::table::{SourceColumn, SourceType};

/// Why values may be others, as the end of a sentence.
type Reason = String;

/// All values are what they were, and the new type holds all that the old one held.
pub(super) fn same_values(old: &SourceColumn, new: &SourceColumn) -> Result<(), Reason> {
    use SourceType as T;
    let widened = match (&old.source_type, &new.source_type) {
        (
            T::Decimal { precision, scale },
            T::Decimal {
                precision: p,
                scale: s,
            },
        ) => s >= scale && p.saturating_sub(*s) >= precision.saturating_sub(*scale),
        (T::Float, T::Float | T::Double) | (T::Double, T::Double) => {
            // FLOAT(7,3) rounds, and its catalog name says so.
            old.type_name == new.type_name
                || !old.type_name.contains('(') && !new.type_name.contains('(')
        }
        (T::DateTime { fraction }, T::DateTime { fraction: more })
        | (T::Timestamp { fraction }, T::Timestamp { fraction: more })
        | (T::Time { fraction }, T::Time { fraction: more }) => more >= fraction,
        // A CHAR has no spaces at its end, so they are not lost on the way to VARCHAR, but on the
        // way back.
        (T::Char { length }, T::Char { length: more } | T::VarChar { length: more })
        | (T::VarChar { length }, T::VarChar { length: more })
        | (T::VarBinary { length }, T::VarBinary { length: more })
        | (T::Binary { length }, T::VarBinary { length: more }) => more >= length,
        (T::Char { length } | T::VarChar { length }, T::Text) => {
            holds(new, length.saturating_mul(4))
        }
        (T::Binary { length } | T::VarBinary { length }, T::Blob) => holds(new, *length),
        // Of another length it would be padded.
        (T::Binary { length }, T::Binary { length: more }) => more == length,
        (T::Text, T::Text) | (T::Blob, T::Blob) => size(new) >= size(old),
        (T::Enum { labels }, T::Enum { labels: more })
        | (T::Set { labels }, T::Set { labels: more }) => more.starts_with(labels),
        (T::Geometry { srid }, T::Geometry { srid: other }) => {
            let general = |column: &SourceColumn| column.type_name.starts_with("geometry");
            (old.type_name == new.type_name || general(new)) && (srid == other || other.is_none())
        }
        (from, to) => from == to || within(from, to),
    };
    if !widened || loses_sign(old, new) {
        return Err(format!("{} became {}", old.type_name, new.type_name));
    }
    same_characters(old, new)
}

/// Is every integer of one type one of the other?
fn within(old: &SourceType, new: &SourceType) -> bool {
    match (range(old), range(new)) {
        (Some((min, max)), Some((least, most))) => least <= min && max <= most,
        _ => false,
    }
}

fn range(source_type: &SourceType) -> Option<(i128, i128)> {
    let (bits, unsigned) = match *source_type {
        SourceType::TinyInt { unsigned } => (8, unsigned),
        SourceType::SmallInt { unsigned } => (16, unsigned),
        SourceType::MediumInt { unsigned } => (24, unsigned),
        SourceType::Int { unsigned } => (32, unsigned),
        SourceType::BigInt { unsigned } => (64, unsigned),
        _ => return None,
    };
    let half = 1_i128 << (bits - 1);
    Some(match unsigned {
        true => (0, 2 * half - 1),
        false => (-half, half - 1),
    })
}

/// A number that is no integer became UNSIGNED: what was below zero is zero. Of integers the range
/// tells it.
fn loses_sign(old: &SourceColumn, new: &SourceColumn) -> bool {
    let unsigned =
        |column: &SourceColumn| column.type_name.to_ascii_lowercase().contains(" unsigned");
    range(&new.source_type).is_none() && unsigned(new) && !unsigned(old)
}

/// TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT and their like in bytes, by their place.
fn size(column: &SourceColumn) -> u8 {
    let name = column.type_name.to_ascii_lowercase();
    match name {
        name if name.starts_with("tiny") => 1,
        name if name.starts_with("medium") => 3,
        name if name.starts_with("long") => 4,
        _ => 2,
    }
}

fn holds(column: &SourceColumn, bytes: u64) -> bool {
    bytes
        <= match size(column) {
            1 => 255,
            2 => 65_535,
            3 => 16_777_215,
            _ => 4_294_967_295,
        }
}

/// Is the text the same in the new character set?
fn same_characters(old: &SourceColumn, new: &SourceColumn) -> Result<(), Reason> {
    let (Some(from), Some(to)) = (&old.character_set, &new.character_set) else {
        return Ok(());
    };
    let basic = [
        "utf8", "utf8mb3", "ucs2", "ascii", "latin1", "latin2", "cp1251", "cp1250",
    ];
    let held = match to.as_str() {
        to if to == from => true,
        "utf8mb4" | "utf16" | "utf16le" | "utf32" => true,
        "utf8" | "utf8mb3" | "ucs2" => basic.contains(&from.as_str()),
        _ => from == "ascii" && to.starts_with("latin"),
    };
    match held {
        true => Ok(()),
        false => Err(format!("the character set {from} became {to}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::{column, text_column};
    use super::*;

    fn kept(old: &SourceColumn, new: &SourceColumn) -> bool {
        same_values(old, new).is_ok()
    }

    #[test]
    fn a_type_widens_where_no_value_can_change() {
        use SourceType as T;
        let labels = |text: &str| text.split(',').map(String::from).collect::<Vec<_>>();
        let int = |unsigned| T::Int { unsigned };
        let decimal = |precision, scale| T::Decimal { precision, scale };
        for (old, new, there, back) in [
            (int(false), T::BigInt { unsigned: false }, true, false),
            (
                T::TinyInt { unsigned: true },
                T::SmallInt { unsigned: false },
                true,
                false,
            ),
            (int(true), T::BigInt { unsigned: false }, true, false),
            (int(false), int(true), false, false),
            (decimal(10, 2), decimal(12, 4), true, false),
            (decimal(10, 2), decimal(10, 4), false, false),
            (decimal(10, 2), decimal(12, 1), false, false),
            (
                T::DateTime { fraction: 0 },
                T::DateTime { fraction: 6 },
                true,
                false,
            ),
            (
                T::Time { fraction: 0 },
                T::Time { fraction: 3 },
                true,
                false,
            ),
            (
                T::DateTime { fraction: 0 },
                T::Timestamp { fraction: 0 },
                false,
                false,
            ),
            (T::Date, T::DateTime { fraction: 0 }, false, false),
            (T::Char { length: 5 }, T::VarChar { length: 5 }, true, false),
            (
                T::VarChar { length: 5 },
                T::VarChar { length: 6 },
                true,
                false,
            ),
            (
                T::Binary { length: 5 },
                T::Binary { length: 6 },
                false,
                false,
            ),
            (
                T::Binary { length: 5 },
                T::VarBinary { length: 6 },
                true,
                false,
            ),
            (T::Bit { bits: 1 }, T::Bit { bits: 2 }, false, false),
            (T::Year, int(false), false, false),
            (
                T::Enum {
                    labels: labels("a,b"),
                },
                T::Enum {
                    labels: labels("a,b,c"),
                },
                true,
                false,
            ),
            (
                T::Set {
                    labels: labels("a,b"),
                },
                T::Set {
                    labels: labels("b,a,c"),
                },
                false,
                false,
            ),
            (T::Json, T::Text, false, false),
        ] {
            let (old, new) = (column("c", old, "old"), column("c", new, "new"));
            assert_eq!(kept(&old, &new), there, "{old:?} {new:?}");
            assert_eq!(kept(&new, &old), back, "{new:?} {old:?}");
            assert!(kept(&old, &old) && kept(&new, &new));
        }
    }

    #[test]
    fn names_of_types_count_where_the_family_does_not_tell() {
        let text = |name: &str| column("c", SourceType::Text, name);
        assert!(kept(&text("text"), &text("longtext")));
        assert!(!kept(&text("mediumtext"), &text("text")));
        let long = column("c", SourceType::VarChar { length: 300 }, "varchar(300)");
        assert!(kept(&long, &text("text")) && !kept(&long, &text("tinytext")));
        let real = |name: &str, source_type| column("c", source_type, name);
        assert!(kept(
            &real("float", SourceType::Float),
            &real("double", SourceType::Double)
        ));
        assert!(!kept(
            &real("double", SourceType::Double),
            &real("double(7,3)", SourceType::Double)
        ));
        let number = |name: &str| column("c", SourceType::Double, name);
        assert!(kept(&number("double unsigned"), &number("double")));
        assert!(!kept(&number("double"), &number("double unsigned")));
        let place = |name: &str, srid| column("c", SourceType::Geometry { srid }, name);
        assert!(kept(&place("point", Some(4326)), &place("geometry", None)));
        assert!(!kept(&place("geometry", None), &place("point", None)));
        assert!(!kept(&place("point", None), &place("point", Some(4326))));
    }

    #[test]
    fn a_wider_character_set_keeps_the_text() {
        let text = |set: &str| SourceColumn {
            character_set: Some(set.to_string()),
            ..text_column("c", SourceType::Text, "text")
        };
        assert!(kept(&text("latin1"), &text("utf8mb4")));
        assert!(kept(&text("latin1"), &text("utf8mb3")));
        assert!(!kept(&text("utf8mb4"), &text("utf8mb3")));
        assert!(!kept(&text("utf8mb4"), &text("latin1")));
        assert!(!kept(&text("gb18030"), &text("utf8mb3")));
    }
}
