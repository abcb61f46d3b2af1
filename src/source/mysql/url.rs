//! The parts of a `mysql://` URL. No message of this file shows the URL: it may hold a password.

use crate::error::{Error, Kind, Result};

const FORM: &str = "The form is mysql://host:3306/database; options may follow as ?name=value&...";

const ENCODE: &str =
    "Write %40 for @ and %2F for / in the user name, the password and the database.";

/// Decoded parts of a URL.
#[derive(Default)]
pub(super) struct Url {
    pub scheme: String,
    pub username: Option<String>,
    pub password: Option<String>,
    /// Without brackets where it is an IPv6 address; empty for a Unix socket.
    pub host: String,
    pub port: Option<u16>,
    pub database: String,
    /// Query parameters in their order.
    pub parameters: Vec<(String, String)>,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Url> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| fault("has no scheme"))?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "mysql" && scheme != "mariadb" {
            return Err(fault("has a scheme other than mysql or mariadb"));
        }
        if rest.contains('#') {
            return Err(fault(
                "contains a fragment (#); write %23 for the character",
            ));
        }
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let mut url = Url {
            scheme,
            ..Url::default()
        };
        let address = match authority.rsplit_once('@') {
            Some((credentials, address)) => {
                url.read_credentials(credentials)?;
                address
            }
            None => authority,
        };
        url.read_address(address)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        // A password with a slash would end the host there: the rest of it must not become the
        // name of a database, which everybody may read.
        if path.contains(['@', '/']) {
            return Err(fault("has an @ or / in its database").with_hint(ENCODE));
        }
        url.database = decode(path)?;
        if url.database.is_empty() {
            return Err(fault("names no database"));
        }
        for pair in query
            .unwrap_or("")
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| fault("has an option without a value"))?;
            url.parameters.push((decode(name)?, decode(value)?));
        }
        Ok(url)
    }

    /// The URL without credentials and parameters.
    pub(super) fn place(&self) -> String {
        let mut text = format!("{}://", self.scheme);
        if self.host.contains(':') {
            text.push_str(&format!("[{}]", self.host));
        } else {
            text.push_str(&encode(&self.host));
        }
        if let Some(port) = self.port {
            text.push_str(&format!(":{port}"));
        }
        text.push('/');
        text.push_str(&encode(&self.database));
        text
    }

    fn read_credentials(&mut self, text: &str) -> Result<()> {
        let (username, password) = match text.split_once(':') {
            Some((username, password)) => (username, Some(password)),
            None => (text, None),
        };
        if !username.is_empty() {
            self.username = Some(decode(username)?);
        }
        self.password = password.map(decode).transpose()?;
        Ok(())
    }

    fn read_address(&mut self, text: &str) -> Result<()> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest
                    .split_once(']')
                    .ok_or_else(|| fault("has a host with an unclosed bracket"))?;
                let port = match port.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if port.is_empty() => None,
                    None => return Err(fault("has something between its host and port")),
                };
                (host.to_string(), port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (decode(host)?, Some(port)),
                None => (decode(text)?, None),
            },
        };
        if host.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(fault("has a host with a space or control character"));
        }
        self.host = host;
        self.port = match port {
            None => None,
            Some(digits) => match digits.parse::<u16>() {
                Ok(port) if port > 0 => Some(port),
                _ => return Err(fault("has a port that is not a number of 1 to 65535")),
            },
        };
        Ok(())
    }
}

fn fault(what: &str) -> Error {
    Error::new(Kind::InvalidParameter, format!("the source URL {what}")).with_hint(FORM)
}

fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        match (rest.next().and_then(digit), rest.next().and_then(digit)) {
            (Some(high), Some(low)) => bytes.push(high * 16 + low),
            _ => {
                return Err(fault(
                    "has a % that is not followed by two hexadecimal digits",
                ));
            }
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(fault("has an encoded part that is not text in UTF-8")),
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_decoded() {
        let url =
            Url::parse("MySQL://us%40er:p%3Aa@ss%2F@db.example:3307/my%20shop?tls=require&ca=%2Fa")
                .unwrap();
        assert_eq!(url.username.as_deref(), Some("us@er"));
        assert_eq!(url.password.as_deref(), Some("p:a@ss/"));
        assert_eq!((url.host.as_str(), url.port), ("db.example", Some(3307)));
        assert_eq!(url.database, "my shop");
        let expected = [("tls", "require"), ("ca", "/a")];
        for (have, want) in url.parameters.iter().zip(expected) {
            assert_eq!((have.0.as_str(), have.1.as_str()), want);
        }
        assert_eq!(url.place(), "mysql://db.example:3307/my%20shop");
    }

    #[test]
    fn ipv6_and_socket_forms() {
        let url = Url::parse("mariadb://[::1]:3306/a").unwrap();
        assert_eq!((url.host.as_str(), url.port), ("::1", Some(3306)));
        assert_eq!(url.place(), "mariadb://[::1]:3306/a");
        let url = Url::parse("mysql:///a?socket=/run/s.sock").unwrap();
        assert_eq!(url.host, "");
        assert_eq!(url.place(), "mysql:///a");
    }

    #[test]
    fn a_slash_in_a_password_does_not_make_a_database_of_it() {
        for bad in [
            "mysql://u:123/hunter2@host/db",
            "mysql://u:123/hunter2@host",
            "mysql://u:123/hunter2/x@host/db",
            "mysql://u/hunter2@host/db",
            "mysql://host/hunter2/db",
        ] {
            let Err(error) = Url::parse(bad) else {
                panic!("{bad} was taken");
            };
            assert!(error.hint.as_deref().unwrap_or("").contains("%2F"));
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let url = Url::parse("mysql://u:123%2Fx%40y@host/a%2Fb%40c/").unwrap();
        assert_eq!(url.password.as_deref(), Some("123/x@y"));
        assert_eq!(url.database, "a/b@c");
        assert_eq!(url.place(), "mysql://host/a%2Fb%40c");
    }

    #[test]
    fn a_refused_url_is_not_shown() {
        for bad in [
            "hunter2",
            "http://u:hunter2@h/d",
            "mysql://u:hunter2@h",
            "mysql://u:hunter2@h/",
            "mysql://u:hunter2@h:0/d",
            "mysql://u:hunter2@h:x/d",
            "mysql://u:hunter2@[::1/d",
            "mysql://u:hunter2@[::1]x/d",
            "mysql://u:hunter2%zz@h/d",
            "mysql://u:hunter2%00@h/d",
            "mysql://u:hunter2%ff@h/d",
            "mysql://u:hunter2@h%0a/d",
            "mysql://u:hunter2@h/d?tls",
            "mysql://u:hunter2@h/d#x",
        ] {
            let Err(error) = Url::parse(bad) else {
                panic!("{bad} was taken");
            };
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
