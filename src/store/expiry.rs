//! Removes assertions when they expire.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use oncue_language::VariableKey;
use tokio::time;
use tracing::warn;

use super::{Action, Backend, Clock, Mutation, StoreError, shared::Shared};
use crate::{
    leadership::{Leadership, NotLeader},
    life::{AssertionId, Timestamp},
};

/// The longest sleep: the time of day may jump, as on a laptop that was asleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The pause after a failed removal.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How many removals are under way at once, so that they share a sync.
const CONCURRENT: usize = 256;

pub(super) struct Expiry {
    /// Weak, so that the last handle to the store closes the backend at once.
    pub(super) backend: Weak<dyn Backend>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) shared: Arc<Shared>,
    /// Of several replicas, one removes.
    pub(super) leadership: Leadership,
}

impl Expiry {
    /// Removes assertions at their deadlines, until the backend is closed.
    pub(super) async fn run(self) {
        loop {
            self.leadership.gained().await;
            self.sleep().await;
            match self.expire_due().await {
                Ok(()) => {}
                Err(StoreError::Closed) => return,
                Err(error) => {
                    warn!(%error, "failed to remove expired assertions");
                    time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    async fn sleep(&self) {
        match self.shared.deadline() {
            Some(deadline) => {
                let rest = deadline.since(self.clock.now()).min(LONGEST_SLEEP);
                let _moved = time::timeout(rest, self.shared.deadline_moved()).await;
            }
            None => self.shared.deadline_moved().await,
        }
    }

    /// Removes assertions that have expired, for as long as this replica leads.
    async fn expire_due(&self) -> Result<(), StoreError> {
        let Some(backend) = self.backend.upgrade() else {
            return Err(StoreError::Closed);
        };
        let now = self.clock.now();
        while self.leadership.is_held() {
            let due = self.shared.due(now);
            if due.is_empty() {
                break;
            }
            let expiries = stream::iter(due).map(|due| self.expire(&*backend, due, now));
            let expired = expiries.buffer_unordered(CONCURRENT).try_collect::<()>();
            expired.await?;
        }
        Ok(())
    }

    async fn expire(
        &self,
        backend: &dyn Backend,
        (key, id): (VariableKey, AssertionId),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let action = Action::Expire { id, now };
        let removal = backend.commit(Mutation { key, action });
        match self.leadership.write(removal).await {
            Ok(removed) => removed.map(drop),
            Err(NotLeader) => Ok(()),
        }
    }

    /// Removes assertions that expired while no store ran. A failure does not prevent the start:
    /// the removal is tried again later.
    pub(super) async fn catch_up(&self) {
        if let Err(error) = self.expire_due().await {
            warn!(%error, "failed to remove expired assertions");
        }
    }
}

#[cfg(test)]
mod tests {
    use oncue_language::Namespace;

    use super::*;
    use crate::{
        leadership::{BootClock, Leadership},
        memory::{Budget, StoreMemory},
        store::{Existing, Limits, Memory, NewAssertion, PausedClock, Store},
    };

    #[tokio::test(start_paused = true)]
    async fn of_several_replicas_the_leader_removes_what_has_expired() {
        let (lead, leadership) = Leadership::new(Arc::new(BootClock));
        let backend = Arc::new(Memory::new(Budget::UNLIMITED));
        let limits = Limits::within(100, StoreMemory::default());
        let clock = Arc::new(PausedClock::start());
        let store = Store::open_replica(backend, limits, (clock, leadership));
        let store = store.await.unwrap();
        let key = VariableKey::new(Namespace::default(), "brief".parse().unwrap());
        let brief = NewAssertion {
            id: AssertionId::HAND,
            value: None,
            ttl: Some(Duration::from_secs(1)),
            existing: Existing::Replace,
        };
        store.assert(key.clone(), brief).await.unwrap();
        time::sleep(Duration::from_mins(5)).await;
        assert!(store.exists(&key));
        lead.hold_until(Duration::MAX);
        time::sleep(Duration::from_millis(10)).await;
        assert!(!store.exists(&key));
    }
}
