//! The source's log, followed as a replica does: the connection that dumps it, and what its events
//! say. MySQL 5.7 to 9, MariaDB 10.5 to 12.
//!
//! `request` says where to begin, `connection` opens a dump and hands out [`RawEvent`]s with their
//! checksum verified (`format`) and compressed transactions opened (`payload`); [`Event::parse`] says
//! what one is: `gtid`, `mariadb`, `query`, `table_map`, `rows`. Row images are decoded elsewhere.
//! All of it but `connection` and `packets` is pure.
//!
//! A dump begins with an artificial [`Event::Rotate`] that names the file, then
//! [`Event::FormatDescription`]; the same two come at each change of the file. MySQL's transaction is
//! `Gtid`, `Query` BEGIN, then `TableMap` and `Rows`, and `Xid` or `Query` COMMIT, with
//! `TransactionPayload` before BEGIN where it is compressed; MariaDB's has no BEGIN. DDL is a GTID and
//! one `Query`.

mod bytes;
mod connection;
mod event;
mod format;
mod gtid;
#[cfg(test)]
mod hostile;
mod inflate;
pub mod kind;
mod mariadb;
mod packets;
mod payload;
mod query;
mod raw;
#[cfg(test)]
mod recorded;
mod refusal;
mod request;
mod rows;
mod table_map;
mod table_metadata;

pub use connection::BinlogStream;
pub use event::{Event, XaPrepare, table_of_parts};
pub use format::{Checksum, FIRST_OFFSET, FormatDescription, Heartbeat, Rotate};
pub use gtid::{GtidEvent, PreviousGtids};
pub use mariadb::{AlterPart, MariaDbGtidEvent, XaPart};
pub use payload::TransactionPayload;
pub use query::Query;
pub use raw::{Header, RawEvent};
pub use request::{DumpRequest, Start};
pub use rows::{Rows, RowsKind};
pub use table_map::{KeyPart, TableMap, table_id};

/// A file's name, which may be missing.
fn shown(file: &str) -> String {
    if file.is_empty() {
        "the first file".to_string()
    } else {
        super::told::clean(file)
    }
}
