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
    /// Each waiter or watcher holds one, because the listener speaks only HTTP/1.1. The rest is kept
    /// for other requests, so that clients can always signal. Waits and watches take less than the
    /// 8/9 that one address can have: behind address translation, clients signal too.
    pub const fn within(connections: usize, memory: StoreMemory) -> Self {
        let share = connections / 20;
        Self {
            waiters: 16 * share,
            watchers: share,
            waits: memory.waits,
            watch_backlog: memory.watch_backlog,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::{
        fairness::Shares,
        memory::{ByteSize, MemoryPlan},
    };

    #[test]
    fn an_address_that_holds_all_waits_and_watches_has_connections_left_to_signal() {
        let limit = ByteSize(512 * 1024 * 1024);
        let plan = MemoryPlan::split(limit, &[crate::config::Role::Store].into()).unwrap();
        for connections in [40, 100, 5336, 20_000] {
            let limits = Limits::within(connections, plan.store.unwrap());
            let shares = Shares::new(connections);
            let one = IpAddr::V4(Ipv4Addr::LOCALHOST);
            let mut part = shares.part(&one);
            for _ in 0..limits.waiters + limits.watchers {
                part.grow(1).unwrap();
            }
            part.grow(1).unwrap();
        }
    }
}
