//! The handle to the store.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use oncue_language::{
    Condition, Grace, Namespace, ObjectKey, ObjectState, Owner, Value, VariableKey,
};
use tokio::task::JoinSet;

use super::{
    Action, Answer, Backend, Clock, Committed, Effect, Epoch, Existing, Limits, Mutation,
    ObjectSource, Page, Position, Revision, Scope, Staleness, Stats, StoreDeath, StoreError,
    WaitError, WaitRequest, WaiterPage, WaiterPosition, Waiting, Watch, WatchError,
    expiry::Expiry,
    pulse::{Pulse, Vigil},
    shared::{NewWait, Shared, Until},
};
use crate::{
    cross_namespace::{Knowledge, Policy, Read, Readers, Refusal},
    dependent_pod::DependentPod,
    leadership::Leadership,
    life::{Assertion, AssertionId, Timestamp},
};

/// A handle to the store. Cloning it is cheap.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// The task that expires assertions ends with the last handle.
struct Inner {
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    leadership: Leadership,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
    expiry_vigil: Vigil,
    release_vigil: Vigil,
}

/// An assertion to make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewAssertion {
    /// The owner and the kind.
    pub id: AssertionId,
    /// The value of the variable.
    pub value: Option<Value>,
    /// The time until it expires.
    pub ttl: Option<Duration>,
    /// What to do with an existing assertion of the same id.
    pub existing: Existing,
}

/// The result of an assertion.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asserted {
    /// [`Effect::Created`], [`Effect::Changed`] or [`Effect::Unchanged`].
    pub effect: Effect,
    /// A revision at which the effect is visible.
    pub revision: Revision,
    /// The assertion afterwards.
    pub assertion: Arc<Assertion>,
}

impl Store {
    /// Loads the variables from `backend`, and removes expired ones if possible. No other replica
    /// may serve the same variables.
    pub async fn open(
        backend: Arc<dyn Backend>,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        Self::open_replica(backend, limits, (clock, Leadership::sole())).await
    }

    /// Loads the variables from `backend`, which other replicas may serve too. Only the one that
    /// leads removes what has expired.
    pub(crate) async fn open_replica(
        backend: Arc<dyn Backend>,
        limits: Limits,
        (clock, leadership): (Arc<dyn Clock>, Leadership),
    ) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::new(limits, Epoch::new(rand::random())));
        backend.start(Arc::clone(&shared) as _).await?;
        let of_this = (Arc::clone(&clock), leadership.clone());
        let mut expiry = Expiry::new(&backend, &shared, of_this);
        expiry.catch_up().await;
        let mut tasks = JoinSet::new();
        let expiry_vigil = spawn(&mut tasks, expiry.run());
        let release_vigil = spawn(&mut tasks, Arc::clone(&shared).keep_releasing());
        tasks.spawn(Arc::clone(&shared).follow(backend.staleness()));
        Ok(Self {
            inner: Arc::new(Inner {
                backend,
                clock,
                leadership,
                shared,
                _tasks: tasks,
                expiry_vigil,
                release_vigil,
            }),
        })
    }

    /// Makes an assertion. Returns once it is durable and visible here.
    #[expect(
        clippy::missing_panics_doc,
        reason = "no backend breaks the contract of `Committed`"
    )]
    pub async fn assert(
        &self,
        key: VariableKey,
        assertion: NewAssertion,
    ) -> Result<Asserted, StoreError> {
        let NewAssertion {
            id,
            value,
            ttl,
            existing,
        } = assertion;
        let now = self.inner.clock.now();
        let assertion = Assertion {
            id,
            value,
            since: now,
            expires: ttl.map(|ttl| now + ttl),
        };
        let action = Action::Assert {
            assertion,
            existing,
        };
        let Committed { effect, assertion } = self.commit(key, action).await?;
        Ok(Asserted {
            effect,
            revision: self.inner.shared.revision(),
            assertion: assertion.expect("a backend returns the assertion that it made"),
        })
    }

    /// Removes all assertions of a variable. Returns whether there were any.
    pub async fn delete(&self, key: VariableKey) -> Result<bool, StoreError> {
        let committed = self.commit(key, Action::Delete).await?;
        Ok(committed.effect != Effect::Unchanged)
    }

    async fn commit(&self, key: VariableKey, action: Action) -> Result<Committed, StoreError> {
        self.apply(Mutation { key, action }).await
    }

    /// Returns whether a variable exists.
    pub fn exists(&self, key: &VariableKey) -> bool {
        self.inner.shared.exists(key)
    }

    /// Returns the next assertions in `scope`, at most `limit` and never above 1000 of them, from
    /// `position` on. Even an empty page may not be the last one.
    ///
    /// Each page has its own revision. An assertion that exists all the time is on exactly one
    /// page.
    pub fn list(&self, scope: &Scope, limit: usize, position: Option<Position>) -> Page {
        self.inner.shared.page(scope, limit, position)
    }

    /// Returns the current revision.
    pub(crate) fn revision(&self) -> Revision {
        self.inner.shared.revision()
    }

    /// Judges `conditions` at the current revision, for a wait of the namespace `reader` that had
    /// this grace at any time.
    ///
    /// # Errors
    /// [`WaitError::NoObjects`].
    pub fn judge(
        &self,
        conditions: &Arc<[Condition]>,
        (grace, reader): (Grace, &Namespace),
    ) -> Result<Answer, WaitError> {
        let grace = grace.at(self.now());
        self.inner.shared.judge(conditions, (grace, reader))
    }

    /// Judges `conditions` at the current revision as for a wait of this pod that began at `since`.
    ///
    /// # Errors
    /// [`WaitError::NoObjects`].
    pub(crate) fn judge_for_pod(
        &self,
        pod: &Owner,
        since: Timestamp,
        conditions: &Arc<[Condition]>,
    ) -> Result<Answer, WaitError> {
        let grace = self.inner.shared.grace_of(&pod.uid, since, self.now());
        let reader = &pod.namespace;
        self.inner.shared.judge(conditions, (grace, reader))
    }

    /// Answers at once if all conditions hold, one has failed, a state has flipped since the
    /// revision, or the revision is unknown. Otherwise holds the waiter until then.
    ///
    /// The caller limits the time, at most to the end of the [grace](Waiting::grace), and
    /// [judges](Self::judge) afterwards. The call itself takes the
    /// place, and dropping the future releases it. The future is small, because thousands are held.
    pub fn wait(&self, request: WaitRequest) -> Waiting {
        self.begin(request, Until::Settled)
    }

    /// Answers at once if a state has flipped since the revision, or if the revision is unknown.
    /// Otherwise holds the waiter until then, even if all conditions hold or one has failed.
    pub(crate) fn wait_for_change(&self, request: WaitRequest) -> Waiting {
        self.begin(request, Until::Changed)
    }

    fn begin(&self, request: WaitRequest, until: Until) -> Waiting {
        let wait = NewWait {
            request,
            until,
            now: self.now(),
        };
        Waiting::begin(&self.inner.shared, wait)
    }

    /// Starts to watch the variables in `scope`. It counts as a watcher of the namespace `by`.
    ///
    /// # Errors
    /// [`WatchError::ShareTaken`] and [`WatchError::TooMany`].
    pub fn watch(&self, scope: Scope, by: &Namespace) -> Result<Watch, WatchError> {
        self.inner.shared.watch(scope, by)
    }

    /// Begins to watch the variables in `scope` for a part of this process, which counts against no
    /// limit.
    pub(crate) fn follow(&self, scope: Scope) -> Watch {
        Watch::new(&self.inner.shared, scope)
    }

    /// Makes a change that was decided elsewhere; returns once it is durable and visible here.
    pub(crate) async fn apply(&self, mutation: Mutation) -> Result<Committed, StoreError> {
        self.inner.backend.commit(mutation).await
    }

    /// Returns the next waiters of one namespace, or of all. The first has waited longest. There
    /// are at most `limit`, and at most 1000. Even an empty page may not be the last one.
    pub fn waiters(
        &self,
        namespace: Option<&Namespace>,
        limit: usize,
        position: Option<WaiterPosition>,
    ) -> WaiterPage {
        self.inner.shared.waiters(namespace, limit, position)
    }

    /// Sets the rules for reads of other namespaces. By default, anyone may read everything.
    pub(crate) fn set_policy(&self, policy: Policy) {
        self.inner.shared.set_policy(policy);
    }

    /// Takes note of how much is known of what the namespaces say about their readers.
    pub(crate) fn know_namespaces(&self, knowledge: Knowledge) {
        self.inner.shared.know_namespaces(knowledge);
    }

    /// Takes note of who may read a namespace; `None` if it does not say. Waits that this concerns
    /// are judged again.
    pub(crate) fn set_readers(&self, of: &Namespace, readers: Option<Readers>) {
        self.inner.shared.set_readers(of, readers);
    }

    /// Takes note that only these namespaces say who may read them.
    pub(crate) fn retain_readers(&self, annotated: &BTreeSet<Namespace>) {
        self.inner.shared.retain_readers(annotated);
    }

    /// Decides whether a namespace may be read now.
    ///
    /// # Errors
    /// [`Refusal`], which says what would permit it.
    pub fn may_read(&self, read: &Read<'_>) -> Result<(), Refusal> {
        self.inner.shared.may_read(read)
    }

    /// Sets the source of objects. The default is none.
    pub fn judge_objects(&self, source: ObjectSource) {
        self.inner.shared.judge_objects(source);
    }

    /// The controller feeds the pods of the cluster from now on. Before, no waiter counts as one;
    /// until it has [told of all](Self::retain_pods), the age of an unknown one is open.
    pub fn feed_pods(&self) {
        self.inner.shared.feed_pods();
    }

    /// Takes note of a pod of the cluster that depends on something.
    pub fn set_pod(&self, pod: &DependentPod) {
        self.inner.shared.set_pod(pod, self.now());
    }

    /// Forgets a pod that is gone, or that has ended.
    pub fn forget_pod(&self, uid: &str) {
        self.inner.shared.forget_pod(uid);
    }

    /// Takes note that the controller has told of all pods: forgets all but these.
    pub fn retain_pods(&self, uids: &HashSet<Box<str>>) {
        self.inner.shared.retain_pods(uids);
    }

    /// Sets the state of an object, or `None` if it does not exist.
    pub fn set_object(&self, key: &ObjectKey, state: Option<ObjectState>) {
        self.inner.shared.set_object(key, state);
    }

    /// Waits until someone asks for objects that nobody has told of yet. Returns them with the
    /// namespaces that ask.
    pub(crate) async fn asked_objects(&self) -> BTreeMap<ObjectKey, Namespace> {
        self.inner.shared.asked_objects().await
    }

    /// Returns whether someone has told of an object.
    pub(crate) fn knows_object(&self, key: &ObjectKey) -> bool {
        self.inner.shared.knows_object(key)
    }

    /// Returns the objects that were known when someone asked for them, since the last call.
    pub(crate) fn asked_known_objects(&self) -> BTreeSet<ObjectKey> {
        self.inner.shared.asked_known_objects()
    }

    /// Forgets those of some objects that no held waiter asks for, and that nobody has asked for
    /// since they were taken with [`asked_known_objects`](Self::asked_known_objects) or
    /// [`asked_objects`](Self::asked_objects). Returns them.
    pub(crate) fn forget_unasked_objects(&self, keys: Vec<ObjectKey>) -> Vec<ObjectKey> {
        self.inner.shared.forget_unasked_objects(keys)
    }

    /// Returns whether this replica may do what only one may.
    pub(crate) fn leadership(&self) -> &Leadership {
        &self.inner.leadership
    }

    /// Returns whether this replica may miss what others have written; then it holds no waits.
    pub fn staleness(&self) -> Staleness {
        self.inner.backend.staleness()
    }

    /// Returns the time of the store's clock.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Waits until a part of the store ends, because it died or the last handle was dropped. This
    /// future is not a handle.
    pub fn ended(&self) -> impl Future<Output = StoreDeath> + use<> {
        let writer = self.inner.backend.ended();
        let expiry = self.inner.expiry_vigil.clone().ended();
        let release = self.inner.release_vigil.clone().ended();
        async move {
            tokio::select! {
                // Without a writer, nothing expires either.
                biased;
                () = writer => StoreDeath::Writer,
                () = expiry => StoreDeath::Expiry,
                () = release => StoreDeath::Release,
            }
        }
    }

    /// Returns the numbers of variables, waiters and watchers.
    pub fn stats(&self) -> Stats {
        self.inner.shared.stats()
    }
}

/// Runs a task, and returns an observer of its end.
fn spawn(tasks: &mut JoinSet<()>, task: impl Future<Output = ()> + Send + 'static) -> Vigil {
    let (pulse, vigil) = Pulse::new();
    tasks.spawn(async move {
        let _pulse = pulse;
        task.await;
    });
    vigil
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.inner.backend)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
