//! Rows that could not be written: which and why, never what is in them.

use serde_json::Value;

use super::data::{Data, Reject};
use super::format::{Clock, grouped};
use super::html::Html;
use super::many_jobs;
use super::table::{self, cell, name, only_if, row_head};

pub fn section(h: &mut Html, data: &Data, clock: Clock) {
    let total = data.totals.rows_rejected;
    let note = match total {
        0 => String::new(),
        total => format!(
            "the latest of {}; sync_rejects has them all",
            grouped(total)
        ),
    };
    table::section(h, "rejects", "Rejects", &note, |h| {
        if data.rejects.is_empty() {
            h.leaf("p", "empty", "Every row could be written.");
            return;
        }
        let heads = [
            ("Unit", ""),
            only_if(many_jobs(data), "Job"),
            ("Key", "n"),
            ("Column", ""),
            ("SQLSTATE", ""),
            ("Reason", "text"),
            ("How to fix it", "text"),
            ("At", "n"),
        ];
        table::table(h, "Latest rejected rows", &heads, |h| {
            for reject in &data.rejects {
                h.element("tr", &[], |h| row(h, reject, many_jobs(data), clock));
            }
        });
    });
}

fn row(h: &mut Html, reject: &Reject, many: bool, clock: Clock) {
    row_head(h, &reject.unit);
    if many {
        name(h, "", &reject.job);
    }
    let key = reject.key.as_ref().map_or_else(|| "–".to_owned(), key);
    name(h, "n", &key);
    name(h, "", reject.column_name.as_deref().unwrap_or("–"));
    name(h, "mono", &reject.sqlstate);
    h.element("td", &[("class", "text")], |h| {
        h.text_up_to(300, &reject.message);
    });
    h.element("td", &[("class", "text dim")], |h| {
        h.text_up_to(300, reject.hint.as_deref().unwrap_or("–"));
    });
    cell(h, "n", &clock.short(reject.at));
}

/// The catalog writes a key as `[{"int": 7}, {"text": "a"}]`.
fn key(key: &Value) -> String {
    match key {
        Value::Array(parts) => parts.iter().map(part).collect::<Vec<_>>().join(", "),
        other => part(other),
    }
}

fn part(part: &Value) -> String {
    match part {
        Value::Object(tagged) => tagged.values().map(plain).collect::<Vec<_>>().join(", "),
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_shown_without_their_kinds() {
        for (value, expected) in [
            (json!([{"int": 7}, {"text": "a"}]), "7, a"),
            (
                json!({"uint": 18_446_744_073_709_551_615_u64}),
                "18446744073709551615",
            ),
            (json!([{"hex": "00ff"}, null]), "00ff, null"),
            (json!("x"), "x"),
        ] {
            assert_eq!(key(&value), expected);
        }
    }
}
