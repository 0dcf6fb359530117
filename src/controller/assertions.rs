//! The assertions that exist, as the store tells of them.

use tracing::warn;

use crate::{
    store::{Scope, Store, Update, Variables, Watch, WatchError, WatchEvent},
    world::{Change, ChangeKind},
};

/// What is new about the assertions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum AssertionNews {
    /// All assertions, at first and after changes were missed.
    All(Variables),
    /// One has changed.
    One(Update),
}

/// Follows every assertion.
pub(crate) struct Assertions {
    store: Store,
    watch: Watch,
    /// What was told so far, until everything was.
    collected: Option<Variables>,
}

impl Assertions {
    pub(crate) fn of(store: Store) -> Self {
        Self {
            watch: store.follow(Scope::default()),
            store,
            collected: Some(Variables::default()),
        }
    }

    /// Waits for news. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> AssertionNews {
        loop {
            match self.watch.next().await {
                Ok(WatchEvent::Change(change)) => match &mut self.collected {
                    Some(collected) => collected.apply(&update(change)),
                    None => return AssertionNews::One(update(change)),
                },
                Ok(WatchEvent::Synced(_)) => {
                    return AssertionNews::All(self.collected.take().unwrap_or_default());
                }
                // The process ends with its store.
                Err(WatchError::Closed) => std::future::pending().await,
                Err(error) => {
                    warn!(%error, "reading all assertions again");
                    *self = Self::of(self.store.clone());
                }
            }
        }
    }
}

fn update(change: Change) -> Update {
    let Change {
        kind,
        key,
        assertion,
        ..
    } = change;
    let (before, after) = match kind {
        ChangeKind::Added | ChangeKind::Modified => (None, Some(assertion)),
        ChangeKind::Deleted => (Some(assertion), None),
    };
    Update { key, before, after }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        language::{Namespace, VariableKey},
        life::AssertionId,
        memory::{Budget, StoreMemory},
        store::{Existing, Limits, Memory, NewAssertion, SystemClock},
    };

    async fn mk_store(memory: StoreMemory) -> Store {
        let backend = Arc::new(Memory::new(Budget::UNLIMITED));
        let limits = Limits::within(100, memory);
        let store = Store::open(backend, limits, Arc::new(SystemClock));
        store.await.unwrap()
    }

    async fn create(store: &Store, name: &str) -> VariableKey {
        let key = VariableKey::new(Namespace::default(), name.parse().unwrap());
        let assertion = NewAssertion {
            id: AssertionId::HAND,
            value: None,
            ttl: None,
            existing: Existing::Replace,
        };
        store.assert(key.clone(), assertion).await.unwrap();
        key
    }

    #[tokio::test]
    async fn tells_everything_that_exists_at_once_and_then_each_change() {
        let store = mk_store(StoreMemory::default()).await;
        let (a, b) = (create(&store, "a").await, create(&store, "b").await);
        let mut assertions = Assertions::of(store.clone());
        let AssertionNews::All(all) = assertions.next().await else {
            unreachable!("everything comes first");
        };
        assert!(all.get(&a).is_some() && all.get(&b).is_some());

        store.delete(a.clone()).await.unwrap();
        let AssertionNews::One(change) = assertions.next().await else {
            unreachable!("then come changes");
        };
        assert_eq!((change.key, change.after), (a, None));
    }

    #[tokio::test]
    async fn reads_everything_again_once_it_has_missed_a_change() {
        let store = mk_store(StoreMemory {
            watch_backlog: 4096,
            ..StoreMemory::default()
        })
        .await;
        let mut assertions = Assertions::of(store.clone());
        assert!(matches!(assertions.next().await, AssertionNews::All(_)));
        let mut keys = Vec::new();
        for number in 0..200 {
            keys.push(create(&store, &format!("a/{number}")).await);
        }
        let AssertionNews::All(all) = assertions.next().await else {
            unreachable!("changes were missed");
        };
        assert!(keys.iter().all(|key| all.get(key).is_some()));
    }
}
