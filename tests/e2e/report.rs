//! `sync_report` is a page that a browser shows in light and dark, that loads and runs nothing, that
//! no name can break, and that shows each role its own jobs.

use crate::support::canonical::pg_literal;
use crate::support::fixture::{Databases, shared};
use crate::support::sandbox::Sandbox;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const BROWSER: &str = "/usr/bin/chromium";

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&<script>alert(2)</script>";

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A page in a directory of its own, and a browser beside it.
struct Page {
    sandbox: Sandbox,
    html: String,
}

#[derive(Clone, Copy)]
enum Scheme {
    Light,
    Dark,
}

impl Page {
    fn new(html: String) -> Page {
        let sandbox = Sandbox::new("report");
        fs::write(sandbox.path().join("report.html"), &html).expect("the page's file");
        Page { sandbox, html }
    }

    fn browser(&self, scheme: Scheme) -> Command {
        let scheme = match scheme {
            Scheme::Dark => 0,
            Scheme::Light => 1,
        };
        let mut command = self.sandbox.command("timeout");
        command
            .args(["120", BROWSER])
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--hide-scrollbars",
            ])
            .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
            .arg(format!(
                "--user-data-dir={}",
                self.path("profile").display()
            ))
            .stderr(Stdio::null());
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path().join(name)
    }

    fn url(&self) -> String {
        format!("file://{}", self.path("report.html").display())
    }

    /// The document as the browser has understood it.
    fn dom(&self) -> String {
        let output = self
            .browser(Scheme::Light)
            .arg("--dump-dom")
            .arg(self.url())
            .output()
            .expect("chromium; make setup installs it");
        assert!(output.status.success(), "chromium: {}", output.status);
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// A picture of the page, as the bytes of a PNG.
    fn picture(&self, scheme: Scheme, width: u32) -> Vec<u8> {
        let path = self.path("picture.png");
        let _ = fs::remove_file(&path);
        let status = self
            .browser(scheme)
            .arg(format!("--window-size={width},1600"))
            .arg(format!("--screenshot={}", path.display()))
            .arg(self.url())
            .stdout(Stdio::null())
            .status()
            .expect("chromium; make setup installs it");
        assert!(status.success(), "chromium: {status}");
        let picture = fs::read(&path).expect("a picture");
        assert!(picture.starts_with(PNG));
        picture
    }
}

/// Nothing on the page runs, or is loaded from anywhere. In texts each `<` is escaped.
#[track_caller]
fn assert_quiet(html: &str) {
    for banned in [
        "<script", "<img", "<link", "<iframe", "<object", "<embed", "<form", "url(", "@import",
    ] {
        assert!(!html.contains(banned), "{banned}");
    }
    let tags = html
        .split('<')
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap_or_default());
    for tag in tags {
        for banned in [" src=", " onerror=", "http://", "https://"] {
            assert!(!tag.contains(banned), "{tag}");
        }
    }
    for target in html.split("href=\"").skip(1) {
        assert!(target.starts_with('#'), "{target:.40}");
    }
}

/// Counters by the minute, which fell once.
fn samples(test: &mut Databases, job: &str) {
    let job = pg_literal(job);
    test.pg.rows(&format!(
        "INSERT INTO tributary.sample (job_id, unit, at, rows_done, bytes_done, rows_rejected) \
         SELECT j.job_id, 'orders', date_trunc('minute', now()) - n * interval '1 min', \
                CASE WHEN n > 10 THEN (40 - n) * 600 ELSE (11 - n) * 300 END, (40 - n) * 6000, 0 \
         FROM tributary.job j, generate_series(1, 30) n WHERE j.job = {job} \
         ON CONFLICT DO NOTHING"
    ));
}

#[test]
fn a_browser_shows_the_report_of_a_job() {
    let mut test = Databases::shared("report_browser");
    test.table("orders", 20_000);
    test.table("items", 500);
    test.job("shop", "{}");
    test.run("shop");
    samples(&mut test, "shop");
    let page = Page::new(test.pg.text("SELECT sync_report('shop')"));
    assert_quiet(&page.html);
    let dom = page.dom();
    assert_quiet(&dom);
    for text in [
        "shop · sync report",
        "orders",
        "20.0 k",
        "completed",
        "Rows per second",
        "decimal(12,2)",
        "numeric(12,2)",
        "Every row could be written.",
    ] {
        assert!(dom.contains(text), "{text}");
    }
    // The line is broken where the counter fell.
    let broken = dom
        .split("class=\"line\" d=\"")
        .skip(1)
        .filter_map(|line| line.split('"').next())
        .any(|line| line.matches('M').count() == 2);
    assert!(broken, "no line of two pieces");
    let light = page.picture(Scheme::Light, 1200);
    let dark = page.picture(Scheme::Dark, 1200);
    let narrow = page.picture(Scheme::Light, 480);
    for picture in [&light, &dark, &narrow] {
        assert!(picture.len() > 20_000, "{} bytes", picture.len());
    }
    assert!(light != dark, "dark looks like light");
    assert!(light != narrow);
}

#[test]
fn a_hostile_name_stays_text() {
    let mut test = Databases::shared("report_hostile");
    test.table("orders", 10);
    let job = pg_literal(HOSTILE);
    test.pg.rows(&format!(
        "SELECT sync_create_job({job}, source => 'src', target_schema => 'hostile'); SELECT sync_start({job})"
    ));
    test.pg.rows(&format!("SELECT sync_wait({job}, '2 min')"));
    samples(&mut test, HOSTILE);
    for report in [format!("sync_report({job})"), "sync_report()".to_owned()] {
        let page = Page::new(test.pg.text(&format!("SELECT {report}")));
        assert_quiet(&page.html);
        let dom = page.dom();
        assert_quiet(&dom);
        assert!(
            dom.contains("&lt;img src=x onerror=alert(1)&gt;"),
            "{report}"
        );
    }
}

#[test]
fn a_failed_job_says_what_mends_it() {
    let mut test = Databases::shared("report_failed");
    test.table("orders", 10);
    test.pg.rows(
        "CREATE SCHEMA broken; CREATE TABLE broken.orders (id int PRIMARY KEY, label int, amount numeric(12,2), at timestamp(3))",
    );
    test.job("broken", r#"{"max_attempts": 1}"#);
    test.start("broken");
    assert_eq!(test.end("broken"), "failed");
    let [error, _] = test.failure("broken", "orders");
    let page = Page::new(test.pg.text("SELECT sync_report('broken')"));
    let dom = page.dom();
    assert_quiet(&dom);
    assert!(dom.contains("id=\"attention\""));
    // Up to the first character that the page escapes.
    let beginning = error
        .split(['"', '\'', '<', '>', '&'])
        .next()
        .unwrap_or_default();
    assert!(dom.contains(beginning), "{error}");
}

#[test]
fn a_role_sees_its_own_jobs_only() {
    let mut test = Databases::shared("report_rights");
    test.table("orders", 10);
    test.job("secret_job", "{}");
    test.run("secret_job");
    test.pg.rows("CREATE ROLE report_stranger LOGIN");
    let mut stranger = shared().postgres.connect_as("report_stranger", &test.name);
    let page = stranger.text("SELECT sync_report()");
    assert!(page.contains("There is no job"), "{page}");
    for text in ["secret_job", "orders"] {
        assert!(!page.contains(text), "{text}");
    }
    let error = stranger.error("SELECT sync_report('secret_job')");
    assert_eq!(error.sqlstate, "42501", "{error:?}");
    let page = test.pg.text("SELECT sync_report()");
    assert!(page.contains("secret_job"));
}

#[test]
fn an_unknown_job_has_no_report() {
    let mut test = Databases::shared("report_unknown");
    let error = test.pg.error("SELECT sync_report('nobody')");
    assert_eq!(error.sqlstate, "42704", "{error:?}");
    let page = test.pg.text("SELECT sync_report(NULL)");
    assert!(page.contains("There is no job"));
}
