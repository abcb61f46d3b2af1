//! What only SHOW CREATE TABLE tells: foreign keys, whose rules MariaDB shows in
//! `information_schema` only to users who may do more than read; and defaults to the byte.

use crate::model::table::{ReferentialAction, SourceForeignKey};

/// Parts of a CREATE TABLE as servers print it. It is no text: MariaDB prints the bytes of binary
/// defaults as they are.
#[derive(Debug, Default)]
pub(super) struct Definition {
    pub foreign_keys: Vec<SourceForeignKey>,
    /// Columns with the bytes of their defaults.
    defaults: Vec<(String, Vec<u8>)>,
}

/// Longest definition that is read, in bytes.
const LONGEST: usize = 8 * 1024 * 1024;

impl Definition {
    /// `schema` is the table's own database.
    pub(super) fn read(definition: &[u8], schema: &str) -> Definition {
        // A table of the most columns there can be, with long comments, is smaller.
        if definition.len() > LONGEST {
            return Definition::default();
        }
        let words = words(definition);
        let mut found = Definition::default();
        let mut depth = 0usize;
        let mut begins = false;
        for (at, word) in words.iter().enumerate() {
            if begins && depth == 1 {
                let rest = words.get(at..).unwrap_or_default();
                found.add(rest, schema);
            }
            begins = matches!(word, Word::Sign(b'(' | b','));
            match word {
                Word::Sign(b'(') => depth += 1,
                Word::Sign(b')') => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        found
    }

    /// The default of a column that is a literal.
    pub(super) fn default_of(&self, column: &str) -> Option<&[u8]> {
        let found = self.defaults.iter().find(|(name, _)| name == column);
        found.map(|(_, bytes)| bytes.as_slice())
    }

    /// One line: a column, or a key or constraint.
    fn add(&mut self, words: &[Word], schema: &str) {
        let mut reader = Reader(words);
        if reader.take(&["constraint"]) {
            self.foreign_keys.extend(reader.foreign_key(schema));
            return;
        }
        let Some(name) = reader.name() else {
            return;
        };
        let mut depth = 0usize;
        while let Some(word) = reader.next() {
            match word {
                Word::Sign(b'(') => depth += 1,
                Word::Sign(b')') if depth == 0 => return,
                Word::Sign(b')') => depth -= 1,
                Word::Sign(b',') if depth == 0 => return,
                Word::Bare(word) if depth == 0 && word.eq_ignore_ascii_case("default") => {
                    let value = match reader.next() {
                        Some(Word::Text(bytes)) => Some(bytes),
                        Some(Word::Bare(word)) => word.strip_prefix("0x").and_then(bytes),
                        _ => None,
                    };
                    self.defaults.extend(value.map(|value| (name, value)));
                    return;
                }
                _ => {}
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    /// Without quotes.
    Bare(String),
    Name(String),
    Text(Vec<u8>),
    Sign(u8),
}

fn words(sql: &[u8]) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = sql.iter().copied().peekable();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    while let Some(byte) = rest.next() {
        match byte {
            b'`' | b'"' | b'\'' => {
                let mut inside = Vec::new();
                while let Some(inner) = rest.next() {
                    match inner {
                        b'\\' if byte == b'\'' => inside.extend(rest.next().map(escaped)),
                        inner if inner == byte && rest.next_if_eq(&byte).is_none() => break,
                        inner => inside.push(inner),
                    }
                }
                words.push(match byte {
                    b'\'' => Word::Text(inside),
                    _ => Word::Name(text(&inside)),
                });
            }
            byte if is_word(byte) => {
                let mut word = vec![byte];
                while let Some(next) = rest.next_if(|next| is_word(*next)) {
                    word.push(next);
                }
                words.push(Word::Bare(text(&word)));
            }
            byte if byte.is_ascii_whitespace() => {}
            sign => words.push(Word::Sign(sign)),
        }
    }
    words
}

fn escaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0' => 0,
        b'Z' => 0x1a,
        other => other,
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    let whole = pairs.remainder().is_empty();
    whole.then(|| {
        pairs
            .map(|p| p.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect()
    })
}

struct Reader<'a>(&'a [Word]);

impl Reader<'_> {
    fn next(&mut self) -> Option<Word> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first.clone())
    }

    /// The words, if they come next.
    fn take(&mut self, words: &[&str]) -> bool {
        let same = |(word, wanted): (&Word, &&str)| matches!(word, Word::Bare(found) if found.eq_ignore_ascii_case(wanted));
        let there = self.0.len() >= words.len() && self.0.iter().zip(words).all(same);
        if there {
            self.0 = self.0.get(words.len()..).unwrap_or_default();
        }
        there
    }

    fn sign(&mut self, sign: u8) -> bool {
        let there = self.0.first() == Some(&Word::Sign(sign));
        if there {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        there
    }

    fn name(&mut self) -> Option<String> {
        match self.next()? {
            Word::Bare(name) | Word::Name(name) => Some(name),
            _ => None,
        }
    }

    fn names(&mut self) -> Option<Vec<String>> {
        let mut names = Vec::new();
        if !self.sign(b'(') {
            return None;
        }
        loop {
            names.push(self.name()?);
            if self.sign(b')') {
                return Some(names);
            }
            if !self.sign(b',') {
                return None;
            }
        }
    }

    /// What follows CONSTRAINT, if it is a foreign key.
    fn foreign_key(mut self, schema: &str) -> Option<SourceForeignKey> {
        let name = self.name()?;
        if !self.take(&["foreign", "key"]) {
            return None;
        }
        let columns = self.names()?;
        if !self.take(&["references"]) {
            return None;
        }
        let mut referenced_schema = schema.to_string();
        let mut referenced_table = self.name()?;
        if self.sign(b'.') {
            referenced_schema = std::mem::replace(&mut referenced_table, self.name()?);
        }
        let referenced_columns = self.names()?;
        let (mut on_update, mut on_delete) =
            (ReferentialAction::Restrict, ReferentialAction::Restrict);
        loop {
            if self.take(&["on", "update"]) {
                on_update = self.action();
            } else if self.take(&["on", "delete"]) {
                on_delete = self.action();
            } else {
                break;
            }
        }
        Some(SourceForeignKey {
            name,
            columns,
            referenced_schema,
            referenced_table,
            referenced_columns,
            on_update,
            on_delete,
        })
    }

    fn action(&mut self) -> ReferentialAction {
        if self.take(&["cascade"]) {
            ReferentialAction::Cascade
        } else if self.take(&["set", "null"]) {
            ReferentialAction::SetNull
        } else if self.take(&["set", "default"]) {
            ReferentialAction::SetDefault
        } else {
            let _ = self.take(&["no", "action"]) || self.take(&["restrict"]);
            ReferentialAction::Restrict
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As MariaDB 10.11 and MySQL 9.7 print it, with hostile names and strings.
    const DEFINITION: &str = "CREATE TABLE `k` (\n  `id` int NOT NULL COMMENT ', CONSTRAINT `no` FOREIGN KEY (`a`) REFERENCES `b` (`c`)',\n  \
        `c``, CONSTRAINT x FOREIGN KEY (y) REFERENCES z (w)` int DEFAULT NULL,\n  \
        `g` int GENERATED ALWAYS AS (`id` + 1) VIRTUAL CHECK (`g` <> 'it''s \\' (('),\n  \
        PRIMARY KEY (`id`),\n  KEY `fk2` (`b`) COMMENT 'it''s',\n  \
        CONSTRAINT `fk1` FOREIGN KEY (`a`, `b`) REFERENCES `ref` (`u`, `v`) ON DELETE CASCADE ON UPDATE SET NULL,\n  \
        CONSTRAINT `fk2` FOREIGN KEY (`b`) REFERENCES `other`.`re``f` (`id`) ON DELETE SET DEFAULT ON UPDATE NO ACTION,\n  \
        CONSTRAINT `x``y` FOREIGN KEY (`q`) REFERENCES `par` (`x`) ON DELETE RESTRICT,\n  \
        CONSTRAINT `CONSTRAINT_1` CHECK (`a` > 1)\n) ENGINE=InnoDB COMMENT='CONSTRAINT'";

    #[test]
    fn foreign_keys_are_read_from_the_tables_own_lines() {
        let found = Definition::read(DEFINITION.as_bytes(), "shop").foreign_keys;
        let names: Vec<&str> = found.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["fk1", "fk2", "x`y"]);
        assert_eq!(
            found[0],
            SourceForeignKey {
                name: "fk1".into(),
                columns: vec!["a".into(), "b".into()],
                referenced_schema: "shop".into(),
                referenced_table: "ref".into(),
                referenced_columns: vec!["u".into(), "v".into()],
                on_update: ReferentialAction::SetNull,
                on_delete: ReferentialAction::Cascade,
            }
        );
        assert_eq!(found[1].referenced_schema, "other");
        assert_eq!(found[1].referenced_table, "re`f");
        assert_eq!(found[1].on_delete, ReferentialAction::SetDefault);
        assert_eq!(found[1].on_update, ReferentialAction::Restrict);
    }

    /// MariaDB 10.11, then MySQL 9.7.
    #[test]
    fn defaults_have_all_their_bytes() {
        for definition in [
            &b"CREATE TABLE `b` (\n  `b` binary(3) NOT NULL DEFAULT '\\0\\0\\0',\n  `c` binary(4) DEFAULT '\xff\0\0\x01',\n  `e,` char(5) DEFAULT 'it''s',\n  `f` decimal(10,2) DEFAULT (1 + 2),\n  `n` int DEFAULT NULL, PRIMARY KEY (`b`)\n) COMMENT='DEFAULT'"[..],
            b"CREATE TABLE `b` (\n  `b` binary(3) NOT NULL DEFAULT '\\0\\0\\0',\n  `c` binary(4) DEFAULT 0xFF000001,\n  `e,` char(5) DEFAULT 'it\\'s',\n  `f` decimal(10,2) DEFAULT '1.50' COMMENT 'DEFAULT',\n  `n` int DEFAULT NULL\n)",
        ] {
            let found = Definition::read(definition, "s");
            assert_eq!(found.default_of("b"), Some(&[0, 0, 0][..]));
            assert_eq!(found.default_of("c"), Some(&[0xff, 0, 0, 1][..]));
            assert_eq!(found.default_of("e,"), Some(&b"it's"[..]));
            assert_eq!(found.default_of("n"), None);
        }
    }

    #[test]
    fn names_may_stand_without_quotes() {
        let sql = "CREATE TABLE k (a int, CONSTRAINT fk FOREIGN KEY (a) REFERENCES s.t (b) ON UPDATE CASCADE)";
        let [key] = Definition::read(sql.as_bytes(), "shop")
            .foreign_keys
            .try_into()
            .unwrap();
        assert_eq!(
            (
                key.referenced_schema.as_str(),
                key.referenced_table.as_str()
            ),
            ("s", "t")
        );
        assert_eq!(key.on_update, ReferentialAction::Cascade);
    }

    #[test]
    fn what_is_cut_off_gives_nothing() {
        for end in 0..DEFINITION.len() {
            if let Some(part) = DEFINITION.get(..end) {
                let _ = Definition::read(part.as_bytes(), "shop");
            }
        }
        let cut = Definition::read(b"(constraint a foreign key (b) references", "s");
        assert!(cut.foreign_keys.is_empty());
    }
}
