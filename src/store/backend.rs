//! The seam between the store and what keeps its variables.

use std::{fmt, sync::Arc};

use futures_util::future::{self, BoxFuture, FutureExt};

use super::{Effect, Mutation, StoreError, Update, Variable};

/// What keeps the variables, and tells of every change that was committed.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Gives `feed` everything there is, and from then on every change in the order of their
    /// commits.
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Carries out `mutation`, as [`Mutation::apply`] decides.
    ///
    /// Returns once the change is durable and every feed of this process has been told of it, so
    /// that who asked reads what it wrote. An error means that nothing has changed, or that nobody
    /// knows: then the feed will tell.
    fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>>;

    /// Waits until nothing can be committed any more, because the backend was dropped or what it
    /// works with has died; where there is no such thing, for ever.
    fn ended(&self) -> BoxFuture<'static, ()> {
        future::pending().boxed()
    }
}

/// Who is told of what a backend commits.
///
/// Neither method may block for long, or call the backend.
pub trait Feed: Send + Sync {
    /// Everything there is; what was told before counts no more.
    fn reset(&self, variables: Vec<Arc<Variable>>);

    /// What has changed, in the order of the commits.
    fn committed(&self, updates: Vec<Update>);
}

/// What became of a mutation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Committed {
    /// What it did.
    pub effect: Effect,
    /// The variable afterwards: always there after [`Action::Assert`](super::Action::Assert).
    pub variable: Option<Arc<Variable>>,
}
