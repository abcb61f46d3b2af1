//! A client of PostgreSQL's simple query protocol over a Unix socket: values as the server's own
//! text, NULL apart from the empty string, errors with all their fields. A few pages instead of a
//! driver, so that the tests build nothing that the extension does not need.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub type Row = Vec<Option<String>>;

/// An ErrorResponse or NoticeResponse, or a lost connection (SQLSTATE `LOST`).
#[derive(Clone)]
pub struct Message {
    pub severity: String,
    pub sqlstate: String,
    pub message: String,
    pub detail: String,
    pub hint: String,
}

impl Message {
    /// The connection is gone with it.
    pub fn ends_session(&self) -> bool {
        matches!(self.severity.as_str(), "FATAL" | "PANIC")
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity, self.sqlstate, self.message)?;
        if !self.detail.is_empty() {
            write!(f, "\n  DETAIL: {}", self.detail)?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n  HINT: {}", self.hint)?;
        }
        Ok(())
    }
}

pub struct PostgresClient {
    reader: BufReader<UnixStream>,
    /// Notices since the last [`PostgresClient::take_notices`].
    notices: Vec<Message>,
    /// Payloads of notifications since the last [`PostgresClient::take_notifications`].
    notifications: Vec<String>,
    pub pid: u32,
}

impl PostgresClient {
    pub fn connect(socket: &Path, user: &str, database: &str) -> Result<PostgresClient, Message> {
        let stream = UnixStream::connect(socket).map_err(lost)?;
        // Nothing that a test asks takes longer; a server that hangs is a failure, not a hang.
        stream
            .set_read_timeout(Some(Duration::from_secs(180)))
            .map_err(lost)?;
        let mut client = PostgresClient {
            reader: BufReader::with_capacity(1 << 16, stream),
            notices: Vec::new(),
            notifications: Vec::new(),
            pid: 0,
        };
        let mut body = 196_608_i32.to_be_bytes().to_vec();
        for text in [
            "user",
            user,
            "database",
            database,
            "application_name",
            "tests",
            "client_encoding",
            "UTF8",
            "TimeZone",
            "UTC",
            "DateStyle",
            "ISO, YMD",
            "IntervalStyle",
            "postgres",
            "bytea_output",
            "hex",
        ] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
        body.push(0);
        let mut packet = ((body.len() + 4) as i32).to_be_bytes().to_vec();
        packet.extend_from_slice(&body);
        client.send(&packet)?;
        client.answer()?;
        Ok(client)
    }

    /// Rows of the last statement that has any.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Row>, Message> {
        let mut packet = vec![b'Q'];
        packet.extend_from_slice(&((sql.len() + 5) as i32).to_be_bytes());
        packet.extend_from_slice(sql.as_bytes());
        packet.push(0);
        self.send(&packet)?;
        self.answer()
    }

    /// As `query`; an error is the test's.
    #[track_caller]
    pub fn rows(&mut self, sql: &str) -> Vec<Row> {
        match self.query(sql) {
            Ok(rows) => rows,
            Err(error) => panic!("{sql}\n{error:?}"),
        }
    }

    /// The first column of the first row; NULL as the empty string.
    #[track_caller]
    pub fn text(&mut self, sql: &str) -> String {
        let rows = self.rows(sql);
        let row = rows
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no row: {sql}"));
        row.into_iter().next().flatten().unwrap_or_default()
    }

    #[track_caller]
    pub fn number(&mut self, sql: &str) -> i64 {
        let text = self.text(sql);
        text.parse()
            .unwrap_or_else(|_| panic!("not a number: {text:?} of {sql}"))
    }

    /// The error that `sql` must raise.
    #[track_caller]
    pub fn error(&mut self, sql: &str) -> Message {
        match self.query(sql) {
            Ok(rows) => panic!("no error, but {} rows: {sql}", rows.len()),
            Err(error) => error,
        }
    }

    pub fn take_notices(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.notices)
    }

    /// What has come on any channel that this session listens to; a statement fetches them.
    pub fn take_notifications(&mut self) -> Vec<String> {
        self.rows("SELECT 1");
        std::mem::take(&mut self.notifications)
    }

    fn send(&mut self, packet: &[u8]) -> Result<(), Message> {
        self.reader.get_mut().write_all(packet).map_err(lost)
    }

    /// Reads up to ReadyForQuery.
    fn answer(&mut self) -> Result<Vec<Row>, Message> {
        let mut rows = Vec::new();
        let mut error = None;
        loop {
            let mut head = [0; 5];
            if let Err(broken) = self.reader.read_exact(&mut head) {
                return Err(error.unwrap_or_else(|| lost(broken)));
            }
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let mut body = vec![0; length - 4];
            self.reader.read_exact(&mut body).map_err(lost)?;
            match head[0] {
                b'T' => rows.clear(),
                b'D' => rows.push(data_row(&body)),
                b'E' => error = Some(message(&body)),
                b'N' => self.notices.push(message(&body)),
                b'K' => self.pid = u32::from_be_bytes([body[0], body[1], body[2], body[3]]),
                b'Z' => return error.map_or(Ok(rows), Err),
                b'R' => assert_eq!(body, [0, 0, 0, 0], "the server asks for a password"),
                b'A' => self.notifications.push(payload(&body)),
                b'C' | b'I' | b'S' => (),
                other => panic!("unexpected message {:?}", other as char),
            }
        }
    }
}

/// Of a NotificationResponse: a process, a channel, a payload.
fn payload(body: &[u8]) -> String {
    let text = body[4..].split(|byte| *byte == 0).nth(1).unwrap_or(&[]);
    String::from_utf8_lossy(text).into_owned()
}

fn data_row(body: &[u8]) -> Row {
    let mut rest = &body[2..];
    let mut row = Vec::with_capacity(usize::from(u16::from_be_bytes([body[0], body[1]])));
    while !rest.is_empty() {
        let length = i32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]);
        rest = &rest[4..];
        if length < 0 {
            row.push(None);
            continue;
        }
        let (value, after) = rest.split_at(length as usize);
        row.push(Some(
            String::from_utf8(value.to_vec()).expect("UTF-8 from a UTF-8 server"),
        ));
        rest = after;
    }
    row
}

fn message(body: &[u8]) -> Message {
    let fields: HashMap<u8, String> = body
        .split(|byte| *byte == 0)
        .filter(|field| !field.is_empty())
        .map(|field| (field[0], String::from_utf8_lossy(&field[1..]).into_owned()))
        .collect();
    let get = |code: u8| fields.get(&code).cloned().unwrap_or_default();
    Message {
        severity: get(b'V'),
        sqlstate: get(b'C'),
        message: get(b'M'),
        detail: get(b'D'),
        hint: get(b'H'),
    }
}

fn lost(error: std::io::Error) -> Message {
    Message {
        severity: "FATAL".into(),
        sqlstate: "LOST".into(),
        message: error.to_string(),
        detail: String::new(),
        hint: String::new(),
    }
}
