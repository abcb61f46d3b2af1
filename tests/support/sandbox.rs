//! A directory whose processes end with the program that made it.
//!
//! A shell waits for the end of its standard input, which this program holds open. However the
//! program ends, the shell then kills every process that works in the directory and removes it. The
//! orderly way is the same: a drop closes the pipe and waits for the shell.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// $1 is the directory. A server's processes have their working directory inside it.
const WATCH: &str = r#"
trap '' INT TERM HUP
while read -r line; do [ "$line" = keep ] && exit; done
# A postmaster that is asked to end takes its shared memory with it.
for file in "$1"/data/postmaster.pid "$1"/*/data/postmaster.pid; do
    [ -r "$file" ] && read -r postmaster <"$file" && kill -s QUIT "$postmaster" 2>/dev/null || continue
    for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        kill -s 0 "$postmaster" 2>/dev/null || break
        sleep 0.1
    done
done
for round in 1 2 3 4 5 6 7 8 9 10; do
    found=
    for process in /proc/[0-9]*; do
        case "$(readlink "$process/cwd" 2>/dev/null)" in
            "$1"|"$1"/*) found=1; kill -9 "${process#/proc/}" 2>/dev/null ;;
        esac
    done
    [ -z "$found" ] && break
done
rm -rf "$1"
"#;

pub struct Sandbox {
    path: PathBuf,
    watch: Option<Child>,
}

impl Sandbox {
    /// A directory in the system's temporary directory that the servers' user may write to.
    pub fn new(name: &str) -> Sandbox {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock after 1970");
        let path = std::env::temp_dir().join(format!(
            "tributary-{name}-{}-{}-{:x}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed),
            now.subsec_nanos()
        ));
        fs::create_dir(&path).expect("a new temporary directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode of the sandbox");
        if let Some(user) = server_user() {
            std::os::unix::fs::chown(&path, Some(user.uid), Some(user.gid))
                .expect("owner of the sandbox");
        }
        let watch = Command::new("sh")
            .args(["-c", WATCH, "sh"])
            .arg(&path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell");
        Sandbox {
            path,
            watch: Some(watch),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the directory and its processes behind.
    pub fn keep(&mut self) {
        use std::io::Write;
        if let Some(mut watch) = self.watch.take() {
            if let Some(mut stdin) = watch.stdin.take() {
                let _ = stdin.write_all(b"keep\n");
            }
            let _ = watch.wait();
        }
    }

    /// A command that runs as the servers' user, in the sandbox, in a process group of its own.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = match server_user() {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={}", user.uid))
                    .arg(format!("--regid={}", user.gid))
                    .arg("--clear-groups")
                    .arg(program.as_ref());
                command
            }
            None => Command::new(program.as_ref()),
        };
        command
            .current_dir(&self.path)
            .env("HOME", &self.path)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .process_group(0);
        command
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            let _ = watch.wait();
        }
    }
}

/// Who the servers run as when we are root, which both refuse to be.
pub struct ServerUser {
    pub uid: u32,
    pub gid: u32,
}

pub fn server_user() -> Option<&'static ServerUser> {
    static USER: OnceLock<Option<ServerUser>> = OnceLock::new();
    USER.get_or_init(|| {
        let own_uid =
            std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").expect("procfs"));
        if own_uid != 0 {
            return None;
        }
        let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
        ["postgres", "nobody"].iter().find_map(|name| {
            let line = passwd
                .lines()
                .find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            Some(ServerUser {
                uid: fields.next()?.parse().ok()?,
                gid: fields.next()?.parse().ok()?,
            })
        })
    })
    .as_ref()
}

/// A TCP port of 127.0.0.1 that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Sends a signal by its name to one process; whether there was one. By the shell's own `kill`: the
/// program of that name is in a package that a small system does not have.
pub fn signal(pid: u32, name: &str) -> bool {
    Command::new("sh")
        .args(["-c", "kill -s \"$1\" \"$2\"", "sh", name])
        .arg(pid.to_string())
        .stderr(Stdio::null())
        .status()
        .expect("sh")
        .success()
}

pub fn alive(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        // The state follows the name in parentheses; a zombie is waited for by its parent.
        Ok(stat) => !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z')),
        Err(_) => false,
    }
}
