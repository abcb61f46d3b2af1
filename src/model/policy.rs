//! What to do with a value that PostgreSQL has no equal for, and with a table that changes its shape
//! at the source. By default a row with such a value is kept as a reject; every other choice alters
//! the value, and each application is counted and shown.

/// The policies of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policies {
    pub zero_date: ZeroDate,
    pub nul_byte: NulByte,
    pub invalid_text: InvalidText,
}

/// A date that is not in the calendar: `0000-00-00`, a zero month or day, the year 0, 31 February.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZeroDate {
    #[default]
    Reject,
    /// NULL; a reject where the target column is NOT NULL.
    Null,
    /// A date of the user's choice, at midnight where the type has a time.
    Date { year: u16, month: u8, day: u8 },
    /// PostgreSQL's `-infinity`.
    MinusInfinity,
}

/// A NUL byte (0x00) in text, or its escape in JSON: PostgreSQL's text has no such character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NulByte {
    #[default]
    Reject,
    /// Leaves the character out.
    Strip,
    /// U+FFFD in its place.
    Replace,
}

/// Text that is not valid UTF-8 after all, or JSON with half a surrogate pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InvalidText {
    #[default]
    Reject,
    /// U+FFFD in place of each part that is not valid.
    Replace,
}

/// Which policy altered a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    ZeroDate,
    NulByte,
    InvalidText,
}

impl Policy {
    /// The option's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Policy::ZeroDate => "zero_date",
            Policy::NulByte => "nul_byte",
            Policy::InvalidText => "invalid_text",
        }
    }
}

/// What to do when a table of a stream changes its shape at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDdl {
    /// The target follows, as far as its rows are sure to be the source's afterwards; else the unit
    /// pauses.
    #[default]
    Apply,
    /// The unit pauses before the first row of the new shape.
    Pause,
    /// The target stays as it is and takes the columns that both have.
    Ignore,
    /// The unit is copied anew.
    Resync,
}

impl OnDdl {
    pub const WORDS: [(&str, OnDdl); 4] = [
        ("apply", OnDdl::Apply),
        ("pause", OnDdl::Pause),
        ("ignore", OnDdl::Ignore),
        ("resync", OnDdl::Resync),
    ];
}

/// How often a policy altered values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// The source column.
    pub column: String,
    pub policy: Policy,
    pub values: u64,
}
