//! The state in memory, behind one lock: changed by the backend, read by all requests.
//!
//! The lock is held briefly: changes are applied, and waiters released, a few at a time.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use oncue_language::{
    Condition, Grace, Namespace, ObjectKey, ObjectState, Presence, VariableKey, View,
};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::{
    Answer, Epoch, Feed, Limits, Page, Position, Revision, Scope, Staleness, State, Update,
    WaitError, Waiter, WaiterPage, WaiterPosition, Watch, WatchError,
    asked::{AskedObjects, object_of},
    change_log::ChangeLog,
    dependent_pods::DependentPods,
    variables::Variables,
    waiters::{Group, Place, Released, Ticket, Waiters},
};
use crate::{
    cross_namespace::{Knowledge, Namespaces, Policy, Read, Readers, Refusal},
    dependent_pod::DependentPod,
    fairness::Places,
    life::Timestamp,
    memory::Pool,
    release::ReleaseReason,
    world::{CrossRead, Deadline, ReadBy, Shift, World, states},
};

/// Whether the store learns about objects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ObjectSource {
    /// A source exists: an unknown object does not exist.
    Fed,
    /// No source: a condition on an object is rejected, and an optional one is never judged.
    #[default]
    None,
}

/// Numbers of what a store holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stats {
    /// How many variables exist.
    pub variables: usize,
    /// How many waiters are held.
    pub waiters: usize,
    /// How many watchers are served.
    pub watchers: usize,
}

/// A request to wait.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaitRequest {
    /// The client that waits.
    pub who: Waiter,
    /// The conditions, in the order of the answer. Optional ones do not count for the outcome: the
    /// waiter is only told when they change.
    pub conditions: Arc<[Condition]>,
    /// The revision of an earlier answer, or `None` for the current state.
    pub revision: Option<Revision>,
    /// Whether that answer told why a person let the pod go. A client that goes on nevertheless does
    /// not know of releases, and must not ask again and again.
    pub knows_release: bool,
}

/// All variables and objects, and the held waiters.
#[derive(Debug)]
pub(super) struct Shared {
    watchers: Places,
    state: Mutex<Known>,
    changes: ChangeLog,
    deadline_moved: Notify,
    /// Notified if a change leaves waiters for the task to release.
    flagged: Notify,
    objects_asked: Notify,
}

#[derive(Debug)]
struct Known {
    world: World,
    waiters: Waiters,
    objects: ObjectSource,
    asked: AskedObjects,
    pods: DependentPods,
    is_stale: bool,
}

/// A wait that begins.
#[derive(Clone, Debug)]
pub(super) struct NewWait {
    pub(super) request: WaitRequest,
    pub(super) until: Until,
    pub(super) now: Timestamp,
}

/// How long a wait is held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Until {
    /// Until a state has flipped since the revision.
    Changed,
    /// Until then, but not while all conditions hold or one has failed. If some are optional, the
    /// waiter waits for them although the others hold.
    Settled,
}

/// The immediate result of a wait.
pub(super) enum Entry {
    Answered(Arc<Answer>),
    Held(Place),
}

impl Shared {
    pub(super) fn new(limits: Limits, epoch: Epoch) -> Self {
        Self {
            state: Mutex::new(Known {
                world: World::new(epoch),
                waiters: Waiters::new(
                    Pool::new("waits", limits.waits),
                    Places::new("waiters", limits.waiters),
                ),
                objects: ObjectSource::default(),
                asked: AskedObjects::default(),
                pods: DependentPods::default(),
                is_stale: false,
            }),
            changes: ChangeLog::new(limits.watch_backlog),
            watchers: Places::new("watchers", limits.watchers),
            deadline_moved: Notify::new(),
            flagged: Notify::new(),
            objects_asked: Notify::new(),
        }
    }

    pub(super) fn changes(&self) -> &ChangeLog {
        &self.changes
    }

    pub(super) fn revision(&self) -> Revision {
        self.state.lock().world.revision()
    }

    pub(super) fn exists(&self, key: &VariableKey) -> bool {
        self.state.lock().world.get(key).is_some()
    }

    pub(super) fn page(&self, scope: &Scope, limit: usize, position: Option<Position>) -> Page {
        self.page_and_end(scope, limit, position).0
    }

    /// Returns a page, and the number of the first change after it.
    pub(super) fn page_and_end(
        &self,
        scope: &Scope,
        limit: usize,
        position: Option<Position>,
    ) -> (Page, u64) {
        let known = self.state.lock();
        let page = known.world.page(scope, limit.min(LONGEST_PAGE), position);
        (page, self.changes.end())
    }

    /// Judges conditions for a wait that begins in the namespace `reader`.
    pub(super) fn judge(
        &self,
        conditions: &Arc<[Condition]>,
        (grace, reader): (Grace, &Namespace),
    ) -> Result<Answer, WaitError> {
        let mut known = self.state.lock();
        known.refuse_objects(conditions)?;
        let question = Question {
            conditions,
            grace,
            reader: Some(reader),
        };
        self.ask_for_objects(&mut known, &question);
        Ok(judge(&known.world, &question, None))
    }

    /// Returns which failures count for the pod with this uid, whose wait began at `since`.
    pub(super) fn grace_of(&self, uid: &str, since: Timestamp, now: Timestamp) -> Grace {
        self.state.lock().pods.grace_of(uid, since, now)
    }

    /// Notes the objects that are asked for.
    fn ask_for_objects(&self, known: &mut Known, question: &Question<'_>) {
        let Known {
            world,
            asked,
            objects,
            ..
        } = known;
        if *objects == ObjectSource::Fed && question.note_objects(asked, world) {
            self.objects_asked.notify_one();
        }
    }

    /// Answers the wait, or holds it.
    pub(super) fn wait(&self, wait: NewWait) -> Result<Entry, WaitError> {
        let NewWait {
            request,
            until,
            now,
        } = wait;
        let mut known = self.state.lock();
        known.refuse_objects(&request.conditions)?;
        let question = Question {
            conditions: &request.conditions,
            grace: known.pods.grace(&request.who, now),
            reader: Some(&request.who.namespace),
        };
        self.ask_for_objects(&mut known, &question);
        let present = judge(&known.world, &question, None);
        let release = known.pods.release(&request.who);
        let is_released = release.is_some() && !request.knows_release;
        let is_settled = until == Until::Settled && is_settled(&request, &present);
        // What held a while ago lets pods start while no API server answers. Another replica may know
        // more of everything else.
        if known.is_stale && !is_released && present.outcome != State::Held {
            return Err(WaitError::Stale);
        }
        if is_released || is_settled || !known.is_unchanged(&request, &present) {
            return Ok(Entry::Answered(Arc::new(present.released(release))));
        }
        if known.is_stale {
            return Err(WaitError::Stale);
        }
        let place = known.waiters.hold(request.who, &present)?;
        Ok(Entry::Held(place))
    }

    /// Takes note that the backend is stale, or not any more. Then nobody waits here.
    fn set_stale(&self, is_stale: bool) {
        let mut known = self.state.lock();
        known.is_stale = is_stale;
        let waiters = is_stale.then(|| known.waiters.take_all());
        drop(known);
        drop(waiters);
    }

    /// Takes note of what `staleness` says, for ever.
    pub(super) async fn follow(self: Arc<Self>, staleness: Staleness) {
        loop {
            let is_stale = staleness.is_stale();
            self.set_stale(is_stale);
            staleness.changes_from(is_stale).await;
        }
    }

    /// Returns why a wait ended without an answer.
    pub(super) fn refusal(&self) -> WaitError {
        if self.state.lock().is_stale {
            WaitError::Stale
        } else {
            WaitError::Closed
        }
    }

    /// Ends a held wait, and returns the present answer to it; `None` if it was answered meanwhile.
    pub(super) fn present(
        &self,
        ticket: Ticket,
        now: Timestamp,
    ) -> Option<Result<Arc<Answer>, WaitError>> {
        let mut known = self.state.lock();
        let held = known.waiters.take(ticket)?;
        if let Err(error) = known.refuse_objects(&held.conditions) {
            return Some(Err(error));
        }
        let question = Question {
            conditions: &held.conditions,
            grace: held.grace.at(now),
            reader: Some(&held.who.namespace),
        };
        self.ask_for_objects(&mut known, &question);
        let present = judge(&known.world, &question, None);
        let release = known.pods.release(&held.who);
        Some(Ok(Arc::new(present.released(release))))
    }

    pub(super) fn leave(&self, ticket: Ticket) {
        self.state.lock().waiters.remove(ticket);
    }

    pub(super) fn watch(
        self: &Arc<Self>,
        scope: Scope,
        by: &Namespace,
    ) -> Result<Watch, WatchError> {
        let place = self.watchers.take(by)?;
        Ok(Watch::new(self, scope).at(place))
    }

    pub(super) fn waiters(
        &self,
        namespace: Option<&Namespace>,
        limit: usize,
        position: Option<WaiterPosition>,
    ) -> WaiterPage {
        let known = self.state.lock();
        let limit = limit.clamp(1, LONGEST_PAGE);
        let (waiters, next) = known.waiters.page(namespace, limit, position);
        WaiterPage {
            revision: known.world.revision(),
            waiters,
            next,
        }
    }

    pub(super) fn judge_objects(&self, source: ObjectSource) {
        self.state.lock().objects = source;
    }

    pub(super) fn feed_pods(&self) {
        self.state.lock().pods.begin();
    }

    /// Takes note of a dependent pod, and answers its waits if a person has let it go.
    pub(super) fn set_pod(&self, pod: &DependentPod, now: Timestamp) {
        let mut known = self.state.lock();
        if let Some(reason) = known.pods.put(pod, now) {
            let released = known.release_pod(&pod.id.uid, &reason);
            drop(known);
            released.answer();
        }
    }

    pub(super) fn forget_pod(&self, uid: &str) {
        self.state.lock().pods.remove(uid);
    }

    pub(super) fn retain_pods(&self, uids: &HashSet<Box<str>>) {
        self.state.lock().pods.retain(uids);
    }

    pub(super) fn set_policy(&self, policy: Policy) {
        self.state.lock().world.set_policy(policy);
    }

    pub(super) fn know_namespaces(&self, knowledge: Knowledge) {
        self.state.lock().world.know_namespaces(knowledge);
    }

    pub(super) fn set_readers(&self, of: &Namespace, readers: Option<Readers>) {
        self.change(|known| known.world.set_readers(of, readers));
    }

    /// Takes note that only these namespaces say who may read them.
    pub(super) fn retain_readers(&self, annotated: &BTreeSet<Namespace>) {
        let known = self.state.lock();
        let namespaces = known.world.namespaces().into_iter();
        let all = namespaces.flat_map(Namespaces::annotated);
        let gone: Vec<_> = all.filter(|it| !annotated.contains(it)).cloned().collect();
        drop(known);
        for namespace in gone {
            self.set_readers(&namespace, None);
        }
    }

    pub(super) fn may_read(&self, read: &Read<'_>) -> Result<(), Refusal> {
        self.state.lock().world.may_read(read)
    }

    pub(super) fn set_object(&self, key: &ObjectKey, state: Option<ObjectState>) {
        self.change(|known| known.world.set_object(key, state));
    }

    /// Forgets those of some objects that no held waiter asks for, and that nobody has asked for
    /// since they were looked at last. Returns them.
    pub(super) fn forget_unasked_objects(&self, keys: Vec<ObjectKey>) -> Vec<ObjectKey> {
        let mut forgotten = Vec::new();
        let mut keys = keys.into_iter().peekable();
        while keys.peek().is_some() {
            let mut known = self.state.lock();
            let slice = keys.by_ref().take(SLICE);
            forgotten.extend(slice.filter(|key| known.forget_unasked(key)));
        }
        forgotten
    }

    /// Waits until someone asks for objects that nobody has told of yet. Returns them with the
    /// namespaces that ask.
    pub(super) async fn asked_objects(&self) -> BTreeMap<ObjectKey, Namespace> {
        loop {
            let asked = self.state.lock().asked.take_unknown();
            if !asked.is_empty() {
                return asked;
            }
            self.objects_asked.notified().await;
        }
    }

    /// Returns the objects that were known when someone asked for them, since the last call.
    pub(super) fn asked_known_objects(&self) -> BTreeSet<ObjectKey> {
        self.state.lock().asked.take_known()
    }

    pub(super) fn knows_object(&self, key: &ObjectKey) -> bool {
        self.state.lock().world.knows_object(key)
    }

    fn change(&self, change: impl FnOnce(&mut Known) -> Option<Shift>) {
        let mut known = self.state.lock();
        if let Some(shift) = change(&mut known) {
            let revision = known.world.revision();
            known.waiters.flag(&shift, revision);
        }
        self.release_some(known);
    }

    pub(super) fn stats(&self) -> Stats {
        let known = self.state.lock();
        Stats {
            variables: known.world.variables().count(),
            waiters: known.waiters.len(),
            watchers: self.watchers.taken(),
        }
    }

    /// Returns when the next assertion after this one ends by itself.
    pub(super) fn next_deadline(&self, after: Option<&Deadline>) -> Option<Timestamp> {
        let known = self.state.lock();
        known.world.deadlines(after).next().map(|(at, ..)| *at)
    }

    /// Returns the next assertions after this one that have expired; none if there are no more.
    pub(super) fn due(&self, now: Timestamp, after: Option<&Deadline>) -> Vec<Deadline> {
        let known = self.state.lock();
        let due = known
            .world
            .deadlines(after)
            .take_while(|(at, ..)| *at <= now);
        due.take(SLICE).cloned().collect()
    }

    /// Waits until there is a new deadline.
    pub(super) async fn deadline_moved(&self) {
        self.deadline_moved.notified().await;
    }

    /// Releases the waiters that changes have left for this task.
    pub(super) async fn keep_releasing(self: Arc<Self>) {
        loop {
            self.flagged.notified().await;
            while self.release_some(self.state.lock()) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Answers some of the waiters with a flipped state. Returns whether some are left.
    fn release_some(&self, mut known: MutexGuard<'_, Known>) -> bool {
        let (released, asks) = known.release();
        let is_left = known.waiters.is_flagged();
        // The next one that waits for the lock gets it before we do.
        MutexGuard::unlock_fair(known);
        released.answer();
        if asks {
            self.objects_asked.notify_one();
        }
        if is_left {
            self.flagged.notify_one();
        }
        is_left
    }

    /// Applies updates in slices, and releases the lock in between.
    fn take_over_all(&self, mut updates: impl Iterator<Item = Update>) {
        loop {
            let slice = next_slice(&mut updates);
            if slice.is_empty() {
                break;
            }
            self.take_over(slice);
        }
    }

    /// Applies some updates, and releases some of the waiters.
    fn take_over(&self, updates: Vec<Update>) {
        let mut known = self.state.lock();
        let mut has_deadline = false;
        let mut changes = Vec::new();
        for update in updates {
            has_deadline |= update.after.as_ref().is_some_and(|it| it.expires.is_some());
            if let Some((change, shifts)) = known.world.update(update) {
                for shift in &shifts {
                    known.waiters.flag(shift, change.revision);
                }
                changes.push(change);
            }
        }
        self.changes.push(changes);
        if has_deadline {
            self.deadline_moved.notify_one();
        }
        self.release_some(known);
    }
}

impl Feed for Shared {
    /// Removes first what no longer exists.
    fn reset(&self, variables: &Variables) {
        let mut position = None;
        loop {
            let page = self.page(&Scope::default(), SLICE, position);
            let assertions = page.assertions.into_iter();
            let gone = assertions.filter(|(key, known)| {
                let variable = variables.get(key);
                variable.is_none_or(|it| it.assertion(&known.id).is_none())
            });
            self.take_over_all(gone.map(|(key, before)| Update {
                key,
                before: Some(before),
                after: None,
            }));
            match page.next {
                Some(next) => position = Some(next),
                None => break,
            }
        }
        self.take_over_all(variables.assertions().map(|(key, assertion)| Update {
            key,
            before: None,
            after: Some(Arc::clone(assertion)),
        }));
    }

    fn committed(&self, updates: &[Update]) {
        self.take_over_all(updates.iter().cloned());
    }
}

impl Known {
    fn refuse_objects(&self, conditions: &[Condition]) -> Result<(), WaitError> {
        let is_object = |condition: &&Condition| {
            condition.presence != Presence::Optional && object_of(condition).is_some()
        };
        match (self.objects, conditions.iter().find(is_object)) {
            (ObjectSource::None, Some(condition)) => Err(WaitError::NoObjects {
                condition: Box::new(condition.clone()),
            }),
            (ObjectSource::None, None) | (ObjectSource::Fed, _) => Ok(()),
        }
    }

    /// Returns whether no state has flipped since the revision of the request.
    fn is_unchanged(&self, request: &WaitRequest, present: &Answer) -> bool {
        let WaitRequest {
            conditions,
            revision,
            ..
        } = request;
        let past = revision.and_then(|revision| self.world.at(revision));
        past.is_some_and(|past| {
            let then = ReadBy::new(&past, present.reader.as_ref(), present.grace);
            past.can_judge(conditions, present.grace)
                && states(conditions, &then).eq(present.states())
        })
    }

    fn release_pod(&mut self, uid: &str, reason: &ReleaseReason) -> Released {
        let Self { world, waiters, .. } = self;
        waiters.release_pod(uid, |group| {
            let answer = judge(world, &Question::of(group), None);
            answer.released(Some(reason.clone()))
        })
    }

    /// Forgets an object unless someone asks for it. Returns whether it did.
    fn forget_unasked(&mut self, key: &ObjectKey) -> bool {
        let is_unasked = !self.asked.contains(key) && !self.waiters.ask_for(key);
        if is_unasked {
            // Nobody waits for it, so that nobody has to be released.
            self.forget(key);
        }
        is_unasked
    }

    fn forget(&mut self, key: &ObjectKey) -> Option<Shift> {
        self.asked.forget(key);
        self.world.forget_object(key)
    }

    /// Releases some of the waiters with a flipped state. Returns whether an object is asked for that
    /// they may not have known before.
    fn release(&mut self) -> (Released, bool) {
        let Self {
            world,
            waiters,
            asked,
            objects,
            ..
        } = self;
        let mut asks = false;
        let released = waiters.release(SLICE, |group, at| {
            let question = Question::of(group);
            if group.reader.is_some() && *objects == ObjectSource::Fed {
                asks |= question.note_objects(asked, world);
            }
            judge(world, &question, at)
        });
        (released, asks)
    }
}

/// Conditions to judge, and for whom.
#[derive(Clone, Copy, Debug)]
struct Question<'a> {
    conditions: &'a Arc<[Condition]>,
    /// Which failures count.
    grace: Grace,
    /// The namespace of the one who asks; `None` if it makes no difference.
    reader: Option<&'a Namespace>,
}

impl<'a> Question<'a> {
    fn of(group: &'a Group) -> Self {
        Self {
            conditions: &group.conditions,
            grace: group.grace,
            reader: group.reader.as_ref(),
        }
    }

    /// Returns the same question without what makes no difference, so that as many waiters as
    /// possible share their answers.
    fn shared(self, world: &World) -> Self {
        let is_failure = |it: &Condition| it.presence == Presence::Failure;
        let is_of_other = |it: &Condition| {
            let namespace = it.subject.namespace();
            namespace.is_some_and(|it| Some(it) != self.reader)
        };
        let has_failure = self.conditions.iter().any(is_failure);
        let is_policed = world.namespaces().is_some() && self.conditions.iter().any(is_of_other);
        Self {
            grace: if has_failure { self.grace } else { Grace::Over },
            reader: self.reader.filter(|_| is_policed),
            ..self
        }
    }

    fn answer(self, view: &impl CrossRead, revision: Revision) -> Answer {
        let view = ReadBy::new(view, self.reader, self.grace);
        let answer = Answer::judge(Arc::clone(self.conditions), &view, revision);
        answer.read_by(self.reader.cloned())
    }

    /// Notes the objects that the one who asks may know of. Returns whether an unknown one is new.
    fn note_objects(&self, asked: &mut AskedObjects, world: &World) -> bool {
        let Some(reader) = self.reader else {
            return false;
        };
        let view = ReadBy::new(world, Some(reader), self.grace);
        let is_permitted = |it: &&Condition| view.forbids(&it.subject).is_none();
        let conditions = self.conditions.iter();
        asked.note(conditions.filter(is_permitted), (reader, world))
    }
}

/// Returns whether a waiter has nothing to wait for. A pod without terms waits for its release.
fn is_settled(request: &WaitRequest, present: &Answer) -> bool {
    let waits_for_release = request.conditions.is_empty() && request.who.uid.is_some();
    match present.outcome {
        State::Failed => true,
        State::Held => present.nudges.is_empty() && !waits_for_release,
        State::Missing => false,
    }
}

/// Judges at a revision if its state is known. Otherwise, or without a revision, judges now.
fn judge(world: &World, question: &Question<'_>, at: Option<Revision>) -> Answer {
    let question = question.shared(world);
    let past = at.and_then(|at| Some((at, world.at(at)?)));
    match past.filter(|(_, past)| past.can_judge(question.conditions, question.grace)) {
        Some((at, past)) => question.answer(&past, at),
        None => question.answer(world, world.revision()),
    }
}

/// Returns the next updates that are applied under one lock.
fn next_slice(updates: &mut impl Iterator<Item = Update>) -> Vec<Update> {
    let mut slice = Vec::new();
    let mut work = 0;
    while work < SLICE
        && let Some(update) = updates.next()
    {
        work += work_of(&update.key);
        slice.push(update);
    }
    slice
}

/// Returns the work of an update: each name above its own has counters to change.
fn work_of(key: &VariableKey) -> usize {
    1 + 2 * key.name.as_str().matches('/').count()
}

/// The work that is done, or the number of conditions that are judged, under one lock.
const SLICE: usize = 512;

/// The number of items that are read under one lock.
const LONGEST_PAGE: usize = 1000;

#[cfg(test)]
mod tests;
