//! The options that say when a job runs, how fast, and what is kept of it. All but `overflow` count
//! while it runs, from the next batch on.

use std::time::Duration;

use super::option_value::{Given, OptionValue};
use crate::error::Result;

const DAY: Duration = Duration::from_secs(86_400);
const YEARS: Duration = Duration::from_secs(3_650 * 86_400);

/// What becomes of a start while a run is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    #[default]
    Skip,
    /// One run follows the present one, however often it was asked for.
    Queue,
}

/// What happens when the buffer between source and target is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// The source waits.
    #[default]
    Block,
    /// The unit fails, and is tried again later.
    Error,
}

/// How much a job may ask of both servers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pace {
    pub rows_per_second: Option<u64>,
    pub bytes_per_second: Option<u64>,
    /// An SQL expression of this server: the job waits while it is true.
    pub throttle_query: Option<String>,
    /// Status variables of the source with their limits: the job waits while one is above its limit.
    pub source_throttle: Vec<(String, f64)>,
}

impl Pace {
    pub fn is_free(&self) -> bool {
        self == &Pace::default()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct RunOptions {
    pub overlap: Overlap,
    pub overflow: Overflow,
    pub pace: Pace,
    /// Time between two checkpoints.
    pub checkpoint_interval: Duration,
    /// Rows between two checkpoints.
    pub checkpoint_rows: Option<u64>,
    /// Checkpoints without a name that are kept, however old.
    pub checkpoints_kept: u64,
    /// How long the other ones are kept; None: seven days, or `retention` where that is less.
    pub checkpoint_retention: Option<Duration>,
    /// How long runs, events, samples and rejects are kept; None: as the server says.
    pub retention: Option<Duration>,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            overlap: Overlap::default(),
            overflow: Overflow::default(),
            pace: Pace::default(),
            checkpoint_interval: Duration::from_secs(300),
            checkpoint_rows: None,
            checkpoints_kept: 10,
            checkpoint_retention: None,
            retention: None,
        }
    }
}

impl RunOptions {
    pub const NAMES: [&str; 11] = [
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
    ];

    pub(super) fn read(given: &Given<'_>) -> Result<Self> {
        let default = RunOptions::default();
        Ok(RunOptions {
            overlap: match given.option("overlap") {
                Some(option) => {
                    option.word(&[("skip", Overlap::Skip), ("queue", Overlap::Queue)])?
                }
                None => default.overlap,
            },
            overflow: match given.option("overflow") {
                Some(option) => overflow(option)?,
                None => default.overflow,
            },
            pace: Pace {
                rows_per_second: given
                    .option("max_rows_per_second")
                    .map(|option| option.whole(1..=1_000_000_000))
                    .transpose()?,
                bytes_per_second: given
                    .option("max_bytes_per_second")
                    .map(|option| option.bytes(1024..=1 << 40))
                    .transpose()?,
                throttle_query: given
                    .option("throttle_query")
                    .map(OptionValue::text)
                    .transpose()?,
                source_throttle: match given.option("source_throttle") {
                    Some(option) => source_throttle(option)?,
                    None => Vec::new(),
                },
            },
            checkpoint_interval: match given.option("checkpoint_interval") {
                Some(option) => option.duration(Duration::from_secs(1)..=DAY)?,
                None => default.checkpoint_interval,
            },
            checkpoint_rows: given
                .option("checkpoint_rows")
                .map(|option| option.whole(1_000..=1_000_000_000_000))
                .transpose()?,
            checkpoints_kept: given
                .option("checkpoints_kept")
                .map_or(Ok(default.checkpoints_kept), |option| {
                    option.whole(1..=10_000)
                })?,
            checkpoint_retention: given
                .option("checkpoint_retention")
                .map(|option| option.duration(Duration::from_secs(60)..=YEARS))
                .transpose()?,
            retention: given
                .option("retention")
                .map(|option| option.duration(Duration::from_secs(60)..=YEARS))
                .transpose()?,
        })
    }
}

fn overflow(option: OptionValue<'_>) -> Result<Overflow> {
    match option.value().as_str() {
        // A row of a table that is left out would be lost.
        Some("latest" | "drop") => Err(option
            .refused("\"block\" or \"error\"; \"latest\" and \"drop\" are for sources of events")),
        _ => option.word(&[("block", Overflow::Block), ("error", Overflow::Error)]),
    }
}

/// `{"Threads_running": 50}`
fn source_throttle(option: OptionValue<'_>) -> Result<Vec<(String, f64)>> {
    let refused = || {
        option.refused("an object of status variables of the source, each with a limit from 0 on, such as {\"Threads_running\": 50}")
    };
    let mut limits = Vec::new();
    for (name, limit) in option.value().as_object().ok_or_else(refused)? {
        let named = !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let limit = limit.as_f64().filter(|limit| *limit >= 0.0);
        match (named, limit) {
            (true, Some(limit)) => limits.push((name.clone(), limit)),
            _ => return Err(refused()),
        }
    }
    match limits.len() {
        1..=16 => Ok(limits),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::options::JobOptions;
    use serde_json::json;

    #[test]
    fn every_option_is_read() {
        let options = JobOptions::parse(&json!({
            "overlap": "queue", "overflow": "error", "max_rows_per_second": 500,
            "max_bytes_per_second": "10MB", "throttle_query": "extract(hour from now()) = 9",
            "source_throttle": {"Threads_running": 50, "Innodb_row_lock_current_waits": 0.5},
            "checkpoint_interval": "1min", "checkpoint_rows": 1000, "checkpoints_kept": 3,
            "checkpoint_retention": "2d", "retention": "14d"
        }))
        .unwrap();
        assert_eq!(
            options.run,
            RunOptions {
                overlap: Overlap::Queue,
                overflow: Overflow::Error,
                pace: Pace {
                    rows_per_second: Some(500),
                    bytes_per_second: Some(10 << 20),
                    throttle_query: Some("extract(hour from now()) = 9".into()),
                    source_throttle: vec![
                        ("Innodb_row_lock_current_waits".into(), 0.5),
                        ("Threads_running".into(), 50.0)
                    ],
                },
                checkpoint_interval: Duration::from_secs(60),
                checkpoint_rows: Some(1000),
                checkpoints_kept: 3,
                checkpoint_retention: Some(2 * DAY),
                retention: Some(14 * DAY),
            }
        );
        assert!(!options.run.pace.is_free());
        assert!(RunOptions::default().pace.is_free());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (name, value) in [
            ("overlap", json!("both")),
            ("overflow", json!("drop")),
            ("overflow", json!("latest")),
            ("overflow", json!(1)),
            ("max_rows_per_second", json!(0)),
            ("max_bytes_per_second", json!("1B")),
            ("throttle_query", json!(" ")),
            ("source_throttle", json!({})),
            ("source_throttle", json!({"Threads_running": "many"})),
            ("source_throttle", json!({"Threads'running": 1})),
            ("source_throttle", json!({"Threads_running": -1})),
            ("source_throttle", json!(["Threads_running"])),
            ("checkpoint_interval", json!("10ms")),
            ("checkpoint_rows", json!(1)),
            ("checkpoints_kept", json!(0)),
            ("checkpoint_retention", json!("1s")),
            ("retention", json!("1s")),
        ] {
            let error = JobOptions::parse(&json!({name: value})).unwrap_err();
            assert!(error.hint.unwrap().starts_with("Allowed: "), "{name}");
        }
    }
}
