//! A log file that ends in the midst of an event: its server died while it wrote a transaction.
//!
//! MariaDB does not send what follows, since it cannot tell a torn file from a damaged one. Here it can
//! be told: if the next file was begun by a start of the server, and says that before it there were just
//! the transactions that we have, then that start has found the end of the file as it is, and has rolled
//! back what is not whole. (MySQL cuts such an end off its file when it starts: one that is there all the
//! same was damaged later.)

use super::binlog::{BinlogStream, DumpRequest, Event, FIRST_OFFSET, Start};
use super::connect::Connection;
use super::position_check::Resume;
use crate::error::{Kind, Result};
use crate::model::position::Position;
use crate::model::server::Flavor;

/// A dump of a file begins with a note of where it is and the file's description; a server may add
/// something, but not much.
const FIRST_EVENTS: usize = 4;

/// The file in which the log goes on.
pub(super) struct NextFile {
    pub name: String,
    /// As in [`Position::file_created`].
    pub created: Option<u32>,
}

/// The file behind the one that is torn; None if it is not known that the server was started since.
pub(super) async fn behind_torn(
    probe: &mut Connection,
    torn: &BinlogStream,
    server_id: u32,
) -> Result<Option<NextFile>> {
    let server = probe.log_server().await?.server;
    let Some(file) = next_file(probe, torn.file()).await? else {
        return Ok(None);
    };
    let dump = DumpRequest {
        start: Start::File {
            file: file.clone(),
            offset: FIRST_OFFSET,
        },
        server_id,
        heartbeat: DumpRequest::HEARTBEAT,
    };
    let mut log = BinlogStream::open(probe.endpoint(), dump).await?;
    for _ in 0..FIRST_EVENTS {
        let raw = match log.next().await {
            Ok(raw) => raw,
            // It has no head: the server died again before it was written.
            Err(error) if is_of_log(error.kind) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Event::FormatDescription(description) = Event::parse(&raw)? else {
            continue;
        };
        let created = raw.header.timestamp;
        let begun =
            description.at_start && *raw.file == *file && raw.header.server_id == server.server_id;
        return Ok(begun.then(|| NextFile {
            name: file,
            created: (created > 0).then_some(created),
        }));
    }
    Ok(None)
}

fn is_of_log(kind: Kind) -> bool {
    matches!(kind, Kind::LogCorrupt | Kind::LogTorn | Kind::PositionLost)
}

/// Does the log go on there with all that we have before it, and nothing else?
pub(super) async fn goes_on_at(probe: &mut Connection, next: &Position) -> Result<bool> {
    let says = next.server.flavor == Flavor::MariaDb && next.gtids.is_some();
    match says {
        true => match probe.check_position(next).await {
            Ok(resume) => Ok(resume == Resume::File),
            Err(error) if is_of_log(error.kind) => Ok(false),
            Err(error) => Err(error),
        },
        false => Ok(false),
    }
}

async fn next_file(probe: &mut Connection, file: &str) -> Result<Option<String>> {
    let Some((base, number)) = Position::split_file(file) else {
        return Ok(None);
    };
    let files = probe.log_files().await?;
    let later = files.into_keys().filter_map(|file| {
        let (its_base, its_number) = Position::split_file(&file)?;
        (its_base == base && its_number > number).then_some((its_number, file))
    });
    Ok(later.min().map(|(_, file)| file))
}
