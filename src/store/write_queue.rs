//! Which changes of variables to write next, and when to try again those that failed.
//!
//! Pure: the caller writes, and tells how each write ended and when. The cluster may take long over
//! a write, or refuse it for ever, and anyone who may edit a namespace can bring that about. So a
//! namespace has a limited share of the writes in flight, and what fails is tried ever less often.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    ops::Bound,
    time::Duration,
};

use oncue_language::{Kind, Namespace, VariableKey};
use tokio::time::Instant;

use super::{Mutation, Refusal, StoreError};
use crate::life::AssertionId;

/// The changes that wait to be written, are in flight, or have failed.
#[derive(Debug)]
pub(crate) struct WriteQueue {
    limits: WriteLimits,
    shares: BTreeMap<Namespace, Share>,
    in_flight: usize,
    /// The namespace that began a write last.
    last: Option<Namespace>,
    retries: BTreeSet<(Instant, Place)>,
}

/// How many writes may be in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteLimits {
    pub(crate) all: usize,
    pub(crate) of_namespace: usize,
}

/// How a write ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum WriteEnd {
    /// It is never made: its namespace is gone, or goes away with everything in it.
    Abandoned,
    /// It was made.
    Done,
    /// It may succeed soon.
    Failed,
    /// It will not succeed before someone does something about it.
    Refused,
}

/// An assertion, or a whole variable.
type Place = (VariableKey, Option<AssertionId>);

/// What a namespace has in the queue. Its writes have an order within each lane.
#[derive(Debug, Default)]
struct Share {
    waiting: HashMap<Place, VecDeque<Mutation>>,
    /// The lanes in which something waits and nothing is in flight.
    ready: VecDeque<Place>,
    /// By lane.
    in_flight: HashMap<Place, Mutation>,
    /// By the assertion, until its write succeeds.
    failed: HashMap<Place, FailedWrite>,
}

#[derive(Debug)]
struct FailedWrite {
    mutation: Mutation,
    times: u32,
    /// When to try again; `None` while that is under way.
    due: Option<Instant>,
}

impl WriteEnd {
    /// Returns how a write ended that was not made.
    pub(crate) fn of(error: &StoreError) -> Self {
        match error {
            StoreError::Refused(Refusal::NoNamespace(_) | Refusal::Terminating(_)) => {
                Self::Abandoned
            }
            StoreError::OverLimit(_) | StoreError::Refused(_) => Self::Refused,
            _ => Self::Failed,
        }
    }
}

impl WriteQueue {
    pub(crate) fn new(limits: WriteLimits) -> Self {
        Self {
            limits,
            shares: BTreeMap::new(),
            in_flight: 0,
            last: None,
            retries: BTreeSet::new(),
        }
    }

    /// Takes a change that is wanted now. It replaces an earlier one of the same assertion that
    /// waits; the same one that waits, is in flight or is to be tried again later, stays as it is.
    pub(crate) fn put(&mut self, mutation: Mutation) {
        let place = place(&mutation);
        let share = self.shares.entry(place.0.namespace.clone()).or_default();
        if let Some(failed) = share.failed.get(&place) {
            if failed.mutation.asks_the_same(&mutation) {
                return;
            }
            if let Some(due) = failed.due {
                self.retries.remove(&(due, place.clone()));
            }
            share.failed.remove(&place);
        }
        share.put(mutation);
    }

    /// Returns the changes to write now: those that `is_wanted` still holds for. The namespaces take
    /// turns.
    pub(crate) fn start(&mut self, is_wanted: impl Fn(&Mutation) -> bool) -> Vec<Mutation> {
        let mut started = Vec::new();
        while self.in_flight < self.limits.all
            && let Some(namespace) = self.next_namespace()
        {
            if let Some(share) = self.shares.get_mut(&namespace)
                && let Some(mutation) = share.start(&is_wanted)
            {
                self.in_flight += 1;
                started.push(mutation);
            }
            self.remove_if_empty(&namespace);
            self.last = Some(namespace);
        }
        started
    }

    /// Returns the next namespace, after the last one, that may begin a write.
    fn next_namespace(&self) -> Option<Namespace> {
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let shares = self.shares.range((after, Bound::Unbounded));
        let mut shares = shares.chain(&self.shares);
        let limit = self.limits.of_namespace;
        let next = shares.find(|(_, it)| it.in_flight.len() < limit && !it.ready.is_empty());
        next.map(|(namespace, _)| namespace.clone())
    }

    /// Takes note of the end of a write that was started.
    pub(crate) fn ended(&mut self, mutation: &Mutation, end: WriteEnd, now: Instant) {
        let namespace = &mutation.key.namespace;
        let Some(share) = self.shares.get_mut(namespace) else {
            return;
        };
        if share.end(mutation) {
            self.in_flight -= 1;
        }
        let place = place(mutation);
        let longest = match end {
            WriteEnd::Abandoned | WriteEnd::Done => {
                share.failed.remove(&place);
                return self.remove_if_empty(namespace);
            }
            WriteEnd::Failed => LONGEST_AFTER_FAILURE,
            WriteEnd::Refused => LONGEST_AFTER_REFUSAL,
        };
        // Something else is wanted of this assertion meanwhile.
        if share.has_next(mutation) {
            return;
        }
        let times = share.failed.get(&place).map_or(0, |it| it.times);
        let due = now + pause(times, longest);
        let failed = FailedWrite {
            mutation: mutation.clone(),
            times: times.saturating_add(1),
            due: Some(due),
        };
        share.failed.insert(place.clone(), failed);
        self.retries.insert((due, place));
    }

    /// Returns when the next write is to be tried again.
    pub(crate) fn next_retry(&self) -> Option<Instant> {
        self.retries.first().map(|(due, _)| *due)
    }

    /// Puts the writes that are to be tried again at `now` among those that wait.
    pub(crate) fn retry(&mut self, now: Instant) {
        while self.next_retry().is_some_and(|due| due <= now) {
            let Some((_, place)) = self.retries.pop_first() else {
                return;
            };
            if let Some(share) = self.shares.get_mut(&place.0.namespace)
                && let Some(failed) = share.failed.get_mut(&place)
            {
                failed.due = None;
                let mutation = failed.mutation.clone();
                share.put(mutation);
            }
        }
    }

    /// Forgets everything that is not in flight.
    pub(crate) fn clear(&mut self) {
        self.retries.clear();
        self.shares.retain(|_, share| {
            share.waiting.clear();
            share.ready.clear();
            share.failed.clear();
            !share.in_flight.is_empty()
        });
    }

    /// Returns whether a write in this namespace has failed, and is to be tried again.
    pub(crate) fn is_failing(&self, namespace: &Namespace) -> bool {
        let share = self.shares.get(namespace);
        share.is_some_and(|share| !share.failed.is_empty())
    }

    fn remove_if_empty(&mut self, namespace: &Namespace) {
        if self.shares.get(namespace).is_some_and(Share::is_empty) {
            self.shares.remove(namespace);
        }
    }
}

impl Share {
    fn put(&mut self, mutation: Mutation) {
        let lane = lane(&mutation);
        let in_flight = self.in_flight.get(&lane);
        if in_flight.is_some_and(|it| it.asks_the_same(&mutation)) {
            self.withdraw(&lane, mutation.assertion());
            return;
        }
        let Some(waiting) = self.waiting.get_mut(&lane) else {
            if in_flight.is_none() {
                self.ready.push_back(lane.clone());
            }
            self.waiting.insert(lane, [mutation].into());
            return;
        };
        let is_same = |it: &&mut Mutation| it.assertion() == mutation.assertion();
        match waiting.iter_mut().find(is_same) {
            Some(before) => *before = mutation,
            None => waiting.push_back(mutation),
        }
    }

    /// Takes out a change that waits in a lane in which one is in flight.
    fn withdraw(&mut self, lane: &Place, id: Option<&AssertionId>) {
        if let Some(waiting) = self.waiting.get_mut(lane) {
            waiting.retain(|it| it.assertion() != id);
            if waiting.is_empty() {
                self.waiting.remove(lane);
            }
        }
    }

    /// Takes out the next change that is wanted.
    fn start(&mut self, is_wanted: impl Fn(&Mutation) -> bool) -> Option<Mutation> {
        while let Some(lane) = self.ready.pop_front() {
            let Some(waiting) = self.waiting.get_mut(&lane) else {
                continue;
            };
            let next = waiting.pop_front();
            if waiting.is_empty() {
                self.waiting.remove(&lane);
            }
            let Some(next) = next else {
                continue;
            };
            if is_wanted(&next) {
                self.in_flight.insert(lane, next.clone());
                return Some(next);
            }
            self.failed.remove(&place(&next));
            if self.waiting.contains_key(&lane) {
                self.ready.push_front(lane);
            }
        }
        None
    }

    /// Makes room for the next write of the lane. Returns whether this one was in flight.
    fn end(&mut self, mutation: &Mutation) -> bool {
        let lane = lane(mutation);
        let ended = self.in_flight.remove(&lane);
        if self.waiting.contains_key(&lane) {
            self.ready.push_back(lane);
        }
        ended.is_some()
    }

    /// Returns whether a change of the same assertion waits.
    fn has_next(&self, mutation: &Mutation) -> bool {
        let waiting = self.waiting.get(&lane(mutation)).into_iter().flatten();
        waiting
            .map(Mutation::assertion)
            .any(|id| id == mutation.assertion())
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty() && self.failed.is_empty()
    }
}

fn place(mutation: &Mutation) -> Place {
    (mutation.key.clone(), mutation.assertion().cloned())
}

/// Returns what a change must not be overtaken in: its assertion or, if that is durable, its
/// variable, because an outcome is asserted before the one that it replaces is withdrawn.
fn lane(mutation: &Mutation) -> Place {
    let id = mutation.assertion().filter(|id| id.kind != Kind::Durable);
    (mutation.key.clone(), id.cloned())
}

/// Returns how long to wait after a failure that comes after `times` others.
fn pause(times: u32, longest: Duration) -> Duration {
    let doubled = 2_u32.checked_pow(times);
    let pause = doubled.and_then(|factor| SHORTEST.checked_mul(factor));
    pause.map_or(longest, |pause| pause.min(longest))
}

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST_AFTER_FAILURE: Duration = Duration::from_secs(15);
const LONGEST_AFTER_REFUSAL: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
