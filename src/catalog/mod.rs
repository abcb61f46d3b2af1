//! The tables of schema `tributary`, one file each: a struct and its queries.
//!
//! Every statement here is fixed text that runs as the catalog's owner; callers have checked whose
//! job it is.

pub mod checkpoint;
pub mod chunk;
pub mod dependency;
pub mod event;
pub mod history;
pub mod job;
pub mod reject;
pub mod run;
pub mod schedule;
pub mod step;
pub mod stream;
pub mod unit;
pub mod unit_redrive;
pub mod unit_state;
pub mod unit_stream;
pub mod version;

use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::pg::catalog_owner::as_catalog_owner;
use crate::pg::spi::{self, Arg};

fn query<T: DeserializeOwned>(sql: &str, args: &[Arg<'_>]) -> Result<Vec<T>> {
    as_catalog_owner(|| spi::query(sql, args))
}

fn query_first<T: DeserializeOwned>(sql: &str, args: &[Arg<'_>]) -> Result<Option<T>> {
    as_catalog_owner(|| spi::query_first(sql, args))
}

/// Runs a statement that returns nothing; the number of rows it changed.
fn execute(sql: &str, args: &[Arg<'_>]) -> Result<u64> {
    as_catalog_owner(|| spi::execute(sql, args))
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        crate::error::Error::new(
            crate::error::Kind::Internal,
            format!("could not write JSON: {error}"),
        )
    })
}
