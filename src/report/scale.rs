//! Axes with round numbers, and lines of few points that keep their extremes.

use super::format::finite;

/// Points of a line; none is a gap.
pub type Point = (f64, Option<f64>);

/// About as many buckets as a line has at most; each keeps its lowest and its highest point.
const BUCKETS: usize = 150;

/// At most two points a bucket, and a gap where a bucket has one.
pub fn thinned(points: &[Point]) -> Vec<Point> {
    if points.len() <= 2 * BUCKETS {
        return points.to_vec();
    }
    let mut kept = Vec::new();
    for bucket in points.chunks(points.len().div_ceil(BUCKETS)) {
        let mut lowest: Option<(usize, f64)> = None;
        let mut highest: Option<(usize, f64)> = None;
        let mut gap = None;
        for (place, (_, value)) in bucket.iter().enumerate() {
            match value {
                Some(value) => {
                    if lowest.is_none_or(|(_, low)| *value < low) {
                        lowest = Some((place, *value));
                    }
                    if highest.is_none_or(|(_, high)| *value > high) {
                        highest = Some((place, *value));
                    }
                }
                None => gap = gap.or(Some(place)),
            }
        }
        let mut places: Vec<usize> = [
            lowest.map(|(place, _)| place),
            highest.map(|(place, _)| place),
            gap,
        ]
        .into_iter()
        .flatten()
        .collect();
        places.sort_unstable();
        places.dedup();
        kept.extend(
            places
                .iter()
                .filter_map(|place| bucket.get(*place).copied()),
        );
    }
    kept
}

/// A gap wherever more than two and a half steps lie between two points.
pub fn with_gaps(points: &[Point], step: f64) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::with_capacity(points.len());
    for (at, value) in points {
        let value = value.filter(|value| value.is_finite() && *value >= 0.0);
        if let Some((last, _)) = out.last()
            && step > 0.0
            && at - last > 2.5 * step
        {
            out.push((last + step, None));
        }
        out.push((finite(*at), value));
    }
    out
}

/// Distance of the marks from zero to `most`: 1, 2 or 5 times a power of ten of `unit`, about four.
pub fn mark_distance(most: f64, unit: f64) -> f64 {
    let rough = most / unit / 4.0;
    if !(rough.is_finite() && rough > 0.0) {
        return unit;
    }
    let power = 10f64.powf(rough.log10().floor());
    let factor = match rough / power {
        ratio if ratio <= 1.0 => 1.0,
        ratio if ratio <= 2.0 => 2.0,
        ratio if ratio <= 5.0 => 5.0,
        _ => 10.0,
    };
    factor * power * unit
}

/// Marks of the time axis, on round local times, at most `most`.
pub fn time_marks(from: f64, to: f64, utc_offset: i64, most: f64) -> Vec<f64> {
    const STEPS: [f64; 14] = [
        60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 14_400.0, 21_600.0,
        43_200.0, 86_400.0, 604_800.0,
    ];
    let span = to - from;
    let Some(step) = STEPS.iter().find(|step| span / **step <= most) else {
        return Vec::new();
    };
    let offset = utc_offset as f64;
    let first = ((from + offset) / step).ceil() * step - offset;
    (0..)
        .map(|number| first + f64::from(number) * step)
        .take_while(|mark| *mark <= to)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_extremes_and_gaps() {
        let mut points: Vec<Point> = (0..1440).map(|n| (f64::from(n), Some(5.0))).collect();
        points[700].1 = Some(99.0);
        points[701].1 = Some(0.5);
        points[900].1 = None;
        let kept = thinned(&points);
        assert!(kept.len() <= 2 * BUCKETS + 1, "{}", kept.len());
        assert!(kept.contains(&(700.0, Some(99.0))));
        assert!(kept.contains(&(701.0, Some(0.5))));
        assert!(kept.contains(&(900.0, None)));
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(thinned(&points[..300]).len(), 300);
        assert!(thinned(&[]).is_empty());
        let holes: Vec<Point> = (0..1440)
            .map(|n| (f64::from(n), (n % 2 == 0).then_some(1.0)))
            .collect();
        assert!(thinned(&holes).len() <= 3 * BUCKETS);
    }

    #[test]
    fn silence_and_what_fell_are_gaps() {
        let points = [
            (0.0, Some(1.0)),
            (60.0, Some(-7.0)),
            (120.0, Some(f64::NAN)),
            (600.0, Some(2.0)),
        ];
        assert_eq!(
            with_gaps(&points, 60.0),
            [
                (0.0, Some(1.0)),
                (60.0, None),
                (120.0, None),
                (180.0, None),
                (600.0, Some(2.0))
            ]
        );
    }

    #[test]
    fn marks_are_round() {
        for (most, expected) in [(0.9, 0.5), (8.0, 2.0), (1234.0, 500.0), (4000.0, 1000.0)] {
            assert_eq!(mark_distance(most, 1.0), expected, "{most}");
        }
        assert_eq!(mark_distance(6.0 * 1024.0, 1024.0), 2048.0);
        assert_eq!(mark_distance(0.0, 1.0), 1.0);
        assert_eq!(mark_distance(f64::NAN, 60.0), 60.0);
        let marks = time_marks(100.0, 7300.0, 0, 5.0);
        assert_eq!(marks, [1800.0, 3600.0, 5400.0, 7200.0]);
        assert!(time_marks(0.0, f64::MAX, 0, 5.0).is_empty());
        assert_eq!(time_marks(0.0, 0.0, 0, 5.0), [0.0]);
        // A quarter of an hour east of a full hour.
        assert_eq!(time_marks(0.0, 3600.0, 900, 1.0), [2700.0]);
    }
}
