//! The processes: launcher, supervisor, workers, and what a worker does with what it claims.
//!
//! Control comes through the catalog: the API changes a row and wakes the supervisor; nothing here
//! is told anything in memory. A worker's verbs are one file each, in the order of a unit's life:
//! [`expand`], [`prepare`], [`split`], [`copy`], [`finish`]; [`claim`] chooses among them.

mod anew;
pub mod claim;
pub mod copy;
mod destination;
mod due;
pub mod expand;
pub mod failure;
pub mod finish;
mod follow;
mod followed;
mod foreign_keys;
mod group;
pub mod launcher;
mod obstacle;
pub mod prepare;
pub mod processes;
pub mod queue;
mod rates;
pub mod reader;
mod reader_thread;
mod redrive;
mod rejects;
pub mod session;
mod settle;
pub mod split;
mod steps;
pub mod supervisor;
pub mod throttle;
mod trouble;
mod upkeep;
pub mod worker;
