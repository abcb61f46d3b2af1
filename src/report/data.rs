//! What `sql/queries/report.sql` returns. Times are seconds of the epoch, durations are seconds.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
pub struct Data {
    pub about: About,
    pub totals: Totals,
    pub jobs: Vec<Job>,
    pub units: Vec<Unit>,
    pub streams: Vec<Stream>,
    pub samples: Samples,
    pub runs: Vec<Run>,
    pub events: Vec<Event>,
    pub rejects: Vec<Reject>,
    pub plans: Vec<Plan>,
}

#[derive(Debug, Default, Deserialize)]
pub struct About {
    /// The job that was asked for; none for all.
    pub job: Option<String>,
    pub at: f64,
    /// Seconds east of UTC that times are shown with.
    pub utc_offset: i64,
    pub time_zone: String,
    pub server_version: String,
    pub extension_version: Option<String>,
    pub database: String,
    pub role: String,
}

/// Counts over all jobs and units of the report, those that its lists leave out included.
#[derive(Debug, Default, Deserialize)]
pub struct Totals {
    pub jobs: i64,
    pub units: i64,
    pub completed: i64,
    pub streaming: i64,
    pub failed: i64,
    pub rows_done: i64,
    pub bytes_done: i64,
    pub rows_rejected: i64,
}

#[derive(Debug, Default, Deserialize)]
pub struct Job {
    pub job: String,
    pub status: String,
    pub source: String,
    pub target_schema: String,
    pub mode: String,
    pub units: Vec<String>,
    pub units_total: i64,
    pub units_completed: i64,
    pub units_streaming: i64,
    pub units_failed: i64,
    pub waiting_for: Option<String>,
    pub error: Option<String>,
    pub hint: Option<String>,
    pub owner: String,
    pub options: String,
    pub version: i64,
    pub depends_on: Vec<String>,
    pub started_at: Option<f64>,
    pub finished_at: Option<f64>,
    /// Seconds of the run.
    pub duration: Option<f64>,
    pub created_at: Option<f64>,
    pub altered_at: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Unit {
    pub job: String,
    pub unit: String,
    pub target: String,
    pub status: String,
    pub phase: Option<String>,
    pub rows_estimated: Option<i64>,
    pub rows_done: i64,
    pub percent: Option<f64>,
    pub rows_per_second: Option<f64>,
    pub rows_rejected: i64,
    pub rows_filtered: i64,
    pub bytes_done: i64,
    pub waiting_for: Option<String>,
    pub attempts: i64,
    pub error: Option<String>,
    pub hint: Option<String>,
    pub eta: Option<f64>,
    pub next_retry_at: Option<f64>,
    /// Seconds.
    pub duration: Option<f64>,
    pub source_wait: Option<f64>,
    pub target_wait: Option<f64>,
    pub buffer_percent: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Stream {
    pub job: String,
    pub status: String,
    pub units: i64,
    pub lag_seconds: Option<f64>,
    pub lag_bytes: Option<i64>,
    pub gtid: Option<String>,
    pub file: Option<String>,
    pub offset: Option<i64>,
    pub source_gtid: Option<String>,
    pub source_file: Option<String>,
    pub source_offset: Option<i64>,
    pub transactions_per_second: Option<f64>,
    pub rows_per_second: Option<f64>,
    pub transactions: i64,
    pub rows: i64,
    pub waiting_for: Option<String>,
    pub attempts: i64,
    pub error: Option<String>,
    pub hint: Option<String>,
    pub heartbeat_at: Option<f64>,
    pub applied_at: Option<f64>,
    pub next_retry_at: Option<f64>,
    pub source_wait: Option<f64>,
    pub target_wait: Option<f64>,
    pub buffer_percent: Option<i64>,
}

/// The last 24 hours. A rate is null where a counter began anew.
#[derive(Debug, Default, Deserialize)]
pub struct Samples {
    /// Seconds between samples.
    pub step: f64,
    pub total: Vec<Total>,
    /// Rows a second of the busiest units, or jobs.
    pub rows: Vec<Labelled>,
    /// Seconds behind the source.
    pub lag: Vec<Labelled>,
}

/// Time, rows a second, bytes a second, rejects a minute.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Total(pub f64, pub Option<f64>, pub Option<f64>, pub Option<f64>);

#[derive(Debug, Default, Deserialize)]
pub struct Labelled {
    pub label: String,
    pub points: Vec<(f64, Option<f64>)>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Run {
    pub run_id: i64,
    pub job: String,
    pub status: String,
    pub trigger: String,
    pub started_by: String,
    pub attempt: i64,
    pub version: i64,
    pub rows_done: Option<i64>,
    pub rows_rejected: Option<i64>,
    pub bytes_done: Option<i64>,
    pub error: Option<String>,
    pub started_at: Option<f64>,
    pub duration: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Event {
    pub at: f64,
    pub job: String,
    pub unit: Option<String>,
    pub status: String,
    pub message: Option<String>,
    pub sqlstate: Option<String>,
    pub run_id: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Reject {
    pub job: String,
    pub unit: String,
    pub key: Option<Value>,
    pub sqlstate: String,
    pub message: String,
    pub column_name: Option<String>,
    pub hint: Option<String>,
    pub at: f64,
}

#[derive(Debug, Default, Deserialize)]
pub struct Plan {
    pub job: String,
    pub unit: String,
    pub method: Option<String>,
    pub key: Vec<String>,
    pub filter: Option<String>,
    pub warnings: Vec<String>,
    pub columns_total: Option<i64>,
    pub columns: Vec<Column>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Column {
    pub source: Option<String>,
    pub source_type: Option<String>,
    pub target: Option<String>,
    pub target_type: Option<String>,
    pub nullable: Option<bool>,
    pub cast: Option<bool>,
}

/// An index or a foreign key.
#[derive(Debug, Default, Deserialize)]
pub struct Step {
    pub kind: String,
    pub name: String,
    pub referenced_unit: Option<String>,
    pub status: String,
}
