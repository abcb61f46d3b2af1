//! What a table is besides its rows, asked of the catalogs of both servers.

use super::canonical::{my_literal, pg_literal};
use super::compare;
use super::fixture::Databases;
use super::postgres::Postgres;
use std::process::{Command, Output};

/// A table and its copy.
pub struct Pair {
    pub unit: String,
    /// The copy's name.
    pub table: String,
    /// As PostgreSQL quotes it.
    pub target: String,
}

pub fn pairs(test: &mut Databases, job: &str) -> Vec<Pair> {
    let rows = test.pg.rows(&format!(
        "SELECT unit, relname, target FROM sync_units JOIN pg_class ON oid = target::regclass WHERE job = {} ORDER BY unit",
        pg_literal(job)
    ));
    rows.into_iter()
        .map(|row| {
            let [unit, table, target] =
                [0, 1, 2].map(|place| row[place].clone().unwrap_or_default());
            Pair {
                unit,
                table,
                target,
            }
        })
        .collect()
}

/// Rows and structure of every unit, without a reject.
#[track_caller]
pub fn assert_whole(test: &mut Databases, job: &str) {
    for pair in pairs(test, job) {
        let from = format!("{}.{}", test.name, pair.unit);
        compare::assert_equal(&mut test.my, &from, &mut test.pg, &pair.target);
    }
    assert_structure(test, job);
    let rejects = test.pg.number(&format!(
        "SELECT count(*) FROM sync_rejects WHERE job = {}",
        pg_literal(job)
    ));
    assert_eq!(rejects, 0);
}

/// Comments, NOT NULL, keys, unique indexes, foreign keys and sequences are those of the source, and
/// all steps are done.
pub fn assert_structure(test: &mut Databases, job: &str) {
    let open = test.pg.rows(&format!(
        "SELECT unit, kind, name, status FROM sync_steps WHERE job = {} AND status <> 'completed'",
        pg_literal(job)
    ));
    assert!(open.is_empty(), "steps of {job}: {open:?}");
    for pair in pairs(test, job) {
        let found = of_target(test, job, &pair.target);
        let wanted = of_source(test, &pair.unit);
        assert_eq!(found, wanted, "structure of {}", pair.unit);
    }
}

/// One line for each thing that both sides have.
fn of_source(test: &mut Databases, unit: &str) -> Vec<String> {
    let place = format!(
        "table_schema = {0} AND table_name = {1} AND BINARY table_name = {1}",
        my_literal(&test.name),
        my_literal(unit)
    );
    let mut lines = Vec::new();
    for sql in [
        format!("SELECT CONCAT('comment ', HEX(CONVERT(table_comment USING utf8mb4))) FROM information_schema.tables WHERE {place}"),
        format!(
            "SELECT CONCAT('column ', ordinal_position, ' ', is_nullable, ' ', extra LIKE '%auto_increment%', ' ', HEX(CONVERT(column_comment USING utf8mb4)))
             FROM information_schema.columns WHERE {place} ORDER BY ordinal_position"
        ),
        format!(
            "SELECT CONCAT('unique ', GROUP_CONCAT(c.ordinal_position ORDER BY s.seq_in_index), IF(s.index_name = 'PRIMARY', ' primary', ''))
             FROM information_schema.statistics s JOIN information_schema.columns c USING (table_schema, table_name, column_name)
             WHERE {place} AND BINARY s.table_name = BINARY c.table_name AND non_unique = 0 AND sub_part IS NULL GROUP BY s.index_name ORDER BY 1"
        ),
        format!(
            "SELECT CONCAT('reference ', GROUP_CONCAT(c.ordinal_position ORDER BY k.ordinal_position), ' to ', HEX(MAX(k.referenced_table_name)), ' ', \
             MAX(REPLACE(r.update_rule, 'RESTRICT', 'NO ACTION')), ' ', MAX(REPLACE(r.delete_rule, 'RESTRICT', 'NO ACTION')))
             FROM information_schema.key_column_usage k JOIN information_schema.columns c USING (table_schema, table_name, column_name)
             JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
             WHERE k.{place} AND BINARY k.table_name = BINARY c.table_name AND BINARY r.table_name = BINARY k.table_name AND k.referenced_table_name IS NOT NULL GROUP BY k.constraint_name ORDER BY 1"
        )
        .replace("AND table_name", "AND k.table_name")
        .replace("BINARY table_name", "BINARY k.table_name"),
    ] {
        let mut found: Vec<String> = test.my.rows(&sql).into_iter().filter_map(|mut row| row.remove(0)).collect();
        if !sql.contains("ordinal_position, ' ', is_nullable") {
            found.sort();
        }
        lines.extend(found);
    }
    lines
}

fn of_target(test: &mut Databases, job: &str, target: &str) -> Vec<String> {
    let oid = format!("{}::regclass", pg_literal(target));
    let hex =
        |text: &str| format!("upper(encode(convert_to(coalesce({text}, ''), 'UTF8'), 'hex'))");
    let mut lines = Vec::new();
    for sql in [
        format!("SELECT 'comment ' || {}", hex(&format!("obj_description({oid}, 'pg_class')"))),
        format!(
            "SELECT concat_ws(' ', 'column', attnum, CASE WHEN attnotnull THEN 'NO' ELSE 'YES' END,
                 (pg_get_serial_sequence({}, attname) IS NOT NULL)::int, '') || {}
             FROM pg_attribute WHERE attrelid = {oid} AND attnum > 0 ORDER BY attnum",
            pg_literal(target),
            hex("col_description(attrelid, attnum)")
        ),
        format!(
            "SELECT 'unique ' || array_to_string(indkey::int[], ',') || CASE WHEN indisprimary THEN ' primary' ELSE '' END
             FROM pg_index WHERE indrelid = {oid} AND indisunique AND indisvalid AND indexprs IS NULL"
        ),
        format!(
            "SELECT concat_ws(' ', 'reference', array_to_string(conkey, ','), 'to', {}, {}, {})
             FROM pg_constraint k JOIN sync_units u ON u.target::regclass = k.confrelid AND u.job = {}
             WHERE contype = 'f' AND conrelid = {oid} AND convalidated",
            hex("u.unit"),
            action("confupdtype"),
            action("confdeltype"),
            pg_literal(job)
        ),
    ] {
        let mut found: Vec<String> = test.pg.rows(&sql).into_iter().filter_map(|mut row| row.remove(0)).collect();
        if !sql.contains("ORDER BY attnum") {
            found.sort();
        }
        lines.extend(found);
    }
    lines
}

fn action(column: &str) -> String {
    format!(
        "CASE {column} WHEN 'a' THEN 'NO ACTION' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE {column}::text END"
    )
}

/// A dump of the database goes into a new one without an error, and a dump of that one is the same.
pub fn assert_dump_restores(test: &mut Databases, postgres: &Postgres) {
    let run = |program: &str, arguments: &[&str]| -> Output {
        Command::new(postgres.program(program))
            .arg("-h")
            .arg(postgres.socket_directory())
            .args(["-U", "postgres"])
            .args(arguments)
            .env("PGTZ", "UTC")
            .output()
            .expect("a program of PostgreSQL")
    };
    let dump = |database: &str| -> String {
        let output = run("pg_dump", &[database]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("a dump in UTF-8")
    };
    let first = dump(&test.name);
    let copy = format!("{}_restored", test.name);
    test.pg
        .rows(&format!("CREATE DATABASE {copy} TEMPLATE template0"));
    let file = std::env::temp_dir().join(format!("tributary-{}-{copy}.sql", std::process::id()));
    std::fs::write(&file, &first).expect("the dump's file");
    let output = run(
        "psql",
        &[
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
            &file.to_string_lossy(),
            &copy,
        ],
    );
    std::fs::remove_file(&file).expect("the dump's file");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let second = dump(&copy);
    let stable = |text: &str| -> Vec<String> {
        // A random word stands in the first and last lines of some versions.
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
        lines.map(str::to_owned).collect()
    };
    let (first, second) = (stable(&first), stable(&second));
    let difference = first.iter().zip(&second).find(|(one, other)| one != other);
    assert_eq!(difference, None, "the first lines that differ");
    assert_eq!(first.len(), second.len(), "lines of both dumps");
}
