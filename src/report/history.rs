//! Throughput, lag and rejects of the last 24 hours.

use super::chart::{Chart, Line, Measure};
use super::data::{Data, Samples, Total};
use super::format::{Clock, finite};
use super::html::Html;
use super::many_jobs;
use super::scale::{Point, with_gaps};
use super::table;

pub fn section(h: &mut Html, data: &Data, clock: Clock) {
    let samples = &data.samples;
    let note = match samples.step {
        step if step > 60.0 => {
            "the last 24 hours by five minutes; a line is broken where counters began anew or nothing was sampled"
        }
        _ => {
            "the last 24 hours by the minute; a line is broken where counters began anew or nothing was sampled"
        }
    };
    table::section(h, "history", "History", note, |h| {
        let (Some(from), Some(to)) = (samples.total.first(), samples.total.last()) else {
            h.leaf(
                "p",
                "empty",
                "There are no samples yet: one is taken each minute while a job is at work.",
            );
            return;
        };
        let span = (finite(from.0), finite(to.0));
        h.element("div", &[("class", "charts")], |h| {
            for chart in charts(samples, many_jobs(data)) {
                chart.draw(h, span, clock);
            }
        });
    });
}

fn charts(samples: &Samples, many: bool) -> Vec<Chart> {
    let total = |value: fn(&Total) -> Option<f64>| Line {
        label: "all".to_owned(),
        points: line(
            samples.total.iter().map(|total| (total.0, value(total))),
            samples.step,
        ),
    };
    let mut rows = vec![total(|total| total.1)];
    // With one there is nothing to tell apart.
    if samples.rows.len() > 1 {
        rows.extend(
            samples
                .rows
                .iter()
                .map(|line| labelled(line, samples.step, many)),
        );
    }
    let mut charts = vec![
        Chart {
            id: "rows",
            title: "Rows per second",
            measure: Measure::Number,
            lines: rows,
        },
        Chart {
            id: "bytes",
            title: "Volume per second",
            measure: Measure::Bytes,
            lines: vec![total(|total| total.2)],
        },
    ];
    if !samples.lag.is_empty() {
        charts.push(Chart {
            id: "lag",
            title: "Lag behind the source",
            measure: Measure::Seconds,
            lines: samples
                .lag
                .iter()
                .map(|line| labelled(line, samples.step, many))
                .collect(),
        });
    }
    charts.push(Chart {
        id: "rejected",
        title: "Rejects per minute",
        measure: Measure::Number,
        lines: vec![total(|total| total.3)],
    });
    charts
}

fn labelled(line: &super::data::Labelled, step: f64, many: bool) -> Line {
    // The stream has samples of its own, under no unit's name.
    let label = match line.label.as_str() {
        "" if !many => "changes from the log",
        label => label,
    };
    Line {
        label: label.to_owned(),
        points: self::line(line.points.iter().copied(), step),
    }
}

fn line(points: impl Iterator<Item = Point>, step: f64) -> Vec<Point> {
    with_gaps(&points.collect::<Vec<_>>(), step)
}
