//! The interface between the store and the storage of its variables.

use std::{fmt, sync::Arc};

use futures_util::future::{self, BoxFuture, FutureExt};

use super::{Effect, Mutation, Staleness, StoreError, Update, variables::Variables};
use crate::life::Assertion;

/// Keeps the variables, and reports every committed change.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Gives `feed` all variables, and then every change in the order of the commits.
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Carries out `mutation`, as [`Mutation::decide`] decides.
    ///
    /// Returns when the change is durable and every feed of this process has received it, so that
    /// the caller reads its own write. An error means that nothing changed, or that the result is
    /// unknown; then the feed reports it.
    fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>>;

    /// Returns whether it may miss what other replicas have written.
    fn staleness(&self) -> Staleness {
        Staleness::never()
    }

    /// Waits until nothing can be committed any more, because the backend was dropped or its task
    /// ended. A backend without a task waits forever.
    fn ended(&self) -> BoxFuture<'static, ()> {
        future::pending().boxed()
    }
}

/// Receives the changes of a backend.
///
/// Neither method may block for long, or call the backend.
pub trait Feed: Send + Sync {
    /// Receives all variables, which replace everything received before.
    fn reset(&self, variables: &Variables);

    /// Receives changes, in the order of the commits.
    fn committed(&self, updates: &[Update]);
}

/// The result of a mutation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Committed {
    /// The effect on the variable.
    pub effect: Effect,
    /// The assertion after the mutation, which exists after
    /// [`Action::Assert`](super::Action::Assert).
    pub assertion: Option<Arc<Assertion>>,
}
