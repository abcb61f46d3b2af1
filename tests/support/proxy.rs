//! A TCP proxy that can cut, hold and swallow.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What the proxy does with bytes from the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    None,
    /// Passes bytes up to this count in all, then breaks every connection, once, and goes on.
    CutAt(u64),
    /// Passes bytes up to this count in all, then none, in either direction, until released: the
    /// connections stay open and new ones are accepted. A black hole.
    HoldAt(u64),
}

struct State {
    fault: Fault,
    /// Bytes passed from the server to clients.
    passed: u64,
    cuts: u64,
    connections: u64,
    streams: Vec<TcpStream>,
    closing: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

pub struct TcpProxy {
    pub port: u16,
    shared: Arc<Shared>,
}

impl TcpProxy {
    pub fn to(upstream: u16) -> TcpProxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                fault: Fault::None,
                passed: 0,
                cuts: 0,
                connections: 0,
                streams: Vec::new(),
                closing: false,
            }),
            changed: Condvar::new(),
        });
        let for_listener = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, upstream, &for_listener));
        TcpProxy { port, shared }
    }

    pub fn set(&self, fault: Fault) {
        self.shared.lock().fault = fault;
        self.shared.changed.notify_all();
    }

    /// Counts from zero again.
    pub fn reset(&self, fault: Fault) {
        let mut state = self.shared.lock();
        state.passed = 0;
        state.cuts = 0;
        state.fault = fault;
        drop(state);
        self.shared.changed.notify_all();
    }

    pub fn passed(&self) -> u64 {
        self.shared.lock().passed
    }

    pub fn cuts(&self) -> u64 {
        self.shared.lock().cuts
    }

    pub fn connections(&self) -> u64 {
        self.shared.lock().connections
    }

    /// Bytes are being held back.
    pub fn holding(&self) -> bool {
        let state = self.shared.lock();
        matches!(state.fault, Fault::HoldAt(limit) if state.passed >= limit)
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        state.break_all();
        drop(state);
        self.shared.changed.notify_all();
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the proxy's state")
    }

    /// How many of `wanted` bytes from the server may pass now; 0 when the connection was cut.
    fn admit(&self, wanted: u64) -> u64 {
        let mut state = self.lock();
        loop {
            if state.closing {
                return 0;
            }
            match state.fault {
                Fault::HoldAt(limit) if state.passed >= limit => {
                    state = self.changed.wait(state).expect("the proxy's state");
                }
                Fault::CutAt(limit) if state.passed >= limit => {
                    state.fault = Fault::None;
                    state.cuts += 1;
                    state.break_all();
                    return 0;
                }
                Fault::HoldAt(limit) | Fault::CutAt(limit) => {
                    let admitted = wanted.min(limit - state.passed);
                    state.passed += admitted;
                    return admitted;
                }
                Fault::None => {
                    state.passed += wanted;
                    return wanted;
                }
            }
        }
    }

    /// Returns once bytes of a client may pass.
    fn pass_client(&self) {
        let mut state = self.lock();
        while !state.closing && matches!(state.fault, Fault::HoldAt(limit) if state.passed >= limit)
        {
            state = self.changed.wait(state).expect("the proxy's state");
        }
    }
}

impl State {
    fn break_all(&mut self) {
        for stream in self.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, upstream: u16, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let Ok(client) = client else { continue };
        if shared.lock().closing {
            return;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)) else {
            continue; // closes the client's connection
        };
        let pair = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let (Some((client_for_state, server_for_state)), Some((client_again, server_again))) =
            (pair(), pair())
        else {
            continue;
        };
        let mut state = shared.lock();
        state.connections += 1;
        state.streams.extend([client_for_state, server_for_state]);
        drop(state);
        let down = Arc::clone(shared);
        std::thread::spawn(move || pump_down(server, client, &down));
        let up = Arc::clone(shared);
        std::thread::spawn(move || pump_up(client_again, server_again, &up));
    }
}

fn pump_down(mut server: TcpStream, mut client: TcpStream, shared: &Shared) {
    let mut buffer = [0; 16 * 1024];
    'stream: while let Ok(length) = server.read(&mut buffer) {
        if length == 0 {
            break;
        }
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let admitted = shared.admit(rest.len() as u64) as usize;
            if admitted == 0 || client.write_all(&rest[..admitted]).is_err() {
                break 'stream;
            }
            rest = &rest[admitted..];
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

fn pump_up(mut client: TcpStream, mut server: TcpStream, shared: &Shared) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length) = client.read(&mut buffer) {
        if length == 0 {
            break;
        }
        shared.pass_client();
        if server.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
}
