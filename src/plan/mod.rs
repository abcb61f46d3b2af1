//! Pure decisions: which tables, which columns and key, whether a target fits, how its rows are
//! merged, where chunks end and when to try again. A plan is data: decided without a server, shown
//! by `sync_plan`, carried out elsewhere.

pub mod chunk;
pub mod create;
mod glob;
pub mod identifier;
mod key;
mod keywords;
pub mod merge;
mod near;
pub mod retry;
#[cfg(test)]
mod sample;
pub mod table;
pub mod target;
pub mod units;
