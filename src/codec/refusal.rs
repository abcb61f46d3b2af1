//! Why a value is not encoded.
//!
//! A [`Refusal`] is small and costs nothing while values are good. It becomes an error where the
//! column is known (`refused.rs`); the value itself never stands in a message.

/// What encoding one value comes to.
pub type Encoded = Result<(), Refusal>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    // What PostgreSQL has no equal for.
    NulByte,
    NotUtf8,
    ZeroDate,
    YearZero,
    NoSuchDay,
    TooLarge,
    TooManyCharacters,
    JsonNul,
    JsonSurrogate,
    /// Geometry that is not WKB.
    Geometry,
    /// Geometry that PostGIS refuses, though it is WKB.
    Shape,
    /// A spatial reference that PostGIS would exchange for another one.
    Srid,

    // What a cast does not hold.
    NotBoolean,
    BeyondTarget,
    NotWhole,
    NotExact,
    NotBooleanText,
    NotUuid,
    NotInet,
    NotJson,
    JsonTooDeep,
    JsonNumber,
    BeyondDay,
    NotMidnight,
    TooFine,

    // What the source type itself does not hold.
    /// The cell's variant is none that the column can have: the protocol is out of step.
    WrongShape,
    /// The cell is not written as its type is.
    Malformed,
    /// The cell is no date or time as the source writes them.
    NotTime,
    /// The cell is beyond what its column can hold.
    OutOfRange,
    /// The date or time is beyond what its column can hold.
    NoSuchTime,
}

impl Refusal {
    /// SQLSTATE, and what is said of the value.
    pub const fn row(self) -> (&'static [u8; 5], &'static str) {
        match self {
            Refusal::NulByte => (b"22021", "contains a NUL byte (0x00)"),
            Refusal::NotUtf8 => (b"22021", "is not valid UTF-8"),
            Refusal::ZeroDate => (b"22008", "is a date with a zero month or day"),
            Refusal::YearZero => (b"22008", "is a date in the year 0"),
            Refusal::NoSuchDay => (b"22008", "is a date that is not in the calendar"),
            Refusal::TooLarge => (b"54000", "is larger than the 1 GB of a field"),
            Refusal::TooManyCharacters => (b"22001", "has more characters than its target column"),
            Refusal::JsonNul => (b"22P05", "is JSON with the escape \\u0000"),
            Refusal::JsonSurrogate => (b"22P02", "is JSON with one half of a surrogate pair"),
            Refusal::Geometry => (b"22P03", "is not a geometry in well-known binary form"),
            Refusal::Shape => (
                b"22P03",
                "has a line of one point, or a ring that is open or of less than four points",
            ),
            Refusal::Srid => (
                b"22003",
                "has a spatial reference that PostGIS does not keep",
            ),
            Refusal::NotBoolean => (b"22003", "is neither 0 nor 1"),
            Refusal::BeyondTarget => (b"22003", "is beyond what its target column holds"),
            Refusal::NotWhole => (b"22003", "is not a whole number"),
            Refusal::NotExact => (b"22003", "has more digits than its target column"),
            Refusal::NotBooleanText => (b"22P02", "is not written as a boolean is"),
            Refusal::NotUuid => (b"22P02", "is not a UUID"),
            Refusal::NotInet => (b"22P02", "is not a network address"),
            Refusal::NotJson => (b"22P02", "is not JSON"),
            Refusal::JsonTooDeep => (b"54001", "is JSON nested deeper than 5000 levels"),
            Refusal::JsonNumber => (b"22003", "is JSON with a number that jsonb does not hold"),
            Refusal::BeyondDay => (b"22008", "is not a time from 00:00:00 to 24:00:00"),
            Refusal::NotMidnight => (b"22008", "has a time of day other than midnight"),
            Refusal::TooFine => (
                b"22008",
                "has more fractional digits than its target column",
            ),
            Refusal::WrongShape => (b"08P01", "came in a form its type does not have"),
            Refusal::Malformed => (b"22P02", "is not written as its type is"),
            Refusal::NotTime => (b"22007", "is not written as its type is"),
            Refusal::OutOfRange => (b"22003", "is beyond what its source type holds"),
            Refusal::NoSuchTime => (b"22008", "is beyond what its source type holds"),
        }
    }
}
