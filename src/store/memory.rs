//! The backend that forgets: for rehearsals and tests.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::{self, BoxFuture, FutureExt};

use super::{
    Effect, Mutation, StoreError, Update,
    backend::{Backend, Committed, Feed},
    variables::Variables,
};

/// Keeps the variables in memory only.
#[derive(Default)]
pub struct Memory {
    state: Mutex<MemoryState>,
}

#[derive(Default)]
struct MemoryState {
    variables: Variables,
    feeds: Vec<Arc<dyn Feed>>,
}

impl Memory {
    /// Returns an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls the feeds under the lock, so that they see changes in the order of the commits.
    fn apply(&self, mutation: &Mutation) -> Committed {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let step = mutation.apply(state.variables.get(&mutation.key));
        if step.effect != Effect::Unchanged {
            state.variables.set(&mutation.key, step.after.clone());
            let update = Update {
                key: mutation.key.clone(),
                after: step.after.clone(),
            };
            for feed in &state.feeds {
                feed.committed(vec![update.clone()]);
            }
        }
        Committed {
            effect: step.effect,
            variable: step.after,
        }
    }
}

impl Backend for Memory {
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        feed.reset(state.variables.iter().cloned().collect());
        state.feeds.push(feed);
        future::ready(Ok(())).boxed()
    }

    fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
        async move { Ok(self.apply(&mutation)) }.boxed()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
