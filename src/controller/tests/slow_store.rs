//! A store whose backend takes long over some writes, or refuses them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{self, BoxFuture},
};

use super::*;
use crate::store::{Backend, Committed, Feed, Mutation, Refusal, StoreError};

/// What a backend does with the changes of a variable.
#[derive(Clone, Debug)]
enum Behaviour {
    Hangs,
    Fails(StoreError),
}

/// A backend that treats some variables badly, and counts what is asked of it.
#[derive(Debug)]
struct Bad {
    memory: Memory,
    behaviours: Mutex<BTreeMap<String, Behaviour>>,
    asked: Mutex<BTreeMap<String, usize>>,
}

impl Bad {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            memory: Memory::new(Budget::UNLIMITED),
            behaviours: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    fn treat(&self, name: impl Into<String>, behaviour: Behaviour) {
        let mut behaviours = self.behaviours.lock().unwrap();
        behaviours.insert(name.into(), behaviour);
    }

    fn treat_well(&self, name: &str) {
        self.behaviours.lock().unwrap().remove(name);
    }

    /// Returns how many changes of a variable were asked for.
    fn asked(&self, name: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.get(name).copied().unwrap_or_default()
    }
}

impl Backend for Bad {
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.memory.start(feed)
    }

    fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
        let name = mutation.key.name.to_string();
        *self.asked.lock().unwrap().entry(name.clone()).or_default() += 1;
        let behaviours = self.behaviours.lock();
        let behaviours = behaviours.unwrap_or_else(PoisonError::into_inner);
        match behaviours.get(&name).cloned() {
            Some(Behaviour::Hangs) => future::pending().boxed(),
            Some(Behaviour::Fails(error)) => future::ready(Err(error)).boxed(),
            None => self.memory.commit(mutation),
        }
    }
}

async fn start(api: &FakeApi, backend: &Arc<Bad>) -> Running {
    let limits = Limits::within(100, StoreMemory::default());
    let store = Store::open(backend.clone(), limits, Arc::new(PausedClock::start()));
    let mut running = Running {
        api: api.clone(),
        store: store.await.unwrap(),
        settings: mk_settings(),
        tasks: JoinSet::new(),
        registry: Registry::default(),
    };
    running.restart();
    running
}

fn mk_refusal() -> Behaviour {
    let refusal = Refusal::Forbidden("exceeded quota".to_owned());
    Behaviour::Fails(StoreError::Refused(refusal))
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_ends_holds_up_nothing_else() {
    let (api, backend) = (FakeApi::default(), Bad::new());
    backend.treat("stuck", Behaviour::Hangs);
    api.put("pods", &mk_pod("first", "u-1", "stuck"));
    let running = start(&api, &backend).await;
    running.settle().await;
    assert_eq!(backend.asked("stuck"), 1);
    let pod = mk_pod("second", "u-2", "second/started");
    api.put("pods", &pod);
    running.until("second/started", true).await;
    api.remove("pods", &pod);
    running.until("second/started", false).await;
    assert_eq!(backend.asked("stuck"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_full_of_writes_that_never_end_holds_up_no_other() {
    let (api, backend) = (FakeApi::default(), Bad::new());
    for number in 0..300 {
        let name = format!("stuck/{number}");
        let mut pod = mk_pod(&format!("p-{number}"), &format!("u-{number}"), &name);
        pod["metadata"]["namespace"] = "broken".into();
        api.put("pods", &pod);
        backend.treat(name, Behaviour::Hangs);
    }
    let running = start(&api, &backend).await;
    running.settle().await;
    api.put("pods", &mk_pod("first", "u-1", "first/started"));
    running.until("first/started", true).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_is_tried_ever_less_often_until_it_succeeds() {
    let (api, backend) = (FakeApi::default(), Bad::new());
    backend.treat("refused", mk_refusal());
    let mut pod = mk_pod("first", "u-1", "refused");
    api.put("pods", &pod);
    let running = start(&api, &backend).await;
    // After 1, 3, 7, 15 and 31 seconds.
    running.settle().await;
    assert_eq!(backend.asked("refused"), 6);
    // What it implies is the same.
    pod["status"]["podIP"] = "10.0.0.1".into();
    api.put("pods", &pod);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(backend.asked("refused"), 6);
    sleep(Duration::from_hours(1)).await;
    assert!((17..=22).contains(&backend.asked("refused")));
    backend.treat_well("refused");
    sleep(Duration::from_mins(5)).await;
    assert!(running.exists("refused"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_is_not_made_later_if_it_is_not_true_any_more() {
    let (api, backend) = (FakeApi::default(), Bad::new());
    backend.treat("refused", mk_refusal());
    let pod = mk_pod("first", "u-1", "refused");
    api.put("pods", &pod);
    let running = start(&api, &backend).await;
    running.settle().await;
    api.remove("pods", &pod);
    running.settle().await;
    backend.treat_well("refused");
    let asked = backend.asked("refused");
    sleep(Duration::from_hours(1)).await;
    assert_eq!(backend.asked("refused"), asked);
}

#[tokio::test(start_paused = true)]
async fn a_write_in_a_namespace_that_goes_away_is_not_tried_again() {
    let shop: Namespace = "shop".parse().unwrap();
    for refusal in [
        Refusal::NoNamespace(shop.clone()),
        Refusal::Terminating(shop.clone()),
    ] {
        let (api, backend) = (FakeApi::default(), Bad::new());
        backend.treat("gone", Behaviour::Fails(StoreError::Refused(refusal)));
        api.put("pods", &mk_pod("first", "u-1", "gone"));
        let running = start(&api, &backend).await;
        // The watch does not list anew before 10 minutes of silence.
        sleep(Duration::from_mins(9)).await;
        assert_eq!(backend.asked("gone"), 1);
        assert!(!running.exists("gone"));
    }
}
