//! Who waits for whom: the share of the time that went into waiting for the source, and for
//! PostgreSQL.

use super::data::Data;
use super::format::{count, duration, finite};
use super::html::Html;
use super::many_jobs;
use super::table::{self, cell, name, only_if, row_head};

const MOST: usize = 20;

struct Wait<'a> {
    job: &'a str,
    part: &'a str,
    source: f64,
    target: f64,
    buffer: Option<i64>,
    /// It waits for the source also where nothing has changed there.
    stream: bool,
}

pub fn section(h: &mut Html, data: &Data) {
    let waits = waits(data);
    let note = "summed over all workers; the longest first";
    table::section(h, "waits", "Waits", note, |h| {
        if waits.is_empty() {
            h.leaf("p", "empty", "Nobody has waited for anybody yet.");
            return;
        }
        let heads = [
            ("Unit", ""),
            only_if(many_jobs(data), "Job"),
            ("For the source", "n"),
            ("For PostgreSQL", "n"),
            ("Share", "wide"),
            ("Buffer", "n"),
            ("The slower one", ""),
        ];
        table::table(h, "Time spent waiting", &heads, |h| {
            for wait in waits.iter().take(MOST) {
                h.element("tr", &[], |h| row(h, wait, many_jobs(data)));
            }
        });
        if waits.len() > MOST {
            let rest = count((waits.len() - MOST) as i64);
            h.leaf("p", "more", &format!("{rest} shorter ones are left out."));
        }
    });
}

fn waits(data: &Data) -> Vec<Wait<'_>> {
    let of_units = data.units.iter().map(|unit| Wait {
        job: &unit.job,
        part: &unit.unit,
        source: finite(unit.source_wait.unwrap_or(0.0)),
        target: finite(unit.target_wait.unwrap_or(0.0)),
        buffer: unit.buffer_percent,
        stream: false,
    });
    let of_streams = data.streams.iter().map(|stream| Wait {
        job: &stream.job,
        part: "changes from the log",
        source: finite(stream.source_wait.unwrap_or(0.0)),
        target: finite(stream.target_wait.unwrap_or(0.0)),
        buffer: stream.buffer_percent,
        stream: true,
    });
    let mut waits: Vec<Wait<'_>> = of_streams
        .chain(of_units)
        .filter(|wait| wait.source + wait.target > 0.0)
        .collect();
    waits.sort_by(|a, b| (b.source + b.target).total_cmp(&(a.source + a.target)));
    waits
}

fn row(h: &mut Html, wait: &Wait<'_>, many: bool) {
    row_head(h, wait.part);
    if many {
        name(h, "", wait.job);
    }
    cell(h, "n", &duration(wait.source));
    cell(h, "n", &duration(wait.target));
    let share = (100.0 * wait.source / (wait.source + wait.target)).clamp(0.0, 100.0);
    h.element("td", &[("class", "wide")], |h| {
        h.element(
            "span",
            &[("class", "bar split"), ("aria-hidden", "true")],
            |h| {
                h.element("i", &[("style", &format!("width:{share:.1}%"))], |_| {});
            },
        );
    });
    let buffer = wait.buffer.map(|buffer| format!("{buffer} %"));
    cell(h, "n", buffer.as_deref().unwrap_or("–"));
    cell(
        h,
        "",
        match share {
            share if share >= 60.0 && wait.stream => "source, or nothing to do",
            share if share >= 60.0 => "source",
            share if share <= 40.0 => "PostgreSQL",
            _ => "about the same",
        },
    );
}
