//! The objects that someone asks for.

use std::collections::BTreeSet;

use oncue_language::{Condition, ObjectKey, Subject};

use crate::world::World;

/// The objects that someone has asked for, until the source of objects looks at them.
#[derive(Debug, Default)]
pub(super) struct AskedObjects {
    /// Those that nobody has told of yet.
    unknown: BTreeSet<ObjectKey>,
    /// The others: at most what the world knows.
    known: BTreeSet<ObjectKey>,
}

impl AskedObjects {
    /// Notes the objects among `conditions`. Returns whether an unknown one is new here.
    pub(super) fn note<'c>(
        &mut self,
        conditions: impl Iterator<Item = &'c Condition>,
        world: &World,
    ) -> bool {
        let before = self.unknown.len();
        for key in conditions.filter_map(object_of) {
            if world.knows_object(key) {
                insert(&mut self.known, key);
            } else if self.unknown.len() < MOST_UNKNOWN {
                insert(&mut self.unknown, key);
            }
        }
        self.unknown.len() > before
    }

    /// Returns the unknown objects, and empties the list.
    pub(super) fn take_unknown(&mut self) -> BTreeSet<ObjectKey> {
        std::mem::take(&mut self.unknown)
    }

    /// Returns the known objects, and empties the list.
    pub(super) fn take_known(&mut self) -> BTreeSet<ObjectKey> {
        std::mem::take(&mut self.known)
    }

    pub(super) fn contains(&self, key: &ObjectKey) -> bool {
        self.known.contains(key) || self.unknown.contains(key)
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
