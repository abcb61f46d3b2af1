//! What processes have used of the processor: unlike seconds by the clock it hardly depends on what
//! else runs on the machine.

use std::fs;

/// Of `/proc/<pid>/stat`, on every machine that Linux runs on today.
const TICKS_PER_SECOND: f64 = 100.0;
/// Fields after the name in parentheses: user and system time, and those of children that have ended.
const TIMES: std::ops::Range<usize> = 11..15;

/// Seconds so far, of the processes and of their children that have ended.
pub fn seconds(pids: &[u32]) -> f64 {
    pids.iter().filter_map(|pid| ticks(*pid)).sum::<u64>() as f64 / TICKS_PER_SECOND
}

fn ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let times = fields.get(TIMES)?;
    Some(
        times
            .iter()
            .filter_map(|time| time.parse::<u64>().ok())
            .sum(),
    )
}
