//! The way to a pod of the store: found by its labels, reached by a port-forward.

use futures_util::FutureExt;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::ListParams};

use super::{
    ApiError, call,
    tunnel::{Connection, Dial},
};
use crate::language::Namespace;

/// The store of the oncue that is installed in a namespace.
#[derive(Clone)]
pub(crate) struct StorePods {
    client: Client,
    namespace: Namespace,
}

impl StorePods {
    /// Returns the store that is installed in `namespace`, without a word to it yet.
    pub(crate) fn new(client: Client, namespace: Namespace) -> Self {
        Self { client, namespace }
    }

    /// Returns a pod that is ready, and the port on which it serves.
    async fn ready(&self) -> Result<(String, u16), StoreError> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), self.namespace.as_str());
        let of_the_store = ListParams::default().labels(LABELS).limit(MAX_PODS);
        let found = call(pods.list(&of_the_store)).await;
        let found = found.map_err(|source| StoreError::Find {
            namespace: self.namespace.clone(),
            source,
        })?;
        self.choose(&found.items)
    }

    /// Chooses a pod that is ready, and the port on which it serves.
    fn choose(&self, pods: &[Pod]) -> Result<(String, u16), StoreError> {
        let name = |pod: &Pod| pod.metadata.name.clone().unwrap_or_default();
        if let Some(pod) = pods.iter().find(|pod| is_ready(pod)) {
            return Ok((name(pod), port(pod)));
        }
        let namespace = self.namespace.clone();
        Err(match pods.first() {
            None => StoreError::Absent { namespace },
            Some(pod) => StoreError::Unready {
                namespace,
                pod: name(pod),
                state: state(pod),
            },
        })
    }
}

impl Dial for StorePods {
    type Error = StoreError;

    async fn dial(&self) -> Result<Connection, StoreError> {
        let (name, port) = self.ready().await?;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), self.namespace.as_str());
        let forward = |source| StoreError::Forward {
            pod: name.clone(),
            source,
        };
        let forwarder = call(pods.portforward(&name, &[port])).await;
        let mut forwarder = forwarder.map_err(forward)?;
        let unusable = || forward(ApiError::Unanswered("no stream was opened".to_owned()));
        let stream = forwarder.take_stream(port).ok_or_else(unusable)?;
        let trouble = forwarder.take_error(port).ok_or_else(unusable)?;
        // The forwarder's own task ends with the stream.
        Ok(Connection {
            stream: Box::new(stream),
            trouble: Box::new(trouble.boxed()),
        })
    }
}

/// Why the store cannot be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// There is none.
    #[error(
        "no pod of oncue's store is in the namespace {namespace} (looked for {LABELS}): is oncue \
         installed, and in this namespace? --system-namespace names another"
    )]
    Absent {
        /// Where it was looked for.
        namespace: Namespace,
    },
    /// It cannot be looked for.
    #[error("failed to look for oncue's store in the namespace {namespace}: {source}")]
    Find {
        namespace: Namespace,
        /// What the API server said.
        source: ApiError,
    },
    /// Its pod cannot be reached.
    #[error("failed to forward a port to the pod {pod}: {source}")]
    Forward {
        pod: String,
        /// What the API server said.
        source: ApiError,
    },
    /// No pod of it is ready.
    #[error("no pod of oncue's store in the namespace {namespace} is ready: {pod} is {state}")]
    Unready {
        namespace: Namespace,
        pod: String,
        /// What keeps it.
        state: String,
    },
}

pub(super) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| &status.conditions);
    let mut conditions = conditions.flatten();
    pod.metadata.deletion_timestamp.is_none()
        && conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn port(pod: &Pod) -> u16 {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports
        .find(|port| port.name.as_deref() == Some("http"))
        .and_then(|port| u16::try_from(port.container_port).ok())
        .unwrap_or(DEFAULT_PORT)
}

/// Returns what keeps a pod from being ready, as `kubectl get pods` says it.
fn state(pod: &Pod) -> String {
    if pod.metadata.deletion_timestamp.is_some() {
        return "Terminating".to_owned();
    }
    let status = pod.status.as_ref();
    let containers = status.and_then(|status| status.container_statuses.as_ref());
    let reason = containers.into_iter().flatten().find_map(|container| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        waiting.reason.clone()
    });
    reason
        .or_else(|| status?.phase.clone())
        .unwrap_or_else(|| "of unknown state".to_owned())
}

pub(super) const LABELS: &str = "app.kubernetes.io/name=oncue,app.kubernetes.io/component=store";
const DEFAULT_PORT: u16 = 9999;
pub(super) const MAX_PODS: u32 = 100;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::mock::{answer, mk_client};

    fn mk_pod(name: &str, ready: &str, rest: &Value) -> Value {
        let mut pod = json!({
            "metadata": {"name": name},
            "spec": {"containers": [{"name": "oncue", "ports": [
                {"name": "admin", "containerPort": 9998}, {"name": "http", "containerPort": 8080},
            ]}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
        });
        json_patch::merge(&mut pod, rest);
        pod
    }

    async fn ready(pods: &[Value]) -> Result<(String, u16), String> {
        let (client, handle) = mk_client();
        let pods = json!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": pods});
        let server = answer(handle, vec![(200, pods)]);
        let store = StorePods::new(client, "oncue-system".parse().unwrap());
        let found = store.ready().await.map_err(|error| error.to_string());
        drop(store);
        let asked = server.await.unwrap();
        assert!(asked[0].starts_with("/api/v1/namespaces/oncue-system/pods?"));
        assert!(asked[0].contains("component%3Dstore"), "{asked:?}");
        found
    }

    #[tokio::test]
    async fn a_ready_pod_is_chosen_with_its_port() {
        let deletion = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        let pods = [
            mk_pod("going", "True", &deletion),
            mk_pod("coming", "False", &json!({})),
            mk_pod("ready", "True", &json!({})),
        ];
        assert_eq!(ready(&pods).await, Ok(("ready".to_owned(), 8080)));
    }

    #[tokio::test]
    async fn where_no_pod_is_ready_it_is_told_what_keeps_one() {
        let waiting = json!([{"name": "oncue", "ready": false, "restartCount": 0, "image": "",
                              "imageID": "", "state": {"waiting": {"reason": "ErrImagePull"}}}]);
        let pod = mk_pod(
            "a-0",
            "False",
            &json!({"status": {"containerStatuses": waiting}}),
        );
        let error = ready(&[pod]).await.unwrap_err();
        assert!(error.ends_with("is ready: a-0 is ErrImagePull"), "{error}");
    }

    #[tokio::test]
    async fn where_there_is_no_pod_the_namespace_is_named() {
        let error = ready(&[]).await.unwrap_err();
        assert!(error.contains("in the namespace oncue-system"), "{error}");
        assert!(error.contains("--system-namespace"), "{error}");
    }

    #[tokio::test]
    async fn a_missing_permission_is_named() {
        let (client, handle) = mk_client();
        let words = "pods is forbidden: User \"x\" cannot list resource \"pods\"";
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                            "message": words, "reason": "Forbidden", "code": 403});
        let server = answer(handle, vec![(403, status)]);
        let store = StorePods::new(client, "oncue-system".parse().unwrap());
        let error = store.dial().await.err().unwrap().to_string();
        drop(store);
        server.await.unwrap();
        assert!(error.contains(words), "{error}");
        assert!(error.contains("RBAC"), "{error}");
    }
}
