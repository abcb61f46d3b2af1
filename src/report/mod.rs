//! The report: what [`data::Data`] holds as one HTML page that needs nothing else. No script, no
//! font, no picture and no link from elsewhere; what comes from the database is escaped by
//! construction ([`html`]), and a policy in the page forbids whatever would be loaded.
//!
//! A section is a file. Lists are cut where the page would grow beyond what a mail or a browser takes.

mod attention;
mod chart;
pub mod data;
mod events;
mod format;
mod frame;
mod history;
mod html;
mod jobs;
mod plan;
mod rejects;
mod runs;
mod scale;
mod status;
mod streams;
mod table;
#[cfg(test)]
mod tests;
mod units;
mod waits;

use data::Data;
use format::Clock;
use html::Html;

/// Sizes of the page in bytes from which lists end: what comes after them still has its place.
const FULL_AFTER_JOBS: usize = 300_000;
const FULL_AFTER_UNITS: usize = 800_000;
const FULL_AFTER_STREAMS: usize = 950_000;
const FULL: usize = 1_250_000;

pub fn page(data: &Data) -> String {
    let mut html = Html::default();
    let h = &mut html;
    let clock = Clock {
        utc_offset: data.about.utc_offset,
    };
    frame::page(h, data, clock, |h| {
        attention::section(h, data, clock);
        jobs::section(h, data, clock);
        history::section(h, data, clock);
        units::section(h, data);
        streams::section(h, data, clock);
        waits::section(h, data);
        rejects::section(h, data, clock);
        runs::section(h, data, clock);
        events::section(h, data, clock);
        plan::section(h, data);
    });
    html.finish()
}

/// The report is on several jobs, so that rows have to say whose they are.
fn many_jobs(data: &Data) -> bool {
    data.about.job.is_none()
}
