//! Foreign keys, from SHOW CREATE TABLE: MariaDB shows their rules in `information_schema` only to
//! users who may do more than read.

use crate::model::table::{ReferentialAction, SourceForeignKey};

/// The foreign keys of a CREATE TABLE as servers print it; `schema` is the table's own database.
pub(super) fn foreign_keys(definition: &str, schema: &str) -> Vec<SourceForeignKey> {
    let words = words(definition);
    let mut found = Vec::new();
    let mut depth = 0usize;
    for (at, word) in words.iter().enumerate() {
        match word {
            Word::Sign('(') => depth += 1,
            Word::Sign(')') => depth = depth.saturating_sub(1),
            Word::Bare(bare) if depth == 1 && bare.eq_ignore_ascii_case("constraint") => {
                let rest = words.get(at + 1..).unwrap_or_default();
                found.extend(Reader(rest).foreign_key(schema));
            }
            _ => {}
        }
    }
    found
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    /// Without quotes, or in backticks.
    Bare(String),
    Name(String),
    /// A string, whatever it holds.
    Text,
    Sign(char),
}

fn words(sql: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '`' | '"' => {
                let mut name = String::new();
                while let Some(inner) = rest.next() {
                    if inner == c && rest.next_if_eq(&c).is_none() {
                        break;
                    }
                    name.push(inner);
                }
                words.push(Word::Name(name));
            }
            '\'' => {
                while let Some(inner) = rest.next() {
                    match inner {
                        '\\' => {
                            rest.next();
                        }
                        '\'' if rest.next_if_eq(&'\'').is_none() => break,
                        _ => {}
                    }
                }
                words.push(Word::Text);
            }
            c if c.is_alphanumeric() || matches!(c, '_' | '$') => {
                let mut word = String::from(c);
                while let Some(next) =
                    rest.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '$'))
                {
                    word.push(next);
                }
                words.push(Word::Bare(word));
            }
            c if c.is_whitespace() => {}
            c => words.push(Word::Sign(c)),
        }
    }
    words
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

    fn sign(&mut self, sign: char) -> bool {
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
        if !self.sign('(') {
            return None;
        }
        loop {
            names.push(self.name()?);
            if self.sign(')') {
                return Some(names);
            }
            if !self.sign(',') {
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
        if self.sign('.') {
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
        let found = foreign_keys(DEFINITION, "shop");
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

    #[test]
    fn names_may_stand_without_quotes() {
        let sql = "CREATE TABLE k (a int, CONSTRAINT fk FOREIGN KEY (a) REFERENCES s.t (b) ON UPDATE CASCADE)";
        let [key] = foreign_keys(sql, "shop").try_into().unwrap();
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
                let _ = foreign_keys(part, "shop");
            }
        }
        assert!(foreign_keys("(constraint a foreign key (b) references", "s").is_empty());
    }
}
