//! A node that does not exist, and its pods: no kubelet runs them, and this program writes their
//! status.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Container, Node, Pod};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::kit::{LivePod, Namespace, PodManifest};

/// The node, and the namespace of its pods.
pub(super) struct FakeNode<'a> {
    ns: &'a Namespace,
}

const NAME: &str = "fake";

impl<'a> FakeNode<'a> {
    /// Measures with a fake node, and removes it and the namespace's pods afterwards.
    pub(super) async fn with(
        ns: &'a Namespace,
        measure: impl AsyncFnOnce(&Self) -> Result<()>,
    ) -> Result<()> {
        let nodes: Api<Node> = Api::all(ns.client());
        let node = serde_json::from_value(json!({"metadata": {"name": NAME}}))?;
        nodes.create(&PostParams::default(), &node).await?;
        let measured = measure(&Self { ns }).await;
        delete_all(&ns.api()).await?;
        nodes.delete(NAME, &DeleteParams::default()).await?;
        measured
    }

    /// Creates a pod on the node. None of its containers run.
    pub(super) async fn create(&self, pod: PodManifest) -> Result<LivePod> {
        let everything = json!([{"operator": "Exists"}]);
        let pod = pod.spec(json!({"nodeName": NAME, "tolerations": everything}));
        self.ns.create_pod(pod).await
    }

    /// Creates a pod on the node, and says that its containers run.
    pub(super) async fn start(&self, pod: PodManifest) -> Result<()> {
        let pod = self.create(pod).await?;
        let spec = pod.get().await?.spec.context("a pod has a spec")?;
        let ended = json!({"terminated": {"exitCode": 0}});
        let runs = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
        let status = json!({"status": {
            "phase": "Running",
            "initContainerStatuses": statuses(&spec.init_containers.unwrap_or_default(), &ended),
            "containerStatuses": statuses(&spec.containers, &runs),
        }});
        let pods = self.ns.api::<Pod>();
        let patch = Patch::Merge(status);
        pods.patch_status(pod.name(), &PatchParams::default(), &patch)
            .await?;
        Ok(())
    }
}

/// Deletes the pods in parts, because the API server limits the time of one request.
async fn delete_all(pods: &Api<Pod>) -> Result<()> {
    // Nobody confirms the end of these pods.
    let at_once = DeleteParams::default().grace_period(0);
    let some = ListParams::default().limit(500);
    while !pods
        .list_metadata(&some.clone().limit(1))
        .await?
        .items
        .is_empty()
    {
        pods.delete_collection(&at_once, &some).await?;
    }
    Ok(())
}

fn statuses(containers: &[Container], state: &Value) -> Value {
    let status = |container: &Container| {
        json!({"name": container.name, "state": state, "ready": true, "started": true,
            "restartCount": 0, "image": "none", "imageID": "none"})
    };
    containers.iter().map(status).collect()
}
