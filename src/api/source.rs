//! Sources: `sync_create_source` and the validator of the foreign-data wrapper.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::{Error, Kind, Result};
use crate::pg::server::{self, Options, OptionsOf};
use crate::pg::{report, role, worker};
use crate::source::mysql::{
    FILE_OPTIONS, split_url, validate_mapping_options, validate_server_options,
};

/// `CREATE SERVER` and `CREATE USER MAPPING` in one call.
#[pg_extern]
fn sync_create_source(source: &str, url: &str) -> Result<(), ErrorReport> {
    worker::hide_statement(c"SELECT sync_create_source(…)");
    worker::require_utf8_database()?;
    let (server_options, mapping_options) = split_url(url)?;
    server::create(source, &server_options, &mapping_options)?;
    report::notice(&format!("created source \"{source}\""));
    Ok(())
}

/// Called by CREATE and ALTER of servers and user mappings.
#[pg_extern(sql = false)]
fn fdw_validator(options: Vec<String>, catalog: pg_sys::Oid) -> Result<(), ErrorReport> {
    Ok(validate(&split(&options), server::options_of(catalog))?)
}

fn split(options: &[String]) -> Options {
    options
        .iter()
        .map(|option| match option.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (option.clone(), String::new()),
        })
        .collect()
}

fn validate(options: &Options, of: OptionsOf) -> Result<()> {
    match of {
        OptionsOf::Server => {
            require_file_rights(options)?;
            validate_server_options(options)
        }
        OptionsOf::Mapping => validate_mapping_options(options),
        OptionsOf::Wrapper | OptionsOf::Other => match options.first() {
            None => Ok(()),
            Some((name, _)) => Err(Error::new(
                Kind::InvalidParameter,
                format!("option \"{name}\" is not allowed here"),
            )),
        },
    }
}

/// Options that make the server open a file or a local socket are for roles that may do so.
fn require_file_rights(options: &Options) -> Result<()> {
    if role::may_read_server_files() {
        return Ok(());
    }
    let named = |name: &str| FILE_OPTIONS.contains(&name);
    let in_url = |value: &str| {
        split_url(value).is_ok_and(|(server, _)| server.iter().any(|(name, _)| named(name)))
    };
    for (name, value) in options {
        if named(name) || (name == "url" && in_url(value)) {
            return Err(Error::new(
                Kind::PrivilegeMissing,
                format!("permission denied to name a file of the server in option \"{name}\""),
            )
            .with_hint("only roles with privileges of pg_read_server_files may set ca, cert, key and socket"));
        }
    }
    Ok(())
}
