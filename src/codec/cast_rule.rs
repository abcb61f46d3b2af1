//! Which source columns a job's cast rule is for.
//!
//! A rule names a type as the source prints it (`tinyint(1)`, `int(10) unsigned`), the same with less
//! said (`int(10)`), or just the family (`int unsigned`, `int`). The more it says the more it counts.

use crate::model::table::{SourceColumn, SourceType};

/// How closely a rule's type names the column's, higher is closer; None where it does not.
pub fn cast_specificity(column: &SourceColumn, rule_from: &str) -> Option<u8> {
    let rule = Printed::read(rule_from);
    if matches!(column.source_type, SourceType::Json) {
        // The name that the source gives it may be longtext.
        return (rule.text == "json").then_some(5);
    }
    let own = Printed::read(&column.type_name);
    if rule.text == own.text {
        return Some(5);
    }
    let family = match column.source_type {
        SourceType::Geometry { .. } => rule.family == "geometry",
        _ => rule.family == own.family,
    };
    let sign = !rule.unsigned || own.unsigned;
    let said = match &rule.arguments {
        None => true,
        arguments => *arguments == own.arguments,
    };
    (family && sign && said && !rule.more)
        .then(|| 1 + u8::from(rule.unsigned) + 2 * u8::from(rule.arguments.is_some()))
}

/// A type as the source prints it.
struct Printed {
    /// The whole, without differences of writing.
    text: String,
    family: String,
    arguments: Option<String>,
    unsigned: bool,
    /// Something besides these is said.
    more: bool,
}

impl Printed {
    fn read(text: &str) -> Self {
        let text = plain(text);
        let (name, rest) = match text.split_once('(') {
            Some((name, rest)) => (name, Some(rest)),
            None => (text.as_str(), None),
        };
        let (arguments, after) = match rest.and_then(|rest| rest.rsplit_once(')')) {
            Some((arguments, after)) => (Some(arguments), after),
            None => (None, ""),
        };
        let mut family = Vec::new();
        let (mut unsigned, mut more) = (false, false);
        let before = name.split_whitespace().map(|word| (word, true));
        let behind = after.split_whitespace().map(|word| (word, false));
        for (word, named) in before.chain(behind) {
            match word {
                "unsigned" => unsigned = true,
                // The source makes a column unsigned that it fills with zeros.
                "zerofill" => (unsigned, more) = (true, true),
                _ if named => family.push(word),
                _ => more = true,
            }
        }
        let family = family.join(" ");
        let (family, implied) = match family.as_str() {
            "integer" => ("int", None),
            "dec" | "numeric" | "fixed" => ("decimal", None),
            "real" | "double precision" => ("double", None),
            "bool" | "boolean" => ("tinyint", Some("1")),
            "character varying" => ("varchar", None),
            "character" => ("char", None),
            name => (name, None),
        };
        let arguments = arguments.or(implied).map(|arguments| match family {
            "decimal" if !arguments.contains(',') => format!("{arguments},0"),
            _ => arguments.to_owned(),
        });
        Printed {
            family: family.to_owned(),
            arguments,
            unsigned,
            more,
            text,
        }
    }
}

/// Lower case with one space between words and none beside brackets and commas, but for labels in
/// quotes.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut quoted = false;
    let mut space = false;
    for character in text.chars() {
        if character == '\'' {
            quoted = !quoted;
        }
        if quoted || character == '\'' {
            plain.push(character);
        } else if character.is_whitespace() {
            space = true;
            continue;
        } else {
            let joined = matches!(character, '(' | ')' | ',') || plain.ends_with(['(', ',']);
            if space && !joined && !plain.is_empty() {
                plain.push(' ');
            }
            plain.extend(character.to_lowercase());
        }
        space = false;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specificity(type_name: &str, source_type: SourceType, rule: &str) -> Option<u8> {
        let column = SourceColumn {
            type_name: type_name.to_owned(),
            ..SourceColumn::new("c", source_type)
        };
        cast_specificity(&column, rule)
    }

    #[test]
    fn the_more_a_rule_says_the_more_it_counts() {
        let int = |rule| {
            let source = SourceType::Int { unsigned: true };
            specificity("int(10) unsigned", source, rule)
        };
        let order = ["int(10) unsigned", "int(10)", "int unsigned", "int"];
        let found = order.map(|rule| int(rule).unwrap());
        assert!(found.is_sorted_by(|a, b| a > b), "{found:?}");
        assert_eq!(int("INT ( 10 )  UNSIGNED"), int("int(10) unsigned"));
        assert_eq!(int("integer"), int("int"));
        for other in [
            "int(11)",
            "bigint",
            "tinyint",
            "unsigned",
            "",
            "int(10) unsigned zerofill",
        ] {
            assert_eq!(int(other), None, "{other}");
        }
    }

    #[test]
    fn without_a_width_the_sign_is_all_there_is_to_say() {
        let unsigned = SourceType::Int { unsigned: true };
        let exact = specificity("int unsigned", unsigned.clone(), "int unsigned");
        assert!(exact > specificity("int unsigned", unsigned, "int"));
        let signed = SourceType::Int { unsigned: false };
        assert_eq!(specificity("int", signed.clone(), "int unsigned"), None);
        assert!(specificity("int", signed, "int").is_some());
    }

    #[test]
    fn other_names_of_a_type_are_known() {
        let tiny = SourceType::TinyInt { unsigned: false };
        assert!(specificity("tinyint(1)", tiny.clone(), "bool").is_some());
        assert!(specificity("tinyint(4)", tiny, "boolean").is_none());
        let decimal = SourceType::Decimal {
            precision: 10,
            scale: 0,
        };
        assert!(specificity("decimal(10,0)", decimal.clone(), "numeric(10)").is_some());
        assert!(specificity("decimal(10,0)", decimal, "numeric(10, 2)").is_none());
    }

    #[test]
    fn labels_are_compared_as_they_are() {
        let labels = SourceType::Enum { labels: Vec::new() };
        let of = |rule| specificity("enum('a b','C')", labels.clone(), rule);
        assert_eq!(of("ENUM( 'a b', 'C' )"), Some(5));
        assert_eq!(of("enum('ab','C')"), None);
        assert_eq!(of("enum('a b','c')"), None);
        assert_eq!(of("enum"), Some(1));
    }

    #[test]
    fn families_are_not_sizes() {
        assert_eq!(specificity("longtext", SourceType::Text, "text"), None);
        assert_eq!(specificity("longtext", SourceType::Json, "longtext"), None);
        assert_eq!(specificity("longtext", SourceType::Json, "JSON"), Some(5));
        let point = SourceType::Geometry { srid: None };
        assert!(
            specificity("point", point.clone(), "point")
                > specificity("point", point.clone(), "geometry")
        );
        assert_eq!(specificity("point", point, "polygon"), None);
    }
}
