//! A limited number of places that namespaces share.

use super::shares::{NoShare, Part, Shares};
use crate::language::Namespace;

/// A limited number of places; cloning it gives another handle.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// What has the places, in the plural.
    what: &'static str,
    shares: Shares<Namespace>,
}

/// A place, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _part: Part<Namespace>,
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
        let shares = Shares::new(limit);
        Self { what, shares }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub(crate) fn take(&self, namespace: &Namespace) -> Result<Place, NoPlace> {
        let limit = self.shares.limit();
        match self.shares.take(namespace, 1) {
            Ok(part) => Ok(Place { _part: part }),
            Err(NoShare::AtAll) => Err(NoPlace::AtAll { limit }),
            Err(NoShare::Own { own }) => Err(NoPlace::ForNamespace(ShareTaken {
                what: self.what,
                namespace: namespace.clone(),
                own,
                limit,
            })),
        }
    }

    /// Returns how many places are taken.
    pub(crate) fn taken(&self) -> usize {
        self.shares.taken()
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
