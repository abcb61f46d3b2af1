//! The files of docs/monitoring work with the real programs: an exporter that reads the metrics, a
//! Prometheus that scrapes it and fires alerts, promtool, the dashboard's queries. And the panel for
//! psql shows what a run does.

use crate::support::fixture::{Databases, LONG, shared};
use crate::support::postgres::SUPERUSER;
use crate::support::postgres_client::PostgresClient;
use crate::support::proxy::{Fault, TcpProxy};
use crate::support::sandbox::{Sandbox, free_port};
use crate::support::wait::{seconds, wait_until};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const EXPORTER: &str = "/usr/bin/prometheus-postgres-exporter";
const PROMETHEUS: &str = "/usr/bin/prometheus";
const PROMTOOL: &str = "/usr/bin/promtool";

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/monitoring")
        .join(name)
}

fn shipped_text(name: &str) -> String {
    fs::read_to_string(shipped(name)).expect("a file of docs/monitoring")
}

/// An exporter that reads one database and a Prometheus that scrapes it, with the shipped files.
struct Monitor {
    sandbox: Sandbox,
    port: u16,
    programs: Vec<Child>,
}

impl Monitor {
    fn of(database: &str) -> Monitor {
        let sandbox = Sandbox::new("monitor");
        let exporter_port = free_port();
        let port = free_port();
        let mut monitor = Monitor {
            sandbox,
            port,
            programs: Vec::new(),
        };

        fs::copy(
            shipped("postgres_exporter.yml"),
            monitor.path("postgres_exporter.yml"),
        )
        .expect("a copy of the queries");
        let source = format!(
            "host={} user={SUPERUSER} dbname={database} sslmode=disable",
            shared().postgres.socket_directory().display()
        );
        let mut exporter = monitor.sandbox.command(EXPORTER);
        exporter
            .env("DATA_SOURCE_NAME", source)
            .arg(format!("--web.listen-address=127.0.0.1:{exporter_port}"))
            .arg("--extend.query-path=postgres_exporter.yml")
            .args(["--disable-default-metrics", "--disable-settings-metrics"])
            .args(["--no-collector.database", "--no-collector.bgwriter"]);
        monitor.start(exporter, "exporter.log");

        // As shipped, but for the port and the patience.
        let mut config = shipped_text("prometheus.yml");
        for (from, to) in [
            ("localhost:9187", format!("127.0.0.1:{exporter_port}")),
            ("15s", "1s".to_owned()),
        ] {
            assert!(config.contains(from), "{from} is not in prometheus.yml");
            config = config.replace(from, &to);
        }
        fs::write(monitor.path("prometheus.yml"), config).expect("its configuration");
        fs::copy(shipped("rules.yml"), monitor.path("rules.yml")).expect("a copy of the rules");
        let mut prometheus = monitor.sandbox.command(PROMETHEUS);
        prometheus
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=series")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        monitor.start(prometheus, "prometheus.log");
        monitor
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path().join(name)
    }

    fn start(&mut self, mut command: Command, log: &str) {
        let log = File::create(self.path(log)).expect("a log");
        let errors = log.try_clone().expect("the log again");
        let program = command
            .stdout(log)
            .stderr(errors)
            .spawn()
            .expect("a program that `make setup` installs");
        self.programs.push(program);
    }

    /// What Prometheus' API answers; None while it does not.
    fn ask(&self, path: &str) -> Option<Value> {
        let answer: Value = serde_json::from_str(&get(self.port, path)?).ok()?;
        (answer["status"] == "success").then(|| answer["data"].clone())
    }

    /// Values that a query has at present, as Prometheus writes them.
    fn values(&self, query: &str) -> Vec<String> {
        let path = format!("/api/v1/query?query={}", percent_encoded(query));
        let Some(data) = self.ask(&path) else {
            return Vec::new();
        };
        let samples = data["result"].as_array().cloned().unwrap_or_default();
        samples
            .iter()
            .filter_map(|sample| sample["value"][1].as_str().map(str::to_owned))
            .collect()
    }

    /// State of an alert for a job: pending or firing; empty where there is none.
    fn alert(&self, name: &str, job: &str) -> String {
        let data = self.ask("/api/v1/alerts").unwrap_or_default();
        let alerts = data["alerts"].as_array().cloned().unwrap_or_default();
        alerts
            .iter()
            .find(|alert| alert["labels"]["alertname"] == name && alert["labels"]["job"] == job)
            .and_then(|alert| alert["state"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
        if std::thread::panicking() {
            for log in ["exporter.log", "prometheus.log"] {
                let text = fs::read_to_string(self.path(log)).unwrap_or_default();
                eprintln!("---- {log} ----\n{text}");
            }
        }
    }
}

/// The body of an answer of 200. HTTP/1.0, so that it comes in one piece.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(seconds(30))).ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.lines()
        .next()?
        .contains(" 200 ")
        .then(|| body.to_owned())
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// promtool in the folder of the shipped files.
fn promtool(arguments: &[&str], input: &str) -> Output {
    let mut program = Command::new(PROMTOOL)
        .args(arguments)
        .current_dir(shipped(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, which `make setup` installs");
    let mut stdin = program.stdin.take().expect("its input");
    // One that reads no input may have ended by now.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    program.wait_with_output().expect("its output")
}

#[track_caller]
fn assert_accepted(arguments: &[&str], input: &str) {
    let output = promtool(arguments, input);
    assert!(
        output.status.success(),
        "promtool {arguments:?}: {}{}\n{input}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The lines of a panel.
fn lines(pg: &mut PostgresClient, call: &str) -> Vec<String> {
    pg.rows(&format!("SELECT progress FROM {call}"))
        .into_iter()
        .map(|row| row[0].clone().unwrap_or_default())
        .collect()
}

/// A job `j` that has copied 3000 rows of the table `t`.
fn copied(name: &str) -> Databases {
    let mut test = Databases::shared(name);
    test.table("t", 3000);
    test.job("j", "{}");
    test.run("j");
    test
}

/// A job `lost` whose source is a port that nobody listens on, and that has failed.
fn failed(test: &mut Databases) {
    let port = free_port();
    test.pg.rows(&format!(
        "SELECT sync_create_source('gone', 'mysql://reader:secret@127.0.0.1:{port}/x')"
    ));
    test.job_from("gone", "lost", "*", r#"{"max_attempts": 1}"#);
    test.start("lost");
    assert_eq!(test.end("lost"), "failed");
}

#[test]
fn prometheus_has_the_metrics_and_alerts_of_a_failed_job() {
    let mut test = copied("monitoring_prometheus");
    failed(&mut test);
    let monitor = Monitor::of(&test.name);
    let rows = r#"tributary_unit_rows_total{job="j",unit="t"}"#;
    wait_until("Prometheus has the rows of the job", LONG, || {
        monitor.values(rows) == ["3000"]
    });
    // No sample gets lost or doubled on the way.
    for row in test
        .pg
        .rows("SELECT name, count(*) FROM sync_metrics GROUP BY name")
    {
        let [name, samples] = [0, 1].map(|place| row[place].clone().unwrap_or_default());
        let count = format!("count({name})");
        wait_until(&format!("{samples} samples of {name}"), LONG, || {
            monitor.values(&count) == [samples.as_str()]
        });
    }
    wait_until("the failed job is an alert", LONG, || {
        let state = monitor.alert("TributaryJobFailed", "lost");
        state == "pending" || state == "firing"
    });
    assert_eq!(monitor.alert("TributaryJobFailed", "j"), "");
}

#[test]
fn promtool_accepts_the_shipped_files() {
    assert_accepted(&["check", "config", "prometheus.yml"], "");
    assert_accepted(&["check", "rules", "rules.yml"], "");
    assert_accepted(&["test", "rules", "rules_test.yml"], "");
    // It is not blind.
    let wrong = promtool(&["check", "metrics"], "# TYPE a b c\n");
    assert!(!wrong.status.success(), "{wrong:?}");
}

#[test]
fn the_text_of_the_metrics_is_what_prometheus_reads() {
    let mut test = copied("monitoring_text");
    test.pg
        .rows(r#"SELECT sync_create_job(E'odd "one" \\ two\nlines', source => 'src')"#);
    let text = test.pg.text("SELECT sync_metrics_text()");
    assert_accepted(&["check", "metrics"], &text);
    assert!(text.ends_with('\n'), "{text}");
    for line in [
        r#"tributary_unit_rows_total{job="j",unit="t"} 3000"#,
        r#"tributary_units{job="j",status="completed"} 1"#,
        r#"tributary_job_failed{job="j"} 0"#,
        r#"tributary_job_enabled{job="odd \"one\" \\ two\nlines"} 1"#,
        "# TYPE tributary_unit_rows_total counter",
        "tributary_max_workers 4",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
    let mut types: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("# TYPE "))
        .collect();
    let all = types.len();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), all, "a metric is announced twice\n{text}");
}

#[test]
fn every_query_of_the_dashboard_runs() {
    let mut test = copied("monitoring_dashboard");
    let dashboard: Value = serde_json::from_str(&shipped_text("grafana.json")).expect("JSON");
    let mut queries = 0;
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            let sql = target["rawSql"]
                .as_str()
                .expect("a query")
                .replace("$__timeFilter(at)", "true")
                .replace("$job", "'j'");
            assert!(!sql.contains('$'), "a macro of another kind: {sql}");
            test.pg.rows(&sql);
            queries += 1;
        }
    }
    assert!(queries >= 10, "{queries} queries");
    let names = &dashboard["templating"]["list"][0]["query"];
    assert_eq!(test.pg.text(names.as_str().expect("a query")), "j");
}

#[test]
fn the_panel_shows_a_run_under_way_and_its_end() {
    let proxy = TcpProxy::to(shared().mariadb.port);
    let mut test = Databases::through(
        proxy.port,
        "monitoring_panel",
        &shared().mariadb,
        &shared().postgres,
    );
    test.table("t", 30_000);
    // Its own estimate of the rows may be of the empty table as yet.
    test.my.run(&["ANALYZE TABLE t"]);
    test.job("j", r#"{"batch_rows": 1000}"#);
    assert_eq!(
        lines(&mut test.pg, "sync_progress('j')"),
        ["j  idle  no run yet"]
    );
    assert!(lines(&mut test.pg, "sync_progress()").is_empty());
    proxy.reset(Fault::HoldAt(1_500_000));
    test.start("j");
    wait_until("the source has gone silent", LONG, || proxy.holding());
    let pg = &mut test.pg;
    wait_until("the panel shows the unit with an ETA", LONG, || {
        let panel = lines(pg, "sync_progress()");
        let unit = panel.iter().find(|line| line.starts_with("  t [█"));
        panel
            .first()
            .is_some_and(|head| head.starts_with("j  running  run ") && head.contains("  ETA "))
            && unit.is_some_and(|line| line.contains("░]") && line.contains("  running"))
    });
    proxy.reset(Fault::None);
    test.finish("j");
    assert!(lines(&mut test.pg, "sync_progress()").is_empty());
    let panel = lines(&mut test.pg, "sync_progress('j')");
    assert_eq!(panel.len(), 2, "{panel:?}");
    assert!(panel[0].starts_with("j  completed  run "), "{panel:?}");
    assert!(panel[0].contains("  30,000 rows  "), "{panel:?}");
    assert!(!panel[0].contains("ETA"), "{panel:?}");
    let bar = format!("  t [{}] 100.0 %", "█".repeat(20));
    assert!(panel[1].starts_with(&bar), "{panel:?}");
    assert!(panel[1].ends_with("completed"), "{panel:?}");
}

#[test]
fn the_panel_shows_errors_in_one_line_each() {
    let mut test = Databases::shared("monitoring_errors");
    failed(&mut test);
    let panel = lines(&mut test.pg, "sync_progress('lost')");
    assert!(panel[0].starts_with("lost  failed  run "), "{panel:?}");
    assert!(
        panel[1].starts_with("    error: could not connect to source"),
        "{panel:?}"
    );
    assert!(
        panel
            .iter()
            .all(|line| !line.contains('\n') && line.chars().count() <= 160),
        "{panel:?}"
    );
}

#[test]
fn who_has_no_rights_sees_no_job() {
    let mut test = copied("monitoring_rights");
    test.pg.rows("CREATE ROLE monitoring_rights_role LOGIN");
    let mut other = shared()
        .postgres
        .connect_as("monitoring_rights_role", &test.name);
    for pg in [&mut test.pg, &mut other] {
        let error = pg.error("SELECT sync_progress('none')");
        assert_eq!(error.sqlstate, "42704", "{error:?}");
        assert_eq!(error.message, r#"job "none" does not exist"#);
        assert_eq!(error.hint, "SELECT job FROM sync_jobs;");
    }
    let error = other.error("SELECT sync_progress('j')");
    assert_eq!(error.sqlstate, "42704", "{error:?}");
    assert!(lines(&mut other, "sync_progress()").is_empty());
    let metrics = "SELECT count(*) FROM sync_metrics WHERE labels ? 'job'";
    assert_eq!(other.number(metrics), 0);
    assert!(test.pg.number(metrics) > 0);
    let text = other.text("SELECT sync_metrics_text()");
    assert!(!text.contains("job="), "{text}");
}

#[test]
fn the_readme_makes_a_role_that_sees_the_metrics_and_nothing_else() {
    let mut test = copied("monitoring_role");
    let readme = shipped_text("README.md");
    let mut blocks = 0;
    for block in readme.split("```sql\n").skip(1) {
        let (sql, _) = block.split_once("```").expect("the block's end");
        test.pg.rows(sql);
        blocks += 1;
    }
    assert_eq!(blocks, 2, "what the owner does, what a superuser does");
    let mut exporter = shared().postgres.connect_as("exporter", &test.name);
    let rows = "SELECT value FROM sync_metrics WHERE name = 'tributary_unit_rows_total'";
    assert_eq!(exporter.text(rows), "3000");
    assert_eq!(exporter.number("SELECT count(*) FROM sync_jobs"), 0);
    let error = exporter.error("SELECT * FROM j.t");
    assert_eq!(error.sqlstate, "42501", "{error:?}");
}
