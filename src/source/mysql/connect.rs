//! One session at the source: opened within a time limit, pinned, closed or cut.
//!
//! The driver, when a connection is dropped, reads what is left of its result in a task of its own:
//! for a snapshot that is a whole table. So a [`Connection`] that is dropped instead of closed cuts
//! its socket first, see [`Connection::cut`].

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Conn, Opts, OptsBuilder, Row, SslOpts, Statement, Value};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, timeout};

use super::endpoint::{Endpoint, TlsMode};
use super::errors::{self, Asker, Doing};
use super::session::{self, ServerInfo};
use super::told::clean;
use crate::error::{Error, Kind, Result};

/// The largest packet the protocol allows; a row may be that large.
const MAX_PACKET: usize = 1 << 30;
const KEEPALIVE: Duration = Duration::from_secs(30);
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
const KILL_LIMIT: Duration = Duration::from_secs(2);
/// Bounds of a result that is held as a whole: a catalog is smaller, and a server that sends more
/// must not fill our memory.
const HELD_ROWS: usize = 1_000_000;
const HELD_BYTES: usize = 64 << 20;
/// "Unknown system variable", "unknown thread".
const UNKNOWN_VARIABLE: u16 = 1193;
const UNKNOWN_THREAD: u16 = 1094;

pub struct Connection {
    /// None only while being closed.
    conn: Option<Conn>,
    endpoint: Endpoint,
    server: ServerInfo,
    /// A statement without parameters, to cut the connection with.
    cutter: Statement,
    /// A result was begun and its end was not read.
    reading: bool,
}

impl Connection {
    /// Connects, logs in and pins the session, all within the endpoint's `connect_timeout`.
    pub async fn open(endpoint: &Endpoint) -> Result<Connection> {
        let asker = Asker {
            endpoint,
            account: None,
        };
        let options = driver_options(endpoint)?;
        timeout(endpoint.connect_timeout(), open(endpoint, options))
            .await
            .unwrap_or_else(|_| Err(asker.timeout(Doing::Connecting)))
    }

    pub fn server(&self) -> &ServerInfo {
        &self.server
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Says goodbye; a second is enough for that. What fails here has no consequence.
    pub async fn close(mut self) {
        if self.reading {
            return;
        }
        if let Some(conn) = self.conn.take() {
            let _ = timeout(CLOSE_LIMIT, conn.disconnect()).await;
        }
    }

    /// The driver's connection, for a command after which it is of no other use.
    pub(super) fn into_conn(mut self) -> Result<Conn> {
        self.conn()?;
        self.conn
            .take()
            .ok_or_else(|| Error::new(Kind::Internal, "the connection is closed"))
    }

    pub(super) fn asker(&self) -> Asker<'_> {
        Asker {
            endpoint: &self.endpoint,
            account: Some(&self.server.account),
        }
    }

    pub(super) fn conn(&mut self) -> Result<&mut Conn> {
        if self.reading {
            // Another connection heals it.
            return Err(Error::new(
                Kind::ConnectionLost,
                "the connection was left in the middle of a result",
            ));
        }
        self.conn
            .as_mut()
            .ok_or_else(|| Error::new(Kind::Internal, "the connection is closed"))
    }

    /// The connection for a result that is read row by row. Until [`Self::end_reading`] it is of no
    /// use for anything else.
    pub(super) fn begin_reading(&mut self) -> Result<&mut Conn> {
        self.conn()?;
        self.reading = true;
        self.conn
            .as_mut()
            .ok_or_else(|| Error::new(Kind::Internal, "the connection is closed"))
    }

    /// The result's end was read.
    pub(super) fn end_reading(&mut self) {
        self.reading = false;
    }

    /// All rows of a small result, by the binary protocol.
    pub(super) async fn rows(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>> {
        let limit = self.endpoint.read_timeout();
        let conn = self.conn()?;
        let work = async {
            let mut held = Held::default();
            let mut rows: Vec<Row> = Vec::new();
            let mut result = conn.exec_iter(sql, values).await?;
            while let Some(row) = result.next().await? {
                if !held.admits((0..row.len()).filter_map(|position| row.as_ref(position))) {
                    return Ok(None);
                }
                rows.push(row);
            }
            result.drop_result().await?;
            Ok(Some(rows))
        };
        match timeout(limit, work).await {
            Ok(Ok(Some(rows))) => Ok(rows),
            Ok(Ok(None)) => {
                self.cut();
                Err(errors::violation(format!(
                    "source \"{}\" sent a result that is too large",
                    self.endpoint.address()
                ))
                .with_detail(format!(
                    "Expected at most {HELD_ROWS} rows and {} MiB.",
                    HELD_BYTES >> 20
                )))
            }
            Ok(Err(failure)) => Err(self.asker().error(failure, Doing::Querying)),
            Err(_) => {
                self.cut();
                Err(self.asker().timeout(Doing::Querying))
            }
        }
    }

    /// Closes the socket at once, whatever is still to come over it.
    ///
    /// The driver has no such call. But it drops the socket when it refuses a statement for the
    /// number of its parameters, before it reads or writes anything.
    fn cut(&mut self) {
        let Some(mut conn) = self.conn.take() else {
            return;
        };
        if conn.is_disconnected() {
            return;
        }
        let mut refused = conn.exec_iter(self.cutter.clone(), (0,));
        let _ = refused
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.cut();
    }
}

/// How much of a result that is held as a whole has come.
#[derive(Default)]
struct Held {
    rows: usize,
    bytes: usize,
}

impl Held {
    /// Counts a row; false when it is one too many.
    fn admits<'a>(&mut self, values: impl Iterator<Item = &'a Value>) -> bool {
        self.rows += 1;
        for value in values {
            // A row of many NULLs takes memory as well.
            let payload = match value {
                Value::Bytes(bytes) => bytes.len(),
                _ => 0,
            };
            self.bytes = self.bytes.saturating_add(size_of::<Value>() + payload);
        }
        self.rows <= HELD_ROWS && self.bytes <= HELD_BYTES
    }
}

/// Ends a session that another connection holds, with whatever it is doing.
pub async fn kill(endpoint: &Endpoint, connection_id: u32) -> Result<()> {
    let asker = Asker {
        endpoint,
        account: None,
    };
    let options = driver_options(endpoint)?;
    let work = async {
        let mut conn = Conn::new(options).await?;
        let killed = conn.query_drop(format!("KILL {connection_id}")).await;
        conn.disconnect().await?;
        match killed {
            Err(mysql_async::Error::Server(error)) if error.code == UNKNOWN_THREAD => Ok(()),
            other => other,
        }
    };
    match timeout(KILL_LIMIT, work).await {
        Ok(done) => done.map_err(|failure| asker.error(failure, Doing::Connecting)),
        Err(_) => Err(asker.timeout(Doing::Connecting)),
    }
}

async fn open(endpoint: &Endpoint, options: Opts) -> Result<Connection> {
    let asker = Asker {
        endpoint,
        account: None,
    };
    let told = |failure| asker.error(failure, Doing::Connecting);
    let mut conn = Conn::new(options).await.map_err(told)?;
    conn.query_drop(session::PINNED).await.map_err(told)?;
    for setting in session::PINNED_ALSO {
        conn.query_drop(setting).await.map_err(told)?;
    }
    let cutter = conn
        .prep("SELECT VERSION(), @@version_comment, CURRENT_USER()")
        .await
        .map_err(told)?;
    let row: Option<mysql_async::Row> = conn.exec_first(&cutter, ()).await.map_err(told)?;
    // Not as a tuple at once: that panics where the row is of another shape.
    let (version_text, comment, account): (String, String, String) = row
        .and_then(|row| mysql_async::from_row_opt(row).ok())
        .ok_or_else(|| errors::violation("the source did not tell its version"))?;
    let (flavor, version) = session::read_version(&version_text, &comment);
    let server = ServerInfo {
        flavor,
        version,
        version_text: clean(&version_text),
        connection_id: conn.id(),
        account: clean(&account),
    };
    let lock_wait = (endpoint.read_timeout().as_secs() / 2).max(1);
    for setting in session::optional(&server, lock_wait) {
        match conn.query_drop(setting).await {
            Err(mysql_async::Error::Server(error)) if error.code == UNKNOWN_VARIABLE => {}
            other => other.map_err(told)?,
        }
    }
    Ok(Connection {
        conn: Some(conn),
        endpoint: endpoint.clone(),
        server,
        cutter,
        reading: false,
    })
}

fn driver_options(endpoint: &Endpoint) -> Result<Opts> {
    let options = OptsBuilder::default()
        .ip_or_hostname(endpoint.host())
        .tcp_port(endpoint.port())
        .socket(endpoint.socket())
        .prefer_socket(false)
        .user(endpoint.username())
        .pass(endpoint.password())
        .db_name(Some(endpoint.database()))
        .tcp_keepalive(Some(KEEPALIVE))
        .max_allowed_packet(Some(MAX_PACKET))
        // Given, so that the driver does not ask for it.
        .wait_timeout(Some(86_400))
        .stmt_cache_size(4)
        .compression(endpoint.compressed().then(mysql_async::Compression::fast))
        .ssl_opts(tls_options(endpoint)?);
    Ok(options.into())
}

fn tls_options(endpoint: &Endpoint) -> Result<Option<SslOpts>> {
    let mode = endpoint.tls();
    if mode == TlsMode::Disable {
        return Ok(None);
    }
    let mut options = SslOpts::default();
    if let Some(path) = endpoint.ca() {
        let authorities = read_file("ca", path)?;
        options = options
            .with_root_certs(vec![authorities.into()])
            .with_disable_built_in_roots(true);
    }
    if let Some((cert, key)) = endpoint.identity() {
        options = options.with_client_identity(Some(ClientIdentity::new(
            read_file("cert", cert)?.into(),
            read_file("key", key)?.into(),
        )));
    }
    Ok(Some(match mode {
        TlsMode::Require => options.with_danger_accept_invalid_certs(true),
        // The driver's check without names looks for the word NotValidForName in the text of the
        // TLS library's error, which no longer has it, but has the name that was asked for. That
        // error comes only after the chain of the certificate was found good. Should either text
        // change, every certificate is refused: it fails closed.
        TlsMode::VerifyCa => options
            .with_danger_skip_domain_validation(true)
            .with_danger_tls_hostname_override(Some("NotValidForName")),
        TlsMode::VerifyFull | TlsMode::Disable => options,
    }))
}

/// Reads a file that an option names.
fn read_file(option: &str, path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Error::new(
            Kind::InvalidParameter,
            format!("could not read file \"{path}\" of option \"{option}\""),
        )
        .with_detail(error.to_string())
    })
}

/// Bounds the silence of the source over many waits, with one timer: it is armed again only when it
/// has fired and something had come since. A wait ends after one to two times the limit.
pub(super) struct Watchdog {
    sleep: Pin<Box<Sleep>>,
    limit: Duration,
    progress: bool,
}

impl Watchdog {
    pub(super) fn new(limit: Duration) -> Watchdog {
        Watchdog {
            sleep: Box::pin(tokio::time::sleep(limit)),
            limit,
            progress: false,
        }
    }

    /// The future's output, or None when the source was silent for too long.
    pub(super) async fn wait<F: Future>(&mut self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                self.progress = true;
                return Poll::Ready(Some(output));
            }
            // A source that always has something to say uses up what a task may poll at a time.
            while pin!(unconstrained(self.sleep.as_mut()))
                .poll(context)
                .is_ready()
            {
                if !self.progress {
                    return Poll::Ready(None);
                }
                self.progress = false;
                self.sleep.as_mut().reset(Instant::now() + self.limit);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(row: &[Value]) -> usize {
        let mut held = Held::default();
        (0..).take_while(|_| held.admits(row.iter())).count()
    }

    #[test]
    fn a_held_result_is_bounded() {
        assert_eq!(admitted(&[]), HELD_ROWS);
        assert_eq!(admitted(&[Value::UInt(1)]), HELD_ROWS);
        assert_eq!(admitted(&[Value::Bytes(vec![0; 1 << 20])]), 63);
        let nulls = vec![Value::NULL; 4096];
        assert_eq!(admitted(&nulls), HELD_BYTES / (4096 * size_of::<Value>()));
    }
}
