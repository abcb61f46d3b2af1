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
    /// Any geometry type: the source's own form, SRID (4 bytes, little-endian) and WKB.
    Geometry {
        /// The column's SRID where the source restricts it.
        srid: Option<u32>,
    },
    /// MariaDB's `uuid`, `inet4` and `inet6`.
    Uuid,
    Inet4,
    Inet6,
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
    /// What fills the column where an INSERT leaves it out; None also for DEFAULT NULL.
    pub default: Option<SourceDefault>,
    pub auto_increment: bool,
    /// ON UPDATE CURRENT_TIMESTAMP.
    pub on_update_now: bool,
    /// A generated column at the source.
    pub generation: Option<Generation>,
    pub comment: Option<String>,
}

impl SourceColumn {
    /// A nullable column with nothing else to say.
    pub fn new(name: impl Into<String>, source_type: SourceType) -> Self {
        SourceColumn {
            name: name.into(),
            source_type,
            type_name: String::new(),
            nullable: true,
            character_set: None,
            collation: None,
            default: None,
            auto_increment: false,
            on_update_now: false,
            generation: None,
            comment: None,
        }
    }
}

/// A column's default, without the quoting of the source's catalog.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceDefault {
    /// The value as the source would print it: bits as `b'101'`, bytes as `0x00FF`, an instant in
    /// UTC.
    Literal(String),
    /// SQL of the source.
    Expression(String),
}

/// How a generated column is made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Generation {
    /// SQL of the source.
    pub expression: String,
    pub stored: bool,
}

/// A primary key, or a unique key over NOT NULL columns: what a unit can be chunked by.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceKey {
    /// The index's name, `PRIMARY` for a primary key.
    pub name: String,
    pub primary: bool,
    pub columns: Vec<String>,
}

/// Any index but the primary key's.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceIndex {
    pub name: String,
    pub unique: bool,
    pub method: IndexMethod,
    pub parts: Vec<IndexPart>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexMethod {
    Btree,
    Hash,
    Fulltext,
    Spatial,
    /// One that is not known here, for instance a vector index.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IndexPart {
    pub expression: IndexExpression,
    pub descending: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexExpression {
    Column(String),
    /// The first characters (text) or bytes (binary) of a column.
    Prefix {
        column: String,
        length: u64,
    },
    /// SQL of the source.
    Expression(String),
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    /// The source's database of the referenced table.
    pub referenced_schema: String,
    pub referenced_table: String,
    pub referenced_columns: Vec<String>,
    pub on_update: ReferentialAction,
    pub on_delete: ReferentialAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferentialAction {
    /// RESTRICT and NO ACTION are one at the source.
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceCheck {
    pub name: String,
    /// SQL of the source.
    pub clause: String,
    pub enforced: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
    /// All indexes but the primary key's, by name.
    pub indexes: Vec<SourceIndex>,
    pub foreign_keys: Vec<SourceForeignKey>,
    pub checks: Vec<SourceCheck>,
    pub comment: Option<String>,
    /// The next value of the auto_increment column, as the source last knew it.
    pub auto_increment: Option<u64>,
    pub partitioned: bool,
    #[serde(default)]
    pub kind: TableKind,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum TableKind {
    #[default]
    Base,
    /// MariaDB's tables WITH SYSTEM VERSIONING, which keep the rows that were.
    SystemVersioned,
    View,
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
