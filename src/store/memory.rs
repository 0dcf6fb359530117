//! The backend without persistence, for rehearsals and tests.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::{self, BoxFuture, FutureExt};

use super::{
    Mutation, StoreError,
    backend::{Backend, Committed, Feed},
    room,
    variables::Variables,
};
use crate::memory::Budget;

/// Keeps the variables in memory only.
pub struct Memory {
    budget: Budget,
    state: Mutex<MemoryState>,
}

#[derive(Default)]
struct MemoryState {
    variables: Variables,
    feeds: Vec<Arc<dyn Feed>>,
}

impl Memory {
    /// Returns an empty backend, whose variables must fit into this budget.
    pub fn new(budget: Budget) -> Self {
        Self {
            budget,
            state: Mutex::default(),
        }
    }

    /// The feeds are called under the lock, so that they see the order of the commits.
    fn apply(&self, mutation: &Mutation) -> Result<Committed, StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let step = room::decide(mutation, &state.variables, self.budget);
        let step = step.map_err(StoreError::OverLimit)?;
        if !step.updates.is_empty() {
            for update in &step.updates {
                state.variables.apply(update);
            }
            for feed in &state.feeds {
                feed.committed(&step.updates);
            }
        }
        Ok(Committed {
            effect: step.effect,
            assertion: step.assertion,
        })
    }
}

impl Backend for Memory {
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        feed.reset(&state.variables);
        state.feeds.push(feed);
        future::ready(Ok(())).boxed()
    }

    fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
        async move { self.apply(&mutation) }.boxed()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
