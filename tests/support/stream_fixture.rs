//! Sources with a log, jobs of mode stream, and what tests of them wait for.

use super::canonical::{is_mysql, pg_literal};
use super::compare::{self, compare};
use super::fixture::{Databases, LONG, assert_no_workers, ended, report, shared, status};
use super::mariadb::{MariaDb, mysql_root};
use super::mariadb_client::MariaDbClient;
use super::proxy::TcpProxy;
use super::wait::{wait_for, wait_until};
use std::sync::OnceLock;

/// Retries come soon, so that a test sees the one after the cause is gone.
pub const SOON: &str = r#"{"workers": 2, "retry_initial": "50 ms", "retry_max": "500 ms"}"#;

/// What a server needs so that its log can be followed. Files are small: many ends are met.
const LOGGING: [&str; 5] = [
    "--log-bin=mysql-bin",
    "--server-id=1",
    "--binlog-row-metadata=FULL",
    "--max-binlog-size=8M",
    "--sync-binlog=0",
];
const OF_MARIADB: [&str; 3] = [
    "--binlog-format=ROW",
    "--binlog-row-image=FULL",
    "--gtid-strict-mode=ON",
];
const OF_MYSQL: [&str; 2] = ["--gtid-mode=ON", "--enforce-gtid-consistency=ON"];

/// A server of the test's own whose log can be followed; `extra` says what is otherwise.
pub fn logging_source(extra: &[&str]) -> MariaDb {
    let own: &[&str] = match mysql_root() {
        Some(_) => &OF_MYSQL,
        None => &OF_MARIADB,
    };
    MariaDb::start_with(&[&LOGGING, own, extra].concat())
}

/// One that tests share which do it no harm. Its log has the changes of all of them.
fn shared_source() -> &'static MariaDb {
    static SOURCE: OnceLock<MariaDb> = OnceLock::new();
    SOURCE.get_or_init(|| logging_source(&[]))
}

impl Databases {
    /// On the shared servers; the source's has a log.
    pub fn logged(name: &str) -> Databases {
        Databases::new(name, shared_source(), &shared().postgres)
    }

    /// The same, with a proxy before the source.
    pub fn logged_behind_proxy(name: &str) -> (TcpProxy, Databases) {
        let proxy = TcpProxy::to(shared_source().port);
        let test = Databases::through(proxy.port, name, shared_source(), &shared().postgres);
        (proxy, test)
    }

    /// A job of mode stream over all tables, into a schema of its own name.
    pub fn stream_job(&mut self, job: &str, options: &str) {
        self.stream_job_of(job, "*", options);
    }

    pub fn stream_job_of(&mut self, job: &str, units: &str, options: &str) {
        let [job, options] = [job, options].map(pg_literal);
        self.pg.rows(&format!(
            "SELECT sync_create_job({job}, source => 'src', units => '{{{units}}}', mode => 'stream', options => {options})"
        ));
    }

    /// Makes and starts such a job, and waits until its units stream.
    #[track_caller]
    pub fn stream(&mut self, job: &str) {
        self.stream_job(job, SOON);
        self.start(job);
        self.wait_streaming(job);
    }

    #[track_caller]
    pub fn wait_streaming(&mut self, job: &str) {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE status = 'streaming'), count(*), \
             count(*) FILTER (WHERE status = 'failed' AND next_retry_at IS NULL) \
             FROM sync_units WHERE job = '{job}' AND status <> 'cancelled'"
        );
        let streaming = wait_for(LONG, || {
            let row = self.pg.rows(&sql).remove(0);
            let [streaming, all, lost] = [0, 1, 2].map(|place| row[place].clone());
            if lost.as_deref() != Some("0") || ended(&self.status(job)) {
                return Some(false);
            }
            (all.as_deref() != Some("0") && streaming == all).then_some(true)
        });
        if streaming != Some(true) {
            panic!("{job} does not stream: {}", report(&mut self.pg, job));
        }
    }

    /// Waits until all that is written at the source by now is applied.
    #[track_caller]
    pub fn catch_up(&mut self, job: &str) {
        let wait = format!("SELECT sync_wait_for('{job}', 'now', '60 s')");
        match self.pg.query(&wait) {
            Ok(rows) if rows[0][0].as_deref() == Some("t") => (),
            other => panic!(
                "{job} does not catch up: {other:?}{}",
                report(&mut self.pg, job)
            ),
        }
    }

    /// Each unit's target has the rows of its table, once all that is written by now is applied.
    #[track_caller]
    pub fn assert_followed(&mut self, job: &str) {
        self.catch_up(job);
        let units = self.pg.rows(&format!(
            "SELECT unit, target, status FROM sync_units WHERE job = '{job}' AND status <> 'cancelled'"
        ));
        assert!(!units.is_empty(), "{job} has no units");
        let mut faults = Vec::new();
        for unit in units {
            let [name, target, status] = [0, 1, 2].map(|i| unit[i].clone().unwrap_or_default());
            let from = format!("{}.{name}", self.name);
            if status != "streaming" {
                faults.push(format!("{name} is {status}"));
            }
            if let Err(difference) = compare(&mut self.my, &from, &mut self.pg, &target) {
                faults.push(format!("{from} and {target} differ: {difference}"));
            }
        }
        if !faults.is_empty() {
            let faults = faults.join("\n");
            panic!("{job}:\n{faults}\n{}", report(&mut self.pg, job));
        }
    }

    /// One unit, whatever becomes of the others.
    #[track_caller]
    pub fn assert_same(&mut self, unit: &str, target: &str) {
        let from = format!("{}.{unit}", self.name);
        compare::assert_equal(&mut self.my, &from, &mut self.pg, target);
    }

    /// Another session at the source.
    pub fn another_client(&mut self) -> MariaDbClient {
        let port = self.my.text("SELECT @@port").parse().expect("a port");
        MariaDbClient::connect(port, Some(&self.name)).expect("another session")
    }

    /// A column of `sync_streams`, as text; NULL as the empty string.
    pub fn stream_column(&mut self, job: &str, column: &str) -> String {
        self.pg.text(&format!(
            "SELECT {column} FROM sync_streams WHERE job = '{job}'"
        ))
    }

    /// No process of a job is left.
    #[track_caller]
    pub fn assert_gone(&mut self) {
        assert_no_workers(&mut self.pg, &self.name);
    }

    /// Nor a session at the source. One that sends the log ends with its next heartbeats.
    #[track_caller]
    pub fn assert_left(&mut self) {
        self.assert_gone();
        let (my, name) = (&mut self.my, self.name.as_str());
        wait_until("the sessions at the source end", LONG, || {
            sessions(my, name).is_empty()
        });
    }

    /// Ends a job, so that the servers do no work for it any more.
    #[track_caller]
    pub fn end_stream(&mut self, job: &str) {
        self.pg.rows(&format!("SELECT sync_cancel('{job}')"));
        assert_eq!(status(&mut self.pg, job), "cancelled");
        self.assert_gone();
    }
}

/// Sessions of the source's user that are for this database, those that read the log among them.
pub fn sessions(my: &mut MariaDbClient, database: &str) -> Vec<String> {
    let sql = format!(
        "SELECT id FROM information_schema.processlist WHERE user = 'reader' AND db = '{database}'"
    );
    let rows = my.rows(&sql);
    rows.into_iter().filter_map(|row| row[0].clone()).collect()
}

/// All transactions in the source's log, as it writes them itself.
pub fn source_gtids(my: &mut MariaDbClient) -> String {
    let variable = match is_mysql(my) {
        true => "@@GLOBAL.gtid_executed",
        false => "@@GLOBAL.gtid_binlog_pos",
    };
    my.text(&format!("SELECT {variable}")).replace('\n', "")
}

/// File and offset of the end of the source's log.
pub fn source_end(my: &mut MariaDbClient) -> (String, u64) {
    let show = match is_mysql(my) {
        true => "SHOW BINARY LOG STATUS",
        false => "SHOW MASTER STATUS",
    };
    let row = my.rows(show).remove(0);
    let [file, offset] = [0, 1].map(|place| row[place].clone().unwrap_or_default());
    (file, offset.parse().expect("an offset"))
}
