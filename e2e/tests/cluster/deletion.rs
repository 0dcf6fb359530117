//! Pods that are deleted while they wait.

use anyhow::Result;
use e2e::kit::{PodManifest, deployment, eventually, pod, with_temp_ns};
use serde_json::json;

#[tokio::test]
async fn a_waiting_pod_is_deleted_at_once_and_the_store_drops_its_wait() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = ns.create_pod(patient("app")).await?;
        pod.is_held().await?;
        // As `eventually` has less than the grace period, so does kubectl.
        ns.kubectl(&["delete", "pod", "app"]).text().await?;
        eventually("the store has forgotten the wait", async || {
            Ok(ns.store().waiting_pods().await?.is_empty().then_some(()))
        })
        .await
    })
    .await
}

/// The namespace itself goes when Kubernetes looks at it again: after half of the time that its
/// pods may take, however soon they are gone.
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

/// Has more time to end than any test: only one that ends when it is told to is gone in time.
fn patient(name: &str) -> PodManifest {
    pod(name)
        .depends_on("never/there")
        .spec(json!({"terminationGracePeriodSeconds": 600}))
}
