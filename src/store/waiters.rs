//! Held waiters, and the index that finds the waiters that a change concerns.
//!
//! Waiters with the same conditions in the same states are one group: it keeps the conditions
//! once, is judged once and gets one answer, when the first state flips.

mod group;
mod trigger;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    hash::{BuildHasher, RandomState},
    ops::Bound::{Excluded, Unbounded},
    str::FromStr,
    sync::Arc,
};

use oncue_language::{Condition, Grace, Namespace, ObjectKey};
use tokio::sync::oneshot;

use super::{Answer, WaitError};
use crate::{
    fairness::Places,
    life::Timestamp,
    memory::{Exhausted, Pool},
    world::{PositionError, Revision, Shift},
};

pub(crate) use self::group::{Group, Released};
use self::{
    group::{GroupId, Member, MemberId, group_bytes, member_bytes},
    trigger::Trigger,
};

/// All held waiters.
#[derive(Debug)]
pub(crate) struct Waiters {
    memory: Pool,
    places: Places,
    groups: BTreeMap<GroupId, Group>,
    /// The latest group of each list of conditions, grace and reader, by their hash.
    by_conditions: BTreeMap<u64, GroupId>,
    hasher: RandomState,
    /// B-trees, as everywhere in this file: while a hash table grows, all callers wait.
    index: BTreeSet<(Trigger, GroupId)>,
    /// All members. The first has waited longest.
    order: BTreeMap<MemberId, GroupId>,
    /// The members that are pods, by their uid.
    by_pod: BTreeSet<(Box<str>, MemberId)>,
    /// Groups of which a state has flipped, and the revisions of the first flips.
    flagged: VecDeque<(GroupId, Revision)>,
    last_id: u64,
}

/// The identity of a waiter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Waiter {
    /// The namespace of the pod.
    pub namespace: Namespace,
    /// The name of the pod, or `None` for another client.
    pub pod: Option<Box<str>>,
    /// The uid of the pod, or `None` for another client.
    pub uid: Option<Box<str>>,
    /// The start of its wait.
    pub since: Timestamp,
}

/// A held waiter with its conditions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaiterInfo {
    /// The waiter.
    pub who: Waiter,
    /// The conditions that it waits for.
    pub conditions: Arc<[Condition]>,
    /// Which failures count for it.
    pub grace: Grace,
}

/// A page of waiters. The first has waited longest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaiterPage {
    /// The revision at which they were read.
    pub revision: Revision,
    /// The waiters.
    pub waiters: Vec<WaiterInfo>,
    /// The start of the next page, or `None` if this is the last page.
    pub next: Option<WaiterPosition>,
}

/// A position in the list of waiters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WaiterPosition(MemberId);

impl fmt::Display for WaiterPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MemberId { since, number } = self.0;
        write!(f, "{}-{number}", since.as_millis())
    }
}

impl FromStr for WaiterPosition {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (since, number) = text.split_once('-').ok_or(PositionError)?;
        let since = since.parse().map_err(|_| PositionError)?;
        Ok(Self(MemberId {
            since: Timestamp::from_millis(since),
            number: number.parse().map_err(|_| PositionError)?,
        }))
    }
}

/// The place of a held waiter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    group: GroupId,
    member: MemberId,
}

/// A waiter that was given a place.
pub(crate) struct Place {
    pub(crate) ticket: Ticket,
    pub(crate) answer: oneshot::Receiver<Arc<Answer>>,
    pub(crate) grace: Grace,
}

impl Waiters {
    /// Returns an empty index, whose waiters may take the bytes of `memory` and these places.
    pub(crate) fn new(memory: Pool, places: Places) -> Self {
        Self {
            memory,
            places,
            groups: BTreeMap::new(),
            by_conditions: BTreeMap::new(),
            hasher: RandomState::new(),
            index: BTreeSet::new(),
            order: BTreeMap::new(),
            by_pod: BTreeSet::new(),
            flagged: VecDeque::new(),
            last_id: 0,
        }
    }

    /// Holds a waiter whose conditions were just judged.
    pub(crate) fn hold(&mut self, who: Waiter, present: &Answer) -> Result<Place, WaitError> {
        let place = self.places.take(&who.namespace)?;
        let mut share = self.memory.share_in(&who.namespace);
        share
            .grow(member_bytes(&who))
            .map_err(WaitError::OverLimit)?;
        let id = match self.group_of(present) {
            Some(id) => id,
            None => self
                .add_group(&who.namespace, present)
                .map_err(WaitError::OverLimit)?,
        };
        let member = MemberId {
            since: who.since,
            number: self.next_id(),
        };
        self.by_pod.extend(who.uid.clone().map(|uid| (uid, member)));
        let (sender, answer) = oneshot::channel();
        let group = self.groups.entry(id).or_default();
        group
            .members
            .insert(member, Member::new(who, sender, (share, place)));
        self.order.insert(member, id);
        let ticket = Ticket { group: id, member };
        Ok(Place {
            ticket,
            answer,
            grace: present.grace,
        })
    }

    /// Takes all waiters; they get no answer once what is returned is dropped.
    pub(crate) fn take_all(&mut self) -> Self {
        let none = Self {
            last_id: self.last_id,
            ..Self::new(self.memory.clone(), self.places.clone())
        };
        std::mem::replace(self, none)
    }

    /// Returns the group of waiters with the same conditions in the same states.
    fn group_of(&self, present: &Answer) -> Option<GroupId> {
        let hash = self.hash(
            &present.conditions,
            (present.grace, present.reader.as_ref()),
        );
        let id = self.by_conditions.get(&hash)?;
        let group = self.groups.get(id)?;
        let is_it = group.flagged.is_none()
            && group.conditions == present.conditions
            && group.grace == present.grace
            && group.reader == present.reader
            && present.states().eq(group.states.iter().copied());
        is_it.then_some(*id)
    }

    fn add_group(&mut self, namespace: &Namespace, present: &Answer) -> Result<GroupId, Exhausted> {
        let conditions = Arc::clone(&present.conditions);
        let mut share = self.memory.share_in(namespace);
        share.grow(group_bytes(present))?;
        let id = GroupId(self.next_id());
        let group = Group::new(present, share);
        let triggers = group.triggers().map(|trigger| (trigger, id));
        self.index.extend(triggers);
        let hash = self.hash(&conditions, (present.grace, present.reader.as_ref()));
        self.by_conditions.insert(hash, id);
        self.groups.insert(id, group);
        Ok(id)
    }

    fn hash(&self, conditions: &[Condition], of_whom: (Grace, Option<&Namespace>)) -> u64 {
        self.hasher.hash_one((conditions, of_whom))
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Takes a waiter out of its place; `None` if it was answered.
    pub(crate) fn take(&mut self, ticket: Ticket) -> Option<WaiterInfo> {
        let info = self.groups.get(&ticket.group)?.info(&ticket.member)?;
        self.take_member(ticket);
        Some(info)
    }

    /// Removes a waiter that no longer wants an answer.
    pub(crate) fn remove(&mut self, ticket: Ticket) {
        self.take_member(ticket);
    }

    fn take_member(&mut self, ticket: Ticket) -> Option<Member> {
        let group = self.groups.get_mut(&ticket.group)?;
        let taken = group.members.remove(&ticket.member);
        let is_empty = group.members.is_empty();
        if let Some(member) = &taken {
            self.forget(ticket.member, member);
        }
        if is_empty {
            self.take_group(ticket.group);
        }
        taken
    }

    fn forget(&mut self, id: MemberId, member: &Member) {
        self.order.remove(&id);
        if let Some(uid) = member.uid() {
            self.by_pod.remove(&(uid.into(), id));
        }
    }

    fn take_group(&mut self, id: GroupId) -> Option<Group> {
        let group = self.groups.remove(&id)?;
        let hash = self.hash(&group.conditions, (group.grace, group.reader.as_ref()));
        if self.by_conditions.get(&hash) == Some(&id) {
            self.by_conditions.remove(&hash);
        }
        for trigger in group.triggers() {
            self.index.remove(&(trigger, id));
        }
        for (id, member) in &group.members {
            self.forget(*id, member);
        }
        Some(group)
    }

    /// Marks the groups of which the shift flips a state, without a look at the others.
    pub(crate) fn flag(&mut self, shift: &Shift, revision: Revision) {
        if self.groups.is_empty() {
            return;
        }
        let ranges = Trigger::pulled_by(shift).into_iter().map(|range| {
            let (first, last) = range.into_inner();
            (first, GroupId::FIRST)..=(last, GroupId::LAST)
        });
        for (_, id) in ranges.flat_map(|range| self.index.range(range)) {
            if let Some(group) = self.groups.get_mut(id)
                && group.flagged.is_none()
            {
                group.flagged = Some(revision);
                self.flagged.push_back((*id, revision));
            }
        }
    }

    /// Returns whether a waiter asks for an object.
    pub(crate) fn ask_for(&self, key: &ObjectKey) -> bool {
        let object = Trigger::Object(Box::new(key.clone()));
        let asking = (object.clone(), GroupId::FIRST)..=(object, GroupId::LAST);
        self.index.range(asking).next().is_some()
    }

    /// Returns whether a group is marked.
    pub(crate) fn is_flagged(&self) -> bool {
        !self.flagged.is_empty()
    }

    /// Releases marked groups until about `terms` conditions were judged.
    ///
    /// `judge` gets the group and the revision at which the first state flipped. A group without a
    /// changed state stays held.
    pub(crate) fn release(
        &mut self,
        terms: usize,
        mut judge: impl FnMut(&Group, Option<Revision>) -> Answer,
    ) -> Released {
        let mut released = Released::default();
        let mut judged = 0;
        while judged < terms
            && let Some((id, revision)) = self.flagged.pop_front()
        {
            let Some(group) = self.groups.get_mut(&id) else {
                continue;
            };
            judged += group.conditions.len() + group.members.len() / 8 + 1;
            let flips = |answer: &Answer| !answer.states().eq(group.states.iter().copied());
            let then = judge(group, Some(revision));
            let answer = if flips(&then) {
                then
            } else {
                judge(group, None)
            };
            if !flips(&answer) {
                group.flagged = None;
            } else if let Some(group) = self.take_group(id) {
                released.push(group.members.into_values(), answer);
            }
        }
        released
    }

    /// Releases the waiters that are this pod, with what `judge` makes of their group.
    pub(crate) fn release_pod(&mut self, uid: &str, judge: impl Fn(&Group) -> Answer) -> Released {
        let ids = self.by_pod.range((uid.into(), MemberId::FIRST)..);
        let ids = ids
            .take_while(|(other, _)| **other == *uid)
            .map(|(_, id)| *id);
        let ids: Vec<_> = ids.collect();
        let mut released = Released::default();
        for member in ids {
            let Some(group) = self.order.get(&member).copied() else {
                continue;
            };
            let answer = self.groups.get(&group).map(&judge);
            let taken = self.take_member(Ticket { group, member });
            if let (Some(taken), Some(answer)) = (taken, answer) {
                released.push([taken], answer);
            }
        }
        released
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Returns at most `limit` waiters from `position` on, of one namespace or of all. Examines at
    /// most ten times as many.
    pub(crate) fn page(
        &self,
        namespace: Option<&Namespace>,
        limit: usize,
        position: Option<WaiterPosition>,
    ) -> (Vec<WaiterInfo>, Option<WaiterPosition>) {
        let after = position.map_or(Unbounded, |WaiterPosition(last)| Excluded(last));
        let mut waiters = Vec::new();
        let mut last = None;
        let mut rest = self.order.range((after, Unbounded)).enumerate();
        for (looked, (member, id)) in &mut rest {
            let group = self.groups.get(id);
            let info = group.and_then(|group| group.info(member));
            let is_listed = |it: &WaiterInfo| namespace.is_none_or(|n| it.who.namespace == *n);
            waiters.extend(info.filter(is_listed));
            last = Some(WaiterPosition(*member));
            if waiters.len() >= limit || looked >= 10 * limit {
                break;
            }
        }
        let next = rest.next().and(last);
        (waiters, next)
    }
}
