//! Units: how far each is.

use super::data::{Data, Unit};
use super::format::{bytes, count, duration, finite, grouped, number, percent};
use super::html::Html;
use super::status::{status, tone};
use super::table::{self, cell, left_out, name, only_if, row_head};
use super::{FULL_AFTER_UNITS, many_jobs};

pub fn section(h: &mut Html, data: &Data) {
    let note = "what needs a person first, then what is at work";
    table::section(h, "units", "Units", note, |h| {
        if data.units.is_empty() {
            h.leaf("p", "empty", "No run has listed its units yet.");
            return;
        }
        let heads = [
            ("Unit", ""),
            only_if(many_jobs(data), "Job"),
            ("Target", "aside"),
            ("Status", ""),
            ("Progress", "wide"),
            ("Rows", "n"),
            ("Size", "n"),
            ("Rows/s", "n"),
            ("Took", "n"),
            ("To go", "n"),
            ("Rejects", "n"),
        ];
        let mut shown = 0;
        table::table(h, "Units and their progress", &heads, |h| {
            for unit in &data.units {
                if h.size() > FULL_AFTER_UNITS {
                    break;
                }
                shown += 1;
                h.element("tr", &[], |h| row(h, unit, data));
            }
        });
        left_out(h, shown, data.totals.units, "units");
    });
}

fn row(h: &mut Html, unit: &Unit, data: &Data) {
    row_head(h, &unit.unit);
    if many_jobs(data) {
        name(h, "", &unit.job);
    }
    h.element("td", &[("class", "dim aside")], |h| {
        h.text_up_to(100, &unit.target)
    });
    h.element("td", &[], |h| {
        status(h, &unit.status);
        if let Some(phase) = phase(unit) {
            h.leaf("small", "", phase);
        }
        if let Some(waiting_for) = &unit.waiting_for {
            h.element("small", &[], |h| {
                h.text_up_to(160, &format!("waits for {waiting_for}"));
            });
        }
    });
    h.element("td", &[("class", "wide")], |h| progress(h, unit));
    let estimate = match unit.rows_estimated {
        Some(estimate) => format!(
            "{} of an estimated {}",
            grouped(unit.rows_done),
            grouped(estimate)
        ),
        None => grouped(unit.rows_done),
    };
    h.element("td", &[("class", "n"), ("title", &estimate)], |h| {
        h.text(&count(unit.rows_done));
    });
    cell(h, "n", &bytes(unit.bytes_done as f64));
    cell(h, "n", &unit.rows_per_second.map_or_else(dash, number));
    cell(h, "n", &unit.duration.map_or_else(dash, duration));
    cell(h, "n", &unit.eta.map_or_else(dash, duration));
    let class = if unit.rows_rejected > 0 {
        "n warn"
    } else {
        "n"
    };
    cell(h, class, &grouped(unit.rows_rejected));
}

/// What a unit is at, where its status does not say so.
fn phase(unit: &Unit) -> Option<&str> {
    match unit.phase.as_deref()? {
        "foreign_keys" => Some("foreign keys"),
        "stream" | "catch_up" => None,
        phase => Some(phase),
    }
}

fn progress(h: &mut Html, unit: &Unit) {
    let done = finite(unit.percent.unwrap_or(0.0)).clamp(0.0, 100.0);
    let class = match tone(&unit.status) {
        "good" => "bar good",
        "flow" => "bar flow",
        "bad" => "bar bad",
        "warn" => "bar warn",
        "work" => "bar work",
        _ => "bar calm",
    };
    // The number beside it is for those who listen.
    h.element("span", &[("class", class), ("aria-hidden", "true")], |h| {
        h.element("i", &[("style", &format!("width:{done:.1}%"))], |_| {});
    });
    h.leaf("span", "part", &unit.percent.map_or_else(dash, percent));
}

fn dash<T: From<&'static str>>() -> T {
    "–".into()
}
