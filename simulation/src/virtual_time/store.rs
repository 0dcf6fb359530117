//! The store in memory: the world, and who waits for which change of it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use oncue_core::world::{
    Answer, Epoch, Mutation, ReadBy, Topic, Update, World, object_topics, variable_topics,
};
use oncue_language::{Condition, Grace, ObjectKey, ObjectState, State, evaluate};

use crate::cluster::{Pod, PodId, StoreView};

/// What pods wait for, and which failures count for them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Asked {
    pub(super) conditions: Arc<[Condition]>,
    pub(super) grace: Grace,
}

/// Pods that wait for the same.
#[derive(Debug)]
struct Group {
    asked: Asked,
    states: Vec<State>,
    pods: BTreeSet<PodId>,
}

/// The store.
#[derive(Debug)]
pub(super) struct VirtualStore {
    world: World,
    groups: HashMap<u64, Group>,
    by_asked: HashMap<Asked, u64>,
    by_pod: HashMap<PodId, u64>,
    by_topic: HashMap<Topic, BTreeSet<u64>>,
    last_group: u64,
    /// The pods for which a state has flipped.
    released: BTreeSet<PodId>,
}

impl Default for VirtualStore {
    fn default() -> Self {
        Self {
            world: World::new(Epoch::new(0)),
            groups: HashMap::new(),
            by_asked: HashMap::new(),
            by_pod: HashMap::new(),
            by_topic: HashMap::new(),
            last_group: 0,
            released: BTreeSet::new(),
        }
    }
}

impl VirtualStore {
    pub(super) fn set_object(&mut self, key: &ObjectKey, state: ObjectState) {
        if self.world.set_object(key, Some(state)).is_some() {
            self.release_on(object_topics(key));
        }
    }

    /// Changes a variable, and returns which assertions have changed.
    pub(super) fn change(&mut self, mutation: &Mutation) -> Vec<Update> {
        let updates = mutation.decide(self.world.variables()).updates;
        for update in updates.iter().cloned() {
            if self.world.update(update).is_some() {
                self.release_on(variable_topics(&mutation.key));
            }
        }
        updates
    }

    pub(super) fn answer(&self, Asked { conditions, grace }: Asked) -> Answer {
        let view = ReadBy::new(&self.world, None, grace);
        Answer::judge(conditions, &view, self.world.revision())
    }

    /// Waits for a change of the state of the conditions.
    pub(super) fn hold(&mut self, pod: PodId, asked: Asked) {
        let id = match self.by_asked.get(&asked) {
            Some(id) => *id,
            None => self.add_group(asked),
        };
        self.by_pod.insert(pod, id);
        if let Some(group) = self.groups.get_mut(&id) {
            group.pods.insert(pod);
        }
    }

    fn add_group(&mut self, asked: Asked) -> u64 {
        self.last_group += 1;
        let id = self.last_group;
        for topic in asked.conditions.iter().map(Topic::of) {
            self.by_topic.entry(topic).or_default().insert(id);
        }
        self.by_asked.insert(asked.clone(), id);
        let group = Group {
            states: self.states(&asked),
            asked,
            pods: BTreeSet::new(),
        };
        self.groups.insert(id, group);
        id
    }

    /// Ends the wait of a pod.
    pub(super) fn release(&mut self, pod: PodId) {
        let Some(id) = self.by_pod.remove(&pod) else {
            return;
        };
        let group = self.groups.get_mut(&id);
        let is_empty = group.is_some_and(|group| {
            group.pods.remove(&pod);
            group.pods.is_empty()
        });
        if is_empty {
            self.take_group(id);
        }
    }

    fn take_group(&mut self, id: u64) -> Option<Group> {
        let group = self.groups.remove(&id)?;
        self.by_asked.remove(&group.asked);
        for topic in group.asked.conditions.iter().map(Topic::of) {
            if let Some(ids) = self.by_topic.get_mut(&topic) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_topic.remove(&topic);
                }
            }
        }
        Some(group)
    }

    fn release_on(&mut self, topics: impl Iterator<Item = Topic>) {
        let ids = topics.filter_map(|topic| self.by_topic.get(&topic));
        let ids: BTreeSet<_> = ids.flatten().copied().collect();
        for id in ids {
            let has_flipped = |group: &Group| self.states(&group.asked) != group.states;
            if !self.groups.get(&id).is_some_and(has_flipped) {
                continue;
            }
            let group = self.take_group(id);
            for pod in group.into_iter().flat_map(|group| group.pods) {
                self.by_pod.remove(&pod);
                self.released.insert(pod);
            }
        }
    }

    fn states(&self, Asked { conditions, grace }: &Asked) -> Vec<State> {
        self.judge(conditions, *grace)
    }

    /// Returns the pods for which a state has flipped since the last call.
    pub(super) fn take_released(&mut self) -> BTreeSet<PodId> {
        std::mem::take(&mut self.released)
    }
}

impl StoreView for VirtualStore {
    fn judge(&self, conditions: &[Condition], grace: Grace) -> Vec<State> {
        let view = ReadBy::new(&self.world, None, grace);
        let state = |condition| evaluate::state(condition, &view);
        conditions.iter().map(state).collect()
    }

    /// A client in memory always acts on the present state.
    fn holds(&self, _pod: &Pod) -> bool {
        true
    }
}
