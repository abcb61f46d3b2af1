//! Carries out the cases under live writes with one `on_ddl`, and judges what each unit came to.

use super::cases::{Case, Kind, cases};
use crate::support::compare::compare;
use crate::support::fixture::{Databases, numbers, report};
use crate::support::live_writer::LiveWriter;
use crate::support::stream_fixture::source_end;
use crate::support::wait::{seconds, wait_for};

/// What has to become of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It streams, in the table it had, which has the columns and rows of the source's.
    Follows,
    /// It has stopped; the table has the rows that the source had before the change.
    Parks,
    /// One of both.
    FollowsOrParks,
    /// It streams; what both tables have of columns is equal.
    Keeps,
    /// It has stopped as above, or what both tables have of columns is equal but for rejects.
    Unharmed,
    /// It streams, whatever its rows are.
    Streams,
    /// It was copied anew: it streams into another table, which is equal.
    Anew,
    /// As `Follows` or `Anew`.
    FollowsOrAnew,
    /// It has stopped.
    Fails,
}

pub fn outcome(kind: Kind, on_ddl: &str) -> Outcome {
    use Outcome::*;
    match (on_ddl, kind) {
        // Columns are known by their places only.
        ("unnamed", Kind::Replaced | Kind::Gone) => Parks,
        ("unnamed", _) => FollowsOrParks,
        (_, Kind::Nothing) => Follows,
        ("apply", Kind::Columns | Kind::Widened) => Follows,
        ("apply" | "pause", Kind::Unclear) => FollowsOrParks,
        ("apply" | "pause", _) => Parks,
        ("ignore", Kind::Columns | Kind::Unknown) => Keeps,
        ("ignore", Kind::Widened | Kind::Other | Kind::Unclear) => Unharmed,
        ("ignore", Kind::Replaced | Kind::Gone) => Streams,
        ("resync", Kind::Gone) => Fails,
        ("resync", Kind::Unclear) => FollowsOrAnew,
        ("resync", _) => Anew,
        (other, _) => panic!("no on_ddl {other}"),
    }
}

/// A case under way.
struct Tried {
    case: Case,
    wanted: Outcome,
    /// Columns and rows before the change, where nobody wrote meanwhile.
    before: Option<(String, Vec<String>)>,
    /// The target's table.
    oid: String,
}

pub struct Trial {
    pub test: Databases,
    tried: Vec<Tried>,
    on_ddl: &'static str,
}

impl Trial {
    /// All cases, under a writer who does not stop, into the job `j`.
    #[track_caller]
    pub fn run(mut test: Databases, on_ddl: &'static str) -> Trial {
        let rows = numbers(1, 50);
        for case in cases() {
            let [columns, tail] = case.definition;
            let table = case.table;
            test.my.run(&[
                &format!("CREATE TABLE {table} ({columns}) {tail}"),
                &format!(
                    "INSERT INTO {table} (id, a, b) SELECT n, CONCAT('a ', n), CONCAT('b ', n) FROM ({rows}) numbers"
                ),
            ]);
        }
        let option = if on_ddl == "unnamed" { "apply" } else { on_ddl };
        test.stream_job(
            "j",
            &format!(r#"{{"on_ddl": "{option}", "workers": 3, "retry_initial": "50 ms"}}"#),
        );
        test.start("j");
        test.wait_streaming("j");
        let tables = cases().iter().map(|case| case.table.to_owned()).collect();
        let writer = LiveWriter::start(test.another_client(), tables);
        writer.go_on();
        let mut trial = Trial {
            test,
            tried: Vec::new(),
            on_ddl,
        };
        for case in cases() {
            trial.change(case, &writer);
        }
        writer.go_on();
        writer.end();
        trial.settle();
        trial
    }

    fn change(&mut self, case: Case, writer: &LiveWriter) {
        let wanted = outcome(case.kind, self.on_ddl);
        let oid = self.oid(case.table);
        let held = matches!(
            wanted,
            Outcome::Parks | Outcome::FollowsOrParks | Outcome::Unharmed
        );
        let mut before = None;
        let mut change = || {
            for statement in case.ddl {
                let statement = statement.replace("{t}", case.table);
                if held && before.is_none() && changes_table(&statement, case.table) {
                    before = Some(self.source_rows(case.table));
                }
                self.execute(&statement);
            }
        };
        // A copy by hand would lose what is written between it and the swap.
        match held || case.table == "swap_by_ghost" || case.table == "text_to_int" {
            true => writer.hold(change),
            false => change(),
        }
        for statement in case.after {
            self.execute(&statement.replace("{t}", case.table));
        }
        self.tried.push(Tried {
            case,
            wanted,
            before,
            oid,
        });
    }

    /// The writer's transactions may be in the way.
    fn execute(&mut self, statement: &str) {
        loop {
            match self.test.my.query(statement) {
                Ok(_) => return,
                Err(mysql_async::Error::Server(error)) if error.code == 1213 => {}
                Err(error) => panic!("{statement}: {error}"),
            }
        }
    }

    /// Waits until the stream has come to the end of the log, and no unit is on its way.
    #[track_caller]
    pub fn settle(&mut self) {
        let (file, offset) = source_end(&mut self.test.my);
        let passed = format!(
            "SELECT (SELECT count(*) FROM sync_streams WHERE job = 'j' AND (file, \"offset\") >= ('{file}', {offset})) = 1 \
             AND NOT EXISTS (SELECT FROM sync_units WHERE job = 'j' AND status <> 'streaming' \
                             AND NOT (status = 'failed' AND next_retry_at IS NULL))"
        );
        let pg = &mut self.test.pg;
        let settled = wait_for(seconds(90), || (pg.text(&passed) == "t").then_some(()));
        if settled.is_none() {
            panic!("the units do not settle: {}", report(pg, "j"));
        }
    }

    /// What is wrong with the units, one line for each.
    pub fn faults(&mut self) -> Vec<String> {
        let tried = std::mem::take(&mut self.tried);
        let mut faults = Vec::new();
        for one in &tried {
            if let Err(fault) = self.judge(one) {
                let table = one.case.table;
                faults.push(format!("{table} ({:?}): {fault}", one.wanted));
            }
        }
        self.tried = tried;
        faults
    }

    fn judge(&mut self, tried: &Tried) -> Result<(), String> {
        use Outcome::*;
        let table = tried.case.table;
        let failed = match self.test.unit_status("j", table).as_str() {
            "streaming" => false,
            "failed" => true,
            other => return Err(format!("is {other}")),
        };
        let [error, _] = self.test.failure("j", table);
        match (tried.wanted, failed) {
            (Parks | FollowsOrParks | Unharmed, true) => self.parked(tried),
            (Fails, true) | (Streams, false) => Ok(()),
            (Follows | FollowsOrParks, false) => {
                self.stays(tried)?;
                self.equal(table)
            }
            (Keeps, false) => {
                self.stays(tried)?;
                self.equal_in_common(table, false)
            }
            (Unharmed, false) => self.equal_in_common(table, true),
            (Anew, false) => {
                if self.oid(table) == tried.oid {
                    return Err("was not copied anew".to_owned());
                }
                self.equal(table)
            }
            (FollowsOrAnew, false) => self.equal(table),
            (_, true) => Err(format!("has failed: {error}")),
            (_, false) => Err("goes on".to_owned()),
        }
    }

    /// Stopped by an error that says what to do, before the first row of the new shape.
    fn parked(&mut self, tried: &Tried) -> Result<(), String> {
        let table = tried.case.table;
        let [error, hint] = self.test.failure("j", table);
        if !hint.contains("sync_resync('j'") || !hint.contains(table) {
            return Err(format!("no statement that mends it: {error}; {hint}"));
        }
        let sqlstate = self.test.pg.text(&format!(
            "SELECT sqlstate FROM sync_events WHERE job = 'j' AND unit = '{table}' AND status = 'failed' ORDER BY event_id DESC LIMIT 1"
        ));
        if sqlstate.is_empty() || sqlstate.starts_with("XX") {
            return Err(format!("SQLSTATE {sqlstate}: {error}"));
        }
        let Some((columns, rows)) = &tried.before else {
            return Ok(());
        };
        let found = self.target_rows(table, columns)?;
        differ(rows, &found)
    }

    fn stays(&mut self, tried: &Tried) -> Result<(), String> {
        match self.oid(tried.case.table) == tried.oid {
            true => Ok(()),
            false => Err("is in another table".to_owned()),
        }
    }

    /// The same names of columns, and rows.
    fn equal(&mut self, table: &str) -> Result<(), String> {
        let mut wanted = self.source_columns(table);
        let mut found = self.target_columns(table);
        wanted.sort();
        found.sort();
        if wanted != found {
            return Err(format!("the columns are {found:?}, not {wanted:?}"));
        }
        let from = format!("{}.{table}", self.test.name);
        let (my, pg) = (&mut self.test.my, &mut self.test.pg);
        compare(my, &from, pg, &format!("j.{table}")).map(|_| ())
    }

    /// Columns that are on both sides have the same values; a row that is not there is a reject.
    fn equal_in_common(&mut self, table: &str, rejects: bool) -> Result<(), String> {
        let found = self.target_columns(table);
        let mut common = self.source_columns(table);
        common.retain(|name| found.contains(name));
        // The same values are written with more digits there.
        let common = match table {
            "more_digits" => "id".to_owned(),
            _ => common.join(", "),
        };
        let wanted = self.rows_of(table, &common);
        let found = self.target_rows(table, &common)?;
        let missing = wanted.iter().filter(|row| !found.contains(row)).count();
        let of_rejects = self.test.pg.number(&format!(
            "SELECT count(DISTINCT key) FROM sync_rejects WHERE job = 'j' AND unit = '{table}'"
        ));
        match rejects && missing > 0 && missing as i64 == of_rejects {
            true if found.iter().all(|row| wanted.contains(row)) => Ok(()),
            _ => differ(&wanted, &found),
        }
    }

    fn oid(&mut self, table: &str) -> String {
        self.test
            .pg
            .text(&format!("SELECT to_regclass('j.{table}')::oid"))
    }

    fn source_columns(&mut self, table: &str) -> Vec<String> {
        let name = &self.test.name;
        let rows = self.test.my.rows(&format!(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = '{name}' AND table_name = '{table}' ORDER BY ordinal_position"
        ));
        rows.into_iter().filter_map(|row| row[0].clone()).collect()
    }

    fn target_columns(&mut self, table: &str) -> Vec<String> {
        let rows = self.test.pg.rows(&format!(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'j.{table}'::regclass AND attnum > 0 AND NOT attisdropped"
        ));
        rows.into_iter().filter_map(|row| row[0].clone()).collect()
    }

    fn source_rows(&mut self, table: &str) -> (String, Vec<String>) {
        let columns = self.source_columns(table).join(", ");
        let rows = self.rows_of(table, &columns);
        (columns, rows)
    }

    fn rows_of(&mut self, table: &str, columns: &str) -> Vec<String> {
        let rows = self.test.my.rows(&format!("SELECT {columns} FROM {table}"));
        lines(rows)
    }

    fn target_rows(&mut self, table: &str, columns: &str) -> Result<Vec<String>, String> {
        // A set is an array here.
        let columns: Vec<&str> = columns
            .split(", ")
            .map(|name| match (table, name) {
                ("labels_reordered", "s") => "array_to_string(s, ',')",
                _ => name,
            })
            .collect();
        let sql = format!("SELECT {} FROM j.{table}", columns.join(", "));
        let rows = self.test.pg.query(&sql);
        rows.map(lines).map_err(|error| format!("{error:?}"))
    }

    /// Copies the units anew that have stopped.
    #[track_caller]
    pub fn restore_parked(&mut self) {
        self.restore(|status| status == "failed");
    }

    #[track_caller]
    pub fn restore_all(&mut self) {
        self.restore(|_| true);
    }

    fn restore(&mut self, wanted: fn(&str) -> bool) {
        for tried in std::mem::take(&mut self.tried) {
            let table = tried.case.table;
            if !wanted(&self.test.unit_status("j", table)) {
                continue;
            }
            if tried.case.kind == Kind::Gone {
                self.execute(&format!("RENAME TABLE {table}_now TO {table}"));
            }
            self.test
                .pg
                .rows(&format!("SELECT sync_resync('j', '{table}')"));
        }
        self.test.wait_streaming("j");
    }
}

/// Is it this statement that the unit has to stop before?
fn changes_table(statement: &str, table: &str) -> bool {
    ["ALTER", "RENAME", "DROP"]
        .iter()
        .any(|verb| statement.starts_with(&format!("{verb} TABLE {table}")))
}

/// Sorted: the servers sort texts differently.
fn lines(rows: Vec<Vec<Option<String>>>) -> Vec<String> {
    let mut lines: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    lines.sort();
    lines
}

fn differ(wanted: &[String], found: &[String]) -> Result<(), String> {
    if wanted == found {
        return Ok(());
    }
    let only = |of: &[String], not: &[String]| -> Vec<String> {
        of.iter()
            .filter(|row| !not.contains(row))
            .take(3)
            .cloned()
            .collect()
    };
    Err(format!(
        "{} rows, not {}; only here {:?}, only there {:?}",
        found.len(),
        wanted.len(),
        only(found, wanted),
        only(wanted, found)
    ))
}
