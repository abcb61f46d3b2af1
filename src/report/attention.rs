//! Errors with what fixes them, before everything else.

use super::data::Data;
use super::format::{Clock, count, grouped};
use super::html::Html;
use super::table::section as titled;

const MOST: usize = 50;

struct Problem<'a> {
    job: &'a str,
    /// A unit, or what else of the job has the error.
    part: &'a str,
    error: &'a str,
    hint: Option<&'a str>,
    attempts: i64,
    next_retry_at: Option<f64>,
}

pub fn section(h: &mut Html, data: &Data, clock: Clock) {
    let problems = problems(data);
    if problems.is_empty() {
        return;
    }
    titled(h, "attention", "Errors", "", |h| {
        h.element("ul", &[("class", "problems")], |h| {
            for problem in problems.iter().take(MOST) {
                h.element("li", &[], |h| write(h, problem, clock));
            }
        });
        if problems.len() > MOST {
            let rest = count((problems.len() - MOST) as i64);
            h.leaf("p", "more", &format!("{rest} more errors are left out."));
        }
    });
}

fn problems(data: &Data) -> Vec<Problem<'_>> {
    let of_jobs = data.jobs.iter().filter_map(|job| {
        Some(Problem {
            job: &job.job,
            part: "run",
            error: job.error.as_deref()?,
            hint: job.hint.as_deref(),
            attempts: 0,
            next_retry_at: None,
        })
    });
    let of_streams = data.streams.iter().filter_map(|stream| {
        Some(Problem {
            job: &stream.job,
            part: "stream",
            error: stream.error.as_deref()?,
            hint: stream.hint.as_deref(),
            attempts: stream.attempts,
            next_retry_at: stream.next_retry_at,
        })
    });
    let of_units = data.units.iter().filter_map(|unit| {
        Some(Problem {
            job: &unit.job,
            part: &unit.unit,
            error: unit.error.as_deref()?,
            hint: unit.hint.as_deref(),
            attempts: unit.attempts,
            next_retry_at: unit.next_retry_at,
        })
    });
    of_jobs.chain(of_streams).chain(of_units).collect()
}

fn write(h: &mut Html, problem: &Problem<'_>, clock: Clock) {
    h.element("p", &[("class", "where")], |h| {
        h.element("span", &[], |h| h.text_up_to(80, problem.job));
        h.text(" / ");
        h.element("b", &[], |h| h.text_up_to(80, problem.part));
        let next = match problem.next_retry_at {
            Some(at) => format!("tried again at {}", clock.short(at)),
            None => "waits for a person".to_owned(),
        };
        let tries = match problem.attempts {
            0 | 1 => next,
            attempts => format!("{} attempts, {next}", grouped(attempts)),
        };
        h.leaf("span", "note", &tries);
    });
    h.leaf("p", "error", problem.error);
    if let Some(hint) = problem.hint {
        h.leaf("p", "hint", hint);
    }
}
