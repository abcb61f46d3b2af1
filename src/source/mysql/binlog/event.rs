//! What an event says, one variant for each thing that somebody has to act upon. Nothing is passed
//! over but what is known to change no row: a type that is not known is an error.

use super::bytes::{Bytes, text};
use super::format::{FormatDescription, Heartbeat, Rotate};
use super::gtid::{GtidEvent, PreviousGtids};
use super::kind;
use super::mariadb::{self, MariaDbGtidEvent};
use super::payload::TransactionPayload;
use super::query::Query;
use super::raw::{IGNORABLE, RawEvent};
use super::refusal;
use super::rows::Rows;
use super::table_map::{TableMap, table_id};
use crate::error::Result;
use crate::model::gtid::MariaDbGtid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    FormatDescription(FormatDescription),
    /// The log goes on in another file.
    Rotate(Rotate),
    /// The source was shut down; its next file follows.
    Stop,
    Heartbeat(Heartbeat),
    /// MySQL: a transaction begins, anonymous or not.
    Gtid(GtidEvent),
    PreviousGtids(PreviousGtids<'a>),
    MariaDbGtid(MariaDbGtidEvent),
    MariaDbGtidList(Vec<MariaDbGtid>),
    /// A statement: BEGIN, COMMIT, ROLLBACK, SAVEPOINT, XA, DDL, or a change logged as text.
    Query(Query<'a>),
    /// LOAD DATA logged as text, with a file that came before it.
    LoadQuery(Query<'a>),
    /// A transaction ends, committed.
    Xid(u64),
    /// The first half of an XA transaction ends: prepared, or committed in one phase.
    XaPrepare(XaPrepare),
    TableMap(TableMap),
    Rows(Rows<'a>),
    /// Comes before its events, which follow as if they stood in the log themselves.
    TransactionPayload(TransactionPayload),
    /// The text of the statement whose rows follow.
    Annotation(&'a [u8]),
    /// It changes no row: a variable for a statement, a checkpoint, a note of group replication.
    Nothing,
}

/// MySQL's end of an XA transaction's first half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XaPrepare {
    /// Committed at once; otherwise a later XA COMMIT or XA ROLLBACK decides.
    pub one_phase: bool,
    pub format: u32,
    pub global: Vec<u8>,
    pub branch: Vec<u8>,
}

impl<'a> Event<'a> {
    pub fn parse(raw: &'a RawEvent) -> Result<Event<'a>> {
        let data = raw.data.as_slice();
        let known = match raw.header.kind {
            kind::FORMAT_DESCRIPTION => {
                FormatDescription::parse(data).map(Event::FormatDescription)
            }
            kind::ROTATE => Rotate::parse(data).map(Event::Rotate),
            kind::STOP => Some(Event::Stop),
            kind::HEARTBEAT => Heartbeat::parse(data).map(Event::Heartbeat),
            kind::HEARTBEAT_V2 => Heartbeat::parse_v2(data).map(Event::Heartbeat),
            kind::GTID => GtidEvent::parse(data, false).map(Event::Gtid),
            kind::ANONYMOUS_GTID => GtidEvent::parse(data, true).map(Event::Gtid),
            kind::TAGGED_GTID => GtidEvent::parse_tagged(data).map(Event::Gtid),
            kind::PREVIOUS_GTIDS => Some(Event::PreviousGtids(PreviousGtids(data))),
            kind::MARIADB_GTID => {
                MariaDbGtidEvent::parse(data, raw.header.server_id).map(Event::MariaDbGtid)
            }
            kind::MARIADB_GTID_LIST => mariadb::gtid_list(data).map(Event::MariaDbGtidList),
            kind::QUERY => Query::parse(data, false).map(Event::Query),
            kind::MARIADB_QUERY_COMPRESSED => Query::parse(data, true).map(Event::Query),
            kind::EXECUTE_LOAD_QUERY => load_query(data).map(Event::LoadQuery),
            kind::XID => Bytes::new(data).u64().map(Event::Xid),
            kind::XA_PREPARE => XaPrepare::parse(data).map(Event::XaPrepare),
            kind::TABLE_MAP => TableMap::parse(data, raw.flavor).map(Event::TableMap),
            kind::WRITE_ROWS_V1..=kind::DELETE_ROWS_V1
            | kind::WRITE_ROWS..=kind::DELETE_ROWS
            | kind::MARIADB_WRITE_ROWS_COMPRESSED_V1..=kind::MARIADB_DELETE_ROWS_COMPRESSED => {
                Rows::parse(raw.header.kind, data).map(Event::Rows)
            }
            kind::TRANSACTION_PAYLOAD => {
                TransactionPayload::parse(data).map(Event::TransactionPayload)
            }
            // Its first byte is a length, cut to eight bits.
            kind::ROWS_QUERY => Some(Event::Annotation(data.get(1..).unwrap_or_default())),
            kind::MARIADB_ANNOTATE_ROWS => Some(Event::Annotation(data)),
            kind::INTVAR
            | kind::RAND
            | kind::USER_VAR
            | kind::BEGIN_LOAD_QUERY
            | kind::IGNORABLE
            | kind::TRANSACTION_CONTEXT
            | kind::VIEW_CHANGE
            | kind::MARIADB_BINLOG_CHECKPOINT
            // The file is encrypted; what is sent is not.
            | kind::MARIADB_START_ENCRYPTION => Some(Event::Nothing),
            kind::INCIDENT => return Err(refusal::incident(raw, incident(data))),
            kind::PARTIAL_UPDATE_ROWS => return Err(refusal::partial_json(raw)),
            kind::MARIADB_PARTIAL_ROWS => return Err(refusal::row_in_pieces(raw)),
            _ if raw.header.flags & IGNORABLE != 0 => Some(Event::Nothing),
            _ => return Err(refusal::unknown_event(raw)),
        };
        known.ok_or_else(|| raw.unreadable())
    }
}

/// The table of an event that holds parts of values only: such rows cannot be read, but those of tables
/// that nobody wants need not be.
pub fn table_of_parts(raw: &RawEvent) -> Option<u64> {
    match raw.header.kind {
        kind::PARTIAL_UPDATE_ROWS => table_id(&raw.data),
        _ => None,
    }
}

impl XaPrepare {
    fn parse(data: &[u8]) -> Option<XaPrepare> {
        let mut bytes = Bytes::new(data);
        let one_phase = bytes.u8()? != 0;
        let format = bytes.u32()?;
        let (global, branch) = (bytes.u32()? as usize, bytes.u32()? as usize);
        Some(XaPrepare {
            one_phase,
            format,
            global: bytes.take(global)?.to_vec(),
            branch: bytes.take(branch)?.to_vec(),
        })
    }
}

/// A query with 13 more bytes between its fixed fields and the rest.
fn load_query(data: &[u8]) -> Option<Query<'static>> {
    let mut bytes = Bytes::new(data);
    let mut plain = bytes.take(13)?.to_vec();
    bytes.take(13)?;
    plain.extend_from_slice(bytes.rest());
    let query = Query::parse(&plain, false)?;
    Some(Query {
        text: query.text.into_owned().into(),
        ..query
    })
}

/// The server's own words about what is missing.
fn incident(data: &[u8]) -> Option<String> {
    let mut bytes = Bytes::new(data);
    bytes.u16()?;
    text(bytes.short_bytes()?)
}
