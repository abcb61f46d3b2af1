//! What a plan of one table takes into account besides the table.

use crate::model::options::JobOptions;
use crate::model::unit_options::UnitOptions;

/// Where a table goes and what its job and unit want.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    pub target_schema: &'a str,
    /// As `names::table_names` gives it, which knows the job's other tables.
    pub target_table: &'a str,
    /// The target tables of all units of the job, this one's too: an index is a relation as they
    /// are, and must not take a name of theirs.
    pub target_tables: &'a [String],
    pub job: &'a JobOptions,
    pub unit: &'a UnitOptions,
    pub installed: &'a Installed,
}

/// Types of extensions in this database, qualified and quoted; None where they are not installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    pub citext: Option<String>,
    pub geometry: Option<String>,
}
