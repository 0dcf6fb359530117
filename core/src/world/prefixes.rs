//! How many variables lie below each name, and when the newest of them was asserted.

use std::collections::BTreeMap;

use oncue_language::VariableKey;

use super::moments::Moments;
use crate::assertion::Timestamp;

/// For each name that has variables below it, when the newest assertion of each was made.
#[derive(Debug, Default)]
pub(super) struct Prefixes(BTreeMap<VariableKey, Moments>);

/// A name below which a variable has changed, and how many there are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Moved {
    pub(super) prefix: VariableKey,
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Prefixes {
    /// Takes note of when the newest assertion of a variable was made, and is now; `None` if there
    /// is none. Returns the names above it, unless that is the same.
    pub(super) fn change(
        &mut self,
        key: &VariableKey,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
    ) -> Vec<Moved> {
        if before == after {
            return Vec::new();
        }
        let change = |prefix: VariableKey| self.change_one(prefix, before, after);
        above(key).map(change).collect()
    }

    fn change_one(
        &mut self,
        prefix: VariableKey,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
    ) -> Moved {
        let moments = self.0.entry(prefix.clone()).or_default();
        let below = moments.len();
        if let Some(after) = after {
            moments.add(after);
        }
        if let Some(before) = before {
            moments.remove(before);
        }
        let moved = Moved {
            before: below,
            after: moments.len(),
            prefix,
        };
        if moved.after == 0 {
            self.0.remove(&moved.prefix);
        }
        moved
    }

    /// Returns how many variables exist below `prefix`, at any depth.
    pub(super) fn below(&self, prefix: &VariableKey) -> usize {
        self.0.get(prefix).map_or(0, Moments::len)
    }

    /// Returns when the newest assertion below `prefix` was made.
    pub(super) fn newest(&self, prefix: &VariableKey) -> Option<Timestamp> {
        self.0.get(prefix).and_then(Moments::newest)
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
            let made = |key: &VariableKey| {
                Some(Timestamp::from_millis(key.name.as_str().len() as u64))
            };
            for key in &keys {
                prefixes.change(key, None, Some(Timestamp::MAX));
                prefixes.change(key, Some(Timestamp::MAX), made(key));
            }
            for key in gone {
                prefixes.change(key, made(key), None);
            }
            let prefix = mk_key(&prefix);
            let below = left.iter().filter(|key| key.name.is_below(&prefix.name));
            prop_assert_eq!(prefixes.below(&prefix), below.clone().count());
            prop_assert_eq!(prefixes.newest(&prefix), below.filter_map(made).max());
            for key in left {
                prefixes.change(key, made(key), None);
            }
            prop_assert!(prefixes.0.is_empty());
        }
    }
}
