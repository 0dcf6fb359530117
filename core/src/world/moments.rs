//! Moments at which some things were asserted, in their order.

use std::collections::BTreeMap;

use crate::assertion::Timestamp;

/// When some things were asserted, one moment for each of them.
///
/// The newest moment is at hand, and a change costs the logarithm of the number of moments. Things
/// of one moment take no memory of their own: most variables have one assertion.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Moments {
    /// The newest, and how many things have it; none has it if there are no things.
    newest: (Timestamp, usize),
    /// The others, and how many things have them.
    earlier: BTreeMap<Timestamp, usize>,
    len: usize,
}

impl Moments {
    /// Counts a thing.
    pub(super) fn add(&mut self, moment: Timestamp) {
        self.len += 1;
        let (newest, count) = &mut self.newest;
        if *count == 0 {
            self.newest = (moment, 1);
        } else if moment == *newest {
            *count += 1;
        } else if moment < *newest {
            *self.earlier.entry(moment).or_default() += 1;
        } else {
            self.earlier.insert(*newest, *count);
            self.newest = (moment, 1);
        }
    }

    /// Counts a thing no longer that was [added](Self::add) with this moment.
    pub(super) fn remove(&mut self, moment: Timestamp) {
        self.len -= 1;
        let (newest, count) = &mut self.newest;
        if moment == *newest {
            *count -= 1;
            if *count == 0 {
                self.newest = self.earlier.pop_last().unwrap_or_default();
            }
        } else if let Some(count) = self.earlier.get_mut(&moment) {
            *count -= 1;
            if *count == 0 {
                self.earlier.remove(&moment);
            }
        }
    }

    /// Returns how many things there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the newest moment; `None` if there are no things.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        let (newest, count) = self.newest;
        (count > 0).then_some(newest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_newest_is_that_of_all_that_are_left(
            added in prop::collection::vec(0..6u64, 1..30),
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let mut left = Vec::new();
            let mut moments = Moments::default();
            for moment in added.into_iter().map(Timestamp::from_millis) {
                moments.add(moment);
                left.push(moment);
                prop_assert_eq!(moments.newest(), left.iter().max().copied());
            }
            for index in removed {
                if left.is_empty() {
                    break;
                }
                moments.remove(left.swap_remove(index.index(left.len())));
                prop_assert_eq!(moments.newest(), left.iter().max().copied());
                prop_assert_eq!(moments.len(), left.len());
            }
        }
    }
}
