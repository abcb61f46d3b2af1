//! Bars on a terminal, lines elsewhere.

use crate::support::postgres_client::Row;
use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

pub const QUERY: &str = "SELECT unit, status, rows_done, coalesce(percent, 0), coalesce(rows_per_second, 0), \
                         coalesce(rows_estimated, 0) FROM sync_units WHERE job = 'shop'";

const WIDTH: usize = 40;

/// Between two reports where there is no terminal.
const PACE: Duration = Duration::from_secs(2);

pub struct Unit {
    name: String,
    status: String,
    rows: u64,
    percent: f64,
    rate: u64,
    estimate: u64,
}

pub fn parse(rows: &[Row]) -> Vec<Unit> {
    rows.iter()
        .map(|row| {
            let text = |index: usize| row.get(index).cloned().flatten().unwrap_or_default();
            Unit {
                name: text(0),
                status: text(1),
                rows: text(2).parse().unwrap_or(0),
                percent: text(3).parse().unwrap_or(0.0),
                rate: text(4).parse().unwrap_or(0),
                estimate: text(5).parse().unwrap_or(0),
            }
        })
        .collect()
}

/// Half of all rows are there, by the source's estimate.
pub fn half_done(units: &[Unit]) -> bool {
    let rows: u64 = units.iter().map(|unit| unit.rows).sum();
    let estimate: u64 = units.iter().map(|unit| unit.estimate).sum();
    rows * 2 > estimate && estimate > 0
}

pub struct Screen {
    terminal: bool,
    /// Lines that the next drawing goes over.
    drawn: usize,
    last: Option<Instant>,
    /// The last line has been printed, where there is no terminal.
    done: bool,
}

impl Screen {
    pub fn new() -> Screen {
        println!();
        Screen {
            terminal: stdout().is_terminal(),
            drawn: 0,
            last: None,
            done: false,
        }
    }

    pub fn draw(&mut self, units: &[Unit]) {
        let done = !units.is_empty() && units.iter().all(|unit| unit.status == "completed");
        if !self.terminal {
            let early = self.last.is_some_and(|last| last.elapsed() < PACE);
            if self.done || (early && !done) {
                return;
            }
            self.done = done;
            self.last = Some(Instant::now());
            let parts: Vec<String> = units
                .iter()
                .map(|unit| format!("{} {:.0}%", unit.name, unit.percent))
                .collect();
            println!("  {}", parts.join("  "));
            return;
        }
        let mut picture = String::new();
        if self.drawn > 0 {
            picture += &format!("\x1b[{}A", self.drawn);
        }
        for unit in units {
            let filled = (unit.percent / 100.0 * WIDTH as f64) as usize;
            picture += &format!(
                "\x1b[2K  {:<12} {}{} {:>5.1}%  {:>9} rows  {:>8}/s  {}\n",
                unit.name,
                "█".repeat(filled.min(WIDTH)),
                "░".repeat(WIDTH.saturating_sub(filled)),
                unit.percent,
                unit.rows,
                unit.rate,
                unit.status
            );
        }
        print!("{picture}");
        let _ = stdout().flush();
        self.drawn = units.len();
    }

    /// A line that stays.
    pub fn say(&mut self, text: &str) {
        println!("\n  {text}\n");
        self.drawn = 0;
    }
}
