//! Logs that jobs follow: where they are, here and at the source.

use super::FULL_AFTER_STREAMS;
use super::data::{Data, Stream};
use super::format::{Clock, bytes, count, duration, grouped, number};
use super::html::Html;
use super::status::status;
use super::table;

const MOST: usize = 30;

pub fn section(h: &mut Html, data: &Data, clock: Clock) {
    if data.streams.is_empty() {
        return;
    }
    table::section(h, "streams", "Streams", "", |h| {
        let mut shown = 0;
        for stream in data.streams.iter().take(MOST) {
            if h.size() > FULL_AFTER_STREAMS {
                break;
            }
            shown += 1;
            h.element("div", &[("class", "card")], |h| {
                h.element("h3", &[], |h| {
                    h.element("span", &[], |h| h.text_up_to(80, &stream.job));
                    status(h, &stream.status);
                });
                facts(h, stream, clock);
                positions(h, stream);
            });
        }
        table::left_out(h, shown, data.streams.len() as i64, "streams");
    });
}

fn facts(h: &mut Html, stream: &Stream, clock: Clock) {
    let applied = format!(
        "{} in {} transactions",
        count(stream.rows),
        count(stream.transactions)
    );
    let rate = stream.rows_per_second.map(|rows| {
        let transactions = stream.transactions_per_second.unwrap_or(0.0);
        format!(
            "{} rows, {} transactions",
            number(rows),
            number(transactions)
        )
    });
    h.element("dl", &[("class", "facts")], |h| {
        for (title, value) in [
            ("Lag", stream.lag_seconds.map(duration)),
            (
                "Log still to apply",
                stream.lag_bytes.map(|lag| bytes(lag as f64)),
            ),
            ("Units in step", Some(grouped(stream.units))),
            ("Row changes applied", Some(applied)),
            ("Per second of late", rate),
            (
                "Last commit here",
                stream.applied_at.map(|at| clock.moment(at)),
            ),
            (
                "Source last heard",
                stream.heartbeat_at.map(|at| clock.moment(at)),
            ),
            ("Waits for", stream.waiting_for.clone()),
        ] {
            if let Some(value) = value {
                h.element("div", &[], |h| {
                    h.leaf("dt", "", title);
                    h.leaf("dd", "", &value);
                });
            }
        }
    });
}

fn positions(h: &mut Html, stream: &Stream) {
    let heads = [
        ("Position", ""),
        ("File", ""),
        ("Offset", "n"),
        ("GTID", ""),
    ];
    table::table(h, "Positions of the log", &heads, |h| {
        for (title, file, offset, gtid) in [
            ("applied", &stream.file, stream.offset, &stream.gtid),
            (
                "source",
                &stream.source_file,
                stream.source_offset,
                &stream.source_gtid,
            ),
        ] {
            h.element("tr", &[], |h| {
                table::row_head(h, title);
                table::name(h, "mono", file.as_deref().unwrap_or("–"));
                let offset = offset.map(grouped).unwrap_or_else(|| "–".to_owned());
                table::cell(h, "n", &offset);
                table::cell(h, "mono", gtid.as_deref().unwrap_or("–"));
            });
        }
    });
}
