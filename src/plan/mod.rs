//! Pure decisions: which tables, which columns and key, whether a target fits, how its rows are
//! merged, where chunks end and when to try again. A plan is data: decided without a server, shown
//! by `sync_plan`, carried out elsewhere.

pub mod apply;
pub mod as_logged;
mod cast;
mod check;
pub mod chunk;
mod collation;
mod column_type;
mod columns;
pub mod context;
pub mod create;
pub mod cron;
#[cfg(test)]
mod cron_tests;
mod default;
pub mod drift;
mod expression;
pub mod follow;
pub mod foreign_key;
mod generated;
mod glob;
#[cfg(test)]
mod golden;
pub mod identifier;
pub mod index;
mod key;
mod keywords;
pub mod merge;
mod misfit;
pub mod names;
mod near;
pub mod retry;
mod reuse;
#[cfg(test)]
mod sample;
pub mod sequence;
pub mod shape;
pub mod share;
pub mod statement;
pub mod table;
pub mod target;
pub mod units;
