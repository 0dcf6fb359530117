//! The backend against an API server in memory.

mod bad_input;
mod memory_limit;
mod outages;
mod writes;

use std::{sync::Arc, time::Duration};

use oncue_language::{Namespace, VariableKey};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Kubernetes, fake::FakeSignals};
use crate::{
    life::{AssertionId, Kind, Owner},
    memory::{Budget, StoreMemory},
    store::{
        Asserted, Existing, Limits, NewAssertion, Scope, Store, StoreError, SystemClock,
        WaitRequest, Waiter,
    },
};

/// Returns a replica that has read the cluster.
async fn mk_store(api: &FakeSignals) -> Store {
    let backend = Arc::new(Kubernetes::new(api.client(), Budget::UNLIMITED));
    open(backend).await
}

async fn open(backend: Arc<Kubernetes>) -> Store {
    let limits = Limits::within(1000, StoreMemory::default());
    let store = Store::open(backend, limits, Arc::new(SystemClock));
    let store = timeout(Duration::from_mins(1), store).await;
    store.expect("the store is ready").unwrap()
}

fn mk_key(name: &str) -> VariableKey {
    VariableKey::new(Namespace::default(), name.parse().unwrap())
}

fn mk_pod(name: &str) -> Owner {
    Owner::pod(Namespace::default(), name, format!("uid-of-{name}"))
}

fn by_hand(value: Option<&str>) -> NewAssertion {
    NewAssertion {
        id: AssertionId::HAND,
        value: value.map(|value| value.parse().unwrap()),
        ttl: None,
        existing: Existing::Replace,
    }
}

fn by_pod(name: &str) -> NewAssertion {
    NewAssertion {
        id: AssertionId::of(mk_pod(name), Kind::Live),
        ..by_hand(None)
    }
}

async fn assert(
    store: &Store,
    name: &str,
    assertion: NewAssertion,
) -> Result<Asserted, StoreError> {
    store.assert(mk_key(name), assertion).await
}

/// Returns every assertion, such as `a=v durable of hand as mine`.
fn shown(store: &Store) -> Vec<String> {
    let page = store.list(&Scope::default(), 1000, None);
    let shown = page.assertions.iter().map(|(key, it)| {
        let value = it
            .value
            .as_ref()
            .map_or(String::new(), |it| format!("={it}"));
        let owner = it.id.asserter.owner().map_or("hand", |owner| &owner.name);
        let object = it.id.object.as_deref();
        let object = object.map_or(String::new(), |it| format!(" as {it}"));
        format!("{}{value} {} of {owner}{object}", key.name, it.id.kind)
    });
    shown.collect()
}

/// Waits until the store shows these assertions.
async fn shows(store: &Store, expected: &[&str]) {
    let mut watch = store
        .watch(Scope::default(), &Namespace::default())
        .unwrap();
    let all = async {
        while shown(store) != expected {
            watch.next().await.unwrap();
        }
    };
    let in_time = timeout(Duration::from_mins(1), all).await;
    assert!(
        in_time.is_ok(),
        "{:?} in place of {expected:?}",
        shown(store)
    );
}
