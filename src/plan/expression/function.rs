//! Functions of the source that PostgreSQL has too, under this or another name.

use super::super::identifier::literal;
use super::Reason;
use super::compare::{comparable, unified};
use super::scope::Purpose;
use super::sort::{Sort, Text};
use super::translate::{Translator, unliteral};
use super::tree::Tree;
use super::value::Value;

const WHOLE: Sort = Sort::Int {
    bytes: 4,
    unsigned: false,
};

impl Translator<'_> {
    pub(super) fn call(&self, name: &str, arguments: &[Tree]) -> Result<Value, Reason> {
        match (name, arguments) {
            ("if", [condition, then, otherwise]) => {
                let condition = self.value(condition)?.condition()?;
                let results = vec![self.value(then)?, self.value(otherwise)?];
                self.chosen(&[condition], results, true)
            }
            ("coalesce" | "ifnull", [_, ..]) => {
                let (values, sort) = unified(self.values(arguments)?)?;
                Ok(called("coalesce", &values, unliteral(sort)))
            }
            ("nullif", [value, other]) => {
                let (value, other) = comparable(self.value(value)?, self.value(other)?, false)?;
                let sort = unliteral(value.sort.clone());
                Ok(called("nullif", &[value, other], sort))
            }
            ("isnull", [value]) => {
                let value = self.value(value)?;
                Ok(Value::loose(
                    format!("{} IS NULL", value.operand()),
                    Sort::Bool,
                ))
            }
            ("concat", [_, ..]) => self.concat(arguments),
            ("length" | "octet_length", [value]) => {
                let value = self.value(value)?;
                match &value.sort {
                    Sort::Text(text) if text.bytes => {}
                    Sort::Bytes => {}
                    _ => return Err("it counts the bytes of another character set".to_string()),
                }
                Ok(called("octet_length", &[value], WHOLE))
            }
            ("char_length" | "character_length", [value]) => {
                let value = self.texts(value)?.0;
                Ok(called("char_length", &[value], WHOLE))
            }
            ("lower" | "lcase", [value]) => self.folded("lower", value),
            ("upper" | "ucase", [value]) => self.folded("upper", value),
            ("substr" | "substring" | "mid", [value, from]) => {
                let (value, sort) = self.texts(value)?;
                let from = counted(from, 1)?;
                Ok(Value::tight(format!("substr({}, {from})", value.sql), sort))
            }
            ("substr" | "substring" | "mid", [value, from, length]) => {
                let (value, sort) = self.texts(value)?;
                let (from, length) = (counted(from, 1)?, counted(length, 0)?);
                Ok(Value::tight(
                    format!("substr({}, {from}, {length})", value.sql),
                    sort,
                ))
            }
            ("left" | "right", [value, length]) => {
                let (value, sort) = self.texts(value)?;
                let length = counted(length, 0)?;
                Ok(Value::tight(
                    format!("{name}({}, {length})", value.sql),
                    sort,
                ))
            }
            ("trim" | "ltrim" | "rtrim", [value]) => {
                let (value, sort) = self.texts(value)?;
                let name = if name == "trim" { "btrim" } else { name };
                Ok(called(name, &[value], sort))
            }
            ("replace", [value, from, to]) => {
                let (value, sort) = self.texts(value)?;
                let (from, to) = (self.texts(from)?.0, self.texts(to)?.0);
                Ok(called("replace", &[value, from, to], sort))
            }
            ("round", [value]) => self.rounded("round", value, 0),
            ("round", [value, digits]) => {
                let digits = counted(digits, 0)?;
                self.rounded("round", value, digits)
            }
            ("ceil" | "ceiling", [value]) => self.rounded("ceil", value, 0),
            ("floor", [value]) => self.rounded("floor", value, 0),
            ("abs", [value]) => {
                let value = self.value(value)?.counted();
                match &value.sort {
                    Sort::Int { bytes, .. } => {
                        let sort = Sort::Int {
                            bytes: (*bytes).max(8),
                            unsigned: false,
                        };
                        let value = match bytes {
                            2 | 4 => value.cast("bigint", sort.clone()),
                            _ => value,
                        };
                        Ok(called("abs", &[value], sort))
                    }
                    Sort::Decimal { .. } | Sort::Float => {
                        let sort = value.sort.clone();
                        Ok(called("abs", &[value], sort))
                    }
                    sort => Err(format!("ABS is of {}", sort.name())),
                }
            }
            ("mod", [left, right]) => self.value(&Tree::Binary(
                super::tree::Operator::Modulo,
                Box::new(left.clone()),
                Box::new(right.clone()),
            )),
            ("year" | "month" | "day" | "dayofmonth" | "quarter", [value]) => {
                self.field(name, value, true)
            }
            ("hour" | "minute", [value]) => self.field(name, value, false),
            ("date", [value]) => self.value(&Tree::Cast(
                Box::new(value.clone()),
                super::tree::CastTo::Date,
            )),
            ("json_extract", [value, path]) => self.json(value, path, "#>"),
            ("json_unquote", [Tree::Call(inner, arguments)]) if inner == "json_extract" => {
                match arguments.as_slice() {
                    [value, path] => self.json(value, path, "#>>"),
                    _ => Err("JSON_EXTRACT has more than one path".to_string()),
                }
            }
            ("json_array", []) => Ok(Value::tight("'[]'::jsonb".to_string(), Sort::Json)),
            ("json_object", []) => Ok(Value::tight("'{}'::jsonb".to_string(), Sort::Json)),
            _ => self.changing(name, arguments),
        }
    }

    /// What changes from call to call, for defaults only.
    fn changing(&self, name: &str, arguments: &[Tree]) -> Result<Value, Reason> {
        let known = match name {
            "now" | "current_timestamp" | "localtime" | "localtimestamp" => {
                let digits = match arguments {
                    [] => Some(0),
                    [Tree::Integer(digits)] => digits.parse().ok().filter(|digits| *digits <= 6),
                    _ => None,
                };
                digits.map(|digits| Value::tight(String::new(), Sort::Now(digits)))
            }
            "curdate" | "current_date" if arguments.is_empty() => {
                Some(Value::tight("CURRENT_DATE".to_string(), Sort::Date))
            }
            "uuid" if arguments.is_empty() => {
                Some(Value::tight("gen_random_uuid()".to_string(), Sort::Uuid))
            }
            _ => None,
        };
        let shown: String = name.to_uppercase().chars().take(40).collect();
        match known {
            Some(value) if self.purpose == Purpose::Default => Ok(value),
            Some(_) => Err(format!("{shown} changes with time")),
            None => Err(format!("the function {shown} is not translated")),
        }
    }

    fn values(&self, trees: &[Tree]) -> Result<Vec<Value>, Reason> {
        trees.iter().map(|tree| self.value(tree)).collect()
    }

    /// The value as text, and the sort of a part of it.
    fn texts(&self, tree: &Tree) -> Result<(Value, Sort), Reason> {
        let value = self.value(tree)?.text()?;
        let sort = unliteral(value.sort.clone());
        Ok((value, sort))
    }

    /// NULL where any argument is, as `||` has it and concat() has not.
    fn concat(&self, arguments: &[Tree]) -> Result<Value, Reason> {
        let values: Vec<Value> = arguments
            .iter()
            .map(|tree| self.value(tree).and_then(Value::text))
            .collect::<Result<_, _>>()?;
        let parts: Vec<&Text> = values
            .iter()
            .filter_map(|value| match &value.sort {
                Sort::Text(text) => Some(text),
                _ => None,
            })
            .collect();
        let sort = Sort::made(&parts);
        let sql: Vec<String> = values.iter().map(Value::operand).collect();
        match sql.as_slice() {
            [one] => Ok(Value::tight(one.clone(), sort)),
            several => Ok(Value::loose(several.join(" || "), sort)),
        }
    }

    fn folded(&self, name: &str, tree: &Tree) -> Result<Value, Reason> {
        let (value, sort) = self.texts(tree)?;
        let ascii = matches!(&sort, Sort::Text(text) if text.ascii);
        if !ascii && self.purpose != Purpose::Index {
            return Err(
                "letters beyond ASCII have no upper and lower case that both sides agree on"
                    .to_string(),
            );
        }
        Ok(called(name, &[value], sort))
    }

    fn rounded(&self, name: &str, tree: &Tree, digits: u32) -> Result<Value, Reason> {
        let value = self.value(tree)?.counted();
        match &value.sort {
            Sort::Int { .. } => Ok(value),
            Sort::Decimal { scale } => {
                let sort = Sort::Decimal {
                    scale: digits.min(*scale),
                };
                Ok(match digits {
                    0 => called(name, &[value], sort),
                    _ => Value::tight(format!("{name}({}, {digits})", value.sql), sort),
                })
            }
            sort => Err(format!("it rounds {}", sort.name())),
        }
    }

    fn field(&self, name: &str, tree: &Tree, of_day: bool) -> Result<Value, Reason> {
        let value = self.value(tree)?;
        let known = matches!(value.sort, Sort::Timestamp) || of_day && value.sort == Sort::Date;
        if !known {
            return Err(format!("it takes the {name} of {}", value.sort.name()));
        }
        let field = if name == "dayofmonth" { "day" } else { name };
        Ok(Value::tight(
            format!("extract({field} FROM {})::integer", value.sql),
            WHOLE,
        ))
    }

    /// Numbers and nulls are written otherwise: good for an index, not for a value.
    fn json(&self, value: &Tree, path: &Tree, operator: &str) -> Result<Value, Reason> {
        if self.purpose != Purpose::Index {
            return Err("numbers and nulls in JSON are written otherwise".to_string());
        }
        let (value, Tree::Text(path)) = (self.value(value)?, path) else {
            return Err("a path into JSON is no literal".to_string());
        };
        if value.sort != Sort::Json {
            return Err("a path leads into something else than JSON".to_string());
        }
        let keys = keys(path).ok_or_else(|| "a path into JSON is not a simple one".to_string())?;
        let sort = match operator {
            "#>" => Sort::Json,
            _ => Sort::made(&[]),
        };
        Ok(Value::loose(
            format!("{} {operator} {}", value.operand(), literal(&keys)),
            sort,
        ))
    }
}

fn called(name: &str, arguments: &[Value], sort: Sort) -> Value {
    let sql: Vec<&str> = arguments.iter().map(|value| value.sql.as_str()).collect();
    Value::tight(format!("{name}({})", sql.join(", ")), sort)
}

/// A literal count or position: others mean something else on either side.
fn counted(tree: &Tree, least: u32) -> Result<u32, Reason> {
    match tree {
        Tree::Integer(digits) => digits.parse().ok().filter(|count| *count >= least),
        _ => None,
    }
    .filter(|count| i32::try_from(*count).is_ok())
    .ok_or_else(|| "a position or length is no literal from 1 on".to_string())
}

/// `$.a."b c"[0]` as the array of text `{"a","b c","0"}`.
fn keys(path: &str) -> Option<String> {
    let mut rest = path.strip_prefix('$')?;
    let mut keys: Vec<String> = Vec::new();
    while !rest.is_empty() {
        let (key, after) = if let Some(quoted) = rest.strip_prefix(".\"") {
            quoted.split_once('"')?
        } else if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            name.split_at(end)
        } else {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            index.parse::<u16>().ok()?;
            (index, after)
        };
        let plain = !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_alphanumeric() || " _-".contains(c));
        if !plain {
            return None;
        }
        keys.push(format!("\"{key}\""));
        rest = after;
    }
    (!keys.is_empty()).then(|| format!("{{{}}}", keys.join(",")))
}
