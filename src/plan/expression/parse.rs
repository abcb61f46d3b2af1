//! The source's expressions, parsed with its precedences. What is not known here is refused by
//! name: an expression is translated as a whole or not at all.

use super::Reason;
use super::token::{Token, tokens};
use super::tree::{COMPARISON, CastTo, Is, NOT, Operator, SIGN, Tree};

/// More than anybody writes. They bound the recursion, here and over the tree.
const MAX_NODES: usize = 300;
const MAX_DEPTH: usize = 50;

pub(super) fn parse(sql: &str) -> Result<Tree, Reason> {
    let mut parser = Parser {
        tokens: tokens(sql)?,
        at: 0,
        nodes: 0,
        depth: 0,
    };
    let tree = parser.expression(0)?;
    match parser.peek() {
        None => Ok(tree),
        Some(_) => Err(parser.unknown()),
    }
}

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    nodes: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn next(&mut self) -> Result<Token, Reason> {
        let token = self
            .peek()
            .cloned()
            .ok_or_else(|| "it ends too early".to_string())?;
        self.at += 1;
        Ok(token)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found == word)
    }

    pub(super) fn take_symbol(&mut self, symbol: &str) -> bool {
        let taken = self.is_symbol(symbol);
        self.at += usize::from(taken);
        taken
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let taken = self.is_word(word);
        self.at += usize::from(taken);
        taken
    }

    pub(super) fn require(&mut self, symbol: &str) -> Result<(), Reason> {
        match self.take_symbol(symbol) {
            true => Ok(()),
            false => Err(self.unknown()),
        }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), Reason> {
        match self.take_word(word) {
            true => Ok(()),
            false => Err(self.unknown()),
        }
    }

    /// What stands here is not known.
    fn unknown(&self) -> Reason {
        match self.peek() {
            None => "it ends too early".to_string(),
            Some(Token::Word(word)) => format!("{} is not known here", word.to_uppercase()),
            Some(Token::Symbol(symbol)) => format!("{symbol} is not known here"),
            Some(_) => "it is not understood".to_string(),
        }
    }

    /// An expression of operators that bind tighter than `power`.
    fn expression(&mut self, power: u8) -> Result<Tree, Reason> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it is too deep".to_string());
        }
        let tree = self.operation(power);
        self.depth -= 1;
        tree
    }

    fn operation(&mut self, power: u8) -> Result<Tree, Reason> {
        let mut left = self.operand()?;
        loop {
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                return Err("it is too long".to_string());
            }
            if power < COMPARISON && self.is_predicate() {
                left = self.predicate(left)?;
                continue;
            }
            let Some(operator) = self.operator().filter(|found| found.power() > power) else {
                return Ok(left);
            };
            self.at += 1;
            let right = self.expression(operator.power())?;
            left = Tree::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn operator(&self) -> Option<Operator> {
        Some(match self.peek()? {
            Token::Symbol(symbol) => match *symbol {
                "||" => Operator::Or,
                "&&" => Operator::And,
                "=" => Operator::Equal,
                "<=>" => Operator::NullSafeEqual,
                "<>" | "!=" => Operator::NotEqual,
                "<" => Operator::Less,
                "<=" => Operator::LessOrEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterOrEqual,
                "|" => Operator::BitOr,
                "&" => Operator::BitAnd,
                "+" => Operator::Plus,
                "-" => Operator::Minus,
                "*" => Operator::Times,
                "/" => Operator::Divide,
                "%" => Operator::Modulo,
                _ => return None,
            },
            Token::Word(word) => match word.as_str() {
                "or" => Operator::Or,
                "xor" => Operator::Xor,
                "and" => Operator::And,
                "div" => Operator::IntegerDivide,
                "mod" => Operator::Modulo,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn is_predicate(&self) -> bool {
        ["is", "in", "between", "like", "not"]
            .iter()
            .any(|word| self.is_word(word))
    }

    /// What follows an operand: IS, [NOT] IN, BETWEEN, LIKE.
    fn predicate(&mut self, operand: Tree) -> Result<Tree, Reason> {
        let operand = Box::new(operand);
        if self.take_word("is") {
            let negated = self.take_word("not");
            let what = match self.next()? {
                Token::Word(word) if word == "null" => Is::Null,
                Token::Word(word) if word == "true" => Is::True,
                Token::Word(word) if word == "false" => Is::False,
                _ => return Err("IS with something else is not known here".to_string()),
            };
            return Ok(Tree::Is {
                operand,
                what,
                negated,
            });
        }
        let negated = self.take_word("not");
        if self.take_word("in") {
            self.require("(")?;
            let list = self.list()?;
            return Ok(Tree::In {
                operand,
                list,
                negated,
            });
        }
        if self.take_word("between") {
            let low = Box::new(self.expression(COMPARISON)?);
            self.expect_word("and")?;
            let high = Box::new(self.expression(COMPARISON)?);
            return Ok(Tree::Between {
                operand,
                low,
                high,
                negated,
            });
        }
        if self.take_word("like") {
            let pattern = Box::new(self.expression(COMPARISON)?);
            return match self.is_word("escape") {
                true => Err(self.unknown()),
                false => Ok(Tree::Like {
                    operand,
                    pattern,
                    negated,
                }),
            };
        }
        Err(self.unknown())
    }

    fn operand(&mut self) -> Result<Tree, Reason> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err("it is too long".to_string());
        }
        match self.next()? {
            Token::Symbol("(") => {
                let inner = self.expression(0)?;
                self.require(")")?;
                Ok(inner)
            }
            Token::Symbol("-") => Ok(Tree::Negative(Box::new(self.expression(SIGN)?))),
            Token::Symbol("!") => Ok(Tree::Not(Box::new(self.expression(SIGN)?))),
            Token::Number(number) => Ok(if number.contains(['e', 'E']) {
                Tree::Float(number)
            } else if number.contains('.') {
                Tree::Decimal(number)
            } else {
                Tree::Integer(number)
            }),
            Token::Text(text) => Ok(Tree::Text(text)),
            Token::Bytes(bytes) => Ok(Tree::Bytes(bytes)),
            Token::Name(name) => self.column(name),
            Token::Word(word) => self.word(word),
            Token::Symbol(_) => {
                self.at -= 1;
                Err(self.unknown())
            }
        }
    }

    /// A column, or a path into a JSON column.
    fn column(&mut self, name: String) -> Result<Tree, Reason> {
        let column = Tree::Column(name);
        let unquoted = self.is_symbol("->>");
        if !unquoted && !self.is_symbol("->") {
            return Ok(column);
        }
        self.at += 1;
        let Token::Text(path) = self.next()? else {
            return Err("a path into JSON is no string".to_string());
        };
        let found = Tree::Call("json_extract".to_string(), vec![column, Tree::Text(path)]);
        Ok(match unquoted {
            true => Tree::Call("json_unquote".to_string(), vec![found]),
            false => found,
        })
    }

    fn word(&mut self, word: String) -> Result<Tree, Reason> {
        match word.as_str() {
            "null" => return Ok(Tree::Null),
            "true" => return Ok(Tree::Boolean(true)),
            "false" => return Ok(Tree::Boolean(false)),
            "not" => return Ok(Tree::Not(Box::new(self.expression(NOT)?))),
            "case" => return self.case(),
            "interval" | "binary" => {
                self.at -= 1;
                return Err(self.unknown());
            }
            _ => {}
        }
        if !self.take_symbol("(") {
            return Ok(match word.as_str() {
                "current_timestamp" | "current_date" | "localtime" | "localtimestamp" => {
                    Tree::Call(word, Vec::new())
                }
                _ => return self.column(word),
            });
        }
        match word.as_str() {
            "cast" => {
                let operand = Box::new(self.expression(0)?);
                self.expect_word("as")?;
                let to = self.cast_type()?;
                self.require(")")?;
                Ok(Tree::Cast(operand, to))
            }
            "convert" => {
                let operand = Box::new(self.expression(0)?);
                self.expect_word("using")?;
                self.unicode()?;
                self.require(")")?;
                Ok(Tree::Cast(operand, CastTo::Unicode))
            }
            _ => Ok(Tree::Call(word, self.list()?)),
        }
    }

    /// Expressions up to the closing parenthesis.
    fn list(&mut self) -> Result<Vec<Tree>, Reason> {
        let mut list = Vec::new();
        if self.take_symbol(")") {
            return Ok(list);
        }
        loop {
            list.push(self.expression(0)?);
            if !self.take_symbol(",") {
                self.require(")")?;
                return Ok(list);
            }
        }
    }

    fn case(&mut self) -> Result<Tree, Reason> {
        let operand = match self.is_word("when") {
            true => None,
            false => Some(Box::new(self.expression(0)?)),
        };
        let mut arms = Vec::new();
        while self.take_word("when") {
            let when = self.expression(0)?;
            self.expect_word("then")?;
            arms.push((when, self.expression(0)?));
        }
        let otherwise = match self.take_word("else") {
            true => Some(Box::new(self.expression(0)?)),
            false => None,
        };
        self.expect_word("end")?;
        if arms.is_empty() {
            return Err("CASE has no WHEN".to_string());
        }
        Ok(Tree::Case {
            operand,
            arms,
            otherwise,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parentheses around everything, for tests of precedence.
    fn shown(tree: &Tree) -> String {
        match tree {
            Tree::Column(name) => name.clone(),
            Tree::Integer(number) => number.clone(),
            Tree::Not(inner) => format!("(not {})", shown(inner)),
            Tree::Negative(inner) => format!("(-{})", shown(inner)),
            Tree::Binary(operator, left, right) => {
                format!("({} {operator:?} {})", shown(left), shown(right))
            }
            Tree::Between {
                operand, low, high, ..
            } => format!("({} in {}..{})", shown(operand), shown(low), shown(high)),
            Tree::Is { operand, .. } => format!("({} is)", shown(operand)),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn operators_bind_as_at_the_source() {
        for (sql, expected) in [
            ("a or b and c", "(a Or (b And c))"),
            ("a or b xor c", "(a Or (b Xor c))"),
            ("not a = b", "(not (a Equal b))"),
            ("not a and b", "((not a) And b)"),
            ("a = b | c & d", "(a Equal (b BitOr (c BitAnd d)))"),
            ("a - b - c", "((a Minus b) Minus c)"),
            ("a + b * c % d", "(a Plus ((b Times c) Modulo d))"),
            ("-a * b", "((-a) Times b)"),
            (
                "a between b + 1 and c and d",
                "((a in (b Plus 1)..c) And d)",
            ),
            ("a + 1 is null or b", "(((a Plus 1) is) Or b)"),
            ("a > b is true", "((a Greater b) is)"),
            ("`a`||b", "(a Or b)"),
            ("((a))", "a"),
        ] {
            assert_eq!(shown(&parse(sql).unwrap()), expected, "{sql}");
        }
    }

    #[test]
    fn paths_casts_and_calls() {
        assert_eq!(
            parse("j->>'$.a'").unwrap(),
            parse("json_unquote(json_extract(`j`,_utf8mb4'$.a'))").unwrap()
        );
        assert_eq!(
            parse("cast(`a` as char(10) charset utf8mb4)").unwrap(),
            Tree::Cast(Box::new(Tree::Column("a".into())), CastTo::Char(Some(10)))
        );
        assert_eq!(
            parse("convert(`t` using utf8mb4)").unwrap(),
            Tree::Cast(Box::new(Tree::Column("t".into())), CastTo::Unicode)
        );
        assert_eq!(
            parse("current_timestamp").unwrap(),
            parse("CURRENT_TIMESTAMP()").unwrap()
        );
    }

    #[test]
    fn what_is_not_known_is_refused_and_named() {
        for (sql, reason) in [
            ("`dt` + interval 1 day", "INTERVAL is not known here"),
            ("`s` collate utf8mb4_bin", "COLLATE is not known here"),
            ("cast(j as unsigned array)", "ARRAY is not known here"),
            ("a regexp 'x'", "REGEXP is not known here"),
            ("`a` << 2", "<< is not known here"),
            ("a +", "it ends too early"),
            ("(a", "it ends too early"),
            ("ROW START", "START is not known here"),
            ("case a end", "CASE has no WHEN"),
            ("a like 'x' escape '!'", "ESCAPE is not known here"),
            ("cast(a as json)", "CAST to JSON is not known here"),
        ] {
            assert_eq!(parse(sql).unwrap_err(), reason, "{sql}");
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = format!("{}a{}", "(".repeat(40_000), ")".repeat(40_000));
        assert_eq!(parse(&deep).unwrap_err(), "it is too deep");
        let long = vec!["a"; 100_000].join("+");
        assert_eq!(parse(&long).unwrap_err(), "it is too long");
        let nots = "not ".repeat(40_000) + "a";
        assert_eq!(parse(&nots).unwrap_err(), "it is too deep");
    }
}
