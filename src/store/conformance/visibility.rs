//! How long it takes until a write is visible.

use std::time::{Duration, Instant};

use oncue_language::{Namespace, VariableKey};

use super::Ground;
use crate::{
    life::AssertionId,
    store::{Existing, NewAssertion, Scope, Store, WatchEvent},
};

/// How long it took from the begin of each write until it was visible, the shortest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Visibility {
    /// On the replica that wrote: until it acknowledged.
    pub here: Vec<Duration>,
    /// On another replica; empty if there is none.
    pub elsewhere: Vec<Duration>,
}

impl Visibility {
    /// Returns the time within which half of the writes were visible here.
    pub fn median_here(&self) -> Option<Duration> {
        median(&self.here)
    }

    /// Returns the time within which half of the writes were visible elsewhere.
    pub fn median_elsewhere(&self) -> Option<Duration> {
        median(&self.elsewhere)
    }
}

fn median(sorted: &[Duration]) -> Option<Duration> {
    sorted.get(sorted.len() / 2).copied()
}

pub(super) async fn measure(ground: &Ground, writes: usize) -> Visibility {
    let stores = ground.stores().await;
    let mut visibility = Visibility::default();
    for write in 0..writes {
        let name = format!("visible/{write}").parse().unwrap();
        let key = VariableKey::new(ground.namespaces[0].clone(), name);
        let begin = Instant::now();
        let here = async {
            stores[0].assert(key.clone(), by_hand()).await.unwrap();
            begin.elapsed()
        };
        let elsewhere = async {
            match stores.get(1) {
                Some(other) => {
                    appears(other, &key).await;
                    Some(begin.elapsed())
                }
                None => None,
            }
        };
        let (here, elsewhere) = tokio::join!(here, elsewhere);
        visibility.here.push(here);
        visibility.elsewhere.extend(elsewhere);
    }
    visibility.here.sort();
    visibility.elsewhere.sort();
    visibility
}

async fn appears(store: &Store, key: &VariableKey) {
    let mut watch = store
        .watch(Scope::default(), &Namespace::default())
        .unwrap();
    while !store.exists(key) {
        let _: WatchEvent = watch.next().await.unwrap();
    }
}

fn by_hand() -> NewAssertion {
    NewAssertion {
        id: AssertionId::HAND,
        value: None,
        ttl: None,
        existing: Existing::Replace,
    }
}
