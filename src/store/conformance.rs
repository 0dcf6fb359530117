//! What every backend must do, for all of them: rules for single and concurrent requests, and a
//! checker of recorded histories.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `rules` | what a request does, and what feeds receive |
//! | [`history`] | what was asked and answered, and the checker that finds what cannot be |
//! | `workload` | concurrent clients on one or several replicas, whose history is recorded |
//! | `visibility` | how long it takes until a write is visible here and on another replica |
//!
//! Each function panics at what a backend must not do. Tests of this crate run them on memory, the
//! embedded file, and the cluster's API with an API server in memory; `cluster` runs them on a real
//! one, which the end-to-end tests provide.

#![allow(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where it fails"
)]

pub mod history;
mod rules;
mod visibility;
mod workload;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use oncue_language::Namespace;

pub use self::{visibility::Visibility, workload::Load};
use super::{Backend, Limits, Store, SystemClock};
use crate::memory::StoreMemory;

/// Replicas of one store, without any variable in two namespaces.
#[derive(Debug)]
pub struct Ground {
    /// The replicas. Each was started, so that it has read everything.
    pub replicas: Vec<Arc<dyn Backend>>,
    /// Two namespaces in which nothing else writes.
    pub namespaces: [Namespace; 2],
    /// The uids of pods that exist in the first namespace, by [name](owners). A real cluster removes
    /// what others own; elsewhere, uids are invented.
    pub uids: BTreeMap<String, String>,
}

/// Returns the names of all pods that assert something in a ground.
pub fn owners() -> impl Iterator<Item = String> {
    let numbered = (0..rules::NUMBERED_PODS).map(rules::numbered_pod);
    ["p", "q"].into_iter().map(str::to_owned).chain(numbered)
}

/// Makes grounds.
pub trait Grounds {
    /// Returns a ground with so many replicas, of which those before know nothing.
    fn empty(&mut self, replicas: usize) -> impl Future<Output = Ground>;
}

/// What a backend promises about reading what another replica wrote.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Promise {
    /// There is one replica only.
    OneReplica,
    /// It is visible on every replica after this time.
    Within(Duration),
}

impl Promise {
    /// Returns how many replicas are tested.
    fn replicas(self) -> usize {
        match self {
            Self::OneReplica => 1,
            Self::Within(_) => 2,
        }
    }
}

/// Checks a backend by all rules and by recorded histories.
pub async fn conforms(grounds: &mut impl Grounds, promise: Promise) {
    rules::conforms(grounds).await;
    for seed in 0..HISTORIES {
        let ground = grounds.empty(promise.replicas()).await;
        let history = Load::of_seed(seed).run(&ground).await;
        history.check(promise);
    }
}

/// Measures how long it takes from a write until it is visible, so many times.
pub async fn measure(grounds: &mut impl Grounds, promise: Promise, writes: usize) -> Visibility {
    let ground = grounds.empty(promise.replicas()).await;
    visibility::measure(&ground, writes).await
}

/// How many histories are recorded.
const HISTORIES: u64 = 5;

impl Ground {
    fn backend(&self) -> &dyn Backend {
        &*self.replicas[0]
    }

    async fn stores(&self) -> Vec<Store> {
        let mut stores = Vec::new();
        for backend in &self.replicas {
            let limits = Limits::within(1000, StoreMemory::default());
            let store = Store::open(Arc::clone(backend), limits, Arc::new(SystemClock));
            stores.push(store.await.unwrap());
        }
        stores
    }
}

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod tests;
