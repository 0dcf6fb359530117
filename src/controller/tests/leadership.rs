//! Several replicas, of which one leads.

use std::sync::Mutex;

use futures_util::future::BoxFuture;

use super::{gates::mk_gated, *};
use crate::{
    controller::writes::Written,
    language::OwnerKind,
    leadership::{Lead, Leadership, SteadyClock},
    life::{AssertionId, Kind, Owner},
    store::{Backend, Committed, Existing, Feed, Mutation, NewAssertion, StoreError},
};

/// A clock that stands still.
#[derive(Debug)]
struct StoppedClock;

impl SteadyClock for StoppedClock {
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// A backend that remembers what was asked of it.
#[derive(Debug)]
struct Recorder {
    memory: Memory,
    mutations: Mutex<Vec<Mutation>>,
}

impl Recorder {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            memory: Memory::new(Budget::UNLIMITED),
            mutations: Mutex::default(),
        })
    }

    /// Returns how many changes were asked for since this was asked last.
    fn mutations(&self) -> usize {
        std::mem::take(&mut *self.mutations.lock().unwrap()).len()
    }
}

impl Backend for Recorder {
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.memory.start(feed)
    }

    fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.mutations.lock().unwrap().push(mutation.clone());
        self.memory.commit(mutation)
    }
}

/// One of several replicas.
struct Replica {
    running: Running,
    lead: Lead,
}

impl Replica {
    async fn start(api: &FakeApi, backend: &Arc<Recorder>) -> Self {
        let (lead, leadership) = Leadership::new(Arc::new(StoppedClock));
        let clock = Arc::new(PausedClock::start());
        let limits = Limits::within(100, StoreMemory::default());
        let store = Store::open_replica(backend.clone(), limits, (clock, leadership));
        let store = store.await.unwrap();
        let mut running = Running {
            api: api.clone(),
            store,
            settings: mk_settings(),
            tasks: JoinSet::new(),
            registry: Registry::default(),
        };
        running.restart();
        Self { running, lead }
    }

    fn lead(&self) {
        self.lead.hold_until(Duration::MAX);
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.running.registry).unwrap();
        text
    }
}

/// What there is to do for a leader: a signal, a gate, conditions.
fn mk_cluster() -> (FakeApi, Value, Value) {
    let (api, pod, gated) = (
        FakeApi::default(),
        mk_pod("first", "u-1", "first/started"),
        mk_gated(&json!({
            "hash": "h", "depends-on": ["first/started"], "depends-on-mode": "gate",
        })),
    );
    api.put("pods", &pod);
    api.put("pods", &gated);
    (api, pod, gated)
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_lead_writes_nothing() {
    let (api, pod, _) = mk_cluster();
    let backend = Recorder::new();
    let replica = Replica::start(&api, &backend).await;
    replica.running.settle().await;
    api.remove("pods", &pod);
    replica.running.settle().await;
    assert_eq!(backend.mutations(), 0);
    assert_eq!(api.reads(), [""; 0]);
    for what in [Written::Condition, Written::Event, Written::Gate] {
        assert_eq!(api.writes(what), [], "{what:?}");
    }
    let metrics = replica.metrics();
    assert!(!metrics.contains("waiting_pods{"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_comes_to_lead_does_everything_at_once() {
    let (api, _, gated) = mk_cluster();
    let replica = Replica::start(&api, &Recorder::new()).await;
    replica.running.settle().await;
    replica.lead();
    replica.running.until("first/started", true).await;
    let taken = replica.running.until_open(&gated).await;
    assert!(taken < Duration::from_secs(1), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_leads_no_more_leaves_everything_to_the_next() {
    let (api, pod, gated) = mk_cluster();
    let backend = Recorder::new();
    let former = Replica::start(&api, &backend).await;
    former.lead();
    former.running.until_open(&gated).await;
    former.running.settle().await;
    former.lead.end();
    former.running.settle().await;
    backend.mutations();

    api.remove("pods", &pod);
    former.running.settle().await;
    assert_eq!(backend.mutations(), 0);
    assert!(former.running.exists("first/started"));

    let next = Replica::start(&api, &backend).await;
    next.lead();
    next.running.until("first/started", false).await;
    former.running.settle().await;
    assert_eq!(backend.mutations(), 1);
    // What the other one did was seen, and is not done again by one that leads once more.
    next.lead.end();
    former.lead();
    former.running.settle().await;
    assert_eq!(backend.mutations(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asserted_or_reported_again_when_another_replica_takes_over() {
    let (api, ..) = mk_cluster();
    let mut waiting = mk_gated(&json!({
        "hash": "h", "depends-on": ["third"], "depends-on-mode": "gate",
    }));
    waiting["metadata"]["name"] = json!("waiting");
    waiting["metadata"]["uid"] = json!("u-waiting");
    api.put("pods", &waiting);
    let backend = Recorder::new();
    let (first, second) = (
        Replica::start(&api, &backend).await,
        Replica::start(&api, &backend).await,
    );
    first.lead();
    first.running.settle().await;
    let written = |what| api.writes(what).len();
    let before = (written(Written::Condition), written(Written::Event));
    assert!(before.0 > 0 && before.1 > 0, "{before:?}");
    assert!(backend.mutations() > 0);
    for (old, new) in [(&first, &second), (&second, &first)] {
        old.lead.end();
        new.lead();
        new.running.settle().await;
        assert_eq!(backend.mutations(), 0);
        let after = (written(Written::Condition), written(Written::Event));
        assert_eq!(after, before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_of_a_pod_that_a_new_leader_has_not_seen_stays() {
    let api = FakeApi::default();
    let backend = Recorder::new();
    let replica = Replica::start(&api, &backend).await;
    replica.running.settle().await;
    // Its watch is behind, and another replica has taken the signal of the marker.
    api.set_silent(true);
    api.put("pods", &mk_pod("first", "u-1", "first/started"));
    let marker = NewAssertion {
        id: AssertionId::of(
            Owner {
                namespace: "shop".parse().unwrap(),
                name: "first".into(),
                uid: "u-1".into(),
                kind: OwnerKind::Pod,
            },
            Kind::Live,
        ),
        value: None,
        ttl: None,
        existing: Existing::KeepValue,
    };
    let key = VariableKey::new("shop".parse().unwrap(), "first/started".parse().unwrap());
    replica.running.store.assert(key, marker).await.unwrap();
    backend.mutations();
    replica.lead();
    replica.running.settle().await;
    assert_eq!(backend.mutations(), 0);
    assert!(replica.running.exists("first/started"));
    assert!(!api.reads().is_empty());
}
