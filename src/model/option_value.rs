//! Reads the value of one jsonb option: right type, right range, or an error that says what is
//! allowed. Which options there are is `options`' business.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use super::name::check_name;
use crate::error::{Error, Kind, Result};

/// Characters of a refused value that a message repeats.
const SHOWN_CHARS: usize = 80;

const BYTE_UNITS: [(&str, f64); 5] = [
    ("B", 1.0),
    ("kB", 1024.0),
    ("MB", 1_048_576.0),
    ("GB", 1_073_741_824.0),
    ("TB", 1_099_511_627_776.0),
];

const TIME_UNITS: [(&str, &[&str], f64); 5] = [
    ("ms", &["millisecond", "milliseconds"], 0.001),
    ("s", &["sec", "second", "seconds"], 1.0),
    ("min", &["minute", "minutes"], 60.0),
    ("h", &["hour", "hours"], 3_600.0),
    ("d", &["day", "days"], 86_400.0),
];

/// An object of options none of which is unknown.
pub(super) struct Given<'a>(&'a Map<String, Value>);

impl<'a> Given<'a> {
    pub(super) fn new(options: &'a Value, allowed: &[&str]) -> Result<Self> {
        let Value::Object(map) = options else {
            return Err(Error::new(
                Kind::InvalidParameter,
                format!("options must be a JSON object, not {}", shown(options)),
            )
            .with_hint(format!("Allowed options: {}.", allowed.join(", "))));
        };
        match map
            .iter()
            .find(|(name, _)| !allowed.contains(&name.as_str()))
        {
            None => Ok(Given(map)),
            Some((unknown, value)) => Err(Error::new(
                Kind::InvalidParameter,
                format!("unknown option \"{unknown}\" with value {}", shown(value)),
            )
            .with_hint(format!("Allowed options: {}.", allowed.join(", ")))),
        }
    }

    /// The option, unless it is absent or null, which both mean its default.
    pub(super) fn option(&self, name: &'static str) -> Option<OptionValue<'a>> {
        let value = self.0.get(name).filter(|value| !value.is_null())?;
        Some(OptionValue { name, value })
    }
}

/// One option as it was given.
#[derive(Clone, Copy)]
pub(super) struct OptionValue<'a> {
    name: &'static str,
    value: &'a Value,
}

impl<'a> OptionValue<'a> {
    /// As it was given.
    pub(super) fn value(self) -> &'a Value {
        self.value
    }

    pub(super) fn whole<T>(self, range: RangeInclusive<T>) -> Result<T>
    where
        T: TryFrom<u64> + PartialOrd + Display,
    {
        let number = match self.value {
            Value::Number(number) => number.as_u64().or_else(|| {
                // jsonb keeps 2.0 apart from 2.
                number.as_f64().and_then(exact)
            }),
            _ => None,
        };
        number
            .and_then(|number| T::try_from(number).ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (from, to) = (range.start(), range.end());
                self.refused(&format!("a whole number from {from} to {to}"))
            })
    }

    pub(super) fn flag(self) -> Result<bool> {
        self.value
            .as_bool()
            .ok_or_else(|| self.refused("true or false"))
    }

    pub(super) fn word<T: Copy>(self, words: &[(&str, T)]) -> Result<T> {
        words
            .iter()
            .find(|(word, _)| self.value.as_str() == Some(word))
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| {
                let quoted: Vec<String> = words
                    .iter()
                    .map(|(word, _)| format!("\"{word}\""))
                    .collect();
                self.refused(&quoted.join(" or "))
            })
    }

    /// A number of bytes, or a text with one of PostgreSQL's memory units.
    pub(super) fn bytes(self, range: RangeInclusive<u64>) -> Result<u64> {
        let bytes = match self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => split_unit(text).and_then(|(number, unit)| {
                let unit = if unit.is_empty() { "B" } else { unit };
                let (_, factor) = BYTE_UNITS.iter().find(|(name, _)| *name == unit)?;
                Some((number * factor).round())
            }),
            _ => None,
        };
        bytes
            .and_then(exact)
            .filter(|bytes| range.contains(bytes))
            .ok_or_else(|| {
                self.refused(&format!(
                    "{} to {}, as a number of bytes or a text with the unit B, kB, MB or GB",
                    bytes_text(*range.start()),
                    bytes_text(*range.end())
                ))
            })
    }

    /// A number of seconds, or a text with a unit of time.
    pub(super) fn duration(self, range: RangeInclusive<Duration>) -> Result<Duration> {
        let seconds = match self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => split_unit(text).and_then(|(number, unit)| {
                let unit = if unit.is_empty() { "s" } else { unit };
                let (_, _, factor) = TIME_UNITS
                    .iter()
                    .find(|(short, long, _)| *short == unit || long.contains(&unit))?;
                Some(number * factor)
            }),
            _ => None,
        };
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|duration| range.contains(duration))
            .ok_or_else(|| {
                self.refused(&format!(
                    "{} to {}, as a number of seconds or a text with the unit ms, s, min, h or d",
                    duration_text(*range.start()),
                    duration_text(*range.end())
                ))
            })
    }

    /// A text that is not empty.
    pub(super) fn text(self) -> Result<String> {
        match self.value {
            Value::String(text) if !text.trim().is_empty() && !text.contains('\0') => {
                Ok(text.clone())
            }
            _ => Err(self.refused("a text that is not empty")),
        }
    }

    /// The name of an object of this database.
    pub(super) fn name(self) -> Result<String> {
        let name = self.text()?;
        check_name(self.name, &name)?;
        Ok(name)
    }

    /// Names of source columns: at least one, each once.
    pub(super) fn columns(self) -> Result<Vec<String>> {
        let refused = || self.refused("an array of column names, at least one, each once");
        let mut columns: Vec<String> = Vec::new();
        for item in self.value.as_array().ok_or_else(refused)? {
            let name = item.as_str().ok_or_else(refused)?;
            if name.is_empty() || columns.iter().any(|earlier| earlier == name) {
                return Err(refused());
            }
            columns.push(name.to_string());
        }
        if columns.is_empty() {
            return Err(refused());
        }
        Ok(columns)
    }

    pub(super) fn refused(self, allowed: &str) -> Error {
        Error::new(
            Kind::InvalidParameter,
            format!(
                "invalid value for option \"{}\": {}",
                self.name,
                shown(self.value)
            ),
        )
        .with_hint(format!("Allowed: {allowed}."))
    }
}

/// A JSON value for a message, cut to a readable length.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A whole number that a double holds exactly.
fn exact(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number))
        .then_some(number as u64)
}

/// `16 MB` as 16 and `MB`; None without a plain decimal number in front.
fn split_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

fn bytes_text(bytes: u64) -> String {
    let bytes = bytes as f64;
    let (unit, factor) = BYTE_UNITS
        .into_iter()
        .rev()
        .find(|(_, factor)| bytes >= *factor)
        .unwrap_or(("B", 1.0));
    format!("{}{unit}", bytes / factor)
}

fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (unit, _, factor) = TIME_UNITS
        .into_iter()
        .rev()
        .find(|(_, _, factor)| seconds >= *factor)
        .unwrap_or(("s", &[], 1.0));
    format!("{}{unit}", seconds / factor)
}
