//! The log brings the same bytes as the copy: every value of every type is there before the start, and
//! comes once more by an insert and by an update after it; and a row is found by its values, whatever
//! their type, where there is no key, and by a key of any type.

use crate::support::canonical::{is_mysql, my_literal, my_name, pg_literal};
use crate::support::compare::compare_where;
use crate::support::dice::Dice;
use crate::support::fixture::{Databases, LONG};
use crate::support::stream_fixture::SOON;
use crate::support::wait::wait_until;
use crate::types_matrix::{self, Table};
use crate::types_random;

/// Rows that were copied have ids below; those inserted later are at once, those updated at twice that.
const STEP: usize = 1000;

/// Columns that MariaDB writes to its log as they are stored.
const UNREAD: &str = "COMPRESSED";

fn assert_none(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// Its condition for rows that are taken.
fn sound(table: &Table) -> String {
    let refused = |by: usize| {
        table
            .refused
            .iter()
            .map(move |(id, _)| (id + by).to_string())
    };
    let ids: Vec<String> = (0..3).flat_map(|times| refused(times * STEP)).collect();
    match ids.as_slice() {
        [] => "TRUE".to_owned(),
        ids => format!("id NOT IN ({})", ids.join(", ")),
    }
}

/// The function with which COPY BINARY writes the column.
fn sender(test: &mut Databases, target: &str) -> String {
    test.pg.text(&format!(
        "SELECT typsend::oid::regproc FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid \
         WHERE attrelid = '{target}'::regclass AND attname = 'v'"
    ))
}

/// Those tables of the matrix that can be followed. What is not read from the log has a test of its own.
fn matrix(test: &mut Databases) -> Vec<Table> {
    let mut tables = types_matrix::tables(test);
    tables.retain(|table| !table.case.source.contains(UNREAD));
    tables
}

#[test]
fn every_value_has_the_same_bytes_by_the_copy_and_by_the_log() {
    let mut test = Databases::logged("stream_matrix");
    let mysql = is_mysql(&mut test.my);
    let tables = matrix(&mut test);
    let units: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    test.stream_job_of("j", &units.join(","), SOON);
    test.start("j");
    test.wait_streaming("j");
    types_matrix::lax(&mut test, mysql, true);
    for Table { name, .. } in &tables {
        test.my.run(&[
            &format!("INSERT IGNORE INTO {name} SELECT id + {STEP}, v FROM {name}"),
            &format!("INSERT INTO {name} SELECT id + {STEP}, NULL FROM {name} WHERE id >= {STEP}"),
            &format!(
                "UPDATE IGNORE {name} a JOIN {name} b ON a.id = b.id + 2 * {STEP} SET a.v = b.v"
            ),
        ]);
    }
    test.catch_up("j");
    let mut faults = Vec::new();
    for table in &tables {
        if let Err(fault) = same_bytes(&mut test, table) {
            faults.push(format!("{} ({}): {fault}", table.case.source, table.name));
        }
    }
    assert_none(&faults);
    test.end_stream("j");
}

fn same_bytes(test: &mut Databases, table: &Table) -> Result<(), String> {
    let name = &table.name;
    let [error, hint] = test.failure("j", name);
    let status = test.unit_status("j", name);
    if status != "streaming" {
        return Err(format!("{status}: {error} {hint}"));
    }
    let from = format!("{}.{name}", test.name);
    let to = format!("j.{name}");
    compare_where(&mut test.my, &from, &sound(table), &mut test.pg, &to)?;
    // Byte for byte, by generation.
    let send = sender(test, &to);
    let generation = |number: usize| {
        format!("SELECT id % {STEP}, {send}(v) FROM {to} WHERE id / {STEP} = {number} ORDER BY 1")
    };
    let [copied, inserted, updated] = [0, 1, 2].map(|number| test.pg.rows(&generation(number)));
    for (how, rows) in [("inserted", inserted), ("updated", updated)] {
        if rows != copied {
            let different: Vec<String> = copied
                .iter()
                .zip(&rows)
                .filter(|(a, b)| a != b)
                .take(3)
                .map(|(a, b)| format!("{:.300?} and {:.300?}", a, b))
                .collect();
            let (there, here) = (copied.len(), rows.len());
            return Err(format!("{there} copied, {here} {how}: {different:?}"));
        }
    }
    // What the copy refuses, the log's rows are refused for, with the same reason and the same values.
    let rejects = |number: usize| {
        format!(
            "SELECT (\"row\" ->> 'id')::int % {STEP}, sqlstate, column_name, message, \"row\" - 'id' FROM sync_rejects \
             WHERE job = 'j' AND unit = '{name}' AND (\"row\" ->> 'id')::int / {STEP} = {number} ORDER BY 1"
        )
    };
    let [copied, inserted, updated] = [0, 1, 2].map(|number| test.pg.rows(&rejects(number)));
    let wanted: Vec<(String, String)> = table
        .refused
        .iter()
        .map(|(id, state)| (id.to_string(), state.trim_end_matches('*').to_owned()))
        .collect();
    let cell = |row: &[Option<String>], place: usize| row[place].clone().unwrap_or_default();
    let found: Vec<(String, String)> = copied
        .iter()
        .map(|row| (cell(row, 0), cell(row, 1)))
        .collect();
    if found != wanted {
        return Err(format!("rejects are {found:?}, not {wanted:?}"));
    }
    for (how, rows) in [("inserted", inserted), ("updated", updated)] {
        if rows != copied {
            return Err(format!(
                "rejects {how} are {rows:.500?}, not {copied:.500?}"
            ));
        }
    }
    Ok(())
}

#[test]
fn a_row_of_any_type_is_found_by_its_values_where_there_is_no_key() {
    let mut test = Databases::logged("stream_keyless");
    let mysql = is_mysql(&mut test.my);
    let tables = matrix(&mut test);
    types_matrix::lax(&mut test, mysql, true);
    for table in &tables {
        let (name, source) = (&table.name, table.case.source);
        test.my.run(&[
            &format!("CREATE TABLE l{name} (n int, v {source} NULL)"),
            &format!(
                "INSERT IGNORE INTO l{name} SELECT id, v FROM {name} WHERE {}",
                sound(table)
            ),
        ]);
    }
    test.stream_job_of("j", "lt*", SOON);
    test.start("j");
    test.wait_streaming("j");
    let mut faults = Vec::new();
    for changes in [
        // Values alone now tell the rows apart.
        &[
            "INSERT IGNORE INTO {t} SELECT n, v FROM {t}",
            "UPDATE IGNORE {t} SET n = 0",
        ] as &[&str],
        &[
            "DELETE FROM {t} LIMIT 3",
            "UPDATE IGNORE {t} SET n = 1 LIMIT 4",
        ],
        &[
            "BEGIN",
            "UPDATE IGNORE {t} SET n = 2 WHERE n = 1",
            "DELETE FROM {t} WHERE n = 2 LIMIT 2",
            "COMMIT",
        ],
        &[
            "UPDATE IGNORE {t} SET v = NULL WHERE n = 2",
            "UPDATE IGNORE {t} SET n = 3 WHERE v IS NULL",
        ],
        &["DELETE FROM {t}"],
    ] {
        for table in &tables {
            for change in changes {
                let sql = change.replace("{t}", &format!("l{}", table.name));
                test.my.run(&[&sql]);
            }
        }
        test.catch_up("j");
        for table in &tables {
            let unit = format!("l{}", table.name);
            let (from, to) = (format!("{}.{unit}", test.name), format!("j.{unit}"));
            if let Err(fault) = compare_where(&mut test.my, &from, "TRUE", &mut test.pg, &to) {
                faults.push(format!(
                    "{} after {changes:?}: {fault:.600}",
                    table.case.source
                ));
            }
        }
        if !faults.is_empty() {
            break;
        }
    }
    assert_none(&faults);
    test.end_stream("j");
}

#[test]
fn a_row_is_found_by_a_key_of_any_type() {
    let mut test = Databases::logged("stream_keys");
    let mysql = is_mysql(&mut test.my);
    let tables = matrix(&mut test);
    types_matrix::lax(&mut test, mysql, true);
    let mut keyed = Vec::new();
    for table in &tables {
        let (name, source) = (&table.name, table.case.source);
        let create = format!("CREATE TABLE k{name} (n int, v {source} NOT NULL, PRIMARY KEY (v))");
        // Long text, shapes and documents are no key at the source.
        if test.my.query(&create).is_ok() {
            test.my.run(&[&format!(
                "INSERT IGNORE INTO k{name} SELECT id, v FROM {name} WHERE v IS NOT NULL AND {}",
                sound(table)
            )]);
            keyed.push(table);
        }
    }
    assert!(keyed.len() > 60, "only {} types are keys", keyed.len());
    test.stream_job_of("j", "kt*", SOON);
    test.start("j");
    test.wait_streaming("j");
    let mut faults = Vec::new();
    for changes in [
        &["UPDATE {k} SET n = n + 1000"] as &[&str],
        &["DELETE FROM {k} WHERE n % 3 = 0"],
        // Those that went come back, and one takes the key of another in the same transaction.
        &["INSERT IGNORE INTO {k} SELECT id, v FROM {t} WHERE v IS NOT NULL AND {sound}"],
        &[
            "BEGIN",
            "DELETE FROM {k} WHERE n = 1",
            "UPDATE IGNORE {k} SET n = -1, v = (SELECT v FROM {t} WHERE id = 1) WHERE n > 1000 LIMIT 1",
            "INSERT IGNORE INTO {k} SELECT id, v FROM {t} WHERE v IS NOT NULL AND {sound}",
            "COMMIT",
        ],
        &[
            "REPLACE INTO {k} SELECT id + 5000, v FROM {t} WHERE v IS NOT NULL AND {sound} AND id % 2 = 0",
        ],
        &["DELETE FROM {k}"],
    ] {
        for table in &keyed {
            let name = &table.name;
            for change in changes {
                // A key may be there already.
                let sql = change
                    .replace("{k}", &format!("k{name}"))
                    .replace("{t}", name)
                    .replace("{sound}", &sound(table));
                let _ = test.my.query(&sql);
            }
        }
        test.catch_up("j");
        for table in &keyed {
            let unit = format!("k{}", table.name);
            let (from, to) = (format!("{}.{unit}", test.name), format!("j.{unit}"));
            if let Err(fault) = compare_where(&mut test.my, &from, "TRUE", &mut test.pg, &to) {
                faults.push(format!(
                    "{} after {changes:?}: {fault:.600}",
                    table.case.source
                ));
            }
        }
        if !faults.is_empty() {
            break;
        }
    }
    assert_none(&faults);
    test.end_stream("j");
}

#[test]
fn a_type_that_is_not_read_from_the_log_stops_its_unit_alone() {
    let mut test = Databases::logged("stream_unread");
    if is_mysql(&mut test.my) {
        println!("not on this server: {UNREAD}");
        return;
    }
    test.my.run(&[
        "CREATE TABLE packed (id int PRIMARY KEY, v text COMPRESSED)",
        "INSERT INTO packed VALUES (1, REPEAT('abc', 1000))",
    ]);
    test.table("t", 10);
    test.stream("j");
    assert_eq!(test.pg.number("SELECT length(v) FROM j.packed"), 3000);
    test.my.run(&[
        "INSERT INTO packed VALUES (2, 'x')",
        "UPDATE t SET amount = 1",
    ]);
    wait_until("the unit stops", LONG, || {
        test.unit_status("j", "packed") == "failed"
    });
    let [error, hint] = test.failure("j", "packed");
    assert!(
        error.contains("\"v\"") && hint.contains(UNREAD),
        "{error}; {hint}"
    );
    test.my.run(&["UPDATE t SET amount = 2"]);
    let pg = &mut test.pg;
    wait_until("the other streams on", LONG, || {
        pg.number("SELECT count(*) FROM j.t WHERE amount = 2") == 10
    });
    assert_eq!(test.unit_status("j", "t"), "streaming");
    test.my.run(&[
        "ALTER TABLE packed MODIFY v text",
        "UPDATE packed SET v = CONCAT(v, 'y')",
    ]);
    test.pg.rows("SELECT sync_resync('j', 'packed')");
    test.wait_streaming("j");
    test.my.run(&["INSERT INTO packed VALUES (3, 'z')"]);
    test.assert_followed("j");
    test.end_stream("j");
}

#[test]
fn random_tables_are_followed() {
    let mut dice = Dice::of("stream_random");
    let tables = std::env::var("TRIBUTARY_SCHEMAS").map_or(24, |text| {
        text.parse().expect("TRIBUTARY_SCHEMAS is a number")
    });
    for first in (0..tables).step_by(40) {
        let mut test = Databases::logged(&format!("stream_random_{first}"));
        let mysql = is_mysql(&mut test.my);
        test.my
            .run(&["SET SESSION sql_mode = 'ALLOW_INVALID_DATES'"]);
        let tables: Vec<types_random::Table> = (first..tables.min(first + 40))
            .map(|number| types_random::table(&mut test, &mut dice, number, mysql))
            .collect();
        test.stream("j");
        for _ in 0..4 {
            for table in &tables {
                disturb(&mut test, &mut dice, table);
            }
        }
        test.catch_up("j");
        let mut faults = Vec::new();
        for table in &tables {
            if let Err(fault) = followed(&mut test, table) {
                let show = format!("SHOW CREATE TABLE {}", my_name(&table.name));
                let definition = test.my.rows(&show).remove(0);
                faults.push(format!(
                    "{fault}\n{}",
                    definition[1].clone().unwrap_or_default()
                ));
            }
        }
        assert_none(&faults);
        test.end_stream("j");
    }
}

/// Inserts, updates of columns one by one, keys too, and deletes.
fn disturb(test: &mut Databases, dice: &mut Dice, table: &types_random::Table) {
    let name = my_name(&table.name);
    let together = dice.below(2) == 0;
    if together {
        test.my.run(&["BEGIN"]);
    }
    if dice.below(2) == 0 {
        types_random::fill(test, dice, &table.name, &table.columns);
    }
    let given: Vec<_> = table
        .columns
        .iter()
        .filter(|column| !column.generated)
        .collect();
    for _ in 0..dice.below(6) {
        let column = *dice.pick(&given);
        let value = column.family.value(dice, true);
        // MariaDB reads NULL for a collection in a collection, and refuses that here in spite of IGNORE.
        if value.contains("GEOMETRYCOLLECTION(GEOMETRYCOLLECTION") && !column.nullable {
            continue;
        }
        let limit = 1 + dice.below(10);
        test.my.run(&[&format!(
            "UPDATE IGNORE {name} SET {} = {value} LIMIT {limit}",
            my_name(&column.name)
        )]);
    }
    if dice.below(2) == 0 {
        test.my
            .run(&[&format!("DELETE FROM {name} LIMIT {}", dice.below(8))]);
    }
    if together {
        test.my
            .run(&[*dice.pick(&["COMMIT", "COMMIT", "ROLLBACK"])]);
    }
}

fn followed(test: &mut Databases, table: &types_random::Table) -> Result<(), String> {
    let unit = pg_literal(&table.name);
    let row = test.pg.rows(&format!(
        "SELECT status, target, concat_ws(' ', error, hint) FROM sync_units WHERE unit = {unit}"
    ));
    let row = row.first().ok_or_else(|| format!("no unit {unit}"))?;
    let [status, target, error] = [0, 1, 2].map(|place| row[place].clone().unwrap_or_default());
    if status != "streaming" {
        return Err(format!("{unit} is {status}: {error}"));
    }
    let any = types_random::any_of(&table.refusals());
    let from = format!("{}.{}", test.name, table.name);
    compare_where(
        &mut test.my,
        &from,
        &format!("NOT ({any})"),
        &mut test.pg,
        &target,
    )
    .map_err(|difference| format!("{} differs: {difference:.2000}", my_literal(&table.name)))?;
    Ok(())
}
