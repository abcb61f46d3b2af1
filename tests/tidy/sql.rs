//! Reads SQL just well enough to see what a file creates and comments.

/// SQL statements without comments, strings and function bodies.
pub fn statements(sql: &str) -> Vec<String> {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let tag_end = rest.get(1..).and_then(|inner| inner.find('$'));
        let (skipped, kept) = if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), "")
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), "")
        } else if first == '\'' {
            let end = rest[1..].find('\'').map_or(rest.len(), |end| end + 2);
            (end, "''")
        } else if let (true, Some(end)) = (first == '$', tag_end) {
            let tag = &rest[..end + 2];
            let body = &rest[tag.len()..];
            let end = body.find(tag).map_or(body.len(), |end| end + tag.len());
            (tag.len() + end, "''")
        } else {
            (first.len_utf8(), &rest[..first.len_utf8()])
        };
        out.push_str(kept);
        rest = &rest[skipped..];
    }
    out.split(';')
        .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// Kind and name of what a statement creates or comments, for kinds that want a comment.
pub fn object(statement: &str, verb: &str) -> Option<(String, String)> {
    const KINDS: [&str; 12] = [
        "SCHEMA",
        "TABLE",
        "MATERIALIZED VIEW",
        "VIEW",
        "FUNCTION",
        "PROCEDURE",
        "AGGREGATE",
        "TYPE",
        "DOMAIN",
        "SEQUENCE",
        "FOREIGN DATA WRAPPER",
        "EVENT TRIGGER",
    ];
    let mut rest = statement.strip_prefix(verb)?.trim_start();
    for word in ["OR REPLACE ", "UNLOGGED "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let kind = KINDS.iter().find(|kind| {
        rest.strip_prefix(**kind)
            .is_some_and(|r| r.starts_with(' '))
    })?;
    let rest = rest[kind.len()..].trim_start();
    let rest = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest);
    let name = rest.split([' ', '(']).next()?;
    Some((kind.to_string(), name.to_string()))
}
