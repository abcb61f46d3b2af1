//! Every value of every type arrives exactly, or is a reject that says why; by both result
//! protocols. What is exact, the source's own functions say.

mod case;
mod numbers;
mod others;
mod texts;
mod times;

use crate::support::canonical::{is_mysql, my_name, pg_literal};
use crate::support::compare::compare_where;
use crate::support::fixture::{Databases, LONG};
use crate::support::mariadb::MariaDb;
use crate::support::postgres::{Postgres, Settings};
use crate::support::wait::wait_until;
use case::{Case, Server};

/// A table of a case and which of its rows are refused.
pub struct Table {
    pub name: String,
    pub case: Case,
    /// Id and SQLSTATE, as in `Case`.
    pub refused: Vec<(usize, &'static str)>,
}

/// The two jobs of most tests here: one source each.
const ROADS: [(&str, &str); 2] = [("src", "by_binary"), ("txt", "by_text")];

#[test]
fn every_value_arrives_or_is_refused_with_a_reason() {
    let mut test = Databases::shared("types_matrix");
    let tables = tables(&mut test);
    test.text_source();
    let mut faults = Vec::new();
    for (source, job) in ROADS {
        test.job_from(source, job, "*", r#"{"workers": 3}"#);
        test.start(job);
        test.end(job);
        for table in &tables {
            if let Err(fault) = check(&mut test, job, table) {
                faults.push(format!(
                    "{job}: {} ({}): {fault}",
                    table.case.source, table.name
                ));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// A table of each case that this server has.
pub fn tables(test: &mut Databases) -> Vec<Table> {
    let mysql = is_mysql(&mut test.my);
    let here = |case: &Case| match case.server {
        Server::Both => true,
        Server::MariaDb => !mysql,
        Server::MySql => mysql,
    };
    let all = [numbers::CASES, times::CASES, texts::CASES, others::CASES].concat();
    let all = all.into_iter();
    let (cases, elsewhere): (Vec<Case>, Vec<Case>) = all.partition(here);
    for case in elsewhere {
        println!("not on this server: {}", case.source);
    }
    cases
        .into_iter()
        .enumerate()
        .map(|(number, case)| table(test, number, case, mysql))
        .collect()
}

/// Creates and fills the table of a case.
fn table(test: &mut Databases, number: usize, case: Case, mysql: bool) -> Table {
    let name = format!("t{number:03}");
    test.my.run(&[&format!(
        "CREATE TABLE {name} (id int PRIMARY KEY, v {} NULL)",
        case.source
    )]);
    let strict: Vec<String> = ["NULL"]
        .iter()
        .chain(case.holds)
        .enumerate()
        .map(|(id, value)| format!("({id}, {value})"))
        .collect();
    test.my
        .run(&[&format!("INSERT INTO {name} VALUES {}", strict.join(", "))]);
    let nulls = test
        .my
        .text(&format!("SELECT COUNT(*) FROM {name} WHERE v IS NULL"));
    assert_eq!(nulls, "1", "{}: a value is NULL to the source", case.source);
    let mut refused = Vec::new();
    lax(test, mysql, true);
    let bends = case.bends.iter().map(|value| (value, None));
    let refuses = case
        .refuses
        .iter()
        .map(|(value, state)| (value, Some(*state)));
    for (id, (value, sqlstate)) in (strict.len()..).zip(bends.chain(refuses)) {
        test.my
            .run(&[&format!("INSERT IGNORE INTO {name} VALUES ({id}, {value})")]);
        refused.extend(sqlstate.map(|sqlstate| (id, sqlstate)));
    }
    lax(test, mysql, false);
    Table {
        name,
        case,
        refused,
    }
}

/// Lets the source take what it would refuse, or not.
pub fn lax(test: &mut Databases, mysql: bool, lax: bool) {
    let mode = if lax {
        "ALLOW_INVALID_DATES"
    } else {
        "STRICT_ALL_TABLES"
    };
    test.my.run(&[&format!("SET SESSION sql_mode = '{mode}'")]);
    if !mysql {
        let checks = u8::from(!lax);
        test.my
            .run(&[&format!("SET SESSION check_constraint_checks = {checks}")]);
    }
}

fn check(test: &mut Databases, job: &str, table: &Table) -> Result<(), String> {
    let Table {
        name,
        case,
        refused,
    } = table;
    let status = test.unit_status(job, name);
    if status != "completed" {
        let error = test.pg.text(&format!(
            "SELECT concat_ws(' ', status, error, hint) FROM sync_units WHERE job = '{job}' AND unit = '{name}'"
        ));
        return Err(error);
    }
    let target = test.pg.text(&format!(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{job}.{name}'::regclass AND attname = 'v'"
    ));
    if target != case.target {
        return Err(format!("the column is {target}, not {}", case.target));
    }
    let ids: Vec<String> = refused.iter().map(|(id, _)| id.to_string()).collect();
    let condition = match ids.as_slice() {
        [] => "TRUE".to_owned(),
        ids => format!("id NOT IN ({})", ids.join(", ")),
    };
    let from = format!("{}.{name}", test.name);
    let to = format!("{job}.{name}");
    let arrived = compare_where(&mut test.my, &from, &condition, &mut test.pg, &to)?;
    let wanted: Vec<String> = refused
        .iter()
        .map(|(id, state)| match state.strip_suffix('*') {
            Some(state) => format!("{id} {state}"),
            None => format!("{id} {state} v"),
        })
        .collect();
    let rejects = test.pg.rows(&format!(
        "SELECT concat_ws(' ', row ->> 'id', sqlstate, column_name), row ->> 'id', row -> 'v' ->> 'hex', row ->> 'v' FROM sync_rejects
         WHERE job = '{job}' AND unit = '{name}' ORDER BY (row ->> 'id')::int"
    ));
    let found: Vec<String> = rejects
        .iter()
        .map(|row| row[0].clone().unwrap_or_default())
        .collect();
    if wanted != found {
        return Err(format!("rejects are {found:?}, not {wanted:?}"));
    }
    for reject in &rejects {
        row_as_the_source_prints_it(test, name, reject)?;
    }
    let counters = test.pg.text(&format!(
        "SELECT concat_ws(' ', rows_done, rows_rejected, rows_filtered) FROM sync_units WHERE job = '{job}' AND unit = '{name}'"
    ));
    let expected = format!("{arrived} {} 0", refused.len());
    if counters != expected {
        return Err(format!("counters are {counters}, not {expected}"));
    }
    Ok(())
}

/// `reject`: what was refused, the row's id, and its value as bytes or as text.
fn row_as_the_source_prints_it(
    test: &mut Databases,
    name: &str,
    reject: &[Option<String>],
) -> Result<(), String> {
    let id = reject[1].as_deref().unwrap_or_default();
    let (expression, kept) = match &reject[2] {
        Some(digits) => ("LOWER(HEX(CAST(v AS BINARY)))", digits.to_lowercase()),
        None => ("CAST(v AS CHAR)", reject[3].clone().unwrap_or_default()),
    };
    // The bytes are those of the text as it travelled.
    let query = match &reject[2] {
        Some(_) => format!(
            "SELECT LOWER(HEX(CONVERT(v USING utf8mb4))), {expression} FROM {name} WHERE id = {id}"
        ),
        None => format!("SELECT {expression} FROM {name} WHERE id = {id}"),
    };
    let row = test.my.rows(&query).remove(0);
    // MySQL converts half a surrogate pair to NULL, though it sends it as bytes.
    let known = row.first().is_some_and(Option::is_some);
    if !known || row.iter().flatten().any(|text| *text == kept) {
        return Ok(());
    }
    Err(format!(
        "the reject of row {id} keeps {kept:?}, the source has {row:?}"
    ))
}

#[test]
fn instants_depend_on_no_zone() {
    let mariadb = MariaDb::start_with(&["--default-time-zone=-05:00"]);
    let postgres = Postgres::start(Settings::for_tests());
    let mut test = Databases::new("instants", &mariadb, &postgres);
    // One zone with the changes of one year, by hand: the programs that load them are not everywhere.
    test.my.run(&[
        "INSERT INTO mysql.time_zone (Time_zone_id, Use_leap_seconds) VALUES (1001, 'N')",
        "INSERT INTO mysql.time_zone_name (Name, Time_zone_id) VALUES ('Test/Berlin', 1001)",
        "INSERT INTO mysql.time_zone_transition_type (Time_zone_id, Transition_type_id, `Offset`, Is_DST, Abbreviation) \
         VALUES (1001, 0, 3600, 0, 'CET'), (1001, 1, 7200, 1, 'CEST')",
        "INSERT INTO mysql.time_zone_transition (Time_zone_id, Transition_time, Transition_type_id) \
         VALUES (1001, -2147483647, 0), (1001, UNIX_TIMESTAMP('2024-03-31 01:00:00'), 1), (1001, UNIX_TIMESTAMP('2024-10-27 01:00:00'), 0)",
        "CREATE TABLE t (id int PRIMARY KEY, a timestamp(6) NULL, b datetime(6), c timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)",
        // The hour that is there twice, and both edges of the one that is not.
        "INSERT INTO t (id, a, b) VALUES (1, '2024-10-27 00:30:00', '2024-10-27 02:30:00'), (2, '2024-10-27 01:30:00', '2024-10-27 02:30:00'), \
         (3, '2024-03-31 00:59:59.999999', '2024-03-31 02:30:00'), (4, '2024-03-31 01:00:00', '2024-03-31 03:00:00'), \
         (5, '1970-01-01 00:00:01', '1970-01-01 00:00:01'), (6, '2038-01-19 03:14:07.999999', '9999-12-31 23:59:59.999999'), (7, NULL, NULL)",
        "SET GLOBAL time_zone = 'Test/Berlin'",
        "CREATE TABLE keyed (k timestamp PRIMARY KEY, v int)",
        "INSERT INTO keyed SELECT FROM_UNIXTIME(1729983600 + n * 600), n FROM (SELECT id + 7 * (SELECT COUNT(*) FROM t x WHERE x.id < t.id) n FROM t) n",
    ]);
    let local = mariadb
        .connect(Some("instants"))
        .text("SELECT @@global.time_zone");
    assert_eq!(local, "Test/Berlin");
    test.pg
        .rows("ALTER DATABASE instants SET timezone = 'America/New_York'");
    test.text_source();
    for (source, job) in ROADS {
        test.job_from(source, job, "*", r#"{"batch_rows": 2}"#);
        test.run(job);
        test.assert_equal(job);
        let twice = format!(
            "SELECT string_agg((a AT TIME ZONE 'UTC')::text, ' ' ORDER BY id) FROM {job}.t WHERE id < 3"
        );
        assert_eq!(
            test.pg.text(&twice),
            "2024-10-27 00:30:00 2024-10-27 01:30:00"
        );
    }
}

#[test]
fn every_character_of_every_character_set_arrives() {
    let mut test = Databases::shared("character_maps");
    let sets: Vec<String> = test
        .my
        .rows("SELECT character_set_name FROM information_schema.character_sets WHERE character_set_name <> 'binary' ORDER BY 1")
        .into_iter()
        .filter_map(|row| row[0].clone())
        .collect();
    assert!(sets.len() > 30, "{sets:?}");
    let columns = |kind: &str| -> String {
        let columns = sets
            .iter()
            .map(|set| format!("{} {kind} CHARACTER SET {set}", my_name(set)));
        columns.collect::<Vec<_>>().join(", ")
    };
    test.my.run(&[
        &format!(
            "CREATE TABLE characters (id int PRIMARY KEY, {})",
            columns("text")
        ),
        &format!(
            "CREATE TABLE bytes (id int PRIMARY KEY, {})",
            columns("varchar(4)")
        ),
        // What a set does not have becomes a question mark, at the source.
        "SET SESSION sql_mode = ''",
    ]);
    // Each character but NUL, by 256 in a row; then a few that take four bytes.
    for row in (0..256).chain([0x1f6, 0x200, 0x2f8, 0x10ff]) {
        let text: String = (row * 256..(row + 1) * 256)
            .filter_map(|code| char::from_u32(code).filter(|c| *c != '\0'))
            .collect();
        let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let values = vec!["s"; sets.len()].join(", ");
        test.my.run(&[&format!(
            "INSERT IGNORE INTO characters SELECT {row}, {values} FROM (SELECT CONVERT(x'{digits}' USING utf8mb4) s) characters"
        )]);
    }
    // Each byte, and pairs that are escapes or quotes in their second byte.
    for byte in 1..=255 {
        for (shift, tail) in ["", "5c", "27", "a1"].iter().enumerate() {
            let value = |set: &String| {
                // Half a surrogate pair is refused, and the row with it.
                let wide = set == "ucs2" || set == "utf32";
                let half = wide && (0xd8..=0xdf).contains(&byte) && shift > 0;
                if half {
                    "NULL".to_owned()
                } else {
                    format!("x'{byte:02x}{tail}'")
                }
            };
            let values = sets.iter().map(value).collect::<Vec<_>>().join(", ");
            let id = byte + 256 * shift;
            test.my
                .run(&[&format!("INSERT IGNORE INTO bytes VALUES ({id}, {values})")]);
        }
    }
    test.text_source();
    for (source, job) in ROADS {
        test.job_from(source, job, "*", "{}");
        test.run(job);
        test.assert_equal(job);
    }
}

#[test]
fn a_type_without_a_mapping_is_refused_by_its_name() {
    let mut test = Databases::shared("refused_type");
    // A set of an empty label has two values that the source does not tell apart.
    let (column, name) = match is_mysql(&mut test.my) {
        true => ("vector(3)", "vector"),
        false => ("set('', 'a')", "set"),
    };
    test.my.run(&[&format!(
        "CREATE TABLE odd (id int PRIMARY KEY, g {column})"
    )]);
    test.table("t", 10);
    test.job("j", "{}");
    test.start("j");
    wait_until("the unit is refused", LONG, || {
        test.unit_status("j", "odd") == "failed" && test.unit_status("j", "t") == "completed"
    });
    let error = test
        .pg
        .text("SELECT concat_ws(' ', error, hint) FROM sync_units WHERE unit = 'odd'");
    assert!(
        error.contains(name) && error.contains(&pg_literal("g").replace('\'', "\"")),
        "{error}"
    );
}
