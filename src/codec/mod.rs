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
//! a pair of types that would lose a single value of the source type is refused there, unless a
//! cast rule asks for it (`guard.rs`): then each value is tried. What is left for a value is one
//! dispatch, its checks and its bytes: no allocation, appended to the caller's buffer.
//!
//! A value that does not arrive as it is refuses its row ([`RowError::Refused`]), and the next row
//! may be good; [`row_json`](row_json()) keeps such a row and [`replay`](replay()) reads it again.
//! Where the user chose a policy, the refused value is altered as it says (`amend.rs`) and counted;
//! nothing else alters one.
//!
//! There is one file per family of types. The values come from outside and nothing about them is
//! trusted: a cell that its column cannot have had is refused too, and one of another kind than its
//! column's breaks the protocol ([`RowError::Broken`]). Both result protocols give the same bytes.

mod amend;
mod binary;
mod bit;
mod calendar;
mod cast_number;
mod cast_rule;
mod cast_temporal;
mod cast_text;
mod column;
mod decimal;
mod enum_set;
mod float;
mod float_text;
mod geometry;
mod guard;
pub mod image;
mod integer;
mod json;
mod json_check;
mod json_escape;
mod kept_rejects;
mod key_table;
mod key_value;
mod mapping;
mod net;
mod network;
mod number;
mod refusal;
mod refused;
mod replay;
mod row;
mod row_json;
mod stored_text;
mod target;
mod temporal;
mod temporal_text;
mod text;
mod text_form;
mod tuple;
mod type_text;
mod uuid;
mod wire;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod net_tests;
#[cfg(test)]
mod tests;

pub use cast_rule::cast_specificity;
pub use column::{ColumnEncoder, ColumnRules};
pub use key_value::key_of;
pub use mapping::default_type;
pub use net::{NetChanges, RowKey};
pub use refused::{Refused, RowError};
pub use replay::replay;
pub use row::RowEncoder;
pub use row_json::row_json;
pub use stored_text::{source_bytes, stored_select, stored_type};
pub use target::type_name;
pub use tuple::{chosen_fields, tuple_starts};
pub use type_text::parse_type;

/// Opens a binary COPY stream: signature, flags (none), length of the header's extension (0).
pub const COPY_HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Ends a binary COPY stream: the field count -1.
pub const COPY_TRAILER: [u8; 2] = (-1i16).to_be_bytes();
