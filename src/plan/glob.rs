//! Patterns over table names: `*` any characters, `?` one, `[a-z]` one of a set, `[!a-z]` one outside
//! it; a backslash takes the next character as it is; `!` in front excludes.

use crate::error::{Error, Kind, Result};

/// A name or glob, or one that excludes.
pub(super) struct Pattern {
    pub(super) exclude: bool,
    tokens: Vec<Token>,
}

enum Token {
    Char(char),
    One,
    Any,
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Token {
    fn accepts(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::One | Token::Any => true,
            Token::Set { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Pattern> {
        let (exclude, glob) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if glob.is_empty() {
            return Err(malformed(text, "It names no table."));
        }
        let mut tokens = Vec::new();
        let mut rest = glob.chars();
        while let Some(c) = rest.next() {
            tokens.push(match c {
                '*' => Token::Any,
                '?' => Token::One,
                '[' => parse_set(text, &mut rest)?,
                '\\' => Token::Char(
                    rest.next()
                        .ok_or_else(|| malformed(text, "It ends in a backslash."))?,
                ),
                '\0' => {
                    return Err(malformed(
                        &text.replace('\0', "\\0"),
                        "It holds a NUL byte.",
                    ));
                }
                other => Token::Char(other),
            });
        }
        Ok(Pattern { exclude, tokens })
    }

    /// The name this pattern stands for, when it has no wildcard.
    pub(super) fn name(&self) -> Option<String> {
        self.tokens
            .iter()
            .map(|token| match token {
                Token::Char(c) => Some(*c),
                _ => None,
            })
            .collect()
    }

    /// Remembers only the last `*`, so that the work is at most name × pattern.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut token) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while at < name.len() {
            match (self.tokens.get(token), name.get(at)) {
                (Some(Token::Any), _) => {
                    star = Some((token, at));
                    token += 1;
                }
                (Some(own), Some(c)) if own.accepts(*c) => {
                    at += 1;
                    token += 1;
                }
                _ => match star {
                    Some((star_token, star_at)) => {
                        star = Some((star_token, star_at + 1));
                        at = star_at + 1;
                        token = star_token + 1;
                    }
                    None => return false,
                },
            }
        }
        self.tokens
            .iter()
            .skip(token)
            .all(|rest| matches!(rest, Token::Any))
    }
}

/// What stands after `[`, up to its `]`; a `]` in the first place is a member.
fn parse_set(text: &str, rest: &mut std::str::Chars<'_>) -> Result<Token> {
    let open = || malformed(text, "Its \"[\" has no \"]\".");
    let negated = rest.as_str().starts_with(['!', '^']);
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        let from = match rest.next().ok_or_else(open)? {
            ']' if !ranges.is_empty() => return Ok(Token::Set { negated, ranges }),
            '\\' => rest.next().ok_or_else(open)?,
            c => c,
        };
        let mut ahead = rest.clone();
        let to = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) if to != ']' => {
                *rest = ahead;
                match to {
                    '\\' => rest.next().ok_or_else(open)?,
                    to => to,
                }
            }
            _ => from,
        };
        if to < from {
            return Err(malformed(
                text,
                &format!("The range \"{from}-{to}\" is empty."),
            ));
        }
        ranges.push((from, to));
    }
}

fn malformed(text: &str, detail: &str) -> Error {
    Error::new(
        Kind::InvalidParameter,
        format!("unit pattern \"{text}\" is malformed"),
    )
    .with_detail(detail)
    .with_hint("A pattern is a table name or a glob of *, ? and [a-z]; ! before it excludes, \\ takes the next character as it is.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_glob_ends_quickly() {
        let pattern = Pattern::parse(&format!("{}b", "*a".repeat(200))).unwrap();
        assert!(!pattern.matches(&"a".repeat(4000)));
    }

    #[test]
    fn stars_backtrack_to_the_longest_needed() {
        for (glob, name, expected) in [
            ("a*b*c", "abxbc", true),
            ("a*b*c", "abxcb", false),
            ("*", "", true),
            ("**x", "x", true),
            ("x*", "x", true),
            ("?", "ä", true),
            ("x?", "x", false),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[^a-c]", "b", false),
        ] {
            assert_eq!(
                Pattern::parse(glob).unwrap().matches(name),
                expected,
                "{glob} {name}"
            );
        }
    }

    #[test]
    fn a_malformed_pattern_says_why() {
        for (text, why) in [
            ("", "names no table"),
            ("!", "names no table"),
            ("[ab", "has no"),
            ("[]", "has no"),
            ("[z-a]", "\"z-a\" is empty"),
            ("a\\", "ends in a backslash"),
            ("a\0", "NUL"),
        ] {
            let error = Pattern::parse(text).err().unwrap();
            assert_eq!(error.kind, Kind::InvalidParameter);
            assert!(!error.message.contains('\0'));
            assert!(error.detail.unwrap().contains(why), "{text}");
        }
    }
}
