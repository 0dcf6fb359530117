//! The last changes: enough to judge what was true at a recent revision.

use std::collections::{HashMap, VecDeque};

use oncue_language::{
    Condition, Demand, Grace, ObjectKey, ObjectState, Presence, Subject, Timestamp, Value,
    VariableKey, View,
};

use super::{CrossRead, Topic, World, object_state};
use crate::cross_namespace::{Read, Readers, Refusal};

/// How many changes are remembered; a revision before them is too old to know.
const CAPACITY: usize = 4096;

/// How many topics the remembered changes have at most: a change below many names counts for each.
const TOPICS: usize = 4 * CAPACITY;

/// What there was before a change.
#[derive(Clone, Debug)]
pub(super) enum Before {
    /// So many owners, or variables.
    Count(usize),
    /// This object.
    Object(Option<ObjectState>),
    /// These readers of a namespace.
    Readers(Option<Readers>),
}

/// The last changes, one per revision, and what each topic was before them.
#[derive(Debug, Default)]
pub(super) struct History {
    revision: u64,
    changes: VecDeque<Vec<Topic>>,
    topics: HashMap<Topic, VecDeque<(u64, Before)>>,
    len: usize,
}

impl History {
    /// Begins a new revision, before which its topics were like this.
    pub(super) fn push(&mut self, before: impl IntoIterator<Item = (Topic, Before)>) {
        self.revision += 1;
        let mut changed = Vec::new();
        for (topic, before) in before {
            changed.push(topic.clone());
            let past = self.topics.entry(topic).or_default();
            past.push_back((self.revision, before));
        }
        self.len += changed.len();
        self.changes.push_back(changed);
        while self.changes.len() > CAPACITY || self.len > TOPICS {
            self.forget_one();
        }
    }

    fn forget_one(&mut self) {
        let forgotten = self.changes.pop_front().unwrap_or_default();
        self.len -= forgotten.len();
        for topic in forgotten {
            if let Some(past) = self.topics.get_mut(&topic) {
                past.pop_front();
                if past.is_empty() {
                    self.topics.remove(&topic);
                }
            }
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns whether it is known what was true at `revision`: it is not in the future, and not
    /// too old.
    pub(super) fn knows(&self, revision: u64) -> bool {
        let changes = self.revision.checked_sub(revision);
        changes.is_some_and(|it| it <= self.changes.len() as u64)
    }

    /// Returns what the topic was at `revision`; none if it has not changed since.
    fn at(&self, revision: u64, topic: &Topic) -> Option<&Before> {
        let past = self.topics.get(topic)?;
        let first = past.partition_point(|(changed, _)| *changed <= revision);
        past.get(first).map(|(_, before)| before)
    }
}

/// What was true before some of the last changes.
pub struct Past<'a> {
    present: &'a World,
    history: &'a History,
    revision: u64,
}

impl<'a> Past<'a> {
    pub(super) fn new(present: &'a World, history: &'a History, revision: u64) -> Self {
        Self {
            present,
            history,
            revision,
        }
    }

    /// Returns whether all `conditions` can be judged: neither values nor the moments of assertions
    /// are remembered, so one that asks for them cannot if its variable has changed since.
    pub fn can_judge(&self, conditions: &[Condition], grace: Grace) -> bool {
        let asks_for_moments =
            |it: &Condition| grace != Grace::Over && it.presence == Presence::Failure;
        conditions.iter().all(|it| match &it.subject {
            Subject::Object(_) => true,
            Subject::Variable {
                demand: Demand::Equals(_),
                ..
            } => self.before(&Topic::of(it)).is_none(),
            Subject::Below { .. } | Subject::Variable { .. } => {
                !asks_for_moments(it) || self.before(&Topic::of(it)).is_none()
            }
        })
    }

    fn before(&self, topic: &Topic) -> Option<&Before> {
        self.history.at(self.revision, topic)
    }

    fn count(&self, topic: &Topic) -> Option<usize> {
        match self.before(topic)? {
            Before::Count(count) => Some(*count),
            Before::Object(_) | Before::Readers(_) => None,
        }
    }
}

impl View for Past<'_> {
    fn owners(&self, key: &VariableKey) -> usize {
        let before = self.count(&Topic::Variable(key.clone()));
        before.unwrap_or_else(|| self.present.owners(key))
    }

    fn has_value(&self, key: &VariableKey, value: &Value) -> bool {
        self.present.has_value(key, value)
    }

    fn below(&self, prefix: &VariableKey) -> usize {
        let before = self.count(&Topic::Below(prefix.clone()));
        before.unwrap_or_else(|| self.present.below(prefix))
    }

    fn object(&self, key: &ObjectKey) -> ObjectState {
        match self.before(&Topic::Object(key.clone())) {
            Some(Before::Object(known)) => object_state(known.as_ref()),
            Some(Before::Count(_) | Before::Readers(_)) | None => self.present.object(key),
        }
    }

    fn asserted_since(&self, subject: &Subject, moment: Timestamp) -> bool {
        self.present.asserted_since(subject, moment)
    }
}

impl CrossRead for Past<'_> {
    fn may_read(&self, read: &Read<'_>) -> Result<(), Refusal> {
        let Some(namespaces) = self.present.namespaces() else {
            return Ok(());
        };
        match self.before(&Topic::Readers(read.of.clone())) {
            Some(Before::Readers(readers)) => namespaces.judge_by(read, readers.as_ref()),
            Some(Before::Count(_) | Before::Object(_)) | None => namespaces.judge(read),
        }
    }
}
