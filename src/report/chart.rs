//! A line chart as SVG: an axis from zero with round marks, local times, breaks where there is
//! nothing to show. What the lines show is also told in words.

use super::format::{Clock, bytes, duration, number};
use super::html::Html;
use super::scale::{Point, mark_distance, thinned, time_marks};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 550.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 164.0;

pub struct Chart {
    pub id: &'static str,
    pub title: &'static str,
    pub measure: Measure,
    pub lines: Vec<Line>,
}

pub struct Line {
    pub label: String,
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, Copy)]
pub enum Measure {
    Number,
    Bytes,
    Seconds,
}

impl Measure {
    fn show(self, value: f64) -> String {
        match self {
            Measure::Number => number(value),
            Measure::Bytes => bytes(value),
            Measure::Seconds => duration(value),
        }
    }

    /// As `show`, without the zeros that a round number ends with.
    fn mark(self, value: f64) -> String {
        let shown = self.show(value);
        match shown.split_once(' ') {
            Some((digits, unit)) if digits.contains('.') => {
                let digits = digits.trim_end_matches('0').trim_end_matches('.');
                format!("{digits} {unit}")
            }
            _ => shown,
        }
    }

    /// What marks are round numbers of, where values reach up to `most`.
    fn unit(self, most: f64) -> f64 {
        match self {
            Measure::Number => 1.0,
            Measure::Bytes => 1024f64.powf(most.max(1.0).log(1024.0).floor()),
            Measure::Seconds if most >= 7200.0 => 3600.0,
            Measure::Seconds if most >= 120.0 => 60.0,
            Measure::Seconds => 1.0,
        }
    }
}

/// From data to the picture.
struct Frame {
    from: f64,
    to: f64,
    most: f64,
    mark: f64,
}

impl Frame {
    fn new(chart: &Chart, (from, to): (f64, f64)) -> Frame {
        let values = chart.lines.iter().flat_map(|line| &line.points);
        let most = values.filter_map(|(_, value)| *value).fold(0.0, f64::max);
        // A line of zeros lies on the axis.
        let most = if most > 0.0 { most } else { 1.0 };
        let mark = mark_distance(most, chart.measure.unit(most));
        Frame {
            from,
            to: if to > from { to } else { from + 60.0 },
            most: (most / mark).ceil() * mark,
            mark,
        }
    }

    fn x(&self, at: f64) -> f64 {
        let part = (at - self.from) / (self.to - self.from);
        LEFT + (RIGHT - LEFT) * part.clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (value / self.most).clamp(0.0, 1.0)
    }
}

impl Chart {
    pub fn draw(&self, h: &mut Html, span: (f64, f64), clock: Clock) {
        let frame = Frame::new(self, span);
        let words = self.words(clock);
        h.element("figure", &[("class", "chart")], |h| {
            h.element("figcaption", &[], |h| {
                h.leaf("b", "", self.title);
                h.leaf("span", "note", &words);
            });
            let [title, about] = [format!("{}-title", self.id), format!("{}-about", self.id)];
            let names = format!("{title} {about}");
            let size = format!("0 0 {WIDTH:.0} {HEIGHT:.0}");
            let svg = [
                ("viewBox", size.as_str()),
                ("role", "img"),
                ("aria-labelledby", &names),
            ];
            h.element("svg", &svg, |h| {
                h.element("title", &[("id", &title)], |h| h.text(self.title));
                h.element("desc", &[("id", &about)], |h| h.text(&words));
                self.axes(h, &frame, clock);
                for (place, line) in self.lines.iter().enumerate().rev() {
                    draw_line(h, &frame, &line.points, place);
                }
            });
            if self.lines.len() > 1 {
                h.element("ul", &[("class", "legend")], |h| {
                    for (place, line) in self.lines.iter().enumerate() {
                        h.element("li", &[("class", colour(place))], |h| {
                            h.text_up_to(40, &line.label);
                        });
                    }
                });
            }
        });
    }

    /// The first line in words.
    fn words(&self, clock: Clock) -> String {
        let points = self.lines.first().map_or(&[][..], |line| &line.points);
        let known: Vec<(f64, f64)> = points
            .iter()
            .filter_map(|(at, value)| Some((*at, (*value)?)))
            .collect();
        let peak = known.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let (Some((_, last)), Some((peak_at, peak))) = (known.last(), peak) else {
            return "one sample more is needed".to_owned();
        };
        let mean = known.iter().map(|(_, value)| value).sum::<f64>() / known.len() as f64;
        format!(
            "latest {} · mean {} · peak {} at {}",
            self.measure.show(*last),
            self.measure.show(mean),
            self.measure.show(*peak),
            clock.hour_and_minute(*peak_at)
        )
    }

    fn axes(&self, h: &mut Html, frame: &Frame, clock: Clock) {
        // Rounding may make the last quotient a bit too small.
        let marks = (frame.most / frame.mark).round().clamp(1.0, 12.0) as u32;
        for number in 0..=marks {
            let value = f64::from(number) * frame.mark;
            let y = frame.y(value);
            let class = if number == 0 { "axis" } else { "grid" };
            let path = format!("M{LEFT:.1} {y:.1}H{RIGHT:.1}");
            h.element("path", &[("class", class), ("d", &path)], |_| {});
            label(h, "end", LEFT - 7.0, y + 3.5, &self.measure.mark(value));
        }
        for at in time_marks(frame.from, frame.to, clock.utc_offset, 7.0) {
            let x = frame.x(at);
            let path = format!("M{x:.1} {BOTTOM:.1}v4");
            h.element("path", &[("class", "axis"), ("d", &path)], |_| {});
            label(h, "middle", x, BOTTOM + 17.0, &clock.hour_and_minute(at));
        }
    }
}

fn label(h: &mut Html, anchor: &'static str, x: f64, y: f64, text: &str) {
    let [x, y] = [x, y].map(|place| format!("{place:.1}"));
    let place = [("x", x.as_str()), ("y", &y), ("text-anchor", anchor)];
    h.element("text", &place, |h| h.text(text));
}

fn draw_line(h: &mut Html, frame: &Frame, points: &[Point], place: usize) {
    let points = thinned(points);
    let pieces: Vec<&[Point]> = points
        .split(|(_, value)| value.is_none())
        .filter(|piece| !piece.is_empty())
        .collect();
    let mut line = String::new();
    let mut area = String::new();
    for piece in pieces {
        let mut last = LEFT;
        for (number, (at, value)) in piece.iter().enumerate() {
            let (x, y) = (frame.x(*at), frame.y(value.unwrap_or(0.0)));
            let command = if number == 0 { 'M' } else { 'L' };
            line += &format!("{command}{x:.1} {y:.1}");
            area += &match number {
                0 => format!("M{x:.1} {BOTTOM:.1}V{y:.1}"),
                _ => format!("L{x:.1} {y:.1}"),
            };
            last = x;
        }
        // One point alone is a dot: the ends of lines are round.
        if piece.len() == 1 {
            line += "h0";
        }
        area += &format!("L{last:.1} {BOTTOM:.1}Z");
    }
    if line.is_empty() {
        return;
    }
    h.element("g", &[("class", colour(place))], |h| {
        if place == 0 {
            h.element("path", &[("class", "area"), ("d", &area)], |_| {});
        }
        h.element("path", &[("class", "line"), ("d", &line)], |_| {});
    });
}

fn colour(place: usize) -> &'static str {
    match place {
        0 => "c0",
        1 => "c1",
        2 => "c2",
        3 => "c3",
        _ => "c4",
    }
}
