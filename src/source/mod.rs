//! Sources: the remote systems rows come from. Everything here runs on a reader thread and cannot
//! name PostgreSQL. Each source has the same steps: endpoint, connect, preflight, schema, snapshot; one with a log of changes
//! hands them on as [`log`] says.

pub mod log;
pub mod mysql;
