//! How long a unit waits before it tries again after an error that time may heal.

use std::time::Duration;

/// The wait after failed attempt number `attempt` (from 1): doubled each time, at most `max`, of
/// which `random` (0 to 1) keeps between half and all, so that units that failed together do not
/// come back together.
pub fn delay(attempt: u32, initial: Duration, max: Duration, random: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(31);
    let full = initial.saturating_mul(1 << doublings).min(max);
    let share = if random.is_finite() {
        0.5 + random.clamp(0.0, 1.0) / 2.0
    } else {
        1.0
    };
    Duration::try_from_secs_f64(full.as_secs_f64() * share).unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MAX: Duration = Duration::from_secs(300);

    #[test]
    fn each_attempt_waits_twice_as_long_up_to_the_maximum() {
        let waits: Vec<u64> = (1..=11)
            .map(|attempt| delay(attempt, SECOND, MAX, 1.0).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn jitter_keeps_half_to_all_of_the_wait() {
        assert_eq!(delay(3, SECOND, MAX, 0.0), Duration::from_secs(2));
        assert_eq!(delay(3, SECOND, MAX, 0.5), Duration::from_secs(3));
        assert_eq!(delay(3, SECOND, MAX, 1.0), Duration::from_secs(4));
    }

    #[test]
    fn no_input_overflows() {
        assert_eq!(delay(0, SECOND, MAX, 1.0), SECOND);
        assert_eq!(delay(u32::MAX, SECOND, MAX, 1.0), MAX);
        assert!(delay(u32::MAX, Duration::MAX, Duration::MAX, 1.0) > MAX);
        for random in [f64::NAN, f64::INFINITY, -7.0, 7.0] {
            assert!(delay(5, SECOND, MAX, random) <= MAX);
        }
        assert_eq!(
            delay(1, Duration::ZERO, Duration::ZERO, 0.3),
            Duration::ZERO
        );
    }
}
