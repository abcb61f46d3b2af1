//! The published JSON Schema says what `sync_import_job` does: a validator that others use and the function
//! are shown the same documents.

use crate::support::canonical::pg_literal;
use crate::support::fixture::Databases;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// Reads the schema and documents, one a line; says of each whether it is valid.
const VALIDATOR: &str = "
import json, sys
from jsonschema import Draft202012Validator as Validator
schema = json.loads(sys.stdin.readline())
Validator.check_schema(schema)
for line in sys.stdin:
    print(int(Validator(schema).is_valid(json.loads(line))))
";

fn document(part: Value) -> Value {
    let mut document = json!({"job": "j", "source": "src"});
    let fields = document.as_object_mut().expect("an object");
    fields.extend(part.as_object().expect("fields").clone());
    document
}

fn valid(test: &mut Databases, documents: &[Value]) -> Vec<bool> {
    let schema: Value =
        serde_json::from_str(&test.pg.text("SELECT sync_job_schema()")).expect("JSON");
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", VALIDATOR])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Debian's python3-jsonschema; make test installs it");
    let lines: Vec<String> = std::iter::once(&schema)
        .chain(documents)
        .map(|document| format!("{document}\n"))
        .collect();
    let mut input = python.stdin.take().expect("its input");
    input
        .write_all(lines.concat().as_bytes())
        .expect("its input");
    drop(input);
    let output = python.wait_with_output().expect("python3");
    assert!(output.status.success(), "{}", output.status);
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    said.lines().map(|line| line == "1").collect()
}

/// Does the function take it? What it makes is undone.
fn imported(test: &mut Databases, document: &Value) -> bool {
    let sql = format!(
        "SELECT sync_import_job({})",
        pg_literal(&document.to_string())
    );
    test.pg.rows("BEGIN");
    let outcome = test.pg.query(&sql);
    test.pg.rows("ROLLBACK");
    if let Err(error) = &outcome {
        assert_eq!(error.sqlstate, "22023", "{document}: {error:?}");
    }
    outcome.is_ok()
}

#[track_caller]
fn both_say(test: &mut Databases, expected: bool, documents: &[Value]) {
    let valid = valid(test, documents);
    assert_eq!(valid.len(), documents.len());
    for (document, valid) in documents.iter().zip(valid) {
        let imported = imported(test, document);
        assert_eq!((valid, imported), (expected, expected), "{document}");
    }
}

#[test]
fn what_is_right_is_valid() {
    let mut test = Databases::shared("schema_right");
    test.job_of("a", "*", "{}");
    let documents = [
        json!({}),
        json!({"units": ["a*", "!ab"], "target_schema": "t", "mode": "stream", "depends_on": ["a"]}),
        json!({"$schema": "job.schema.json"}),
        json!({"options": {
            "workers": 64, "batch_rows": 1, "batch_bytes": "16MB", "chunk_rows": 100,
            "create_tables": false, "on_error": "pause", "max_attempts": 1000,
            "retry_initial": "500ms", "retry_max": "1 hour", "existing_rows": "replace",
            "names": "lower", "enums": "type", "case_insensitive": "icu", "indexes": false,
            "foreign_keys": false, "server_id": 77, "on_ddl": "pause", "apply": "transactional"
        }}),
        json!({"options": {
            "overlap": "queue", "overflow": "error", "max_rows_per_second": 1,
            "max_bytes_per_second": "200kB", "throttle_query": "true",
            "source_throttle": {"Threads_running": 30}, "checkpoint_interval": "10 s",
            "checkpoint_rows": 1000, "retention": "7 d"
        }}),
        json!({"options": {
            "casts": {"tinyint(1)": "boolean"}, "zero_date": "null", "nul_byte": "strip",
            "invalid_text": "replace", "out_of_range": "reject", "max_rejects": "1%"
        }}),
        json!({"options": {"batch_bytes": 65536, "retry_initial": 0.5, "max_rejects": 7}}),
        json!({"unit_options": {"a b": {
            "target": "x", "columns": ["id", "n"], "filter": "id > 1", "key": ["id"],
            "priority": "low", "existing_rows": "error", "on_ddl": "resync",
            "casts": {"n": "bigint"}, "max_rejects": 0
        }}}),
    ]
    .map(document);
    both_say(&mut test, true, &documents);
}

#[test]
fn what_is_wrong_is_not() {
    let mut test = Databases::shared("schema_wrong");
    let documents = [json!(null), json!([]), json!({}), json!({"job": "j"})];
    both_say(&mut test, false, &documents);
    let documents = [
        json!({"job": ""}),
        json!({"job": 1}),
        json!({"source": ""}),
        json!({"unit": ["*"]}),
        json!({"units": "*"}),
        json!({"mode": "fast"}),
        json!({"target_schema": ""}),
        json!({"depends_on": "a"}),
        json!({"options": []}),
        json!({"unit_options": {"t": {"workers": 3}}}),
        json!({"unit_options": {"t": {"priority": "highest"}}}),
        json!({"unit_options": {"t": {"columns": []}}}),
        json!({"unit_options": {"t": {"columns": ["a", "a"]}}}),
        json!({"unit_options": {"t": {"key": "id"}}}),
    ]
    .map(document);
    both_say(&mut test, false, &documents);
    let documents = [
        json!({"wokers": 1}),
        json!({"workers": 0}),
        json!({"workers": 65}),
        json!({"workers": "4"}),
        json!({"workers": 2.5}),
        json!({"batch_rows": true}),
        json!({"batch_bytes": "16XB"}),
        json!({"batch_bytes": 65535}),
        json!({"batch_bytes": "-1MB"}),
        json!({"chunk_rows": 99}),
        json!({"create_tables": "yes"}),
        json!({"on_error": "stop"}),
        json!({"max_attempts": 1001}),
        json!({"retry_initial": 0}),
        json!({"retry_max": {}}),
        json!({"server_id": 0}),
        json!({"apply": "parallel"}),
        json!({"overflow": "drop"}),
        json!({"overlap": "both"}),
        json!({"max_rows_per_second": 0}),
        json!({"max_bytes_per_second": 1}),
        json!({"throttle_query": ""}),
        json!({"source_throttle": {}}),
        json!({"source_throttle": {"a b": 1}}),
        json!({"source_throttle": {"Threads_running": -1}}),
        json!({"checkpoint_rows": 999}),
        json!({"casts": {"int": 1}}),
        json!({"nul_byte": "keep"}),
        json!({"out_of_range": "clamp"}),
        json!({"max_rejects": true}),
    ]
    .map(|option| document(json!({"options": option})));
    both_say(&mut test, false, &documents);
}
