//! Errors of a stream: events that cannot be applied, and what the source says when it ends a dump.

use mysql_async::ServerError;

use super::super::told::clean;
use super::kind;
use super::raw::RawEvent;
use crate::error::{Error, Kind};

const RESYNC: &str = "Copy the tables anew: SELECT sync_resync('<job>');";
/// Of this server, "fatal error while reading the log", with many a text.
const FATAL: u16 = 1236;
/// MariaDB: another replica took our number.
const SAME_ID: u16 = 4052;
const SOURCE_PURGED: u16 = 1789;
const NO_LOG: u16 = 1373;
/// What a server says at COM_REGISTER_SLAVE to an account without the privilege, and elsewhere to one
/// with a wrong password.
const ACCESS_DENIED: u16 = 1045;
const PRIVILEGE: u16 = 1227;

pub(super) fn unknown_event(raw: &RawEvent) -> Error {
    Error::new(
        Kind::LogUnsupported,
        format!(
            "the source's log holds an event of a type that is not known: {}",
            kind::name(raw.header.kind)
        ),
    )
    .with_detail(raw.place())
    .with_hint(
        "It may change rows, so it is not passed over. If it does not concern these tables: \
         SELECT sync_resync('<job>'); begins behind it.",
    )
}

pub(super) fn partial_json(raw: &RawEvent) -> Error {
    Error::new(
        Kind::LogUnsupported,
        "the source logs only parts of JSON values",
    )
    .with_detail(raw.place())
    .with_hint(
        "At the source: SET PERSIST binlog_row_value_options = ''; let its sessions reconnect; then \
         SELECT sync_resync('<job>');",
    )
}

pub(super) fn row_in_pieces(raw: &RawEvent) -> Error {
    Error::new(
        Kind::LogUnsupported,
        "the source logs a large row in pieces",
    )
    .with_detail(raw.place())
    .with_hint(
        "At the source: SET GLOBAL binlog_row_event_fragment_threshold = 1073741824; then SELECT \
         sync_resync('<job>');",
    )
}

pub(super) fn incident(raw: &RawEvent, told: Option<String>) -> Error {
    let told = told.map_or_else(String::new, |told| {
        format!(" The source says: {}.", clean(&told))
    });
    Error::new(
        Kind::PositionLost,
        "the source's log does not hold all changes: an incident is written in it",
    )
    .with_detail(format!("{}{told}", raw.place()))
    .with_hint(RESYNC)
}

/// What the source says when it refuses a dump or ends one. None: it is no matter of the log.
pub(super) fn of_server(error: &ServerError, began: bool, place: &str) -> Option<Error> {
    let told = format!("Error {}: {} {place}", error.code, clean(&error.message));
    let text = error.message.to_ascii_lowercase();
    let has = |part: &str| text.contains(part);
    let of = |kind, message: &str| Error::new(kind, message).with_detail(told.clone());
    let lost = |message| Some(of(Kind::PositionLost, message).with_hint(RESYNC));
    match error.code {
        SAME_ID => return Some(same_id(of)),
        ACCESS_DENIED | PRIVILEGE => {
            return Some(
                of(
                    Kind::AccessDenied,
                    "the account may not read the source's log",
                )
                .with_hint("At the source: GRANT REPLICATION SLAVE ON *.* TO ...;"),
            );
        }
        NO_LOG => return lost("the source does not have the log file any more"),
        FATAL | SOURCE_PURGED => {}
        _ => return None,
    }
    if has("same server_uuid/server_id") {
        return Some(same_id(of));
    }
    if has("purged") || error.code == SOURCE_PURGED {
        return lost("the source has removed the part of its log that is needed");
    }
    if has("could not find first log file") {
        return lost("the source does not have the log file any more");
    }
    if has("more gtids than") {
        return lost("the source does not have transactions that were applied here");
    }
    if has("not in the master's binlog") || has("could not find gtid state") {
        return lost("the source's log does not hold the transaction that was applied last");
    }
    if has("impossible position") || has("position > file size") || has("position < 4") {
        return lost("the source's log file has no such offset");
    }
    if has("binary log is not open") {
        return Some(
            of(Kind::PositionLost, "the source writes no log").with_hint(
                "At the source: start the server with --log-bin, then SELECT sync_resync('<job>');",
            ),
        );
    }
    if has("truncated in the middle of event") {
        return Some(
            of(
                Kind::LogTorn,
                "a file of the source's log ends in the midst of an event",
            )
            .with_hint("The log goes on behind it once the source was started anew. If it was: SELECT sync_resync('<job>');"),
        );
    }
    // The same is said of a damaged log, and of an offset between the ends of two events.
    if !began {
        return lost("the source's log cannot be read from the offset");
    }
    if has("max_allowed_packet") {
        return Some(
            of(
                Kind::SourceError,
                "an event is larger than the source may send",
            )
            .with_hint("At the source: SET GLOBAL max_allowed_packet = 1073741824;"),
        );
    }
    Some(
        of(Kind::LogCorrupt, "the source cannot read its log")
            .with_hint("Its error log says more. If it stays so: SELECT sync_resync('<job>');"),
    )
}

fn same_id(of: impl Fn(Kind, &str) -> Error) -> Error {
    of(
        Kind::ReplicaConflict,
        "another replica with our server_id has connected to the source",
    )
    .with_hint(
        "Each replica needs a number of its own: SELECT sync_alter_job('<job>', '{\"server_id\": \
         ...}');",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Retry;

    fn told(code: u16, message: &str, began: bool) -> Option<Error> {
        let error = ServerError {
            code,
            message: message.to_string(),
            state: "HY000".to_string(),
        };
        of_server(&error, began, "The stream stood at offset 4 of b.000001.")
    }

    #[test]
    fn a_position_that_is_lost() {
        // As MariaDB 10.11 and MySQL 9.7 say it, cut short.
        for text in [
            "Could not find first log file name in binary log index file",
            "Could not find GTID state requested by slave in any binlog files. Probably the slave \
             state is too old and required binlog files have been purged.",
            "Error: connecting slave requested to start from GTID 0-11-99, which is not in the \
             master's binlog",
            "Client requested master to start replication from impossible position; the first \
             event 'bin.000001' at 99999",
            "Client requested source to start replication from position > file size",
            "Cannot replicate because the source purged required binary logs. Replicate the \
             missing transactions from elsewhere",
            "Replica has more GTIDs than the source has, using the source's SERVER_UUID.",
            "log event entry exceeded max_allowed_packet; Increase max_allowed_packet on master",
            "bogus data in log event; the first event 'binlog.000001' at 1501",
            "Binary log is not open",
        ] {
            let error = told(FATAL, text, false).unwrap();
            assert_eq!(error.kind, Kind::PositionLost, "{text}");
            assert_eq!(error.retry(), Retry::Definite);
            assert!(error.hint.unwrap().contains("SELECT sync_resync('<job>');"));
            assert!(error.detail.unwrap().contains("offset 4 of b.000001"));
        }
        assert_eq!(
            told(SOURCE_PURGED, "", true).unwrap().kind,
            Kind::PositionLost
        );
    }

    #[test]
    fn a_file_that_ends_within_an_event() {
        let text = "binlog truncated in the middle of event; consider out of disk space on master";
        for began in [false, true] {
            let error = told(FATAL, text, began).unwrap();
            assert_eq!(error.kind, Kind::LogTorn);
            assert_eq!(error.retry(), Retry::Transient);
        }
    }

    #[test]
    fn a_stream_that_was_begun() {
        let of = |text| told(FATAL, text, true).unwrap().kind;
        assert_eq!(of("bogus data in log event"), Kind::LogCorrupt);
        assert_eq!(
            of("log event entry exceeded max_allowed_packet"),
            Kind::SourceError
        );
        let same = "A replica with the same server_uuid/server_id as this replica has connected";
        assert_eq!(of(same), Kind::ReplicaConflict);
        let other = told(
            SAME_ID,
            "A slave with the same server_uuid/server_id is",
            true,
        )
        .unwrap();
        assert_eq!(other.kind, Kind::ReplicaConflict);
        assert_eq!(other.retry(), Retry::Transient);
        assert!(other.hint.unwrap().contains("\"server_id\""));
        assert_eq!(
            told(1045, "Access denied", false).unwrap().kind,
            Kind::AccessDenied
        );
        assert_eq!(told(1053, "Server shutdown in progress", true), None);
    }
}
