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
            require_rights_to_compress(options)?;
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

/// The first option, or the URL, that says something of which this is true: by name and value.
fn find(options: &Options, said: impl Fn(&str, &str) -> bool) -> Option<&str> {
    let in_url = |value: &str| {
        split_url(value)
            .is_ok_and(|(server, _)| server.iter().any(|(name, value)| said(name, value)))
    };
    options
        .iter()
        .find(|(name, value)| said(name, value) || name == "url" && in_url(value))
        .map(|(name, _)| name.as_str())
}

/// The driver unpacks compressed packets by recursion: a source that means harm can end the server with them. Who
/// may name any host does not decide that it is to be trusted.
fn require_rights_to_compress(options: &Options) -> Result<()> {
    let zlib = |name: &str, value: &str| name == "compression" && value == "zlib";
    match find(options, zlib) {
        Some(name) if !role::is_superuser() => Err(Error::new(
            Kind::PrivilegeMissing,
            format!("permission denied to set compression in option \"{name}\""),
        )
        .with_hint("only superusers may set compression to zlib: a source that is not trusted could end the server by it")),
        _ => Ok(()),
    }
}

/// Options that make the server open a file or a local socket are for roles that may do so.
fn require_file_rights(options: &Options) -> Result<()> {
    if role::may_read_server_files() {
        return Ok(());
    }
    match find(options, |name, _| FILE_OPTIONS.contains(&name)) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            Kind::PrivilegeMissing,
            format!("permission denied to name a file of the server in option \"{name}\""),
        )
        .with_hint(
            "only roles with privileges of pg_read_server_files may set ca, cert, key and socket",
        )),
    }
}
