//! A statement cut into tokens, one at a time: a text of a gigabyte is read as far as its beginning
//! tells what it is.
//!
//! What is executed counts, so a comment like `/*!40101 … */` is opened. The servers blank those
//! that they have not executed before they log a statement: `/*!99999 … */` is in the log as
//! `/* 99999 … */`.

use std::borrow::Cow;

/// How the source's session has read the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dialect {
    /// A MariaDB source: it executes `/*M! … */`, which is a comment to MySQL.
    pub mariadb: bool,
    /// Bits of sql_mode, as the event has them.
    pub sql_mode: u64,
    /// The source's lower_case_table_names is not 0: names of databases and tables are given in
    /// lower case, to be compared with names in lower case.
    pub fold_names: bool,
}

const ANSI_QUOTES: u64 = 1 << 2;
const NO_BACKSLASH_ESCAPES: u64 = 1 << 20;

/// Most tokens that are read of a statement.
const MOST: usize = 100_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    /// What is not quoted: a word, a number, the first part of `X'41'`.
    Word(&'a str),
    /// A quoted name.
    Name(Cow<'a, str>),
    /// What stands between the quotes of a string, as it is written.
    Text {
        raw: &'a str,
        double: bool,
    },
    Symbol(char),
    End,
    /// The statement cannot be read any further.
    Broken,
}

/// The tokens of a statement with one of them in view.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    dialect: Dialect,
    current: Token<'a>,
    /// Where the token in view begins and ends.
    start: usize,
    end: usize,
    /// Executed comments that are open.
    opened: usize,
    left: usize,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str, dialect: Dialect) -> Tokens<'a> {
        let mut tokens = Tokens {
            text,
            dialect,
            current: Token::End,
            start: 0,
            end: 0,
            opened: 0,
            left: MOST,
        };
        tokens.advance();
        tokens
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub fn current(&self) -> &Token<'a> {
        &self.current
    }

    /// Where the token in view begins.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Where the token in view ends.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The statement's text between two places.
    pub fn text(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Goes on to the next token; stays where there is none.
    pub fn advance(&mut self) {
        if self.current == Token::Broken {
            return;
        }
        self.current = if self.left == 0 || !self.skip_blank() {
            Token::Broken
        } else {
            self.left -= 1;
            self.start = self.end;
            self.read()
        };
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.end..).unwrap_or_default()
    }

    /// Skips spaces and comments; false where one does not end.
    fn skip_blank(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let bytes = rest.as_bytes();
            let skipped = match bytes {
                [b'\t'..=b'\r' | b' ', ..] => bytes
                    .iter()
                    .position(|byte| !matches!(byte, b'\t'..=b'\r' | b' ')),
                [b'#', ..] => rest.find('\n'),
                [b'-', b'-'] => None,
                [b'-', b'-', next, ..] if *next <= b' ' || *next == 0x7f => rest.find('\n'),
                [b'/', b'*', b'!', ..] => Some(self.open(3)),
                [b'/', b'*', b'M', b'!', ..] if self.dialect.mariadb => Some(self.open(4)),
                [b'/', b'*', ..] => match rest.get(2..).and_then(|after| after.find("*/")) {
                    Some(at) => Some(at + 4),
                    None => return false,
                },
                [b'*', b'/', ..] if self.opened > 0 => {
                    self.opened -= 1;
                    Some(2)
                }
                // An executed comment that does not end.
                [] => return self.opened == 0,
                _ => return true,
            };
            self.end += skipped.unwrap_or(rest.len());
        }
    }

    /// The length of an executed comment's head, with the version it may begin with.
    fn open(&mut self, head: usize) -> usize {
        self.opened += 1;
        let version = self.rest().bytes().skip(head).take(6);
        let digits = version.take_while(u8::is_ascii_digit).count();
        head + if digits >= 5 { digits } else { 0 }
    }

    fn read(&mut self) -> Token<'a> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Token::End;
        };
        let ansi = self.dialect.sql_mode & ANSI_QUOTES != 0;
        match first {
            '`' => self.name('`'),
            '"' if ansi => self.name('"'),
            '\'' | '"' => self.string(first),
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                self.end += length;
                Token::Word(rest.get(..length).unwrap_or_default())
            }
            _ => {
                self.end += first.len_utf8();
                Token::Symbol(first)
            }
        }
    }

    fn name(&mut self, quote: char) -> Token<'a> {
        match self.quoted(quote, false) {
            None => Token::Broken,
            Some(raw) if raw.contains(quote) => {
                let doubled: String = [quote, quote].iter().collect();
                Token::Name(Cow::Owned(raw.replace(&doubled, &quote.to_string())))
            }
            Some(raw) => Token::Name(Cow::Borrowed(raw)),
        }
    }

    fn string(&mut self, quote: char) -> Token<'a> {
        let escapes = self.dialect.sql_mode & NO_BACKSLASH_ESCAPES == 0;
        match self.quoted(quote, escapes) {
            None => Token::Broken,
            Some(raw) => Token::Text {
                raw,
                double: quote == '"',
            },
        }
    }

    /// What is between two quotes; None where the second is missing.
    fn quoted(&mut self, quote: char, escapes: bool) -> Option<&'a str> {
        let rest = self.rest();
        let mut bytes = rest.bytes().enumerate().skip(1).peekable();
        while let Some((at, byte)) = bytes.next() {
            if byte == b'\\' && escapes {
                bytes.next();
            } else if char::from(byte) == quote
                && bytes
                    .next_if(|(_, next)| char::from(*next) == quote)
                    .is_none()
            {
                self.end += at + 1;
                return rest.get(1..at);
            }
        }
        None
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sql: &str, dialect: Dialect) -> String {
        let mut tokens = Tokens::new(sql, dialect);
        let mut found = Vec::new();
        loop {
            found.push(match tokens.current() {
                Token::Word(word) => word.to_string(),
                Token::Name(name) => format!("<{name}>"),
                Token::Text { raw, .. } => format!("[{raw}]"),
                Token::Symbol(symbol) => symbol.to_string(),
                Token::End => return found.join(" "),
                Token::Broken => return format!("{} !", found.join(" ")),
            });
            tokens.advance();
        }
    }

    #[test]
    fn comments_are_skipped_and_executed_ones_opened() {
        let plain = Dialect::default();
        let mariadb = Dialect {
            mariadb: true,
            ..plain
        };
        for (sql, in_mysql, in_mariadb) in [
            ("a -- b\nc", "a c", "a c"),
            ("a--b", "a - - b", "a - - b"),
            ("a -- b", "a", "a"),
            ("a --", "a", "a"),
            ("a # b\r\nc", "a c", "a c"),
            ("/* a */b/**/c", "b c", "b c"),
            (
                "/*!40101 alter table t */ add",
                "alter table t add",
                "alter table t add",
            ),
            ("/*!401019 a*/", "a", "a"),
            ("/*!4 a*/", "4 a", "4 a"),
            ("/*!a /* b */ c */ d", "a c d", "a c d"),
            ("a /*M! b */ c", "a c", "a b c"),
            ("a /*M!100100 b*/ c", "a c", "a b c"),
            ("a /* b", "a !", "a !"),
            ("a /*! b", "a b !", "a b !"),
            ("a */ b", "a * / b", "a * / b"),
        ] {
            assert_eq!(shown(sql, plain), in_mysql, "{sql}");
            assert_eq!(shown(sql, mariadb), in_mariadb, "{sql}");
        }
    }

    #[test]
    fn quotes_follow_the_mode() {
        let mode = |sql_mode| Dialect {
            sql_mode,
            ..Dialect::default()
        };
        for (sql, plain, ansi, bare) in [
            (
                r#"`a``b`."c""d""#,
                r#"<a`b> . [c""d]"#,
                r#"<a`b> . <c"d>"#,
                r#"<a`b> . [c""d]"#,
            ),
            (r"'a\'b' c", r"[a\'b] c", r"[a\'b] c", r"[a\] b !"),
            (r"'it''s' x", "[it''s] x", "[it''s] x", "[it''s] x"),
            (r"'\\' x", r"[\\] x", r"[\\] x", r"[\\] x"),
            (
                "_utf8mb4'ä' ",
                "_utf8mb4 [ä]",
                "_utf8mb4 [ä]",
                "_utf8mb4 [ä]",
            ),
            ("'a", "!", "!", "!"),
            ("`a", "!", "!", "!"),
            ("größe.1a$_", "größe . 1a$_", "größe . 1a$_", "größe . 1a$_"),
        ] {
            assert_eq!(shown(sql, mode(0)).trim(), plain);
            assert_eq!(shown(sql, mode(ANSI_QUOTES)).trim(), ansi);
            assert_eq!(shown(sql, mode(NO_BACKSLASH_ESCAPES)).trim(), bare);
        }
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let sql = "a ".repeat(MOST + 1);
        assert!(shown(&sql, Dialect::default()).ends_with('!'));
    }
}
