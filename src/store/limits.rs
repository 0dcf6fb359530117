//! The limits of a store.

use crate::memory::{Budget, StoreMemory};

/// The limits of a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The most waiters that are held at once.
    pub waiters: usize,
    /// The most watchers that are served at once.
    pub watchers: usize,
    /// The most bytes of held waits.
    pub waits: Budget,
    /// The most bytes of changes that are kept for slow watchers.
    pub watch_backlog: usize,
}

impl Limits {
    /// Returns the limits of a store whose listener accepts this many connections.
    ///
    /// Each waiter or watcher holds one, because the listener speaks only HTTP/1.1. A twentieth is
    /// kept for other requests, so that clients can always signal.
    pub const fn within(connections: usize, memory: StoreMemory) -> Self {
        let share = connections / 20;
        Self {
            waiters: 18 * share,
            watchers: share,
            waits: memory.waits,
            watch_backlog: memory.watch_backlog,
        }
    }
}
