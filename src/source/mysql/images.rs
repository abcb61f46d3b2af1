//! The rows of one table map: its decoders, and reading the images of a rows event by them.

use std::collections::HashMap;

use super::binlog::{Rows, RowsKind};
use crate::codec::NetChanges;
use crate::codec::image::{Charset, ImageDecoder, Wanted, fits};
use crate::error::{Error, Kind, Result};
use crate::model::logged::LoggedTable;
use crate::plan::shape::shape;
use crate::plan::table::TablePlan;

/// Rows in the form in which they are applied take no more than so many times their images' bytes,
const MOST_GROWTH: usize = 8;
/// and those of an event that are refused, with what is told of each, no more than this.
const MOST_REJECTS: usize = 256 << 20;

pub struct Decoders {
    /// The place of the table's unit.
    pub index: usize,
    /// An update has two images, which are read at the same time.
    before: ImageDecoder,
    after: ImageDecoder,
}

impl Decoders {
    /// The decoders of a table's rows, or how the log's table differs from the plan's.
    pub fn new(
        index: usize,
        plan: &TablePlan,
        logged: &LoggedTable,
        charsets: &HashMap<String, Charset>,
    ) -> Result<Result<Decoders, String>> {
        let places = match shape(plan, logged, fits) {
            Ok(places) => places,
            Err(reshaped) => return Ok(Err(reshaped.in_words())),
        };
        let wanted: Vec<Wanted<'_>> = plan
            .columns
            .iter()
            .zip(places)
            .map(|(column, index)| {
                let set = column.source.character_set.as_ref();
                Wanted {
                    index,
                    column: &column.source,
                    charset: set
                        .and_then(|set| charsets.get(set))
                        .cloned()
                        .unwrap_or_default(),
                }
            })
            .collect();
        let decoder = ImageDecoder::new(&logged.columns, &wanted)?;
        Ok(Ok(Decoders {
            index,
            before: decoder.clone(),
            after: decoder,
        }))
    }
}

/// Reads the images of a rows event into `net`.
pub fn read_rows(decoders: &mut Decoders, rows: &Rows<'_>, net: &mut NetChanges) -> Result<()> {
    let mut rest: &[u8] = &rows.images;
    let most = rows
        .images
        .len()
        .saturating_mul(MOST_GROWTH)
        .saturating_add(net.bytes())
        .saturating_add(MOST_REJECTS);
    while !rest.is_empty() {
        if net.bytes() > most {
            return Err(Error::new(
                Kind::TooManyRejects,
                "an event of the log has more rows that cannot be taken than memory is for",
            )
            .with_hint("SELECT sync_resync('<job>', '<unit>');"));
        }
        match rows.kind {
            RowsKind::Write => {
                let image = take_image(&mut decoders.after, rows.present, &mut rest)?;
                net.insert(decoders.after.cells(image))?;
            }
            RowsKind::Delete => {
                let image = take_image(&mut decoders.before, rows.present, &mut rest)?;
                net.delete(decoders.before.cells(image))?;
            }
            RowsKind::Update => {
                let present_after = rows.present_after.unwrap_or(rows.present);
                let before = take_image(&mut decoders.before, rows.present, &mut rest)?;
                let after = take_image(&mut decoders.after, present_after, &mut rest)?;
                net.update(decoders.before.cells(before), decoders.after.cells(after))?;
            }
        }
    }
    Ok(())
}

/// The next image, taken off the rest.
fn take_image<'a>(
    decoder: &mut ImageDecoder,
    present: &[u8],
    rest: &mut &'a [u8],
) -> Result<&'a [u8]> {
    let length = decoder.read(present, rest)?;
    match rest.split_at_checked(length) {
        Some((image, after)) if length > 0 => {
            *rest = after;
            Ok(image)
        }
        _ => Err(Error::new(
            Kind::LogCorrupt,
            "a row image of the log has no end",
        )),
    }
}
