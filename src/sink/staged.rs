//! A table of the session that rows are copied into, and the statement that brings them into the target.

use super::copy::copy_rows;
use super::halves::copy_by_halves;
use crate::codec::tuple_starts;
use crate::error::{Error, Kind, Result};
use crate::model::pg_type::PgType;
use crate::pg::point_plan::PointPlan;
use crate::pg::session_table::SessionTable;
use crate::pg::{guc, spi};
use crate::plan::apply::{self, UpdateSql};

#[derive(Debug)]
pub struct Staged {
    table: apply::SessionTable,
    statement: String,
    /// Statements for rows that are there for the most part.
    update: Option<UpdateSql>,
    columns: Vec<(String, PgType)>,
    access: Access,
    made: Option<Made>,
}

/// How the statement finds its rows in the target.
#[derive(Debug, PartialEq, Eq)]
enum Access {
    Index,
    /// It reads the whole of it.
    Scan,
}

#[derive(Debug)]
struct Made {
    table: SessionTable,
    plan: Option<PointPlan>,
    /// Planned when they are first of use.
    update: Option<[PointPlan; 2]>,
}

impl Staged {
    /// `columns` are those of the unit.
    pub fn by_index(
        table: apply::SessionTable,
        statement: &str,
        columns: &[(String, PgType)],
    ) -> Self {
        let columns = table
            .columns
            .iter()
            .filter_map(|name| columns.iter().find(|(known, _)| known == name))
            .cloned()
            .collect();
        Staged {
            table,
            statement: statement.to_owned(),
            update: None,
            columns,
            access: Access::Index,
            made: None,
        }
    }

    pub fn with_update(mut self, update: Option<&UpdateSql>) -> Self {
        self.update = update.cloned();
        self
    }

    pub fn by_scan(
        table: apply::SessionTable,
        statement: &str,
        columns: &[(String, PgType)],
    ) -> Self {
        Staged {
            access: Access::Scan,
            ..Staged::by_index(table, statement, columns)
        }
    }

    /// Makes the table where it is not there, or not any more. The first time that is so whatever is there: its
    /// columns may be those of another plan.
    pub fn make(&mut self) -> Result<()> {
        if let Some(made) = &self.made
            && made.table.holds(&self.table.name)?
        {
            return Ok(());
        }
        let table = SessionTable::create(&self.table.name, &self.table.create)?;
        let plan = match self.access {
            Access::Index => Some(PointPlan::new(&self.statement)?),
            Access::Scan => None,
        };
        self.made = Some(Made {
            table,
            plan,
            update: None,
        });
        Ok(())
    }

    /// Autovacuum cannot freeze temporary tables, so an old one is dropped and created again.
    pub fn drop_if_old(&mut self) -> Result<()> {
        let is_old = |made: &Made| made.table.is_old();
        if self.made.as_ref().is_some_and(is_old) {
            self.made = None;
            SessionTable::drop_if_exists(&self.table.name)?;
        }
        Ok(())
    }

    /// The same where most of the rows are there. Fewer than were given are processed where the target
    /// finds two of them to be one, or a trigger keeps some out.
    pub fn apply_updates(&mut self, rows: &[u8], count: u64) -> Result<u64> {
        let (Some(sql), Some(made)) = (&self.update, &mut self.made) else {
            return self.apply(rows);
        };
        if made.update.is_none() {
            made.update = Some([PointPlan::new(&sql.present)?, PointPlan::new(&sql.missing)?]);
        }
        let made = self.made()?;
        let Some([present, missing]) = &made.update else {
            return self.apply(rows);
        };
        made.table.empty()?;
        copy_rows(&made.table.relation, &self.columns, rows)?;
        let mut processed = present.execute()?;
        if processed < count {
            processed += missing.execute()?;
        }
        made.table.empty()?;
        Ok(processed)
    }

    /// Copies the rows and runs the statement; how many rows it processed.
    pub fn apply(&self, rows: &[u8]) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        let made = self.made()?;
        made.table.empty()?;
        copy_rows(&made.table.relation, &self.columns, rows)?;
        let processed = self.run(made)?;
        made.table.empty()?;
        Ok(processed)
    }

    /// The same without those rows that the types of the target do not take: they cannot be in it.
    pub fn apply_what_fits(&self, rows: &[u8]) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        let made = self.made()?;
        made.table.empty()?;
        let starts = tuple_starts(rows)
            .ok_or_else(|| Error::new(Kind::Internal, "keys that are not whole rows"))?;
        copy_by_halves(&made.table.relation, &self.columns, rows, &starts)?;
        let processed = self.run(made)?;
        made.table.empty()?;
        Ok(processed)
    }

    fn made(&self) -> Result<&Made> {
        self.made
            .as_ref()
            .ok_or_else(|| Error::new(Kind::Internal, "a table of the session was not made"))
    }

    fn run(&self, made: &Made) -> Result<u64> {
        match &made.plan {
            Some(plan) => plan.execute(),
            // Planned for what is there now. Rows are told by their text: all digits have to be in it.
            None => guc::with_settings(
                &[
                    (c"jit", c"off"),
                    (c"enable_nestloop", c"off"),
                    (c"extra_float_digits", c"1"),
                ],
                || spi::execute(&self.statement, &[]),
            ),
        }
    }
}
