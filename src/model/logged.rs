//! A table and its columns as the source's log describes them: a table map event of a binlog.

/// What a table map says of one column. All but the first two are there only where the source logs
/// them (`binlog_row_metadata = FULL`; signedness and character sets with MINIMAL as well).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggedColumn {
    /// Type code of the log (`MYSQL_TYPE_…`), the real type where the log wraps it: ENUM and SET
    /// come as STRING with the type in their metadata.
    pub kind: u8,
    /// Metadata of the type as the log has it: a length, or precision and scale in two bytes.
    pub metadata: u16,
    pub nullable: bool,
    pub name: Option<String>,
    pub unsigned: Option<bool>,
    /// Collation number of text, enum and set columns.
    pub collation: Option<u16>,
    /// Labels of an enum or a set, in the column's character set.
    pub labels: Option<Vec<Vec<u8>>>,
}

/// A table map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggedTable {
    pub schema: String,
    pub name: String,
    pub columns: Vec<LoggedColumn>,
}
