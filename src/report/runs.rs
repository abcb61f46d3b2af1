//! The latest runs.

use super::data::{Data, Run};
use super::format::{Clock, bytes, duration, grouped, number};
use super::html::Html;
use super::many_jobs;
use super::status::status;
use super::table::{self, cell, name, only_if, row_head};

pub fn section(h: &mut Html, data: &Data, clock: Clock) {
    table::section(h, "runs", "Runs", "the latest first", |h| {
        if data.runs.is_empty() {
            h.leaf("p", "empty", "Nothing has run yet.");
            return;
        }
        let heads = [
            ("Run", ""),
            only_if(many_jobs(data), "Job"),
            ("Status", ""),
            ("Started", "n"),
            ("Took", "n"),
            ("Rows", "n"),
            ("Size", "n"),
            ("Rows/s", "n"),
            ("Rejects", "n"),
            ("Trigger", ""),
            ("Started by", ""),
            ("Attempt", "n"),
            ("Version", "n"),
        ];
        table::table(h, "Latest runs", &heads, |h| {
            for run in &data.runs {
                h.element("tr", &[], |h| row(h, run, many_jobs(data), clock));
            }
        });
    });
}

fn row(h: &mut Html, run: &Run, many: bool, clock: Clock) {
    let dash = || "–".to_owned();
    row_head(h, &run.run_id.to_string());
    if many {
        name(h, "", &run.job);
    }
    h.element("td", &[("class", "text")], |h| {
        status(h, &run.status);
        if let Some(error) = &run.error {
            h.element("small", &[], |h| h.text_up_to(300, error));
        }
    });
    cell(
        h,
        "n",
        &run.started_at.map_or_else(dash, |at| clock.moment(at)),
    );
    cell(h, "n", &run.duration.map_or_else(dash, duration));
    table::count(h, run.rows_done);
    let size = run.bytes_done.map(|size| bytes(size as f64));
    cell(h, "n", &size.unwrap_or_else(dash));
    let rate = match (run.rows_done, run.duration) {
        (Some(rows), Some(seconds)) if seconds > 0.0 => number(rows as f64 / seconds),
        _ => dash(),
    };
    cell(h, "n", &rate);
    let rejects = run.rows_rejected.unwrap_or(0);
    cell(
        h,
        if rejects > 0 { "n warn" } else { "n" },
        &grouped(rejects),
    );
    name(h, "", &run.trigger);
    name(h, "", &run.started_by);
    cell(h, "n", &run.attempt.to_string());
    cell(h, "n", &run.version.to_string());
}
