//! Statements that begin, end or divide a transaction.

use super::Statement;
use super::cursor::Cursor;
use super::token::Token;

/// The name of an XA transaction, as an XA_PREPARE event has it too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Xid {
    pub format: u32,
    pub global: Vec<u8>,
    pub branch: Vec<u8>,
}

pub(super) fn transaction(cursor: &mut Cursor<'_>) -> Option<Statement> {
    let word = cursor.word()?;
    cursor.tokens.advance();
    match word.as_str() {
        "begin" => {
            cursor.eat("work");
            cursor.ended().then_some(Statement::Begin)
        }
        // With its options, as WITH CONSISTENT SNAPSHOT.
        "start" => cursor.eat("transaction").then_some(Statement::Begin),
        "commit" => {
            cursor.eat("work");
            (chained(cursor)? && cursor.ended()).then_some(Statement::Commit)
        }
        "rollback" => {
            cursor.eat("work");
            if cursor.eat("to") {
                cursor.eat("savepoint");
                return named(cursor, Statement::RollbackTo);
            }
            (chained(cursor)? && cursor.ended()).then_some(Statement::Rollback)
        }
        "savepoint" => named(cursor, Statement::Savepoint),
        "release" => match cursor.eat("savepoint") {
            true => named(cursor, Statement::Release),
            false => None,
        },
        _ => xa(cursor),
    }
}

/// `AND [NO] CHAIN [NO] RELEASE`; None where the chain begins another transaction.
fn chained(cursor: &mut Cursor<'_>) -> Option<bool> {
    if cursor.eat("and") {
        if !cursor.eat("no") {
            return None;
        }
        cursor.eat("chain");
    }
    cursor.eat("no");
    cursor.eat("release");
    Some(true)
}

fn named(cursor: &mut Cursor<'_>, made: fn(String) -> Statement) -> Option<Statement> {
    let name = cursor.name()?;
    cursor.ended().then(|| made(name))
}

fn xa(cursor: &mut Cursor<'_>) -> Option<Statement> {
    let verb = cursor.word()?;
    cursor.tokens.advance();
    let xid = xid(cursor)?;
    let one_phase = verb == "commit" && cursor.eat_all(&["one", "phase"]);
    if verb == "end" {
        cursor.eat("suspend");
    }
    if !cursor.ended() {
        return None;
    }
    Some(match verb.as_str() {
        "start" | "begin" => Statement::XaStart(xid),
        "end" => Statement::XaEnd(xid),
        "prepare" => Statement::XaPrepare(xid),
        "commit" => Statement::XaCommit { xid, one_phase },
        "rollback" => Statement::XaRollback(xid),
        _ => return None,
    })
}

/// `X'7831',X'62',7`, as both servers write it; the branch and the format may be left out.
fn xid(cursor: &mut Cursor<'_>) -> Option<Xid> {
    let global = bytes(cursor)?;
    let mut xid = Xid {
        format: 1,
        global,
        branch: Vec::new(),
    };
    if cursor.eat_symbol(',') {
        xid.branch = bytes(cursor)?;
        if cursor.eat_symbol(',') {
            xid.format = cursor.word()?.parse().ok()?;
            cursor.tokens.advance();
        }
    }
    // The servers take no more.
    (xid.global.len() <= 64 && xid.branch.len() <= 64).then_some(xid)
}

fn bytes(cursor: &mut Cursor<'_>) -> Option<Vec<u8>> {
    let hexadecimal = cursor.eat("x");
    let found = match cursor.tokens.current() {
        Token::Text { raw, .. } if hexadecimal => hex(raw)?,
        Token::Text { raw, .. } if !raw.contains(['\\', '\'']) => raw.as_bytes().to_vec(),
        Token::Word(word) if !hexadecimal => hex(word.strip_prefix("0x")?)?,
        _ => return None,
    };
    cursor.tokens.advance();
    Some(found)
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = digits
        .chars()
        .take(129)
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    digits?
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((high << 4) | low),
            _ => None,
        })
        .collect()
}
