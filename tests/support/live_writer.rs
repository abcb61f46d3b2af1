//! Somebody who writes to tables of the source all the time, whatever else happens to them there.

use super::mariadb_client::MariaDbClient;
use super::wait::{seconds, wait_until};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// The writer's rows have the numbers from here on.
pub const FIRST_ROW: u64 = 1000;

/// Each table has the columns `id`, `a` and `b`; what else it has, and in which order, is its own.
/// A row is `n, 'a n', 'b m'`, so a value in a wrong column shows.
pub struct LiveWriter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    held: bool,
    resting: bool,
    ending: bool,
    rounds: u64,
    failure: Option<String>,
}

/// What a table under change answers, and nobody minds: it is not there, it is locked, it was changed
/// since the transaction began.
const EXPECTED: [u16; 5] = [1146, 1205, 1213, 1412, 1100];

impl LiveWriter {
    pub fn start(mut client: MariaDbClient, tables: Vec<String>) -> LiveWriter {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let mut number = FIRST_ROW;
            while own.may_go_on() {
                let failure = write(&mut client, &tables, number).err();
                number += 1;
                let mut state = own.lock();
                state.rounds += 1;
                state.ending |= failure.is_some();
                state.failure = failure;
            }
        });
        LiveWriter {
            shared,
            thread: Some(thread),
        }
    }

    /// Nothing is written while `doing` is done.
    pub fn hold<T>(&self, doing: impl FnOnce() -> T) -> T {
        self.shared.lock().held = true;
        wait_until("the writer rests", seconds(60), || {
            let state = self.shared.lock();
            state.resting || state.failure.is_some()
        });
        let done = doing();
        self.shared.lock().held = false;
        self.shared.changed.notify_all();
        done
    }

    /// Returns when each table has been written to twice more.
    #[track_caller]
    pub fn go_on(&self) {
        let from = self.shared.lock().rounds;
        // The round under way may be past a table already.
        wait_until("the writer writes", seconds(60), || {
            let state = self.shared.lock();
            state.rounds >= from + 3 || state.failure.is_some()
        });
        self.require_well();
    }

    #[track_caller]
    pub fn end(mut self) {
        self.stop();
        self.require_well();
    }

    #[track_caller]
    fn require_well(&self) {
        let failure = self.shared.lock().failure.clone();
        assert_eq!(failure, None, "the writer's statement fails");
    }

    fn stop(&mut self) {
        self.shared.lock().ending = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for LiveWriter {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the writer's state")
    }

    fn may_go_on(&self) -> bool {
        let mut state = self.lock();
        while state.held && !state.ending {
            state.resting = true;
            state = self.changed.wait(state).expect("the writer's state");
        }
        state.resting = false;
        !state.ending
    }
}

/// A round: in each table a row comes, one changes, and at times one goes. Every third round is one
/// transaction over all tables.
fn write(client: &mut MariaDbClient, tables: &[String], number: u64) -> Result<(), String> {
    let together = number.is_multiple_of(3);
    if together {
        client.run(&["BEGIN"]);
    }
    for table in tables {
        let mut statements = vec![
            format!("INSERT INTO {table} (id, a, b) VALUES ({number}, 'a {number}', 'b {number}')"),
            format!(
                "UPDATE {table} SET b = 'b {}' WHERE id = {}",
                number + 1,
                number - 3
            ),
        ];
        if number.is_multiple_of(2) {
            statements.push(format!("DELETE FROM {table} WHERE id = {}", number - 7));
        }
        for statement in statements {
            match client.query(&statement) {
                Ok(_) => {}
                Err(mysql_async::Error::Server(error)) if EXPECTED.contains(&error.code) => break,
                Err(error) => return Err(format!("{statement}: {error}")),
            }
        }
    }
    if together {
        client.run(&["COMMIT"]);
    }
    Ok(())
}
