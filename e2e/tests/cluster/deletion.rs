//! Pods that are deleted while they wait.

use anyhow::Result;
use e2e::kit::{PodManifest, deployment, eventually, pod, with_temp_ns};
use serde_json::json;

#[tokio::test]
async fn a_waiting_pod_is_deleted_at_once_and_the_store_drops_its_wait() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = ns.create_pod(patient("app")).await?;
        pod.is_held().await?;
        // kubectl gives up before the grace period ends, like `eventually`.
        ns.kubectl(&["delete", "pod", "app"]).text().await?;
        eventually("the store has forgotten the wait", async || {
            Ok(ns.store().waiting_pods().await?.is_empty().then_some(()))
        })
        .await
    })
    .await
}

/// Kubernetes checks a terminating namespace again after half of its pods' grace period, even if
/// they end earlier.
#[tokio::test]
async fn waiting_pods_do_not_delay_the_deletion_of_their_namespace() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(deployment(5, patient("app"))).await?;
        for pod in ns.pods_of("app", 5).await? {
            pod.is_held().await?;
        }
        let delete = ["delete", "namespace", ns.name(), "--wait=false"];
        ns.cluster().kubectl().args(delete).text().await?;
        eventually("no pod is left", async || {
            Ok((ns.pod_count().await? == 0).then_some(()))
        })
        .await
    })
    .await
}

/// The grace period is longer than any test, so the pod is gone in time only if it ends on SIGTERM.
fn patient(name: &str) -> PodManifest {
    pod(name)
        .depends_on("never/there")
        .spec(json!({"terminationGracePeriodSeconds": 600}))
}
