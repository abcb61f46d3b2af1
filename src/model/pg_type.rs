//! A PostgreSQL column type, by the numbers PostgreSQL itself uses.

/// OID and type modifier as in `pg_attribute`. The OIDs of built-in types never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct PgType {
    pub oid: u32,
    /// `atttypmod`; -1 for none.
    pub typmod: i32,
}

impl PgType {
    pub const fn plain(oid: u32) -> Self {
        PgType { oid, typmod: -1 }
    }
}

/// OIDs of the types this extension writes: built-in ones, but for `GEOMETRY`.
pub mod oid {
    pub const BOOL: u32 = 16;
    pub const BYTEA: u32 = 17;
    pub const INT8: u32 = 20;
    pub const INT2: u32 = 21;
    pub const INT4: u32 = 23;
    pub const TEXT: u32 = 25;
    pub const JSON: u32 = 114;
    pub const FLOAT4: u32 = 700;
    pub const FLOAT8: u32 = 701;
    pub const BPCHAR: u32 = 1042;
    pub const VARCHAR: u32 = 1043;
    pub const DATE: u32 = 1082;
    pub const TIME: u32 = 1083;
    pub const TIMESTAMP: u32 = 1114;
    pub const TIMESTAMPTZ: u32 = 1184;
    pub const INTERVAL: u32 = 1186;
    pub const BIT: u32 = 1560;
    pub const VARBIT: u32 = 1562;
    pub const NUMERIC: u32 = 1700;
    pub const TEXT_ARRAY: u32 = 1009;
    pub const UUID: u32 = 2950;
    pub const JSONB: u32 = 3802;
    pub const INET: u32 = 869;
    /// PostGIS's geometry, whose own number is another one in each database: the codec asks only
    /// whether a column is of it. No type of the server has this number.
    pub const GEOMETRY: u32 = u32::MAX;
}
