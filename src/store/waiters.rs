//! Who is held until what: the index from what can change to whom that concerns.
//!
//! Waiters with the same conditions are one group, judged once and answered with one answer. All
//! of a group see the same present states, since the first that flips releases them all.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use oncue_language::{Condition, Namespace};
use tokio::sync::oneshot;

use super::{Answer, State};
use crate::life::Timestamp;

pub(crate) use crate::world::{Topic, object_topics, variable_topics};

/// All waiters that are held.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    groups: HashMap<GroupId, Group>,
    ids: HashMap<Arc<[Condition]>, GroupId>,
    index: HashMap<Topic, HashSet<GroupId>>,
    last_id: u64,
    len: usize,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct GroupId(u64);

#[derive(Debug)]
struct Group {
    conditions: Arc<[Condition]>,
    states: Box<[State]>,
    members: HashMap<u64, Member>,
}

#[derive(Debug)]
struct Member {
    who: Waiter,
    answer: oneshot::Sender<Arc<Answer>>,
}

/// Who waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Waiter {
    /// Where it lives.
    pub namespace: Namespace,
    /// The pod's name, where it is one.
    pub pod: Option<Box<str>>,
    /// Since when it waits.
    pub since: Timestamp,
}

/// A waiter that is held, with what it waits for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaiterInfo {
    /// Who waits.
    pub who: Waiter,
    /// For what.
    pub conditions: Arc<[Condition]>,
}

/// The place of a held waiter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    group: GroupId,
    member: u64,
}

impl Waiters {
    /// Holds a waiter whose conditions are in `answer`'s states now.
    pub(crate) fn hold(
        &mut self,
        who: Waiter,
        conditions: Arc<[Condition]>,
        present: &Answer,
    ) -> (Ticket, oneshot::Receiver<Arc<Answer>>) {
        let id = match self.ids.get(&conditions) {
            Some(id) => *id,
            None => self.add_group(conditions, present),
        };
        let member = self.next_id();
        let (answer, receiver) = oneshot::channel();
        if let Some(group) = self.groups.get_mut(&id) {
            group.members.insert(member, Member { who, answer });
            self.len += 1;
        }
        (Ticket { group: id, member }, receiver)
    }

    fn add_group(&mut self, conditions: Arc<[Condition]>, present: &Answer) -> GroupId {
        let id = GroupId(self.next_id());
        for topic in conditions.iter().map(Topic::of) {
            self.index.entry(topic).or_default().insert(id);
        }
        self.ids.insert(Arc::clone(&conditions), id);
        let group = Group {
            conditions,
            states: present.states().collect(),
            members: HashMap::new(),
        };
        self.groups.insert(id, group);
        id
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Lets a waiter go that wants no answer any more.
    pub(crate) fn remove(&mut self, ticket: Ticket) {
        let Some(group) = self.groups.get_mut(&ticket.group) else {
            return;
        };
        self.len -= usize::from(group.members.remove(&ticket.member).is_some());
        if group.members.is_empty() {
            self.take_group(ticket.group);
        }
    }

    fn take_group(&mut self, id: GroupId) -> Option<Group> {
        let group = self.groups.remove(&id)?;
        self.ids.remove(&group.conditions);
        for topic in group.conditions.iter().map(Topic::of) {
            if let Some(ids) = self.index.get_mut(&topic) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.index.remove(&topic);
                }
            }
        }
        Some(group)
    }

    /// Takes out every waiter on one of `topics` for which `judge` finds that a state has flipped.
    pub(crate) fn release(
        &mut self,
        topics: impl Iterator<Item = Topic>,
        judge: impl Fn(&[Condition]) -> Answer,
    ) -> Released {
        let mut released = Released::default();
        if self.groups.is_empty() {
            return released;
        }
        for id in self.concerned(topics) {
            let Some(group) = self.groups.get(&id) else {
                continue;
            };
            let answer = judge(&group.conditions);
            if answer.states().eq(group.states.iter().copied()) {
                continue;
            }
            if let Some(group) = self.take_group(id) {
                self.len -= group.members.len();
                released.0.push((group, Arc::new(answer)));
            }
        }
        released
    }

    fn concerned(&self, topics: impl Iterator<Item = Topic>) -> HashSet<GroupId> {
        topics
            .filter_map(|topic| self.index.get(&topic))
            .flatten()
            .copied()
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the waiters of one namespace, or of all.
    pub(crate) fn list(&self, namespace: Option<&Namespace>) -> Vec<WaiterInfo> {
        let is_listed =
            |who: &Waiter| namespace.is_none_or(|namespace| who.namespace == *namespace);
        let members = self.groups.values().flat_map(|group| {
            group.members.values().map(|member| WaiterInfo {
                who: member.who.clone(),
                conditions: Arc::clone(&group.conditions),
            })
        });
        members.filter(|info| is_listed(&info.who)).collect()
    }
}

/// Waiters that are no longer held, with their answers.
#[derive(Debug, Default)]
#[must_use = "they wait until they are answered"]
pub(crate) struct Released(Vec<(Group, Arc<Answer>)>);

impl Released {
    /// Adds what another change has released.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Answers all of them; who went away meanwhile misses nothing.
    pub(crate) fn answer(self) {
        for (group, answer) in self.0 {
            for member in group.members.into_values() {
                let _gone = member.answer.send(Arc::clone(&answer));
            }
        }
    }
}
