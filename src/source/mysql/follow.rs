//! Following the log from a position: events in, segments of net changes out, for ever.
//!
//! A group of transactions is handed on as soon as the main thread waits for something to apply, at
//! the end of a transaction: so groups are as small as one transaction while the main thread keeps up,
//! and grow while it does not.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, timeout};

use super::assemble::{Assembler, LogDialect, Step};
use super::binlog::{BinlogStream, DumpRequest, Start};
use super::connect::Connection;
use super::position_check::Resume;
use super::torn::{behind_torn, goes_on_at};
use crate::error::{Error, Kind, Result};
use crate::model::batch::BatchLimit;
use crate::model::position::Position;
use crate::source::log::{Stop, StreamSink};

pub use super::assemble::FollowedTable;

/// Which changes are wanted, from where on.
#[derive(Debug)]
pub struct FollowRequest {
    pub from: Position,
    /// Read up to here and no further.
    pub until: Option<Position>,
    /// What this reader calls itself at the source; no other replica may.
    pub server_id: u32,
    /// A group is handed on at the end of a transaction when it holds this much.
    pub group: BatchLimit,
    pub tables: Vec<FollowedTable>,
}

/// How often a position that moves without rows of ours is told.
const TICK: Duration = Duration::from_millis(250);
/// How often the source is asked for the end of its log.
const PROBE: Duration = Duration::from_secs(2);
/// How long that may take.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// Follows the log into `sink` until `until`, an obstacle, or an error. `probe` is a session beside the
/// one that sends the log; `hunger` is over when the main thread waits.
pub async fn follow<H, F>(
    probe: &mut Connection,
    request: FollowRequest,
    sink: &mut dyn StreamSink,
    hunger: &H,
) -> Result<()>
where
    H: Fn() -> F,
    F: Future<Output = ()>,
{
    let endpoint = probe.endpoint().clone();
    let (from, start) = begin(probe, request.from).await?;
    let dialect = LogDialect {
        address: endpoint.address(),
        fold_names: probe.folds_names().await?,
        charsets: probe.charsets(&request.tables).await?,
        collations: probe.collations().await?,
    };
    let dump = DumpRequest {
        start,
        server_id: request.server_id,
        heartbeat: DumpRequest::HEARTBEAT,
    };
    let mut log = BinlogStream::open(&endpoint, dump).await?;
    let mut assembler = Assembler::new(from, dialect, request.tables);
    sink.heard(Some(end_of_log(probe, assembler.position()).await?))?;
    let mut probed = Instant::now();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let step = tokio::select! {
            biased;
            event = log.next() => match event {
                Ok(event) => assembler.event(&event)?,
                Err(error) if error.kind == Kind::LogTorn => {
                    let next = match behind_torn(probe, &log, request.server_id).await? {
                        Some(file) => assembler.begin_of(&file.name, file.created),
                        None => return Err(error),
                    };
                    if !goes_on_at(probe, &next).await? {
                        return Err(error);
                    }
                    let stop = assembler.broken_off(next);
                    return halt(&mut assembler, sink, stop);
                }
                Err(error) => return Err(error),
            },
            () = hunger(), if assembler.has_rows() && !assembler.in_transaction() => Step::Boundary,
            _ = tick.tick() => {
                if assembler.has_news() && !assembler.in_transaction() {
                    hand_on(&mut assembler, sink)?;
                }
                if probed.elapsed() >= PROBE {
                    probed = Instant::now();
                    sink.heard(Some(end_of_log(probe, assembler.position()).await?))?;
                }
                Step::Within
            }
        };
        match step {
            Step::Within => continue,
            Step::Full => {}
            Step::Boundary => {
                if let Some(until) = &request.until
                    && assembler.position().reached(until) == Some(true)
                {
                    hand_on(&mut assembler, sink)?;
                    return sink.reached();
                }
                if probed.elapsed() >= PROBE {
                    probed = Instant::now();
                    sink.heard(Some(end_of_log(probe, assembler.position()).await?))?;
                }
                let wanted = assembler.has_rows() && sink.is_hungry();
                let small = assembler.changes() < request.group.rows
                    && (assembler.bytes() as u64) < request.group.bytes;
                if !wanted && small {
                    continue;
                }
            }
            Step::Unfinished { next, stop } => {
                let stop = match goes_on_at(probe, &next).await? {
                    true => assembler.broken_off(*next),
                    false => *stop,
                };
                return halt(&mut assembler, sink, stop);
            }
            Step::Stop(stop) => return halt(&mut assembler, sink, *stop),
        }
        hand_on(&mut assembler, sink)?;
    }
}

/// The end of the source's log. An error where it is before what has been read: the log was reset.
async fn end_of_log(probe: &mut Connection, read: &Position) -> Result<Position> {
    // A source that has gone silent must not hold up the watch over its log.
    let asked = timeout(PROBE_LIMIT, async {
        let end = probe.current_position().await?;
        if !read.file.is_empty() && end.reached(read) != Some(true) {
            probe.check_position(read).await?;
        }
        Ok(end)
    });
    asked.await.unwrap_or_else(|_| {
        Err(Error::new(
            Kind::ConnectionLost,
            format!(
                "source \"{}\" did not answer within {} seconds",
                probe.endpoint().address(),
                PROBE_LIMIT.as_secs()
            ),
        ))
    })
}

/// Where to begin at this server, which holds the position.
async fn begin(probe: &mut Connection, from: Position) -> Result<(Position, Start)> {
    let resume = probe.check_position(&from).await?;
    Ok(match (resume, &from.gtids) {
        (Resume::Gtids, Some(gtids)) => {
            let start = Start::Gtids(gtids.clone());
            // The file is told first of all.
            let here = Position {
                server: probe.log_server().await?.server,
                file: String::new(),
                offset: 0,
                file_created: None,
                ..from
            };
            (here, start)
        }
        _ => {
            let start = Start::File {
                file: from.file.clone(),
                offset: from.offset,
            };
            (from, start)
        }
    })
}

/// Hands on what has come, unless it is in the middle of a transaction: then the main thread asks again
/// for all up to the end of the one before.
fn halt(assembler: &mut Assembler, sink: &mut dyn StreamSink, stop: Stop) -> Result<()> {
    if !assembler.in_transaction() && assembler.has_news() {
        hand_on(assembler, sink)?;
    }
    sink.stop(stop)
}

fn hand_on(assembler: &mut Assembler, sink: &mut dyn StreamSink) -> Result<()> {
    let bytes = assembler.bytes();
    sink.segment(assembler.take_segment(), bytes)
}
