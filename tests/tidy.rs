//! The house's own invariants: which layer may import which, who may name pgrx, where `unsafe` is,
//! how long a file gets, what is banned. Each check is a function from files to violations; it
//! holds for the tree and is shown to find a planted violation, so that none passes by being blind.

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/file.rs"]
mod file;
#[path = "tidy/sql.rs"]
mod sql;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use code::{after_word, bare, imported, without_tests};
use file::File;
use sql::{object, statements};

/// The modules of the crate, lowest first, and what each may import.
const HOUSE: [(&str, &[&str]); 11] = [
    ("error", &[]),
    ("model", &["error"]),
    ("codec", &["error", "model"]),
    ("plan", &["error", "model", "codec"]),
    ("source", &["error", "model", "codec", "plan"]),
    ("pg", &["error", "model", "codec", "plan"]),
    ("catalog", &["error", "model", "codec", "plan", "pg"]),
    ("sink", &["error", "model", "codec", "plan", "pg"]),
    (
        "engine",
        &[
            "error", "model", "codec", "plan", "source", "pg", "catalog", "sink",
        ],
    ),
    ("report", &[]),
    (
        "api",
        &[
            "error", "model", "codec", "plan", "source", "pg", "catalog", "sink", "engine",
            "report",
        ],
    ),
];

const MAX_LINES: usize = 450;

/// Flat tables of uniform rows, which may be longer.
const FLAT_TABLES: [&str; 0] = [];

/// Files and folders that may name pgrx: everybody else goes through `pg`.
const PGRX_DOORS: [&str; 4] = ["src/lib.rs", "src/bin/", "src/pg/", "src/api/"];

const UNSAFE_DOOR: &str = "src/pg/";

const PANICS: [&str; 5] = [
    ".unwrap()",
    ".expect(",
    "panic!(",
    "todo!(",
    "unimplemented!(",
];

/// Files below `folder` with this ending, by path from the repository's root.
fn files(folder: &str, ending: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(File {
                    text: fs::read_to_string(&path).expect("a readable file"),
                    path: path
                        .strip_prefix(root)
                        .expect("a path in the repository")
                        .to_string_lossy()
                        .into_owned(),
                });
            }
        }
    }
    assert!(!found.is_empty(), "no {ending} files in {folder}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The library's own code: no comments, no strings, no tests.
fn source_code() -> Vec<File> {
    without_tests(files("src", ".rs"))
}

fn imports_that_point_up(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let Some(module) = file.module() else {
            continue;
        };
        let Some((_, allowed)) = HOUSE.iter().find(|(name, _)| *name == module) else {
            found.push(format!(
                "{}: module {module} has no place in HOUSE",
                file.path
            ));
            continue;
        };
        for name in imported(&file.text) {
            if name != module && !allowed.contains(&name.as_str()) {
                found.push(format!("{}: {module} imports {name}", file.path));
            }
        }
        if file.text.contains(&"super::".repeat(file.depth())) {
            found.push(format!(
                "{}: super:: out of its module; begin with crate::",
                file.path
            ));
        }
    }
    found
}

fn long_files(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| !FLAT_TABLES.contains(&file.path.as_str()))
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(file, lines)| format!("{}: {lines} lines, at most {MAX_LINES}", file.path))
        .collect()
}

fn pgrx_outside_its_doors(files: &[File]) -> Vec<String> {
    naming(files, "pgrx", &PGRX_DOORS)
}

fn unsafe_outside_its_door(files: &[File]) -> Vec<String> {
    naming(files, "unsafe", &[UNSAFE_DOOR])
}

/// Files outside `places` that have `word` in their code.
fn naming(files: &[File], word: &str, places: &[&str]) -> Vec<String> {
    files
        .iter()
        .filter(|file| !file.starts_with_one_of(places))
        .filter(|file| after_word(&file.text, word).next().is_some())
        .map(|file| format!("{}: {word}", file.path))
        .collect()
}

fn panics(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for banned in PANICS {
            for _ in file.text.matches(banned) {
                found.push(format!("{}: {banned}", file.path));
            }
        }
    }
    found
}

fn sleeps(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| after_word(&bare(&file.text), "sleep").next().is_some())
        .map(|file| format!("{}: sleep; await the condition", file.path))
        .collect()
}

fn uncommented(files: &[File]) -> Vec<String> {
    let all: Vec<(&File, String)> = files
        .iter()
        .flat_map(|file| statements(&file.text).into_iter().map(move |s| (file, s)))
        .collect();
    let commented: BTreeSet<(String, String)> = all
        .iter()
        .filter_map(|(_, statement)| object(statement, "COMMENT ON"))
        .collect();
    all.iter()
        .filter_map(|(file, statement)| Some((file, object(statement, "CREATE")?)))
        .filter(|(_, created)| !commented.contains(created))
        .map(|(file, (kind, name))| format!("{}: {kind} {name} has no COMMENT", file.path))
        .collect()
}

fn assert_none(violations: Vec<String>) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn imports_point_down() {
    assert_none(imports_that_point_up(&source_code()));
    for (path, text) in [
        ("src/codec/row.rs", "use crate::plan::retry;"),
        (
            "src/codec/row.rs",
            "use crate::{error::{Kind, Result}, pg};",
        ),
        ("src/sink/copy.rs", "fn f() { crate::catalog::unit::all() }"),
        ("src/model/key.rs", "use super::super::codec;"),
        ("src/error.rs", "use super::codec;"),
        ("src/util/mod.rs", ""),
    ] {
        let found = imports_that_point_up(&File::planted(path, text));
        assert_eq!(found.len(), 1, "{path} {text}: {found:?}");
    }
    let fine =
        "use crate::codec::row; use crate::{error::{A, pg}, model}; pub(crate) use super::x;";
    assert_none(imports_that_point_up(&File::planted(
        "src/plan/table.rs",
        fine,
    )));
}

#[test]
fn modules_form_no_cycle() {
    for (place, (module, allowed)) in HOUSE.iter().enumerate() {
        for name in *allowed {
            let below = HOUSE.iter().position(|(other, _)| other == name);
            assert!(
                below.is_some_and(|below| below < place),
                "{module} -> {name}"
            );
        }
    }
}

#[test]
fn files_are_short() {
    assert_none(long_files(&files("src", ".rs")));
    let long = "x\n".repeat(MAX_LINES + 1);
    assert_eq!(long_files(&File::planted("src/plan/x.rs", &long)).len(), 1);
    let tree = files("src", ".rs");
    for exempt in FLAT_TABLES {
        assert!(
            tree.iter().any(|file| file.path == exempt),
            "{exempt} is gone"
        );
    }
}

#[test]
fn only_the_doors_name_pgrx() {
    assert_none(pgrx_outside_its_doors(&source_code()));
    for path in ["src/codec/x.rs", "src/source/x.rs", "src/engine/x.rs"] {
        let planted = File::planted(path, "use pgrx::prelude::*;");
        assert_eq!(pgrx_outside_its_doors(&planted).len(), 1);
    }
}

#[test]
fn unsafe_is_only_in_pg() {
    assert_none(unsafe_outside_its_door(&source_code()));
    let planted = File::planted("src/api/x.rs", "fn f() { unsafe { g() } }");
    assert_eq!(unsafe_outside_its_door(&planted).len(), 1);
    let fine = File::planted("src/lib.rs", "#![deny(unsafe_code)]");
    assert_none(unsafe_outside_its_door(&fine));
}

#[test]
fn the_library_does_not_panic_on_purpose() {
    assert_none(panics(&source_code()));
    for banned in PANICS {
        let text = format!("fn f() {{ x{banned}) }}");
        assert_eq!(panics(&File::planted("src/plan/x.rs", &text)).len(), 1);
    }
}

#[test]
fn tests_do_not_sleep() {
    assert_none(sleeps(&files("tests", ".rs")));
    assert_none(sleeps(&files("pg_test", ".rs")));
    let planted = File::planted("tests/x.rs", "std::thread::sleep(second);");
    assert_eq!(sleeps(&planted).len(), 1);
}

#[test]
fn every_sql_object_is_commented() {
    let sql: Vec<File> = files("sql", ".sql")
        .into_iter()
        .filter(|file| !file.path.starts_with("sql/queries/"))
        .collect();
    assert_none(uncommented(&sql));
    for planted in [
        "CREATE TABLE a.b (c int); COMMENT ON TABLE a.c IS 'x';",
        "CREATE OR REPLACE VIEW v AS SELECT ';'; -- COMMENT ON VIEW v IS 'x';",
        "CREATE FUNCTION f(a int)\nRETURNS int LANGUAGE sql AS $$ COMMENT ON FUNCTION f IS 'x'; $$;",
    ] {
        assert_eq!(
            uncommented(&File::planted("sql/x.sql", planted)).len(),
            1,
            "{planted}"
        );
    }
    let fine = "CREATE PROCEDURE p(a int) AS $x$ CREATE TABLE t; $x$; COMMENT ON PROCEDURE p(int) IS 'it''s; x';";
    assert_none(uncommented(&File::planted("sql/x.sql", fine)));
}
