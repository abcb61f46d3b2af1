//! Random moments that can be had again: the seed is printed, and `TRIBUTARY_SEED` sets it.

use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64.
pub struct Dice(u64);

impl Dice {
    /// Prints the seed, so that a failure can be run again with it.
    pub fn of(test: &str) -> Dice {
        let seed = match std::env::var("TRIBUTARY_SEED") {
            Ok(text) => text.parse().expect("TRIBUTARY_SEED is a number"),
            Err(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("a clock after 1970")
                .as_nanos() as u64,
        };
        println!("{test}: TRIBUTARY_SEED={seed}");
        Dice(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Dice of their own for somebody else, which come out of these.
    pub fn branch(&mut self) -> Dice {
        Dice(self.roll())
    }

    /// 0 up to, not including, `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound.max(1)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}
