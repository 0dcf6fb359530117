//! Waiters with the same conditions.

use std::{collections::BTreeMap, sync::Arc};

use oncue_language::{
    Condition, Demand, Grace, Namespace, ObjectDemand, ObjectKey, State, Subject,
};
use tokio::sync::oneshot;

use super::{Trigger, Waiter, WaiterInfo};
use crate::{fairness::Place, life::Timestamp, memory::Share, store::Answer, world::Revision};

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct GroupId(pub(super) u64);

impl GroupId {
    pub(super) const FIRST: Self = Self(0);
    pub(super) const LAST: Self = Self(u64::MAX);
}

/// Identifies a member. Members are ordered by the start of their waits.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct MemberId {
    pub(super) since: Timestamp,
    pub(super) number: u64,
}

/// Waiters whose conditions are the same, and had the same states when they were judged; the same
/// failures count for them, and the same namespaces may be read.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) conditions: Arc<[Condition]>,
    pub(crate) grace: Grace,
    /// The namespace of the members; `None` if it makes no difference.
    pub(crate) reader: Option<Namespace>,
    pub(super) states: Box<[State]>,
    pub(super) members: BTreeMap<MemberId, Member>,
    /// The revision at which the first state flipped.
    pub(super) flagged: Option<Revision>,
    _share: Option<Share>,
}

#[derive(Debug)]
pub(super) struct Member {
    who: Waiter,
    answer: oneshot::Sender<Arc<Answer>>,
    _share: Share,
    _place: Place,
}

impl Group {
    /// Returns a group without members, whose conditions were just judged.
    pub(super) fn new(present: &Answer, share: Share) -> Self {
        Self {
            conditions: Arc::clone(&present.conditions),
            grace: present.grace,
            reader: present.reader.clone(),
            states: present.states().collect(),
            _share: Some(share),
            ..Self::default()
        }
    }

    /// Returns the changes that can flip a state.
    pub(super) fn triggers(&self) -> impl Iterator<Item = Trigger> {
        let conditions = self.conditions.iter();
        let of_states = conditions.map(|condition| Trigger::of(condition, self.grace));
        of_states.chain(self.others().cloned().map(Trigger::Readers))
    }

    /// Returns the namespaces that the members may read only if these let them.
    fn others(&self) -> impl Iterator<Item = &Namespace> {
        let reader = self.reader.as_ref();
        let namespaces = self
            .conditions
            .iter()
            .filter_map(|it| it.subject.namespace());
        namespaces.filter(move |it| reader.is_some_and(|reader| reader != *it))
    }

    pub(super) fn info(&self, member: &MemberId) -> Option<WaiterInfo> {
        Some(WaiterInfo {
            who: self.members.get(member)?.who.clone(),
            conditions: Arc::clone(&self.conditions),
            grace: self.grace,
        })
    }
}

impl MemberId {
    pub(super) const FIRST: Self = Self {
        since: Timestamp::from_millis(0),
        number: 0,
    };
}

impl Member {
    pub(super) fn uid(&self) -> Option<&str> {
        self.who.uid.as_deref()
    }

    pub(super) fn new(
        who: Waiter,
        answer: oneshot::Sender<Arc<Answer>>,
        (share, place): (Share, Place),
    ) -> Self {
        Self {
            who,
            answer,
            _share: share,
            _place: place,
        }
    }
}

/// Waiters that are no longer held, with their answers.
#[derive(Debug, Default)]
#[must_use = "they wait until they are answered"]
pub(crate) struct Released(Vec<(Vec<Member>, Arc<Answer>)>);

impl Released {
    pub(super) fn push(&mut self, members: impl IntoIterator<Item = Member>, answer: Answer) {
        let members = members.into_iter().collect();
        self.0.push((members, Arc::new(answer)));
    }

    /// Answers all of them. Waiters that have gone are ignored.
    pub(crate) fn answer(self) {
        for (members, answer) in self.0 {
            for member in members {
                let _gone = member.answer.send(Arc::clone(&answer));
            }
        }
    }
}

/// Returns the size of a member in bytes, without its group.
pub(super) fn member_bytes(who: &Waiter) -> usize {
    let length = |text: &Option<Box<str>>| text.as_ref().map_or(0, |it| it.len());
    // The uid stands in the index too.
    MEMBER + length(&who.pod) + 2 * length(&who.uid)
}

/// Returns the size of a group in bytes, without its members.
pub(super) fn group_bytes(present: &Answer) -> usize {
    let conditions = present.conditions.iter();
    let readers = conditions.len() * present.reader.as_ref().map_or(0, |_| READERS);
    GROUP + readers + conditions.map(condition_bytes).sum::<usize>()
}

/// The texts of a condition are shared with its entry in the index.
fn condition_bytes(condition: &Condition) -> usize {
    CONDITION
        + match &condition.subject {
            Subject::Below { prefix, .. } => prefix.name.as_str().len(),
            Subject::Object(key) => object_bytes(key),
            Subject::Variable { key, demand } => {
                let value = match demand {
                    Demand::Equals(value) => value.as_str().len(),
                    Demand::Exists | Demand::Owners(_) => 0,
                };
                key.name.as_str().len() + value
            }
        }
}

/// Returns the bytes of two keys: the condition's and the index's.
fn object_bytes(key: &ObjectKey) -> usize {
    let texts = key.which.texts().count();
    let steps = match &key.demand {
        ObjectDemand::Field { path, .. } => path.steps().len(),
        ObjectDemand::Condition(_) | ObjectDemand::Rule => 0,
    };
    2 * (OBJECT + key.to_string().len() + PIECE * (texts + steps))
}

/// Bytes of a condition, of its state and of its entry in the index, which is two thirds full.
const CONDITION: usize = 384;
const GROUP: usize = 768;
const MEMBER: usize = 512;
/// Bytes of the entry in the index of a namespace that is read.
const READERS: usize = 96;
const OBJECT: usize = 256;
/// Bytes of a label or of a step of a path, besides its text.
const PIECE: usize = 64;
