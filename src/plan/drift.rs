use crate::error::*; use super::table::TablePlan; use crate::model::policy::OnDdl;
pub enum Drift { Same(TablePlan), Ignore(TablePlan), Apply{statements: Vec<String>, plan: TablePlan, warnings: Vec<String>}, Resync{why:String}, Pause(Error) }
pub fn drift(_: &TablePlan, _: &TablePlan, _: OnDdl, _: &[(String,String)]) -> Result<Drift> { todo!() }
