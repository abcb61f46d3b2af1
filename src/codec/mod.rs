//! From a source column to a PostgreSQL type, and from a source value to PostgreSQL's bytes.
//!
//! There is one mapping and one encoder, for every road a value may take: the same value gives
//! the same bytes. What comes out is the binary format of COPY, field by field:
//!
//! ```text
//! stream  = COPY_HEADER tuple* COPY_TRAILER
//! tuple   = i16 field count, field*
//! field   = i32 length (-1: NULL), that many bytes: what the type's receive function reads
//! ```
//!
//! Everything that can be decided from the column is decided once, in [`ColumnEncoder::new`];
//! a pair of types that would lose a single value of the source type is refused there. What is
//! left for a value is one dispatch, its checks and its bytes: no allocation, appended to the
//! caller's buffer. A value that PostgreSQL has no equal for is an error, never a substitute.
//!
//! There is one file per family of types. The values come from outside and nothing about them is
//! trusted: a cell that its column cannot have had is an error too.

mod binary;
mod bit;
mod calendar;
mod column;
mod decimal;
mod enum_set;
mod float;
mod integer;
mod json;
mod mapping;
mod refusal;
mod row;
mod target;
mod temporal;
mod temporal_text;
mod text;
mod wire;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

pub use column::ColumnEncoder;
pub use mapping::{default_type, required_type};
pub use row::RowEncoder;
pub use target::type_name;

/// Opens a binary COPY stream: signature, flags (none), length of the header's extension (0).
pub const COPY_HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Ends a binary COPY stream: the field count -1.
pub const COPY_TRAILER: [u8; 2] = (-1i16).to_be_bytes();
