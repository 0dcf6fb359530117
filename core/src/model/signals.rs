//! The index of signals by the names of their variables.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use super::{Member, MemberId, pattern::Pattern, sorted_set::SortedSet};
use crate::language::Namespace;

/// A signal: a member, and the position among its signals.
pub(super) type Offer = (MemberId, usize);

/// The signals of all members, by namespace.
#[derive(Debug, Default)]
pub(super) struct SignalIndex {
    namespaces: HashMap<Namespace, Names>,
}

/// The signals of one namespace.
#[derive(Debug, Default)]
struct Names {
    /// Those whose names are known, by name.
    known: BTreeMap<Box<str>, SortedSet<Offer>>,
    /// The others, by what comes before the first unknown part.
    open: BTreeMap<Box<str>, BTreeMap<Offer, Pattern>>,
}

impl SignalIndex {
    pub(super) fn insert(&mut self, id: MemberId, member: &Member) {
        for (offer, pattern) in offers(id, member) {
            let names = self.namespaces.entry(member.namespace.clone()).or_default();
            let stem = pattern.stem().into();
            if pattern.is_literal() {
                names.known.entry(stem).or_default().insert(offer);
            } else {
                names.open.entry(stem).or_default().insert(offer, pattern);
            }
        }
    }

    pub(super) fn remove(&mut self, id: MemberId, member: &Member) {
        let Some(names) = self.namespaces.get_mut(&member.namespace) else {
            return;
        };
        for (offer, pattern) in offers(id, member) {
            if pattern.is_literal() {
                remove(&mut names.known, pattern.stem(), |offers| {
                    offers.remove(offer);
                    offers.is_empty()
                });
            } else {
                remove(&mut names.open, pattern.stem(), |offers| {
                    offers.remove(&offer);
                    offers.is_empty()
                });
            }
        }
        if names.known.is_empty() && names.open.is_empty() {
            self.namespaces.remove(&member.namespace);
        }
    }

    /// Returns the signals in `namespace` whose name can be one of `wanted`, in their order.
    pub(super) fn matching(&self, namespace: &Namespace, wanted: &Pattern) -> Vec<Offer> {
        let Some(names) = self.namespaces.get(namespace) else {
            return Vec::new();
        };
        let mut offers = names.known(wanted);
        offers.extend(names.open(wanted));
        offers.sort_unstable();
        offers
    }
}

impl Names {
    fn known(&self, wanted: &Pattern) -> Vec<Offer> {
        if wanted.is_literal() {
            let offers = self.known.get(wanted.stem());
            return offers.into_iter().flat_map(SortedSet::iter).collect();
        }
        from(&self.known, wanted.stem())
            .filter(|(name, _)| wanted.overlaps(&Pattern::literal(name)))
            .flat_map(|(_, offers)| offers.iter())
            .collect()
    }

    fn open(&self, wanted: &Pattern) -> Vec<Offer> {
        let mut stems: Vec<_> = stems_of(&self.open, wanted.stem()).collect();
        if !wanted.is_literal() {
            let longer = from(&self.open, wanted.stem());
            stems.extend(longer.filter(|(stem, _)| stem.len() > wanted.stem().len()));
        }
        let offers = stems.into_iter().flat_map(|(_, offers)| offers);
        offers
            .filter(|(_, pattern)| pattern.overlaps(wanted))
            .map(|(offer, _)| *offer)
            .collect()
    }
}

fn offers(id: MemberId, member: &Member) -> impl Iterator<Item = (Offer, Pattern)> {
    let signals = member.signals().enumerate();
    signals.map(move |(index, (_, signal))| {
        let pattern = Pattern::new(&signal.name, &member.name);
        ((id, index), pattern)
    })
}

fn remove<T>(map: &mut BTreeMap<Box<str>, T>, key: &str, empties: impl FnOnce(&mut T) -> bool) {
    if map.get_mut(key).is_some_and(empties) {
        map.remove(key);
    }
}

/// Returns the entries whose keys begin with `prefix`.
fn from<'a, T>(
    map: &'a BTreeMap<Box<str>, T>,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a Box<str>, &'a T)> {
    map.range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
        .take_while(move |(key, _)| key.starts_with(prefix))
}

/// Returns the entries whose keys `text` begins with, without a look at the others in between.
fn stems_of<'a, T>(
    map: &'a BTreeMap<Box<str>, T>,
    text: &'a str,
) -> impl Iterator<Item = (&'a Box<str>, &'a T)> {
    let mut bound = Some(Bound::Included(text));
    std::iter::from_fn(move || {
        loop {
            let range = (Bound::Unbounded, bound.take()?);
            let (stem, entry) = map.range::<str, _>(range).next_back()?;
            let common = common_prefix(stem, text);
            if common.len() == stem.len() {
                bound = Some(Bound::Excluded(common));
                return Some((stem, entry));
            }
            bound = Some(Bound::Included(common));
        }
    })
}

fn common_prefix<'a>(one: &str, other: &'a str) -> &'a str {
    let pairs = one.chars().zip(other.chars());
    let common = pairs.take_while(|(ours, theirs)| ours == theirs);
    let bytes = common.map(|(character, _)| character.len_utf8()).sum();
    &other[..bytes]
}
