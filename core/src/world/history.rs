//! The last changes: enough to judge what was true at a recent revision.

use std::collections::{VecDeque, vec_deque};

use oncue_language::{
    Condition, Demand, ObjectKey, ObjectState, Subject, Value, VariableKey, View,
};

use super::{World, object_state};

/// How many changes are remembered; a revision before them is too old to know.
const CAPACITY: usize = 4096;

/// One change, as far as judging the time before it needs it.
#[derive(Debug)]
pub(super) enum Entry {
    Object {
        key: ObjectKey,
        before: Option<ObjectState>,
    },
    Variable {
        key: VariableKey,
        owners_before: usize,
        exists: bool,
    },
}

/// The last changes in their order, one a revision.
#[derive(Debug, Default)]
pub(super) struct History {
    revision: u64,
    entries: VecDeque<Entry>,
}

impl History {
    pub(super) fn push(&mut self, entry: Entry) {
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        self.revision += 1;
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the changes after `revision`; none where it is too old to know, or in the future.
    pub(super) fn since(&self, revision: u64) -> Option<vec_deque::Iter<'_, Entry>> {
        let changes = usize::try_from(self.revision.checked_sub(revision)?).ok()?;
        let first = self.entries.len().checked_sub(changes)?;
        Some(self.entries.range(first..))
    }
}

/// What was true before some of the last changes.
pub struct Past<'a> {
    present: &'a World,
    since: vec_deque::Iter<'a, Entry>,
}

impl<'a> Past<'a> {
    pub(super) fn new(present: &'a World, since: vec_deque::Iter<'a, Entry>) -> Self {
        Self { present, since }
    }

    /// Returns whether all `conditions` can be judged: values are not remembered, so one that asks
    /// for the value of a variable that has changed since cannot.
    pub fn can_judge(&self, conditions: &[Condition]) -> bool {
        conditions.iter().all(|condition| match &condition.subject {
            Subject::Variable {
                key,
                demand: Demand::Equals(_),
            } => self.owners_before(key).is_none(),
            Subject::Below { .. } | Subject::Object(_) | Subject::Variable { .. } => true,
        })
    }

    /// Returns how many owners a variable had that has changed since.
    fn owners_before(&self, changed: &VariableKey) -> Option<usize> {
        self.since.clone().find_map(|entry| match entry {
            Entry::Variable {
                key, owners_before, ..
            } if key == changed => Some(*owners_before),
            Entry::Object { .. } | Entry::Variable { .. } => None,
        })
    }
}

impl View for Past<'_> {
    fn owners(&self, key: &VariableKey) -> usize {
        self.owners_before(key)
            .unwrap_or_else(|| self.present.owners(key))
    }

    fn has_value(&self, key: &VariableKey, value: &Value) -> bool {
        self.present.has_value(key, value)
    }

    /// Takes what came since off the present count and adds what went.
    fn below(&self, prefix: &VariableKey) -> usize {
        let is_below = |key: &VariableKey| {
            key.namespace == prefix.namespace && key.name.is_below(&prefix.name)
        };
        let (mut came, mut went) = (0, 0);
        for entry in self.since.clone() {
            match entry {
                Entry::Variable {
                    key,
                    owners_before,
                    exists,
                } if is_below(key) => {
                    came += usize::from(*owners_before == 0 && *exists);
                    went += usize::from(*owners_before > 0 && !*exists);
                }
                Entry::Object { .. } | Entry::Variable { .. } => {}
            }
        }
        (self.present.below(prefix) + went).saturating_sub(came)
    }

    fn object(&self, changed: &ObjectKey) -> ObjectState {
        let before = self.since.clone().find_map(|entry| match entry {
            Entry::Object { key, before } if key == changed => Some(before.as_ref()),
            Entry::Object { .. } | Entry::Variable { .. } => None,
        });
        match before {
            Some(known) => object_state(known),
            None => self.present.object(changed),
        }
    }
}
