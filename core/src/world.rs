//! What is true now, and what was true a moment ago: pure.

mod answer;
mod change;
mod history;
mod mutation;
mod revision;
mod scope;
mod topic;
mod variable;
pub mod variables;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use oncue_language::{ObjectKey, ObjectState, Value, VariableKey, View};

use self::history::{Entry, History};
use self::variables::Variables;
use crate::life::Timestamp;

pub use self::{
    answer::{Answer, verdicts},
    change::{Change, ChangeKind, Update},
    history::Past,
    mutation::{Action, Effect, Existing, Mutation, Step, Withdrawal},
    revision::{Epoch, Revision, RevisionError},
    scope::Scope,
    topic::{Topic, object_topics, variable_topics},
    variable::Variable,
};
pub use oncue_language::State;

/// The variables and objects at the present revision.
#[derive(Debug)]
pub struct World {
    epoch: Epoch,
    variables: Variables,
    objects: HashMap<ObjectKey, ObjectState>,
    deadlines: BTreeSet<(Timestamp, VariableKey)>,
    history: History,
}

impl World {
    /// Returns a world without variables and objects.
    pub fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            variables: Variables::default(),
            objects: HashMap::new(),
            deadlines: BTreeSet::new(),
            history: History::default(),
        }
    }

    /// Takes over what a backend committed; none where it is nothing new.
    pub fn update(&mut self, Update { key, after }: Update) -> Option<Change> {
        let before = self.variables.set(&key, after.clone());
        let kind = ChangeKind::between(before.as_ref(), after.as_ref())?;
        self.move_deadline(&key, before.as_deref(), after.as_deref());
        let variable = after.as_ref().or(before.as_ref()).map(Arc::clone)?;
        self.history.push(Entry::Variable {
            owners_before: before.map_or(0, |variable| variable.owners()),
            exists: after.is_some(),
            key,
        });
        Some(Change {
            kind,
            revision: self.revision(),
            variable,
        })
    }

    fn move_deadline(
        &mut self,
        key: &VariableKey,
        before: Option<&Variable>,
        after: Option<&Variable>,
    ) {
        if let Some(deadline) = before.and_then(Variable::expires) {
            self.deadlines.remove(&(deadline, key.clone()));
        }
        if let Some(deadline) = after.and_then(Variable::expires) {
            self.deadlines.insert((deadline, key.clone()));
        }
    }

    /// Takes over the state of an object, `None` where it does not exist; returns whether that is
    /// anything new.
    pub fn set_object(&mut self, key: &ObjectKey, state: Option<ObjectState>) -> bool {
        let before = self.objects.get(key).cloned();
        if before == state {
            return false;
        }
        match state {
            Some(state) => self.objects.insert(key.clone(), state),
            None => self.objects.remove(key),
        };
        self.history.push(Entry::Object {
            key: key.clone(),
            before,
        });
        true
    }

    /// Returns the present revision.
    pub fn revision(&self) -> Revision {
        Revision {
            epoch: self.epoch,
            number: self.history.revision(),
        }
    }

    /// Returns what was true at `revision`; none where nobody knows any more.
    pub fn at(&self, revision: Revision) -> Option<Past<'_>> {
        if revision.epoch != self.epoch {
            return None;
        }
        let since = self.history.since(revision.number)?;
        Some(Past::new(self, since))
    }

    /// Returns a variable.
    pub fn get(&self, key: &VariableKey) -> Option<&Arc<Variable>> {
        self.variables.get(key)
    }

    /// Returns the variables in `scope`, in the order of their keys.
    pub fn list(&self, scope: &Scope) -> Vec<Arc<Variable>> {
        match scope {
            Scope {
                namespace: Some(namespace),
                prefix: Some(prefix),
            } => {
                let key = VariableKey::new(namespace.clone(), prefix.clone());
                let at = self.variables.get(&key).into_iter();
                at.chain(self.variables.below(&key)).cloned().collect()
            }
            Scope { namespace, .. } => {
                let all = self.variables.in_namespace(namespace.as_ref());
                all.filter(|variable| scope.contains(variable))
                    .cloned()
                    .collect()
            }
        }
    }

    /// Returns what changes where `variables` are all there is.
    pub fn updates_to(&self, variables: Vec<Arc<Variable>>) -> Vec<Update> {
        let kept: HashSet<_> = variables.iter().map(|variable| variable.key()).collect();
        let keys = self.variables.iter().map(|variable| variable.key());
        let mut updates: Vec<_> = keys
            .filter(|key| !kept.contains(key))
            .map(|key| Update {
                key: key.clone(),
                after: None,
            })
            .collect();
        updates.extend(variables.into_iter().map(|variable| Update {
            key: variable.key().clone(),
            after: Some(variable),
        }));
        updates
    }

    /// Returns how many variables exist.
    pub fn count(&self) -> usize {
        self.variables.count()
    }

    /// Returns when the next assertion ends by itself.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Returns the variables that have an assertion which has ended by itself at `now`.
    pub fn due(&self, now: Timestamp) -> Vec<VariableKey> {
        let due = self
            .deadlines
            .iter()
            .take_while(|(deadline, _)| *deadline <= now);
        due.map(|(_, key)| key.clone()).collect()
    }
}

impl View for World {
    fn owners(&self, key: &VariableKey) -> usize {
        self.get(key).map_or(0, |variable| variable.owners())
    }

    fn has_value(&self, key: &VariableKey, value: &Value) -> bool {
        self.get(key)
            .is_some_and(|variable| variable.has_value(value))
    }

    fn below(&self, prefix: &VariableKey) -> usize {
        self.variables.below(prefix).count()
    }

    fn object(&self, key: &ObjectKey) -> ObjectState {
        object_state(self.objects.get(key))
    }
}

fn object_state(known: Option<&ObjectState>) -> ObjectState {
    known
        .cloned()
        .unwrap_or_else(|| ObjectState::Pending("does not exist".to_owned()))
}

#[cfg(test)]
mod tests;
