//! The stream: how fast a backlog is caught up with, how far behind it is under load, what it holds
//! in memory. MariaDB's own replica of the same log, on the same machine, is what it is measured by.
//!
//! All followers stand still but the one that is measured. BENCH_CHANGES (rows of a backlog),
//! BENCH_SECONDS (of the load) and BENCH_RUNS make it smaller; with the argument `peers` only the
//! replicas are measured.

mod follower;
mod lag;
mod processor;
mod replica;
mod source;
mod tributary;
mod watch;

use follower::Follower;
use lag::Lag;
use replica::Replica;
use source::{Load, Source};
use std::collections::BTreeMap;
use std::time::Instant;
use tributary::Tributary;

/// What is known of a follower.
struct Account {
    follower: Box<dyn Follower>,
    seconds: BTreeMap<Load, Vec<f64>>,
    /// Of the processor.
    processor: BTreeMap<Load, Vec<f64>>,
    /// The most of each backlog, in kB.
    memory: BTreeMap<Load, u64>,
    lags: Vec<Lag>,
    /// Why it is left out from some point on.
    error: Option<String>,
}

/// Prints tables in Markdown; whether all followers came to the source's state.
pub fn run(peers_only: bool) -> bool {
    let changes = crate::number("BENCH_CHANGES", 1_000_000);
    let length = crate::number("BENCH_SECONDS", 20);
    let runs = crate::number("BENCH_RUNS", 3);
    eprintln!("filling the source's tables");
    let mut source = Source::start();
    let mut accounts = Vec::new();
    if !peers_only {
        match Tributary::start(&mut source) {
            Ok(job) => accounts.push(Account::of(job)),
            Err(error) => eprintln!("pg_tributary is left out: {error}"),
        }
    }
    accounts.push(Account::of(Replica::with_defaults(&source)));
    accounts.push(Account::of(Replica::parallel(&source)));
    let position = source.position();
    for account in &mut accounts {
        let _ = account.follow(&position);
    }

    let mut bytes = BTreeMap::new();
    for run in 1..=runs {
        for load in Load::ALL {
            let before = source.log_bytes();
            source.produce(load, changes);
            bytes.insert(load, source.log_bytes().saturating_sub(before));
            let position = source.position();
            // Whoever comes first has not always the same state of the machine.
            accounts.rotate_left(1);
            for account in &mut accounts {
                if let Some(told) = account.catch_up(load, &position) {
                    eprintln!("run {run}: {}: {told}", load.name(changes));
                }
            }
        }
        accounts.rotate_left(1);
        for at in 0..accounts.len() {
            accounts[at].lag(&mut source, length);
            let position = source.position();
            for account in &mut accounts {
                let _ = account.follow(&position);
            }
        }
    }
    accounts.sort_by_key(|account| account.follower.name().to_owned());
    report_catch_up(&accounts, &bytes, changes);
    report_lag(&accounts, length);
    compare(&mut accounts, &mut source) && (peers_only || accounts.len() > 2)
}

impl Account {
    fn of(follower: impl Follower + 'static) -> Account {
        Account {
            follower: Box::new(follower),
            seconds: BTreeMap::new(),
            processor: BTreeMap::new(),
            memory: BTreeMap::new(),
            lags: Vec::new(),
            error: None,
        }
    }

    /// None where it fails or has failed.
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Follower) -> Result<T, String>,
    ) -> Option<T> {
        if self.error.is_some() {
            return None;
        }
        match work(self.follower.as_mut()) {
            Ok(done) => Some(done),
            Err(error) => {
                let name = self.follower.name();
                eprintln!("{name} is left out from here on: {error}");
                let _ = self.follower.stop();
                self.error = Some(error);
                None
            }
        }
    }

    /// From standing still to standing still at the position; the seconds up to the latter.
    fn follow(&mut self, position: &str) -> Option<f64> {
        self.attempt(|follower| {
            let begin = Instant::now();
            follower.start()?;
            follower.reach(position)?;
            let seconds = begin.elapsed().as_secs_f64();
            follower.stop()?;
            Ok(seconds)
        })
    }

    /// What there is to say of it.
    fn catch_up(&mut self, load: Load, position: &str) -> Option<String> {
        let watch = self.follower.watch();
        let before = processor::seconds(&self.follower.processes());
        let seconds = self.follow(position);
        let used = processor::seconds(&self.follower.processes()) - before;
        let kb = watch.map(watch::Watch::end);
        let seconds = seconds?;
        self.seconds.entry(load).or_default().push(seconds);
        self.processor.entry(load).or_default().push(used);
        let name = self.follower.name();
        let mut told = format!("{name} {seconds:.2} s, {used:.2} s of the processor");
        if let Some(kb) = kb {
            let most = self.memory.entry(load).or_default();
            *most = kb.max(*most);
            told += &format!(", {:.1} MB", kb as f64 / 1024.0);
        }
        Some(told)
    }

    fn lag(&mut self, source: &mut Source, length: u64) {
        let lag = self.attempt(|follower| lag::measure(source, follower, length));
        if let Some(lag) = lag {
            eprintln!(
                "lag: {} p50 {:.3} s, p99 {:.3} s",
                self.follower.name(),
                lag.percentile(50),
                lag.percentile(99)
            );
            self.lags.push(lag);
        }
    }
}

fn compare(accounts: &mut [Account], source: &mut Source) -> bool {
    let mut equal = true;
    for account in accounts {
        if account
            .attempt(|follower| follower.compare(source))
            .is_none()
        {
            equal = false;
        }
    }
    equal
}

fn median(seconds: impl Iterator<Item = f64>) -> f64 {
    let mut seconds: Vec<f64> = seconds.collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report_catch_up(accounts: &[Account], bytes: &BTreeMap<Load, u64>, changes: u64) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "\nSeconds to catch up with a backlog, medians (and each run); {cores} cores, all servers on one machine:\n"
    );
    table(
        accounts,
        |load| name(load, bytes, changes),
        |account| &account.seconds,
    );
    println!("\nSeconds of the processor that all processes of the follower used for it:\n");
    table(
        accounts,
        |load| name(load, bytes, changes),
        |account| &account.processor,
    );
    for account in accounts.iter().filter(|a| !a.memory.is_empty()) {
        println!(
            "\nMost private memory of a worker of {} above a plain backend's, in MB:\n",
            account.follower.name()
        );
        println!("| backlog | MB |\n|---|---:|");
        for (load, kb) in &account.memory {
            println!("| {} | {:.1} |", load.name(changes), *kb as f64 / 1024.0);
        }
    }
}

fn name(load: Load, bytes: &BTreeMap<Load, u64>, changes: u64) -> String {
    let megabytes = bytes.get(&load).map_or(0, |bytes| bytes / 1_000_000);
    format!("{}; {megabytes} MB of log", load.name(changes))
}

/// A row for each backlog, a column for each follower.
fn table(
    accounts: &[Account],
    name: impl Fn(Load) -> String,
    of: impl Fn(&Account) -> &BTreeMap<Load, Vec<f64>>,
) {
    let names: Vec<&str> = accounts.iter().map(|a| a.follower.name()).collect();
    println!("| backlog | {} |", names.join(" | "));
    println!("|---|{}", "---:|".repeat(names.len()));
    for load in Load::ALL {
        let cell = |account: &Account| match of(account).get(&load) {
            Some(all) => {
                let each: Vec<String> = all.iter().map(|one| format!("{one:.1}")).collect();
                let median = median(all.iter().copied());
                format!("{median:.1} ({})", each.join(", "))
            }
            None => "-".to_owned(),
        };
        let cells: Vec<String> = accounts.iter().map(cell).collect();
        println!("| {} | {} |", name(load), cells.join(" | "));
    }
}

fn report_lag(accounts: &[Account], length: u64) {
    println!(
        "\nLag while sysbench's oltp_write_only runs for {length} s with 4 threads, in seconds, medians of the runs:\n"
    );
    println!(
        "| follower | p50 | p99 | most | caught up after | beats | transactions per second at the source |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for account in accounts {
        let middle = |of: &dyn Fn(&Lag) -> f64| median(account.lags.iter().map(of));
        println!(
            "| {} | {:.3} | {:.3} | {:.3} | {:.3} | {:.0} | {:.0} |",
            account.follower.name(),
            middle(&|lag| lag.percentile(50)),
            middle(&|lag| lag.percentile(99)),
            middle(&|lag| lag.percentile(100)),
            middle(&|lag| lag.settled),
            middle(&|lag| lag.beats() as f64),
            middle(&|lag| lag.rate),
        );
    }
}
