//! The objects that this replica's watch has shown, as variables: pure.

use std::{collections::BTreeMap, sync::Arc};

use kube::api::DynamicObject;
use oncue_language::{Namespace, VariableKey};
use oncue_signals::{Signal, SignalError, SignalSpec, object_name};

use super::{
    reserved::Reserved,
    skipped::{Skip, Skipped, SkippedObject},
};
use crate::{
    life::{Assertion, AssertionId},
    memory::{Budget, ByteSize, Exhausted},
    store::{
        Update,
        variables::{self, Variables},
    },
};

/// Where an object is: its namespace and its name.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Place {
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
}

/// One state of one object: what a conditional write names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ObjectState {
    pub(super) uid: Box<str>,
    pub(super) version: u64,
}

/// An object that makes an assertion.
#[derive(Debug)]
struct Known {
    key: VariableKey,
    assertion: Arc<Assertion>,
    state: ObjectState,
    /// Whether its variable did not exist before it.
    made_variable: bool,
    /// The number of the last list that has shown it.
    list: u64,
}

/// All objects that the watch has shown.
#[derive(Debug)]
pub(super) struct Replica {
    budget: Budget,
    variables: Variables,
    objects: BTreeMap<Place, Known>,
    /// The bytes of `objects`.
    object_bytes: usize,
    reserved: Reserved,
    skipped: Skipped,
    /// How many lists have begun.
    list: u64,
    is_listing: bool,
    /// Whether memory was freed since the last list.
    has_freed: bool,
}

impl Replica {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            variables: Variables::default(),
            objects: BTreeMap::new(),
            object_bytes: 0,
            reserved: Reserved::default(),
            skipped: Skipped::default(),
            list: 0,
            is_listing: false,
            has_freed: false,
        }
    }

    pub(super) fn variables(&self) -> &Variables {
        &self.variables
    }

    pub(super) fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// Returns the state of an object that makes an assertion.
    pub(super) fn object(&self, place: &Place) -> Option<&ObjectState> {
        self.objects.get(place).map(|known| &known.state)
    }

    /// Returns whether a variable did not exist before this object of it.
    pub(super) fn made_variable(&self, place: &Place) -> Option<bool> {
        self.objects.get(place).map(|known| known.made_variable)
    }

    /// Returns whether the object is there, skipped or not, and is this one.
    pub(super) fn has(&self, place: &Place, uid: &str) -> bool {
        let skipped = || self.skipped.get(place).map(|it| &it.state);
        let state = self.object(place).or_else(skipped);
        state.is_some_and(|state| *state.uid == *uid)
    }

    /// Returns the limit for which an object makes no assertion here.
    pub(super) fn skipped_for(&self, place: &Place) -> Option<Exhausted> {
        match self.objects.get(place) {
            Some(_) => None,
            None => self.skipped.limit(place),
        }
    }

    /// Returns whether a new list may have room for objects that were skipped.
    pub(super) fn has_room_again(&self) -> bool {
        self.has_freed && self.skipped.count(Skip::MEMORY) > 0
    }

    /// Returns whether a list is under way.
    pub(super) fn is_listing(&self) -> bool {
        self.is_listing
    }

    /// Returns the number of the last list that has begun.
    pub(super) fn list(&self) -> u64 {
        self.list
    }

    /// Takes note that a list begins.
    pub(super) fn begin_list(&mut self) {
        self.list += 1;
        self.is_listing = true;
        self.has_freed = false;
        self.skipped.begin_list();
    }

    /// Takes note that the list is complete: what it has not shown does not exist.
    pub(super) fn end_list(&mut self) -> Vec<Update> {
        self.is_listing = false;
        self.skipped.end_list(self.list);
        let gone = self.objects.iter().filter(|(_, it)| it.list != self.list);
        let gone: Vec<_> = gone.map(|(place, _)| place.clone()).collect();
        gone.iter().filter_map(|it| self.remove(it)).collect()
    }

    /// Takes over an object as it is now. One that is being deleted counts as gone.
    pub(super) fn put(&mut self, object: &DynamicObject) -> Vec<Update> {
        let Some((place, state)) = identity(object) else {
            return Vec::new();
        };
        if object.metadata.deletion_timestamp.is_some() {
            return self.gone(&place);
        }
        match read(object) {
            Ok((key, assertion)) => self.put_assertion(place, state, (key, assertion)),
            Err(error) => {
                let skipped = SkippedObject {
                    state,
                    list: self.list,
                    variable: None,
                };
                self.skip(place, skipped, &Skip::Invalid(error))
            }
        }
    }

    /// Takes note that an object is gone.
    pub(super) fn remove_object(&mut self, object: &DynamicObject) -> Vec<Update> {
        identity(object).map_or_else(Vec::new, |(place, _)| self.gone(&place))
    }

    fn gone(&mut self, place: &Place) -> Vec<Update> {
        self.skipped.remove(place);
        self.remove(place).into_iter().collect()
    }

    fn put_assertion(
        &mut self,
        place: Place,
        state: ObjectState,
        (key, assertion): (VariableKey, Assertion),
    ) -> Vec<Update> {
        let known = self.objects.get(&place);
        let known = known.filter(|it| (&it.key, &it.assertion.id) == (&key, &assertion.id));
        let before = known.map(|it| Arc::clone(&it.assertion));
        // An object that was edited past validation may state something else than before.
        let mut updates: Vec<_> = match before {
            Some(_) => Vec::new(),
            None => self.remove(&place).into_iter().collect(),
        };
        let update = Update {
            key,
            before,
            after: Some(Arc::new(assertion)),
        };
        if let Err(exhausted) = self.make_room(&place, &state, &update) {
            let skipped = SkippedObject {
                state,
                list: self.list,
                variable: Some(update.key.name),
            };
            updates.extend(self.skip(place, skipped, &Skip::OverBudget(exhausted)));
            return updates;
        }
        self.skipped.remove(&place);
        if update.before == update.after {
            self.note_state(&place, state);
        } else {
            self.hold(place, state, &update);
            self.variables.apply(&update);
            updates.push(update);
        }
        updates
    }

    fn note_state(&mut self, place: &Place, state: ObjectState) {
        if let Some(known) = self.objects.get_mut(place) {
            known.state = state;
            known.list = self.list;
        }
    }

    fn hold(&mut self, place: Place, state: ObjectState, update: &Update) {
        let Some(assertion) = update.after.clone() else {
            return;
        };
        let bytes = object_bytes(&place, &state);
        let earlier = self.objects.get(&place).map(|known| known.made_variable);
        let known = Known {
            key: update.key.clone(),
            assertion,
            state,
            made_variable: earlier.unwrap_or_else(|| self.variables.get(&update.key).is_none()),
            list: self.list,
        };
        if self.objects.insert(place, known).is_none() {
            self.object_bytes += bytes;
        }
    }

    /// Checks that an object fits into the budget. One that is there already may always change:
    /// the next list would show it nevertheless.
    fn make_room(
        &self,
        place: &Place,
        state: &ObjectState,
        update: &Update,
    ) -> Result<(), Exhausted> {
        if update.before.is_some() {
            return Ok(());
        }
        let growth = object_bytes(place, state)
            + variables::growth(&self.variables, std::slice::from_ref(update));
        self.check_room(&update.key.namespace, growth, growth)
    }

    /// Checks that a write may take so many bytes, besides those that are under way.
    pub(super) fn check_write(
        &self,
        namespace: &Namespace,
        growth: usize,
    ) -> Result<(), Exhausted> {
        let in_namespace = growth + self.reserved.of(namespace);
        self.check_room(namespace, growth + self.reserved.total(), in_namespace)
    }

    /// Reserves what a write will take.
    pub(super) fn reserve(&mut self, namespace: &Namespace, bytes: usize) {
        self.reserved.add(namespace, bytes);
    }

    /// Gives back what was reserved.
    pub(super) fn give_back(&mut self, namespace: &Namespace, bytes: usize) {
        self.reserved.give_back(namespace, bytes);
    }

    fn check_room(
        &self,
        namespace: &Namespace,
        growth: usize,
        in_namespace: usize,
    ) -> Result<(), Exhausted> {
        let Budget {
            total,
            per_namespace,
        } = self.budget;
        let exhausted = |namespace, limit| Exhausted {
            name: "variables",
            namespace,
            limit: ByteSize(limit),
        };
        if self.variables.bytes() + self.object_bytes + growth > total {
            return Err(exhausted(None, total));
        }
        if self.variables.bytes_in(namespace) + in_namespace > per_namespace {
            return Err(exhausted(Some(namespace.clone()), per_namespace));
        }
        Ok(())
    }

    fn skip(&mut self, place: Place, object: SkippedObject, skip: &Skip) -> Vec<Update> {
        let removed = self.remove(&place);
        self.skipped.put(place, object, skip);
        removed.into_iter().collect()
    }

    fn remove(&mut self, place: &Place) -> Option<Update> {
        let Known {
            key,
            assertion,
            state,
            ..
        } = self.objects.remove(place)?;
        self.object_bytes -= object_bytes(place, &state);
        self.has_freed = true;
        let before = self.variables.remove(&key, &assertion.id)?;
        Some(Update {
            key,
            before: Some(before),
            after: None,
        })
    }

    /// Returns an assertion as it is now.
    pub(super) fn assertion(&self, key: &VariableKey, id: &AssertionId) -> Option<Arc<Assertion>> {
        self.variables.get(key)?.assertion(id).cloned()
    }
}

impl Place {
    /// Returns where the object of an assertion is.
    pub(super) fn of(key: &VariableKey, id: &AssertionId) -> Self {
        Self {
            namespace: key.namespace.as_str().into(),
            name: object_name(key, id).into(),
        }
    }

    /// Returns where an object is, which the API server always says.
    pub(super) fn of_object(object: &DynamicObject) -> Option<Self> {
        Some(Self {
            namespace: object.metadata.namespace.as_deref()?.into(),
            name: object.metadata.name.as_deref()?.into(),
        })
    }
}

/// Returns where an object is and its state; `None` if the API server did not write it.
fn identity(object: &DynamicObject) -> Option<(Place, ObjectState)> {
    let state = ObjectState {
        uid: object.metadata.uid.as_deref()?.into(),
        version: version(object)?,
    };
    Some((Place::of_object(object)?, state))
}

/// Returns the version of an object. Later versions are greater numbers: Kubernetes promises that
/// from 1.35 on, and did it before.
pub(super) fn version(object: &DynamicObject) -> Option<u64> {
    object.metadata.resource_version.as_deref()?.parse().ok()
}

fn read(object: &DynamicObject) -> Result<(VariableKey, Assertion), SignalError> {
    let spec = object.data.get("spec").unwrap_or(&serde_json::Value::Null);
    let signal = Signal {
        metadata: object.metadata.clone(),
        spec: SignalSpec::read(spec)?,
    };
    (&signal).try_into()
}

/// Returns the bytes that the knowledge of an object takes besides its assertion.
fn object_bytes(place: &Place, state: &ObjectState) -> usize {
    bytes_at(place) + state.uid.len()
}

/// Returns the bytes that the knowledge of an object will take besides its assertion.
pub(super) fn new_object_bytes(place: &Place) -> usize {
    bytes_at(place) + UID
}

fn bytes_at(place: &Place) -> usize {
    OBJECT + place.namespace.len() + place.name.len()
}

/// The place, the key, the id and their share of the map.
const OBJECT: usize = 512;

/// The bytes of a uid.
const UID: usize = 36;
