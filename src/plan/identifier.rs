//! Names and strings as SQL text: for statements that are run and for statements that are shown.

use super::keywords::KEYWORDS;
pub use crate::model::name::check_name;

/// A name as an identifier, in double quotes only where it needs them.
pub fn quote(name: &str) -> String {
    if is_plain(name) {
        name.to_string()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// A name with its schema.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote(schema), quote(name))
}

/// Names as a list of identifiers: `a, "B", c`.
pub fn quoted_list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quote(name)).collect();
    quoted.join(", ")
}

/// A string as a literal that reads the same whatever `standard_conforming_strings` is.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| matches!(first, b'a'..=b'z' | b'_'))
        && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'$'))
        && KEYWORDS.binary_search(&name).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_stays_as_it_is() {
        for name in ["orders", "_x", "a1$", "name", "value"] {
            assert_eq!(quote(name), name);
        }
    }

    #[test]
    fn any_other_name_is_quoted() {
        for (name, quoted) in [
            ("Orders", "\"Orders\""),
            ("order", "\"order\""),
            ("user", "\"user\""),
            ("between", "\"between\""),
            ("system_user", "\"system_user\""),
            ("1a", "\"1a\""),
            ("$a", "\"$a\""),
            ("a b", "\"a b\""),
            ("größe", "\"größe\""),
            ("a\"b", "\"a\"\"b\""),
            ("", "\"\""),
        ] {
            assert_eq!(quote(name), quoted);
        }
        assert_eq!(qualified("shop", "Order"), "shop.\"Order\"");
        assert_eq!(quoted_list(&["a".into(), "B".into()]), "a, \"B\"");
    }

    #[test]
    fn keywords_are_in_byte_order() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn a_literal_doubles_quotes_and_escapes_backslashes() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b'c"), "E'a\\\\b''c'");
        assert_eq!(literal(""), "''");
    }
}
