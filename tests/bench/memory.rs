//! What a process holds for itself, while it works.

use std::fs;

/// Rows copied so far and the worker's private memory in kB at that moment.
pub type Sample = (u64, u64);

/// Anonymous resident memory; shared buffers are not the worker's own.
pub fn private_kb(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A Markdown table of the largest sample in each tenth of the work.
pub fn table(samples: &[Sample]) -> String {
    let whole = samples
        .iter()
        .map(|sample| sample.0)
        .max()
        .unwrap_or(0)
        .max(1);
    let mut tenths = [0; 10];
    for (rows, kb) in samples {
        let tenth = (rows * 10 / whole).min(9) as usize;
        tenths[tenth] = tenths[tenth].max(*kb);
    }
    let head: Vec<String> = (1..=10).map(|tenth| format!("{}%", tenth * 10)).collect();
    let body: Vec<String> = tenths
        .iter()
        .map(|kb| {
            if *kb == 0 {
                "-".to_owned()
            } else {
                format!("{:.1}", *kb as f64 / 1024.0)
            }
        })
        .collect();
    format!(
        "| {} |\n|{}\n| {} |",
        head.join(" | "),
        "---:|".repeat(10),
        body.join(" | ")
    )
}
