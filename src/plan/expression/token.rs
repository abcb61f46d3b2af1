//! The source's SQL cut into tokens, as its catalog prints expressions.

use super::Reason;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A word that is not quoted, in lower case.
    Word(String),
    /// A name in backticks.
    Name(String),
    /// A number as it is written.
    Number(String),
    Text(String),
    /// A hexadecimal or bit literal.
    Bytes(Vec<u8>),
    Symbol(&'static str),
}

/// Longest first.
const SYMBOLS: [&str; 27] = [
    "<=>", "->>", "<=", ">=", "<>", "!=", "||", "&&", "<<", ">>", "->", ":=", "(", ")", ",", "+",
    "-", "*", "/", "%", "=", "<", ">", "!", "~", "|", "&",
];

/// Most tokens of an expression; a hostile catalog's has no other bound.
const MOST: usize = 100_000;

pub(super) fn tokens(sql: &str) -> Result<Vec<Token>, Reason> {
    let mut found = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '`' => name(rest)?,
            '\'' | '"' => {
                let (text, length) = quoted(rest, first)?;
                (Token::Text(text), length)
            }
            '0'..='9' => number(rest)?,
            '.' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => number(rest)?,
            'a'..='z' | 'A'..='Z' | '_' | '\u{80}'.. => word(rest)?,
            '^' => (Token::Symbol("^"), 1),
            _ => symbol(rest)?,
        };
        if found.len() >= MOST {
            return Err("it is too long".to_string());
        }
        found.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(found)
}

fn symbol(rest: &str) -> Result<(Token, usize), Reason> {
    SYMBOLS
        .iter()
        .find(|symbol| rest.starts_with(**symbol))
        .map(|symbol| (Token::Symbol(symbol), symbol.len()))
        .ok_or_else(|| "it holds a sign that is not known".to_string())
}

fn name(rest: &str) -> Result<(Token, usize), Reason> {
    let mut name = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '`' {
            name.push(c);
        } else if chars.next_if(|(_, next)| *next == '`').is_some() {
            name.push('`');
        } else {
            return Ok((Token::Name(name), at + 1));
        }
    }
    Err(unfinished())
}

/// A string in quotes and the bytes it takes. The server doubles quotes or escapes them.
pub(super) fn quoted(rest: &str, quote: char) -> Result<(String, usize), Reason> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            match chars.next().ok_or_else(unfinished)?.1 {
                '0' => text.push('\0'),
                'b' => text.push('\u{8}'),
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                'Z' => text.push('\u{1a}'),
                // Kept with its backslash, for LIKE.
                wild @ ('%' | '_') => text.extend(['\\', wild]),
                other => text.push(other),
            }
        } else if c != quote {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Ok((text, at + quote.len_utf8()));
        }
    }
    Err(unfinished())
}

fn unfinished() -> Reason {
    "it ends in the middle".to_string()
}

fn number(rest: &str) -> Result<(Token, usize), Reason> {
    if let Some(digits) = rest.strip_prefix("0x") {
        let length = digits
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(digits.len());
        let bytes = hex(digits.get(..length).unwrap_or_default())?;
        return Ok((Token::Bytes(bytes), length + 2));
    }
    let mut end = 0;
    let mut before = ' ';
    for c in rest.chars() {
        let sign_of_exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        if !(c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E') || sign_of_exponent) {
            break;
        }
        before = c;
        end += 1;
    }
    let text = rest.get(..end).unwrap_or_default();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Token::Number(text.to_string()), end)),
        _ => Err("it holds a number that is not known".to_string()),
    }
}

/// A word, `X'41'`, `B'01'`, `N'text'` or a string with its character set in front, which is text
/// all the same: the catalog is read as Unicode.
fn word(rest: &str) -> Result<(Token, usize), Reason> {
    let end = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$' || c as u32 >= 0x80))
        .unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    let lower = word.to_ascii_lowercase();
    if !after.starts_with('\'') {
        return Ok((Token::Word(lower), end));
    }
    let (text, length) = quoted(after, '\'')?;
    let token = match lower.as_str() {
        "x" => Token::Bytes(hex(&text)?),
        "b" => Token::Bytes(bits(&text)?),
        "_utf8mb4" | "_utf8mb3" | "_utf8" | "_latin1" | "_ascii" | "n" | "date" | "timestamp" => {
            Token::Text(text)
        }
        _ => return Err(format!("it holds a string with {word} in front")),
    };
    Ok((token, end + length))
}

/// The bytes of hexadecimal digits; one too few stands for a zero in front.
pub(super) fn hex(digits: &str) -> Result<Vec<u8>, Reason> {
    let wrong = || "it holds a hexadecimal number that is none".to_string();
    let digits: Vec<u8> = digits
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    Ok(digits
        .rchunks(2)
        .rev()
        .map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit))
        .collect())
}

/// The bytes, big-endian, of binary digits.
fn bits(digits: &str) -> Result<Vec<u8>, Reason> {
    if digits.len() > 64 || digits.chars().any(|c| !matches!(c, '0' | '1')) {
        return Err("it holds a bit literal that is none".to_string());
    }
    let padded = format!("{digits:0>width$}", width = digits.len().div_ceil(8) * 8);
    Ok(padded
        .as_bytes()
        .chunks(8)
        .map(|bits| bits.iter().fold(0, |byte, bit| (byte << 1) | (bit - b'0')))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(sql: &str) -> Token {
        let [token] = tokens(sql).unwrap().try_into().unwrap();
        token
    }

    #[test]
    fn strings_are_read_as_servers_print_them() {
        for (sql, text) in [
            ("'it''s'", "it's"),
            (r"'one\'s'", "one's"),
            (r"_utf8mb4'x\\y'", r"x\y"),
            (
                "'new\\nline\ttab\\\\back\\'q\"dq%_\\0z'",
                "new\nline\ttab\\back'q\"dq%_\0z",
            ),
            (r"'100\%'", r"100\%"),
            ("\"a'b\"", "a'b"),
            ("_latin1'é'", "é"),
            ("''", ""),
        ] {
            assert_eq!(one(sql), Token::Text(text.to_string()), "{sql}");
        }
    }

    #[test]
    fn names_numbers_and_bytes() {
        assert_eq!(one("`a``b\nc`"), Token::Name("a`b\nc".to_string()));
        assert_eq!(one("1.5e-3"), Token::Number("1.5e-3".to_string()));
        assert_eq!(one("X'4142'"), Token::Bytes(b"AB".to_vec()));
        assert_eq!(one("0x05"), Token::Bytes(vec![5]));
        assert_eq!(one("b'101'"), Token::Bytes(vec![5]));
        assert_eq!(one("b'100000001'"), Token::Bytes(vec![1, 1]));
        assert_eq!(hex("fff"), Ok(vec![0x0f, 0xff]));
        assert_eq!(one("größe"), Token::Word("größe".to_string()));
    }

    #[test]
    fn symbols_are_the_longest_that_fit() {
        let symbols = ["`", "<=>", "`"];
        assert_eq!(tokens("`a`<=>`b`").unwrap().len(), symbols.len());
        assert_eq!(tokens("a->>'$.x'").unwrap()[1], Token::Symbol("->>"));
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        for bad in [
            "'a", "`a", "'a\\", "\"", "x'4g'", "b'2'", "_gbk'a'", "1.2.3", "?", "@a", "1e999",
        ] {
            assert!(tokens(bad).is_err(), "{bad}");
        }
    }
}
