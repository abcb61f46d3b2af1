//! Steps over a statement's tokens: keywords, names, groups in parentheses.

use super::table_name::TableName;
use super::token::{Dialect, Token, Tokens};

/// Where a statement is read, and the database that a bare table name belongs to.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    pub tokens: Tokens<'a>,
    database: &'a str,
}

impl<'a> Cursor<'a> {
    pub fn new(sql: &'a str, database: &'a str, dialect: Dialect) -> Cursor<'a> {
        Cursor {
            tokens: Tokens::new(sql, dialect),
            database,
        }
    }

    /// Is the token in view this word?
    pub fn at(&self, word: &str) -> bool {
        matches!(self.tokens.current(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    /// Are the token in view and the next one these words?
    pub fn at_both(&self, first: &str, second: &str) -> bool {
        self.at(first) && {
            let mut next = self.clone();
            next.tokens.advance();
            next.at(second)
        }
    }

    pub fn at_symbol(&self, symbol: char) -> bool {
        *self.tokens.current() == Token::Symbol(symbol)
    }

    /// The word in view in lower case.
    pub fn word(&self) -> Option<String> {
        match self.tokens.current() {
            // No keyword is longer.
            Token::Word(word) => Some(word.get(..64).unwrap_or(word).to_ascii_lowercase()),
            _ => None,
        }
    }

    /// Steps over this word, if it is in view.
    pub fn eat(&mut self, word: &str) -> bool {
        let found = self.at(word);
        if found {
            self.tokens.advance();
        }
        found
    }

    pub fn eat_one(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.eat(word))
    }

    /// Steps over all these words, or over none.
    pub fn eat_all(&mut self, words: &[&str]) -> bool {
        let mut ahead = self.clone();
        let found = words.iter().all(|word| ahead.eat(word));
        if found {
            *self = ahead;
        }
        found
    }

    pub fn eat_symbol(&mut self, symbol: char) -> bool {
        let found = self.at_symbol(symbol);
        if found {
            self.tokens.advance();
        }
        found
    }

    /// Nothing follows but a semicolon.
    pub fn ended(&mut self) -> bool {
        self.eat_symbol(';');
        *self.tokens.current() == Token::End
    }

    /// The statement is over, or cannot be read further.
    pub fn exhausted(&self) -> bool {
        matches!(self.tokens.current(), Token::End | Token::Broken)
    }

    /// A name, quoted or not. One in double quotes is one also where the mode says that it is a
    /// string: none can stand where a name has to.
    pub fn name(&mut self) -> Option<String> {
        let name = match self.tokens.current() {
            Token::Word(word) => (*word).to_string(),
            Token::Name(name) => name.to_string(),
            Token::Text { raw, double: true } => raw.replace("\"\"", "\""),
            _ => return None,
        };
        self.tokens.advance();
        // No server has such a name, and PostgreSQL no text with it.
        (!name.contains('\0')).then_some(name)
    }

    /// `table`, `database.table` or `.table`.
    pub fn table(&mut self) -> Option<TableName> {
        let dotted = self.eat_symbol('.');
        let first = self.name()?;
        if !dotted && self.eat_symbol('.') {
            let table = self.name()?;
            return Some(TableName::new(first, table, self.tokens.dialect()));
        }
        let database = self.database.to_string();
        Some(TableName::new(database, first, self.tokens.dialect()))
    }

    /// The database that a bare name belongs to.
    pub fn database_in_use(&self) -> String {
        self.database.to_string()
    }

    /// Names of tables with commas between them.
    pub fn table_list(&mut self) -> Option<Vec<TableName>> {
        let mut tables = vec![self.table()?];
        while self.eat_symbol(',') {
            tables.push(self.table()?);
        }
        Some(tables)
    }

    /// A name of a database.
    pub fn database(&mut self) -> Option<String> {
        let name = self.name()?;
        Some(match self.tokens.dialect().fold_names {
            true => name.to_lowercase(),
            false => name,
        })
    }

    /// MariaDB's `WAIT 5` and `NOWAIT`.
    pub fn skip_wait(&mut self) {
        if self.eat("wait") {
            self.tokens.advance();
        } else {
            self.eat("nowait");
        }
    }

    /// Steps over the token in view, or over all of the parentheses that it opens.
    pub fn skip(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.at_symbol('(') {
                depth += 1;
            } else if self.at_symbol(')') {
                depth = depth.saturating_sub(1);
            }
            self.tokens.advance();
            if depth == 0 || self.exhausted() {
                return;
            }
        }
    }

    /// Steps up to a comma or a closing parenthesis of its own level.
    pub fn skip_item(&mut self) {
        while !self.exhausted() && !self.at_symbol(',') && !self.at_symbol(')') {
            self.skip();
        }
    }

    /// The first words from here on, for a message: no literal is among them.
    pub fn first_words(&self) -> String {
        let mut ahead = self.clone();
        let mut words = Vec::new();
        while words.len() < 3 {
            let Some(word) = ahead.word() else {
                break;
            };
            words.push(word.chars().take(30).collect::<String>());
            ahead.tokens.advance();
        }
        words.join(" ")
    }
}
