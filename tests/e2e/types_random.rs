//! Random tables with random rows arrive: each row as it is, or as a reject where one of its values
//! is none in PostgreSQL, which the source itself is asked. The seed is printed; `TRIBUTARY_SEED`
//! repeats a run, `TRIBUTARY_SCHEMAS` sets the number of tables.

mod column;
mod value;

use crate::support::canonical::{is_mysql, my_literal, my_name, pg_literal};
use crate::support::compare::compare_where;
use crate::support::dice::Dice;
use crate::support::fixture::Databases;
use column::Column;
use std::collections::BTreeSet;
use value::Family;

const SCHEMAS: u64 = 40;

/// Tables of one database.
const AT_ONCE: u64 = 50;

/// Small pieces, so that a few rows are several batches.
const OPTIONS: &str = r#"{"workers": 3, "batch_rows": 7, "chunk_rows": 100}"#;

pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

#[test]
fn random_tables_arrive() {
    let mut dice = Dice::of("types_random");
    let schemas = std::env::var("TRIBUTARY_SCHEMAS").map_or(SCHEMAS, |text| {
        text.parse().expect("TRIBUTARY_SCHEMAS is a number")
    });
    let mut faults = Vec::new();
    for first in (0..schemas).step_by(AT_ONCE as usize) {
        let last = schemas.min(first + AT_ONCE);
        let mut test = Databases::shared(&format!("types_random_{first}"));
        faults.extend(round(&mut test, &mut dice, first..last));
        println!("{last} of {schemas} tables, {} faults", faults.len());
        if faults.len() > 9 {
            break;
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n\n")
    );
}

fn round(test: &mut Databases, dice: &mut Dice, numbers: std::ops::Range<u64>) -> Vec<String> {
    let mysql = is_mysql(&mut test.my);
    // What the source is told to store, it stores, bent or not.
    test.my
        .run(&["SET SESSION sql_mode = 'ALLOW_INVALID_DATES'"]);
    let tables: Vec<Table> = numbers
        .map(|number| table(test, dice, number, mysql))
        .collect();
    test.text_source();
    for (source, job, units) in [("src", "by_binary", "b_*"), ("txt", "by_text", "t_*")] {
        test.job_from(source, job, units, OPTIONS);
        test.start(job);
    }
    for job in ["by_binary", "by_text"] {
        // A unit that fails is among the faults, with its table.
        test.end(job);
    }
    let mut faults = Vec::new();
    for table in &tables {
        if let Err(fault) = check(test, table) {
            let definition = test
                .my
                .rows(&format!("SHOW CREATE TABLE {}", my_name(&table.name)))
                .remove(0);
            faults.push(format!(
                "{fault}\n{}",
                definition[1].clone().unwrap_or_default()
            ));
        }
    }
    faults
}

/// Creates and fills a table; one of two travels as text.
pub fn table(test: &mut Databases, dice: &mut Dice, number: u64, mysql: bool) -> Table {
    let road = if number.is_multiple_of(2) { "b" } else { "t" };
    let tail = dice.pick(&["", "", "", " Odd \"name'", "_größe", "`tick"]);
    let name = format!("{road}_{number}{tail}");
    let mut columns: Vec<Column> = Vec::new();
    let mut names = BTreeSet::new();
    for place in 0..1 + dice.below(30) as usize {
        let base = columns.iter().position(|column| {
            matches!(
                column.family,
                Family::Integer {
                    bits: 8 | 16 | 32,
                    ..
                }
            ) && !column.generated
        });
        let column = match base {
            Some(base) if dice.below(12) == 0 => Column::generated(dice, place, &columns[base]),
            _ => Column::random(dice, place, mysql),
        };
        if names.insert(column.name.to_lowercase()) {
            columns.push(column);
        }
    }
    if columns[0].generated {
        columns.remove(0);
    }
    let mut parts: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {}", my_name(&column.name), column.definition))
        .collect();
    keys(dice, &mut columns, &mut parts);
    let options = if dice.below(4) == 0 {
        " COMMENT 'it''s a \"table\"\\n'"
    } else {
        ""
    };
    test.my.run(&[&format!(
        "CREATE TABLE {} ({}){options}",
        my_name(&name),
        parts.join(", ")
    )]);
    fill(test, dice, &name, &columns);
    Table { name, columns }
}

/// A key of any kind, or none, and indexes.
fn keys(dice: &mut Dice, columns: &mut Vec<Column>, parts: &mut Vec<String>) {
    let usable: Vec<String> = columns
        .iter()
        .filter(|column| column.keyed())
        .map(|column| column.name.clone())
        .collect();
    let solid: Vec<String> = columns
        .iter()
        .filter(|column| column.keyed() && !column.nullable)
        .map(|column| column.name.clone())
        .collect();
    let some = |dice: &mut Dice, from: &[String], most: u64| -> String {
        let mut chosen = BTreeSet::new();
        for _ in 0..1 + dice.below(most) {
            chosen.insert(my_name(dice.pick::<String>(from)));
        }
        chosen.into_iter().collect::<Vec<_>>().join(", ")
    };
    match dice.below(6) {
        0 => (),
        1 if !solid.is_empty() => {
            parts.push(format!("UNIQUE KEY only_one ({})", some(dice, &solid, 2)))
        }
        2 | 3 if !solid.is_empty() => {
            parts.push(format!("PRIMARY KEY ({})", some(dice, &solid, 3)))
        }
        _ => {
            let kind = dice.pick(&["int", "bigint unsigned", "smallint unsigned"]);
            parts.push(format!(
                "number_of_row {kind} NOT NULL AUTO_INCREMENT PRIMARY KEY"
            ));
            columns.push(Column {
                name: "number_of_row".into(),
                definition: String::new(),
                family: Family::Integer {
                    bits: 16,
                    unsigned: true,
                },
                nullable: false,
                generated: true,
            });
        }
    }
    if !usable.is_empty() {
        for index in 0..dice.below(3) {
            parts.push(format!("KEY `index {index}` ({})", some(dice, &usable, 2)));
        }
    }
}

pub fn fill(test: &mut Databases, dice: &mut Dice, name: &str, columns: &[Column]) {
    let hostile = dice.below(2) == 0;
    let rows = match dice.below(6) {
        0 => dice.below(2),
        1 => 120,
        _ => 5 + dice.below(30),
    };
    let given: Vec<&Column> = columns.iter().filter(|column| !column.generated).collect();
    let list = given
        .iter()
        .map(|column| my_name(&column.name))
        .collect::<Vec<_>>()
        .join(", ");
    let rows: Vec<String> = (0..rows)
        .map(|_| {
            let values = given
                .iter()
                .map(|column| match column.nullable && dice.below(8) == 0 {
                    true => "NULL".to_owned(),
                    false => column.family.value(dice, hostile),
                });
            format!("({})", values.collect::<Vec<_>>().join(", "))
        })
        .collect();
    if !rows.is_empty() {
        // Keys that are there already are left out.
        let sql = format!(
            "INSERT IGNORE INTO {} ({list}) VALUES {}",
            my_name(name),
            rows.join(", ")
        );
        test.my.run(&[&sql]);
    }
}

impl Table {
    /// Columns, and the source's condition for a row that is refused for one.
    pub fn refusals(&self) -> Vec<(&str, String)> {
        self.columns
            .iter()
            .filter_map(|column| Some((column.name.as_str(), column.hostile()?)))
            .collect()
    }
}

/// Is a row refused for any of them?
pub fn any_of(refusals: &[(&str, String)]) -> String {
    let any: Vec<String> = refusals
        .iter()
        .map(|(_, condition)| format!("COALESCE({condition}, FALSE)"))
        .collect();
    if any.is_empty() {
        "FALSE".to_owned()
    } else {
        any.join(" OR ")
    }
}

fn check(test: &mut Databases, table: &Table) -> Result<(), String> {
    let name = &table.name;
    let unit = format!("unit = {}", pg_literal(name));
    let row = test.pg.rows(&format!(
        "SELECT status, concat_ws(' ', rows_done, rows_rejected, rows_filtered), target, concat_ws(' ', error, hint)
         FROM sync_units WHERE {unit}"
    ));
    let [status, counters, target, error] = match row.first() {
        Some(row) => [0, 1, 2, 3].map(|place| row[place].clone().unwrap_or_default()),
        None => return Err(format!("no unit {name}")),
    };
    if status != "completed" {
        return Err(format!("{name} is {status}: {error}"));
    }
    let conditions = table.refusals();
    let any = any_of(&conditions);
    let from = format!("{}.{name}", test.name);
    let arrived = compare_where(
        &mut test.my,
        &from,
        &format!("NOT ({any})"),
        &mut test.pg,
        &target,
    )
    .map_err(|difference| format!("{name} differs: {difference}"))?;
    let refused = test.my.text(&format!(
        "SELECT COUNT(*) FROM {} WHERE {any}",
        my_name(name)
    ));
    let expected = format!("{arrived} {refused} 0");
    if counters != expected {
        return Err(format!("{name}: counters are {counters}, not {expected}"));
    }
    let kept = test
        .pg
        .text(&format!("SELECT count(*) FROM sync_rejects WHERE {unit}"));
    if kept != refused {
        return Err(format!("{name}: {kept} rejects, not {refused}"));
    }
    let reasons = test.pg.rows(&format!(
        "SELECT DISTINCT column_name, sqlstate FROM sync_rejects WHERE {unit}"
    ));
    for reason in reasons {
        let [column, sqlstate] = [0, 1].map(|place| reason[place].clone().unwrap_or_default());
        let condition = conditions
            .iter()
            .find(|(name, _)| *name == column)
            .map(|(_, condition)| condition);
        let rows = condition.map(|condition| {
            test.my.text(&format!(
                "SELECT COUNT(*) FROM {} WHERE {condition}",
                my_name(name)
            ))
        });
        let known = matches!(sqlstate.as_str(), "22008" | "22021" | "22P05" | "22P03");
        if !known || rows.is_none_or(|rows| rows == "0") {
            return Err(format!(
                "{name}: a reject for {sqlstate} of column {}",
                my_literal(&column)
            ));
        }
    }
    Ok(())
}
