//! The page around its sections: head, headline, figures, contents, foot.

use super::data::Data;
use super::format::{Clock, bytes, count, duration, grouped, number};
use super::html::Html;
use super::status::status;

/// Nothing may be loaded or run, whatever should have got into the page.
const HEAD: &str = concat!(
    "<meta charset=\"utf-8\">",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; ",
    "base-uri 'none'; form-action 'none'\">",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
    "<meta name=\"color-scheme\" content=\"light dark\">",
    "<meta name=\"referrer\" content=\"no-referrer\">",
    "<meta name=\"robots\" content=\"noindex\">",
    "<style>",
    include_str!("style.css"),
    "</style>",
);

pub fn page(h: &mut Html, data: &Data, clock: Clock, sections: impl FnOnce(&mut Html)) {
    h.markup("<!DOCTYPE html>\n");
    h.element("html", &[("lang", "en")], |h| {
        h.element("head", &[], |h| {
            h.markup(HEAD);
            h.element("title", &[], |h| {
                h.text_up_to(80, name(data));
                h.text(&format!(" · sync report {}", clock.moment(data.about.at)));
            });
        });
        h.element("body", &[], |h| {
            h.element("header", &[("class", "head")], |h| {
                headline(h, data, clock);
            });
            h.element("main", &[], |h| {
                figures(h, data);
                sections(h);
            });
            h.element("footer", &[], |h| {
                h.leaf("p", "", "Made by sync_report of pg_tributary. It holds names, keys of rejected rows and messages; it holds no other values of rows.");
            });
        });
    });
}

fn name(data: &Data) -> &str {
    data.about.job.as_deref().unwrap_or("All jobs")
}

fn headline(h: &mut Html, data: &Data, clock: Clock) {
    let about = &data.about;
    h.element("h1", &[], |h| {
        h.element("span", &[], |h| h.text_up_to(120, name(data)));
        if let (Some(_), Some(job)) = (&about.job, data.jobs.first()) {
            status(h, &job.status);
        }
    });
    h.element("p", &[("class", "about")], |h| {
        let time = format!("{} {}", clock.moment(about.at), about.time_zone);
        let version = about.extension_version.as_deref().unwrap_or("?");
        // The packager's suffix is of no use here.
        let server = about.server_version.split(' ').next().unwrap_or_default();
        for (label, value) in [
            ("Taken", time.as_str()),
            ("Database", &about.database),
            ("Seen by", &about.role),
            ("pg_tributary", version),
            ("PostgreSQL", server),
        ] {
            h.element("span", &[], |h| {
                h.leaf("i", "", label);
                h.text(" ");
                h.leaf("b", "", value);
            });
        }
    });
    h.element("nav", &[("aria-label", "Contents")], |h| {
        for (present, target, title) in [
            (
                true,
                "#jobs",
                if about.job.is_some() { "Job" } else { "Jobs" },
            ),
            (true, "#history", "History"),
            (true, "#units", "Units"),
            (!data.streams.is_empty(), "#streams", "Streams"),
            (true, "#waits", "Waits"),
            (true, "#rejects", "Rejects"),
            (true, "#runs", "Runs"),
            (true, "#events", "Events"),
            (true, "#plans", "Plans"),
        ] {
            if present {
                h.element("a", &[("href", target)], |h| h.text(title));
            }
        }
    });
}

/// What one wants to know at the first glance.
fn figures(h: &mut Html, data: &Data) {
    let totals = &data.totals;
    let at_rest = totals.completed + totals.streaming;
    let rate = data.samples.total.last().and_then(|total| total.1);
    let lag = data
        .streams
        .iter()
        .filter_map(|stream| stream.lag_seconds)
        .reduce(f64::max);
    h.element("div", &[("class", "figures")], |h| {
        if data.about.job.is_none() {
            figure(h, "Jobs", &grouped(totals.jobs), "", "");
        }
        let failed = match totals.failed {
            0 => "none failed".to_owned(),
            failed => format!("{} failed", grouped(failed)),
        };
        let tone = if totals.failed > 0 { "bad" } else { "" };
        let units = format!("{} of {}", grouped(at_rest), grouped(totals.units));
        figure(h, "Units in step", &units, &failed, tone);
        figure(
            h,
            "Rows written",
            &count(totals.rows_done),
            &grouped(totals.rows_done),
            "",
        );
        figure(
            h,
            "Volume",
            &bytes(totals.bytes_done as f64),
            "as COPY carries it",
            "",
        );
        match rate {
            Some(rate) => figure(
                h,
                "Rows per second",
                &number(rate),
                "in the latest sample",
                "",
            ),
            None => figure(h, "Rows per second", "–", "no sample yet", ""),
        }
        if let Some(lag) = lag {
            figure(h, "Lag", &duration(lag), "behind the source", "");
        }
        let tone = if totals.rows_rejected > 0 { "warn" } else { "" };
        figure(
            h,
            "Rejects",
            &count(totals.rows_rejected),
            "rows kept aside",
            tone,
        );
    });
}

fn figure(h: &mut Html, title: &str, value: &str, note: &str, tone: &'static str) {
    let class = match tone {
        "bad" => "figure bad",
        "warn" => "figure warn",
        _ => "figure",
    };
    h.element("div", &[("class", class)], |h| {
        h.leaf("span", "label", title);
        h.leaf("span", "value", value);
        h.leaf("span", "note", note);
    });
}
