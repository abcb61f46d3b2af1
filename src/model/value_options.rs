//! The options that say how values arrive. A job has them for all its units, a unit for itself.

use serde_json::Value;

use super::cast::{Cast, Casts};
use super::option_value::{Given, OptionValue};
use super::policy::{InvalidText, NulByte, Policies, ZeroDate};
use super::reject::MaxRejects;
use crate::error::Result;

const MOST_REJECTS: u64 = 1_000_000_000;

/// None, or no rule: as the job says, or the default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ValueOptions {
    pub casts: Vec<Cast>,
    pub zero_date: Option<ZeroDate>,
    pub nul_byte: Option<NulByte>,
    pub invalid_text: Option<InvalidText>,
    pub max_rejects: Option<MaxRejects>,
}

impl ValueOptions {
    pub(super) fn read(given: &Given<'_>) -> Result<Self> {
        if let Some(option) = given.option("out_of_range") {
            // The one choice there is: a number that was bent to fit would be wrong.
            option.word(&[("reject", ())])?;
        }
        Ok(ValueOptions {
            casts: match given.option("casts") {
                Some(option) => casts(option)?,
                None => Vec::new(),
            },
            zero_date: given.option("zero_date").map(zero_date).transpose()?,
            nul_byte: given
                .option("nul_byte")
                .map(|option| {
                    option.word(&[
                        ("reject", NulByte::Reject),
                        ("strip", NulByte::Strip),
                        ("replace", NulByte::Replace),
                    ])
                })
                .transpose()?,
            invalid_text: given
                .option("invalid_text")
                .map(|option| {
                    option.word(&[
                        ("reject", InvalidText::Reject),
                        ("replace", InvalidText::Replace),
                    ])
                })
                .transpose()?,
            max_rejects: given.option("max_rejects").map(max_rejects).transpose()?,
        })
    }

    /// The policies of a unit whose job has these options.
    pub fn policies(&self, unit: &ValueOptions) -> Policies {
        Policies {
            zero_date: unit.zero_date.or(self.zero_date).unwrap_or_default(),
            nul_byte: unit.nul_byte.or(self.nul_byte).unwrap_or_default(),
            invalid_text: unit.invalid_text.or(self.invalid_text).unwrap_or_default(),
        }
    }

    /// The rules for a unit whose job has these options.
    pub fn casts(&self, unit: &ValueOptions) -> Casts {
        Casts {
            columns: unit.casts.clone(),
            types: self.casts.clone(),
        }
    }

    pub fn max_rejects(&self, unit: &ValueOptions) -> MaxRejects {
        unit.max_rejects.or(self.max_rejects).unwrap_or_default()
    }
}

/// `{"tinyint(1)": "boolean"}`: whether the types exist is the plan's to say, which knows the columns.
fn casts(option: OptionValue<'_>) -> Result<Vec<Cast>> {
    let refused = || {
        option.refused("an object of source types (in a job) or columns (in a unit), each with a PostgreSQL type, for instance {\"tinyint(1)\": \"boolean\"}")
    };
    let Value::Object(rules) = option.value() else {
        return Err(refused());
    };
    rules
        .iter()
        .map(|(from, to)| match to {
            Value::String(to) if !from.trim().is_empty() && !to.trim().is_empty() => Ok(Cast {
                from: from.clone(),
                to: to.clone(),
            }),
            _ => Err(refused()),
        })
        .collect()
}

fn zero_date(option: OptionValue<'_>) -> Result<ZeroDate> {
    let found = match option.value().as_str() {
        Some("reject") => Some(ZeroDate::Reject),
        Some("null") => Some(ZeroDate::Null),
        Some("epoch") => Some(ZeroDate::Date {
            year: 1970,
            month: 1,
            day: 1,
        }),
        Some("-infinity") => Some(ZeroDate::MinusInfinity),
        Some(text) => date(text),
        None => None,
    };
    found.ok_or_else(|| {
        option.refused(
            "\"reject\", \"null\", \"epoch\", \"-infinity\" or a date such as \"1900-01-01\"",
        )
    })
}

/// `YYYY-MM-DD` of a day that every calendar has.
fn date(text: &str) -> Option<ZeroDate> {
    let mut parts = text.splitn(3, '-');
    let year = digits::<u16>(parts.next()?, 4)?;
    let month = digits::<u8>(parts.next()?, 2)?;
    let day = digits::<u8>(parts.next()?, 2)?;
    let known = year > 0 && (1..=12).contains(&month) && (1..=28).contains(&day);
    known.then_some(ZeroDate::Date { year, month, day })
}

fn digits<T: std::str::FromStr>(text: &str, count: usize) -> Option<T> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn max_rejects(option: OptionValue<'_>) -> Result<MaxRejects> {
    let refused = || {
        option.refused(&format!(
            "a whole number from 0 to {MOST_REJECTS}, or a percentage of the rows read, for instance \"0.5%\""
        ))
    };
    match option.value() {
        Value::String(text) => text
            .strip_suffix('%')
            .and_then(|number| number.trim().parse::<f64>().ok())
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(MaxRejects::Percent)
            .ok_or_else(refused),
        Value::Number(_) => option
            .whole(0..=MOST_REJECTS)
            .map(MaxRejects::Rows)
            .map_err(|_| refused()),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::model::options::JobOptions;
    use crate::model::unit_options::UnitOptions;
    use serde_json::json;

    fn values(options: Value) -> Result<ValueOptions> {
        JobOptions::parse(&options).map(|options| options.values)
    }

    #[test]
    fn every_value_option_is_read_and_a_unit_overrides_its_job() {
        let job = values(json!({
            "casts": {"tinyint(1)": "boolean"}, "zero_date": "null", "nul_byte": "strip",
            "invalid_text": "replace", "out_of_range": "reject", "max_rejects": 7
        }))
        .unwrap();
        let unit = UnitOptions::parse(
            &json!({"casts": {"flag": "smallint"}, "zero_date": "1900-01-01", "max_rejects": "0.5%"}),
        )
        .unwrap()
        .values;
        assert_eq!(
            job.policies(&unit),
            Policies {
                zero_date: ZeroDate::Date {
                    year: 1900,
                    month: 1,
                    day: 1
                },
                nul_byte: NulByte::Strip,
                invalid_text: InvalidText::Replace,
            }
        );
        assert_eq!(job.max_rejects(&unit), MaxRejects::Percent(0.5));
        assert_eq!(
            job.max_rejects(&ValueOptions::default()),
            MaxRejects::Rows(7)
        );
        let casts = job.casts(&unit);
        assert_eq!((casts.columns.len(), casts.types.len()), (1, 1));
        assert_eq!(
            ValueOptions::default().policies(&ValueOptions::default()),
            Policies::default()
        );
    }

    #[test]
    fn what_is_not_a_choice_is_refused() {
        for bad in [
            json!({"zero_date": "zero"}),
            json!({"zero_date": "1900-02-30"}),
            json!({"zero_date": "0000-01-01"}),
            json!({"zero_date": "+900-01-01"}),
            json!({"zero_date": true}),
            json!({"nul_byte": "null"}),
            json!({"invalid_text": "strip"}),
            json!({"out_of_range": "clamp"}),
            json!({"max_rejects": "many"}),
            json!({"max_rejects": "101%"}),
            json!({"max_rejects": "NaN%"}),
            json!({"max_rejects": -1}),
            json!({"max_rejects": 1.5}),
            json!({"casts": "boolean"}),
            json!({"casts": {"tinyint(1)": 1}}),
            json!({"casts": {"": "text"}}),
            json!({"casts": {"int": " "}}),
        ] {
            let error = values(bad.clone()).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidParameter, "{bad}");
            assert!(error.hint.unwrap().starts_with("Allowed: "), "{bad}");
        }
    }
}
