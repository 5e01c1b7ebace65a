//! Dice whose throws are named by a seed.

use std::hash::{BuildHasher, Hasher, RandomState};

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose moments with.
pub struct Chance(u64);

impl Chance {
    /// From `RAPPORT_TEST_SEED`, else a new one each run. Printed, so that a failure says which it was.
    pub fn of_this_run(story: &str) -> Self {
        let seed = match std::env::var("RAPPORT_TEST_SEED") {
            Ok(text) => text.parse().expect("RAPPORT_TEST_SEED is a whole number"),
            Err(_) => RandomState::new().build_hasher().finish(),
        };
        println!(
            "{story}: seed {seed}; again with RAPPORT_TEST_SEED={seed} cargo test -p tests --test it {story}"
        );
        Chance(seed)
    }

    /// 0 to `end`, without `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
