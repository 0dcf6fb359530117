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

/// The API server takes no Signals for such a namespace, and the store must not stop because of it.
#[tokio::test]
async fn a_namespace_is_deleted_while_its_pods_signal() -> Result<()> {
    with_temp_ns(async |ns| {
        with_temp_ns(async |doomed| {
            let producer = pod("producer").signals("producers/$(POD_NAME)");
            doomed.create_object(deployment(10, producer)).await?;
            doomed.store().until("producers/*").await?;
            doomed.delete_and_wait().await
        })
        .await?;
        ns.create_pod(pod("first").signals("first/container"))
            .await?;
        let second = pod("second").depends_on("first/container");
        ns.create_pod(second).await?.is_running().await?;
        Ok(())
    })
    .await
}

/// The grace period is longer than any test, so the pod is gone in time only if it ends on SIGTERM.
fn patient(name: &str) -> PodManifest {
    pod(name)
        .depends_on("never/there")
        .spec(json!({"terminationGracePeriodSeconds": 600}))
}
