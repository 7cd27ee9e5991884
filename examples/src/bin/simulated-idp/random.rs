//! A small reproducible source of numbers: the same seed always gives the same directory.

/// A SplitMix64 sequence; good enough to vary names, and the same on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// Starts the sequence that belongs to a seed, a purpose and the number of a resource.
    ///
    /// Each resource has its own sequence, so that a larger population keeps the data of the
    /// smaller one.
    pub(crate) fn new(seed: u64, purpose: Purpose, number: usize) -> Self {
        let mut start = Self(seed);
        for part in [purpose as u64, number as u64] {
            start = Self(start.next() ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        }
        start
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 when there is none.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    /// Whether something happens that happens to `per_mille` of a thousand.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.next() % 1000 < per_mille
    }

    /// One of the values; the default when there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, values: &[T]) -> T {
        values
            .get(self.below(values.len()))
            .copied()
            .unwrap_or_default()
    }

    /// 128 bits, for identifiers.
    pub(crate) fn wide(&mut self) -> u128 {
        (u128::from(self.next()) << 64) | u128::from(self.next())
    }
}

/// What a sequence of numbers is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// A user as it is at first.
    User = 1,
    /// What happens to a user later.
    UserChange = 2,
    /// A group as it is at first.
    Group = 3,
    /// What happens to a group later.
    GroupChange = 4,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_repeats_and_another_does_not() {
        let numbers = |seed, purpose, number| {
            let mut random = Random::new(seed, purpose, number);
            [random.next(), random.next(), random.next()]
        };
        let first = numbers(7, Purpose::User, 3);
        assert_eq!(first, numbers(7, Purpose::User, 3));
        assert_ne!(first, numbers(8, Purpose::User, 3));
        assert_ne!(first, numbers(7, Purpose::UserChange, 3));
        assert_ne!(first, numbers(7, Purpose::User, 4));
    }

    #[test]
    fn numbers_stay_below_the_limit() {
        let mut random = Random::new(1, Purpose::Group, 0);
        assert!((0..500).all(|_| random.below(7) < 7));
        assert_eq!(random.below(0), 0);
        assert_eq!(random.pick::<&str>(&[]), "");
    }
}
