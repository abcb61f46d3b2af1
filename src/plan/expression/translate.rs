//! Trees to SQL: operators and predicates. Functions are in `function`.

use super::super::identifier::literal;
use super::Reason;
use super::arithmetic::{arithmetic, widened};
use super::compare::{comparable, unified};
use super::scope::{Purpose, Scope};
use super::sort::Sort;
use super::tree::{CastTo, Is, Operator, Tree};
use super::value::Value;

pub(super) struct Translator<'a> {
    pub scope: &'a Scope<'a>,
    pub purpose: Purpose,
}

/// Longest translation, in bytes.
const LONGEST: usize = 64 * 1024;

impl Translator<'_> {
    pub(super) fn value(&self, tree: &Tree) -> Result<Value, Reason> {
        let value = self.translated(tree)?;
        // A part may stand in the result more than once: what is bounded in the source is not here.
        match value.sql.len() > LONGEST {
            true => Err("it is too long".to_string()),
            false => Ok(value),
        }
    }

    fn translated(&self, tree: &Tree) -> Result<Value, Reason> {
        match tree {
            Tree::Null => Ok(Value::tight("NULL".to_string(), Sort::Null)),
            Tree::Boolean(value) => Ok(Value::tight(value.to_string(), Sort::Bool)),
            Tree::Integer(digits) => Ok(Value::tight(digits.clone(), integer(digits))),
            Tree::Decimal(number) => {
                let scale = number.split_once('.').map_or(0, |(_, digits)| digits.len());
                let scale = u32::try_from(scale).unwrap_or(u32::MAX);
                Ok(Value::tight(number.clone(), Sort::Decimal { scale }))
            }
            Tree::Float(number) => Ok(Value::tight(
                format!("{}::double precision", literal(number)),
                Sort::Float,
            )),
            Tree::Text(text) => self.text(text),
            Tree::Bytes(_) => Err("it holds a hexadecimal or bit literal".to_string()),
            Tree::Column(name) => self.scope.column(name, self.purpose),
            Tree::Negative(inner) => self.negative(inner),
            Tree::Not(inner) => {
                let inner = self.value(inner)?.condition()?;
                Ok(Value::loose(format!("NOT {}", inner.operand()), Sort::Bool))
            }
            Tree::Binary(operator, left, right) => self.binary(*operator, left, right),
            Tree::Is {
                operand,
                what,
                negated,
            } => self.is(operand, *what, *negated),
            Tree::In {
                operand,
                list,
                negated,
            } => self.within(operand, list, *negated),
            Tree::Between {
                operand,
                low,
                high,
                negated,
            } => {
                let (operand, low) = comparable(self.value(operand)?, self.value(low)?, true)?;
                let (operand, high) = comparable(operand, self.value(high)?, true)?;
                Ok(Value::loose(
                    format!(
                        "{} {}BETWEEN {} AND {}",
                        operand.operand(),
                        not(*negated),
                        low.operand(),
                        high.operand()
                    ),
                    Sort::Bool,
                ))
            }
            Tree::Like {
                operand,
                pattern,
                negated,
            } => self.like(operand, pattern, *negated),
            Tree::Case {
                operand,
                arms,
                otherwise,
            } => self.case(operand.as_deref(), arms, otherwise.as_deref()),
            Tree::Call(name, arguments) => self.call(name, arguments),
            Tree::Cast(operand, to) => self.cast(operand, *to),
        }
    }

    fn text(&self, text: &str) -> Result<Value, Reason> {
        // The catalog writes it for every character that it cannot show.
        if text.contains('?') {
            return Err(
                "it holds a question mark, which may stand for another character".to_string(),
            );
        }
        if text.contains('\0') {
            return Err("it holds a NUL".to_string());
        }
        Ok(Value::tight(literal(text), Sort::of_literal(text)))
    }

    fn negative(&self, inner: &Tree) -> Result<Value, Reason> {
        let value = self.value(inner)?.counted();
        let sort = match &value.sort {
            Sort::Int { bytes, .. } => Sort::Int {
                bytes: (*bytes).max(8),
                unsigned: false,
            },
            Sort::Decimal { .. } | Sort::Float | Sort::Null => value.sort.clone(),
            sort => return Err(format!("it negates {}", sort.name())),
        };
        let number = matches!(inner, Tree::Integer(_) | Tree::Decimal(_));
        let operand = match number {
            true => value,
            false => widened(value),
        };
        Ok(Value::loose(format!("-{}", operand.operand()), sort))
    }

    fn binary(&self, operator: Operator, left: &Tree, right: &Tree) -> Result<Value, Reason> {
        use Operator::{And, Equal, NotEqual, NullSafeEqual, Or, Xor};
        let (left, right) = (self.value(left)?, self.value(right)?);
        match operator {
            Or | And | Xor => {
                let (left, right) = (left.condition()?, right.condition()?);
                let word = match operator {
                    Or => "OR",
                    And => "AND",
                    _ => "<>",
                };
                Ok(Value::loose(
                    format!("{} {word} {}", left.operand(), right.operand()),
                    Sort::Bool,
                ))
            }
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Equal
            | NotEqual
            | NullSafeEqual => {
                let ordered = !matches!(operator, Equal | NotEqual | NullSafeEqual);
                let (left, right) = comparable(left, right, ordered)?;
                Ok(Value::loose(
                    format!("{} {} {}", left.operand(), sign(operator), right.operand()),
                    Sort::Bool,
                ))
            }
            _ => arithmetic(operator, left.counted(), right.counted()),
        }
    }

    fn is(&self, operand: &Tree, what: Is, negated: bool) -> Result<Value, Reason> {
        let value = self.value(operand)?;
        let (value, word) = match what {
            Is::Null => (value, "NULL"),
            Is::True => (value.condition()?, "TRUE"),
            Is::False => (value.condition()?, "FALSE"),
        };
        Ok(Value::loose(
            format!("{} IS {}{word}", value.operand(), not(negated)),
            Sort::Bool,
        ))
    }

    fn within(&self, operand: &Tree, list: &[Tree], negated: bool) -> Result<Value, Reason> {
        let mut operand = self.value(operand)?;
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            let item = self.value(item)?;
            let (left, right) = comparable(operand, item, false)?;
            operand = left;
            items.push(right.sql);
        }
        if items.is_empty() {
            return Err("IN has no value".to_string());
        }
        Ok(Value::loose(
            format!(
                "{} {}IN ({})",
                operand.operand(),
                not(negated),
                items.join(", ")
            ),
            Sort::Bool,
        ))
    }

    fn like(&self, operand: &Tree, pattern: &Tree, negated: bool) -> Result<Value, Reason> {
        let (value, pattern) = (self.value(operand)?, self.value(pattern)?);
        let (Sort::Text(text), Sort::Text(by)) = (&value.sort, &pattern.sort) else {
            return Err("LIKE takes something else than text".to_string());
        };
        let Some(literal) = &by.literal else {
            return Err("LIKE has a pattern that is no literal".to_string());
        };
        if !text.like {
            return Err("LIKE ignores case or accents at the source".to_string());
        }
        let escapes = literal.len() - literal.trim_end_matches('\\').len();
        if escapes % 2 == 1 {
            return Err("LIKE has a pattern that ends in a backslash".to_string());
        }
        Ok(Value::loose(
            format!(
                "{} {}LIKE {}",
                value.operand(),
                not(negated),
                pattern.operand()
            ),
            Sort::Bool,
        ))
    }

    fn case(
        &self,
        operand: Option<&Tree>,
        arms: &[(Tree, Tree)],
        otherwise: Option<&Tree>,
    ) -> Result<Value, Reason> {
        let mut conditions = Vec::with_capacity(arms.len());
        let mut results = Vec::with_capacity(arms.len() + 1);
        for (when, then) in arms {
            conditions.push(match operand {
                None => self.value(when)?.condition()?,
                Some(operand) => self.binary(Operator::Equal, operand, when)?,
            });
            results.push(self.value(then)?);
        }
        let has_otherwise = otherwise.is_some();
        results.extend(otherwise.map(|tree| self.value(tree)).transpose()?);
        self.chosen(&conditions, results, has_otherwise)
    }

    /// `CASE WHEN condition THEN result … [ELSE result] END`.
    pub(super) fn chosen(
        &self,
        conditions: &[Value],
        results: Vec<Value>,
        has_otherwise: bool,
    ) -> Result<Value, Reason> {
        let (mut results, sort) = unified(results)?;
        let otherwise = match has_otherwise {
            true => results.pop(),
            false => None,
        };
        let mut sql = String::from("CASE");
        for (condition, result) in conditions.iter().zip(&results) {
            sql.push_str(&format!(" WHEN {} THEN {}", condition.sql, result.sql));
        }
        if let Some(otherwise) = otherwise {
            sql.push_str(&format!(" ELSE {}", otherwise.sql));
        }
        sql.push_str(" END");
        Ok(Value::tight(sql, unliteral(sort)))
    }

    fn cast(&self, operand: &Tree, to: CastTo) -> Result<Value, Reason> {
        let value = self.value(operand)?.counted();
        let refused = |sort: &Sort| Err(format!("it casts {}", sort.name()));
        match (to, &value.sort) {
            (CastTo::Unicode, Sort::Text(_)) | (_, Sort::Null) => Ok(value),
            (CastTo::Signed, Sort::Int { bytes: ..=8, .. } | Sort::Decimal { .. }) => {
                Ok(value.cast("bigint", signed()))
            }
            (CastTo::Unsigned, Sort::Int { unsigned: true, .. }) => Ok(value),
            (CastTo::Char(None), Sort::Text(_) | Sort::Int { .. } | Sort::Decimal { .. }) => {
                value.text()
            }
            (CastTo::Char(Some(length)), Sort::Text(_) | Sort::Int { .. }) => {
                let text = value.text()?;
                let sort = text.sort.clone();
                Ok(Value::tight(
                    format!("left({}, {length})", text.sql),
                    unliteral(sort),
                ))
            }
            (CastTo::Date, Sort::Date | Sort::Timestamp) => Ok(value.cast("date", Sort::Date)),
            (CastTo::Decimal(precision, scale), Sort::Int { bytes, .. })
                if precision.saturating_sub(scale) >= digits(*bytes) =>
            {
                Ok(value.cast(
                    &format!("numeric({precision},{scale})"),
                    Sort::Decimal { scale },
                ))
            }
            (_, sort) => refused(sort),
        }
    }
}

/// A text that is no literal any more.
pub(super) fn unliteral(sort: Sort) -> Sort {
    match sort {
        Sort::Text(text) => Sort::made(&[&text]),
        other => other,
    }
}

/// Digits of the longest whole number of so many bytes.
const fn digits(bytes: u8) -> u32 {
    match bytes {
        2 => 5,
        4 => 10,
        8 => 19,
        _ => 20,
    }
}

const fn signed() -> Sort {
    Sort::Int {
        bytes: 8,
        unsigned: false,
    }
}

fn integer(digits: &str) -> Sort {
    let bytes = match digits.parse::<u64>() {
        Ok(0..=0x7fff_ffff) => 4,
        Ok(0..=0x7fff_ffff_ffff_ffff) => 8,
        _ => 16,
    };
    Sort::Int {
        bytes,
        unsigned: true,
    }
}

pub(super) fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Or => "OR",
        Operator::And => "AND",
        Operator::Equal => "=",
        Operator::NullSafeEqual => "IS NOT DISTINCT FROM",
        Operator::NotEqual | Operator::Xor => "<>",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::BitOr => "|",
        Operator::BitAnd => "&",
        Operator::Plus => "+",
        Operator::Minus => "-",
        Operator::Times => "*",
        Operator::Divide | Operator::IntegerDivide => "/",
        Operator::Modulo => "%",
    }
}

const fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}
