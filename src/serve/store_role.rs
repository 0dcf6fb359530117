//! The store: what it waits for before it serves, and what must not end while it does.

use std::{path::Path, sync::Arc, time::Duration};

use kube::Client;
use oncue_core::access::Rules;
use prometheus_client::registry::Registry;
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tracing::info;

use super::{
    error::ServeError,
    group::{Death, Group},
    open_files,
    opening::Opening,
    store_tls::StoreTls,
};
use crate::{
    admin::{Need, Readying},
    api,
    config::{Config, Identity, KubernetesIdentity, StoreKind},
    identity::{self, Access, Authenticator, Guard, ManagedPods},
    leadership::Leadership,
    memory::{Budget, StoreMemory},
    net::{Endpoint, Limits, Phase, Shutdown, Transport},
    store::{
        self, Backend, Embedded, Kubernetes, Memory, Staleness, Store, StoreError, SystemClock,
        kubernetes,
    },
};

/// The store, loaded.
pub(super) struct StoreRole {
    opening: Opening,
    store: Store,
    memory: StoreMemory,
    limits: Limits,
    /// What the backend counts, if it is the cluster.
    signals: Option<kubernetes::Metrics>,
    access: Access,
    /// What is spoken beside plain HTTP.
    tls: Option<StoreTls>,
}

impl StoreRole {
    pub(super) async fn load(
        opening: Opening,
        config: &Config,
        (client, readying, leadership): (Option<&Client>, &Readying, Leadership),
    ) -> Result<Self, ServeError> {
        let tls = config
            .store_speaks_tls()
            .then(|| StoreTls::new(config, client, readying));
        let memory = config.memory.store.unwrap_or_default();
        let budget = memory.variables;
        let mut signals = None;
        let backend: Arc<dyn Backend> = match (config.store, client) {
            (StoreKind::Embedded, _) => Arc::new(open_embedded(&config.data, budget).await?),
            (StoreKind::Kubernetes, Some(client)) => {
                let metrics = signals.insert(kubernetes::Metrics::default()).clone();
                Arc::new(Kubernetes::with_metrics(client.clone(), budget, metrics))
            }
            (StoreKind::Kubernetes, None) => return Err(ServeError::NoCluster),
            (StoreKind::Memory, _) => Arc::new(Memory::new(budget)),
        };
        let access = access(client, config, memory.tokens)?;
        let connection_bytes = match &tls {
            Some(_) => Limits::STORE.tls_connection_bytes(),
            None => Limits::STORE.connection_bytes(),
        };
        let limits = limits(open_files::limit(), (&memory, connection_bytes));
        let held = store::Limits::within(limits.connections, memory);
        let clock = Arc::new(SystemClock);
        let store = Store::open_replica(backend, held, (clock, leadership)).await?;
        Ok(Self {
            opening,
            store,
            memory,
            limits,
            signals,
            access,
            tls: tls.transpose()?,
        })
    }

    /// Returns how it is decided who may do what.
    pub(super) fn access(&self) -> Access {
        self.access.clone()
    }

    /// Returns the store that is served.
    pub(super) fn store(&self) -> Store {
        self.store.clone()
    }

    pub(super) fn register(&self, registry: &mut Registry) -> api::Metrics {
        registry.register_collector(Box::new(self.store.leadership().clone()));
        if let Some(signals) = &self.signals {
            signals.register(registry);
        }
        if let Access::Identified(guard) = &self.access {
            guard.authenticator.metrics().register(registry);
        }
        if let Some(tls) = &self.tls {
            tls.register(registry);
        }
        api::Metrics::register(&self.store, registry)
    }

    /// Serves, and shows everything that is in `registry`.
    pub(super) fn serve(self, group: &mut Group, metrics: api::Metrics, registry: Arc<Registry>) {
        let context = api::Context {
            shutdown: group.shutdown(),
            metrics,
            registry,
            access: self.access,
        };
        group.depend_on(self.store.ended());
        let staleness = self.store.staleness();
        let settings = api::Settings {
            memory: self.memory,
            ..api::Settings::default()
        };
        let router = api::router(self.store, settings, context);
        let endpoint = Endpoint {
            name: "store",
            listener: self.opening.listener,
            transport: match &self.tls {
                Some(tls) => Transport::Either(tls.server_config()),
                None => Transport::Plain,
            },
            limits: self.limits,
        };
        if let (Some(tls), Ok(address)) = (self.tls, endpoint.listener.local_addr()) {
            group.spawn(tls.keep(address, group.shutdown()));
        }
        group.serve(endpoint, router);
        group.spawn(keep_ready(
            self.opening.latch.into_need(),
            staleness,
            group.shutdown(),
        ));
    }
}

/// Is ready while the store sees what other replicas write, until the process drains.
async fn keep_ready(need: Need, staleness: Staleness, shutdown: Shutdown) {
    let follow = async {
        loop {
            let is_stale = staleness.is_stale();
            need.set_met(!is_stale);
            staleness.changes_from(is_stale).await;
        }
    };
    tokio::select! {
        () = follow => {}
        () = shutdown.reached(Phase::Draining) => {}
    }
}

/// Returns how many connections the limits of open files and of memory leave room for; the store
/// holds as many waiters and watchers as follow from that.
fn limits(open_files: usize, (memory, connection_bytes): (&StoreMemory, usize)) -> Limits {
    let by_files = open_files::for_the_store(open_files);
    let by_memory = memory.connections / connection_bytes;
    let limits = Limits::STORE.with_at_most(by_files.min(by_memory));
    let connections = limits.connections;
    let store::Limits {
        waiters, watchers, ..
    } = store::Limits::within(connections, *memory);
    info!(
        open_files,
        by_memory, connections, waiters, watchers, "connection limits"
    );
    limits
}

/// Returns how it is decided who may do what; `tokens` is the memory for what is known of tokens,
/// in bytes.
fn access(client: Option<&Client>, config: &Config, tokens: usize) -> Result<Access, ServeError> {
    let Identity::Kubernetes(identity) = &config.identity else {
        return Ok(Access::Open);
    };
    let KubernetesIdentity {
        operator,
        accepts_plain,
        plain_namespaces,
    } = identity.clone();
    let client = client.ok_or(ServeError::NoCluster)?;
    let pods = ManagedPods::default();
    let making = identity::Making {
        budget: tokens,
        operator,
        pods: pods.clone(),
    };
    Ok(Access::Identified(Arc::new(Guard {
        rules: Rules {
            accepts_plain,
            plain_namespaces,
        },
        authenticator: Authenticator::new(client.clone(), making),
        pods,
    })))
}

/// Opens the embedded store once the process before us has let go of it: a pod that is deleted by
/// force is replaced while its processes still run.
async fn open_embedded(directory: &Path, variables: Budget) -> Result<Embedded, ServeError> {
    let begin = Instant::now();
    let mut is_first = true;
    loop {
        match try_to_open(directory, variables).await? {
            Err(StoreError::Locked { path }) if begin.elapsed() < PATIENCE => {
                if is_first {
                    let path = path.display();
                    info!(%path, "waiting for the other process that has the store open");
                }
                is_first = false;
                sleep(BETWEEN_TRIES).await;
            }
            opened => return Ok(opened?),
        }
    }
}

/// Reads the file, and repairs it where it has to be: that may take long.
async fn try_to_open(
    directory: &Path,
    variables: Budget,
) -> Result<Result<Embedded, StoreError>, ServeError> {
    let directory = directory.to_owned();
    let opened = spawn_blocking(move || Embedded::open(&directory, variables)).await;
    opened.map_err(|panic| ServeError::Died(Some(Death::Panic(panic))))
}

/// How long another process may have the store open: more than a force-deleted one takes to go.
const PATIENCE: Duration = Duration::from_secs(15);

const BETWEEN_TRIES: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::future::{self, BoxFuture, FutureExt};
    use tokio::time::timeout;

    use super::*;
    use crate::{
        admin::Readiness,
        language::{Namespace, VariableKey},
        life::AssertionId,
        memory::StoreMemory,
        net::{self, NetMetrics},
        serve::roles::Roles,
        store::{
            Action, Committed, Existing, Feed, Mutation, NewAssertion, StoreDeath, Update,
            Variables,
        },
    };

    /// A feed that ends the writer's task, like a bug in the backend.
    struct Deadly;

    impl Feed for Deadly {
        fn reset(&self, _variables: &Variables) {}

        fn committed(&self, _updates: &[Update]) {
            panic!("as told");
        }
    }

    /// A backend that ends the task which removes expired assertions.
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

    fn budget() -> Budget {
        StoreMemory::default().variables
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
        let limits = store::Limits::within(100, StoreMemory::default());
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
            store: Some(StoreRole {
                opening,
                store,
                memory: StoreMemory::default(),
                limits: Limits::STORE,
                signals: None,
                access: Access::Open,
                tls: None,
            }),
            webhook: None,
            controller: None,
            namespaces: None,
            elector: None,
            writer: None,
        }
    }

    async fn death_of(mut group: Group) -> Option<Death> {
        let died = timeout(Duration::from_secs(10), group.died());
        died.await.expect("it goes down")
    }

    #[tokio::test]
    async fn goes_down_with_the_writer_of_its_store() {
        let folder = tempfile::tempdir().unwrap();
        let backend = Arc::new(Embedded::open(folder.path(), budget()).unwrap());
        let store = mk_store(backend.clone()).await;
        backend.start(Arc::new(Deadly)).await.unwrap();
        let mut group = Group::new(NetMetrics::default());
        mk_role(store.clone()).serve(&mut group);

        let refused = store.assert(mk_key(), mk_assertion(None)).await;
        assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
        let death = death_of(group).await;
        assert!(
            matches!(death, Some(Death::Store(StoreDeath::Writer))),
            "{death:?}"
        );
    }

    #[tokio::test]
    async fn goes_down_with_the_task_that_removes_what_has_expired() {
        let store = mk_store(Arc::new(Unforgetting(Memory::new(budget())))).await;
        let mut group = Group::new(NetMetrics::default());
        mk_role(store.clone()).serve(&mut group);
        let brief = mk_assertion(Some(Duration::ZERO));
        store.assert(mk_key(), brief).await.unwrap();
        let death = death_of(group).await;
        assert!(
            matches!(death, Some(Death::Store(StoreDeath::Expiry))),
            "{death:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn opens_the_store_once_another_process_lets_go_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let other = Embedded::open(folder.path(), budget()).unwrap();
        let begin = Instant::now();
        let (opened, ()) = tokio::join!(open_embedded(folder.path(), budget()), async {
            sleep(Duration::from_secs(14)).await;
            drop(other);
        });
        opened.unwrap();
        let taken = begin.elapsed();
        assert!(taken < Duration::from_secs(15), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_another_process_keeps_is_refused_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let _other = Embedded::open(folder.path(), budget()).unwrap();
        let begin = Instant::now();
        let refused = open_embedded(folder.path(), budget()).await;
        assert!(
            matches!(refused, Err(ServeError::Store(StoreError::Locked { .. }))),
            "{refused:?}"
        );
        assert!(begin.elapsed() >= PATIENCE);
    }

    #[test]
    fn takes_no_more_connections_than_files_and_memory_allow() {
        let memory = |connections| StoreMemory {
            connections,
            ..StoreMemory::default()
        };
        let plenty = memory(usize::MAX);
        for (files, memory, connections) in [
            (1 << 20, plenty, Limits::STORE.connections),
            (1024, plenty, 768),
            (1 << 20, memory(100 * Limits::STORE.connection_bytes()), 100),
        ] {
            let bytes = Limits::STORE.connection_bytes();
            assert_eq!(limits(files, (&memory, bytes)).connections, connections);
        }
    }

    #[tokio::test]
    async fn drains_with_a_store_that_lives() {
        let store = mk_store(Arc::new(Memory::new(budget()))).await;
        let mut group = Group::new(NetMetrics::default());
        mk_role(store).serve(&mut group);
        group.drain().await;
    }
}
