//! Small sets: most names have one producer.

/// A set in ascending order, in one allocation. One value takes the room of one value; in a tree,
/// it takes that of eleven.
#[derive(Clone, Debug)]
pub(super) struct SortedSet<T>(Vec<T>);

impl<T> Default for SortedSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + Ord> SortedSet<T> {
    pub(super) fn insert(&mut self, value: T) {
        if let Err(at) = self.0.binary_search(&value) {
            if self.0.is_empty() {
                self.0.reserve_exact(1);
            }
            self.0.insert(at, value);
        }
    }

    pub(super) fn remove(&mut self, value: T) {
        if let Ok(at) = self.0.binary_search(&value) {
            self.0.remove(at);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = T> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_each_value_once_in_ascending_order() {
        let mut set = SortedSet::default();
        for value in [3, 1, 2, 3, 1] {
            set.insert(value);
        }
        assert!(set.iter().eq([1, 2, 3]));
        set.remove(2);
        set.remove(2);
        assert!(set.iter().eq([1, 3]));
        assert_eq!((set.len(), set.is_empty()), (2, false));
        set.remove(1);
        set.remove(3);
        assert!(set.is_empty());
    }
}
