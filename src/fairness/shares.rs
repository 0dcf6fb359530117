//! A limited amount that several share.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use super::is_fair;

/// A limited amount that several share; `K` tells them apart. Cloning it gives another handle.
#[derive(Debug)]
pub(crate) struct Shares<K> {
    limit: usize,
    taken: Arc<Mutex<Taken<K>>>,
}

#[derive(Debug)]
struct Taken<K> {
    total: usize,
    /// A B-tree: while a hash table grows, all callers wait.
    by_key: BTreeMap<K, usize>,
}

/// What one of them has taken, until this is dropped.
#[derive(Debug)]
pub(crate) struct Part<K: Ord> {
    shares: Shares<K>,
    key: K,
    amount: usize,
}

/// Nothing more can be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoShare {
    /// There is not so much left.
    AtAll,
    /// What is left is kept for others.
    Own {
        /// How much this one has.
        own: usize,
    },
}

impl<K> Shares<K> {
    pub(crate) fn new(limit: usize) -> Self {
        let taken = Taken {
            total: 0,
            by_key: BTreeMap::new(),
        };
        Self {
            limit,
            taken: Arc::new(Mutex::new(taken)),
        }
    }

    /// Returns how much there is.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Returns how much is taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().total
    }
}

impl<K: Clone + Ord> Shares<K> {
    /// Takes so much.
    ///
    /// # Errors
    /// [`NoShare`].
    pub(crate) fn take(&self, key: &K, amount: usize) -> Result<Part<K>, NoShare> {
        let mut part = self.part(key);
        part.grow(amount)?;
        Ok(part)
    }

    /// Returns a part of nothing yet.
    pub(crate) fn part(&self, key: &K) -> Part<K> {
        Part {
            shares: self.clone(),
            key: key.clone(),
            amount: 0,
        }
    }
}

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self {
            limit: self.limit,
            taken: Arc::clone(&self.taken),
        }
    }
}

impl<K: Clone + Ord> Part<K> {
    /// Returns how much there is for all.
    pub(crate) fn limit(&self) -> usize {
        self.shares.limit()
    }

    /// Takes so much more, or nothing.
    ///
    /// # Errors
    /// [`NoShare`].
    pub(crate) fn grow(&mut self, more: usize) -> Result<(), NoShare> {
        let mut taken = self.shares.taken.lock();
        let own = taken.by_key.get(&self.key).copied().unwrap_or(0);
        let left = self.shares.limit.checked_sub(taken.total + more);
        let left = left.ok_or(NoShare::AtAll)?;
        if !is_fair(own, more, left) {
            return Err(NoShare::Own { own });
        }
        taken.total += more;
        if more > 0 {
            taken.by_key.insert(self.key.clone(), own + more);
        }
        self.amount += more;
        Ok(())
    }
}

impl<K: Ord> Drop for Part<K> {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock();
        taken.total -= self.amount;
        if let Some(own) = taken.by_key.get_mut(&self.key) {
            *own -= self.amount;
            if *own == 0 {
                taken.by_key.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_takes_in_pieces_leaves_something_for_the_next() {
        let shares = Shares::new(90);
        let mut part = shares.part(&"a");
        let mut pieces = 0;
        while part.grow(7).is_ok() {
            pieces += 1;
        }
        assert_eq!(pieces, 11);
        assert_eq!(part.grow(7), Err(NoShare::Own { own: 77 }));
        assert_eq!(shares.take(&"b", 14).unwrap_err(), NoShare::AtAll);
        shares.take(&"b", 13).unwrap();
        drop(part);
        assert_eq!(shares.taken(), 0);
        assert!(shares.taken.lock().by_key.is_empty());
    }
}
