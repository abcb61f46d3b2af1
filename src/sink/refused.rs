//! Rows that PostgreSQL refused, as the source would show them. Only their tuples are left of them: the
//! server reads these into a table of the plainest types and prints the values.

use super::halves::refuses_a_row;
use crate::codec::{key_of, row_json, source_bytes};
use crate::error::{Error, Result};
use crate::model::cell::Cell;
use crate::model::pg_type::PgType;
use crate::model::reject::Reject;
use crate::model::table::SourceColumn;
use crate::pg::session_table::SessionTable;
use crate::pg::{guc, relation, spi, transaction};
use crate::plan::apply::refused_sql;
use crate::plan::table::TablePlan;
use crate::sink::copy::copy_rows;

/// The rejects of tuples, one for each error. `walked` is where the key is that the source is asked by.
pub fn rejects(
    plan: &TablePlan,
    walked: &[usize],
    tuples: &[u8],
    errors: Vec<Error>,
) -> Result<Vec<Reject>> {
    if errors.is_empty() {
        return Ok(Vec::new());
    }
    let rows = match transaction::attempt(|| rows(plan, tuples)) {
        Ok(rows) => rows,
        // Not even these types take a value: there is nothing to show.
        Err(error) if refuses_a_row(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let columns: Vec<SourceColumn> = plan
        .columns
        .iter()
        .map(|column| column.source.clone())
        .collect();
    let mut rows = rows.into_iter();
    Ok(errors
        .iter()
        .map(|error| {
            let values = rows.next().unwrap_or_default();
            let cells: Vec<Cell<'_>> = values
                .iter()
                .map(|value| value.as_deref().map_or(Cell::Null, Cell::Bytes))
                .collect();
            let row = row_json(&columns, &cells);
            Reject::new(error, None, key_of(&columns, walked, &row), row)
        })
        .collect())
}

/// The values of each tuple as the source would send them.
fn rows(plan: &TablePlan, tuples: &[u8]) -> Result<Vec<Vec<Option<Vec<u8>>>>> {
    #[derive(serde::Deserialize)]
    struct Row {
        values: Vec<Option<String>>,
    }
    let sql = refused_sql(plan)?;
    let table = SessionTable::create(&sql.name, &sql.create)?;
    let columns: Vec<(String, PgType)> = relation::columns(&table.relation)?
        .iter()
        .map(|column| (column.name.clone(), column.pg_type()))
        .collect();
    copy_rows(&table.relation, &columns, tuples)?;
    let settings = [
        (c"datestyle", c"ISO, YMD"),
        (c"intervalstyle", c"postgres"),
        (c"bytea_output", c"hex"),
        (c"extra_float_digits", c"1"),
    ];
    let printed: Vec<Row> = guc::with_settings(&settings, || spi::query(&sql.select, &[]))?;
    spi::execute(&sql.drop, &[])?;
    let source = |(column, text): (_, Option<String>)| {
        let column: &crate::plan::table::ColumnPlan = column;
        text.map(|text| source_bytes(&column.source.source_type, column.target, text))
    };
    Ok(printed
        .into_iter()
        .map(|row| plan.columns.iter().zip(row.values).map(source).collect())
        .collect())
}
