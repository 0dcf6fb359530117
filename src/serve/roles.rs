//! The roles of a process: loaded, then served.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use super::{ServeError, group::Group, webhook_role::WebhookRole};
use crate::{
    admin::{Latch, process},
    api,
    config::{Config, StoreKind},
    net::{Endpoint, Limits, Transport},
    store::{self, Backend, Embedded, Memory, Store, SystemClock},
};

/// A socket on which nothing is served yet, and what is released once something is.
pub(super) struct Opening {
    pub(super) listener: TcpListener,
    pub(super) latch: Latch,
}

/// The store, loaded.
pub(super) struct StoreRole {
    opening: Opening,
    store: Store,
}

impl StoreRole {
    pub(super) async fn load(opening: Opening, config: &Config) -> Result<Self, ServeError> {
        let backend: Arc<dyn Backend> = match config.store {
            StoreKind::Embedded => Arc::new(Embedded::open(&config.data)?),
            StoreKind::Memory => Arc::new(Memory::new()),
        };
        let limits = store::Limits::default();
        let store = Store::open(backend, limits, Arc::new(SystemClock)).await?;
        Ok(Self { opening, store })
    }

    fn serve(self, group: &mut Group, metrics: api::Metrics, registry: Arc<Registry>) {
        let context = api::Context {
            shutdown: group.shutdown(),
            metrics,
            registry,
        };
        group.depend_on(self.store.ended());
        let router = api::router(self.store, api::Settings::default(), context);
        let endpoint = Endpoint {
            name: "store",
            listener: self.opening.listener,
            transport: Transport::Plain,
            limits: Limits::STORE,
        };
        group.serve(endpoint, router);
        self.opening.latch.release();
    }
}

/// The roles of a process.
pub(super) struct Roles {
    pub(super) store: Option<StoreRole>,
    pub(super) webhook: Option<WebhookRole>,
}

impl Roles {
    /// Serves what there is in `group`, and returns everything that is counted.
    pub(super) fn serve(self, group: &mut Group) -> Arc<Registry> {
        let mut registry = Registry::default();
        process::register(&mut registry);
        let oncue = registry.sub_registry_with_prefix("oncue");
        group.metrics().register(oncue);
        let store = self
            .store
            .map(|role| (api::Metrics::register(&role.store, oncue), role));
        if let Some(webhook) = &self.webhook {
            webhook.register(oncue);
        }
        let registry = Arc::new(registry);
        if let Some((metrics, role)) = store {
            role.serve(group, metrics, Arc::clone(&registry));
        }
        if let Some(role) = self.webhook {
            role.serve(group);
        }
        registry
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use futures_util::future::{self, BoxFuture, FutureExt};

    use super::*;
    use crate::{
        admin::Readiness,
        language::{Namespace, VariableKey},
        life::AssertionId,
        net::{self, NetMetrics},
        serve::group::Death,
        store::{
            Action, Committed, Existing, Feed, Mutation, NewAssertion, StoreDeath, StoreError,
            Update, Variable,
        },
    };

    /// Takes the writer down that tells it of a change, as a bug in what it works with would.
    struct Deadly;

    impl Feed for Deadly {
        fn reset(&self, _variables: Vec<Arc<Variable>>) {}

        fn committed(&self, _updates: Vec<Update>) {
            panic!("as told");
        }
    }

    /// Keeps what it is told, and ends the task that removes what has expired.
    #[derive(Debug)]
    struct Unforgetting(Memory);

    impl Backend for Unforgetting {
        fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
            self.0.start(feed)
        }

        fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
            match mutation.action {
                Action::Expire { .. } => future::ready(Err(StoreError::Closed)).boxed(),
                _ => self.0.commit(mutation),
            }
        }
    }

    fn mk_key() -> VariableKey {
        VariableKey::new(Namespace::default(), "a".parse().unwrap())
    }

    fn mk_assertion(ttl: Option<Duration>) -> NewAssertion {
        NewAssertion {
            id: AssertionId::HAND,
            value: None,
            ttl,
            existing: Existing::Replace,
        }
    }

    async fn mk_store(backend: Arc<dyn Backend>) -> Store {
        let limits = store::Limits::default();
        let store = Store::open(backend, limits, Arc::new(SystemClock));
        store.await.unwrap()
    }

    fn mk_role(store: Store) -> Roles {
        let (readying, _readiness) = Readiness::new();
        let opening = Opening {
            listener: net::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap(),
            latch: readying.latch("store"),
        };
        Roles {
            store: Some(StoreRole { opening, store }),
            webhook: None,
        }
    }

    #[tokio::test]
    async fn goes_down_with_the_writer_of_its_store() {
        let folder = tempfile::tempdir().unwrap();
        let backend = Arc::new(Embedded::open(folder.path()).unwrap());
        let store = mk_store(backend.clone()).await;
        backend.start(Arc::new(Deadly)).await.unwrap();
        let mut group = Group::new(NetMetrics::default());
        mk_role(store.clone()).serve(&mut group);

        let refused = store.assert(mk_key(), mk_assertion(None)).await;
        assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
        let death = group.died().await;
        assert!(
            matches!(death, Some(Death::Store(StoreDeath::Writer))),
            "{death:?}"
        );
    }

    #[tokio::test]
    async fn goes_down_with_the_task_that_removes_what_has_expired() {
        let store = mk_store(Arc::new(Unforgetting(Memory::new()))).await;
        let mut group = Group::new(NetMetrics::default());
        mk_role(store.clone()).serve(&mut group);
        let brief = mk_assertion(Some(Duration::ZERO));
        store.assert(mk_key(), brief).await.unwrap();
        let death = group.died().await;
        assert!(
            matches!(death, Some(Death::Store(StoreDeath::Expiry))),
            "{death:?}"
        );
    }

    #[tokio::test]
    async fn drains_with_a_store_that_lives() {
        let store = mk_store(Arc::new(Memory::new())).await;
        let mut group = Group::new(NetMetrics::default());
        mk_role(store).serve(&mut group);
        group.drain().await;
    }
}
