//! What others use of the store.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::{self, Either};
use oncue_language::{Condition, Namespace, ObjectKey, ObjectState, Value, VariableKey};
use tokio::task::JoinSet;

use super::{
    Action, Answer, Backend, Clock, Committed, Effect, Epoch, Existing, Limits, Listing, Mutation,
    ObjectSource, Revision, Scope, Stats, StoreDeath, StoreError, Variable, WaitError, WaitRequest,
    WaiterInfo, Watch, WatchError, Withdrawal, expiry,
    pulse::{Pulse, Vigil},
    shared::{Entry, Shared},
};
use crate::life::{Assertion, AssertionId, Timestamp};

/// A handle to the store; cloning it is cheap.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// The task that expires assertions ends with the last handle.
struct Inner {
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    _expiry: JoinSet<()>,
    expiry_vigil: Vigil,
}

/// An assertion that is about to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewAssertion {
    /// The owner and the kind.
    pub id: AssertionId,
    /// The value it carries.
    pub value: Option<Value>,
    /// After how long it ends by itself.
    pub ttl: Option<Duration>,
    /// What to do with an existing assertion of the same id.
    pub existing: Existing,
}

/// What an assertion made of its variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asserted {
    /// [`Effect::Created`], [`Effect::Changed`] or [`Effect::Unchanged`].
    pub effect: Effect,
    /// The variable afterwards.
    pub variable: Arc<Variable>,
}

impl Store {
    /// Loads what `backend` keeps; what has expired meanwhile is removed before anybody sees it.
    pub async fn open(
        backend: Arc<dyn Backend>,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::new(limits, Epoch::new(rand::random())));
        backend.start(Arc::clone(&shared) as _).await?;
        let expiry = expiry::Expiry {
            backend: Arc::downgrade(&backend),
            clock: Arc::clone(&clock),
            shared: Arc::clone(&shared),
        };
        expiry.expire_due().await?;
        let (pulse, expiry_vigil) = Pulse::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let _pulse = pulse;
            expiry.run().await;
        });
        Ok(Self {
            inner: Arc::new(Inner {
                backend,
                clock,
                shared,
                _expiry: tasks,
                expiry_vigil,
            }),
        })
    }

    /// Makes an assertion; returns once it is durable and visible here.
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
        let Committed { effect, variable } = self.commit(key, action).await?;
        Ok(Asserted {
            effect,
            variable: variable.expect("a backend returns the variable that it asserted"),
        })
    }

    /// Withdraws assertions of a variable.
    pub async fn withdraw(
        &self,
        key: VariableKey,
        withdrawal: Withdrawal,
    ) -> Result<Effect, StoreError> {
        let action = Action::Withdraw(withdrawal);
        Ok(self.commit(key, action).await?.effect)
    }

    /// Removes all assertions of a variable; returns whether there were any.
    pub async fn delete(&self, key: VariableKey) -> Result<bool, StoreError> {
        let committed = self.commit(key, Action::Delete).await?;
        Ok(committed.effect != Effect::Unchanged)
    }

    async fn commit(&self, key: VariableKey, action: Action) -> Result<Committed, StoreError> {
        self.inner.backend.commit(Mutation { key, action }).await
    }

    /// Returns a variable.
    pub fn get(&self, key: &VariableKey) -> Option<Arc<Variable>> {
        self.inner.shared.get(key)
    }

    /// Returns the variables in `scope`.
    pub fn list(&self, scope: &Scope) -> Listing {
        self.inner.shared.list(scope)
    }

    /// Judges `conditions` at the present revision.
    ///
    /// # Errors
    /// [`WaitError::NoObjects`].
    pub fn judge(&self, conditions: &[Condition]) -> Result<Answer, WaitError> {
        self.inner.shared.judge(conditions)
    }

    /// Answers at once where all conditions hold, one fails, a state has flipped since the
    /// revision, or that is not known; else holds the waiter until one of these is so.
    ///
    /// The caller limits the time, and [judges](Self::judge) after it. The place is taken at once,
    /// and dropping the future releases it. The future is small, because thousands are held.
    pub fn wait(
        &self,
        request: WaitRequest,
    ) -> impl Future<Output = Result<Arc<Answer>, WaitError>> + use<> {
        match self.inner.shared.wait(request) {
            Ok(Entry::Answered(answer)) => Either::Left(future::ready(Ok(answer))),
            Ok(Entry::Held(held)) => Either::Right(held),
            Err(error) => Either::Left(future::ready(Err(error))),
        }
    }

    /// Begins to watch the variables in `scope`.
    ///
    /// # Errors
    /// [`WatchError::TooMany`].
    pub fn watch(&self, scope: Scope) -> Result<Watch, WatchError> {
        self.inner.shared.watch(scope)
    }

    /// Returns the waiters of one namespace, or of all, in no order.
    pub fn waiters(&self, namespace: Option<&Namespace>) -> (Revision, Vec<WaiterInfo>) {
        self.inner.shared.waiters(namespace)
    }

    /// Sets the source of objects. The default is none.
    pub fn judge_objects(&self, source: ObjectSource) {
        self.inner.shared.judge_objects(source);
    }

    /// Takes over the state of an object; `None` where it does not exist.
    pub fn set_object(&self, key: &ObjectKey, state: Option<ObjectState>) {
        self.inner.shared.set_object(key, state);
    }

    /// Returns the time of the store's clock.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Waits for a part of the store that ends, whether it died or the last handle was dropped:
    /// this is none.
    pub fn ended(&self) -> impl Future<Output = StoreDeath> + use<> {
        let writer = self.inner.backend.ended();
        let expiry = self.inner.expiry_vigil.clone().ended();
        async move {
            tokio::select! {
                // Without a writer nothing expires either.
                biased;
                () = writer => StoreDeath::Writer,
                () = expiry => StoreDeath::Expiry,
            }
        }
    }

    /// Returns how much the store holds.
    pub fn stats(&self) -> Stats {
        self.inner.shared.stats()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.inner.backend)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
