//! Options of a job: jsonb at the border, parsed once into types that cannot be wrong.
//!
//! A null stands for the default, so that `sync_alter_job(job, '{"workers": null}')` takes an option
//! back. The alter functions parse the change, merge it, and parse the result.

use std::time::Duration;

use serde_json::Value;

use super::option_value::Given;
use super::policy::OnDdl;
use super::run_options::RunOptions;
use super::value_options::ValueOptions;
use crate::error::{Error, Kind, Result};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const DAY: Duration = Duration::from_secs(86_400);

/// What a job does when a unit fails for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The other units go on.
    Skip,
    /// The job pauses where it stands.
    Pause,
}

/// What to do with rows that stand in a target and that no run of the job loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingRows {
    Error,
    Replace,
}

pub(super) const EXISTING_ROWS: [(&str, ExistingRows); 2] = [
    ("error", ExistingRows::Error),
    ("replace", ExistingRows::Replace),
];

/// The letters of names in the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    Keep,
    Lower,
}

/// What an enum column becomes in a table that is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enums {
    /// text with a CHECK of its labels.
    Text,
    /// An enum type of its own.
    Type,
}

/// What text with a collation that ignores case becomes in a table that is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseInsensitive {
    /// Text that is compared exactly.
    Exact,
    /// A nondeterministic collation of ICU.
    Icu,
    /// The type of the extension citext.
    Citext,
}

#[derive(Debug, Clone, PartialEq)]
pub struct JobOptions {
    pub workers: u32,
    /// A batch (one transaction) ends at whichever of the two it reaches first.
    pub batch_rows: u64,
    pub batch_bytes: u64,
    pub chunk_rows: u64,
    pub create_tables: bool,
    pub on_error: OnError,
    pub max_attempts: u32,
    pub retry_initial: Duration,
    pub retry_max: Duration,
    pub existing_rows: ExistingRows,
    pub names: Names,
    pub enums: Enums,
    pub case_insensitive: CaseInsensitive,
    /// Create the source's secondary indexes, after the rows.
    pub indexes: bool,
    /// Create the source's foreign keys, after the rows and indexes.
    pub foreign_keys: bool,
    /// What a stream calls itself at the source.
    pub server_id: Option<u32>,
    /// What to do when a table of a stream changes its shape at the source.
    pub on_ddl: OnDdl,
    pub run: RunOptions,
    pub values: ValueOptions,
}

impl JobOptions {
    pub const NAMES: [&str; 33] = [
        "workers",
        "batch_rows",
        "batch_bytes",
        "chunk_rows",
        "create_tables",
        "on_error",
        "max_attempts",
        "retry_initial",
        "retry_max",
        "existing_rows",
        "names",
        "enums",
        "case_insensitive",
        "indexes",
        "foreign_keys",
        "server_id",
        "on_ddl",
        "apply",
        "overlap",
        "overflow",
        "max_rows_per_second",
        "max_bytes_per_second",
        "throttle_query",
        "source_throttle",
        "checkpoint_interval",
        "checkpoint_rows",
        "retention",
        "casts",
        "zero_date",
        "nul_byte",
        "invalid_text",
        "out_of_range",
        "max_rejects",
    ];

    pub fn parse(options: &Value) -> Result<Self> {
        let given = Given::new(options, &Self::NAMES)?;
        let mut parsed = JobOptions::default();
        let waits = Duration::from_millis(1)..=DAY;
        if let Some(option) = given.option("workers") {
            parsed.workers = option.whole(1..=64)?;
        }
        if let Some(option) = given.option("batch_rows") {
            parsed.batch_rows = option.whole(1..=10_000_000)?;
        }
        if let Some(option) = given.option("batch_bytes") {
            parsed.batch_bytes = option.bytes(64 * KIB..=1024 * MIB)?;
        }
        if let Some(option) = given.option("chunk_rows") {
            parsed.chunk_rows = option.whole(100..=1_000_000_000)?;
        }
        if let Some(option) = given.option("create_tables") {
            parsed.create_tables = option.flag()?;
        }
        if let Some(option) = given.option("on_error") {
            parsed.on_error = option.word(&[("skip", OnError::Skip), ("pause", OnError::Pause)])?;
        }
        if let Some(option) = given.option("max_attempts") {
            parsed.max_attempts = option.whole(1..=1000)?;
        }
        if let Some(option) = given.option("retry_initial") {
            parsed.retry_initial = option.duration(waits.clone())?;
        }
        if let Some(option) = given.option("retry_max") {
            parsed.retry_max = option.duration(waits)?;
        }
        if let Some(option) = given.option("existing_rows") {
            parsed.existing_rows = option.word(&EXISTING_ROWS)?;
        }
        if let Some(option) = given.option("names") {
            parsed.names = option.word(&[("keep", Names::Keep), ("lower", Names::Lower)])?;
        }
        if let Some(option) = given.option("enums") {
            parsed.enums = option.word(&[("text", Enums::Text), ("type", Enums::Type)])?;
        }
        if let Some(option) = given.option("case_insensitive") {
            parsed.case_insensitive = option.word(&[
                ("exact", CaseInsensitive::Exact),
                ("icu", CaseInsensitive::Icu),
                ("citext", CaseInsensitive::Citext),
            ])?;
        }
        if let Some(option) = given.option("indexes") {
            parsed.indexes = option.flag()?;
        }
        if let Some(option) = given.option("foreign_keys") {
            parsed.foreign_keys = option.flag()?;
        }
        if let Some(option) = given.option("server_id") {
            parsed.server_id = Some(option.whole(1..=4_294_967_294)?);
        }
        if let Some(option) = given.option("on_ddl") {
            parsed.on_ddl = option.word(&OnDdl::WORDS)?;
        }
        if let Some(option) = given.option("apply") {
            // Source transactions whole and in order: there is no other way.
            option.word(&[("transactional", ())])?;
        }
        parsed.run = RunOptions::read(&given)?;
        parsed.values = ValueOptions::read(&given)?;
        if parsed.retry_initial > parsed.retry_max {
            return Err(Error::new(
                Kind::InvalidParameter,
                format!(
                    "option \"retry_initial\" ({:?}) is greater than option \"retry_max\" ({:?})",
                    parsed.retry_initial, parsed.retry_max
                ),
            )
            .with_hint("Allowed: retry_initial up to retry_max; set both."));
        }
        Ok(parsed)
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        JobOptions {
            workers: 2,
            batch_rows: 100_000,
            batch_bytes: 32 * MIB,
            chunk_rows: 250_000,
            create_tables: true,
            on_error: OnError::Skip,
            max_attempts: 10,
            retry_initial: Duration::from_secs(1),
            retry_max: Duration::from_secs(300),
            existing_rows: ExistingRows::Error,
            names: Names::Keep,
            enums: Enums::Text,
            case_insensitive: CaseInsensitive::Exact,
            indexes: true,
            foreign_keys: true,
            server_id: None,
            on_ddl: OnDdl::default(),
            run: RunOptions::default(),
            values: ValueOptions::default(),
        }
    }
}

/// `current` with `change` laid over it; a null in `change` removes an option. The result is not
/// validated: parse it.
pub fn merge_options(current: &Value, change: &Value) -> Value {
    let Value::Object(change) = change else {
        // Not an object: the parser refuses it.
        return change.clone();
    };
    let mut merged = current.as_object().cloned().unwrap_or_default();
    for (name, value) in change {
        if value.is_null() {
            merged.remove(name);
        } else {
            merged.insert(name.clone(), value.clone());
        }
    }
    Value::Object(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(options: Value) -> JobOptions {
        JobOptions::parse(&options).unwrap()
    }

    fn refused(options: Value) -> Error {
        let error = JobOptions::parse(&options).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidParameter);
        assert!(error.hint.is_some(), "{error}");
        error
    }

    #[test]
    fn no_options_are_the_defaults() {
        assert_eq!(job(json!({})), JobOptions::default());
        assert_eq!(job(json!({"workers": null})), JobOptions::default());
    }

    #[test]
    fn every_option_is_read() {
        let options = job(json!({
            "workers": 4, "batch_rows": 1, "batch_bytes": "16MB", "chunk_rows": 100.0,
            "create_tables": false, "on_error": "pause", "max_attempts": 1000,
            "retry_initial": "500ms", "retry_max": "1 hour", "existing_rows": "replace",
            "names": "lower", "enums": "type", "case_insensitive": "icu",
            "indexes": false, "foreign_keys": false, "server_id": 77,
            "on_ddl": "pause", "apply": "transactional"
        }));
        assert_eq!(
            options,
            JobOptions {
                workers: 4,
                batch_rows: 1,
                batch_bytes: 16 * MIB,
                chunk_rows: 100,
                create_tables: false,
                on_error: OnError::Pause,
                max_attempts: 1000,
                retry_initial: Duration::from_millis(500),
                retry_max: Duration::from_secs(3600),
                existing_rows: ExistingRows::Replace,
                names: Names::Lower,
                enums: Enums::Type,
                case_insensitive: CaseInsensitive::Icu,
                indexes: false,
                foreign_keys: false,
                server_id: Some(77),
                on_ddl: OnDdl::Pause,
                run: RunOptions::default(),
                values: ValueOptions::default(),
            }
        );
    }

    #[test]
    fn an_unknown_option_lists_the_allowed_ones() {
        let error = refused(json!({"wokers": 3}));
        assert!(error.message.contains("\"wokers\" with value 3"), "{error}");
        let hint = error.hint.unwrap();
        assert!(JobOptions::NAMES.iter().all(|name| hint.contains(name)));
        refused(json!({"wokers": null}));
    }

    #[test]
    fn a_wrong_type_names_option_value_and_what_is_allowed() {
        for (name, value) in [
            ("workers", json!("4")),
            ("workers", json!(2.5)),
            ("workers", json!([1])),
            ("batch_rows", json!(true)),
            ("batch_bytes", json!("16XB")),
            ("batch_bytes", json!("MB")),
            ("batch_bytes", json!("1.2.3MB")),
            ("batch_bytes", json!("-1MB")),
            ("create_tables", json!("yes")),
            ("create_tables", json!(1)),
            ("on_error", json!("stop")),
            ("on_error", json!(1)),
            ("retry_initial", json!("soon")),
            ("retry_initial", json!("5 parsecs")),
            ("retry_max", json!({})),
            ("existing_rows", json!("Error")),
            ("apply", json!("parallel")),
        ] {
            let error = refused(json!({name: value}));
            assert_eq!(
                error.message,
                format!("invalid value for option \"{name}\": {value}")
            );
            assert!(error.hint.unwrap().starts_with("Allowed: "));
        }
        refused(json!([]));
        refused(json!(null));
    }

    #[test]
    fn ranges_hold_at_both_ends() {
        for (name, inside, outside) in [
            ("workers", [json!(1), json!(64)], [json!(0), json!(65)]),
            (
                "batch_rows",
                [json!(1), json!(10_000_000)],
                [json!(0), json!(10_000_001)],
            ),
            (
                "batch_bytes",
                [json!("64kB"), json!("1GB")],
                [json!(65535), json!(1_073_741_825u64)],
            ),
            (
                "chunk_rows",
                [json!(100), json!(1_000_000_000)],
                [json!(99), json!(1_000_000_001)],
            ),
            (
                "max_attempts",
                [json!(1), json!(1000)],
                [json!(-1), json!(1001)],
            ),
            (
                "retry_max",
                [json!(1), json!("1d")],
                [json!(-1), json!("86401s")],
            ),
            (
                "retry_initial",
                [json!("1ms"), json!(0.5)],
                [json!(0), json!(1e300)],
            ),
        ] {
            for value in inside {
                assert!(
                    JobOptions::parse(&json!({name: value})).is_ok(),
                    "{name} {value}"
                );
            }
            for value in outside {
                refused(json!({name: value}));
            }
        }
        let error = refused(json!({"batch_bytes": 1}));
        assert!(error.hint.unwrap().contains("64kB to 1GB"));
        let error = refused(json!({"retry_max": "2d"}));
        assert!(error.hint.unwrap().contains("1ms to 1d"));
    }

    #[test]
    fn sizes_and_durations_take_units() {
        for (text, bytes) in [
            ("65536", 65536),
            ("64kB", 64 * KIB),
            ("1.5 MB", 3 * MIB / 2),
            (" 1 GB ", 1024 * MIB),
            ("65536B", 65536),
        ] {
            assert_eq!(job(json!({"batch_bytes": text})).batch_bytes, bytes);
        }
        for (text, millis) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("5", 5_000),
            ("2min", 120_000),
            ("2 minutes", 120_000),
            ("1 hour", 3_600_000),
            ("1d", 86_400_000),
            ("1.5s", 1_500),
        ] {
            let options = json!({"retry_initial": text, "retry_max": "1d"});
            assert_eq!(job(options).retry_initial, Duration::from_millis(millis));
        }
    }

    #[test]
    fn the_first_wait_is_not_longer_than_the_longest() {
        let error = refused(json!({"retry_initial": "10min"}));
        assert!(error.message.contains("retry_max"));
    }

    #[test]
    fn a_long_value_is_cut_in_the_message() {
        let error = refused(json!({"on_error": "ä".repeat(10_000)}));
        assert!(error.message.len() < 300);
    }

    #[test]
    fn merging_overlays_and_null_removes() {
        let current = json!({"workers": 4, "batch_rows": 10});
        let merged = merge_options(&current, &json!({"workers": null, "chunk_rows": 500}));
        assert_eq!(merged, json!({"batch_rows": 10, "chunk_rows": 500}));
        assert!(JobOptions::parse(&merge_options(&current, &json!([1]))).is_err());
        assert_eq!(merge_options(&Value::Null, &current), current);
    }
}
