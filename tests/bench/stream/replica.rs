//! MariaDB's own replica of the source, without a binary log of its own.

use super::follower::{Beat, Follower, beats};
use super::source::{INNODB, Source};
use crate::support::mariadb::MariaDb;
use crate::support::mariadb_client::MariaDbClient;

/// Nothing here takes longer, not on a slow machine either.
const PATIENCE_SECONDS: u32 = 600;

pub struct Replica {
    name: &'static str,
    server: MariaDb,
    client: MariaDbClient,
}

impl Replica {
    /// As it is when nothing is said.
    pub fn with_defaults(source: &Source) -> Replica {
        Replica::new("replica, default", source, &["--server-id=2"])
    }

    pub fn parallel(source: &Source) -> Replica {
        let arguments = [
            "--server-id=3",
            "--slave-parallel-threads=4",
            "--slave-parallel-mode=optimistic",
        ];
        Replica::new("replica, 4 threads", source, &arguments)
    }

    /// A new server that takes everything from the log, from the first table on.
    fn new(name: &'static str, source: &Source, arguments: &[&str]) -> Replica {
        let mut all = INNODB.to_vec();
        all.extend(arguments);
        all.extend(["--skip-slave-start", "--relay-log=relay"]);
        let server = MariaDb::start_with(&all);
        let mut client = server.connect(None);
        client.run(&[
            &format!("SET GLOBAL gtid_slave_pos = '{}'", source.origin),
            &format!(
                "CHANGE MASTER TO master_host = '127.0.0.1', master_port = {}, master_user = 'root', \
                 master_use_gtid = slave_pos",
                source.server.port
            ),
        ]);
        Replica {
            name,
            server,
            client,
        }
    }

    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        self.client
            .query(sql)
            .map_err(|error| format!("{sql}: {error}"))
    }
}

impl Follower for Replica {
    fn name(&self) -> &str {
        self.name
    }

    fn start(&mut self) -> Result<(), String> {
        self.query("START SLAVE").map(drop)
    }

    fn reach(&mut self, position: &str) -> Result<(), String> {
        let sql = format!("SELECT MASTER_GTID_WAIT('{position}', {PATIENCE_SECONDS})");
        match self.query(&sql)?.first().and_then(|row| row[0].as_deref()) {
            Some("0") => Ok(()),
            _ => Err(format!(
                "it has not come to {position}: {:?}",
                self.query("SHOW SLAVE STATUS")?
            )),
        }
    }

    fn stop(&mut self) -> Result<(), String> {
        self.query("STOP SLAVE").map(drop)
    }

    fn beats(&mut self, past: u64) -> Result<Vec<Beat>, String> {
        let sql = format!(
            "SELECT n, TIMESTAMPDIFF(MICROSECOND, at, NOW(6)) / 1e6 FROM bench.beat WHERE n > {past}"
        );
        self.query(&sql).map(|rows| beats(&rows))
    }

    fn compare(&mut self, source: &mut Source) -> Result<(), String> {
        for table in Source::tables() {
            let sql = format!("CHECKSUM TABLE bench.{table}");
            let [wanted, found] = [source.client().rows(&sql), self.query(&sql)?];
            if wanted != found {
                return Err(format!("{table}: {wanted:?}, {found:?}"));
            }
        }
        Ok(())
    }

    fn processes(&self) -> Vec<u32> {
        vec![self.server.pid()]
    }
}
