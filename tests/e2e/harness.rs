//! The checks can fail: servers die when told to, the proxy cuts where told to, the comparison sees
//! a difference in one value.

use crate::support::compare;
use crate::support::fixture::{insert_rows, shared};
use crate::support::mariadb::MariaDb;
use crate::support::mariadb_client::MariaDbClient;
use crate::support::postgres::{Postgres, Settings, Shutdown};
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::sandbox::{Sandbox, alive};
use crate::support::wait::{seconds, wait_until};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn comparison_sees_every_difference() {
    let mut my = shared().mariadb.connect(None);
    let mut pg = shared().postgres.connect("postgres");
    my.run(&[
        "CREATE DATABASE comparison",
        "CREATE TABLE comparison.t (i int, d decimal(5,2), f float, n double, s varchar(9), b varbinary(9), \
         t time(2), at datetime(1), o bit(3), j json, p point)",
        "INSERT INTO comparison.t VALUES \
         (1, 1.50, 0.1, 1e100, '', NULL, '-00:00:01.25', '2024-01-02 03:04:05.6', b'101', \
         '{\"a\": [1, null], \"n\": 9007199254740993}', ST_GeomFromText('POINT(1 1)', 4326)), \
         (2, NULL, -2.5, -0.25, NULL, x'00ff', '838:59:59', NULL, b'000', NULL, NULL), \
         (2, NULL, -2.5, -0.25, NULL, x'00ff', '838:59:59', NULL, b'000', NULL, NULL)",
    ]);
    pg.rows(
        "CREATE SCHEMA comparison; CREATE TABLE comparison.t (i int, d numeric(5,2), f real, n float8, s varchar(9), b bytea, \
         t interval, at timestamp, o bit(3), j jsonb, p bytea); \
         INSERT INTO comparison.t VALUES \
         (1, 1.50, 0.1, 1e100, '', NULL, '-1.25 seconds', '2024-01-02 03:04:05.6', b'101', \
         '{\"n\": 9007199254740993.0, \"a\":[1,null]}', '\\x0101000020e6100000000000000000f03f000000000000f03f'), \
         (2, NULL, -2.5, -0.25, NULL, '\\x00ff', '838:59:59', NULL, b'000', NULL, NULL), \
         (2, NULL, -2.5, -0.25, NULL, '\\x00ff', '838:59:59', NULL, b'000', NULL, NULL)",
    );
    let mut check = |pg: &mut _| compare::compare(&mut my, "comparison.t", pg, "comparison.t");
    assert_eq!(check(&mut pg), Ok(3));
    let changes = [
        "SET d = 1.51 WHERE i = 1",
        "SET f = 0.11 WHERE i = 1",
        "SET n = 1.0000000000000002e100 WHERE i = 1",
        "SET s = NULL WHERE i = 1",
        "SET s = '' WHERE i = 2",
        "SET b = '\\x00fe' WHERE i = 2",
        "SET t = '1.25 seconds' WHERE i = 1",
        "SET at = at + interval '1 microsecond' WHERE i = 1",
        "SET o = b'100' WHERE i = 1",
        "SET j = '{\"a\":[1],\"n\":9007199254740993}' WHERE i = 1",
        "SET j = '{\"a\":[1,null],\"n\":9007199254740992}' WHERE i = 1",
        "SET n = -n WHERE i = 1",
        "SET p = '\\x0101000000000000000000f03f000000000000f03f' WHERE i = 1",
        "SET p = '\\x0101000020e6100000000000000000f03f000000000000f0bf' WHERE i = 1",
    ];
    for change in changes {
        pg.rows(&format!("BEGIN; UPDATE comparison.t {change}"));
        assert!(check(&mut pg).is_err(), "not seen: {change}");
        pg.rows("ROLLBACK");
    }
    pg.rows("DELETE FROM comparison.t WHERE ctid = (SELECT max(ctid) FROM comparison.t)");
    assert!(check(&mut pg).is_err(), "a missing duplicate is not seen");
}

#[test]
fn checksums_agree_and_differ() {
    let mut my = shared().mariadb.connect(None);
    let mut pg = shared().postgres.connect("postgres");
    my.run(&[
        "CREATE DATABASE checksums",
        "USE checksums",
        "CREATE TABLE checksums.t (id int PRIMARY KEY, s varchar(20), d decimal(9,3), at datetime)",
        "INSERT INTO checksums.t VALUES (1, 'grün', 1.500, '2024-01-02 03:04:05'), (2, '', NULL, NULL)",
    ]);
    pg.rows(
        "CREATE SCHEMA checksums; CREATE TABLE checksums.t (id int, s text, d numeric(9,3), at timestamp); \
         INSERT INTO checksums.t VALUES (2, '', NULL, NULL), (1, 'grün', 1.500, '2024-01-02 03:04:05')",
    );
    let [source, copy] =
        compare::checksums(&mut my, "checksums.t", &mut pg, "checksums.t").expect("sums");
    assert_eq!(source, copy);
    pg.rows("UPDATE checksums.t SET s = NULL WHERE id = 2");
    let [source, copy] =
        compare::checksums(&mut my, "checksums.t", &mut pg, "checksums.t").expect("sums");
    assert_ne!(source, copy);
}

#[test]
fn proxy_cuts_and_holds_at_the_byte() {
    let mut my = shared().mariadb.connect(None);
    my.run(&[
        "CREATE DATABASE proxied",
        "CREATE TABLE proxied.t (id int PRIMARY KEY, label varchar(200), amount decimal(12,2), at datetime(3))",
        &insert_rows("proxied.t", 1, 3000),
    ]);
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut client =
        MariaDbClient::connect(proxy.port, None).expect("a connection through the proxy");
    assert_eq!(client.rows("SELECT * FROM proxied.t").len(), 3000);
    let whole = proxy.passed();
    assert!(whole > 3000 * 80, "{whole} bytes");

    proxy.reset(Fault::CutAt(100_000));
    assert!(client.query("SELECT * FROM proxied.t").is_err());
    assert_eq!((proxy.passed(), proxy.cuts()), (100_000, 1));

    // The cut comes once.
    let mut client = MariaDbClient::connect(proxy.port, None).expect("a second connection");
    proxy.reset(Fault::HoldAt(50_000));
    let held = std::thread::spawn(move || client.rows("SELECT * FROM proxied.t").len());
    wait_until("bytes are held", seconds(10), || proxy.holding());
    assert!(!held.is_finished());
    assert_eq!(proxy.passed(), 50_000);
    proxy.set(Fault::None);
    assert_eq!(held.join().expect("the held query"), 3000);
}

#[test]
fn servers_die_and_come_back() {
    let mut postgres = Postgres::start(Settings::for_tests().without_preload());
    postgres
        .connect("postgres")
        .rows("CREATE TABLE t AS SELECT 1 AS a");
    let children = postgres.children();
    assert!(!children.is_empty());
    postgres.kill9();
    assert!(!children.iter().any(|pid| alive(*pid)));
    assert!(postgres.try_connect("postgres", "postgres").is_err());
    postgres.launch();
    assert_eq!(postgres.connect("postgres").number("SELECT a FROM t"), 1);
    let mut client = postgres.connect("postgres");
    let error = client.error("SELECT 1/0");
    assert_eq!(
        (error.sqlstate.as_str(), error.message.as_str()),
        ("22012", "division by zero")
    );
    postgres.restart(Shutdown::Fast);
    assert!(client.query("SELECT 1").is_err());
    let directory = postgres.socket_directory().to_owned();
    drop(postgres);
    assert!(!directory.exists());

    let mut mariadb = MariaDb::start();
    mariadb
        .connect(None)
        .run(&["CREATE DATABASE d", "CREATE TABLE d.t AS SELECT 7 AS a"]);
    mariadb.kill9();
    assert!(MariaDbClient::connect(mariadb.port, None).is_err());
    mariadb.launch();
    assert_eq!(mariadb.connect(Some("d")).text("SELECT a FROM t"), "7");
}

#[test]
fn servers_end_with_a_killed_program() {
    // This program again, with one of the tests above, killed as soon as its server runs.
    let directory = Sandbox::new("victim");
    let mut victim = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "harness::servers_die_and_come_back"])
        .env("TMPDIR", directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program again");
    let entries = || {
        fs::read_dir(directory.path())
            .expect("the victim's directory")
            .flatten()
    };
    wait_until("the victim's server is up", seconds(60), || {
        entries().any(|entry| entry.path().join("data/postmaster.pid").exists())
    });
    victim.kill().expect("SIGKILL");
    victim.wait().expect("the victim's end");
    wait_until("its servers are gone", seconds(20), || {
        entries().next().is_none()
    });
}
