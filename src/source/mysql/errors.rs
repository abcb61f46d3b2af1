//! What the driver and the server report, as errors of ours: which kind, what to type.
//!
//! Two things never enter a message: the password, and values of rows. The server quotes values in
//! some messages, and our own key literals in the text of a syntax error; such text is left out.
//! What is shown of others' text goes through [`clean`].

use mysql_async::{DriverError, Error as Failure, IoError, ServerError};

use super::endpoint::{Endpoint, TlsMode};
use super::told::{self, clean};
use crate::error::{Error, Kind};

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Connecting,
    Querying,
    /// A statement that holds a user's filter.
    Filtering,
}

/// Who asks: named in hints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub endpoint: &'a Endpoint,
    /// `user@host` as the server sees us; known once connected.
    pub account: Option<&'a str>,
}

impl Asker<'_> {
    pub(super) fn error(&self, failure: Failure, doing: Doing) -> Error {
        match failure {
            Failure::Server(error) => self.of_server(&error, doing),
            Failure::Io(IoError::Tls(error)) => self.of_tls(&error.to_string()),
            Failure::Io(IoError::Io(error)) => self.of_io(&error, doing),
            Failure::Driver(error) => self.of_driver(&error, doing),
            // Boxed or URL errors; their text could quote anything.
            Failure::Other(_) | Failure::Url(_) => Error::new(
                Kind::ProtocolViolation,
                format!(
                    "the connection to source \"{}\" failed in the driver",
                    self.address()
                ),
            ),
        }
    }

    pub(super) fn timeout(&self, doing: Doing) -> Error {
        let address = self.address();
        match doing {
            Doing::Connecting => Error::new(
                Kind::Unreachable,
                format!("could not connect to source \"{address}\" in time"),
            )
            .with_detail(format!(
                "connect_timeout is {:?}.",
                self.endpoint.connect_timeout()
            ))
            .with_hint(
                "Check host, port and firewall, or ALTER SERVER ... OPTIONS (ADD connect_timeout \
                 '30s');",
            ),
            Doing::Querying | Doing::Filtering => Error::new(
                Kind::SourceTimeout,
                format!("source \"{address}\" did not answer in time"),
            )
            .with_detail(format!(
                "read_timeout is {:?}.",
                self.endpoint.read_timeout()
            ))
            .with_hint(
                "If the statement needs that long (a filter without an index), ALTER SERVER ... \
                 OPTIONS (ADD read_timeout '10min');",
            ),
        }
    }

    fn address(&self) -> String {
        self.endpoint.address()
    }

    fn grant(&self) -> String {
        let account = self.account.and_then(told::account).unwrap_or_else(|| {
            let user = self.endpoint.username().unwrap_or("...");
            format!("{}@'%'", told::literal(user))
        });
        told::grant(self.endpoint.database(), &account)
    }

    fn of_server(&self, error: &ServerError, doing: Doing) -> Error {
        let address = self.address();
        let told = format!(
            "Error {} ({}): {}",
            error.code,
            clean(&error.state),
            shown(error)
        );
        let of = |kind, message: String| Error::new(kind, message).with_detail(told.clone());
        match error.code {
            1064 | 1149 | 1305 | 1370 | 1582 | 1630 if doing == Doing::Filtering => of(
                Kind::InvalidParameter,
                "the source does not understand the unit's filter".into(),
            )
            .with_hint(
                "The filter is a condition as it stands after WHERE: {\"filter\": \"id > 100\"}.",
            ),
            1045 | 1698 => of(
                Kind::AccessDenied,
                format!("source \"{address}\" refused the user name or password"),
            )
            .with_hint("ALTER USER MAPPING FOR ... SERVER ... OPTIONS (SET password '...');"),
            1130 => of(
                Kind::AccessDenied,
                format!("source \"{address}\" accepts no connection from this machine"),
            )
            .with_hint("At the source: CREATE USER '...'@'%' IDENTIFIED BY '...';"),
            1129 => of(
                Kind::AccessDenied,
                format!("source \"{address}\" has blocked this machine"),
            )
            .with_hint("At the source: FLUSH HOSTS;"),
            1820 | 1862 | 3118 | 4151 => of(
                Kind::AccessDenied,
                format!(
                    "the account at source \"{address}\" is locked or its password has expired"
                ),
            )
            .with_hint("At the source: ALTER USER ... IDENTIFIED BY '...' ACCOUNT UNLOCK;"),
            1044 | 1142 | 1143 | 1227 | 1370 | 1410 => of(
                Kind::AccessDenied,
                format!("source \"{address}\" refused a privilege"),
            )
            .with_hint(self.grant()),
            3159 | 4161 => of(
                Kind::TlsRefused,
                format!("source \"{address}\" demands TLS"),
            )
            .with_hint("ALTER SERVER ... OPTIONS (ADD tls 'verify-full');"),
            1049 => of(
                Kind::SourceObjectMissing,
                format!(
                    "database \"{}\" is not there at source \"{address}\"",
                    self.endpoint.database()
                ),
            )
            .with_hint("ALTER SERVER ... OPTIONS (SET url 'mysql://host:3306/database');"),
            1051 | 1146 => of(
                Kind::SourceObjectMissing,
                "a table is not there at the source".into(),
            )
            .with_hint(
                "Name tables as the source writes them; it may distinguish upper and lower case.",
            ),
            1054 if doing == Doing::Filtering => of(
                Kind::InvalidParameter,
                "the filter or the column list names a column that is not there at the source"
                    .into(),
            )
            .with_hint("SELECT sync_alter_unit(job, unit, '{\"filter\": \"...\"}');"),
            1054 | 1072 => of(
                Kind::SourceObjectMissing,
                "a column is not there at the source".into(),
            )
            .with_hint(
                "sync_retry reads the table's definition anew and copies it from the start.",
            ),
            1176 => of(
                Kind::SourceObjectMissing,
                "an index is not there at the source".into(),
            )
            .with_hint(
                "sync_retry reads the table's definition anew and copies it from the start.",
            ),
            1205 | 1213 | 3058 | 3572 => of(
                Kind::SourceConflict,
                "the source gave up the statement for a lock".into(),
            ),
            1040 | 1203 | 1226 => of(
                Kind::SourceUnavailable,
                format!("source \"{address}\" has no connection left"),
            )
            .with_hint("Lower the job's option workers, or raise max_connections at the source."),
            // Its system's own errors: a full disk, a temporary file that somebody removed.
            1..=40 | 1004 | 1016 | 1021 | 1023..=1026 => of(
                Kind::SourceUnavailable,
                format!("source \"{address}\" could not use a file of its own"),
            )
            .with_hint(
                "Its error log says which: a full disk, or a tmpdir that two servers share.",
            ),
            1037 | 1038 | 1041 | 1135 | 1461 => of(
                Kind::SourceUnavailable,
                format!("source \"{address}\" has no resources left"),
            ),
            1053 | 1077 | 1079 | 1080 | 1158..=1161 | 1184 | 1317 | 1927 | 3169 | 4031 => of(
                Kind::ConnectionLost,
                format!("source \"{address}\" ended the connection or the statement"),
            ),
            1028 | 1969 | 3024 => of(
                Kind::SourceTimeout,
                "the source limited the statement's time".into(),
            ),
            1153 | 1162 => of(
                Kind::SourceError,
                "a row is larger than the source may send".into(),
            )
            .with_hint("At the source: SET GLOBAL max_allowed_packet = 1073741824;"),
            1412 => of(
                Kind::SourceConflict,
                "the table was altered at the source during the read".into(),
            ),
            _ => of(
                Kind::SourceError,
                format!("source \"{address}\" reported error {}", error.code),
            ),
        }
    }

    fn of_tls(&self, told: &str) -> Error {
        let hint = match self.endpoint.tls() {
            TlsMode::Disable => "ALTER SERVER ... OPTIONS (ADD tls 'verify-full');",
            TlsMode::Require => {
                "If the source has no TLS and the network is trusted: ALTER SERVER ... OPTIONS \
                 (ADD tls 'disable');"
            }
            TlsMode::VerifyCa => {
                "Name the authority that issued the certificate: ALTER SERVER ... OPTIONS (ADD ca \
                 '/path/ca.pem');"
            }
            TlsMode::VerifyFull => {
                "Name the authority that issued the certificate: ALTER SERVER ... OPTIONS (ADD ca \
                 '/path/ca.pem'); where it bears another name than the host: (SET tls 'verify-ca')."
            }
        };
        Error::new(
            Kind::TlsRefused,
            format!("TLS with source \"{}\" was refused", self.address()),
        )
        .with_detail(clean(told))
        .with_hint(hint)
    }

    fn of_io(&self, error: &std::io::Error, doing: Doing) -> Error {
        use std::io::ErrorKind;
        let address = self.address();
        let encrypted = self.endpoint.tls() != TlsMode::Disable;
        match (doing, error.kind()) {
            // The TLS library wraps its own errors so.
            (Doing::Connecting, ErrorKind::InvalidData) if encrypted => {
                self.of_tls(&error.to_string())
            }
            (Doing::Connecting, _) => Error::new(
                Kind::Unreachable,
                format!("could not connect to source \"{address}\""),
            )
            .with_detail(clean(&error.to_string())),
            // So does the packet codec. A packet cut short is of the same kind, and far more often.
            (_, ErrorKind::Other) if error.to_string().starts_with("Packet") => Error::new(
                Kind::ProtocolViolation,
                format!("source \"{address}\" sent a packet that cannot be read"),
            )
            .with_detail(clean(&error.to_string())),
            _ => Error::new(
                Kind::ConnectionLost,
                format!("the connection to source \"{address}\" broke"),
            )
            .with_detail(clean(&error.to_string())),
        }
    }

    fn of_driver(&self, error: &DriverError, doing: Doing) -> Error {
        let address = self.address();
        match error {
            DriverError::NoClientSslFlagFromServer => self.of_tls("The server offers no TLS."),
            DriverError::UnknownAuthPlugin { name } => Error::new(
                Kind::AccessDenied,
                format!("source \"{address}\" asks for authentication by \"{}\", which is not supported", clean(name)),
            )
            .with_hint(
                "At the source: ALTER USER ... IDENTIFIED WITH caching_sha2_password BY '...'; \
                 (MariaDB: IDENTIFIED VIA mysql_native_password USING PASSWORD('...'))",
            ),
            DriverError::MysqlOldPasswordDisabled | DriverError::CleartextPluginDisabled => Error::new(
                Kind::AccessDenied,
                format!("source \"{address}\" asks for an insecure authentication"),
            )
            .with_hint("At the source: ALTER USER ... IDENTIFIED BY '...';"),
            DriverError::ConnectionClosed => Error::new(
                Kind::ConnectionLost,
                format!("the connection to source \"{address}\" is closed"),
            ),
            DriverError::Params(_) | DriverError::MixedParams | DriverError::StmtParamsMismatch { .. }
                if doing == Doing::Filtering =>
            {
                parameters_in_filter()
            }
            DriverError::NoKeyFound => Error::new(
                Kind::InvalidParameter,
                "the file of option \"key\" holds no private key",
            ),
            // Their Display shows no payload; their Debug would.
            other => Error::new(
                Kind::ProtocolViolation,
                format!("source \"{address}\" broke the protocol"),
            )
            .with_detail(clean(&other.to_string())),
        }
    }
}

/// `?` and `:name` would be placeholders.
pub(super) fn parameters_in_filter() -> Error {
    Error::new(
        Kind::InvalidParameter,
        "the unit's filter contains a parameter (? or :name)",
    )
    .with_hint("Write the value itself: {\"filter\": \"id > 100\"}.")
}

pub(super) fn violation(what: impl Into<String>) -> Error {
    Error::new(Kind::ProtocolViolation, what)
}

/// The server's text, without what may be a value of a row. A syntax error quotes the statement
/// from the fault on: a filter stands behind all literals of ours.
fn shown(error: &ServerError) -> String {
    const SPEAKS_OF_OBJECTS: [u16; 39] = [
        1028, 1037, 1040, 1041, 1044, 1045, 1049, 1051, 1053, 1054, 1064, 1072, 1129, 1130, 1135,
        1142, 1143, 1146, 1158, 1159, 1160, 1161, 1176, 1193, 1203, 1205, 1213, 1226, 1227, 1305,
        1317, 1370, 1356, 1412, 1461, 1698, 1927, 1969, 3024,
    ];
    if SPEAKS_OF_OBJECTS.contains(&error.code) {
        return clean(&error.message);
    }
    "(the text is left out: it may hold a value)".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Retry;

    fn endpoint() -> Endpoint {
        let server = [("url".to_string(), "mysql://db.example/sh`op".to_string())];
        let mapping = [("password".to_string(), "hunter2".to_string())];
        Endpoint::parse(&server, &mapping).unwrap()
    }

    fn of_code(code: u16, message: &str, doing: Doing) -> Error {
        let endpoint = endpoint();
        let asker = Asker {
            endpoint: &endpoint,
            account: Some("reader@10.%"),
        };
        let error = ServerError {
            code,
            message: message.to_string(),
            state: "HY000".to_string(),
        };
        asker.error(Failure::Server(error), doing)
    }

    #[test]
    fn what_time_heals_is_transient() {
        for code in [6, 1040, 1203, 1205, 1213, 1053, 1927, 1317, 1412] {
            assert_eq!(
                of_code(code, "", Doing::Querying).retry(),
                Retry::Transient,
                "{code}"
            );
        }
        for code in [1045, 1142, 1146, 1049, 1054, 1064, 1815, 3159] {
            assert_eq!(
                of_code(code, "", Doing::Querying).retry(),
                Retry::Definite,
                "{code}"
            );
        }
    }

    #[test]
    fn a_denied_select_names_the_grant() {
        let error = of_code(1142, "SELECT command denied", Doing::Querying);
        assert_eq!(error.kind, Kind::AccessDenied);
        assert_eq!(
            error.hint.as_deref(),
            Some("At the source: GRANT SELECT ON `sh``op`.* TO 'reader'@'10.%';")
        );
    }

    #[test]
    fn the_servers_text_is_cleaned() {
        let text = format!("no \u{1b}]0;\n{}", "x".repeat(9_000));
        let detail = of_code(1142, &text, Doing::Querying).detail.unwrap();
        assert!(detail.starts_with("Error 1142 (HY000): no ?]0;?xxx"));
        assert!(detail.len() < 600, "{}", detail.len());
        let endpoint = endpoint();
        let asker = Asker {
            endpoint: &endpoint,
            account: Some("o'neil@h"),
        };
        assert!(asker.grant().ends_with(" TO 'o''neil'@'h';"));
        let name = "evil\0plugin".to_string();
        let failure = Failure::Driver(DriverError::UnknownAuthPlugin { name });
        let error = asker.error(failure, Doing::Connecting);
        assert!(error.message.contains("\"evil?plugin\""));
    }

    #[test]
    fn values_are_left_out() {
        let error = of_code(
            1292,
            "Truncated incorrect DOUBLE value: 'secret'",
            Doing::Filtering,
        );
        assert!(!format!("{error:?}").contains("secret"));
        let text = "You have an error near 'frm x\n) ORDER BY `id`' at line 2";
        let error = of_code(1064, text, Doing::Filtering);
        assert_eq!(error.kind, Kind::InvalidParameter);
        assert!(error.detail.unwrap_or_default().contains("near 'frm x"));
    }
}
