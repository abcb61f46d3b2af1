//! A PostgreSQL server of our own, in a private installation.

use super::installation;
pub use super::installation::Stage;
use super::postgres_client::{Message, PostgresClient};
use super::sandbox::{Sandbox, alive, signal};
use super::wait::{seconds, wait_for, wait_until};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

pub const SUPERUSER: &str = "postgres";

/// Modes of a shutdown, as `pg_ctl stop -m` names them.
#[derive(Clone, Copy)]
pub enum Shutdown {
    Smart,
    Fast,
    Immediate,
}

#[derive(Clone)]
pub struct Settings {
    pub stage: Stage,
    pub preload: bool,
    /// `name=value` for the command line.
    pub extra: Vec<String>,
}

impl Settings {
    /// Preload on, no sync to disk: what a SIGKILL leaves in the page cache is not lost.
    pub fn for_tests() -> Settings {
        Settings {
            stage: Stage::Dev,
            preload: true,
            extra: vec!["fsync=off".into(), "max_wal_size=4GB".into()],
        }
    }

    #[must_use]
    pub fn without_preload(mut self) -> Settings {
        self.preload = false;
        self
    }

    #[must_use]
    pub fn with(mut self, setting: &str) -> Settings {
        self.extra.push(setting.into());
        self
    }
}

pub struct Postgres {
    sandbox: Sandbox,
    /// The directory of its programs.
    programs: PathBuf,
    server: Option<Child>,
    pub settings: Settings,
}

/// Did the last start fail because a process of the server before still lives?
fn ends_with_orphan(log: &str) -> bool {
    log.lines()
        .rev()
        .take(4)
        .any(|line| line.contains("pre-existing shared memory block"))
}

impl Postgres {
    pub fn start(settings: Settings) -> Postgres {
        let sandbox = Sandbox::new("pg");
        let programs = installation::programs(settings.stage);
        let status = sandbox
            .command(programs.join("initdb"))
            .args([
                "-U",
                SUPERUSER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "-D",
            ])
            .arg(sandbox.path().join("data"))
            .stdout(File::create(sandbox.path().join("initdb.log")).expect("a log"))
            .status()
            .expect("initdb");
        assert!(
            status.success(),
            "initdb: {}",
            read(&sandbox.path().join("initdb.log"))
        );
        let mut postgres = Postgres {
            sandbox,
            programs,
            server: None,
            settings,
        };
        postgres.launch();
        postgres
    }

    /// A hot standby that streams from `primary`.
    pub fn standby_of(primary: &Postgres, settings: Settings) -> Postgres {
        let sandbox = Sandbox::new("pg");
        let programs = installation::programs(settings.stage);
        let status = sandbox
            .command(programs.join("pg_basebackup"))
            .args(["-U", SUPERUSER, "-X", "stream", "-c", "fast", "-R", "-D"])
            .arg(sandbox.path().join("data"))
            .arg("-h")
            .arg(primary.socket_directory())
            .status()
            .expect("pg_basebackup");
        assert!(status.success(), "pg_basebackup fails");
        let mut standby = Postgres {
            sandbox,
            programs,
            server: None,
            settings,
        };
        standby.launch();
        standby
    }

    /// Starts the server again after `stop` or `kill9`, with what `settings` now says.
    pub fn launch(&mut self) {
        assert!(self.server.is_none(), "the server is running");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("the server's log");
        let mut command = self.sandbox.command(self.programs.join("postgres"));
        command.arg("-D").arg(self.sandbox.path().join("data"));
        let socket_directory = format!("unix_socket_directories={}", self.sandbox.path().display());
        let mut settings = vec![
            "listen_addresses=".to_owned(),
            socket_directory,
            "log_line_prefix=%m [%p] %b: ".to_owned(),
            "timezone=UTC".to_owned(),
        ];
        if self.settings.preload {
            settings.push("shared_preload_libraries=pg_tributary".to_owned());
        }
        settings.extend(self.settings.extra.iter().cloned());
        for setting in settings {
            command.args(["-c", &setting]);
        }
        let spawn = |command: &mut Command| {
            let output = log.try_clone().expect("the log again");
            let errors = log.try_clone().expect("the log again");
            command
                .stdout(output)
                .stderr(errors)
                .spawn()
                .expect("postgres")
        };
        self.server = Some(spawn(&mut command));
        // A process that a killed postmaster had forked just then takes a moment to notice, and keeps
        // the shared memory until it has; so a person would start the server once more.
        let orphans_may_live = Instant::now() + seconds(5);
        let ready = wait_for(seconds(60), || {
            if !self.running() {
                let orphan = ends_with_orphan(&self.log()) && Instant::now() < orphans_may_live;
                if !orphan {
                    return Some(false);
                }
                self.server = Some(spawn(&mut command));
            }
            self.try_connect(SUPERUSER, "postgres").ok().map(|_| true)
        });
        assert_eq!(ready, Some(true), "postgres does not start: {}", self.log());
    }

    pub fn stop(&mut self, mode: Shutdown) {
        let name = match mode {
            Shutdown::Smart => "TERM",
            Shutdown::Fast => "INT",
            Shutdown::Immediate => "QUIT",
        };
        self.end(name);
    }

    /// SIGKILL of the postmaster; returns when all its children have noticed.
    pub fn kill9(&mut self) {
        let backends = self.children();
        self.end("KILL");
        wait_until(
            "all children of a killed postmaster end",
            seconds(30),
            || backends.iter().all(|pid| !alive(*pid)),
        );
    }

    fn end(&mut self, name: &str) {
        let mut server = self.server.take().expect("a running server");
        signal(server.id(), name);
        let ended = wait_for(seconds(60), || server.try_wait().ok().flatten());
        assert!(
            ended.is_some(),
            "postgres does not stop on SIG{name}: {}",
            self.log()
        );
    }

    pub fn restart(&mut self, mode: Shutdown) {
        self.stop(mode);
        self.launch();
    }

    pub fn running(&mut self) -> bool {
        self.server
            .as_mut()
            .is_some_and(|server| matches!(server.try_wait(), Ok(None)))
    }

    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("a running server").id()
    }

    /// Processes of the server, the postmaster not among them.
    pub fn children(&self) -> Vec<u32> {
        let path = format!("/proc/{0}/task/{0}/children", self.pid());
        read(Path::new(&path))
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect()
    }

    pub fn socket_directory(&self) -> &Path {
        self.sandbox.path()
    }

    pub fn try_connect(&self, user: &str, database: &str) -> Result<PostgresClient, Message> {
        PostgresClient::connect(&self.sandbox.path().join(".s.PGSQL.5432"), user, database)
    }

    #[track_caller]
    pub fn connect_as(&self, user: &str, database: &str) -> PostgresClient {
        match self.try_connect(user, database) {
            Ok(client) => client,
            Err(error) => panic!("{error:?}\n{}", self.log()),
        }
    }

    #[track_caller]
    pub fn connect(&self, database: &str) -> PostgresClient {
        self.connect_as(SUPERUSER, database)
    }

    /// Tries for a while: a server that recovers from a crash refuses at first.
    #[track_caller]
    pub fn connect_when_up(&self, database: &str) -> PostgresClient {
        let client = wait_for(seconds(60), || self.try_connect(SUPERUSER, database).ok());
        client.unwrap_or_else(|| panic!("no connection: {}", self.log()))
    }

    pub fn log_path(&self) -> PathBuf {
        self.sandbox.path().join("log")
    }

    /// The end of the server's log.
    pub fn log(&self) -> String {
        let log = read(&self.log_path());
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(80)..].join("\n")
    }

    /// A path of the private installation, for instance `psql`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Of the private installation.
    pub fn installation_root(&self) -> PathBuf {
        self.programs
            .ancestors()
            .nth(5)
            .expect("five directories")
            .to_owned()
    }

    /// Leaves the server running when this program ends.
    pub fn keep(&mut self) {
        self.sandbox.keep();
        // A kept server must outlive its parent, so nobody waits for it.
        self.server = None;
        installation::keep(self.settings.stage);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- end of the log of PostgreSQL ----\n{}", self.log());
        }
        if let Some(mut server) = self.server.take() {
            signal(server.id(), "QUIT");
            let _ = wait_for(seconds(5), || server.try_wait().ok().flatten());
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
