//! JSON as text in one form: no white space, members by name, the last of members with one name,
//! numbers by their value. Two documents are equal exactly where these texts are.
//!
//! Numbers stay digits: as floating point numbers, different ones would look equal.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// Panics on what is no JSON.
pub fn canonical(text: &str) -> String {
    let mut rest = text.chars().peekable();
    let mut out = String::new();
    value(&mut rest, &mut out);
    space(&mut rest);
    assert_eq!(rest.next(), None, "something follows the JSON of {text}");
    out
}

fn space(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
}

fn value(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    space(rest);
    match rest.peek() {
        Some('{') => object(rest, out),
        Some('[') => array(rest, out),
        Some('"') => quoted(&string(rest), out),
        Some('-' | '0'..='9') => number(rest, out),
        _ => {
            while let Some(letter) = rest.next_if(char::is_ascii_lowercase) {
                out.push(letter);
            }
        }
    }
}

fn object(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut members = BTreeMap::new();
    rest.next();
    space(rest);
    while rest.peek() != Some(&'}') {
        space(rest);
        let name = string(rest);
        space(rest);
        assert_eq!(rest.next(), Some(':'), "a colon after {name:?}");
        let mut member = String::new();
        value(rest, &mut member);
        members.insert(name, member);
        space(rest);
        if rest.next_if_eq(&',').is_none() {
            break;
        }
    }
    assert_eq!(rest.next(), Some('}'), "the end of an object");
    out.push('{');
    for (name, member) in members {
        quoted(&name, out);
        out.push(':');
        out.push_str(&member);
        out.push(',');
    }
    out.push('}');
}

fn array(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    rest.next();
    out.push('[');
    space(rest);
    while rest.peek() != Some(&']') {
        value(rest, out);
        out.push(',');
        space(rest);
        if rest.next_if_eq(&',').is_none() {
            break;
        }
    }
    assert_eq!(rest.next(), Some(']'), "the end of an array");
    out.push(']');
}

fn string(rest: &mut Peekable<Chars<'_>>) -> String {
    assert_eq!(rest.next(), Some('"'), "a string");
    let mut units = Vec::new();
    loop {
        let mut letter = [0; 2];
        match rest.next().expect("the end of a string") {
            '"' => break,
            '\\' => units.push(escape(rest)),
            other => units.extend_from_slice(other.encode_utf16(&mut letter)),
        }
    }
    String::from_utf16(&units).expect("whole surrogate pairs")
}

fn escape(rest: &mut Peekable<Chars<'_>>) -> u16 {
    match rest.next().expect("an escape") {
        'n' => 10,
        't' => 9,
        'r' => 13,
        'b' => 8,
        'f' => 12,
        'u' => (0..4).fold(0, |sum, _| {
            let digit = rest.next().and_then(|c| c.to_digit(16));
            sum * 16 + digit.expect("four hexadecimal digits") as u16
        }),
        other => other as u16,
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push_str(&format!("{text:?}"));
}

/// `-12.50e3` as `-125e2`: digits without zeros at either end, and a power of ten.
fn number(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let negative = rest.next_if_eq(&'-').is_some();
    let mut digits = String::new();
    let mut power: i64 = 0;
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if rest.next_if_eq(&'.').is_some() {
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
            power -= 1;
        }
    }
    if rest.next_if(|c| matches!(c, 'e' | 'E')).is_some() {
        let mut exponent = String::new();
        while let Some(part) = rest.next_if(|c| matches!(c, '+' | '-' | '0'..='9')) {
            exponent.push(part);
        }
        power += exponent.parse::<i64>().expect("an exponent");
    }
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        out.push('0');
        return;
    }
    power += (digits.len() - digits.trim_end_matches('0').len()) as i64;
    let sign = if negative { "-" } else { "" };
    out.push_str(&format!("{sign}{significant}e{power}"));
}
