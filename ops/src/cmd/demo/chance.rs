//! Chance that can be played again: the same seed and the same stream give the same draws.
//!
//! SplitMix64 (Steele, Lea, Flood 2014). Good enough to make up people; not for secrets.

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream numbered `stream` of the world named `seed`. Streams don't disturb each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut chance = Chance(seed ^ stream.wrapping_mul(0xA24B_AED4_963E_E407));
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True in a share of `p` of all draws.
    pub fn happens(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A number between `low` and `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number from `low` to `high`, both included.
    pub fn whole(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high - low) + 1;
        low + u32::try_from(self.next() % span).unwrap_or_default()
    }

    /// One of `choices`, all alike.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.whole(0, u32::try_from(choices.len() - 1).unwrap_or_default()) as usize]
    }

    /// One of `choices`, each as often as its weight says.
    pub fn weigh<T: Copy>(&mut self, choices: &[(T, u32)]) -> T {
        let total: u32 = choices.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.whole(1, total);
        for (choice, weight) in choices {
            if drawn <= *weight {
                return *choice;
            }
            drawn -= weight;
        }
        unreachable!("the weights add up to the total")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_stream_draw_the_same() {
        let draws = |seed, stream| {
            let mut chance = Chance::new(seed, stream);
            (0..8).map(|_| chance.whole(0, 999)).collect::<Vec<_>>()
        };
        assert_eq!(draws(7, 1), draws(7, 1));
        assert_ne!(draws(7, 1), draws(7, 2));
        assert_ne!(draws(7, 1), draws(8, 1));
    }

    #[test]
    fn shares_come_out_as_asked() {
        let mut chance = Chance::new(7, 0);
        let hits = (0..100_000).filter(|_| chance.happens(0.2)).count();
        assert!((19_000..21_000).contains(&hits), "{hits}");
        let heavy = (0..100_000).filter(|_| chance.weigh(&[('a', 9), ('b', 1)]) == 'b').count();
        assert!((9_000..11_000).contains(&heavy), "{heavy}");
        assert!((0..10_000).all(|_| (3..=5).contains(&chance.whole(3, 5))));
    }
}
