//! A copy survives what its source and the network do: a server that dies, connections that break
//! anywhere, a peer that says nothing.

use crate::support::dice::Dice;
use crate::support::fixture::{Databases, LONG, ended, numbers, shared, status};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings};
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::wait::{seconds, wait_for, wait_until};

const OPTIONS: &str = r#"{"workers": 2, "chunk_rows": 2500, "batch_rows": 300, "retry_initial": "50 ms", "retry_max": "500 ms", "max_attempts": 50}"#;

fn fill(test: &mut Databases) {
    test.table("orders", 10_000);
    test.my.run(&[
        "CREATE TABLE log (message varchar(50))",
        &format!(
            "INSERT INTO log SELECT CONCAT('message ', n % 100) FROM ({}) numbers",
            numbers(1, 2000)
        ),
    ]);
}

fn whole(test: &mut Databases, proxy: &TcpProxy) -> u64 {
    proxy.reset(Fault::None);
    test.job("measure", OPTIONS);
    test.run("measure");
    test.assert_equal("measure");
    proxy.passed()
}

#[test]
fn a_copy_survives_the_death_of_the_source_server() {
    let name = "source_death";
    let mut dice = Dice::of(name);
    let mut mariadb = MariaDb::start();
    let proxy = TcpProxy::to(mariadb.port);
    let postgres = Postgres::start(Settings::for_tests());
    let mut test = Databases::through(proxy.port, name, &mariadb, &postgres);
    fill(&mut test);
    let whole = whole(&mut test, &proxy);
    let mut seen = 0;
    for round in 0..6 {
        let job = format!("round_{round}");
        // In the first half, so that what is on its way already can not be all there is.
        let at = dice.below(whole / 2);
        println!("{name}: round {round}, at byte {at} of {whole}");
        proxy.reset(Fault::HoldAt(at));
        test.job(&job, OPTIONS);
        test.start(&job);
        wait_until("the moment has come", LONG, || proxy.holding());
        mariadb.kill9();
        proxy.set(Fault::None);
        if round % 2 == 0 {
            // The server stays away until somebody has noticed, or all rows were on their way already.
            let attempts = format!(
                "SELECT (SELECT count(*) FROM sync_units WHERE job = '{job}' AND attempts > 0) + \
                 (SELECT count(*) FROM sync_runs WHERE job = '{job}' AND attempts > 0)"
            );
            let pg = &mut test.pg;
            wait_until("the loss is seen", LONG, || {
                let lost = pg.number(&attempts) > 0;
                seen += u32::from(lost);
                lost || ended(&status(pg, &job))
            });
        }
        mariadb.launch();
        test.my = mariadb.connect(Some(name));
        test.finish(&job);
        test.assert_equal(&job);
        test.pg.rows(&format!(
            "SELECT sync_drop_job('{job}'); DROP SCHEMA {job} CASCADE"
        ));
    }
    assert!(seen > 0, "no round met a copy that needed its source");
}

#[test]
fn a_copy_survives_a_cut_after_any_number_of_bytes() {
    let name = "source_cut";
    let mut dice = Dice::of(name);
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut test = Databases::through(proxy.port, name, &shared().mariadb, &shared().postgres);
    fill(&mut test);
    let whole = whole(&mut test, &proxy);
    // The greeting and the handshake byte by byte in part, then the rest in strides, each off by a few.
    let mut places = vec![0, 1, 3, 4, 5, 40, 80, 100, 130, 200, 400, 800, 1600, 3200];
    let stride = whole / 26;
    places.extend((1..26).map(|step| step * stride + dice.below(stride)));
    for at in places {
        let job = format!("cut_{at}");
        proxy.reset(Fault::CutAt(at));
        test.job(&job, OPTIONS);
        test.start(&job);
        test.finish(&job);
        assert_eq!(
            proxy.cuts(),
            1,
            "the connection was not cut at byte {at} of {whole}"
        );
        test.assert_equal(&job);
        test.pg.rows(&format!(
            "SELECT sync_drop_job('{job}'); DROP SCHEMA {job} CASCADE"
        ));
    }
}

#[test]
fn a_copy_survives_a_black_hole() {
    let name = "source_hole";
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut test = Databases::through(proxy.port, name, &shared().mariadb, &shared().postgres);
    fill(&mut test);
    let whole = whole(&mut test, &proxy);
    proxy.reset(Fault::HoldAt(whole / 2));
    test.job("j", OPTIONS);
    test.start("j");
    wait_until("the hole is there", LONG, || proxy.holding());
    let ended = wait_for(seconds(30), || {
        Some(test.status("j")).filter(|status| status != "running")
    });
    assert_eq!(ended, None, "the run did not wait for its source");
    proxy.set(Fault::None);
    test.finish("j");
    test.assert_equal("j");
}
