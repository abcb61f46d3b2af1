//! Statements in the log: those that begin and end transactions, and those that do something to a
//! table that no row event tells.

use super::super::binlog::{AlterPart, Query, RawEvent};
use super::super::hindrance::{obstacle, rolled_back};
use super::{Assembler, Step};
use crate::error::Result;
use crate::model::server::Flavor;
use crate::plan::statement::{Concern, Dialect, Statement, classify};

impl Assembler {
    pub(super) fn query(&mut self, raw: &RawEvent, query: &Query<'_>) -> Result<Step> {
        let charset = query.client_collation;
        let charset = charset.and_then(|collation| self.source.collations.get(&collation));
        let text = query.shown(charset.map(String::as_str));
        let dialect = Dialect {
            mariadb: self.position.server.flavor == Flavor::MariaDb,
            sql_mode: query.sql_mode.unwrap_or_default(),
            fold_names: self.source.fold_names,
        };
        match classify(&text, &query.database, dialect) {
            Statement::Begin | Statement::XaStart(_) => self.begin(),
            Statement::Commit => return self.end(raw),
            Statement::Rollback | Statement::RollbackTo(_) if self.touched().is_some() => {
                return Ok(self.stop(self.touched().unwrap_or(0), rolled_back()));
            }
            Statement::Rollback => return self.end(raw),
            Statement::Savepoint(_)
            | Statement::RollbackTo(_)
            | Statement::Release(_)
            | Statement::XaEnd(_) => {}
            // It is logged again when it has taken effect.
            _ if matches!(self.alter, Some(AlterPart::Started | AlterPart::RolledBack)) => {
                return self.end(raw);
            }
            statement => return self.statement(raw, &statement),
        }
        Ok(Step::Within)
    }

    /// A statement that neither begins nor ends a transaction of rows.
    fn statement(&mut self, raw: &RawEvent, statement: &Statement) -> Result<Step> {
        for index in 0..self.units.len() {
            if self.is_known(index) {
                continue;
            }
            let concern = self.concern(index, statement);
            if let Some(obstacle) = obstacle(&self.unit(index)?.table, concern, statement) {
                return Ok(self.stop_at(index, obstacle));
            }
        }
        for index in 0..self.units.len() {
            if !self.is_known(index) && self.concern(index, statement) == Concern::Yes {
                self.take_effect(index, statement);
            }
        }
        match self.in_transaction {
            true => Ok(Step::Within),
            false => self.end(raw),
        }
    }

    /// What a statement does to a unit in whose way it does not stand.
    fn take_effect(&mut self, index: usize, statement: &Statement) {
        let Some(unit) = self.units.get_mut(index) else {
            return;
        };
        match statement {
            Statement::Truncate(_) => unit.table.net.truncate(),
            Statement::Dml(dml) if dml.empties => unit.table.net.truncate(),
            Statement::AlterTable(altered) => {
                unit.table.told.hear(altered);
                unit.heard = true;
            }
            Statement::CreateIndex(_) | Statement::DropIndex(_) | Statement::RenameTable(_) => {
                unit.table.told.touch();
                unit.heard = true;
            }
            _ => {}
        }
        // The next map is looked at, even one of the same bytes.
        self.forget_maps();
    }

    fn concern(&self, index: usize, statement: &Statement) -> Concern {
        let Some(unit) = self.units.get(index) else {
            return Concern::No;
        };
        let plan = &unit.table.plan;
        match self.source.fold_names {
            true => statement.concern(
                &plan.source_schema.to_lowercase(),
                &plan.source_table.to_lowercase(),
            ),
            false => statement.concern(&plan.source_schema, &plan.source_table),
        }
    }
}
