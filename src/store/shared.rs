//! The state in memory behind one lock, fed by a backend.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use oncue_language::{Condition, Namespace, ObjectKey, ObjectState, Subject, VariableKey};
use tokio::sync::{Notify, broadcast, oneshot};

use super::{
    Answer, Change, Epoch, Feed, Listing, Revision, Scope, State, Update, Variable, WaitError,
    Waiter, WaiterInfo, Watch, WatchError,
    waiters::{self, Released, Ticket, Waiters},
};
use crate::{
    life::Timestamp,
    world::{World, verdicts},
};

/// How much a store takes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How many waiters are held at once.
    pub waiters: usize,
    /// How many watchers are served at once.
    pub watchers: usize,
    /// How many changes a watcher may fall behind.
    pub watch_buffer: usize,
}

impl Limits {
    /// Returns what a store takes on behind a listener that takes so many connections.
    ///
    /// Who waits or watches holds one, since nothing but HTTP/1.1 is spoken there. A twentieth is
    /// left to others, so that there is always room for who makes true what is waited for.
    pub const fn within(connections: usize) -> Self {
        let share = connections / 20;
        Self {
            waiters: 18 * share,
            watchers: share,
            watch_buffer: 1024,
        }
    }
}

/// The source of objects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ObjectSource {
    /// A source exists: an unknown object does not exist.
    Fed,
    /// No source: a condition on an object is rejected.
    #[default]
    None,
}

/// How much a store holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stats {
    /// How many variables exist.
    pub variables: usize,
    /// How many waiters are held.
    pub waiters: usize,
    /// How many watchers are served.
    pub watchers: usize,
}

/// Who waits for what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaitRequest {
    /// Who.
    pub who: Waiter,
    /// For what, in the order in which the answer speaks of it.
    pub conditions: Arc<[Condition]>,
    /// The revision of an earlier answer; none asks for the present state.
    pub revision: Option<Revision>,
}

/// The whole state, with its waiters and watchers.
#[derive(Debug)]
pub(super) struct Shared {
    limits: Limits,
    state: Mutex<Known>,
    changes: broadcast::Sender<Change>,
    deadline_moved: Notify,
}

#[derive(Debug)]
struct Known {
    world: World,
    waiters: Waiters,
    objects: ObjectSource,
}

/// The first step of a wait.
pub(super) enum Entry {
    Answered(Arc<Answer>),
    Held(Held),
}

impl Shared {
    pub(super) fn new(limits: Limits, epoch: Epoch) -> Self {
        Self {
            limits,
            state: Mutex::new(Known {
                world: World::new(epoch),
                waiters: Waiters::default(),
                objects: ObjectSource::default(),
            }),
            changes: broadcast::Sender::new(limits.watch_buffer),
            deadline_moved: Notify::new(),
        }
    }

    /// A panic under the lock leaves nothing half done that matters: each change is one step.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &VariableKey) -> Option<Arc<Variable>> {
        self.lock().world.get(key).cloned()
    }

    pub(super) fn list(&self, scope: &Scope) -> Listing {
        self.lock().list(scope)
    }

    pub(super) fn judge(&self, conditions: &[Condition]) -> Result<Answer, WaitError> {
        let known = self.lock();
        known.refuse_objects(conditions)?;
        Ok(known.judge(conditions))
    }

    /// Answers the wait, or holds it.
    pub(super) fn wait(self: &Arc<Self>, request: WaitRequest) -> Result<Entry, WaitError> {
        let mut known = self.lock();
        known.refuse_objects(&request.conditions)?;
        let present = known.judge(&request.conditions);
        if !known.is_to_be_held(&request, &present) {
            return Ok(Entry::Answered(Arc::new(present)));
        }
        if known.waiters.len() >= self.limits.waiters {
            return Err(WaitError::TooMany {
                limit: self.limits.waiters,
            });
        }
        let (ticket, answer) = known
            .waiters
            .hold(request.who, request.conditions, &present);
        let place = Place {
            shared: Arc::clone(self),
            ticket,
        };
        Ok(Entry::Held(Held {
            answer,
            _place: place,
        }))
    }

    pub(super) fn watch(&self, scope: Scope) -> Result<Watch, WatchError> {
        let known = self.lock();
        if self.changes.receiver_count() >= self.limits.watchers {
            return Err(WatchError::TooMany {
                limit: self.limits.watchers,
            });
        }
        Ok(Watch {
            listing: known.list(&scope),
            scope,
            changes: self.changes.subscribe(),
        })
    }

    pub(super) fn waiters(&self, namespace: Option<&Namespace>) -> (Revision, Vec<WaiterInfo>) {
        let known = self.lock();
        (known.world.revision(), known.waiters.list(namespace))
    }

    pub(super) fn judge_objects(&self, source: ObjectSource) {
        self.lock().objects = source;
    }

    pub(super) fn set_object(&self, key: &ObjectKey, state: Option<ObjectState>) {
        let released = self.lock().set_object(key, state);
        released.answer();
    }

    pub(super) fn stats(&self) -> Stats {
        let known = self.lock();
        Stats {
            variables: known.world.count(),
            waiters: known.waiters.len(),
            watchers: self.changes.receiver_count(),
        }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.lock().world.deadline()
    }

    pub(super) fn due(&self, now: Timestamp) -> Vec<VariableKey> {
        self.lock().world.due(now)
    }

    /// Returns once the next deadline may be another one.
    pub(super) async fn deadline_moved(&self) {
        self.deadline_moved.notified().await;
    }

    /// Takes over `updates`; waiters are answered after the lock is given back.
    fn take_over(&self, mut known: MutexGuard<'_, Known>, updates: Vec<Update>) {
        let deadline = known.world.deadline();
        let mut released = Released::default();
        for update in updates {
            if let Some(change) = known.world.update(update) {
                released.extend(known.release(waiters::variable_topics(change.variable.key())));
                let _nobody_watches = self.changes.send(change);
            }
        }
        if known.world.deadline() != deadline {
            self.deadline_moved.notify_one();
        }
        drop(known);
        released.answer();
    }
}

impl Feed for Shared {
    fn reset(&self, variables: Vec<Arc<Variable>>) {
        let known = self.lock();
        let updates = known.world.updates_to(variables);
        self.take_over(known, updates);
    }

    fn committed(&self, updates: Vec<Update>) {
        self.take_over(self.lock(), updates);
    }
}

impl Known {
    fn refuse_objects(&self, conditions: &[Condition]) -> Result<(), WaitError> {
        let is_object = |condition: &Condition| matches!(condition.subject, Subject::Object(_));
        match (self.objects, conditions.iter().position(is_object)) {
            (ObjectSource::None, Some(index)) => Err(WaitError::NoObjects { index }),
            (ObjectSource::None, None) | (ObjectSource::Fed, _) => Ok(()),
        }
    }

    fn list(&self, scope: &Scope) -> Listing {
        Listing {
            revision: self.world.revision(),
            variables: self.world.list(scope),
        }
    }

    fn judge(&self, conditions: &[Condition]) -> Answer {
        Answer::judge(conditions, &self.world, self.world.revision())
    }

    /// A wait is held while something is missing and no state has flipped since its revision.
    fn is_to_be_held(&self, request: &WaitRequest, present: &Answer) -> bool {
        let WaitRequest {
            conditions,
            revision,
            ..
        } = request;
        let past = revision.and_then(|revision| self.world.at(revision));
        present.outcome == State::Missing
            && past.is_some_and(|past| {
                past.can_judge(conditions)
                    && verdicts(conditions, &past)
                        .iter()
                        .map(State::of)
                        .eq(present.states())
            })
    }

    fn set_object(&mut self, key: &ObjectKey, state: Option<ObjectState>) -> Released {
        if self.world.set_object(key, state) {
            self.release(waiters::object_topics(key))
        } else {
            Released::default()
        }
    }

    fn release(&mut self, topics: impl Iterator<Item = waiters::Topic>) -> Released {
        let Self { world, waiters, .. } = self;
        let revision = world.revision();
        waiters.release(topics, |conditions| {
            Answer::judge(conditions, world, revision)
        })
    }
}

/// A wait that is held; dropping it gives up the place.
pub(super) struct Held {
    answer: oneshot::Receiver<Arc<Answer>>,
    _place: Place,
}

impl Future for Held {
    type Output = Result<Arc<Answer>, WaitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.answer).poll(cx);
        answer.map_err(|_| WaitError::Closed)
    }
}

/// Keeps a waiter among those that are held.
struct Place {
    shared: Arc<Shared>,
    ticket: Ticket,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.lock().waiters.remove(self.ticket);
    }
}
