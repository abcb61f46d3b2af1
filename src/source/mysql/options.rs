//! The options of a foreign server and of a user mapping: which there are, and their values.

use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// Options of CREATE SERVER with a line of help each.
pub const SERVER_OPTIONS: [(&str, &str); 10] = [
    (
        "url",
        "mysql://host:3306/database, without credentials; required",
    ),
    (
        "tls",
        "disable, require (encrypt, accept any certificate), verify-ca or verify-full; default: \
         disable for a socket or this machine, verify-full where ca is given, else require",
    ),
    (
        "ca",
        "file with the certificate authorities to trust, PEM; default: the public ones",
    ),
    ("cert", "file with the client certificate, PEM; needs key"),
    ("key", "file with the client's private key, PEM; needs cert"),
    (
        "socket",
        "Unix socket to connect to; the url then names no host",
    ),
    (
        "connect_timeout",
        "time to connect and log in, for instance 10s; default 10s",
    ),
    (
        "read_timeout",
        "longest wait for an answer, for instance 500ms, 60s, 2min; default 60s",
    ),
    ("compression", "none or zlib; default none"),
    (
        "protocol",
        "binary or text: how rows travel; default binary",
    ),
];

/// Options of CREATE USER MAPPING with a line of help each.
pub const MAPPING_OPTIONS: [(&str, &str); 2] = [
    ("username", "user at the source"),
    ("password", "password at the source"),
];

/// Options that make the server process read a file: the caller checks `pg_read_server_files`.
pub const FILE_OPTIONS: [&str; 4] = ["ca", "cert", "key", "socket"];

/// How much of TLS is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    Disable,
    /// Encryption only: any certificate is accepted.
    Require,
    /// The certificate comes from a trusted authority, whatever name it bears.
    VerifyCa,
    /// As VerifyCa, and it bears the host's name.
    VerifyFull,
}

pub(super) fn tls_mode(value: &str) -> Result<TlsMode> {
    match value {
        "disable" => Ok(TlsMode::Disable),
        "require" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" => Ok(TlsMode::VerifyFull),
        _ => Err(refused(
            "tls",
            value,
            "disable, require, verify-ca or verify-full",
        )),
    }
}

/// True for zlib.
pub(super) fn compression(value: &str) -> Result<bool> {
    match value {
        "none" => Ok(false),
        "zlib" => Ok(true),
        _ => Err(refused("compression", value, "none or zlib")),
    }
}

/// How the rows of a copy travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowProtocol {
    Binary,
    Text,
}

pub(super) fn protocol(value: &str) -> Result<RowProtocol> {
    match value {
        "binary" => Ok(RowProtocol::Binary),
        "text" => Ok(RowProtocol::Text),
        _ => Err(refused("protocol", value, "binary or text")),
    }
}

/// `500ms`, `10s`, `2min`, `1h`, or a number of seconds; 100 ms to one day.
pub(super) fn duration(name: &str, value: &str) -> Result<Duration> {
    let text = value.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let milliseconds = match unit.trim_start() {
        "ms" => Some(1),
        "" | "s" => Some(1_000),
        "min" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let length = digits
        .parse::<u64>()
        .ok()
        .zip(milliseconds)
        .and_then(|(count, unit)| count.checked_mul(unit))
        .map(Duration::from_millis);
    match length {
        Some(length)
            if (Duration::from_millis(100)..=Duration::from_secs(86_400)).contains(&length) =>
        {
            Ok(length)
        }
        _ => Err(refused(
            name,
            value,
            "a time of 100ms to 24h, for instance 500ms, 10s or 2min",
        )),
    }
}

pub(super) fn check_names(options: &[(String, String)], allowed: &[(&str, &str)]) -> Result<()> {
    for (position, (name, _)) in options.iter().enumerate() {
        if !allowed.iter().any(|(known, _)| known == name) {
            let names: Vec<&str> = allowed.iter().map(|(name, _)| *name).collect();
            return Err(
                Error::new(Kind::InvalidParameter, format!("unknown option \"{name}\""))
                    .with_hint(format!("Allowed are: {}.", names.join(", "))),
            );
        }
        if options
            .iter()
            .take(position)
            .any(|(other, _)| other == name)
        {
            return Err(Error::new(
                Kind::InvalidParameter,
                format!("option \"{name}\" is given twice"),
            )
            .with_detail("An option may stand in the url or beside it, not in both."));
        }
    }
    Ok(())
}

pub(super) fn refused(name: &str, value: &str, allowed: &str) -> Error {
    Error::new(
        Kind::InvalidParameter,
        format!("invalid value for option \"{name}\": \"{value}\""),
    )
    .with_hint(format!("Allowed is {allowed}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_bounds() {
        let seconds = |text| {
            duration("read_timeout", text)
                .map(|time| time.as_secs_f64())
                .ok()
        };
        assert_eq!(seconds("10s"), Some(10.0));
        assert_eq!(seconds("500 ms"), Some(0.5));
        assert_eq!(seconds("2min"), Some(120.0));
        assert_eq!(seconds("24h"), Some(86_400.0));
        assert_eq!(seconds("7"), Some(7.0));
        for bad in [
            "",
            "s",
            "0",
            "99ms",
            "25h",
            "-1",
            "1.5s",
            "1 day",
            "99999999999999999999",
            "9999999999999999h",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_unknown_option_lists_the_allowed_ones() {
        let error = check_names(&[("user".into(), "x".into())], &MAPPING_OPTIONS).unwrap_err();
        assert_eq!(
            error.hint.as_deref(),
            Some("Allowed are: username, password.")
        );
        let twice = [
            ("url".to_string(), String::new()),
            ("url".to_string(), String::new()),
        ];
        assert!(check_names(&twice, &SERVER_OPTIONS).is_err());
    }
}
