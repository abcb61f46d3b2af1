//! Geometry: the source sends a spatial reference and well-known binary (WKB), PostgreSQL gets WKB,
//! or PostGIS's extended form of it where there is a reference.
//!
//! ```text
//! source = u32 SRID, little-endian, WKB
//! WKB    = u8 byte order, u32 type, body          of the type, numbers in that byte order:
//!          1 point: 2 doubles    2 line: points    3 polygon: lines    4-7 multi: geometries
//! EWKB   = u8 byte order, u32 type | 0x20000000, u32 SRID, body
//! ```
//!
//! Each count and length is checked against what is there before anything is written.

use super::refusal::{Encoded, Refusal};
use super::wire::put_length;
use crate::model::cell::Cell;
use crate::model::pg_type::{PgType, oid};

const HAS_SRID: u32 = 0x2000_0000;
/// PostGIS reads nothing that is nested deeper.
const MAX_DEPTH: u32 = 199;
/// PostGIS exchanges a higher one for another, with a notice only.
const MAX_SRID: u32 = 999_999;
const POINT_BYTES: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Geometry {
    /// Bytes only: any WKB.
    Bytea,
    /// What PostGIS's receive function takes.
    PostGis,
}

impl Geometry {
    pub fn new(target: PgType) -> Option<Self> {
        match target.oid {
            oid::BYTEA => Some(Geometry::Bytea),
            oid::GEOMETRY => Some(Geometry::PostGis),
            _ => None,
        }
    }

    #[inline(never)]
    pub fn encode(self, cell: &Cell<'_>, out: &mut Vec<u8>) -> Encoded {
        let Cell::Bytes(bytes) = *cell else {
            return Err(Refusal::WrongShape);
        };
        let (srid, wkb) = bytes.split_first_chunk().ok_or(Refusal::Geometry)?;
        let srid = u32::from_le_bytes(*srid);
        let mut wire = Wire {
            rest: wkb,
            strict: self == Geometry::PostGis,
        };
        wire.geometry(None, 0)?;
        if !wire.rest.is_empty() {
            return Err(Refusal::Geometry);
        }
        if self == Geometry::PostGis && srid > MAX_SRID {
            return Err(Refusal::Srid);
        }
        if srid == 0 {
            put_length(out, wkb.len())?;
            out.extend_from_slice(wkb);
            return Ok(());
        }
        let mut head = Wire {
            rest: wkb,
            strict: false,
        };
        let order = head.order()?;
        let kind = head.word(order)? | HAS_SRID;
        put_length(out, wkb.len() + 4)?;
        out.push(match order {
            Order::Big => 0,
            Order::Little => 1,
        });
        for word in [kind, srid] {
            out.extend_from_slice(&order.bytes(word));
        }
        out.extend_from_slice(head.rest);
        Ok(())
    }
}

/// What the source sent for a geometry that was encoded: its reference, then WKB.
pub(super) fn without_srid(encoded: &[u8]) -> Vec<u8> {
    let plain = || [&[0; 4], encoded].concat();
    let mut wire = Wire {
        rest: encoded,
        strict: false,
    };
    let Ok(order) = wire.order() else {
        return plain();
    };
    match (wire.word(order), wire.word(order)) {
        (Ok(kind), Ok(srid)) if kind & HAS_SRID != 0 => [
            &srid.to_le_bytes()[..],
            encoded.get(..1).unwrap_or_default(),
            &order.bytes(kind & !HAS_SRID),
            wire.rest,
        ]
        .concat(),
        _ => plain(),
    }
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Big,
    Little,
}

impl Order {
    const fn bytes(self, word: u32) -> [u8; 4] {
        match self {
            Order::Big => word.to_be_bytes(),
            Order::Little => word.to_le_bytes(),
        }
    }
}

struct Wire<'a> {
    rest: &'a [u8],
    strict: bool,
}

impl<'a> Wire<'a> {
    fn order(&mut self) -> Result<Order, Refusal> {
        let (order, rest) = self.rest.split_first().ok_or(Refusal::Geometry)?;
        self.rest = rest;
        match order {
            0 => Ok(Order::Big),
            1 => Ok(Order::Little),
            _ => Err(Refusal::Geometry),
        }
    }

    fn word(&mut self, order: Order) -> Result<u32, Refusal> {
        let (word, rest) = self.rest.split_first_chunk().ok_or(Refusal::Geometry)?;
        self.rest = rest;
        Ok(match order {
            Order::Big => u32::from_be_bytes(*word),
            Order::Little => u32::from_le_bytes(*word),
        })
    }

    /// So many points, 16 bytes each.
    fn points(&mut self, count: u32) -> Result<&'a [u8], Refusal> {
        let bytes = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(POINT_BYTES))
            .ok_or(Refusal::Geometry)?;
        let (points, rest) = self.rest.split_at_checked(bytes).ok_or(Refusal::Geometry)?;
        self.rest = rest;
        Ok(points)
    }

    /// One geometry with all it holds; of the type `wanted` where it is a part of a multi.
    fn geometry(&mut self, wanted: Option<u32>, depth: u32) -> Encoded {
        if depth >= MAX_DEPTH {
            return Err(Refusal::Geometry);
        }
        let order = self.order()?;
        let kind = self.word(order)?;
        if wanted.is_some_and(|wanted| wanted != kind) {
            return Err(Refusal::Geometry);
        }
        match kind {
            1 => self.points(1).map(drop),
            2 => self.line(order),
            3 => {
                for _ in 0..self.word(order)? {
                    self.ring(order)?;
                }
                Ok(())
            }
            4..=7 => {
                let part = (kind < 7).then(|| kind - 3);
                for _ in 0..self.word(order)? {
                    self.geometry(part, depth + 1)?;
                }
                Ok(())
            }
            _ => Err(Refusal::Geometry),
        }
    }

    fn line(&mut self, order: Order) -> Encoded {
        let count = self.word(order)?;
        self.points(count)?;
        if self.strict && count == 1 {
            return Err(Refusal::Shape);
        }
        Ok(())
    }

    fn ring(&mut self, order: Order) -> Encoded {
        let count = self.word(order)?;
        let points = self.points(count)?;
        let closed = points.get(..POINT_BYTES)
            == points
                .len()
                .checked_sub(POINT_BYTES)
                .and_then(|last| points.get(last..));
        if self.strict && (count < 4 || !closed) {
            return Err(Refusal::Shape);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(value: u32) -> Vec<u8> {
        value.to_le_bytes().to_vec()
    }

    fn points(points: &[(f64, f64)]) -> Vec<u8> {
        points
            .iter()
            .flat_map(|(x, y)| [x.to_le_bytes(), y.to_le_bytes()].concat())
            .collect()
    }

    fn wkb(kind: u32, body: &[u8]) -> Vec<u8> {
        [&[1], &word(kind)[..], body].concat()
    }

    fn line(ends: &[(f64, f64)]) -> Vec<u8> {
        [word(ends.len() as u32), points(ends)].concat()
    }

    fn encode(target: Geometry, srid: u32, wkb: &[u8]) -> Result<Vec<u8>, Refusal> {
        let cell = [&word(srid)[..], wkb].concat();
        let mut out = Vec::new();
        target.encode(&Cell::Bytes(&cell), &mut out)?;
        let field = out.split_off(4);
        assert_eq!(out, (field.len() as u32).to_be_bytes());
        Ok(field)
    }

    const SQUARE: [(f64, f64); 4] = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)];

    fn every_kind() -> Vec<Vec<u8>> {
        let point = wkb(1, &points(&[(1.0, 2.0)]));
        let path = wkb(2, &line(&[(0.0, 0.0), (1.0, 1.0)]));
        let area = wkb(3, &[word(2), line(&SQUARE), line(&SQUARE)].concat());
        let many = |kind, parts: &[&Vec<u8>]| {
            let parts: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
            wkb(kind, &[word(2), parts].concat())
        };
        let inner = many(7, &[&point, &area]);
        vec![
            many(4, &[&point, &point]),
            many(5, &[&path, &path]),
            many(6, &[&area, &area]),
            many(7, &[&inner, &path]),
            wkb(7, &word(0)),
            point,
            path,
            area,
        ]
    }

    #[test]
    fn wkb_passes_and_gets_its_srid() {
        for wkb in every_kind() {
            for target in [Geometry::Bytea, Geometry::PostGis] {
                assert_eq!(encode(target, 0, &wkb).unwrap(), wkb);
                let with = encode(target, 4326, &wkb).unwrap();
                assert_eq!(with[..5], [1, wkb[1], 0, 0, 0x20]);
                assert_eq!(with[5..9], word(4326));
                assert_eq!(with[9..], wkb[5..]);
            }
        }
        let big = [&[0, 0, 0, 0, 1][..], &[0; 16]].concat();
        assert_eq!(
            encode(Geometry::Bytea, 1, &big).unwrap()[..9],
            [0, 0x20, 0, 0, 1, 0, 0, 0, 1]
        );
    }

    #[test]
    fn each_byte_that_is_missing_or_too_many_is_seen() {
        for wkb in every_kind() {
            for length in 0..wkb.len() {
                let cut = encode(Geometry::Bytea, 0, &wkb[..length]);
                assert_eq!(cut, Err(Refusal::Geometry), "{length}");
            }
            let longer = [&wkb[..], &[0]].concat();
            assert_eq!(encode(Geometry::Bytea, 0, &longer), Err(Refusal::Geometry));
        }
        let none = Geometry::Bytea.encode(&Cell::Bytes(&[0, 0]), &mut Vec::new());
        assert_eq!(none, Err(Refusal::Geometry));
        let number = Geometry::Bytea.encode(&Cell::Int(1), &mut Vec::new());
        assert_eq!(number, Err(Refusal::WrongShape));
    }

    #[test]
    fn parts_counts_and_depth_are_checked() {
        let path = wkb(2, &line(&[(0.0, 0.0), (1.0, 1.0)]));
        let huge = word(u32::MAX);
        let mut deep = wkb(7, &word(0));
        for _ in 1..MAX_DEPTH {
            deep = wkb(7, &[word(1), deep].concat());
        }
        assert!(encode(Geometry::PostGis, 0, &deep).is_ok());
        let deeper = wkb(7, &[word(1), deep].concat());
        for bad in [
            wkb(0, &[]),
            wkb(8, &huge),
            wkb(1001, &points(&[(0.0, 0.0)])),
            wkb(0x2000_0001, &points(&[(0.0, 0.0)])),
            wkb(2, &huge),
            wkb(3, &huge),
            wkb(7, &huge),
            wkb(4, &[word(1), path].concat()),
            [&[2][..], &[0; 20]].concat(),
            deeper,
            wkb(7, &[word(1), wkb(7, &word(1))].concat()).repeat(1000),
        ] {
            assert_eq!(encode(Geometry::Bytea, 0, &bad), Err(Refusal::Geometry));
        }
    }

    #[test]
    fn what_postgis_does_not_take_is_refused_for_it_only() {
        let open = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)];
        for wkb in [
            wkb(2, &line(&[(0.0, 0.0)])),
            wkb(3, &[word(1), line(&open)].concat()),
            wkb(3, &[word(1), line(&SQUARE[1..])].concat()),
            wkb(3, &[word(1), line(&[])].concat()),
        ] {
            assert!(encode(Geometry::Bytea, 0, &wkb).is_ok());
            assert_eq!(encode(Geometry::PostGis, 0, &wkb), Err(Refusal::Shape));
        }
        let point = wkb(1, &points(&[(0.0, 0.0)]));
        assert!(encode(Geometry::Bytea, u32::MAX, &point).is_ok());
        assert!(encode(Geometry::PostGis, MAX_SRID, &point).is_ok());
        assert_eq!(
            encode(Geometry::PostGis, MAX_SRID + 1, &point),
            Err(Refusal::Srid)
        );
    }
}
