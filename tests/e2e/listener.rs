//! The client of notifications that the documents show: it runs as it stands there, but for the database's name.

use crate::support::fixture::{Databases, LONG, shared};
use crate::support::wait::wait_until;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

const GUIDE: &str = include_str!("../../docs/monitoring/README.md");

/// Ends with the test.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_documented_client_hears_of_each_change() {
    let mut test = Databases::shared("listener");
    test.table("t", 10);
    test.job("before", "{}");
    test.run("before");
    let program = GUIDE
        .split_once("```python\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(program, _)| program.replace("dbname=mydb", "dbname=listener user=postgres"))
        .expect("a program in the guide");
    assert!(program.lines().count() <= 20, "{program}");
    let mut client = Command::new("/usr/bin/python3")
        .args(["-u", "-c", &program])
        .env("PGHOST", shared().postgres.socket_directory())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Debian's python3-psycopg; make test installs it");
    let output = client.stdout.take().expect("its output");
    let _client = Client(client);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&heard);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            lines
                .lock()
                .expect("the lines")
                .push(line.trim().to_owned());
        }
    });
    let hears = |line: &str| {
        let heard = heard.lock().expect("the lines");
        heard.iter().any(|told| told == line)
    };
    // What happened before it came, and what happens while it listens.
    wait_until("the past is told", LONG, || hears("before  completed"));
    test.job("now", "{}");
    test.run("now");
    wait_until("the present is told", LONG, || hears("now  completed"));
    assert!(hears("now t completed"), "{:?}", heard.lock());
}
