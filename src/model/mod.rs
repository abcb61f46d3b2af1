//! Plain data shared by all layers: what a source table looks like, where a unit stands, which
//! states there are. Nothing here does I/O or knows PostgreSQL's or MySQL's interfaces.

pub mod batch;
pub mod cast;
pub mod cell;
pub mod change;
pub mod definition;
pub mod gtid;
mod gtid_mariadb;
mod gtid_mysql;
pub mod key;
pub mod logged;
pub mod name;
mod option_value;
pub mod options;
#[cfg(test)]
mod options_tests;
pub mod pg_type;
pub mod policy;
pub mod position;
pub mod reject;
pub mod run_options;
pub mod server;
pub mod state;
pub mod table;
pub mod unit_options;
pub mod value_options;
