//! Text that the source tells, made fit for our messages, and for the statements that hints offer:
//! whoever runs the source must not be able to write into a log or into somebody's terminal.

/// More than any name or reason needs.
const TOLD_CHARS: usize = 500;

/// The text without control characters, cut at a length that a message can bear.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .take(TOLD_CHARS)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// `'user'@'host'` of the `user@host` that the server tells; None when it is no such thing.
pub(super) fn account(told: &str) -> Option<String> {
    let (user, host) = told.rsplit_once('@')?;
    Some(format!("{}@{}", literal(user), literal(host)))
}

/// A string that ends where it should, whether or not the reader's sql_mode has
/// NO_BACKSLASH_ESCAPES.
pub(super) fn literal(text: &str) -> String {
    let text = clean(text).replace('\\', "\\\\").replace('\'', "''");
    format!("'{text}'")
}

/// The statement that lets an account, written as SQL, read a database.
pub(super) fn grant(database: &str, account: &str) -> String {
    let database = clean(database).replace('`', "``");
    format!("At the source: GRANT SELECT ON `{database}`.* TO {account};")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_masked_and_length_is_cut() {
        assert_eq!(clean("8.0\0\u{1b}[2J\r\nx\u{9b}"), "8.0??[2J??x?");
        assert_eq!(clean("größe 'ok' 表"), "größe 'ok' 表");
        assert_eq!(clean(&"ä".repeat(501)), "ä".repeat(500));
        assert_eq!(clean(""), "");
    }

    #[test]
    fn a_hostile_account_stays_inside_its_quotes() {
        assert_eq!(
            account("o'neil@x\\@10.%").as_deref(),
            Some("'o''neil@x\\\\'@'10.%'")
        );
        assert_eq!(
            account("a'; DROP TABLE t; --\\'@h'").as_deref(),
            Some("'a''; DROP TABLE t; --\\\\'''@'h'''")
        );
        assert_eq!(account("nobody"), None);
        assert_eq!(
            grant("sh`op", "'a'@'%'"),
            "At the source: GRANT SELECT ON `sh``op`.* TO 'a'@'%';"
        );
    }
}
