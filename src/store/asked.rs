//! The objects that someone asks for.

use std::collections::{BTreeMap, BTreeSet};

use oncue_language::{Condition, Namespace, ObjectKey, Subject};

use crate::{fairness::is_fair, world::World};

/// The objects that someone has asked for, until the source of objects looks at them.
#[derive(Debug, Default)]
pub(super) struct AskedObjects {
    /// Those that nobody has told of yet, and the namespaces that asked for them first.
    unknown: BTreeMap<ObjectKey, Namespace>,
    /// How many of those each namespace asked for.
    askers: BTreeMap<Namespace, usize>,
    /// The others: at most what the world knows.
    known: BTreeSet<ObjectKey>,
}

impl AskedObjects {
    /// Notes the objects among `conditions`, which a namespace asks for. Returns whether an unknown
    /// one is new here.
    pub(super) fn note<'c>(
        &mut self,
        conditions: impl Iterator<Item = &'c Condition>,
        (asker, world): (&Namespace, &World),
    ) -> bool {
        let before = self.unknown.len();
        for key in conditions.filter_map(object_of) {
            if world.knows_object(key) {
                insert(&mut self.known, key);
            } else {
                self.note_unknown(key, asker);
            }
        }
        self.unknown.len() > before
    }

    fn note_unknown(&mut self, key: &ObjectKey, asker: &Namespace) {
        let own = self.askers.get(asker).copied().unwrap_or(0);
        let left = MOST_UNKNOWN.checked_sub(self.unknown.len() + 1);
        let is_permitted = left.is_some_and(|left| is_fair(own, 1, left));
        if is_permitted && !self.unknown.contains_key(key) {
            self.unknown.insert(key.clone(), asker.clone());
            self.askers.insert(asker.clone(), own + 1);
        }
    }

    /// Returns the unknown objects with those who asked for them, and empties the list.
    pub(super) fn take_unknown(&mut self) -> BTreeMap<ObjectKey, Namespace> {
        self.askers.clear();
        std::mem::take(&mut self.unknown)
    }

    /// Returns the known objects, and empties the list.
    pub(super) fn take_known(&mut self) -> BTreeSet<ObjectKey> {
        std::mem::take(&mut self.known)
    }

    pub(super) fn contains(&self, key: &ObjectKey) -> bool {
        self.known.contains(key) || self.unknown.contains_key(key)
    }

    /// Takes note that an object is unknown from now on.
    pub(super) fn forget(&mut self, key: &ObjectKey) {
        self.known.remove(key);
    }
}

/// Most objects are in the set already: they are not copied.
fn insert(set: &mut BTreeSet<ObjectKey>, key: &ObjectKey) {
    if !set.contains(key) {
        set.insert(key.clone());
    }
}

/// Returns the object that a condition asks for.
pub(super) fn object_of(condition: &Condition) -> Option<&ObjectKey> {
    match &condition.subject {
        Subject::Object(key) => Some(key),
        Subject::Below { .. } | Subject::Variable { .. } => None,
    }
}

/// The most unknown objects that are noted; a client that asks for more has to ask again.
const MOST_UNKNOWN: usize = 1024;

#[cfg(test)]
mod tests {
    use oncue_language::{ObjectKind, Term};

    use super::*;
    use crate::world::Epoch;

    fn mk_conditions(namespace: &Namespace, count: usize) -> Vec<Condition> {
        let condition = |number| {
            let term: Term = format!("{}:m{number}", ObjectKind::Job).parse().unwrap();
            term.condition(namespace).unwrap().unwrap()
        };
        (0..count).map(condition).collect()
    }

    #[test]
    fn a_namespace_that_asks_for_many_objects_leaves_room_for_those_of_others() {
        let world = World::new(Epoch::new(7));
        let mut asked = AskedObjects::default();
        let (shop, till): (Namespace, Namespace) =
            ("shop".parse().unwrap(), "till".parse().unwrap());
        let many = mk_conditions(&shop, 2 * MOST_UNKNOWN);
        assert!(asked.note(many.iter(), (&shop, &world)));
        assert!(!asked.note(many.iter(), (&shop, &world)));
        let of_till = mk_conditions(&till, 1);
        assert!(asked.note(of_till.iter(), (&till, &world)));
        assert!(asked.take_unknown().len() < MOST_UNKNOWN);
        assert!(asked.note(many.iter(), (&shop, &world)));
    }
}
