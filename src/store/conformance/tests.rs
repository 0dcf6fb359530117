//! All backends of this crate, by the same suite.

use std::sync::Arc;

use http::Method;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::{
    cluster::start_replicas,
    history::{Acknowledgement, Call, Seen},
    *,
};
use crate::{
    memory::Budget,
    store::{
        Embedded, Memory,
        kubernetes::fake::{Failure, FakeSignals},
    },
};

fn namespaces() -> [Namespace; 2] {
    ["default", "other"].map(|name| name.parse().unwrap())
}

struct InMemory;

impl Grounds for InMemory {
    async fn empty(&mut self, _replicas: usize) -> Ground {
        Ground {
            replicas: vec![Arc::new(Memory::new(Budget::UNLIMITED))],
            namespaces: namespaces(),
            uids: BTreeMap::new(),
        }
    }
}

struct InFiles {
    directory: TempDir,
    files: usize,
}

impl Grounds for InFiles {
    async fn empty(&mut self, _replicas: usize) -> Ground {
        self.files += 1;
        let directory = self.directory.path().join(self.files.to_string());
        let backend = Embedded::open(&directory, Budget::UNLIMITED).unwrap();
        Ground {
            replicas: vec![Arc::new(backend)],
            namespaces: namespaces(),
            uids: BTreeMap::new(),
        }
    }
}

struct InCluster;

impl InCluster {
    async fn ground(api: &FakeSignals, replicas: usize) -> Ground {
        Ground {
            replicas: start_replicas(&api.client(), replicas).await,
            namespaces: namespaces(),
            uids: BTreeMap::new(),
        }
    }
}

impl Grounds for InCluster {
    async fn empty(&mut self, replicas: usize) -> Ground {
        Self::ground(&FakeSignals::new(), replicas).await
    }
}

#[tokio::test]
async fn memory_conforms() {
    conforms(&mut InMemory, Promise::OneReplica).await;
}

#[tokio::test]
async fn embedded_conforms() {
    let mut grounds = InFiles {
        directory: tempfile::tempdir().unwrap(),
        files: 0,
    };
    conforms(&mut grounds, Promise::OneReplica).await;
}

/// The API server in memory tells its watches at once, so that only this process is slow.
const PROMISE: Promise = Promise::Within(Duration::from_secs(2));

#[tokio::test]
async fn kubernetes_conforms() {
    conforms(&mut InCluster, PROMISE).await;
}

/// Nothing is promised across replicas meanwhile, and everything on each of them.
#[tokio::test]
async fn kubernetes_conforms_while_its_api_server_fails() {
    let api = FakeSignals::new();
    let ground = InCluster::ground(&api, 2).await;
    let load = Load {
        clients: 3,
        requests: 12,
        ..Load::of_seed(77)
    };
    let load = load.run(&ground);
    let trouble = async {
        for _ in 0..20 {
            sleep(Duration::from_millis(40)).await;
            api.lose_answer(&Method::POST);
            api.lose_answer(&Method::DELETE);
            api.refuse(
                Method::POST,
                Failure::new(429, "TooManyRequests", "slow down"),
            );
            sleep(Duration::from_millis(40)).await;
            api.compact();
        }
    };
    let (history, ()) = tokio::join!(load, trouble);
    history.check(Promise::OneReplica);
    assert!(has(&history.0, Call::Create(Acknowledgement::Done)));
}

#[tokio::test]
async fn a_history_has_all_that_the_checker_looks_at() {
    let ground = InCluster.empty(2).await;
    let history = Load::of_seed(1).run(&ground).await;
    for call in [
        Call::Create(Acknowledgement::Done),
        Call::Create(Acknowledgement::Unneeded),
        Call::Delete(Acknowledgement::Done),
        Call::Delete(Acknowledgement::Unneeded),
        Call::See(Seen::Absent),
        Call::See(Seen::Held),
        Call::See(Seen::Present),
    ] {
        assert!(has(&history.0, call), "{call:?}");
    }
}

/// The checker finds what a broken backend would do: each kind of change that is denied.
#[tokio::test]
async fn a_history_that_forgets_an_acknowledged_write_is_found() {
    let ground = InMemory.empty(1).await;
    let begin = Instant::now();
    let history = Load::of_seed(2).run(&ground).await;
    history.check(Promise::OneReplica);
    let later = begin.elapsed() + Duration::from_secs(1);
    let seen = |seen| history::Record {
        replica: 0,
        variable: 0,
        begin: later + Duration::from_secs(2),
        end: later + Duration::from_secs(3),
        call: Call::See(seen),
    };
    for (change, contrary) in [
        (Call::Create(Acknowledgement::Done), Seen::Absent),
        (Call::Delete(Acknowledgement::Done), Seen::Held),
    ] {
        let change = history::Record {
            begin: later,
            end: later + Duration::from_secs(1),
            call: change,
            ..seen(contrary)
        };
        let mut broken = history.clone();
        broken.0.extend([change, seen(contrary)]);
        assert_eq!(broken.violations(Promise::OneReplica).len(), 1);
    }
}

#[tokio::test]
async fn a_write_becomes_visible_on_the_other_replica() {
    let visibility = measure(&mut InCluster, PROMISE, 20).await;
    assert_eq!(
        (visibility.here.len(), visibility.elsewhere.len()),
        (20, 20)
    );
    assert!(visibility.median_here() > Some(Duration::ZERO));
    assert!(visibility.median_elsewhere() < Some(Duration::from_secs(2)));
}

fn has(records: &[history::Record], call: Call) -> bool {
    records.iter().any(|record| record.call == call)
}
