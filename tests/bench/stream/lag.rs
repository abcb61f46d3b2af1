//! How far behind a follower is while the source is written to as fast as it goes: a row with the
//! time is inserted there every few milliseconds, and looked for here as often.

use super::follower::Follower;
use super::source::{Source, rate};
use crate::support::mariadb_client::MariaDbClient;
use crate::support::wait::{seconds, wait_for};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const BEAT_EVERY: Duration = Duration::from_millis(10);
const LOOK_EVERY: Duration = Duration::from_millis(3);

pub struct Lag {
    /// Seconds of each beat, sorted.
    seconds: Vec<f64>,
    /// From the end of the writing to the last beat's arrival.
    pub settled: f64,
    /// Transactions per second at the source.
    pub rate: f64,
}

impl Lag {
    /// Zero percent is the least, a hundred the most.
    pub fn percentile(&self, percent: usize) -> f64 {
        let last = self.seconds.len().saturating_sub(1);
        let place = (last * percent).div_ceil(100);
        self.seconds.get(place).copied().unwrap_or(f64::NAN)
    }

    pub fn beats(&self) -> usize {
        self.seconds.len()
    }
}

/// Lets the follower follow while `oltp_write_only` runs.
pub fn measure(
    source: &mut Source,
    follower: &mut dyn Follower,
    length: u64,
) -> Result<Lag, String> {
    follower.start()?;
    follower.reach(&source.position())?;
    let mut seen = newest(source.client());
    let mut lag = Lag {
        seconds: Vec::new(),
        settled: 0.0,
        rate: 0.0,
    };
    let heart = Heart::start(source.server.connect(Some("bench")));
    let mut writers = source
        .write_for(length)
        .spawn()
        .map_err(|error| format!("sysbench: {error}"))?;
    while matches!(writers.try_wait(), Ok(None)) {
        look(follower, &mut seen, &mut lag.seconds)?;
        std::thread::park_timeout(LOOK_EVERY);
    }
    let end = Instant::now();
    // The heart's last beat comes after the last transaction of the writers.
    let mut client = heart.stop();
    let last = newest(&mut client);
    let mut failed = None;
    let settled = wait_for(seconds(120), || {
        failed = look(follower, &mut seen, &mut lag.seconds).err();
        (seen >= last || failed.is_some()).then(|| end.elapsed().as_secs_f64())
    });
    if let Some(error) = failed {
        return Err(error);
    }
    lag.settled = settled.ok_or("it has not caught up two minutes after the end")?;
    let printed = writers
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    lag.rate = rate(&String::from_utf8_lossy(&printed.stdout)).unwrap_or(f64::NAN);
    lag.seconds.sort_by(f64::total_cmp);
    follower.stop()?;
    Ok(lag)
}

fn look(follower: &mut dyn Follower, seen: &mut u64, seconds: &mut Vec<f64>) -> Result<(), String> {
    for beat in follower.beats(*seen)? {
        *seen = beat.number.max(*seen);
        seconds.push(beat.seconds);
    }
    Ok(())
}

fn newest(client: &mut MariaDbClient) -> u64 {
    let newest = client.text("SELECT COALESCE(MAX(n), 0) FROM bench.beat");
    newest.parse().expect("a number")
}

/// A thread that writes beats until it is stopped, and then one more.
struct Heart {
    over: Arc<AtomicBool>,
    thread: JoinHandle<MariaDbClient>,
}

impl Heart {
    fn start(mut client: MariaDbClient) -> Heart {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            loop {
                let last = seen.load(Ordering::Relaxed);
                client.rows("INSERT INTO beat (at) VALUES (NOW(6))");
                if last {
                    return client;
                }
                std::thread::park_timeout(BEAT_EVERY);
            }
        });
        Heart { over, thread }
    }

    fn stop(self) -> MariaDbClient {
        self.over.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().expect("the heart")
    }
}
