//! MySQL 5.7 and later, MariaDB 10.5 and later.
//!
//! `endpoint` says where and as whom, `connect` opens one pinned session, `preflight` checks what a
//! copy needs, `schema` reads the catalog
//! with `columns`, `indexes`, `constraints` and `definition`, `snapshot` streams rows; `position` says
//! where the log stands, `position_check` whether it can be read on from where we stand. A [`connect::Connection`] is all
//! the state there is: dropping a future in the middle costs that connection and nothing else.
//! `binlog` follows the log of changes, on a connection of its own kind.
//! `sql` and `key` are pure: they build every statement whose text depends on data.
//!
//! The runtime needs I/O and time. Names are resolved on a thread of the runtime's blocking pool,
//! which cannot be interrupted: end the runtime with `shutdown_background`, not by dropping it.

mod assemble;
pub mod binlog;
mod charsets;
pub mod column_type;
mod columns;
pub mod connect;
mod constraints;
mod definition;
pub mod endpoint;
pub mod errors;
mod expression;
pub mod follow;
mod hindrance;
mod images;
mod indexes;
pub mod key;
pub mod options;
pub mod position;
pub mod position_check;
mod position_mariadb;
mod position_mysql;
mod position_xa;
pub mod preflight;
mod preflight_log;
pub mod preflight_stream;
mod results;
pub mod schema;
pub mod session;
pub mod snapshot;
pub mod sql;
mod status;
mod told;
mod torn;
pub mod url;

pub use connect::{Connection, kill};
pub use endpoint::{Endpoint, split_url, validate_mapping_options, validate_server_options};
pub use follow::{FollowRequest, FollowedTable, follow};
pub use key::usable_key;
pub use options::FILE_OPTIONS;
pub use position::SnapshotPosition;
pub use position_check::{Resume, same_file};
pub use preflight::Check;
pub use sql::{BoundaryRequest, KeyRequest, SnapshotRequest};
