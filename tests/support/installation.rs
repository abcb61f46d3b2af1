//! A private copy of the PostgreSQL installation, with the extension in it.
//!
//! PostgreSQL finds its libraries and extensions relative to the place of its binary. So a tree with
//! real copies of the binaries and links to the rest is an installation that the extension can be
//! put into while the system's stays as it is.

use super::sandbox::Sandbox;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// Which build of the extension: the directories that `.ci/stage` makes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Dev,
    PgTest,
    Release,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Stage::Dev => "dev",
            Stage::PgTest => "dev-pg_test",
            Stage::Release => "release",
        }
    }
}

/// One tree for each stage, made once in a program and removed at its end.
static TREES: [OnceLock<Mutex<Sandbox>>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];

/// The directory of the server's programs.
pub fn programs(stage: Stage) -> PathBuf {
    let tree = TREES[stage as usize].get_or_init(|| Mutex::new(build_tree(stage)));
    let tree = tree.lock().expect("the tree");
    tree.path()
        .join(major_directory().trim_start_matches('/'))
        .join("bin")
}

/// Leaves the tree behind when this program ends.
pub fn keep(stage: Stage) {
    if let Some(tree) = TREES[stage as usize].get() {
        tree.lock().expect("the tree").keep();
    }
}

/// `/usr/lib/postgresql/15`
fn major_directory() -> String {
    let major = std::env::var("PG_MAJOR").unwrap_or_else(|_| "15".into());
    format!("/usr/lib/postgresql/{major}")
}

fn build_tree(stage: Stage) -> Sandbox {
    let lib = major_directory();
    let share = lib.replace("/usr/lib/", "/usr/share/");
    let sandbox = Sandbox::new("tree");
    let inside = |path: &str| sandbox.path().join(path.trim_start_matches('/'));
    let extension = format!("{share}/extension");
    for directory in [
        format!("{lib}/bin"),
        format!("{lib}/lib"),
        extension.clone(),
    ] {
        fs::create_dir_all(inside(&directory)).expect("a directory of the tree");
    }
    for name in [
        "postgres",
        "initdb",
        "pg_ctl",
        "psql",
        "pg_dump",
        "pg_basebackup",
    ] {
        let program = format!("{lib}/bin/{name}");
        fs::copy(&program, inside(&program)).expect("a binary of PostgreSQL; run make setup");
    }
    for directory in [format!("{lib}/lib"), share, extension.clone()] {
        for entry in fs::read_dir(&directory).expect("a directory of PostgreSQL") {
            let path = entry.expect("an entry").path();
            let text = path.to_string_lossy().into_owned();
            // A system-wide installation of ours must not be what is tested.
            if text != extension && !text.contains("/pg_tributary") {
                symlink(&path, inside(&text)).expect("a link");
            }
        }
    }
    // Older versions, to be brought up to date.
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade"))
        .expect("the older versions")
    {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), inside(&extension).join(entry.file_name()))
            .expect("a file of an older version");
    }
    for entry in fs::read_dir(staged(stage)).expect("the staged extension") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let directory = if name.ends_with(".so") {
            format!("{lib}/lib")
        } else {
            extension.clone()
        };
        fs::copy(&path, inside(&directory).join(&name)).expect("a file of the extension");
    }
    sandbox
}

/// Builds the stage where this program was not started by the Makefile, which has done so.
fn staged(stage: Stage) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let path = root.join(target).join("stage").join(stage.name());
    if std::env::var_os("MAKELEVEL").is_none() || !path.exists() {
        let mut command = Command::new(root.join(".ci/stage"));
        match stage {
            Stage::Dev => (),
            Stage::PgTest => _ = command.arg("--pg-test"),
            Stage::Release => _ = command.arg("--release"),
        }
        // What cargo tells this program would look to the inner cargo like changed settings.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let told = text.starts_with("CARGO") || text == "LD_LIBRARY_PATH";
            if told && text != "CARGO_HOME" && text != "CARGO_TARGET_DIR" {
                command.env_remove(&name);
            }
        }
        let status = command.status().expect(".ci/stage");
        assert!(status.success(), "the extension does not build");
    }
    path
}
