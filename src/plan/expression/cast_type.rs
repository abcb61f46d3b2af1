//! The types that CAST and CONVERT name.

use super::Reason;
use super::parse::Parser;
use super::token::Token;
use super::tree::CastTo;

impl Parser {
    pub(super) fn cast_type(&mut self) -> Result<CastTo, Reason> {
        let Token::Word(word) = self.next()? else {
            return Err("CAST to an unknown type".to_string());
        };
        Ok(match word.as_str() {
            "signed" | "unsigned" => {
                self.take_word("integer");
                match word.as_str() {
                    "signed" => CastTo::Signed,
                    _ => CastTo::Unsigned,
                }
            }
            "char" => {
                let length = self.numbers()?.first().copied();
                if self.take_word("charset") {
                    self.unicode()?;
                }
                CastTo::Char(length)
            }
            "date" => CastTo::Date,
            "decimal" => match self.numbers()?.as_slice() {
                [] => CastTo::Decimal(10, 0),
                [precision] => CastTo::Decimal(*precision, 0),
                [precision, scale, ..] => CastTo::Decimal(*precision, *scale),
            },
            _ => return Err(format!("CAST to {} is not known here", word.to_uppercase())),
        })
    }

    /// `(10,2)`, or nothing.
    fn numbers(&mut self) -> Result<Vec<u32>, Reason> {
        let mut numbers = Vec::new();
        if !self.take_symbol("(") {
            return Ok(numbers);
        }
        loop {
            match self.next()? {
                Token::Number(text) => numbers.push(
                    text.parse()
                        .map_err(|_| "CAST has an unknown length".to_string())?,
                ),
                _ => return Err("CAST has an unknown length".to_string()),
            }
            if !self.take_symbol(",") {
                self.require(")")?;
                return Ok(numbers);
            }
        }
    }

    pub(super) fn unicode(&mut self) -> Result<(), Reason> {
        match self.next()? {
            Token::Word(set) if matches!(set.as_str(), "utf8mb4" | "utf8mb3" | "utf8") => Ok(()),
            _ => Err("it converts to another character set".to_string()),
        }
    }
}
