//! What a soak remembers, because retention removes it: runs, and the sizes of the catalog.

use super::NAME;
use crate::support::fixture::ended;
use crate::support::postgres_client::PostgresClient;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// What retention has removed by the end.
#[derive(Debug)]
pub struct Seen {
    pub at: Instant,
    /// Each run that there was, and its last status.
    pub runs: BTreeMap<i64, String>,
    /// Those that pg_cron started.
    by_cron: BTreeSet<i64>,
    /// Errors of which none should be, and runs that have ended without an account.
    odd: BTreeSet<String>,
}

impl Seen {
    pub fn new() -> Seen {
        Seen {
            at: Instant::now(),
            runs: BTreeMap::new(),
            by_cron: BTreeSet::new(),
            odd: BTreeSet::new(),
        }
    }

    pub fn look(&mut self, pg: &mut PostgresClient) {
        let since = std::mem::replace(&mut self.at, Instant::now()).elapsed();
        // Before the runs: a run that is told of here is there.
        let told = pg.rows(
            "SELECT run_id, message FROM sync_events WHERE unit IS NULL AND status = 'scheduled'",
        );
        for row in told {
            let run = number(row[0].as_deref());
            self.runs.entry(run).or_insert_with(|| "scheduled".into());
            if row[1].as_deref() == Some("cron") {
                self.by_cron.insert(run);
            }
        }
        let odd = pg.rows(
            "SELECT concat_ws(' ', event_id, job, unit, sqlstate, message) FROM sync_events WHERE sqlstate LIKE 'XX%' \
             UNION ALL SELECT concat_ws(' ', run_id, job, status, error) FROM sync_runs \
             WHERE (finished_at IS NOT NULL) <> (status IN ('completed', 'failed', 'cancelled')) \
                OR finished_at IS NOT NULL AND rows_done IS NULL OR status = 'failed' AND error IS NULL",
        );
        self.odd
            .extend(odd.into_iter().filter_map(|row| row[0].clone()));
        let now: BTreeMap<i64, String> = pg
            .rows("SELECT run_id, status FROM sync_runs")
            .into_iter()
            .map(|row| {
                (
                    number(row[0].as_deref()),
                    row[1].clone().unwrap_or_default(),
                )
            })
            .collect();
        // Only a run that has ended may go, and it stays for a minute.
        let lost = |(run, status): &(&i64, &String)| !ended(status) && !now.contains_key(*run);
        let lost: Vec<_> = self.runs.iter().filter(lost).collect();
        assert!(
            lost.is_empty(),
            "runs that had not ended are gone, {since:?} after the last look: {lost:?}"
        );
        self.runs.extend(now);
    }

    pub fn judge(&self, minutes: u64) {
        let open: Vec<_> = self
            .runs
            .iter()
            .filter(|(_, status)| !ended(status))
            .collect();
        assert!(open.is_empty(), "runs that have not ended: {open:?}");
        assert!(self.odd.is_empty(), "{:#?}", self.odd);
        let [runs, by_cron] = [self.runs.len(), self.by_cron.len()];
        println!("{NAME}: {runs} runs have ended, {by_cron} of them by pg_cron");
        assert!(runs > 0);
        // Its minute may not have come before.
        assert!(by_cron > 0 || minutes < 2, "pg_cron has started nothing");
    }
}

pub fn number(text: Option<&str>) -> i64 {
    text.and_then(|text| text.parse().ok()).expect("a number")
}

fn median(sizes: &[i64]) -> i64 {
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// What each table has come to at each look, in kB and in rows. Half of the time is for warming up; from then on the last
/// quarter is as the one before.
pub fn assert_flat(sizes: &BTreeMap<String, Vec<[i64; 2]>>) {
    let mut grown = Vec::new();
    for (table, sizes) in sizes {
        let quarter = sizes.len() / 4;
        let of = |from: usize, what: usize| {
            let looks = &sizes[from..from + quarter];
            median(&looks.iter().map(|size| size[what]).collect::<Vec<_>>())
        };
        let quarters: Vec<[i64; 2]> = (0..4)
            .map(|number| [of(number * quarter, 0), of(number * quarter, 1)])
            .collect();
        println!("{NAME}: {table}, kB and rows by quarters: {quarters:?}");
        let grows = |what: usize| quarters[3][what] * 100 > quarters[2][what] * 120 + 10_000;
        if grows(0) || grows(1) {
            grown.push(table);
        }
    }
    assert!(grown.is_empty(), "the catalog grows: {grown:?}");
}
