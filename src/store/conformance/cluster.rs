//! The backend `kubernetes` on a real API server.
//!
//! The end-to-end tests run this: it needs a cluster with oncue's `CustomResourceDefinition`, where no
//! store runs, because a leader would withdraw what the suite asserts.

use k8s_openapi::api::core::v1::{Namespace as NamespaceObject, Pod};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
};
use oncue_signals::Signal;
use serde_json::json;

use super::*;
use crate::{
    memory::Budget,
    store::{Feed, Kubernetes, Update, Variables},
};

/// The bound within which a write is visible on every replica. Both replicas and the checker share
/// this process, and perhaps a busy machine.
const PROMISE: Promise = Promise::Within(Duration::from_secs(2));

#[tokio::test]
#[ignore = "needs a cluster: `cargo run -p e2e -- test conformance`"]
async fn kubernetes_conforms_on_a_real_api_server() {
    let client = Client::try_default().await.unwrap();
    let mut cluster = RealCluster::prepare(client).await;
    conforms(&mut cluster, PROMISE).await;
    let visibility = measure(&mut cluster, PROMISE, 200).await;
    println!(
        "a write is visible (median of {}): here after {:?}, on another replica after {:?}",
        visibility.here.len(),
        visibility.median_here().unwrap(),
        visibility.median_elsewhere().unwrap(),
    );
    cluster.remove().await;
}

struct RealCluster {
    client: Client,
    namespaces: [Namespace; 2],
    uids: BTreeMap<String, String>,
}

impl RealCluster {
    /// Creates two namespaces, and in the first one the pods that assert something.
    async fn prepare(client: Client) -> Self {
        let all: Api<NamespaceObject> = Api::all(client.clone());
        let namespaces = ["", "-other"].map(|suffix| {
            let name = format!("conformance-{}{suffix}", std::process::id());
            name.parse::<Namespace>().unwrap()
        });
        for namespace in &namespaces {
            let object = json!({"metadata": {"name": namespace.as_str()}});
            let object = serde_json::from_value(object).unwrap();
            all.create(&PostParams::default(), &object).await.unwrap();
        }
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespaces[0].as_str());
        let mut uids = BTreeMap::new();
        for name in owners() {
            let pod = pods.create(&PostParams::default(), &mk_pod(&name)).await;
            uids.insert(name, pod.unwrap().metadata.uid.unwrap());
        }
        Self {
            client,
            namespaces,
            uids,
        }
    }

    async fn remove(self) {
        let all: Api<NamespaceObject> = Api::all(self.client);
        for namespace in &self.namespaces {
            all.delete(namespace.as_str(), &DeleteParams::default())
                .await
                .unwrap();
        }
    }

    async fn has_signals(signals: &Api<Signal>) -> bool {
        let first = signals.list(&ListParams::default().limit(1)).await;
        !first.unwrap().items.is_empty()
    }
}

impl Grounds for RealCluster {
    async fn empty(&mut self, replicas: usize) -> Ground {
        for namespace in &self.namespaces {
            let signals: Api<Signal> = Api::namespaced(self.client.clone(), namespace.as_str());
            while Self::has_signals(&signals).await {
                signals
                    .delete_collection(&DeleteParams::default(), &ListParams::default())
                    .await
                    .unwrap();
            }
        }
        Ground {
            replicas: start_replicas(&self.client, replicas).await,
            namespaces: self.namespaces.clone(),
            uids: self.uids.clone(),
        }
    }
}

/// Starts replicas of the backend that share an API server.
pub(super) async fn start_replicas(client: &Client, replicas: usize) -> Vec<Arc<dyn Backend>> {
    let mut started: Vec<Arc<dyn Backend>> = Vec::new();
    for _ in 0..replicas {
        let backend = Kubernetes::new(client.clone(), Budget::UNLIMITED);
        backend.start(Arc::new(Deaf)).await.unwrap();
        started.push(Arc::new(backend));
    }
    started
}

/// A feed that drops what it receives.
struct Deaf;

impl Feed for Deaf {
    fn reset(&self, _variables: &Variables) {}

    fn committed(&self, _updates: &[Update]) {}
}

/// A pod that no node runs.
fn mk_pod(name: &str) -> Pod {
    let pod = json!({
        "metadata": {"name": name},
        "spec": {
            "schedulingGates": [{"name": "oncue.dev/conformance"}],
            "containers": [{"name": "none", "image": "none"}],
        },
    });
    serde_json::from_value(pod).unwrap()
}
