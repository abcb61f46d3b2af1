//! A MariaDB server of our own, or a MySQL where `PG_TRIBUTARY_MYSQL` names the root directory of
//! an unpacked one.

use super::mariadb_client::MariaDbClient;
use super::sandbox::{Sandbox, free_port, server_user, signal};
use super::wait::{seconds, wait_for};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

/// By its path: a user's PATH need not have the directory.
const MARIADBD: &str = "/usr/sbin/mariadbd";

pub struct MariaDb {
    sandbox: Sandbox,
    server: Option<Child>,
    pub port: u16,
    extra: Vec<String>,
}

/// The root directory of a MySQL to use in MariaDB's place.
pub fn mysql_root() -> Option<PathBuf> {
    std::env::var_os("PG_TRIBUTARY_MYSQL").map(PathBuf::from)
}

impl MariaDb {
    pub fn start() -> MariaDb {
        MariaDb::start_with(&[])
    }

    /// `extra`: more arguments of the server, `--name=value`.
    pub fn start_with(extra: &[&str]) -> MariaDb {
        let sandbox = Sandbox::new("my");
        let mut mariadb = MariaDb {
            sandbox,
            server: None,
            port: free_port(),
            extra: extra.iter().map(|text| (*text).to_owned()).collect(),
        };
        mariadb.initialize();
        mariadb.launch();
        let mut client = mariadb.connect(None);
        // What a job is given: it may read everything, the log too, and write nothing.
        client.run(&[
            "CREATE USER reader@'%' IDENTIFIED BY 'secret'",
            "GRANT SELECT, SHOW VIEW, PROCESS, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO reader@'%'",
        ]);
        mariadb
    }

    /// Where its files are.
    pub fn data(&self) -> PathBuf {
        self.sandbox.path().join("data")
    }

    /// A copy of a data directory that was initialized once for this program: that takes seconds.
    fn initialize(&self) {
        static TEMPLATE: OnceLock<Mutex<Sandbox>> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let sandbox = Sandbox::new("my-template");
            // MariaDB's installer fails now and then, with or without a reason it gives.
            let done = (0..3).any(|_| install(&sandbox));
            assert!(done, "{}", read(&sandbox.path().join("install.log")));
            Mutex::new(sandbox)
        });
        let template = template.lock().expect("the template").path().join("data");
        let status = Command::new("cp")
            .arg("-a")
            .arg(&template)
            .arg(self.data())
            .status()
            .expect("cp");
        assert!(status.success(), "the template is not copied");
        // A MySQL takes its identity from here; each server is one of its own.
        let _ = fs::remove_file(self.data().join("auto.cnf"));
    }

    /// MySQL knows root by the name localhost only, which no TCP connection has without resolving.
    fn root_over_tcp(&self) -> PathBuf {
        let path = self.sandbox.path().join("init.sql");
        let statements = "CREATE USER IF NOT EXISTS root@'127.0.0.1';\n\
                          GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n";
        fs::write(&path, statements).expect("the init file");
        path
    }

    /// Starts the server again after `stop` or `kill9`, on the same port.
    pub fn launch(&mut self) {
        assert!(self.server.is_none(), "the server is running");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.sandbox.path().join("log"))
            .expect("the server's log");
        let mut command = match mysql_root() {
            None => {
                let mut command = self.sandbox.command(MARIADBD);
                command.arg("--no-defaults");
                command
            }
            Some(root) => {
                let mut command = mysqld(&self.sandbox, &root);
                command.arg(format!("--init-file={}", self.root_over_tcp().display()));
                command
            }
        };
        command
            .arg(format!("--datadir={}", self.data().display()))
            // A server that starts removes the temporary tables it finds there, whosever they are.
            .arg(format!("--tmpdir={}", self.sandbox.path().display()))
            .arg(format!(
                "--socket={}",
                self.sandbox.path().join("my.sock").display()
            ))
            .arg(format!(
                "--pid-file={}",
                self.sandbox.path().join("my.pid").display()
            ))
            .arg(format!("--port={}", self.port))
            .args([
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--innodb-buffer-pool-size=512M",
                "--innodb-flush-log-at-trx-commit=0",
                "--max-allowed-packet=64M",
                "--character-set-server=utf8mb4",
                "--max-connections=100",
            ])
            .args(&self.extra);
        let output = log.try_clone().expect("the log again");
        self.server = Some(
            command
                .stdout(output)
                .stderr(log)
                .spawn()
                .unwrap_or_else(|error| panic!("{MARIADBD} (make setup installs it): {error}")),
        );
        let ready = wait_for(seconds(60), || {
            let server = self.server.as_mut()?;
            if !matches!(server.try_wait(), Ok(None)) {
                return Some(false);
            }
            MariaDbClient::connect(self.port, None).ok().map(|_| true)
        });
        assert_eq!(
            ready,
            Some(true),
            "the source server does not start: {}",
            self.log()
        );
    }

    /// Sets the data directory of a stopped server aside.
    pub fn keep_dump(&self) {
        self.copy("data", "dump");
    }

    /// Puts it in the place of what came after it.
    pub fn restore_dump(&self) {
        self.copy("dump", "data");
    }

    fn copy(&self, from: &str, to: &str) {
        assert!(self.server.is_none(), "the server is running");
        let [from, to] = [from, to].map(|name| self.sandbox.path().join(name));
        let _ = fs::remove_dir_all(&to);
        let status = Command::new("cp")
            .arg("-a")
            .arg(&from)
            .arg(&to)
            .status()
            .expect("cp");
        assert!(status.success(), "{} is not copied", from.display());
    }

    /// What the next start is told besides.
    pub fn also(&mut self, argument: &str) {
        self.extra.push(argument.to_owned());
    }

    pub fn stop(&mut self) {
        self.end("TERM");
    }

    pub fn kill9(&mut self) {
        self.end("KILL");
    }

    fn end(&mut self, name: &str) {
        let mut server = self.server.take().expect("a running server");
        signal(server.id(), name);
        let ended = wait_for(seconds(60), || server.try_wait().ok().flatten());
        assert!(
            ended.is_some(),
            "the source server does not stop: {}",
            self.log()
        );
    }

    #[track_caller]
    pub fn connect(&self, database: Option<&str>) -> MariaDbClient {
        match MariaDbClient::connect(self.port, database) {
            Ok(client) => client,
            Err(error) => panic!("{error}\n{}", self.log()),
        }
    }

    /// What `sync_create_source` is given.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    pub fn log(&self) -> String {
        read(&self.sandbox.path().join("log"))
    }

    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("a running server").id()
    }

    pub fn socket(&self) -> PathBuf {
        self.sandbox.path().join("my.sock")
    }

    pub fn keep(&mut self) {
        self.sandbox.keep();
        self.server = None;
    }
}

/// MySQL of another Debian release, with the libraries and the loader it came with.
fn mysqld(sandbox: &Sandbox, root: &Path) -> Command {
    let lib = root.join("usr/lib/x86_64-linux-gnu");
    let mut command = Command::new(root.join("usr/lib64/ld-linux-x86-64.so.2"));
    command
        .arg("--library-path")
        .arg(format!(
            "{}:{}",
            lib.display(),
            root.join("usr/lib/mysql/private").display()
        ))
        .arg(root.join("usr/sbin/mysqld"))
        .arg("--no-defaults")
        .arg(format!("--basedir={}", root.join("usr").display()))
        .arg(format!(
            "--lc-messages-dir={}",
            root.join("usr/share/mysql").display()
        ))
        .arg(format!(
            "--character-sets-dir={}",
            root.join("usr/share/mysql/charsets").display()
        ))
        .arg(format!(
            "--plugin-dir={}",
            root.join("usr/lib/mysql/plugin").display()
        ))
        .args(["--secure-file-priv=", "--mysqlx=OFF"])
        .current_dir(sandbox.path())
        .stdin(Stdio::null());
    if server_user().is_some() {
        // The cache may be where only root looks.
        command.arg("--user=root");
    }
    command
}

/// Makes a data directory; returns whether that went well.
fn install(sandbox: &Sandbox) -> bool {
    let data = sandbox.path().join("data");
    let _ = fs::remove_dir_all(&data);
    let log = File::create(sandbox.path().join("install.log")).expect("a log");
    let mut command = match mysql_root() {
        None => {
            let mut command = sandbox.command("mariadb-install-db");
            command.args([
                "--no-defaults",
                "--skip-test-db",
                "--auth-root-authentication-method=normal",
            ]);
            command.arg("--innodb-log-file-size=32M");
            command
        }
        Some(root) => {
            let mut command = mysqld(sandbox, &root);
            command.arg("--initialize-insecure");
            command
        }
    };
    command
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--tmpdir={}", sandbox.path().display()))
        .stdout(log.try_clone().expect("the log again"))
        .stderr(log)
        .status()
        .expect("the installer of the source server")
        .success()
}

/// A source behind any port: the server's own or a proxy's.
pub fn url(port: u16, database: &str) -> String {
    format!("mysql://reader:secret@127.0.0.1:{port}/{database}")
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
