//! A log file that ends in the midst of an event: its server died while it wrote a transaction.
//!
//! The server does not send what follows, since it cannot tell a torn file from a damaged one. Here it
//! can be told: if the next file was begun by a start of the server, that start has found the end of the
//! file as it is, and has rolled back what is not whole.

use super::binlog::{BinlogStream, DumpRequest, Event, FIRST_OFFSET, Start};
use super::connect::Connection;
use crate::error::{Error, Result};
use crate::model::position::Position;

/// A dump of a file begins with a note of where it is, and the file's description.
const EVENTS_BEFORE_DESCRIPTION: usize = 4;

/// The file in which the log goes on.
pub(super) struct NextFile {
    pub file: String,
    /// As in [`Position::file_created`].
    pub created: Option<u32>,
}

/// The file behind the one that is torn; `error` if it is not known that the server was started since.
pub(super) async fn behind_torn(
    probe: &mut Connection,
    torn: &BinlogStream,
    server_id: u32,
    error: Error,
) -> Result<NextFile> {
    let Some(file) = next_file(probe, torn.file()).await? else {
        return Err(error);
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
    for _ in 0..EVENTS_BEFORE_DESCRIPTION {
        let raw = log.next().await?;
        let Event::FormatDescription(description) = Event::parse(&raw)? else {
            continue;
        };
        let created = raw.header.timestamp;
        return match description.at_start && *raw.file == *file {
            true => Ok(NextFile {
                file,
                created: (created > 0).then_some(created),
            }),
            false => Err(error),
        };
    }
    Err(error)
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
