//! Counting by a key, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;

/// The number of different keys up to which counts are exact. 100,000 addresses take 5 MB.
const MAX_KEYS: usize = 100_000;

/// The numbers of things by key.
///
/// When there are too many keys, the rare half is forgotten: as much as the most frequent of them has is subtracted
/// from every count. So each count is too low by at most the sum of what was subtracted, and no key that has more than
/// that is missing.
pub(super) struct Tally<K> {
    counts: HashMap<K, u64>,
    max_keys: usize,
    /// The number of all things.
    pub(super) total: u64,
    /// The number by which counts may be too low, or 0 if they are exact.
    pub(super) max_error: u64,
}

impl<K: Hash + Ord> Tally<K> {
    pub(super) fn new() -> Self {
        Self { counts: HashMap::new(), max_keys: MAX_KEYS, total: 0, max_error: 0 }
    }

    pub(super) fn add(&mut self, key: K) {
        self.total += 1;
        *self.counts.entry(key).or_default() += 1;
        if self.counts.len() > self.max_keys {
            self.forget_half();
        }
    }

    fn forget_half(&mut self) {
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        let middle = counts.len() / 2;
        let (_, &mut subtracted, _) = counts.select_nth_unstable(middle);
        self.max_error += subtracted;
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(subtracted);
            *count > 0
        });
    }

    /// Returns the keys with their counts, the largest first, and no more than `top`.
    pub(super) fn into_sorted(self, top: Option<usize>) -> Vec<(K, u64)> {
        let mut counts: Vec<(K, u64)> = self.counts.into_iter().collect();
        counts
            .sort_unstable_by(|(key, count), (other, others)| others.cmp(count).then_with(|| key.cmp(other)));
        counts.truncate(top.unwrap_or(usize::MAX));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns random keys of which few are frequent.
    fn keys(seed: u64) -> impl Iterator<Item = u64> {
        let mut state = seed;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = state >> 33;
            if random % 3 == 0 { random % 7 } else { random % 5000 }
        })
    }

    #[test]
    fn few_keys_are_counted_exactly() {
        let mut tally = Tally::new();
        ["b", "a", "c", "b", "a", "b"].into_iter().for_each(|key| tally.add(key));
        assert_eq!((tally.total, tally.max_error), (6, 0));
        assert_eq!(tally.into_sorted(None), [("b", 3), ("a", 2), ("c", 1)]);
    }

    #[test]
    fn counts_of_the_same_size_are_in_the_order_of_keys_also_at_the_cut() {
        let mut tally = Tally::new();
        [5, 3, 9, 1].into_iter().for_each(|key| tally.add(key));
        assert_eq!(tally.into_sorted(Some(3)), [(1, 1), (3, 1), (5, 1)]);
    }

    #[test]
    fn many_keys_are_counted_within_the_bound() {
        for (seed, max_keys) in [(1, 2), (2, 10), (3, 100), (4, 1000), (5, 4000)] {
            let mut tally = Tally { max_keys, ..Tally::new() };
            let mut exact: HashMap<u64, u64> = HashMap::new();
            for key in keys(seed).take(50_000) {
                tally.add(key);
                *exact.entry(key).or_default() += 1;
                assert!(tally.counts.len() <= max_keys);
            }
            let max_error = tally.max_error;
            assert!(max_error > 0 && max_error <= 2 * 50_000 / max_keys as u64, "{max_error}");
            assert_eq!(tally.total, 50_000);
            let counts: HashMap<u64, u64> = tally.into_sorted(None).into_iter().collect();
            for (key, count) in exact {
                let counted = counts.get(&key).copied().unwrap_or_default();
                assert!(counted <= count && count <= counted + max_error, "{key}: {counted} of {count}");
            }
        }
    }
}
