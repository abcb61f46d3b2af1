//! From a job to a connection: the source's address and the owner's secrets, checked by
//! PostgreSQL, parsed once.

use super::reader::Reader;
use crate::catalog::job::Job;
use crate::error::{Error, Kind, Result};
use crate::pg::{allocator, server};
use crate::source::mysql::Endpoint;

/// The endpoint of the job's source with the owner's credentials. Inside a transaction.
pub fn endpoint(job: &Job) -> Result<Endpoint> {
    let (server_options, mapping_options) = server::options_for(&job.source, job.owner())?;
    Endpoint::parse(&server_options, &mapping_options).map_err(|mut error| {
        // The options were checked when they were given; say where to fix them.
        error.hint.get_or_insert_with(|| {
            format!(
                "ALTER SERVER {} OPTIONS (SET url 'mysql://host:port/database');",
                crate::plan::identifier::quote(&job.source)
            )
        });
        error
    })
}

/// A reader of the job's source; it connects when first asked. Inside a transaction.
pub fn open(job: &Job) -> Result<Reader> {
    if allocator::has_stopped_a_thread() {
        return Err(Error::new(
            Kind::InsufficientResources,
            "this session can no longer read from sources",
        )
        .with_detail("A source has sent what took too much memory or time; what is held for it goes with the session.")
        .with_hint("reconnect, and repeat the statement"));
    }
    Reader::start(endpoint(job)?)
}
