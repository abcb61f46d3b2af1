//! Where a source is and as whom to connect: the options of its foreign server and user mapping,
//! parsed once at the border. Nothing here shows a password.

use std::fmt;
use std::time::Duration;

use super::options::{self, MAPPING_OPTIONS, RowProtocol, SERVER_OPTIONS};
use super::url::Url;
use crate::error::{Error, Kind, Result};

pub use super::options::{FILE_OPTIONS, TlsMode};

const DEFAULT_PORT: u16 = 3306;

/// Names and values in their order.
pub type Options = Vec<(String, String)>;

/// A parsed source. Cloning is cheap enough to do per connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    database: String,
    username: Option<String>,
    password: Option<String>,
    tls: TlsMode,
    ca: Option<String>,
    /// Certificate and key of the client.
    identity: Option<(String, String)>,
    socket: Option<String>,
    connect_timeout: Duration,
    read_timeout: Duration,
    compressed: bool,
    protocol: RowProtocol,
}

impl Endpoint {
    /// `server` and `mapping` are the options of the foreign server and of the user mapping.
    pub fn parse(server: &[(String, String)], mapping: &[(String, String)]) -> Result<Endpoint> {
        options::check_names(mapping, &MAPPING_OPTIONS)?;
        let (url, options) = flatten(server)?;
        let option = |name: &str| value(&options, name);

        let socket = option("socket").map(str::to_string);
        match (&socket, url.host.is_empty()) {
            (Some(_), false) => {
                return Err(Error::new(
                    Kind::InvalidParameter,
                    "the source has both a socket and a host",
                )
                .with_hint("With a socket the url is mysql:///database."));
            }
            (None, true) => {
                return Err(Error::new(
                    Kind::InvalidParameter,
                    "the source has neither a host nor a socket",
                )
                .with_hint("Write mysql://host:3306/database, or add the option socket."));
            }
            _ => {}
        }
        let near = socket.is_some() || is_loopback(&url.host);
        let ca = option("ca").map(str::to_string);
        let tls = match option("tls") {
            Some(mode) => options::tls_mode(mode)?,
            None if ca.is_some() => TlsMode::VerifyFull,
            None if near => TlsMode::Disable,
            None => TlsMode::Require,
        };
        let identity = match (option("cert"), option("key")) {
            (Some(cert), Some(key)) => Some((cert.to_string(), key.to_string())),
            (None, None) => None,
            _ => {
                return Err(Error::new(
                    Kind::InvalidParameter,
                    "the options cert and key go together",
                ));
            }
        };
        check_tls(tls, ca.is_some(), identity.is_some(), socket.is_some())?;

        Ok(Endpoint {
            host: url.host,
            port: url.port.unwrap_or(DEFAULT_PORT),
            database: url.database,
            username: value(mapping, "username").map(str::to_string),
            password: value(mapping, "password").map(str::to_string),
            tls,
            ca,
            identity,
            socket,
            connect_timeout: time(&options, "connect_timeout", Duration::from_secs(10))?,
            read_timeout: time(&options, "read_timeout", Duration::from_secs(60))?,
            compressed: option("compression").map_or(Ok(false), options::compression)?,
            protocol: option("protocol").map_or(Ok(RowProtocol::Binary), options::protocol)?,
        })
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    /// Empty where the source is a socket.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn socket(&self) -> Option<&str> {
        self.socket.as_deref()
    }

    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    pub fn protocol(&self) -> RowProtocol {
        self.protocol
    }

    pub fn tls(&self) -> TlsMode {
        self.tls
    }

    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub fn read_timeout(&self) -> Duration {
        self.read_timeout
    }

    /// `host:port` or the socket's path, for messages.
    pub fn address(&self) -> String {
        match &self.socket {
            Some(path) => path.clone(),
            None if self.host.contains(':') => format!("[{}]:{}", self.host, self.port),
            None => format!("{}:{}", self.host, self.port),
        }
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    pub(super) fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    pub(super) fn identity(&self) -> Option<(&str, &str)> {
        self.identity
            .as_ref()
            .map(|(cert, key)| (cert.as_str(), key.as_str()))
    }

    pub(super) fn compressed(&self) -> bool {
        self.compressed
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("address", &self.address())
            .field("database", &self.database)
            .field("username", &self.username)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Server and mapping options of a URL that may hold credentials: what `sync_create_source` makes
/// of it. Parameters of the URL become options of their own, so that each can be altered, and so
/// that the caller sees which of them read files.
pub fn split_url(url: &str) -> Result<(Options, Options)> {
    let url = Url::parse(url)?;
    let mut server = vec![("url".to_string(), url.place())];
    server.extend(url.parameters);
    let mut mapping = Vec::new();
    if let Some(username) = url.username {
        mapping.push(("username".to_string(), username));
    }
    if let Some(password) = url.password {
        mapping.push(("password".to_string(), password));
    }
    validate_server_options(&server)?;
    Ok((server, mapping))
}

/// Refuses what CREATE SERVER must not hold: unknown options, wrong values, credentials.
pub fn validate_server_options(options: &[(String, String)]) -> Result<()> {
    Endpoint::parse(options, &[]).map(drop)
}

pub fn validate_mapping_options(options: &[(String, String)]) -> Result<()> {
    options::check_names(options, &MAPPING_OPTIONS)
}

/// The url's parts, and all options: those beside the url, then those inside it.
fn flatten(server: &[(String, String)]) -> Result<(Url, Options)> {
    options::check_names(server, &SERVER_OPTIONS)?;
    let text = value(server, "url").ok_or_else(|| {
        Error::new(Kind::InvalidParameter, "the option \"url\" is missing")
            .with_hint("Write OPTIONS (url 'mysql://host:3306/database').")
    })?;
    let mut url = Url::parse(text)?;
    let secret =
        |(name, _): &(String, String)| matches!(name.as_str(), "user" | "username" | "password");
    if url.username.is_some() || url.password.is_some() || url.parameters.iter().any(secret) {
        return Err(Error::new(
            Kind::InvalidParameter,
            "the url of a server must not hold a user name or password",
        )
        .with_detail("Everybody who may look at the catalog could read them.")
        .with_hint(
            "Put them into the user mapping: CREATE USER MAPPING FOR CURRENT_USER SERVER ... \
             OPTIONS (username '...', password '...');",
        ));
    }
    let parameters = std::mem::take(&mut url.parameters);
    if let Some((name, _)) = parameters
        .iter()
        .find(|(name, _)| FILE_OPTIONS.contains(&name.as_str()))
    {
        return Err(Error::new(
            Kind::InvalidParameter,
            format!("option \"{name}\" must stand beside the url, not inside it"),
        )
        .with_hint(format!("Write OPTIONS (url '...', {name} '...').")));
    }
    let mut all = server.to_vec();
    all.extend(parameters);
    options::check_names(&all, &SERVER_OPTIONS)?;
    Ok((url, all))
}

fn value<'a>(options: &'a [(String, String)], name: &str) -> Option<&'a str> {
    options
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

fn time(options: &[(String, String)], name: &str, default: Duration) -> Result<Duration> {
    value(options, name).map_or(Ok(default), |text| options::duration(name, text))
}

/// An option that would do nothing is refused: who sets it believes in it.
fn check_tls(tls: TlsMode, ca: bool, identity: bool, socket: bool) -> Result<()> {
    let fault = match tls {
        TlsMode::Disable if ca || identity => "ca, cert and key have no effect with tls 'disable'",
        TlsMode::Require if ca => {
            "ca has no effect with tls 'require', which accepts any certificate"
        }
        TlsMode::Disable => return Ok(()),
        _ if socket => "TLS is not used on a Unix socket",
        _ => return Ok(()),
    };
    Err(Error::new(Kind::InvalidParameter, fault).with_hint(
        "Allowed is tls disable, require, verify-ca or verify-full; a socket takes none.",
    ))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    fn tls_of(pairs: &[(&str, &str)]) -> Result<TlsMode> {
        Endpoint::parse(&options(pairs), &[]).map(|endpoint| endpoint.tls())
    }

    #[test]
    fn tls_is_off_only_near_unless_asked() {
        let far = ("url", "mysql://db.example/shop");
        let near = ("url", "mysql://127.0.0.1/shop");
        assert_eq!(tls_of(&[far]).unwrap(), TlsMode::Require);
        assert_eq!(tls_of(&[near]).unwrap(), TlsMode::Disable);
        assert_eq!(
            tls_of(&[("url", "mysql://[::1]/shop")]).unwrap(),
            TlsMode::Disable
        );
        assert_eq!(
            tls_of(&[far, ("ca", "/ca.pem")]).unwrap(),
            TlsMode::VerifyFull
        );
        assert_eq!(
            tls_of(&[("url", "mysql://h/d?tls=verify-ca")]).unwrap(),
            TlsMode::VerifyCa
        );
        let socket = ("url", "mysql:///shop");
        assert_eq!(
            tls_of(&[socket, ("socket", "/s")]).unwrap(),
            TlsMode::Disable
        );
    }

    #[test]
    fn options_without_effect_are_refused() {
        let far = ("url", "mysql://db.example/shop");
        assert!(tls_of(&[far, ("tls", "require"), ("ca", "/x")]).is_err());
        assert!(tls_of(&[far, ("tls", "disable"), ("ca", "/x")]).is_err());
        assert!(tls_of(&[far, ("cert", "/x")]).is_err());
        assert!(tls_of(&[far, ("tls", "prefer")]).is_err());
        assert!(tls_of(&[far, ("socket", "/s")]).is_err());
        assert!(tls_of(&[("url", "mysql:///shop")]).is_err());
        assert!(
            tls_of(&[
                ("url", "mysql:///shop"),
                ("socket", "/s"),
                ("tls", "require")
            ])
            .is_err()
        );
        assert!(tls_of(&[far, ("compression", "zstd")]).is_err());
        assert!(tls_of(&[("tls", "require")]).is_err());
        assert!(tls_of(&[("url", "mysql://h/d?tls=require"), ("tls", "disable")]).is_err());
    }

    #[test]
    fn a_server_url_holds_no_secret_and_no_file() {
        for url in [
            "mysql://reader@h/d",
            "mysql://reader:hunter2@h/d",
            "mysql://:hunter2@h/d",
            "mysql://h/d?password=hunter2",
            "mysql://h/d?user=x",
        ] {
            let error = validate_server_options(&options(&[("url", url)])).unwrap_err();
            assert!(error.hint.as_deref().unwrap_or("").contains("USER MAPPING"));
            assert!(!format!("{error:?}").contains("hunter2"));
        }
        for name in FILE_OPTIONS {
            let url = format!("mysql://h/d?{name}=/etc/passwd");
            assert!(validate_server_options(&options(&[("url", &url)])).is_err());
        }
    }

    #[test]
    fn a_url_is_split_into_server_and_mapping() {
        let (server, mapping) = split_url(
            "mysql://re%40der:hun%2Fter2@db.example:3307/shop?tls=verify-full&ca=/ca.pem",
        )
        .unwrap();
        assert_eq!(
            server,
            options(&[
                ("url", "mysql://db.example:3307/shop"),
                ("tls", "verify-full"),
                ("ca", "/ca.pem"),
            ])
        );
        assert_eq!(
            mapping,
            options(&[("username", "re@der"), ("password", "hun/ter2")])
        );
        let endpoint = Endpoint::parse(&server, &mapping).unwrap();
        assert_eq!(endpoint.address(), "db.example:3307");
        assert_eq!(endpoint.password(), Some("hun/ter2"));
        assert!(!format!("{endpoint:?}").contains("hun"));

        let (server, mapping) = split_url("mysql:///shop?socket=/run/mysqld.sock").unwrap();
        assert!(mapping.is_empty());
        let endpoint = Endpoint::parse(&server, &mapping).unwrap();
        assert_eq!(endpoint.socket(), Some("/run/mysqld.sock"));
    }
}
