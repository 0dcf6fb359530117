//! A limited number of places that namespaces share.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use super::is_fair;
use crate::language::Namespace;

/// A limited number of places; cloning it gives another handle.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// What has the places, in the plural.
    what: &'static str,
    limit: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    /// A B-tree: while a hash table grows, all callers wait.
    by_namespace: BTreeMap<Namespace, usize>,
}

/// A place, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    taken: Arc<Mutex<Taken>>,
    namespace: Namespace,
}

/// No place is free.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum NoPlace {
    /// All are taken.
    AtAll {
        /// How many there are.
        limit: usize,
    },
    /// The free ones are kept for other namespaces.
    ForNamespace(ShareTaken),
}

/// A namespace has its share of something.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the namespace {namespace} has {own} of at most {limit} {what}, and the rest is kept for other \
     namespaces: try again later"
)]
pub struct ShareTaken {
    /// What it has, in the plural.
    pub what: &'static str,
    /// The namespace.
    pub namespace: Namespace,
    /// How many it has.
    pub own: usize,
    /// The limit of all namespaces together.
    pub limit: usize,
}

impl Places {
    pub(crate) fn new(what: &'static str, limit: usize) -> Self {
        Self {
            what,
            limit,
            taken: Arc::default(),
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub(crate) fn take(&self, namespace: &Namespace) -> Result<Place, NoPlace> {
        let limit = self.limit;
        let mut taken = self.taken.lock();
        let own = taken.by_namespace.get(namespace).copied().unwrap_or(0);
        let Some(left) = limit.checked_sub(taken.total + 1) else {
            return Err(NoPlace::AtAll { limit });
        };
        if !is_fair(own, 1, left) {
            return Err(NoPlace::ForNamespace(ShareTaken {
                what: self.what,
                namespace: namespace.clone(),
                own,
                limit,
            }));
        }
        taken.total += 1;
        taken.by_namespace.insert(namespace.clone(), own + 1);
        drop(taken);
        Ok(Place {
            taken: Arc::clone(&self.taken),
            namespace: namespace.clone(),
        })
    }

    /// Returns how many places are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().total
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.total -= 1;
        if let Some(own) = taken.by_namespace.get_mut(&self.namespace) {
            *own -= 1;
            if *own == 0 {
                taken.by_namespace.remove(&self.namespace);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    fn ns(name: &str) -> Namespace {
        name.parse().unwrap()
    }

    /// Takes places for a namespace until no more are given.
    fn take_all(places: &Places, namespace: &str) -> Vec<Place> {
        let namespace = ns(namespace);
        iter::from_fn(|| places.take(&namespace).ok()).collect()
    }

    #[test]
    fn a_namespace_that_is_alone_gets_eight_ninths() {
        let places = Places::new("waiters", 900);
        let taken = take_all(&places, "shop");
        assert_eq!(taken.len(), 800);
        let refused = places.take(&ns("shop")).unwrap_err();
        let NoPlace::ForNamespace(refused) = refused else {
            unreachable!("{refused:?}")
        };
        assert_eq!(
            refused.to_string(),
            "the namespace shop has 800 of at most 900 waiters, and the rest is kept for other \
             namespaces: try again later"
        );
        drop(taken);
        assert_eq!(places.taken(), 0);
        assert!(places.taken.lock().by_namespace.is_empty());
    }

    #[test]
    fn namespaces_that_want_everything_leave_places_for_others() {
        let places = Places::new("waiters", 900);
        let taken = ["a", "b", "c"].map(|name| take_all(&places, name));
        assert_eq!(taken.each_ref().map(Vec::len), [800, 88, 10]);
        places.take(&ns("d")).unwrap();
    }

    #[test]
    fn all_places_are_used_if_no_namespace_has_many() {
        let places = Places::new("waiters", 20);
        let take = |number| places.take(&ns(&format!("n{number}")));
        let taken: Vec<_> = (0..20).map(take).collect();
        assert!(taken.iter().all(Result::is_ok));
        assert_eq!(take(20).unwrap_err(), NoPlace::AtAll { limit: 20 });
    }

    #[test]
    fn a_single_place_is_given() {
        let places = Places::new("waiters", 1);
        let taken = places.take(&ns("shop")).unwrap();
        let refused = places.take(&ns("shop")).unwrap_err();
        assert_eq!(refused, NoPlace::AtAll { limit: 1 });
        drop(taken);
        places.take(&ns("shop")).unwrap();
    }

    /// A wait is answered within a minute, and its client asks again.
    #[test]
    fn namespaces_that_want_everything_come_to_have_the_same() {
        let places = Places::new("waiters", 1700);
        let mut shop = take_all(&places, "shop");
        let mut till = take_all(&places, "till");
        assert!(shop.len() > 8 * till.len());
        for _ in 0..100 {
            for (held, name) in [(&mut shop, "shop"), (&mut till, "till")] {
                held.drain(..held.len().min(50));
                held.extend(iter::from_fn(|| places.take(&ns(name)).ok()).take(100));
            }
        }
        let (shop, till) = (shop.len(), till.len());
        assert!(shop.abs_diff(till) <= 100, "{shop} {till}");
        assert!(shop + till > 1500, "{shop} {till}");
    }
}
