//! What is true now, and what was true a moment ago: pure.

mod answer;
mod change;
mod history;
mod moments;
mod mutation;
mod position;
mod prefixes;
mod read_by;
mod revision;
mod scope;
mod shift;
mod topic;
mod variable;
pub mod variables;

use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
};

use oncue_language::{
    Demand, Namespace, ObjectKey, ObjectState, Subject, Value, VariableKey, View,
};

use self::{
    history::{Before, History},
    prefixes::{Moved, Prefixes},
    scope::PageReader,
    variables::Variables,
};
use crate::{
    assertion::{Assertion, AssertionId, Timestamp},
    cross_namespace::{Knowledge, Namespaces, Policy, Read, Readers, Refusal},
};

pub use self::{
    answer::{Answer, states, verdicts},
    change::{Change, ChangeKind, Update},
    history::Past,
    mutation::{Action, Effect, Existing, Mutation, Step},
    position::{Position, PositionError},
    read_by::{CrossRead, ReadBy},
    revision::{Epoch, Revision, RevisionError},
    scope::{Names, Page, Scope},
    shift::Shift,
    topic::{Topic, object_topics, variable_topics},
    variable::Variable,
};
pub use oncue_language::State;

/// The variables and objects at the present revision.
#[derive(Debug)]
pub struct World {
    epoch: Epoch,
    variables: Variables,
    below: Prefixes,
    objects: HashMap<ObjectKey, ObjectState>,
    deadlines: BTreeSet<Deadline>,
    /// The rules for reads of other namespaces; without rules, anyone may read everything.
    namespaces: Option<Namespaces>,
    history: History,
}

/// When an assertion ends by itself, in the order of these moments.
pub type Deadline = (Timestamp, VariableKey, AssertionId);

impl World {
    /// Returns a world without variables and objects.
    pub fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            variables: Variables::default(),
            below: Prefixes::default(),
            objects: HashMap::new(),
            deadlines: BTreeSet::new(),
            namespaces: None,
            history: History::default(),
        }
    }

    /// Takes over what a backend committed; none if it is nothing new.
    ///
    /// What the world knows of the assertion counts, and not the update's `before`.
    pub fn update(&mut self, update: Update) -> Option<(Change, Vec<Shift>)> {
        let Update { key, before, after } = update;
        let id = &after.as_ref().or(before.as_ref())?.id.clone();
        let owners_before = self.owners(&key);
        let newest_before = self.newest(&key);
        let known = self.get(&key).and_then(|it| it.assertion(id)).cloned();
        let (kind, assertion) = match (&known, &after) {
            (None, None) => return None,
            (Some(known), Some(after)) if known == after => return None,
            (None, Some(after)) => (ChangeKind::Added, after),
            (Some(_), Some(after)) => (ChangeKind::Modified, after),
            (Some(known), None) => (ChangeKind::Deleted, known),
        };
        let assertion = Arc::clone(assertion);
        let valued = [&known, &after].map(|it| it.as_ref().and_then(|it| it.value.clone()));
        let had_values = valued.clone().map(|it| self.has(&key, it.as_ref()));
        let update = Update {
            key: key.clone(),
            before: known,
            after,
        };
        self.variables.apply(&update);
        self.move_deadline(&update);
        let owners_now = self.owners(&key);
        let newest_now = self.newest(&key);
        let moved = self.below.change(&key, newest_before, newest_now);
        let mut shifts = Shift::counts(&key, (owners_before, owners_now), &moved);
        for (value, had) in valued.into_iter().zip(had_values) {
            let has = self.has(&key, value.as_ref());
            shifts.extend(
                value
                    .filter(|_| had != has)
                    .map(|it| Shift::value(&key, it)),
            );
        }
        self.remember(&key, owners_before, moved);
        let change = Change {
            kind,
            revision: self.revision(),
            key,
            assertion,
        };
        Some((change, shifts))
    }

    /// Returns when the newest assertion of a variable was made.
    fn newest(&self, key: &VariableKey) -> Option<Timestamp> {
        self.get(key).and_then(Variable::newest)
    }

    fn has(&self, key: &VariableKey, value: Option<&Value>) -> bool {
        value.is_some_and(|value| self.has_value(key, value))
    }

    fn remember(&mut self, key: &VariableKey, owners: usize, moved: Vec<Moved>) {
        let own = (Topic::Variable(key.clone()), Before::Count(owners));
        let below = moved
            .into_iter()
            .map(|it| (Topic::Below(it.prefix), Before::Count(it.before)));
        self.history.push(std::iter::once(own).chain(below));
    }

    fn move_deadline(&mut self, Update { key, before, after }: &Update) {
        let deadline = |it: &Arc<Assertion>| Some((it.expires?, key.clone(), it.id.clone()));
        if let Some(deadline) = before.as_ref().and_then(deadline) {
            self.deadlines.remove(&deadline);
        }
        self.deadlines.extend(after.as_ref().and_then(deadline));
    }

    /// Returns whether the state of an object was taken over, and not forgotten since.
    pub fn knows_object(&self, key: &ObjectKey) -> bool {
        self.objects.contains_key(key)
    }

    /// Takes over the state of an object, `None` if it does not exist; returns `None` if it is
    /// nothing new.
    pub fn set_object(&mut self, key: &ObjectKey, state: Option<ObjectState>) -> Option<Shift> {
        self.change_object(key, Some(state.unwrap_or(ObjectState::Absent)))
    }

    /// Forgets an object: nobody tells of it any more.
    pub fn forget_object(&mut self, key: &ObjectKey) -> Option<Shift> {
        self.change_object(key, None)
    }

    fn change_object(&mut self, key: &ObjectKey, state: Option<ObjectState>) -> Option<Shift> {
        let before = self.objects.get(key).cloned();
        if before == state {
            return None;
        }
        match state {
            Some(state) => self.objects.insert(key.clone(), state),
            None => self.objects.remove(key),
        };
        self.history
            .push([(Topic::Object(key.clone()), Before::Object(before))]);
        Some(Shift::Object(key.clone()))
    }

    /// Sets the rules for reads of other namespaces.
    pub fn set_policy(&mut self, policy: Policy) {
        self.namespaces = Some(Namespaces::new(policy));
    }

    /// Returns the rules for reads of other namespaces, with what the namespaces say.
    pub fn namespaces(&self) -> Option<&Namespaces> {
        self.namespaces.as_ref()
    }

    /// Takes note of how much is known of the annotations of namespaces.
    pub fn know_namespaces(&mut self, knowledge: Knowledge) {
        if let Some(namespaces) = &mut self.namespaces {
            namespaces.know(knowledge);
        }
    }

    /// Takes over who may read a namespace, `None` if it does not say; returns `None` if that is
    /// nothing new.
    pub fn set_readers(&mut self, of: &Namespace, readers: Option<Readers>) -> Option<Shift> {
        let namespaces = self.namespaces.as_mut()?;
        let before = namespaces.readers(of).cloned();
        namespaces.set(of, readers);
        if namespaces.readers(of) == before.as_ref() {
            return None;
        }
        self.history
            .push([(Topic::Readers(of.clone()), Before::Readers(before))]);
        Some(Shift::Readers(of.clone()))
    }

    /// Decides whether a namespace may be read now.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn may_read(&self, read: &Read<'_>) -> Result<(), Refusal> {
        let namespaces = self.namespaces.as_ref();
        namespaces.map_or(Ok(()), |it| it.judge(read))
    }

    /// Returns the present revision.
    pub fn revision(&self) -> Revision {
        Revision {
            epoch: self.epoch,
            number: self.history.revision(),
        }
    }

    /// Returns what was true at `revision`; none if that is not known any more.
    pub fn at(&self, revision: Revision) -> Option<Past<'_>> {
        let is_known = revision.epoch == self.epoch && self.history.knows(revision.number);
        is_known.then(|| Past::new(self, &self.history, revision.number))
    }

    /// Returns a variable.
    pub fn get(&self, key: &VariableKey) -> Option<&Variable> {
        self.variables.get(key)
    }

    /// Returns all variables.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Returns the next assertions in `scope`, at most `limit` of them, from `position` on.
    ///
    /// The cost is that of `limit` assertions, however many there are.
    pub fn page(&self, scope: &Scope, limit: usize, position: Option<Position>) -> Page {
        let mut reader = PageReader {
            variables: &self.variables,
            scope,
            limit: limit.max(1),
            found: Vec::new(),
        };
        let next = reader.read(position);
        Page {
            revision: self.revision(),
            assertions: reader.found,
            next,
        }
    }

    /// Returns the deadlines after one of them, or all.
    pub fn deadlines(&self, after: Option<&Deadline>) -> impl Iterator<Item = &Deadline> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.deadlines.range((after, Bound::Unbounded))
    }
}

impl View for World {
    fn owners(&self, key: &VariableKey) -> usize {
        self.get(key).map_or(0, Variable::owners)
    }

    fn has_value(&self, key: &VariableKey, value: &Value) -> bool {
        self.get(key)
            .is_some_and(|variable| variable.has_value(value))
    }

    fn below(&self, prefix: &VariableKey) -> usize {
        self.below.below(prefix)
    }

    fn object(&self, key: &ObjectKey) -> ObjectState {
        object_state(self.objects.get(key))
    }

    fn asserted_since(&self, subject: &Subject, moment: Timestamp) -> bool {
        let newest = match subject {
            Subject::Below { prefix, .. } => self.below.newest(prefix),
            Subject::Object(_) => None,
            Subject::Variable { key, demand } => match demand {
                Demand::Equals(value) => self.get(key).and_then(|it| it.newest_with(value)),
                Demand::Exists | Demand::Owners(_) => self.newest(key),
            },
        };
        newest.is_some_and(|newest| newest >= moment)
    }
}

fn object_state(known: Option<&ObjectState>) -> ObjectState {
    known
        .cloned()
        .unwrap_or_else(|| ObjectState::Unknown("is not known yet".to_owned()))
}

#[cfg(test)]
mod tests;
