//! A job of mode stream.

use super::follower::{Beat, Follower, beats};
use super::source::Source;
use super::watch::Watch;
use crate::support::compare;
use crate::support::fixture::{self, WORKER};
use crate::support::postgres::{Postgres, Settings, Stage};
use crate::support::postgres_client::{PostgresClient, Row};
use crate::support::wait::{seconds, wait_for};

const JOB: &str = "followed";
/// The client gives an answer up after three minutes.
const LOOK: &str = "150 s";
const LOOKS: u32 = 4;

pub struct Tributary {
    postgres: Postgres,
    client: PostgresClient,
}

impl Tributary {
    /// Copies the source's tables and follows them, then pauses.
    pub fn start(source: &mut Source) -> Result<Tributary, String> {
        let extra = [
            "shared_buffers=1GB",
            "max_wal_size=16GB",
            "checkpoint_timeout=1h",
            // As InnoDB with innodb_flush_log_at_trx_commit=0: the log is flushed a little later.
            "synchronous_commit=off",
        ];
        let postgres = Postgres::start(Settings {
            stage: Stage::Release,
            preload: true,
            extra: extra.map(String::from).to_vec(),
        });
        postgres.connect("postgres").rows("CREATE DATABASE bench");
        let mut client = postgres.connect("bench");
        client.rows("CREATE EXTENSION pg_tributary");
        let url = source.server.url("bench");
        client.rows(&format!("SELECT sync_create_source('src', '{url}')"));
        let mut job = Tributary { postgres, client };
        job.query(&format!(
            "SELECT sync_create_job('{JOB}', source => 'src', mode => 'stream'); SELECT sync_start('{JOB}')"
        ))?;
        let position = source.position();
        job.reach(&position)?;
        job.stop()?;
        Ok(job)
    }

    fn query(&mut self, sql: &str) -> Result<Vec<Row>, String> {
        self.client
            .query(sql)
            .map_err(|error| format!("{error:?}\n{}", self.postgres.log()))
    }
}

impl Follower for Tributary {
    fn name(&self) -> &str {
        "pg_tributary"
    }

    fn start(&mut self) -> Result<(), String> {
        self.query(&format!("SELECT sync_resume('{JOB}')"))
            .map(drop)
    }

    fn reach(&mut self, _position: &str) -> Result<(), String> {
        let sql = format!("SELECT sync_wait_for('{JOB}', 'now', '{LOOK}')");
        for _ in 0..LOOKS {
            if self.query(&sql)?.first().and_then(|row| row[0].as_deref()) == Some("t") {
                return Ok(());
            }
        }
        let stream = self.query("SELECT * FROM sync_streams")?;
        let units = self.query("SELECT unit, status, phase, error FROM sync_units")?;
        Err(format!("it does not catch up: {stream:?} {units:?}"))
    }

    fn stop(&mut self) -> Result<(), String> {
        self.query(&format!("SELECT sync_pause('{JOB}')"))?;
        let client = &mut self.client;
        wait_for(seconds(30), || {
            fixture::worker_pids(client, WORKER)
                .is_empty()
                .then_some(())
        })
        .ok_or_else(|| "a paused job still has a worker".to_owned())
    }

    fn beats(&mut self, past: u64) -> Result<Vec<Beat>, String> {
        let sql = format!(
            "SELECT n, extract(epoch FROM clock_timestamp() AT TIME ZONE 'UTC' - at) FROM {JOB}.beat WHERE n > {past}"
        );
        self.query(&sql).map(|rows| beats(&rows))
    }

    fn compare(&mut self, source: &mut Source) -> Result<(), String> {
        for table in Source::tables() {
            let from = format!("bench.{table}");
            let to = format!("{JOB}.{table}");
            let [wanted, found] =
                compare::checksums(source.client(), &from, &mut self.client, &to)?;
            if wanted != found {
                return Err(format!("{from} has {wanted:?}, {to} has {found:?}"));
            }
        }
        Ok(())
    }

    fn watch(&self) -> Option<Watch> {
        Some(Watch::start(self.postgres.connect("bench")))
    }

    fn processes(&self) -> Vec<u32> {
        let mut all = self.postgres.children();
        all.push(self.postgres.pid());
        all
    }
}
