//! A statement: BEGIN, DDL, or a change that was logged as text.

use std::borrow::Cow;

use super::bytes::{Bytes, text};
use super::inflate;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// The session at the source.
    pub thread_id: u32,
    /// The default database; empty without one.
    pub database: String,
    /// The error it ended with at the source; 0 for none. A statement with an error may have changed
    /// something.
    pub error_code: u16,
    /// As the client sent it, in the character set of `client_collation`.
    pub text: Cow<'a, [u8]>,
    /// Bits of the session's sql_mode.
    pub sql_mode: Option<u64>,
    pub client_collation: Option<u16>,
    /// The statement is a transaction of its own, with this number (MySQL's atomic DDL, MariaDB).
    pub xid: Option<u64>,
    /// Databases that it changes, where the source says so and there are few.
    pub databases: Vec<String>,
}

impl<'a> Query<'a> {
    pub(super) fn parse(data: &'a [u8], compressed: bool) -> Option<Query<'a>> {
        let mut bytes = Bytes::new(data);
        let thread_id = bytes.u32()?;
        let _seconds = bytes.u32()?;
        let database_length = bytes.u8()?;
        let error_code = bytes.u16()?;
        let status_length = bytes.u16()?;
        let status = bytes.take(status_length.into())?;
        let database = text(bytes.take(database_length.into())?)?;
        if bytes.u8()? != 0 {
            return None;
        }
        let body = bytes.rest();
        let mut query = Query {
            thread_id,
            database,
            error_code,
            text: if compressed {
                Cow::Owned(inflate::inflate(body)?)
            } else {
                Cow::Borrowed(body)
            },
            ..Query::default()
        };
        query.read_status(Bytes::new(status));
        Some(query)
    }

    /// The statement as text; what is not UTF-8 in it is replaced. Names in it are exact where the
    /// client spoke UTF-8 or they are ASCII.
    pub fn shown(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.text)
    }

    /// Variables of the session, each with its number. What comes behind one that is not known, or
    /// that is cut short, cannot be read; servers themselves leave it at that.
    fn read_status(&mut self, mut bytes: Bytes<'_>) -> Option<()> {
        while let Some(number) = bytes.u8() {
            match number {
                // Flags of the session; default table's id.
                0 => bytes.take(4).map(drop)?,
                1 => self.sql_mode = Some(bytes.u64()?),
                // A catalog with a zero behind it.
                2 => {
                    bytes.short_bytes()?;
                    bytes.u8()?;
                }
                // Step and offset of numbers; bytes written before.
                3 | 10 => bytes.take(4).map(drop)?,
                4 => {
                    self.client_collation = Some(bytes.u16()?);
                    bytes.take(4)?;
                }
                // Time zone, catalog.
                5 | 6 => bytes.short_bytes().map(drop)?,
                // Language, collation of the database, of utf8mb4.
                7 | 8 | 18 => bytes.take(2).map(drop)?,
                9 => bytes.take(8).map(drop)?,
                // User and host.
                11 => {
                    bytes.short_bytes()?;
                    bytes.short_bytes()?;
                }
                12 => self.read_databases(&mut bytes)?,
                // Microseconds.
                13 | 128 => bytes.take(3).map(drop)?,
                16 | 19 | 20 | 130 => bytes.take(1).map(drop)?,
                17 | 129 => self.xid = Some(bytes.u64()?),
                // Pairs of collations.
                131 => {
                    let pairs = usize::from(bytes.u8()?);
                    bytes.take(pairs * 4)?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// Names with a zero behind each; too many are not named at all.
    fn read_databases(&mut self, bytes: &mut Bytes<'_>) -> Option<()> {
        const TOO_MANY: u8 = 254;
        let count = bytes.u8()?;
        if count == TOO_MANY {
            return Some(());
        }
        for _ in 0..count {
            let mut name = Vec::new();
            while let byte @ 1.. = bytes.u8()? {
                name.push(byte);
            }
            self.databases.push(text(&name)?);
        }
        Some(())
    }
}
