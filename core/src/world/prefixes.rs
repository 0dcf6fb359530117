//! How many variables lie below each name.

use std::collections::BTreeMap;

use oncue_language::VariableKey;

/// A counter for each name that has variables below it.
#[derive(Debug, Default)]
pub(super) struct Prefixes(BTreeMap<VariableKey, usize>);

/// A counter that has moved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Moved {
    pub(super) prefix: VariableKey,
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Prefixes {
    /// Counts a variable that exists now.
    pub(super) fn add(&mut self, key: &VariableKey) -> Vec<Moved> {
        let count = |prefix: VariableKey| {
            let counter = self.0.entry(prefix.clone()).or_default();
            *counter += 1;
            let (before, after) = (*counter - 1, *counter);
            Moved {
                prefix,
                before,
                after,
            }
        };
        above(key).map(count).collect()
    }

    /// Counts a variable that no longer exists.
    pub(super) fn remove(&mut self, key: &VariableKey) -> Vec<Moved> {
        let count = |prefix: VariableKey| {
            let before = self.below(&prefix);
            let after = before.saturating_sub(1);
            if after == 0 {
                self.0.remove(&prefix);
            } else if let Some(counter) = self.0.get_mut(&prefix) {
                *counter = after;
            }
            Moved {
                prefix,
                before,
                after,
            }
        };
        above(key).map(count).collect()
    }

    /// Returns how many variables exist below `prefix`, at any depth.
    pub(super) fn below(&self, prefix: &VariableKey) -> usize {
        self.0.get(prefix).copied().unwrap_or(0)
    }
}

fn above(key: &VariableKey) -> impl Iterator<Item = VariableKey> {
    let names = key.name.ancestors();
    names.map(|name| VariableKey::new(key.namespace.clone(), name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mk_key(name: &str) -> VariableKey {
        VariableKey::new(oncue_language::Namespace::default(), name.parse().unwrap())
    }

    proptest! {
        #[test]
        fn counts_what_the_language_calls_below(
            names in prop::collection::btree_set("[a-b.0-]{1,2}x(/[a-b.0-]{1,2}x){0,3}", 0..40),
            gone in 0usize..40,
            prefix in "[a-b.0-]{1,2}x(/[a-b.0-]{1,2}x)?",
        ) {
            let keys: Vec<_> = names.iter().map(|name| mk_key(name)).collect();
            let (gone, left) = keys.split_at(gone.min(keys.len()));
            let mut prefixes = Prefixes::default();
            for key in &keys {
                prefixes.add(key);
            }
            for key in gone {
                prefixes.remove(key);
            }
            let prefix = mk_key(&prefix);
            let below = left.iter().filter(|key| key.name.is_below(&prefix.name));
            prop_assert_eq!(prefixes.below(&prefix), below.count());
            for key in left {
                prefixes.remove(key);
            }
            prop_assert!(prefixes.0.is_empty());
        }
    }
}
