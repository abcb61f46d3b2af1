//! Reads Rust just well enough to see code without comments, strings and tests.

use std::collections::BTreeSet;

use crate::file::File;

/// Code with comments gone and strings empty.
pub fn bare(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::new();
    let mut i = 0;
    while i < chars.len() {
        let word_before = i > 0 && is_word(at(i - 1));
        if at(i) == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if at(i) == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if at(i) == 'r' && !word_before || at(i) == 'r' && "bc".contains(at(i - 1)) {
            let hashes = (i + 1..).take_while(|j| at(*j) == '#').count();
            if at(i + 1 + hashes) != '"' {
                out.push('r');
                i += 1;
                continue;
            }
            i += hashes + 2;
            let ends = |i: usize| at(i) == '"' && (1..=hashes).all(|n| at(i + n) == '#');
            while i < chars.len() && !ends(i) {
                i += 1;
            }
            i += hashes + 1;
            out.push_str("\"\"");
        } else if at(i) == '"' {
            i += 1;
            while i < chars.len() && at(i) != '"' {
                i += 1 + usize::from(at(i) == '\\');
            }
            i += 1;
            out.push_str("\"\"");
        } else if at(i) == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            i += 2 + usize::from(at(i + 1) == '\\');
            while i < chars.len() && at(i) != '\'' {
                i += 1;
            }
            i += 1;
            out.push_str("' '");
        } else {
            out.push(at(i));
            i += 1;
        }
    }
    out
}

/// Bare code without items under `#[cfg(test)]` or `#[cfg(any(test, …))]`, and without the files
/// such items name.
pub fn without_tests(files: Vec<File>) -> Vec<File> {
    let mut test_files = BTreeSet::new();
    let mut kept = Vec::new();
    for mut file in files {
        let mut code = bare(&file.text);
        while let Some(start) = ["#[cfg(test)]", "#[cfg(any(test,"]
            .iter()
            .filter_map(|marker| code.find(marker))
            .min()
        {
            let end = start + item_length(&code[start..]);
            if let Some(name) = declared_module(&code[start..end]) {
                let parent = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
                let parent = parent.strip_suffix("src/lib").map_or(parent, |_| "src");
                test_files.insert(format!("{parent}/{name}.rs"));
            }
            code.replace_range(start..end, "");
        }
        file.text = code;
        kept.push(file);
    }
    kept.retain(|file| !test_files.contains(&file.path));
    kept
}

/// Bytes up to the end of the item that begins here: its `;` or its matching `}`.
fn item_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// `name` of `mod name;`.
fn declared_module(item: &str) -> Option<&str> {
    let (_, name) = item.strip_suffix(';')?.rsplit_once("mod ")?;
    Some(name.trim())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What follows each `word` that is not part of a longer word.
pub fn after_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(word).filter_map(move |(at, _)| {
        let (before, rest) = (&code[..at], &code[at + word.len()..]);
        let whole = !before.ends_with(is_word) && !rest.starts_with(is_word);
        whole.then_some(rest)
    })
}

fn leading_word(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// Modules named by `crate::x` and `crate::{x, y::{…}}`.
pub fn imported(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in after_word(code, "crate").filter_map(|rest| rest.strip_prefix("::")) {
        let Some(list) = rest.trim_start().strip_prefix('{') else {
            names.insert(leading_word(rest).to_string());
            continue;
        };
        names.insert(leading_word(list).to_string());
        let mut depth = 1;
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    names.insert(leading_word(&list[at + 1..]).to_string());
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    names.remove("");
    names
}

#[test]
fn checks_read_code_without_comments_strings_and_tests() {
    for (text, expected) in [
        ("a // pgrx\nb", "a \nb"),
        ("a /* x /* y */ z */ b", "a  b"),
        ("f(\"a\\\"b\", c)", "f(\"\", c)"),
        ("f(r#\"a\"b\"#, br\"x\")", "f(\"\", b\"\")"),
        (
            "for r in 'a'..='\\'' { x::<'a>() }",
            "for r in ' '..=' ' { x::<'a>() }",
        ),
        ("'\"' \"'\"", "' ' \"\""),
    ] {
        assert_eq!(bare(text), expected, "{text}");
    }
    let tested = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c.unwrap() } }\nfn d() {}";
    let kept = without_tests(File::planted("src/plan/x.rs", tested));
    assert_eq!(kept[0].text, "fn a() {}\n\nfn d() {}");
    let mut tree = File::planted("src/plan/mod.rs", "#[cfg(test)]\nmod sample;\nmod x;");
    tree.extend(File::planted("src/plan/sample.rs", "a.unwrap()"));
    tree.extend(File::planted("src/plan/x.rs", "b.unwrap()"));
    let kept: Vec<String> = without_tests(tree)
        .into_iter()
        .map(|file| file.path)
        .collect();
    assert_eq!(kept, ["src/plan/mod.rs", "src/plan/x.rs"]);
}
