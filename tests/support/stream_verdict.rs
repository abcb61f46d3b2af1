//! What became of a stream that met something: which units have stopped and why, which go on.

use super::compare::compare;
use super::fixture::{Databases, LONG, report};
use super::wait::{seconds, wait_for, wait_until};

/// Why a unit has stopped.
#[derive(Debug)]
pub struct Stopped {
    pub sqlstate: String,
    pub error: String,
    pub hint: String,
}

impl Databases {
    /// Waits until a unit has stopped by an error that time does not heal.
    #[track_caller]
    pub fn wait_stopped(&mut self, job: &str, unit: &str) -> Stopped {
        let failed = format!(
            "SELECT coalesce(error, ''), coalesce(hint, '') FROM sync_units \
             WHERE job = '{job}' AND unit = '{unit}' AND status = 'failed' AND next_retry_at IS NULL"
        );
        let Some(row) = wait_for(LONG, || self.pg.rows(&failed).pop()) else {
            panic!("{unit} does not stop: {}", report(&mut self.pg, job));
        };
        let [error, hint] = [0, 1].map(|place| row[place].clone().unwrap_or_default());
        let sqlstate = self.pg.text(&format!(
            "SELECT sqlstate FROM sync_events WHERE job = '{job}' AND unit = '{unit}' AND status = 'failed' ORDER BY event_id DESC LIMIT 1"
        ));
        Stopped {
            sqlstate,
            error,
            hint,
        }
    }

    /// Waits until a unit has stopped with this SQLSTATE and a hint that has these words.
    #[track_caller]
    pub fn assert_stops(&mut self, unit: &str, sqlstate: &str, hint: &str) {
        let stopped = self.wait_stopped("j", unit);
        assert!(
            stopped.sqlstate == sqlstate
                && stopped.hint.contains(hint)
                && !stopped.error.is_empty(),
            "{unit} stops with {sqlstate} and a hint of {hint:?}, not with {stopped:?}"
        );
    }

    /// Waits until a unit's copy is equal: for where another unit has stopped, and the job as a whole
    /// is not to be waited for.
    #[track_caller]
    pub fn wait_same(&mut self, unit: &str) {
        let from = format!("{}.{unit}", self.name);
        let to = format!("j.{unit}");
        let mut last = String::new();
        let same = wait_for(LONG, || {
            compare(&mut self.my, &from, &mut self.pg, &to)
                .map_err(|difference| last = difference)
                .ok()
        });
        let report = report(&mut self.pg, "j");
        assert!(
            same.is_some(),
            "{unit} does not come to be equal: {last}{report}"
        );
        assert_eq!(self.unit_status("j", unit), "streaming");
    }

    /// The whole job `j` is copied anew, and is well.
    #[track_caller]
    pub fn resync(&mut self) {
        self.pg.rows("SELECT sync_resync('j')");
        self.wait_streaming("j");
        self.assert_followed("j");
    }

    /// The same for one unit.
    #[track_caller]
    pub fn resync_unit(&mut self, unit: &str) {
        self.pg.rows(&format!("SELECT sync_resync('j', '{unit}')"));
        self.wait_streaming("j");
        self.assert_followed("j");
    }

    /// Units `units` of job `j` have stopped since their position is lost, none of them has changed,
    /// and a copy anew mends it. `before`: what [`Self::fingerprints`] was.
    #[track_caller]
    pub fn assert_lost(&mut self, units: &[&str], before: &[String]) {
        for unit in units {
            self.assert_stops(unit, "55000", "SELECT sync_resync('j'");
        }
        assert_eq!(self.fingerprints(units), before, "nothing was applied");
        self.resync();
    }

    /// The rows of targets.
    pub fn fingerprints(&mut self, units: &[&str]) -> Vec<String> {
        let of = |unit: &&str| {
            format!(
                "SELECT md5(coalesce(string_agg(t::text, ';' ORDER BY id), '')) FROM j.{unit} t"
            )
        };
        units.iter().map(|unit| self.pg.text(&of(unit))).collect()
    }

    /// Nobody reads the source for the job until [`Self::resume`].
    #[track_caller]
    pub fn pause(&mut self) {
        self.catch_up("j");
        self.pg.rows("SELECT sync_pause('j')");
        self.assert_gone();
    }

    pub fn resume(&mut self) {
        self.pg.rows("SELECT sync_resume('j')");
    }

    /// The source is another server from now on.
    pub fn turn_to(&mut self, url: &str) {
        // Who asks stands in the user mapping.
        let url = url.replace("reader:secret@", "");
        self.pg
            .rows(&format!("ALTER SERVER src OPTIONS (SET url '{url}')"));
    }

    /// The clock of the source shows another second: what begins now has another time of birth.
    #[track_caller]
    pub fn next_second(&mut self) {
        let now = self.my.text("SELECT UNIX_TIMESTAMP()");
        let my = &mut self.my;
        wait_until("the clock goes on", seconds(10), || {
            my.text("SELECT UNIX_TIMESTAMP()") != now
        });
    }
}
