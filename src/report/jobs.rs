//! Jobs: one row each, and the whole definition where the report is on one.

use super::data::{Data, Job};
use super::format::{Clock, duration, grouped};
use super::html::Html;
use super::status::status;
use super::table::{self, cell, left_out, name, row_head};
use super::{FULL_AFTER_JOBS, many_jobs};

pub fn section(h: &mut Html, data: &Data, clock: Clock) {
    match (many_jobs(data), data.jobs.first()) {
        (false, Some(job)) => table::section(h, "jobs", "Job", "", |h| definition(h, job, clock)),
        _ => table::section(h, "jobs", "Jobs", "", |h| list(h, data, clock)),
    }
}

fn list(h: &mut Html, data: &Data, clock: Clock) {
    if data.jobs.is_empty() {
        h.leaf(
            "p",
            "empty",
            "There is no job, or none that this role may see.",
        );
        return;
    }
    let heads = [
        ("Job", ""),
        ("Status", ""),
        ("Mode", ""),
        ("Source", ""),
        ("Target", ""),
        ("Units", "n"),
        ("In step", "n"),
        ("Failed", "n"),
        ("Started", "n"),
        ("Took", "n"),
        ("Owner", ""),
    ];
    let mut shown = 0;
    table::table(h, "Jobs and their latest runs", &heads, |h| {
        for job in &data.jobs {
            if h.size() > FULL_AFTER_JOBS {
                break;
            }
            shown += 1;
            h.element("tr", &[], |h| row(h, job, clock));
        }
    });
    left_out(h, shown, data.totals.jobs, "jobs");
}

fn row(h: &mut Html, job: &Job, clock: Clock) {
    row_head(h, &job.job);
    h.element("td", &[], |h| {
        status(h, &job.status);
        if let Some(waiting_for) = &job.waiting_for {
            h.leaf("small", "", &format!("waits for {waiting_for}"));
        }
    });
    cell(h, "", &job.mode);
    name(h, "", &job.source);
    name(h, "", &job.target_schema);
    cell(h, "n", &grouped(job.units_total));
    cell(h, "n", &grouped(job.units_completed + job.units_streaming));
    let class = if job.units_failed > 0 { "n bad" } else { "n" };
    cell(h, class, &grouped(job.units_failed));
    cell(h, "n", &moment(job.started_at, clock));
    cell(h, "n", &took(job));
    name(h, "", &job.owner);
}

fn definition(h: &mut Html, job: &Job, clock: Clock) {
    let route = format!("{} → {}", job.source, job.target_schema);
    let mode = match job.mode.as_str() {
        "stream" => "stream: a copy that follows the source's log",
        "full" => "full: a copy made anew by each run",
        other => other,
    };
    let version = format!("{}, altered {}", job.version, moment(job.altered_at, clock));
    let run = match (job.started_at, job.finished_at) {
        (None, _) => "none yet".to_owned(),
        (Some(at), None) => format!("since {}, for {}", clock.moment(at), took(job)),
        (Some(at), Some(_)) => format!("{}, took {}", clock.moment(at), took(job)),
    };
    let units = job.units.join(", ");
    let depends_on = job.depends_on.join(", ");
    let created = moment(job.created_at, clock);
    h.element("dl", &[("class", "facts")], |h| {
        for (title, value) in [
            ("Source → target schema", route.as_str()),
            ("Mode", mode),
            ("Units", &units),
            ("Options", &job.options),
            ("Latest run", &run),
            ("Waits for", job.waiting_for.as_deref().unwrap_or_default()),
            ("Starts after", &depends_on),
            ("Owner", &job.owner),
            ("Created", &created),
            ("Version", &version),
        ] {
            if !value.is_empty() && value != "{}" {
                h.element("div", &[], |h| {
                    h.leaf("dt", "", title);
                    h.leaf("dd", "", value);
                });
            }
        }
    });
}

fn moment(at: Option<f64>, clock: Clock) -> String {
    at.map_or_else(|| "–".to_owned(), |at| clock.moment(at))
}

fn took(job: &Job) -> String {
    job.duration.map_or_else(|| "–".to_owned(), duration)
}
