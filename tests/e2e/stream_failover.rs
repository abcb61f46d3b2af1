//! A stream goes on at another server that has its transactions, and through restarts, new log files
//! and silence of the same one.

use crate::support::canonical::is_mysql;
use crate::support::fixture::{Databases, LONG, insert_rows, shared};
use crate::support::mariadb::{MariaDb, mysql_root};
use crate::support::mariadb_client::MariaDbClient;
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::stream_fixture::{logging_source, source_end, source_gtids};
use crate::support::wait::{seconds, wait_until};

const UNITS: [&str; 2] = ["t", "beside"];

fn write(test: &mut Databases, first: u64, count: u64) {
    for id in first..first + count {
        for unit in UNITS {
            test.my.run(&[
                &insert_rows(unit, id, id),
                &format!("UPDATE {unit} SET amount = amount + 1 WHERE id < 10"),
            ]);
        }
    }
}

fn tables(test: &mut Databases) {
    for unit in UNITS {
        test.table(unit, 50);
    }
}

/// A replica that has of `primary` what is written from now on.
fn replica_of(primary: &MariaDb, server_id: u32) -> MariaDb {
    let replica = logging_source(&[
        &format!("--server-id={server_id}"),
        "--log-slave-updates=ON",
    ]);
    let mut client = replica.connect(None);
    let gtids = source_gtids(&mut primary.connect(None));
    match mysql_root() {
        None => client.run(&[
            "RESET MASTER",
            &format!("SET GLOBAL gtid_slave_pos = '{gtids}'"),
        ]),
        Some(_) => client.run(&[
            "RESET BINARY LOGS AND GTIDS",
            &format!("SET GLOBAL gtid_purged = '{gtids}'"),
        ]),
    }
    follow(&mut client, primary);
    replica
}

fn follow(replica: &mut MariaDbClient, primary: &MariaDb) {
    let port = primary.port;
    match is_mysql(replica) {
        false => replica.run(&[
            &format!(
                "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = 'reader', \
                 MASTER_PASSWORD = 'secret', MASTER_USE_GTID = slave_pos"
            ),
            "START SLAVE",
        ]),
        true => replica.run(&[
            &format!(
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port}, SOURCE_USER = 'reader', \
                 SOURCE_PASSWORD = 'secret', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1"
            ),
            "START REPLICA",
        ]),
    }
}

/// Waits until a replica has what its primary has now.
#[track_caller]
fn wait_replicated(replica: &mut MariaDbClient, gtids: &str) {
    let done = match is_mysql(replica) {
        true => format!("SELECT GTID_SUBSET('{gtids}', @@GLOBAL.gtid_executed)"),
        false => format!("SELECT MASTER_GTID_WAIT('{gtids}', 1) = 0"),
    };
    wait_until("the replica follows", LONG, || replica.text(&done) == "1");
}

fn stop_replica(client: &mut MariaDbClient) {
    match is_mysql(client) {
        true => client.run(&["STOP REPLICA", "RESET REPLICA ALL"]),
        false => client.run(&["STOP SLAVE", "RESET SLAVE ALL"]),
    }
}

#[test]
fn a_stream_goes_on_at_a_replica_by_gtid() {
    let name = "failover_replica";
    let mut primary = logging_source(&[]);
    let [second, third] = [2, 3].map(|server_id| replica_of(&primary, server_id));
    let mut test = Databases::new(name, &primary, &shared().postgres);
    tables(&mut test);
    test.stream("j");
    let first = targets(&mut test);
    // Their logs have other files, and other offsets.
    second.connect(None).run(&["FLUSH BINARY LOGS"]);
    write(&mut test, 1001, 10);
    test.assert_followed("j");
    test.pause();
    // There is more at the replica than was applied here, and some of it is its own.
    write(&mut test, 2001, 10);
    let gtids = source_gtids(&mut test.my);
    let [mut at_second, mut at_third] = [&second, &third].map(|server| {
        let mut client = server.connect(None);
        wait_replicated(&mut client, &gtids);
        client.run(&[&format!("USE {name}")]);
        stop_replica(&mut client);
        client
    });
    primary.kill9();
    follow(&mut at_third, &second);
    std::mem::swap(&mut test.my, &mut at_second);
    write(&mut test, 3001, 10);
    test.turn_to(&second.url(name));
    test.resume();
    test.assert_followed("j");
    // While it streams, to a third one.
    write(&mut test, 4001, 10);
    wait_replicated(&mut at_third, &source_gtids(&mut test.my));
    stop_replica(&mut at_third);
    test.my = at_third;
    write(&mut test, 5001, 10);
    test.turn_to(&third.url(name));
    test.assert_followed("j");
    write(&mut test, 6001, 10);
    test.assert_followed("j");
    assert_eq!(targets(&mut test), first, "nothing was copied anew");
    // The position is one of the server that is followed.
    assert_eq!(test.stream_column("j", "file"), source_end(&mut test.my).0);
    test.end_stream("j");
}

/// A table that is copied anew is another one.
fn targets(test: &mut Databases) -> String {
    test.pg
        .text("SELECT concat('j.t'::regclass::oid, ' ', 'j.beside'::regclass::oid)")
}

#[test]
fn a_replica_that_lacks_what_was_applied_is_an_error() {
    let name = "failover_behind";
    let mut primary = logging_source(&[]);
    let replica = replica_of(&primary, 2);
    let mut test = Databases::new(name, &primary, &shared().postgres);
    tables(&mut test);
    test.stream("j");
    write(&mut test, 1001, 5);
    let mut client = replica.connect(None);
    wait_replicated(&mut client, &source_gtids(&mut test.my));
    client.run(&[&format!("USE {name}")]);
    stop_replica(&mut client);
    write(&mut test, 2001, 5);
    test.assert_followed("j");
    let before = test.fingerprints(&UNITS);
    primary.kill9();
    test.my = client;
    test.turn_to(&replica.url(name));
    for unit in UNITS {
        test.assert_stops(unit, "55000", "SELECT sync_resync('j'");
    }
    // Nor does it become a position of that server by what is written there.
    write(&mut test, 3001, 40);
    test.pg.rows("SELECT sync_retry('j')");
    test.assert_lost(&UNITS, &before);
    test.end_stream("j");
}

#[test]
fn a_stream_goes_on_after_its_source_has_restarted() {
    let name = "failover_restart";
    // A killed server must not have lost what stands in its log.
    let mut source = logging_source(&["--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1"]);
    let mut test = Databases::new(name, &source, &shared().postgres);
    tables(&mut test);
    test.stream("j");
    for round in 0..4 {
        write(&mut test, 1001 + round * 100, 10);
        match round % 2 {
            0 => source.stop(),
            _ => source.kill9(),
        }
        if round < 2 {
            let pg = &mut test.pg;
            wait_until("the loss is seen", LONG, || {
                pg.number("SELECT count(*) FROM sync_streams WHERE attempts > 0 AND error <> ''")
                    == 1
            });
        }
        source.launch();
        test.my = source.connect(Some(name));
        write(&mut test, 1051 + round * 100, 10);
        test.assert_followed("j");
    }
    test.end_stream("j");
}

#[test]
fn a_stream_passes_from_file_to_file() {
    let source = logging_source(&["--max-binlog-size=4096"]);
    let mut test = Databases::new("failover_files", &source, &shared().postgres);
    tables(&mut test);
    test.stream("j");
    let first = source_end(&mut test.my).0;
    for round in 0..40 {
        test.my.run(&[
            "FLUSH BINARY LOGS",
            &insert_rows("t", 1001 + round, 1001 + round),
            "FLUSH BINARY LOGS",
            "FLUSH BINARY LOGS",
        ]);
    }
    test.assert_followed("j");
    // Larger than a file: a transaction is not split at the source.
    test.my.run(&[
        &insert_rows("t", 10_001, 12_000),
        "BEGIN",
        "UPDATE t SET amount = 1",
        &insert_rows("beside", 10_001, 12_000),
        "COMMIT",
    ]);
    write(&mut test, 2001, 50);
    test.assert_followed("j");
    let last = source_end(&mut test.my).0;
    assert!(first < last, "there are new files");
    assert_eq!(test.stream_column("j", "file"), last);
    test.end_stream("j");
}

#[test]
fn an_idle_stream_keeps_its_position_fresh() {
    let source = logging_source(&[]);
    let mut test = Databases::new("failover_idle", &source, &shared().postgres);
    tables(&mut test);
    test.stream("j");
    test.my.run(&[
        "CREATE DATABASE elsewhere",
        "CREATE TABLE elsewhere.t (id int PRIMARY KEY)",
    ]);
    for round in 0..5 {
        test.my.run(&[
            &format!("INSERT INTO elsewhere.t VALUES ({round})"),
            "FLUSH BINARY LOGS",
        ]);
    }
    let (file, offset) = source_end(&mut test.my);
    let pg = &mut test.pg;
    wait_until("the position is fresh", LONG, || {
        pg.number(&format!(
            "SELECT count(*) FROM sync_streams WHERE file = '{file}' AND \"offset\" >= {offset} AND lag_bytes = 0 AND lag_seconds = 0"
        )) == 1
    });
    test.pause();
    test.my.run(&[&format!("PURGE BINARY LOGS TO '{file}'")]);
    test.resume();
    write(&mut test, 1001, 3);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn a_silent_source_is_noticed_within_a_minute() {
    let name = "failover_silent";
    let source = logging_source(&[]);
    let proxy = TcpProxy::to(source.port);
    let mut test = Databases::through(proxy.port, name, &source, &shared().postgres);
    tables(&mut test);
    test.stream("j");
    test.assert_followed("j");
    for round in 0..2 {
        // Nothing comes, and nobody says so: neither from the stream nor for a new connection.
        proxy.set(Fault::HoldAt(proxy.passed()));
        let pg = &mut test.pg;
        wait_until("the silence is noticed", seconds(60), || {
            pg.number(
                "SELECT count(*) FROM sync_streams WHERE status = 'waiting' AND attempts > 0 AND error <> '' AND next_retry_at IS NOT NULL",
            ) == 1
        });
        write(&mut test, 1001 + round * 100, 5);
        proxy.set(Fault::None);
        test.assert_followed("j");
        let pg = &mut test.pg;
        wait_until("all is well again", LONG, || {
            pg.number(
                "SELECT count(*) FROM sync_streams WHERE status = 'streaming' AND attempts = 0 AND error IS NULL AND heartbeat_at > now() - interval '10 s'",
            ) == 1
        });
    }
    test.end_stream("j");
}

#[test]
fn two_replicas_of_one_number_are_told_apart() {
    let name = "failover_number";
    let mut test = Databases::logged(name);
    tables(&mut test);
    for job in ["j", "k"] {
        test.stream_job(
            job,
            r#"{"server_id": 4077, "retry_initial": "50 ms", "retry_max": "500 ms"}"#,
        );
    }
    test.start("j");
    test.wait_streaming("j");
    test.start("k");
    // Whoever comes later displaces the other, which says so and tries again.
    let pg = &mut test.pg;
    wait_until("one of them is told", LONG, || {
        pg.number(
            "SELECT count(*) FROM sync_streams WHERE error LIKE '%server_id%' AND hint LIKE '%sync_alter_job(''' || job || '''%server_id%'",
        ) > 0
    });
    test.pg
        .rows(r#"SELECT sync_alter_job('k', '{"server_id": 5077}')"#);
    write(&mut test, 1001, 5);
    for job in ["j", "k"] {
        test.wait_streaming(job);
        test.assert_followed(job);
    }
    for job in ["j", "k"] {
        test.pg.rows(&format!("SELECT sync_cancel('{job}')"));
    }
    test.assert_gone();
}
