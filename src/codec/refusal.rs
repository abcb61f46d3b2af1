//! Why a value is not encoded.
//!
//! A [`Refusal`] is small and costs nothing while values are good. It becomes an [`Error`] where
//! the column's name is known; the value itself never stands in a message.

use crate::error::{Error, Kind};

/// What encoding one value comes to.
pub type Encoded = Result<(), Refusal>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NulByte,
    NotUtf8,
    ZeroDate,
    YearZero,
    NoSuchDay,
    TooLarge,
    TooManyCharacters,
    JsonNul,
    JsonSurrogate,
    /// The cell's variant is none that the column can have.
    WrongShape,
    /// The cell is not written as its type is.
    Malformed,
    /// The cell is beyond what its column can hold.
    OutOfRange,
}

impl Refusal {
    #[cold]
    pub fn into_error(self, column: &str) -> Error {
        let (kind, reason) = self.reason();
        let error = Error::new(kind, format!("value of column \"{column}\" {reason}"));
        match self.hint(column) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    const fn reason(self) -> (Kind, &'static str) {
        use Kind::{ProtocolViolation, ValueRefused};
        match self {
            Refusal::NulByte => (ValueRefused, "contains a NUL byte (0x00)"),
            Refusal::NotUtf8 => (ValueRefused, "is not valid UTF-8"),
            Refusal::ZeroDate => (ValueRefused, "is a date with a zero month or day"),
            Refusal::YearZero => (ValueRefused, "is a date in the year 0"),
            Refusal::NoSuchDay => (ValueRefused, "is a date that is not in the calendar"),
            Refusal::TooLarge => (ValueRefused, "is larger than the 1 GB of a field"),
            Refusal::TooManyCharacters => {
                (ValueRefused, "has more characters than its target column")
            }
            Refusal::JsonNul => (ValueRefused, "is JSON with the escape \\u0000"),
            Refusal::JsonSurrogate => (ValueRefused, "is JSON with one half of a surrogate pair"),
            Refusal::WrongShape => (ProtocolViolation, "came in a form its type does not have"),
            Refusal::Malformed => (ProtocolViolation, "is not written as its type is"),
            Refusal::OutOfRange => (ProtocolViolation, "is beyond what its source type holds"),
        }
    }

    /// What to type. A filter is SQL of the source and keeps the rows it is true for.
    fn hint(self, column: &str) -> Option<String> {
        let source_name = format!("`{}`", column.replace('`', "``"));
        let target_name = format!("\"{}\"", column.replace('"', "\"\""));
        let alter = |target| format!("ALTER TABLE ... ALTER COLUMN {target_name} TYPE {target}");
        let filter = |good: &str| {
            let good = good.replace('?', &source_name);
            format!(
                "Mend these rows at the source, or leave them out: sync_alter_unit(job, unit, \
                 options) with the \"filter\" {source_name} IS NULL OR {good}"
            )
        };
        match self {
            Refusal::NulByte => Some(filter("INSTR(?, CHAR(0)) = 0")),
            Refusal::ZeroDate => Some(filter("MONTH(?) > 0 AND DAYOFMONTH(?) > 0")),
            Refusal::YearZero => Some(filter("YEAR(?) > 0")),
            Refusal::NoSuchDay => Some(filter("DAYOFMONTH(?) <= DAYOFMONTH(LAST_DAY(?))")),
            Refusal::JsonNul | Refusal::JsonSurrogate => Some(format!(
                "Mend these rows at the source, or keep the JSON as it is written: {};",
                alter("json")
            )),
            Refusal::TooManyCharacters => Some(format!("{};", alter("text"))),
            Refusal::NotUtf8 | Refusal::TooLarge => Some(
                "Mend these rows at the source, or leave them or the column out: \
                 sync_alter_unit(job, unit, options) with \"filter\" or \"columns\""
                    .to_owned(),
            ),
            Refusal::WrongShape | Refusal::Malformed | Refusal::OutOfRange => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_why_and_what_to_type() {
        let error = Refusal::ZeroDate.into_error("born`at");
        assert_eq!(error.kind, Kind::ValueRefused);
        assert_eq!(
            error.message,
            "value of column \"born`at\" is a date with a zero month or day"
        );
        let filter = "`born``at` IS NULL OR MONTH(`born``at`) > 0 AND DAYOFMONTH(`born``at`) > 0";
        assert!(error.hint.unwrap().ends_with(filter));
        let hint = Refusal::JsonNul.into_error("a\"b").hint.unwrap();
        assert!(hint.ends_with("ALTER TABLE ... ALTER COLUMN \"a\"\"b\" TYPE json;"));
        let error = Refusal::WrongShape.into_error("c");
        assert_eq!((error.kind, error.hint), (Kind::ProtocolViolation, None));
    }
}
