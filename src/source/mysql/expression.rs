//! SQL as the catalog quotes it.

/// The text of a string literal, when it is one and nothing else.
pub(super) fn string(sql: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = sql.strip_prefix('\'')?.chars();
    loop {
        match rest.next()? {
            '\'' => match rest.next() {
                None => return Some(text),
                Some('\'') => text.push('\''),
                Some(_) => return None,
            },
            '\\' => text.push(escaped(rest.next()?)),
            other => text.push(other),
        }
    }
}

/// A decimal number.
pub(super) fn number(sql: &str) -> bool {
    let digits = sql.strip_prefix('-').unwrap_or(sql);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.parse::<f64>().is_ok()
}

/// An expression without the backslashes that MySQL 8 puts before the quotes and backslashes of
/// what it tells. Another version may tell it as it is: then no backslash stands outside of quotes.
pub(super) fn unescaped(told: &str) -> String {
    if !is_escaped(told) {
        return told.to_string();
    }
    let mut sql = String::with_capacity(told.len());
    let mut rest = told.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => sql.push(rest.next().map_or('\\', escaped)),
            other => sql.push(other),
        }
    }
    sql
}

fn escaped(c: char) -> char {
    match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        'Z' => '\u{1a}',
        other => other,
    }
}

/// Is there a backslash outside of strings, or in a name?
fn is_escaped(told: &str) -> bool {
    let mut quote = None;
    let mut rest = told.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None | Some('`'), '\\') => return true,
            (Some(_), '\\') => {
                rest.next();
            }
            (None, '\'' | '"' | '`') => quote = Some(c),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_read_whole_or_not() {
        assert_eq!(string("'it''s'").as_deref(), Some("it's"));
        assert_eq!(string(r"'a\\b\n\'c'").as_deref(), Some("a\\b\n'c"));
        for other in ["'a' + 'b'", "'a", "a", "'a\\", ""] {
            assert_eq!(string(other), None, "{other}");
        }
    }

    #[test]
    fn numbers_are_plain() {
        assert!(number("5") && number("-0.50") && number("1e100") && number("00005"));
        assert!(!number("") && !number("inf") && !number("1+1") && !number("-nan"));
    }

    /// What MySQL 9.7 gives, and what servers give that do not escape.
    #[test]
    fn one_level_of_escapes_is_undone() {
        for (told, sql) in [
            (r"(`a` + `b`)", "(`a` + `b`)"),
            (r"(`s` <> _utf8mb4\'it\\\'s\')", r"(`s` <> _utf8mb4'it\'s')"),
            (r"_utf8mb4\'b\\\\c\'", r"_utf8mb4'b\\c'"),
            (r"(`a\\\\b\'c\nd` + 1)", "(`a\\\\b'c\nd` + 1)"),
            (r"concat(`a`,'it\'s','\\')", r"concat(`a`,'it\'s','\\')"),
        ] {
            assert_eq!(unescaped(told), sql, "{told}");
        }
    }
}
