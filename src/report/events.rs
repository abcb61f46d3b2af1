//! The latest changes of state.

use super::data::Data;
use super::format::Clock;
use super::html::Html;
use super::many_jobs;
use super::status::status;
use super::table::{self, cell, name, only_if};

pub fn section(h: &mut Html, data: &Data, clock: Clock) {
    table::section(h, "events", "Events", "the latest first", |h| {
        if data.events.is_empty() {
            h.leaf("p", "empty", "Nothing has happened yet.");
            return;
        }
        let heads = [
            ("At", ""),
            only_if(many_jobs(data), "Job"),
            ("Unit", ""),
            ("Status", ""),
            ("Message", "text"),
            ("SQLSTATE", ""),
            ("Run", "n"),
        ];
        table::table(h, "Latest changes of state", &heads, |h| {
            for event in &data.events {
                h.element("tr", &[], |h| {
                    cell(h, "", &clock.short(event.at));
                    if many_jobs(data) {
                        name(h, "", &event.job);
                    }
                    name(h, "", event.unit.as_deref().unwrap_or("(run)"));
                    h.element("td", &[], |h| status(h, &event.status));
                    h.element("td", &[("class", "text")], |h| {
                        h.text_up_to(400, event.message.as_deref().unwrap_or_default());
                    });
                    name(h, "mono", event.sqlstate.as_deref().unwrap_or_default());
                    let run = event.run_id.map(|run| run.to_string());
                    cell(h, "n", run.as_deref().unwrap_or_default());
                });
            }
        });
    });
}
