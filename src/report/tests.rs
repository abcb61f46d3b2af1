//! The whole page: well-formed, escaped, bounded, whatever the data are.

use super::data::{
    About, Column, Data, Event, Job, Labelled, Plan, Reject, Run, Samples, Step, Stream, Total,
    Totals, Unit,
};
use super::page;

const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\u{0}\u{1b}]0;x\u{202e}";

/// Every text of it is `text`, and each list has `rows` rows.
fn filled(text: &str, rows: usize) -> Data {
    let own = || text.to_owned();
    let some = || Some(text.to_owned());
    let list = || vec![text.to_owned(); 3];
    let of = 0..rows;
    Data {
        about: About {
            job: some(),
            at: 1.7e9,
            utc_offset: 3600,
            time_zone: own(),
            server_version: own(),
            extension_version: some(),
            database: own(),
            role: own(),
        },
        totals: Totals {
            jobs: 1_000,
            units: 10_000,
            failed: 3,
            rows_done: i64::MAX,
            bytes_done: i64::MAX,
            rows_rejected: 5,
            ..Totals::default()
        },
        jobs: of
            .clone()
            .map(|_| Job {
                job: own(),
                status: own(),
                source: own(),
                target_schema: own(),
                mode: own(),
                units: list(),
                error: some(),
                hint: some(),
                waiting_for: some(),
                owner: own(),
                options: own(),
                depends_on: list(),
                started_at: Some(1.6e9),
                duration: Some(3.5),
                ..Job::default()
            })
            .collect(),
        units: of
            .clone()
            .map(|number| Unit {
                job: own(),
                unit: own(),
                target: own(),
                status: own(),
                phase: some(),
                waiting_for: some(),
                error: some(),
                hint: some(),
                percent: Some(number as f64),
                rows_per_second: Some(f64::NAN),
                source_wait: Some(1.0),
                ..Unit::default()
            })
            .collect(),
        streams: of
            .clone()
            .map(|_| Stream {
                job: own(),
                status: own(),
                gtid: some(),
                file: some(),
                source_gtid: some(),
                source_file: some(),
                waiting_for: some(),
                error: some(),
                hint: some(),
                ..Stream::default()
            })
            .collect(),
        samples: Samples {
            step: 60.0,
            total: vec![
                Total(0.0, Some(1.0), Some(1.0), Some(1.0)),
                Total(60.0, Some(2.0), None, None),
            ],
            rows: (0..4).map(|_| labelled(text)).collect(),
            lag: (0..5).map(|_| labelled(text)).collect(),
        },
        runs: of
            .clone()
            .map(|_| Run {
                job: own(),
                status: own(),
                trigger: own(),
                started_by: own(),
                error: some(),
                ..Run::default()
            })
            .collect(),
        events: of
            .clone()
            .map(|_| Event {
                job: own(),
                unit: some(),
                status: own(),
                message: some(),
                sqlstate: some(),
                ..Event::default()
            })
            .collect(),
        rejects: of
            .clone()
            .map(|_| Reject {
                job: own(),
                unit: own(),
                key: Some(serde_json::json!([{ "text": text }])),
                sqlstate: own(),
                message: own(),
                column_name: some(),
                hint: some(),
                at: 0.0,
            })
            .collect(),
        plans: (0..rows.min(60)).map(|_| plan(text)).collect(),
    }
}

fn labelled(text: &str) -> Labelled {
    Labelled {
        label: text.to_owned(),
        points: vec![(0.0, Some(1.0)), (60.0, Some(2.0))],
    }
}

fn plan(text: &str) -> Plan {
    let some = || Some(text.to_owned());
    // A plan has many; each need not be of the full length.
    let part = || Some(text.chars().take(200).collect());
    Plan {
        job: text.to_owned(),
        unit: text.to_owned(),
        method: some(),
        key: vec![text.to_owned()],
        filter: some(),
        warnings: vec![text.to_owned()],
        columns_total: Some(100),
        columns: (0..100)
            .map(|_| Column {
                source: part(),
                source_type: part(),
                target: part(),
                target_type: part(),
                ..Column::default()
            })
            .collect(),
        steps: vec![Step {
            kind: "index".to_owned(),
            name: text.to_owned(),
            referenced_unit: some(),
            status: text.to_owned(),
        }],
    }
}

fn sampled(points: &[(f64, Option<f64>)]) -> Data {
    Data {
        samples: Samples {
            step: 60.0,
            total: points
                .iter()
                .map(|(at, value)| Total(*at, *value, *value, *value))
                .collect(),
            ..Samples::default()
        },
        ..Data::default()
    }
}

/// Names of the elements, in order. Fails where tags do not match or an attribute is not quoted.
fn elements(page: &str) -> Vec<&str> {
    let body = page.strip_prefix("<!DOCTYPE html>\n").expect("a doctype");
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    let mut rest = body;
    while let Some(start) = rest.find('<') {
        assert!(
            !rest[..start].contains('>'),
            "a bare > in {}",
            &rest[..start]
        );
        let end = start + rest[start..].find('>').expect("the tag's end");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closes another: {tag}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
        seen.push(name);
        if name == "style" {
            // What it holds is no markup.
            rest = &rest[rest.find("</style>").expect("the style's end")..];
        }
        if name != "meta" {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    seen
}

fn assert_sound(page: &str) -> Vec<&str> {
    let seen = elements(page);
    for banned in ["script", "img", "link", "iframe", "object", "foreignObject"] {
        assert!(!seen.contains(&banned), "{banned}");
    }
    for banned in [
        "NaN", "inf ", "src=\"", "url(", "@import", "http:", "https:",
    ] {
        assert!(!page.contains(banned), "{banned}");
    }
    assert!(!page.contains(|c: char| c < ' ' && c != '\n' && c != '\t'));
    seen
}

#[test]
fn hostile_texts_never_come_out_raw() {
    for rows in [1, 3] {
        for many in [false, true] {
            let mut data = filled(HOSTILE, rows);
            if many {
                data.about.job = None;
            }
            let page = page(&data);
            assert_sound(&page);
            assert!(page.contains("&lt;script&gt;alert(1)"));
            assert!(!page.contains('\u{202e}'));
        }
    }
}

#[test]
fn a_page_without_data_is_well_formed() {
    let page = page(&Data::default());
    let seen = assert_sound(&page);
    assert!(!seen.contains(&"svg"));
    for text in [
        "There is no job",
        "There are no samples yet",
        "Nothing has run yet",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn one_sample_draws_no_line() {
    let page = page(&sampled(&[(1.7e9, None)]));
    assert_sound(&page);
    assert!(!page.contains("class=\"line\""));
    assert!(page.contains("one sample more is needed"));
    // With a rate it is a dot.
    let page = self::page(&sampled(&[(1.7e9, Some(5.0))]));
    assert_sound(&page);
    assert!(page.contains("h0\""));
}

#[test]
fn counters_that_fell_and_silence_break_the_line() {
    let points = [
        (0.0, Some(5.0)),
        (60.0, Some(6.0)),
        (120.0, None),
        (180.0, Some(4.0)),
        (240.0, Some(-9.0)),
        (300.0, Some(5.0)),
        (900.0, Some(5.0)),
    ];
    let page = page(&sampled(&points));
    assert_sound(&page);
    let line = page.split("class=\"line\" d=\"").nth(1).expect("a line");
    let line = &line[..line.find('"').expect("its end")];
    assert_eq!(line.matches('M').count(), 4, "{line}");
}

#[test]
fn numbers_that_are_none_draw_nothing() {
    let values = [
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(1e300),
        Some(0.0),
        Some(1e-300),
    ];
    let points: Vec<(f64, Option<f64>)> = values
        .iter()
        .enumerate()
        .map(|(number, value)| (60.0 * number as f64, *value))
        .collect();
    assert_sound(&page(&sampled(&points)));
    assert_sound(&page(&sampled(&[(f64::NAN, Some(1.0)), (60.0, Some(1.0))])));
    assert_sound(&page(&sampled(&[(0.0, Some(0.0)), (60.0, Some(0.0))])));
}

#[test]
fn a_line_has_about_three_hundred_points() {
    let day: Vec<(f64, Option<f64>)> = (0..1440)
        .map(|minute| {
            (
                60.0 * f64::from(minute),
                Some(f64::from(minute * 7919 % 1000)),
            )
        })
        .collect();
    let page = page(&sampled(&day));
    let line = page.split("class=\"line\" d=\"").nth(1).expect("a line");
    let line = &line[..line.find('"').expect("its end")];
    let points = line.matches(['M', 'L']).count();
    assert!((200..=300).contains(&points), "{points}");
}

#[test]
fn the_page_stays_small() {
    for text in ["\"".repeat(10_240), "🐬".repeat(2_560), "orders".to_owned()] {
        for many in [false, true] {
            let mut data = filled(&text, 500);
            // As many as the query returns.
            data.jobs.truncate(200);
            data.streams.truncate(200);
            data.runs.truncate(20);
            data.events.truncate(50);
            data.rejects.truncate(20);
            if many {
                data.about.job = None;
            }
            let page = page(&data);
            assert_sound(&page);
            assert!(page.len() < 1_500_000, "{} bytes", page.len());
            assert!(page.contains(" more units are left out."));
        }
    }
}

#[test]
fn tables_and_pictures_can_be_listened_to() {
    let page = page(&filled("orders", 2));
    let seen = assert_sound(&page);
    let number = |name: &str| seen.iter().filter(|seen| **seen == name).count();
    assert_eq!(number("table"), number("caption"));
    assert_eq!(number("svg"), 4);
    assert_eq!(number("desc"), 4);
    assert_eq!(page.matches("role=\"img\"").count(), 4);
    assert_eq!(number("th"), page.matches("scope=\"").count());
    assert_eq!(number("h1"), 1);
    assert!(page.contains("<html lang=\"en\">"));
}
