//! How much a store takes on.

use crate::memory::{Budget, StoreMemory};

/// How much a store takes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How many waiters are held at once.
    pub waiters: usize,
    /// How many watchers are served at once.
    pub watchers: usize,
    /// The bytes of held waits.
    pub waits: Budget,
    /// The bytes of changes that are kept for watchers which have not read them.
    pub watch_backlog: usize,
}

impl Limits {
    /// Returns what a store takes on behind a listener that takes so many connections.
    ///
    /// Each waiter or watcher holds one, since nothing but HTTP/1.1 is spoken there. A twentieth is
    /// left to others, so that there is always room for those who signal.
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
