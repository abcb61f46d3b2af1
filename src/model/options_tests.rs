//! Options of jobs: what is read, what is refused and how.

use std::time::Duration;

use super::options::*;
use super::policy::OnDdl;
use super::run_options::RunOptions;
use super::value_options::ValueOptions;
use crate::error::{Error, Kind};
use serde_json::{Value, json};

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
    assert!(
        refused(json!({"retry_initial": "10min"}))
            .message
            .contains("retry_max")
    );
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
