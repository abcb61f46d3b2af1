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

pub(super) const KIB: u64 = 1024;
pub(super) const MIB: u64 = 1024 * KIB;
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
    pub const NAMES: [&str; 35] = [
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
        "checkpoints_kept",
        "checkpoint_retention",
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
