//! The user's own mapping of types: rules by source type for a whole job, by column for one unit.

/// One rule: what it is for and the PostgreSQL type it chooses, as the user wrote both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// A source type (`tinyint(1)`, `datetime`) in a job's rules, a column in a unit's.
    pub from: String,
    pub to: String,
}

/// The rules that hold for a unit, most specific first: its columns, then the job's types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Casts {
    pub columns: Vec<Cast>,
    pub types: Vec<Cast>,
}
