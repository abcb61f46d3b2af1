//! What keeps the reader thread busy for ever, where no timeout of the thread itself can end it: whoever waits
//! for it gives it up. A certificate file that is a pipe without a writer stands for a login that computes
//! without end.

use crate::support::fixture::{Databases, shared};
use crate::support::sandbox::Sandbox;
use std::process::Command;
use std::time::{Duration, Instant};

const REFUSED: &str = "what the source has sent takes more than 10 s to compute";

#[test]
fn a_thread_that_does_not_come_back_is_given_up() {
    let mut test = Databases::shared("endless_login");
    test.table("t", 10);
    let sandbox = Sandbox::new("pipe");
    let pipe = sandbox.path().join("ca.pem");
    let made = Command::new("mkfifo")
        .args(["-m", "666"])
        .arg(&pipe)
        .status();
    assert!(made.is_ok_and(|made| made.success()), "mkfifo");
    test.pg.rows(&format!(
        "ALTER SERVER src OPTIONS (ADD tls 'verify-ca', ADD ca '{}', ADD connect_timeout '1 s')",
        pipe.display()
    ));
    test.job("j", "{}");

    // In a session: it says so, and goes on for everything but sources.
    let begin = Instant::now();
    let checks = test
        .pg
        .rows("SELECT name, detail FROM sync_check('j') WHERE NOT ok");
    assert!(begin.elapsed() < Duration::from_secs(60));
    assert_eq!(checks.len(), 1, "{checks:?}");
    let detail = checks[0][1].as_deref().unwrap_or_default();
    assert!(detail.contains(REFUSED), "{detail}");
    let again = test
        .pg
        .text("SELECT detail FROM sync_check('j') WHERE name = 'source'");
    assert!(again.contains("can no longer read from sources"), "{again}");
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_jobs"), 1);

    // In a worker: the run fails, and no worker stays.
    test.start("j");
    assert_eq!(test.end("j"), "failed");
    let error = test.pg.text("SELECT error FROM sync_jobs WHERE job = 'j'");
    assert!(error.contains(REFUSED), "{error}");
    test.assert_gone();

    // A new session is as good as ever.
    test.pg = shared().postgres.connect("endless_login");
    test.pg
        .rows("ALTER SERVER src OPTIONS (SET tls 'disable', DROP ca)");
    test.run("j");
    test.assert_equal("j");
}
