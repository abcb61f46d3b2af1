//! A source whose log lies: stands before a real server and alters the events that it sends.
//!
//! All but the events of a log passes as it is. The protocol is read frame by frame, so that what is
//! altered is one event: its bytes, its checksum (right or wrong), the frame around it.

use super::dice::Dice;
use crc32fast::hash;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// What happens to an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forgery {
    /// Bytes change on the way; the checksum is the old one.
    Damaged,
    /// The end of the event is missing; the frame says so.
    Short,
    /// The connection ends within the frame.
    Cut,
    /// Bytes change, and the checksum is right.
    Forged,
    /// The end is missing, and the checksum is right.
    ForgedShort,
    /// Eight bytes become the greatest number there is: a length, a count, a position.
    ForgedLength,
    /// Any type, any bytes.
    Invented,
    /// The event is left out.
    Swallowed,
    /// The event comes again and again.
    Repeated(u32),
    /// One event of so many frames of 16 MiB.
    Giant(u32),
    /// A compressed transaction that says that it comes to a TiB.
    Announced,
    /// A result, not of the log, that says that it has as many columns.
    Columns,
}

/// A TiB: more than any machine of a test has, and no overflow.
const ANNOUNCED: u64 = 1 << 40;
const TRANSACTION_PAYLOAD: u8 = 40;

impl Forgery {
    /// What a bad network or disk does. None of it may be taken for rows.
    pub const ACCIDENTS: [Forgery; 3] = [Forgery::Damaged, Forgery::Short, Forgery::Cut];
    /// What somebody does who means harm.
    pub const ATTACKS: [Forgery; 9] = [
        Forgery::Forged,
        Forgery::Forged,
        Forgery::ForgedShort,
        Forgery::ForgedLength,
        Forgery::ForgedLength,
        Forgery::Invented,
        Forgery::Swallowed,
        Forgery::Repeated(3),
        Forgery::Repeated(20_000),
    ];
}

/// Length and sequence number before each packet.
const FRAME: usize = 4;
const FULL_FRAME: usize = 0x00ff_ffff;
const EVENT_HEADER: usize = 19;
const CHECKSUM: usize = 4;
/// COM_BINLOG_DUMP and COM_BINLOG_DUMP_GTID.
const DUMPS: [u8; 2] = [0x12, 0x1e];

struct Plan {
    forgery: Forgery,
    /// So many events pass before.
    after: u64,
}

struct Shared {
    plan: Mutex<Option<Plan>>,
    dice: Mutex<Dice>,
    closing: AtomicBool,
}

pub struct Forger {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Forger {
    pub fn before(upstream: u16, dice: Dice) -> Forger {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            plan: Mutex::new(None),
            dice: Mutex::new(dice),
            closing: AtomicBool::new(false),
        });
        let for_listener = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, upstream, &for_listener));
        Forger { port, shared }
    }

    /// Alters one event, after so many others; once.
    pub fn plan(&self, forgery: Forgery, after: u64) {
        *self.shared.plan() = Some(Plan { forgery, after });
    }

    /// Was the planned event met?
    pub fn done(&self) -> bool {
        self.shared.plan().is_none()
    }
}

impl Drop for Forger {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Option<Plan>> {
        self.plan.lock().expect("the plan")
    }

    /// What to do with the next event, or with the number of a result's columns.
    fn next(&self, is_event: bool) -> Option<Forgery> {
        let mut plan = self.plan();
        match plan.as_mut() {
            Some(Plan { forgery, .. }) if (*forgery != Forgery::Columns) != is_event => None,
            Some(Plan { after: 0, forgery }) => {
                let forgery = *forgery;
                *plan = None;
                Some(forgery)
            }
            Some(Plan { after, .. }) => {
                *after -= 1;
                None
            }
            None => None,
        }
    }
}

fn accept(listener: &TcpListener, upstream: u16, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let Ok(client) = client else { continue };
        if shared.closing.load(Ordering::Relaxed) {
            return;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)) else {
            continue; // closes the client's connection
        };
        let pair = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let Some((client_again, server_again)) = pair() else {
            continue;
        };
        let dumping = Arc::new(AtomicBool::new(false));
        let (seen, down) = (Arc::clone(&dumping), Arc::clone(shared));
        std::thread::spawn(move || {
            let _ = pass_requests(&client_again, &server_again, &seen);
            end(&client_again, &server_again);
        });
        std::thread::spawn(move || {
            let _ = pass_answers(&server, &client, &dumping, &down);
            end(&client, &server);
        });
    }
}

fn end(client: &TcpStream, server: &TcpStream) {
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// One frame with its header.
fn frame(mut from: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; FRAME];
    from.read_exact(&mut frame)?;
    let length = usize::from(frame[0]) | usize::from(frame[1]) << 8 | usize::from(frame[2]) << 16;
    frame.resize(FRAME + length, 0);
    from.read_exact(&mut frame[FRAME..])?;
    Ok(frame)
}

fn pass_requests(
    client: &TcpStream,
    mut server: &TcpStream,
    dumping: &AtomicBool,
) -> std::io::Result<()> {
    loop {
        let frame = frame(client)?;
        if frame[3] == 0 && frame.get(FRAME).is_some_and(|verb| DUMPS.contains(verb)) {
            dumping.store(true, Ordering::Relaxed);
        }
        server.write_all(&frame)?;
    }
}

fn pass_answers(
    server: &TcpStream,
    mut client: &TcpStream,
    dumping: &AtomicBool,
    shared: &Shared,
) -> std::io::Result<()> {
    // Frames that are left out or added shift the numbers of those behind.
    let mut shift: u8 = 0;
    loop {
        let mut frame = frame(server)?;
        let is_event = dumping.load(Ordering::Relaxed)
            && frame.get(FRAME) == Some(&0)
            && frame.len() >= FRAME + 1 + EVENT_HEADER + CHECKSUM
            && frame.len() < FRAME + FULL_FRAME;
        frame[3] = frame[3].wrapping_add(shift);
        // The first answer to a statement; MariaDB says in a second byte whether columns follow.
        let is_count = !dumping.load(Ordering::Relaxed)
            && matches!(frame.len() - FRAME, 1 | 2)
            && frame[3] == 1
            && (1..=250).contains(&frame[FRAME]);
        let forgery = match is_event || is_count {
            true => shared.next(is_event),
            false => None,
        };
        let Some(forgery) = forgery else {
            client.write_all(&frame)?;
            continue;
        };
        let number = frame[3];
        if is_count {
            let rest = frame.split_off(FRAME + 1);
            let mut frame = vec![9 + rest.len() as u8, 0, 0, number, 0xfe];
            frame.extend(ANNOUNCED.to_le_bytes());
            frame.extend(rest);
            client.write_all(&frame)?;
            continue;
        }
        let mut event = frame.split_off(FRAME + 1);
        let mut dice = shared.dice.lock().expect("the dice").branch();
        let body = EVENT_HEADER as u64..(event.len() - CHECKSUM) as u64;
        let place = |dice: &mut Dice| {
            // The header as well, now and then.
            match dice.below(6) {
                0 => dice.below(body.end) as usize,
                _ => (body.start + dice.below(body.end - body.start)) as usize,
            }
        };
        match forgery {
            Forgery::Damaged => {
                for _ in 0..1 + dice.below(4) {
                    let place = place(&mut dice);
                    event[place] ^= 1 << dice.below(8);
                }
            }
            Forgery::Short => event.truncate(dice.below(event.len() as u64) as usize),
            Forgery::Cut => {
                client.write_all(&frame)?;
                client.write_all(&event[..dice.below(event.len() as u64) as usize])?;
                return Ok(());
            }
            Forgery::Forged => {
                for _ in 0..1 + dice.below(8) {
                    let place = place(&mut dice);
                    event[place] = dice.roll() as u8;
                }
                sign(&mut event);
            }
            Forgery::ForgedShort => {
                event.truncate(CHECKSUM + dice.below(event.len() as u64 - 4) as usize);
                claim_length(&mut event);
                sign(&mut event);
            }
            Forgery::ForgedLength => {
                let place = place(&mut dice);
                let last = event.len() - CHECKSUM;
                for byte in event[place..last].iter_mut().take(8) {
                    *byte = 0xff;
                }
                sign(&mut event);
            }
            Forgery::Invented => {
                let length = EVENT_HEADER + CHECKSUM + dice.below(300) as usize;
                event.resize(length, 0);
                event[4] = dice.roll() as u8;
                for byte in &mut event[EVENT_HEADER..] {
                    *byte = dice.roll() as u8;
                }
                claim_length(&mut event);
                sign(&mut event);
            }
            Forgery::Announced => {
                event.truncate(EVENT_HEADER);
                event[4] = TRANSACTION_PAYLOAD;
                // Size in the log, kind of compression, size of what it holds; each with its length.
                event.extend([1, 1, 4, 2, 1, 0, 3, 9, 0xfe]);
                event.extend(ANNOUNCED.to_le_bytes());
                event.extend([0, 0x28, 0xb5, 0x2f, 0xfd]);
                event.extend([0; CHECKSUM]);
                claim_length(&mut event);
                sign(&mut event);
            }
            Forgery::Columns => continue, // not of events
            Forgery::Swallowed => {
                shift = shift.wrapping_sub(1);
                continue;
            }
            Forgery::Repeated(times) => {
                for time in 0..times {
                    send(client, number.wrapping_add(time as u8), &event)?;
                }
                shift = shift.wrapping_add(times as u8);
            }
            Forgery::Giant(frames) => {
                let mut full = vec![0xff, 0xff, 0xff, number];
                full.resize(FRAME + FULL_FRAME, 0);
                for time in 0..frames {
                    full[3] = number.wrapping_add(time as u8);
                    client.write_all(&full)?;
                }
                return Ok(());
            }
        }
        send(client, number.wrapping_add(shift_of(forgery)), &event)?;
    }
}

/// How many frames stand before the event itself.
const fn shift_of(forgery: Forgery) -> u8 {
    match forgery {
        Forgery::Repeated(times) => times as u8,
        _ => 0,
    }
}

fn send(mut client: &TcpStream, number: u8, event: &[u8]) -> std::io::Result<()> {
    let length = (event.len() + 1) as u32;
    let mut frame = Vec::with_capacity(FRAME + 1 + event.len());
    frame.extend_from_slice(&length.to_le_bytes()[..3]);
    frame.extend([number, 0]);
    frame.extend_from_slice(event);
    client.write_all(&frame)
}

/// The header names the event's length.
fn claim_length(event: &mut [u8]) {
    let length = event.len() as u32;
    if let Some(field) = event.get_mut(9..13) {
        field.copy_from_slice(&length.to_le_bytes());
    }
}

fn sign(event: &mut [u8]) {
    let end = event.len() - CHECKSUM;
    let checksum = hash(&event[..end]);
    event[end..].copy_from_slice(&checksum.to_le_bytes());
}
