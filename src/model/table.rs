//! A source table as its catalog describes it.

/// The type family of a source column with the attributes that decide its mapping.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceType {
    TinyInt {
        unsigned: bool,
    },
    SmallInt {
        unsigned: bool,
    },
    MediumInt {
        unsigned: bool,
    },
    Int {
        unsigned: bool,
    },
    BigInt {
        unsigned: bool,
    },
    Decimal {
        precision: u32,
        scale: u32,
    },
    Float,
    Double,
    Year,
    Bit {
        bits: u32,
    },
    Date,
    /// `datetime(fraction)`: no zone.
    DateTime {
        fraction: u32,
    },
    /// `timestamp(fraction)`: an instant, read in UTC.
    Timestamp {
        fraction: u32,
    },
    Time {
        fraction: u32,
    },
    /// `char`, `varchar` (length in characters).
    Char {
        length: u64,
    },
    VarChar {
        length: u64,
    },
    Text,
    /// `binary`, `varbinary` (length in bytes).
    Binary {
        length: u64,
    },
    VarBinary {
        length: u64,
    },
    Blob,
    Enum {
        labels: Vec<String>,
    },
    Set {
        labels: Vec<String>,
    },
    Json,
    /// Anything else, by the name the source gives it: refused by the plan.
    Unmapped {
        name: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceColumn {
    pub name: String,
    pub source_type: SourceType,
    /// The type as the source prints it, for messages: `int(10) unsigned`.
    pub type_name: String,
    pub nullable: bool,
    /// Character set and collation of text columns.
    pub character_set: Option<String>,
    pub collation: Option<String>,
    /// A generated (virtual or stored) column at the source.
    pub generated: bool,
}

/// A primary key, or a unique key over NOT NULL columns: what a unit can be chunked by.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceKey {
    /// The index's name, `PRIMARY` for a primary key.
    pub name: String,
    pub primary: bool,
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceTable {
    /// The source's database.
    pub schema: String,
    pub name: String,
    pub columns: Vec<SourceColumn>,
    /// The primary key first, then unique keys whose columns are all NOT NULL and whole
    /// (no prefix, no expression), shortest first.
    pub keys: Vec<SourceKey>,
    /// The source's estimate; None for views.
    pub rows_estimated: Option<u64>,
    /// Data length in bytes as the source reports it.
    pub bytes_estimated: Option<u64>,
}

/// One line of the source's table list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceTableName {
    pub name: String,
    pub view: bool,
    /// The source's estimates; None for views.
    pub rows_estimated: Option<u64>,
    pub bytes_estimated: Option<u64>,
}
