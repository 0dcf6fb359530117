//! What is reported of all pods, and when.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use oncue_language::{Condition, Namespace, Owner, Timestamp, Verdict};

use super::{
    ConditionReport, EventReport, HeldCondition, HeldReason, ReportedPod, ReportedWait,
    WaitSummary,
    condition::seconds,
    deadlocks::Deadlocks,
    message::joined,
    reported_pod::{OpenWait, Stage, reason_of},
    reported_wait::{DETAILS_APART, Wanted},
    sentence::{Providers, Scene},
};
use crate::{
    life::{ListId, Listing},
    model::{Member, MemberId, Model},
    token_bucket::TokenBucket,
};

/// The pods of a cluster, with what was reported of each.
///
/// Nothing is reported before the first list of pods is complete: until then, nobody knows who
/// would provide what.
#[derive(Debug)]
pub struct Reporter {
    listing: Listing,
    pods: HashMap<Owner, TrackedPod>,
    /// The pods that wait or signal.
    model: Model,
    /// What keeps those of them from being Ready that are not.
    obstacles: HashMap<MemberId, Box<str>>,
    waits: BTreeMap<MemberId, ReportedWait>,
    deadlocks: Deadlocks,
    conditions: TokenBucket,
    events: TokenBucket,
}

/// What is to be written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reports {
    /// Conditions, which go before Events.
    pub conditions: Vec<ConditionReport>,
    /// Events.
    pub events: Vec<EventReport>,
}

/// A wait whose conditions a store is to judge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unjudged {
    /// Which wait it is.
    pub wait: MemberId,
    /// The pod.
    pub pod: Owner,
    /// When the pod was created: a failure from before may not count.
    pub created: Timestamp,
    /// What it waits for.
    pub conditions: Arc<[Condition]>,
}

/// A wait that goes on, with what a store says of it.
#[derive(Clone, Copy, Debug)]
pub struct JudgedWait<'a> {
    /// The pod.
    pub pod: &'a Owner,
    /// When the wait began.
    pub since: Timestamp,
    /// What a store judges: neither probes, nor what names a node that is not known yet.
    pub conditions: &'a [Condition],
    /// The verdict on each of them, in their order.
    pub verdicts: &'a [Verdict],
}

#[derive(Debug)]
struct TrackedPod {
    /// The list, or the changes after it, in which it was seen last.
    list: ListId,
    member: Option<MemberId>,
    is_injected: bool,
}

impl Default for Reporter {
    fn default() -> Self {
        Self {
            listing: Listing::default(),
            pods: HashMap::new(),
            model: Model::default(),
            obstacles: HashMap::new(),
            waits: BTreeMap::new(),
            deadlocks: Deadlocks::default(),
            conditions: TokenBucket::new(CONDITIONS_PER_SECOND, CONDITIONS_AT_ONCE),
            events: TokenBucket::new(EVENTS_PER_SECOND, EVENTS_AT_ONCE),
        }
    }
}

impl Reporter {
    /// The watch begins a new list.
    pub fn listing(&mut self) {
        self.listing.begin();
    }

    /// The list is complete.
    pub fn listed(&mut self) {
        self.listing.end();
        let current = self.listing.current();
        let gone = self.pods.iter().filter(|(_, pod)| pod.list != current);
        let gone: Vec<_> = gone.map(|(id, _)| id.clone()).collect();
        for id in gone {
            self.gone(&id);
        }
    }

    /// The watch shows a pod no more.
    pub fn gone(&mut self, id: &Owner) {
        let tracked = self.pods.remove(id);
        if let Some(member) = tracked.and_then(|it| it.member) {
            self.remove(member);
        }
    }

    /// The watch shows a pod, or a pod that has changed.
    pub fn observe(&mut self, pod: &ReportedPod, now: Timestamp) {
        let Some(member) = self.track(pod) else {
            return;
        };
        match &pod.obstacle {
            Some(obstacle) => drop(self.obstacles.insert(member, obstacle.clone())),
            None => drop(self.obstacles.remove(&member)),
        }
        self.deadlocks.is_stale = true;
        self.note_wait(member, pod, now);
    }

    /// Keeps what is known of a pod. Returns its member of the model, if the pod waits or signals.
    fn track(&mut self, pod: &ReportedPod) -> Option<MemberId> {
        let before = self.pods.get(&pod.id).and_then(|it| it.member);
        let is_of_interest =
            |it: &&Arc<Member>| pod.stage != Stage::Idle || it.signals().next().is_some();
        let member = self.put(before, pod.member.as_ref().filter(is_of_interest));
        let tracked = TrackedPod {
            list: self.listing.current(),
            member,
            is_injected: pod.is_injected,
        };
        self.pods.insert(pod.id.clone(), tracked);
        member
    }

    /// Keeps the wait of a pod until its end is told.
    fn note_wait(&mut self, member: MemberId, pod: &ReportedPod, now: Timestamp) {
        let (stage, condition) = (&pod.stage, &pod.condition);
        let is_told = match stage {
            Stage::Ended(wanted) => condition.as_ref().is_some_and(|it| it.says(wanted)),
            Stage::Open(_) => false,
            Stage::Idle => {
                self.waits.remove(&member);
                return;
            }
        };
        match self.waits.entry(member) {
            Entry::Occupied(mut known) => {
                known
                    .get_mut()
                    .observe(stage.clone(), condition.clone(), now);
            }
            Entry::Vacant(_) if is_told => {}
            Entry::Vacant(new) => {
                let wait = new.insert(ReportedWait::new(pod.id.clone(), now));
                wait.observe(stage.clone(), condition.clone(), now);
                wait.assume_told(now);
            }
        }
    }

    /// Puts a member into the model in place of an earlier state of the pod.
    fn put(&mut self, before: Option<MemberId>, member: Option<&Arc<Member>>) -> Option<MemberId> {
        match (before, member) {
            (Some(id), Some(member)) => {
                if *self.model.member(id) != **member {
                    self.model.replace(id, Arc::clone(member));
                }
                Some(id)
            }
            (Some(id), None) => {
                self.remove(id);
                None
            }
            (None, member) => member.map(|member| self.model.insert(Arc::clone(member))),
        }
    }

    fn remove(&mut self, member: MemberId) {
        self.model.remove(member);
        self.obstacles.remove(&member);
        self.waits.remove(&member);
        self.deadlocks.is_stale = true;
    }

    /// Returns the next of the pods that wait, with the conditions that a store is to judge.
    pub fn unjudged(&self, after: Option<MemberId>, most: usize) -> Vec<Unjudged> {
        let from = after.map_or(Unbounded, Excluded);
        let waits = self.waits.range((from, Unbounded));
        let open = waits.filter_map(|(id, wait)| match &wait.stage {
            Stage::Open(open) => Some(Unjudged {
                wait: *id,
                pod: wait.id.clone(),
                created: open.created,
                conditions: Arc::clone(&open.conditions),
            }),
            Stage::Ended(_) | Stage::Idle => None,
        });
        open.take(most).collect()
    }

    /// Takes over what a store says of the conditions of a pod.
    pub fn judged(&mut self, id: MemberId, verdicts: &[Verdict], now: Timestamp) {
        if let Some(wait) = self.waits.get_mut(&id) {
            self.deadlocks.is_stale |= wait.judge(verdicts, now);
        }
    }

    /// Returns every wait that goes on and was judged, in the order in which the pods were first seen.
    pub fn judged_waits(&self) -> impl Iterator<Item = JudgedWait<'_>> {
        self.waits.values().filter_map(ReportedWait::judged)
    }

    /// A condition of an earlier decision was not written. It is decided again at `retry`.
    pub fn condition_failed(&mut self, id: &Owner, retry: Timestamp) {
        let member = self.pods.get(id).and_then(|it| it.member);
        if let Some(wait) = member.and_then(|id| self.waits.get_mut(&id)) {
            wait.write_failed(retry);
        }
    }

    /// Another replica reports: forgets the waits that are over and whose conditions say so.
    pub fn stand_by(&mut self) {
        self.waits.retain(|_, wait| !wait.is_told());
    }

    /// Everything is decided anew, as after a restart: another replica has reported until now.
    pub fn take_over(&mut self, now: Timestamp) {
        for wait in self.waits.values_mut() {
            wait.begin_anew(now);
        }
        self.deadlocks = Deadlocks::default();
        self.deadlocks.is_stale = true;
    }

    /// Returns what is to be written now, with at most `most` conditions. The shell asks once a
    /// second.
    pub fn decide(&mut self, now: Timestamp, most: usize) -> Reports {
        let mut reports = Reports::default();
        if !self.listing.is_known() {
            return reports;
        }
        for id in self.deadlocks.refresh(&self.model, &self.waits, now) {
            let settled = self.deadlocks.settled(id).unwrap_or(now);
            if let Some(wait) = self.waits.get_mut(&id) {
                wait.next = wait.next.min(settled);
            }
        }
        let mut providers = Providers::new();
        for id in self.due(now) {
            if reports.conditions.len() >= most {
                break;
            }
            self.look(id, now, (&mut providers, &mut reports));
        }
        reports
    }

    /// Returns some of the waits that are to be looked at. The namespaces take turns, so that one with
    /// many pods does not delay the others; within a namespace, the longest overdue comes first.
    fn due(&self, now: Timestamp) -> Vec<MemberId> {
        let due = self.waits.iter().filter(|(_, wait)| wait.next <= now);
        let mut due: Vec<_> = due.map(|(id, wait)| (wait.next, *id)).collect();
        due.sort_unstable();
        let mut turns: HashMap<&Namespace, usize> = HashMap::new();
        let turn = |(next, id): (Timestamp, MemberId)| {
            let namespace = self.waits.get(&id).map(|wait| &wait.id.namespace)?;
            let turn = turns.entry(namespace).or_default();
            *turn += 1;
            Some((*turn, next, id))
        };
        let mut due: Vec<_> = due.into_iter().filter_map(turn).collect();
        due.sort_unstable();
        let due = due.into_iter().take(MOST_LOOKS);
        due.map(|(_, _, id)| id).collect()
    }

    fn look(
        &mut self,
        id: MemberId,
        now: Timestamp,
        (providers, reports): (&mut Providers, &mut Reports),
    ) {
        let Some((wanted, until)) = self.wanted(id, now, providers) else {
            return;
        };
        let Some(wait) = self.waits.get_mut(&id) else {
            return;
        };
        let reason = wanted.condition.reason;
        wait.reason = reason;
        let due = wait.due(&wanted);
        let note = wanted.condition.message.clone();
        let is_written = due.is_some_and(|due| due <= now) && self.conditions.take(1, now);
        if is_written {
            reports.conditions.push(wait.write(wanted, now));
        }
        reports
            .events
            .extend(event(wait, note, (&mut self.events, now)));
        let due = due.filter(|_| !is_written).into_iter();
        let mut due = due.chain(wait.event_due(reason)).peekable();
        let has_ended = !matches!(wait.stage, Stage::Open(_));
        if has_ended && due.peek().is_none() && wait.forgettable() <= now {
            self.waits.remove(&id);
            return;
        }
        let settled = self.deadlocks.settled(id).filter(|it| *it > now);
        let next = due.chain(until).chain(settled).min();
        wait.next = next.unwrap_or(Timestamp::MAX).min(now + DETAILS_APART);
    }

    /// Returns what the condition of a pod should say, and when that may change although nothing is
    /// observed; `None` for a wait that was not judged yet.
    fn wanted(
        &mut self,
        id: MemberId,
        now: Timestamp,
        providers: &mut Providers,
    ) -> Option<(Wanted, Option<Timestamp>)> {
        let wait = self.waits.get_mut(&id)?;
        if let Stage::Ended(condition) = &wait.stage {
            let condition = condition.clone();
            let missing = Box::default();
            return Some((Wanted { condition, missing }, None));
        }
        let (reason, until) = wait.reason(now);
        let has_failed = reason == HeldReason::Failed;
        let ring = self.deadlocks.ring(id, now).filter(|_| !has_failed);
        let wait = self.waits.get(&id)?;
        let open = wait.open()?;
        let reason = ring.map_or(reason, |_| HeldReason::Deadlock);
        let condition = HeldCondition {
            reason,
            message: self.message(id, (wait, open), (reason, ring), providers),
        };
        let missing = wait.missing(open).collect();
        Some((Wanted { condition, missing }, until))
    }

    fn message(
        &self,
        id: MemberId,
        (wait, open): (&ReportedWait, &OpenWait),
        (reason, ring): (HeldReason, Option<&str>),
        providers: &mut Providers,
    ) -> String {
        let scene = Scene {
            model: &self.model,
            obstacles: &self.obstacles,
            waits: &self.waits,
        };
        let member = self.model.member(id);
        let missing: Vec<_> = wait.missing(open).collect();
        let state = match (reason, open.failure) {
            (HeldReason::Deadlock, _) => format!("Deadlock: {}. ", ring.unwrap_or_default()),
            (HeldReason::Failed, _) => "Failed. ".to_owned(),
            (HeldReason::TimedOut, _) => "Timed out. ".to_owned(),
            (_, Some(code)) if reason_of(code).is_none() => {
                format!("The container oncue-wait has ended with exit code {code}. ")
            }
            _ => String::new(),
        };
        let since = seconds(open.since);
        if let Some(unknown) = &open.unknown {
            let sentences = [unknown.to_string()].into_iter();
            return joined(&format!("{state}Waiting since {since}: "), sentences);
        }
        if missing.is_empty() {
            return format!("{state}Everything holds, and the wait is about to end");
        }
        let count = missing.len();
        let head = format!(
            "{state}Waiting since {since} for {count} of {}: ",
            open.terms
        );
        let sentences = missing.iter().map(|&index| {
            let term = &member.annotations.depends_on[index].value;
            scene.sentence((member, term), wait.known(open, index), providers)
        });
        joined(&head, sentences)
    }

    /// Returns how many pods wait, and for how long.
    pub fn summary(&self) -> WaitSummary {
        let open = self.waits.values().filter_map(|wait| match &wait.stage {
            Stage::Open(open) => Some((&wait.id.namespace, wait.reason, open.since)),
            Stage::Ended(_) | Stage::Idle => None,
        });
        let uninjected = self.pods.values().filter(|pod| !pod.is_injected);
        WaitSummary::new(open, uninjected.count())
    }
}

/// Returns the Event about a wait, if one is due.
fn event(
    wait: &mut ReportedWait,
    note: String,
    (bucket, now): (&mut TokenBucket, Timestamp),
) -> Option<EventReport> {
    let reason = wait.reason;
    if reason.is_true() {
        wait.told.end();
    }
    let is_due = wait.event_due(reason).is_some_and(|due| due <= now);
    if !is_due || !bucket.take(1, now) {
        return None;
    }
    Some(EventReport {
        count: wait.told.tell(reason, now)?,
        pod: wait.id.clone(),
        reason,
        note,
        at: now,
    })
}

const CONDITIONS_PER_SECOND: u64 = 50;
const CONDITIONS_AT_ONCE: u64 = 100;
const EVENTS_PER_SECOND: u64 = 5;
const EVENTS_AT_ONCE: u64 = 25;
/// How many pods are looked at in one decision, so that it stays short.
const MOST_LOOKS: usize = 500;
