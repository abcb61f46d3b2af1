//! A table and its columns as the source's log describes them: a table map event of a binlog.

/// What a table map says of one column. All but the first three are there only where the source logs
/// them: signedness and collations with `binlog_row_metadata = MINIMAL`, names and labels with FULL.
/// MySQL 5.7 logs none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggedColumn {
    /// Type code of the log (`MYSQL_TYPE_…`), the real type where the log wraps it: ENUM (247) and
    /// SET (248) come as STRING (254) with the type in their metadata, and CHAR keeps two bits of its
    /// length in the type. Here they are 247, 248 and 254. BLOB, TEXT and their sizes are all 252.
    /// MariaDB's compressed columns are 140 (BLOB) and 141 (VARCHAR).
    pub kind: u8,
    /// By type:
    /// - FLOAT (4), DOUBLE (5): the width, 4 or 8.
    /// - VARCHAR (15), 141: the most bytes a value can have; above 255 its length takes two bytes.
    /// - BIT (16): `bytes << 8 | bits`: whole bytes, and bits beyond them.
    /// - TIMESTAMP2 (17), DATETIME2 (18), TIME2 (19): digits of the fraction.
    /// - NEWDECIMAL (246): `precision << 8 | scale`.
    /// - ENUM (247), SET (248): bytes of a value.
    /// - STRING (254): the most bytes a value can have, up to 1020; above 255 its length takes two.
    /// - BLOB (252), 140, GEOMETRY (255), JSON (245), VECTOR (242): bytes of a value's length.
    /// - TYPED_ARRAY (20), of hidden columns only, which are not logged: type of the elements.
    /// - all others: 0.
    pub metadata: u16,
    pub nullable: bool,
    pub name: Option<String>,
    /// Of numbers; YEAR is one.
    pub unsigned: Option<bool>,
    /// Collation number of text, enum and set columns; 63 of binary ones.
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
