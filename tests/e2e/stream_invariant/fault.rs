//! What goes wrong, now and then: processes, servers, connections.

use crate::support::dice::Dice;
use crate::support::fixture::{SUPERVISOR, WORKER, worker_pids};
use crate::support::mariadb::MariaDb;
use crate::support::mariadb_client::MariaDbClient;
use crate::support::postgres::{Postgres, Shutdown};
use crate::support::postgres_client::PostgresClient;
use crate::support::proxy::{Fault as Cut, TcpProxy};
use crate::support::sandbox::signal;
use crate::support::wait::{seconds, wait_for};

#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Worker(&'static str),
    Supervisor(&'static str),
    Postmaster,
    Restart,
    /// After so many bytes.
    Cut(u64),
    /// Nothing passes for a while, after so many bytes.
    Silence(u64),
    Source,
    SourceRestart,
    /// All our sessions at the source.
    Sessions,
}

pub struct Victims<'a> {
    pub mariadb: &'a mut MariaDb,
    pub proxy: &'a TcpProxy,
    pub postgres: &'a mut Postgres,
    pub pg: &'a mut PostgresClient,
    pub database: &'a str,
}

impl Fault {
    pub fn random(dice: &mut Dice) -> Fault {
        let bytes = match dice.below(3) {
            0 => dice.below(500),
            _ => dice.below(100_000),
        };
        match dice.below(15) {
            0..=2 => Fault::Worker("TERM"),
            3 | 4 => Fault::Worker("KILL"),
            5 => Fault::Supervisor(dice.pick::<&str>(&["TERM", "KILL"])),
            6 => Fault::Postmaster,
            7 => Fault::Restart,
            8 | 9 => Fault::Cut(bytes),
            10 => Fault::Silence(bytes),
            11 | 12 => Fault::Source,
            13 => Fault::SourceRestart,
            _ => Fault::Sessions,
        }
    }

    /// Strikes; the servers are up again afterwards. `goes_on` returns once the writers have done more.
    pub fn strike(self, victims: &mut Victims<'_>, dice: &mut Dice, goes_on: &dyn Fn(u64)) {
        match self {
            Fault::Worker(name) => victims.process(WORKER, name, dice),
            Fault::Supervisor(name) => victims.process(SUPERVISOR, name, dice),
            Fault::Postmaster => {
                victims.postgres.kill9();
                victims.postgres.launch();
            }
            Fault::Restart => {
                let modes = [Shutdown::Fast, Shutdown::Immediate];
                victims.postgres.restart(*dice.pick(&modes));
            }
            Fault::Cut(bytes) => {
                victims.proxy.reset(Cut::CutAt(bytes));
                goes_on(30);
            }
            Fault::Silence(bytes) => {
                victims.proxy.reset(Cut::HoldAt(bytes));
                goes_on(100);
                victims.proxy.set(Cut::None);
            }
            Fault::Source => {
                victims.mariadb.kill9();
                victims.mariadb.launch();
            }
            Fault::SourceRestart => {
                victims.mariadb.stop();
                victims.mariadb.launch();
            }
            Fault::Sessions => victims.sessions(),
        }
        if victims.pg.query("SELECT 1").is_err() {
            *victims.pg = victims.postgres.connect_when_up(victims.database);
        }
    }
}

impl Victims<'_> {
    fn process(&mut self, kind: &str, name: &str, dice: &mut Dice) {
        // There is one, or there will be one soon: the stream does not end.
        let pids = wait_for(seconds(20), || {
            Some(worker_pids(self.pg, kind)).filter(|pids| !pids.is_empty())
        });
        let pids = pids.unwrap_or_else(|| panic!("there is no {kind}"));
        if signal(*dice.pick(&pids), name) && name == "KILL" {
            // The postmaster restarts the server, our own session with it.
            wait_for(seconds(20), || self.pg.query("SELECT 1").err());
        }
    }

    fn sessions(&self) {
        let mut my: MariaDbClient = self.mariadb.connect(None);
        let ids = my.rows("SELECT id FROM information_schema.processlist WHERE user = 'reader'");
        for id in ids.iter().filter_map(|row| row[0].as_ref()) {
            // One may have ended by itself.
            let _ = my.query(&format!("KILL {id}"));
        }
    }
}
