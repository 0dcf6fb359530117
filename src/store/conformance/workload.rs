//! Concurrent clients that create, delete, look and wait.

use std::time::{Duration, Instant};

use futures_util::future;
use oncue_language::{Namespace, Term, VariableKey};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::timeout;

use super::{
    Ground,
    history::{Acknowledgement, Call, History, Record, Seen},
};
use crate::{
    life::AssertionId,
    store::{Effect, Existing, NewAssertion, State, Store, StoreError, WaitRequest, Waiter},
};

/// Concurrent clients that create, delete, look and wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Load {
    /// The seed of what they do.
    pub seed: u64,
    /// How many clients each replica has.
    pub clients: usize,
    /// How many requests each client makes, one after another.
    pub requests: usize,
    /// How many variables they share.
    pub variables: usize,
}

/// One client of one replica.
struct LoadClient {
    store: Store,
    replica: usize,
    namespace: Namespace,
    random: StdRng,
    start: Instant,
    /// Tells apart what the histories of one ground are about.
    prefix: u64,
}

impl Load {
    /// Returns a load of 8 clients for each replica.
    pub fn of_seed(seed: u64) -> Self {
        Self {
            seed,
            clients: 8,
            requests: 40,
            variables: 4,
        }
    }

    /// Runs all clients at once, and returns what they asked and were answered.
    pub async fn run(self, ground: &Ground) -> History {
        let stores = ground.stores().await;
        let start = Instant::now();
        let clients = stores.iter().enumerate().flat_map(|(replica, store)| {
            (0..self.clients).map(move |client| LoadClient {
                store: store.clone(),
                replica,
                namespace: ground.namespaces[0].clone(),
                random: StdRng::seed_from_u64(self.seed * 1000 + (replica * 100 + client) as u64),
                start,
                prefix: self.seed,
            })
        });
        let running = clients.map(|client| tokio::spawn(client.run(self)));
        let records = future::join_all(running).await.into_iter();
        History(records.flat_map(Result::unwrap).collect())
    }
}

impl LoadClient {
    async fn run(mut self, load: Load) -> Vec<Record> {
        let mut records = Vec::new();
        for _ in 0..load.requests {
            let variable = self.random.random_range(0..load.variables);
            let begin = self.start.elapsed();
            if let Some(call) = self.call(variable).await {
                records.push(Record {
                    replica: self.replica,
                    variable,
                    begin,
                    end: self.start.elapsed(),
                    call,
                });
            }
        }
        records
    }

    /// Makes one request. A wait that is not answered in time says nothing.
    async fn call(&mut self, variable: usize) -> Option<Call> {
        let key = self.key(variable);
        match self.random.random_range(0..10) {
            0..3 => Some(Call::Create(self.create(key).await)),
            3..5 => Some(Call::Delete(self.delete(key).await)),
            5..8 => Some(Call::See(if self.store.exists(&key) {
                Seen::Present
            } else {
                Seen::Absent
            })),
            _ => {
                let held = timeout(PATIENCE, self.held(&key)).await;
                held.is_ok().then_some(Call::See(Seen::Held))
            }
        }
    }

    fn key(&self, variable: usize) -> VariableKey {
        let name = format!("history-{}/{variable}", self.prefix);
        VariableKey::new(self.namespace.clone(), name.parse().unwrap())
    }

    async fn create(&self, key: VariableKey) -> Acknowledgement {
        let assertion = NewAssertion {
            id: AssertionId::HAND,
            value: None,
            ttl: None,
            existing: Existing::Replace,
        };
        let created = self.store.assert(key, assertion).await;
        acknowledgement(&created.map(|created| created.effect != Effect::Unchanged))
    }

    async fn delete(&self, key: VariableKey) -> Acknowledgement {
        acknowledgement(&self.store.delete(key).await)
    }

    async fn held(&self, key: &VariableKey) {
        let term: Term = key.name.as_str().parse().unwrap();
        let condition = term.condition(&self.namespace).unwrap().unwrap();
        let mut revision = None;
        loop {
            let answer = self.store.wait(WaitRequest {
                who: Waiter {
                    namespace: self.namespace.clone(),
                    pod: None,
                    uid: None,
                    since: self.store.now(),
                },
                conditions: [condition.clone()].into(),
                revision,
                knows_release: false,
            });
            let answer = answer.await.unwrap();
            if answer.outcome == State::Held {
                return;
            }
            revision = Some(answer.revision);
        }
    }
}

fn acknowledgement(changed: &Result<bool, StoreError>) -> Acknowledgement {
    match changed {
        Ok(true) => Acknowledgement::Done,
        Ok(false) => Acknowledgement::Unneeded,
        Err(_) => Acknowledgement::Unknown,
    }
}

/// How long a client waits.
const PATIENCE: Duration = Duration::from_millis(20);
