//! Where jobs want more workers than there may be they take turns: nobody waits for ever, neither those that
//! follow a log nor those that copy.

use crate::support::fixture::{Databases, LONG, insert_rows};
use crate::support::postgres::{Postgres, Settings};
use crate::support::stream_fixture::{SOON, logging_source};
use crate::support::wait::wait_until;

const BUSY: &str = "SELECT count(*) FROM sync_jobs WHERE waiting_for LIKE 'a worker: all % of tributary.max_workers are busy'";

fn write(test: &mut Databases, id: u64) {
    test.my.run(&[
        &insert_rows("t", id, id + 9),
        "UPDATE t SET amount = amount + 1 WHERE id < 20",
    ]);
}

#[test]
fn three_streams_and_a_copy_share_two_places() {
    let source = logging_source(&[]);
    let postgres = Postgres::start(Settings::for_tests().with("tributary.max_workers=2"));
    let mut test = Databases::new("turns", &source, &postgres);
    test.table("t", 100);
    let streams = ["a", "b", "c"];
    for job in streams {
        test.stream_job(job, SOON);
        test.start(job);
    }
    for job in streams {
        test.wait_streaming(job);
    }
    wait_until("one of them waits", LONG, || test.pg.number(BUSY) > 0);
    write(&mut test, 1000);
    for job in streams {
        test.assert_followed(job);
    }
    test.job("copy", "{}");
    test.start("copy");
    test.finish("copy");
    test.assert_equal("copy");
    write(&mut test, 2000);
    for job in streams {
        test.assert_followed(job);
    }
    for job in streams {
        test.pg.rows(&format!("SELECT sync_cancel('{job}')"));
    }
    test.assert_gone();
}

#[test]
fn a_stream_and_a_copy_share_a_single_place() {
    let source = logging_source(&[]);
    let postgres = Postgres::start(Settings::for_tests().with("tributary.max_workers=1"));
    let mut test = Databases::new("turns_of_one", &source, &postgres);
    test.table("t", 100);
    test.stream_job("stream", SOON);
    test.start("stream");
    test.wait_streaming("stream");
    test.job("copy", "{}");
    test.start("copy");
    write(&mut test, 1000);
    test.finish("copy");
    test.assert_followed("stream");
    test.pg.rows("SELECT sync_cancel('stream')");
    test.assert_gone();
}
